//! The API's own description.

use bedside::api::{openapi, router};
use bedside_tests::kit::Kit;

#[test]
fn the_checked_in_document_is_fresh() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    let fresh = openapi::text(&router::document("/api_v3")).unwrap();
    assert!(kept == fresh, "docs/openapi.json is stale: run `cargo xtask gen`");
}

#[tokio::test]
async fn the_server_shows_the_same_document() {
    let kit = Kit::start().await;
    let shown = kit.anonymous().get("/openapi.json").await.ok().json();
    let document = openapi::text(&router::document("/api_v3")).unwrap();
    assert_eq!(shown, serde_json::from_str::<serde_json::Value>(&document).unwrap());
}

#[test]
fn every_operation_has_a_name_a_summary_and_three_encodings() {
    let document: serde_json::Value =
        serde_json::from_str(&openapi::text(&router::document("/api_v3")).unwrap()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(names.insert(name), "{method} {path}: {name:?} twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            if let Some(body) = operation.get("requestBody") {
                assert_eq!(body["content"].as_object().unwrap().len(), 3, "{method} {path}");
            }
        }
    }
}
