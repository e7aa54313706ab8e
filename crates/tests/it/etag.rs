//! Conditional reads, and what may be cached.

use bedside_tests::kit::{Answer, Client, Kit};
use reqwest::Method;
use serde_json::json;

fn tag(answer: &Answer) -> String {
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    tag
}

async fn asked(client: &Client, path: &str, known: &str) -> Answer {
    client.header("If-None-Match", known).get(path).await
}

#[tokio::test]
async fn an_unchanged_answer_is_not_sent_again() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &["main"]).await);
    let visit = patient.walk_in("main").await;
    for (client, path) in [
        (&patient.client, format!("/visits/{}", visit.id)),
        (&patient.client, "/visits".to_owned()),
        (&provider.client, "/users/-".to_owned()),
        (&kit.portal(), "/rooms".to_owned()),
        (&kit.portal(), "/openapi.json".to_owned()),
    ] {
        let first = client.get(&path).await.ok();
        let known = tag(&first);
        assert_eq!(first.headers["cache-control"], "private, no-cache", "{path}");
        for sent in [known.clone(), format!("\"x\", {known}"), known.replace("W/", ""), "*".to_owned()] {
            let again = asked(client, &path, &sent).await;
            assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path} {sent}");
            assert_eq!(tag(&again), known, "{path}");
            assert!(again.headers.contains_key("x-request-id"));
        }
        let other = asked(client, &path, "W/\"0\"").await.ok();
        assert_eq!(other.text, first.text, "{path}");
    }
}

#[tokio::test]
async fn a_change_gets_another_tag() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &["main"]).await);
    let visit = patient.walk_in("main").await;
    let path = format!("/visits/{}", visit.id);
    let known = tag(&patient.client.get(&path).await.ok());
    assert_eq!(asked(&patient.client, &path, &known).await.status, 304);
    provider.act(&visit, "accept").await.ok();
    let changed = asked(&patient.client, &path, &known).await.ok();
    assert_eq!(changed.json()["data"]["status_name"], "in_progress");
    assert_ne!(tag(&changed), known);
}

/// A tag is no key: it opens nothing, and tells strangers nothing.
#[tokio::test]
async fn who_may_not_read_gets_no_304() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, other) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let path = format!("/visits/{}", patient.walk_in("main").await.id);
    let known = tag(&patient.client.get(&path).await.ok());
    for sent in [known.as_str(), "*"] {
        asked(&other.client, &path, sent).await.refused(404, "visit_not_found");
        let nobody = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
        asked(&nobody, &path, sent).await.refused(401, "token_missing");
    }
}

#[tokio::test]
async fn writes_and_refusals_are_not_kept() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let made =
        patient.client.header("If-None-Match", "*").post("/intakes", json!({ "room_code": "main" })).await;
    for answer in [made.ok(), patient.client.get("/visits/999999").await, kit.portal().get("/nothing").await]
    {
        assert_eq!(answer.headers["cache-control"], "no-store", "{answer:?}");
        assert!(!answer.headers.contains_key("etag"));
    }
    let head = Client::send(patient.client.request(Method::HEAD, "/users/-")).await.ok();
    assert_eq!(head.text, "");
}
