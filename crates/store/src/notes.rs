//! Visit notes and their addenda. A note is changed only by whoever has read
//! the version that they change.

use bedside_model::{AccountId, At, FileId, UserId, VisitId, note::NoteStatus};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A note as it is kept.
#[derive(Debug, Clone)]
pub struct Note {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Of which visit.
    pub visit: VisitId,
    /// Who began it.
    pub author: UserId,
    /// Where it stands.
    pub status: NoteStatus,
    /// What it says, sealed for `notes.content:<id>`.
    pub content: Sealed,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Who signed, when, and the hash of what was signed.
    pub signature: Option<Signature>,
    /// The PDF that the patient was sent.
    pub file: Option<FileId>,
    /// When it was begun.
    pub created_at: At,
    /// When it was changed last.
    pub updated_at: At,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed.
    pub by: UserId,
    /// When.
    pub at: At,
    /// SHA-256 in hexadecimal.
    pub hash: String,
}

/// What was added after a note was signed.
#[derive(Debug, Clone)]
pub struct Addendum {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// To which note.
    pub note: String,
    /// Who wrote it.
    pub author: UserId,
    /// The text, sealed for `note_addenda.text:<id>`.
    pub text: Sealed,
    /// When.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    visit_id: i64,
    author_id: i64,
    status: String,
    content: Sealed,
    version: i64,
    signed_by: Option<i64>,
    signed_at: Option<i64>,
    hash: Option<String>,
    file_id: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Note {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let signature = match (row.signed_by, row.signed_at, row.hash) {
            (Some(by), Some(at), Some(hash)) => Some(Signature { by: UserId(by), at: At(at), hash }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            author: UserId(row.author_id),
            status: NoteStatus::parse(&row.status).ok_or(Error::Value("notes.status"))?,
            content: row.content,
            version: row.version,
            signature,
            file: row.file_id.map(FileId),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

const ADD: &str = "INSERT INTO notes (id, account_id, visit_id, author_id, status, content, version, created_at, \
     updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Adds a note.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, note: &Note) -> Result<()> {
    execute!(
        tx,
        ADD,
        &note.id,
        note.account.as_str(),
        note.visit.0,
        note.author.0,
        note.status.as_str(),
        &note.content,
        note.version,
        note.created_at.0,
        note.updated_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, author_id, status, content, version, signed_by, signed_at, hash, \
             file_id, created_at, updated_at FROM notes WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select!("AND id = $2");

/// The account's note of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Note>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Note::try_from).transpose()
}

const OF_VISIT: &str = select!("AND visit_id = $2 ORDER BY created_at, id");

/// A visit's notes, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Note>> {
    query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.into_iter().map(Note::try_from).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM notes WHERE account_id = $1 AND visit_id = $2";

/// How many notes a visit has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), visit.0)
}

const UPDATE: &str = "UPDATE notes SET status = $1, content = $2, version = version + 1, signed_by = $3, \
     signed_at = $4, hash = $5, file_id = $6, updated_at = $7 \
     WHERE account_id = $8 AND id = $9 AND version = $10 AND status <> 'signed'";

/// Writes an unsigned note anew, over the version that `note` names. Gives false
/// when it has another version or is signed by now.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, note: &Note) -> Result<bool> {
    let signature = note.signature.as_ref();
    let touched = execute!(
        tx,
        UPDATE,
        note.status.as_str(),
        &note.content,
        signature.map(|signature| signature.by.0),
        signature.map(|signature| signature.at.0),
        signature.map(|signature| signature.hash.as_str()),
        note.file.as_ref().map(FileId::as_str),
        note.updated_at.0,
        note.account.as_str(),
        &note.id,
        note.version,
    )?;
    Ok(touched > 0)
}

const FILE: &str = "UPDATE notes SET file_id = $1 WHERE account_id = $2 AND id = $3 AND file_id IS NULL";

/// Says which PDF the patient was sent. Gives false when there is one already.
///
/// # Errors
/// What the database says.
pub async fn set_file(tx: &mut Tx, account: &AccountId, id: &str, file: &FileId) -> Result<bool> {
    Ok(execute!(tx, FILE, file.as_str(), account.as_str(), id)? > 0)
}

const ADD_ADDENDUM: &str = "INSERT INTO note_addenda (id, account_id, note_id, author_id, text, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Adds an addendum.
///
/// # Errors
/// What the database says.
pub async fn add_addendum(tx: &mut Tx, addendum: &Addendum) -> Result<()> {
    execute!(
        tx,
        ADD_ADDENDUM,
        &addendum.id,
        addendum.account.as_str(),
        &addendum.note,
        addendum.author.0,
        &addendum.text,
        addendum.created_at.0,
    )
    .map(drop)
}

#[derive(FromRow)]
struct AddendumRow {
    id: String,
    account_id: String,
    note_id: String,
    author_id: i64,
    text: Sealed,
    created_at: i64,
}

const ADDENDA: &str = "SELECT a.id, a.account_id, a.note_id, a.author_id, a.text, a.created_at FROM note_addenda a \
     JOIN notes n ON n.id = a.note_id WHERE a.account_id = $1 AND n.visit_id = $2 ORDER BY a.created_at, a.id";

/// The addenda of all notes of a visit, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_addenda(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<Addendum>> {
    let rows = query_all!(conn, AddendumRow, ADDENDA, account.as_str(), visit.0)?;
    let kept = |row: AddendumRow| Addendum {
        id: row.id,
        account: AccountId(row.account_id),
        note: row.note_id,
        author: UserId(row.author_id),
        text: row.text,
        created_at: At(row.created_at),
    };
    Ok(rows.into_iter().map(kept).collect())
}
