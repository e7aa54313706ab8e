//! Rows of the operations on webhooks.

use serde_json::json;

use super::{Case, World, nobody, refused};

const WHOLE: &str = "admins may in the whole clinic";

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, provider, .. } = world;
    // Nothing listens there; what matters here is who may ask.
    let made = admin.post("/webhooks", json!({ "url": "https://portal.invalid/hook" })).await.data();
    let hook = made["id"].as_str().unwrap().to_owned();
    let sent = admin.post(&format!("/webhooks/{hook}/test"), json!({})).await.data();
    let delivery = sent["id"].as_str().unwrap().to_owned();
    let of = |operation| Case::new(operation, admin).role(refused(provider, 403)).relation(nobody(WHOLE));
    let for_patients =
        |operation| Case::new(operation, admin).role(refused(patient, 403)).relation(nobody(WHOLE));
    vec![
        of("webhooks::list").elsewhere(200),
        for_patients("webhooks::add").body(json!({ "url": "https://portal.invalid/other" })).elsewhere(200),
        of("webhooks::get").with("id", &hook),
        of("webhooks::update").with("id", &hook).body(json!({ "strict": 1 })),
        for_patients("webhooks::rotate").with("id", &hook).body(json!({})),
        of("webhooks::test").with("id", &hook),
        of("webhooks::list_deliveries").with("id", &hook),
        of("webhooks::replay").with("id", &hook).body(json!({ "from_seq": 1 })),
        of("webhooks::get_delivery").with("id", &delivery),
        for_patients("webhooks::redeliver").with("id", &delivery),
        of("webhooks::delete").with("id", &hook),
    ]
}
