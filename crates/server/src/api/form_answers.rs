//! Answers to forms on the wire (contract more.md 6.1).

use axum::extract::State;
use bedside_app::{
    App,
    form_answers::{self, AnswersView},
};
use bedside_model::{
    Phi,
    form::{Field, Form, Kind},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::VisitCaller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Id, Int, List, Path, Request, Text},
    visits::id_of,
};

/// A score.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormScore {
    #[schema(example = "phq2")]
    code: String,
    #[schema(example = "PHQ-2")]
    name: String,
    #[schema(example = 3)]
    value: i64,
    /// Everything that counts and is shown was answered.
    complete: bool,
    /// Code of the band it falls into, once it is complete.
    #[schema(example = "positive")]
    band: Option<String>,
    /// What that is called.
    #[schema(example = "Positive screen")]
    band_name: Option<String>,
}

/// What somebody answered in a form.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormAnswers {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    form_id: String,
    /// The version of the form that they were given to.
    #[schema(example = 2)]
    form_version: i64,
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake")]
    step: &'static str,
    #[schema(example = "Before your visit")]
    title: String,
    /// Number of the patient.
    member_id: String,
    intake_id: Option<String>,
    visit_id: Option<String>,
    /// `in_progress` or `completed`.
    #[schema(example = "in_progress")]
    status: &'static str,
    /// Say it when you save: then no other device's answers are overwritten.
    #[schema(example = 3)]
    version: i64,
    /// Code of the section where the patient is.
    #[schema(example = "habits")]
    section: Option<String>,
    /// By the keys of the fields; what is hidden has none.
    #[schema(example = json!({ "smoker": true }), value_type = Object)]
    answers: Value,
    /// Keys of the fields that are shown, in their order.
    #[schema(example = json!(["smoker", "packs"]))]
    shown: Vec<String>,
    /// Keys of those that have to be answered still.
    #[schema(example = json!(["packs"]))]
    missing: Vec<String>,
    scores: Vec<FormScore>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    /// UNIX seconds.
    completed: Option<i64>,
}

fn scores(form: &Form, view: &AnswersView, wanted: &[&str]) -> Vec<FormScore> {
    let named = |code: &str| form.scores.iter().find(|score| score.code == code);
    let or = |text: &str, code: &str| if text.is_empty() { code.to_owned() } else { text.to_owned() };
    let scored = form.scores(&view.content.reveal().answers).into_iter().map(|scored| FormScore {
        name: or(named(scored.code).map_or("", |score| form.say(&score.name, wanted)), scored.code),
        code: scored.code.to_owned(),
        value: scored.value,
        complete: scored.complete,
        band_name: scored.band.map(|band| or(form.say(&band.name, wanted), &band.code)),
        band: scored.band.map(|band| band.code.clone()),
    });
    scored.collect()
}

const fn status(view: &AnswersView) -> &'static str {
    if view.row.completed_at.is_some() { "completed" } else { "in_progress" }
}

impl FormAnswers {
    fn of(view: AnswersView) -> Self {
        let (shown, _) = view.form.shown(&view.content.reveal().answers);
        let missing = view.form.missing(&view.content.reveal().answers);
        Self {
            shown: shown.iter().map(|field| field.key.clone()).collect(),
            missing: missing.into_iter().map(str::to_owned).collect(),
            scores: scores(&view.form, &view, &[]),
            status: status(&view),
            step: view.step.as_str(),
            title: view.title,
            member_id: view.row.member.to_string(),
            intake_id: view.row.intake.map(|id| id.to_string()),
            visit_id: view.row.visit.map(|id| id.to_string()),
            form_id: view.row.form,
            form_version: view.row.form_version,
            version: view.row.version,
            created: view.row.created_at.seconds(),
            modified: view.row.updated_at.seconds(),
            completed: view.row.completed_at.map(bedside_model::At::seconds),
            id: view.row.id,
            section: view.content.reveal().section.clone(),
            answers: view.content.into_inner().answers.into(),
        }
    }
}

