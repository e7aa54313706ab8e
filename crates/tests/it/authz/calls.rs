//! Rows of the operations on calls.

use serde_json::json;

use super::{Case, World, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, outsider, .. } = world;
    let visit = world.running().await;
    vec![
        Case::new("calls::join", &patient.client)
            .with("id", &visit.id)
            .body(json!({}))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ]
}
