//! Rooms on the wire (contract core.md 5). What a room looks like is in
//! `room_object`.

use axum::extract::State;
use bedside_app::{
    App, Error,
    rooms::{self, Add, ProviderView, Update},
};
use bedside_model::{RoomId, UserId};
use bedside_store::rooms::{Page as Part, Room as Stored};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    BaseUrl,
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Int, Params, Path, Request, Text},
    room_body::RoomInput,
    room_object::Room,
};
use crate::http::Client;

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

/// What a new room is called.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddRoomNames {
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

/// A room to make: its names, and whatever else a room has.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the description of what is read in two parts")]
pub struct AddRoom {
    #[schema(inline)]
    #[serde(flatten)]
    names: AddRoomNames,
    #[serde(flatten)]
    more: RoomInput,
}

/// Makes a waiting room. Needs an admin token.
#[utoipa::path(post, path = "/rooms", tag = "rooms", operation_id = "rooms::add",
    request_body = AddRoom, responses((status = 200, body = Data<Room>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    params: Params,
) -> Result<Data<Room>, ApiError> {
    let names: AddRoomNames = params.typed()?;
    let command = Add {
        domain: names.domain.and_then(Text::filled).unwrap_or_default(),
        slug: names.slug.trimmed().to_owned(),
        name: names.name.trimmed().to_owned(),
        code: names.code.and_then(Text::filled),
        subtitle: names.subtitle.and_then(Text::filled),
        description: names.description.and_then(Text::filled),
        more: params.typed::<RoomInput>()?.into_update()?,
    };
    Ok(data(Room::of(rooms::add(&app, &actor, command).await?, &base)))
}

/// Which rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoomQuery {
    /// Page number from 1; `start` wins.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Text<20>>,
    /// For admins: only those that are switched on (1) or off (0).
    #[param(value_type = Option<bool>)]
    active: Option<Flag>,
}

impl RoomQuery {
    /// Offset and limit, clamped (contract README).
    fn part(&self) -> Result<Part, ApiError> {
        let limit = self.limit.map_or(20, |limit| limit.0).clamp(1, 100);
        let page = self.page.map_or(1, |page| page.0).clamp(1, i64::MAX / 200);
        let after = self.after.as_ref().map(|after| after.parse::<RoomId>()).transpose();
        let after = after.map_err(|_| ApiError::field("after", "is not the `next` of a page"))?;
        let skip = if after.is_some() { 0 } else { (page - 1) * limit };
        let offset = self.start.map_or(skip, |start| start.0).max(0);
        Ok(Part { after, offset, limit })
    }
}

/// The clinic's rooms. Admins see all of them, others those that are switched
/// on, callers without credentials those that anybody may find.
#[utoipa::path(get, path = "/rooms", tag = "rooms", operation_id = "rooms::list", params(RoomQuery),
    responses((status = 200, body = Page<RoomRow>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<RoomQuery>,
) -> Result<Page<RoomRow>, ApiError> {
    let part = query.part()?;
    let (rows, total) = rooms::list(&app, &actor, query.active.map(|flag| flag.0), part).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count == part.limit);
    let next = rows.last().filter(|_| full).map(|room| room.id.to_string());
    Ok(Page::new(rows.into_iter().map(RoomRow::from).collect(), total).followed_by(next))
}

/// A room by its code or slug. Open to everybody.
#[utoipa::path(get, path = "/rooms/{code}", tag = "rooms", operation_id = "rooms::get",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<Room>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    client: Client,
    Path(code): Path<String>,
) -> Result<Data<Room>, ApiError> {
    Ok(data(Room::of(rooms::get(&app, &actor, &code, &client.host).await?, &base)))
}

/// Names that may be changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RoomNames {
    domain: Option<Text<253>>,
    slug: Option<Text<64>>,
    name: Option<Text<128>>,
    code: Option<Text<32>>,
    subtitle: Option<Text<500>>,
    description: Option<Text<4000>>,
}