/// What answers are for: what the form's step needs.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BeginAnswers {
    /// For a form of the step `intake`.
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44", value_type = Option<String>)]
    intake_id: Option<Text<64>>,
    /// For a form of the steps `post_intake` and `post_call`.
    #[schema(value_type = Option<String>)]
    visit_id: Option<Id>,
    /// For a form of the step `sign_up`: the patient, when you do not call as one.
    #[schema(value_type = Option<String>)]
    member_id: Option<Text<64>>,
}

/// Begins the answers to a form. A second time, and on another device, it gives
/// those that there are, so that the patient goes on where they were.
#[utoipa::path(post, path = "/forms/{id}/answers", tag = "forms", operation_id = "form_answers::begin",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    request_body = BeginAnswers, responses((status = 200, body = Data<FormAnswers>)))]
pub async fn begin(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<BeginAnswers>,
) -> Result<Data<FormAnswers>, ApiError> {
    let intake = body.intake_id.and_then(Text::filled).map(|id| id.parse());
    let command = form_answers::Begin {
        intake: intake.transpose().map_err(|_| bedside_app::Error::not_found("intake"))?,
        visit: body.visit_id.map(|id| bedside_model::VisitId(id.0)),
        member: body.member_id.and_then(Text::filled),
    };
    Ok(data(FormAnswers::of(form_answers::begin(&app, &actor, &id, command).await?)))
}

/// Answers, with what is shown, what is missing, and what they score.
#[utoipa::path(get, path = "/form_answers/{id}", tag = "forms", operation_id = "form_answers::get",
    params(("id" = String, Path, description = "The answers", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    responses((status = 200, body = Data<FormAnswers>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
) -> Result<Data<FormAnswers>, ApiError> {
    Ok(data(FormAnswers::of(form_answers::get(&app, &actor, &id).await?)))
}

/// What was answered further.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SaveAnswers {
    /// The version of the answers that you have read.
    #[schema(example = 1, value_type = Option<i64>)]
    version: Option<Int>,
    /// Code of the section where the patient is now.
    #[schema(example = "habits", value_type = Option<String>)]
    section: Option<Text<64>>,
    /// By the keys of the fields, some of them; null takes an answer back.
    #[schema(example = json!({ "smoker": true }), value_type = Option<Object>)]
    answers: Option<Map<String, Value>>,
}

impl From<SaveAnswers> for form_answers::Save {
    fn from(body: SaveAnswers) -> Self {
        Self {
            version: body.version.map(|version| version.0),
            section: body.section.and_then(Text::filled),
            answers: Phi::new(body.answers.unwrap_or_default()),
        }
    }
}

/// Saves answers at a step. Nothing has to be complete, but what is there is
/// checked; answers that branching hides are dropped.
#[utoipa::path(post, path = "/form_answers/{id}", tag = "forms", operation_id = "form_answers::save",
    params(("id" = String, Path, description = "The answers", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    request_body = SaveAnswers, responses((status = 200, body = Data<FormAnswers>)))]
pub async fn save(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<SaveAnswers>,
) -> Result<Data<FormAnswers>, ApiError> {
    Ok(data(FormAnswers::of(form_answers::save(&app, &actor, &id, body.into()).await?)))
}

/// Completes answers, with a last save: whatever is shown and required has to be
/// there. From then on they stay as they are; a second time changes nothing.
#[utoipa::path(post, path = "/form_answers/{id}/complete", tag = "forms", operation_id = "form_answers::complete",
    params(("id" = String, Path, description = "The answers", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    request_body = SaveAnswers, responses((status = 200, body = Data<FormAnswers>)))]
pub async fn complete(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<SaveAnswers>,
) -> Result<Data<FormAnswers>, ApiError> {
    Ok(data(FormAnswers::of(form_answers::complete(&app, &actor, &id, body.into()).await?)))
}

/// A question with its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownAnswer {
    #[schema(example = "symptoms")]
    key: String,
    /// What people read.
    #[schema(example = "What troubles you?")]
    label: String,
    /// `text`, `number`, `integer`, `boolean`, `date`, `choice`, `choices` or `file`.
    #[schema(example = "choices")]
    kind: &'static str,
    /// The answer; null while there is none.
    #[schema(example = json!(["cough"]), value_type = Object)]
    value: Value,
    /// The same as people read it, the labels of choices; null for yes or no, for
    /// a file, and while there is none.
    #[schema(example = "Cough")]
    text: Option<String>,
}

/// A section that is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownSection {
    #[schema(example = "habits")]
    code: String,
    #[schema(example = "Habits")]
    title: String,
    answers: Vec<ShownAnswer>,
}

