//! Jobs: work to be done after a change, appended in its transaction.
//!
//! A job is claimed for a while (a lease) and then finished, which deletes it,
//! or put off. A worker that dies lets its lease run out, and another takes
//! the job again: jobs must be repeatable.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, dialect};

/// A job to append.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// UUIDv7.
    pub id: String,
    /// The clinic it is for; none for the house's own.
    pub account: Option<AccountId>,
    /// Which runner takes it.
    pub kind: String,
    /// What the runner needs to know: identifiers, no private data.
    pub payload: serde_json::Value,
    /// Not before.
    pub run_at: At,
    /// At most one waiting job has this key.
    pub unique_key: Option<String>,
    /// Now.
    pub at: At,
}

/// A claimed job.
#[derive(Debug, Clone)]
pub struct Job {
    /// UUIDv7.
    pub id: String,
    /// The clinic it is for.
    pub account: Option<AccountId>,
    /// Which runner takes it.
    pub kind: String,
    /// What the runner needs to know.
    pub payload: serde_json::Value,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    /// When it was due.
    pub run_at: At,
    /// Its key, if it has one.
    pub unique_key: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: Option<String>,
    kind: String,
    payload: String,
    attempts: i64,
    run_at: i64,
    unique_key: Option<String>,
}

impl TryFrom<Row> for Job {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: row.account_id.map(AccountId),
            kind: row.kind,
            payload: serde_json::from_str(&row.payload).map_err(|_| Error::Value("jobs.payload"))?,
            attempts: row.attempts,
            run_at: At(row.run_at),
            unique_key: row.unique_key,
        })
    }
}

const ENQUEUE: &str = "INSERT INTO jobs (id, account_id, kind, payload, run_at, unique_key, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (unique_key) DO NOTHING";

/// Appends a job. Gives false when one with this key waits already.
///
/// # Errors
/// What the database says.
pub async fn enqueue(tx: &mut Tx, job: &NewJob) -> Result<bool> {
    let touched = execute!(
        tx,
        ENQUEUE,
        &job.id,
        job.account.as_ref().map(AccountId::as_str),
        &job.kind,
        job.payload.to_string(),
        job.run_at.0,
        job.unique_key.as_deref(),
        job.at.0,
    )?;
    Ok(touched > 0)
}

const ANY_DUE: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE run_at <= $1 \
     AND (locked_until IS NULL OR locked_until <= $1) LIMIT 1) AS due";

/// Is there anything to claim? A read, so that looking costs no write.
///
/// # Errors
/// What the database says.
pub async fn any_due(conn: &mut Conn, now: At) -> Result<bool> {
    Ok(scalar!(conn, i64, ANY_DUE, now.0)? > 0)
}

/// Claims up to `limit` due jobs until `lease_ends`, oldest first.
///
/// # Errors
/// What the database says.
pub async fn claim(tx: &mut Tx, now: At, lease_ends: At, limit: i64) -> Result<Vec<Job>> {
    let sql = dialect::claim_jobs(tx);
    let rows = query_all!(tx, Row, sql, now.0, lease_ends.0, limit)?;
    let mut jobs = rows.into_iter().map(Job::try_from).collect::<Result<Vec<_>>>()?;
    // RETURNING promises no order.
    jobs.sort_by(|a, b| (a.run_at, &a.id).cmp(&(b.run_at, &b.id)));
    Ok(jobs)
}

const FINISH: &str = "DELETE FROM jobs WHERE id = $1 AND attempts = $2";

/// Deletes a done job, unless another worker has claimed it since.
///
/// # Errors
/// What the database says.
pub async fn finish(tx: &mut Tx, job: &Job) -> Result<bool> {
    Ok(execute!(tx, FINISH, &job.id, job.attempts)? > 0)
}

const PUT_OFF: &str = "UPDATE jobs SET run_at = $1, locked_until = NULL, last_error = $2 \
     WHERE id = $3 AND attempts = $4";

/// Puts a job off, saying why. The reason must hold no private data.
///
/// # Errors
/// What the database says.
pub async fn put_off(tx: &mut Tx, job: &Job, run_at: At, reason: Option<&str>) -> Result<bool> {
    Ok(execute!(tx, PUT_OFF, run_at.0, reason, &job.id, job.attempts)? > 0)
}

const HOLD: &str = "UPDATE jobs SET locked_until = $1 WHERE id = $2 AND attempts = $3";

/// Keeps a claimed job for longer. False when another worker has it now.
///
/// # Errors
/// What the database says.
pub async fn hold(tx: &mut Tx, job: &Job, lease_ends: At) -> Result<bool> {
    Ok(execute!(tx, HOLD, lease_ends.0, &job.id, job.attempts)? > 0)
}

const WAITING: &str = "SELECT id, account_id, kind, payload, attempts, run_at, unique_key FROM jobs \
     WHERE kind = $1 ORDER BY run_at, id";

/// The jobs of a kind that wait or run.
///
/// # Errors
/// What the database says.
pub async fn waiting(conn: &mut Conn, kind: &str) -> Result<Vec<Job>> {
    query_all!(conn, Row, WAITING, kind)?.into_iter().map(Job::try_from).collect()
}
