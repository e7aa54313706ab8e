//! Visits: from the waiting room to completion, and everything that must not
//! happen on the way.

use std::collections::HashSet;

use bedside_tests::kit::Kit;
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_walk_in_is_taken_and_completed() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    assert_eq!(visit.body["status"], "10");
    assert_eq!(visit.body["type"], "1");
    assert_eq!(visit.body["subtype"], "3");
    assert_eq!(visit.body["provider_id"], json!(null));
    assert_eq!(visit.body["meeting"]["meeting_id"].as_str().unwrap().len(), 32);
    assert_eq!(visit.body["intake"]["reason_for_visit"], "A rash on my arm");
    assert_eq!(visit.body["intake"]["smoker"], "no");
    assert_eq!(
        visit.body["payment"],
        json!({ "duration": 15, "amount": "0.00", "description": "Consultation" })
    );
    let start: i64 = visit.body["start"].as_str().unwrap().parse().unwrap();
    assert_eq!(visit.body["end"], (start + 900).to_string());

    let taken = provider.act(&visit, "accept").await.data();
    assert_eq!((taken["status"].as_str(), taken["provider_id"].as_str()), (Some("25"), Some(&*provider.id)));
    assert!(taken["actual_start"].is_string());
    // A second click changes nothing.
    let again = provider.act(&visit, "accept").await.data();
    assert_eq!(again["version"], taken["version"]);

    let path = format!("/visits/{}/close", visit.id);
    let left = patient.client.post(&path, json!({ "reason": "patient_end_call" })).await;
    assert_eq!(left.data()["status"], "25");

    let done = provider.act(&visit, "complete").await.data();
    assert_eq!((done["status"].as_str(), done["completed_by"].as_str()), (Some("30"), Some(&*provider.id)));
    assert!(done["actual_end"].is_string());
    // A second click is harmless; nothing else is done to a closed visit.
    let again = provider.act(&visit, "complete").await.data();
    assert_eq!((&again["status"], &again["version"]), (&done["status"], &done["version"]));
    provider.act(&visit, "put_back").await.refused(400, "visit_closed");
    patient.act(&visit, "call").await.refused(400, "visit_closed");
    assert_eq!(patient.visit(&visit).await.data()["status"], "30");
}

#[tokio::test]
async fn a_used_intake_names_its_visit() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = patient.walk_in(&room).await;
    let body = json!({ "intake_id": visit.intake_id, "room_code": room });
    let refused = patient.client.post("/visits/add_walkin", body).await.refused(400, "intake_already_used");
    assert_eq!(refused["visit_id"], visit.id);
}

#[tokio::test]
async fn two_clicks_at_once_make_one_visit() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let intake = patient.intake(&room).await;
    let body = json!({ "intake_id": intake, "room_code": room });
    let answers = join_all((0..8).map(|_| patient.client.post("/visits/add_walkin", body.clone()))).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        assert!(answer.refused(400, "intake_already_used")["visit_id"].is_string());
    }
}

#[tokio::test]
async fn sixty_four_providers_race_and_one_wins() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let visit = kit.patient("p-1").await.walk_in(&room).await;
    let mut providers = Vec::new();
    for n in 0..64 {
        providers.push(kit.provider(&format!("d-{n}"), &[&room]).await);
    }
    let answers = join_all(providers.iter().map(|provider| provider.act(&visit, "accept"))).await;
    let mut winners = HashSet::new();
    for (provider, answer) in providers.iter().zip(answers) {
        if answer.status == 200 {
            assert_eq!(answer.data()["provider_id"], provider.id);
            winners.insert(provider.id.clone());
        } else {
            answer.refused(400, "visit_taken");
        }
    }
    assert_eq!(winners.len(), 1);
    let seen = kit.admin().get(&format!("/visits/{}", visit.id)).await.data();
    assert!(winners.contains(seen["provider_id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_visit_for_one_provider_stands_first_there_and_is_confirmed_elsewhere() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let wanted = kit.provider("d-1", &[&room]).await;
    let other = kit.provider("d-2", &[&room]).await;
    let first = kit.patient("p-1").await.walk_in(&room).await;
    let mine = kit.patient("p-2").await.walk_in_with(&room, json!({ "provider_id": wanted.id })).await;
    assert_eq!(mine.body["requested_provider_id"], wanted.id);

    let order = |list: serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|visit| visit["id"].as_str().unwrap().to_owned()).collect()
    };
    let queue = "/visits?status=10,20,25&limit=100";
    assert_eq!(order(wanted.client.get(queue).await.data()), [mine.id.clone(), first.id.clone()]);
    assert_eq!(order(other.client.get(queue).await.data()), [first.id.clone(), mine.id.clone()]);

    other.act(&mine, "accept").await.refused(400, "visit_for_other_provider");
    let path = format!("/visits/{}/accept", mine.id);
    assert_eq!(other.client.form(&path, &[("confirm", "1")]).await.data()["provider_id"], other.id);
    wanted.act(&mine, "accept").await.refused(400, "visit_taken");
}