/// Answers as they are read at a visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownAnswers {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    form_id: String,
    #[schema(example = 2)]
    form_version: i64,
    /// `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake")]
    step: &'static str,
    #[schema(example = "Before your visit")]
    title: String,
    /// `in_progress` or `completed`.
    #[schema(example = "completed")]
    status: &'static str,
    sections: Vec<ShownSection>,
    scores: Vec<FormScore>,
    /// UNIX seconds.
    modified: i64,
    /// UNIX seconds.
    completed: Option<i64>,
}

const fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text { .. } => "text",
        Kind::Number { .. } => "number",
        Kind::Integer { .. } => "integer",
        Kind::Boolean => "boolean",
        Kind::Date => "date",
        Kind::Choice { many: false, .. } => "choice",
        Kind::Choice { many: true, .. } => "choices",
        Kind::File => "file",
    }
}

/// An answer as people read it.
fn words(form: &Form, field: &Field, value: &Value, wanted: &[&str]) -> Option<String> {
    match (&field.kind, value) {
        (_, Value::Null) | (Kind::Boolean | Kind::File, _) => None,
        (Kind::Choice { options, .. }, value) => {
            let chosen = options.iter().filter(|option| match value {
                Value::Array(all) => all.iter().any(|one| *one == option.value),
                one => *one == option.value,
            });
            Some(chosen.map(|option| option.shown(form, wanted)).collect::<Vec<_>>().join(", "))
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, other) => Some(other.to_string()),
    }
}

impl ShownAnswers {
    fn of(view: &AnswersView, wanted: &[&str]) -> Self {
        let form = &view.form;
        let (shown, kept) = form.shown(&view.content.reveal().answers);
        let answer = |field: &Field| {
            let value = kept.get(&field.key).cloned().unwrap_or_default();
            let label = match form.say(&field.label, wanted) {
                "" => field.key.clone(),
                label => label.to_owned(),
            };
            let (key, text) = (field.key.clone(), words(form, field, &value, wanted));
            ShownAnswer { key, label, kind: kind(&field.kind), value, text }
        };
        let section = |section: &bedside_model::form::Section| ShownSection {
            code: section.code.clone(),
            title: form.say(&section.title, wanted).to_owned(),
            answers: section
                .fields
                .iter()
                .filter(|field| shown.iter().any(|one| one.key == field.key))
                .map(answer)
                .collect(),
        };
        let sections = form.sections.iter().map(section).filter(|section| !section.answers.is_empty());
        Self {
            id: view.row.id.clone(),
            form_id: view.row.form.clone(),
            form_version: view.row.form_version,
            step: view.step.as_str(),
            title: view.title.clone(),
            status: status(view),
            sections: sections.collect(),
            scores: scores(form, view, wanted),
            modified: view.row.updated_at.seconds(),
            completed: view.row.completed_at.map(bedside_model::At::seconds),
        }
    }
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AnswersQuery {
    /// The languages that are wanted, with commas, the dearest first. Where none
    /// is there, the form's own.
    #[param(value_type = Option<String>, example = "es-MX,en")]
    language: Option<List<Text<35>>>,
}

/// What was answered for a visit, and for the intake that it was made of, with
/// the labels that the patient read and the scores.
#[utoipa::path(get, path = "/visits/{id}/form_answers", tag = "forms", operation_id = "form_answers::list",
    params(("id" = String, Path, description = "Number of the visit"), AnswersQuery),
    responses((status = 200, body = Page<ShownAnswers>)))]
pub async fn list(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(query): Request<AnswersQuery>,
) -> Result<Page<ShownAnswers>, ApiError> {
    let wanted: Vec<String> =
        query.language.map(|list| list.0).unwrap_or_default().into_iter().map(Text::into_string).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let found = form_answers::list_of_visit(&app, &actor, id_of(&id)?).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.iter().map(|view| ShownAnswers::of(view, &wanted)).collect(), total))
}
