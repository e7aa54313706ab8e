//! The API's own description: that it is complete, and that it tells the truth.

use std::collections::{BTreeMap, BTreeSet};

use bedside::api::{openapi, router};
use bedside_tests::kit::{Client, Kit};
use reqwest::Method;
use serde_json::Value;

fn document() -> Value {
    router::document("/api_v3")
}

/// Method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all: Vec<_> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect();
    assert!(all.len() > 25);
    all
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")),
        None => value,
    }
}

fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().len() > 2)
}

#[test]
fn the_checked_in_document_is_fresh() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    let fresh = openapi::text(&document()).unwrap();
    assert!(kept == fresh, "docs/openapi.json is stale: run `cargo xtask gen`");
}

#[tokio::test]
async fn the_server_shows_the_same_document() {
    let kit = Kit::start().await;
    let shown = kit.anonymous().get("/openapi.json").await.ok();
    assert_eq!(shown.headers["content-type"], "application/json");
    assert_eq!(shown.json(), document());
}

#[test]
fn every_operation_says_what_it_does_and_for_whom() {
    let document = document();
    let tags: BTreeMap<&str, &Value> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["name"].as_str().unwrap(), &tag["description"]))
        .collect();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for (method, path, operation) in operations(&document) {
        let mut must = |good: bool, what: &str| {
            if !good {
                wrong.push(format!("{method} {path}: {what}"));
            }
        };
        must(names.insert(operation["operationId"].as_str().unwrap_or_default()), "its name is there twice");
        must(operation["operationId"].as_str().is_some_and(|id| id.contains("::")), "no name");
        must(filled(&operation["summary"]), "no summary");
        must(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "no sentence");
        must(filled(&operation["description"]), "no description");
        let of = operation["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        must(of.len() == 1, "not in one group");
        must(
            of.iter().all(|tag| tags.get(tag.as_str().unwrap()).is_some_and(|about| filled(about))),
            "a group without a description",
        );
        let security = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
        must(!security.is_empty(), "no credentials");
        let known = |one: &Value| one.as_object().unwrap().keys().all(|name| schemes.contains_key(name));
        must(security.iter().all(known), "credentials that are not explained");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_parameter_and_body_has_a_type_words_and_an_example() {
    let document = document();
    let mut wrong = Vec::new();
    for (method, path, operation) in operations(&document) {
        let in_path: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let mut told = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] == "path" {
                told.insert(name);
            }
            let schema = resolve(&document, &parameter["schema"]);
            let has_type = ["type", "oneOf", "anyOf"].iter().any(|word| schema.get(word).is_some());
            if !filled(&parameter["description"]) || parameter["description"] == "See the summary." {
                wrong.push(format!("{method} {path}: {name} has no description"));
            }
            if !has_type || parameter["example"].is_null() {
                wrong.push(format!("{method} {path}: {name} has no type or no example"));
            }
        }
        if told != in_path {
            wrong.push(format!("{method} {path}: it has {in_path:?} and describes {told:?}"));
        }
        let Some(body) = operation.get("requestBody") else { continue };
        let content = body["content"].as_object().unwrap();
        // Files come as multipart forms only.
        if content.len() != 3 && !(content.len() == 1 && content.contains_key("multipart/form-data")) {
            wrong.push(format!("{method} {path}: not in three encodings"));
        }
        for (encoding, described) in content {
            if described["example"].is_null() && described["examples"].is_null() {
                wrong.push(format!("{method} {path}: no example of {encoding}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_answer_is_described() {
    let document = document();
    let mut wrong = Vec::new();
    for (method, path, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        let mut must = vec!["200", "400", "401", "403", "404", "429", "500", "503", "504"];
        if operation.get("requestBody").is_some() {
            must.extend(["413", "415"]);
        }
        for status in must {
            if !answers.contains_key(status) {
                wrong.push(format!("{method} {path}: no {status}"));
            }
        }
        for (status, answer) in answers {
            let answer = resolve(&document, answer);
            let mut say = |what: &str| wrong.push(format!("{method} {path}: {status} has no {what}"));
            if !filled(&answer["description"]) {
                say("description");
            }
            let headers = answer["headers"].as_object().cloned().unwrap_or_default();
            if !headers.contains_key("X-Request-Id") || !headers.contains_key("RateLimit") {
                say("headers");
            }
            if matches!(status.as_str(), "429" | "503") != headers.contains_key("Retry-After") {
                say("(or too much) Retry-After");
            }
            for header in headers.values() {
                let header = resolve(&document, header);
                if !filled(&header["description"]) || header["example"].is_null() {
                    say("explained header");
                }
            }
            if status.starts_with(['4', '5']) {
                let json = &answer["content"]["application/json"];
                let code = json["example"]["code"].as_u64().map(|code| code.to_string());
                if json["schema"]["$ref"] != "#/components/schemas/ErrorBody" || code.as_ref() != Some(status)
                {
                    say("error body");
                }
            }
            if let Some(json) = answer["content"].get("application/json")
                && json["example"].is_null()
            {
                say("example");
            }
        }
        if answers.contains_key("default") {
            wrong.push(format!("{method} {path}: `default` hides what is not told"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The table of callers is held against the server: whoever shows nothing is
/// never asked for credentials where the document says none, and gets nothing
/// elsewhere. (That it is a 401 there is proved in `authz`, with good bodies.)
#[tokio::test]
async fn the_document_tells_the_truth_about_credentials() {
    let kit = Kit::with(&[("limits.anonymous_per_s", "100000"), ("limits.failed_per_min", "100000")]).await;
    kit.room("walk-in").await;
    let nobody = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
    let document = document();
    let mut wrong = Vec::new();
    for (method, path, operation) in operations(&document) {
        let at = path.replace("{code}", "walk-in");
        let at = at.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let at = at.collect::<Vec<_>>().join("/");
        let request = nobody.request(method.parse::<Method>().unwrap(), &at);
        // An empty form is what every operation can read.
        let answer = match method.as_str() {
            "GET" => Client::send(request).await,
            _ => Client::send(request.json(&serde_json::json!({}))).await,
        };
        let asks = operation["security"].as_array().unwrap().iter().all(|one| one != &serde_json::json!({}));
        if asks && answer.status == 200 || !asks && answer.status == 401 {
            wrong.push(format!(
                "{method} {path}: it asks for credentials: {asks}; nobody got {}",
                answer.text
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_reference_leads_nowhere() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    assert!(used.len() > 30);
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                into.insert(reference.to_owned());
            }
            object.values().for_each(|item| references(item, into));
        }
        _ => {}
    }
}
