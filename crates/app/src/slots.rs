//! Slots: the rules that say when a provider can be booked. A change touches
//! one day of a rule, that day and all after it, or the whole rule.

use std::collections::HashMap;

use bedside_model::{
    AccountId, At, RoomId, UserId,
    availability::{self, Span},
    event::EventType,
    permission::Action,
    user::UserType,
};
use bedside_store::{
    Conn, Tx, bookings, rooms,
    slots::{self, Filter, SlotRule, When},
    users,
};
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
};

/// Most rules of one provider.
const MAX_RULES: usize = 200;

/// How much of a rule a change touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// One day.
    This,
    /// That day and all after it.
    Following,
    /// Everything.
    #[default]
    All,
}

/// A slot as clients name it: a rule's number, or `{rule}-{begin}` for one of
/// its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The rule.
    pub rule: i64,
    /// One of its times.
    pub start: Option<At>,
}

impl Name {
    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rule, start) = match text.split_once('-') {
            Some((rule, start)) => (rule, Some(At::from_seconds(start.parse().ok()?))),
            None => (text, None),
        };
        Some(Self { rule: rule.parse().ok()?, start })
    }
}

/// What a client says of a slot.
#[derive(Debug, Clone)]
pub struct Fields {
    /// Whose time; none is the caller's.
    pub provider: Option<UserId>,
    /// Code or slug of the room.
    pub room: Option<String>,
    /// `appointment` or `oncall`.
    pub kind: Option<String>,
    /// When.
    pub when: When,
    /// IANA name; empty takes the room's.
    pub timezone: String,
    /// People per slot.
    pub capacity: u16,
    /// Consultations it serves; empty serves all.
    pub consultations: Vec<String>,
}

/// The rules that may open in a window.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 for a window that ends before it
/// begins.
pub async fn list(
    app: &App,
    actor: &Actor,
    room: Option<&str>,
    provider: Option<UserId>,
    kind: &str,
    window: Span,
) -> Result<Vec<SlotRule>> {
    authz::user(actor)?;
    if window.is_empty() {
        return Err(Error::field("end", "must lie after start"));
    }
    let mut conn = app.store.reader().await?;
    let provider = match provider {
        Some(provider) => Some(provider),
        // Who does not run the clinic sees their own.
        None if authz::account(actor, Action::SlotsManage).is_err() => actor.user(),
        None => None,
    };
    if let Some(provider) = provider {
        manage(&mut conn, actor, provider).await?;
    }
    let room = match room.filter(|name| !name.is_empty()) {
        Some(name) => {
            let found = rooms::find_named(&mut conn, &actor.account, name).await?;
            Some(found.ok_or_else(|| Error::not_found("room"))?.id)
        }
        None => None,
    };
    Ok(slots::list(&mut conn, &actor.account, Filter { room, provider, kind, window }).await?)
}

async fn manage(conn: &mut Conn, actor: &Actor, provider: UserId) -> Result<()> {
    let relations = authz::to_person(conn, actor, provider).await?;
    authz::judge(actor, relations, Action::SlotsManage, Action::SlotsRead, "slot")
}

/// Adds a rule or one opening.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `slot_overlaps`.
pub async fn add(app: &App, actor: &Actor, fields: Fields) -> Result<SlotRule> {
    let (caller, _) = authz::user(actor)?;
    let provider = fields.provider.unwrap_or(caller);
    let mut conn = app.store.reader().await?;
    manage(&mut conn, actor, provider).await?;
    let room = fields.room.as_deref().filter(|name| !name.is_empty());
    let room = room.ok_or_else(|| Error::field("room_code", "name the room"))?;
    let room = rooms::find_named(&mut conn, &actor.account, room).await?;
    let room = room.ok_or_else(|| Error::not_found("room"))?;
    let known = users::find(&mut conn, &actor.account, provider).await?;
    if known.is_none_or(|user| user.kind != UserType::Provider) {
        return Err(Error::field("provider_id", "there is no such provider"));
    }
    if !rooms::is_assigned(&mut conn, &actor.account, room.id, provider).await? {
        return Err(Error::field("provider_id", "this provider does not work in that room"));
    }
    drop(conn);
    let timezone = match fields.timezone.as_str() {
        "" => room.settings.default_timezone.clone(),
        name => name.to_owned(),
    };
    for wanted in &fields.consultations {
        if !room.settings.consultations.iter().any(|known| &known.id == wanted) {
            return Err(Error::field("consultation_ids", "this room has no such consultation"));
        }
    }
    let now = app.clock.now();
    let slot = SlotRule {
        id: 0,
        account: actor.account.clone(),
        room: room.id,
        provider,
        kind: kind(fields.kind.as_deref())?,
        when: fields.when,
        timezone,
        capacity: fields.capacity,
        consultations: fields.consultations,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check(&slot, now)?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let id = put(tx, &slot).await?;
                told(tx, &owner, &caller, slot.room, slot.provider, "slots.add", id).await?;
                Ok(SlotRule { id, ..slot })
            })
        })
        .await
}

