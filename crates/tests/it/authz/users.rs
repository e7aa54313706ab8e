//! Rows of the operations on users.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, .. } = world;
    world.running().await;
    vec![
        Case::new("users::get", &provider.client)
            .with("id", &patient.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("users::list_rooms", &provider.client)
            .with("id", &provider.id)
            .role(refused(patient, 404))
            .relation(refused(outsider, 404)),
        Case::new("users::assign_rooms", admin)
            .with("id", &provider.id)
            .body(json!({ "room_code": "main" }))
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic")),
    ]
}
