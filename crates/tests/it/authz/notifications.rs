//! Rows of the operations on endpoints and notifications.

use serde_json::json;

use super::{Case, World, nobody, refused};

/// What takes no token by design, and why.
pub const OPEN: &[(&str, &str)] = &[(
    "notifications::resend_link",
    "whoever lost the link has nothing to show; it goes to the address on file",
)];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { kit, admin, patient, stranger, provider, outsider, .. } = world;
    let endpoint = async |key: &str| {
        let body = json!({ "key": key, "type": 30 });
        patient.client.post("/endpoints", body).await.data()["id"].as_str().unwrap().to_owned()
    };
    let (shown, deleted) = (endpoint("a").await, endpoint("b").await);
    let visit = patient.walk_in("main").await;
    kit.told().await;
    let told = provider.client.get("/notifications").await.data()[0]["id"].as_str().unwrap().to_owned();
    let everybody = || nobody("everybody has their own");
    let own =
        |operation, right| Case::new(operation, right).role(everybody()).relation(everybody()).elsewhere(200);
    let alerts = json!({ "after_minutes": 5, "user_ids": [provider.id] });
    let for_admins =
        |operation| Case::new(operation, admin).role(refused(patient, 403)).relation(refused(provider, 403));
    vec![
        own("endpoints::add", &patient.client).body(json!({ "key": "c", "type": 40 })),
        own("endpoints::list", &patient.client),
        own("endpoints::push_key", &patient.client),
        Case::new("endpoints::get", &patient.client)
            .with("id", shown)
            .role(refused(provider, 404))
            .relation(refused(stranger, 404)),
        Case::new("endpoints::delete", &patient.client)
            .with("id", deleted)
            .role(refused(provider, 404))
            .relation(refused(stranger, 404)),
        own("notifications::list", &patient.client),
        own("notifications::badge", &patient.client),
        own("notifications::reset_badge", &patient.client),
        own("notifications::set_language", &patient.client).body(json!({ "language": "es" })),
        Case::new("notifications::read", &provider.client)
            .with("id", told)
            .role(refused(patient, 404))
            .relation(refused(outsider, 404)),
        for_admins("notifications::settings").elsewhere(200),
        for_admins("notifications::update_settings").body(json!({ "reminders": [60] })).elsewhere(200),
        for_admins("notifications::channels").elsewhere(200),
        for_admins("notifications::test")
            .body(json!({ "channel": "mail", "to": "a@example.org" }))
            .elsewhere(200),
        for_admins("notifications::list_sent").elsewhere(200),
        for_admins("notifications::alerts").with("code", "main"),
        for_admins("notifications::update_alerts").with("code", "main").body(alerts).elsewhere(400),
        Case::new("notifications::invite", &patient.client)
            .with("id", &visit.id)
            .body(json!({ "email": "anna@example.org" }))
            .role(refused(outsider, 404))
            .relation(refused(stranger, 404)),
    ]
}
