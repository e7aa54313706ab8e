//! API keys: what a clinic's own server shows to sign people in.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

/// An API key; its secret is only known as a hash.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// UUIDv7 of the row.
    pub id: String,
    /// Whose key it is.
    pub account: AccountId,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Since when it does not count any more.
    pub revoked_at: Option<At>,
}

/// An API key to add.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// UUIDv7.
    pub id: String,
    /// Whose key it is.
    pub account: AccountId,
    /// 32 hex characters, unique over all clinics.
    pub key: String,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Now.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    secret_hash: Vec<u8>,
    revoked_at: Option<i64>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            secret_hash: row.secret_hash,
            revoked_at: row.revoked_at.map(At),
        }
    }
}

const ADD: &str =
    "INSERT INTO api_keys (id, account_id, key, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5)";

/// Adds a key.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, key: &NewApiKey) -> Result<()> {
    execute!(tx, ADD, &key.id, key.account.as_str(), &key.key, &key.secret_hash[..], key.at.0)?;
    Ok(())
}

const BY_KEY: &str = "SELECT id, account_id, secret_hash, revoked_at FROM api_keys WHERE key = $1";

/// The key of this text, revoked ones too.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<ApiKey>> {
    Ok(query_opt!(conn, Row, BY_KEY, key)?.map(ApiKey::from))
}

const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = $1 WHERE account_id = $2 AND id = $3 AND revoked_at IS NULL";

/// Ends a key. Gives false when there was none to end.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx, account: &AccountId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, REVOKE, at.0, account.as_str(), id)? > 0)
}
