//! Audit entries: who did what to which object, appended in the change's own
//! transaction. How they are chained soon after is in `audit_chain`.

use bedside_model::{AccountId, At, UserId};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// An entry to append.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// UUIDv7.
    pub id: String,
    /// Whose trail it is in.
    pub account: AccountId,
    /// Who acted; none for the system and for anonymous callers.
    pub user: Option<UserId>,
    /// `anonymous | api_key | admin_token | token | session | link | system`.
    pub credential: &'static str,
    /// The right that allowed it: action, seat and relation.
    pub granted: String,
    /// The client's network address; empty for the system.
    pub address: String,
    /// The operation, `noun.verb`.
    pub action: &'static str,
    /// The noun of the object.
    pub object_kind: &'static str,
    /// Its identifier.
    pub object_id: String,
    /// The request that caused it, if one did.
    pub request_id: String,
    /// When.
    pub at: At,
    /// How many like acts the entry stands for (coalesced reads).
    pub count: i64,
    /// What it says beyond that, sealed.
    pub detail: Option<Sealed>,
}

const APPEND: &str = "INSERT INTO audit_entries \
     (id, account_id, user_id, credential, action, object_kind, object_id, request_id, at, count, granted, address, \
      detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// Appends an entry to the change it tells of.
///
/// # Errors
/// What the database says.
pub async fn append(tx: &mut Tx, entry: &NewEntry) -> Result<()> {
    execute!(
        tx,
        APPEND,
        &entry.id,
        entry.account.as_str(),
        entry.user.map(|id| id.0),
        entry.credential,
        entry.action,
        entry.object_kind,
        &entry.object_id,
        &entry.request_id,
        entry.at.0,
        entry.count,
        &entry.granted,
        &entry.address,
        &entry.detail,
    )?;
    Ok(())
}

/// An entry as it is kept.
#[derive(Debug, Clone, FromRow)]
pub struct Entry {
    /// Orders entries of the same moment.
    pub n: i64,
    /// UUIDv7.
    pub id: String,
    /// Who acted; none for the system and for anonymous callers.
    pub user_id: Option<i64>,
    /// What they showed.
    pub credential: String,
    /// The right that allowed it; empty in entries of older versions.
    pub granted: String,
    /// From where; empty for the system and in entries of older versions.
    pub address: String,
    /// The operation.
    pub action: String,
    /// The noun of the object.
    pub object_kind: String,
    /// Its identifier.
    pub object_id: String,
    /// The request that caused it.
    pub request_id: String,
    /// When, in milliseconds.
    pub at: i64,
    /// How many like acts it stands for.
    pub count: i64,
    /// Its place in the account's chain, once it has one.
    pub chain: Option<i64>,
    /// What it says beyond that, sealed.
    pub detail: Option<Sealed>,
}

/// Which entries are wanted.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Acts of this user.
    pub user: Option<UserId>,
    /// Acts on this kind of object.
    pub object_kind: Option<String>,
    /// Acts on the object of this identifier.
    pub object_id: Option<String>,
    /// This operation.
    pub action: Option<String>,
    /// Not before.
    pub from: At,
    /// Before.
    pub until: At,
}

macro_rules! filtered {
    ($what:literal, $narrow:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM audit_entries WHERE account_id = $1 AND ",
            $narrow,
            " AND ($2 IS NULL OR user_id = $2) AND ($3 IS NULL OR object_kind = $3) \
             AND ($4 IS NULL OR object_id = $4) AND ($5 IS NULL OR action = $5) AND at >= $6 AND at < $7",
            $rest
        )
    };
}
macro_rules! page {
    ($narrow:literal) => {
        filtered!(
            "n, id, user_id, credential, granted, address, action, object_kind, object_id, request_id, at, count, chain, detail",
            $narrow,
            " AND (at < $8 OR (at = $8 AND n < $9)) ORDER BY at DESC, n DESC LIMIT $10"
        )
    };
}

// One text per index that can lead.
const LIST: &str = page!("TRUE");
const LIST_OF_USER: &str = page!("user_id = $2");
const LIST_OF_OBJECT: &str = page!("object_kind = $3 AND object_id = $4");

/// Entries that fit, newest first, after the one of this instant and number.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: &Filter,
    (at, n): (At, i64),
    limit: i64,
) -> Result<Vec<Entry>> {
    let sql = match (filter.user, &filter.object_kind, &filter.object_id) {
        (_, Some(_), Some(_)) => LIST_OF_OBJECT,
        (Some(_), _, _) => LIST_OF_USER,
        _ => LIST,
    };
    query_all!(
        conn,
        Entry,
        sql,
        account.as_str(),
        filter.user.map(|id| id.0),
        filter.object_kind.as_deref(),
        filter.object_id.as_deref(),
        filter.action.as_deref(),
        filter.from.0,
        filter.until.0,
        at.0,
        n,
        limit,
    )
}

const TOTAL: &str = filtered!("COUNT(*)", "TRUE", "");
const TOTAL_OF_USER: &str = filtered!("COUNT(*)", "user_id = $2", "");
const TOTAL_OF_OBJECT: &str = filtered!("COUNT(*)", "object_kind = $3 AND object_id = $4", "");

/// How many entries fit.
///
/// # Errors
/// What the database says.
pub async fn total(conn: &mut Conn, account: &AccountId, filter: &Filter) -> Result<i64> {
    let sql = match (filter.user, &filter.object_kind, &filter.object_id) {
        (_, Some(_), Some(_)) => TOTAL_OF_OBJECT,
        (Some(_), _, _) => TOTAL_OF_USER,
        _ => TOTAL,
    };
    scalar!(
        conn,
        i64,
        sql,
        account.as_str(),
        filter.user.map(|id| id.0),
        filter.object_kind.as_deref(),
        filter.object_id.as_deref(),
        filter.action.as_deref(),
        filter.from.0,
        filter.until.0,
    )
}

const COUNT: &str =
    "SELECT COUNT(*) FROM audit_entries WHERE account_id = $1 AND action = $2 AND object_id = $3";

/// How many entries tell of an action on an object.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, action: &str, object_id: &str) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), action, object_id)
}
