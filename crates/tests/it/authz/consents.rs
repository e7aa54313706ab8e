//! Rows of the operations on consents.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub const OPEN: &[(&str, &str)] = &[
    ("consents::tos", "whoever signs up reads the terms before there is a token"),
    ("consents::consent", "a page shows it before there is a token"),
    ("consents::get", "what is published for everybody to agree to"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, admin, .. } = world;
    world.running().await;
    let publish = json!({ "title": "Consent", "text": "I agree." });
    let document = admin.post("/consent_documents", publish.clone()).await.data();
    let id = document["id"].as_str().unwrap().to_owned();
    let other = admin.post("/consent_documents", json!({ "kind": "other", "title": "x", "text": "x" })).await;
    let other = other.data()["id"].as_str().unwrap().to_owned();
    let all = || nobody("those who run the clinic manage all of its documents");
    vec![
        Case::new("consents::list_documents", admin)
            .role(refused(provider, 403))
            .relation(all())
            .elsewhere(200),
        Case::new("consents::publish", admin)
            .body(publish)
            .role(refused(provider, 403))
            .relation(all())
            .elsewhere(200),
        Case::new("consents::retire", admin).with("id", other).role(refused(patient, 403)).relation(all()),
        Case::new("consents::add", &patient.client)
            .with("id", &patient.id)
            .body(json!({ "document_id": id, "version": 1, "signature": "Maria" }))
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("consents::list", &provider.client)
            .with("id", &patient.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ]
}
