//! Examples of parameters, bodies and answers: made from the schemas, with
//! values that the fields have in a real clinic, so that every example fits its
//! schema by construction.

use serde_json::{Map, Value, json};

use super::word;

/// Deepest nesting that is filled; below it objects have only what they must.
const MAX_DEPTH: usize = 6;

/// What a field of this name holds in a real clinic; the first that fits the
/// schema is taken. `Schema.field` before `field`.
fn known(name: &str) -> Vec<Value> {
    match name {
        "id" | "_id" | "visit_id" => vec![json!("4711"), json!(4711)],
        "member_id" | "user_id" => vec![json!("900"), json!(900)],
        "provider_id" | "completed_by" => vec![json!("181"), json!(181)],
        "room_id" => vec![json!("12"), json!(12)],
        "intake_id" | "consultation_id" | "key_id" | "token_id" | "guest_id" => {
            vec![json!("018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44"), json!(17)]
        }
        "code" | "room_code" | "slug" => vec![json!("walk-in"), json!(400)],
        "account_code" => vec![json!("northside")],
        "first_name" => vec![json!("Maria")],
        "last_name" => vec![json!("Gomez")],
        "full_name" => vec![json!("Maria Gomez")],
        "provider_name" => vec![json!("Dr. Amara Osei")],
        "name" | "room_name" | "account_name" => vec![json!("Walk-in care")],
        "portal_title" | "portal_name" => vec![json!("Northside Portal")],
        "username" | "email" => vec![json!("maria@example.org")],
        "password" => vec![json!("correct horse battery staple")],
        "phone" => vec![json!("+1 555 010 0100")],
        "dob" => vec![json!("1980-04-02")],
        "gender" => vec![json!("female"), json!(2)],
        "timezone" | "default_timezone" => vec![json!("Europe/Berlin")],
        "domain" => vec![json!("northside.example")],
        "token" | "auth_code" | "api_key" | "api_secret" | "sso_token" | "refresh_token" => {
            vec![json!("9b2f61d04c7e8a35f1d0b6c2a7e94f18")]
        }
        "reason_for_visit" | "reason" => vec![json!("A rash on my arm"), json!(["A rash on my arm"])],
        "start" | "created" | "created_at" | "modified" | "actual_start" | "waiting_since" | "start_time"
        | "time" => vec![json!(1_800_000_000), json!("1800000000")],
        "end" | "actual_end" | "end_time" | "expires" | "expires_at" => {
            vec![json!(1_800_000_900), json!("1800000900")]
        }
        "type" => vec![json!("200"), json!(200)],
        "subtype" => vec![json!("482"), json!(1)],
        "status" => vec![json!("10"), json!(10)],
        "status_name" => vec![json!("pending")],
        "limit" => vec![json!(20), json!("20")],
        "page" => vec![json!(1), json!("1")],
        "after" | "next" => vec![json!("MTgwMDAwMDAwMHw0NzEx")],
        "sort" => vec![json!("full_name.asc")],
        "fields" => vec![json!("id,full_name"), json!(["id", "full_name"])],
        "q" => vec![json!("maria")],
        "total" | "total_count" => vec![json!(1)],
        "url" | "return_url" | "portal_return_url" => vec![json!("https://portal.example/home")],
        "message" => vec![json!("The door is open.")],
        "relation" => vec![json!("child")],
        "role" => vec![json!("family"), json!("scheduler")],
        "size" => vec![json!(18_432), json!("320x240")],
        "ext" => vec![json!("pdf")],
        "meta.category" | "category" | "category_type" => vec![json!("user_document")],
        "target_type" => vec![json!("user")],
        "target_id" => vec![json!("900")],
        "Last-Event-ID" => vec![json!(41), json!("41")],
        _ => Vec::new(),
    }
}

