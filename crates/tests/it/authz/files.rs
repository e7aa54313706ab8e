//! Rows of the operations on files. (`files::add` takes a form, not JSON: what
//! it refuses before that is asked here, the rest in `files_access`.)

use serde_json::json;

use super::{Case, World, nobody, refused};
use crate::files::{id, put};

pub const OPEN: &[(&str, &str)] = &[
    ("files::add", "takes a multipart form only; files_access tries everybody on it, nobody included"),
    ("files::view", "goes by the signature of its link; files_content tries wrong ones"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, .. } = world;
    world.running().await;
    let file = put(&patient.client, "user_document").await;
    vec![
        Case::new("files::list", &patient.client)
            .query(&format!("target_id={}", patient.id))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("files::get", &patient.client)
            .with("id", id(&file))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("files::rename", &patient.client)
            .with("id", id(&file))
            .body(json!({ "name": "Blood test" }))
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("files::rename", &world.admin)
            .with("id", id(&file))
            .body(json!({ "name": "Blood test" }))
            .role(refused(outsider, 404))
            .relation(nobody("an admin may rename every file of the clinic")),
        Case::new("files::delete", &patient.client)
            .with("id", id(&file))
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
    ]
}
