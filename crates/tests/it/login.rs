//! Logging in by password, one-time links, logging out.

use bedside_app::{
    Actor, accounts,
    profile::ProfileInput,
    users::{self, Add},
};
use bedside_tests::kit::{Answer, Kit};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

async fn system(kit: &Kit) -> Actor {
    Actor::system(accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id)
}

async fn add(kit: &Kit, kind: i64, username: &str) -> String {
    let command = Add {
        kind,
        username: Some(username.to_owned()),
        password: Some(PASSWORD.to_owned()),
        profile: ProfileInput {
            first_name: Some("Amara".to_owned()),
            last_name: Some("Osei".to_owned()),
            email: Some(format!("{username}@example.org")),
            ..ProfileInput::default()
        },
        ..Add::default()
    };
    users::add(&kit.app, &system(kit).await, command).await.unwrap().id.to_string()
}

async fn login(kit: &Kit, username: &str, password: &str) -> Answer {
    kit.anonymous().post("/users/login", json!({ "username": username, "password": password })).await
}

fn cookie(answer: &Answer) -> String {
    let line = answer.headers["set-cookie"].to_str().unwrap();
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
    line.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_token_stands_where_either_reading_looks() {
    let kit = Kit::start().await;
    let id = add(&kit, 400, "osei").await;
    let body = login(&kit, "osei", PASSWORD).await.ok().json();
    assert_eq!((&body["data"]["id"], &body["data"]["token"]), (&json!(id), &body["token"]));
    let token = body["token"]["token"].as_str().unwrap();
    let me = kit.bearer(token).get("/users/-").await.data();
    assert_eq!((&me["id"], &me["vseeid"]), (&json!(id), &json!(format!("northside+user{id}"))));
    assert!(me["last_login"].is_i64());
    // The form of older clients.
    let fields = [("username", "osei"), ("password", PASSWORD), ("user_type", "400")];
    kit.anonymous().form("/users/login.json", &fields).await.ok();
}

#[tokio::test]
async fn every_wrong_pair_reads_the_same() {
    let kit = Kit::start().await;
    add(&kit, 200, "maria").await;
    kit.patient("by-portal").await;
    let wrong = login(&kit, "maria", "not the password").await.refused(401, "login_failed");
    let unknown = login(&kit, "nobody", PASSWORD).await.refused(401, "login_failed");
    let empty = login(&kit, "maria", "").await.refused(401, "login_failed");
    assert!(wrong["message"] == unknown["message"] && empty["message"] == wrong["message"]);
    let filtered = json!({ "username": "maria", "password": PASSWORD, "user_type": 400 });
    kit.anonymous().post("/users/login", filtered).await.refused(401, "login_failed");
    let refused = login(&kit, "", PASSWORD).await.refused(400, "invalid_field");
    assert!(refused["fields"]["username"].is_string());
    // Another clinic's login does not count here.
    let other = kit.another_clinic("southside").await;
    let there = kit.anonymous().header("X-AccountCode", &other.code);
    there
        .post("/users/login", json!({ "username": "maria", "password": PASSWORD }))
        .await
        .refused(401, "login_failed");
    // With two clinics somebody must say which.
    login(&kit, "maria", PASSWORD).await.refused(400, "account_missing");
    let here = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
    // An old token beside the login is not looked at.
    let here = here.header("X-ApiToken", "0123456789abcdef0123456789abcdef");
    here.post("/users/login", json!({ "username": "maria", "password": PASSWORD })).await.ok();
}

#[tokio::test]
async fn guessing_gets_slower() {
    let (kit, clock) = Kit::on_a_clock().await;
    add(&kit, 400, "osei").await;
    for _ in 0..5 {
        login(&kit, "osei", "guess").await.refused(401, "login_failed");
    }
    let refused = login(&kit, "OSEI", PASSWORD).await;
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    refused.refused(429, "too_many_requests");
    clock.advance_seconds(wait);
    login(&kit, "osei", PASSWORD).await.ok();
    // One success clears it.
    login(&kit, "osei", "guess").await.refused(401, "login_failed");
    login(&kit, "osei", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_page_gets_the_cookie_of_its_kind_only() {
    let kit = Kit::start().await;
    let id = add(&kit, 400, "osei").await;
    let body = json!({ "username": "osei", "password": PASSWORD });
    let page = kit.anonymous().header("X-Session-Kind", "provider");
    let answer = page.post("/users/login", body.clone()).await.ok();
    let cookie = cookie(&answer);
    assert!(cookie.starts_with("bedside_provider="), "{cookie}");
    let session = kit.anonymous().page(&cookie, "provider").get("/session").await.data();
    assert_eq!((&session["kind"], &session["user"]["id"]), (&json!("provider"), &json!(id)));
    assert_eq!(session["account"]["name"], "Northside Clinic");
    // Without a kind there is no cookie; with a wrong one there is no login.
    let plain = kit.anonymous().post("/users/login", body.clone()).await.ok();
    assert!(plain.headers.get("set-cookie").is_none());
    for kind in ["patient", "admin"] {
        let page = kit.anonymous().header("X-Session-Kind", kind);
        page.post("/users/login", body.clone()).await.refused(403, "session_kind_wrong");
    }
}

#[tokio::test]
async fn logging_out_ends_what_was_shown() {
    let kit = Kit::start().await;
    add(&kit, 400, "osei").await;
    let page = kit.anonymous().header("X-Session-Kind", "provider");
    let answer = page.post("/users/login", json!({ "username": "osei", "password": PASSWORD })).await.ok();
    let cookie = cookie(&answer);
    let token = answer.json()["token"]["token"].as_str().unwrap().to_owned();

    let page = kit.anonymous().page(&cookie, "provider");
    let out = page.post("/users/logout", json!({})).await.ok();
    assert!(out.headers["set-cookie"].to_str().unwrap().starts_with("bedside_provider=;"));
    assert_eq!(out.json(), json!({ "data": {} }));
    page.get("/session").await.refused(401, "token_missing");
    // The token is another login; it ends by itself.
    kit.bearer(&token).get("/users/-").await.ok();
    kit.bearer(&token).post("/users/logout", json!({})).await.ok();
    kit.bearer(&token).get("/users/-").await.refused(401, "token_unknown");
    // A clinic's server cannot log itself out.
    kit.admin().post("/users/logout", json!({})).await.ok();
    kit.admin().get("/rooms").await.ok();
}

async fn set(kit: &Kit, token: &str, password: &str) -> Answer {
    kit.anonymous().post("/users/password", json!({ "token": token, "password": password })).await
}

#[tokio::test]
async fn the_first_admin_sets_a_password_once() {
    let (kit, clock) = Kit::on_a_clock().await;
    let link = kit.clinic.admin_link_token.clone();
    for weak in ["short", "aaaaaaaaaaaaaaaaaaaaaa", "northside clinic"] {
        let refused = set(&kit, &link, weak).await.refused(400, "invalid_field");
        assert!(refused["fields"]["password"].is_string());
    }
    set(&kit, "0123456789abcdef0123456789abcdef", PASSWORD).await.refused(401, "token_unknown");
    // The link's token opens nothing by itself.
    kit.bearer(&link).get("/users/-").await.refused(401, "token_unknown");
    let answer = set(&kit, &link, PASSWORD).await.ok();
    let cookie = cookie(&answer);
    assert!(cookie.starts_with("bedside_admin="), "{cookie}");
    kit.anonymous().page(&cookie, "admin").get("/session").await.ok();
    set(&kit, &link, "another good password").await.refused(401, "token_used");
    login(&kit, &kit.clinic.admin_username, PASSWORD).await.ok();

    let actor = system(&kit).await;
    let (_, first) = accounts::admin_link(&kit.app, &actor).await.unwrap();
    let (_, second) = accounts::admin_link(&kit.app, &actor).await.unwrap();
    set(&kit, &first, "another good password").await.refused(401, "token_used");
    clock.advance_seconds(86_400);
    set(&kit, &second, "another good password").await.refused(401, "token_expired");
    // A new password ends what was logged in with the old one.
    let old = login(&kit, &kit.clinic.admin_username, PASSWORD).await.ok().json();
    let (_, third) = accounts::admin_link(&kit.app, &actor).await.unwrap();
    set(&kit, &third, "another good password").await.ok();
    let old: &Value = &old["token"]["token"];
    kit.bearer(old.as_str().unwrap()).get("/users/-").await.refused(401, "token_unknown");
    kit.anonymous().page(&cookie, "admin").get("/session").await.refused(401, "token_missing");
    login(&kit, &kit.clinic.admin_username, PASSWORD).await.refused(401, "login_failed");
}

#[tokio::test]
async fn many_logins_at_once_are_all_answered() {
    let kit = Kit::start().await;
    add(&kit, 400, "osei").await;
    let base = kit.anonymous();
    let logins = (0..12).map(|number| {
        let base = base.clone();
        let password = if number % 2 == 0 { PASSWORD } else { "wrong" };
        tokio::spawn(async move {
            let name = if number % 2 == 0 { "osei".to_owned() } else { format!("nobody-{number}") };
            base.post("/users/login", json!({ "username": name, "password": password })).await.status.as_u16()
        })
    });
    for (number, login) in logins.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(login.await.unwrap(), if number % 2 == 0 { 200 } else { 401 });
    }
}
