//! Interpreters on the wire: the clinic's contacts, and finding one of them for
//! a visit.

use axum::extract::State;
use bedside_app::{
    App,
    interpreters::{self, SearchView, Update, language_name},
};
use bedside_model::{VisitId, interpreter::Contact};
use bedside_store::interpreters::Interpreter as Listed;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Int, List, Path, Request, Text},
};

/// Somebody whom the clinic asks to interpret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Interpreter {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// A person, or a company's desk: what the others in the call read.
    #[schema(example = "Ines Prado")]
    name: String,
    #[schema(example = "ines@interpreters.example")]
    email: String,
    /// E.164; empty for none. Asked there too, where the server sends short messages.
    #[schema(example = "+15185550123")]
    phone: String,
    /// Tags of BCP 47; `ase` is American Sign Language.
    #[schema(example = json!(["es", "pt-BR"]))]
    languages: Vec<String>,
    /// Lower ones are asked first.
    #[schema(example = 1)]
    order: i64,
    /// May be asked now.
    active: bool,
}

impl From<Listed> for Interpreter {
    fn from(listed: Listed) -> Self {
        let Contact { name, email, phone, languages, order, active } = listed.contact;
        Self { id: listed.id, name, email, phone, languages, order, active }
    }
}

/// A contact to write down, or what is changed of one.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WriteInterpreter {
    #[schema(example = "Ines Prado", value_type = Option<String>)]
    name: Option<Text<200>>,
    #[schema(example = "ines@interpreters.example", value_type = Option<String>)]
    email: Option<Text<254>>,
    /// With the country, such as +1 518 555 0123. Empty for none.
    #[schema(example = "+15185550123", value_type = Option<String>)]
    phone: Option<Text<40>>,
    /// Tags of BCP 47, 1 to 40.
    #[schema(example = json!(["es", "pt-BR"]), value_type = Option<Vec<String>>)]
    languages: Option<List<Text<35>>>,
    /// Lower ones are asked first; 0 if not said.
    #[schema(example = 1, value_type = Option<i64>)]
    order: Option<Int>,
    /// May be asked now; yes if not said.
    #[schema(value_type = Option<bool>)]
    active: Option<Flag>,
}

impl From<WriteInterpreter> for Update {
    fn from(body: WriteInterpreter) -> Self {
        Self {
            name: body.name.map(Text::into_string),
            email: body.email.map(Text::into_string),
            phone: body.phone.map(Text::into_string),
            languages: body.languages.map(|list| list.0.into_iter().map(Text::into_string).collect()),
            order: body.order.map(|order| order.0),
            active: body.active.map(|flag| flag.0),
        }
    }
}

/// Which contacts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindInterpreters {
    /// Those whom a visit in this language would ask: a tag of BCP 47.
    #[param(value_type = Option<String>, example = "es")]
    language: Option<Text<35>>,
}

/// The clinic's interpreters, in the order in which they are asked.
#[utoipa::path(get, path = "/interpreters", tag = "interpreters", operation_id = "interpreters::list",
    params(FindInterpreters), responses((status = 200, body = Data<Vec<Interpreter>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(wanted): Request<FindInterpreters>,
) -> Result<Data<Vec<Interpreter>>, ApiError> {
    let wanted = wanted.language.and_then(Text::filled);
    let found = interpreters::list(&app, &actor, wanted.as_deref()).await?;
    Ok(data(found.into_iter().map(Interpreter::from).collect()))
}

/// Adds an interpreter to the clinic's list.
#[utoipa::path(post, path = "/interpreters", tag = "interpreters", operation_id = "interpreters::add",
    request_body = WriteInterpreter, responses((status = 200, body = Data<Interpreter>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<WriteInterpreter>,
) -> Result<Data<Interpreter>, ApiError> {
    let contact = Update::from(body).of(Contact { active: true, ..Contact::default() });
    Ok(data(interpreters::add(&app, &actor, contact).await?.into()))
}

/// Changes an interpreter of the list; fields that are not sent stay.
#[utoipa::path(post, path = "/interpreters/{id}", tag = "interpreters", operation_id = "interpreters::update",
    params(("id" = String, Path, description = "Identifier of the interpreter")),
    request_body = WriteInterpreter, responses((status = 200, body = Data<Interpreter>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<WriteInterpreter>,
) -> Result<Data<Interpreter>, ApiError> {
    Ok(data(interpreters::update(&app, &actor, &id, body.into()).await?.into()))
}

/// Takes an interpreter off the list. Whoever is being asked may still answer.
#[utoipa::path(delete, path = "/interpreters/{id}", tag = "interpreters", operation_id = "interpreters::retire",
    params(("id" = String, Path, description = "Identifier of the interpreter")),
    responses((status = 200, body = Data<Object>)))]
pub async fn retire(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    interpreters::retire(&app, &actor, &id).await?;
    Ok(data(Map::new()))
}

/// A language that somebody interprets.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterpreterLanguage {
    /// Tag of BCP 47.
    #[schema(example = "es")]
    language: String,
    /// In English.
    #[schema(example = "Spanish")]
    name: String,
}