fn kind(word: Option<&str>) -> Result<String> {
    match word.unwrap_or("appointment") {
        word @ ("appointment" | "oncall") => Ok(word.to_owned()),
        _ => Err(Error::field("kind", "use appointment or oncall")),
    }
}

/// What can be wrong with a rule on its own.
fn check(slot: &SlotRule, now: At) -> Result<()> {
    if !(1..=500).contains(&slot.capacity) {
        return Err(Error::field("capacity", "use 1 to 500"));
    }
    if slot.timezone.len() > 64 || TimeZone::get(&slot.timezone).is_err() {
        return Err(Error::field("timezone", "use a time zone such as Europe/London"));
    }
    match &slot.when {
        When::Once(span) if span.is_empty() => Err(Error::field("end", "must lie after start")),
        When::Once(span) if span.end < now => Err(Error::field("start", "lies in the past")),
        When::Once(span) if span.minutes() > 24 * 60 => {
            Err(Error::field("end", "one opening lasts at most 24 hours"))
        }
        When::Once(_) => Ok(()),
        When::Weekly { days, .. } if days.is_empty() => {
            Err(Error::field("repeat", "name at least one day of the week, 1 (Monday) to 7 (Sunday)"))
        }
        When::Weekly { from, until: Some(until), .. } if until < from => {
            Err(Error::field("repeat", "must not end before it begins"))
        }
        When::Weekly { .. } => Ok(()),
    }
}

/// Adds or replaces a rule, unless the provider has another one at that time.
async fn put(tx: &mut Tx, slot: &SlotRule) -> Result<i64> {
    bookings::lock_provider(tx, &slot.account, slot.provider).await?;
    let window = reach(slot);
    let filter = Filter { room: None, provider: Some(slot.provider), kind: &slot.kind, window };
    let others = slots::list(tx, &slot.account, filter).await?;
    if others.len() > MAX_RULES {
        return Err(Error::invalid("too_many_slots", "This provider has too many rules. Delete some first."));
    }
    if let Some(other) =
        others.iter().filter(|other| other.id != slot.id).find(|other| overlap(slot, other, window))
    {
        return Err(Error::invalid("slot_overlaps", "This provider already has hours at that time.")
            .with("slot_id", other.id.to_string()));
    }
    if slot.id == 0 {
        return Ok(slots::add(tx, slot).await?);
    }
    if !slots::update(tx, slot).await? {
        return Err(Error::invalid(
            "slot_changed",
            "This slot was changed a moment ago. Read it and try again.",
        ));
    }
    Ok(slot.id)
}

/// The window in which two weekly rules meet if they ever do: their weeks
/// repeat, so two years show every pairing of days and clock changes.
fn reach(slot: &SlotRule) -> Span {
    const YEARS_SECONDS: i64 = 2 * 366 * 86_400;
    match &slot.when {
        When::Once(span) => *span,
        When::Weekly { from, .. } => {
            let zone = TimeZone::get(&slot.timezone).unwrap_or(TimeZone::UTC);
            let start = availability::boundary(&zone, *from, 0).unwrap_or(At(0));
            Span { start, end: start.plus_seconds(YEARS_SECONDS) }
        }
    }
}

