//! The live stream of events (server-sent events): what pages and portals
//! listen to. Rows are the truth; the feed only makes it quick.

mod log;

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event as Frame, KeepAlive, KeepAliveStream, Sse},
};
use bedside_app::{
    Actor, App, Error,
    credentials::{self, Credentials},
    events::{self, Audience},
};
use bedside_model::event::{EventData, EventType};
use bedside_store::events::Event;
use serde::Serialize;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

pub use log::*;

use super::{
    auth::{Shown, VisitCaller},
    error::ApiError,
};

/// How often a quiet stream says that it is alive, notes the listener's
/// presence, asks whether the login still counts and looks for rows that the feed did not bring.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Frames a slow listener may be behind before it is cut off; it comes back
/// with the number of the last one it had.
const BACKLOG: usize = 256;

/// An event as listeners see it. It names things; who may see them fetches them.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventObject {
    /// UUID.
    id: String,
    /// Position in the account's log.
    seq: i64,
    r#type: EventTypeName,
    /// UNIX seconds.
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    visit_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[schema(value_type = Object)]
    data: EventData,
}

/// The name of a type, such as `visit.created`; docs/webhooks.md lists all of
/// them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = String)]
pub struct EventTypeName(#[serde(serialize_with = "name")] EventType);

fn name<S: serde::Serializer>(kind: &EventType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl EventObject {
    /// The event as its listener hears it: a stranger's visit tells nothing but
    /// that the queue moved.
    pub fn of(event: &Event, heard: EventType) -> Self {
        let whole = heard == event.kind;
        Self {
            id: event.id.clone(),
            seq: event.seq,
            r#type: EventTypeName(heard),
            created_at: event.at.seconds(),
            visit_id: event.visit.filter(|_| whole).map(|id| id.to_string()),
            room_id: event.room.map(|id| id.to_string()),
            user_id: event.user.filter(|_| whole).map(|id| id.to_string()),
            data: if whole { event.data.clone() } else { EventData::default() },
        }
    }
}

/// The account's events from now on (or after `Last-Event-ID`), as far as the
/// caller may know of them. The first frame is `hello` with the current number.
#[utoipa::path(get, path = "/events/stream", tag = "events", operation_id = "events::stream",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Go on after this number")),
    responses((status = 200, body = EventObject, content_type = "text/event-stream")))]
pub async fn stream(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Shown(shown): Shown,
    headers: HeaderMap,
) -> Result<Sse<KeepAliveStream<ReceiverStream<Result<Frame, Infallible>>>>, ApiError> {
    let audience = Audience::of(&app, &actor).await?;
    // Listening begins before the number is read, so nothing falls between.
    let feed = app.feed.subscribe();
    let last = events::last_seq(&app, &actor.account).await?;
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (frames, stream) = mpsc::channel(BACKLOG);
    let listener =
        Listener { app, actor, shown, audience, frames, after: after.unwrap_or(last).clamp(0, last) };
    tokio::spawn(listener.run(feed, last));
    Ok(Sse::new(ReceiverStream::new(stream)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

struct Listener {
    app: App,
    actor: Actor,
    /// What it was opened with: a login that ends, ends its streams too.
    shown: Credentials,
    audience: Audience,
    frames: mpsc::Sender<Result<Frame, Infallible>>,
    after: i64,
}

/// The stream is over: the listener went away or is too slow.
struct Over;

impl Listener {
    async fn run(mut self, mut feed: Receiver<Arc<Event>>, last: i64) {
        let hello =
            Frame::default().event("hello").id(self.after.to_string()).data(format!("{{\"seq\":{last}}}"));
        if self.frames.try_send(Ok(hello)).is_err() || self.catch_up().await.is_err() {
            return;
        }
        let mut beat = tokio::time::interval(HEARTBEAT);
        loop {
            let going = tokio::select! {
                heard = feed.recv() => match heard {
                    Ok(event) => self.take(event).await,
                    Err(RecvError::Lagged(_)) => self.catch_up().await,
                    Err(RecvError::Closed) => Err(Over),
                },
                _ = beat.tick() => self.beat().await,
                () = self.frames.closed() => Err(Over),
                () = self.app.feed.closed() => Err(Over),
            };
            if going.is_err() {
                return;
            }
        }
    }

    async fn still_logged_in(&self) -> Result<(), Over> {
        match credentials::authenticate(&self.app, &self.shown).await {
            Ok(actor) if actor.who != self.actor.who => Err(Over),
            Err(Error::Unauthorized(_) | Error::Forbidden(_)) => Err(Over),
            // A busy store says nothing about the login.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn beat(&mut self) -> Result<(), Over> {
        self.still_logged_in().await?;
        self.app.presence.touch(&self.actor.account, self.audience.user(), self.app.clock.now());
        self.catch_up().await
    }

    async fn take(&mut self, event: Arc<Event>) -> Result<(), Over> {
        if event.account != self.actor.account || event.seq <= self.after {
            return Ok(());
        }
        if event.seq > self.after + 1 {
            // The feed skipped something: the rows have it.
            return self.catch_up().await;
        }
        self.deliver(&event).await
    }

    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            let page = match events::list_after(&self.app, &self.actor.account, self.after).await {
                Ok(page) => VecDeque::from(page),
                // The store is busy: the next beat tries again.
                Err(_) => return Ok(()),
            };
            if page.is_empty() {
                return Ok(());
            }
            for event in page {
                self.deliver(&event).await?;
            }
        }
    }

    async fn deliver(&mut self, event: &Event) -> Result<(), Over> {
        self.after = event.seq;
        if event.kind == EventType::UserUpdated && event.user == Some(self.audience.user()) {
            // Suspended, perhaps: not a word more than they may hear.
            self.still_logged_in().await?;
        }
        // Judged before and after: a patient hears of the visit that makes them
        // wait in a room, and of the one that ends it.
        let before = self.audience.hears(event);
        if self.audience.is_moved_by(event) && self.audience.refresh(&self.app).await.is_err() {
            // Better cut off than deaf: the listener comes back and asks again.
            return Err(Over);
        }
        let Some(heard) = before.or_else(|| self.audience.hears(event)) else { return Ok(()) };
        let frame = Frame::default()
            .event(heard.as_str())
            .id(event.seq.to_string())
            .json_data(EventObject::of(event, heard))
            .map_err(|_| Over)?;
        self.frames.try_send(Ok(frame)).map_err(|_| Over)
    }
}
