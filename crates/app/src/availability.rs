//! Availability: the times that can be booked, and the one way to take one.
//! The slot engine is `model::availability`; here its rows are read, a fixed
//! number of questions however many providers there are.

mod overridden;
mod reserve;

use std::collections::BTreeMap;

use bedside_model::{
    AccountId, At, IntakeId, UserId,
    availability::{self, BookingRules, Calendar, MAX_WINDOW_DAYS, Question, Slot, Span},
    permission::Action,
};
use bedside_store::{
    Conn, bookings, closures, intakes,
    rooms::{self, Room},
    slots::{self, Filter},
};
use jiff::tz::TimeZone;

use crate::{Actor, App, Error, Result, authz, intakes::find_person, links};

pub(crate) use overridden::overridden;
pub(crate) use reserve::{Wanted, appointments_disabled, confirm, length, reserve, with_nearest};

const DAY_SECONDS: i64 = 86_400;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Begins lie in this window.
    pub window: Option<Span>,
    /// Length in minutes; else the consultation's.
    pub duration_minutes: Option<i64>,
    /// What the patient comes for.
    pub consultation: Option<String>,
    /// Tells the room, the patient and the provider.
    pub intake: Option<IntakeId>,
    /// Code or slug of the room; else the intake's.
    pub room: Option<String>,
    /// Only these providers; empty is everybody in the room.
    pub providers: Vec<UserId>,
    /// The patient: their own appointments hide times.
    pub member: Option<String>,
}

/// A free time.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The time.
    pub slot: Slot,
    /// In which room.
    pub room_code: String,
    /// What for.
    pub consultation: Option<String>,
}

/// A room with what can be booked there.
#[derive(Clone)]
pub(crate) struct Desk {
    pub room: Room,
    pub zone: TimeZone,
    pub consultation: Option<String>,
    pub duration_minutes: i64,
}

impl Desk {
    /// The room, and what is asked for there.
    ///
    /// # Errors
    /// 400 for an unknown consultation or a senseless length.
    pub fn new(room: Room, consultation: Option<&str>, duration_minutes: Option<i64>) -> Result<Self> {
        let known = &room.settings.consultations;
        let chosen = match consultation.filter(|id| !id.is_empty()) {
            Some(id) => Some(
                known
                    .iter()
                    .find(|known| known.id == id)
                    .ok_or_else(|| Error::field("consultation_id", "this room has no such consultation"))?,
            ),
            None => known.first(),
        };
        let duration = duration_minutes
            .or(chosen.map(|chosen| chosen.duration_minutes))
            .unwrap_or(bedside_model::room::DEFAULT_DURATION_MINUTES);
        if !(1..=24 * 60).contains(&duration) {
            return Err(Error::field("duration", "use 1 to 1440 minutes"));
        }
        let zone = TimeZone::get(&room.settings.default_timezone).unwrap_or(TimeZone::UTC);
        let consultation = chosen.map(|chosen| chosen.id.clone());
        Ok(Self { room, zone, consultation, duration_minutes: duration })
    }

    pub fn rules(&self) -> &BookingRules {
        &self.room.settings.booking
    }

    pub fn question(&self, window: Span, now: At) -> Question {
        Question { window, duration_minutes: self.duration_minutes, now }
    }
}

fn wide(window: Span) -> Span {
    Span { start: window.start.plus_seconds(-2 * DAY_SECONDS), end: window.end.plus_seconds(2 * DAY_SECONDS) }
}

/// Checks a window as clients send it.
///
/// # Errors
/// 400 naming the field.
pub fn window(start: Option<At>, end: Option<At>) -> Result<Span> {
    let start =
        start.ok_or_else(|| Error::field("start", "is required: the window's begin in UNIX seconds"))?;
    let end = end.ok_or_else(|| Error::field("end", "is required: the window's end in UNIX seconds"))?;
    if end.0 <= start.0 {
        return Err(Error::field("end", "must lie after start"));
    }
    if end.0.saturating_sub(start.0) > MAX_WINDOW_DAYS * DAY_SECONDS * 1000 {
        return Err(Error::field("end", format!("ask for at most {MAX_WINDOW_DAYS} days at once")));
    }
    Ok(Span { start, end })
}

