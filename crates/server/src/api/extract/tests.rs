use axum::{
    body::Body,
    extract::{FromRequest, Request as HttpRequest},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::*;

async fn params(content_type: &str, uri: &str, body: &str) -> Result<Map<String, Value>, ApiError> {
    let request = HttpRequest::builder()
        .uri(uri)
        .header("content-type", content_type)
        .body(Body::from(body.to_owned()))
        .expect("a valid request");
    Params::from_request(request, &()).await.map(|params| params.0)
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn three_encodings_say_the_same() {
    let wanted = json!({"first_name": "Zoë", "type": "200"});
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"first_name\"\r\n\r\nZoë\r\n\
                     --x\r\ncontent-disposition: form-data; name=\"type\"\r\n\r\n200\r\n--x--\r\n";
    for (content_type, body) in [
        ("application/json; charset=utf-8", r#"{"first_name":"Zoë","type":"200"}"#),
        (FORM, "first_name=Zo%C3%AB&type=200"),
        ("multipart/form-data; boundary=x", multipart),
        ("multipart/form-data;", multipart),
        ("", "first_name=Zo%C3%AB&type=200"),
    ] {
        let got = params(content_type, "/", body).await.expect(content_type);
        assert_eq!(Value::Object(got), wanted, "{content_type}");
    }
}

#[tokio::test]
async fn php_names_and_the_query_are_read() {
    let got = params(FORM, "/?start=5&type[]=200&type[]=600", "sort[full_name]=asc&start=6")
        .await
        .expect("readable");
    assert_eq!(
        Value::Object(got),
        json!({"start": "6", "type": ["200", "600"], "sort": {"full_name": "asc"}})
    );
}

#[tokio::test]
async fn odd_bodies_are_refused() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let bottomless = "[".repeat(100_000);
    for (content_type, body) in [
        ("application/json", "[1]"),
        ("application/json", "\"text\""),
        ("application/json", "{"),
        ("application/json", r#"{"a":"\u0000"}"#),
        ("application/json", deep.as_str()),
        ("application/json", bottomless.as_str()),
        (FORM, "a=%FF"),
        (FORM, "a=%00"),
        ("multipart/form-data; boundary=x", "no boundary here"),
        ("text/xml", "<a/>"),
    ] {
        assert!(params(content_type, "/", body).await.is_err(), "{body:.40}");
    }
}

#[derive(Debug, Deserialize)]
struct Wanted {
    id: Id,
    #[serde(default)]
    ids: Option<List<Int>>,
    #[serde(default)]
    flag: Option<Flag>,
    #[serde(default)]
    name: Option<Text<5>>,
}

fn wanted(value: Value) -> Result<Wanted, ApiError> {
    Params(value.as_object().expect("an object").clone()).typed()
}

#[test]
fn fields_take_what_clients_send() {
    let got = wanted(json!({"id": "7", "ids": "1, 2", "flag": 1, "name": 42})).expect("fine");
    assert_eq!(got.id, Id(7));
    assert_eq!(got.ids, Some(List(vec![Int(1), Int(2)])));
    assert_eq!(got.flag, Some(Flag(true)));
    assert_eq!(got.name.as_deref(), Some("42"));
    let got = wanted(json!({"id": 7, "ids": "", "flag": null})).expect("empty counts as missing");
    assert_eq!(got.id, Id(7));
}

#[test]
fn refusals_name_the_field() {
    for (body, field) in [
        (json!({}), "id"),
        (json!({"id": ""}), "id"),
        (json!({"id": {"a": 1}}), "id"),
        (json!({"id": 1.5}), "id"),
        (json!({"id": 1, "flag": "maybe"}), "flag"),
        (json!({"id": 1, "name": "too long"}), "name"),
        (json!({"id": 1, "ids": ["x"]}), "ids"),
    ] {
        let error = wanted(body.clone()).expect_err("refused");
        assert!(format!("{error:?}").contains(&format!("\"{field}\"")), "{body}: {error:?}");
    }
}
