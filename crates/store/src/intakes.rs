//! Intakes: their columns, and the sealed answers.

use bedside_model::{AccountId, At, IntakeId, RoomId, UserId, VisitId};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// An intake as it is kept; the answers stay sealed.
#[derive(Debug, Clone)]
pub struct Intake {
    /// UUIDv7.
    pub id: IntakeId,
    /// Whose account it is in.
    pub account: AccountId,
    /// The patient.
    pub member: UserId,
    /// Where they want to be seen.
    pub room: Option<RoomId>,
    /// By whom.
    pub provider: Option<UserId>,
    /// 1 walk-in, 2 scheduled; not checked against the visit.
    pub kind: i64,
    /// JSON of the answers, sealed.
    pub answers: Sealed,
    /// The visit that used it.
    pub visit: Option<VisitId>,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    member_id: i64,
    room_id: Option<i64>,
    provider_id: Option<i64>,
    #[sqlx(rename = "type")]
    kind: i64,
    answers: Sealed,
    visit_id: Option<i64>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Intake {
    fn from(row: Row) -> Self {
        Self {
            id: IntakeId(row.id),
            account: AccountId(row.account_id),
            member: UserId(row.member_id),
            room: row.room_id.map(RoomId),
            provider: row.provider_id.map(UserId),
            kind: row.kind,
            answers: row.answers,
            visit: row.visit_id.map(VisitId),
            version: row.version,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        }
    }
}

const ADD: &str = "INSERT INTO intakes (id, account_id, member_id, room_id, provider_id, type, answers, version, \
     created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Adds an intake. Its `visit` is not stored: the visit points to it.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, intake: &Intake) -> Result<()> {
    execute!(
        tx,
        ADD,
        intake.id.as_str(),
        intake.account.as_str(),
        intake.member.0,
        intake.room.map(|id| id.0),
        intake.provider.map(|id| id.0),
        intake.kind,
        &intake.answers,
        intake.version,
        intake.created_at.0,
        intake.updated_at.0,
    )?;
    Ok(())
}

const FIND: &str = "SELECT i.id, i.account_id, i.member_id, i.room_id, i.provider_id, i.type, i.answers, \
     v.id AS visit_id, i.version, i.created_at, i.updated_at \
     FROM intakes i LEFT JOIN visits v ON v.intake_id = i.id WHERE i.account_id = $1 AND i.id = $2";

/// The account's intake of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &IntakeId) -> Result<Option<Intake>> {
    Ok(query_opt!(conn, Row, FIND, account.as_str(), id.as_str())?.map(Intake::from))
}

const OF_VISIT: &str = "SELECT i.id, i.account_id, i.member_id, i.room_id, i.provider_id, i.type, i.answers, \
     v.id AS visit_id, i.version, i.created_at, i.updated_at \
     FROM intakes i JOIN visits v ON v.intake_id = i.id WHERE i.account_id = $1 AND v.account_id = $1 AND v.id = $2";

/// The intake that a visit was made of.
///
/// # Errors
/// What the database says.
pub async fn find_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Intake>> {
    Ok(query_opt!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.map(Intake::from))
}

const UPDATE: &str = "UPDATE intakes SET room_id = $1, provider_id = $2, type = $3, answers = $4, updated_at = $5, \
     version = version + 1 WHERE account_id = $6 AND id = $7 AND version = $8";

/// Writes a changed intake over the version it was read at. Gives false when
/// somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, intake: &Intake) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        intake.room.map(|id| id.0),
        intake.provider.map(|id| id.0),
        intake.kind,
        &intake.answers,
        intake.updated_at.0,
        intake.account.as_str(),
        intake.id.as_str(),
        intake.version,
    )?;
    Ok(touched == 1)
}
