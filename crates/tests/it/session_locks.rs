//! Shared workstations: pages that lock, the list of somebody's own sessions,
//! signing out everywhere.

use bedside_app::Clock;
use bedside_tests::kit::{Client, Kit};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";

/// Somebody with a password and a page that is signed in.
struct Desk {
    id: String,
    page: Client,
}

async fn desk(kit: &Kit, kind: &str, agent: &str) -> Desk {
    let code = if kind == "admin" { 100 } else { 400 };
    let new = json!({ "type": code, "username": format!("osei-{kind}"), "password": PASSWORD, "first_name": "Amara",
        "last_name": "Osei", "email": format!("osei-{kind}@example.org") });
    let added = kit.admin().post("/users", new).await.data();
    again(kit, kind, agent, added["id"].as_str().unwrap()).await
}

async fn again(kit: &Kit, kind: &str, agent: &str, id: &str) -> Desk {
    let browser = kit.anonymous().header("X-Session-Kind", kind).header("User-Agent", agent);
    let body = json!({ "username": format!("osei-{kind}"), "password": PASSWORD });
    let answer = browser.post("/users/login", body).await.ok();
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    Desk { id: id.to_owned(), page: kit.anonymous().page(&cookie, kind).header("User-Agent", agent) }
}

/// What the job does that runs all the time.
async fn uses_are_written(kit: &Kit) {
    bedside_app::api_apps::flush_uses(&kit.app, true).await.unwrap();
}

async fn pass(kit: &Kit, clock: &Clock, minutes: i64) {
    uses_are_written(kit).await;
    clock.advance_seconds(minutes * 60);
}

async fn lock_of(desk: &Desk) -> Value {
    desk.page.get("/session/lock").await.data()
}

#[tokio::test]
async fn a_locked_page_opens_with_the_password_alone() {
    let kit = Kit::start().await;
    let desk = desk(&kit, "provider", FIREFOX).await;
    let before = lock_of(&desk).await;
    assert_eq!((&before["locked"], &before["idle_seconds"]), (&json!(false), &json!(900)));
    assert_eq!(desk.page.get("/session").await.data()["idle_seconds"], 900);

    desk.page.post("/session/lock", json!({})).await.ok();
    for path in ["/users/-", "/session", "/visits", "/events/stream"] {
        desk.page.get(path).await.refused(401, "session_locked");
    }
    desk.page.post("/users/-/heartbeat", json!({})).await.refused(401, "session_locked");
    let locked = lock_of(&desk).await;
    assert_eq!(
        (&locked["locked"], &locked["first_name"], &locked["has_password"]),
        (&json!(true), &json!("Amara"), &json!(true))
    );

    let wrong = desk.page.post("/session/unlock", json!({ "password": "wrong" })).await;
    wrong.refused(401, "login_failed");
    desk.page.post("/session/unlock", json!({})).await.refused(400, "invalid_field");
    desk.page.get("/users/-").await.refused(401, "session_locked");
    let foreign = desk.page.header("Origin", "https://evil.example");
    foreign.post("/session/unlock", json!({ "password": PASSWORD })).await.refused(403, "foreign_origin");
    desk.page.post("/session/unlock", json!({ "password": PASSWORD })).await.ok();
    assert_eq!(desk.page.get("/users/-").await.data()["id"], desk.id.as_str());
    // A second click, and another page of the same browser.
    desk.page.post("/session/unlock", json!({ "password": PASSWORD })).await.ok();
    assert_eq!(lock_of(&desk).await["locked"], false);

    let entries = |action: &'static str| {
        let admin = kit.admin();
        async move { admin.get(&format!("/audit?action={action}")).await.ok().json()["total_count"].clone() }
    };
    assert_eq!((entries("sessions.lock").await, entries("sessions.unlock").await), (json!(1), json!(2)));
}

#[tokio::test]
async fn guessing_at_a_lock_gets_slower_and_a_locked_page_can_sign_out() {
    let (kit, _clock) = Kit::on_a_clock().await;
    let desk = desk(&kit, "provider", FIREFOX).await;
    desk.page.post("/session/lock", json!({})).await.ok();
    let mut limited = false;
    for _ in 0..20 {
        let answer = desk.page.post("/session/unlock", json!({ "password": "wrong" })).await;
        limited |= answer.status == 429;
    }
    assert!(limited);
    desk.page.post("/users/logout", json!({})).await.ok();
    desk.page.get("/session/lock").await.refused(401, "session_missing");
    desk.page.post("/session/unlock", json!({ "password": PASSWORD })).await.refused(401, "session_missing");
    kit.anonymous().get("/session/lock").await.refused(401, "session_missing");
}

#[tokio::test]
async fn pages_that_were_left_are_locked_when_somebody_comes_back() {
    let (kit, clock) = Kit::on_a_clock().await;
    let desk = desk(&kit, "provider", FIREFOX).await;
    // An open page asks each minute, so its session stays for as long as it locks itself.
    for _ in 0..4 {
        pass(&kit, &clock, 10).await;
        desk.page.get("/session/lock").await.ok();
        desk.page.get("/session").await.ok();
    }
    // Closed, and opened by whoever comes next.
    pass(&kit, &clock, 18).await;
    desk.page.get("/users/-").await.refused(401, "session_locked");
    // Asking again and again is no activity.
    pass(&kit, &clock, 1).await;
    assert_eq!(lock_of(&desk).await["locked"], true);
    desk.page.post("/session/unlock", json!({ "password": PASSWORD })).await.ok();
    desk.page.get("/users/-").await.ok();
}

