//! Visits: the state that changes, and the queries around the queue. What the
//! API shows of a visit is joined in `visit_views`.

use bedside_model::{
    AccountId, At, IntakeId, RoomId, UserId, VisitId,
    visit::{CloseReason, Kind, Plan, State, Status, Subtype},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A visit to add.
#[derive(Debug, Clone)]
pub struct NewVisit {
    /// Whose account it is in.
    pub account: AccountId,
    /// Guest invite code, 32 hex.
    pub code: String,
    /// Where the patient waits.
    pub room: RoomId,
    /// The patient.
    pub member: UserId,
    /// Who makes it for somebody in their care.
    pub guardian: Option<UserId>,
    /// The answers it comes with.
    pub intake: IntakeId,
    /// What it is planned as.
    pub plan: Plan,
    /// Its first state.
    pub state: State,
    /// Length in minutes, as it is charged.
    pub duration_minutes: i64,
    /// Price in cents.
    pub amount_cents: i64,
    /// What was asked for.
    pub description: String,
    /// Which of the room's consultations that is.
    pub consultation: Option<String>,
    /// Name of its call.
    pub meeting: String,
    /// Digits for a telephone bridge.
    pub conference_pin: i64,
    /// Now.
    pub at: At,
}

/// What a decision about a visit needs.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Its number.
    pub id: VisitId,
    /// Whose account it is in.
    pub account: AccountId,
    /// Where the patient waits.
    pub room: RoomId,
    /// The patient.
    pub member: UserId,
    /// Who made it for the patient, who is in their care.
    pub guardian: Option<UserId>,
    /// Name of its call.
    pub meeting: String,
    /// Which of the room's consultations it was made for.
    pub consultation: Option<String>,
    /// What it is planned as.
    pub plan: Plan,
    /// Since when the patient waits.
    pub waiting_since_at: At,
    /// What staff wrote about it.
    pub remark: Option<Sealed>,
    /// Why it was handed over last.
    pub transfer_reason: Option<Sealed>,
    /// The state that changes.
    pub state: State,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    account_id: String,
    room_id: i64,
    member_id: i64,
    guardian_id: Option<i64>,
    #[sqlx(rename = "type")]
    kind: i64,
    subtype: i64,
    start_at: i64,
    end_at: i64,
    waiting_since_at: i64,
    meeting_id: String,
    consultation_id: Option<String>,
    remark: Option<Sealed>,
    transfer_reason: Option<Sealed>,
    status: i64,
    provider_id: Option<i64>,
    requested_provider_id: Option<i64>,
    arrived_at: Option<i64>,
    actual_start_at: Option<i64>,
    actual_end_at: Option<i64>,
    ended_by: Option<i64>,
    reason: Option<String>,
    version: i64,
}

impl TryFrom<Row> for Visit {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: VisitId(row.id),
            account: AccountId(row.account_id),
            room: RoomId(row.room_id),
            member: UserId(row.member_id),
            guardian: row.guardian_id.map(UserId),
            meeting: row.meeting_id,
            consultation: row.consultation_id,
            plan: plan(row.kind, row.subtype, row.start_at, row.end_at)?,
            waiting_since_at: At(row.waiting_since_at),
            remark: row.remark,
            transfer_reason: row.transfer_reason,
            state: State {
                status: Status::from_code(row.status).ok_or(Error::Value("visits.status"))?,
                provider: row.provider_id.map(UserId),
                requested_provider: row.requested_provider_id.map(UserId),
                arrived_at: row.arrived_at.map(At),
                actual_start_at: row.actual_start_at.map(At),
                actual_end_at: row.actual_end_at.map(At),
                ended_by: row.ended_by.map(UserId),
                reason: row.reason.as_deref().and_then(CloseReason::parse),
                version: row.version,
            },
        })
    }
}

pub(crate) fn plan(kind: i64, subtype: i64, start_at: i64, end_at: i64) -> Result<Plan> {
    Ok(Plan {
        kind: Kind::from_code(kind).ok_or(Error::Value("visits.type"))?,
        subtype: Subtype::from_code(subtype).ok_or(Error::Value("visits.subtype"))?,
        start_at: At(start_at),
        end_at: At(end_at),
    })
}

const ADD: &str = "INSERT INTO visits (account_id, code, room_id, member_id, requested_provider_id, intake_id, type, \
     subtype, status, start_at, end_at, waiting_since_at, duration_minutes, amount_cents, description, meeting_id, \
     version, guardian_id, conference_pin, consultation_id, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $12, $12) \
     RETURNING id";

