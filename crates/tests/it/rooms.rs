//! Waiting rooms: making, finding, assigning, the queue's numbers.

use bedside_tests::kit::{Client, Kit, Person};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_room_is_made_by_an_admin_token_and_found_by_everybody() {
    let kit = Kit::start().await;
    let body = json!({ "slug": "walk-in", "name": "Walk-in care", "domain": "northside.example" });
    let room = kit.admin().post("/rooms", body.clone()).await.data();
    assert_eq!(room["code"].as_str().unwrap().len(), 5);
    assert_eq!(
        room["visits"],
        json!({ "walkin": { "enabled": true, "by_on_call": false, "open": true, "opens_at": null }, "appointment": { "enabled": false }, "econsult": { "enabled": true } })
    );
    assert_eq!(room["payment"]["consultations"][0]["duration"], 15);
    assert_eq!(room["provider_ids"], json!([]));

    let again = kit.admin().post("/rooms", body).await.refused(400, "room_exists");
    assert_eq!(again["message"], "In domain 'northside.example' slug 'walk-in' already exists.");

    let code = room["code"].as_str().unwrap();
    for name in [code, "walk-in"] {
        let found = kit.anonymous().get(&format!("/rooms/{name}")).await.data();
        assert_eq!(found["id"], room["id"]);
        assert!(found.get("users").is_none() && found.get("provider_ids").is_none(), "{found}");
    }
    let list = kit.anonymous().get("/rooms").await.ok().json();
    assert_eq!((list["total_count"].as_i64(), list["total"].as_i64()), (Some(1), Some(1)));
    assert_eq!(list["data"][0]["slug"], "walk-in");
    kit.anonymous().get("/rooms/nowhere").await.refused(404, "room_not_found");
}

#[tokio::test]
async fn only_admins_make_and_change_rooms() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let body = json!({ "slug": "other", "name": "Other" });
    kit.anonymous().post("/rooms", body.clone()).await.refused(401, "token_missing");
    for person in [&patient, &provider] {
        person.client.post("/rooms", body.clone()).await.refused(403, "admin_only");
        person.client.post("/rooms/main", json!({})).await.refused(403, "admin_only");
    }
    let bad = kit.admin().post("/rooms", json!({ "slug": "No Spaces", "name": "x" })).await;
    assert!(bad.refused(400, "invalid_field")["fields"]["slug"].is_string());
}

#[tokio::test]
async fn a_closed_room_takes_nobody_and_says_why() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let closed = json!({ "operation_settings": { "is_closed": 1, "close_msg": "Back at nine." } });
    kit.admin().post("/rooms/main", closed).await.ok();
    let intake = patient.intake(&room).await;
    let body = json!({ "intake_id": intake, "room_code": room });
    let refused = patient.client.post("/visits/add_walkin", body.clone()).await.refused(400, "room_closed");
    assert_eq!(refused["message"], "Back at nine.");
    kit.admin().post("/rooms/main", json!({ "operation_settings": { "is_closed": 0 } })).await.ok();
    patient.client.post("/visits/add_walkin", body).await.ok();
}

#[tokio::test]
async fn a_room_of_another_clinic_does_not_exist() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get("/rooms/main").await.refused(404, "room_not_found");
    // The same names are free there.
    let body = json!({ "slug": "main", "code": "main", "name": "Main", "domain": "northside.example" });
    kit.admin_of(&other).post("/rooms", body).await.ok();
    // A public page that cannot tell the clinic finds neither.
    kit.anonymous().get("/rooms/main").await.refused(404, "room_not_found");
    let ours = kit.anonymous().header("X-AccountCode", "northside").get("/rooms/main").await.data();
    assert_eq!(ours["account_code"], "northside");
}

#[tokio::test]
async fn everybody_reads_their_own_place_in_the_queue() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (first, second) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = first.walk_in(&room).await;
    second.walk_in(&room).await;
    let place = |queue: serde_json::Value| (queue["queue_length"].as_i64(), queue["waiting_length"].as_i64());
    assert_eq!(place(first.client.get("/rooms/main/queue").await.data()), (Some(2), Some(0)));
    assert_eq!(place(second.client.get("/rooms/main/queue").await.data()), (Some(2), Some(1)));
    assert_eq!(place(provider.client.get("/rooms/main/queue").await.data()), (Some(2), None));
    provider.act(&visit, "accept").await.ok();
    assert_eq!(place(second.client.get("/rooms/main/queue").await.data()), (Some(1), Some(0)));
    kit.anonymous().get("/rooms/main/queue").await.refused(401, "token_missing");
}

async fn set(kit: &Kit, body: Value) -> Value {
    kit.admin().post("/rooms/main", body).await.data()
}

