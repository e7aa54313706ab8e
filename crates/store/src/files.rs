//! Files: their rows. The contents lie elsewhere (the port `files` of `app`);
//! name and key are sealed. Which files hang on an intake: `files/links.rs`.

mod links;

pub use links::*;

use bedside_model::{
    AccountId, At, FileId, UserId, VisitId,
    file::{Category, Kind},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A file as it is kept.
#[derive(Debug, Clone)]
pub struct File {
    /// UUIDv7.
    pub id: FileId,
    /// Whose account it is in.
    pub account: AccountId,
    /// Who put it in.
    pub owner: UserId,
    /// Whose it is: the person on whose profile, or the patient of whose visit.
    pub person: UserId,
    /// The visit it was put on.
    pub visit: Option<VisitId>,
    /// What it is for.
    pub category: Option<Category>,
    /// What its content is.
    pub kind: Kind,
    /// Its name, sealed for `files.name:<id>`.
    pub name: Sealed,
    /// The key of its content, see [`crate::FileKey`].
    pub data_key: Sealed,
    /// Length of the content in bytes.
    pub size_bytes: u64,
    /// Counts the changes.
    pub version: i64,
    /// When it was put in.
    pub created_at: At,
    /// When it was renamed.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    owner_id: i64,
    person_id: i64,
    visit_id: Option<i64>,
    category: String,
    kind: String,
    name: Sealed,
    data_key: Sealed,
    size_bytes: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for File {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let category = match row.category.as_str() {
            "" => None,
            word => Some(Category::parse(word).ok_or(Error::Value("files.category"))?),
        };
        Ok(Self {
            id: FileId(row.id),
            account: AccountId(row.account_id),
            owner: UserId(row.owner_id),
            person: UserId(row.person_id),
            visit: row.visit_id.map(VisitId),
            category,
            kind: Kind::parse(&row.kind).ok_or(Error::Value("files.kind"))?,
            name: row.name,
            data_key: row.data_key,
            size_bytes: u64::try_from(row.size_bytes).map_err(|_| Error::Value("files.size_bytes"))?,
            version: row.version,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

fn word(category: Option<Category>) -> &'static str {
    category.map_or("", Category::as_str)
}

const ADD: &str = "INSERT INTO files (id, account_id, owner_id, person_id, visit_id, category, kind, name, data_key, \
     size_bytes, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// Adds a file whose content is safe already.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, file: &File) -> Result<()> {
    let size = i64::try_from(file.size_bytes).map_err(|_| Error::Value("files.size_bytes"))?;
    execute!(
        tx,
        ADD,
        file.id.as_str(),
        file.account.as_str(),
        file.owner.0,
        file.person.0,
        file.visit.map(|id| id.0),
        word(file.category),
        file.kind.extension(),
        &file.name,
        &file.data_key,
        size,
        file.version,
        file.created_at.0,
        file.updated_at.0,
    )?;
    Ok(())
}

macro_rules! select_files {
    ($rest:literal) => {
        concat!(
            "SELECT f.id, f.account_id, f.owner_id, f.person_id, f.visit_id, f.category, f.kind, f.name, \
             f.data_key, f.size_bytes, f.version, f.created_at, f.updated_at FROM files f ",
            $rest
        )
    };
}
pub(crate) use select_files;

fn rows(rows: Vec<Row>) -> Result<Vec<File>> {
    rows.into_iter().map(File::try_from).collect()
}

const FIND: &str = select_files!("WHERE f.account_id = $1 AND f.id = $2");

/// The account's file of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &FileId) -> Result<Option<File>> {
    query_opt!(conn, Row, FIND, account.as_str(), id.as_str())?.map(File::try_from).transpose()
}

// The one read without an account: a signed link names none. Whoever uses it
// must check the signature, which only this file's key can make.
const FIND_SIGNED: &str = select_files!("WHERE f.id = $1");

/// The file that a signed link names, whatever its account.
///
/// # Errors
/// What the database says.
pub async fn find_signed(conn: &mut Conn, id: &FileId) -> Result<Option<File>> {
    query_opt!(conn, Row, FIND_SIGNED, id.as_str())?.map(File::try_from).transpose()
}

const EXISTS: &str = "SELECT COUNT(*) FROM files WHERE account_id = $1 AND id = $2";

/// Is there a row for this content?
///
/// # Errors
/// What the database says.
pub async fn exists(conn: &mut Conn, account: &AccountId, id: &FileId) -> Result<bool> {
    Ok(scalar!(conn, i64, EXISTS, account.as_str(), id.as_str())? > 0)
}

const RENAME: &str = "UPDATE files SET name = $1, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Gives a file another name. False when it is gone.
///
/// # Errors
/// What the database says.
pub async fn rename(tx: &mut Tx, account: &AccountId, id: &FileId, name: &Sealed, at: At) -> Result<bool> {
    Ok(execute!(tx, RENAME, name, at.0, account.as_str(), id.as_str())? == 1)
}

const UNLINK: &str = "DELETE FROM intake_files WHERE account_id = $1 AND file_id = $2";
const UNANSWER: &str = "DELETE FROM form_answer_files WHERE account_id = $1 AND file_id = $2";
const DELETE: &str = "DELETE FROM files WHERE account_id = $1 AND id = $2";

/// Deletes a file's row, and with it the key of its content. False when it is
/// gone already.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: &FileId) -> Result<bool> {
    execute!(tx, UNLINK, account.as_str(), id.as_str())?;
    execute!(tx, UNANSWER, account.as_str(), id.as_str())?;
    Ok(execute!(tx, DELETE, account.as_str(), id.as_str())? == 1)
}

/// Which files of a person or a visit; a page of them, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this category.
    pub category: Option<Category>,
    /// The person's documents too.
    pub documents: bool,
    /// Only what lies on the profile, for those who treat the person.
    pub profile_only: bool,
    /// What this person put in for others too.
    pub owned: bool,
    /// Only files after this one.
    pub after: Option<FileId>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// The page and how many there are in all.
pub type Listed = (Vec<File>, i64);

// $1 account, $2 person, $3 category, $4 documents too, $5 profile only, $6 what they put in too.
macro_rules! of_person {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " WHERE f.account_id = $1 AND (f.person_id = $2 OR ($6 AND f.owner_id = $2)) \
             AND ($3 = '' OR f.category = $3 OR ($4 AND (f.category = 'user_document' \
             OR f.id IN (SELECT n.file_id FROM notes n WHERE n.file_id = f.id)))) \
             AND (NOT $5 OR f.category IN ('user_document', 'user_consent', 'user_avatar')) ",
            $rest
        )
    };
}

