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
    let pharmacy = admin.post("/pharmacies", json!({ "name": "Corner" })).await.data();
    let gone = admin.post("/pharmacies", json!({ "name": "Gone" })).await.data();
    let (listed, gone) = (pharmacy["id"].as_str().unwrap(), gone["id"].as_str().unwrap());
    let kept = patient.client.post("/users/-/pharmacies", json!({ "name": "Lake" })).await.data();
    let kept = kept[0]["id"].as_str().unwrap();
    let visit = world.running().await.id;
    let write = json!({ "drug": "Amoxicillin", "directions": "One a day" });
    let paper = provider.client.post(&format!("/visits/{visit}/prescriptions"), write.clone()).await.data();
    let paper = paper["id"].as_str().unwrap();
    let clinics = |operation| {
        Case::new(operation, admin)
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic"))
    };
    let papers = |operation, id: &str| {
        Case::new(operation, &provider.client)
            .with("id", id)
            .role(super::Expect::Refused(admin.clone(), 403))
            .relation(refused(outsider, 404))
    };
    vec![
        Case::new("pharmacies::search", &patient.client)
            .role(nobody("everybody may look for a pharmacy"))
            .relation(nobody("it shows nobody"))
            .elsewhere(200),
        clinics("pharmacies::add").body(json!({ "name": "Hill" })).elsewhere(200),
        clinics("pharmacies::update").with("id", listed).body(json!({ "name": "Corner" })),
        clinics("pharmacies::retire").with("id", gone),
        of("pharmacies::list"),
        of("pharmacies::keep").body(json!({ "name": "Hill" })),
        of("pharmacies::set_default").body(json!({ "id": kept })),
        of("pharmacies::forget").with("pharmacy_id", kept),
        papers("prescriptions::list", &visit),
        papers("prescriptions::add", &visit).body(write),
        of("prescriptions::of_user"),
        papers("prescriptions::get", paper),
        papers("prescriptions::pdf", paper),
        papers("prescriptions::cancel", paper).body(json!({ "reason": "Wrong dose" })),
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
