//! Consent on the wire (contract more.md 6.2): a clinic's documents, and who
//! agreed to them.

use axum::extract::State;
use bedside_app::{
    App,
    consents::{self, ConsentView, DocumentView, Give, Publish},
};
use bedside_model::{Phi, consent::Translation};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, List, Path, Request, Text},
    users::which,
};

/// A document in one language.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentDocument {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `tos`, `consent`, or a word of the clinic's own.
    #[schema(example = "consent")]
    kind: String,
    /// Say it when you agree.
    #[schema(example = 2)]
    version: i64,
    /// The language of `title` and `text`.
    #[schema(example = "en")]
    language: String,
    /// The languages of this version, the clinic's own first.
    #[schema(example = json!(["en", "es"]))]
    languages: Vec<String>,
    #[schema(example = "Consent to a video visit")]
    title: String,
    /// Plain text or Markdown, never HTML.
    #[schema(example = "I agree to be seen by video.")]
    text: String,
    /// Where the same can be read outside; empty for nowhere.
    #[schema(example = "https://www.northside.example/consent")]
    url: String,
    /// SHA-256 of what it says.
    hash: String,
    /// When this version was published, UNIX seconds.
    created: i64,
    /// Since when nobody is asked for it, UNIX seconds.
    retired: Option<i64>,
}

/// A document in all its languages, for those who publish it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedDocument {
    #[serde(flatten)]
    document: ConsentDocument,
    translations: Vec<ConsentText>,
}

/// What a document says in a language.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentText {
    #[schema(example = "es")]
    language: String,
    #[schema(example = "Consentimiento para una consulta por video")]
    title: String,
    #[schema(example = "Acepto la consulta por video.")]
    text: String,
    url: String,
}

impl ConsentDocument {
    fn of(view: DocumentView) -> Self {
        let DocumentView { document, text, texts } = view;
        Self {
            id: document.id,
            kind: document.kind,
            version: text.version,
            languages: texts.into_iter().map(|text| text.said.language).collect(),
            language: text.said.language,
            title: text.said.title,
            text: text.said.text,
            url: text.said.url,
            hash: text.hash,
            created: text.created_at.seconds(),
            retired: document.retired_at.map(bedside_model::At::seconds),
        }
    }
}

impl PublishedDocument {
    fn of(view: DocumentView) -> Self {
        let said = view.texts.iter().map(|text| text.said.clone()).map(|said| ConsentText {
            language: said.language,
            title: said.title,
            text: said.text,
            url: said.url,
        });
        Self { translations: said.collect(), document: ConsentDocument::of(view) }
    }
}

/// In which language.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadDocument {
    /// The languages that are wanted, with commas, the dearest first. Where none
    /// of them is there, it comes in the clinic's own.
    #[param(value_type = Option<String>, example = "es,en")]
    language: Option<List<Text<35>>>,
}

/// Which version, and in which language.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadVersion {
    /// The newest if not said.
    #[param(value_type = Option<i64>, example = 2)]
    version: Option<Int>,
    /// The languages that are wanted, with commas, the dearest first.
    #[param(value_type = Option<String>, example = "es,en")]
    language: Option<List<Text<35>>>,
}

fn languages(sent: Option<List<Text<35>>>) -> Vec<String> {
    sent.map(|list| list.0.into_iter().filter_map(Text::filled).collect()).unwrap_or_default()
}

async fn current(
    app: &App,
    actor: &bedside_app::Actor,
    (code, kind): (&str, &str),
    query: ReadDocument,
) -> Result<Data<Option<ConsentDocument>>, ApiError> {
    let code = (code != "-").then_some(code);
    let found = consents::current(app, actor, code, kind, &languages(query.language)).await?;
    Ok(data(found.map(ConsentDocument::of)))
}

/// The clinic's terms of service. `data` is null where it has none.
#[utoipa::path(get, path = "/accounts/{code}/tos", tag = "consents", operation_id = "consents::tos",
    params(("code" = String, Path, description = "Code of the clinic, or -", example = "-"), ReadDocument),
    responses((status = 200, body = Data<Option<ConsentDocument>>)))]
pub async fn tos(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
    Request(query): Request<ReadDocument>,
) -> Result<Data<Option<ConsentDocument>>, ApiError> {
    current(&app, &actor, (&code, bedside_model::consent::TOS), query).await
}

/// What the clinic asks its patients to agree to. `data` is null where it has
/// not set up consent.
#[utoipa::path(get, path = "/accounts/{code}/consent", tag = "consents", operation_id = "consents::consent",
    params(("code" = String, Path, description = "Code of the clinic, or -", example = "-"), ReadDocument),
    responses((status = 200, body = Data<Option<ConsentDocument>>)))]
