//! Health records on the wire (contract more.md 6.4, where the paths are ours).

use axum::extract::State;
use bedside_app::{
    App, Error,
    health_records::{self, SectionView},
};
use bedside_model::health_record::{Kind, Section};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Int, Path, Request},
    users::which,
};

/// A field of a section's entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthField {
    #[schema(example = "substance")]
    name: &'static str,
    /// `text`, `choice`, `choices`, `count` or `date` (a day, a month or a year).
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: &'static str,
    required: bool,
    /// Characters of a text.
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    /// Most of a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    /// The words of a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'static [&'static str]>,
}

/// A section of the health record and what its entries say.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthSchema {
    #[schema(example = "allergies")]
    kind: &'static str,
    /// There is one entry.
    single: bool,
    fields: Vec<HealthField>,
}

/// An entry: its section's fields, and these.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthEntry {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `active`, or `entered_in_error`.
    #[schema(example = "active")]
    status: &'static str,
    /// Say it when you change the entry: then nobody's words are overwritten.
    #[schema(example = 1)]
    version: i64,
    /// Number of the user who wrote it last.
    author_id: String,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    /// The fields of `GET /emr/schemas`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

/// A section of somebody's health record.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthSection {
    #[schema(example = "allergies")]
    kind: &'static str,
    /// The oldest first.
    items: Vec<HealthEntry>,
    /// Somebody said that there is nothing to report.
    not_reported: bool,
}

impl HealthSection {
    fn of(view: SectionView) -> Self {
        let item = |one: health_records::EntryView| HealthEntry {
            status: one.row.status.as_str(),
            version: one.row.version,
            author_id: one.row.author.to_string(),
            created: one.row.created_at.seconds(),
            modified: one.row.updated_at.seconds(),
            fields: one.content.reveal().fields(),
            id: one.row.id,
        };
        Self {
            kind: view.section.as_str(),
            items: view.entries.into_iter().map(item).collect(),
            not_reported: view.not_reported,
        }
    }
}

/// What is said of a section or of an entry: the section's fields, and these.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WriteHealthEntry {
    /// The version that you have read. Required when an entry is changed.
    #[schema(example = 1, value_type = Option<i64>)]
    version: Option<Int>,
    /// There is nothing to report in this section.
    #[schema(value_type = Option<bool>)]
    not_reported: Option<Flag>,
    /// The fields of `GET /emr/schemas`; what is left out stays, null takes away.
    #[serde(flatten)]
    #[schema(value_type = Object, example = json!({ "substance": "Penicillin", "severity": "severe" }))]
    fields: Map<String, Value>,
}

impl From<WriteHealthEntry> for health_records::Write {
    fn from(mut body: WriteHealthEntry) -> Self {
        // The header with a room's code stands beside every call of some clients.
        body.fields.remove("room_code");
        Self {
            version: body.version.map(|version| version.0),
            not_reported: body.not_reported.map(|flag| flag.0),
            fields: body.fields.into(),
        }
    }
}

/// What is shown of a record.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowHealth {
    /// Also what was entered in error.
    #[param(value_type = Option<bool>)]
    removed: Option<Flag>,
}

fn section_of(word: &str) -> Result<Section, ApiError> {
    Section::parse(word).ok_or_else(|| Error::not_found("health_section").into())
}

/// The sections of a health record and their fields.
#[utoipa::path(get, path = "/emr/schemas", tag = "health records", operation_id = "health_records::schemas",
    responses((status = 200, body = Data<Vec<HealthSchema>>)))]
pub async fn schemas(Caller(actor): Caller) -> Result<Data<Vec<HealthSchema>>, ApiError> {
    let field = |field: &bedside_model::health_record::Field| {
        let mut told = HealthField {
            name: field.name,
            kind: "",
            required: field.required,
            max_length: None,
            maximum: None,
            options: None,
        };
        match field.kind {
            Kind::Text(most) => (told.kind, told.max_length) = ("text", Some(most)),
            Kind::OneOf(words) => (told.kind, told.options) = ("choice", Some(words)),
            Kind::Some(_, words) => (told.kind, told.options) = ("choices", Some(words)),
            Kind::Count(most) => (told.kind, told.maximum) = ("count", Some(most)),
            Kind::Date => told.kind = "date",
        }
        told
    };
    let schema = |section: &Section| HealthSchema {
        kind: section.as_str(),
        single: section.is_single(),
        fields: section.fields().iter().map(field).collect(),
    };
    Ok(data(health_records::sections(&actor)?.iter().map(schema).collect()))
}

