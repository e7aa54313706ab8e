//! Rows of the operations on events.

use super::{Case, World, nobody};

pub async fn cases(world: &World) -> Vec<Case> {
    vec![
        Case::new("events::stream", &world.patient.client)
            .role(nobody("everybody hears what concerns them"))
            .relation(nobody("the stream is cut to the caller"))
            .elsewhere(200),
    ]
}
