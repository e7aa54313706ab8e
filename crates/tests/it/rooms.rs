//! Waiting rooms: making, finding, assigning, the queue's numbers.

use bedside_tests::kit::Kit;
use serde_json::json;

#[tokio::test]
async fn a_room_is_made_by_an_admin_token_and_found_by_everybody() {
    let kit = Kit::start().await;
    let body = json!({ "slug": "walk-in", "name": "Walk-in care", "domain": "northside.example" });
    let room = kit.admin().post("/rooms", body.clone()).await.data();
    assert_eq!(room["code"].as_str().unwrap().len(), 5);
    assert_eq!(room["visits"], json!({ "walkin": { "enabled": true }, "appointment": { "enabled": false } }));
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
