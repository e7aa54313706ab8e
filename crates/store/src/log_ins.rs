//! What log-ins leave behind: failed attempts, and where somebody is known.
//! Only hashes of names and addresses.

use bedside_model::{
    AccountId, At, UserId,
    log_in::{Failures, Tally},
    user::UserStatus,
};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

/// Hashes of who tries from where, in hex.
#[derive(Clone)]
pub struct Subjects {
    /// Of the login name.
    pub name: String,
    /// Of the client's address.
    pub address: String,
    /// Of both together.
    pub pair: String,
}

#[derive(FromRow)]
struct Row {
    subject: String,
    count: i64,
    last_at: i64,
    known_until: Option<i64>,
}

const TALLY: &str = "SELECT subject, count, last_at, known_until FROM log_in_failures \
     WHERE account_id = $1 AND subject IN ($2, $3, $4)";

/// What is remembered of somebody who tries.
///
/// # Errors
/// What the database says.
pub async fn tally(conn: &mut Conn, account: &AccountId, who: &Subjects) -> Result<Tally> {
    let rows = query_all!(conn, Row, TALLY, account.as_str(), &who.name, &who.address, &who.pair)?;
    let mut tally = Tally::default();
    for row in rows {
        let failures = Failures { count: row.count, last_at: At(row.last_at) };
        if row.subject == who.name {
            tally.name = failures;
        } else if row.subject == who.address {
            tally.address = failures;
        } else {
            tally.pair = failures;
            tally.known_until = row.known_until.map(At);
        }
    }
    Ok(tally)
}

const FAILED: &str = "INSERT INTO log_in_failures (account_id, subject, count, last_at) \
     VALUES ($1, $2, 1, $3) ON CONFLICT (account_id, subject) DO UPDATE SET last_at = $3, \
     count = CASE WHEN log_in_failures.last_at <= $4 THEN 1 ELSE log_in_failures.count + 1 END";

/// Counts one more failure; those before `forget_before` count no more.
///
/// # Errors
/// What the database says.
pub async fn failed(
    tx: &mut Tx,
    account: &AccountId,
    subject: &str,
    at: At,
    forget_before: At,
) -> Result<()> {
    execute!(tx, FAILED, account.as_str(), subject, at.0, forget_before.0)?;
    Ok(())
}

const CLEAR: &str = "DELETE FROM log_in_failures WHERE account_id = $1 AND subject = $2";
const KNOWN: &str = "INSERT INTO log_in_failures (account_id, subject, count, last_at, known_until) \
     VALUES ($1, $2, 0, $3, $4) ON CONFLICT (account_id, subject) DO UPDATE SET count = 0, last_at = $3, \
     known_until = $4";

/// Forgets the failures of a name, and remembers that it came from this
/// address.
///
/// # Errors
/// What the database says.
pub async fn succeeded(
    tx: &mut Tx,
    account: &AccountId,
    who: &Subjects,
    at: At,
    known_until: At,
) -> Result<()> {
    execute!(tx, CLEAR, account.as_str(), &who.name)?;
    execute!(tx, KNOWN, account.as_str(), &who.pair, at.0, known_until.0)?;
    Ok(())
}

const PURGE: &str = "DELETE FROM log_in_failures WHERE last_at < $1 \
     AND (known_until IS NULL OR known_until < $1)";

/// Deletes what was last touched before an instant and is known no more.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}

const VERIFIED: &str = "UPDATE users SET email_verified = TRUE, updated_at = $2, version = version + 1, \
     status = CASE WHEN status = $5 THEN $1 ELSE status END \
     WHERE account_id = $3 AND id = $4 AND (status = $5 OR NOT email_verified)";

/// Somebody showed that the e-mail address is theirs; an inactive user becomes
/// active by it.
///
/// # Errors
/// What the database says.
pub async fn verified(tx: &mut Tx, account: &AccountId, user: UserId, at: At) -> Result<()> {
    let (active, inactive) = (UserStatus::Active.code(), UserStatus::Inactive.code());
    execute!(tx, VERIFIED, active, at.0, account.as_str(), user.0, inactive)?;
    Ok(())
}

const NO_EMAILS: &str = "UPDATE users SET disable_emails = TRUE, updated_at = $1, version = version + 1 \
     WHERE account_id = $2 AND id = $3";

/// Stops e-mail notices to a user.
///
/// # Errors
/// What the database says.
pub async fn disable_emails(tx: &mut Tx, account: &AccountId, user: UserId, at: At) -> Result<()> {
    execute!(tx, NO_EMAILS, at.0, account.as_str(), user.0)?;
    Ok(())
}