/// What may be changed of a room, in the shape it is shown in.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the description of what is read in two parts")]
pub struct UpdateRoom {
    #[schema(inline)]
    #[serde(flatten)]
    names: RoomNames,
    #[serde(flatten)]
    more: RoomInput,
}

/// Changes a room, in the shape `GET /rooms/:code` shows it: what is sent is put
/// over what there is, lists are replaced. Needs an admin token.
#[utoipa::path(post, path = "/rooms/{code}", tag = "rooms", operation_id = "rooms::update",
    params(("code" = String, Path, description = "Code or slug of the room")),
    request_body = UpdateRoom, responses((status = 200, body = Data<Room>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(code): Path<String>,
    params: Params,
) -> Result<Data<Room>, ApiError> {
    let names: RoomNames = params.typed()?;
    let command = Update {
        domain: names.domain.and_then(Text::filled),
        slug: names.slug.and_then(Text::filled),
        name: names.name.and_then(Text::filled),
        code: names.code.and_then(Text::filled),
        subtitle: names.subtitle.map(Text::into_string),
        description: names.description.map(Text::into_string),
        ..params.typed::<RoomInput>()?.into_update()?
    };
    Ok(data(Room::of(rooms::update(&app, &actor, &code, command).await?, &base)))
}

/// Switches a room off: nobody arrives there any more, its visits stay.
/// `POST /rooms/:code` with `active` 1 switches it on again. Needs an admin
/// token.
#[utoipa::path(delete, path = "/rooms/{code}", tag = "rooms", operation_id = "rooms::delete",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<Room>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(code): Path<String>,
) -> Result<Data<Room>, ApiError> {
    Ok(data(Room::of(rooms::delete(&app, &actor, &code).await?, &base)))
}

/// How a room's queue stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// How many wait.
    queue_length: i64,
    /// How many may wait; null is no limit.
    queue_capacity: Option<i64>,
    /// How many stand ahead of the caller; null when the caller does not wait here.
    waiting_length: Option<i64>,
    /// The usual wait in minutes, from the room's recent visits; left out when
    /// fewer than five tell of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_visit_time: Option<i64>,
    /// By how many minutes the provider runs late; counted in above.
    late_minutes: i64,
}

/// How a room's queue stands for the caller.
#[utoipa::path(get, path = "/rooms/{code}/queue", tag = "rooms", operation_id = "rooms::queue",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<Queue>)))]
pub async fn queue(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(code): Path<String>,
) -> Result<Data<Queue>, ApiError> {
    let queue = rooms::queue(&app, &actor, &code).await?;
    Ok(data(Queue {
        queue_length: queue.length,
        queue_capacity: queue.capacity,
        waiting_length: queue.ahead,
        average_visit_time: queue.usual_wait_minutes,
        late_minutes: queue.late_minutes,
    }))
}

/// By how much somebody runs late.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LateRequest {
    /// 10, 20 or 30; 0 is in time again.
    #[schema(example = 20, value_type = i64)]
    minutes: Int,
    /// Number of the provider; the caller's own when left out.
    #[schema(value_type = Option<String>)]
    provider_id: Option<Id>,
}

/// Who runs late.
#[derive(Debug, Serialize, ToSchema)]
pub struct Late {
    provider_id: String,
    #[schema(example = 20)]
    minutes: i64,
    /// Counts until then, UNIX seconds: the end of the room's day.
    until: i64,
    /// How many patients were told.
    told: usize,
}

/// A provider runs late: everybody who waits for them or is due today sees it,
/// and hears of it once. The times of appointments stay.
#[utoipa::path(post, path = "/rooms/{code}/late", tag = "rooms", operation_id = "rooms::late",
    params(("code" = String, Path, description = "Code or slug of the room")),
    request_body = LateRequest, responses((status = 200, body = Data<Late>)))]
