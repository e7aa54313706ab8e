//! The cards that people pay with, and what the processor has told.

use bedside_model::{AccountId, At, UserId};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// A card as it is kept.
#[derive(Debug, Clone)]
pub struct Source {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Who pays with it.
    pub user: UserId,
    /// What is known of it, sealed for `billing_sources.content:<id>`.
    pub content: Sealed,
    /// Charged unless another one is named.
    pub is_default: bool,
    /// When it was added.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: i64,
    content: Sealed,
    is_default: bool,
    created_at: i64,
}

impl From<Row> for Source {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            content: row.content,
            is_default: row.is_default,
            created_at: At(row.created_at),
        }
    }
}

const ADD: &str = "INSERT INTO billing_sources (id, account_id, user_id, content, is_default, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Adds a card.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, source: &Source) -> Result<()> {
    execute!(
        tx,
        ADD,
        &source.id,
        source.account.as_str(),
        source.user.0,
        &source.content,
        source.is_default,
        source.created_at.0,
    )
    .map(drop)
}

const OF_USER: &str = "SELECT id, account_id, user_id, content, is_default, created_at FROM billing_sources \
     WHERE account_id = $1 AND user_id = $2 ORDER BY created_at, id";

/// Somebody's cards, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Source>> {
    Ok(query_all!(conn, Row, OF_USER, account.as_str(), user.0)?.into_iter().map(Source::from).collect())
}

const MAKE_DEFAULT: &str =
    "UPDATE billing_sources SET is_default = (id = $1) WHERE account_id = $2 AND user_id = $3";

/// Makes one of somebody's cards the one that is charged.
///
/// # Errors
/// What the database says.
pub async fn make_default(tx: &mut Tx, account: &AccountId, user: UserId, id: &str) -> Result<()> {
    execute!(tx, MAKE_DEFAULT, id, account.as_str(), user.0).map(drop)
}

const DELETE: &str = "DELETE FROM billing_sources WHERE account_id = $1 AND user_id = $2 AND id = $3";

/// Deletes one of somebody's cards.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, user: UserId, id: &str) -> Result<()> {
    execute!(tx, DELETE, account.as_str(), user.0, id).map(drop)
}

const HEAR: &str = "INSERT INTO billing_events (account_id, id, received_at) VALUES ($1, $2, $3) \
     ON CONFLICT DO NOTHING";

/// Notes a message of the processor. Gives false when it was heard before.
///
/// # Errors
/// What the database says.
pub async fn hear(tx: &mut Tx, account: &AccountId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, HEAR, account.as_str(), id, at.0)? == 1)
}

const PURGE: &str = "DELETE FROM billing_events WHERE received_at < $1";

/// Forgets messages that are refused for their age by now.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<()> {
    execute!(tx, PURGE, before.0).map(drop)
}
