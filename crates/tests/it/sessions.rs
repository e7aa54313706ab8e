//! `/auth` and the pages' cookies.

use bedside_app::{
    Actor,
    accounts::{self, Portal},
};
use bedside_tests::kit::{Answer, Kit};
use serde_json::json;

async fn arrive(kit: &Kit, query: &str) -> Answer {
    kit.anonymous().get(&format!("//auth?{query}")).await
}

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_portal_sends_somebody_in() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let answer = arrive(&kit, &format!("sso_token={}&next=/visits/start/7", patient.token)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["location"].to_str().unwrap()),
        (303, "/visits/start/7")
    );
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    let page = kit.anonymous().page(&cookie(&answer), "patient");
    let session = page.get("/session").await.data();
    assert_eq!((&session["kind"], &session["user"]["id"]), (&json!("patient"), &json!(patient.id)));
    assert_eq!(session["account"]["portal_name"], "Northside Portal");
    assert_eq!(
        (&session["disable_navigation"], &session["return_url"]),
        (&json!(false), &json!("https://portal.example/home"))
    );
    // Elsewhere than on this server nobody is sent.
    for next in ["https://evil.example/", "//evil.example/", "/%5Cevil.example", ""] {
        let answer = arrive(&kit, &format!("sso_token={}&next={next}", patient.token)).await;
        let location = answer.headers["location"].to_str().unwrap();
        assert!(location.starts_with('/') && !location.contains("evil"), "{next} -> {location}");
    }
}

#[tokio::test]
async fn the_portals_wishes_are_kept_when_allowed() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let actor = Actor::system(accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id);
    let portal = Portal {
        name: "My portal".to_owned(),
        return_url: "https://portal.example/home".to_owned(),
        return_origins: vec!["https://other.example".to_owned()],
    };
    accounts::update_portal(&kit.app, &actor, portal).await.unwrap();
    let cases = [
        ("https://portal.example/visits?a=1", "https://portal.example/visits?a=1"),
        ("https://other.example/x", "https://other.example/x"),
        ("https://evil.example/x", "https://portal.example/home"),
        ("javascript:alert(1)", "https://portal.example/home"),
    ];
    for (wanted, kept) in cases {
        let wanted: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        let query = format!("sso_token={}&disable_navigation=1&return_url={wanted}", patient.token);
        let answer = arrive(&kit, &query).await;
        let session = kit.anonymous().page(&cookie(&answer), "patient").get("/session").await.data();
        assert_eq!((&session["disable_navigation"], &session["return_url"]), (&json!(true), &json!(kept)));
    }
}

#[tokio::test]
async fn an_expired_token_shows_the_way_back_and_no_password_form() {
    let (kit, clock) = Kit::on_a_clock().await;
    let patient = kit.patient("m").await;
    clock.advance_seconds(86_400);
    let answer = arrive(&kit, &format!("sso_token={}", patient.token)).await;
    assert_eq!(answer.status.as_u16(), 401);
    assert!(
        answer.text.contains("Back to Northside Portal")
            && answer.text.contains("https://portal.example/home")
    );
    assert!(!answer.text.contains("password") && answer.headers.get("set-cookie").is_none());
    assert!(!answer.text.contains(&patient.token));
    // The API says which of the two it is.
    patient.client.get("/users/-").await.refused(401, "token_expired");
    kit.bearer("00000000000000000000000000000000").get("/users/-").await.refused(401, "token_unknown");
    assert_eq!(arrive(&kit, "sso_token=nonsense").await.status.as_u16(), 401);
    assert_eq!(arrive(&kit, "").await.status.as_u16(), 401);
}

#[tokio::test]
async fn a_token_can_be_used_up() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let query = format!("sso_token={}&invalidate_token=1", patient.token);
    assert_eq!(arrive(&kit, &query).await.status.as_u16(), 303);
    assert_eq!(arrive(&kit, &query).await.status.as_u16(), 401);
    // An admin token is no login for pages.
    let query = format!("sso_token={}", kit.clinic.admin_token);
    assert_eq!(arrive(&kit, &query).await.status.as_u16(), 401);
}