fn overlap(one: &SlotRule, other: &SlotRule, window: Span) -> bool {
    let (Some(one), Some(other)) = (one.rule(), other.rule()) else { return false };
    let mut all = availability::spans(&one.opening, window);
    let theirs = availability::spans(&other.opening, window);
    all.sort();
    theirs.iter().any(|span| {
        let after = all.partition_point(|own| own.end <= span.start);
        all.get(after).is_some_and(|own| own.overlaps(*span))
    })
}

async fn told(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    room: RoomId,
    provider: UserId,
    action: &'static str,
    id: i64,
) -> Result<()> {
    let subject = Subject { room: Some(room), user: Some(provider), ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::SlotsUpdated, subject).await?;
    audit::write(tx, app, actor, action, ("slot", id.to_string())).await
}

/// What to change of a slot.
#[derive(Debug, Clone)]
pub struct Update {
    /// Which one.
    pub name: Name,
    /// How much of it.
    pub scope: Scope,
    /// The hours it has from then on; for one day an opening.
    pub when: Option<When>,
    /// People per slot.
    pub capacity: Option<u16>,
}

/// Changes a rule; gives the rules that took its place.
///
/// # Errors
/// As [`add`], and 404 for an unknown slot.
pub async fn update(app: &App, actor: &Actor, command: Update) -> Result<Vec<SlotRule>> {
    let old = find(app, actor, command.name).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                let mut next = SlotRule { updated_at: now, ..old.clone() };
                next.capacity = command.capacity.unwrap_or(next.capacity);
                if let Some(mut when) = command.when {
                    // Other hours on the same days: those that were left out stay so.
                    if let (When::Weekly { except, .. }, When::Weekly { except: left_out, .. }) =
                        (&mut when, &old.when)
                    {
                        except.clone_from(left_out);
                    }
                    next.when = when;
                }
                let whole = command.scope == Scope::All || matches!(old.when, When::Once(_));
                if whole {
                    check(&next, now)?;
                    put(tx, &next).await?;
                } else {
                    cut(tx, &old, command.name, command.scope, now).await?;
                    next.id = 0;
                    next.version = 1;
                    next.created_at = now;
                    if let (Scope::Following, When::Weekly { from, .. }) = (command.scope, &mut next.when) {
                        *from = day(&old, command.name)?;
                    }
                    check(&next, now)?;
                    next.id = put(tx, &next).await?;
                }
                told(tx, &owner, &caller, old.room, old.provider, "slots.update", old.id).await?;
                let mut all = Vec::new();
                for id in [old.id, next.id] {
                    if let Some(found) = slots::find(tx, &caller.account, id).await?
                        && !all.iter().any(|known: &SlotRule| known.id == found.id)
                    {
                        all.push(found);
                    }
                }
                Ok(all)
            })
        })
        .await
}

async fn find(app: &App, actor: &Actor, name: Name) -> Result<SlotRule> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let found = slots::find(&mut conn, &actor.account, name.rule).await?;
    let found = found.ok_or_else(|| Error::not_found("slot"))?;
    manage(&mut conn, actor, found.provider).await?;
    Ok(found)
}

/// The day of a rule that a slot's name means.
fn day(slot: &SlotRule, name: Name) -> Result<Date> {
    let zone = TimeZone::get(&slot.timezone).unwrap_or(TimeZone::UTC);
    let start = name
        .start
        .ok_or_else(|| Error::field("id", "name one time of the rule, as GET /availability shows it"))?;
    let rule = slot.rule().ok_or_else(|| Error::not_found("slot"))?;
    let window = Span { start, end: At(start.0.saturating_add(1)) };
    let open = availability::spans(&rule.opening, window);
    let open = open.first().ok_or_else(|| Error::not_found("slot"))?;
    availability::day_of(&zone, open.start).ok_or_else(|| Error::not_found("slot"))
}

/// Takes one day, or all from a day on, out of a weekly rule.
async fn cut(tx: &mut Tx, slot: &SlotRule, name: Name, scope: Scope, now: At) -> Result<()> {
    let day = day(slot, name)?;
    let When::Weekly { days, hours, from, until, except } = &slot.when else { return Ok(()) };
    let mut except = except.clone();
    let mut until = *until;
    match scope {
        Scope::This => except.push(day),
        _ => until = Some(day.yesterday().map_err(|_| Error::not_found("slot"))?),
    }
    if until.is_some_and(|until| until < *from) {
        slots::delete(tx, &slot.account, slot.id).await?;
        return Ok(());
    }
    except.sort_unstable();
    let when = When::Weekly { days: days.clone(), hours: *hours, from: *from, until, except };
    if !slots::update(tx, &SlotRule { when, updated_at: now, ..slot.clone() }).await? {
        return Err(Error::invalid(
            "slot_changed",
            "This slot was changed a moment ago. Read it and try again.",
        ));
    }
    Ok(())
}

