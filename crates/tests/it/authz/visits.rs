//! Rows of the operations on visits.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, .. } = world;
    let fresh = patient.intake("main").await;
    let waiting = patient.walk_in("main").await.id;
    let mut cases = vec![
        Case::new("visits::add_walkin", &patient.client)
            .body(json!({ "intake_id": fresh, "room_code": "main" }))
            .role(refused(stranger, 400))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("visits::list", &patient.client)
            .role(nobody("everybody may list what they may see"))
            .relation(nobody("the list is cut to the caller"))
            .elsewhere(200),
        Case::new("visits::get", &patient.client)
            .with("id", &waiting)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ];
    for operation in ["visits::accept", "visits::start", "visits::put_back", "visits::complete"] {
        let visit = match operation {
            "visits::accept" | "visits::start" => patient.walk_in("main").await,
            _ => world.running().await,
        };
        let wrong = if operation == "visits::start" { refused(stranger, 404) } else { refused(patient, 403) };
        cases.push(
            Case::new(operation, &provider.client)
                .with("id", &visit.id)
                .body(json!({}))
                .role(wrong)
                .relation(refused(outsider, 404)),
        );
    }
    let leaving = patient.walk_in("main").await;
    cases.push(
        Case::new("visits::close", &patient.client)
            .with("id", &leaving.id)
            .body(json!({ "reason": "patient_exit_room" }))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    );
    cases
}
