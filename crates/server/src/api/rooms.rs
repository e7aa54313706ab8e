//! Rooms on the wire (contract core.md 5).

use axum::{Extension, extract::State};
use bedside_app::{
    App,
    rooms::{self, Add, RoomView, Update},
};
use bedside_model::room::RoomSettings;
use bedside_store::rooms::Room as Stored;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Int, Path, Request, Text},
};
use crate::http::Client;

/// A waiting room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    id: String,
    /// What the API calls `room_code` elsewhere.
    code: String,
    /// Its URL name.
    slug: String,
    name: String,
    domain: String,
    /// Emergency notice.
    subtitle: String,
    description: String,
    account_code: String,
    account_name: String,
    /// Where patients arrive.
    url: String,
    active: bool,
    public_access_room: bool,
    /// Only for callers with a token: comma list of provider ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<String>,
    /// Only for callers with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_ids: Option<Vec<String>>,
    #[schema(value_type = Object)]
    visits: Value,
    #[schema(value_type = Object)]
    auth: Value,
    #[schema(value_type = Object)]
    payment: Value,
    operation_settings: OperationSettings,
    #[schema(value_type = Vec<Object>)]
    specialties: Vec<Value>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

/// How a room is run.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationSettings {
    is_closed: bool,
    close_msg: String,
    default_timezone: String,
}

/// A room in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomRow {
    id: String,
    slug: String,
    name: String,
    domain: String,
    code: String,
    active: bool,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl From<Stored> for RoomRow {
    fn from(room: Stored) -> Self {
        Self {
            id: room.id.to_string(),
            slug: room.slug,
            name: room.name,
            domain: room.domain,
            code: room.code,
            active: room.active,
            created: room.created_at.seconds(),
            modified: room.updated_at.seconds(),
        }
    }
}

fn payment(settings: &RoomSettings) -> Value {
    let consultations: Vec<Value> = settings
        .consultations
        .iter()
        .map(|item| {
            let amount = if item.amount_cents % 100 == 0 {
                json!(item.amount_cents / 100)
            } else {
                json!(item.amount_cents as f64 / 100.0)
            };
            json!({
                "id": item.id, "description": item.description, "duration": item.duration_minutes,
                "amount": amount, "group": false, "charge": item.amount_cents > 0, "slots": 1,
            })
        })
        .collect();
    json!({
        "currency": "USD", "paymentCurrency": "USD", "consultations": consultations,
        "__note__": "paymentCurrency is deprecated, use currency",
    })
}

fn room(view: RoomView, base: &BaseUrl) -> Room {
    let RoomView { room, providers } = view;
    let ids: Option<Vec<String>> = providers.map(|ids| ids.iter().map(ToString::to_string).collect());
    let settings = &room.settings;
    Room {
        id: room.id.to_string(),
        url: format!("{}/u/{}", base.0, room.slug),
        users: ids.as_ref().map(|ids| ids.join(",")),
        provider_ids: ids,
        visits: json!({
            "walkin": {"enabled": settings.walkin_enabled},
            "appointment": {"enabled": settings.appointment_enabled},
        }),
        auth: json!({"guest": {"type": 600, "log_in": {"enabled": settings.guest_enabled}}}),
        payment: payment(settings),
        operation_settings: OperationSettings {
            is_closed: settings.is_closed,
            close_msg: settings.close_msg.clone(),
            default_timezone: settings.default_timezone.clone(),
        },
        specialties: Vec::new(),
        created: room.created_at.seconds(),
        modified: room.updated_at.seconds(),
        code: room.code,
        slug: room.slug,
        name: room.name,
        domain: room.domain,
        subtitle: room.subtitle,
        description: room.description,
        account_code: room.account_code,
        account_name: room.account_name,
        active: room.active,
        public_access_room: room.public_access,
    }
}

/// A room to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddRoom {
    /// Host of its pages; the clinic's own when left out.
    domain: Option<Text<253>>,
    /// URL name: lower-case letters, digits, single hyphens.
    slug: Text<64>,
    /// What patients read: "Welcome to …".
    name: Text<128>,
    /// Unique in the clinic; made when left out.
    code: Option<Text<32>>,
    /// Emergency notice.
    subtitle: Option<Text<500>>,
    description: Option<Text<4000>>,
}

