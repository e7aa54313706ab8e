//! Rows of the operations on notes.

use serde_json::json;

use super::{Case, World, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, outsider, provider, .. } = world;
    let visit = world.running().await.id;
    let begin = async |text: &str| {
        let path = format!("/visits/{visit}/notes");
        let note = provider.client.post(&path, json!({ "plan": text })).await.data();
        note["id"].as_str().unwrap().to_owned()
    };
    let (draft, signed, other) = (begin("a").await, begin("b").await, begin("c").await);
    provider.client.post(&format!("/notes/{signed}/sign"), json!({})).await.ok();
    let of = |operation, id: &str| {
        Case::new(operation, &provider.client)
            .with("id", id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404))
    };
    vec![
        of("notes::list", &visit),
        of("notes::add", &visit).body(json!({ "plan": "Rest" })),
        of("notes::get", &draft),
        of("notes::update", &draft).body(json!({ "version": 1, "plan": "Rest" })),
        of("notes::sign", &other).body(json!({})),
        of("notes::addendum", &signed).body(json!({ "text": "And more." })),
        of("notes::pdf", &draft),
    ]
}
