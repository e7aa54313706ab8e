//! API apps: the programs that a clinic lets in. An app owns API keys and admin
//! tokens, limits both, and acts as a system user of its own, by which the
//! audit trail tells apps apart.

use bedside_model::{AccountId, AppId, At, UserId, scope::Scopes};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// An app.
#[derive(Debug, Clone)]
pub struct ApiApp {
    /// The row.
    pub id: AppId,
    /// Whose app it is.
    pub account: AccountId,
    /// What the clinic calls it.
    pub name: String,
    /// What its keys and tokens are limited to.
    pub scopes: Scopes,
    /// Its system user (type 160).
    pub user: UserId,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    name: String,
    scopes: String,
    user_id: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for ApiApp {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: AppId(row.id),
            account: AccountId(row.account_id),
            name: row.name,
            scopes: scopes(&row.scopes)?,
            user: UserId(row.user_id),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

/// Scopes as they are kept.
pub(crate) fn scopes(kept: &str) -> Result<Scopes> {
    serde_json::from_str(kept).map_err(|_| Error::Value("scopes"))
}

/// Scopes as they are to be kept.
pub(crate) fn words(scopes: Scopes) -> Result<String> {
    serde_json::to_string(&scopes).map_err(|_| Error::Value("scopes"))
}

macro_rules! select_apps {
    ($rest:literal) => {
        concat!("SELECT id, account_id, name, scopes, user_id, created_at, updated_at FROM api_apps ", $rest)
    };
}

const ADD: &str = "INSERT INTO api_apps (id, account_id, name, scopes, user_id, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds an app.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, app: &ApiApp) -> Result<()> {
    let scopes = words(app.scopes)?;
    let (id, account) = (app.id.as_str(), app.account.as_str());
    let (created, updated) = (app.created_at.0, app.updated_at.0);
    execute!(tx, ADD, id, account, &app.name, &scopes, app.user.0, created, updated)?;
    Ok(())
}

const BY_ID: &str = select_apps!("WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL");

/// An app that counts.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &AppId) -> Result<Option<ApiApp>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id.as_str())?.map(ApiApp::try_from).transpose()
}

const FIRST: &str =
    select_apps!("WHERE account_id = $1 AND revoked_at IS NULL ORDER BY created_at, id LIMIT 1");

/// The clinic's oldest app.
///
/// # Errors
/// What the database says.
pub async fn find_first(conn: &mut Conn, account: &AccountId) -> Result<Option<ApiApp>> {
    query_opt!(conn, Row, FIRST, account.as_str())?.map(ApiApp::try_from).transpose()
}

const ALL: &str =
    select_apps!("WHERE account_id = $1 AND revoked_at IS NULL ORDER BY created_at, id LIMIT $2");

/// The clinic's apps, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, limit: i64) -> Result<Vec<ApiApp>> {
    let rows = query_all!(conn, Row, ALL, account.as_str(), limit)?;
    rows.into_iter().map(ApiApp::try_from).collect()
}

const UPDATE: &str = "UPDATE api_apps SET name = $1, scopes = $2, updated_at = $3 \
     WHERE account_id = $4 AND id = $5 AND revoked_at IS NULL";

/// Renames an app and says what it is limited to.
///
/// # Errors
/// What the database says.
pub async fn update(
    tx: &mut Tx,
    account: &AccountId,
    id: &AppId,
    (name, scopes): (&str, Scopes),
    at: At,
) -> Result<()> {
    let scopes = words(scopes)?;
    execute!(tx, UPDATE, name, &scopes, at.0, account.as_str(), id.as_str())?;
    Ok(())
}

const REVOKE: &str = "UPDATE api_apps SET revoked_at = $1, updated_at = $1 WHERE account_id = $2 AND id = $3 AND revoked_at IS NULL";
const REVOKE_KEYS: &str =
    "UPDATE api_keys SET revoked_at = $1 WHERE account_id = $2 AND app_id = $3 AND revoked_at IS NULL";
const REVOKE_TOKENS: &str =
    "UPDATE tokens SET revoked_at = $1 WHERE account_id = $2 AND app_id = $3 AND revoked_at IS NULL";

/// Ends an app with all its keys and tokens. Gives false when there was none.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx, account: &AccountId, id: &AppId, at: At) -> Result<bool> {
    let (account, id) = (account.as_str(), id.as_str());
    let ended = execute!(tx, REVOKE, at.0, account, id)? > 0;
    execute!(tx, REVOKE_KEYS, at.0, account, id)?;
    execute!(tx, REVOKE_TOKENS, at.0, account, id)?;
    Ok(ended)
}

const LOCK: &str = "UPDATE api_apps SET updated_at = updated_at WHERE account_id = $1 AND id = $2";

/// Makes changes of one app wait for each other, so that what was counted
/// stays true.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, id: &AppId) -> Result<()> {
    execute!(tx, LOCK, account.as_str(), id.as_str())?;
    Ok(())
}
