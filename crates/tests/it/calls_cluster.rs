//! Calls at a LiveKit cluster: what it tells, and what is made of that. Tests
//! that need a real one run where `BEDSIDE_TEST_LIVEKIT` names LiveKit's server.

use std::collections::BTreeSet;

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use bedside_app::calls;
use bedside_tests::kit::{Answer, Cluster, Kit, Peer, Person, Stream, Visit, binary, peer::python};
use livekit_token::{AccessToken, TokenVerifier, VideoGrants};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const KEY: &str = "key-of-the-cluster";
const SECRET: &str = "a secret that only the cluster and we have";
/// Nobody listens there.
const NOWHERE: &str = "ws://127.0.0.1:9";

/// A server whose calls begin at a cluster that does not answer.
async fn kit() -> Kit {
    Kit::with(&settings()).await
}

fn settings() -> [(&'static str, &'static str); 4] {
    [("calls.kind", "livekit"), ("calls.url", NOWHERE), ("calls.key", KEY), ("calls.secret", SECRET)]
}

/// A video visit in progress.
async fn visit(kit: &Kit) -> (Person, Person, Visit) {
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    (patient, provider, visit)
}

fn meeting(visit: &Visit) -> &str {
    visit.body["meeting"]["meeting_id"].as_str().unwrap()
}

/// The cluster posts something.
async fn post(kit: &Kit, secret: &str, signed: &Value, body: &Value) -> Answer {
    let hash = BASE64_STANDARD.encode(Sha256::digest(signed.to_string()));
    let token = AccessToken::with_api_key(KEY, secret).with_sha256(&hash).to_jwt().unwrap();
    kit.anonymous().header("Authorization", &token).post("//livekit/webhook", body.clone()).await
}

fn word(event: &str, call: &str, user: &str, sid: &str) -> Value {
    json!({ "event": event, "id": "EV_1", "createdAt": "1800000000", "room": { "sid": "RM_1", "name": call },
        "participant": { "sid": sid, "identity": format!("user-{user}"), "state": "ACTIVE" } })
}

async fn tell(kit: &Kit, event: &str, call: &str, user: &str, sid: &str) {
    let body = word(event, call, user, sid);
    post(kit, SECRET, &body, &body).await.ok();
}

