//! Rows of the operations on intakes.

use serde_json::json;

use super::{Case, World, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, outsider, .. } = world;
    let visit = world.running().await;
    vec![
        Case::new("intakes::add", &patient.client)
            .body(json!({ "member_id": patient.id }))
            .role(refused(stranger, 403))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("intakes::get", &patient.client)
            .with("id", &visit.intake_id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("intakes::update", &patient.client)
            .with("id", &visit.intake_id)
            .body(json!({}))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ]
}