#[tokio::test]
async fn a_room_that_is_deleted_takes_nobody_and_keeps_its_visits() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    let intake = patient.intake(&room).await;
    let northside = kit.anonymous().header("X-AccountCode", "northside");
    let delete = |client: &Client| Client::send(client.request(Method::DELETE, "/rooms/main"));
    delete(&provider.client).await.refused(403, "admin_only");
    assert_eq!(delete(&kit.admin()).await.data()["active"], false);
    northside.get("/rooms/main").await.refused(404, "room_not_found");
    northside.get("/rooms/main/providers").await.refused(404, "room_not_found");
    let arriving = json!({ "intake_id": intake, "room_code": room });
    patient.client.post("/visits/add_walkin", arriving.clone()).await.refused(404, "room_not_found");
    let guest = json!({ "first_name": "Ana", "last_name": "Silva", "room_code": "main" });
    northside.post("/users/guest_login", guest).await.refused(404, "room_not_found");
    let slugs = |answer: Value| -> Vec<String> {
        answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|room| room["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    for client in [&northside, &patient.client, &provider.client] {
        let list = client.get("/rooms?active=0").await.ok().json();
        assert_eq!((list["total_count"].as_i64(), slugs(list)), (Some(1), vec!["annex".to_owned()]));
    }
    assert_eq!(slugs(kit.admin().get("/rooms").await.json()), ["main", "annex"]);
    assert_eq!(slugs(kit.admin().get("/rooms?active=0").await.json()), ["main"]);
    assert_eq!(slugs(kit.admin().get("/rooms?active=1").await.json()), ["annex"]);
    // Whoever waits is seen to the end.
    provider.act(&visit, "accept").await.ok();
    provider.act(&visit, "complete").await.ok();
    set(&kit, json!({ "active": 1 })).await;
    patient.client.post("/visits/add_walkin", arriving).await.ok();
}

#[tokio::test]
async fn public_answers_tell_nothing_of_people() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let mail = "amara.osei@example.org";
    let body = json!({ "first_name": "Amara", "last_name": "Osei", "type": 400, "code": "hr-4711", "username": mail, "email": mail });
    let provider = kit.portal().post("/users/sso", body).await.data();
    let id = provider["id"].as_str().unwrap();
    kit.admin().post(&format!("/users/{id}/rooms"), json!({ "room_code": room })).await.ok();
    let patient = kit.patient("secret-patient").await;
    patient.walk_in(&room).await;
    let northside = kit.anonymous().header("X-AccountCode", "northside");
    for path in ["/rooms", "/rooms/main", "/rooms/main/providers", &format!("/rooms/main/providers/{id}")] {
        let answer = northside.get(path).await.ok();
        for secret in [mail, "hr-4711", "secret-patient", "rash", "provider_ids", "\"users\""] {
            assert!(!answer.text.contains(secret), "{path} tells {secret}: {}", answer.text);
        }
    }
    northside.get("/rooms/main/queue").await.refused(401, "token_missing");
    // Somebody known reads the documented fields.
    let known = patient.client.get(&format!("/rooms/main/providers/{id}")).await.data();
    assert_eq!((&known["username"], &known["code"]), (&json!(mail), &json!("hr-4711")));
    assert_eq!(known["vseeid"], provider["vseeid"]);
    assert_eq!(patient.client.get("/rooms/main").await.data()["provider_ids"], json!([id]));
}

#[tokio::test]
async fn who_works_in_a_room() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let other = kit.provider("d-2", &["annex"]).await;
    let patient = kit.patient("p-1").await;
    let northside = kit.anonymous().header("X-AccountCode", "northside");
    let list = northside.get("/rooms/main/providers").await.ok().json();
    assert_eq!(list["total_count"], 1);
    let shown = &list["data"][0];
    let neutral = format!("provider-{}", provider.id);
    assert_eq!(
        *shown,
        json!({ "id": provider.id, "username": neutral, "code": neutral, "vseeid": neutral, "subtype": "",
            "first_name": "Maria", "last_name": "d-1", "photo": null, "title": "", "suffix": "",
            "status": false, "short_bio": false })
    );
    let one = format!("/rooms/main/providers/{}", provider.id);
    assert_eq!(northside.get(&one).await.data(), *shown);
    for nobody in [&other.id, &patient.id, "0", "x"] {
        northside.get(&format!("/rooms/main/providers/{nobody}")).await.refused(404, "user_not_found");
    }
    // Online while a page is open, and for a minute after.
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    provider.act(&visit, "call").await.ok();
    assert_eq!(northside.get(&one).await.data()["status"], true);
    clock.advance_seconds(61);
    assert_eq!(northside.get(&one).await.data()["status"], false);

    let unassign = |client: &Client| Client::send(client.request(Method::DELETE, &one));
    unassign(&provider.client).await.refused(403, "admin_only");
    unassign(&kit.admin()).await.ok();
    unassign(&kit.admin()).await.refused(404, "user_not_found");
    assert_eq!(northside.get("/rooms/main/providers").await.json()["total_count"], 0);
    let rooms = kit.admin().get(&format!("/users/{}/rooms", provider.id)).await.json();
    assert_eq!(rooms["total_count"], 0);
    // The visit they have stays theirs.
    provider.act(&visit, "complete").await.ok();
}

