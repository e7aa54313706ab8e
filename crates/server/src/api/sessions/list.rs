//! Where somebody is signed in, on the wire.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bedside_app::{
    App,
    sessions::list::{self, Listed},
    users::Which,
};
use bedside_model::{SessionId, user::SessionKind};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    api::{
        auth::{Caller, PageKind, Shown},
        envelope::{Data, data},
        error::ApiError,
        extract::Path,
        users::which,
    },
    http::{Client, cookies},
};

/// A page on which somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionRow {
    #[schema(example = "0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11")]
    id: String,
    /// Which pages it is for.
    #[schema(value_type = String)]
    kind: SessionKind,
    /// Browser and system; empty when it said nothing.
    #[schema(example = "Chrome on Windows")]
    device: String,
    /// When it began, in UNIX seconds.
    created: i64,
    /// When a page last asked anything, to the minute.
    last_used: Option<i64>,
    /// When it ends by itself.
    expiry: i64,
    /// Locked, or too long without a page.
    locked: bool,
    /// The page that asks.
    current: bool,
}

fn row(listed: Listed, app: &App) -> SessionRow {
    let Listed { session, current } = listed;
    SessionRow {
        id: session.id.to_string(),
        kind: session.kind,
        device: session.device,
        created: session.created_at.seconds(),
        last_used: session.idle.last_used_at.map(|at| at.seconds()),
        expiry: session.expires_at.seconds(),
        locked: session.idle.locked_since(app.clock.now()).is_some(),
        current,
    }
}

/// The pages on which a user is signed in, the newest first, 200 at most. `-`
/// is the caller; an admin may ask for anybody. Tokens are not among them.
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "users", operation_id = "sessions::list",
    params(("id" = String, Path, description = "The user's id, or `-`.")),
    responses((status = 200, body = Data<Vec<SessionRow>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Shown(shown): Shown,
    Path(id): Path<String>,
) -> Result<Data<Vec<SessionRow>>, ApiError> {
    let listed = list::list(&app, &actor, &shown, which(&id)?).await?;
    Ok(data(listed.into_iter().map(|one| row(one, &app)).collect()))
}

/// Signs a user out everywhere: every page, the one that asks too, and every
/// token of a log-in or of single sign-on. Tokens of apps stay.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", operation_id = "sessions::end_all",
    params(("id" = String, Path, description = "The user's id, or `-`.")),
    responses((status = 200, body = Data<Object>)))]
pub async fn end_all(
    State(app): State<App>,
    Caller(actor): Caller,
    PageKind(page): PageKind,
    client: Client,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let which: Which = which(&id)?;
    let own = which.resolve(&actor).ok() == actor.user();
    list::end_all(&app, &actor, which).await?;
    let mut response = data(Map::<String, Value>::new()).into_response();
    if let Some(kind) = page.filter(|_| own) {
        response.headers_mut().append(header::SET_COOKIE, cookies::clear(kind, client.https));
    }
    Ok(response)
}

/// Signs a user out on one page.
#[utoipa::path(delete, path = "/users/{id}/sessions/{session_id}", tag = "users",
    operation_id = "sessions::end",
    params(("id" = String, Path, description = "The user's id, or `-`."),
        ("session_id" = String, Path, description = "The session's id.")),
    responses((status = 200, body = Data<Object>)))]
pub async fn end(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, session)): Path<(String, String)>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    list::end(&app, &actor, which(&id)?, SessionId(session)).await?;
    Ok(data(Map::new()))
}
