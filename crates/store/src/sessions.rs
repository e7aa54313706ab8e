//! Sessions: the logins of pages, one cookie per kind of person.

use bedside_model::{
    AccountId, At, SessionId, UserId,
    session::Idle,
    user::{SessionKind, SessionOptions, UserStatus, UserType},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A session and who it stands for: all that a request needs, in one read.
#[derive(Debug, Clone)]
pub struct Session {
    /// UUIDv7 of the row.
    pub id: SessionId,
    /// Whose user it is.
    pub account: AccountId,
    /// That clinic's code.
    pub account_code: String,
    /// The user it stands for.
    pub user: UserId,
    /// What kind of user that is.
    pub user_type: UserType,
    /// The user's extra right, or empty.
    pub role: String,
    /// May the user act?
    pub status: UserStatus,
    /// Which pages it is for.
    pub kind: SessionKind,
    /// What the portal asked of the pages.
    pub options: SessionOptions,
    /// When it ends.
    pub expires_at: At,
    /// What decides whether it is locked.
    pub idle: Idle,
}

/// A session in the list of somebody's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// UUIDv7 of the row.
    pub id: SessionId,
    /// Which pages it is for.
    pub kind: SessionKind,
    /// "Chrome on Windows", or empty.
    pub device: String,
    /// When it began.
    pub created_at: At,
    /// When it ends.
    pub expires_at: At,
    /// What decides whether it is locked.
    pub idle: Idle,
}

/// A session to add.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// UUIDv7.
    pub id: SessionId,
    /// Whose user it is.
    pub account: AccountId,
    /// The user it stands for.
    pub user: UserId,
    /// Which pages it is for.
    pub kind: SessionKind,
    /// SHA-256 of the cookie's value.
    pub hash: Vec<u8>,
    /// What the portal asked of the pages.
    pub options: SessionOptions,
    /// "Chrome on Windows", or empty.
    pub device: String,
    /// Now.
    pub at: At,
    /// When it ends.
    pub expires_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    account_code: String,
    user_id: i64,
    user_type: i64,
    role: String,
    status: i64,
    kind: String,
    options: String,
    expires_at: i64,
    last_used_at: Option<i64>,
    locked_at: Option<i64>,
    idle_minutes: i64,
}

fn kind(word: &str) -> Result<SessionKind> {
    SessionKind::parse(word).ok_or(Error::Value("sessions.kind"))
}

impl TryFrom<Row> for Session {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let kind = kind(&row.kind)?;
        let idle = Idle {
            kind,
            minutes: row.idle_minutes,
            last_used_at: row.last_used_at.map(At),
            locked_at: row.locked_at.map(At),
        };
        Ok(Self {
            id: SessionId(row.id),
            account: AccountId(row.account_id),
            account_code: row.account_code,
            user: UserId(row.user_id),
            user_type: UserType::from_code(row.user_type).ok_or(Error::Value("users.type"))?,
            role: row.role,
            status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
            kind,
            options: serde_json::from_str(&row.options).map_err(|_| Error::Value("sessions.options"))?,
            expires_at: At(row.expires_at),
            idle,
        })
    }
}

const ADD: &str = "INSERT INTO sessions (id, account_id, user_id, kind, hash, options, device, created_at, \
     last_used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)";

/// Adds a session.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, session: &NewSession) -> Result<()> {
    let options = serde_json::to_string(&session.options).map_err(|_| Error::Value("sessions.options"))?;
    execute!(
        tx,
        ADD,
        session.id.as_str(),
        session.account.as_str(),
        session.user.0,
        session.kind.as_str(),
        &session.hash[..],
        &options,
        &session.device,
        session.at.0,
        session.expires_at.0,
    )?;
    Ok(())
}

const BY_HASH: &str = "SELECT s.id, s.account_id, a.code AS account_code, s.user_id, u.type AS user_type, \
     u.role, u.status, s.kind, s.options, s.expires_at, s.last_used_at, s.locked_at, a.idle_minutes \
     FROM sessions s \
     JOIN users u ON u.id = s.user_id JOIN accounts a ON a.id = s.account_id WHERE s.hash = $1";

