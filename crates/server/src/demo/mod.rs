//! The demo: a clinic that makes itself, and the stage that shows it. Exists
//! only under `bedside demo`, and its routes answer this machine alone: they
//! show the demo's own generated credentials.

mod clinic;
mod file;
mod log;
mod portal;

use std::sync::{Arc, atomic::AtomicUsize};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bedside_app::App;
use serde_json::{Value, json};
use tokio::sync::broadcast;

pub use clinic::{MakeError, make};
pub use file::DemoFile;

use crate::http::{Answered, Client, remember_route};

/// Answered requests that a slow watcher may be behind.
const BACKLOG: usize = 256;

/// What the stage's routes need.
#[derive(Clone)]
pub struct Stage {
    app: App,
    facts: Arc<DemoFile>,
    answered: broadcast::Sender<Answered>,
    /// Visits started so far: the demo's patients take turns.
    turn: Arc<AtomicUsize>,
}

impl Stage {
    /// The stage of a demo clinic.
    pub fn new(app: App, facts: DemoFile) -> Self {
        Self { app, facts: Arc::new(facts), answered: broadcast::channel(BACKLOG).0, turn: Arc::default() }
    }

    /// Where the server tells of every request it answered.
    pub fn answered(&self) -> broadcast::Sender<Answered> {
        self.answered.clone()
    }
}

/// The stage's routes.
pub fn routes(stage: Stage) -> Router {
    Router::new()
        .route("/demo/stage.json", get(facts))
        .route("/demo/portal", post(portal::portal))
        .route("/demo/log/stream", get(log::stream))
        .route_layer(middleware::from_fn(this_machine_only))
        .route_layer(middleware::from_fn(remember_route))
        .with_state(stage)
}

async fn facts(State(stage): State<Stage>) -> Json<Value> {
    let facts = &stage.facts;
    let name = |people: &[file::Person]| people.first().map(file::Person::shown_name);
    let room = facts.rooms.first();
    Json(json!({
        "base_url": facts.base_url,
        "api_base": facts.api_base,
        "account_code": facts.account_code,
        "portal_name": facts.portal_name,
        "room": room.map(|room| json!({"code": room.code, "slug": room.slug, "name": room.name})),
        "patient": {"name": name(&facts.patients)},
        "provider": {"name": name(&facts.providers)},
    }))
}

/// Refuses other machines, other names of this machine (a name that somebody
/// else's DNS points here), and other sites' pages.
async fn this_machine_only(client: Client, request: Request, next: Next) -> Response {
    let host = client.host.rsplit_once(':').map_or(&*client.host, |(host, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { host } else { &client.host }
    });
    let is_local_name = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_own_page = *request.method() == Method::GET
        || request
            .headers()
            .get(header::ORIGIN)
            .is_none_or(|origin| origin.to_str().is_ok_and(|origin| origin == client.origin()));
    if client.addr.is_loopback() && is_local_name && is_own_page {
        return next.run(request).await;
    }
    refusal(StatusCode::FORBIDDEN, "The stage works only on the machine that runs the demo.")
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"code": status.as_u16(), "message": message}))).into_response()
}