#[tokio::test]
async fn the_clinic_says_after_how_long_and_patients_are_never_locked_out() {
    let (kit, clock) = Kit::on_a_clock().await;
    let admin = kit.admin();
    for (wrong, said) in
        [(json!(-1), "idle_minutes"), (json!(721), "idle_minutes"), (json!("soon"), "idle_minutes")]
    {
        let refused =
            admin.post("/accounts/-", json!({ "idle_minutes": wrong })).await.refused(400, "invalid_field");
        assert!(refused["fields"][said].is_string(), "{refused}");
    }
    let changed = admin.post("/accounts/-", json!({ "idle_minutes": 0 })).await.data();
    assert_eq!(changed["settings"]["idle_minutes"], 0);
    let desk = desk(&kit, "admin", FIREFOX).await;
    assert_eq!(lock_of(&desk).await["idle_seconds"], Value::Null);
    pass(&kit, &clock, 300).await;
    desk.page.get("/users/-").await.ok();
    admin.post("/accounts/-", json!({ "idle_minutes": 5 })).await.ok();
    pass(&kit, &clock, 8).await;
    desk.page.get("/users/-").await.refused(401, "session_locked");

    let patient = kit.patient("m").await;
    let arrived = kit.anonymous().get(&format!("//auth?sso_token={}", patient.token)).await;
    let cookie = arrived.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = kit.anonymous().page(&cookie, "patient");
    assert_eq!(page.get("/session").await.data()["idle_seconds"], Value::Null);
    pass(&kit, &clock, 600).await;
    page.get("/users/-").await.ok();
}

#[tokio::test]
async fn somebody_sees_where_they_are_signed_in_and_signs_out_there() {
    let (kit, clock) = Kit::on_a_clock().await;
    let here = desk(&kit, "provider", FIREFOX).await;
    clock.advance_seconds(60);
    let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1";
    let phone = again(&kit, "provider", iphone, &here.id).await;
    clock.advance_seconds(60);
    here.page.get("/session").await.ok();
    uses_are_written(&kit).await;

    let list = here.page.get("/users/-/sessions").await.data();
    let told: Vec<_> = list.as_array().unwrap().iter().map(|one| (&one["device"], &one["current"])).collect();
    assert_eq!(
        told,
        [(&json!("Safari on iPhone"), &json!(false)), (&json!("Firefox on Linux"), &json!(true))],
        "{list}"
    );
    assert_eq!(list[1]["last_used"].as_i64().unwrap() - list[1]["created"].as_i64().unwrap(), 120);

    let of_phone = format!("/users/-/sessions/{}", list[0]["id"].as_str().unwrap());
    here.page.delete(&of_phone).await.ok();
    phone.page.get("/users/-").await.refused(401, "token_missing");
    here.page.delete(&of_phone).await.refused(404, "session_not_found");
    // Somebody else's is not there, also not by its id.
    let other = kit.provider("d", &[]).await;
    let of_here = format!("/users/{}/sessions/{}", here.id, list[1]["id"].as_str().unwrap());
    other.client.get(&format!("/users/{}/sessions", here.id)).await.refused(403, "admin_only");
    other.client.delete(&of_here).await.refused(403, "admin_only");
    let by_own_path = format!("/users/-/sessions/{}", list[1]["id"].as_str().unwrap());
    other.client.delete(&by_own_path).await.refused(404, "session_not_found");
    here.page.get("/users/-").await.ok();
    kit.admin().get("/users/987654/sessions").await.refused(404, "user_not_found");
    assert_eq!(
        kit.admin().get(&format!("/users/{}/sessions", here.id)).await.data().as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn signing_out_everywhere_ends_pages_and_tokens() {
    let kit = Kit::start().await;
    let here = desk(&kit, "provider", FIREFOX).await;
    let there = again(&kit, "provider", FIREFOX, &here.id).await;
    let body = json!({ "username": "osei-provider", "password": PASSWORD });
    let token = kit.anonymous().post("/users/login", body).await.ok().json()["token"].clone();
    let client = kit.bearer(token["token"].as_str().unwrap());
    client.get("/users/-").await.ok();

    let answer = here.page.delete("/users/-/sessions").await.ok();
    let cleared = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cleared.starts_with("bedside_provider=;") && cleared.contains("Max-Age=0"), "{cleared}");
    here.page.get("/users/-").await.refused(401, "token_missing");
    there.page.get("/users/-").await.refused(401, "token_missing");
    client.get("/users/-").await.refused(401, "token_unknown");
    let renew = json!({ "refresh_token": token["refresh_token"]["token"] });
    kit.anonymous().post("/users/refresh_token", renew).await.refused(401, "refresh_token_used");

    // An admin does it for a workstation that was lost; their own page stays.
    let lost = again(&kit, "provider", FIREFOX, &here.id).await;
    let admin = desk(&kit, "admin", FIREFOX).await;
    let answer = admin.page.delete(&format!("/users/{}/sessions", here.id)).await.ok();
    assert!(answer.headers.get("set-cookie").is_none());
    lost.page.get("/users/-").await.refused(401, "token_missing");
    admin.page.get("/users/-").await.ok();
    kit.admin().delete("/users/987654/sessions").await.refused(404, "user_not_found");
    // A token has nothing that could be locked.
    kit.admin().post("/session/lock", json!({})).await.refused(400, "session_only");
}
