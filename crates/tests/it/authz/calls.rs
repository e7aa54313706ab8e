//! Rows of the operations on calls.

use serde_json::json;

use super::{Case, World, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, outsider, provider, .. } = world;
    let visit = world.running().await;
    // In the call for as long as the grace for a resume lasts.
    let pass = patient.act(&visit, "call").await.data();
    crate::calls::door(&pass, None).await.expect("the patient is let in");
    vec![
        Case::new("calls::join", &patient.client)
            .with("id", &visit.id)
            .body(json!({}))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("meetings::get", &patient.client)
            .with("meeting_id", visit.body["meeting"]["meeting_id"].as_str().unwrap_or_default())
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("call_quality::report", &patient.client)
            .with("id", &visit.id)
            .body(json!({ "sid": "PA_row1" }))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("call_moderation::mute", &provider.client)
            .with("id", &visit.id)
            .body(json!({ "identity": format!("user-{}", patient.id) }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("call_moderation::remove", &provider.client)
            .with("id", &visit.id)
            .body(json!({ "identity": format!("user-{}", patient.id) }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("call_quality::list", &provider.client)
            .with("id", &visit.id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
    ]
}
