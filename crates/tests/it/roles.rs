//! Providers with an extra role, walked through real calls: what each opens, and
//! that all of them still take visits.

use bedside_tests::kit::{Kit, Person};
use serde_json::json;

async fn with_role(kit: &Kit, role: &str) -> Person {
    let provider = kit.provider(&format!("d-{role}"), &["main"]).await;
    let path = format!("/users/{}", provider.id);
    let changed = kit.admin().post(&path, json!({ "role": role })).await.data();
    assert_eq!(changed["role"], role);
    provider
}

/// Statuses of: making a room, listing people, adding a patient, adding a
/// provider, suspending somebody, opening a stranger's profile.
async fn doors(person: &Person, stranger: &Person) -> [u16; 6] {
    let client = &person.client;
    let slug = format!("room-{}", person.id);
    let patient = json!({ "type": 200, "first_name": "Ines", "last_name": "Silva" });
    let provider = json!({ "type": 400, "first_name": "Bo", "last_name": "Li" });
    let path = format!("/users/{}", stranger.id);
    [
        client.post("/rooms", json!({ "slug": slug, "name": "Room" })).await.status.as_u16(),
        client.get("/users").await.status.as_u16(),
        client.post("/users", patient).await.status.as_u16(),
        client.post("/users", provider).await.status.as_u16(),
        client.post(&path, json!({ "is_hidden": 1 })).await.status.as_u16(),
        client.get(&path).await.status.as_u16(),
    ]
}

#[tokio::test]
async fn each_role_opens_its_own_doors() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let stranger = kit.patient("stranger").await;
    let cases = [
        ("clinic_admin", [200, 200, 200, 200, 200, 200]),
        ("scheduler", [403, 200, 200, 403, 403, 200]),
        ("account_manager", [403, 403, 403, 403, 404, 404]),
        ("analyst", [403, 403, 403, 403, 404, 404]),
        ("", [403, 200, 403, 403, 404, 404]),
    ];
    for (role, wanted) in cases {
        let person = with_role(&kit, role).await;
        assert_eq!(doors(&person, &stranger).await, wanted, "{role}");
    }
    // A scheduler finds everybody, a provider without a role nobody yet.
    let (scheduler, plain) = (with_role(&kit, "scheduler").await, with_role(&kit, "").await);
    let total =
        async |person: &Person| person.client.get("/users?type=200").await.ok().json()["total_count"].clone();
    assert_eq!(
        (total(&plain).await, total(&scheduler).await),
        (json!(0), total(&with_role(&kit, "clinic_admin").await).await)
    );
}

#[tokio::test]
async fn a_provider_with_a_role_still_takes_visits() {
    let kit = Kit::start().await;
    kit.room("main").await;
    for role in ["clinic_admin", "scheduler", "account_manager", "analyst"] {
        let provider = with_role(&kit, role).await;
        let visit = kit.patient(&format!("p-{role}")).await.walk_in("main").await;
        provider.act(&visit, "accept").await.ok();
        provider.act(&visit, "complete").await.ok();
    }
}

#[tokio::test]
async fn a_role_is_given_and_taken_by_those_who_run_the_clinic() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let provider = with_role(&kit, "").await;
    let own = "/users/-";
    provider.client.post(own, json!({ "role": "clinic_admin" })).await.refused(403, "admin_only");
    let path = format!("/users/{}", provider.id);
    let patient = kit.patient("m").await;
    let of_patient = format!("/users/{}", patient.id);
    for (path, role) in [(&path, "boss"), (&of_patient, "scheduler")] {
        let refused = kit.admin().post(path, json!({ "role": role })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["role"].is_string(), "{refused}");
    }
    // A role counts from the next call on, and so does its end.
    kit.admin().post(&path, json!({ "role": "clinic_admin" })).await.ok();
    provider.client.post("/rooms", json!({ "slug": "x", "name": "X" })).await.ok();
    kit.admin().post(&path, json!({ "role": "" })).await.ok();
    provider.client.post("/rooms", json!({ "slug": "y", "name": "Y" })).await.refused(403, "admin_only");
}
