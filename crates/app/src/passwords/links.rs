//! One-time links to a password: asking for one, sending one, using one.

use bedside_model::{
    UserId,
    mail::MailKind,
    permission::Action,
    user::{Role, TokenKind, UserStatus},
};
use bedside_store::{
    accounts::{self, Account},
    log_ins, sessions,
    tokens::{self, Token},
    users::{self, User},
};

use super::{check, hash};
use crate::{
    Actor, App, Error, Result, Who,
    actor::Credential,
    audit, authz, credentials,
    mail::{self, Wanted},
    sessions::NewCookie,
    tokens::digest,
    users::{SignedIn, Which},
};

/// What forgetting a password needs: a login name or an e-mail address.
#[derive(Default)]
pub struct Forgot {
    /// Login name.
    pub username: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Mails a link to a new password to whoever this is, if it is anybody. The
/// answer and the work are the same for everybody (core.md 2.8).
///
/// # Errors
/// 400 when neither is sent.
pub async fn forgot(app: &App, actor: &Actor, command: Forgot) -> Result<()> {
    let text =
        |value: Option<String>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let wanted = match (text(command.email), text(command.username)) {
        (Some(email), _) => Wanted::Email(email),
        (None, Some(username)) => Wanted::Username(username),
        (None, None) => return Err(Error::field("email", "is required, or username")),
    };
    mail::ask(app, actor, &wanted, &actor.address).await
}

/// Mails a user a link to their password, for an admin (core.md 2.8).
///
/// # Errors
/// 403 for others than admins, 404 for an unknown user, 400 `no_mail_possible`
/// for one without a login or an e-mail address, 429 after a few in an hour.
pub async fn send_mail(app: &App, actor: &Actor, which: Which) -> Result<UserId> {
    authz::account(actor, Action::UserManage)?;
    let id = which.resolve(actor)?;
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    if !mail::is_reachable(&user) {
        return Err(Error::invalid(
            "no_mail_possible",
            "This user has no e-mail address, no login of their own, or is suspended.",
        ));
    }
    let hour_ago = now.plus_seconds(-3_600);
    let made = tokens::count_since(&mut conn, &actor.account, id, TokenKind::Password, "", hour_ago).await?;
    if made >= mail::PER_USER_AND_HOUR {
        return Err(Error::Limited { retry_after_s: 3_600 });
    }
    drop(conn);
    let kind = match user.password_hash {
        Some(_) => MailKind::PasswordForgotten,
        None => MailKind::PasswordFirst,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                mail::enqueue(tx, &owner, &caller, id, kind).await?;
                audit::write(tx, &owner, &caller, "users.send_password_mail", ("user", id.to_string()))
                    .await?;
                Ok(id)
            })
        })
        .await
}

/// What the holder of a one-time link sends.
pub struct Set {
    /// The link's token.
    pub token: String,
    /// The password they chose.
    pub password: String,
    /// One of our pages asks, and wants the cookie.
    pub page: bool,
    /// The request's identifier.
    pub request_id: String,
    /// The client's network address.
    pub address: String,
    /// The page's device in words.
    pub device: String,
}

/// A one-time link that still counts: whose, in which clinic.
pub struct Link {
    /// Its token.
    token: Token,
    /// Whose password it sets.
    pub user: User,
    /// Their clinic.
    pub account: Account,
}

/// Whose link this is, so that its page can say so before anybody types.
///
/// # Errors
/// 401 `token_unknown`, `token_used`, `token_expired`; 403 for a suspended user.
pub async fn link(app: &App, secret: &str) -> Result<Link> {
    let mut conn = app.store.reader().await?;
    let token = tokens::find(&mut conn, &digest(secret.trim()))
        .await?
        .filter(|token| token.kind == TokenKind::Password)
        .ok_or_else(credentials::token_unknown)?;
    if token.revoked_at.is_some() {
        return Err(used());
    }
    if token.expires_at.is_some_and(|end| end <= app.clock.now()) {
        return Err(credentials::token_expired());
    }
    let account =
        accounts::find(&mut conn, &token.account).await?.ok_or_else(|| Error::not_found("account"))?;
    let user =
        users::find(&mut conn, &account.id, token.user).await?.ok_or_else(|| Error::not_found("user"))?;
    if user.status != UserStatus::Inactive {
        credentials::may_act(user.status)?;
    }
    Ok(Link { token, user, account })
}

fn used() -> Error {
    Error::unauthorized("token_used", "This link was used already. Ask for a new one.")
}

/// Sets the password of a one-time link's user and logs them in. The link is
/// used up, and so is everything that was logged in as them before. An
/// inactive user is active from then on, and their e-mail address theirs.
///
/// # Errors
/// As [`link`], and 400 for a weak password.
pub async fn set(app: &App, command: Set) -> Result<SignedIn> {
    let now = app.clock.now();
    let Link { token, user, account } = link(app, &command.token).await?;
    check(&command.password, &user, &account)?;
    let hash = hash(app, &command.password).await?;
    let owner = app.clone();
    let who = Who::User {
        id: user.id,
        kind: user.kind,
        role: Role::parse(&user.role),
        credential: Credential::Token,
    };
    let actor = Actor::new(account.id.clone(), who, command.request_id.clone(), command.address.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &actor.account;
                if !tokens::revoke(tx, account, &token.id, now).await? {
                    return Err(used());
                }
                let had_one = user.password_hash.is_some();
                users::set_password(tx, account, user.id, &hash, now).await?;
                // The first admin's link comes from the command line: it says nothing of an address.
                if mail::came_by_mail(&token.name) {
                    log_ins::verified(tx, account, user.id, now).await?;
                }
                if had_one {
                    mail::enqueue(tx, &owner, &actor, user.id, MailKind::PasswordChanged).await?;
                }
                sessions::delete_of_user(tx, account, user.id).await?;
                for kind in [TokenKind::Access, TokenKind::Refresh] {
                    tokens::revoke_kind(tx, account, user.id, kind, now).await?;
                }
                let object = ("user", user.id.to_string());
                audit::write(tx, &owner, &actor, "users.set_password", object).await?;
                let tokens = crate::tokens::issue(tx, &owner, account, user.id).await?;
                let kind = user.kind.session_kind();
                // Another site's form cannot sign a browser in: it cannot say that it is a page of ours.
                let cookie = match command.page {
                    true => {
                        let device = &command.device;
                        Some(
                            NewCookie::issue(tx, &owner, account, &user, kind, Default::default(), device)
                                .await?,
                        )
                    }
                    false => None,
                };
                let user =
                    users::find(tx, account, user.id).await?.ok_or_else(|| Error::not_found("user"))?;
                Ok(SignedIn { user, tokens, cookie })
            })
        })
        .await
}
