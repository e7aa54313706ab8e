//! Tokens: how they are made, hashed and handed out. 32 hex characters from
//! the app's randomness; the store keeps SHA-256 only.

use bedside_model::{AccountId, At, TokenId, UserId, user::TokenKind};
use bedside_store::{
    Tx,
    tokens::{self, NewToken},
};
use sha2::{Digest, Sha256};

use crate::{
    Actor, App, Result,
    api_apps::{self, AddToken, NewAdminToken},
};

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
    let family = app.random.uuid(app.clock.now());
    issue_in(tx, app, account, user, family).await
}

/// Makes a pair that descends from a log-in.
///
/// # Errors
/// What the store says.
pub(crate) async fn issue_in(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    user: UserId,
    family: String,
) -> Result<TokenPair> {
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
        let token = new_token(app, account, user, kind, secret, String::new(), expires_at);
        tokens::add(tx, &NewToken { family: Some(family.clone()), ..token }).await?;
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
    let token = new_token(app, account, user, TokenKind::Password, &secret, String::new(), expires_at);
    tokens::add(tx, &token).await?;
    Ok(secret)
}

/// A one-time link's token with a name and an end, and its secret; to be added
/// inside a change.
pub(crate) fn link(
    app: &App,
    account: &AccountId,
    user: UserId,
    name: String,
    expires_at: At,
) -> (String, NewToken) {
    let secret = app.random.hex();
    let token = new_token(app, account, user, TokenKind::Password, &secret, name, Some(expires_at));
    (secret, token)
}

/// Makes an admin token of the clinic's first app. Shown once.
///
/// # Errors
/// As [`api_apps::add_token`].
pub async fn create_admin(app: &App, actor: &Actor, command: AddToken) -> Result<NewAdminToken> {
    let first = api_apps::first(app, actor).await?;
    api_apps::add_token(app, actor, &first.id, command).await
}

/// A token's row. The secret itself is kept nowhere.
pub(crate) fn new_token(
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
        family: None,
    }
}