const OF_PERSON: &str = of_person!(
    "SELECT f.id, f.account_id, f.owner_id, f.person_id, f.visit_id, f.category, f.kind, f.name, \
     f.data_key, f.size_bytes, f.version, f.created_at, f.updated_at FROM files f",
    "AND ($7 = '' OR f.id < $7) ORDER BY f.id DESC LIMIT $8 OFFSET $9"
);
const COUNT_OF_PERSON: &str = of_person!("SELECT COUNT(*) FROM files f", "");

/// Files of a person.
///
/// # Errors
/// What the database says.
pub async fn list_of_person(
    conn: &mut Conn,
    account: &AccountId,
    person: UserId,
    filter: &Filter,
) -> Result<Listed> {
    let after = filter.after.as_ref().map_or("", FileId::as_str);
    let (category, documents) = (word(filter.category), filter.documents);
    let found = query_all!(
        conn,
        Row,
        OF_PERSON,
        account.as_str(),
        person.0,
        category,
        documents,
        filter.profile_only,
        filter.owned,
        after,
        filter.limit,
        filter.offset,
    )?;
    let total = scalar!(
        conn,
        i64,
        COUNT_OF_PERSON,
        account.as_str(),
        person.0,
        category,
        documents,
        filter.profile_only,
        filter.owned,
    )?;
    Ok((rows(found)?, total))
}