impl From<String> for InterpreterLanguage {
    fn from(language: String) -> Self {
        Self { name: language_name(&language), language }
    }
}

/// Somebody who was asked to interpret at a visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterpreterAsk {
    interpreter_id: String,
    name: String,
    /// `asked`, `no_answer`, `accepted` or `declined`.
    #[schema(example = "asked")]
    answer: &'static str,
    /// UNIX seconds.
    asked_at: i64,
}

/// How a visit's search for an interpreter stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterpreterSearch {
    /// `none` before anybody was asked, then `asking`, `accepted`, `not_found` or
    /// `cancelled`.
    #[schema(example = "asking")]
    status: &'static str,
    /// What is asked for; before that, what the patient wants (`interpreter_language`
    /// of the intake). Null for nothing.
    #[schema(example = "es")]
    language: Option<String>,
    /// The language in English; null for none.
    #[schema(example = "Spanish")]
    language_name: Option<String>,
    /// Who was asked, in order.
    asks: Vec<InterpreterAsk>,
    /// The place among the visit's guests of whoever accepted; null for nobody.
    guest_id: Option<String>,
}

impl From<SearchView> for InterpreterSearch {
    fn from(view: SearchView) -> Self {
        let SearchView { wanted, request, names } = view;
        let asks = request.iter().flat_map(|request| &request.search.asks).zip(names);
        let ask = |(ask, name): (&bedside_model::interpreter::Ask, String)| InterpreterAsk {
            interpreter_id: ask.interpreter.clone(),
            name,
            answer: ask.answer.as_str(),
            asked_at: ask.asked_at.seconds(),
        };
        let asks = asks.map(ask).collect();
        let status = request.as_ref().map_or("none", |request| request.search.status.as_str());
        let guest_id = request.as_ref().and_then(|request| request.guest.as_ref()).map(ToString::to_string);
        let language = request.map(|request| request.language).or(wanted.map(|wanted| wanted.into_inner()));
        Self { status, language_name: language.as_deref().map(language_name), language, asks, guest_id }
    }
}

/// How the search for an interpreter stands, and which language the patient wants.
#[utoipa::path(get, path = "/visits/{id}/interpreter", tag = "interpreters",
    operation_id = "interpreters::get", params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<InterpreterSearch>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<InterpreterSearch>, ApiError> {
    Ok(data(interpreters::get(&app, &actor, visit_of(&id)?).await?.into()))
}

/// For which language.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct AskInterpreter {
    /// A tag of BCP 47; the one of the intake if not said.
    #[schema(example = "es", value_type = Option<String>)]
    language: Option<Text<35>>,
}

/// Asks the first interpreter of a language by mail, and the next one after two
/// minutes, or at once after a "no", until somebody comes. Whoever accepts is a
/// guest of the visit and need not be let in. While somebody is asked or comes, a
/// second call changes nothing.
#[utoipa::path(post, path = "/visits/{id}/interpreter", tag = "interpreters",
    operation_id = "interpreters::ask", params(("id" = String, Path, description = "Number of the visit")),
    request_body = AskInterpreter, responses((status = 200, body = Data<InterpreterSearch>)))]
pub async fn ask(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AskInterpreter>,
) -> Result<Data<InterpreterSearch>, ApiError> {
    let language = body.language.map(Text::into_string);
    Ok(data(interpreters::ask(&app, &actor, visit_of(&id)?, language).await?.into()))
}

/// Calls the search off. An interpreter who comes already is taken out as any
/// guest.
#[utoipa::path(delete, path = "/visits/{id}/interpreter", tag = "interpreters",
    operation_id = "interpreters::cancel", params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<InterpreterSearch>)))]
pub async fn cancel(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<InterpreterSearch>, ApiError> {
    Ok(data(interpreters::cancel(&app, &actor, visit_of(&id)?).await?.into()))
}

fn visit_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("visit").into())
}
