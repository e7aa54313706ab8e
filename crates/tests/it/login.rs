//! Logging in by password, one-time links, logging out.

use bedside_app::{
    Actor, accounts,
    profile::ProfileInput,
    users::{self, Add},
};
use bedside_tests::kit::{Answer, Client, Kit};
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
    users::add(&kit.app, &system(kit).await, command).await.unwrap().user.id.to_string()
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
    kit.anonymous()
        .header("X-Session-Kind", "admin")
        .post("/users/password", json!({ "token": token, "password": password }))
        .await
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

/// Somebody whose requests come from this address, through the proxy.
fn from(kit: &Kit, address: &str) -> Client {
    kit.anonymous().header("X-Forwarded-For", address)
}

async fn try_from(client: &Client, username: &str, password: &str) -> Answer {
    client.post("/users/login", json!({ "username": username, "password": password })).await
}

const BEHIND_A_PROXY: &[(&str, &str)] = &[("server.trusted_proxies", "[\"127.0.0.1\"]")];

#[tokio::test]
async fn guessing_from_elsewhere_does_not_keep_the_person_out() {
    let (kit, clock) = Kit::on_a_clock_with(BEHIND_A_PROXY).await;
    add(&kit, 400, "osei").await;
    let (home, elsewhere, new) =
        (from(&kit, "192.0.2.1"), from(&kit, "198.51.100.7"), from(&kit, "203.0.113.9"));
    try_from(&home, "osei", PASSWORD).await.ok();
    for _ in 0..5 {
        try_from(&elsewhere, "osei", "guess").await.refused(401, "login_failed");
    }
    // The name waits, wherever somebody new comes from, even with the right password …
    for client in [&elsewhere, &new] {
        let refused = try_from(client, "osei", PASSWORD).await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.refused(429, "too_many_requests");
    }
    // … but not where the person has logged in before, and their success clears it.
    try_from(&home, "osei", PASSWORD).await.ok();
    try_from(&new, "osei", PASSWORD).await.ok();
    // The wait doubles and has a cap: nobody is out for good.
    let mut waits = Vec::new();
    for _ in 0..20 {
        let answer = try_from(&elsewhere, "osei", "guess").await;
        if answer.status.as_u16() == 429 {
            let wait: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            waits.push(wait);
            clock.advance_seconds(wait);
        } else {
            answer.refused(401, "login_failed");
        }
    }
    assert!(
        waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits.iter().all(|wait| *wait <= 900),
        "{waits:?}"
    );
    assert!(waits.len() >= 6, "{waits:?}");
    clock.advance_seconds(900);
    try_from(&new, "osei", PASSWORD).await.ok();
}

