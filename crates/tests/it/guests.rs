//! Guests by invitation: the code leads to the door, the provider opens it.

use bedside_tests::kit::{Answer, Client, Kit, Person, Stream, Visit};
use futures_util::StreamExt;
use livekit_protocol as lk;
use prost::Message as _;
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{calls::door, python_sdk};

struct Scene {
    kit: Kit,
    patient: Person,
    provider: Person,
    visit: Visit,
}

impl Scene {
    /// A visit that waits in the room `main`.
    async fn waiting() -> Self {
        Self::of(Kit::start().await).await
    }

    async fn of(kit: Kit) -> Self {
        let room = kit.room("main").await;
        let patient = kit.patient("p-1").await;
        let provider = kit.provider("d-1", &[&room]).await;
        let visit = patient.walk_in(&room).await;
        Self { kit, patient, provider, visit }
    }

    /// A visit that the provider has taken.
    async fn running() -> Self {
        let scene = Self::waiting().await;
        scene.provider.act(&scene.visit, "accept").await.ok();
        scene
    }

    fn code(&self) -> &str {
        self.visit.body["code"].as_str().unwrap()
    }

    async fn join_as(&self, client: &Client, name: &str) -> Answer {
        client.post("/visits/join", json!({ "code": self.code(), "name": name, "role": "family" })).await
    }

    /// A new guest at the door.
    async fn guest(&self, name: &str) -> Guest {
        let place = self.join_as(&self.kit.anonymous(), name).await.data();
        let client = self.kit.bearer(place["token"]["token"].as_str().unwrap());
        Guest { client, id: place["id"].as_str().unwrap().to_owned(), place }
    }

    async fn decide(&self, guest: &Guest, verb: &str) -> Answer {
        self.provider.client.post(&self.path(guest, verb), json!({})).await
    }

    fn path(&self, guest: &Guest, verb: &str) -> String {
        format!("/visits/{}/guests/{}/{verb}", self.visit.id, guest.id)
    }

    async fn status(&self, guest: &Guest) -> String {
        let place = guest.client.get(&format!("/visits/{}/guests/{}", self.visit.id, guest.id)).await.data();
        place["status"].as_str().unwrap().to_owned()
    }

    async fn call(&self, guest: &Guest) -> Answer {
        guest.client.post(&format!("/visits/{}/call", self.visit.id), json!({})).await
    }
}

struct Guest {
    client: Client,
    id: String,
    place: Value,
}