/// Adds a visit.
///
/// # Errors
/// [`Error::Unique`] on `visits (intake_id)` when the intake was used already.
pub async fn add(tx: &mut Tx, visit: &NewVisit) -> Result<VisitId> {
    let id = scalar!(
        tx,
        i64,
        ADD,
        visit.account.as_str(),
        &visit.code,
        visit.room.0,
        visit.member.0,
        visit.state.requested_provider.map(|id| id.0),
        visit.intake.as_str(),
        visit.plan.kind.code(),
        visit.plan.subtype.code(),
        visit.state.status.code(),
        visit.plan.start_at.0,
        visit.plan.end_at.0,
        visit.at.0,
        visit.duration_minutes,
        visit.amount_cents,
        &visit.description,
        &visit.meeting,
        visit.state.version,
        visit.guardian.map(|id| id.0),
        visit.conference_pin,
        visit.consultation.as_deref(),
    )?;
    Ok(VisitId(id))
}

macro_rules! select_visits {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, room_id, member_id, guardian_id, type, subtype, start_at, end_at, \
             waiting_since_at, meeting_id, consultation_id, remark, transfer_reason, status, provider_id, requested_provider_id, \
             arrived_at, actual_start_at, actual_end_at, ended_by, reason, version FROM visits ",
            $rest
        )
    };
}

const FIND: &str = select_visits!("WHERE account_id = $1 AND id = $2");

/// The account's visit of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<Option<Visit>> {
    query_opt!(conn, Row, FIND, account.as_str(), id.0)?.map(Visit::try_from).transpose()
}

const BY_MEETING: &str = select_visits!("WHERE meeting_id = $1");

/// The visit whose call has this name.
///
/// # Errors
/// What the database says.
pub async fn find_by_meeting(conn: &mut Conn, meeting: &str) -> Result<Option<Visit>> {
    query_opt!(conn, Row, BY_MEETING, meeting)?.map(Visit::try_from).transpose()
}

const BY_INTAKE: &str = "SELECT id FROM visits WHERE account_id = $1 AND intake_id = $2";

/// The visit that used an intake.
///
/// # Errors
/// What the database says.
pub async fn find_by_intake(
    conn: &mut Conn,
    account: &AccountId,
    intake: &IntakeId,
) -> Result<Option<VisitId>> {
    Ok(scalar_opt!(conn, i64, BY_INTAKE, account.as_str(), intake.as_str())?.map(VisitId))
}

// The version decides races: of two changes to one state only the first finds
// its row. On Postgres the second waits for the first one's commit here.
const CHANGE: &str = "UPDATE visits SET status = $1, provider_id = $2, requested_provider_id = $3, \
     actual_start_at = $4, actual_end_at = $5, ended_by = $6, reason = $7, version = $8, updated_at = $9, \
     arrived_at = $12, room_id = $13, subtype = $14, start_at = $15, end_at = $16, waiting_since_at = $17, \
     remark = $18, transfer_reason = $19 \
     WHERE account_id = $10 AND id = $11 AND version = $8 - 1";

/// Writes the next form of a visit over the previous version: its state, plan,
/// room and texts. Gives false when somebody else was faster: read again and
/// decide anew.
///
/// # Errors
/// What the database says.
pub async fn change(tx: &mut Tx, next: &Visit, at: At) -> Result<bool> {
    let state = &next.state;
    let touched = execute!(
        tx,
        CHANGE,
        state.status.code(),
        state.provider.map(|id| id.0),
        state.requested_provider.map(|id| id.0),
        state.actual_start_at.map(|at| at.0),
        state.actual_end_at.map(|at| at.0),
        state.ended_by.map(|id| id.0),
        state.reason.map(CloseReason::as_str),
        state.version,
        at.0,
        next.account.as_str(),
        next.id.0,
        state.arrived_at.map(|at| at.0),
        next.room.0,
        next.plan.subtype.code(),
        next.plan.start_at.0,
        next.plan.end_at.0,
        next.waiting_since_at.0,
        &next.remark,
        &next.transfer_reason,
    )?;
    Ok(touched == 1)
}

const WAITING: &str = "SELECT id FROM visits WHERE account_id = $1 AND room_id = $2 AND member_id = $3 AND type = 1 \
     AND status IN (10, 20, 25) ORDER BY waiting_since_at LIMIT 1";

