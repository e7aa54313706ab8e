//! Interpreters: the clinic's contacts, and the searches of its visits.

use std::collections::HashMap;

use bedside_model::{
    AccountId, At, GuestId, UserId, VisitId,
    interpreter::{Ask, Contact, Search, Status},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A contact of the clinic's list.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// UUIDv7.
    pub id: String,
    /// What is known of them.
    pub contact: Contact,
    /// Still on the list.
    pub listed: bool,
}

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    email: String,
    phone: String,
    languages: String,
    position: i64,
    active: bool,
    retired_at: Option<i64>,
}

impl TryFrom<Row> for Interpreter {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let languages =
            serde_json::from_str(&row.languages).map_err(|_| Error::Value("interpreters.languages"))?;
        let contact = Contact {
            name: row.name,
            email: row.email,
            phone: row.phone,
            languages,
            order: row.position,
            active: row.active,
        };
        Ok(Self { id: row.id, contact, listed: row.retired_at.is_none() })
    }
}

fn languages(contact: &Contact) -> Result<String> {
    serde_json::to_string(&contact.languages).map_err(|_| Error::Value("interpreters.languages"))
}

const ADD: &str = "INSERT INTO interpreters (id, account_id, name, email, phone, languages, position, active, \
     created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";

/// Adds a contact to the clinic's list.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, account: &AccountId, new: &Interpreter, at: At) -> Result<()> {
    let Contact { name, email, phone, order, active, .. } = &new.contact;
    let (account, spoken) = (account.as_str(), languages(&new.contact)?);
    execute!(tx, ADD, &new.id, account, name, email, phone, &spoken, *order, *active, at.0).map(drop)
}

const UPDATE: &str = "UPDATE interpreters SET name = $1, email = $2, phone = $3, languages = $4, position = $5, \
     active = $6, updated_at = $7 WHERE account_id = $8 AND id = $9 AND retired_at IS NULL";

/// Says anew what is known of a contact. False when it is not listed.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, account: &AccountId, changed: &Interpreter, at: At) -> Result<bool> {
    let Contact { name, email, phone, order, active, .. } = &changed.contact;
    let (account, spoken) = (account.as_str(), languages(&changed.contact)?);
    let id = &changed.id;
    let touched = execute!(tx, UPDATE, name, email, phone, &spoken, *order, *active, at.0, account, id)?;
    Ok(touched > 0)
}

const RETIRE: &str =
    "UPDATE interpreters SET retired_at = $1 WHERE account_id = $2 AND id = $3 AND retired_at IS NULL";

/// Takes a contact off the list. False when it is not listed.
///
/// # Errors
/// What the database says.
pub async fn retire(tx: &mut Tx, account: &AccountId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, RETIRE, at.0, account.as_str(), id)? > 0)
}

macro_rules! select_interpreters {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, email, phone, languages, position, active, retired_at FROM interpreters ",
            $rest
        )
    };
}

const FIND: &str = select_interpreters!("WHERE account_id = $1 AND id = $2");

/// A contact, also one that is off the list.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Interpreter>> {
    query_opt!(conn, Row, FIND, account.as_str(), id)?.map(Interpreter::try_from).transpose()
}

const LIST: &str = select_interpreters!("WHERE account_id = $1 AND retired_at IS NULL ORDER BY position, id");

/// The clinic's list, in the order in which they are asked.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<Interpreter>> {
    query_all!(conn, Row, LIST, account.as_str())?.into_iter().map(Interpreter::try_from).collect()
}

#[derive(FromRow)]
struct Named {
    id: String,
    name: String,
}

const NAMES: &str = "SELECT id, name FROM interpreters WHERE account_id = $1";

