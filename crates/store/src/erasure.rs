//! Deleting an account and everything in it, a bounded piece at a time.
//!
//! Which tables have rows of an account is asked of the database itself, so
//! that a new table cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use bedside_model::{AccountId, At};
use sqlx::{AssertSqlSafe, FromRow};

use crate::{Conn, Error, Result, Tx, conn::Engine};

/// Rows deleted per transaction.
const BATCH: u64 = 500;

/// Credentials go first, whatever refers to what, so that nobody comes in.
const FIRST: [&str; 3] = ["api_keys", "tokens", "sessions"];

/// What stands in the place of a destroyed data key.
const NO_KEY: &[u8] = &[];

const BEGIN: &str = "UPDATE accounts SET data_key = $1, code = 'erased:' || code, name = '', portal_title = '', \
     portal_name = '', portal_return_url = '', return_origins = '[]', domain = '', cors_origins = '[]', \
     embed_origins = '[]', \
     sso_enabled = FALSE, erased_at = $2, \
     updated_at = $2, version = version + 1 WHERE id = $3 AND erased_at IS NULL";

/// Destroys an account's data key and takes its code away. From here on there
/// is no way back, and nothing sealed can ever be read again.
///
/// # Errors
/// [`Error::Unique`] while another account of that code is still being deleted.
pub async fn begin(tx: &mut Tx, account: &AccountId, at: At) -> Result<()> {
    execute!(tx, BEGIN, NO_KEY, at.0, account.as_str()).map(drop)
}

const FIND: &str = "SELECT id FROM accounts WHERE code = 'erased:' || $1 AND erased_at IS NOT NULL";

/// The account of this code whose deletion has begun.
///
/// # Errors
/// What the database says.
pub async fn find_begun(conn: &mut Conn, code: &str) -> Result<Option<AccountId>> {
    Ok(scalar_opt!(conn, String, FIND, code)?.map(AccountId))
}

const LIVING: &str = "SELECT id FROM accounts WHERE erased_at IS NULL";

/// Every account that is not being deleted.
///
/// # Errors
/// What the database says.
pub async fn living(conn: &mut Conn) -> Result<BTreeSet<AccountId>> {
    Ok(scalars!(conn, String, LIVING)?.into_iter().map(AccountId).collect())
}

const SQLITE_TABLES: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
     WHERE m.type = 'table' AND p.name = 'account_id'";
const POSTGRES_TABLES: &str = "SELECT table_name::text FROM information_schema.columns \
     WHERE table_schema = current_schema() AND column_name = 'account_id'";
const SQLITE_REFERENCES: &str = "SELECT m.name AS child, f.\"table\" AS parent FROM sqlite_master m \
     JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT c.relname::text AS child, p.relname::text AS parent FROM pg_constraint k \
     JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid \
     WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace";

#[derive(FromRow)]
struct Reference {
    child: String,
    parent: String,
}

/// The tables with rows of accounts, whatever refers to others before those.
///
/// # Errors
/// [`Error::Value`] when tables refer to each other in a circle.
pub async fn tables(conn: &mut Conn) -> Result<Vec<String>> {
    let (tables, references) = if conn.is_postgres() {
        (POSTGRES_TABLES, POSTGRES_REFERENCES)
    } else {
        (SQLITE_TABLES, SQLITE_REFERENCES)
    };
    let mut left: BTreeSet<String> = scalars!(conn, String, tables)?.into_iter().collect();
    let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Reference { child, parent } in query_all!(conn, Reference, references)? {
        if child != parent && left.contains(&child) {
            children.entry(parent).or_default().insert(child);
        }
    }
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |table: &String| children.get(table).is_none_or(|children| children.is_disjoint(&left));
        let mut free: Vec<String> = left.iter().filter(|table| is_free(table)).cloned().collect();
        free.sort_by_key(|table| !FIRST.contains(&table.as_str()));
        if free.is_empty() {
            return Err(Error::Value("the references between tables: they form a circle"));
        }
        left.retain(|table| !free.contains(table));
        order.append(&mut free);
    }
    order.sort_by_key(|table| !FIRST.contains(&table.as_str()));
    Ok(order)
}

/// Deletes up to some hundred rows of an account from a table that [`tables`]
/// named. Gives how many there were; fewer than [`is_full`] says means all.
///
/// # Errors
/// [`Error::Foreign`] when rows of another table still refer to them.
pub async fn delete_some(tx: &mut Tx, table: &str, account: &AccountId) -> Result<u64> {
    // The name comes from the database's own list of tables, quoted.
    let name = table.replace('"', "\"\"");
    match tx.engine() {
        Engine::Sqlite(conn) => {
            let sql = format!(
                "DELETE FROM \"{name}\" WHERE rowid IN \
                 (SELECT rowid FROM \"{name}\" WHERE account_id = $1 ORDER BY rowid DESC LIMIT {BATCH})"
            );
            let done = sqlx::query(AssertSqlSafe(sql)).bind(account.as_str()).execute(conn).await;
            Ok(done.map_err(Error::from)?.rows_affected())
        }
        Engine::Postgres(conn) => {
            let sql = format!(
                "DELETE FROM \"{name}\" WHERE ctid = ANY(ARRAY \
                 (SELECT ctid FROM \"{name}\" WHERE account_id = $1 LIMIT {BATCH}))"
            );
            let done = sqlx::query(AssertSqlSafe(sql)).bind(account.as_str()).execute(conn).await;
            Ok(done.map_err(Error::from)?.rows_affected())
        }
    }
}

/// May there be more rows after this many were deleted?
#[must_use]
pub const fn is_full(deleted: u64) -> bool {
    deleted >= BATCH
}

const DELETE: &str = "DELETE FROM accounts WHERE id = $1 AND erased_at IS NOT NULL";

/// Deletes what came in behind the walk, and the account itself.
///
/// # Errors
/// [`Error::Foreign`] when rows came in even now: the same call again.
pub async fn end(tx: &mut Tx, tables: &[String], account: &AccountId) -> Result<()> {
    for table in tables {
        while is_full(delete_some(tx, table, account).await?) {}
    }
    execute!(tx, DELETE, account.as_str()).map(drop)
}

const OVERWRITE: &str = "PRAGMA secure_delete = ON";

/// From now on this process overwrites what it deletes from a SQLite file,
/// also where that costs further writes.
///
/// # Errors
/// What the database says.
pub async fn overwrite(tx: &mut Tx) -> Result<()> {
    if !tx.is_postgres() {
        scalar!(tx, i64, OVERWRITE)?;
    }
    Ok(())
}
