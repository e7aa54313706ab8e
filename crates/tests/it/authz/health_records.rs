//! Rows of the operations on health records and readings.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, outsider, provider, .. } = world;
    world.running().await;
    let path = format!("/users/{}/emr/allergies", patient.id);
    let add = async |substance: &str| {
        let all = provider.client.post(&path, json!({ "substance": substance })).await.data();
        all["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (changed, removed) = (add("Nuts").await, add("Latex").await);
    let reading = json!({ "type": "pulse", "value": 60 });
    let taken = patient.client.post("/users/-/health_data", reading.clone()).await.data();
    let of = |operation| {
        Case::new(operation, &provider.client)
            .with("id", &patient.id)
            .with("kind", "allergies")
            .role(super::Expect::Refused(admin.clone(), 403))
            .relation(refused(outsider, 404))
    };
    vec![
        Case::new("health_records::schemas", &patient.client)
            .role(nobody("everybody may know what a record asks"))
            .relation(nobody("it shows nobody"))
            .elsewhere(200),
        of("health_records::get"),
        of("health_records::section").relation(refused(stranger, 404)),
        of("health_records::add").body(json!({ "substance": "Milk" })),
        of("health_records::update")
            .with("entry_id", &changed)
            .body(json!({ "version": 1, "reaction": "Rash" })),
        of("health_records::remove").with("entry_id", &removed),
        of("health_readings::list"),
        of("health_readings::add").body(reading),
        of("health_readings::remove").with("reading_id", taken["id"].as_str().unwrap()),
    ]
}