#[tokio::test]
async fn the_code_leads_to_the_door_and_the_provider_opens_it() {
    let scene = Scene::waiting().await;
    let path = format!("/visits/join/{}", scene.code());
    let before = scene.kit.anonymous().get(&path).await.data();
    assert_eq!(
        before,
        json!({ "status_name": "pending", "state": "not_begun", "room": { "name": "Walk-in care" },
            "account_name": "Northside Clinic", "provider_name": null, "guest": null })
    );
    let guest = scene.guest("Ana  Maria Silva").await;
    assert_eq!(guest.place["status"], "waiting");
    assert_eq!(guest.place["name"], "Ana Maria Silva");
    assert_eq!(
        (&guest.place["user"]["type"], &guest.place["user"]["last_name"]),
        (&json!(600), &json!("Silva"))
    );
    assert_eq!(guest.place["visit"]["id"], scene.visit.id);
    assert!(guest.place["visit"]["provider_name"].is_null());
    // Whoever has a place is told so, and nobody else is.
    assert_eq!(guest.client.get(&path).await.data()["guest"]["id"], guest.id);
    assert!(scene.provider.client.get(&path).await.data()["guest"].is_null());
    // Nobody has the visit: nobody can let guests in.
    scene.decide(&guest, "admit").await.refused(403, "not_allowed");
    scene.call(&guest).await.refused(400, "not_admitted_yet");

    scene.provider.act(&scene.visit, "accept").await.ok();
    let open = scene.kit.anonymous().get(&path).await.data();
    assert_eq!((&open["state"], &open["provider_name"]), (&json!("open"), &json!("Maria d-1")));
    assert_eq!(scene.status(&guest).await, "waiting");
    scene.call(&guest).await.refused(400, "not_admitted_yet");

    let admitted = scene.decide(&guest, "admit").await.data();
    assert_eq!((&admitted["status"], &admitted["role"]), (&json!("admitted"), &json!("family")));
    assert_eq!(scene.status(&guest).await, "admitted");
    let pass = scene.call(&guest).await.data();
    match door(&pass, None).await.unwrap() {
        lk::signal_response::Message::Join(join) => {
            let me = join.participant.unwrap();
            assert_eq!(me.identity, format!("user-{}", guest.place["user_id"].as_str().unwrap()));
            assert_eq!((me.name.as_str(), me.metadata.as_str()), ("Ana Maria Silva", r#"{"role":"guest"}"#));
            assert_eq!(me.attributes.get("guest_role").map(String::as_str), Some("family"));
        }
        other => panic!("{other:?}"),
    }
    scene.provider.act(&scene.visit, "complete").await.ok();
    assert_eq!(scene.status(&guest).await, "ended");
    scene.call(&guest).await.refused(400, "visit_closed");
    assert!(matches!(door(&pass, None).await, Err(400..=404)), "the fresh token opens nothing any more");
    assert_eq!(scene.kit.anonymous().get(&path).await.data()["state"], "ended");
    scene.join_as(&scene.kit.anonymous(), "Late").await.refused(400, "visit_closed");
}

#[tokio::test]
async fn a_guest_sees_the_visit_runs_and_nothing_of_the_patient() {
    let scene = Scene::running().await;
    let guest = scene.guest("Tom").await;
    for admitted in [false, true] {
        if admitted {
            scene.decide(&guest, "admit").await.ok();
        }
        let visit = &scene.visit;
        for path in [
            format!("/visits/{}", visit.id),
            format!("/visits/{}/participants", visit.id),
            format!("/intakes/{}", visit.intake_id),
            format!("/users/{}", scene.patient.id),
        ] {
            assert_eq!(guest.client.get(&path).await.status, 404, "{path}");
        }
        for verb in ["accept", "start", "put_back", "complete", "close"] {
            let body = json!({ "reason": "call_ended" });
            let answer = guest.client.post(&format!("/visits/{}/{verb}", visit.id), body).await;
            assert_eq!(answer.status, 404, "{verb}: {}", answer.text);
        }
        assert_eq!(guest.client.get("/visits").await.json()["total_count"], 0);
        assert_eq!(guest.client.post(&scene.path(&guest, "admit"), json!({})).await.status, 404);
        let place = guest.client.get(&format!("/visits/{}/guests/{}", visit.id, guest.id)).await.ok();
        let told = [place.text.as_str(), &guest.place.to_string()].join(" ");
        let id = format!("\"{}\"", scene.patient.id);
        for secret in ["rash", "p-1", &id, &visit.intake_id] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
    }
}

#[tokio::test]
async fn somebody_turned_away_is_out_at_once_and_may_be_called_back() {
    let scene = Scene::running().await;
    let guest = scene.guest("Tom").await;
    scene.decide(&guest, "admit").await.ok();
    let pass = scene.call(&guest).await.data();
    let url = format!(
        "{}/rtc?access_token={}&protocol=16",
        pass["url"].as_str().unwrap(),
        pass["token"].as_str().unwrap()
    );
    let (mut socket, _) = connect_async(url).await.unwrap();
    let joined = socket.next().await.unwrap().unwrap();
    assert!(matches!(joined, Message::Binary(_)));
    let in_call = |list: Value| {
        let mine = list.as_array().unwrap().iter().find(|one| one["guest_id"] == guest.id).cloned().unwrap();
        (mine["in_call"].as_bool().unwrap(), mine["status"].as_str().unwrap().to_owned())
    };
    let path = format!("/visits/{}/participants", scene.visit.id);
    let list = scene.provider.client.get(&path).await.data();
    assert_eq!(in_call(list), (true, "admitted".to_owned()));

    scene.decide(&guest, "decline").await.ok();
    let mut reason = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message
            && let Ok(response) = lk::SignalResponse::decode(bytes)
            && let Some(lk::signal_response::Message::Leave(leave)) = response.message
        {
            reason = Some(leave.reason());
        }
    }
    assert_eq!(reason, Some(lk::DisconnectReason::ParticipantRemoved));
    assert_eq!(door(&pass, None).await.unwrap_err(), 401);
    scene.call(&guest).await.refused(403, "guest_declined");
    assert_eq!(scene.status(&guest).await, "declined");
    let list = scene.provider.client.get(&path).await.data();
    assert_eq!(in_call(list), (false, "declined".to_owned()));

    scene.decide(&guest, "admit").await.ok();
    scene.call(&guest).await.ok();
}

#[tokio::test]
async fn an_admitted_guest_sees_and_hears_through_the_sdk() {
    let Some(python) = python_sdk::python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let scene = Scene::running().await;
    let guest = scene.guest("Tom").await;
    scene.decide(&guest, "admit").await.ok();
    let passes = [scene.call(&guest).await.data(), scene.provider.act(&scene.visit, "call").await.data()];
    python_sdk::they_meet(&python, &passes).await;
}

#[tokio::test]
async fn a_reload_keeps_the_place() {
    let scene = Scene::running().await;
    let guest = scene.guest("Tom").await;
    scene.decide(&guest, "admit").await.ok();
    let again = scene.join_as(&guest.client, "Tom").await.data();
    assert_eq!((&again["id"], &again["status"]), (&json!(guest.id), &json!("admitted")));
    // From a page: the cookie does the same.
    let page = scene.kit.anonymous().header("X-Session-Kind", "patient");
    let first = scene.join_as(&page, "Eva").await.ok();
    let cookie = first.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let first = first.data();
    let with_cookie = scene.kit.anonymous().page(&cookie, "patient");
    assert_eq!(scene.join_as(&with_cookie, "Eva").await.data()["id"], first["id"]);
    // Somebody else does not get it.
    assert_ne!(scene.join_as(&page, "Eva").await.data()["id"], first["id"]);
    // Whoever has left comes anew, and waits anew.
    guest.client.post(&scene.path(&guest, "leave"), json!({})).await.ok();
    assert_eq!(scene.status(&guest).await, "ended");
    scene.decide(&guest, "admit").await.refused(400, "guest_left");
    assert_eq!(scene.call(&guest).await.status, 404);
    let anew = scene.join_as(&guest.client, "Tom").await.data();
    assert_eq!(anew["status"], "waiting");
    assert_ne!(anew["id"], guest.place["id"]);
}

#[tokio::test]
async fn the_next_provider_decides_anew() {
    let scene = Scene::running().await;
    let colleague = scene.kit.provider("d-2", &["main"]).await;
    let guest = scene.guest("Tom").await;
    scene.decide(&guest, "admit").await.ok();
    colleague.client.post(&scene.path(&guest, "admit"), json!({})).await.refused(403, "not_allowed");
    scene.provider.act(&scene.visit, "put_back").await.ok();
    assert_eq!(scene.status(&guest).await, "waiting");
    scene.call(&guest).await.refused(400, "not_admitted_yet");
    colleague.act(&scene.visit, "accept").await.ok();
    assert_eq!(scene.status(&guest).await, "waiting");
    scene.call(&guest).await.refused(400, "not_admitted_yet");
    scene.decide(&guest, "admit").await.refused(403, "not_allowed");
    colleague.client.post(&scene.path(&guest, "admit"), json!({})).await.ok();
    scene.call(&guest).await.ok();
}

#[tokio::test]
async fn only_the_right_code_of_the_right_clinic() {
    let scene = Scene::of(Kit::with(&[("limits.failed_per_min", "5")]).await).await;
    let other = scene.kit.another_clinic("southside").await;
    let elsewhere = scene.kit.admin_of(&other);
    scene.join_as(&elsewhere, "Tom").await.refused(404, "invitation_not_found");
    // Nothing names the clinic: the code does.
    scene.join_as(&scene.kit.anonymous(), "Tom").await.ok();
    let path = format!("/visits/join/{}", scene.code());
    elsewhere.get(&path).await.refused(404, "invitation_not_found");
    scene.kit.anonymous().get(&format!("{path}.json")).await.ok();
    let mut last = 0;
    for n in 0..6 {
        let answer = scene.kit.anonymous().get(&format!("/visits/join/{n:032x}")).await;
        last = answer.status.as_u16();
        assert!(matches!(last, 404 | 429), "{}", answer.text);
    }
    assert_eq!(last, 429, "guessing is slowed down");
    scene.kit.anonymous().get(&path).await.ok();
}

#[tokio::test]
async fn what_a_guest_must_say() {
    let scene = Scene::waiting().await;
    let client = scene.kit.anonymous();
    for (field, body) in [
        ("name", json!({ "code": scene.code(), "name": "  ", "role": "family" })),
        ("name", json!({ "code": scene.code(), "name": "x".repeat(101), "role": "family" })),
        ("role", json!({ "code": scene.code(), "name": "Tom", "role": "doctor" })),
        ("role", json!({ "code": scene.code(), "name": "Tom" })),
        ("code", json!({ "name": "Tom", "role": "carer" })),
    ] {
        let refused = client.post("/visits/join", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    scene.join_as(&scene.patient.client, "Maria").await.refused(400, "own_visit");
    let form = [("code", scene.code()), ("name", "Tom"), ("role", "interpreter")];
    assert_eq!(client.form("/visits/join.json", &form).await.data()["role"], "interpreter");
}

#[tokio::test]
async fn a_leaked_code_brings_only_so_many() {
    let scene = Scene::running().await;
    let client = scene.kit.anonymous();
    let comers = (0..12).map(|n| {
        let (client, scene) = (client.clone(), &scene);
        async move { scene.join_as(&client, &format!("Guest {n}")).await.status.as_u16() }
    });
    let answers = futures_util::future::join_all(comers).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 8, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 400)), "{answers:?}");
    scene.join_as(&client, "One more").await.refused(400, "too_many_guests");
    let list = scene.provider.client.get(&format!("/visits/{}/participants", scene.visit.id)).await.data();
    assert_eq!(list.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn the_parties_see_who_takes_part() {
    let scene = Scene::running().await;
    let guest = scene.guest("Tom").await;
    let path = format!("/visits/{}/participants", scene.visit.id);
    let stranger = scene.kit.patient("p-2").await;
    stranger.client.get(&path).await.refused(404, "visit_not_found");
    for client in [&scene.provider.client, &scene.patient.client, &scene.kit.admin()] {
        let list = client.get(&path).await.ok().json();
        assert_eq!(list["total_count"], 3);
        let shown: Vec<_> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["type"].as_str().unwrap(), one["name"].as_str().unwrap(), one["primary"] == true))
            .collect();
        assert_eq!(
            shown,
            [("provider", "Maria d-1", true), ("patient", "Maria p-1", false), ("guest", "Tom", false)]
        );
    }
    scene.patient.client.post(&scene.path(&guest, "admit"), json!({})).await.refused(403, "not_allowed");
    scene.kit.admin().post(&scene.path(&guest, "admit"), json!({})).await.refused(403, "not_allowed");
    scene.provider.client.post(&scene.path(&guest, "leave"), json!({})).await.refused(404, "guest_not_found");
    let missing = format!("/visits/{}/guests/{}/admit", scene.visit.id, scene.visit.intake_id);
    scene.provider.client.post(&missing, json!({})).await.refused(404, "guest_not_found");
}