/// What the clinic's contacts are called, those off the list too.
///
/// # Errors
/// What the database says.
pub async fn names(conn: &mut Conn, account: &AccountId) -> Result<HashMap<String, String>> {
    Ok(query_all!(conn, Named, NAMES, account.as_str())?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// The search of a visit for an interpreter.
#[derive(Debug, Clone)]
pub struct Request {
    /// UUIDv7.
    pub id: String,
    /// Whose account.
    pub account: AccountId,
    /// Of which visit.
    pub visit: VisitId,
    /// Counts the searches of a visit, from 1.
    pub number: i64,
    /// What is wanted, as a BCP 47 tag.
    pub language: String,
    /// Who was asked, and how it stands.
    pub search: Search,
    /// The place at the visit of whoever accepted.
    pub guest: Option<GuestId>,
    /// Who wanted one.
    pub asked_by: Option<UserId>,
    /// Counts the changes.
    pub version: i64,
    /// When it began.
    pub created_at: At,
}

#[derive(FromRow)]
struct RequestRow {
    id: String,
    account_id: String,
    visit_id: i64,
    number: i64,
    language: String,
    status: String,
    asks: String,
    guest_id: Option<String>,
    asked_by: Option<i64>,
    version: i64,
    created_at: i64,
}

impl TryFrom<RequestRow> for Request {
    type Error = Error;

    fn try_from(row: RequestRow) -> Result<Self> {
        let asks: Vec<Ask> =
            serde_json::from_str(&row.asks).map_err(|_| Error::Value("interpreter_requests.asks"))?;
        let status = Status::parse(&row.status).ok_or(Error::Value("interpreter_requests.status"))?;
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            number: row.number,
            language: row.language,
            search: Search { status, asks },
            guest: row.guest_id.map(GuestId),
            asked_by: row.asked_by.map(UserId),
            version: row.version,
            created_at: At(row.created_at),
        })
    }
}

fn asks(search: &Search) -> Result<String> {
    serde_json::to_string(&search.asks).map_err(|_| Error::Value("interpreter_requests.asks"))
}

macro_rules! select_requests {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, number, language, status, asks, guest_id, asked_by, version, created_at \
             FROM interpreter_requests ",
            $rest
        )
    };
}

const ADD_REQUEST: &str = "INSERT INTO interpreter_requests (id, account_id, visit_id, number, language, status, \
     asks, asked_by, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)";

/// Adds a search.
///
/// # Errors
/// [`Error::Unique`] when the visit has one that goes on.
pub async fn add_request(tx: &mut Tx, new: &Request) -> Result<()> {
    execute!(
        tx,
        ADD_REQUEST,
        &new.id,
        new.account.as_str(),
        new.visit.0,
        new.number,
        &new.language,
        new.search.status.as_str(),
        &asks(&new.search)?,
        new.asked_by.map(|id| id.0),
        new.created_at.0,
    )
    .map(drop)
}

// The version decides races.
const CHANGE_REQUEST: &str = "UPDATE interpreter_requests SET status = $1, asks = $2, guest_id = $3, \
     version = version + 1, updated_at = $4 WHERE account_id = $5 AND id = $6 AND version = $7";

/// Writes how a search stands over the version that was read. False: somebody
/// else was faster, read again.
///
/// # Errors
/// What the database says.
pub async fn change_request(tx: &mut Tx, request: &Request, at: At) -> Result<bool> {
    let Request { search, guest, .. } = request;
    let (status, asks) = (search.status.as_str(), asks(search)?);
    let guest = guest.as_ref().map(GuestId::as_str);
    let (account, id) = (request.account.as_str(), &request.id);
    let touched = execute!(tx, CHANGE_REQUEST, status, &asks, guest, at.0, account, id, request.version)?;
    Ok(touched == 1)
}

const REQUEST: &str = select_requests!("WHERE account_id = $1 AND id = $2");

/// A search.
///
/// # Errors
/// What the database says.
pub async fn find_request(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Request>> {
    query_opt!(conn, RequestRow, REQUEST, account.as_str(), id)?.map(Request::try_from).transpose()
}

const OF_VISIT: &str =
    select_requests!("WHERE account_id = $1 AND visit_id = $2 ORDER BY number DESC LIMIT 1");

/// The newest search of a visit.
///
/// # Errors
/// What the database says.
pub async fn find_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Request>> {
    query_opt!(conn, RequestRow, OF_VISIT, account.as_str(), visit.0)?.map(Request::try_from).transpose()
}

const ALL_OF_VISIT: &str =
    select_requests!("WHERE account_id = $1 AND visit_id = $2 ORDER BY number DESC LIMIT 100");

/// The searches of a visit, newest first, 100 at most.
///
/// # Errors
/// What the database says.
pub async fn list_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Request>> {
    let rows = query_all!(conn, RequestRow, ALL_OF_VISIT, account.as_str(), visit.0)?;
    rows.into_iter().map(Request::try_from).collect()
}
