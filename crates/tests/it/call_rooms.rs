//! LiveKit's server API, RoomService: in JSON and protobuf, with tokens of the
//! operator's key, and through LiveKit's own SDK for servers.

use std::path::Path;
use std::time::Duration;

use bedside_tests::kit::{Kit, Person, Visit};
use livekit_protocol as lk;
use livekit_token::{AccessToken, VideoGrants};
use lk::signal_response::Message as Response;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::call_moderation::Signaller;

const KEY: &str = "operator";
const SECRET: &str = "a secret of the operator that is long enough";

struct Scene {
    kit: Kit,
    patient: Person,
    provider: Person,
    visit: Visit,
    call: String,
    host: String,
}

impl Scene {
    async fn new() -> Self {
        let kit = Kit::with(&[("calls.key", KEY), ("calls.secret", SECRET)]).await;
        let room = kit.room("main").await;
        let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &[&room]).await);
        let visit = patient.walk_in(&room).await;
        provider.act(&visit, "accept").await.ok();
        let pass = patient.act(&visit, "call").await.data();
        let call = pass["meeting_id"].as_str().unwrap().to_owned();
        let host = pass["url"].as_str().unwrap().replacen("ws", "http", 1);
        Self { kit, patient, provider, visit, call, host }
    }

    fn admin(&self) -> VideoGrants {
        VideoGrants { room_admin: true, room: self.call.clone(), ..Default::default() }
    }

    async fn ask(&self, method: &str, token: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/twirp/livekit.RoomService/{method}", self.host);
        let request = reqwest::Client::new().post(url).bearer_auth(token).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

fn token(secret: &str, grants: VideoGrants) -> String {
    AccessToken::with_api_key(KEY, secret).with_grants(grants).to_jwt().unwrap()
}

#[tokio::test]
async fn only_the_operators_key_opens_it_and_only_as_far_as_its_token_says() {
    let scene = Scene::new().await;
    let list = || VideoGrants { room_list: true, ..Default::default() };
    let (status, refusal) =
        scene.ask("ListRooms", &token("another secret of the same length as it is", list()), json!({})).await;
    assert_eq!((status, &refusal["code"]), (401, &json!("unauthenticated")));
    let (status, refusal) = scene.ask("ListRooms", "nonsense", json!({})).await;
    assert_eq!((status, &refusal["code"]), (401, &json!("unauthenticated")));
    // A join token of a person in the call is signed with another secret.
    let pass = scene.patient.act(&scene.visit, "call").await.data();
    assert_eq!(scene.ask("ListRooms", pass["token"].as_str().unwrap(), json!({})).await.0, 401);

    let admin = token(SECRET, scene.admin());
    let (status, refusal) = scene.ask("ListRooms", &admin, json!({})).await;
    assert_eq!((status, &refusal["code"]), (403, &json!("permission_denied")));
    let other = json!({ "room": "another" });
    assert_eq!(scene.ask("ListParticipants", &admin, other).await.0, 403);
    assert_eq!(scene.ask("DeleteRoom", &admin, json!({ "room": scene.call })).await.0, 403);
    assert_eq!(scene.ask("ListRooms", &token(SECRET, list()), json!({})).await, (200, json!({})));
    assert_eq!(scene.ask("Whatever", &admin, json!({})).await.0, 404);
    assert_eq!(scene.ask("MoveParticipant", &admin, json!({})).await.0, 501);
    assert_eq!(scene.ask("ListRooms", &token(SECRET, list()), json!([1])).await.0, 400);

    // It opens no call: the operator's key signs no join.
    let mut grants = scene.admin();
    grants.room_join = true;
    let forged = AccessToken::with_api_key(KEY, SECRET)
        .with_identity(&format!("user-{}", scene.patient.id))
        .with_grants(grants)
        .to_jwt()
        .unwrap();
    assert_eq!(crate::calls::door(&pass, Some(&forged)).await.unwrap_err(), 401);
}

#[tokio::test]
async fn without_a_key_it_is_closed() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let pass = patient.act(&visit, "call").await.data();
    let url = format!(
        "{}/twirp/livekit.RoomService/ListRooms",
        pass["url"].as_str().unwrap().replacen("ws", "http", 1)
    );
    for token in [
        token("a secret that nobody has ever set here", VideoGrants::default()),
        pass["token"].as_str().unwrap().to_owned(),
    ] {
        let answer =
            reqwest::Client::new().post(&url).bearer_auth(token).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
}

#[tokio::test]
async fn it_does_in_a_call_what_it_is_told() {
    let scene = Scene::new().await;
    let pass = scene.patient.act(&scene.visit, "call").await.data();
    let mut inside = Signaller::enter(&pass).await;
    let sid = inside.microphone().await;
    let identity = format!("user-{}", scene.patient.id);
    let admin = token(SECRET, scene.admin());
    let (room, who) = (scene.call.clone(), json!({ "room": scene.call, "identity": identity }));

    let (status, list) = scene.ask("ListParticipants", &admin, json!({ "room": room })).await;
    assert_eq!((status, &list["participants"][0]["identity"]), (200, &json!(identity)));
    assert_eq!(scene.ask("GetParticipant", &admin, who.clone()).await.1["identity"], json!(identity));
    let gone = json!({ "room": room, "identity": "user-0" });
    let (status, refusal) = scene.ask("GetParticipant", &admin, gone).await;
    assert_eq!((status, &refusal["code"]), (404, &json!("not_found")));

    let mute = |muted: bool| json!({ "room": room, "identity": identity, "trackSid": sid, "muted": muted });
    let (status, answer) = scene.ask("MutePublishedTrack", &admin, mute(true)).await;
    assert_eq!((status, &answer["track"]["muted"]), (200, &json!(true)));
    let (status, refusal) = scene.ask("MutePublishedTrack", &admin, mute(false)).await;
    assert_eq!((status, &refusal["code"]), (412, &json!("failed_precondition")));

    let change = json!({ "room": room, "identity": identity, "name": "Dr A", "metadata": "m",
        "permission": { "canSubscribe": true, "canPublish": false, "canPublishData": true } });
    let (status, answer) = scene.ask("UpdateParticipant", &admin, change).await;
    assert_eq!((status, &answer["name"]), (200, &json!("Dr A")));
    assert!(!answer["permission"].get("canPublish").and_then(Value::as_bool).unwrap_or(false));
    inside
        .until(|response| match response {
            Response::TrackUnpublished(gone) => Some(gone.track_sid),
            _ => None,
        })
        .await;

    let described = json!({ "room": room, "metadata": "about knees" });
    assert_eq!(scene.ask("UpdateRoomMetadata", &admin, described).await.1["metadata"], "about knees");
    inside
        .until(|response| match response {
            Response::RoomUpdate(update) => (update.room?.metadata == "about knees").then_some(()),
            _ => None,
        })
        .await;
    let data = json!({ "room": room, "data": "aGk=", "kind": "RELIABLE", "topic": "t" });
    assert_eq!(scene.ask("SendData", &admin, data).await.0, 200);
    let wish = json!({ "room": room, "identity": identity, "trackSids": ["TR_x"], "subscribe": true });
    assert_eq!(scene.ask("UpdateSubscriptions", &admin, wish).await.0, 200);

    // The same in protobuf.
    let request = lk::ListParticipantsRequest { room: room.clone() }.encode_to_vec();
    let answer = reqwest::Client::new()
        .post(format!("{}/twirp/livekit.RoomService/ListParticipants", scene.host))
        .bearer_auth(&admin)
        .header("content-type", "application/protobuf")
        .body(request)
        .send()
        .await
        .unwrap();
    let list = lk::ListParticipantsResponse::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(list.participants[0].name, "Dr A");

    assert_eq!(scene.ask("RemoveParticipant", &admin, who).await.0, 200);
    assert_eq!(inside.reason_of_leaving().await, lk::DisconnectReason::ParticipantRemoved);
    let create = token(SECRET, VideoGrants { room_create: true, ..Default::default() });
    let (status, refusal) = scene.ask("CreateRoom", &create, json!({ "name": "nowhere" })).await;
    assert_eq!((status, &refusal["code"]), (412, &json!("failed_precondition")));
    assert_eq!(scene.ask("CreateRoom", &create, json!({ "name": room })).await.1["name"], json!(room));

    // The clinic reads in its audit trail what the operator's program did.
    let entries =
        scene.kit.admin().get(&format!("/audit?object_id={}&limit=100", scene.visit.id)).await.data();
    let acts: Vec<&str> =
        entries.as_array().unwrap().iter().filter_map(|one| one["action"].as_str()).collect();
    for act in ["mute", "change", "describe", "send_data", "subscribe", "remove"] {
        let act = format!("call_rooms.{act}");
        assert_eq!(acts.iter().filter(|one| **one == act).count(), 1, "{act} in {acts:?}");
    }
}

/// LiveKit's SDKs for Node: what npm has put beside the pages.
fn node_sdk() -> bool {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/node_modules");
    packages.join("livekit-server-sdk").is_dir() && packages.join("@livekit/rtc-node").is_dir()
}

#[tokio::test]
async fn livekits_server_sdk_and_node_sdk_work_as_they_come() {
    if !node_sdk() {
        eprintln!("skipped: the Node SDKs are not installed; `npm ci` in web/ brings them");
        return;
    }
    let scene = Scene::new().await;
    let passes = [
        scene.patient.act(&scene.visit, "call").await.data(),
        scene.provider.act(&scene.visit, "call").await.data(),
    ];
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let mut script = Command::new("node");
    script.current_dir(&web).arg("sdk-tests/call.mjs").kill_on_drop(true);
    script.args([&scene.host, &scene.call, KEY, SECRET]);
    for pass in &passes {
        script.args([pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap()]);
    }
    let run = tokio::time::timeout(Duration::from_secs(120), script.output());
    let output = run.await.expect("the script ends by itself").expect("the script starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("ok:"), "{said}");
    // It came on the path with one connection, not on the one to fall back to.
    let page = scene.kit.anonymous().get("//metrics").await.ok().text;
    let entered = page.lines().find(|line| line.contains("\"/rtc/v1\"") && line.contains("_count"));
    assert!(entered.is_some_and(|line| line.ends_with(" 2")), "{entered:?}");
}
