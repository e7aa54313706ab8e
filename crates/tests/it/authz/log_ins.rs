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
    ("sessions::get_lock", "shows what the caller's own cookie is; session_locks.rs has its refusals"),
    ("sessions::lock", "locks what the caller shows and nothing else; session_locks.rs"),
    ("sessions::unlock", "takes a locked page's cookie and a password; session_locks.rs has its refusals"),
    ("users::forgot_password", "for whoever cannot log in; mail.rs shows that it tells nothing"),
];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, kit, .. } = world;
    let body = json!({ "first_name": "Maria", "last_name": "maria", "code": "maria", "type": 200,
        "email": "maria@example.org" });
    kit.portal().post("/users/sso", body).await.ok();
    let leaving = kit.patient("leaving").await;
    kit.anonymous().get(&format!("//auth?sso_token={}", patient.token)).await;
    let sessions = admin.get(&format!("/users/{}/sessions", patient.id)).await.data();
    let session = sessions[0]["id"].as_str().unwrap().to_owned();
    vec![
        Case::new("sessions::get", &patient.client)
            .role(nobody("everybody may see who they are"))
            .relation(nobody("it shows nobody else"))
            .elsewhere(200),
        Case::new("sessions::list", &provider.client)
            .with("id", &provider.id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 403)),
        Case::new("sessions::end", admin)
            .with("id", &patient.id)
            .with("session_id", session)
            .role(refused(provider, 403))
            .relation(refused(stranger, 403)),
        Case::new("sessions::end_all", admin)
            .with("id", &leaving.id)
            .role(refused(provider, 403))
            .relation(refused(stranger, 403)),
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
