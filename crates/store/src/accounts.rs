//! Accounts: the clinics, each a tenant of its own.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx, house_keys};

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
    /// Title of the clinic's pages; empty takes its name.
    pub portal_title: String,
    /// Host of the clinic's own portal, in lower case; empty for none.
    pub domain: String,
    /// The clinic's own key of its privacy statement.
    pub privacy_id: String,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Origins whose pages may show its calls in a frame.
    pub embed_origins: Vec<String>,
    /// May a portal sign people in?
    pub sso_enabled: bool,
    /// Must single sign-on come with the secret, or does the key suffice?
    pub require_api_secret: bool,
    /// Largest file in bytes; none takes the server's own limit.
    pub max_file_bytes: Option<i64>,
    /// Appointments come with a link that needs no login.
    pub one_time_links: bool,
    /// Where the logo of its letters is; empty for none.
    pub logo_url: String,
    /// After how many minutes without a person the pages of staff lock; 0 for never.
    pub idle_minutes: i64,
    /// When it was made.
    pub created_at: At,
}

/// What an update writes: all of it, read before in the same change.
#[derive(Debug, Clone)]
pub struct Change {
    /// The clinic's name.
    pub name: String,
    /// Title of its pages.
    pub portal_title: String,
    /// What the way back is called.
    pub portal_name: String,
    /// Where the way back leads.
    pub portal_return_url: String,
    /// Origins that a `return_url` may have.
    pub return_origins: Vec<String>,
    /// Host of its portal.
    pub domain: String,
    /// Key of its privacy statement.
    pub privacy_id: String,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Origins whose pages may show its calls in a frame.
    pub embed_origins: Vec<String>,
    /// May a portal sign people in?
    pub sso_enabled: bool,
    /// Must single sign-on come with the secret?
    pub require_api_secret: bool,
    /// Largest file in bytes.
    pub max_file_bytes: Option<i64>,
    /// Appointments come with a link that needs no login.
    pub one_time_links: bool,
    /// Where the logo of its letters is; empty for none.
    pub logo_url: String,
    /// After how many minutes without a person the pages of staff lock; 0 for never.
    pub idle_minutes: i64,
}

impl From<Account> for Change {
    fn from(account: Account) -> Self {
        Self {
            name: account.name,
            portal_title: account.portal_title,
            portal_name: account.portal_name,
            portal_return_url: account.portal_return_url,
            return_origins: account.return_origins,
            domain: account.domain,
            privacy_id: account.privacy_id,
            cors_origins: account.cors_origins,
            embed_origins: account.embed_origins,
            sso_enabled: account.sso_enabled,
            require_api_secret: account.require_api_secret,
            max_file_bytes: account.max_file_bytes,
            one_time_links: account.one_time_links,
            logo_url: account.logo_url,
            idle_minutes: account.idle_minutes,
        }
    }
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
    portal_title: String,
    domain: String,
    privacy_id: String,
    cors_origins: String,
    embed_origins: String,
    sso_enabled: bool,
    require_api_secret: bool,
    max_file_bytes: Option<i64>,
    one_time_links: bool,
    logo_url: String,
    idle_minutes: i64,
    created_at: i64,
}

fn origins(kept: &str) -> Result<Vec<String>> {
    serde_json::from_str(kept).map_err(|_| Error::Value("accounts origins"))
}

fn json(origins: &[String]) -> Result<String> {
    serde_json::to_string(origins).map_err(|_| Error::Value("accounts origins"))
}

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: AccountId(row.id),
            code: row.code,
            name: row.name,
            portal_name: row.portal_name,
            portal_return_url: row.portal_return_url,
            return_origins: origins(&row.return_origins)?,
            portal_title: row.portal_title,
            domain: row.domain,
            privacy_id: row.privacy_id,
            cors_origins: origins(&row.cors_origins)?,
            embed_origins: origins(&row.embed_origins)?,
            sso_enabled: row.sso_enabled,
            require_api_secret: row.require_api_secret,
            max_file_bytes: row.max_file_bytes,
            one_time_links: row.one_time_links,
            logo_url: row.logo_url,
            idle_minutes: row.idle_minutes,
            created_at: At(row.created_at),
        })
    }
}

macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "SELECT id, code, name, portal_name, portal_return_url, return_origins, portal_title, domain, \
             privacy_id, cors_origins, embed_origins, sso_enabled, require_api_secret, max_file_bytes, \
             one_time_links, logo_url, idle_minutes, created_at \
             FROM accounts ",
            $rest
        )
    };
}

const ADD: &str = "INSERT INTO accounts (id, code, name, portal_name, portal_return_url, sso_enabled, \
     data_key, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";

/// Adds a clinic.
///
/// # Errors
/// [`Error::Unique`] on `code`, [`Error::Busy`] when the master key changed meanwhile.
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
    house_keys::check_wrapped(tx, &account.data_key).await
}

const BY_ID: &str = select_accounts!("WHERE id = $1");

/// The clinic of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, id: &AccountId) -> Result<Option<Account>> {
    query_opt!(conn, Row, BY_ID, id.as_str())?.map(Account::try_from).transpose()
}

const BY_CODE: &str = select_accounts!("WHERE code = $1 AND erased_at IS NULL");

/// The clinic of this code.
///
/// # Errors
/// What the database says.
pub async fn find_by_code(conn: &mut Conn, code: &str) -> Result<Option<Account>> {
    query_opt!(conn, Row, BY_CODE, code)?.map(Account::try_from).transpose()
}

const FIRST_TWO: &str = select_accounts!("WHERE erased_at IS NULL ORDER BY created_at, id LIMIT 2");

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

