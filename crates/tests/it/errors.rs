//! The error envelope, for every way a request can be wrong. The malformed
//! bodies are tried on every operation that the API's own description names.

use bedside::api::{openapi, router};
use bedside_tests::kit::{Answer, Client, Kit};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let kit = Kit::start().await;
    kit.portal().get("/nothing").await.refused(404, "not_found");
    kit.portal().get("/rooms/walk-in/nothing").await.refused(404, "not_found");
    kit.portal().get("").await.refused(404, "not_found");
    Client::send(kit.portal().request(Method::DELETE, "/rooms")).await.refused(404, "method_not_allowed");
    kit.admin().get("/visits/abc").await.refused(404, "visit_not_found");
    kit.admin().get("/visits/%00").await.refused(404, "not_found");
    kit.admin().get(&format!("/rooms/{}", "x".repeat(5000))).await.refused(404, "not_found");
}

#[tokio::test]
async fn bodies_that_are_too_large_or_of_another_kind() {
    let kit = Kit::with(&[("server.max_body_bytes", "10000")]).await;
    let large = json!({"reason_for_visit": "x".repeat(20_000)});
    kit.admin().post("/intakes", large).await.refused(413, "body_too_large");
    let chunks = futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>("x".repeat(1000))));
    let chunked = kit.admin().request(Method::POST, "/intakes").body(reqwest::Body::wrap_stream(chunks));
    Client::send(chunked.header("content-type", "application/json")).await.refused(413, "body_too_large");
    let xml = kit.admin().request(Method::POST, "/intakes").header("content-type", "text/xml").body("<a/>");
    Client::send(xml).await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn the_request_id_is_in_header_and_body() {
    let kit = Kit::start().await;
    let answer = kit.portal().get("/nothing").await;
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(answer.json()["request_id"], id);
}

#[tokio::test]
async fn a_clients_own_request_id_is_kept_when_it_is_fit_for_logs() {
    let kit = Kit::start().await;
    for own in ["a", "7f3c-22_b.9", &"x".repeat(64)] {
        let answer = kit.portal().header("X-Request-Id", own).get("/nothing").await;
        assert_eq!(answer.headers["x-request-id"], own);
        assert_eq!(answer.refused(404, "not_found")["request_id"], own);
    }
    for odd in ["", "two words", "a\"b", "a/b", "a;b=c", &"x".repeat(65)] {
        let answer = kit.portal().header("X-Request-Id", odd).get("/rooms").await.ok();
        let given = answer.headers["x-request-id"].to_str().unwrap();
        assert!(given != odd && !given.is_empty(), "{odd}");
    }
    let two =
        kit.portal().header("X-Request-Id", "a").request(Method::GET, "/rooms").header("X-Request-Id", "b");
    let given = Client::send(two).await.headers["x-request-id"].clone();
    assert!(given != "a" && given != "b");
}

#[tokio::test]
async fn cookies_need_their_kind_and_our_origin() {
    let kit = Kit::start().await;
    let patient = kit.patient("p1").await;
    let door = kit.anonymous().get(&format!("//auth?sso_token={}", patient.token)).await;
    let cookie = door.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = kit.anonymous().page(&cookie, "patient");
    page.get("/users/-").await.ok();
    page.without("X-Session-Kind").get("/users/-").await.refused(403, "session_kind_missing");
    page.header("X-Session-Kind", "king").get("/users/-").await.refused(400, "session_kind_unknown");
    page.header("X-Session-Kind", "provider").get("/users/-").await.refused(401, "token_missing");
    page.without("Origin").get("/users/-").await.ok();
    for foreign in ["https://evil.example", "null", &kit.base.replace("http:", "https:")] {
        let attacker = page.header("Origin", foreign);
        attacker.post("/intakes", json!({"reason_for_visit": "x"})).await.refused(403, "foreign_origin");
    }
    page.without("Origin").post("/intakes", json!({})).await.refused(403, "foreign_origin");
    // A token in the header makes the cookie irrelevant.
    patient.client.header("Cookie", &cookie).get("/users/-").await.ok();
}

#[tokio::test]
async fn a_foreign_form_cannot_sign_a_browser_in() {
    let kit = Kit::start().await;
    kit.room("walk-in").await;
    let guest = [("first_name", "A"), ("last_name", "B"), ("room_code", "walk-in")];
    let browser = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
    let foreign = browser.form("/users/guest_login?session_kind=patient", &guest).await.ok();
    assert!(!foreign.headers.contains_key("set-cookie"));
    let own = browser.header("X-Session-Kind", "patient").form("/users/guest_login", &guest).await.ok();
    assert!(own.headers.contains_key("set-cookie"));
}

