//! Accounts: the clinics, each a tenant of its own.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A clinic as it is kept (its wrapped data key stays in the store).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identifier; never on the wire.
    pub id: AccountId,
    /// Short name that clients send as `X-AccountCode`.
    pub code: String,
    /// The clinic's name, as people read it.
    pub name: String,
    /// What the way back is called: "Back to {portal_name}".
    pub portal_name: String,
    /// Where the way back leads; empty when there is no portal.
    pub portal_return_url: String,
    /// Origins that a `return_url` may have besides the portal's own.
    pub return_origins: Vec<String>,
    /// May a portal sign people in?
    pub sso_enabled: bool,
    /// Must single sign-on come with the secret, or does the key suffice?
    pub require_api_secret: bool,
    /// When it was made.
    pub created_at: At,
}

/// A clinic to add.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// A fresh identifier.
    pub id: AccountId,
    /// Short name, unique.
    pub code: String,
    /// The clinic's name.
    pub name: String,
    /// What the way back is called.
    pub portal_name: String,
    /// Where the way back leads.
    pub portal_return_url: String,
    /// May a portal sign people in?
    pub sso_enabled: bool,
    /// From [`crate::Store::new_vault`].
    pub data_key: Sealed,
    /// Now.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    code: String,
    name: String,
    portal_name: String,
    portal_return_url: String,
    return_origins: String,
    sso_enabled: bool,
    require_api_secret: bool,
    created_at: i64,
}

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let origins = serde_json::from_str(&row.return_origins);
        Ok(Self {
            id: AccountId(row.id),
            code: row.code,
            name: row.name,
            portal_name: row.portal_name,
            portal_return_url: row.portal_return_url,
            return_origins: origins.map_err(|_| Error::Value("accounts.return_origins"))?,
            sso_enabled: row.sso_enabled,
            require_api_secret: row.require_api_secret,
            created_at: At(row.created_at),
        })
    }
}

macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "SELECT id, code, name, portal_name, portal_return_url, return_origins, sso_enabled, \
             require_api_secret, created_at FROM accounts ",
            $rest
        )
    };
}

const ADD: &str = "INSERT INTO accounts (id, code, name, portal_name, portal_return_url, sso_enabled, \
     data_key, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";

/// Adds a clinic.
///
/// # Errors
/// [`Error::Unique`] on `code`.
pub async fn add(tx: &mut Tx, account: &NewAccount) -> Result<()> {
    execute!(
        tx,
        ADD,
        account.id.as_str(),
        &account.code,
        &account.name,
        &account.portal_name,
        &account.portal_return_url,
        account.sso_enabled,
        &account.data_key,
        account.at.0,
    )?;
    Ok(())
}

const BY_ID: &str = select_accounts!("WHERE id = $1");

/// The clinic of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, id: &AccountId) -> Result<Option<Account>> {
    query_opt!(conn, Row, BY_ID, id.as_str())?.map(Account::try_from).transpose()
}

const BY_CODE: &str = select_accounts!("WHERE code = $1");

/// The clinic of this code.
///
/// # Errors
/// What the database says.
pub async fn find_by_code(conn: &mut Conn, code: &str) -> Result<Option<Account>> {
    query_opt!(conn, Row, BY_CODE, code)?.map(Account::try_from).transpose()
}

const FIRST_TWO: &str = select_accounts!("ORDER BY created_at, id LIMIT 2");

/// The clinic, when there is exactly one.
///
/// # Errors
/// What the database says.
pub async fn find_only(conn: &mut Conn) -> Result<Option<Account>> {
    let mut rows = query_all!(conn, Row, FIRST_TWO)?;
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => row.try_into().map(Some),
        _ => Ok(None),
    }
}

const COUNT: &str = "SELECT COUNT(*) FROM accounts";

/// How many clinics there are.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    scalar!(conn, i64, COUNT)
}

const UPDATE_PORTAL: &str = "UPDATE accounts SET portal_name = $1, portal_return_url = $2, \
     return_origins = $3, updated_at = $4, version = version + 1 WHERE id = $5";

/// Says where the clinic's own portal is.
///
/// # Errors
/// What the database says.
pub async fn update_portal(
    tx: &mut Tx,
    id: &AccountId,
    name: &str,
    return_url: &str,
    return_origins: &[String],
    at: At,
) -> Result<()> {
    let origins =
        serde_json::to_string(return_origins).map_err(|_| Error::Value("accounts.return_origins"))?;
    execute!(tx, UPDATE_PORTAL, name, return_url, &origins, at.0, id.as_str())?;
    Ok(())
}

const UPDATE_SSO: &str = "UPDATE accounts SET sso_enabled = $1, require_api_secret = $2, updated_at = $3, \
     version = version + 1 WHERE id = $4";

/// Switches single sign-on, and whether it needs the secret.
///
/// # Errors
/// What the database says.
pub async fn update_sso(
    tx: &mut Tx,
    id: &AccountId,
    enabled: bool,
    require_secret: bool,
    at: At,
) -> Result<()> {
    execute!(tx, UPDATE_SSO, enabled, require_secret, at.0, id.as_str())?;
    Ok(())
}