const COUNT: &str = "SELECT COUNT(*) FROM accounts WHERE erased_at IS NULL";

/// How many clinics there are.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    scalar!(conn, i64, COUNT)
}

const AT_HOST: &str = select_accounts!(
    "WHERE erased_at IS NULL AND id IN (SELECT id FROM accounts WHERE code = $1 \
     UNION SELECT id FROM accounts WHERE domain = $2 AND domain <> '' \
     UNION SELECT id FROM (SELECT id FROM accounts WHERE erased_at IS NULL \
     ORDER BY created_at, id LIMIT 2) first)"
);

/// The clinic that a host stands for: the one of this code (`api-{code}.…`),
/// else the one whose portal has this host, else the only one there is.
///
/// # Errors
/// What the database says.
pub async fn find_at_host(conn: &mut Conn, code: Option<&str>, host: &str) -> Result<Option<Account>> {
    let mut rows = query_all!(conn, Row, AT_HOST, code.unwrap_or_default(), host)?;
    let named = rows.iter().position(|row| code.is_some_and(|code| row.code == code));
    let at = named.or_else(|| rows.iter().position(|row| !host.is_empty() && row.domain == host));
    match at {
        Some(at) => Account::try_from(rows.swap_remove(at)).map(Some),
        None if rows.len() == 1 => rows.pop().map(Account::try_from).transpose(),
        None => Ok(None),
    }
}

const LIST: &str = select_accounts!("WHERE erased_at IS NULL ORDER BY name, id LIMIT $1 OFFSET $2");

/// A page of the clinics by name.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, limit: i64, offset: i64) -> Result<Vec<Account>> {
    query_all!(conn, Row, LIST, limit, offset)?.into_iter().map(Account::try_from).collect()
}

/// A clinic that lets pages of other origins call the API.
#[derive(Debug, Clone)]
pub struct Origins {
    /// The clinic.
    pub id: AccountId,
    /// Its code.
    pub code: String,
    /// The origins.
    pub origins: Vec<String>,
}

#[derive(FromRow)]
struct OriginsRow {
    id: String,
    code: String,
    cors_origins: String,
}

const WITH_ORIGINS: &str =
    "SELECT id, code, cors_origins FROM accounts WHERE cors_origins <> '[]' AND erased_at IS NULL";

/// All clinics that let pages of other origins call the API.
///
/// # Errors
/// What the database says.
pub async fn list_origins(conn: &mut Conn) -> Result<Vec<Origins>> {
    let rows = query_all!(conn, OriginsRow, WITH_ORIGINS)?;
    let read = |row: OriginsRow| {
        Ok(Origins { id: AccountId(row.id), code: row.code, origins: origins(&row.cors_origins)? })
    };
    rows.into_iter().map(read).collect()
}

/// A clinic's wizards as JSON; empty ones are our defaults.
#[derive(Debug, Clone, Default, FromRow)]
pub struct Wizards {
    /// Steps of a sign-up.
    pub signup_steps: String,
    /// Steps before a visit is made.
    pub intake_steps: String,
    /// Steps after it was made.
    pub post_intake_steps: String,
}

const WIZARDS: &str = "SELECT signup_steps, intake_steps, post_intake_steps FROM accounts WHERE id = $1";

/// A clinic's wizards.
///
/// # Errors
/// What the database says.
pub async fn find_wizards(conn: &mut Conn, id: &AccountId) -> Result<Option<Wizards>> {
    query_opt!(conn, Wizards, WIZARDS, id.as_str())
}

const UPDATE_WIZARDS: &str = "UPDATE accounts SET signup_steps = $1, intake_steps = $2, \
     post_intake_steps = $3, updated_at = $4 WHERE id = $5";

/// Says how the clinic's wizards go.
///
/// # Errors
/// What the database says.
pub async fn update_wizards(tx: &mut Tx, id: &AccountId, wizards: &Wizards, at: At) -> Result<()> {
    let (signup, intake, post) = (&wizards.signup_steps, &wizards.intake_steps, &wizards.post_intake_steps);
    execute!(tx, UPDATE_WIZARDS, signup, intake, post, at.0, id.as_str())?;
    Ok(())
}

const UPDATE: &str = "UPDATE accounts SET name = $1, portal_title = $2, portal_name = $3, \
     portal_return_url = $4, return_origins = $5, domain = $6, privacy_id = $7, cors_origins = $8, \
     sso_enabled = $9, require_api_secret = $10, max_file_bytes = $11, updated_at = $12, \
     one_time_links = $14, embed_origins = $15, logo_url = $16, idle_minutes = $17, version = version + 1 WHERE id = $13";

/// Changes the clinic.
///
/// # Errors
/// [`Error::Unique`] on `domain`.
pub async fn update(tx: &mut Tx, id: &AccountId, change: &Change, at: At) -> Result<()> {
    execute!(
        tx,
        UPDATE,
        &change.name,
        &change.portal_title,
        &change.portal_name,
        &change.portal_return_url,
        &json(&change.return_origins)?,
        &change.domain,
        &change.privacy_id,
        &json(&change.cors_origins)?,
        change.sso_enabled,
        change.require_api_secret,
        change.max_file_bytes,
        at.0,
        id.as_str(),
        change.one_time_links,
        &json(&change.embed_origins)?,
        &change.logo_url,
        change.idle_minutes,
    )?;
    Ok(())
}

const LOCK: &str = "UPDATE accounts SET updated_at = updated_at WHERE id = $1";

/// Makes changes of one clinic wait for each other.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, id: &AccountId) -> Result<()> {
    execute!(tx, LOCK, id.as_str())?;
    Ok(())
}
