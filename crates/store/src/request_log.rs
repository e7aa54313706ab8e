//! The request log of an account: what its developers search when a call did
//! not do what they meant. No bodies, no values, no names; bounded in time and
//! number.

use bedside_model::{AccountId, At, UserId, VisitId};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A request to append.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Whose log it is in.
    pub account: AccountId,
    /// The request's identifier, as its answer has it.
    pub request_id: String,
    /// When it was answered.
    pub at: At,
    /// GET, POST, …
    pub method: String,
    /// The route's template.
    pub route: String,
    /// HTTP status; 0 when it was not answered in time, or nobody waited.
    pub status: i64,
    /// Stable name of the error; empty without one.
    pub error: String,
    /// Fields of the request that the error blames.
    pub fields: Vec<String>,
    /// Kind of the credential.
    pub credential: String,
    /// Its last four characters.
    pub hint: String,
    /// Who called.
    pub user: Option<UserId>,
    /// The visit that the path names.
    pub visit: Option<VisitId>,
    /// Microseconds until the answer's head.
    pub took_us: i64,
}

/// A request as it is kept.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its place in the log.
    pub n: i64,
    /// What happened.
    pub request: NewRequest,
    /// The portal's own identifier of the user who called.
    pub user_code: Option<String>,
}

#[derive(FromRow)]
struct Row {
    n: i64,
    account_id: String,
    request_id: String,
    at: i64,
    method: String,
    route: String,
    status: i64,
    error: String,
    fields: String,
    credential: String,
    hint: String,
    user_id: Option<i64>,
    visit_id: Option<i64>,
    took_us: i64,
    user_code: Option<String>,
}

impl TryFrom<Row> for Request {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            n: row.n,
            user_code: row.user_code,
            request: NewRequest {
                account: AccountId(row.account_id),
                request_id: row.request_id,
                at: At(row.at),
                method: row.method,
                route: row.route,
                status: row.status,
                error: row.error,
                fields: serde_json::from_str(&row.fields).map_err(|_| Error::Value("request_log.fields"))?,
                credential: row.credential,
                hint: row.hint,
                user: row.user_id.map(UserId),
                visit: row.visit_id.map(VisitId),
                took_us: row.took_us,
            },
        })
    }
}

const APPEND: &str = "INSERT INTO request_log (account_id, request_id, at, method, route, status, error, \
     fields, credential, hint, user_id, visit_id, took_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// Appends a request.
///
/// # Errors
/// What the database says.
pub async fn append(tx: &mut Tx, request: &NewRequest) -> Result<()> {
    let fields = serde_json::to_string(&request.fields).map_err(|_| Error::Value("request_log.fields"))?;
    execute!(
        tx,
        APPEND,
        request.account.as_str(),
        &request.request_id,
        request.at.0,
        &request.method,
        &request.route,
        request.status,
        &request.error,
        &fields,
        &request.credential,
        &request.hint,
        request.user.map(|id| id.0),
        request.visit.map(|id| id.0),
        request.took_us,
    )?;
    Ok(())
}

/// Which requests are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This request.
    pub request_id: Option<String>,
    /// Calls of this user.
    pub user: Option<UserId>,
    /// Calls about this visit: it is in the path, or they changed it.
    pub visit: Option<VisitId>,
    /// Answered with this status.
    pub status: Option<i64>,
    /// Answered with this error.
    pub error: Option<String>,
}

macro_rules! page {
    ($narrow:literal) => {
        concat!(
            "SELECT r.n, r.account_id, r.request_id, r.at, r.method, r.route, r.status, r.error, r.fields, \
             r.credential, r.hint, r.user_id, r.visit_id, r.took_us, u.code AS user_code FROM request_log r \
             LEFT JOIN users u ON u.id = r.user_id AND u.account_id = r.account_id \
             WHERE r.account_id = $1 AND r.n < $2 AND ",
            $narrow,
            " AND ($3 IS NULL OR r.request_id = $3) AND ($4 IS NULL OR r.user_id = $4) \
             AND ($5 IS NULL OR r.status = $5) AND ($6 IS NULL OR r.error = $6) ORDER BY r.n DESC LIMIT $7"
        )
    };
}

// One text per index that can lead. A visit's calls are those that name it, and
// those that the audit trail says changed it (the call that made it has no
// visit in its path).
const LIST: &str = page!("TRUE");
const OF_VISIT: &str = page!(
    "(r.visit_id = $8 OR r.request_id IN (SELECT a.request_id FROM audit_entries a \
      WHERE a.account_id = $1 AND a.object_kind = 'visit' AND a.object_id = $9))"
);

/// Requests that fit, newest first, below this place in the log.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Request>> {
    let request_id = filter.request_id.as_deref();
    let (user, error) = (filter.user.map(|id| id.0), filter.error.as_deref());
    let rows = match filter.visit {
        None => query_all!(
            conn,
            Row,
            LIST,
            account.as_str(),
            before,
            request_id,
            user,
            filter.status,
            error,
            limit
        )?,
        Some(visit) => query_all!(
            conn,
            Row,
            OF_VISIT,
            account.as_str(),
            before,
            request_id,
            user,
            filter.status,
            error,
            limit,
            visit.0,
            visit.to_string()
        )?,
    };
    rows.into_iter().map(Request::try_from).collect()
}

const OLD: &str = "DELETE FROM request_log WHERE n IN \
     (SELECT n FROM request_log WHERE at < $1 ORDER BY at LIMIT $2)";

/// Deletes requests from before, at most so many at a time. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At, limit: i64) -> Result<u64> {
    execute!(tx, OLD, before.0, limit)
}

const BEYOND: &str = "DELETE FROM request_log WHERE account_id = $1 AND n <= COALESCE( \
     (SELECT n FROM request_log WHERE account_id = $1 ORDER BY n DESC LIMIT 1 OFFSET $2), 0)";

/// Keeps an account's newest requests only.
///
/// # Errors
/// What the database says.
pub async fn keep_newest(tx: &mut Tx, account: &AccountId, keep: i64) -> Result<u64> {
    execute!(tx, BEYOND, account.as_str(), keep)
}