#[tokio::test]
async fn one_address_that_tries_many_names_waits_too() {
    let (kit, clock) = Kit::on_a_clock_with(BEHIND_A_PROXY).await;
    add(&kit, 400, "osei").await;
    let sprayer = from(&kit, "198.51.100.7");
    for number in 0..20 {
        try_from(&sprayer, &format!("name-{number}"), "Spring 2026 in town")
            .await
            .refused(401, "login_failed");
    }
    let refused = try_from(&sprayer, "osei", PASSWORD).await;
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    refused.refused(429, "too_many_requests");
    // Somebody else is not held up by it.
    try_from(&from(&kit, "192.0.2.1"), "osei", PASSWORD).await.ok();
    clock.advance_seconds(wait);
    try_from(&sprayer, "osei", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_restart_forgets_no_failures() {
    let mut kit = Kit::start().await;
    add(&kit, 400, "osei").await;
    for _ in 0..9 {
        let answer = login(&kit, "osei", "guess").await;
        assert!(matches!(answer.status.as_u16(), 401 | 429));
    }
    // Six failures: two seconds; and the clock of this server is the machine's.
    kit.restart(&[]).await;
    let mut conn = kit.app.store.reader().await.unwrap();
    let account = accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let who = bedside_app::log_ins::Attempt::new(&account, "OSEI ", "127.0.0.1");
    let tally = bedside_store::log_ins::tally(&mut conn, &account, who.subjects()).await.unwrap();
    assert!(tally.name.count >= 5 && tally.address.count >= 5, "{tally:?}");
}

async fn refresh(kit: &Kit, token: &str) -> Answer {
    kit.anonymous().post("/users/refresh_token", json!({ "refresh_token": token })).await
}

fn pair(token: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&token["token"]), text(&token["refresh_token"]["token"]))
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_a_stolen_one_ends_its_family() {
    let (kit, clock) = Kit::on_a_clock().await;
    add(&kit, 400, "osei").await;
    let (access, first) = pair(&login(&kit, "osei", PASSWORD).await.ok().json()["token"]);
    let (other_access, other) = pair(&login(&kit, "osei", PASSWORD).await.ok().json()["token"]);
    clock.advance_seconds(86_400);
    kit.bearer(&access).get("/users/-").await.refused(401, "token_expired");
    let renewed = refresh(&kit, &first).await.data();
    let token = &renewed["token"];
    assert_eq!(token["expiry"], token["refresh_token"]["created"].as_i64().unwrap() + 86_400);
    assert_eq!(
        token["refresh_token"]["expiry"],
        token["refresh_token"]["created"].as_i64().unwrap() + 2_592_000
    );
    let (access, second) = pair(token);
    kit.bearer(&access).get("/users/-").await.ok();
    // An access token renews nothing, and a refresh token opens nothing.
    refresh(&kit, &access).await.refused(401, "refresh_token_unknown");
    kit.bearer(&second).get("/users/-").await.refused(401, "token_unknown");
    refresh(&kit, "nonsense").await.refused(401, "refresh_token_unknown");
    // The first one again: two have it, so everything of that log-in ends.
    refresh(&kit, &first).await.refused(401, "refresh_token_used");
    kit.bearer(&access).get("/users/-").await.refused(401, "token_unknown");
    refresh(&kit, &second).await.refused(401, "refresh_token_used");
    // The other log-in goes on, until its own thirty days are over.
    kit.bearer(&other_access).get("/users/-").await.refused(401, "token_expired");
    let (_, other) = pair(&refresh(&kit, &other).await.data()["token"]);
    clock.advance_seconds(2_592_000);
    refresh(&kit, &other).await.refused(401, "token_expired");
}

#[tokio::test]
async fn two_at_once_with_one_refresh_token_are_one_too_many() {
    let kit = Kit::start().await;
    add(&kit, 400, "osei").await;
    let (_, token) = pair(&login(&kit, "osei", PASSWORD).await.ok().json()["token"]);
    let (one, two) = tokio::join!(refresh(&kit, &token), refresh(&kit, &token));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let winner = if one.status.as_u16() == 200 { one } else { two };
    let (access, _) = pair(&winner.json()["data"]["token"]);
    kit.bearer(&access).get("/users/-").await.refused(401, "token_unknown");
}

#[tokio::test]
async fn logging_out_ends_what_would_renew_the_login() {
    let kit = Kit::start().await;
    add(&kit, 400, "osei").await;
    let (access, token) = pair(&login(&kit, "osei", PASSWORD).await.ok().json()["token"]);
    kit.bearer(&access).post("/users/logout", json!({})).await.ok();
    refresh(&kit, &token).await.refused(401, "refresh_token_used");
    // A suspended user renews nothing; nor does another clinic's header.
    let person = kit.patient("m").await;
    let other = kit.another_clinic("southside").await;
    let sign_in = json!({ "first_name": "Maria", "last_name": "m", "code": "m", "type": 200 });
    let (_, token) = pair(&kit.portal().post("/users/sso", sign_in.clone()).await.data()["token"]);
    let there = kit.anonymous().header("X-AccountCode", &other.code);
    let body = json!({ "refresh_token": token });
    there.post("/users/refresh_token", body.clone()).await.refused(401, "refresh_token_unknown");
    kit.admin().post(&format!("/users/{}", person.id), json!({ "status": 30 })).await.ok();
    let here = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
    let answer = here.post("/users/refresh_token", body).await;
    assert!(matches!(answer.status.as_u16(), 401 | 403), "{}", answer.text);
}

#[tokio::test]
async fn a_heartbeat_says_somebody_is_there() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("m").await, kit.provider("d", &["main"]).await);
    let visit = patient.walk_in("main").await;
    clock.advance_seconds(600);
    let seen = async || provider.visit(&visit).await.data()["member"]["last_seen"].clone();
    let before = seen().await;
    for body in [json!({ "heart_beat": 30 }), json!({ "heart_beat": "30" }), json!({})] {
        let answer = patient.client.post("/users/-/heartbeat", body).await.ok();
        assert_eq!(answer.json(), json!({ "data": {} }));
    }
    let after = seen().await;
    assert_ne!(before, after);
    assert_eq!(after, kit.app.clock.now().seconds());
    patient
        .client
        .post("/users/-/heartbeat", json!({ "heart_beat": -1 }))
        .await
        .refused(400, "invalid_field");
    kit.anonymous().post("/users/-/heartbeat", json!({})).await.refused(401, "token_missing");
}

#[tokio::test]
async fn another_sites_form_cannot_sign_a_browser_in_by_a_link() {
    let kit = Kit::start().await;
    let body = [("token", kit.clinic.admin_link_token.as_str()), ("password", PASSWORD)];
    let foreign = kit.anonymous().header("Origin", "https://evil.example");
    let answer = foreign.form("/users/password", &body).await.ok();
    assert!(answer.headers.get("set-cookie").is_none(), "a form cannot send X-Session-Kind");
    login(&kit, &kit.clinic.admin_username, PASSWORD).await.ok();
}

#[tokio::test]
async fn failures_are_forgotten_and_known_places_are_kept_longer() {
    let (kit, clock) = Kit::on_a_clock().await;
    add(&kit, 400, "osei").await;
    login(&kit, "osei", PASSWORD).await.ok();
    for _ in 0..4 {
        login(&kit, "osei", "guess").await.refused(401, "login_failed");
    }
    let account = accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let who = bedside_app::log_ins::Attempt::new(&account, "osei", "127.0.0.1");
    let tally = async || {
        bedside_app::jobs::purge(&kit.app).await.unwrap();
        let mut conn = kit.app.store.reader().await.unwrap();
        bedside_store::log_ins::tally(&mut conn, &account, who.subjects()).await.unwrap()
    };
    assert_eq!((tally().await.name.count, tally().await.address.count), (4, 4));
    // After a quiet hour the next failure is the first one again.
    clock.advance_seconds(3_600);
    login(&kit, "osei", "guess").await.refused(401, "login_failed");
    assert_eq!((tally().await.name.count, tally().await.pair.count), (1, 1));
    clock.advance_seconds(10 * 86_400);
    let later = tally().await;
    assert_eq!((later.name.count, later.address.count), (0, 0));
    assert!(later.known_until.is_some(), "name and address are known to each other for ninety days");
    clock.advance_seconds(100 * 86_400);
    assert!(tally().await.known_until.is_none());
}
