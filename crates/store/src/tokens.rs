//! Bearer tokens: access, refresh, admin, and one-time links. Only hashes.

use bedside_model::{
    AccountId, AppId, At, TokenId, UserId,
    scope::Scopes,
    user::{TokenKind, UserStatus, UserType},
};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result, Tx,
    api_apps::{scopes, words},
};

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
    /// What both an admin token and its app are limited to.
    pub scopes: Scopes,
    /// When it ends; admin tokens do not.
    pub expires_at: Option<At>,
    /// Since when it does not count any more.
    pub revoked_at: Option<At>,
    /// The log-in it descends from.
    pub family: Option<String>,
    /// What its maker calls it.
    pub name: String,
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
    /// The log-in it descends from.
    pub family: Option<String>,
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
    scopes: String,
    app_scopes: Option<String>,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    family: Option<String>,
    name: String,
}

impl TryFrom<Row> for Token {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let of_app = row.app_scopes.as_deref().map_or(Ok(Scopes::ALL), scopes)?;
        Ok(Self {
            id: TokenId(row.id),
            account: AccountId(row.account_id),
            account_code: row.account_code,
            user: UserId(row.user_id),
            user_type: UserType::from_code(row.user_type).ok_or(Error::Value("users.type"))?,
            role: row.role,
            status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
            kind: TokenKind::parse(&row.kind).ok_or(Error::Value("tokens.kind"))?,
            scopes: scopes(&row.scopes)?.and(of_app),
            expires_at: row.expires_at.map(At),
            revoked_at: row.revoked_at.map(At),
            family: row.family,
            name: row.name,
        })
    }
}

const ADD: &str = "INSERT INTO tokens (id, account_id, user_id, kind, hash, name, created_at, expires_at, \
     family) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

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
        token.family.as_deref(),
    )?;
    Ok(())
}

const BY_HASH: &str = "SELECT t.id, t.account_id, a.code AS account_code, t.user_id, u.type AS user_type, \
     u.role, u.status, t.kind, t.scopes, p.scopes AS app_scopes, t.expires_at, t.revoked_at, t.family, t.name FROM tokens t \
     JOIN users u ON u.id = t.user_id JOIN accounts a ON a.id = t.account_id \
     LEFT JOIN api_apps p ON p.id = t.app_id WHERE t.hash = $1";

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

const REVOKE_FAMILY: &str = "UPDATE tokens SET revoked_at = $1 \
     WHERE account_id = $2 AND family = $3 AND revoked_at IS NULL";

/// Ends all tokens that descend from one log-in.
///
/// # Errors
/// What the database says.
pub async fn revoke_family(tx: &mut Tx, account: &AccountId, family: &str, at: At) -> Result<()> {
    execute!(tx, REVOKE_FAMILY, at.0, account.as_str(), family)?;
    Ok(())
}

const MADE_SINCE: &str = "SELECT COUNT(*) FROM tokens WHERE account_id = $1 AND user_id = $2 \
     AND kind = $3 AND name <> $4 AND created_at > $5";

/// How many tokens of a kind were made for a user since an instant, beside
/// those of a name.
///
/// # Errors
/// What the database says.
pub async fn count_since(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    kind: TokenKind,
    beside: &str,
    since: At,
) -> Result<i64> {
    scalar!(conn, i64, MADE_SINCE, account.as_str(), user.0, kind.as_str(), beside, since.0)
}

/// What an admin token is, beyond a token.
#[derive(Debug, Clone)]
pub struct OfApp {
    /// The app it belongs to.
    pub app: AppId,
    /// What it is limited to.
    pub scopes: Scopes,
    /// What people recognise it by: its last four characters.
    pub last_four: String,
}

const ADD_OF_APP: &str = "INSERT INTO tokens (id, account_id, user_id, kind, hash, name, created_at, \
     expires_at, app_id, scopes, last_four) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Adds an app's admin token.
///
/// # Errors
/// What the database says.
pub async fn add_of_app(tx: &mut Tx, token: &NewToken, of: &OfApp) -> Result<()> {
    execute!(
        tx,
        ADD_OF_APP,
        token.id.as_str(),
        token.account.as_str(),
        token.user.0,
        token.kind.as_str(),
        &token.hash[..],
        &token.name,
        token.at.0,
        token.expires_at.map(|at| at.0),
        of.app.as_str(),
        &words(of.scopes)?,
        &of.last_four,
    )?;
    Ok(())
}

/// An admin token as its app lists it.
#[derive(Debug, Clone)]
pub struct TokenView {
    /// The row.
    pub id: TokenId,
    /// What its maker calls it.
    pub name: String,
    /// Its last four characters; empty for tokens from before they were kept.
    pub last_four: String,
    /// What it is limited to, besides its app's own limit.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: At,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<At>,
}

#[derive(FromRow)]
struct ViewRow {
    id: String,
    name: String,
    last_four: String,
    scopes: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

const LIST_OF_APP: &str = "SELECT id, name, last_four, scopes, created_at, last_used_at FROM tokens \
     WHERE account_id = $1 AND app_id = $2 AND revoked_at IS NULL ORDER BY id";

/// An app's admin tokens that count.
///
/// # Errors
/// What the database says.
pub async fn list_of_app(conn: &mut Conn, account: &AccountId, app: &AppId) -> Result<Vec<TokenView>> {
    let rows = query_all!(conn, ViewRow, LIST_OF_APP, account.as_str(), app.as_str())?;
    rows.into_iter()
        .map(|row| {
            Ok(TokenView {
                id: TokenId(row.id),
                name: row.name,
                last_four: row.last_four,
                scopes: scopes(&row.scopes)?,
                created_at: At(row.created_at),
                last_used_at: row.last_used_at.map(At),
            })
        })
        .collect()
}

const REVOKE_OF_APP: &str = "UPDATE tokens SET revoked_at = $1 \
     WHERE account_id = $2 AND app_id = $3 AND id = $4 AND revoked_at IS NULL";

/// Ends an app's admin token. Gives false when there was none to end.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_app(
    tx: &mut Tx,
    account: &AccountId,
    app: &AppId,
    id: &TokenId,
    at: At,
) -> Result<bool> {
    Ok(execute!(tx, REVOKE_OF_APP, at.0, account.as_str(), app.as_str(), id.as_str())? > 0)
}

const USED: &str = "UPDATE tokens SET last_used_at = $1 WHERE account_id = $2 AND id = $3 \
     AND (last_used_at IS NULL OR last_used_at < $1)";

/// Says when a token was last shown; an older instant changes nothing.
///
/// # Errors
/// What the database says.
pub async fn used(tx: &mut Tx, account: &AccountId, id: &TokenId, at: At) -> Result<()> {
    execute!(tx, USED, at.0, account.as_str(), id.as_str())?;
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
