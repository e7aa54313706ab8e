//! Rows of log-ins and sessions.

use super::{Case, World, nobody};

pub const OPEN: &[(&str, &str)] = &[
    ("users::sso", "takes the API key; sso.rs has its refusals"),
    ("users::guest_login", "how a guest gets in; users.rs has its refusals"),
    ("users::login", "how somebody gets in; login.rs has its refusals"),
    ("users::logout", "signing out twice is fine; it ends only what the caller shows"),
    ("users::set_password", "takes a one-time token; login.rs has its refusals"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    vec![
        Case::new("sessions::get", &world.patient.client)
            .role(nobody("everybody may see who they are"))
            .relation(nobody("it shows nobody else"))
            .elsewhere(200),
    ]
}
