//! Rows of the operations on visits.

use bedside_model::{At, visit::Status};
use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, .. } = world;
    let (fresh, question) = (patient.intake("main").await, patient.intake("main").await);
    let another = patient.intake("main").await;
    let waiting = patient.walk_in("main").await.id;
    let mut cases = vec![
        Case::new("visits::add_walkin", &patient.client)
            .body(json!({ "intake_id": fresh, "room_code": "main" }))
            .role(refused(stranger, 400))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("visits::add_econsult", &patient.client)
            .body(json!({ "intake_id": question }))
            .role(refused(stranger, 400))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("visits::add_econsult_alias", &patient.client)
            .body(json!({ "intake_id": another }))
            .role(refused(stranger, 400))
            .relation(refused(outsider, 400))
            .elsewhere(400),
        Case::new("visits::list", &patient.client)
            .role(nobody("everybody may list what they may see"))
            .relation(nobody("the list is cut to the caller"))
            .elsewhere(200),
        Case::new("visits::of_user", &patient.client)
            .with("id", &patient.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        Case::new("visits::in_progress", &patient.client)
            .role(refused(provider, 404))
            .relation(nobody("it shows only the caller's own")),
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
    cases.extend(plans(world).await);
    cases.extend(ends(world).await);
    cases
}

/// What staff plan, and the patient who comes to an appointment.
async fn plans(world: &World) -> Vec<Case> {
    let World { kit, patient, stranger, provider, outsider, .. } = world;
    let now = kit.app.clock.now();
    let booked =
        async |start_at: At| kit.appointment_as(patient, "main", start_at, 15, Status::Pending).await.id;
    vec![
        Case::new("visits::update", &provider.client)
            .with("id", patient.walk_in("main").await.id)
            .body(json!({ "description": "Bring the letter" }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("visits::confirm", &provider.client)
            .with("id", booked(now.plus_minutes(60)).await)
            .body(json!({}))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("visits::transfer", &provider.client)
            .with("id", patient.walk_in("main").await.id)
            .body(json!({ "room_code": "annex" }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404)),
        Case::new("visits::arrive", &patient.client)
            .with("id", booked(now).await)
            .body(json!({}))
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
    ]
}

async fn ends(world: &World) -> Vec<Case> {
    let World { patient, stranger, outsider, .. } = world;
    let reason = "patient_exit_room";
    let mut cases = Vec::new();
    for operation in ["visits::cancel", "visits::close", "visits::end"] {
        let visit = patient.walk_in("main").await;
        cases.push(
            Case::new(operation, &patient.client).with("id", &visit.id).body(json!({ "reason": reason })),
        );
    }
    for operation in ["visits::cancel_named", "visits::close_named", "visits::end_named"] {
        let visit = patient.walk_in("main").await;
        cases.push(Case::new(operation, &patient.client).body(json!({ "id": visit.id, "reason": reason })));
    }
    cases.into_iter().map(|case| case.role(refused(stranger, 404)).relation(refused(outsider, 404))).collect()
}