/// Makes a waiting room. Needs an admin token.
#[utoipa::path(post, path = "/rooms", tag = "rooms", operation_id = "rooms::add",
    request_body = AddRoom, responses((status = 200, body = Data<Room>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<AddRoom>,
) -> Result<Data<Room>, ApiError> {
    let command = Add {
        domain: body.domain.and_then(Text::filled).unwrap_or_default(),
        slug: body.slug.trimmed().to_owned(),
        name: body.name.trimmed().to_owned(),
        code: body.code.and_then(Text::filled),
        subtitle: body.subtitle.and_then(Text::filled),
        description: body.description.and_then(Text::filled),
    };
    Ok(data(room(rooms::add(&app, &actor, command).await?, &base)))
}

/// Paging by page number or by offset.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Page number from 1; `start` wins.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

impl Paging {
    /// Offset and limit, clamped (contract README).
    fn clamped(&self) -> (i64, i64) {
        let limit = self.limit.map_or(20, |limit| limit.0).clamp(1, 100);
        let page = self.page.map_or(1, |page| page.0).clamp(1, i64::MAX / 200);
        let start = self.start.map_or((page - 1) * limit, |start| start.0);
        (start.max(0), limit)
    }
}

/// The clinic's rooms.
#[utoipa::path(get, path = "/rooms", tag = "rooms", operation_id = "rooms::list", params(Paging),
    responses((status = 200, body = Page<RoomRow>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(paging): Request<Paging>,
) -> Result<Page<RoomRow>, ApiError> {
    let (offset, limit) = paging.clamped();
    let (rows, total) = rooms::list(&app, &actor, offset, limit).await?;
    Ok(Page::new(rows.into_iter().map(RoomRow::from).collect(), total))
}

/// A room by its code or slug. Open to everybody.
#[utoipa::path(get, path = "/rooms/{code}", tag = "rooms", operation_id = "rooms::get",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<Room>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    client: Option<Extension<Client>>,
    Path(code): Path<String>,
) -> Result<Data<Room>, ApiError> {
    let host = client.map(|Extension(client)| client.host).unwrap_or_default();
    Ok(data(room(rooms::get(&app, &actor, &code, &host).await?, &base)))
}

/// What may be changed of a room.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateRoom {
    operation_settings: Option<UpdateOperation>,
    visits: Option<UpdateVisits>,
    auth: Option<UpdateAuth>,
}

/// Opening state.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateOperation {
    is_closed: Option<Flag>,
    close_msg: Option<Text<500>>,
}

/// Ways to be seen.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateVisits {
    walkin: Option<Enabled>,
}

/// Ways to come in.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateAuth {
    guest: Option<UpdateGuest>,
}

/// Guests.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateGuest {
    log_in: Option<Enabled>,
}

/// A switch.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Enabled {
    enabled: Option<Flag>,
}

/// Changes how a room is run, in the shape `GET /rooms/:code` shows it. Needs an
/// admin token.
#[utoipa::path(post, path = "/rooms/{code}", tag = "rooms", operation_id = "rooms::update",
    params(("code" = String, Path, description = "Code or slug of the room")),
    request_body = UpdateRoom, responses((status = 200, body = Data<Room>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(code): Path<String>,
    Request(body): Request<UpdateRoom>,
) -> Result<Data<Room>, ApiError> {
    let operation = body.operation_settings.unwrap_or_default();
    let walkin = body.visits.and_then(|visits| visits.walkin);
    let guest = body.auth.and_then(|auth| auth.guest?.log_in);
    let switch = |wanted: Option<Enabled>| wanted.and_then(|wanted| wanted.enabled).map(|flag| flag.0);
    let command = Update {
        is_closed: operation.is_closed.map(|flag| flag.0),
        close_msg: operation.close_msg.map(Text::into_string),
        walkin_enabled: switch(walkin),
        guest_enabled: switch(guest),
    };
    Ok(data(room(rooms::update(&app, &actor, &code, command).await?, &base)))
}

/// How a room's queue stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// How many wait.
    queue_length: i64,
    /// No limit so far.
    queue_capacity: Option<i64>,
    /// How many stand ahead of the caller; null when the caller does not wait here.
    waiting_length: Option<i64>,
    /// The usual wait in minutes; null when too little is known.
    average_visit_time: Option<i64>,
}

/// How a room's queue stands for the caller.
#[utoipa::path(get, path = "/rooms/{code}/queue", tag = "rooms", operation_id = "rooms::queue",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<Queue>)))]
pub async fn queue(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
) -> Result<Data<Queue>, ApiError> {
    let queue = rooms::queue(&app, &actor, &code).await?;
    Ok(data(Queue {
        queue_length: queue.length,
        queue_capacity: None,
        waiting_length: queue.ahead,
        average_visit_time: queue.usual_wait_minutes,
    }))
}
