//! The queue of a room: how it stands, and whether one more may join it.

use bedside_model::{VisitId, permission::Action, room, user::UserType};
use bedside_store::{
    Conn, Tx,
    rooms::{self, Room},
    visits,
};

use super::{Delays, on_call};
use crate::{Actor, App, Error, Result, authz, links};

/// How far back visits tell of the usual wait, in seconds.
const RECENT_SECONDS: i64 = 14 * 24 * 3600;

/// How a room's queue stands, for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How many wait.
    pub length: i64,
    /// How many may wait; none is no limit.
    pub capacity: Option<i64>,
    /// How many stand ahead of the caller, if the caller waits here.
    pub ahead: Option<i64>,
    /// The usual wait in minutes, when enough is known, with the delay.
    pub usual_wait_minutes: Option<i64>,
    /// By how much the provider of the caller, or everybody here, runs late.
    pub late_minutes: i64,
}

/// How a room's queue stands: for patients with their place, or that of
/// somebody in their care.
///
/// # Errors
/// 401 without a user, 404.
pub async fn queue(app: &App, actor: &Actor, name: &str) -> Result<Queue> {
    authz::account(actor, Action::RoomQueue)?;
    let (user, kind) = authz::user(actor)?;
    if kind.is_patient() {
        app.presence.touch(&actor.account, user, app.clock.now());
    }
    let mut conn = app.store.reader().await?;
    let room =
        rooms::find_named(&mut conn, &actor.account, name).await?.ok_or_else(|| Error::not_found("room"))?;
    // A link tells of its own room only.
    if links::room(&mut conn, actor).await?.is_some_and(|own| own.id != room.id) {
        return Err(Error::not_found("room"));
    }
    let length = visits::queue_length(&mut conn, &actor.account, room.id).await?;
    let since = app.clock.now().plus_seconds(-RECENT_SECONDS);
    let waits = visits::recent_waits(&mut conn, &actor.account, room.id, since).await?;
    let waiting: Option<VisitId> = if kind.is_patient() {
        rooms::find_waiting_of(&mut conn, &actor.account, room.id, user).await?
    } else {
        None
    };
    let ahead = match waiting {
        Some(visit) => Some(visits::count_ahead(&mut conn, &actor.account, visit).await?),
        None => None,
    };
    let asked = match waiting {
        Some(visit) => visits::find(&mut conn, &actor.account, visit).await?,
        None => None,
    };
    let asked = asked.and_then(|visit| visit.state.requested_provider);
    let late_minutes = Delays::read(&mut conn, &actor.account, app.clock.now()).await?.of(room.id, asked);
    Ok(Queue {
        length,
        capacity: room.settings.queue_capacity,
        ahead,
        usual_wait_minutes: room::usual_wait_minutes(&waits).map(|minutes| minutes + late_minutes),
        late_minutes,
    })
}

/// May somebody come to this room now, whoever it is?
///
/// # Errors
/// 400 `room_closed` with its message and `next_open`, 403 `guests_not_allowed`.
pub(crate) fn check_open(app: &App, room: &Room, kind: Option<UserType>) -> Result<()> {
    let now = app.clock.now();
    if room.settings.is_closed_at(now) {
        let next = room.settings.next_open(now).map(bedside_model::At::seconds);
        return Err(Error::invalid("room_closed", room.settings.closed_message()).with("next_open", next));
    }
    if kind == Some(UserType::Guest) && !room.settings.guest_enabled {
        return Err(guests_not_allowed());
    }
    Ok(())
}

pub(crate) fn guests_not_allowed() -> Error {
    Error::forbidden("guests_not_allowed", "This waiting room is for registered patients only.")
}

pub(crate) fn no_walkins() -> Error {
    Error::invalid("walkin_disabled", "This room sees patients by appointment only.")
}

/// Is somebody there for those who come without an appointment?
///
/// # Errors
/// 400 `room_closed` with `next_open`.
pub(crate) async fn check_on_call(conn: &mut Conn, app: &App, room: &Room) -> Result<()> {
    let walkins = on_call::walkins(conn, room, app.clock.now()).await?;
    if walkins.open {
        return Ok(());
    }
    let next = walkins.opens_at.map(bedside_model::At::seconds);
    Err(Error::invalid("room_closed", room.settings.closed_message()).with("next_open", next))
}

/// May somebody join the room's queue now? Inside the change that lets them:
/// of two for the last place one gets it.
///
/// # Errors
/// As [`check_open`], and 400 `walkin_disabled`, `queue_full`.
pub(crate) async fn check_arrival(tx: &mut Tx, app: &App, actor: &Actor, room: &Room) -> Result<()> {
    check_open(app, room, actor.kind())?;
    if !room.settings.walkin_enabled {
        return Err(no_walkins());
    }
    check_on_call(tx, app, room).await?;
    if room.settings.queue_capacity.is_some() {
        rooms::lock(tx, &room.account, room.id).await?;
        let waiting = visits::queue_length(tx, &room.account, room.id).await?;
        if room.settings.is_full(waiting) {
            return Err(Error::invalid(
                "queue_full",
                "This waiting room is full right now. Try again in a while.",
            ));
        }
    }
    Ok(())
}
