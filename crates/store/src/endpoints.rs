//! Endpoints: where users can be reached besides their profile's address.

use bedside_model::{AccountId, At, UserId, endpoint::EndpointType};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// An endpoint as it is kept.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// UUIDv7.
    pub id: String,
    /// Whose clinic.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// What kind.
    pub kind: EndpointType,
    /// Address or token with its keys, sealed.
    pub key: Sealed,
    /// Keyed by the user, so that one address is there once.
    pub key_hash: String,
    /// When it was made.
    pub created_at: At,
    /// When it was sent again.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: i64,
    #[sqlx(rename = "type")]
    kind: i64,
    key: Sealed,
    key_hash: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Endpoint {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            kind: EndpointType::from_code(row.kind).ok_or(Error::Value("endpoints.type"))?,
            key: row.key,
            key_hash: row.key_hash,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

const SAME: &str = "SELECT id, account_id, user_id, type, key, key_hash, created_at, updated_at FROM endpoints \
     WHERE account_id = $1 AND user_id = $2 AND type = $3 AND key_hash = $4";

/// The user's endpoint of this type and key.
///
/// # Errors
/// What the database says.
pub async fn find_same(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    kind: EndpointType,
    key_hash: &str,
) -> Result<Option<Endpoint>> {
    let row = query_opt!(conn, Row, SAME, account.as_str(), user.0, kind.code(), key_hash)?;
    row.map(Endpoint::try_from).transpose()
}

const ADD: &str = "INSERT INTO endpoints (id, account_id, user_id, type, key, key_hash, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (user_id, type, key_hash) DO UPDATE SET updated_at = excluded.updated_at";

/// Adds an endpoint.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, endpoint: &Endpoint) -> Result<()> {
    execute!(
        tx,
        ADD,
        &endpoint.id,
        endpoint.account.as_str(),
        endpoint.user.0,
        endpoint.kind.code(),
        &endpoint.key,
        &endpoint.key_hash,
        endpoint.created_at.0,
        endpoint.updated_at.0,
    )?;
    Ok(())
}

const RENEW: &str = "UPDATE endpoints SET key = $1, updated_at = $2 WHERE account_id = $3 AND id = $4";

/// Puts what was sent again in the place of what was there: a browser's keys
/// may have changed.
///
/// # Errors
/// What the database says.
pub async fn renew(tx: &mut Tx, account: &AccountId, id: &str, key: &Sealed, at: At) -> Result<bool> {
    Ok(execute!(tx, RENEW, key, at.0, account.as_str(), id)? > 0)
}

const BY_ID: &str = "SELECT id, account_id, user_id, type, key, key_hash, created_at, updated_at FROM endpoints \
     WHERE account_id = $1 AND id = $2";

/// The account's endpoint of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Endpoint>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Endpoint::try_from).transpose()
}

const OF_USER: &str = "SELECT id, account_id, user_id, type, key, key_hash, created_at, updated_at FROM endpoints \
     WHERE account_id = $1 AND user_id = $2 ORDER BY created_at, id";

/// A user's endpoints, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_of_user(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Endpoint>> {
    query_all!(conn, Row, OF_USER, account.as_str(), user.0)?.into_iter().map(Endpoint::try_from).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM endpoints WHERE account_id = $1 AND user_id = $2";

/// How many endpoints a user has.
///
/// # Errors
/// What the database says.
pub async fn count_of_user(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), user.0)
}

const DELETE: &str = "DELETE FROM endpoints WHERE account_id = $1 AND id = $2";

/// Deletes an endpoint. Gives false when there was none.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE, account.as_str(), id)? > 0)
}