/// The free times of a room in a window.
///
/// # Errors
/// 401, 400 naming the field, 404 for an unknown room or provider.
pub async fn list(app: &App, actor: &Actor, ask: Ask) -> Result<Vec<Offer>> {
    authz::account(actor, Action::SlotsRead)?;
    let window = window(ask.window.map(|span| span.start), ask.window.map(|span| span.end))?;
    let mut conn = app.store.reader().await?;
    let account = &actor.account;
    let intake = match &ask.intake {
        Some(id) => {
            let found = intakes::find(&mut conn, account, id).await?;
            let found = found.ok_or_else(|| Error::field("intake_id", "there is no such intake"))?;
            let relations =
                authz::to_care(&mut conn, actor, found.member, found.provider, found.room).await?;
            if !authz::may(actor, relations, Action::IntakeRead) {
                return Err(Error::field("intake_id", "there is no such intake"));
            }
            Some(found)
        }
        None => None,
    };
    let linked = links::room(&mut conn, actor).await?;
    let room = match ask.room.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => rooms::find_named(&mut conn, account, name).await?,
        None if linked.is_some() => linked.clone(),
        None => match intake.as_ref().and_then(|intake| intake.room) {
            Some(id) => rooms::find(&mut conn, account, id).await?,
            None => return Err(Error::field("room_code", "name the room, or an intake that names it")),
        },
    };
    // A link shows the times of its own room only.
    let room = room.filter(|room| room.active && linked.as_ref().is_none_or(|own| own.id == room.id));
    let room = room.ok_or_else(|| Error::not_found("room"))?;
    let desk = Desk::new(room, ask.consultation.as_deref(), ask.duration_minutes)?;
    let mut providers = ask.providers;
    if providers.is_empty() {
        providers.extend(intake.as_ref().and_then(|intake| intake.provider));
    }
    let member = match (ask.member.as_deref().filter(|text| !text.is_empty()), &intake) {
        _ if linked.is_some() => actor.user(),
        (Some(wanted), _) => visible_member(&mut conn, actor, wanted).await?,
        (None, Some(intake)) => Some(intake.member),
        (None, None) => actor.user().filter(|_| actor.kind().is_some_and(|kind| kind.is_patient())),
    };
    let now = app.clock.now();
    let mut calendars = load(&mut conn, account, &desk, window, now, &providers, member).await?;
    if let Some(member) = member {
        hide_clashes(&mut conn, account, member, window, now, &mut calendars).await?;
    }
    drop(conn);
    Ok(offers(&desk, &calendars, desk.question(window, now)))
}

// Somebody else's appointments hide nothing: no answer tells of them.
async fn visible_member(conn: &mut Conn, actor: &Actor, wanted: &str) -> Result<Option<UserId>> {
    if wanted == "-" {
        return Ok(actor.user());
    }
    let Some(found) = find_person(conn, &actor.account, wanted).await? else { return Ok(None) };
    let relations = authz::to_person(conn, actor, found.id).await?;
    Ok(authz::may(actor, relations, Action::UserRead).then_some(found.id))
}

pub(crate) fn offers(desk: &Desk, calendars: &BTreeMap<UserId, Calendar>, question: Question) -> Vec<Offer> {
    let mut all: Vec<Slot> = calendars
        .values()
        .flat_map(|calendar| availability::slots(calendar, desk.rules(), &desk.zone, question))
        .collect();
    all.sort_by_key(|slot| (slot.span, slot.provider));
    all.into_iter()
        .map(|slot| Offer {
            slot,
            room_code: desk.room.code.clone(),
            consultation: desk.consultation.clone(),
        })
        .collect()
}

/// The calendars of those who work in the room. Four questions, however many
/// providers there are. Holds of `holder` do not count against them.
pub(crate) async fn load(
    conn: &mut Conn,
    account: &AccountId,
    desk: &Desk,
    window: Span,
    now: At,
    providers: &[UserId],
    holder: Option<UserId>,
) -> Result<BTreeMap<UserId, Calendar>> {
    let around = wide(window);
    let only = match providers {
        [one] => Some(*one),
        _ => None,
    };
    let mut calendars: BTreeMap<UserId, Calendar> = rooms::list_providers(conn, account, desk.room.id)
        .await?
        .into_iter()
        .filter(|id| providers.is_empty() || providers.contains(id))
        .map(|id| (id, Calendar::default()))
        .collect();
    let filter = Filter { room: Some(desk.room.id), provider: only, kind: "appointment", window: around };
    for row in slots::list(conn, account, filter).await? {
        if !row.serves(desk.consultation.as_deref()) {
            continue;
        }
        if let (Some(calendar), Some(rule)) = (calendars.get_mut(&row.provider), row.rule()) {
            calendar.rules.push(rule);
        }
    }
    calendars.retain(|_, calendar| !calendar.rules.is_empty());
    for closure in closures::list(conn, account, around, Some(desk.room.id), only).await? {
        match closure.provider {
            Some(provider) => {
                if let Some(calendar) = calendars.get_mut(&provider) {
                    calendar.closed.push(closure.span);
                }
            }
            None => calendars.values_mut().for_each(|calendar| calendar.closed.push(closure.span)),
        }
    }
    for taken in bookings::list_taken(conn, account, desk.room.id, only, around, now).await? {
        let own_hold = taken.held && Some(taken.member) == holder;
        if let Some(calendar) = calendars.get_mut(&taken.provider).filter(|_| !own_hold) {
            calendar.busy.push(taken.busy);
        }
    }
    Ok(calendars)
}

// One cannot be at two appointments at once.
async fn hide_clashes(
    conn: &mut Conn,
    account: &AccountId,
    member: UserId,
    window: Span,
    now: At,
    calendars: &mut BTreeMap<UserId, Calendar>,
) -> Result<()> {
    for booking in bookings::list_of_member(conn, account, member, wide(window), now).await? {
        if booking.visit.is_some() {
            calendars.values_mut().for_each(|calendar| calendar.closed.push(booking.span));
        }
    }
    Ok(())
}