#[tokio::test]
async fn one_browser_is_both_sides() {
    let kit = Kit::start().await;
    let (patient, provider) = (kit.patient("m").await, kit.provider("d", &[]).await);
    let mut jar = Vec::new();
    for token in [&patient.token, &provider.token] {
        jar.push(cookie(&arrive(&kit, &format!("sso_token={token}")).await));
    }
    let jar = jar.join("; ");
    for (kind, person) in [("patient", &patient), ("provider", &provider)] {
        let me = kit.anonymous().page(&jar, kind).get("/users/-").await.data();
        assert_eq!(me["id"], person.id.as_str());
    }
    kit.anonymous().page(&jar, "admin").get("/users/-").await.refused(401, "token_missing");
    kit.anonymous().page(&jar, "king").get("/users/-").await.refused(400, "session_kind_unknown");
}

#[tokio::test]
async fn a_cookie_counts_only_with_its_kind_and_from_our_pages() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let patient = kit.patient("m").await;
    let cookie = cookie(&arrive(&kit, &format!("sso_token={}", patient.token)).await);
    let intake = json!({ "room_code": "main", "reason_for_visit": "A rash" });
    let page = kit.anonymous().page(&cookie, "patient");
    page.post("/intakes", intake.clone()).await.ok();
    let kindless = page.without("X-Session-Kind");
    kindless.post("/intakes", intake.clone()).await.refused(403, "session_kind_missing");
    kindless.get("/users/-").await.refused(403, "session_kind_missing");
    page.without("Origin").post("/intakes", intake.clone()).await.refused(403, "foreign_origin");
    for origin in ["https://evil.example", "null", "http://127.0.0.1", ""] {
        page.header("Origin", origin).post("/intakes", intake.clone()).await.refused(403, "foreign_origin");
    }
    // Reading needs no origin; browsers send none with plain reads.
    page.without("Origin").get("/users/-").await.ok();
    // A token speaks for itself.
    page.header("X-ApiToken", &patient.token).without("Origin").post("/intakes", intake).await.ok();
    // A cookie of one kind is no other.
    let value = cookie.split_once('=').unwrap().1;
    let forged = kit.anonymous().page(&format!("bedside_provider={value}"), "provider");
    forged.get("/users/-").await.refused(401, "token_missing");
}

#[tokio::test]
async fn a_session_ends_and_public_pages_go_on() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    // A life of half a day, without the lock that would come before (session_locks.rs).
    kit.admin().post("/accounts/-", json!({ "idle_minutes": 0 })).await.ok();
    let provider = kit.provider("d", &["main"]).await;
    let cookie = cookie(&arrive(&kit, &format!("sso_token={}", provider.token)).await);
    let page = kit.anonymous().page(&cookie, "provider");
    clock.advance_seconds(43_199);
    page.get("/session").await.ok();
    clock.advance_seconds(1);
    page.get("/session").await.refused(401, "token_missing");
    page.get("/rooms/main").await.ok();
    // The row is kept for a while, and then deleted.
    let hash = bedside_app::tokens::digest(cookie.split_once('=').unwrap().1);
    let kept = async || {
        bedside_app::jobs::purge(&kit.app).await.unwrap();
        let mut conn = kit.app.store.reader().await.unwrap();
        bedside_store::sessions::find(&mut conn, &hash).await.unwrap().is_some()
    };
    assert!(kept().await);
    clock.advance_seconds(60 * 86_400);
    assert!(!kept().await);
}

#[tokio::test]
async fn an_arrival_can_stop_e_mail_notices() {
    let kit = Kit::start().await;
    let account = accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let stopped = async |id: &str| {
        let mut conn = kit.app.store.reader().await.unwrap();
        let user = bedside_store::users::find(&mut conn, &account, id.parse().unwrap()).await.unwrap();
        user.unwrap().disable_emails
    };
    for (code, query, expected) in [
        ("a", "disable_emails=1", true),
        ("b", "disable_email=true", true),
        ("c", "disable_emails=0", false),
        ("d", "next=/", false),
    ] {
        let patient = kit.patient(code).await;
        let answer = arrive(&kit, &format!("sso_token={}&{query}", patient.token)).await;
        assert_eq!(answer.status.as_u16(), 303);
        assert_eq!(stopped(&patient.id).await, expected, "{query}");
    }
}
