//! Webhooks on the wire: a clinic's endpoints, what they were sent, and having
//! it sent again (contract more.md section 1).

mod deliveries;

use axum::extract::State;
use bedside_app::{
    App,
    webhooks::{self, Webhook as Stored},
};
use bedside_model::{At, event::EventType, webhook::DOCUMENTED};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use deliveries::*;

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Int, List, Path, Request, Text},
};

/// An endpoint that is told of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    #[schema(example = "https://portal.example/hooks")]
    url: String,
    /// `1.0` or `2.0`.
    #[schema(example = "2.0")]
    version: &'static str,
    /// Types of events it is told of.
    #[schema(example = json!(["visit.created", "visit.ended"]))]
    events: Vec<&'static str>,
    active: bool,
    /// `visit.updated` only when a visit begins.
    strict: bool,
    /// Why the server switched it off: `gone` (it answered 410) or `failing` (it
    /// took nothing for five days); else null.
    disabled_reason: Option<String>,
    /// Since when no delivery has come through, UNIX seconds; else null.
    failing_since: Option<i64>,
    /// Until when the secret before this one signs too, UNIX seconds; else null.
    old_secret_until: Option<i64>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl From<Stored> for Webhook {
    fn from(webhook: Stored) -> Self {
        let types = webhook.filter.types;
        let types = if types.is_empty() { DOCUMENTED.to_vec() } else { types };
        Self {
            id: webhook.id,
            url: webhook.url,
            version: webhook.version.as_str(),
            events: types.into_iter().map(EventType::as_str).collect(),
            active: webhook.active,
            strict: webhook.filter.strict,
            disabled_reason: webhook.disabled_reason,
            failing_since: webhook.failing_since.map(At::seconds),
            old_secret_until: webhook.old_secret.map(|(_, until)| until.seconds()),
            created: webhook.created_at.seconds(),
            modified: webhook.updated_at.seconds(),
        }
    }
}

/// An endpoint with a new secret, shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    /// What deliveries are signed with, for a Standard Webhooks library.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

/// An endpoint to add.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddWebhook {
    /// `https:`, at a public address.
    #[schema(value_type = String, example = "https://portal.example/hooks")]
    url: Text<2048>,
    /// `1.0` or `2.0` (the default): which form the bodies have.
    #[schema(value_type = Option<String>, example = "2.0")]
    version: Option<Text<8>>,
    /// Types of events; left out, all documented ones.
    #[schema(value_type = Option<Vec<String>>, example = json!(["visit.created", "visit.ended"]))]
    events: Option<List<Text<64>>>,
    /// On, if not said.
    active: Option<Flag>,
    /// `visit.updated` only when a visit begins; off, if not said.
    strict: Option<Flag>,
}

/// What changes of an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateWebhook {
    #[schema(value_type = Option<String>, example = "https://portal.example/hooks")]
    url: Option<Text<2048>>,
    #[schema(value_type = Option<String>, example = "2.0")]
    version: Option<Text<8>>,
    /// Types of events; an empty list is all documented ones.
    #[schema(value_type = Option<Vec<String>>, example = json!(["visit.created", "visit.ended"]))]
    events: Option<List<Text<64>>>,
    active: Option<Flag>,
    strict: Option<Flag>,
}

/// How a secret is changed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RotateWebhook {
    /// How long the old secret signs beside the new one; 24 if not said, at most
    /// 720.
    #[schema(example = 24)]
    overlap_hours: Option<Int>,
}

/// Nothing is left of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedWebhook {}

fn names(list: List<Text<64>>) -> Vec<String> {
    list.0.into_iter().map(Text::into_string).collect()
}

/// The clinic's webhooks, oldest first.
///
/// Needs an admin, or an admin token with the scope `account:write`, as all
/// calls on webhooks.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", operation_id = "webhooks::list",
    responses((status = 200, body = Page<Webhook>)))]
pub async fn list(State(app): State<App>, Caller(actor): Caller) -> Result<Page<Webhook>, ApiError> {
    let found = webhooks::list(&app, &actor).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(Webhook::from).collect(), total))
}

/// Adds a webhook. Its secret is in this answer and in no other.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", operation_id = "webhooks::add",
    request_body = AddWebhook, responses((status = 200, body = Data<NewWebhook>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddWebhook>,
) -> Result<Data<NewWebhook>, ApiError> {
    let command = webhooks::Add {
        url: body.url.into_string(),
        version: body.version.and_then(Text::filled),
        events: body.events.map(names),
        active: body.active.map(|flag| flag.0),
        strict: body.strict.map(|flag| flag.0),
    };
    let (webhook, secret) = webhooks::add(&app, &actor, command).await?;
    Ok(data(NewWebhook { webhook: webhook.into(), secret }))
}

/// A webhook.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", operation_id = "webhooks::get",
    params(("id" = String, Path, description = "The webhook")),
    responses((status = 200, body = Data<Webhook>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Webhook>, ApiError> {
    Ok(data(webhooks::get(&app, &actor, &id).await?.into()))
}

/// Changes a webhook, or switches it on or off.
#[utoipa::path(post, path = "/webhooks/{id}", tag = "webhooks", operation_id = "webhooks::update",
    params(("id" = String, Path, description = "The webhook")),
    request_body = UpdateWebhook, responses((status = 200, body = Data<Webhook>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<UpdateWebhook>,
) -> Result<Data<Webhook>, ApiError> {
    let command = webhooks::Update {
        url: body.url.map(Text::into_string),
        version: body.version.and_then(Text::filled),
        events: body.events.map(names),
        active: body.active.map(|flag| flag.0),
        strict: body.strict.map(|flag| flag.0),
    };
    Ok(data(webhooks::update(&app, &actor, &id, command).await?.into()))
}

/// Deletes a webhook with all its deliveries.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "webhooks::delete",
    params(("id" = String, Path, description = "The webhook")),
    responses((status = 200, body = Data<DeletedWebhook>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<DeletedWebhook>, ApiError> {
    webhooks::delete(&app, &actor, &id).await?;
    Ok(data(DeletedWebhook {}))
}

/// Gives a webhook a new secret, shown this once.
///
/// Deliveries carry the signatures of both secrets until the overlap is over, so
/// that the receiver can change at its own time.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", tag = "webhooks", operation_id = "webhooks::rotate",
    params(("id" = String, Path, description = "The webhook")),
    request_body = RotateWebhook, responses((status = 200, body = Data<NewWebhook>)))]
pub async fn rotate(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<RotateWebhook>,
) -> Result<Data<NewWebhook>, ApiError> {
    let hours = body.overlap_hours.map(|hours| hours.0);
    let (webhook, secret) = webhooks::rotate(&app, &actor, &id, hours).await?;
    Ok(data(NewWebhook { webhook: webhook.into(), secret }))
}
