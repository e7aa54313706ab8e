//! `POST /demo/portal`: plays the server of the clinic's own portal, over real
//! HTTP to this very server, and shows every call it made.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Stage, file::Person, refusal};
use crate::http::plain;

/// What the portal shall do next.
#[derive(Debug, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    StartVisit { reason: Option<String> },
    Visit { visit_id: String },
}

/// One call as the portal made it.
#[derive(Debug, Serialize)]
struct Call {
    title: &'static str,
    method: &'static str,
    path: String,
    request_headers: BTreeMap<&'static str, String>,
    request_body: Option<Value>,
    status: u16,
    response_body: Value,
    curl: String,
}

/// Why a step could not be played: one sentence.
struct Stuck(String);

const REASON: &str = "A cough that has not gone away for ten days";

/// The route.
pub(super) async fn portal(State(stage): State<Stage>, Json(step): Json<Step>) -> Response {
    let played = match step {
        Step::StartVisit { reason } => start_visit(&stage, reason.as_deref().unwrap_or(REASON)).await,
        Step::Visit { visit_id } => read_visit(&stage, &visit_id).await,
    };
    match played {
        Ok(data) => Json(json!({"data": data})).into_response(),
        Err(Stuck(why)) => refusal(StatusCode::BAD_GATEWAY, &why),
    }
}

/// The main job: sign the patient in, hand in the intake, ask for a walk-in
/// visit; and sign the provider in, so that one stranger can be both.
async fn start_visit(stage: &Stage, reason: &str) -> Result<Value, Stuck> {
    let facts = &stage.facts;
    let turn = stage.turn.fetch_add(1, Ordering::Relaxed);
    let patient = facts.patients.get(turn % facts.patients.len().max(1)).ok_or_else(no_clinic)?;
    let provider = facts.providers.first().ok_or_else(no_clinic)?;
    let room = facts.rooms.first().ok_or_else(no_clinic)?;
    let mut calls = Vec::new();

    let patient_token = sign_in(stage, &mut calls, "Sign the patient in", patient, 200).await?;
    let intake = json!({"reason_for_visit": reason, "room_code": room.code, "type": 1});
    let intake =
        call(stage, &mut calls, "Create the intake", "POST", "/intakes", &patient_token, intake).await?;
    let walkin = json!({"intake_id": text(&intake, "id")?, "room_code": room.code});
    let visit =
        call(stage, &mut calls, "Create the visit", "POST", "/visits/add_walkin", &patient_token, walkin)
            .await?;
    let provider_token = sign_in(stage, &mut calls, "Sign the provider in", provider, 400).await?;
    let visit_id = text(&visit, "id")?;
    Ok(json!({
        "visit_id": visit_id,
        "patient_auth_url": door(&patient_token, &format!("/visits/start/{visit_id}")),
        "provider_auth_url": door(&provider_token, "/providers/dashboard"),
        "calls": calls,
    }))
}

async fn read_visit(stage: &Stage, visit_id: &str) -> Result<Value, Stuck> {
    if visit_id.is_empty() || !visit_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Stuck("A visit's id is a number.".to_owned()));
    }
    let mut calls = Vec::new();
    let path = format!("/visits/{visit_id}");
    let token = Token(stage.facts.admin_token.clone());
    call(stage, &mut calls, "Read the visit", "GET", &path, &token, Value::Null).await?;
    Ok(json!({"visit_id": visit_id, "calls": calls}))
}

/// What a call goes by besides the account code.
struct Token(String);

async fn sign_in(
    stage: &Stage,
    calls: &mut Vec<Call>,
    title: &'static str,
    person: &Person,
    kind: i64,
) -> Result<Token, Stuck> {
    let facts = &stage.facts;
    let mut body = json!({
        "type": kind, "code": person.code,
        "first_name": person.first_name, "last_name": person.last_name,
    });
    if !person.dob.is_empty() {
        body["dob"] = person.dob.clone().into();
    }
    let headers = BTreeMap::from([
        ("X-AccountCode", facts.account_code.clone()),
        ("X-ApiKey", facts.api_key.clone()),
        ("X-ApiSecret", facts.api_secret.clone()),
    ]);
    let user = send(stage, calls, title, "POST", "/users/sso", headers, body).await?;
    let token = user.get("token").ok_or_else(|| odd("token"))?;
    text(token, "token").map(Token)
}

async fn call(
    stage: &Stage,
    calls: &mut Vec<Call>,
    title: &'static str,
    method: &'static str,
    path: &str,
    token: &Token,
    body: Value,
) -> Result<Value, Stuck> {
    let headers = BTreeMap::from([
        ("X-AccountCode", stage.facts.account_code.clone()),
        ("X-ApiToken", token.0.clone()),
    ]);
    send(stage, calls, title, method, path, headers, body).await
}

/// Makes one call, keeps it for the stage, and gives its `data`.
async fn send(
    stage: &Stage,
    calls: &mut Vec<Call>,
    title: &'static str,
    method: &'static str,
    path: &str,
    mut headers: BTreeMap<&'static str, String>,
    body: Value,
) -> Result<Value, Stuck> {
    let api = Url::parse(&stage.facts.api_base).map_err(|_| no_clinic())?;
    let addr = api.socket_addrs(|| None).ok().and_then(|all| all.into_iter().next()).ok_or_else(no_clinic)?;
    let body = Some(body).filter(|body| !body.is_null());
    let body_text = body.as_ref().map(ToString::to_string).unwrap_or_default();
    if body.is_some() {
        headers.insert("Content-Type", "application/json".to_owned());
    }
    let path = format!("{}{path}", api.path().trim_end_matches('/'));
    let sent: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, answer) = plain::request(addr, method, &path, &sent, &body_text)
        .await
        .map_err(|error| Stuck(format!("{title}: the server did not answer ({error}).")))?;
    let response_body: Value = serde_json::from_str(&answer).unwrap_or(Value::String(answer));
    let curl = curl(method, &format!("{}{path}", stage.facts.base_url), &headers, &body_text);
    let data = response_body.get("data").cloned();
    let message = response_body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    calls.push(Call {
        title,
        method,
        path,
        request_headers: headers,
        request_body: body,
        status,
        response_body,
        curl,
    });
    data.ok_or_else(|| Stuck(format!("{title}: {message}")))
}

/// The same call for a shell.
fn curl(method: &str, url: &str, headers: &BTreeMap<&'static str, String>, body: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut line = format!("curl -sS -X {method} {}", quoted(url));
    for (name, value) in headers {
        line.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
    }
    if !body.is_empty() {
        line.push_str(&format!(" \\\n  -d {}", quoted(body)));
    }
    line
}

/// Where the portal sends the browser.
fn door(token: &Token, next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("sso_token", &token.0)
        .append_pair("next", next)
        .finish();
    format!("/auth?{query}")
}

fn text(value: &Value, name: &str) -> Result<String, Stuck> {
    value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| odd(name))
}

fn odd(name: &str) -> Stuck {
    Stuck(format!("The answer has no `{name}`."))
}

fn no_clinic() -> Stuck {
    Stuck("The demo clinic is not complete: delete its folder and start again.".to_owned())
}