#[tokio::test]
async fn put_back_returns_the_place() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (first, second) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = first.walk_in(&room).await;
    second.walk_in(&room).await;
    provider.act(&visit, "put_back").await.refused(403, "not_allowed");
    provider.act(&visit, "accept").await.ok();
    first.act(&visit, "put_back").await.refused(403, "not_allowed");
    let back = provider.act(&visit, "put_back").await.data();
    assert_eq!(
        (back["status"].as_str(), &back["provider_id"], &back["actual_start"]),
        (Some("10"), &json!(null), &json!(null),)
    );
    assert_eq!(first.client.get("/rooms/main/queue").await.data()["waiting_length"], 0);
}

#[tokio::test]
async fn leaving_the_waiting_room_cancels() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    let path = format!("/visits/{}/close", visit.id);
    let bad = patient.client.post(&path, json!({ "reason": "bored" })).await.refused(400, "invalid_field");
    assert!(bad["fields"]["reason"].is_string());
    let left = patient.client.post(&path, json!({ "reason": "patient_exit_room" })).await.data();
    assert_eq!((left["status"].as_str(), left["completed_by"].as_str()), (Some("40"), Some(&*patient.id)));
    assert_eq!(left["reason"], "patient_exit_room");
    provider.act(&visit, "accept").await.refused(400, "visit_closed");
    assert_eq!(provider.client.get("/visits?status=10,20,25").await.ok().json()["total_count"], 0);
}

#[tokio::test]
async fn everybody_lists_only_their_own() {
    let kit = Kit::start().await;
    let (main, annex) = (kit.room("main").await, kit.room("annex").await);
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let provider = kit.provider("d-1", &[&main]).await;
    let hers = maria.walk_in(&main).await;
    let his = tom.walk_in(&annex).await;
    let ids = |list: serde_json::Value| -> Vec<String> {
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|visit| visit["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(maria.client.get("/visits").await.ok().json()), std::slice::from_ref(&hers.id));
    assert_eq!(ids(provider.client.get("/visits").await.ok().json()), std::slice::from_ref(&hers.id));
    assert_eq!(ids(kit.admin().get("/visits").await.ok().json()), [his.id.clone(), hers.id.clone()]);
    assert_eq!(
        ids(kit.admin().get("/visits?room_code=annex").await.ok().json()),
        std::slice::from_ref(&his.id)
    );
    assert_eq!(ids(kit.admin().get("/visits?status[]=30").await.ok().json()), Vec::<String>::new());
    let page = kit.admin().get("/visits?limit=1&start=1").await.ok().json();
    assert_eq!((ids(page.clone()), page["total_count"].as_i64()), (vec![hers.id.clone()], Some(2)));
    // In a list numbers are numbers.
    let row = &kit.admin().get("/visits").await.ok().json()["data"][0];
    assert!(row["status"].is_i64() && row["start"].is_i64() && row["type"].is_i64() && row["id"].is_string());
    kit.anonymous().get("/visits").await.refused(401, "token_missing");
    kit.admin().get("/visits?sort=size").await.refused(400, "invalid_field");
}

#[tokio::test]
async fn a_page_comes_back_to_its_place_but_the_api_makes_a_new_visit() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let first = patient.walk_in(&room).await;
    let auth = format!("//auth?sso_token={}&next=/u/main", patient.token);
    let arrived = kit.anonymous().get(&auth).await;
    assert_eq!(arrived.status, 303, "{}", arrived.text);
    let cookie = arrived.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = kit.anonymous().page(&cookie, "patient");
    let intake =
        page.post("/intakes", json!({ "room_code": room, "reason_for_visit": "Still" })).await.data();
    let body = json!({ "intake_id": intake["id"], "room_code": room });
    assert_eq!(page.post("/visits/add_walkin", body).await.data()["id"], first.id);
    assert_ne!(patient.walk_in(&room).await.id, first.id);
}

#[tokio::test]
async fn presence_is_shown_to_the_provider() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    assert_eq!(provider.visit(&visit).await.data()["member"]["last_seen"], json!(null));
    patient.act(&visit, "start").await.ok();
    assert!(provider.visit(&visit).await.data()["member"]["last_seen"].is_i64());
}
