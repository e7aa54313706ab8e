//! The pull feed: the numbered log of everything that happened in the clinic.

use axum::extract::State;
use bedside_app::{App, events};
use bedside_model::webhook::{Fact, plain};
use bedside_store::events::Event;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Request},
};

/// An event of the log. It names things; who may see them fetches them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedEvent {
    /// Position in the clinic's log, from 1, without gaps.
    #[schema(example = 42)]
    seq: i64,
    /// UUID; webhooks have it as `webhook-id`.
    id: String,
    #[schema(example = "visit.created")]
    r#type: &'static str,
    /// UNIX seconds.
    created: i64,
    /// `visit_id`, `room_id`, `user_id`, and what the type has besides.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

impl From<Event> for LoggedEvent {
    fn from(event: Event) -> Self {
        let fact = Fact {
            id: &event.id,
            kind: event.kind,
            at: event.at,
            account_code: "",
            visit: event.visit,
            room: event.room,
            user: event.user,
            user_code: None,
            data: &event.data,
        };
        let data = plain(&fact);
        Self { seq: event.seq, r#type: event.kind.as_str(), created: event.at.seconds(), data, id: event.id }
    }
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// The `seq` of the last event that was read; 0, or left out, begins with the
    /// first.
    #[param(value_type = Option<i64>, example = 41)]
    after: Option<Int>,
    /// How many, at most 1000; 100 if not said.
    #[param(value_type = Option<i64>, example = 100)]
    limit: Option<Int>,
}

/// The clinic's events after a number, in order and without a gap.
///
/// No event ever appears below a number that was served before: whoever asks
/// again with the last `seq` misses nothing. Needs an admin, or an admin token
/// with the scope `events:read`.
#[utoipa::path(get, path = "/events", tag = "events", operation_id = "events::list",
    params(EventQuery), responses((status = 200, body = Data<Vec<LoggedEvent>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<EventQuery>,
) -> Result<Data<Vec<LoggedEvent>>, ApiError> {
    let (after, limit) = (query.after.map(|after| after.0), query.limit.map(|limit| limit.0));
    let found = events::list(&app, &actor, after, limit).await?;
    Ok(data(found.into_iter().map(LoggedEvent::from).collect()))
}
