//! Surveys of a clinic, by version, and what was answered. Answers stay sealed.

use bedside_model::{AccountId, At, UserId, VisitId, survey::Question};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A version of a survey.
#[derive(Debug, Clone)]
pub struct Survey {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// What it is called on the wire; all versions share it.
    pub code: String,
    /// From 1.
    pub version: i64,
    /// What people read above it.
    pub title: String,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Since when nobody is asked any more.
    pub retired_at: Option<At>,
    /// Who made this version.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    code: String,
    version: i64,
    title: String,
    questions: String,
    retired_at: Option<i64>,
    created_by: Option<i64>,
    created_at: i64,
}

impl TryFrom<Row> for Survey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            code: row.code,
            version: row.version,
            title: row.title,
            questions: serde_json::from_str(&row.questions).map_err(|_| Error::Value("surveys.questions"))?,
            retired_at: row.retired_at.map(At),
            created_by: row.created_by.map(UserId),
            created_at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO surveys (id, account_id, code, version, title, questions, created_by, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds a version.
///
/// # Errors
/// [`Error::Unique`] when there is one of this number.
pub async fn add(tx: &mut Tx, survey: &Survey) -> Result<()> {
    let questions =
        serde_json::to_string(&survey.questions).map_err(|_| Error::Value("surveys.questions"))?;
    execute!(
        tx,
        ADD,
        &survey.id,
        survey.account.as_str(),
        &survey.code,
        survey.version,
        &survey.title,
        &questions,
        survey.created_by.map(|id| id.0),
        survey.created_at.0,
    )
    .map(drop)
}

macro_rules! select_newest {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.account_id, s.code, s.version, s.title, s.questions, s.retired_at, s.created_by, \
             s.created_at FROM surveys s WHERE s.account_id = $1 AND s.version = (SELECT MAX(n.version) \
             FROM surveys n WHERE n.account_id = s.account_id AND n.code = s.code) ",
            $rest
        )
    };
}

const LIST: &str = select_newest!("AND s.retired_at IS NULL ORDER BY s.code");

/// The newest versions of all surveys that are asked.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<Survey>> {
    query_all!(conn, Row, LIST, account.as_str())?.into_iter().map(Survey::try_from).collect()
}

const FIND: &str = select_newest!("AND s.code = $2");

/// The newest version of a survey, retired or not.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, code: &str) -> Result<Option<Survey>> {
    query_opt!(conn, Row, FIND, account.as_str(), code)?.map(Survey::try_from).transpose()
}

const COUNT: &str = "SELECT COUNT(DISTINCT code) FROM surveys WHERE account_id = $1";

/// How many surveys the clinic has, retired ones too.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str())
}

const RETIRE: &str =
    "UPDATE surveys SET retired_at = $1 WHERE account_id = $2 AND code = $3 AND retired_at IS NULL";

/// Nobody is asked any more. Answers stay.
///
/// # Errors
/// What the database says.
pub async fn retire(tx: &mut Tx, account: &AccountId, code: &str, at: At) -> Result<()> {
    execute!(tx, RETIRE, at.0, account.as_str(), code).map(drop)
}

/// What somebody answered about a visit.
#[derive(Debug, Clone)]
pub struct SurveyResult {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// About which visit.
    pub visit: VisitId,
    /// Who answered.
    pub user: UserId,
    /// Which survey.
    pub survey: String,
    /// In which version.
    pub version: i64,
    /// Sealed JSON.
    pub answers: Sealed,
    /// One to five stars, of the built-in survey.
    pub rating: Option<i64>,
    /// When.
    pub created_at: At,
}

#[derive(FromRow)]
struct ResultRow {
    id: String,
    account_id: String,
    visit_id: i64,
    user_id: i64,
    survey_code: String,
    survey_version: i64,
    answers: Sealed,
    rating: Option<i64>,
    created_at: i64,
}

impl From<ResultRow> for SurveyResult {
    fn from(row: ResultRow) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            user: UserId(row.user_id),
            survey: row.survey_code,
            version: row.survey_version,
            answers: row.answers,
            rating: row.rating,
            created_at: At(row.created_at),
        }
    }
}

const ADD_RESULT: &str = "INSERT INTO survey_results (id, account_id, visit_id, user_id, survey_code, survey_version, \
     answers, rating, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (visit_id, user_id, survey_code) DO NOTHING";

/// Adds what somebody answered. Gives false when they had answered before.
///
/// # Errors
/// What the database says.
pub async fn add_result(tx: &mut Tx, result: &SurveyResult) -> Result<bool> {
    let added = execute!(
        tx,
        ADD_RESULT,
        &result.id,
        result.account.as_str(),
        result.visit.0,
        result.user.0,
        &result.survey,
        result.version,
        &result.answers,
        result.rating,
        result.created_at.0,
    )?;
    Ok(added == 1)
}

macro_rules! select_results {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, user_id, survey_code, survey_version, answers, rating, created_at \
             FROM survey_results WHERE account_id = $1 AND visit_id = $2 ",
            $rest
        )
    };
}

const LIST_RESULTS: &str = select_results!("ORDER BY created_at, id");

/// Everything that was answered about a visit, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_results(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<SurveyResult>> {
    let rows = query_all!(conn, ResultRow, LIST_RESULTS, account.as_str(), visit.0)?;
    Ok(rows.into_iter().map(SurveyResult::from).collect())
}

const FIND_RESULT: &str = select_results!("AND user_id = $3 AND survey_code = $4");

/// What somebody answered about a visit in a survey.
///
/// # Errors
/// What the database says.
pub async fn find_result(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    user: UserId,
    survey: &str,
) -> Result<Option<SurveyResult>> {
    let found = query_opt!(conn, ResultRow, FIND_RESULT, account.as_str(), visit.0, user.0, survey)?;
    Ok(found.map(SurveyResult::from))
}
