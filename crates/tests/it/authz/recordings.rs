//! Rows of the operations on recordings.

use bedside_tests::kit::Visit;
use serde_json::json;

use super::{Case, World, nobody, refused};
use crate::recordings::{Socket, enter};

pub const OPEN: &[(&str, &str)] =
    &[("recordings::view", "goes by the signature of its link; recordings tries a wrong one")];

/// A call that somebody is in, until the server ends.
async fn occupied(world: &World) -> Visit {
    let visit = world.running().await;
    let inside: Socket = enter(&world.patient.act(&visit, "call").await.data()).await;
    // Whoever is silent stays a while; the connection is closed with the process.
    std::mem::forget(inside);
    visit
}

async fn asked(world: &World, visit: &Visit) -> String {
    let path = format!("/visits/{}/recordings", visit.id);
    world.provider.client.post(&path, json!({})).await.data()["id"].to_string()
}

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, outsider, provider, admin, .. } = world;
    let visit = occupied(world).await;
    let id = asked(world, &visit).await;
    let of_visit = |operation| Case::new(operation, &provider.client).with("id", &visit.id);
    let mut cases = vec![
        of_visit("recordings::list").role(refused(patient, 403)).relation(refused(outsider, 404)),
        Case::new("recordings::current", &patient.client)
            .with("id", &visit.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("recordings::get", &provider.client)
            .with("id", &id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("recordings::say", &patient.client)
            .with("id", &id)
            .body(json!({ "answer": "refuse" }))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("recordings::settings", admin)
            .role(refused(provider, 403))
            .relation(nobody("every admin sees the settings of the own clinic"))
            .elsewhere(200),
        Case::new("recordings::update_settings", admin)
            .body(json!({ "recording_retention_days": 30 }))
            .role(refused(provider, 403))
            .relation(nobody("every admin may change the settings of the own clinic"))
            .elsewhere(200),
    ];
    let id = asked_and_over(world).await;
    cases.push(
        Case::new("recordings::delete", admin)
            .with("id", &id)
            .role(refused(provider, 403))
            .relation(refused(outsider, 404)),
    );
    let ended = occupied(world).await;
    let id = asked(world, &ended).await;
    cases.push(
        Case::new("recordings::stop", &provider.client)
            .with("id", &id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
    );
    let fresh = occupied(world).await;
    cases.push(
        Case::new("recordings::start", &provider.client)
            .with("id", &fresh.id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
    );
    cases
}

async fn asked_and_over(world: &World) -> String {
    let visit = occupied(world).await;
    let id = asked(world, &visit).await;
    world.provider.client.post(&format!("/recordings/{id}/stop"), json!({})).await.ok();
    id
}
