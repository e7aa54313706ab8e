//! Probes, metrics, response headers, pages.

use bedside_tests::kit::Kit;

#[tokio::test]
async fn probes_say_how_it_is() {
    let kit = Kit::start().await;
    let client = kit.anonymous();
    assert_eq!(client.get("//healthz").await.ok().text, "ok\n");
    let ready = client.get("//readyz").await.ok().json();
    assert_eq!((&ready["store"], &ready["media"]), (&true.into(), &true.into()));
}

#[tokio::test]
async fn a_server_without_calls_is_ready_too() {
    let kit = Kit::with(&[("media.enabled", "false")]).await;
    kit.anonymous().get("//readyz").await.ok();
}

#[tokio::test]
async fn metrics_name_routes_and_never_paths() {
    let kit = Kit::start().await;
    let patient = kit.patient("p1").await;
    patient.client.get(&format!("/users/{}?sso_token=secret", patient.id)).await.ok();
    let page = kit.anonymous().get("//metrics").await.ok().text;
    assert!(page.contains(r#"route="/api_v3/users/{id}",status="200""#), "{page}");
    assert!(page.contains("bedside_media_peers 0"), "{page}");
    assert!(page.contains("bedside_media_recording_dropped_total 0"), "{page}");
    assert!(page.contains("bedside_store_waiting_writes"), "{page}");
    assert!(!page.contains("secret"), "{page}");
}

#[tokio::test]
async fn metrics_are_not_for_everybody() {
    let kit = Kit::with(&[("metrics.allow", "10.0.0.0/8")]).await;
    assert_eq!(kit.anonymous().get("//metrics").await.status, 404);
}

#[tokio::test]
async fn every_answer_forbids_what_browsers_need_not_do() {
    let kit = Kit::start().await;
    for path in ["//healthz", "/rooms", "/nothing", "//auth?sso_token=x"] {
        let answer = kit.anonymous().get(path).await;
        for (name, value) in [("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")] {
            assert_eq!(
                answer.headers.get(name).map(|v| v.as_bytes()),
                Some(value.as_bytes()),
                "{path} {name}"
            );
        }
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
        assert!(!answer.headers.contains_key("strict-transport-security"), "{path}");
    }
}

#[tokio::test]
async fn an_expired_arrival_shows_the_way_back_and_no_form() {
    let kit = Kit::start().await;
    let patient = kit.patient("p1").await;
    let answer = kit.anonymous().get(&format!("//auth?sso_token={}&next=/u/x", patient.token)).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/u/x");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("bedside_patient=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    assert!(!cookie.contains(&patient.token), "the cookie is a value of its own");

    patient.client.post("/users/logout", serde_json::json!({})).await.ok();
    let answer = kit.anonymous().get(&format!("//auth?sso_token={}&next=/u/x", patient.token)).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text.contains("Back to Northside Portal"), "{}", answer.text);
    assert!(answer.text.contains("https://portal.example/home") && !answer.text.contains("<form"));
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_arrival_goes_nowhere_else() {
    let kit = Kit::start().await;
    let provider = kit.provider("d1", &[]).await;
    for next in ["//evil.example", "https://evil.example", "/%5Cevil.example", "", "javascript:alert(1)"] {
        let path = format!("//auth?sso_token={}&next={next}", provider.token);
        let answer = kit.anonymous().get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["location"]),
            (303, &"/providers/dashboard".parse().unwrap()),
            "{next}"
        );
    }
}
