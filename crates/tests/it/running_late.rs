//! A provider runs late: said once, seen by everybody who waits or is due, over
//! at the end of the day.

use bedside_model::visit::Status;
use bedside_tests::kit::{Kit, Stream};
use serde_json::{Value, json};

#[tokio::test]
async fn everybody_who_waits_or_is_due_today_sees_it() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let (doctor, other) = (kit.provider("d-1", &["main"]).await, kit.provider("d-2", &["main"]).await);
    let mine = maria.walk_in_with("main", json!({ "provider_id": doctor.id })).await;
    let open = tom.walk_in("main").await;
    let now = clock.now();
    let today = kit.appointment_as(&tom, "main", now.plus_minutes(30), 15, Status::Confirmed).await;
    let hand_over = json!({ "provider_id": doctor.id });
    doctor.client.post(&format!("/visits/{}", today.id), hand_over).await.ok();
    let mut stream = Stream::open(&maria.client).await;

    let said = doctor.client.post("/rooms/main/late", json!({ "minutes": 20 })).await.data();
    assert_eq!((&said["minutes"], &said["provider_id"]), (&json!(20), &json!(doctor.id)));
    assert_eq!(said["told"], 2);
    assert_eq!(stream.next_of("visit.late").await.data["visit_id"], mine.id);
    let late = async |visit| kit.admin().get(&format!("/visits/{visit}")).await.data();
    assert_eq!(late(&mine.id).await["late_minutes"], 20);
    let appointment = late(&today.id).await;
    assert_eq!(appointment["late_minutes"], 20);
    assert_eq!(appointment["start"], now.plus_minutes(30).seconds().to_string(), "its own time stays");
    assert_eq!(late(&open.id).await["late_minutes"], 0, "somebody else is in time");
    assert_eq!(maria.client.get("/rooms/main/queue").await.data()["late_minutes"], 20);
    let listed = doctor.client.get("/visits?status=10,20").await.ok().json();
    let of_mine = listed["data"].as_array().unwrap().iter().find(|one| one["id"] == mine.id);
    assert_eq!(of_mine.unwrap()["late_minutes"], 20);

    // Told once, also when it is said twice; more is news again.
    let again = doctor.client.post("/rooms/main/late", json!({ "minutes": 20 })).await.data();
    assert_eq!(again["told"], 0);
    let more = doctor.client.post("/rooms/main/late", json!({ "minutes": 30 })).await.data();
    assert_eq!(more["told"], 2);
    kit.told().await;
    let list = maria.client.get("/notifications").await.data();
    let told = list.as_array().unwrap().iter().filter(|one| one["type"] == "late").count();
    assert_eq!(told, 2);

    // When everybody is late, so are those who asked for nobody: by the least.
    other.client.post("/rooms/main/late", json!({ "minutes": 10 })).await.ok();
    assert_eq!(late(&open.id).await["late_minutes"], 10);
    doctor.client.post("/rooms/main/late", json!({ "minutes": 0 })).await.ok();
    assert_eq!(late(&mine.id).await["late_minutes"], 0);
    assert_eq!(late(&open.id).await["late_minutes"], 0);

    doctor.client.post("/rooms/main/late", json!({ "minutes": 20 })).await.ok();
    assert_eq!(late(&mine.id).await["late_minutes"], 20);
    clock.advance_seconds(86_400);
    assert_eq!(late(&mine.id).await["late_minutes"], 0, "a new day");
}

#[tokio::test]
async fn everybody_says_it_of_themselves() {
    let kit = Kit::start().await;
    kit.room("main").await;
    kit.room("annex").await;
    let (doctor, other) = (kit.provider("d-1", &["main"]).await, kit.provider("d-2", &["main"]).await);
    let of_other = json!({ "minutes": 10, "provider_id": other.id });
    doctor.client.post("/rooms/main/late", of_other.clone()).await.refused(403, "not_allowed");
    doctor.client.post("/rooms/annex/late", json!({ "minutes": 10 })).await.refused(404, "room_not_found");
    kit.admin().post("/rooms/main/late", of_other).await.ok();
    let nobody = kit.admin().post("/rooms/main/late", json!({ "minutes": 10 })).await;
    assert_ne!(nobody.refused(400, "invalid_field")["fields"]["provider_id"], Value::Null);
    for minutes in [-10, 5, 40] {
        let refusal = doctor.client.post("/rooms/main/late", json!({ "minutes": minutes })).await;
        assert!(refusal.refused(400, "invalid_field")["fields"]["minutes"].is_string());
    }
}
