//! Visit notes on the wire (contract more.md 6.3).

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bedside_app::{
    Actor, App, Error,
    notes::{self, AddendumView, NoteView},
};
use bedside_model::{Phi, VisitId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Int, List, Path, Request, Text},
};

/// What was added to a note after it was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteAddendum {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a45")]
    id: String,
    /// Number of the user.
    author_id: String,
    author_name: String,
    #[schema(example = "The laboratory called: no growth.")]
    text: String,
    /// UNIX seconds.
    created: i64,
}

/// A visit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct Note {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    visit_id: String,
    /// Number of the user who began it.
    author_id: String,
    author_name: String,
    /// `new` while nothing is written, `draft`, `signed`.
    #[schema(example = "draft")]
    status: &'static str,
    /// Say it when you change the note: then nobody's text is overwritten.
    #[schema(example = 3)]
    version: i64,
    /// `soap` or `post_visit`: which fields a page shows first.
    #[schema(example = "soap")]
    template: &'static str,
    #[schema(example = "Itching for three days.")]
    subjective: String,
    objective: String,
    assessment: String,
    plan: String,
    physical_exam: String,
    assessment_plan: String,
    #[schema(example = json!(["L23.9 Allergic contact dermatitis"]))]
    diagnosis: Vec<String>,
    #[schema(example = "Keep the arm cool and dry.")]
    patient_instructions: String,
    disposition: String,
    /// Number of the user.
    signed_by: Option<String>,
    signed_by_name: Option<String>,
    /// UNIX seconds.
    signed_at: Option<i64>,
    /// SHA-256 of what was signed, by whom and when.
    hash: Option<String>,
    /// The document that the patient was sent.
    file_id: Option<String>,
    addenda: Vec<NoteAddendum>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl NoteAddendum {
    fn of(view: AddendumView) -> Self {
        Self {
            id: view.row.id,
            author_id: view.row.author.to_string(),
            author_name: view.author_name.into_inner(),
            text: view.text.into_inner(),
            created: view.row.created_at.seconds(),
        }
    }
}

impl Note {
    fn of(view: NoteView) -> Self {
        let (note, content) = (view.note, view.content.into_inner());
        let signature = note.signature;
        Self {
            visit_id: note.visit.to_string(),
            author_id: note.author.to_string(),
            author_name: view.author_name.into_inner(),
            status: note.status.as_str(),
            version: note.version,
            template: content.template.as_str(),
            subjective: content.subjective,
            objective: content.objective,
            assessment: content.assessment,
            plan: content.plan,
            physical_exam: content.physical_exam,
            assessment_plan: content.assessment_plan,
            diagnosis: content.diagnosis,
            patient_instructions: content.patient_instructions,
            disposition: content.disposition,
            signed_by: signature.as_ref().map(|signature| signature.by.to_string()),
            signed_by_name: view.signer_name.map(Phi::into_inner),
            signed_at: signature.as_ref().map(|signature| signature.at.seconds()),
            hash: signature.map(|signature| signature.hash),
            file_id: note.file.map(|file| file.to_string()),
            addenda: view.addenda.into_iter().map(NoteAddendum::of).collect(),
            created: note.created_at.seconds(),
            modified: note.updated_at.seconds(),
            id: note.id,
        }
    }
}

/// What is written into a note; fields that are left out stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WriteNote {
    /// The version that you have read. Required when a note is changed.
    #[schema(example = 3, value_type = Option<i64>)]
    version: Option<Int>,
    /// `soap` or `post_visit`.
    #[schema(example = "soap", value_type = Option<String>)]
    template: Option<Text<16>>,
    /// At most 20,000 characters, as every text of a note.
    #[schema(example = "Itching for three days.", value_type = Option<String>)]
    subjective: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    objective: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    assessment: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    plan: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    physical_exam: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    assessment_plan: Option<Text<20_000>>,
    /// All diagnoses, at most 50.
    #[schema(example = json!(["L23.9 Allergic contact dermatitis"]), value_type = Option<Vec<String>>)]
    diagnosis: Option<List<Text<300>>>,
    #[schema(value_type = Option<String>)]
    patient_instructions: Option<Text<20_000>>,
    #[schema(value_type = Option<String>)]
    disposition: Option<Text<20_000>>,
}

impl From<WriteNote> for notes::Write {
    fn from(body: WriteNote) -> Self {
        let texts = [
            ("subjective", body.subjective),
            ("objective", body.objective),
            ("assessment", body.assessment),
            ("plan", body.plan),
            ("physical_exam", body.physical_exam),
            ("assessment_plan", body.assessment_plan),
            ("patient_instructions", body.patient_instructions),
            ("disposition", body.disposition),
        ];
        let said = |(field, text): (&'static str, Option<Text<20_000>>)| {
            text.map(|text| (field, Phi::from(text.into_string())))
        };
        Self {
            version: body.version.map(|version| version.0),
            template: body.template.and_then(Text::filled),
            texts: texts.into_iter().filter_map(said).collect(),
            diagnosis: body.diagnosis.map(|all| all.0.into_iter().map(Text::into_string).collect()),
        }
    }
}

