//! Rows of the operations on identifiers of other systems. The door that reads
//! by them is no part of the API's description: `it/fhir.rs`.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, provider, admin, .. } = world;
    let visit = world.running().await.id;
    let body = |value: &str| json!({ "identifiers": [{ "system": "urn:oid:1.2.3", "value": value }] });
    let all = || nobody("those who run the clinic see and set all of them");
    vec![
        Case::new("identifiers::of_user", admin)
            .with("id", &patient.id)
            .role(refused(patient, 403))
            .relation(all()),
        Case::new("identifiers::update_user", admin)
            .with("id", &patient.id)
            .body(body("1"))
            .role(refused(provider, 403))
            .relation(all()),
        Case::new("identifiers::of_visit", admin)
            .with("id", &visit)
            .role(refused(patient, 403))
            .relation(all()),
        Case::new("identifiers::update_visit", admin)
            .with("id", &visit)
            .body(body("2"))
            .role(refused(provider, 403))
            .relation(all()),
    ]
}
