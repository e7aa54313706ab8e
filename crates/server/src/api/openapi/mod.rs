//! The API's own description: what the handlers' annotations do not say for
//! themselves is added here once, for every operation alike. Noun files give
//! path, parameters, bodies and one or more sentences; here come the encodings,
//! credentials, errors, headers, tags and examples.

mod answers;
mod callers;
mod examples;

use serde_json::{Map, Value, json};
use utoipa::{OpenApi, openapi};

use super::{envelope::ErrorBody, idempotency};
use callers::Caller;

const DESCRIPTION: &str = "\
The HTTP API of Bedside. Every body may be JSON, a URL-encoded form or a multipart form; \
every path may end in `.json`; whole numbers may be sent as text, flags as 1 and 0, and PHP-style \
names (`type[]=200`, `sort[full_name]=asc`) are read. Answers are `{\"data\": …}`; lists add \
`total_count` and `total`. Success is always 200. Errors are `{\"code\", \"message\", \"error\", \
\"fields\", \"request_id\"}` with the HTTP status equal to `code` and a stable word in `error`; \
docs/errors.md lists all words, docs/limits.md the limits.";

/// The groups of operations and what each is about.
const TAGS: &[(&str, &str)] = &[
    ("users", "People and their log-ins: single sign-on, passwords, profiles, roles, dependants."),
    ("rooms", "Waiting rooms: how they are run, who works in them, how their queue stands."),
    ("scheduling", "Free times, appointment rules, holds and closures."),
    ("intakes", "Answers given before a visit, documented fields and the portal's own."),
    ("visits", "Encounters from the queue to the end, and the calls they are held in."),
    ("recordings", "Recordings of calls: asking everybody, playing, deleting."),
    ("guests", "People invited into a visit by its code: family, carers, interpreters."),
    ("interpreters", "Whom a clinic asks to interpret, and finding one of them for a visit."),
    ("files", "Documents, photos and attachments, each with an owner and a target."),
    ("accounts", "Clinics: what a portal has to know of them, and how they are set up."),
    ("api_apps", "The programs that act for a clinic: their keys, admin tokens and scopes."),
    ("developers", "What developers of a portal look at: the request log, and a clinic to try things in."),
    ("audit", "Who did what, when and under which right."),
    ("messages", "What is written at a visit, between its patient and those who see them."),
    ("notes", "What providers write down of a visit, sign, and send to the patient."),
    (
        "health records",
        "What is known of a patient's health: the record by section, readings typed in by hand.",
    ),
    ("consents", "What a clinic asks people to agree to, and who agreed to which version."),
    ("forms", "Forms that a clinic makes itself, in versions, and what people answered in them."),
    ("surveys", "What a clinic asks after a visit, and what people answered."),
    ("reports", "What visits add up to: waits, no-shows, load, drop-off, ratings. No patient is in them."),
    ("billing", "Money: cards, what a visit costs, charges and refunds by a card processor."),
    ("notifications", "What people are told, where they are reached, and what they want to hear of."),
    ("webhooks", "Addresses that are told of events: rules, deliveries, what was tried and when again."),
    ("events", "What happened, live and as a numbered log."),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "Bedside API", description = DESCRIPTION, license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(ErrorBody)),
)]
struct Start;

/// The document before the routes are added.
pub fn start() -> openapi::OpenApi {
    Start::openapi()
}

/// Completes the document of all routes for a server whose API answers under
/// `prefix`.
pub fn finish(document: &openapi::OpenApi, prefix: &str) -> Value {
    let mut document = serde_json::to_value(document).expect("a description is JSON by its type");
    document["servers"] = json!([{ "url": prefix, "description": "This server." }]);
    document["components"]["securitySchemes"] = callers::schemes();
    document["components"]["responses"] = answers::refusals();
    document["components"]["headers"] = answers::headers();
    let schemas = document["components"]["schemas"].clone();
    let mut tags = Vec::new();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(operation, method, path, &schemas);
            tags.extend(operation["tags"].as_array().into_iter().flatten().cloned());
        }
    }
    let about = |tag: &&Value| TAGS.iter().position(|(name, _)| *tag == name);
    tags.sort_by_key(|tag| about(&tag));
    tags.dedup();
    document["tags"] = tags
        .iter()
        .map(|tag| json!({ "name": tag, "description": about(&tag).map_or("", |at| TAGS[at].1) }))
        .collect();
    document
}

