//! Calls inside the pages of others: finding a call by its `meeting_id`, and
//! who may show its page.

use bedside_tests::kit::{Answer, Kit};
use serde_json::json;

const PORTAL: &str = "https://portal.example";

/// Who may show the page at a path in a frame, as its policy says.
fn ancestors(answer: &Answer) -> String {
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let found = policy.split(';').find_map(|part| part.trim().strip_prefix("frame-ancestors "));
    found.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_call_is_found_by_the_name_that_portals_know() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (patient, stranger) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let (provider, colleague) = (kit.provider("d-1", &[&room]).await, kit.provider("d-2", &[&room]).await);
    let visit = patient.walk_in(&room).await;
    let meeting = visit.body["meeting"]["meeting_id"].as_str().unwrap();
    let path = format!("/meetings/{meeting}");

    let waiting = patient.client.get(&path).await.data();
    assert_eq!((&waiting["visit_id"], &waiting["door"]), (&json!(visit.id), &json!("not_started")));
    assert_eq!((&waiting["part"], &waiting["may_start"]), (&json!("patient"), &json!(false)));
    assert_eq!(waiting["other_name"], "");
    let desk = provider.client.get(&path).await.data();
    assert_eq!((&desk["part"], &desk["may_start"]), (&json!(null), &json!(true)));

    provider.act(&visit, "accept").await.ok();
    let open = patient.client.get(&path).await.data();
    assert_eq!(open["door"], "open");
    assert!(!open["other_name"].as_str().unwrap().is_empty(), "{open}");
    let own = provider.client.get(&path).await.data();
    assert_eq!((&own["part"], &own["may_start"]), (&json!("provider"), &json!(false)));
    let again = json!({ "first_name": "Maria", "last_name": "p-1", "code": "p-1", "fields": "vsee" });
    let me = kit.portal().post("/users/sso", again).await.data();
    assert_eq!(open["vseeid"], me["vsee"]["id"]);
    // The call identity's token is the token of the API.
    let by_token = kit.anonymous().header("X-ApiToken", me["vsee"]["token"].as_str().unwrap());
    assert_eq!(by_token.get(&path).await.data()["user_id"], patient.id);
    // Somebody of the room sees the visit and has no seat in its call.
    let colleague = colleague.client.get(&path).await.data();
    assert_eq!((&colleague["part"], &colleague["may_start"]), (&json!(null), &json!(false)));
    stranger.client.get(&path).await.refused(404, "visit_not_found");
    patient.client.get("/meetings/1_nothing__jitsi").await.refused(404, "visit_not_found");

    provider.act(&visit, "complete").await.ok();
    assert_eq!(patient.client.get(&path).await.data()["door"], "closed");
}

#[tokio::test]
async fn only_listed_origins_may_show_a_call() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = patient.walk_in(&room).await;
    let meeting = visit.body["meeting"]["meeting_id"].as_str().unwrap().to_owned();
    let page = format!("//call/{meeting}");
    let visitor = kit.anonymous();
    let built = visitor.get(&page).await;
    if !built.status.is_success() {
        eprintln!("skipped: the pages are not built");
        return;
    }
    assert_eq!(ancestors(&built), "'self'");
    let may = async |origin: &str| {
        let answer =
            visitor.header("Origin", origin).get(&format!("//sdk/embeds?meeting={meeting}")).await.ok();
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        answer.json()["allowed"].clone()
    };
    assert_eq!(may(PORTAL).await, false);

    let set = json!({ "embed_origins": ["https://Portal.Example:443/"] });
    let now = kit.admin().post("/accounts/-", set).await.data();
    assert_eq!(now["settings"]["embed_origins"], json!([PORTAL]));
    assert_eq!(ancestors(&visitor.get(&page).await), format!("'self' {PORTAL}"));
    assert_eq!(
        (may(PORTAL).await, may("https://portal.example.evil.example").await),
        (json!(true), json!(false))
    );

    // Only the page of that clinic's calls, and nothing else of the house.
    for other in
        ["//", "//providers/login", "//call/1_nothing__jitsi", &format!("//visits/start/{}", visit.id)]
    {
        assert_eq!(ancestors(&visitor.get(other).await), "'self'", "{other}");
    }
    for bad in ["*", "null", "https://*.example", "https://a.example/path", "data:text/html,x"] {
        let refused = kit.admin().post("/accounts/-", json!({ "embed_origins": [bad] })).await;
        assert!(refused.refused(400, "invalid_field")["fields"]["embed_origins"].is_string(), "{bad}");
    }
}

#[tokio::test]
async fn the_script_is_for_every_page() {
    let kit = Kit::start().await;
    let script = kit.anonymous().get("//sdk/external_api.min.js").await;
    if !script.status.is_success() {
        eprintln!("skipped: the pages are not built");
        return;
    }
    assert_eq!(script.headers["access-control-allow-origin"], "*");
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(script.headers["cache-control"].to_str().unwrap().starts_with("public, max-age="));
    assert!(script.headers["content-type"].to_str().unwrap().starts_with("text/javascript"));
    let tag = script.headers["etag"].to_str().unwrap();
    let again = kit.anonymous().header("If-None-Match", tag).get("//sdk/external_api.min.js").await;
    assert_eq!(again.status, 304);
    assert!(script.text.contains("JitsiMeetExternalAPI"), "its name is what integrators call");
}
