//! Tries of deliveries: what was sent, what came back.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// One try.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// Of which delivery.
    pub delivery: String,
    /// When it began.
    pub at: At,
    /// The answer's status.
    pub status: Option<i64>,
    /// Why there was none.
    pub error: Option<String>,
    /// What was sent, besides the body.
    pub request_headers: Vec<(String, String)>,
    /// What came back.
    pub response_headers: Vec<(String, String)>,
    /// What came back, cut.
    pub response_body: String,
    /// From the call to the answer's end.
    pub took_ms: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    delivery_id: String,
    at: i64,
    status: Option<i64>,
    error: Option<String>,
    request_headers: String,
    response_headers: String,
    response_body: String,
    took_ms: i64,
}

impl TryFrom<Row> for Attempt {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let headers =
            |text: &str| serde_json::from_str(text).map_err(|_| Error::Value("webhook_attempts.headers"));
        Ok(Self {
            request_headers: headers(&row.request_headers)?,
            response_headers: headers(&row.response_headers)?,
            id: row.id,
            account: AccountId(row.account_id),
            delivery: row.delivery_id,
            at: At(row.at),
            status: row.status,
            error: row.error,
            response_body: row.response_body,
            took_ms: row.took_ms,
        })
    }
}

const ADD: &str = "INSERT INTO webhook_attempts (id, account_id, delivery_id, at, status, error, request_headers, \
     response_headers, response_body, took_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 \
     WHERE EXISTS (SELECT 1 FROM webhook_deliveries WHERE account_id = $2 AND id = $3)";

/// Adds a try, unless its delivery was deleted meanwhile.
///
/// # Errors
/// What the database says.
pub async fn add_attempt(tx: &mut Tx, attempt: &Attempt) -> Result<()> {
    let headers = |of: &[(String, String)]| {
        serde_json::to_string(of).map_err(|_| Error::Value("webhook_attempts.headers"))
    };
    // Postgres knows no zero byte in a text.
    let body = attempt.response_body.replace('\0', "\u{fffd}");
    execute!(
        tx,
        ADD,
        &attempt.id,
        attempt.account.as_str(),
        &attempt.delivery,
        attempt.at.0,
        attempt.status,
        attempt.error.as_deref(),
        headers(&attempt.request_headers)?,
        headers(&attempt.response_headers)?,
        &body,
        attempt.took_ms,
    )
    .map(drop)
}

const LIST: &str = "SELECT id, account_id, delivery_id, at, status, error, request_headers, response_headers, \
     response_body, took_ms FROM webhook_attempts WHERE account_id = $1 AND delivery_id = $2 \
     ORDER BY id DESC LIMIT $3";

/// A delivery's tries, newest first.
///
/// # Errors
/// What the database says.
pub async fn list_attempts(
    conn: &mut Conn,
    account: &AccountId,
    delivery: &str,
    limit: i64,
) -> Result<Vec<Attempt>> {
    let rows = query_all!(conn, Row, LIST, account.as_str(), delivery, limit)?;
    rows.into_iter().map(Attempt::try_from).collect()
}
