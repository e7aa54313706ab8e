//! The same values sent as JSON, as a URL-encoded form and as a multipart form
//! are read alike.

use axum::{
    body::Body,
    extract::{FromRequest, Request as HttpRequest},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::*;

/// A field's value as forms can say it: texts, lists and objects of them, none empty.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-zA-Z0-9 ]{0,12}",
        "\\PC{0,12}",
        prop::sample::select(vec!["a&b=c", "100%", "a+b", "\r\n--x", "Zoë", "\u{1F600}", "[x]", "'\""])
            .prop_map(str::to_owned),
    ];
    let leaf = text.prop_map(Value::String);
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Value::Array),
            vec((name(), inner), 1..4).prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Names that do not look like places in a list.
fn name() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_]{0,10}"
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    vec((name(), value()), 1..6).prop_map(|fields| fields.into_iter().collect())
}

/// `a[b][]`, as PHP writes it.
fn pairs(fields: &Map<String, Value>) -> Vec<(String, String)> {
    fn flat(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| flat(&format!("{name}[{at}]"), item, into));
            }
            Value::Object(object) => {
                object.iter().for_each(|(key, item)| flat(&format!("{name}[{key}]"), item, into));
            }
            text => into.push((name.to_owned(), text.as_str().unwrap_or_default().to_owned())),
        }
    }
    let mut all = Vec::new();
    fields.iter().for_each(|(name, value)| flat(name, value, &mut all));
    all
}

fn encodings(fields: &Map<String, Value>) -> [(&'static str, String); 3] {
    let pairs = pairs(fields);
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let part = |(name, value): &(String, String)| {
        format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart: String = pairs.iter().map(part).collect();
    [
        ("application/json", Value::Object(fields.clone()).to_string()),
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=b0undary", multipart + "--b0undary--\r\n"),
    ]
}

fn read(kind: &str, uri: &str, body: String) -> Result<Map<String, Value>, ApiError> {
    let request = HttpRequest::builder().uri(uri).header("content-type", kind).body(Body::from(body));
    let reading = Params::from_request(request.expect("a request"), &());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(reading).map(|params| params.0)
}

proptest! {
    #[test]
    fn three_encodings_are_read_alike(fields in fields()) {
        for (kind, body) in encodings(&fields) {
            let got = read(kind, "/", body);
            prop_assert_eq!(got.as_ref().ok(), Some(&fields), "{}: {:?}", kind, got);
        }
        // A query is a form, and a body wins over it.
        let [_, (_, form), _] = encodings(&fields);
        let got = read("application/json", &format!("/?{form}"), String::new());
        prop_assert_eq!(got.ok(), Some(fields));
    }

    #[test]
    fn typed_fields_are_read_alike(id in 1_i64.., flag: bool, name in "[a-z]{1,5}", ids in vec(any::<i64>(), 1..5)) {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Wanted {
            id: Id,
            flag: Flag,
            name: Text<5>,
            ids: List<Int>,
        }
        let wanted = Wanted {
            id: Id(id),
            flag: Flag(flag),
            name: Text(name.clone()),
            ids: List(ids.iter().copied().map(Int).collect()),
        };
        let native = json!({ "id": id, "flag": flag, "name": name, "ids": ids });
        let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let as_text = json!({ "id": id.to_string(), "flag": if flag { "1" } else { "0" }, "name": name, "ids": texts });
        let comma = json!({ "id": id.to_string(), "flag": flag.to_string(), "name": name, "ids": texts.join(",") });
        let mut forms: Vec<(&str, String)> = vec![("application/json", native.to_string())];
        for said in [as_text, comma] {
            forms.extend(encodings(said.as_object().expect("an object")));
        }
        for (kind, body) in forms {
            let params = read(kind, "/", body).map(Params);
            let got = params.and_then(|params| params.typed::<Wanted>());
            prop_assert_eq!(got.as_ref().ok(), Some(&wanted), "{}: {:?}", kind, got);
        }
    }
}
