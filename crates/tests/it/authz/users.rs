//! Rows of the operations on users.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, .. } = world;
    world.running().await;
    let own = format!("/users/{}/dependants", patient.id);
    let child =
        json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child" });
    let dependant = patient.client.post(&own, child.clone()).await.data()["id"].as_str().unwrap().to_owned();
    let new = json!({ "type": 200, "first_name": "Ines", "last_name": "Silva" });
    vec![
        Case::new("users::list", admin)
            .role(refused(patient, 403))
            .relation(nobody("a provider finds the own patients only (it/user_list)"))
            // Everybody of their own clinic.
            .elsewhere(200),
        Case::new("users::add", admin)
            .body(new)
            .role(refused(provider, 403))
            .relation(nobody("admins may in the whole clinic"))
            .elsewhere(200),
        Case::new("users::update", &patient.client)
            .with("id", &patient.id)
            .body(json!({ "phone": "555-0100" }))
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("dependants::list", &patient.client)
            .with("id", &patient.id)
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("dependants::add", &patient.client)
            .with("id", &patient.id)
            .body(child)
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("dependants::end", &patient.client)
            .with("id", &patient.id)
            .with("dependant_id", dependant)
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
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