/// What a parameter is about, where the operation does not say it.
pub fn about(name: &str) -> &'static str {
    match name {
        "id" => "Number of the thing; `-` is the caller where it is a user.",
        "code" => "Code or slug.",
        "start" => "Rows to skip.",
        "limit" => "Rows to give, at most 100.",
        "page" => "Page number, from 1.",
        "after" => "The `next` of the page before.",
        "fields" => "Names of the fields to give, as a list or with commas.",
        "sort" => "Field and direction, as in `full_name.asc`.",
        "Last-Event-ID" => "Number of the last event that was received.",
        _ => "See the summary.",
    }
}

/// An example of one parameter.
pub fn of_parameter(name: &str, schema: &Value) -> Value {
    example(schema, name, &Value::Null, 0)
}

/// Adds an example to every encoding that has none.
pub fn add(content: &mut Map<String, Value>, schemas: &Value) {
    for (kind, encoding) in content.iter_mut() {
        let is_text = kind.starts_with("application/json") || kind.contains("form");
        if encoding.get("example").is_none() && encoding.get("examples").is_none() && is_text {
            encoding["example"] = example(&encoding["schema"], "", schemas, 0);
        }
    }
}

fn example(schema: &Value, name: &str, schemas: &Value, depth: usize) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.rsplit('/').next().unwrap_or_default();
        return example(&schemas[target], name, schemas, depth);
    }
    if let Some(given) =
        schema.get("example").or_else(|| schema.get("const")).or_else(|| schema["enum"].get(0))
    {
        return given.clone();
    }
    for among in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[among].as_array() {
            return choice(choices, name, schemas, depth);
        }
    }
    if let Some(value) = known(name).into_iter().find(|value| fits(value, schema)) {
        return value;
    }
    match kind(schema) {
        "object" => object(schema, schemas, depth),
        "array" if depth > MAX_DEPTH => json!([]),
        "array" => json!([example(&schema["items"], name, schemas, depth + 1)]),
        "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).into(),
        "boolean" => true.into(),
        "string" => string(schema).into(),
        _ => Value::Null,
    }
}

/// Of several forms the one that a known value fits, else the first with a value.
fn choice(choices: &[Value], name: &str, schemas: &Value, depth: usize) -> Value {
    let all: Vec<Value> = choices.iter().map(|one| example(one, name, schemas, depth)).collect();
    let wanted = known(name);
    let found = all.iter().find(|value| wanted.contains(value));
    found.or_else(|| all.iter().find(|value| !value.is_null())).cloned().unwrap_or_default()
}

fn object(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let must: Vec<&str> = schema["required"].as_array().into_iter().flatten().map(word).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| depth < MAX_DEPTH || must.contains(&name.as_str()))
        .map(|(name, field)| (name.clone(), example(field, name, schemas, depth + 1)))
        .collect::<Map<_, _>>()
        .into()
}

fn string(schema: &Value) -> &'static str {
    match word(&schema["format"]) {
        "date" => "1980-04-02",
        "date-time" => "2027-01-15T08:00:00Z",
        "uuid" => "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44",
        "uri" => "https://portal.example/home",
        "email" => "maria@example.org",
        "binary" => "(bytes)",
        _ if schema["maxLength"].as_u64().is_some_and(|longest| longest < 4) => "1",
        _ => "text",
    }
}

/// The type, of a nullable one the other.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(word).find(|kind| *kind != "null").unwrap_or_default(),
        kind => word(kind),
    }
}

fn fits(value: &Value, schema: &Value) -> bool {
    let longest = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
    match (value, kind(schema)) {
        (Value::String(text), "string") => {
            text.chars().count() as u64 <= longest
                && schema.get("pattern").is_none()
                && matches!(schema["format"].as_str(), None | Some("date"))
        }
        (Value::Number(number), "integer") => {
            let above = schema["minimum"].as_i64().is_none_or(|least| number.as_i64() >= Some(least));
            above && schema["maximum"].as_i64().is_none_or(|most| number.as_i64() <= Some(most))
        }
        (Value::Array(items), "array") => items.iter().all(|item| fits(item, &schema["items"])),
        _ => false,
    }
}