/// Somebody's whole health record, section by section. For themselves, those
/// who care for them and the providers who treat them.
#[utoipa::path(get, path = "/users/{id}/emr", tag = "health records", operation_id = "health_records::get",
    params(("id" = String, Path, description = "Number of the patient, or `-`"), ShowHealth),
    responses((status = 200, body = Data<Vec<HealthSection>>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(shown): Request<ShowHealth>,
) -> Result<Data<Vec<HealthSection>>, ApiError> {
    let removed = shown.removed.is_some_and(|flag| flag.0);
    let sections = health_records::get(&app, &actor, which(&id)?, removed).await?;
    Ok(data(sections.into_iter().map(HealthSection::of).collect()))
}

/// A section of somebody's health record.
#[utoipa::path(get, path = "/users/{id}/emr/{kind}", tag = "health records",
    operation_id = "health_records::section",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("kind" = String, Path, description = "The section", example = "allergies"), ShowHealth),
    responses((status = 200, body = Data<HealthSection>)))]
pub async fn section(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, kind)): Path<(String, String)>,
    Request(shown): Request<ShowHealth>,
) -> Result<Data<HealthSection>, ApiError> {
    let removed = shown.removed.is_some_and(|flag| flag.0);
    let view = health_records::section(&app, &actor, which(&id)?, section_of(&kind)?, removed).await?;
    Ok(data(HealthSection::of(view)))
}

/// Adds an entry to a section, or says with `not_reported` that there is nothing
/// to report. `social_history` and `health_habits` have one entry, which is
/// changed when it is there.
#[utoipa::path(post, path = "/users/{id}/emr/{kind}", tag = "health records",
    operation_id = "health_records::add",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("kind" = String, Path, description = "The section", example = "allergies")),
    request_body = WriteHealthEntry, responses((status = 200, body = Data<HealthSection>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, kind)): Path<(String, String)>,
    Request(body): Request<WriteHealthEntry>,
) -> Result<Data<HealthSection>, ApiError> {
    let view = health_records::add(&app, &actor, which(&id)?, section_of(&kind)?, body.into()).await?;
    Ok(data(HealthSection::of(view)))
}

/// Changes an entry. With another version than the entry's the answer is 400
/// `health_entry_changed` with both, `current` and `yours`.
#[utoipa::path(post, path = "/users/{id}/emr/{kind}/{entry_id}", tag = "health records",
    operation_id = "health_records::update",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("kind" = String, Path, description = "The section", example = "allergies"),
        ("entry_id" = String, Path, description = "Identifier of the entry")),
    request_body = WriteHealthEntry, responses((status = 200, body = Data<HealthSection>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, kind, entry)): Path<(String, String, String)>,
    Request(body): Request<WriteHealthEntry>,
) -> Result<Data<HealthSection>, ApiError> {
    let at = (section_of(&kind)?, entry);
    Ok(data(HealthSection::of(health_records::update(&app, &actor, which(&id)?, at, body.into()).await?)))
}

/// Takes an entry away as an error: it is kept, and shown with `removed`.
#[utoipa::path(delete, path = "/users/{id}/emr/{kind}/{entry_id}", tag = "health records",
    operation_id = "health_records::remove",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("kind" = String, Path, description = "The section", example = "allergies"),
        ("entry_id" = String, Path, description = "Identifier of the entry")),
    responses((status = 200, body = Data<HealthSection>)))]
pub async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, kind, entry)): Path<(String, String, String)>,
) -> Result<Data<HealthSection>, ApiError> {
    let at = (section_of(&kind)?, entry);
    Ok(data(HealthSection::of(health_records::remove(&app, &actor, which(&id)?, at).await?)))
}
