//! Messages of a visit on the wire: the waiting room's chat, and the
//! conversation of an e-consult.

use axum::extract::State;
use bedside_app::{
    App, Error,
    messages::{self, MessageView},
};
use bedside_model::{Phi, VisitId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    BaseUrl,
    auth::VisitCaller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
    files::Attachment,
};

/// Messages of a page when nothing is said.
const DEFAULT_LIMIT: i64 = 50;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    visit_id: String,
    /// Its place in the conversation, from 1 without gaps.
    #[schema(example = 1)]
    number: i64,
    /// Number of the user.
    #[schema(example = "900")]
    sender_id: String,
    #[schema(example = "Maria Gomez")]
    sender_name: String,
    /// `patient`, `guardian`, `provider` or `guest`.
    #[schema(example = "patient")]
    sender_role: &'static str,
    /// Null for a file alone.
    #[schema(example = "I have a question.")]
    text: Option<String>,
    file: Option<Attachment>,
    /// The sender's own name for it.
    client_id: String,
    /// UNIX seconds.
    created: i64,
    /// Numbers of the others who have read it.
    #[schema(example = json!(["181"]))]
    read_by: Vec<String>,
}

impl Message {
    fn of(view: MessageView, base: &BaseUrl) -> Self {
        let message = view.message;
        Self {
            visit_id: message.visit.to_string(),
            number: message.number,
            sender_id: message.sender.to_string(),
            sender_name: view.sender_name.into_inner(),
            sender_role: view.part.as_str(),
            text: view.text.map(Phi::into_inner),
            file: view.file.map(|file| Attachment::of(file, base)),
            client_id: message.client_id,
            created: message.created_at.seconds(),
            read_by: view.read_by.iter().map(ToString::to_string).collect(),
            id: message.id,
        }
    }
}

fn id_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| Error::not_found("visit").into())
}

/// Which part of a conversation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only messages after the one of this number.
    #[param(value_type = Option<i64>, example = 0)]
    after: Option<Int>,
    /// Rows to give, at most 200; 50 if not said.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// What was written at a visit, the oldest first.
#[utoipa::path(get, path = "/visits/{id}/messages", tag = "messages", operation_id = "messages::list",
    params(("id" = String, Path, description = "Number of the visit"), MessagesQuery),
    responses((status = 200, body = Page<Message>)))]
pub async fn list(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(query): Request<MessagesQuery>,
) -> Result<Page<Message>, ApiError> {
    let after = query.after.map_or(0, |after| after.0).max(0);
    let limit = query.limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let page = messages::list(&app, &actor, id_of(&id)?, after, limit).await?;
    let rows = page.messages.into_iter().map(|view| Message::of(view, &base)).collect();
    Ok(Page::new(rows, page.total).followed_by(page.next.map(|number| number.to_string())))
}

/// Something to say: a text, a file, or both.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddMessage {
    /// At most 4,000 characters.
    #[schema(example = "I have a question.", value_type = Option<String>)]
    text: Option<Text<16000>>,
    /// UUID of a file that the caller put on this visit (`POST /files`).
    #[schema(value_type = Option<String>)]
    file_id: Option<Text<36>>,
    /// A name of the client's own, at most 64 characters: sent twice, the
    /// message is there once.
    #[schema(example = "b7f3", value_type = Option<String>)]
    client_id: Option<Text<64>>,
}

/// Writes at a visit that is open.
#[utoipa::path(post, path = "/visits/{id}/messages", tag = "messages", operation_id = "messages::add",
    params(("id" = String, Path, description = "Number of the visit")), request_body = AddMessage,
    responses((status = 200, body = Data<Message>)))]
pub async fn add(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<AddMessage>,
) -> Result<Data<Message>, ApiError> {
    let command = messages::Add {
        text: body.text.map(|text| Phi::from(text.into_string())),
        file: body.file_id.and_then(Text::filled),
        client_id: body.client_id.and_then(Text::filled),
    };
    Ok(data(Message::of(messages::add(&app, &actor, id_of(&id)?, command).await?, &base)))
}

/// How far somebody has read.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReadMessages {
    /// Number of the last message that was read.
    #[schema(example = 3, value_type = i64)]
    up_to: Int,
}

/// How far the caller has read.
#[derive(Debug, Serialize, ToSchema)]
pub struct HasRead {
    #[schema(example = 3)]
    up_to: i64,
}

/// The caller has read the messages up to one.
#[utoipa::path(post, path = "/visits/{id}/messages/read", tag = "messages", operation_id = "messages::read",
    params(("id" = String, Path, description = "Number of the visit")), request_body = ReadMessages,
    responses((status = 200, body = Data<HasRead>)))]
pub async fn read(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<ReadMessages>,
) -> Result<Data<HasRead>, ApiError> {
    let up_to = messages::read(&app, &actor, id_of(&id)?, body.up_to.0).await?;
    Ok(data(HasRead { up_to }))
}
