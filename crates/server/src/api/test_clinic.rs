//! The test clinic's own calls. A live clinic refuses all of them.

use axum::extract::State;
use bedside_app::{
    App,
    test_clinic::{self, Deed, Part},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
    visit_object::{Form, Visit},
};

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TestMessageQuery {
    /// `email`, `sms` or `push`; all without.
    #[param(value_type = Option<String>)]
    channel: Option<Text<10>>,
    /// Rows to give, 50 unless told, at most 200.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// What the clinic would have sent to somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestMessage {
    /// UUID.
    id: String,
    /// `email`, `sms` or `push`.
    channel: String,
    /// To whom.
    to: Option<String>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    /// UNIX seconds.
    created: i64,
}

impl From<test_clinic::Message> for TestMessage {
    fn from(message: test_clinic::Message) -> Self {
        let text = |name: &str| message.content.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            to: text("to"),
            subject: text("subject"),
            text: text("text"),
            html: text("html"),
            created: message.at_ms / 1_000,
            id: message.id.clone(),
            channel: message.channel.clone(),
        }
    }
}

/// What a test clinic would have sent, newest first.
#[utoipa::path(get, path = "/test/messages", tag = "developers", operation_id = "test_clinic::messages",
    params(TestMessageQuery), responses((status = 200, body = Data<Vec<TestMessage>>)))]
pub async fn messages(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<TestMessageQuery>,
) -> Result<Data<Vec<TestMessage>>, ApiError> {
    let channel = query.channel.and_then(Text::filled);
    if channel.as_deref().is_some_and(|word| !["email", "sms", "push"].contains(&word)) {
        return Err(ApiError::field("channel", "use email, sms or push"));
    }
    let kept = test_clinic::messages(&app, &actor, channel, query.limit.map(|limit| limit.0)).await?;
    Ok(data(kept.into_iter().map(TestMessage::from).collect()))
}

/// How far.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClockRequest {
    /// Seconds, up to 400 days.
    advance: Int,
}

/// What moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockMoved {
    /// How many reminders, waiting jobs and expiries are nearer now.
    moved: u64,
}

/// Brings a test clinic's reminders, waiting work and expiries nearer, as if
/// that time had passed.
#[utoipa::path(post, path = "/test/clock", tag = "developers", operation_id = "test_clinic::clock",
    request_body = ClockRequest, responses((status = 200, body = Data<ClockMoved>)))]
pub async fn clock(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<ClockRequest>,
) -> Result<Data<ClockMoved>, ApiError> {
    Ok(data(ClockMoved { moved: test_clinic::clock(&app, &actor, body.advance.0).await? }))
}

/// Who does what.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActRequest {
    /// `patient` or `provider`.
    r#as: Text<10>,
    /// A patient: `arrive`, `leave`, `cancel`. A provider: `take`, `put_back`,
    /// `complete`, `cancel`.
    r#do: Text<20>,
}

impl ActRequest {
    fn read(&self) -> Result<(Part, Deed), ApiError> {
        let part = match &*self.r#as {
            "patient" => Part::Patient,
            "provider" => Part::Provider,
            _ => return Err(ApiError::field("as", "use patient or provider")),
        };
        let deed = match &*self.r#do {
            "arrive" => Deed::Arrive,
            "take" => Deed::Take,
            "put_back" => Deed::PutBack,
            "complete" => Deed::Complete,
            "cancel" => Deed::Cancel,
            "leave" => Deed::Leave,
            _ => {
                return Err(ApiError::field("do", "use arrive, take, put_back, complete, cancel or leave"));
            }
        };
        Ok((part, deed))
    }
}

/// Plays the other side of a visit in a test clinic, by the same operation that
/// the person's own page uses.
#[utoipa::path(post, path = "/test/visits/{id}/act", tag = "developers", operation_id = "test_clinic::act",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = ActRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn act(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<ActRequest>,
) -> Result<Data<Visit>, ApiError> {
    let id = id.parse().map_err(|_| bedside_app::Error::not_found("visit"))?;
    let (part, deed) = body.read()?;
    Ok(data(Visit::of(test_clinic::act(&app, &actor, id, part, deed).await?, Form::Detail, &base)))
}
