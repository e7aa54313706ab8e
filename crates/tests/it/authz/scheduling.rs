//! Rows of the operations on slots, closures, holds and appointments.

use bedside_tests::kit::Person;
use serde_json::json;

use super::{Case, World, nobody, refused};

/// A Monday far from every clock change, at nine: `World`'s clock stands in
/// January 2027.
const START: i64 = 1_801_472_400;

/// Somebody's hold of a time.
async fn hold(world: &World, person: &Person, start: i64) -> String {
    let body = json!({ "room_code": "main", "provider_id": world.provider.id, "start": start });
    person.client.post("/slots/hold", body).await.data()["id"].as_str().unwrap().to_owned()
}

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, .. } = world;
    let enable = json!({ "visits": { "appointment": { "enabled": true } } });
    admin.post("/rooms/main", enable).await.ok();
    let opening = |start: i64| json!({ "room_code": "main", "start": start, "end": start + 4 * 3600 });
    let slot = provider.client.post("/slots", opening(START)).await.data()["id"].as_str().unwrap().to_owned();
    let other = provider.client.post("/slots", opening(START + 86_400)).await.data();
    let closure =
        json!({ "provider_id": provider.id, "start": START + 90_000_000, "end": START + 90_003_600 });
    let closed = provider.client.post("/closures", closure.clone()).await.data();
    let window = format!("room_code=main&start={START}&end={}", START + 86_400);
    let fresh = patient.intake("main").await;
    let renewed = hold(world, patient, START).await;
    let given_back = hold(world, stranger, START + 1_800).await;
    let everybody = || nobody("everybody of the clinic may see which times are free");
    vec![
        Case::new("availability::list", &patient.client)
            .query(&window)
            .role(everybody())
            .relation(nobody("free times show no person")),
        Case::new("availability::search", &patient.client)
            .body(json!({ "room_code": "main", "start": START, "end": START + 86_400 }))
            .role(everybody())
            .relation(nobody("free times show no person")),
        Case::new("slots::list", &provider.client)
            .query(&format!("provider_id={}", provider.id))
            .role(refused(patient, 403))
            .relation(refused(outsider, 403))
            .elsewhere(200),
        Case::new("slots::add", &provider.client)
            .body(json!({ "provider_id": provider.id, "room_code": "main", "start": START + 172_800, "end": START + 176_400 }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 403)),
        Case::new("slots::update", &provider.client)
            .with("id", &slot)
            .body(json!({ "capacity": 2 }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 403)),
        Case::new("slots::delete", &provider.client)
            .with("id", other["id"].as_str().unwrap())
            .role(refused(patient, 403))
            .relation(refused(outsider, 403)),
        Case::new("closures::list", &provider.client)
            .query(&format!("provider_id={}", provider.id))
            .role(refused(patient, 403))
            .relation(refused(outsider, 403))
            .elsewhere(200),
        Case::new("closures::add", &provider.client)
            .body(closure)
            .role(refused(patient, 403))
            .relation(refused(outsider, 403))
            .elsewhere(400),
        Case::new("closures::delete", &provider.client)
            .with("id", closed["id"].as_str().unwrap())
            .role(refused(patient, 403))
            .relation(refused(outsider, 403)),
        Case::new("holds::renew", &patient.client)
            .with("id", &renewed)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("holds::delete", &stranger.client)
            .with("id", given_back)
            .role(refused(patient, 404))
            .relation(refused(outsider, 404)),
        Case::new("visits::add", &patient.client)
            .body(json!({ "intake_id": fresh, "start": START, "provider_id": provider.id }))
            .role(refused(stranger, 400))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("holds::add", &patient.client)
            .body(json!({ "room_code": "main", "provider_id": provider.id, "start": START + 900 }))
            .role(refused(provider, 400))
            .relation(nobody("whoever is a patient may hold a free time")),
    ]
}
