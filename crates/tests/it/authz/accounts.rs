//! Rows of the operations on accounts and on the apps they let in.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub const OPEN: &[(&str, &str)] = &[
    ("accounts::list", "public, and empty unless the operator says otherwise; accounts.rs has both"),
    (
        "accounts::get",
        "what a portal needs before anybody has signed in; accounts.rs sees that no setting leaks",
    ),
];

const WHOLE: &str = "admins may in the whole clinic";

pub async fn cases(world: &World) -> Vec<Case> {
    let World { kit, admin, patient, provider, .. } = world;
    let app =
        admin.post("/api_apps", json!({ "name": "app" })).await.data()["id"].as_str().unwrap().to_owned();
    let made = async |what: &str| {
        let body = json!({ "name": "one", "scopes": "visits:read" });
        let made = admin.post(&format!("/api_apps/{app}/{what}"), body).await.data();
        (made["id"].as_str().unwrap().to_owned(), made)
    };
    let ((key, _), (token, narrow)) = (made("keys").await, made("tokens").await);
    // A token of the clinic without the scope.
    let narrow = super::Expect::Refused(kit.bearer(narrow["token"].as_str().unwrap()), 403);
    // A clinic to try things in, with somebody who waits.
    let clinic = kit.test_clinic("trial").await;
    let trial = kit.admin_of(&clinic);
    let room = trial.post("/rooms", json!({ "name": "Trial", "slug": "trial" })).await.data();
    let waiting = kit.portal_of(&clinic).sign_in(kit, "p-trial", 200).await;
    let tried = waiting.walk_in(room["code"].as_str().unwrap()).await.id;
    let of = |operation| Case::new(operation, admin).relation(nobody(WHOLE)).with("id", &app);
    vec![
        Case::new("accounts::update", admin)
            .with("code", "-")
            .body(json!({ "portal_title": "North" }))
            .role(refused(provider, 403))
            .relation(narrow)
            .elsewhere(200),
        Case::new("request_log::list", admin)
            .role(refused(provider, 403))
            .relation(nobody(WHOLE))
            .elsewhere(200),
        Case::new("test_clinic::messages", &trial)
            .role(refused(provider, 403))
            .relation(nobody(WHOLE))
            .elsewhere(403),
        Case::new("test_clinic::clock", &trial)
            .body(json!({ "advance": 60 }))
            .role(refused(provider, 403))
            .relation(nobody(WHOLE))
            .elsewhere(403),
        Case::new("test_clinic::act", &trial)
            .with("id", tried)
            .body(json!({ "as": "patient", "do": "leave" }))
            .role(refused(provider, 403))
            .relation(nobody(WHOLE))
            .elsewhere(403),
        Case::new("api_apps::list", admin)
            .role(refused(provider, 403))
            .relation(nobody(WHOLE))
            .elsewhere(200),
        Case::new("api_apps::add", admin)
            .body(json!({ "name": "another" }))
            .role(refused(patient, 403))
            .relation(nobody(WHOLE))
            .elsewhere(200),
        of("api_apps::get").role(refused(provider, 403)),
        of("api_apps::update").body(json!({ "name": "renamed" })).role(refused(patient, 403)),
        of("api_apps::add_key").body(json!({})).role(refused(provider, 403)),
        of("api_apps::delete_key").with("key_id", key).role(refused(provider, 403)),
        of("api_apps::add_token").body(json!({ "name": "two" })).role(refused(patient, 403)),
        of("api_apps::delete_token").with("token_id", token).role(refused(patient, 403)),
        of("api_apps::delete").role(refused(provider, 403)),
    ]
}
