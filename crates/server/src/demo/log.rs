//! `GET /demo/log/stream`: what the server just answered and what just
//! happened, for the strip below the stage. Route templates, statuses and ids
//! only, as in the log.

use std::convert::Infallible;

use axum::{
    extract::State,
    response::sse::{Event as Frame, KeepAlive, Sse},
};
use bedside_app::{App, accounts};
use bedside_store::events::Event;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;

use super::Stage;
use crate::http::Answered;

/// The route.
pub(super) async fn stream(State(stage): State<Stage>) -> Sse<impl Stream<Item = Result<Frame, Infallible>>> {
    let account =
        accounts::get_by_code(&stage.app, &stage.facts.account_code).await.map(|account| account.id).ok();
    let app = stage.app.clone();
    // Whoever is too slow misses lines: it is a show, not a record.
    let answered = BroadcastStream::new(stage.answered.subscribe())
        .filter_map(async |item| item.ok())
        .filter_map(move |answered| {
            let line = call(&app, &answered);
            async move { line }
        });
    let events = BroadcastStream::new(stage.app.feed.subscribe())
        .filter_map(async |item| item.ok())
        .filter(move |event| {
            let is_ours = account.as_ref() == Some(&event.account);
            async move { is_ours }
        })
        .map(|event| told(&event));
    let frames = stream::select(answered, events).map(|value| Ok(Frame::default().data(value.to_string())));
    Sse::new(frames).keep_alive(KeepAlive::default())
}

/// The line of an API request; the pages' own files are no news.
fn call(app: &App, answered: &Answered) -> Option<Value> {
    answered.route.starts_with("/api_v3/").then(|| {
        json!({
            "method": answered.method,
            "path": answered.route,
            "status": answered.status,
            "ms": answered.took.as_millis() as u64,
            "at": app.clock.now().seconds(),
            "who": answered.who,
        })
    })
}

fn told(event: &Event) -> Value {
    json!({
        "id": event.id,
        "seq": event.seq,
        "type": event.kind.as_str(),
        "created_at": event.at.seconds(),
        "visit_id": event.visit.map(|id| id.to_string()),
        "room_id": event.room.map(|id| id.to_string()),
        "user_id": event.user.map(|id| id.to_string()),
        "data": event.data,
    })
}
