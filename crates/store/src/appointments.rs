//! Appointments: what only visits with a time have. The visit itself is in
//! `visits`, the time it takes in `bookings`.

use bedside_model::{
    AccountId, At, UserId, VisitId,
    availability::BookingRules,
    user::{UserStatus, UserType},
    visit::{Plan, Status},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx, rooms, visits};

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

const SET_LINK: &str = "UPDATE visits SET link_hash = $1, link = $2 WHERE account_id = $3 AND id = $4";

/// Gives a visit the link that opens it without a login: what it is found by,
/// and the sealed text of it.
///
/// # Errors
/// [`Error::Unique`] on `visits (link_hash)`.
pub async fn set_link(
    tx: &mut Tx,
    account: &AccountId,
    visit: VisitId,
    hash: &[u8],
    sealed: &Sealed,
) -> Result<()> {
    execute!(tx, SET_LINK, hash, sealed, account.as_str(), visit.0)?;
    Ok(())
}

const LINK: &str = "SELECT link FROM visits WHERE account_id = $1 AND id = $2";

/// The sealed link of a visit, if it has one.
///
/// # Errors
/// What the database says.
pub async fn find_link(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Sealed>> {
    Ok(scalar_opt!(conn, Option<Sealed>, LINK, account.as_str(), visit.0)?.flatten())
}

#[derive(FromRow)]
struct LinkedRow {
    id: i64,
    account_id: String,
    code: String,
    status: i64,
    member_id: i64,
    member_type: i64,
    member_status: i64,
}

/// What a link opens, and for whom.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The visit.
    pub visit: VisitId,
    /// Whose account it is in.
    pub account: AccountId,
    /// The clinic's code.
    pub account_code: String,
    /// How the visit stands.
    pub status: Status,
    /// Its patient.
    pub member: UserId,
    /// Of what type.
    pub member_type: UserType,
    /// May they act?
    pub member_status: UserStatus,
}

const BY_LINK: &str = "SELECT v.id, v.account_id, a.code, v.status, v.member_id, m.type AS member_type, \
     m.status AS member_status FROM visits v JOIN accounts a ON a.id = v.account_id \
     JOIN users m ON m.id = v.member_id WHERE v.link_hash = $1 AND a.erased_at IS NULL";

/// The visit whose link has this hash.
///
/// # Errors
/// What the database says.
pub async fn find_by_link(conn: &mut Conn, hash: &[u8]) -> Result<Option<Linked>> {
    let Some(row) = query_opt!(conn, LinkedRow, BY_LINK, hash)? else { return Ok(None) };
    Ok(Some(Linked {
        visit: VisitId(row.id),
        account: AccountId(row.account_id),
        account_code: row.code,
        status: Status::from_code(row.status).ok_or(Error::Value("visits.status"))?,
        member: UserId(row.member_id),
        member_type: UserType::from_code(row.member_type).ok_or(Error::Value("users.type"))?,
        member_status: UserStatus::from_code(row.member_status).ok_or(Error::Value("users.status"))?,
    }))
}

#[derive(FromRow)]
struct CurrentRow {
    id: i64,
    #[sqlx(rename = "type")]
    kind: i64,
    subtype: i64,
    start_at: i64,
    end_at: i64,
    status: i64,
    arrived_at: Option<i64>,
    settings: String,
}

/// A visit that its patient may wait for or be in now.
#[derive(Debug, Clone)]
pub struct Current {
    /// Its number.
    pub id: VisitId,
    /// What it is planned as.
    pub plan: Plan,
    /// Somebody waits in it already, or it runs.
    pub is_here: bool,
    /// What its room wants of bookings.
    pub booking: BookingRules,
}

// The own before those of a child, and walk-ins before the rest. Of the
// appointments of the next day the room's start window decides.
const CURRENT_OF: &str = "SELECT v.id, v.type, v.subtype, v.start_at, v.end_at, v.status, v.arrived_at, r.settings \
     FROM visits v JOIN rooms r ON r.id = v.room_id \
     WHERE v.account_id = $1 AND (v.member_id = $2 OR v.guardian_id = $2) \
     AND (v.status = 25 OR (v.status IN (10, 20) AND (v.type <> 2 OR v.arrived_at IS NOT NULL \
          OR (v.start_at <= $3 AND v.end_at > $4)))) \
     ORDER BY CASE WHEN v.member_id = $2 THEN 0 ELSE 1 END, CASE WHEN v.type = 1 THEN 0 ELSE 1 END, \
     CASE WHEN v.status = 25 THEN 0 ELSE 1 END, v.waiting_since_at DESC, v.id DESC LIMIT 100";

/// The visits that a patient, or somebody they brought, waits for, is in, or
/// has an appointment for before `until`, in the order in which one of them is
/// the present one.
///
/// # Errors
/// What the database says.
pub async fn list_current_of(
    conn: &mut Conn,
    account: &AccountId,
    member: UserId,
    until: At,
    now: At,
) -> Result<Vec<Current>> {
    let rows = query_all!(conn, CurrentRow, CURRENT_OF, account.as_str(), member.0, until.0, now.0)?;
    let read = |row: CurrentRow| {
        let status = Status::from_code(row.status).ok_or(Error::Value("visits.status"))?;
        Ok(Current {
            id: VisitId(row.id),
            plan: visits::plan(row.kind, row.subtype, row.start_at, row.end_at)?,
            is_here: status == Status::InProgress || row.arrived_at.is_some(),
            booking: rooms::booking_rules(&row.settings)?,
        })
    };
    rows.into_iter().map(read).collect()
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

const FORGET: &str = "UPDATE visits SET missed_at = NULL WHERE account_id = $1 AND id = $2";

/// Forgets that an appointment was missed: it has another time now, and can be
/// missed again.
///
/// # Errors
/// What the database says.
pub async fn forget_missed(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<()> {
    execute!(tx, FORGET, account.as_str(), visit.0).map(drop)
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
