//! Forms on the wire (contract more.md 6.1).

use axum::extract::State;
use bedside_app::{
    App,
    forms::{self, FormView, Write},
};
use bedside_model::At;
use bedside_store::forms::{Form as Row, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

/// A version of a form. It never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormVersion {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    form_id: String,
    #[schema(example = 2)]
    version: i64,
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake")]
    step: &'static str,
    #[schema(example = "Before your visit")]
    title: String,
    /// The fields, as a JSON Schema.
    #[schema(example = json!({ "type": "object", "properties": { "smoker": { "type": "boolean" } } }), value_type = Object)]
    schema: Value,
    /// How they are asked for: sections, words, branching, scores.
    #[schema(example = json!({ "sections": [{ "code": "habits", "fields": [{ "key": "smoker" }] }] }), value_type = Object)]
    ui: Value,
    /// UNIX seconds.
    published: i64,
}

impl From<Version> for FormVersion {
    fn from(row: Version) -> Self {
        Self {
            form_id: row.form,
            version: row.number,
            step: row.step.as_str(),
            title: row.title,
            schema: row.content.schema,
            ui: row.content.ui,
            published: row.published_at.seconds(),
        }
    }
}

/// What is being worked on.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormDraft {
    /// Say it when you change the draft: then nobody's work is overwritten.
    #[schema(example = 3)]
    revision: i64,
    #[schema(example = "Before your visit")]
    title: String,
    /// The fields, as a JSON Schema.
    #[schema(example = json!({ "type": "object", "properties": { "smoker": { "type": "boolean" } } }), value_type = Object)]
    schema: Value,
    /// How they are asked for: sections, words, branching, scores.
    #[schema(example = json!({ "sections": [{ "code": "habits", "fields": [{ "key": "smoker" }] }] }), value_type = Object)]
    ui: Value,
}

/// A form.
#[derive(Debug, Serialize, ToSchema)]
pub struct Form {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake")]
    step: &'static str,
    /// It is the one that is asked for at its step.
    live: bool,
    /// The newest version; null while none was published.
    published: Option<FormVersion>,
    /// Only for those who may change it.
    draft: Option<FormDraft>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl From<FormView> for Form {
    fn from(view: FormView) -> Self {
        let row = view.form;
        let draft = FormDraft {
            revision: row.revision,
            title: row.title,
            schema: row.draft.schema,
            ui: row.draft.ui,
        };
        Self {
            id: row.id,
            step: row.step.as_str(),
            live: row.live,
            published: view.published.map(FormVersion::from),
            draft: view.manages.then_some(draft),
            created: row.created_at.seconds(),
            modified: row.updated_at.seconds(),
        }
    }
}

/// A form in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormRow {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake")]
    step: &'static str,
    #[schema(example = "Before your visit")]
    title: String,
    /// It is the one that is asked for at its step.
    live: bool,
    /// The newest version; null while none was published.
    #[schema(example = 2)]
    version: Option<i64>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl From<Row> for FormRow {
    fn from(row: Row) -> Self {
        let seconds = |at: At| at.seconds();
        Self {
            id: row.id,
            step: row.step.as_str(),
            title: row.title,
            live: row.live,
            version: (row.version > 0).then_some(row.version),
            created: seconds(row.created_at),
            modified: seconds(row.updated_at),
        }
    }
}

/// Paging by a mark.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormsQuery {
    /// The `next` of the page before.
    #[param(value_type = Option<String>, example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    after: Option<Text<64>>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>, example = 20)]
    limit: Option<Int>,
}

/// The clinic's forms, the oldest first. Those who may not make forms see what
/// was published.
#[utoipa::path(get, path = "/forms", tag = "forms", operation_id = "forms::list", params(FormsQuery),
    responses((status = 200, body = Page<FormRow>)))]
pub async fn list(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Request(query): Request<FormsQuery>,
) -> Result<Page<FormRow>, ApiError> {
    let (after, limit) = (query.after.as_ref().map(Text::trimmed), query.limit.map_or(20, |limit| limit.0));
    let (rows, next) = forms::list(&app, &actor, after, limit).await?;
    let total = forms::count(&app, &actor).await?;
    Ok(Page::new(rows.into_iter().map(FormRow::from).collect(), total).followed_by(next))
}

/// A form to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddForm {
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake", value_type = String)]
    step: Text<20>,
    #[schema(example = "Before your visit", value_type = String)]
    title: Text<200>,
    /// The fields: a JSON Schema 2020-12 of the keywords that docs/forms.md names.
    #[schema(example = json!({ "type": "object", "properties": { "smoker": { "type": "boolean" } } }), value_type = Object)]
    schema: Map<String, Value>,
    /// How they are asked for: sections, words, branching, scores.
    #[schema(example = json!({ "sections": [{ "code": "habits", "fields": [{ "key": "smoker" }] }] }), value_type = Object)]
    ui: Map<String, Value>,
}

