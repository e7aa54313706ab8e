//! Rows of the operations on rooms.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub const OPEN: &[(&str, &str)] = &[
    ("rooms::list", "the clinic's rooms are public"),
    ("rooms::get", "a room's page is public; it tells nothing of people"),
    ("rooms::list_providers", "names and titles of a room's providers are public"),
    ("rooms::get_provider", "name and title of a room's provider are public"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, provider, .. } = world;
    world.kit.room("spare").await;
    let leaving = world.kit.provider("d-leaving", &["main"]).await;
    vec![
        Case::new("rooms::delete", admin)
            .with("code", "spare")
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic")),
        Case::new("rooms::unassign", admin)
            .with("code", "main")
            .with("id", &leaving.id)
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic")),
        Case::new("rooms::add", admin)
            .body(json!({ "slug": "x", "name": "x" }))
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic"))
            .elsewhere(200),
        Case::new("rooms::update", admin)
            .with("code", "main")
            .body(json!({}))
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic")),
        Case::new("rooms::queue", &patient.client)
            .with("code", "main")
            .role(nobody("everybody of the clinic may see how long it takes"))
            .relation(nobody("it shows no person")),
    ]
}
