//! Recordings of calls: their rows. What people said to them is in
//! `recordings/consents.rs`, the contents in `recordings/contents.rs`.

mod consents;
mod contents;

use bedside_model::{
    AccountId, At, RecordingId, UserId, VisitId,
    recording::{Reason, Status, Track},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

pub use consents::*;
pub use contents::*;

/// A recording as it is kept.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its number.
    pub id: RecordingId,
    /// Whose clinic.
    pub account: AccountId,
    /// Of which visit's call.
    pub visit: VisitId,
    /// How far it is.
    pub status: Status,
    /// Why nothing came of it.
    pub reason: Option<Reason>,
    /// Who asked for it; none: the room's setting.
    pub started_by: Option<UserId>,
    /// When people were asked.
    pub asked_at: At,
    /// When it began.
    pub started_at: Option<At>,
    /// When it ended.
    pub ended_at: Option<At>,
    /// When it could be played.
    pub ready_at: Option<At>,
    /// When it was deleted.
    pub deleted_at: Option<At>,
    /// How long it is, ms.
    pub length_ms: Option<i64>,
    /// Whose sound and picture is in it, and when.
    pub tracks: Vec<Track>,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    account_id: String,
    visit_id: i64,
    status: String,
    reason: String,
    started_by: Option<i64>,
    asked_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    ready_at: Option<i64>,
    deleted_at: Option<i64>,
    length_ms: Option<i64>,
    tracks: String,
}

impl TryFrom<Row> for Recording {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let reason = match row.reason.as_str() {
            "" => None,
            word => Some(Reason::parse(word).ok_or(Error::Value("recordings.reason"))?),
        };
        Ok(Self {
            id: RecordingId(row.id),
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            status: Status::parse(&row.status).ok_or(Error::Value("recordings.status"))?,
            reason,
            started_by: row.started_by.map(UserId),
            asked_at: At(row.asked_at),
            started_at: row.started_at.map(At),
            ended_at: row.ended_at.map(At),
            ready_at: row.ready_at.map(At),
            deleted_at: row.deleted_at.map(At),
            length_ms: row.length_ms,
            tracks: serde_json::from_str(&row.tracks).map_err(|_| Error::Value("recordings.tracks"))?,
        })
    }
}

fn all(rows: Vec<Row>) -> Result<Vec<Recording>> {
    rows.into_iter().map(Recording::try_from).collect()
}

const ADD: &str = "INSERT INTO recordings (account_id, visit_id, status, reason, started_by, asked_at, tracks, updated_at) \
     VALUES ($1, $2, 'asked', '', $3, $4, '[]', $4) RETURNING id";

/// Adds a recording that people are being asked about.
///
/// # Errors
/// [`Error::Unique`] while the visit has one that runs.
pub async fn add(
    tx: &mut Tx,
    account: &AccountId,
    visit: VisitId,
    started_by: Option<UserId>,
    at: At,
) -> Result<RecordingId> {
    let id = scalar!(tx, i64, ADD, account.as_str(), visit.0, started_by.map(|id| id.0), at.0)?;
    Ok(RecordingId(id))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, status, reason, started_by, asked_at, started_at, ended_at, ready_at, \
             deleted_at, length_ms, tracks FROM recordings WHERE ",
            $rest
        )
    };
}

const FIND: &str = select!("account_id = $1 AND id = $2");

/// The account's recording of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: RecordingId) -> Result<Option<Recording>> {
    query_opt!(conn, Row, FIND, account.as_str(), id.0)?.map(Recording::try_from).transpose()
}

const RUNNING: &str = select!(
    "account_id = $1 AND visit_id = $2 AND status IN ('asked', 'recording') ORDER BY id DESC LIMIT 1"
);

/// The recording that belongs to the visit's call now.
///
/// # Errors
/// What the database says.
pub async fn find_running(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Recording>> {
    query_opt!(conn, Row, RUNNING, account.as_str(), visit.0)?.map(Recording::try_from).transpose()
}

const OF_VISIT: &str = select!("account_id = $1 AND visit_id = $2 ORDER BY id");

/// All recordings of a visit, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Recording>> {
    all(query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?)
}