/// One way in which a body is wrong.
struct Malformed {
    what: &'static str,
    content_type: &'static str,
    body: Vec<u8>,
    /// The refusal can and must name the field.
    names_field: bool,
}

fn malformed(field: &str) -> Vec<Malformed> {
    let json = |what, body: String, names_field| Malformed {
        what,
        content_type: "application/json",
        body: body.into_bytes(),
        names_field,
    };
    let (deep, shut) = ("[".repeat(30), "]".repeat(30));
    let (bottomless, long) = ("[".repeat(50_000), "x".repeat(200_000));
    vec![
        json("no JSON", "{\"a\":".into(), false),
        json("a list", "[1,2]".into(), false),
        json("a text", "\"text\"".into(), false),
        json("a number", "42".into(), false),
        json("nested without end", bottomless, false),
        json("nested deeply", format!("{{\"{field}\":{deep}1{shut}}}"), true),
        json("a NUL character", format!("{{\"{field}\":\"a\\u0000b\"}}"), true),
        json("a text without end", format!("{{\"{field}\":\"{long}\"}}"), true),
        json("half a character", format!("{{\"{field}\":\"\\ud800\"}}"), false),
        Malformed {
            what: "JSON that is not UTF-8",
            content_type: "application/json",
            body: b"{\"a\":\"\xff\"}".to_vec(),
            names_field: false,
        },
        Malformed {
            what: "a form that is not UTF-8",
            content_type: "application/x-www-form-urlencoded",
            body: format!("{field}=%FF%FE").into_bytes(),
            names_field: true,
        },
        Malformed {
            what: "a form with a NUL character",
            content_type: "application/x-www-form-urlencoded",
            body: format!("{field}=a%00b").into_bytes(),
            names_field: true,
        },
        Malformed {
            what: "a multipart form cut short",
            content_type: "multipart/form-data; boundary=x",
            body: format!("--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\nhal").into_bytes(),
            names_field: false,
        },
        Malformed {
            what: "a multipart form with a file for a text",
            content_type: "multipart/form-data; boundary=x",
            body: format!(
                "--x\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a\"\r\n\r\nb\r\n--x--\r\n"
            )
            .into_bytes(),
            names_field: true,
        },
        Malformed { what: "XML", content_type: "text/xml", body: b"<a/>".to_vec(), names_field: false },
    ]
}

/// An operation that takes a body, and its fields with their schemas.
struct Operation {
    path: String,
    fields: Vec<(String, Value)>,
    /// What must be sent, as in the example.
    must: serde_json::Map<String, Value>,
}

fn document() -> Value {
    serde_json::from_str(&openapi::text(&router::document("/api_v3")).unwrap()).unwrap()
}

fn operations() -> Vec<Operation> {
    let document = document();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("post") else { continue };
        let body = &operation["requestBody"]["content"]["application/json"];
        let schema = resolve(&document, &body["schema"]);
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let must = required.map(|name| (name.to_owned(), body["example"][name].clone())).collect();
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        let fields =
            fields.into_iter().map(|(name, schema)| (name, resolve(&document, &schema).clone())).collect();
        found.push(Operation { path: path.clone(), fields, must });
    }
    assert!(found.len() > 10);
    found
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("the reference leads somewhere"),
        None => schema,
    }
}

/// The field is an object, or may be one.
fn takes_object(document: &Value, schema: &Value) -> bool {
    let schema = resolve(document, schema);
    let of_kind =
        |kind: &Value| kind == "object" || kind.as_array().is_some_and(|all| all.contains(&json!("object")));
    of_kind(&schema["type"])
        || schema["oneOf"].as_array().is_some_and(|all| all.iter().any(|one| takes_object(document, one)))
}

/// A caller whom the operation knows, so that the body is what it looks at.
fn caller(kit: &Kit, path: &str) -> Client {
    match path {
        "/users/sso" => kit.portal(),
        "/users/login" | "/users/guest_login" | "/users/password" => {
            kit.anonymous().header("X-AccountCode", &kit.clinic.code)
        }
        _ => kit.admin(),
    }
}

fn concrete(path: &str) -> String {
    path.replace("{id}", "1").replace("{code}", "walk-in")
}

async fn post(client: &Client, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request = client.request(Method::POST, &concrete(path));
    Client::send(request.header("content-type", content_type).body(body)).await
}

