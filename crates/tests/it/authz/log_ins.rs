//! Rows of log-ins and sessions.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub const OPEN: &[(&str, &str)] = &[
    ("users::sso", "takes the API key; sso.rs has its refusals"),
    ("users::guest_login", "how a guest gets in; users.rs has its refusals"),
    ("users::login", "how somebody gets in; login.rs has its refusals"),
    ("users::logout", "signing out twice is fine; it ends only what the caller shows"),
    ("users::set_password", "takes a one-time token; login.rs has its refusals"),
    ("users::password_link", "takes a one-time token; mail.rs has its refusals"),
    ("users::refresh_token", "takes a refresh token; login.rs has its refusals"),
    ("users::forgot_password", "for whoever cannot log in; mail.rs shows that it tells nothing"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, provider, kit, .. } = world;
    let body = json!({ "first_name": "Maria", "last_name": "maria", "code": "maria", "type": 200,
        "email": "maria@example.org" });
    kit.portal().post("/users/sso", body).await.ok();
    vec![
        Case::new("sessions::get", &patient.client)
            .role(nobody("everybody may see who they are"))
            .relation(nobody("it shows nobody else"))
            .elsewhere(200),
        Case::new("users::send_password_mail", admin)
            .with("id", &patient.id)
            .role(refused(provider, 403))
            .relation(refused(patient, 403)),
        Case::new("users::heartbeat", &patient.client)
            .body(json!({ "heart_beat": 30 }))
            .role(nobody("everybody may say that they are there"))
            .relation(nobody("it is the caller's own"))
            .elsewhere(200),
    ]
}
