//! Closures: holidays and leave, of a room, a provider, or the whole clinic.

use bedside_model::{AccountId, At, RoomId, UserId, availability::Span};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// A closure as it is kept.
#[derive(Debug, Clone)]
pub struct Closure {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// Of one room only.
    pub room: Option<RoomId>,
    /// Of one provider only.
    pub provider: Option<UserId>,
    /// When.
    pub span: Span,
    /// Why, sealed.
    pub reason: Sealed,
    /// When it was made.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    room_id: Option<i64>,
    provider_id: Option<i64>,
    start_at: i64,
    end_at: i64,
    reason: Sealed,
    created_at: i64,
}

impl From<Row> for Closure {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            room: row.room_id.map(RoomId),
            provider: row.provider_id.map(UserId),
            span: Span { start: At(row.start_at), end: At(row.end_at) },
            reason: row.reason,
            created_at: At(row.created_at),
        }
    }
}

const ADD: &str = "INSERT INTO closures (id, account_id, room_id, provider_id, start_at, end_at, reason, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds a closure.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, closure: &Closure) -> Result<()> {
    execute!(
        tx,
        ADD,
        &closure.id,
        closure.account.as_str(),
        closure.room.map(|id| id.0),
        closure.provider.map(|id| id.0),
        closure.span.start.0,
        closure.span.end.0,
        &closure.reason,
        closure.created_at.0,
    )?;
    Ok(())
}

const BY_ID: &str = "SELECT id, account_id, room_id, provider_id, start_at, end_at, reason, created_at \
     FROM closures WHERE account_id = $1 AND id = $2";

/// The account's closure of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Closure>> {
    Ok(query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Closure::from))
}

const DELETE: &str = "DELETE FROM closures WHERE account_id = $1 AND id = $2";

/// Deletes a closure. Gives false when there was none.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE, account.as_str(), id)? > 0)
}

const IN_WINDOW: &str = "SELECT id, account_id, room_id, provider_id, start_at, end_at, reason, created_at \
     FROM closures WHERE account_id = $1 AND end_at > $2 AND start_at < $3 \
     AND (CAST($4 AS BIGINT) IS NULL OR room_id IS NULL OR room_id = $4) \
     AND (CAST($5 AS BIGINT) IS NULL OR provider_id IS NULL OR provider_id = $5) ORDER BY start_at, id";

/// The closures that touch a window and concern a room and a provider; those
/// of the whole clinic concern everybody.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    window: Span,
    room: Option<RoomId>,
    provider: Option<UserId>,
) -> Result<Vec<Closure>> {
    let (room, provider) = (room.map(|id| id.0), provider.map(|id| id.0));
    let rows =
        query_all!(conn, Row, IN_WINDOW, account.as_str(), window.start.0, window.end.0, room, provider,)?;
    Ok(rows.into_iter().map(Closure::from).collect())
}
