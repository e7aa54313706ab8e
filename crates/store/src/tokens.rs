//! Bearer tokens: access, refresh, admin, and one-time links. Only hashes.

use bedside_model::{
    AccountId, At, TokenId, UserId,
    user::{TokenKind, UserStatus, UserType},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A token and who it stands for: all that a request needs, in one read.
#[derive(Debug, Clone)]
pub struct Token {
    /// UUIDv7 of the row.
    pub id: TokenId,
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
    /// What the token is for.
    pub kind: TokenKind,
    /// When it ends; admin tokens do not.
    pub expires_at: Option<At>,
    /// Since when it does not count any more.
    pub revoked_at: Option<At>,
}

/// A token to add.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// UUIDv7.
    pub id: TokenId,
    /// Whose user it is.
    pub account: AccountId,
    /// The user it stands for.
    pub user: UserId,
    /// What the token is for.
    pub kind: TokenKind,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// What its maker calls it.
    pub name: String,
    /// Now.
    pub at: At,
    /// When it ends.
    pub expires_at: Option<At>,
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
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for Token {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: TokenId(row.id),
            account: AccountId(row.account_id),
            account_code: row.account_code,
            user: UserId(row.user_id),
            user_type: UserType::from_code(row.user_type).ok_or(Error::Value("users.type"))?,
            role: row.role,
            status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
            kind: TokenKind::parse(&row.kind).ok_or(Error::Value("tokens.kind"))?,
            expires_at: row.expires_at.map(At),
            revoked_at: row.revoked_at.map(At),
        })
    }
}

const ADD: &str = "INSERT INTO tokens (id, account_id, user_id, kind, hash, name, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds a token.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, token: &NewToken) -> Result<()> {
    execute!(
        tx,
        ADD,
        token.id.as_str(),
        token.account.as_str(),
        token.user.0,
        token.kind.as_str(),
        &token.hash[..],
        &token.name,
        token.at.0,
        token.expires_at.map(|at| at.0),
    )?;
    Ok(())
}

const BY_HASH: &str = "SELECT t.id, t.account_id, a.code AS account_code, t.user_id, u.type AS user_type, \
     u.role, u.status, t.kind, t.expires_at, t.revoked_at FROM tokens t \
     JOIN users u ON u.id = t.user_id JOIN accounts a ON a.id = t.account_id WHERE t.hash = $1";

/// The token of this hash, also when it has ended: the caller tells them apart.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Token>> {
    query_opt!(conn, Row, BY_HASH, hash)?.map(Token::try_from).transpose()
}

const REVOKE: &str =
    "UPDATE tokens SET revoked_at = $1 WHERE account_id = $2 AND id = $3 AND revoked_at IS NULL";

/// Ends a token. Gives false when somebody else has ended it: of two that use
/// a one-time token at once, one gets true.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx, account: &AccountId, id: &TokenId, at: At) -> Result<bool> {
    Ok(execute!(tx, REVOKE, at.0, account.as_str(), id.as_str())? > 0)
}

const REVOKE_KIND: &str = "UPDATE tokens SET revoked_at = $1 \
     WHERE account_id = $2 AND user_id = $3 AND kind = $4 AND revoked_at IS NULL";

/// Ends all of a user's tokens of one kind.
///
/// # Errors
/// What the database says.
pub async fn revoke_kind(
    tx: &mut Tx,
    account: &AccountId,
    user: UserId,
    kind: TokenKind,
    at: At,
) -> Result<()> {
    execute!(tx, REVOKE_KIND, at.0, account.as_str(), user.0, kind.as_str())?;
    Ok(())
}

const PURGE: &str = "DELETE FROM tokens WHERE expires_at < $1";

/// Deletes what ended before an instant. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}