/// Who came and went so far, in order, as events of the visit tell it.
async fn told(provider: &Person, visit: &Visit) -> Vec<(String, String)> {
    // An event that comes after all others.
    provider.act(visit, "complete").await.ok();
    let mut desk = Stream::after(&provider.client, Some(0)).await;
    let mut told = Vec::new();
    loop {
        let frame = desk.next().await;
        match frame.event.as_str() {
            "call.peer_joined" | "call.peer_left" => {
                assert_eq!(frame.data["visit_id"], visit.id);
                let who = frame.data["data"]["peer_id"].as_str().unwrap();
                told.push((frame.event.trim_start_matches("call.peer_").to_owned(), who.to_owned()));
            }
            "visit.ended" => return told,
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_the_cluster_tells_twice_or_late_is_one_event() {
    let kit = kit().await;
    let (patient, provider, visit) = visit(&kit).await;
    // Nobody holds the call yet: the first who enters decides, and finds no cluster.
    patient.act(&visit, "call").await.refused(503, "unavailable");
    let call = meeting(&visit);
    let (p, d) = (&patient.id, &provider.id);
    tell(&kit, "participant_joined", call, p, "PA_1").await;
    tell(&kit, "participant_joined", call, p, "PA_1").await;
    // Left before it is told to have joined.
    tell(&kit, "participant_left", call, d, "PA_2").await;
    tell(&kit, "participant_joined", call, d, "PA_2").await;
    // The same person on a new line.
    tell(&kit, "participant_joined", call, p, "PA_3").await;
    tell(&kit, "participant_left", call, p, "PA_1").await;
    tell(&kit, "participant_left", call, p, "PA_3").await;
    tell(&kit, "participant_left", call, p, "PA_3").await;
    // About tracks, about a call of another house, about a recorder.
    tell(&kit, "track_published", call, p, "PA_3").await;
    tell(&kit, "participant_joined", "somebody-elses-call", p, "PA_4").await;
    let recorder = json!({ "event": "participant_joined", "room": { "name": call },
        "participant": { "sid": "PA_5", "identity": "EG_1" } });
    post(&kit, SECRET, &recorder, &recorder).await.ok();
    // Nobody's visit changed by any of that.
    assert_eq!(provider.client.get(&format!("/visits/{}", visit.id)).await.data()["status"], "25");

    let expected = [("joined", p), ("joined", d), ("left", d), ("left", p)];
    let expected: Vec<_> = expected.map(|(what, who)| (what.to_owned(), who.clone())).into();
    assert_eq!(told(&provider, &visit).await, expected);
}

#[tokio::test]
async fn only_the_cluster_is_heard() {
    let kit = kit().await;
    let (patient, provider, visit) = visit(&kit).await;
    patient.act(&visit, "call").await.refused(503, "unavailable");
    let genuine = word("participant_joined", meeting(&visit), &patient.id, "PA_1");
    let changed = word("participant_joined", meeting(&visit), &provider.id, "PA_1");
    assert_eq!(post(&kit, "another secret", &genuine, &genuine).await.status, 401);
    assert_eq!(post(&kit, SECRET, &genuine, &changed).await.status, 401);
    assert_eq!(kit.anonymous().post("//livekit/webhook", genuine.clone()).await.status, 401);
    // Who may enter a call is not the cluster: their token is signed, but names no message.
    let token = AccessToken::with_api_key(KEY, SECRET).with_identity("user-1").to_jwt().unwrap();
    let patients = kit.anonymous().header("Authorization", &token);
    assert_eq!(patients.post("//livekit/webhook", genuine.clone()).await.status, 401);
    let old = kit.anonymous().header("Authorization", &stale(&genuine));
    assert_eq!(old.post("//livekit/webhook", genuine.clone()).await.status, 401);
    assert_eq!(told(&provider, &visit).await, []);
    // A server without a cluster hears nobody.
    let embedded = Kit::start().await;
    assert_eq!(post(&embedded, SECRET, &genuine, &genuine).await.status, 401);
}

/// Signed well, two hours ago.
fn stale(body: &Value) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let hash = BASE64_STANDARD.encode(Sha256::digest(body.to_string()));
    let claims = json!({ "iss": KEY, "nbf": now - 7200, "exp": now - 6900, "sha256": hash });
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let padded = |with: u8| -> Vec<u8> {
        let key = SECRET.bytes().chain(std::iter::repeat(0));
        key.take(64).map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::digest([padded(0x36), signed.clone().into_bytes()].concat());
    let signature = Sha256::digest([padded(0x5c), inner.to_vec()].concat());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn who_knocks_too_often_without_a_signature_has_to_wait() {
    let kit = Kit::with(&[settings().as_slice(), &[("limits.anonymous_per_s", "2")]].concat()).await;
    let mut refused = BTreeSet::new();
    for _ in 0..20 {
        let answer = kit.anonymous().post("//livekit/webhook", json!({})).await;
        refused.insert(answer.status.as_u16());
    }
    assert_eq!(refused, [401, 429].into());
    // The cluster behind the same address is heard all the same.
    let genuine = json!({ "event": "room_started", "room": { "name": "x" } });
    post(&kit, SECRET, &genuine, &genuine).await.ok();
}

/// The same person at a server that was started again.
fn again(kit: &Kit, person: &Person) -> Person {
    Person { client: kit.bearer(&person.token), ..person.clone() }
}

#[tokio::test]
async fn a_call_ends_where_it_began() {
    let mut kit = Kit::start().await;
    let (patient, provider, first) = visit(&kit).await;
    patient.act(&first, "call").await.ok();
    // The clinic moves to a cluster, and keeps its own node for what began there.
    kit.restart(&settings()).await;
    let (patient, provider) = (again(&kit, &patient), again(&kit, &provider));
    let pass = provider.act(&first, "call").await.data();
    assert_eq!(pass["url"], kit.base.replacen("http", "ws", 1));
    assert!(super::calls::door(&pass, None).await.is_ok(), "our own node lets them in");
    provider.act(&first, "complete").await.ok();
    // The next one is the cluster's, and that does not answer.
    let second = patient.walk_in("main").await;
    provider.act(&second, "accept").await.ok();
    provider.act(&second, "call").await.refused(503, "unavailable");
    // Back again, and the cluster is configured no more: the call begins anew with us.
    kit.restart(&[]).await;
    let provider = again(&kit, &provider);
    let pass = provider.act(&second, "call").await.data();
    assert!(super::calls::door(&pass, None).await.is_ok());
}

#[tokio::test]
async fn a_visit_is_completed_though_the_cluster_does_not_answer() {
    let kit = kit().await;
    let (patient, provider, visit) = visit(&kit).await;
    patient.act(&visit, "call").await.refused(503, "unavailable");
    provider.act(&visit, "complete").await.ok();
    assert!(calls::end_if_over(&kit.app, meeting(&visit)).await.is_err(), "the job comes back");
    assert!(calls::look(&kit.app).await.is_err());
}

#[tokio::test]
async fn pages_may_speak_to_the_cluster_and_to_nobody_else() {
    let kit = kit().await;
    let page = kit.anonymous().get("//").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let connect = policy.split(';').find(|part| part.trim().starts_with("connect-src")).unwrap();
    let own = kit.base.replacen("http", "ws", 1);
    assert_eq!(connect.trim(), format!("connect-src 'self' {own} {NOWHERE} http://127.0.0.1:9"));
}

/// A clinic on a running cluster, and the Python of its peers; none, and a
/// word why, where there is no LiveKit server.
async fn on_a_cluster(is_told: bool) -> Option<(Kit, Cluster, std::path::PathBuf)> {
    let (Some(mut cluster), Some(python)) = (Cluster::plan(), python()) else {
        eprintln!("skipped: no LiveKit server or no Python SDK; `cargo xtask test --cluster` gets them");
        return None;
    };
    let kit = Kit::with(&cluster.settings()).await;
    cluster.start(is_told.then_some(&*kit.base)).await;
    Some((kit, cluster, python))
}

fn text<'a>(pass: &'a Value, name: &str) -> &'a str {
    pass[name].as_str().unwrap()
}

/// The next events about the visit's call, until each of these people came or went.
async fn heard(desk: &mut Stream, event: &str, people: &[&Person]) {
    let mut missing: BTreeSet<&str> = people.iter().map(|person| person.id.as_str()).collect();
    while !missing.is_empty() {
        let frame = desk.next_of(event).await;
        let who = frame.data["data"]["peer_id"].as_str().unwrap();
        assert!(missing.remove(who), "{who} is told once by {event}");
    }
}

#[tokio::test]
async fn a_whole_visit_runs_through_two_nodes() {
    let Some((kit, cluster, python)) = on_a_cluster(true).await else { return };
    let (patient, provider, visit) = visit(&kit).await;
    let mut desk = Stream::open(&provider.client).await;
    let first = patient.act(&visit, "call").await.data();
    let second = provider.act(&visit, "call").await.data();
    assert_eq!((text(&first, "url"), text(&second, "url")), (&*cluster.nodes[0], &*cluster.nodes[0]));
    let token = TokenVerifier::with_api_key(cluster.settings()[2].1, cluster.settings()[3].1);
    let claims = token.verify(text(&first, "token")).unwrap();
    let grants = VideoGrants { room_join: true, room: meeting(&visit).to_owned(), ..VideoGrants::default() };
    assert_eq!((claims.video.room_join, &claims.video.room), (grants.room_join, &grants.room));
    assert!(!claims.video.room_admin && !claims.video.room_create && !claims.video.room_record);

    let mut passes = [first, second];
    // As if a load balancer had sent the other one elsewhere: a call is on one
    // node, whichever node is entered by.
    passes[1]["url"] = json!(cluster.nodes[1]);
    super::python_sdk::they_meet(&python, &passes).await;
    heard(&mut desk, "call.peer_joined", &[&patient, &provider]).await;
    heard(&mut desk, "call.peer_left", &[&patient, &provider]).await;
    // Everybody left the call, and the visit goes on.
    assert_eq!(provider.client.get(&format!("/visits/{}", visit.id)).await.data()["status"], "25");

    let mut peer = Peer::join(&python, text(&passes[0], "url"), text(&passes[0], "token"));
    peer.next_of("joined").await;
    heard(&mut desk, "call.peer_joined", &[&patient]).await;
    let people = provider.client.get(&format!("/visits/{}/participants", visit.id)).await.data();
    let here = |people: &Value| -> Vec<bool> {
        people.as_array().unwrap().iter().map(|person| person["in_call"].as_bool().unwrap()).collect()
    };
    assert_eq!(here(&people).iter().filter(|here| **here).count(), 1, "{people}");
    provider.act(&visit, "complete").await.ok();
    desk.next_of("visit.ended").await;
    peer.ended("ROOM_DELETED").await;
    heard(&mut desk, "call.peer_left", &[&patient]).await;
    // Their token is good for some more minutes, but nothing is behind it.
    let mut late = Peer::join(&python, text(&passes[0], "url"), text(&passes[0], "token"));
    late.next_of("refused").await;
}

#[tokio::test]
async fn who_may_not_be_there_is_taken_out_each_time() {
    let Some((kit, _cluster, python)) = on_a_cluster(true).await else { return };
    let (patient, provider, visit) = visit(&kit).await;
    let pass = patient.act(&visit, "call").await.data();
    let mut desk = Stream::open(&provider.client).await;
    let mut peer = Peer::join(&python, text(&pass, "url"), text(&pass, "token"));
    peer.next_of("joined").await;
    heard(&mut desk, "call.peer_joined", &[&patient]).await;
    kit.admin().post(&format!("/users/{}", patient.id), json!({ "status": 30 })).await.ok();
    peer.ended("PARTICIPANT_REMOVED").await;
    heard(&mut desk, "call.peer_left", &[&patient]).await;
    // The cluster still takes their token; the visit does not.
    let mut peer = Peer::join(&python, text(&pass, "url"), text(&pass, "token"));
    peer.next_of("joined").await;
    peer.ended("PARTICIPANT_REMOVED").await;
}

#[tokio::test]
async fn a_cluster_that_tells_nothing_is_looked_at() {
    let Some((kit, mut cluster, python)) = on_a_cluster(false).await else { return };
    let (patient, provider, visit) = visit(&kit).await;
    let pass = patient.act(&visit, "call").await.data();
    let mut desk = Stream::open(&provider.client).await;
    let mut peer = Peer::join(&python, text(&pass, "url"), text(&pass, "token"));
    peer.next_of("joined").await;
    calls::look(&kit.app).await.unwrap();
    heard(&mut desk, "call.peer_joined", &[&patient]).await;
    calls::look(&kit.app).await.unwrap();
    peer.leave().await;
    // A connection that is only just there may be missing from a list: the
    // look of the house itself, some seconds later, finds it gone.
    heard(&mut desk, "call.peer_left", &[&patient]).await;
    // Without the cluster nobody knows, and nothing is made up.
    cluster.kill().await;
    assert!(calls::look(&kit.app).await.is_err());
    provider.act(&visit, "call").await.refused(503, "unavailable");
    assert_eq!(provider.client.get(&format!("/visits/{}", visit.id)).await.data()["status"], "25");
}

/// What `bedside doctor` says of the cluster.
async fn examined(settings: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let ended = binary::run(&["doctor"], settings, home.path()).await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let found = lines.iter().position(|line| line.contains("cluster: ")).expect("a line about it");
    lines[found..lines.len().min(found + 2)].join(" ")
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_with_a_cluster() {
    assert!(examined(&[]).await.starts_with("ok    cluster: not used"));
    let nowhere = examined(&settings()).await;
    assert!(nowhere.starts_with("FAIL  cluster: ws://127.0.0.1:9 cannot be reached"), "{nowhere}");
    assert!(nowhere.contains("Fix: Check calls.url"), "{nowhere}");
    let Some(mut cluster) = Cluster::plan() else {
        eprintln!("skipped: the rest needs a LiveKit server; `cargo xtask test --cluster` gets one");
        return;
    };
    cluster.start(None).await;
    let mut settings = cluster.settings();
    let fine = examined(&settings).await;
    assert!(
        fine.starts_with(&format!("ok    cluster: {} lets us in and carries 0 calls", cluster.nodes[0])),
        "{fine}"
    );
    settings[3].1 = "not the secret of this cluster";
    let refused = examined(&settings).await;
    assert!(refused.starts_with("FAIL  cluster: ") && refused.contains("Fix: Check calls.key"), "{refused}");
    // And a server does not even start with that.
    let home = tempfile::tempdir().unwrap();
    settings.extend([("server.listen", "127.0.0.1:0"), ("media.udp_port", "0")]);
    let ended = binary::run(&["serve"], &settings, home.path()).await;
    assert!(
        !ended.status.success() && ended.stderr.contains("check calls.key and calls.secret"),
        "{ended:?}"
    );
}