#[tokio::test]
async fn who_may_know_hears_of_guests() {
    let scene = Scene::running().await;
    let outsider = scene.kit.provider("d-2", &[]).await;
    let mut desk = Stream::open(&scene.provider.client).await;
    let mut home = Stream::open(&scene.patient.client).await;
    let mut elsewhere = Stream::open(&outsider.client).await;
    let guest = scene.guest("Tom").await;
    for stream in [&mut desk, &mut home] {
        let told = stream.next_of("guest.waiting").await.data;
        assert_eq!(
            (&told["visit_id"], &told["data"]["guest_id"]),
            (&json!(scene.visit.id), &json!(guest.id))
        );
        assert!(!told.to_string().contains("Tom"));
    }
    let mut door = Stream::open(&guest.client).await;
    scene.decide(&guest, "admit").await.ok();
    assert_eq!(door.next_of("guest.admitted").await.data["data"]["guest_id"], guest.id);
    scene.decide(&guest, "decline").await.ok();
    door.next_of("guest.declined").await;
    scene.provider.act(&scene.visit, "complete").await.ok();
    // That the visit ended is told without any of its details.
    let moved = door.next_of("queue.updated").await.data;
    assert!(moved.get("visit_id").is_none() && moved["data"] == json!({}), "{moved}");
    // The outsider's first event is the one made for them.
    scene
        .kit
        .admin()
        .post(&format!("/users/{}/rooms", outsider.id), json!({ "room_code": "main" }))
        .await
        .ok();
    assert_eq!(elsewhere.next().await.event, "room.updated");
}

#[tokio::test]
async fn a_guest_of_a_room_for_patients_cannot_become_one() {
    let scene = Scene::running().await;
    let closed = json!({ "auth": { "guest": { "log_in": { "enabled": false } } } });
    scene.kit.admin().post("/rooms/main", closed).await.ok();
    let guest = scene.guest("Tom").await;
    let body = json!({ "reason_for_visit": "Let me in", "room_code": "main" });
    let intake = guest.client.post("/intakes", body).await;
    if intake.status == 200 {
        let body = json!({ "intake_id": intake.data()["id"], "room_code": "main" });
        guest.client.post("/visits/add_walkin", body).await.refused(403, "guests_not_allowed");
    }
}