/// The walk-in with which a patient already waits (or is being seen) in a room.
///
/// # Errors
/// What the database says.
pub async fn find_waiting(
    conn: &mut Conn,
    account: &AccountId,
    room: RoomId,
    member: UserId,
) -> Result<Option<VisitId>> {
    Ok(scalar_opt!(conn, i64, WAITING, account.as_str(), room.0, member.0)?.map(VisitId))
}

const OPEN_OF: &str = "SELECT id FROM visits WHERE account_id = $1 AND (member_id = $2 OR guardian_id = $2) \
     AND status IN (10, 20, 25) ORDER BY waiting_since_at DESC LIMIT 1";

/// The newest open visit in any room of a patient, or of somebody for whom
/// they made it.
///
/// # Errors
/// What the database says.
pub async fn find_open_of(conn: &mut Conn, account: &AccountId, member: UserId) -> Result<Option<VisitId>> {
    Ok(scalar_opt!(conn, i64, OPEN_OF, account.as_str(), member.0)?.map(VisitId))
}

// Those who are there: walk-ins, and appointments whose patient has come.
const QUEUE_LENGTH: &str = "SELECT COUNT(*) FROM visits WHERE account_id = $1 AND room_id = $2 AND status IN (10, 20, 25) \
     AND status <> 25 AND (type = 1 OR arrived_at IS NOT NULL)";

/// How many wait in a room.
///
/// # Errors
/// What the database says.
pub async fn queue_length(conn: &mut Conn, account: &AccountId, room: RoomId) -> Result<i64> {
    scalar!(conn, i64, QUEUE_LENGTH, account.as_str(), room.0)
}

// Ahead of somebody who asked for a provider stand those who asked for the
// same one and came earlier; ahead of others, everybody who came earlier.
const AHEAD: &str = "SELECT COUNT(*) FROM visits o JOIN visits m ON m.account_id = $1 AND m.id = $2 \
     WHERE o.account_id = $1 AND o.room_id = m.room_id AND o.status IN (10, 20, 25) AND o.status <> 25 \
     AND (o.type = 1 OR o.arrived_at IS NOT NULL) AND (o.waiting_since_at, o.id) < (m.waiting_since_at, m.id) \
     AND (m.requested_provider_id IS NULL OR o.requested_provider_id = m.requested_provider_id)";

/// How many stand ahead of a waiting visit; 0 means next.
///
/// # Errors
/// What the database says.
pub async fn count_ahead(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<i64> {
    scalar!(conn, i64, AHEAD, account.as_str(), id.0)
}

const RECENT_WAITS: &str = "SELECT (actual_start_at - waiting_since_at) / 1000 FROM visits \
     WHERE room_id = $1 AND account_id = $2 AND type = 1 AND actual_start_at IS NOT NULL AND start_at > $3 \
     ORDER BY start_at DESC LIMIT 20";

/// How long the last (up to 20) walk-ins since `since` waited, in seconds.
///
/// # Errors
/// What the database says.
pub async fn recent_waits(conn: &mut Conn, account: &AccountId, room: RoomId, since: At) -> Result<Vec<i64>> {
    scalars!(conn, i64, RECENT_WAITS, room.0, account.as_str(), since.0)
}

const CLAIM_NODE: &str = "UPDATE visits \
     SET call_node = CASE WHEN call_node IS NULL OR call_node = $1 THEN $2 ELSE call_node END \
     WHERE account_id = $3 AND id = $4 RETURNING call_node";

/// Writes which node holds the visit's call, unless another one than `gone`,
/// which carries calls no more, does already. Gives the node that holds it now.
///
/// # Errors
/// What the database says.
pub async fn claim_node(
    tx: &mut Tx,
    account: &AccountId,
    id: VisitId,
    gone: Option<&str>,
    node: &str,
) -> Result<Option<String>> {
    scalar_opt!(tx, String, CLAIM_NODE, gone, node, account.as_str(), id.0)
}

const NODE: &str = "SELECT call_node FROM visits WHERE account_id = $1 AND id = $2 AND call_node IS NOT NULL";

/// The node that holds the visit's call, once somebody joined it.
///
/// # Errors
/// What the database says.
pub async fn find_node(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<Option<String>> {
    scalar_opt!(conn, String, NODE, account.as_str(), id.0)
}

const MEETINGS_OF: &str = "SELECT meeting_id FROM visits \
     WHERE account_id = $1 AND status = 25 AND (member_id = $2 OR provider_id = $2)";

/// Names of the calls in which somebody may be now.
///
/// # Errors
/// What the database says.
pub async fn list_meetings_of(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<String>> {
    scalars!(conn, String, MEETINGS_OF, account.as_str(), user.0)
}
