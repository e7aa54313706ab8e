//! The lock of a page's session on the wire.

use axum::extract::State;
use bedside_app::{App, sessions::locks};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::{
    auth::{Caller, Shown},
    envelope::{Data, data},
    error::ApiError,
    extract::{Request, Text},
};

/// How it stands with the lock of a page's session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionLock {
    locked: bool,
    /// Since when, in UNIX seconds.
    locked_at: Option<i64>,
    /// Seconds without a person after which the page locks itself; null for
    /// never.
    #[schema(example = 900)]
    idle_seconds: Option<i64>,
    /// Whose session it is, for the page in front of it.
    #[schema(example = "Amara")]
    first_name: String,
    #[schema(example = "Osei")]
    last_name: String,
    /// The login name that goes with the password.
    username: String,
    /// A password opens it again. Without one its person comes back through
    /// their portal.
    has_password: bool,
}

/// Whether this page's session is locked; also when it is. Asking is no
/// activity of a locked session. 401 when nobody is signed in.
#[utoipa::path(get, path = "/session/lock", tag = "users", operation_id = "sessions::get_lock",
    responses((status = 200, body = Data<SessionLock>)))]
pub async fn get_lock(
    State(app): State<App>,
    _caller: Caller,
    Shown(shown): Shown,
) -> Result<Data<SessionLock>, ApiError> {
    let lock = locks::get(&app, &shown).await?;
    let profile = lock.user.profile.reveal();
    Ok(data(SessionLock {
        locked: lock.locked_at.is_some(),
        locked_at: lock.locked_at.map(|at| at.seconds()),
        idle_seconds: lock.idle_seconds,
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        has_password: lock.user.password_hash.is_some(),
        username: lock.user.username.clone().into_inner(),
    }))
}

/// Locks this page's session: until it is unlocked every call with it answers
/// 401 `session_locked`.
#[utoipa::path(post, path = "/session/lock", tag = "users", operation_id = "sessions::lock",
    responses((status = 200, body = Data<Object>)))]
pub async fn lock(
    State(app): State<App>,
    Caller(actor): Caller,
    Shown(shown): Shown,
) -> Result<Data<Map<String, Value>>, ApiError> {
    locks::lock(&app, &actor, &shown).await?;
    Ok(data(Map::new()))
}

/// The password of the session's person.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UnlockRequest {
    password: Text<1024>,
}

/// Unlocks this page's session.
#[utoipa::path(post, path = "/session/unlock", tag = "users", operation_id = "sessions::unlock",
    request_body = UnlockRequest, responses((status = 200, body = Data<Object>)))]
pub async fn unlock(
    State(app): State<App>,
    _caller: Caller,
    Shown(shown): Shown,
    Request(body): Request<UnlockRequest>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    locks::unlock(&app, &shown, &body.password.into_string()).await?;
    Ok(data(Map::new()))
}
