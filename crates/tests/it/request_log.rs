//! The request log: what a developer finds of a call that went wrong, by its
//! id, by user and by visit, without a word of what was in it.

use bedside_tests::kit::Kit;
use serde_json::{Value, json};

async fn found(kit: &Kit, query: &str) -> Vec<Value> {
    let page = kit.admin().get(&format!("/request_log{query}")).await.data();
    page["requests"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_refused_call_is_found_by_its_request_id() {
    let kit = Kit::start().await;
    let patient = kit.patient("code-17").await;
    let refused = patient.client.post("/intakes", json!({ "room_code": "nowhere", "attachments": 7 })).await;
    let body: Value = refused.json();
    let id = body["request_id"].as_str().unwrap().to_owned();
    let rows = found(&kit, &format!("?request_id={id}")).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    assert_eq!(row["status"], body["code"]);
    assert_eq!(row["error"], body["error"]);
    assert_eq!((&row["method"], &row["credential"]), (&json!("POST"), &json!("token")));
    assert!(row["route"].as_str().unwrap().ends_with("/intakes"), "{row}");
    assert_eq!(row["user_code"], "code-17");
    assert_eq!(row["credential_hint"].as_str().unwrap().len(), 4);
    assert!(patient.token.ends_with(row["credential_hint"].as_str().unwrap()));
    assert!(row["took_ms"].as_f64().unwrap() > 0.0);
    let fields: Vec<&String> = body["fields"].as_object().map(|map| map.keys().collect()).unwrap_or_default();
    assert_eq!(row["fields"], json!(fields));
    assert!(!row.to_string().contains("nowhere"), "values stay out: {row}");
}

#[tokio::test]
async fn calls_are_found_by_user_and_by_visit() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (patient, other) = (kit.patient("mine").await, kit.patient("other").await);
    let visit = patient.walk_in(&room).await;
    other.walk_in(&room).await;
    patient.visit(&visit).await.ok();
    let of_user = found(&kit, "?user_code=mine").await;
    assert!(!of_user.is_empty());
    assert!(of_user.iter().all(|row| row["user_id"] == json!(patient.id)), "{of_user:?}");
    assert!(found(&kit, "?user_code=nobody").await.is_empty());

    let of_visit = found(&kit, &format!("?visit_id={}", visit.id)).await;
    let routes: Vec<&str> = of_visit.iter().map(|row| row["route"].as_str().unwrap()).collect();
    assert!(routes.iter().any(|route| route.ends_with("/visits/{id}")), "{routes:?}");
    assert!(
        routes.iter().any(|route| route.ends_with("/visits/add_walkin")),
        "the call that made it has no visit in its path: {routes:?}"
    );
    assert!(of_visit.iter().all(|row| row["user_id"] != json!(other.id)));
}

#[tokio::test]
async fn pages_follow_one_another_and_filters_hold() {
    let kit = Kit::start().await;
    let patient = kit.patient("p").await;
    for _ in 0..5 {
        patient.client.get("/visits/999999").await;
    }
    let first = kit.admin().get("/request_log?error=visit_not_found&limit=3").await.data();
    let again = first["requests"].as_array().unwrap();
    assert_eq!(again.len(), 3, "{first}");
    assert!(again.iter().all(|row| row["status"] == 404));
    let next = first["next"].as_str().expect("there are more");
    let second =
        kit.admin().get(&format!("/request_log?error=visit_not_found&limit=3&after={next}")).await.data();
    assert_eq!(second["requests"].as_array().unwrap().len(), 2);
    assert_eq!(second["next"], Value::Null);
    assert!(found(&kit, "?status=418").await.is_empty());
}

#[tokio::test]
async fn a_wrong_key_shows_up_at_the_clinic_that_was_named() {
    let kit = Kit::start().await;
    let stranger = kit.bearer("no-token-of-anybody");
    let id = stranger.get("/rooms").await.json()["request_id"].as_str().unwrap().to_owned();
    let rows = found(&kit, &format!("?request_id={id}")).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["status"], &rows[0]["error"]), (&json!(401), &json!("token_unknown")));
    assert_eq!((&rows[0]["credential"], &rows[0]["credential_hint"]), (&json!(""), &json!("body")));
    assert_eq!(rows[0]["user_id"], Value::Null);
}

#[tokio::test]
async fn what_is_a_week_old_is_gone() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.admin().get("/rooms").await.ok();
    assert!(!found(&kit, "").await.is_empty());
    clock.advance_seconds(7 * 86_400 + 1);
    bedside_app::request_log::purge(&kit.app).await.unwrap();
    // What is left is the look above at most.
    let rows = found(&kit, "").await;
    assert!(rows.iter().all(|row| row["route"].as_str().unwrap().ends_with("/request_log")), "{rows:?}");
}
