//! Hostile input: the seeds of `fuzz/corpus`, mutated. Whatever comes, nothing
//! panics, and what is let through keeps the promises of `hygiene`.
//!
//! `BEDSIDE_FUZZ_SECONDS` makes each of them go on that long (`cargo xtask fuzz`).

use std::{
    path::Path as FilePath,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{FromRequest, Request as HttpRequest},
    http::{HeaderMap, HeaderName, HeaderValue, Uri},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value};

use super::{super::error::ApiError, *};

/// Mutated seeds per target in a plain test run.
const CASES: u32 = 2000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 5, "a corpus of {target}");
    files.iter().map(|file| std::fs::read(file).expect("a seed")).collect()
}

/// One change to a seed.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    /// The other half comes from another seed.
    Splice(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let telling = prop::sample::select(b"[]{}()=&;:%\"'\\,.-+\r\n\0\xff\xc3/ \t0aA".to_vec());
    let bytes = prop_oneof![vec(telling.clone(), 1..6), vec(any::<u8>(), 1..6)];
    prop_oneof![
        (at(), prop_oneof![telling, any::<u8>()]).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (at(), bytes).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        (at(), at(), at()).prop_map(|(seed, from, at)| Mutation::Splice(seed, from, at)),
    ]
}

fn mutate(seeds: &[Vec<u8>], seed: &Index, mutations: &[Mutation]) -> Vec<u8> {
    let mut input = seed.get(seeds).clone();
    for mutation in mutations {
        let length = input.len();
        let span = |from: &Index, to: &Index| {
            let (from, to) = (from.index(length + 1), to.index(length + 1));
            from.min(to)..from.max(to)
        };
        match mutation {
            Mutation::Set(at, byte) if length > 0 => input[at.index(length)] = *byte,
            Mutation::Set(..) => {}
            Mutation::Insert(at, bytes) => {
                let at = at.index(length + 1);
                input.splice(at..at, bytes.iter().copied());
            }
            Mutation::Remove(from, to) => drop(input.drain(span(from, to))),
            Mutation::Repeat(from, to) => {
                let again = input[span(from, to)].to_vec();
                input.extend(again);
            }
            Mutation::Splice(other, from, at) => {
                let other = other.get(seeds);
                input.truncate(at.index(length + 1));
                input.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    input
}

#[expect(clippy::disallowed_methods, reason = "how long to go on is for whoever runs it to say")]
fn seconds_to_go_on() -> Duration {
    let told = std::env::var("BEDSIDE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(told.unwrap_or(0))
}

/// Runs a target on its seeds as they are, then on mutated ones.
#[expect(clippy::disallowed_methods, reason = "a stopwatch bounds the longer run")]
fn run(target: &str, try_one: impl Fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| try_one(seed));
    let (begun, enough) = (Instant::now(), seconds_to_go_on());
    loop {
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let input = (any::<Index>(), vec(mutation(), 1..8));
        let outcome = runner.run(&input, |(seed, mutations)| {
            try_one(&mutate(&seeds, &seed, &mutations));
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{target}: {failure}"));
        if begun.elapsed() >= enough {
            return;
        }
    }
}

fn decode(content_type: &[u8], uri: &str, body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut request = HttpRequest::new(Body::from(body.to_vec()));
    if let Ok(kind) = HeaderValue::from_bytes(content_type) {
        request.headers_mut().insert("content-type", kind);
    }
    if let Ok(uri) = uri.parse() {
        *request.uri_mut() = uri;
    }
    let reading = Params::from_request(request, &());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(reading).map(|params| params.0)
}

/// What is let through holds no NUL, is not nested without end, and can be read
/// as the types that handlers ask for without a panic.
fn promises(params: &Map<String, Value>) {
    assert!(clean(&Value::Object(params.clone())));
    assert!(depth(&Value::Object(params.clone())) <= 18);
    for value in params.values() {
        let _ = serde_json::from_value::<Int>(value.clone());
        let _ = serde_json::from_value::<Id>(value.clone()).inspect(|id| assert!(id.0 > 0));
        let _ = serde_json::from_value::<Flag>(value.clone());
        let _ = serde_json::from_value::<Text<50>>(value.clone())
            .inspect(|text| assert!(text.0.chars().count() <= 50));
        let _ = serde_json::from_value::<List<Int>>(value.clone());
    }
}

fn clean(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(clean),
        Value::Object(object) => object.iter().all(|(name, item)| !name.contains('\0') && clean(item)),
        _ => true,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn bodies() {
    run("bodies", |input| {
        let cut = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (kind, body) = (&input[..cut], input.get(cut + 1..).unwrap_or_default());
        for kind in
            [kind, b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data", b""]
        {
            if let Ok(params) = decode(kind, "/", body) {
                promises(&params);
            }
        }
    });
}

#[test]
fn names_in_queries_and_forms() {
    run("names", |input| {
        let _ = names::parse(input);
        let text = String::from_utf8_lossy(input);
        if let Ok(params) = decode(b"", &format!("/?{text}"), input) {
            promises(&params);
        }
    });
}

#[test]
fn paths() {
    use crate::api::layers::{bare, without_suffix};
    run("paths", |input| {
        let text = String::from_utf8_lossy(input);
        let path = text.split('?').next().unwrap_or_default();
        let once = bare(path);
        assert!(path.starts_with(once) && path.len() - once.len() <= "/.json/".len());
        let Ok(uri) = text.parse::<Uri>() else { return };
        let mut request = HttpRequest::new(());
        *request.uri_mut() = uri.clone();
        let request = without_suffix(request);
        assert_eq!(request.uri().query(), uri.query());
        assert_eq!(request.uri().path().is_empty(), uri.path().is_empty());
    });
}

#[test]
fn headers() {
    use crate::http::{Client, cookies};
    use bedside_model::user::SessionKind;
    run("headers", |input| {
        let mut headers = HeaderMap::new();
        for line in input.split(|byte| *byte == b'\n') {
            let cut = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let value = line.get(cut + 1..).unwrap_or_default();
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(&line[..cut]), HeaderValue::from_bytes(value.trim_ascii()))
            {
                headers.append(name, value);
            }
        }
        for kind in SessionKind::ALL {
            let found = cookies::find(&headers, kind);
            assert!(found.is_none_or(|value| !value.is_empty()));
        }
        let _ = cookies::any(&headers);
        let _ = room_code(&headers);
        let mut request = HttpRequest::new(());
        *request.headers_mut() = headers;
        let (parts, ()) = request.into_parts();
        let everybody = ["0.0.0.0/0".parse().expect("a network")];
        for trusted in [&everybody[..], &[]] {
            let client = Client::of(&parts, ([127, 0, 0, 1], 80).into(), false, trusted);
            assert!(!trusted.is_empty() || client.addr.is_loopback(), "a stranger chose its address");
        }
    });
}
