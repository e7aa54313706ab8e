//! Tokens: how they are made, hashed and handed out. 32 hex characters from
//! the app's randomness; the store keeps SHA-256 only.

use bedside_model::{
    AccountId, At, TokenId, UserId,
    permission::Action,
    user::{TokenKind, UserType},
};
use bedside_store::{
    Tx,
    tokens::{self, NewToken},
    users,
};
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error, Result, audit, authz};

/// Life of an access token in seconds (core.md 2.2): a day.
pub const ACCESS_SECONDS: i64 = 86_400;
/// Life of a refresh token in seconds (core.md 2.2): 30 days.
pub const REFRESH_SECONDS: i64 = 2_592_000;
/// Life of a one-time link in seconds: a day.
pub const LINK_SECONDS: i64 = 86_400;

/// What is kept of a secret that only ever has to be recognised. The secrets
/// are 128 random bits, so a fast hash without salt is enough.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// An access token and its refresh token, shown once.
#[derive(Clone)]
pub struct TokenPair {
    /// Whose tokens.
    pub user: UserId,
    /// For `X-ApiToken` and for `/auth?sso_token=`.
    pub access: String,
    /// When the access token ends.
    pub access_expires_at: At,
    /// For a new pair later.
    pub refresh: String,
    /// When the refresh token ends.
    pub refresh_expires_at: At,
    /// When both were made.
    pub created_at: At,
}

/// Makes a pair for a user, inside the change that logs them in. Older tokens
/// stay valid until they end (core.md 2.3).
///
/// # Errors
/// What the store says.
pub async fn issue(tx: &mut Tx, app: &App, account: &AccountId, user: UserId) -> Result<TokenPair> {
    let now = app.clock.now();
    let pair = TokenPair {
        user,
        access: app.random.hex(),
        access_expires_at: now.plus_seconds(ACCESS_SECONDS),
        refresh: app.random.hex(),
        refresh_expires_at: now.plus_seconds(REFRESH_SECONDS),
        created_at: now,
    };
    let access = (TokenKind::Access, &pair.access, Some(pair.access_expires_at));
    let refresh = (TokenKind::Refresh, &pair.refresh, Some(pair.refresh_expires_at));
    for (kind, secret, expires_at) in [access, refresh] {
        tokens::add(tx, &new(app, account, user, kind, secret, String::new(), expires_at)).await?;
    }
    Ok(pair)
}

/// Makes a one-time link's token for a user; older links of theirs end.
///
/// # Errors
/// What the store says.
pub async fn issue_link(tx: &mut Tx, app: &App, account: &AccountId, user: UserId) -> Result<String> {
    let now = app.clock.now();
    let secret = app.random.hex();
    tokens::revoke_kind(tx, account, user, TokenKind::Password, now).await?;
    let expires_at = Some(now.plus_seconds(LINK_SECONDS));
    let token = new(app, account, user, TokenKind::Password, &secret, String::new(), expires_at);
    tokens::add(tx, &token).await?;
    Ok(secret)
}

/// Makes an admin token, inside a change. It does not end by itself.
///
/// # Errors
/// What the store says.
pub async fn issue_admin(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    user: UserId,
    name: String,
) -> Result<String> {
    let secret = app.random.hex();
    tokens::add(tx, &new(app, account, user, TokenKind::Admin, &secret, name, None)).await?;
    Ok(secret)
}

/// Makes an admin token for the portal's server. Shown once.
///
/// # Errors
/// 401/403 for others than admins.
pub async fn create_admin(app: &App, actor: &Actor, name: &str) -> Result<String> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller, name) = (app.clone(), actor.clone(), name.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let system = users::find_first(tx, account, UserType::Api)
                    .await?
                    .ok_or_else(|| Error::not_found("account"))?;
                let secret = issue_admin(tx, &owner, account, system.id, name).await?;
                let object = ("user", system.id.to_string());
                audit::write(tx, &owner, &caller, "tokens.create_admin", object).await?;
                Ok(secret)
            })
        })
        .await
}

fn new(
    app: &App,
    account: &AccountId,
    user: UserId,
    kind: TokenKind,
    secret: &str,
    name: String,
    expires_at: Option<At>,
) -> NewToken {
    let at = app.clock.now();
    NewToken {
        id: TokenId(app.random.uuid(at)),
        account: account.clone(),
        user,
        kind,
        hash: digest(secret),
        name,
        at,
        expires_at,
    }
}
