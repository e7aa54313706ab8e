//! Identifiers: what other systems call our users and visits.

use std::collections::HashMap;

use bedside_model::{AccountId, At, UserId, VisitId, identifier::Identifier};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

/// What has identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A person.
    User(UserId),
    /// A visit.
    Visit(VisitId),
}

impl Owner {
    const fn user(self) -> Option<i64> {
        match self {
            Self::User(id) => Some(id.0),
            Self::Visit(_) => None,
        }
    }

    const fn visit(self) -> Option<i64> {
        match self {
            Self::User(_) => None,
            Self::Visit(id) => Some(id.0),
        }
    }
}

const CLEAR: &str = "DELETE FROM identifiers WHERE account_id = $1 AND \
     (user_id = CAST($2 AS BIGINT) OR visit_id = CAST($3 AS BIGINT))";

/// Takes all identifiers of something away.
///
/// # Errors
/// What the database says.
pub async fn clear(tx: &mut Tx, account: &AccountId, owner: Owner) -> Result<()> {
    execute!(tx, CLEAR, account.as_str(), owner.user(), owner.visit()).map(drop)
}

const ADD: &str = "INSERT INTO identifiers (id, account_id, user_id, visit_id, system, value, position, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds an identifier under a number of its own (`UUIDv7`).
///
/// # Errors
/// [`crate::Error::Unique`] on `account_id, system, value` when something else
/// of the kind is called so.
pub async fn add(
    tx: &mut Tx,
    (account, owner): (&AccountId, Owner),
    id: &str,
    identifier: &Identifier,
    position: i64,
    at: At,
) -> Result<()> {
    execute!(
        tx,
        ADD,
        id,
        account.as_str(),
        owner.user(),
        owner.visit(),
        &identifier.system,
        &identifier.value,
        position,
        at.0,
    )
    .map(drop)
}

#[derive(FromRow)]
struct Row {
    owner: i64,
    system: String,
    value: String,
}

impl From<Row> for Identifier {
    fn from(row: Row) -> Self {
        Self { system: row.system, value: row.value }
    }
}

const OF_USERS_SQLITE: &str = "SELECT user_id AS owner, system, value FROM identifiers \
     WHERE account_id = $1 AND user_id IN (SELECT value FROM json_each($2)) ORDER BY user_id, position";
const OF_USERS_POSTGRES: &str = "SELECT user_id AS owner, system, value FROM identifiers WHERE account_id = $1 \
     AND user_id IN (SELECT CAST(jsonb_array_elements_text(CAST($2 AS JSONB)) AS BIGINT)) ORDER BY user_id, position";
const OF_VISITS_SQLITE: &str = "SELECT visit_id AS owner, system, value FROM identifiers \
     WHERE account_id = $1 AND visit_id IN (SELECT value FROM json_each($2)) ORDER BY visit_id, position";
const OF_VISITS_POSTGRES: &str = "SELECT visit_id AS owner, system, value FROM identifiers WHERE account_id = $1 \
     AND visit_id IN (SELECT CAST(jsonb_array_elements_text(CAST($2 AS JSONB)) AS BIGINT)) ORDER BY visit_id, position";

/// The identifiers of several things, by their numbers.
pub type Known = HashMap<i64, Vec<Identifier>>;

async fn known(conn: &mut Conn, sql: &'static str, account: &AccountId, ids: &[i64]) -> Result<Known> {
    if ids.is_empty() {
        return Ok(Known::new());
    }
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    let rows = query_all!(conn, Row, sql, account.as_str(), format!("[{}]", list.join(",")))?;
    let mut known = Known::new();
    for row in rows {
        known.entry(row.owner).or_default().push(row.into());
    }
    Ok(known)
}

/// What these users are called elsewhere, in one statement.
///
/// # Errors
/// What the database says.
pub async fn list_of_users(conn: &mut Conn, account: &AccountId, ids: &[i64]) -> Result<Known> {
    let sql = if conn.is_postgres() { OF_USERS_POSTGRES } else { OF_USERS_SQLITE };
    known(conn, sql, account, ids).await
}

/// What these visits are called elsewhere, in one statement.
///
/// # Errors
/// What the database says.
pub async fn list_of_visits(conn: &mut Conn, account: &AccountId, ids: &[i64]) -> Result<Known> {
    let sql = if conn.is_postgres() { OF_VISITS_POSTGRES } else { OF_VISITS_SQLITE };
    known(conn, sql, account, ids).await
}

const USERS: &str = "SELECT user_id FROM identifiers WHERE account_id = $1 AND value = $2 \
     AND (CAST($3 AS TEXT) IS NULL OR system = $3) AND user_id IS NOT NULL ORDER BY user_id LIMIT $4";

/// The users whom another system (or any) calls so, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn find_users(
    conn: &mut Conn,
    account: &AccountId,
    (system, value): (Option<&str>, &str),
    limit: i64,
) -> Result<Vec<i64>> {
    scalars!(conn, i64, USERS, account.as_str(), value, system, limit)
}

const VISITS: &str = "SELECT visit_id FROM identifiers WHERE account_id = $1 AND value = $2 \
     AND (CAST($3 AS TEXT) IS NULL OR system = $3) AND visit_id IS NOT NULL ORDER BY visit_id LIMIT $4";

/// The visits that another system (or any) calls so, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn find_visits(
    conn: &mut Conn,
    account: &AccountId,
    (system, value): (Option<&str>, &str),
    limit: i64,
) -> Result<Vec<i64>> {
    scalars!(conn, i64, VISITS, account.as_str(), value, system, limit)
}
