//! Calls from pages of other origins: who may ask, and who may read.

use bedside_model::At;
use bedside_store::accounts;
use bedside_tests::kit::{Answer, Client, Kit};
use reqwest::Method;
use serde_json::json;

const PORTAL: &str = "https://portal.example";

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

/// The browser's question before a call.
async fn ask(client: &Client, path: &str, origin: &str) -> Answer {
    let request = client.request(Method::OPTIONS, path);
    let request = request.header("Origin", origin).header("Access-Control-Request-Method", "POST");
    Client::send(request.header("Access-Control-Request-Headers", "content-type,x-apitoken")).await
}

async fn list(client: &Client, origins: &[&str]) {
    client.post("/accounts/-", json!({ "cors_origins": origins })).await.ok();
}

#[tokio::test]
async fn the_question_is_answered_for_origins_that_a_clinic_lists() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    let asks = async |path: &str, origin: &str| ask(&kit.anonymous(), path, origin).await;
    let before = asks("/visits", PORTAL).await.refused(404, "method_not_allowed");
    assert!(before.is_object());

    list(&kit.admin(), &[PORTAL]).await;
    list(&kit.admin_of(&other), &["https://south.example"]).await;
    for path in ["/visits", "/users/sso.json", "/nowhere", "/visits/7/close", "/events"] {
        for origin in [PORTAL, "https://south.example"] {
            let answer = asks(path, origin).await.ok();
            assert_eq!(allowed(&answer), Some(origin), "{path}");
            let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
            assert!(header("access-control-allow-methods").contains("DELETE"));
            let headers = header("access-control-allow-headers");
            for name in
                ["content-type", "x-accountcode", "x-apitoken", "x-apikey", "x-apisecret", "idempotency-key"]
            {
                assert!(headers.contains(name), "{name}: {headers}");
            }
            assert!(!headers.contains("session-kind") && !headers.contains("cookie"), "{headers}");
            assert!(answer.headers.get("access-control-allow-credentials").is_none());
            assert!(header("vary").contains("origin"));
        }
    }
    for origin in [
        "https://evil.example",
        "http://portal.example",
        "https://portal.example:8443",
        "https://portal.example.evil",
        "null",
        "*",
    ] {
        let answer = asks("/visits", origin).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (404, None), "{origin}");
    }
    // Under every prefix.
    let answer = ask(&kit.anonymous(), "//vc/next/api_v3/visits", PORTAL).await.ok();
    assert_eq!(allowed(&answer), Some(PORTAL));
}

#[tokio::test]
async fn an_answer_is_readable_only_where_the_callers_clinic_says_so() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    list(&kit.admin(), &[PORTAL, "https://both.example"]).await;
    list(&kit.admin_of(&other), &["https://south.example", "https://both.example"]).await;
    let patient = kit.patient("p-1").await;
    let get = async |client: &Client, origin: &str| client.header("Origin", origin).get("/users/-").await;
    let south = kit.portal_of(&other).sign_in(&kit, "p-2", 200).await;
    for (client, origin, readable) in [
        (&patient.client, PORTAL, true),
        (&patient.client, "https://both.example", true),
        (&patient.client, "https://south.example", false),
        (&patient.client, "https://evil.example", false),
        (&south.client, "https://south.example", true),
        (&south.client, PORTAL, false),
        // The token alone tells the clinic.
        (&patient.client.without("X-AccountCode"), PORTAL, true),
        (&patient.client.without("X-AccountCode"), "https://south.example", false),
    ] {
        let answer = get(client, origin).await.ok();
        assert_eq!(allowed(&answer), readable.then_some(origin), "{origin}");
        assert!(answer.headers.get("access-control-allow-credentials").is_none());
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "origin"));
        if readable {
            let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
            for name in ["retry-after", "ratelimit", "etag", "x-request-id", "idempotency-replayed"] {
                assert!(exposed.contains(name), "{name}: {exposed}");
            }
        }
    }
    // The key's server, and a visitor whom only the header places.
    let body = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" });
    let answer = kit.portal().header("Origin", PORTAL).post("/users/sso", body).await.ok();
    assert_eq!(allowed(&answer), Some(PORTAL));
    let visitor = kit.anonymous().header("X-AccountCode", "northside").header("Origin", PORTAL);
    assert_eq!(allowed(&visitor.get("/rooms").await.ok()), Some(PORTAL));
    // Without an origin nothing is said but that it matters.
    let plain = patient.client.get("/users/-").await.ok();
    assert_eq!(allowed(&plain), None);
    assert!(plain.headers.get_all("vary").iter().any(|value| value == "origin"));
}

#[tokio::test]
async fn a_refusal_is_readable_for_the_clinic_that_was_named() {
    let kit = Kit::start().await;
    list(&kit.admin(), &[PORTAL]).await;
    let stranger = kit.bearer("0123456789abcdef0123456789abcdef").header("Origin", PORTAL);
    let refused = stranger.get("/users/-").await;
    assert_eq!(allowed(&refused), Some(PORTAL));
    refused.refused(401, "token_unknown");
    let lost = stranger.get("/nowhere").await;
    assert_eq!(allowed(&lost), Some(PORTAL));
    lost.refused(404, "not_found");
    let elsewhere = stranger.header("X-AccountCode", "nowhere").get("/users/-").await;
    assert_eq!(allowed(&elsewhere), None);
    let nobody = stranger.without("X-AccountCode").get("/users/-").await;
    assert_eq!(allowed(&nobody), None);
}

#[tokio::test]
async fn a_cookie_never_counts_across_origins() {
    let kit = Kit::start().await;
    list(&kit.admin(), &[PORTAL]).await;
    let patient = kit.patient("p-1").await;
    let door = kit.anonymous().get(&format!("//auth?sso_token={}", patient.token)).await;
    let cookie = door.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = kit.anonymous().page(&cookie, "patient");
    page.get("/users/-").await.ok();
    let foreign = page.header("Origin", PORTAL);
    foreign.post("/intakes", json!({ "reason_for_visit": "x" })).await.refused(403, "foreign_origin");
    // A browser shows such an answer to nobody: credentials are not allowed.
    let read = foreign.get("/users/-").await;
    assert!(read.headers.get("access-control-allow-credentials").is_none());
}

#[tokio::test]
async fn a_change_counts_at_once_and_nothing_is_read_again() {
    let (kit, clock) = Kit::on_a_clock().await;
    let patient = kit.patient("p-1").await;
    let readable = async || allowed(&patient.client.header("Origin", PORTAL).get("/users/-").await).is_some();
    assert!(!readable().await);
    list(&kit.admin(), &[PORTAL]).await;
    assert!(readable().await);
    list(&kit.admin(), &[]).await;
    assert!(!readable().await);
    list(&kit.admin(), &[PORTAL]).await;
    assert!(readable().await);
    // Another process changes it: this one notices within fifteen seconds.
    let changed: Result<(), bedside_store::Error> = kit
        .app
        .store
        .write(|tx| {
            Box::pin(async move {
                let found = accounts::find_by_code(tx, "northside").await?.expect("the clinic");
                let id = found.id.clone();
                let change = accounts::Change { cors_origins: Vec::new(), ..found.into() };
                accounts::update(tx, &id, &change, At(0)).await
            })
        })
        .await;
    changed.unwrap();
    clock.advance_seconds(14);
    assert!(readable().await, "asking the database for every call would be slow");
    clock.advance_seconds(1);
    assert!(!readable().await);
}
