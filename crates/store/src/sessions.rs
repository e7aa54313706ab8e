//! Sessions: the logins of pages, one cookie per kind of person.

use bedside_model::{
    AccountId, At, SessionId, UserId,
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
}

impl TryFrom<Row> for Session {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: SessionId(row.id),
            account: AccountId(row.account_id),
            account_code: row.account_code,
            user: UserId(row.user_id),
            user_type: UserType::from_code(row.user_type).ok_or(Error::Value("users.type"))?,
            role: row.role,
            status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
            kind: SessionKind::parse(&row.kind).ok_or(Error::Value("sessions.kind"))?,
            options: serde_json::from_str(&row.options).map_err(|_| Error::Value("sessions.options"))?,
            expires_at: At(row.expires_at),
        })
    }
}

const ADD: &str = "INSERT INTO sessions (id, account_id, user_id, kind, hash, options, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

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
        session.at.0,
        session.expires_at.0,
    )?;
    Ok(())
}

const BY_HASH: &str = "SELECT s.id, s.account_id, a.code AS account_code, s.user_id, u.type AS user_type, \
     u.role, u.status, s.kind, s.options, s.expires_at FROM sessions s \
     JOIN users u ON u.id = s.user_id JOIN accounts a ON a.id = s.account_id WHERE s.hash = $1";

/// The session of this hash, also when it has ended.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Session>> {
    query_opt!(conn, Row, BY_HASH, hash)?.map(Session::try_from).transpose()
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
