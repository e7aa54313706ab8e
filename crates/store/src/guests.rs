//! Guests of visits: their places at the door and inside.

use bedside_model::{
    AccountId, At, GuestId, UserId, VisitId,
    guest::{Place, Role, Status},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A guest's place as it is kept. Who the guest is stands on their user.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its identifier.
    pub id: GuestId,
    /// At whose visit.
    pub visit: VisitId,
    /// The one-time user.
    pub user: UserId,
    /// As what they come.
    pub role: Role,
    /// What was decided.
    pub place: Place,
    /// Counts the changes.
    pub version: i64,
    /// When they came.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    visit_id: i64,
    user_id: i64,
    role: String,
    status: String,
    decided_by: Option<i64>,
    version: i64,
    created_at: i64,
}

impl TryFrom<Row> for Guest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: GuestId(row.id),
            visit: VisitId(row.visit_id),
            user: UserId(row.user_id),
            role: Role::parse(&row.role).ok_or(Error::Value("visit_guests.role"))?,
            place: Place {
                status: Status::parse(&row.status).ok_or(Error::Value("visit_guests.status"))?,
                decided_by: row.decided_by.map(UserId),
            },
            version: row.version,
            created_at: At(row.created_at),
        })
    }
}

macro_rules! select_guests {
    ($rest:literal) => {
        concat!(
            "SELECT id, visit_id, user_id, role, status, decided_by, version, created_at FROM visit_guests ",
            $rest
        )
    };
}

/// A place to add.
#[derive(Debug, Clone)]
pub struct NewGuest {
    /// Its identifier.
    pub id: GuestId,
    /// Whose account.
    pub account: AccountId,
    /// At whose visit.
    pub visit: VisitId,
    /// The one-time user.
    pub user: UserId,
    /// As what they come.
    pub role: Role,
    /// Now.
    pub at: At,
}

const ADD: &str = "INSERT INTO visit_guests (id, account_id, visit_id, user_id, role, status, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";

/// Adds a place at the door.
///
/// # Errors
/// [`Error::Unique`] on `visit_guests (user_id)`.
pub async fn add(tx: &mut Tx, guest: &NewGuest) -> Result<()> {
    execute!(
        tx,
        ADD,
        guest.id.as_str(),
        guest.account.as_str(),
        guest.visit.0,
        guest.user.0,
        guest.role.as_str(),
        Place::NEW.status.as_str(),
        guest.at.0,
    )?;
    Ok(())
}

const FIND: &str = select_guests!("WHERE account_id = $1 AND visit_id = $2 AND id = $3");

/// A guest of a visit.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    id: &GuestId,
) -> Result<Option<Guest>> {
    query_opt!(conn, Row, FIND, account.as_str(), visit.0, id.as_str())?.map(Guest::try_from).transpose()
}

const OF_USER: &str = select_guests!("WHERE account_id = $1 AND user_id = $2");

/// The place of a one-time user, at whichever visit.
///
/// # Errors
/// What the database says.
pub async fn find_of_user(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Option<Guest>> {
    query_opt!(conn, Row, OF_USER, account.as_str(), user.0)?.map(Guest::try_from).transpose()
}

const OF_VISIT: &str = select_guests!("WHERE account_id = $1 AND visit_id = $2 ORDER BY created_at, id");

/// Everybody who ever came to a visit as a guest.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Guest>> {
    query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.into_iter().map(Guest::try_from).collect()
}

// The version decides races, as with visits.
const CHANGE: &str = "UPDATE visit_guests SET status = $1, decided_by = $2, decided_at = $3, updated_at = $3, \
     version = version + 1 WHERE account_id = $4 AND id = $5 AND version = $6";

/// Writes the next state over the version that was read. False: somebody else
/// was faster, read again.
///
/// # Errors
/// What the database says.
pub async fn change(tx: &mut Tx, account: &AccountId, guest: &Guest, next: Place, at: At) -> Result<bool> {
    let touched = execute!(
        tx,
        CHANGE,
        next.status.as_str(),
        next.decided_by.map(|id| id.0),
        at.0,
        account.as_str(),
        guest.id.as_str(),
        guest.version,
    )?;
    Ok(touched == 1)
}

#[derive(FromRow)]
struct Invitation {
    id: i64,
    account_id: String,
}

const BY_CODE: &str = "SELECT id, account_id FROM visits WHERE code = $1";

/// The visit of an invite code, in whichever account: the code is the key.
///
/// # Errors
/// What the database says.
pub async fn find_invitation(conn: &mut Conn, code: &str) -> Result<Option<(AccountId, VisitId)>> {
    let found = query_opt!(conn, Invitation, BY_CODE, code)?;
    Ok(found.map(|row| (AccountId(row.account_id), VisitId(row.id))))
}

// Takes the visit's row, so that two guests at once are counted one after the
// other (SQLite has one writer anyway).
const LOCK: &str = "UPDATE visits SET updated_at = updated_at WHERE account_id = $1 AND id = $2";

/// Makes other changes of this visit's guests wait for this one.
///
/// # Errors
/// What the database says.
pub async fn lock_visit(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<()> {
    execute!(tx, LOCK, account.as_str(), visit.0)?;
    Ok(())
}