/// The session of this hash, also when it has ended.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Session>> {
    query_opt!(conn, Row, BY_HASH, hash)?.map(Session::try_from).transpose()
}

#[derive(FromRow)]
struct ViewRow {
    id: String,
    kind: String,
    device: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    locked_at: Option<i64>,
    idle_minutes: i64,
}

impl TryFrom<ViewRow> for SessionView {
    type Error = Error;

    fn try_from(row: ViewRow) -> Result<Self> {
        let kind = kind(&row.kind)?;
        Ok(Self {
            id: SessionId(row.id),
            kind,
            device: row.device,
            created_at: At(row.created_at),
            expires_at: At(row.expires_at),
            idle: Idle {
                kind,
                minutes: row.idle_minutes,
                last_used_at: row.last_used_at.map(At),
                locked_at: row.locked_at.map(At),
            },
        })
    }
}

const OF_USER: &str = "SELECT s.id, s.kind, s.device, s.created_at, s.expires_at, s.last_used_at, s.locked_at, \
     a.idle_minutes FROM sessions s JOIN accounts a ON a.id = s.account_id \
     WHERE s.account_id = $1 AND s.user_id = $2 AND s.expires_at > $3 ORDER BY s.created_at DESC, s.id DESC LIMIT $4";

/// A user's sessions that have not ended, the newest first.
///
/// # Errors
/// What the database says.
pub async fn of_user(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    now: At,
    most: i64,
) -> Result<Vec<SessionView>> {
    let rows = query_all!(conn, ViewRow, OF_USER, account.as_str(), user.0, now.0, most)?;
    rows.into_iter().map(SessionView::try_from).collect()
}

const USED: &str = "UPDATE sessions SET last_used_at = $1 WHERE account_id = $2 AND id = $3 \
     AND (last_used_at IS NULL OR last_used_at < $1)";

/// A page of the session asked something.
///
/// # Errors
/// What the database says.
pub async fn used(tx: &mut Tx, account: &AccountId, id: &SessionId, at: At) -> Result<()> {
    execute!(tx, USED, at.0, account.as_str(), id.as_str())?;
    Ok(())
}

const LOCK: &str =
    "UPDATE sessions SET locked_at = $1 WHERE account_id = $2 AND id = $3 AND locked_at IS NULL";

/// Locks a session. False when it was locked already.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, id: &SessionId, at: At) -> Result<bool> {
    Ok(execute!(tx, LOCK, at.0, account.as_str(), id.as_str())? == 1)
}

const UNLOCK: &str =
    "UPDATE sessions SET locked_at = NULL, last_used_at = $1 WHERE account_id = $2 AND id = $3";

/// Opens a locked session again.
///
/// # Errors
/// What the database says.
pub async fn unlock(tx: &mut Tx, account: &AccountId, id: &SessionId, at: At) -> Result<bool> {
    Ok(execute!(tx, UNLOCK, at.0, account.as_str(), id.as_str())? == 1)
}

const DELETE_ONE: &str = "DELETE FROM sessions WHERE account_id = $1 AND user_id = $2 AND id = $3";

/// Ends one of a user's sessions. False when the user has no such session.
///
/// # Errors
/// What the database says.
pub async fn delete_one(tx: &mut Tx, account: &AccountId, user: UserId, id: &SessionId) -> Result<bool> {
    Ok(execute!(tx, DELETE_ONE, account.as_str(), user.0, id.as_str())? == 1)
}

const DELETE: &str = "DELETE FROM sessions WHERE account_id = $1 AND id = $2";

/// Ends a session.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: &SessionId) -> Result<()> {
    execute!(tx, DELETE, account.as_str(), id.as_str())?;
    Ok(())
}

const DELETE_OF_USER: &str = "DELETE FROM sessions WHERE account_id = $1 AND user_id = $2";

/// Ends all of a user's sessions (a new password was set).
///
/// # Errors
/// What the database says.
pub async fn delete_of_user(tx: &mut Tx, account: &AccountId, user: UserId) -> Result<()> {
    execute!(tx, DELETE_OF_USER, account.as_str(), user.0)?;
    Ok(())
}

const PURGE: &str = "DELETE FROM sessions WHERE expires_at < $1";

/// Deletes what ended before an instant. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}
