//! Holds: a time that is kept while the intake is filled, and everything that
//! can end it.

use bedside_tests::kit::{Answer, Client, Person};
use serde_json::{Value, json};

use crate::scheduling::{HOUR, MONDAY_NINE, book, clinic, free, id};

async fn hold(person: &Person, start: i64) -> Answer {
    person.client.post("/slots/hold", json!({ "room_code": "main", "start": start })).await
}

async fn give_back(person: &Person, hold: &Value) -> Answer {
    let path = format!("/slots/hold/{}", id(hold));
    Client::send(person.client.request(reqwest::Method::DELETE, &path)).await
}

#[tokio::test]
async fn a_hold_given_back_is_free_at_once() {
    let clinic = clinic().await;
    let tom = clinic.kit.patient("tom").await;
    let held = hold(&clinic.patient, MONDAY_NINE).await.data();
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    give_back(&clinic.patient, &held).await.ok();
    assert!(free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    give_back(&clinic.patient, &held).await.refused(404, "hold_not_found");
    book(&tom, MONDAY_NINE, json!({})).await.ok();
}

#[tokio::test]
async fn one_holds_one_time_of_a_room() {
    let clinic = clinic().await;
    let tom = clinic.kit.patient("tom").await;
    hold(&clinic.patient, MONDAY_NINE).await.ok();
    hold(&clinic.patient, MONDAY_NINE + 900).await.ok();
    let times = free(&tom.client, MONDAY_NINE).await;
    assert!(times.contains(&MONDAY_NINE) && !times.contains(&(MONDAY_NINE + 900)), "{times:?}");
    // A time that is refused ends nothing.
    hold(&tom, MONDAY_NINE + 900).await.refused(400, "slot_taken");
    hold(&tom, MONDAY_NINE).await.ok();
    hold(&clinic.patient, MONDAY_NINE).await.refused(400, "slot_taken");
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&(MONDAY_NINE + 900)));
}

#[tokio::test]
async fn an_own_hold_is_no_obstacle_to_another_length() {
    let clinic = clinic().await;
    hold(&clinic.patient, MONDAY_NINE).await.ok();
    let longer = json!({ "end": MONDAY_NINE + 1800, "provider_id": clinic.provider.id });
    book(&clinic.patient, MONDAY_NINE, longer).await.ok();
    // Nothing of the hold is left behind to block a later time.
    let tom = clinic.kit.patient("tom").await;
    assert_eq!(free(&tom.client, MONDAY_NINE).await[0], MONDAY_NINE + 1800);
}

#[tokio::test]
async fn a_booked_time_is_no_hold_any_more() {
    let clinic = clinic().await;
    let held = hold(&clinic.patient, MONDAY_NINE).await.data();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    let path = format!("/slots/hold/{}", id(&held));
    clinic.patient.client.post(&format!("{path}/renew"), json!({})).await.refused(404, "hold_not_found");
    give_back(&clinic.patient, &held).await.refused(404, "hold_not_found");
    // Neither a new hold nor the end of the old one's time frees it.
    hold(&clinic.patient, MONDAY_NINE + HOUR).await.ok();
    clinic.clock.advance_seconds(3_600);
    let tom = clinic.kit.patient("tom").await;
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    let seen = clinic.patient.client.get(&format!("/visits/{}", id(&visit))).await.data();
    assert_eq!(seen["status"], "20");
}

#[tokio::test]
async fn a_hold_that_ended_can_be_booked_only_while_it_is_free() {
    let clinic = clinic().await;
    let tom = clinic.kit.patient("tom").await;
    for (start, taken) in [(MONDAY_NINE, false), (MONDAY_NINE + HOUR, true)] {
        let held = hold(&clinic.patient, start).await.data();
        clinic.clock.advance_seconds(11 * 60);
        let path = format!("/slots/hold/{}/renew", id(&held));
        clinic.patient.client.post(&path, json!({})).await.refused(404, "hold_not_found");
        if taken {
            book(&tom, start, json!({})).await.ok();
            book(&clinic.patient, start, json!({})).await.refused(400, "slot_taken");
        } else {
            book(&clinic.patient, start, json!({})).await.ok();
        }
    }
}

#[tokio::test]
async fn a_hold_is_refused_by_name_where_a_booking_would_be() {
    let clinic = clinic().await;
    let rules = json!({ "booking": { "notice_minutes": 60, "horizon_days": 20 } });
    clinic.admin.post("/rooms/main", rules).await.ok();
    let now = clinic.clock.now().seconds();
    for (start, why) in [(now - HOUR, "past"), (now + 600, "60 minutes"), (now + 21 * 86_400, "20 days")] {
        let refused = hold(&clinic.patient, start).await.refused(400, "invalid_field");
        assert!(refused["fields"]["start"].as_str().unwrap().contains(why), "{refused}");
    }
    let body = json!({ "room_code": "main", "start": MONDAY_NINE });
    let refused = clinic.admin.post("/slots/hold", body.clone()).await;
    let refused = refused.json();
    assert_eq!(
        (&refused["code"], refused["fields"]["member_id"].is_string()),
        (&400.into(), true),
        "{refused}"
    );
    // Staff hold for a patient; then it is the patient's.
    let mut body = body;
    body["member_id"] = clinic.patient.id.clone().into();
    let held = clinic.admin.post("/slots/hold", body).await.data();
    assert_eq!(held["member_id"], clinic.patient.id);
    book(&clinic.patient, MONDAY_NINE, json!({})).await.ok();
}
