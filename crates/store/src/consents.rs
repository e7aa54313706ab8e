//! What a clinic asks people to agree to, and who agreed to which version. Texts
//! and consents are only ever added: the database itself refuses to change one.
//! All of an account's consents, page by page: `consents/given.rs`.

mod given;

pub use given::*;

use bedside_model::{
    AccountId, At, FileId, UserId,
    consent::{Required, Translation},
};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// A document of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// `tos`, `consent`, or a word of the clinic's own.
    pub kind: String,
    /// The newest version.
    pub version: i64,
    /// Since when nobody is asked for it any more.
    pub retired_at: Option<At>,
    /// When it was made.
    pub created_at: At,
    /// When it was published or retired last.
    pub updated_at: At,
}

/// A version of a document in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// UUIDv7.
    pub id: String,
    /// Of which document.
    pub document: String,
    /// Of which version.
    pub version: i64,
    /// Its place among the version's languages, from 0.
    pub position: i64,
    /// What it says.
    pub said: Translation,
    /// SHA-256 of what it says, in hexadecimal.
    pub hash: String,
    /// Who published it; nobody for the house itself.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: At,
}

/// Somebody's consent.
#[derive(Debug, Clone)]
pub struct Consent {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Whom it is for.
    pub user: UserId,
    /// Who agreed.
    pub given_by: UserId,
    /// To which document.
    pub document: String,
    /// To which version.
    pub version: i64,
    /// In which language it was read.
    pub language: String,
    /// Name and address, sealed for `consents.content:<id>`.
    pub content: Sealed,
    /// The copy as a PDF.
    pub file: FileId,
    /// What was drawn.
    pub signature_file: Option<FileId>,
    /// When.
    pub created_at: At,
}

#[derive(FromRow)]
struct DocumentRow {
    id: String,
    account_id: String,
    kind: String,
    version: i64,
    retired_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl From<DocumentRow> for Document {
    fn from(row: DocumentRow) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            kind: row.kind,
            version: row.version,
            retired_at: row.retired_at.map(At),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        }
    }
}

const ADD_DOCUMENT: &str = "INSERT INTO consent_documents (id, account_id, kind, version, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $5)";

/// Adds a document of a kind that the account does not have.
///
/// # Errors
/// [`crate::Error::Unique`] on `account_id, kind`.
pub async fn add_document(tx: &mut Tx, document: &Document) -> Result<()> {
    let (id, account, at) = (&document.id, document.account.as_str(), document.created_at.0);
    execute!(tx, ADD_DOCUMENT, id, account, &document.kind, document.version, at).map(drop)
}

const SET_VERSION: &str = "UPDATE consent_documents SET version = $1, retired_at = $2, updated_at = $3 \
     WHERE account_id = $4 AND id = $5";

/// Says which version is the newest, and whether anybody is asked for it.
///
/// # Errors
/// What the database says.
pub async fn set_version(tx: &mut Tx, document: &Document) -> Result<()> {
    execute!(
        tx,
        SET_VERSION,
        document.version,
        document.retired_at.map(|at| at.0),
        document.updated_at.0,
        document.account.as_str(),
        &document.id,
    )
    .map(drop)
}

macro_rules! select_documents {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, kind, version, retired_at, created_at, updated_at \
             FROM consent_documents WHERE account_id = $1 ",
            $rest
        )
    };
}

const DOCUMENT: &str = select_documents!("AND id = $2");

/// The account's document of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find_document(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Document>> {
    Ok(query_opt!(conn, DocumentRow, DOCUMENT, account.as_str(), id)?.map(Document::from))
}

const OF_KIND: &str = select_documents!("AND kind = $2");

/// The account's document of a kind.
///
/// # Errors
/// What the database says.
pub async fn find_of_kind(conn: &mut Conn, account: &AccountId, kind: &str) -> Result<Option<Document>> {
    Ok(query_opt!(conn, DocumentRow, OF_KIND, account.as_str(), kind)?.map(Document::from))
}

const DOCUMENTS: &str = select_documents!("ORDER BY kind");

/// The account's documents by kind, retired ones too.
///
/// # Errors
/// What the database says.
pub async fn list_documents(conn: &mut Conn, account: &AccountId) -> Result<Vec<Document>> {
    let rows = query_all!(conn, DocumentRow, DOCUMENTS, account.as_str())?;
    Ok(rows.into_iter().map(Document::from).collect())
}

const ADD_TEXT: &str = "INSERT INTO consent_texts (id, account_id, document_id, version, position, language, title, \
     text, url, hash, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Adds a version's text in a language.
///
/// # Errors
/// [`crate::Error::Unique`] on `document_id, version, language`.
pub async fn add_text(tx: &mut Tx, account: &AccountId, text: &Text) -> Result<()> {
    execute!(
        tx,
        ADD_TEXT,
        &text.id,
        account.as_str(),
        &text.document,
        text.version,
        text.position,
        &text.said.language,
        &text.said.title,
        &text.said.text,
        &text.said.url,
        &text.hash,
        text.created_by.map(|id| id.0),
        text.created_at.0,
    )
    .map(drop)
}

#[derive(FromRow)]
struct TextRow {
    id: String,
    document_id: String,
    version: i64,
    position: i64,
    language: String,
    title: String,
    text: String,
    url: String,
    hash: String,
    created_by: Option<i64>,
    created_at: i64,
}

impl From<TextRow> for Text {
    fn from(row: TextRow) -> Self {
        let said = Translation { language: row.language, title: row.title, text: row.text, url: row.url };
        Self {
            id: row.id,
            document: row.document_id,
            version: row.version,
            position: row.position,
            said,
            hash: row.hash,
            created_by: row.created_by.map(UserId),
            created_at: At(row.created_at),
        }
    }
}

