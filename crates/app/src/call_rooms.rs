//! LiveKit's server API on our own media node: what a token lets its bearer
//! do there. Such tokens are signed with `calls.key` and `calls.secret`, which only
//! the operator has; clinics use the API of visits. Join tokens are signed with
//! another secret, that nobody knows: neither opens the other's door.

use bedside_store::visits;
use livekit_token::TokenVerifier;

use crate::{Actor, App, Error, Result, audit, calls};

/// What a server token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// Make and end calls.
    pub create: bool,
    /// See which calls go on.
    pub list: bool,
    /// Do as one likes in the call of this name.
    admin: Option<String>,
}

impl Power {
    /// Whether it reaches into the call of this name.
    #[must_use]
    pub fn is_admin_of(&self, call: &str) -> bool {
        self.admin.as_deref() == Some(call)
    }
}

/// Reads a server token.
///
/// # Errors
/// 401 for one that is not signed with our secret, or is over.
pub fn power(app: &App, token: &str) -> Result<Power> {
    let refused =
        || Error::unauthorized("call_token_invalid", "This call token is not valid. Ask for a new one.");
    let (key, secret) = app.settings.call_rooms.as_ref().ok_or_else(refused)?;
    let claims = TokenVerifier::with_api_key(key, secret).verify(token).map_err(|_| refused())?;
    let video = claims.video;
    Ok(Power {
        create: video.room_create,
        list: video.room_list,
        admin: video.room_admin.then_some(video.room).filter(|room| !room.is_empty()),
    })
}

/// Whether a call of this name may be entered now: it is of a visit in
/// progress.
///
/// # Errors
/// What the store says.
pub async fn is_open(app: &App, call: &str) -> Result<bool> {
    let mut conn = app.store.reader().await?;
    let visit = visits::find_by_meeting(&mut conn, call).await?;
    Ok(visit.is_some_and(|visit| calls::may_enter(&visit).is_ok()))
}

/// Writes into the clinic's audit trail what a server token did in a call.
///
/// # Errors
/// What the store says.
pub async fn note(app: &App, call: &str, what: &'static str) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find_by_meeting(&mut conn, call).await? else { return Ok(()) };
    drop(conn);
    let (owner, operator) = (app.clone(), Actor::system(visit.account.clone()));
    app.store
        .write(move |tx| {
            let visit = ("visit", visit.id.to_string());
            Box::pin(async move { audit::write(tx, &owner, &operator, what, visit).await })
        })
        .await
}