/// Generous limits: these tests make thousands of calls from one address.
const GENEROUS: [(&str, &str); 2] =
    [("limits.anonymous_per_s", "100000"), ("limits.admin_token_per_s", "100000")];

#[tokio::test]
async fn malformed_bodies_are_refused_by_every_operation() {
    let kit = Kit::with(&GENEROUS).await;
    kit.room("walk-in").await;
    for Operation { path, fields, .. } in operations() {
        let client = caller(&kit, &path);
        let field = fields.first().map_or("anything", |(name, _)| name.as_str());
        for Malformed { what, content_type, body, names_field } in malformed(field) {
            let answer = post(&client, &path, content_type, body).await;
            let status = answer.status.as_u16();
            if fields.is_empty() {
                // It takes no body and may leave it unread, but must not stumble over it.
                assert!(status < 500, "{path}, {what}: {answer:?}");
                continue;
            }
            assert!((400..500).contains(&status), "{path}, {what}: {answer:?}");
            let answer = answer.json();
            assert_eq!(answer["code"], status, "{path}, {what}: {answer}");
            if names_field {
                assert!(answer["fields"][field].is_string(), "{path}, {what}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_named_by_every_operation() {
    let kit = Kit::with(&GENEROUS).await;
    kit.room("walk-in").await;
    let document = document();
    let mut wrongly = Vec::new();
    for Operation { path, fields, must } in operations() {
        let client = caller(&kit, &path);
        // What may hold anything cannot be wrong.
        let typed = |schema: &Value| ["type", "oneOf", "anyOf"].iter().any(|word| schema.get(word).is_some());
        for (field, schema) in fields.iter().filter(|(_, schema)| typed(schema)) {
            // An object where none belongs; where one belongs, a text.
            let wrong = match takes_object(&document, schema) {
                true => json!("surely not this"),
                false => json!({"surely": {"not": "this"}}),
            };
            // By itself, or at the latest when what must be there is there.
            let mut whole = must.clone();
            whole.insert(field.clone(), wrong.clone());
            let mut last = None;
            for body in [json!({ field: wrong }), whole.into()] {
                let body = body.to_string().into_bytes();
                let answer = post(&client, &path, "application/json", body).await;
                // A field that this operation does not look at, and no such object.
                let nothing_there = answer.status == 404 && path.contains('{');
                let body = answer.json();
                let named = body["fields"]
                    .as_object()
                    .is_some_and(|fields| fields.keys().any(|name| name.starts_with(field.as_str())));
                if nothing_there || answer.status == 400 && named {
                    last = None;
                    break;
                }
                last = Some(format!("{path}, {field}: {body}"));
            }
            wrongly.extend(last);
        }
    }
    assert!(wrongly.is_empty(), "\n{}", wrongly.join("\n"));
}

#[tokio::test]
async fn odd_queries_never_break_a_read() {
    let kit = Kit::with(&GENEROUS).await;
    kit.room("walk-in").await;
    let document = document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get").filter(|_| path != "/events/stream") else { continue };
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            for value in ["x", "-1", "99999999999999999999", "1e9", "%00", "%FF", "", "1.5", "null", "a%27b"]
            {
                for query in
                    [format!("{name}={value}"), format!("{name}[]={value}"), format!("{name}[a][b]={value}")]
                {
                    let answer = kit.admin().get(&format!("{}?{query}", concrete(path))).await;
                    assert!(answer.status.as_u16() < 500, "{path}?{query}: {answer:?}");
                    if answer.status != 200 {
                        assert_eq!(answer.json()["code"], answer.status.as_u16(), "{path}?{query}");
                    }
                }
            }
        }
    }
}

/// Every word that a test expects of a refusal is in docs/errors.md, which is
/// written from the sources.
#[test]
fn every_word_is_documented() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let document = std::fs::read_to_string(format!("{root}/docs/errors.md")).unwrap();
    let mut folders = vec![std::path::PathBuf::from(format!("{root}/crates/tests/it"))];
    let mut expected = std::collections::BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
            for call in text.split(".refused(").skip(1) {
                let word = call
                    .split_once(",\"")
                    .and_then(|(status, rest)| status.parse::<u16>().ok().and(rest.split('"').next()));
                expected.extend(word.map(str::to_owned));
            }
        }
    }
    assert!(expected.len() > 20);
    let missing: Vec<_> =
        expected.iter().filter(|word| !document.contains(&format!("| `{word}` |"))).collect();
    assert!(missing.is_empty(), "not in docs/errors.md (run `cargo xtask gen`): {missing:?}");
}
