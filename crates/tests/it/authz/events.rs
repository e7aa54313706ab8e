//! Rows of the operations on events and the audit trail.

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    vec![
        Case::new("events::stream", &world.patient.client)
            .role(nobody("everybody hears what concerns them"))
            .relation(nobody("the stream is cut to the caller"))
            .elsewhere(200),
        Case::new("events::list", &world.admin)
            .role(refused(&world.provider, 403))
            .relation(nobody("admins read the whole clinic's log"))
            .elsewhere(200),
        Case::new("audit::list", &world.admin)
            .role(refused(&world.provider, 403))
            .relation(nobody("admins read the whole clinic's trail"))
            .elsewhere(200),
        Case::new("audit::export", &world.admin)
            .role(refused(&world.patient, 403))
            .relation(nobody("admins read the whole clinic's trail"))
            .elsewhere(200),
    ]
}