// $1 account, $2 visit, $3 category, $4 documents of $5 too.
macro_rules! of_visit {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " WHERE f.account_id = $1 AND (($3 = '' OR f.category = $3) AND (f.visit_id = $2 OR f.id IN ( \
             SELECT l.file_id FROM intake_files l JOIN visits v ON v.intake_id = l.intake_id \
             WHERE v.account_id = $1 AND v.id = $2)) \
             OR ($4 AND f.person_id = $5 AND f.category = 'user_document')) ",
            $rest
        )
    };
}

const OF_VISIT: &str = of_visit!(
    "SELECT f.id, f.account_id, f.owner_id, f.person_id, f.visit_id, f.category, f.kind, f.name, \
     f.data_key, f.size_bytes, f.version, f.created_at, f.updated_at FROM files f",
    "AND ($6 = '' OR f.id < $6) ORDER BY f.id DESC LIMIT $7 OFFSET $8"
);
const COUNT_OF_VISIT: &str = of_visit!("SELECT COUNT(*) FROM files f", "");

/// Files of a visit: put on it, or named by its intake; with
/// [`Filter::documents`] also those of its patient's profile.
///
/// # Errors
/// What the database says.
pub async fn list_of_visit(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    member: UserId,
    filter: &Filter,
) -> Result<Listed> {
    let after = filter.after.as_ref().map_or("", FileId::as_str);
    let (category, documents) = (word(filter.category), filter.documents);
    let found = query_all!(
        conn,
        Row,
        OF_VISIT,
        account.as_str(),
        visit.0,
        category,
        documents,
        member.0,
        after,
        filter.limit,
        filter.offset,
    )?;
    let total = scalar!(conn, i64, COUNT_OF_VISIT, account.as_str(), visit.0, category, documents, member.0)?;
    Ok((rows(found)?, total))
}

const NEWEST_AVATAR: &str = select_files!(
    "WHERE f.account_id = $1 AND f.person_id = $2 AND f.category = 'user_avatar' ORDER BY f.id DESC LIMIT 1"
);

/// A person's photo: the last one that was put in.
///
/// # Errors
/// What the database says.
pub async fn find_photo(conn: &mut Conn, account: &AccountId, person: UserId) -> Result<Option<File>> {
    query_opt!(conn, Row, NEWEST_AVATAR, account.as_str(), person.0)?.map(File::try_from).transpose()
}

const PAGE: &str = select_files!(
    "WHERE f.account_id = $1 AND f.id > $2 AND f.category IN ('intake_attachment', 'user_document', 'user_consent') \
     AND f.created_at >= $4 AND f.created_at < $5 ORDER BY f.id LIMIT $3"
);
const PAGE_OF: &str = select_files!(
    "WHERE f.account_id = $1 AND f.id > $2 AND f.category IN ('intake_attachment', 'user_document', 'user_consent') \
     AND f.created_at >= $4 AND f.created_at < $5 AND f.person_id = $6 ORDER BY f.id LIMIT $3"
);

/// The account's documents, the oldest first, behind one of them: what came
/// with a visit, what is on a profile, consents. Of one person, or everybody.
///
/// # Errors
/// What the database says.
pub async fn list_documents(
    conn: &mut Conn,
    account: &AccountId,
    person: Option<UserId>,
    (from, until): (Option<At>, Option<At>),
    (after, limit): (&str, i64),
) -> Result<Vec<File>> {
    let (from, until) = (from.map_or(i64::MIN, |at| at.0), until.map_or(i64::MAX, |at| at.0));
    rows(match person {
        None => query_all!(conn, Row, PAGE, account.as_str(), after, limit, from, until)?,
        Some(id) => query_all!(conn, Row, PAGE_OF, account.as_str(), after, limit, from, until, id.0)?,
    })
}
