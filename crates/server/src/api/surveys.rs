//! Surveys on the wire (contract more.md 6.10).

use axum::extract::State;
use bedside_app::{
    App, Error,
    surveys::{self, Publish, ResultView, SurveyView},
};
use bedside_model::{
    At, Phi, VisitId,
    survey::{self, Kind},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Int, Path, Request, Text},
    visits::id_of,
};

/// One of a question's choices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SurveyChoice {
    /// What an answer says.
    #[schema(example = "friend")]
    code: String,
    /// What people read.
    #[schema(example = "From a friend")]
    label: String,
}

/// A question of a survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyQuestion {
    /// Its name in the answers.
    #[schema(example = "stars")]
    code: String,
    /// `rating`, `choice` or `text`.
    #[schema(example = "rating")]
    kind: &'static str,
    #[schema(example = "How was your visit?")]
    label: String,
    required: bool,
    /// The lowest rating; null for other kinds.
    #[schema(example = 1)]
    min: Option<i64>,
    /// The best rating; null for other kinds.
    #[schema(example = 5)]
    max: Option<i64>,
    /// More than one choice may be taken.
    multiple: bool,
    choices: Vec<SurveyChoice>,
}

/// A survey in one version.
#[derive(Debug, Serialize, ToSchema)]
pub struct Survey {
    #[schema(example = "visit_rating")]
    code: String,
    #[schema(example = 1)]
    version: i64,
    #[schema(example = "Your visit")]
    title: String,
    questions: Vec<SurveyQuestion>,
    /// Bedside's own, the same in every clinic.
    built_in: bool,
    /// Since when nobody is asked any more, UNIX seconds.
    retired: Option<i64>,
    /// When this version was made, UNIX seconds; null for the built-in survey.
    created: Option<i64>,
}

impl From<survey::Question> for SurveyQuestion {
    fn from(question: survey::Question) -> Self {
        let rating = question.kind == Kind::Rating;
        let choice = |choice: survey::Choice| SurveyChoice { code: choice.code, label: choice.label };
        Self {
            min: rating.then(|| question.min()),
            max: rating.then_some(question.max),
            code: question.code,
            kind: question.kind.as_str(),
            label: question.label,
            required: question.required,
            multiple: question.multiple,
            choices: question.choices.into_iter().map(choice).collect(),
        }
    }
}

impl From<SurveyView> for Survey {
    fn from(view: SurveyView) -> Self {
        Self {
            code: view.code,
            version: view.version,
            title: view.title,
            questions: view.questions.into_iter().map(SurveyQuestion::from).collect(),
            built_in: view.is_built_in,
            retired: view.retired_at.map(At::seconds),
            created: view.created_at.map(At::seconds),
        }
    }
}

/// What the clinic asks after a visit. `visit_rating` is always among it.
#[utoipa::path(get, path = "/surveys", tag = "surveys", operation_id = "surveys::list",
    responses((status = 200, body = Page<Survey>)))]
pub async fn list(State(app): State<App>, VisitCaller(actor): VisitCaller) -> Result<Page<Survey>, ApiError> {
    let found = surveys::list(&app, &actor).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(Survey::from).collect(), total))
}

/// A survey in its newest version.
#[utoipa::path(get, path = "/surveys/{code}", tag = "surveys", operation_id = "surveys::get",
    params(("code" = String, Path, description = "Code of the survey", example = "visit_rating")),
    responses((status = 200, body = Data<Survey>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(code): Path<String>,
) -> Result<Data<Survey>, ApiError> {
    Ok(data(surveys::get(&app, &actor, &code).await?.into()))
}

/// A question to ask.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AskQuestion {
    #[schema(example = "recommend", value_type = String)]
    code: Text<64>,
    /// `rating`, `choice` or `text`.
    #[schema(example = "rating", value_type = String)]
    kind: Text<16>,
    #[schema(example = "Would you recommend us to a friend?", value_type = String)]
    label: Text<500>,
    #[schema(example = true, value_type = Option<bool>)]
    required: Option<Flag>,
    /// Of a rating: 5 (from 1) or 10 (from 0); 5 if not said.
    #[schema(example = 10, value_type = Option<i64>)]
    max: Option<Int>,
    /// Of a choice: more than one may be taken.
    #[schema(example = false, value_type = Option<bool>)]
    multiple: Option<Flag>,
    /// Of a choice: 2 to 50.
    #[schema(example = json!([]), value_type = Option<Vec<SurveyChoice>>)]
    choices: Option<Vec<SurveyChoice>>,
}

/// A survey to publish.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PublishSurvey {
    /// Lower-case letters, digits, `_` and `-`. With the code of an existing
    /// survey this is its next version.
    #[schema(example = "after-visit", value_type = String)]
    code: Text<64>,
    #[schema(example = "How did we do?", value_type = String)]
    title: Text<500>,
    /// 1 to 50 questions.
    questions: Vec<AskQuestion>,
}