/// Makes a form as a draft. Nobody is asked before it is published.
#[utoipa::path(post, path = "/forms", tag = "forms", operation_id = "forms::add",
    request_body = AddForm, responses((status = 200, body = Data<Form>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddForm>,
) -> Result<Data<Form>, ApiError> {
    let command = Write {
        revision: None,
        title: Some(body.title.into_string()),
        schema: Some(body.schema.into()),
        ui: Some(body.ui.into()),
    };
    Ok(data(forms::add(&app, &actor, body.step.trimmed(), command).await?.into()))
}

/// A questionnaire to make a form of.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ImportForm {
    /// `sign_up`, `intake`, `post_intake` or `post_call`.
    #[schema(example = "intake", value_type = String)]
    step: Text<20>,
    /// A FHIR R4 Questionnaire.
    #[schema(example = json!({ "resourceType": "Questionnaire", "status": "draft", "title": "Habits",
        "item": [{ "linkId": "1", "type": "boolean", "text": "Do you smoke?" }] }), value_type = Object)]
    questionnaire: Map<String, Value>,
}

/// Makes a form of a FHIR R4 Questionnaire, as a draft. What a form cannot say
/// is refused with the `linkId` of its item.
#[utoipa::path(post, path = "/forms/import", tag = "forms", operation_id = "forms::import",
    request_body = ImportForm, responses((status = 200, body = Data<Form>)))]
pub async fn import(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<ImportForm>,
) -> Result<Data<Form>, ApiError> {
    let resource = body.questionnaire.into();
    Ok(data(forms::import(&app, &actor, body.step.trimmed(), &resource).await?.into()))
}

/// A form with its newest version; for those who may change it, with its draft.
#[utoipa::path(get, path = "/forms/{id}", tag = "forms", operation_id = "forms::get",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    responses((status = 200, body = Data<Form>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
) -> Result<Data<Form>, ApiError> {
    Ok(data(forms::get(&app, &actor, &id).await?.into()))
}

/// Changes of a draft; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateForm {
    /// The draft's revision that you have read; left out, whatever is there is
    /// overwritten.
    #[schema(example = 1, value_type = Option<i64>)]
    revision: Option<Int>,
    #[schema(example = "Before your visit", value_type = Option<String>)]
    title: Option<Text<200>>,
    /// The fields, all of them.
    #[schema(example = json!({ "type": "object", "properties": { "smoker": { "type": "boolean" } } }), value_type = Option<Object>)]
    schema: Option<Map<String, Value>>,
    /// How they are asked for, all of it.
    #[schema(example = json!({ "sections": [{ "code": "habits", "fields": [{ "key": "smoker" }] }] }), value_type = Option<Object>)]
    ui: Option<Map<String, Value>>,
}

/// Changes the draft of a form. What was published stays as it is.
#[utoipa::path(post, path = "/forms/{id}", tag = "forms", operation_id = "forms::update",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    request_body = UpdateForm, responses((status = 200, body = Data<Form>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<UpdateForm>,
) -> Result<Data<Form>, ApiError> {
    let command = Write {
        revision: body.revision.map(|revision| revision.0),
        title: body.title.map(Text::into_string),
        schema: body.schema.map(Value::from),
        ui: body.ui.map(Value::from),
    };
    Ok(data(forms::update(&app, &actor, &id, command).await?.into()))
}

/// Takes a form back: nobody is asked any more, and its step has the account's
/// own steps again. What was answered stays.
#[utoipa::path(delete, path = "/forms/{id}", tag = "forms", operation_id = "forms::retire",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    responses((status = 200, body = Data<Form>)))]
pub async fn retire(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Form>, ApiError> {
    Ok(data(forms::retire(&app, &actor, &id).await?.into()))
}

/// Publishes the draft as the next version, in place of whatever was asked for at
/// its step. The same draft again makes no new version.
#[utoipa::path(post, path = "/forms/{id}/publish", tag = "forms", operation_id = "forms::publish",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")),
    responses((status = 200, body = Data<Form>)))]
pub async fn publish(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Form>, ApiError> {
    Ok(data(forms::publish(&app, &actor, &id).await?.into()))
}

/// A version of a form, such as the one that answers were given to.
#[utoipa::path(get, path = "/forms/{id}/versions/{n}", tag = "forms", operation_id = "forms::get_version",
    params(("id" = String, Path, description = "The form", example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44"),
        ("n" = i64, Path, description = "The version, from 1", example = 1)),
    responses((status = 200, body = Data<FormVersion>)))]
pub async fn get_version(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path((id, n)): Path<(String, String)>,
) -> Result<Data<FormVersion>, ApiError> {
    let number = n.parse().map_err(|_| bedside_app::Error::not_found("form_version"))?;
    Ok(data(forms::get_version(&app, &actor, &id, number).await?.into()))
}
