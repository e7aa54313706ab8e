//! Rows of the operations on calendars.

use bedside_model::At;

use super::{Case, Expect, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { kit, admin, patient, stranger, outsider, .. } = world;
    let visit = kit.appointment(patient, "main", At::from_seconds(1_801_472_400), 30).await;
    // An admin token is no person with appointments, here and elsewhere.
    let own = |operation| {
        Case::new(operation, &patient.client)
            .role(Expect::Refused(admin.clone(), 403))
            .relation(nobody("it is always the caller's own"))
            .elsewhere(403)
    };
    vec![
        Case::new("calendars::visit", &patient.client)
            .with("id", &visit.id)
            .role(refused(stranger, 404))
            .relation(refused(outsider, 404)),
        own("calendars::get"),
        own("calendars::rotate"),
    ]
}
