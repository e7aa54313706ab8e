//! The test clinic: it writes to nobody, its time can be brought nearer, the
//! other side can be played; a live clinic refuses all of it.

use bedside_tests::kit::{Client, Kit};
use serde_json::json;

/// A test clinic with a room: its admin, its portal, the room's code.
async fn trial(kit: &Kit) -> (Client, Client, String) {
    let clinic = kit.test_clinic("trial").await;
    let admin = kit.admin_of(&clinic);
    let room = admin.post("/rooms", json!({ "name": "Trial", "slug": "trial" })).await.data();
    (admin, kit.portal_of(&clinic), room["code"].as_str().unwrap().to_owned())
}

async fn act(admin: &Client, visit: &str, part: &str, deed: &str) -> bedside_tests::kit::Answer {
    admin.post(&format!("/test/visits/{visit}/act"), json!({ "as": part, "do": deed })).await
}

#[tokio::test]
async fn a_live_clinic_refuses_all_of_it() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let visit = kit.patient("p").await.walk_in(&room).await;
    let admin = kit.admin();
    admin.get("/test/messages").await.refused(403, "not_a_test_clinic");
    admin.post("/test/clock", json!({ "advance": 60 })).await.refused(403, "not_a_test_clinic");
    act(&admin, &visit.id, "patient", "leave").await.refused(403, "not_a_test_clinic");
    assert_eq!(admin.get(&format!("/visits/{}", visit.id)).await.data()["status"], "10");
}

#[tokio::test]
async fn the_provider_is_played_from_taking_to_completing() {
    let kit = Kit::start().await;
    let (admin, portal, room) = trial(&kit).await;
    let patient = portal.sign_in(&kit, "p", 200).await;
    let visit = patient.walk_in(&room).await;
    act(&admin, &visit.id, "provider", "take").await.refused(400, "no_provider");
    let doctor = portal.sign_in(&kit, "d", 400).await;
    admin.post(&format!("/users/{}/rooms", doctor.id), json!({ "room_code": room })).await.ok();

    let taken = act(&admin, &visit.id, "provider", "take").await.data();
    assert_eq!((&taken["status"], &taken["provider_id"]), (&json!("25"), &json!(doctor.id)));
    let back = act(&admin, &visit.id, "provider", "put_back").await.data();
    assert_eq!(back["status"], "10");
    act(&admin, &visit.id, "provider", "take").await.ok();
    let done = act(&admin, &visit.id, "provider", "complete").await.data();
    assert_eq!((&done["status"], &done["completed_by"]), (&json!("30"), &json!(doctor.id)));
    act(&admin, &visit.id, "provider", "take").await.refused(400, "visit_closed");
}

#[tokio::test]
async fn the_patient_is_played_and_nonsense_is_named() {
    let kit = Kit::start().await;
    let (admin, portal, room) = trial(&kit).await;
    let visit = portal.sign_in(&kit, "p", 200).await.walk_in(&room).await;
    for (part, deed, field) in [
        ("nurse", "take", "as"),
        ("patient", "dance", "do"),
        ("patient", "take", "do"),
        ("provider", "leave", "do"),
    ] {
        // A provider must exist before it can refuse a deed.
        let doctor = portal.sign_in(&kit, "d", 400).await;
        admin.post(&format!("/users/{}/rooms", doctor.id), json!({ "room_code": room })).await.ok();
        let refused = act(&admin, &visit.id, part, deed).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{part} {deed}: {refused}");
    }
    let left = act(&admin, &visit.id, "patient", "leave").await.data();
    assert_eq!(left["status"], "40");
    act(&admin, "999999", "patient", "leave").await.refused(404, "visit_not_found");
}

#[tokio::test]
async fn time_comes_nearer_in_this_clinic_alone() {
    let kit = Kit::start().await;
    let (admin, portal, _) = trial(&kit).await;
    let (here, elsewhere) = (portal.sign_in(&kit, "p", 200).await, kit.patient("q").await);
    let moved = admin.post("/test/clock", json!({ "advance": 200 * 86_400 })).await.data();
    assert!(moved["moved"].as_u64().unwrap() >= 1, "{moved}");
    here.client.get("/users/-").await.refused(401, "token_expired");
    elsewhere.client.get("/users/-").await.ok();
    for advance in [0, -5, 401 * 86_400] {
        let refused =
            admin.post("/test/clock", json!({ "advance": advance })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["advance"].is_string(), "{refused}");
    }
}

#[tokio::test]
async fn a_reminder_that_time_brings_nearer_is_written() {
    let (kit, clock) = Kit::on_a_clock().await;
    let (admin, portal, room) = trial(&kit).await;
    let mut ann = portal.sign_in(&kit, "ann", 200).await;
    ann.client = ann.client.header("X-AccountCode", "trial");
    ann.client.post("/users/-", json!({ "email": "ann@example.org" })).await.ok();
    let doctor = portal.sign_in(&kit, "d", 400).await;
    admin.post(&format!("/users/{}/rooms", doctor.id), json!({ "room_code": room })).await.ok();
    let intake = ann.intake(&room).await;
    let start = clock.now().seconds() + 10 * 86_400;
    let visit = json!({ "intake_id": intake, "start": start, "member_id": ann.id,
        "provider_id": doctor.id, "override": 1 });
    admin.post("/visits", visit).await.ok();
    let reminders = async || {
        kit.told().await;
        let kept = admin.get("/test/messages?channel=email").await.data();
        let about = |one: &&serde_json::Value| one["subject"].as_str().unwrap().contains("coming up");
        kept.as_array().unwrap().iter().filter(about).count()
    };
    for (advance, wanted) in [(9 * 86_400 - 1, 0), (1, 1), (23 * 3600, 2)] {
        admin.post("/test/clock", json!({ "advance": advance })).await.ok();
        assert_eq!(reminders().await, wanted, "{advance}");
    }
    assert!(kit.letters().await.is_empty(), "nothing left the house");
}

#[tokio::test]
async fn mail_is_kept_instead_of_sent() {
    let kit = Kit::start().await;
    let (admin, portal, _) = trial(&kit).await;
    let body = json!({ "first_name": "Ann", "last_name": "Lee", "code": "a", "type": 200,
        "email": "ann@example.org" });
    portal.post("/users/sso", body).await.ok();
    kit.anonymous()
        .header("X-AccountCode", "trial")
        .post("/users/forgot_password", json!({ "email": "ann@example.org" }))
        .await
        .ok();
    assert!(kit.letters().await.is_empty(), "nothing left the house");
    let kept = admin.get("/test/messages?channel=email").await.data();
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    assert!(kept[0]["to"].as_str().unwrap().contains("ann@example.org"), "{kept}");
    assert!(kept[0]["text"].as_str().unwrap().contains("/password"), "{kept}");
    admin.get("/test/messages?channel=pigeon").await.refused(400, "invalid_field");
}
