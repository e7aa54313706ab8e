//! Who is in the calls of visits, as it was told.

use bedside_model::{AccountId, At, UserId, VisitId};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

/// One connection of a person to a visit's call.
#[derive(Debug, Clone)]
pub struct CallPeer {
    /// Whose clinic.
    pub account: AccountId,
    /// Which visit.
    pub visit: VisitId,
    /// The cluster's name of the connection; at our own node the person's.
    pub sid: String,
    /// Who.
    pub user: UserId,
    /// When it was heard of.
    pub joined_at: At,
    /// When it was told to be over; none while it lasts.
    pub left_at: Option<At>,
}

#[derive(FromRow)]
struct Row {
    account_id: String,
    visit_id: i64,
    sid: String,
    user_id: i64,
    joined_at: i64,
    left_at: Option<i64>,
}

impl From<Row> for CallPeer {
    fn from(row: Row) -> Self {
        Self {
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            sid: row.sid,
            user: UserId(row.user_id),
            joined_at: At(row.joined_at),
            left_at: row.left_at.map(At),
        }
    }
}

const LOCK: &str = "UPDATE visits SET call_node = call_node WHERE account_id = $1 AND id = $2";

/// Makes whoever else hears of the visit's call wait until this change is made.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<()> {
    execute!(tx, LOCK, account.as_str(), visit.0).map(drop)
}

const LIST: &str = "SELECT account_id, visit_id, sid, user_id, joined_at, left_at FROM call_peers \
     WHERE account_id = $1 AND visit_id = $2 ORDER BY joined_at, sid";

/// Every connection to a visit's call that was ever told of.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<CallPeer>> {
    let rows = query_all!(conn, Row, LIST, account.as_str(), visit.0)?;
    Ok(rows.into_iter().map(CallPeer::from).collect())
}

const SET: &str = "INSERT INTO call_peers (visit_id, sid, account_id, user_id, joined_at, left_at) \
     VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (visit_id, sid) DO UPDATE SET joined_at = excluded.joined_at, left_at = excluded.left_at";

/// Writes a connection, or whether one that is known still lasts.
///
/// # Errors
/// What the database says.
pub async fn set(tx: &mut Tx, peer: &CallPeer) -> Result<()> {
    let (account, left) = (peer.account.as_str(), peer.left_at.map(|at| at.0));
    execute!(tx, SET, peer.visit.0, &peer.sid, account, peer.user.0, peer.joined_at.0, left).map(drop)
}

const WATCHED: &str = "SELECT meeting_id FROM visits \
     WHERE call_node = $1 AND (status = 25 OR updated_at >= $2) \
     UNION \
     SELECT v.meeting_id FROM call_peers p JOIN visits v ON v.id = p.visit_id AND v.account_id = p.account_id \
     WHERE p.left_at IS NULL AND v.call_node = $1 \
     ORDER BY meeting_id";

/// Names of the calls that a node may be carrying, of all clinics: those of
/// visits in progress, of visits that changed since then, and those that
/// somebody has not left yet.
///
/// # Errors
/// What the database says.
pub async fn list_watched(conn: &mut Conn, node: &str, since: At) -> Result<Vec<String>> {
    scalars!(conn, String, WATCHED, node, since.0)
}

const PURGE: &str = "DELETE FROM call_peers WHERE left_at < $1";

/// Forgets connections that ended before then.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}
