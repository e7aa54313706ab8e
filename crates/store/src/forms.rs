//! Forms that clinics make themselves: drafts, and the versions that were
//! published, which never change. Answers are in `form_answers`.

use bedside_model::{AccountId, At, UserId, form::Step};
use serde_json::Value;
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A form's two parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The fields, as a JSON Schema.
    pub schema: Value,
    /// How they are asked for.
    pub ui: Value,
}

impl Parts {
    fn write(&self) -> String {
        serde_json::json!({ "schema": self.schema, "ui": self.ui }).to_string()
    }

    fn read(text: &str) -> Result<Self> {
        let mut both: Value = serde_json::from_str(text).map_err(|_| Error::Value("forms: content"))?;
        Ok(Self { schema: both["schema"].take(), ui: both["ui"].take() })
    }
}

/// A form with its draft.
#[derive(Debug, Clone)]
pub struct Form {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// When it is asked for.
    pub step: Step,
    /// What it is called.
    pub title: String,
    /// What is being worked on.
    pub draft: Parts,
    /// Counts the draft's changes, from 1.
    pub revision: i64,
    /// The newest version that was published; 0 for none.
    pub version: i64,
    /// The one that is asked for at its step.
    pub live: bool,
    /// When it was made.
    pub created_at: At,
    /// When its draft was changed last.
    pub updated_at: At,
}

/// A version that was published.
#[derive(Debug, Clone)]
pub struct Version {
    /// Of which form.
    pub form: String,
    /// From 1.
    pub number: i64,
    /// When it is asked for.
    pub step: Step,
    /// Whose account it is in.
    pub account: AccountId,
    /// What the form was called.
    pub title: String,
    /// What it is.
    pub content: Parts,
    /// Who published it.
    pub published_by: Option<UserId>,
    /// When.
    pub published_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    step: String,
    title: String,
    draft: String,
    revision: i64,
    version: i64,
    live: bool,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Form {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            step: Step::parse(&row.step).ok_or(Error::Value("forms.step"))?,
            title: row.title,
            draft: Parts::read(&row.draft)?,
            revision: row.revision,
            version: row.version,
            live: row.live,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

#[derive(FromRow)]
struct VersionRow {
    form_id: String,
    version: i64,
    step: String,
    account_id: String,
    title: String,
    content: String,
    published_by: Option<i64>,
    published_at: i64,
}

impl TryFrom<VersionRow> for Version {
    type Error = Error;

    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(Self {
            form: row.form_id,
            number: row.version,
            step: Step::parse(&row.step).ok_or(Error::Value("forms.step"))?,
            account: AccountId(row.account_id),
            title: row.title,
            content: Parts::read(&row.content)?,
            published_by: row.published_by.map(UserId),
            published_at: At(row.published_at),
        })
    }
}

const ADD: &str = "INSERT INTO forms (id, account_id, step, title, draft, revision, version, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Adds a form, which is not asked for yet.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, form: &Form) -> Result<()> {
    execute!(
        tx,
        ADD,
        &form.id,
        form.account.as_str(),
        form.step.as_str(),
        &form.title,
        &form.draft.write(),
        form.revision,
        form.version,
        form.created_at.0,
        form.updated_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, step, title, draft, revision, version, live, created_at, updated_at \
             FROM forms WHERE account_id = $1 ",
            $rest
        )
    };
}

const LIST: &str = select!("AND id > $2 AND version >= $3 ORDER BY id LIMIT $4");

/// The account's forms, the oldest first, behind an id; those that were ever
/// published, or all.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    published: bool,
    (after, limit): (&str, i64),
) -> Result<Vec<Form>> {
    query_all!(conn, Row, LIST, account.as_str(), after, i64::from(published), limit)?
        .into_iter()
        .map(Form::try_from)
        .collect()
}

const FIND: &str = select!("AND id = $2");

/// The account's form of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Form>> {
    query_opt!(conn, Row, FIND, account.as_str(), id)?.map(Form::try_from).transpose()
}

const COUNT: &str = "SELECT COUNT(*) FROM forms WHERE account_id = $1 AND version >= $2";

/// How many forms the account has; those that were ever published, or all.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, published: bool) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), i64::from(published))
}

const UPDATE: &str = "UPDATE forms SET title = $1, draft = $2, revision = revision + 1, updated_at = $3 \
     WHERE account_id = $4 AND id = $5 AND revision = $6";

/// Writes a draft over the revision that `form` names. Gives false when it has
/// another one.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, form: &Form) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        &form.title,
        &form.draft.write(),
        form.updated_at.0,
        form.account.as_str(),
        &form.id,
        form.revision,
    )?;
    Ok(touched == 1)
}

const DARKEN: &str = "UPDATE forms SET live = FALSE WHERE account_id = $1 AND step = $2 AND live";
const LIGHT: &str = "UPDATE forms SET live = TRUE, version = $1 WHERE account_id = $2 AND id = $3";

/// This version of this form is asked for at its step from now on, and no other.
///
/// # Errors
/// What the database says.
pub async fn show(tx: &mut Tx, form: &Form, version: i64) -> Result<()> {
    execute!(tx, DARKEN, form.account.as_str(), form.step.as_str())?;
    execute!(tx, LIGHT, version, form.account.as_str(), &form.id).map(drop)
}

const RETIRE: &str = "UPDATE forms SET live = FALSE WHERE account_id = $1 AND id = $2";

/// The form is not asked for any more.
///
/// # Errors
/// What the database says.
pub async fn retire(tx: &mut Tx, account: &AccountId, id: &str) -> Result<()> {
    execute!(tx, RETIRE, account.as_str(), id).map(drop)
}

const ADD_VERSION: &str = "INSERT INTO form_versions (form_id, version, account_id, title, content, published_by, \
     published_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds a version.
///
/// # Errors
/// [`Error::Unique`] when there is one of this number.
pub async fn add_version(tx: &mut Tx, version: &Version) -> Result<()> {
    execute!(
        tx,
        ADD_VERSION,
        &version.form,
        version.number,
        version.account.as_str(),
        &version.title,
        &version.content.write(),
        version.published_by.map(|id| id.0),
        version.published_at.0,
    )
    .map(drop)
}

macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT v.form_id, v.version, f.step, v.account_id, v.title, v.content, v.published_by, v.published_at \
             FROM form_versions v JOIN forms f ON f.id = v.form_id WHERE v.account_id = $1 ",
            $rest
        )
    };
}

const FIND_VERSION: &str = select_version!("AND v.form_id = $2 AND v.version = $3");

/// A version of a form.
///
/// # Errors
/// What the database says.
pub async fn find_version(
    conn: &mut Conn,
    account: &AccountId,
    form: &str,
    number: i64,
) -> Result<Option<Version>> {
    query_opt!(conn, VersionRow, FIND_VERSION, account.as_str(), form, number)?
        .map(Version::try_from)
        .transpose()
}

const LIVE: &str = select_version!("AND f.live AND v.version = f.version");

/// What is asked for, at most one version at each step.
///
/// # Errors
/// What the database says.
pub async fn list_live(conn: &mut Conn, account: &AccountId) -> Result<Vec<Version>> {
    query_all!(conn, VersionRow, LIVE, account.as_str())?.into_iter().map(Version::try_from).collect()
}