#[tokio::test]
async fn one_room_is_the_default() {
    let kit = Kit::start().await;
    let add = |slug: &str| json!({ "slug": slug, "name": slug, "code": slug, "default": 1 });
    assert_eq!(kit.admin().post("/rooms", add("one")).await.data()["default"], true);
    assert_eq!(kit.admin().post("/rooms", add("two")).await.data()["default"], true);
    let default =
        async |code: &str| kit.admin().get(&format!("/rooms/{code}")).await.data()["default"] == true;
    assert!(!default("one").await && default("two").await);
    kit.admin().post("/rooms/one", json!({ "default": true })).await.ok();
    assert!(default("one").await && !default("two").await);
    // A room that is switched off leads nobody anywhere.
    kit.admin().post("/rooms/one", json!({ "active": 0 })).await.ok();
    assert!(!default("one").await);
    // Settings can come with the room.
    let body = json!({ "slug": "three", "name": "Three", "visits": { "walkin": { "enabled": 0 } }, "queue_capacity": 2 });
    let three = kit.admin().post("/rooms", body).await.data();
    assert_eq!((&three["visits"]["walkin"]["enabled"], &three["queue_capacity"]), (&json!(false), &json!(2)));
    let bad = json!({ "slug": "four", "name": "Four", "queue_capacity": 5000 });
    kit.admin().post("/rooms", bad).await.refused(400, "invalid_field");
    kit.admin().get("/rooms/four").await.refused(404, "room_not_found");
}

#[tokio::test]
async fn a_full_queue_takes_nobody_more() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    set(&kit, json!({ "queue_capacity": 3 })).await;
    let mut comers = Vec::new();
    for n in 0..7 {
        let patient = kit.patient(&format!("p-{n}")).await;
        let intake = patient.intake(&room).await;
        comers.push((patient, intake));
    }
    let arrive = |(patient, intake): &(Person, String)| {
        let (client, body) = (patient.client.clone(), json!({ "intake_id": intake, "room_code": "main" }));
        async move { client.post("/visits/add_walkin", body).await }
    };
    let answers = futures_util::future::join_all(comers.iter().map(arrive)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    let mut placed = None;
    for (at, answer) in answers.into_iter().enumerate() {
        if answer.status == 200 {
            placed = Some((at, answer.data()["id"].as_str().unwrap().to_owned()));
        } else {
            answer.refused(400, "queue_full");
        }
    }
    let queue = comers[0].0.client.get("/rooms/main/queue").await.data();
    assert_eq!((&queue["queue_length"], &queue["queue_capacity"]), (&json!(3), &json!(3)));
    assert!(queue.get("average_visit_time").is_none(), "nobody has been seen yet: {queue}");
    // One gives the place up: there is one again.
    let (at, id) = placed.unwrap();
    let exit = json!({ "reason": "patient_exit_room" });
    comers[at].0.client.post(&format!("/visits/{id}/close"), exit).await.ok();
    let late = kit.patient("late").await;
    late.walk_in(&room).await;
}

#[tokio::test]
async fn the_usual_wait_comes_from_five_visits_or_more() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let provider = kit.provider("d-1", &["main", "annex"]).await;
    let usual = async |room: &str| {
        provider.client.get(&format!("/rooms/{room}/queue")).await.data().get("average_visit_time").cloned()
    };
    for (n, minutes) in [4, 60, 10, 12, 8].into_iter().enumerate() {
        assert_eq!(usual("main").await, None, "after {n}");
        let visit = kit.patient(&format!("p-{n}")).await.walk_in(&room).await;
        clock.advance_seconds(minutes * 60);
        provider.act(&visit, "accept").await.ok();
        provider.act(&visit, "complete").await.ok();
    }
    assert_eq!(usual("main").await, Some(json!(10)));
    assert_eq!(usual("annex").await, None, "another room's visits tell nothing");
    // Visits of long ago neither.
    clock.advance_seconds(15 * 86_400);
    let fresh = kit.provider("d-1", &[]).await;
    let queue = fresh.client.get("/rooms/main/queue").await.data();
    assert!(queue.get("average_visit_time").is_none(), "{queue}");
}

#[tokio::test]
async fn pages_of_rooms_hold_while_rooms_are_added() {
    let kit = Kit::start().await;
    for n in 0..5 {
        kit.room(&format!("room-{n}")).await;
    }
    let (mut seen, mut after, mut made) = (Vec::new(), String::new(), 5);
    loop {
        let page = kit.admin().get(&format!("/rooms?limit=2{after}")).await.ok().json();
        assert_eq!(page["total_count"], made);
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|room| room["slug"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
        if made < 7 {
            kit.room(&format!("room-{made}")).await;
            made += 1;
        }
    }
    assert_eq!(seen, ["room-0", "room-1", "room-2", "room-3", "room-4", "room-5", "room-6"]);
    kit.admin().get("/rooms?after=nonsense").await.refused(400, "invalid_field");
    let second = kit.admin().get("/rooms?limit=2&page=2").await.json();
    let skipped = kit.admin().get("/rooms?limit=2&start=2").await.json();
    assert_eq!((&second["data"], &second["data"][0]["slug"]), (&skipped["data"], &json!("room-2")));
}
