//! API keys: what a clinic's own server shows to sign people in. The key is
//! kept as it is (a request is found by it), its secret only as a hash.

use bedside_model::{AccountId, AppId, At, KeyId, UserId, scope::Scopes};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, api_apps::scopes};

/// An API key with its app: all that a request needs, in one read.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The row.
    pub id: KeyId,
    /// Whose key it is.
    pub account: AccountId,
    /// The system user of its app.
    pub app_user: Option<UserId>,
    /// What both the key and its app are limited to.
    pub scopes: Scopes,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Since when it does not count any more.
    pub revoked_at: Option<At>,
    /// When it ends, because another key has followed it.
    pub expires_at: Option<At>,
}

impl ApiKey {
    /// Does it count at this instant?
    #[must_use]
    pub fn counts(&self, now: At) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// A key as its app lists it.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// The row.
    pub id: KeyId,
    /// The key's last four characters.
    pub last_four: String,
    /// What it is limited to, besides its app's own limit.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: At,
    /// When it ends.
    pub expires_at: Option<At>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<At>,
}

/// An API key to add.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// UUIDv7.
    pub id: KeyId,
    /// Whose key it is.
    pub account: AccountId,
    /// The app it belongs to.
    pub app: AppId,
    /// 32 hex characters, unique over all clinics.
    pub key: String,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// What it is limited to.
    pub scopes: Scopes,
    /// Now.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    secret_hash: Vec<u8>,
    scopes: String,
    app_scopes: Option<String>,
    app_user: Option<i64>,
    revoked_at: Option<i64>,
    expires_at: Option<i64>,
}

impl TryFrom<Row> for ApiKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let own = scopes(&row.scopes)?;
        let of_app = row.app_scopes.as_deref().map_or(Ok(Scopes::ALL), scopes)?;
        Ok(Self {
            id: KeyId(row.id),
            account: AccountId(row.account_id),
            app_user: row.app_user.map(UserId),
            scopes: own.and(of_app),
            secret_hash: row.secret_hash,
            revoked_at: row.revoked_at.map(At),
            expires_at: row.expires_at.map(At),
        })
    }
}

#[derive(FromRow)]
struct ViewRow {
    id: String,
    last_four: String,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<ViewRow> for KeyView {
    type Error = Error;

    fn try_from(row: ViewRow) -> Result<Self> {
        Ok(Self {
            id: KeyId(row.id),
            last_four: row.last_four,
            scopes: scopes(&row.scopes)?,
            created_at: At(row.created_at),
            expires_at: row.expires_at.map(At),
            last_used_at: row.last_used_at.map(At),
        })
    }
}

const ADD: &str = "INSERT INTO api_keys (id, account_id, app_id, key, secret_hash, scopes, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds a key.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, key: &NewApiKey) -> Result<()> {
    let scopes = crate::api_apps::words(key.scopes)?;
    let (id, account, app) = (key.id.as_str(), key.account.as_str(), key.app.as_str());
    execute!(tx, ADD, id, account, app, &key.key, &key.secret_hash[..], &scopes, key.at.0)?;
    Ok(())
}

const BY_KEY: &str = "SELECT k.id, k.account_id, k.secret_hash, k.scopes, p.scopes AS app_scopes, \
     p.user_id AS app_user, k.revoked_at, k.expires_at FROM api_keys k \
     LEFT JOIN api_apps p ON p.id = k.app_id WHERE k.key = $1";

/// The key of this text, also when it has ended: see [`ApiKey::counts`].
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<ApiKey>> {
    query_opt!(conn, Row, BY_KEY, key)?.map(ApiKey::try_from).transpose()
}

const OF_APP: &str = "SELECT id, SUBSTR(key, 29) AS last_four, scopes, created_at, expires_at, last_used_at \
     FROM api_keys WHERE account_id = $1 AND app_id = $2 AND revoked_at IS NULL \
     AND (expires_at IS NULL OR expires_at > $3) ORDER BY id";

/// An app's keys that count.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, app: &AppId, now: At) -> Result<Vec<KeyView>> {
    let rows = query_all!(conn, ViewRow, OF_APP, account.as_str(), app.as_str(), now.0)?;
    rows.into_iter().map(KeyView::try_from).collect()
}

const END: &str = "UPDATE api_keys SET expires_at = $1 WHERE account_id = $2 AND app_id = $3 AND id <> $4 \
     AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)";

/// Gives every other key of the app an end, unless it ends sooner anyway.
///
/// # Errors
/// What the database says.
pub async fn end_others(tx: &mut Tx, account: &AccountId, app: &AppId, kept: &KeyId, end: At) -> Result<u64> {
    execute!(tx, END, end.0, account.as_str(), app.as_str(), kept.as_str())
}

const REVOKE: &str = "UPDATE api_keys SET revoked_at = $1 \
     WHERE account_id = $2 AND app_id = $3 AND id = $4 AND revoked_at IS NULL";

/// Ends a key. Gives false when there was none to end.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx, account: &AccountId, app: &AppId, id: &KeyId, at: At) -> Result<bool> {
    Ok(execute!(tx, REVOKE, at.0, account.as_str(), app.as_str(), id.as_str())? > 0)
}

const USED: &str = "UPDATE api_keys SET last_used_at = $1 WHERE account_id = $2 AND id = $3 \
     AND (last_used_at IS NULL OR last_used_at < $1)";

/// Says when a key was last shown; an older instant changes nothing.
///
/// # Errors
/// What the database says.
pub async fn used(tx: &mut Tx, account: &AccountId, id: &KeyId, at: At) -> Result<()> {
    execute!(tx, USED, at.0, account.as_str(), id.as_str())?;
    Ok(())
}