const OVER: &str =
    select!("account_id = $1 AND status IN ('ready', 'failed') AND ended_at < $2 ORDER BY ended_at LIMIT $3");

/// Recordings that ended before a moment, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_over(
    conn: &mut Conn,
    account: &AccountId,
    before: At,
    limit: i64,
) -> Result<Vec<Recording>> {
    all(query_all!(conn, Row, OVER, account.as_str(), before.0, limit)?)
}

// The house's own read: whose process died.
const CUT_OFF: &str = select!("status = 'recording' AND updated_at < $1 ORDER BY id LIMIT 1000");

/// Recordings of all clinics that run since before a moment.
///
/// # Errors
/// What the database says.
pub async fn list_cut_off(conn: &mut Conn, before: At) -> Result<Vec<Recording>> {
    all(query_all!(conn, Row, CUT_OFF, before.0)?)
}

const CHANGE: &str = "UPDATE recordings SET status = $1, reason = $2, started_at = $3, ended_at = $4, ready_at = $5, \
     deleted_at = $6, length_ms = $7, tracks = $8, updated_at = $9 WHERE account_id = $10 AND id = $11 AND status = $12";

/// Writes a recording anew, if it is still as far as `from`. False when
/// somebody else has moved it on.
///
/// # Errors
/// What the database says.
pub async fn change(tx: &mut Tx, next: &Recording, from: Status, at: At) -> Result<bool> {
    let tracks = serde_json::to_string(&next.tracks).map_err(|_| Error::Value("recordings.tracks"))?;
    let done = execute!(
        tx,
        CHANGE,
        next.status.as_str(),
        next.reason.map_or("", Reason::as_str),
        next.started_at.map(|at| at.0),
        next.ended_at.map(|at| at.0),
        next.ready_at.map(|at| at.0),
        next.deleted_at.map(|at| at.0),
        next.length_ms,
        &tracks,
        at.0,
        next.account.as_str(),
        next.id.0,
        from.as_str(),
    )?;
    Ok(done == 1)
}

const COUNT: &str = "SELECT COUNT(*) FROM recordings WHERE account_id = $1 AND visit_id = $2";

/// How many recordings a visit has, whatever became of them.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), visit.0)
}

/// Somebody came into the recorded call or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Who.
    pub user: UserId,
    /// They came; else they left.
    pub joined: bool,
    /// When.
    pub at: At,
}

const MARK: &str = "INSERT INTO recording_marks (id, account_id, recording_id, user_id, kind, at) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Writes that somebody came or left.
///
/// # Errors
/// What the database says.
pub async fn add_mark(
    tx: &mut Tx,
    id: &str,
    account: &AccountId,
    recording: RecordingId,
    mark: &Mark,
) -> Result<()> {
    let kind = if mark.joined { "joined" } else { "left" };
    execute!(tx, MARK, id, account.as_str(), recording.0, mark.user.0, kind, mark.at.0)?;
    Ok(())
}

#[derive(FromRow)]
struct MarkRow {
    user_id: i64,
    kind: String,
    at: i64,
}

const MARKS: &str = "SELECT user_id, kind, at FROM recording_marks WHERE account_id = $1 AND recording_id = $2 \
     ORDER BY at, id LIMIT 1000";

/// Who came and left, in order.
///
/// # Errors
/// What the database says.
pub async fn list_marks(conn: &mut Conn, account: &AccountId, recording: RecordingId) -> Result<Vec<Mark>> {
    let rows = query_all!(conn, MarkRow, MARKS, account.as_str(), recording.0)?;
    let mark =
        |row: MarkRow| Mark { user: UserId(row.user_id), joined: row.kind == "joined", at: At(row.at) };
    Ok(rows.into_iter().map(mark).collect())
}
