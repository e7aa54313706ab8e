//! What people answer in forms, sealed. Answers are changed only by whoever has
//! read the version that they change.

use bedside_model::{AccountId, At, FileId, IntakeId, UserId, VisitId};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// Answers as they are kept.
#[derive(Debug, Clone)]
pub struct FormAnswers {
    /// UUIDv7.
    pub id: String,
    /// Whose account they are in.
    pub account: AccountId,
    /// To which form.
    pub form: String,
    /// In which version.
    pub form_version: i64,
    /// Whose they are.
    pub member: UserId,
    /// With which intake they were given.
    pub intake: Option<IntakeId>,
    /// About which visit.
    pub visit: Option<VisitId>,
    /// Sealed for `form_answers.content:<id>`.
    pub content: Sealed,
    /// Counts their changes, from 1.
    pub version: i64,
    /// When they were begun.
    pub created_at: At,
    /// When they were changed last.
    pub updated_at: At,
    /// When they were complete; from then on they stay as they are.
    pub completed_at: Option<At>,
}

impl FormAnswers {
    /// What they are answers for: one set each, per form.
    #[must_use]
    pub fn target(&self) -> String {
        match (&self.intake, self.visit) {
            (Some(intake), _) => format!("intake:{intake}"),
            (None, Some(visit)) => format!("visit:{visit}"),
            (None, None) => format!("user:{}", self.member),
        }
    }
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    form_id: String,
    form_version: i64,
    member_id: i64,
    intake_id: Option<String>,
    visit_id: Option<i64>,
    content: Sealed,
    version: i64,
    created_at: i64,
    updated_at: i64,
    completed_at: Option<i64>,
}

impl From<Row> for FormAnswers {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            form: row.form_id,
            form_version: row.form_version,
            member: UserId(row.member_id),
            intake: row.intake_id.map(IntakeId),
            visit: row.visit_id.map(VisitId),
            content: row.content,
            version: row.version,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
            completed_at: row.completed_at.map(At),
        }
    }
}

const ADD: &str = "INSERT INTO form_answers (id, account_id, form_id, form_version, member_id, intake_id, visit_id, \
     target, content, version, created_at, updated_at, completed_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (form_id, target) DO NOTHING";

/// Adds answers. Gives false when there are some for the same already.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, answers: &FormAnswers) -> Result<bool> {
    let added = execute!(
        tx,
        ADD,
        &answers.id,
        answers.account.as_str(),
        &answers.form,
        answers.form_version,
        answers.member.0,
        answers.intake.as_ref().map(IntakeId::as_str),
        answers.visit.map(|id| id.0),
        &answers.target(),
        &answers.content,
        answers.version,
        answers.created_at.0,
        answers.updated_at.0,
        answers.completed_at.map(|at| at.0),
    )?;
    Ok(added == 1)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.account_id, a.form_id, a.form_version, a.member_id, a.intake_id, a.visit_id, a.content, \
             a.version, a.created_at, a.updated_at, a.completed_at FROM form_answers a WHERE a.account_id = $1 ",
            $rest
        )
    };
}

const FIND: &str = select!("AND a.id = $2");

/// The account's answers of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<FormAnswers>> {
    Ok(query_opt!(conn, Row, FIND, account.as_str(), id)?.map(FormAnswers::from))
}

const FIND_FOR: &str = select!("AND a.form_id = $2 AND a.target = $3");

/// The answers to a form for an intake, a visit or a person.
///
/// # Errors
/// What the database says.
pub async fn find_for(
    conn: &mut Conn,
    account: &AccountId,
    form: &str,
    target: &str,
) -> Result<Option<FormAnswers>> {
    Ok(query_opt!(conn, Row, FIND_FOR, account.as_str(), form, target)?.map(FormAnswers::from))
}

const OF_VISIT: &str = select!(
    "AND (a.visit_id = $2 OR a.intake_id = (SELECT v.intake_id FROM visits v WHERE v.account_id = $1 AND v.id = $2)) \
     ORDER BY a.created_at, a.id"
);

/// Everything that was answered for a visit, and for the intake that it was
/// made of, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<FormAnswers>> {
    let rows = query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?;
    Ok(rows.into_iter().map(FormAnswers::from).collect())
}

const OF_INTAKE: &str = select!("AND a.intake_id = $2 ORDER BY a.created_at, a.id");

/// Everything that was answered with an intake, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_of_intake(
    conn: &mut Conn,
    account: &AccountId,
    intake: &IntakeId,
) -> Result<Vec<FormAnswers>> {
    let rows = query_all!(conn, Row, OF_INTAKE, account.as_str(), intake.as_str())?;
    Ok(rows.into_iter().map(FormAnswers::from).collect())
}

const UPDATE: &str = "UPDATE form_answers SET content = $1, version = version + 1, updated_at = $2, completed_at = $3 \
     WHERE account_id = $4 AND id = $5 AND version = $6 AND completed_at IS NULL";

/// Writes answers anew, over the version that `answers` names. Gives false when
/// they have another version or are complete by now.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, answers: &FormAnswers) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        &answers.content,
        answers.updated_at.0,
        answers.completed_at.map(|at| at.0),
        answers.account.as_str(),
        &answers.id,
        answers.version,
    )?;
    Ok(touched == 1)
}

/// Which answers are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'f> {
    /// Of this patient.
    pub member: Option<UserId>,
    /// To this form.
    pub form: Option<&'f str>,
    /// Complete ones, or others.
    pub complete: Option<bool>,
}

macro_rules! page {
    ($rest:literal) => {
        concat!(
            select!(
                "AND a.id > $2 AND (a.form_id = $3 OR $3 = '') AND CAST($4 AS BIGINT) IN (-1, \
                 CASE WHEN a.completed_at IS NULL THEN 0 ELSE 1 END) "
            ),
            $rest
        )
    };
}

const LIST: &str = page!("ORDER BY a.id LIMIT $5");
const LIST_OF: &str = page!("AND a.member_id = $6 ORDER BY a.id LIMIT $5");

/// The account's answers, the oldest first, behind an id.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: Filter<'_>,
    (after, limit): (&str, i64),
) -> Result<Vec<FormAnswers>> {
    let (account, form) = (account.as_str(), filter.form.unwrap_or_default());
    let complete = filter.complete.map_or(-1_i64, i64::from);
    let rows = match filter.member {
        None => query_all!(conn, Row, LIST, account, after, form, complete, limit)?,
        Some(member) => query_all!(conn, Row, LIST_OF, account, after, form, complete, limit, member.0)?,
    };
    Ok(rows.into_iter().map(FormAnswers::from).collect())
}

const CLEAR: &str = "DELETE FROM form_answer_files WHERE account_id = $1 AND answers_id = $2";
const NAME: &str = "INSERT INTO form_answer_files (answers_id, file_id, account_id) VALUES ($1, $2, $3)";

/// Says which files some answers name, each once, in place of those before.
///
/// # Errors
/// [`crate::Error::Foreign`] when one of them is gone.
pub async fn name_files(tx: &mut Tx, account: &AccountId, id: &str, files: &[FileId]) -> Result<()> {
    execute!(tx, CLEAR, account.as_str(), id)?;
    for file in files {
        execute!(tx, NAME, id, file.as_str(), account.as_str())?;
    }
    Ok(())
}