pub async fn late(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
    Request(body): Request<LateRequest>,
) -> Result<Data<Late>, ApiError> {
    let provider = body.provider_id.map(|id| UserId(id.0));
    let late = rooms::late(&app, &actor, &code, body.minutes.0, provider).await?;
    Ok(data(Late {
        provider_id: late.provider.to_string(),
        minutes: late.minutes,
        until: late.until_at.seconds(),
        told: late.told,
    }))
}

/// A provider, as a room shows them.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomProvider {
    id: String,
    /// For callers without credentials a neutral one: the login name may be an
    /// e-mail address.
    username: String,
    /// For callers without credentials a neutral one.
    code: String,
    /// Kind of provider, such as `"482"`; empty for none.
    subtype: String,
    first_name: String,
    last_name: String,
    /// Identity of older call SDKs.
    vseeid: String,
    /// No pictures are kept.
    #[schema(value_type = Option<String>)]
    photo: Option<()>,
    title: String,
    suffix: String,
    /// One of their pages is open right now.
    status: bool,
    short_bio: ShortBio,
}

/// A text, or false when there is none (as documented).
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ShortBio {
    Text(String),
    Nothing(bool),
}

impl From<String> for ShortBio {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Nothing(false) } else { Self::Text(text) }
    }
}

impl From<ProviderView> for RoomProvider {
    fn from(view: ProviderView) -> Self {
        let user = view.user;
        let neutral = format!("provider-{}", user.id);
        let profile = user.profile.into_inner();
        let known = |text: String| if view.keys_shown { text } else { neutral.clone() };
        Self {
            username: known(user.username.into_inner()),
            code: known(user.code.into_inner()),
            vseeid: known(user.vseeid.into_inner()),
            id: user.id.to_string(),
            subtype: user.subtype,
            first_name: profile.first_name,
            last_name: profile.last_name,
            photo: None,
            title: profile.title,
            suffix: profile.suffix,
            status: view.is_online,
            short_bio: profile.short_bio.into(),
        }
    }
}

/// Who works in a room. Open to everybody.
#[utoipa::path(get, path = "/rooms/{code}/providers", tag = "rooms", operation_id = "rooms::list_providers",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Page<RoomProvider>)))]
pub async fn list_providers(
    State(app): State<App>,
    Caller(actor): Caller,
    client: Client,
    Path(code): Path<String>,
) -> Result<Page<RoomProvider>, ApiError> {
    let found = rooms::list_providers(&app, &actor, &code, &client.host).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(RoomProvider::from).collect(), total))
}

/// One of those who work in a room. Open to everybody.
#[utoipa::path(get, path = "/rooms/{code}/providers/{id}", tag = "rooms",
    operation_id = "rooms::get_provider",
    params(("code" = String, Path, description = "Code or slug of the room"),
        ("id" = String, Path, description = "Number of the provider")),
    responses((status = 200, body = Data<RoomProvider>)))]
pub async fn get_provider(
    State(app): State<App>,
    Caller(actor): Caller,
    client: Client,
    Path((code, id)): Path<(String, String)>,
) -> Result<Data<RoomProvider>, ApiError> {
    Ok(data(rooms::get_provider(&app, &actor, &code, &client.host, user_of(&id)?).await?.into()))
}

/// Takes a provider out of a room; visits that they have there stay theirs.
/// Needs an admin token.
#[utoipa::path(delete, path = "/rooms/{code}/providers/{id}", tag = "rooms", operation_id = "rooms::unassign",
    params(("code" = String, Path, description = "Code or slug of the room"),
        ("id" = String, Path, description = "Number of the provider")),
    responses((status = 200, body = Data<Object>)))]
pub async fn unassign(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((code, id)): Path<(String, String)>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    rooms::unassign(&app, &actor, &code, user_of(&id)?).await?;
    Ok(data(Map::new()))
}

fn user_of(text: &str) -> Result<UserId, ApiError> {
    text.parse().map_err(|_| Error::not_found("user").into())
}