/// Deletes a rule, one day of it, or all from a day on. What is booked stands:
/// then `force` is needed.
///
/// # Errors
/// 401, 403, 404, 400 `slot_booked` with the number of bookings.
pub async fn delete(app: &App, actor: &Actor, name: Name, scope: Scope, force: bool) -> Result<()> {
    let old = find(app, actor, name).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                bookings::lock_provider(tx, &caller.account, old.provider).await?;
                let booked = booked(tx, &caller.account, &old, name, scope, now).await?;
                if booked > 0 && !force {
                    return Err(Error::invalid(
                        "slot_booked",
                        format!("{booked} appointments stand at these times. Send force=1 to keep them and delete the hours."),
                    )
                    .with("bookings", booked));
                }
                if scope == Scope::All || matches!(old.when, When::Once(_)) {
                    slots::delete(tx, &caller.account, old.id).await?;
                } else {
                    cut(tx, &old, name, scope, now).await?;
                }
                told(tx, &owner, &caller, old.room, old.provider, "slots.delete", old.id).await
            })
        })
        .await
}

/// How many bookings to come stand in what would be deleted.
async fn booked(
    tx: &mut Tx,
    account: &AccountId,
    slot: &SlotRule,
    name: Name,
    scope: Scope,
    now: At,
) -> Result<usize> {
    const FAR_SECONDS: i64 = 20 * 366 * 86_400;
    let zone = TimeZone::get(&slot.timezone).unwrap_or(TimeZone::UTC);
    let first = match scope {
        Scope::All => None,
        Scope::This | Scope::Following => Some(day(slot, name)?),
    };
    let window = Span { start: now, end: now.plus_seconds(FAR_SECONDS) };
    let bookings = bookings::list(tx, account, window, now, Some(slot.provider)).await?;
    let touched = |start: At| match (first, availability::day_of(&zone, start)) {
        (None, _) => true,
        (Some(first), Some(day)) if scope == Scope::This => day == first,
        (Some(first), Some(day)) => day >= first,
        (Some(_), None) => false,
    };
    Ok(bookings.iter().filter(|booking| booking.rule == Some(slot.id) && touched(booking.span.start)).count())
}

/// The zone on whose clock a new slot of a room is: the one named, else the
/// room's.
///
/// # Errors
/// 401, 400 for an unknown zone, 404 for an unknown room.
pub async fn zone(app: &App, actor: &Actor, name: &str, room: Option<&str>) -> Result<TimeZone> {
    authz::user(actor)?;
    if !name.is_empty() {
        return TimeZone::get(name)
            .map_err(|_| Error::field("timezone", "use a time zone such as Europe/London"));
    }
    let Some(room) = room.filter(|name| !name.is_empty()) else {
        return Err(Error::field("room_code", "name the room"));
    };
    let mut conn = app.store.reader().await?;
    let room = rooms::find_named(&mut conn, &actor.account, room).await?;
    let room = room.ok_or_else(|| Error::not_found("room"))?;
    Ok(TimeZone::get(&room.settings.default_timezone).unwrap_or(TimeZone::UTC))
}

/// The zone of a slot, for who may change it.
///
/// # Errors
/// 401, 403, 404.
pub async fn zone_of(app: &App, actor: &Actor, name: Name) -> Result<TimeZone> {
    let found = find(app, actor, name).await?;
    Ok(TimeZone::get(&found.timezone).unwrap_or(TimeZone::UTC))
}

/// The codes of the clinic's rooms, to show slots with.
///
/// # Errors
/// 401.
pub async fn room_codes(app: &App, actor: &Actor) -> Result<HashMap<RoomId, String>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    Ok(rooms::list_codes(&mut conn, &actor.account).await?)
}
