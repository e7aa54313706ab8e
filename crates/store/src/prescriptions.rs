//! Prescriptions. What one says never changes; it can be taken back.

use bedside_model::{AccountId, At, UserId, VisitId, prescription::Status};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A prescription as it is kept.
#[derive(Debug, Clone)]
pub struct Prescription {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Of which visit.
    pub visit: VisitId,
    /// For whom.
    pub user: UserId,
    /// By whom.
    pub prescriber: UserId,
    /// Does it count?
    pub status: Status,
    /// What it says, sealed for `prescriptions.content:<id>`.
    pub content: Sealed,
    /// Why it was taken back, sealed for `prescriptions.reason:<id>`.
    pub reason: Option<Sealed>,
    /// When it was taken back.
    pub cancelled_at: Option<At>,
    /// When it was written.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    visit_id: i64,
    user_id: i64,
    prescriber_id: i64,
    status: String,
    content: Sealed,
    reason: Option<Sealed>,
    cancelled_at: Option<i64>,
    created_at: i64,
}

impl TryFrom<Row> for Prescription {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            user: UserId(row.user_id),
            prescriber: UserId(row.prescriber_id),
            status: Status::parse(&row.status).ok_or(Error::Value("prescriptions.status"))?,
            content: row.content,
            reason: row.reason,
            cancelled_at: row.cancelled_at.map(At),
            created_at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO prescriptions (id, account_id, visit_id, user_id, prescriber_id, status, content, \
     created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds a prescription.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, prescription: &Prescription) -> Result<()> {
    execute!(
        tx,
        ADD,
        &prescription.id,
        prescription.account.as_str(),
        prescription.visit.0,
        prescription.user.0,
        prescription.prescriber.0,
        prescription.status.as_str(),
        &prescription.content,
        prescription.created_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, user_id, prescriber_id, status, content, reason, cancelled_at, \
             created_at FROM prescriptions WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select!("AND id = $2");

/// The account's prescription of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Prescription>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Prescription::try_from).transpose()
}

const OF_VISIT: &str = select!("AND visit_id = $2 ORDER BY created_at, id");

/// A visit's prescriptions, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Prescription>> {
    let rows = query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?;
    rows.into_iter().map(Prescription::try_from).collect()
}

const OF_USER: &str = select!("AND user_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3");

/// Somebody's prescriptions, the newest first.
///
/// # Errors
/// What the database says.
pub async fn of_user(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    limit: i64,
) -> Result<Vec<Prescription>> {
    let rows = query_all!(conn, Row, OF_USER, account.as_str(), user.0, limit)?;
    rows.into_iter().map(Prescription::try_from).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM prescriptions WHERE account_id = $1 AND visit_id = $2";

/// How many prescriptions a visit has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), visit.0)
}

const CANCEL: &str = "UPDATE prescriptions SET status = 'cancelled', reason = $1, cancelled_by = $2, \
     cancelled_at = $3 WHERE account_id = $4 AND id = $5 AND status = 'active'";

/// Takes a prescription back. False when it is taken back already.
///
/// # Errors
/// What the database says.
pub async fn cancel(
    tx: &mut Tx,
    account: &AccountId,
    id: &str,
    reason: &Sealed,
    by: (UserId, At),
) -> Result<bool> {
    Ok(execute!(tx, CANCEL, reason, by.0.0, by.1.0, account.as_str(), id)? > 0)
}
