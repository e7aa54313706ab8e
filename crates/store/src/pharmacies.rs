//! Pharmacies: the clinic's list, and those that a patient keeps.

use bedside_model::{AccountId, At, UserId, pharmacy::Pharmacy};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A pharmacy of the clinic's list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// UUIDv7.
    pub id: String,
    /// What is said of it.
    pub pharmacy: Pharmacy,
}

#[derive(FromRow)]
struct ListedRow {
    id: String,
    content: String,
}

impl TryFrom<ListedRow> for Listed {
    type Error = Error;

    fn try_from(row: ListedRow) -> Result<Self> {
        let pharmacy = serde_json::from_str(&row.content).map_err(|_| Error::Value("pharmacies.content"))?;
        Ok(Self { id: row.id, pharmacy })
    }
}

fn json(pharmacy: &Pharmacy) -> Result<String> {
    serde_json::to_string(pharmacy).map_err(|_| Error::Value("pharmacies.content"))
}

const ADD: &str = "INSERT INTO pharmacies (id, account_id, content, searched, name, zip, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";

/// Adds a pharmacy to the clinic's list.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, account: &AccountId, listed: &Listed, at: At) -> Result<()> {
    let Listed { id, pharmacy } = listed;
    let (content, searched) = (json(pharmacy)?, pharmacy.searched());
    execute!(tx, ADD, id, account.as_str(), &content, &searched, &pharmacy.name, &pharmacy.zip, at.0)
        .map(drop)
}

const UPDATE: &str = "UPDATE pharmacies SET content = $1, searched = $2, name = $3, zip = $4, updated_at = $5 \
     WHERE account_id = $6 AND id = $7 AND retired_at IS NULL";

/// Says anew what is known of a pharmacy. False when it is not listed.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, account: &AccountId, listed: &Listed, at: At) -> Result<bool> {
    let Listed { id, pharmacy } = listed;
    let (content, searched) = (json(pharmacy)?, pharmacy.searched());
    let (name, zip) = (&pharmacy.name, &pharmacy.zip);
    Ok(execute!(tx, UPDATE, &content, &searched, name, zip, at.0, account.as_str(), id)? > 0)
}

const RETIRE: &str =
    "UPDATE pharmacies SET retired_at = $1 WHERE account_id = $2 AND id = $3 AND retired_at IS NULL";

/// Takes a pharmacy off the list. False when it is not listed.
///
/// # Errors
/// What the database says.
pub async fn retire(tx: &mut Tx, account: &AccountId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, RETIRE, at.0, account.as_str(), id)? > 0)
}

const FIND: &str =
    "SELECT id, content FROM pharmacies WHERE account_id = $1 AND id = $2 AND retired_at IS NULL";

/// A listed pharmacy.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Listed>> {
    query_opt!(conn, ListedRow, FIND, account.as_str(), id)?.map(Listed::try_from).transpose()
}

const SEARCH: &str = "SELECT id, content FROM pharmacies WHERE account_id = $1 AND retired_at IS NULL \
     AND searched LIKE $2 ESCAPE '\\' AND zip LIKE $3 ESCAPE '\\' ORDER BY name, id LIMIT $4";

fn pattern(text: &str) -> String {
    text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The listed pharmacies with these words in name or address, and a postal code
/// that begins so; by name.
///
/// # Errors
/// What the database says.
pub async fn search(
    conn: &mut Conn,
    account: &AccountId,
    words: &str,
    zip: &str,
    limit: i64,
) -> Result<Vec<Listed>> {
    let (words, zip) = (format!("%{}%", pattern(words)), format!("{}%", pattern(zip).to_uppercase()));
    query_all!(conn, ListedRow, SEARCH, account.as_str(), &words, &zip, limit)?
        .into_iter()
        .map(Listed::try_from)
        .collect()
}

/// A pharmacy that a patient keeps.
#[derive(Debug, Clone, FromRow)]
pub struct Kept {
    /// UUIDv7.
    pub id: String,
    /// What is said of it, sealed for `patient_pharmacies.content:<id>`.
    pub content: Sealed,
    /// Prescriptions go there unless somebody says otherwise.
    pub is_default: bool,
}

const KEEP: &str = "INSERT INTO patient_pharmacies (id, account_id, user_id, content, is_default, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Keeps a pharmacy for a patient.
///
/// # Errors
/// [`Error::Unique`] when another one is the default.
pub async fn keep(tx: &mut Tx, account: &AccountId, user: UserId, kept: &Kept, at: At) -> Result<()> {
    execute!(tx, KEEP, &kept.id, account.as_str(), user.0, &kept.content, kept.is_default, at.0).map(drop)
}

const OF_USER: &str = "SELECT id, content, is_default FROM patient_pharmacies \
     WHERE account_id = $1 AND user_id = $2 ORDER BY is_default DESC, created_at, id";

/// The pharmacies that a patient keeps, the default first.
///
/// # Errors
/// What the database says.
pub async fn of_user(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Kept>> {
    query_all!(conn, Kept, OF_USER, account.as_str(), user.0)
}

const NO_DEFAULT: &str =
    "UPDATE patient_pharmacies SET is_default = FALSE WHERE account_id = $1 AND user_id = $2 AND is_default";
const DEFAULT: &str =
    "UPDATE patient_pharmacies SET is_default = TRUE WHERE account_id = $1 AND user_id = $2 AND id = $3";

/// Makes no pharmacy the default.
///
/// # Errors
/// What the database says.
pub async fn clear_default(tx: &mut Tx, account: &AccountId, user: UserId) -> Result<()> {
    execute!(tx, NO_DEFAULT, account.as_str(), user.0).map(drop)
}

/// Makes a kept pharmacy the default, after [`clear_default`]. False when it is
/// not kept.
///
/// # Errors
/// [`Error::Unique`] when somebody else was faster.
pub async fn set_default(tx: &mut Tx, account: &AccountId, user: UserId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DEFAULT, account.as_str(), user.0, id)? > 0)
}

const DROP: &str = "DELETE FROM patient_pharmacies WHERE account_id = $1 AND user_id = $2 AND id = $3";

/// Keeps a pharmacy no longer. False when it was not kept.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut Tx, account: &AccountId, user: UserId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DROP, account.as_str(), user.0, id)? > 0)
}