pub async fn consent(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
    Request(query): Request<ReadDocument>,
) -> Result<Data<Option<ConsentDocument>>, ApiError> {
    current(&app, &actor, (&code, bedside_model::consent::CONSENT), query).await
}

/// A document of the clinic, such as the one that `consent_missing` names. Older
/// and retired versions can be read too.
#[utoipa::path(get, path = "/consent_documents/{id}", tag = "consents", operation_id = "consents::get",
    params(("id" = String, Path, description = "Identifier of the document"), ReadVersion),
    responses((status = 200, body = Data<ConsentDocument>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(query): Request<ReadVersion>,
) -> Result<Data<ConsentDocument>, ApiError> {
    let version = query.version.map(|version| version.0);
    let found = consents::get(&app, &actor, &id, version, &languages(query.language)).await?;
    Ok(data(ConsentDocument::of(found)))
}

/// The clinic's documents in their newest versions, retired ones too. Needs an
/// admin, or an admin token with the scope `account:write`.
#[utoipa::path(get, path = "/consent_documents", tag = "consents", operation_id = "consents::list_documents",
    responses((status = 200, body = Page<PublishedDocument>)))]
pub async fn list_documents(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Page<PublishedDocument>, ApiError> {
    let found = consents::list_documents(&app, &actor).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(PublishedDocument::of).collect(), total))
}

/// A version to publish.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct PublishDocument {
    /// `consent` if not said, `tos` for the terms of service, or a word of your own
    /// (small letters, digits, underscores).
    #[schema(example = "consent", value_type = Option<String>)]
    kind: Option<Text<32>>,
    /// The clinic's own language; `en` if not said.
    #[schema(example = "en", value_type = Option<String>)]
    language: Option<Text<35>>,
    #[schema(example = "Consent to a video visit")]
    title: Option<Text<200>>,
    /// Plain text or Markdown. HTML is kept as the text that it is.
    #[schema(example = "I agree to be seen by video.")]
    text: Option<Text<50_000>>,
    /// Where the same can be read outside: an https URL.
    url: Option<Text<2048>>,
    /// Further languages.
    translations: Option<Vec<PublishTranslation>>,
}

/// A further language of a version.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PublishTranslation {
    #[schema(example = "es", value_type = String)]
    language: Text<35>,
    #[schema(example = "Consentimiento para una consulta por video", value_type = String)]
    title: Text<200>,
    #[schema(example = "Acepto la consulta por video.", value_type = String)]
    text: Text<50_000>,
    #[schema(value_type = Option<String>)]
    url: Option<Text<2048>>,
}

impl From<PublishTranslation> for Translation {
    fn from(sent: PublishTranslation) -> Self {
        Self {
            language: sent.language.trimmed().to_owned(),
            title: sent.title.into_string(),
            text: sent.text.into_string(),
            url: sent.url.map(Text::into_string).unwrap_or_default(),
        }
    }
}

impl From<PublishDocument> for Publish {
    fn from(sent: PublishDocument) -> Self {
        let or = |text: Option<String>, other: &str| text.unwrap_or_else(|| other.to_owned());
        let first = Translation {
            language: or(sent.language.and_then(Text::filled), "en"),
            title: or(sent.title.map(Text::into_string), ""),
            text: or(sent.text.map(Text::into_string), ""),
            url: or(sent.url.map(Text::into_string), ""),
        };
        let further = sent.translations.into_iter().flatten().map(Translation::from);
        Self {
            kind: or(sent.kind.and_then(Text::filled), bedside_model::consent::CONSENT),
            translations: std::iter::once(first).chain(further).collect(),
        }
    }
}

/// Publishes a document.
///
/// A changed text is a new version, to which everybody has to agree anew. The
/// same text again is not, and the same text with a further language only adds
/// that language. Published versions never change.
#[utoipa::path(post, path = "/consent_documents", tag = "consents", operation_id = "consents::publish",
    request_body = PublishDocument, responses((status = 200, body = Data<PublishedDocument>)))]
pub async fn publish(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<PublishDocument>,
) -> Result<Data<PublishedDocument>, ApiError> {
    Ok(data(PublishedDocument::of(consents::publish(&app, &actor, body.into()).await?)))
}

/// Takes a document back: nobody is asked for it any more. What was agreed to
/// stays, and can be read. Published again, it is asked for anew.
#[utoipa::path(delete, path = "/consent_documents/{id}", tag = "consents", operation_id = "consents::retire",
    params(("id" = String, Path, description = "Identifier of the document")),
    responses((status = 200, body = Data<PublishedDocument>)))]
