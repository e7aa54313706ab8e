//! Visits of people in somebody's care: the guardian makes them, waits, enters
//! the call, and sees them in lists. Nobody else's guardian does.

use bedside_tests::kit::{Kit, Person, Stream};
use serde_json::{Value, json};

struct Family {
    kit: Kit,
    room: String,
    maria: Person,
    child: String,
    provider: Person,
}

async fn family() -> Family {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let maria = kit.patient("maria").await;
    let child =
        json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child" });
    let child =
        maria.client.post("/users/-/dependants", child).await.data()["id"].as_str().unwrap().to_owned();
    let provider = kit.provider("d-1", &[&room]).await;
    Family { kit, room, maria, child, provider }
}

impl Family {
    async fn intake(&self, by: &Person) -> Value {
        let body = json!({ "member_id": self.child, "room_code": self.room, "reason_for_visit": "Fever" });
        by.client.post("/intakes", body).await.data()
    }

    async fn walk_in(&self) -> Value {
        let body = json!({ "intake_id": self.intake(&self.maria).await["id"] });
        self.maria.client.post("/visits/add_walkin", body).await.data()
    }
}

#[tokio::test]
async fn a_guardian_brings_a_child_through_a_whole_visit() {
    let family = family().await;
    let Family { kit, maria, child, provider, .. } = &family;
    let mut stream = Stream::open(&maria.client).await;
    let visit = family.walk_in().await;
    let id = visit["id"].as_str().unwrap();
    assert_eq!((&visit["member_id"], &visit["member"]["first_name"]), (&json!(child), &json!("Ana")));
    let guardian = json!({ "id": maria.id, "first_name": "Maria", "last_name": "maria" });
    assert_eq!(visit["guardian"], guardian);
    assert_eq!(stream.next_of("visit.created").await.data["visit_id"], id);
    assert_eq!(maria.client.get("/rooms/main/queue").await.data()["waiting_length"], 0);
    assert_eq!(maria.client.get("/visits/in_progress").await.data()["id"], id);
    let listed = maria.client.get("/visits").await.ok().json();
    assert_eq!((&listed["total_count"], &listed["data"][0]["guardian"]), (&json!(1), &guardian));
    assert_eq!(maria.client.get("/users/-/visits").await.ok().json()["total_count"], 0);
    let of_child = format!("/users/{child}/visits?upcoming=1");
    assert_eq!(maria.client.get(&of_child).await.ok().json()["total_count"], 1);

    // Her page counts as the child's, who has none.
    maria.client.post(&format!("/visits/{id}/start"), json!({})).await.ok();
    assert!(provider.client.get(&format!("/visits/{id}")).await.data()["member"]["last_seen"].is_i64());
    let by_provider = provider.client.post(&format!("/visits/{id}/accept"), json!({})).await.data();
    assert_eq!(by_provider["guardian"], guardian);
    assert_eq!(stream.next_of("visit.updated").await.data["visit_id"], id);
    let pass = maria.client.post(&format!("/visits/{id}/call"), json!({})).await.data();
    super::calls::door(&pass, None).await.unwrap();

    let tom = kit.patient("tom").await;
    for verb in ["call", "start", "cancel", "add_walkin"] {
        let path = format!("/visits/{id}/{verb}");
        tom.client.post(&path, json!({})).await.refused(404, "visit_not_found");
    }
    tom.client.get(&format!("/visits/{id}")).await.refused(404, "visit_not_found");
    tom.client.get(&of_child).await.refused(404, "user_not_found");
    let left =
        maria.client.post(&format!("/visits/{id}/close"), json!({ "reason": "patient_end_call" })).await;
    assert_eq!(left.data()["status"], "25");
    provider.client.post(&format!("/visits/{id}/complete"), json!({})).await.ok();
    assert_eq!(stream.next_of("visit.ended").await.data["visit_id"], id);
}

#[tokio::test]
async fn a_guardian_gives_up_the_place_of_a_child() {
    let family = family().await;
    let first = family.walk_in().await;
    let off = format!("/visits/{}/cancel", first["id"].as_str().unwrap());
    let cancelled = family.maria.client.post(&off, json!({})).await.data();
    assert_eq!((&cancelled["status"], &cancelled["completed_by"]), (&json!("40"), &json!(family.maria.id)));
    let second = family.walk_in().await;
    let body = json!({ "id": second["id"], "reason": "patient_exit_room" });
    assert_eq!(family.maria.client.post("/visits/close", body).await.data()["status"], "40");
}

#[tokio::test]
async fn who_does_not_care_makes_no_visit() {
    let family = family().await;
    let Family { kit, room, child, provider, .. } = &family;
    let tom = kit.patient("tom").await;
    let body = json!({ "member_id": child, "room_code": room });
    tom.client.post("/intakes", body.clone()).await.refused(403, "not_your_intake");
    provider.client.post("/intakes", body).await.refused(400, "invalid_field");
    let intake = family.intake(&family.maria).await;
    let path = format!("/intakes/{}", intake["id"].as_str().unwrap());
    tom.client.get(&path).await.refused(404, "intake_not_found");
    assert_eq!(family.maria.client.get(&path).await.data()["member_id"], *child);
    let stolen = tom.client.post("/visits/add_walkin", json!({ "intake_id": intake["id"] })).await;
    stolen.refused(400, "invalid_field");
    // A visit that the clinic makes for the child has no guardian.
    let made = kit.admin().post("/visits/add_walkin", json!({ "intake_id": intake["id"] })).await.data();
    assert_eq!((&made["guardian"], &made["member_id"]), (&json!(null), &json!(child)));
    // And yet the guardian sees it.
    assert_eq!(family.maria.client.get("/visits").await.ok().json()["total_count"], 1);
}

#[tokio::test]
async fn when_care_ends_the_visits_are_seen_no_more() {
    let family = family().await;
    let visit = family.walk_in().await;
    let id = visit["id"].as_str().unwrap();
    family.provider.client.post(&format!("/visits/{id}/accept"), json!({})).await.ok();
    let pass = family.maria.client.post(&format!("/visits/{id}/call"), json!({})).await.data();
    let end = format!("/users/-/dependants/{}", family.child);
    bedside_tests::kit::Client::send(family.maria.client.request(reqwest::Method::DELETE, &end)).await.ok();
    family.maria.client.get(&format!("/visits/{id}")).await.refused(404, "visit_not_found");
    family.maria.client.post(&format!("/visits/{id}/call"), json!({})).await.refused(404, "visit_not_found");
    assert!(super::calls::door(&pass, None).await.is_err());
    assert_eq!(family.maria.client.get("/visits").await.ok().json()["total_count"], 0);
}
