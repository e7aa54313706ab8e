//! Appointments: what only visits with a time have. The visit itself is in
//! `visits`, the time it takes in `bookings`.

use bedside_model::{AccountId, At, VisitId};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

const SET_SERIES: &str = "UPDATE visits SET series_id = $1 WHERE account_id = $2 AND id = $3";

/// Makes a visit one of a series.
///
/// # Errors
/// What the database says.
pub async fn set_series(tx: &mut Tx, account: &AccountId, visit: VisitId, series: &str) -> Result<()> {
    execute!(tx, SET_SERIES, series, account.as_str(), visit.0)?;
    Ok(())
}

const FOLLOWING: &str = "SELECT o.id FROM visits v JOIN visits o ON o.series_id = v.series_id \
     AND o.account_id = v.account_id WHERE v.account_id = $1 AND v.id = $2 \
     AND ($3 OR o.start_at >= v.start_at) AND o.status IN (10, 20) ORDER BY o.start_at, o.id";

/// The open visits of a visit's series: all of them, or those from it on. Empty
/// when it is in no series.
///
/// # Errors
/// What the database says.
pub async fn list_series(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    all: bool,
) -> Result<Vec<VisitId>> {
    let ids = scalars!(conn, i64, FOLLOWING, account.as_str(), visit.0, all)?;
    Ok(ids.into_iter().map(VisitId).collect())
}

#[derive(FromRow)]
struct Due {
    id: i64,
    account_id: String,
}

const DUE: &str = "SELECT id, account_id FROM visits WHERE type = 2 AND status IN (10, 20) AND missed_at IS NULL \
     AND arrived_at IS NULL AND end_at <= $1 ORDER BY end_at, id LIMIT $2";

/// Appointments that are over and that nobody came to or took, not noticed yet.
///
/// # Errors
/// What the database says.
pub async fn list_missed(conn: &mut Conn, now: At, limit: i64) -> Result<Vec<(AccountId, VisitId)>> {
    let rows = query_all!(conn, Due, DUE, now.0, limit)?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), VisitId(row.id))).collect())
}

const MARK: &str = "UPDATE visits SET missed_at = $1 WHERE account_id = $2 AND id = $3 AND missed_at IS NULL \
     AND status IN (10, 20) AND arrived_at IS NULL AND end_at <= $1";

/// Notices a missed appointment. Gives false when it is none (any more), or
/// was noticed before.
///
/// # Errors
/// What the database says.
pub async fn mark_missed(tx: &mut Tx, account: &AccountId, visit: VisitId, now: At) -> Result<bool> {
    Ok(execute!(tx, MARK, now.0, account.as_str(), visit.0)? > 0)
}
