//! Answers as the API's description tells them: the refusals that every
//! operation can give, each with an example, and the headers of all answers.

use serde_json::{Map, Value, json};

use super::{examples, keyed, with, word};

/// Name of the component, status, what it means, an example's stable word and
/// sentence.
const REFUSALS: &[(&str, u16, &str, &str, &str)] = &[
    (
        "BadRequest",
        400,
        "A bad value, or a state that does not allow it.",
        "invalid_field",
        "`limit` must be a whole number.",
    ),
    ("Unauthorized", 401, "No, unknown or expired credentials.", "token_expired", "This token has expired."),
    ("Forbidden", 403, "Known, but not allowed.", "forbidden", "You are not allowed to do this."),
    (
        "NotFound",
        404,
        "There is no such thing for this caller, or nothing at this path.",
        "visit_not_found",
        "There is no such visit.",
    ),
    (
        "TooLarge",
        413,
        "The body is larger than the server takes.",
        "body_too_large",
        "The body is too large.",
    ),
    (
        "UnsupportedMediaType",
        415,
        "The body has an encoding that is none of the three.",
        "unsupported_media_type",
        "Send JSON, a URL-encoded form or a multipart form.",
    ),
    (
        "TooManyRequests",
        429,
        "A rate limit; `Retry-After` says when to try again.",
        "too_many_requests",
        "Too many requests; wait a moment and try again.",
    ),
    (
        "Internal",
        500,
        "A fault of ours.",
        "internal",
        "Something went wrong on our side; the request id helps the operator find it.",
    ),
    (
        "Unavailable",
        503,
        "Busy, or the disk is full; `Retry-After` says when to try again.",
        "unavailable",
        "The server is busy. Try again in a moment.",
    ),
    (
        "TimedOut",
        504,
        "It took too long; what was asked for may still have happened.",
        "timed_out",
        "The request took too long; what it asked for may still have happened.",
    ),
];

/// Statuses that only operations with a body give.
const OF_BODIES: &[u16] = &[413, 415];

pub fn refusals() -> Value {
    let one = |(name, status, about, error, message): &(&str, u16, &str, &str, &str)| {
        let mut example = json!({
            "code": status, "message": message, "error": error, "request_id": "6a21f3d0-00001c",
        });
        if *error == "invalid_field" {
            example["fields"] = json!({ "limit": "must be a whole number" });
        }
        let mut headers = common();
        if matches!(status, 429 | 503) {
            headers.insert("Retry-After".to_owned(), header_ref("Retry-After"));
        }
        let content = json!({ "schema": { "$ref": "#/components/schemas/ErrorBody" }, "example": example });
        let answer = json!({
            "description": about, "headers": headers, "content": { "application/json": content },
        });
        ((*name).to_owned(), answer)
    };
    let unchanged = json!({
        "description": "Nothing changed since the answer whose `ETag` was sent in `If-None-Match`. No body.",
        "headers": with(common(), "ETag", header_ref("ETag")),
    });
    REFUSALS.iter().map(one).chain([("NotModified".to_owned(), unchanged)]).collect::<Map<_, _>>().into()
}

pub fn headers() -> Value {
    let one = |about: &str, kind: &str, example: Value| json!({ "description": about, "schema": { "type": kind }, "example": example });
    json!({
        "X-Request-Id": one(
            "The id of this request in the server's log: the client's own, where it sent one word of at most 64 \
             letters, digits, `.`, `_` or `-`.", "string", json!("6a21f3d0-00001c")),
        "RateLimit-Policy": one(
            "The bucket this call was counted in: `q` calls in `w` seconds.", "string", json!("\"user\";q=100;w=2")),
        "RateLimit": one(
            "How that bucket stands: `r` calls are left; in `t` seconds it is full again.", "string",
            json!("\"user\";r=99;t=1")),
        "Retry-After": one("Seconds to wait.", "integer", json!(1)),
        "ETag": one(
            "Stands for this content; send it back in `If-None-Match` and an unchanged answer is a 304.", "string",
            json!("W/\"9f86d081884c7d659a2feaa0c55ad015\"")),
        "Idempotency-Replayed": one(
            "`true` when this is the first answer to this `Idempotency-Key` again.", "string", json!("true")),
    })
}

/// Completes the answers of one operation.
pub fn complete(operation: &mut Value, method: &str, path: &str, schemas: &Value) {
    let has_body = operation.get("requestBody").is_some();
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for (status, answer) in answers.iter_mut() {
        if word(&answer["description"]).is_empty() {
            answer["description"] = if status == "200" { "Done." } else { "See the description." }.into();
        }
        let mut headers = common();
        headers.extend(answer["headers"].as_object().cloned().unwrap_or_default());
        if status == "200" && keyed(method, path) {
            headers.insert("Idempotency-Replayed".to_owned(), header_ref("Idempotency-Replayed"));
        }
        let content = answer.get_mut("content").and_then(Value::as_object_mut);
        let is_json = content.as_ref().is_some_and(|content| content.contains_key("application/json"));
        if status == "200" && method == "get" && is_json {
            headers.insert("ETag".to_owned(), header_ref("ETag"));
        }
        if let Some(content) = content {
            examples::add(content, schemas);
        }
        answer["headers"] = headers.into();
    }
    let is_json = answers.get("200").is_some_and(|good| good["content"].get("application/json").is_some());
    if method == "get" && is_json {
        answers.entry("304").or_insert(json!({ "$ref": "#/components/responses/NotModified" }));
    }
    for (name, status, ..) in
        REFUSALS.iter().filter(|(_, status, ..)| has_body || !OF_BODIES.contains(status))
    {
        let known = json!({ "$ref": format!("#/components/responses/{name}") });
        answers.entry(status.to_string()).or_insert(known);
    }
}

/// Headers of every answer.
fn common() -> Map<String, Value> {
    ["X-Request-Id", "RateLimit-Policy", "RateLimit"]
        .into_iter()
        .map(|name| (name.to_owned(), header_ref(name)))
        .collect()
}

fn header_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}
