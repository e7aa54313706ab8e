//! Locks of pages' sessions. A locked session is nobody, for every call but
//! these and `GET /session/lock`, until its person is back with the password.
//! Nothing that was written on the page is lost by it: the page stays.

use bedside_model::{At, session::Idle, user::Role};
use bedside_store::{
    sessions::{self, Session},
    users::{self, User},
};

use crate::{
    Actor, App, Error, Result, Who, actor::Credential, audit, authz, credentials::Credentials,
    log_ins::Attempt, passwords, tokens::digest,
};

/// How it stands with the lock of a page's session.
pub struct Lock {
    /// Since when it is locked.
    pub locked_at: Option<At>,
    /// Whose session it is.
    pub user: User,
    /// Seconds without a person after which the page locks itself.
    pub idle_seconds: Option<i64>,
}

async fn own(app: &App, shown: &Credentials) -> Result<(Session, User)> {
    let missing =
        || Error::unauthorized("session_missing", "Nobody is signed in on this page. Sign in again.");
    let Some((kind, cookie)) = &shown.session else { return Err(missing()) };
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let session = sessions::find(&mut conn, &digest(cookie))
        .await?
        .filter(|session| session.kind == *kind && session.expires_at > now)
        .ok_or_else(missing)?;
    crate::credentials::may_act(session.status)?;
    let user = users::find(&mut conn, &session.account, session.user).await?.ok_or_else(missing)?;
    Ok((session, user))
}

fn actor(shown: &Credentials, session: &Session) -> Actor {
    let who = Who::User {
        id: session.user,
        kind: session.user_type,
        role: Role::parse(&session.role),
        credential: Credential::Session(session.kind),
    };
    Actor::new(session.account.clone(), who, shown.request_id.clone(), shown.address.clone())
}

/// The lock of the page's session, open or not.
///
/// # Errors
/// 401 `session_missing` without a session.
pub async fn get(app: &App, shown: &Credentials) -> Result<Lock> {
    let (session, user) = own(app, shown).await?;
    Ok(Lock {
        locked_at: session.idle.locked_since(app.clock.now()),
        idle_seconds: Idle::seconds(session.kind, session.idle.minutes),
        user,
    })
}

/// Locks the session of the page that asks. One that is locked stays so.
///
/// # Errors
/// 401 without a user, 400 `session_only` for a token, which nothing can lock.
pub async fn lock(app: &App, actor: &Actor, shown: &Credentials) -> Result<()> {
    authz::user(actor)?;
    if !actor.is_page() {
        return Err(Error::invalid(
            "session_only",
            "Only a page's session can be locked; end a token instead.",
        ));
    }
    let (session, user) = own(app, shown).await?;
    let (owner, actor, now) = (app.clone(), actor.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if sessions::lock(tx, &session.account, &session.id, now).await? {
                    audit::write(tx, &owner, &actor, "sessions.lock", ("user", user.id.to_string())).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Opens the page's session again, for whoever knows its person's password.
///
/// # Errors
/// 401 `session_missing` without a session, `login_failed` for a wrong password,
/// 429 after repeated failures.
pub async fn unlock(app: &App, shown: &Credentials, password: &str) -> Result<()> {
    let (session, user) = own(app, shown).await?;
    let attempt = Attempt::new(&session.account, user.username.reveal(), &shown.address);
    let turn = app.passwords.turn().await?;
    attempt.admit(app).await?;
    if !passwords::verify_in(&turn, user.password_hash.as_deref(), password).await? {
        attempt.failed(app).await?;
        return Err(Error::unauthorized("login_failed", "The password is wrong."));
    }
    drop(turn);
    let (owner, actor, now) = (app.clone(), actor(shown, &session), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                attempt.succeeded(tx, &owner).await?;
                if !sessions::unlock(tx, &session.account, &session.id, now).await? {
                    return Err(crate::credentials::token_expired());
                }
                audit::write(tx, &owner, &actor, "sessions.unlock", ("user", user.id.to_string())).await
            })
        })
        .await
}
