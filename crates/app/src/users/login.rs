//! Logging in with a password, or with the token of a mail.

use bedside_model::user::{Role, SessionKind, TokenKind, UserStatus};
use bedside_store::{
    log_ins, tokens,
    users::{self, User},
};

use super::{SignedIn, sign_in};
use crate::{
    Actor, App, Error, Result, Who,
    actor::Credential,
    audit, credentials,
    log_ins::Attempt,
    passwords::{self, Turn},
    sessions,
    tokens::digest,
};

/// A login by password, or by the token of a mail (core.md 2.4).
#[derive(Default)]
pub struct Login {
    /// Login name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// E-mail address, for users without a password.
    pub email: Option<String>,
    /// The token that came by mail.
    pub email_token: Option<String>,
    /// Only users of this documented type.
    pub user_type: Option<i64>,
    /// The pages that want a cookie.
    pub page: Option<SessionKind>,
    /// The caller's address, to slow down guessing.
    pub address: String,
}

/// Logs somebody in.
///
/// # Errors
/// 401 `login_failed` for any wrong pair (one answer, the same work), 403 for suspended users and for
/// pages of another kind, 429 after repeated failures.
pub async fn login(app: &App, actor: &Actor, command: Login) -> Result<SignedIn> {
    let now = app.clock.now();
    let (name, by_mail) = match (&command.username, &command.email, &command.email_token) {
        (Some(name), ..) if !name.trim().is_empty() => (name.trim(), false),
        (_, Some(email), Some(_)) if !email.trim().is_empty() => (email.trim(), true),
        _ => return Err(Error::field("username", "is required")),
    };
    let attempt = Attempt::new(&actor.account, name, &command.address);
    let turn = app.passwords.turn().await?;
    attempt.admit(app).await?;
    let found = if by_mail {
        find_by_mail_token(app, actor, &command).await?
    } else {
        find_by_password(app, actor, name, &command, &turn).await?
    };
    let Some((user, link)) = found else {
        attempt.failed(app).await?;
        return Err(Error::unauthorized("login_failed", "The login name or the password is wrong."));
    };
    drop(turn);
    // The token of a mail is for those who are not active yet.
    if link.is_none() || user.status != UserStatus::Inactive {
        credentials::may_act(user.status)?;
    }
    if let Some(page) = command.page.filter(|page| user.kind.session_kind() != *page) {
        return Err(sessions::wrong_kind(page));
    }
    let caller = Actor {
        who: Who::User {
            id: user.id,
            kind: user.kind,
            role: Role::parse(&user.role),
            credential: Credential::Token,
        },
        ..actor.clone()
    };
    let (owner, page) = (app.clone(), command.page);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let mut user = user;
                if let Some(link) = link {
                    if !tokens::revoke(tx, account, &link, now).await? {
                        return Err(credentials::token_unknown());
                    }
                    log_ins::verified(tx, account, user.id, now).await?;
                    user = users::find(tx, account, user.id).await?.ok_or_else(credentials::token_unknown)?;
                }
                attempt.succeeded(tx, &owner).await?;
                users::logged_in(tx, account, user.id, now).await?;
                audit::write(tx, &owner, &caller, "users.login", ("user", user.id.to_string())).await?;
                sign_in(tx, &owner, account, user, page, &caller.device).await
            })
        })
        .await
}

type Found = Option<(User, Option<bedside_model::TokenId>)>;

async fn find_by_password(
    app: &App,
    actor: &Actor,
    name: &str,
    command: &Login,
    turn: &Turn<'_>,
) -> Result<Found> {
    let mut conn = app.store.reader().await?;
    let user = users::find_by_username(&mut conn, &actor.account, name).await?;
    drop(conn);
    let user = user.filter(|user| command.user_type.is_none_or(|wanted| wanted == user.kind.code()));
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let right = passwords::verify_in(turn, hash, command.password.as_deref().unwrap_or_default()).await?;
    Ok(user.filter(|_| right).map(|user| (user, None)))
}

async fn find_by_mail_token(app: &App, actor: &Actor, command: &Login) -> Result<Found> {
    let (Some(email), Some(secret)) = (&command.email, &command.email_token) else { return Ok(None) };
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let token = tokens::find(&mut conn, &digest(secret.trim())).await?.filter(|token| {
        token.kind == TokenKind::Password
            && token.account == actor.account
            && token.revoked_at.is_none()
            && token.expires_at.is_none_or(|end| end > now)
    });
    let Some(token) = token else { return Ok(None) };
    let user = users::find(&mut conn, &actor.account, token.user).await?;
    Ok(user
        .filter(|user| user.profile.reveal().email.eq_ignore_ascii_case(email.trim()))
        .filter(|user| command.user_type.is_none_or(|wanted| wanted == user.kind.code()))
        .map(|user| (user, Some(token.id))))
}