pub async fn retire(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<PublishedDocument>, ApiError> {
    Ok(data(PublishedDocument::of(consents::retire(&app, &actor, &id).await?)))
}

/// Somebody's consent to a version of a document. It never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consent {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a45")]
    id: String,
    /// Number of the person whom it is for.
    user_id: String,
    /// Number of whoever agreed: that person, or somebody who cares for them.
    given_by: String,
    given_by_name: String,
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    document_id: String,
    #[schema(example = "consent")]
    kind: String,
    #[schema(example = 2)]
    version: i64,
    #[schema(example = "en")]
    language: String,
    #[schema(example = "Consent to a video visit")]
    title: String,
    /// SHA-256 of what it says.
    hash: String,
    /// Is it the version that the clinic asks for now?
    current: bool,
    /// Empty for a drawn signature.
    #[schema(example = "Maria Gomez")]
    typed_name: String,
    /// The drawn signature, a PNG among the person's files.
    signature_file_id: Option<String>,
    /// The copy as a PDF, among the person's files.
    file_id: String,
    /// Network address that the request came from.
    #[schema(example = "203.0.113.7")]
    address: String,
    /// UNIX seconds.
    created: i64,
}

impl Consent {
    fn of(view: ConsentView) -> Self {
        let row = view.row;
        Self {
            id: row.id,
            user_id: row.user.to_string(),
            given_by: row.given_by.to_string(),
            given_by_name: view.given_by_name.into_inner(),
            document_id: row.document,
            kind: view.kind,
            version: row.version,
            language: row.language,
            title: view.text.said.title,
            hash: view.text.hash,
            current: view.is_current,
            typed_name: view.typed_name.into_inner(),
            signature_file_id: row.signature_file.map(|file| file.to_string()),
            file_id: row.file.to_string(),
            address: view.address.into_inner(),
            created: row.created_at.seconds(),
        }
    }
}

/// What somebody agrees to, and how they sign: with `signature`, `typed_name` or
/// `signature_image`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GiveConsent {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44", value_type = String)]
    document_id: Text<36>,
    /// The version that was read.
    #[schema(example = 2)]
    version: Int,
    /// The languages that it was read in, as they were asked for.
    #[schema(example = json!(["en"]), value_type = Option<Vec<String>>)]
    language: Option<List<Text<35>>>,
    /// The name of whoever agrees, typed, or a PNG as a `data:` URL.
    #[schema(example = "Maria Gomez", value_type = Option<String>)]
    signature: Option<Text<96_000>>,
    #[schema(value_type = Option<String>)]
    typed_name: Option<Text<200>>,
    /// A PNG in base64, at most 70,000 bytes.
    #[schema(value_type = Option<String>)]
    signature_image: Option<Text<96_000>>,
}

impl From<GiveConsent> for Give {
    fn from(body: GiveConsent) -> Self {
        let said = |text: Option<Text<96_000>>| text.and_then(Text::filled);
        let (drawn, typed) = match said(body.signature) {
            Some(url) if url.starts_with("data:") => (Some(url), None),
            other => (None, other),
        };
        Self {
            document: body.document_id.trimmed().to_owned(),
            version: body.version.0,
            languages: languages(body.language),
            typed_name: body.typed_name.and_then(Text::filled).or(typed).map(Phi::from),
            signature_image: said(body.signature_image).or(drawn).map(Phi::from),
        }
    }
}

/// Agrees to a document, for oneself or for somebody in one's care.
///
/// Who, for whom, when, from which address and how it was signed is kept, and a
/// copy as a PDF is put among the person's files (`user_consent`). A second time
/// changes nothing: the first stays. Another version than the newest is a 400
/// `consent_outdated` that names the newest.
#[utoipa::path(post, path = "/users/{id}/consents", tag = "consents", operation_id = "consents::add",
    params(("id" = String, Path, description = "Number of the person, or `-` for the token's user")),
    request_body = GiveConsent, responses((status = 200, body = Data<Consent>)))]
pub async fn add(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<GiveConsent>,
) -> Result<Data<Consent>, ApiError> {
    Ok(data(Consent::of(consents::add(&app, &actor, which(&id)?, body.into()).await?)))
}

/// What somebody agreed to, the newest first.
#[utoipa::path(get, path = "/users/{id}/consents", tag = "consents", operation_id = "consents::list",
    params(("id" = String, Path, description = "Number of the person, or `-` for the token's user")),
    responses((status = 200, body = Page<Consent>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<Consent>, ApiError> {
    let found = consents::list(&app, &actor, which(&id)?).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(Consent::of).collect(), total))
}
