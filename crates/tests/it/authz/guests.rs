//! Rows of the operations on guests.

use bedside_tests::kit::{Client, Visit};
use serde_json::json;

use super::{Case, World, nobody, refused};

pub const OPEN: &[(&str, &str)] = &[
    ("guests::invitation", "the code is the key; it tells of nobody but the provider"),
    ("guests::join", "the code is the key; it leads to the door only"),
];

/// A guest at the door: who, and the place.
async fn guest(world: &World, visit: &Visit) -> (Client, String) {
    let body = json!({ "code": visit.body["code"], "name": "Tom", "role": "family" });
    let place = world.kit.anonymous().post("/visits/join", body).await.data();
    let token = place["token"]["token"].as_str().expect("a token");
    (world.kit.bearer(token), place["id"].as_str().expect("an id").to_owned())
}

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, .. } = world;
    let visit = world.running().await;
    let (client, id) = guest(world, &visit).await;
    let (_, declined) = guest(world, &visit).await;
    let mut cases = vec![
        Case::new("guests::get", &client)
            .with("id", &visit.id)
            .with("guest_id", &id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("guests::participants", &patient.client)
            .with("id", &visit.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ];
    for (operation, id) in [("guests::admit", &id), ("guests::decline", &declined)] {
        cases.push(
            Case::new(operation, &provider.client)
                .with("id", &visit.id)
                .with("guest_id", id)
                .body(json!({}))
                .role(refused(patient, 403))
                .relation(refused(outsider, 404)),
        );
    }
    cases.push(
        Case::new("guests::leave", &client)
            .with("id", &visit.id)
            .with("guest_id", &id)
            .body(json!({}))
            .role(refused(provider, 404))
            .relation(nobody("a guest has one place, the own")),
    );
    cases
}
