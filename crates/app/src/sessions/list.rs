//! Where somebody is signed in, and signing out there.

use bedside_model::{SessionId, UserId, permission::Action, user::TokenKind};
use bedside_store::{
    sessions::{self, SessionView},
    tokens, users,
};

use crate::{
    Actor, App, Error, Result, audit, authz, credentials::Credentials, tokens::digest, users::Which,
};

/// Most sessions of a list; they end by themselves within a day.
const MOST: i64 = 200;

/// A session, and whether it is the one that asks.
pub struct Listed {
    /// The session.
    pub session: SessionView,
    /// The page that asks is signed in by it.
    pub current: bool,
}

/// Whose sessions are meant: one's own, or anybody's for an admin.
fn of(actor: &Actor, which: Which) -> Result<UserId> {
    let (caller, _) = authz::user(actor)?;
    let id = which.resolve(actor)?;
    if id != caller {
        authz::account(actor, Action::UserManage)?;
    }
    Ok(id)
}

/// The pages on which somebody is signed in, the newest first.
///
/// # Errors
/// 401 without a user, 403 for somebody else's unless the caller is an admin,
/// 404 for an unknown user.
pub async fn list(app: &App, actor: &Actor, shown: &Credentials, which: Which) -> Result<Vec<Listed>> {
    let id = of(actor, which)?;
    let mut conn = app.store.reader().await?;
    users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    let own = match &shown.session {
        Some((_, cookie)) if actor.is_page() => sessions::find(&mut conn, &digest(cookie)).await?,
        _ => None,
    };
    let listed = sessions::of_user(&mut conn, &actor.account, id, app.clock.now(), MOST).await?;
    let current = |session: &SessionView| own.as_ref().is_some_and(|own| own.id == session.id);
    Ok(listed.into_iter().map(|session| Listed { current: current(&session), session }).collect())
}

/// Ends one of them.
///
/// # Errors
/// As [`list`], and 404 for an unknown session, also one that has ended.
pub async fn end(app: &App, actor: &Actor, which: Which, session: SessionId) -> Result<()> {
    let id = of(actor, which)?;
    let (owner, actor) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !sessions::delete_one(tx, &actor.account, id, &session).await? {
                    return Err(Error::not_found("session"));
                }
                audit::write(tx, &owner, &actor, "sessions.end", ("user", id.to_string())).await
            })
        })
        .await
}

/// Signs somebody out everywhere: all pages, this one too, and all tokens of
/// log-ins and single sign-on with what would renew them. Admin tokens belong to
/// the clinic's apps and stay.
///
/// # Errors
/// As [`list`].
pub async fn end_all(app: &App, actor: &Actor, which: Which) -> Result<()> {
    let id = of(actor, which)?;
    let now = app.clock.now();
    let (owner, actor) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &actor.account;
                users::find(tx, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
                sessions::delete_of_user(tx, account, id).await?;
                for kind in [TokenKind::Access, TokenKind::Refresh] {
                    tokens::revoke_kind(tx, account, id, kind, now).await?;
                }
                audit::write(tx, &owner, &actor, "sessions.end_all", ("user", id.to_string())).await
            })
        })
        .await
}