macro_rules! select_texts {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.document_id, t.version, t.position, t.language, t.title, t.text, t.url, t.hash, \
             t.created_by, t.created_at FROM consent_texts t ",
            $rest
        )
    };
}

const TEXTS: &str = select_texts!(
    "WHERE t.account_id = $1 AND t.document_id = $2 AND t.version = $3 ORDER BY t.position, t.language"
);

/// A version in all its languages, the clinic's own first.
///
/// # Errors
/// What the database says.
pub async fn list_texts(
    conn: &mut Conn,
    account: &AccountId,
    document: &str,
    version: i64,
) -> Result<Vec<Text>> {
    let rows = query_all!(conn, TextRow, TEXTS, account.as_str(), document, version)?;
    Ok(rows.into_iter().map(Text::from).collect())
}

const NEWEST_TEXTS: &str = select_texts!(
    "JOIN consent_documents d ON d.id = t.document_id AND d.version = t.version \
     WHERE t.account_id = $1 ORDER BY t.document_id, t.position, t.language"
);

/// The newest versions of all documents in all their languages.
///
/// # Errors
/// What the database says.
pub async fn list_newest_texts(conn: &mut Conn, account: &AccountId) -> Result<Vec<Text>> {
    let rows = query_all!(conn, TextRow, NEWEST_TEXTS, account.as_str())?;
    Ok(rows.into_iter().map(Text::from).collect())
}

const ADD: &str = "INSERT INTO consents (id, account_id, user_id, given_by, document_id, version, language, content, \
     file_id, signature_file_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Adds a consent.
///
/// # Errors
/// [`crate::Error::Unique`] on `user_id, document_id, version` when there is one.
pub async fn add(tx: &mut Tx, consent: &Consent) -> Result<()> {
    execute!(
        tx,
        ADD,
        &consent.id,
        consent.account.as_str(),
        consent.user.0,
        consent.given_by.0,
        &consent.document,
        consent.version,
        &consent.language,
        &consent.content,
        consent.file.as_str(),
        consent.signature_file.as_ref().map(FileId::as_str),
        consent.created_at.0,
    )
    .map(drop)
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: i64,
    given_by: i64,
    document_id: String,
    version: i64,
    language: String,
    content: Sealed,
    file_id: String,
    signature_file_id: Option<String>,
    created_at: i64,
}

impl From<Row> for Consent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            given_by: UserId(row.given_by),
            document: row.document_id,
            version: row.version,
            language: row.language,
            content: row.content,
            file: FileId(row.file_id),
            signature_file: row.signature_file_id.map(FileId),
            created_at: At(row.created_at),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.account_id, c.user_id, c.given_by, c.document_id, c.version, c.language, c.content, \
             c.file_id, c.signature_file_id, c.created_at FROM consents c \
             WHERE c.account_id = $1 AND c.user_id = $2 ",
            $rest
        )
    };
}

const FIND: &str = select!("AND c.document_id = $3 AND c.version = $4");

/// Somebody's consent to a version of a document.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    document: &str,
    version: i64,
) -> Result<Option<Consent>> {
    Ok(query_opt!(conn, Row, FIND, account.as_str(), user.0, document, version)?.map(Consent::from))
}

const LIST: &str = select!("ORDER BY c.created_at DESC, c.id DESC LIMIT $3");

/// Somebody's consents, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, user: UserId, limit: i64) -> Result<Vec<Consent>> {
    let rows = query_all!(conn, Row, LIST, account.as_str(), user.0, limit)?;
    Ok(rows.into_iter().map(Consent::from).collect())
}

const AGREED_TEXTS: &str = select_texts!(
    "JOIN consents c ON c.document_id = t.document_id AND c.version = t.version AND c.language = t.language \
     WHERE t.account_id = $1 AND c.user_id = $2 ORDER BY t.id"
);

/// The texts that somebody agreed to.
///
/// # Errors
/// What the database says.
pub async fn list_agreed_texts(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Text>> {
    let rows = query_all!(conn, TextRow, AGREED_TEXTS, account.as_str(), user.0)?;
    Ok(rows.into_iter().map(Text::from).collect())
}

#[derive(FromRow)]
struct Need {
    id: String,
    version: i64,
    needed: Option<i64>,
    given: Option<i64>,
}

const NEED: &str = "SELECT d.id, d.version, \
     (SELECT MAX(t.version) FROM consent_texts t WHERE t.document_id = d.id AND t.created_at <= $4) AS needed, \
     (SELECT MAX(c.version) FROM consents c WHERE c.document_id = d.id AND c.user_id = $3) AS given \
     FROM consent_documents d WHERE d.account_id = $1 AND d.kind = $2 AND d.retired_at IS NULL";

/// What somebody has yet to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The document.
    pub document: String,
    /// Its kind.
    pub kind: String,
    /// Its newest version.
    pub version: i64,
}

/// The first of the required documents of which somebody has not agreed to the
/// version that counted at a time, or to a newer one. A document that the clinic
/// does not have, or has retired, is missed by nobody.
///
/// # Errors
/// What the database says.
pub async fn find_missing(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    required: &[Required],
    at: At,
) -> Result<Option<Missing>> {
    for one in required.iter().filter(|one| one.since_at <= at) {
        let need = query_opt!(conn, Need, NEED, account.as_str(), &one.kind, user.0, at.0)?;
        if let Some(need) = need
            && need.needed.is_some_and(|needed| need.given.is_none_or(|given| given < needed))
        {
            let missing = Missing { document: need.id, kind: one.kind.clone(), version: need.version };
            return Ok(Some(missing));
        }
    }
    Ok(None)
}
