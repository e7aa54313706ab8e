//! The few places where SQLite and Postgres differ: how they name their
//! errors, and statements that one of them lacks.

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

use crate::{Error, Result, Tx};

/// Postgres: one key for the advisory lock around migrations.
pub(crate) const PG_MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(4851907365121)";

const PG_SEQUENCER_LOCK: &str = "SELECT pg_advisory_xact_lock(4851907365122)";

/// Lets one transaction at a time number events and chain audit entries. On
/// SQLite the single writer does that already.
pub(crate) async fn lock_sequencer(tx: &mut Tx) -> Result<()> {
    if tx.is_postgres() {
        execute!(tx, PG_SEQUENCER_LOCK)?;
    }
    Ok(())
}

const PG_LOCK_USER: &str = "SELECT id FROM users WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE";

/// Holds a user's row until the transaction ends. On SQLite the single writer
/// does that already.
pub(crate) async fn lock_user(tx: &mut Tx, account: &str, user: i64) -> Result<()> {
    if tx.is_postgres() {
        scalar_opt!(tx, i64, PG_LOCK_USER, account, user)?;
    }
    Ok(())
}

const PG_LOCK_ACCOUNT: &str = "SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE";

/// Holds an account's row until the transaction ends. On SQLite the single
/// writer does that already.
pub(crate) async fn lock_account(tx: &mut Tx, account: &str) -> Result<()> {
    if tx.is_postgres() {
        scalar_opt!(tx, String, PG_LOCK_ACCOUNT, account)?;
    }
    Ok(())
}

macro_rules! claim_jobs {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET locked_until = $2, attempts = attempts + 1 WHERE id IN ( \
             SELECT id FROM jobs WHERE run_at <= $1 AND (locked_until IS NULL OR locked_until <= $1) \
             ORDER BY run_at, id LIMIT $3",
            $lock,
            ") RETURNING id, account_id, kind, payload, attempts, run_at, unique_key"
        )
    };
}

/// Claims due jobs; on Postgres workers step over each other's rows.
pub(crate) fn claim_jobs(tx: &Tx) -> &'static str {
    if tx.is_postgres() { claim_jobs!(" FOR UPDATE SKIP LOCKED") } else { claim_jobs!("") }
}

macro_rules! claim_deliveries {
    ($lock:literal) => {
        concat!(
            "UPDATE webhook_deliveries SET locked_until = $3, claims = claims + 1 WHERE n IN ( \
             SELECT d.n FROM webhook_deliveries d WHERE d.webhook_id = $1 AND d.state = 'waiting' AND d.next_at <= $2 \
             AND (d.locked_until IS NULL OR d.locked_until <= $2) \
             AND (d.visit_id IS NULL OR d.tries > 0 OR NOT EXISTS ( \
                 SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.visit_id = d.visit_id \
                 AND e.n < d.n AND e.state = 'waiting' AND e.tries = 0)) \
             ORDER BY d.next_at, d.n LIMIT $4",
            $lock,
            ") RETURNING n, id, account_id, webhook_id, event_id, seq, type, body, state, tries, claims, next_at, \
             created_at, settled_at"
        )
    };
}

/// Claims due deliveries of an endpoint; on Postgres workers step over each
/// other's rows.
pub(crate) fn claim_deliveries(tx: &Tx) -> &'static str {
    if tx.is_postgres() { claim_deliveries!(" FOR UPDATE OF d SKIP LOCKED") } else { claim_deliveries!("") }
}

/// What a database's error means to us; `None` when nothing in particular.
pub(crate) fn classify(error: &(dyn DatabaseError + 'static)) -> Option<Error> {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        postgres(error)
    } else if error.try_downcast_ref::<SqliteError>().is_some() {
        sqlite(error.code()?.parse().ok()?, error.message())
    } else {
        None
    }
}

/// Extended result codes: <https://www.sqlite.org/rescode.html>.
fn sqlite(code: i32, message: &str) -> Option<Error> {
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    const ROWID: i32 = 2579;
    const FOREIGN_KEY: i32 = 787;
    const TRIGGER: i32 = 1811;
    match code {
        UNIQUE | PRIMARY_KEY | ROWID => Some(sqlite_unique(message)),
        FOREIGN_KEY => Some(Error::Foreign),
        TRIGGER => Some(Error::Raised { code: message.to_owned() }),
        // The low byte is the primary code.
        other => match other & 0xff {
            5 | 6 => Some(Error::Busy),
            8 => Some(Error::ReadOnly),
            11 | 26 => Some(Error::Corrupt),
            13 => Some(Error::Full),
            _ => None,
        },
    }
}

/// `UNIQUE constraint failed: users.account_id, users.code`
fn sqlite_unique(message: &str) -> Error {
    let list = message.rsplit_once(": ").map_or("", |(_, list)| list);
    let mut table = "";
    let columns: Vec<&str> = list
        .split(", ")
        .map(|item| match item.split_once('.') {
            Some((of, column)) => {
                table = of;
                column
            }
            None => item,
        })
        .collect();
    Error::Unique { table: table.to_owned(), columns: columns.join(", ") }
}

/// SQLSTATE codes: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn postgres(error: &PgDatabaseError) -> Option<Error> {
    match error.code() {
        "23505" => Some(Error::Unique {
            table: error.table().unwrap_or_default().to_owned(),
            columns: error.detail().map(postgres_key).unwrap_or_default().to_owned(),
        }),
        "23503" => Some(Error::Foreign),
        "23P01" => Some(Error::Raised { code: error.constraint().unwrap_or_default().to_owned() }),
        "P0001" => Some(Error::Raised { code: error.message().to_owned() }),
        "40001" | "40P01" | "55P03" | "53300" => Some(Error::Busy),
        "53100" => Some(Error::Full),
        "25006" => Some(Error::ReadOnly),
        "57014" => Some(Error::Timeout),
        "57P01" | "57P02" | "57P03" => Some(Error::Closed),
        _ => None,
    }
}

/// `Key (account_id, code)=(…) already exists.`; the values stay unread.
fn postgres_key(detail: &str) -> &str {
    detail.strip_prefix("Key (").and_then(|rest| rest.split_once(")=")).map_or("", |(columns, _)| columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_name_a_unique_constraint_alike() {
        let error = sqlite(2067, "UNIQUE constraint failed: users.account_id, users.code");
        assert!(error.is_some_and(|e| e.is_unique("users", "account_id, code")));
        assert_eq!(postgres_key("Key (account_id, code)=(a, b)=(c) already exists."), "account_id, code");
    }

    #[test]
    fn extended_codes_fall_back_to_the_primary_one() {
        assert!(matches!(sqlite(517, "database is locked"), Some(Error::Busy)));
        assert!(matches!(sqlite(13, "database or disk is full"), Some(Error::Full)));
        assert!(matches!(sqlite(1032, "attempt to write"), Some(Error::ReadOnly)));
        assert!(sqlite(1, "no such table").is_none());
    }
}
