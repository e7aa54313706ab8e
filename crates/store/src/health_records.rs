//! The health record: entries, and the sections that somebody went through.

use bedside_model::{
    AccountId, At, UserId,
    health_record::{Section, Status},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// An entry as it is kept.
#[derive(Debug, Clone)]
pub struct Entry {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Whose health it is about.
    pub user: UserId,
    /// In which section.
    pub section: Section,
    /// Does it count?
    pub status: Status,
    /// What it says, sealed for `health_entries.content:<id>`.
    pub content: Sealed,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Who wrote it last.
    pub author: UserId,
    /// When it was added.
    pub created_at: At,
    /// When it was changed last.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: i64,
    section: String,
    status: String,
    content: Sealed,
    version: i64,
    author_id: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Entry {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            section: Section::parse(&row.section).ok_or(Error::Value("health_entries.section"))?,
            status: Status::parse(&row.status).ok_or(Error::Value("health_entries.status"))?,
            content: row.content,
            version: row.version,
            author: UserId(row.author_id),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

const ADD: &str = "INSERT INTO health_entries (id, account_id, user_id, section, status, content, version, \
     author_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Adds an entry.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, entry: &Entry) -> Result<()> {
    execute!(
        tx,
        ADD,
        &entry.id,
        entry.account.as_str(),
        entry.user.0,
        entry.section.as_str(),
        entry.status.as_str(),
        &entry.content,
        entry.version,
        entry.author.0,
        entry.created_at.0,
        entry.updated_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, user_id, section, status, content, version, author_id, created_at, updated_at \
             FROM health_entries WHERE account_id = $1 AND user_id = $2 ",
            $rest
        )
    };
}

const OF_USER: &str = select!("ORDER BY section, created_at, id");

/// Everything in somebody's record, what was entered in error too.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Entry>> {
    query_all!(conn, Row, OF_USER, account.as_str(), user.0)?.into_iter().map(Entry::try_from).collect()
}

const BY_ID: &str = select!("AND section = $3 AND id = $4");

/// An entry of somebody's section.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    section: Section,
    id: &str,
) -> Result<Option<Entry>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), user.0, section.as_str(), id)?
        .map(Entry::try_from)
        .transpose()
}

const COUNT: &str = "SELECT COUNT(*) FROM health_entries WHERE account_id = $1 AND user_id = $2 \
     AND section = $3 AND status = 'active'";

/// How many entries of a section count.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, user: UserId, section: Section) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), user.0, section.as_str())
}

const UPDATE: &str = "UPDATE health_entries SET status = $1, content = $2, author_id = $3, updated_at = $4, \
     version = version + 1 WHERE account_id = $5 AND id = $6 AND version = $7 AND status = 'active'";

/// Writes an entry anew, over the version that it names. False when it has
/// another one by now, or counts no more.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, entry: &Entry) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        entry.status.as_str(),
        &entry.content,
        entry.author.0,
        entry.updated_at.0,
        entry.account.as_str(),
        &entry.id,
        entry.version,
    )?;
    Ok(touched > 0)
}

const SECTION: &str = "INSERT INTO health_sections (user_id, section, account_id, not_reported, author_id, \
     updated_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, section) DO UPDATE SET \
     not_reported = $4, author_id = $5, updated_at = $6";

/// Says whether there is nothing to report in a section. Whoever changes the
/// section does this first, so that changes of it wait for each other.
///
/// # Errors
/// What the database says.
pub async fn set_not_reported(
    tx: &mut Tx,
    account: &AccountId,
    user: UserId,
    section: Section,
    not_reported: bool,
    by: (UserId, At),
) -> Result<()> {
    let (author, at) = by;
    execute!(tx, SECTION, user.0, section.as_str(), account.as_str(), not_reported, author.0, at.0).map(drop)
}

const NOT_REPORTED: &str =
    "SELECT section FROM health_sections WHERE account_id = $1 AND user_id = $2 AND not_reported";

/// The sections in which somebody has nothing to report.
///
/// # Errors
/// What the database says.
pub async fn not_reported(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Section>> {
    let words = scalars!(conn, String, NOT_REPORTED, account.as_str(), user.0)?;
    let known = |word: String| Section::parse(&word).ok_or(Error::Value("health_sections.section"));
    words.into_iter().map(known).collect()
}
