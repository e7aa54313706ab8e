//! Readings: what was measured and typed in by hand.

use bedside_model::{AccountId, At, UserId, health_reading::Kind, health_record::Status};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A reading as it is kept.
#[derive(Debug, Clone)]
pub struct Reading {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Who was measured.
    pub user: UserId,
    /// What was measured.
    pub kind: Kind,
    /// Does it count?
    pub status: Status,
    /// The values, sealed for `health_readings.content:<id>`.
    pub content: Sealed,
    /// When it was measured.
    pub taken_at: At,
    /// Who typed it.
    pub author: UserId,
    /// When it was typed.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: i64,
    kind: String,
    status: String,
    content: Sealed,
    taken_at: i64,
    author_id: i64,
    created_at: i64,
}

impl TryFrom<Row> for Reading {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            kind: Kind::parse(&row.kind).ok_or(Error::Value("health_readings.kind"))?,
            status: Status::parse(&row.status).ok_or(Error::Value("health_readings.status"))?,
            content: row.content,
            taken_at: At(row.taken_at),
            author: UserId(row.author_id),
            created_at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO health_readings (id, account_id, user_id, kind, status, content, taken_at, \
     author_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Adds a reading.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, reading: &Reading) -> Result<()> {
    execute!(
        tx,
        ADD,
        &reading.id,
        reading.account.as_str(),
        reading.user.0,
        reading.kind.as_str(),
        reading.status.as_str(),
        &reading.content,
        reading.taken_at.0,
        reading.author.0,
        reading.created_at.0,
    )
    .map(drop)
}

/// Which readings are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// Measured at or after.
    pub from: At,
    /// Measured before.
    pub to: At,
    /// What was entered in error too.
    pub removed: bool,
    /// Most of them.
    pub limit: i64,
}

// Two statements, so that each walks an index in its order.
macro_rules! select {
    ($kind:literal) => {
        concat!(
            "SELECT id, account_id, user_id, kind, status, content, taken_at, author_id, created_at \
             FROM health_readings WHERE account_id = $1 AND user_id = $2 AND taken_at >= $3 AND taken_at < $4 \
             AND (status = 'active' OR $5) ",
            $kind,
            " ORDER BY taken_at DESC, id DESC LIMIT $6"
        )
    };
}

const LIST: &str = select!("");
const LIST_KIND: &str = select!("AND kind = $7");

/// Somebody's readings, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    wanted: &Wanted,
) -> Result<Vec<Reading>> {
    let Wanted { kind, from, to, removed, limit } = *wanted;
    let rows = match kind {
        Some(kind) => {
            let kind = kind.as_str();
            query_all!(conn, Row, LIST_KIND, account.as_str(), user.0, from.0, to.0, removed, limit, kind)?
        }
        None => query_all!(conn, Row, LIST, account.as_str(), user.0, from.0, to.0, removed, limit)?,
    };
    rows.into_iter().map(Reading::try_from).collect()
}

const REMOVE: &str = "UPDATE health_readings SET status = 'entered_in_error' \
     WHERE account_id = $1 AND user_id = $2 AND id = $3 AND status = 'active'";

/// Marks a reading as entered in error. False when there is none that counts.
///
/// # Errors
/// What the database says.
pub async fn remove(tx: &mut Tx, account: &AccountId, user: UserId, id: &str) -> Result<bool> {
    Ok(execute!(tx, REMOVE, account.as_str(), user.0, id)? > 0)
}

const EXISTS: &str =
    "SELECT COUNT(*) FROM health_readings WHERE account_id = $1 AND user_id = $2 AND id = $3";

/// Is there such a reading, also one entered in error?
///
/// # Errors
/// What the database says.
pub async fn exists(conn: &mut Conn, account: &AccountId, user: UserId, id: &str) -> Result<bool> {
    Ok(scalar!(conn, i64, EXISTS, account.as_str(), user.0, id)? > 0)
}