pub(super) fn visit_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| Error::not_found("visit").into())
}

/// A visit's notes, the oldest first. For providers who work there.
#[utoipa::path(get, path = "/visits/{id}/notes", tag = "notes", operation_id = "notes::list",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Vec<Note>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<Note>>, ApiError> {
    let views = notes::list(&app, &actor, visit_of(&id)?).await?;
    Ok(data(views.into_iter().map(Note::of).collect()))
}

/// Begins a note.
#[utoipa::path(post, path = "/visits/{id}/notes", tag = "notes", operation_id = "notes::add",
    params(("id" = String, Path, description = "Number of the visit")), request_body = WriteNote,
    responses((status = 200, body = Data<Note>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<WriteNote>,
) -> Result<Data<Note>, ApiError> {
    Ok(data(Note::of(notes::add(&app, &actor, visit_of(&id)?, body.into()).await?)))
}

/// A note; with `.pdf` behind its identifier, the document.
#[utoipa::path(get, path = "/notes/{id}", tag = "notes", operation_id = "notes::get",
    params(("id" = String, Path, description = "Identifier of the note")),
    responses((status = 200, body = Data<Note>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match id.strip_suffix(".pdf") {
        Some(id) => document(&app, &actor, id).await,
        None => Ok(data(Note::of(notes::get(&app, &actor, &id).await?)).into_response()),
    }
}

/// Writes into a note that is not signed. With another version than the note's
/// the answer is 400 `note_changed` with both texts, `current` and `yours`.
#[utoipa::path(post, path = "/notes/{id}", tag = "notes", operation_id = "notes::update",
    params(("id" = String, Path, description = "Identifier of the note")), request_body = WriteNote,
    responses((status = 200, body = Data<Note>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<WriteNote>,
) -> Result<Data<Note>, ApiError> {
    Ok(data(Note::of(notes::update(&app, &actor, &id, body.into()).await?)))
}

/// How a note is signed.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SignNote {
    /// File it for the patient too, as a PDF.
    #[schema(example = true, value_type = Option<bool>)]
    send: Option<Flag>,
    /// The version that you have read.
    #[schema(example = 3, value_type = Option<i64>)]
    version: Option<Int>,
}

/// Signs a note: from here on it stays as it is. A second time changes nothing,
/// but may send what was signed alone.
#[utoipa::path(post, path = "/notes/{id}/sign", tag = "notes", operation_id = "notes::sign",
    params(("id" = String, Path, description = "Identifier of the note")), request_body = SignNote,
    responses((status = 200, body = Data<Note>)))]
pub async fn sign(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<SignNote>,
) -> Result<Data<Note>, ApiError> {
    let (send, version) = (body.send.is_some_and(|send| send.0), body.version.map(|version| version.0));
    Ok(data(Note::of(notes::sign(&app, &actor, &id, send, version).await?)))
}

/// What comes to mind after a note was signed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddAddendum {
    #[schema(example = "The laboratory called: no growth.", value_type = String)]
    text: Text<20_000>,
}

/// Adds to a signed note.
#[utoipa::path(post, path = "/notes/{id}/addendum", tag = "notes", operation_id = "notes::addendum",
    params(("id" = String, Path, description = "Identifier of the note")), request_body = AddAddendum,
    responses((status = 200, body = Data<Note>)))]
pub async fn addendum(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddAddendum>,
) -> Result<Data<Note>, ApiError> {
    let text = Phi::from(body.text.into_string());
    Ok(data(Note::of(notes::addendum(&app, &actor, &id, &text).await?)))
}

/// A note as a PDF with real, tagged text, and its addenda.
#[utoipa::path(get, path = "/notes/{id}/pdf", tag = "notes", operation_id = "notes::pdf",
    params(("id" = String, Path, description = "Identifier of the note")),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>)))]
pub async fn pdf(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    document(&app, &actor, &id).await
}

async fn document(app: &App, actor: &Actor, id: &str) -> Result<Response, ApiError> {
    paper(notes::pdf(app, actor, id).await?)
}

/// Shows a document.
pub(super) fn paper(document: notes::Document) -> Result<Response, ApiError> {
    let name =
        HeaderValue::try_from(format!("inline; filename=\"{}\"", document.name)).map_err(Error::internal)?;
    let kind = HeaderValue::from_static("application/pdf");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, document.bytes).into_response())
}
