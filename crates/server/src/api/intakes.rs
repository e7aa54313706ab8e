//! Intakes on the wire (contract core.md 3).

use axum::extract::State;
use bedside_app::{
    App,
    intakes::{self, Fields, IntakeView},
};
use bedside_model::{IntakeId, UserId, intake};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Id, Int, Params, Path, Text},
    files::Attachment,
    visit_object::plain,
};

/// The documented fields; any other field is kept as an answer of its own.
#[derive(Debug, Deserialize, ToSchema)]
pub struct IntakeRequest {
    /// The provider to be visited.
    provider_id: Option<Id>,
    /// The reason in the patient's own words.
    #[expect(dead_code, reason = "kept with the other answers; named here for the reference")]
    reason_for_visit: Option<Text>,
    /// 1 walk-in, 2 scheduled.
    r#type: Option<Int>,
    /// The patient (number or the portal's own code), when the caller is not one.
    member_id: Option<Text<128>>,
    /// Code or slug of the room.
    room_code: Option<Text<128>>,
    /// Files: `[{"id": …}]`, `["…"]` or `"…,…"`.
    attachments: Option<Value>,
    /// Two letters of a state.
    #[expect(dead_code, reason = "kept with the other answers; named here for the reference")]
    location: Option<Value>,
    /// Telephone.
    #[expect(dead_code, reason = "kept with the other answers; named here for the reference")]
    phone: Option<Value>,
    /// One of the room's consultations, when it is paid for.
    #[expect(dead_code, reason = "kept with the other answers; named here for the reference")]
    consultation: Option<Value>,
}

/// An intake: its documented fields, and the portal's own at top level.
#[derive(Debug, Serialize, ToSchema)]
pub struct Intake {
    /// UUID.
    id: String,
    /// `"1"` walk-in, `"2"` scheduled.
    r#type: String,
    reason_for_visit: String,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visit_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_code: Option<String>,
    member_id: String,
    attachments: Vec<Attachment>,
    #[serde(flatten)]
    answers: Map<String, Value>,
}

/// The identifier, and the custom fields as they were sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntakeAdded {
    /// UUID.
    id: String,
    #[serde(flatten)]
    answers: Map<String, Value>,
}

fn fields(Params(mut body): Params) -> Result<Fields, ApiError> {
    intake::normalize(&mut body);
    let mut answers = intake::answers(&body);
    answers.remove("attachments");
    let request: IntakeRequest = Params(body).typed()?;
    let attachments = request.attachments.as_ref().map(intake::attachment_ids).transpose();
    Ok(Fields {
        kind: request.r#type.map(|kind| kind.0),
        member: request.member_id.and_then(Text::filled),
        room: request.room_code.and_then(Text::filled),
        provider: request.provider_id.map(|id| UserId(id.0)),
        attachments: attachments.map_err(|why| ApiError::field("attachments", why))?,
        answers: answers.into(),
    })
}

fn added(view: IntakeView) -> IntakeAdded {
    let mut answers = view.answers.into_inner();
    answers.retain(|name, _| intake::is_custom(name));
    IntakeAdded { id: view.intake.id.0, answers }
}

impl Intake {
    fn of(view: IntakeView, base: &BaseUrl) -> Self {
        let IntakeView { intake, answers, attachments, room_code } = view;
        let mut answers = answers.into_inner();
        let reason = answers.remove("reason_for_visit");
        answers.remove("attachments");
        Self {
            id: intake.id.0,
            r#type: intake.kind.to_string(),
            reason_for_visit: reason.map(plain).unwrap_or_default(),
            created: intake.created_at.seconds(),
            modified: intake.updated_at.seconds(),
            provider: intake.provider.map(|id| id.to_string()),
            visit_id: intake.visit.map(|id| id.to_string()),
            room_code,
            member_id: intake.member.to_string(),
            attachments: attachments.into_iter().map(|file| Attachment::of(file, base)).collect(),
            answers,
        }
    }
}

/// Creates an intake. Custom fields of any JSON are kept and echoed.
#[utoipa::path(post, path = "/intakes", tag = "intakes", operation_id = "intakes::add",
    request_body = IntakeRequest, responses((status = 200, body = Data<IntakeAdded>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    body: Params,
) -> Result<Data<IntakeAdded>, ApiError> {
    Ok(data(added(intakes::add(&app, &actor, fields(body)?).await?)))
}

/// Changes an intake; fields that are not sent stay as they are.
#[utoipa::path(post, path = "/intakes/{id}", tag = "intakes", operation_id = "intakes::update",
    params(("id" = String, Path, description = "UUID of the intake")),
    request_body = IntakeRequest, responses((status = 200, body = Data<IntakeAdded>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    body: Params,
) -> Result<Data<IntakeAdded>, ApiError> {
    Ok(data(added(intakes::update(&app, &actor, id_of(&id)?, fields(body)?).await?)))
}

/// An intake with its answers.
#[utoipa::path(get, path = "/intakes/{id}", tag = "intakes", operation_id = "intakes::get",
    params(("id" = String, Path, description = "UUID of the intake")),
    responses((status = 200, body = Data<Intake>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Intake>, ApiError> {
    Ok(data(Intake::of(intakes::get(&app, &actor, &id_of(&id)?).await?, &base)))
}

fn id_of(text: &str) -> Result<IntakeId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("intake").into())
}
