//! Slots on the wire (contract more.md 4.2): weekly hours on a wall clock, or
//! one opening.

use axum::extract::State;
use bedside_app::{
    App,
    slots::{self, Name, Scope},
};
use bedside_model::{
    At, UserId,
    availability::{MAX_WINDOW_DAYS, Span},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Int, List, Path, Request, Text},
    slot_object::{Repeat, Slot, WallHours, When},
};

/// A slot to add.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SlotRequest {
    /// Whose time; else the caller's.
    provider_id: Option<Id>,
    /// Code or slug of the room.
    room_code: Option<Text<128>>,
    /// `appointment` (default) or `oncall`.
    kind: Option<Text<20>>,
    /// UNIX seconds: the opening, or the first one of a weekly rule.
    start: Option<Int>,
    /// UNIX seconds.
    end: Option<Int>,
    /// Wall-clock hours, in place of `start` and `end`.
    hours: Option<WallHours>,
    /// The day of one opening with `hours`, `YYYY-MM-DD`.
    date: Option<Text<10>>,
    /// Every week.
    repeat: Option<Repeat>,
    /// IANA name; else the room's.
    timezone: Option<Text<64>>,
    /// People per slot; else 1.
    capacity: Option<Int>,
    /// Consultations it serves; else all.
    #[schema(value_type = Option<Vec<String>>)]
    consultation_ids: Option<List<Text<64>>>,
}

fn capacity(sent: Option<Int>) -> Result<Option<u16>, ApiError> {
    let capacity = sent.map(|capacity| u16::try_from(capacity.0)).transpose();
    capacity.map_err(|_| ApiError::field("capacity", "use 1 to 500"))
}

/// Says when a provider can be booked: their own hours, or for admins anybody's.
#[utoipa::path(post, path = "/slots", tag = "scheduling", operation_id = "slots::add",
    request_body = SlotRequest, responses((status = 200, body = Data<Slot>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<SlotRequest>,
) -> Result<Data<Slot>, ApiError> {
    let timezone = body.timezone.and_then(Text::filled).unwrap_or_default();
    let zone = slots::zone(&app, &actor, &timezone, body.room_code.as_deref()).await?;
    let when =
        When { start: body.start, end: body.end, hours: body.hours, date: body.date, repeat: body.repeat };
    let when =
        when.read(&zone)?.ok_or_else(|| ApiError::field("start", "say when: start and end, or hours"))?;
    let fields = slots::Fields {
        provider: body.provider_id.map(|id| UserId(id.0)),
        room: body.room_code.and_then(Text::filled),
        kind: body.kind.and_then(Text::filled),
        when,
        timezone,
        capacity: capacity(body.capacity)?.unwrap_or(1),
        consultations: body
            .consultation_ids
            .map(|list| list.0)
            .unwrap_or_default()
            .into_iter()
            .map(String::from)
            .collect(),
    };
    let codes = slots::room_codes(&app, &actor).await?;
    Ok(data(Slot::of(slots::add(&app, &actor, fields).await?, &codes)))
}

/// Which slots to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// Code or slug of a room.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// One provider; else, for providers, themselves.
    #[param(value_type = Option<String>)]
    provider_id: Option<Id>,
    /// `appointment` or `oncall`.
    #[param(value_type = Option<String>)]
    kind: Option<Text<20>>,
    /// UNIX seconds; else now.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// UNIX seconds; else 62 days later.
    #[param(value_type = Option<i64>)]
    end: Option<Int>,
}

/// The rules and openings that touch a window.
#[utoipa::path(get, path = "/slots", tag = "scheduling", operation_id = "slots::list",
    params(SlotQuery), responses((status = 200, body = Page<Slot>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<SlotQuery>,
) -> Result<Page<Slot>, ApiError> {
    let start = query.start.map_or(app.clock.now(), |start| At::from_seconds(start.0));
    let end = query.end.map_or(start.plus_seconds(MAX_WINDOW_DAYS * 86_400), |end| At::from_seconds(end.0));
    let provider = query.provider_id.map(|id| UserId(id.0));
    let kind = query.kind.and_then(Text::filled).unwrap_or_default();
    let room = query.room_code.as_deref();
    let found = slots::list(&app, &actor, room, provider, &kind, Span { start, end }).await?;
    let codes = slots::room_codes(&app, &actor).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(|slot| Slot::of(slot, &codes)).collect(), total))
}

/// What to change of a slot.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SlotUpdateRequest {
    /// `this`, `following` or `all` (default).
    scope: Option<Text<20>>,
    /// UNIX seconds.
    start: Option<Int>,
    /// UNIX seconds.
    end: Option<Int>,
    /// Wall-clock hours, in place of `start` and `end`.
    hours: Option<WallHours>,
    /// The day of one opening with `hours`, `YYYY-MM-DD`.
    date: Option<Text<10>>,
    /// Every week.
    repeat: Option<Repeat>,
    /// People per slot.
    capacity: Option<Int>,
}

fn name(id: &str) -> Result<Name, ApiError> {
    Name::parse(id).ok_or_else(|| bedside_app::Error::not_found("slot").into())
}

fn scope(word: Option<Text<20>>) -> Result<Scope, ApiError> {
    match word.and_then(Text::filled).as_deref() {
        None | Some("all") => Ok(Scope::All),
        Some("this") => Ok(Scope::This),
        Some("following") => Ok(Scope::Following),
        Some(_) => Err(ApiError::field("scope", "use this, following or all")),
    }
}

/// Changes a rule, one day of it, or all from a day on; gives the rules that
/// took its place.
#[utoipa::path(post, path = "/slots/{id}", tag = "scheduling", operation_id = "slots::update",
    params(("id" = String, Path, description = "Number of the rule, or `{rule}-{start}` for one of its times")),
    request_body = SlotUpdateRequest, responses((status = 200, body = Data<Vec<Slot>>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<SlotUpdateRequest>,
) -> Result<Data<Vec<Slot>>, ApiError> {
    let name = name(&id)?;
    let zone = slots::zone_of(&app, &actor, name).await?;
    let when =
        When { start: body.start, end: body.end, hours: body.hours, date: body.date, repeat: body.repeat };
    let command = slots::Update {
        name,
        scope: scope(body.scope)?,
        when: when.read(&zone)?,
        capacity: capacity(body.capacity)?,
    };
    let codes = slots::room_codes(&app, &actor).await?;
    let rules = slots::update(&app, &actor, command).await?;
    Ok(data(rules.into_iter().map(|slot| Slot::of(slot, &codes)).collect()))
}

/// How much to delete.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct SlotDeleteQuery {
    /// `this`, `following` or `all` (default).
    #[param(value_type = Option<String>)]
    scope: Option<Text<20>>,
    /// 1 keeps what is booked and deletes the hours all the same.
    #[param(value_type = Option<bool>)]
    force: Option<Flag>,
}

/// Deletes a rule, one day of it, or all from a day on.
#[utoipa::path(delete, path = "/slots/{id}", tag = "scheduling", operation_id = "slots::delete",
    params(("id" = String, Path, description = "Number of the rule, or `{rule}-{start}` for one of its times"),
        SlotDeleteQuery), responses((status = 200, body = Data<bool>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(query): Request<SlotDeleteQuery>,
) -> Result<Data<bool>, ApiError> {
    let force = query.force.is_some_and(|flag| flag.0);
    slots::delete(&app, &actor, name(&id)?, scope(query.scope)?, force).await?;
    Ok(data(true))
}