fn complete(operation: &mut Value, method: &str, path: &str, schemas: &Value) {
    let caller = Caller::of(method, path);
    operation["security"] = caller.security();
    sentences(operation, method, path, caller);
    parameters(operation, method, path, caller);
    body(operation, schemas);
    answers::complete(operation, method, path, schemas);
}

/// The first sentence is the summary; the description says the rest, and what
/// holds for all operations of this kind.
fn sentences(operation: &mut Value, method: &str, path: &str, caller: Caller) {
    let told = format!("{}\n{}", word(&operation["summary"]), word(&operation["description"]));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let (summary, rest) = match told.split_once(". ") {
        Some((first, rest)) => (first.to_owned() + ".", rest),
        None => (told.clone(), ""),
    };
    let mut description = vec![rest, caller.sentence()];
    if keyed(method, path) {
        description.push("Safe to repeat with an `Idempotency-Key`.");
    }
    description.retain(|sentence| !sentence.is_empty());
    operation["summary"] = summary.into();
    operation["description"] = description.join(" ").into();
}

fn keyed(method: &str, path: &str) -> bool {
    method == "post" && idempotency::applies(&axum::http::Method::POST, path)
}

fn parameters(operation: &mut Value, method: &str, path: &str, caller: Caller) {
    let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut all {
        let name = word(&parameter["name"]).to_owned();
        if word(&parameter["description"]).is_empty() {
            parameter["description"] = examples::about(&name).into();
        }
        if parameter.get("example").is_none() {
            parameter["example"] = examples::of_parameter(&name, &parameter["schema"]);
        }
    }
    let header = |name: &str, about: &str, schema: Value, example: &str| {
        json!({
            "name": name, "in": "header", "required": false, "description": about, "schema": schema,
            "example": example,
        })
    };
    if caller != Caller::Link {
        all.push(header(
            "X-AccountCode",
            "Code of the account (the clinic). May be left out where a token, a key or the host tells it.",
            json!({ "type": "string", "maxLength": 64 }),
            "northside",
        ));
    }
    if matches!(caller, Caller::Person | Caller::Visitor) {
        all.push(header(
            "X-Session-Kind",
            "Whose cookie counts; pages send it with every call, other clients never.",
            json!({ "type": "string", "enum": ["patient", "provider", "admin"] }),
            "patient",
        ));
    }
    if keyed(method, path) {
        all.push(header(
            "Idempotency-Key",
            "Any word of the caller's; the same request with the same word within 24 hours gets the first \
             answer again.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
            "5a1f0f8c-book-1",
        ));
    }
    operation["parameters"] = all.into();
}

/// All three encodings of a body, each with an example.
fn body(operation: &mut Value, schemas: &Value) {
    let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(json) = content.get("application/json").cloned() {
        for encoding in ["application/x-www-form-urlencoded", "multipart/form-data"] {
            content.insert(encoding.to_owned(), json.clone());
        }
    }
    examples::add(content, schemas);
    let about = "The fields, in any of the three encodings.";
    if word(&operation["requestBody"]["description"]).is_empty() {
        operation["requestBody"]["description"] = about.into();
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An object with one member more.
fn with(mut object: Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    object.insert(name.to_owned(), value);
    object
}

/// The document as checked in: pretty JSON with a final line break.
///
/// # Errors
/// The document cannot be written as JSON.
pub fn text(document: &Value) -> serde_json::Result<String> {
    serde_json::to_string_pretty(document).map(|text| text + "\n")
}
