//! Intakes: what a portal sends comes back as it was sent.

use bedside_tests::kit::Kit;
use serde_json::json;

#[tokio::test]
async fn custom_fields_of_any_json_come_back() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let body = json!({
        "reasonforvisit": "Cough", "room_code": room, "type": "1", "reset": true,
        "custom_is_smoker": "No", "history": { "since": [2019, 2020], "note": null },
    });
    let added = patient.client.post("/intakes.json", body).await.data();
    assert_eq!(added["custom_is_smoker"], "No");
    assert!(added.get("reason_for_visit").is_none() && added.get("reset").is_none(), "{added}");

    let path = format!("/intakes/{}", added["id"].as_str().unwrap());
    let intake = patient.client.get(&path).await.data();
    assert_eq!(intake["type"], "1");
    assert_eq!(intake["reason_for_visit"], "Cough");
    assert_eq!(intake["history"], json!({ "since": [2019, 2020], "note": null }));
    assert!(intake["created"].is_i64());

    patient.client.form(&path, &[("custom_is_smoker", "Yes")]).await.ok();
    let changed = patient.client.get(&path).await.data();
    assert_eq!(
        (&changed["custom_is_smoker"], &changed["reason_for_visit"]),
        (&json!("Yes"), &json!("Cough"))
    );
}

#[tokio::test]
async fn nobody_makes_or_reads_somebody_elses_intake() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let foreign = json!({ "member_id": maria.id, "room_code": room });
    tom.client.post("/intakes", foreign.clone()).await.refused(403, "not_your_intake");
    provider.client.post("/intakes", foreign.clone()).await.refused(400, "invalid_field");
    kit.anonymous().post("/intakes", foreign).await.refused(401, "token_missing");

    let intake = maria.intake(&room).await;
    let path = format!("/intakes/{intake}");
    tom.client.get(&path).await.refused(404, "intake_not_found");
    tom.client.post(&path, json!({ "reason_for_visit": "mine now" })).await.refused(404, "intake_not_found");
    // A provider sees it once it belongs to a visit of their room.
    provider.client.get(&path).await.refused(404, "intake_not_found");
    maria.client.post("/visits/add_walkin", json!({ "intake_id": intake })).await.ok();
    assert_eq!(provider.client.get(&path).await.data()["reason_for_visit"], "A rash on my arm");
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get(&path).await.refused(404, "intake_not_found");
}

#[tokio::test]
async fn an_admin_token_names_the_patient_by_number_or_by_the_portals_code() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria@example.com").await;
    for member in [patient.id.as_str(), "maria@example.com"] {
        let body = json!({ "member_id": member, "room_code": room });
        let id = kit.admin().post("/intakes", body).await.data()["id"].as_str().unwrap().to_owned();
        let intake = patient.client.get(&format!("/intakes/{id}")).await.data();
        assert_eq!(intake["member_id"], patient.id);
    }
    let missing =
        kit.admin().post("/intakes", json!({ "room_code": room })).await.refused(400, "invalid_field");
    assert!(missing["fields"]["member_id"].is_string());
    let unknown = kit.admin().post("/intakes", json!({ "member_id": patient.id, "room_code": "none" })).await;
    assert!(unknown.refused(400, "invalid_field")["fields"]["room_code"].is_string());
}

#[tokio::test]
async fn answers_are_sealed_in_the_database() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.patient("p-1").await.walk_in(&room).await;
    if kit.database().is_sqlite() {
        let mut found = false;
        for file in std::fs::read_dir(kit.database().folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
            found |= bytes.windows(16).any(|window| window == b"A rash on my arm");
        }
        assert!(!found, "the reason for the visit is readable in the database files");
    }
}