impl TryFrom<PublishSurvey> for Publish {
    type Error = Error;

    fn try_from(body: PublishSurvey) -> Result<Self, Error> {
        let questions = body.questions.into_iter().map(survey::Question::try_from);
        Ok(Self {
            code: body.code.trimmed().to_owned(),
            title: body.title.into_string(),
            questions: questions.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<AskQuestion> for survey::Question {
    type Error = Error;

    fn try_from(body: AskQuestion) -> Result<Self, Error> {
        let kind = Kind::parse(body.kind.trimmed())
            .ok_or_else(|| Error::field("questions", "the kind of a question is rating, choice or text"))?;
        let best = body.max.map_or(5, |max| max.0);
        let choice = |choice: SurveyChoice| survey::Choice { code: choice.code, label: choice.label };
        Ok(Self {
            code: body.code.trimmed().to_owned(),
            kind,
            label: body.label.into_string(),
            required: body.required.is_some_and(|flag| flag.0),
            max: if kind == Kind::Rating { best } else { 0 },
            multiple: kind == Kind::Choice && body.multiple.is_some_and(|flag| flag.0),
            choices: body.choices.into_iter().flatten().map(choice).collect(),
        })
    }
}

/// Publishes a survey. Changed questions are a new version; answers keep the
/// version that they were given to. The same questions again change nothing.
#[utoipa::path(post, path = "/surveys", tag = "surveys", operation_id = "surveys::publish",
    request_body = PublishSurvey, responses((status = 200, body = Data<Survey>)))]
pub async fn publish(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<PublishSurvey>,
) -> Result<Data<Survey>, ApiError> {
    Ok(data(surveys::publish(&app, &actor, body.try_into()?).await?.into()))
}

/// Takes a survey back: nobody is asked any more. What was answered stays.
#[utoipa::path(delete, path = "/surveys/{code}", tag = "surveys", operation_id = "surveys::retire",
    params(("code" = String, Path, description = "Code of the survey", example = "after-visit")),
    responses((status = 200, body = Data<Survey>)))]
pub async fn retire(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
) -> Result<Data<Survey>, ApiError> {
    Ok(data(surveys::retire(&app, &actor, &code).await?.into()))
}

/// What somebody answered about a visit. It never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyResult {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    visit_id: String,
    /// Number of the person who answered.
    user_id: String,
    #[schema(example = "visit_rating")]
    survey_code: String,
    #[schema(example = 1)]
    survey_version: i64,
    /// By the codes of the questions: a number, a text, or a list of choices.
    #[schema(example = json!({ "stars": 5, "comment": "Thank you." }), value_type = Object)]
    answers: Value,
    /// Of `visit_rating`, one to five stars.
    #[schema(example = 5)]
    rating: Option<i64>,
    /// UNIX seconds.
    created: i64,
}

impl SurveyResult {
    fn of(view: ResultView) -> Result<Self, Error> {
        let row = view.row;
        Ok(Self {
            id: row.id,
            visit_id: row.visit.to_string(),
            user_id: row.user.to_string(),
            survey_code: row.survey,
            survey_version: row.version,
            answers: serde_json::to_value(view.answers.into_inner()).map_err(Error::internal)?,
            rating: row.rating,
            created: row.created_at.seconds(),
        })
    }
}

/// Answers.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnswerSurvey {
    /// About which visit.
    #[schema(example = "4711", value_type = String)]
    visit_id: Id,
    /// By the codes of the questions: a number, a text, or a list of choices.
    #[schema(example = json!({ "stars": 5, "comment": "Thank you." }), value_type = Object)]
    answers: Map<String, Value>,
}

/// Answers a survey about a visit, as its patient or for somebody in one's care,
/// once it has begun or is over. A second time changes nothing and gives the
/// first answers again.
#[utoipa::path(post, path = "/surveys/{code}/results", tag = "surveys", operation_id = "surveys::answer",
    params(("code" = String, Path, description = "Code of the survey", example = "visit_rating")),
    request_body = AnswerSurvey, responses((status = 200, body = Data<SurveyResult>)))]
pub async fn answer(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(code): Path<String>,
    Request(body): Request<AnswerSurvey>,
) -> Result<Data<SurveyResult>, ApiError> {
    let answers = Phi::new(body.answers);
    let view = surveys::answer(&app, &actor, &code, VisitId(body.visit_id.0), &answers).await?;
    Ok(data(SurveyResult::of(view)?))
}

/// What was answered about a visit: everything for those who run the clinic and
/// the provider who has it, their own for patients.
#[utoipa::path(get, path = "/visits/{id}/survey_results", tag = "surveys", operation_id = "surveys::results",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Page<SurveyResult>)))]
pub async fn results(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<SurveyResult>, ApiError> {
    let found = surveys::results(&app, &actor, id_of(&id)?).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(SurveyResult::of).collect::<Result<_, _>>()?, total))
}
