//! Deliveries on the wire: every try with what was sent and answered.

use std::collections::BTreeMap;

use axum::extract::State;
use bedside_app::{
    App,
    webhooks::{self, Attempt as StoredAttempt, Delivery as Stored, DeliveryView, ListDeliveries},
};
use bedside_model::{At, webhook::DeliveryState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

/// One event on its way to one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    webhook_id: String,
    /// The event's id: `webhook-id` of every try, and `id` of the body.
    event_id: String,
    /// The event's number in the log; null for a test.
    seq: Option<i64>,
    /// The event's type, or `ping`.
    #[schema(example = "visit.created")]
    r#type: String,
    /// `waiting`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    status: &'static str,
    /// Finished tries since it was made, or asked for again.
    tries: i64,
    /// When it is tried next, UNIX milliseconds; null when it is settled.
    next_try_ms: Option<i64>,
    /// UNIX seconds.
    created: i64,
    /// When it was delivered or given up, UNIX seconds; else null.
    settled: Option<i64>,
}

impl From<Stored> for Delivery {
    fn from(delivery: Stored) -> Self {
        let waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook,
            event_id: delivery.event,
            seq: delivery.seq,
            r#type: delivery.kind,
            status: delivery.state.as_str(),
            tries: delivery.tries,
            next_try_ms: waiting.then_some(delivery.next_at.0),
            created: delivery.created_at.seconds(),
            settled: delivery.settled_at.map(At::seconds),
        }
    }
}

/// One try of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// When it began, UNIX milliseconds.
    at_ms: i64,
    /// The answer's HTTP status; null without an answer.
    #[schema(example = 200)]
    http_status: Option<i64>,
    /// Why there was no answer: `timeout`, `no_connection`, `connection_broke`,
    /// `private_address`, `bad_url`; else null.
    error: Option<String>,
    /// What was sent besides the body.
    request_headers: BTreeMap<String, String>,
    response_headers: BTreeMap<String, String>,
    /// The first 4096 characters of the answer.
    response_body: String,
    /// Milliseconds from the first byte out to the last one in.
    took_ms: i64,
}

impl From<StoredAttempt> for Attempt {
    fn from(attempt: StoredAttempt) -> Self {
        Self {
            at_ms: attempt.at.0,
            http_status: attempt.status,
            error: attempt.error,
            request_headers: attempt.request_headers.into_iter().collect(),
            response_headers: attempt.response_headers.into_iter().collect(),
            response_body: attempt.response_body,
            took_ms: attempt.took_ms,
        }
    }
}

/// A delivery with its body and tries.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeDelivery {
    #[serde(flatten)]
    delivery: Delivery,
    /// What is sent.
    #[schema(value_type = Object)]
    body: Value,
    /// Newest first, at most 50.
    attempts: Vec<Attempt>,
}

impl From<DeliveryView> for WholeDelivery {
    fn from(view: DeliveryView) -> Self {
        let body = serde_json::from_str(view.delivery.body.reveal()).unwrap_or_default();
        let attempts = view.attempts.into_iter().map(Attempt::from).collect();
        Self { delivery: view.delivery.into(), body, attempts }
    }
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Only `waiting`, `delivered` or `failed` ones.
    #[param(value_type = Option<String>, example = "failed")]
    status: Option<Text<16>>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Int>,
    /// Rows to give, at most 200; 50 if not said.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// A webhook's deliveries, newest first. Settled ones are kept for thirty days.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks",
    operation_id = "webhooks::list_deliveries",
    params(("id" = String, Path, description = "The webhook"), DeliveryQuery),
    responses((status = 200, body = Page<Delivery>)))]
pub async fn list_deliveries(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(query): Request<DeliveryQuery>,
) -> Result<Page<Delivery>, ApiError> {
    let list = ListDeliveries {
        state: query.status.and_then(Text::filled),
        before: query.after.map(|after| after.0),
        limit: query.limit.map(|limit| limit.0),
    };
    let page = webhooks::list_deliveries(&app, &actor, &id, list).await?;
    let rows = page.deliveries.into_iter().map(Delivery::from).collect();
    Ok(Page::new(rows, page.total).followed_by(page.next.map(|n| n.to_string())))
}

/// A delivery with its body and every try.
#[utoipa::path(get, path = "/deliveries/{id}", tag = "webhooks", operation_id = "webhooks::get_delivery",
    params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, body = Data<WholeDelivery>)))]
pub async fn get_delivery(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<WholeDelivery>, ApiError> {
    Ok(data(webhooks::get_delivery(&app, &actor, &id).await?.into()))
}

/// Has a delivery made again, with the same `webhook-id`.
#[utoipa::path(post, path = "/deliveries/{id}/redeliver", tag = "webhooks",
    operation_id = "webhooks::redeliver",
    params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, body = Data<WholeDelivery>)))]
pub async fn redeliver(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<WholeDelivery>, ApiError> {
    Ok(data(webhooks::redeliver(&app, &actor, &id).await?.into()))
}

/// Sends a `ping` to a webhook, signed as all deliveries are. What became of it
/// stands in the delivery.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", operation_id = "webhooks::test",
    params(("id" = String, Path, description = "The webhook")),
    responses((status = 200, body = Data<WholeDelivery>)))]
pub async fn test(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<WholeDelivery>, ApiError> {
    Ok(data(webhooks::test(&app, &actor, &id).await?.into()))
}

/// Which stretch of the log; both ends are in it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReplayWebhook {
    #[schema(value_type = Option<i64>, example = 1)]
    from_seq: Option<Int>,
    #[schema(value_type = Option<i64>, example = 200)]
    to_seq: Option<Int>,
    /// UNIX seconds.
    #[schema(value_type = Option<i64>)]
    from: Option<Int>,
    /// UNIX seconds.
    #[schema(value_type = Option<i64>)]
    to: Option<Int>,
}

/// What a replay does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedWebhook {
    /// Deliveries that are made, or made again.
    count: i64,
    /// Send it as `from_seq` for the rest; null when that was all.
    next_seq: Option<i64>,
}

/// Has a stretch of the log delivered, also what was delivered before.
///
/// What the webhook listens to is delivered with the same `webhook-id` as the
/// first time; about 10,000 deliveries per call.
#[utoipa::path(post, path = "/webhooks/{id}/replay", tag = "webhooks", operation_id = "webhooks::replay",
    params(("id" = String, Path, description = "The webhook")),
    request_body = ReplayWebhook, responses((status = 200, body = Data<ReplayedWebhook>)))]
pub async fn replay(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<ReplayWebhook>,
) -> Result<Data<ReplayedWebhook>, ApiError> {
    let stretch = webhooks::Replay {
        from_seq: body.from_seq.map(|seq| seq.0),
        to_seq: body.to_seq.map(|seq| seq.0),
        from: body.from.map(|at| At::from_seconds(at.0)),
        to: body.to.map(|at| At::from_seconds(at.0)),
    };
    let replayed = webhooks::replay(&app, &actor, &id, stretch).await?;
    Ok(data(ReplayedWebhook { count: replayed.count, next_seq: replayed.next_seq }))
}
