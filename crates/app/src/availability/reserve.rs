//! Taking a time, inside the change that needs it.

use std::collections::BTreeMap;

use bedside_model::{
    AccountId, At, UserId, VisitId,
    availability::{self, BookingRules, Question, Slot, Span},
};
use bedside_store::{Tx, bookings, bookings::Booking};

use super::{DAY_SECONDS, Desk, load, offers};
use crate::{Actor, App, Error, Result};

/// How many free times a refused booking is answered with.
const NEAREST: usize = 3;

/// A time to take.
pub(crate) struct Wanted<'w> {
    /// Where, and what for.
    pub desk: &'w Desk,
    /// With whom; none is anybody.
    pub provider: Option<UserId>,
    /// When.
    pub span: Span,
    /// For whom.
    pub member: UserId,
    /// Staff book outside the offered times.
    pub overriding: bool,
    /// Staff book over something else.
    pub force: bool,
    /// The booking that this one takes the place of.
    pub replaces: Option<VisitId>,
    /// When a hold ends; none for a visit.
    pub expires_at: Option<At>,
}

/// Takes a time inside a change: the patient's own hold on it, or a row of its
/// own. The visit is put on it with [`confirm`].
///
/// # Errors
/// 400 `slot_taken`, or naming `start` when it lies in the past, too near or
/// too far.
pub(crate) async fn reserve(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    wanted: Wanted<'_>,
) -> Result<Booking> {
    let now = app.clock.now();
    check_range(wanted.span, now)?;
    if !wanted.overriding {
        check_begin(wanted.desk.rules(), wanted.span.start, now)?;
    }
    if wanted.expires_at.is_none()
        && let Some(hold) = own_hold(tx, account, &wanted, now).await?
    {
        // Whoever books the provider at this moment may see a hold that ends
        // now as over: read again once they are through.
        bookings::lock_provider(tx, account, hold.provider).await?;
        let hold = own_hold(tx, account, &wanted, now).await?.ok_or_else(taken)?;
        if let Some(visit) = wanted.replaces {
            bookings::free(tx, account, visit).await?;
        }
        return Ok(hold);
    }
    // Whoever has the fewest bookings that day gets the next one. Every choice
    // is made anew once the provider's calendar is locked: somebody may have
    // taken the time since it was read.
    let candidates = match wanted.provider {
        Some(provider) => vec![provider],
        None => {
            bookings::lock_pool(tx, account).await?;
            free_at(tx, account, &wanted, now, None)
                .await?
                .into_iter()
                .map(|(_, slot)| slot.provider)
                .collect()
        }
    };
    for provider in candidates {
        bookings::lock_provider(tx, account, provider).await?;
        if let Some((_, slot)) = free_at(tx, account, &wanted, now, Some(provider)).await?.first() {
            return insert(tx, app, account, &wanted, Some(*slot), provider).await;
        }
    }
    if !wanted.overriding {
        return Err(taken());
    }
    let provider = wanted
        .provider
        .ok_or_else(|| Error::field("provider_id", "name the provider to book outside the offered times"))?;
    insert(tx, app, account, &wanted, None, provider).await
}

/// Who is free at the time wanted, with how much they have that day: the
/// fewest first.
async fn free_at(
    tx: &mut Tx,
    account: &AccountId,
    wanted: &Wanted<'_>,
    now: At,
    provider: Option<UserId>,
) -> Result<Vec<(usize, Slot)>> {
    let providers: Vec<UserId> = provider.into_iter().collect();
    let mut calendars =
        load(tx, account, wanted.desk, wanted.span, now, &providers, Some(wanted.member)).await?;
    if let Some(visit) = wanted.replaces
        && let Some(old) = bookings::find_of_visit(tx, account, visit).await?
    {
        let own = old.busy();
        for calendar in calendars.values_mut() {
            if let Some(at) = calendar.busy.iter().position(|busy| *busy == own) {
                calendar.busy.remove(at);
            }
        }
    }
    // Staff see their own schedule's rules, not the patients' notice.
    let rules = match wanted.overriding {
        true => BookingRules {
            notice_minutes: i64::MIN / 120_000,
            horizon_days: 36_500,
            ..wanted.desk.rules().clone()
        },
        false => wanted.desk.rules().clone(),
    };
    let window = Span { start: wanted.span.start, end: At(wanted.span.start.0 + 1) };
    let question = Question { window, duration_minutes: wanted.span.minutes(), now };
    let zone = &wanted.desk.zone;
    let day = availability::day_of(zone, wanted.span.start);
    let mut free: Vec<(usize, Slot)> = Vec::new();
    for calendar in calendars.values() {
        let that_day = |at: At| availability::day_of(zone, at) == day;
        let load = calendar.busy.iter().filter(|busy| that_day(busy.span.start)).count();
        let found = availability::slots(calendar, &rules, zone, question);
        free.extend(found.into_iter().filter(|slot| slot.span == wanted.span).map(|slot| (load, slot)));
    }
    free.sort_by_key(|(load, slot)| (*load, slot.provider));
    Ok(free)
}

/// Puts the visit on a time that [`reserve`] gave.
///
/// # Errors
/// 400 `slot_taken` when it was a hold that ended at this very moment.
pub(crate) async fn confirm(
    tx: &mut Tx,
    account: &AccountId,
    booking: &Booking,
    visit: VisitId,
) -> Result<()> {
    match bookings::confirm(tx, account, &booking.id, visit).await? {
        true => Ok(()),
        false => Err(taken()),
    }
}

/// The length in minutes of a time with an end of its own.
///
/// # Errors
/// 400 when it ends before it begins.
pub(crate) fn length(start: At, end: Option<At>) -> Result<Option<i64>> {
    match end.map(|end| Span { start, end }.minutes()) {
        Some(..=0) => Err(Error::field("end", "must lie after start")),
        minutes => Ok(minutes),
    }
}

/// The refusal of a room that has no appointments.
pub(crate) fn appointments_disabled() -> Error {
    Error::invalid("appointments_disabled", "This room sees patients without appointments only.")
}

/// What not even staff mean: a slip of a digit, or milliseconds for seconds.
fn check_range(span: Span, now: At) -> Result<()> {
    const YEARS_SECONDS: i64 = 10 * 366 * DAY_SECONDS;
    if span.start < now.plus_seconds(-YEARS_SECONDS) || span.start > now.plus_seconds(YEARS_SECONDS) {
        return Err(Error::field("start", "is too far away; send UNIX seconds"));
    }
    Ok(())
}

fn check_begin(rules: &BookingRules, start: At, now: At) -> Result<()> {
    if start < now {
        return Err(Error::field("start", "lies in the past"));
    }
    if start < now.plus_minutes(rules.notice_minutes) {
        let message = format!("book at least {} minutes ahead", rules.notice_minutes);
        return Err(Error::field("start", message));
    }
    if start > now.plus_seconds(rules.horizon_days.saturating_mul(DAY_SECONDS)) {
        return Err(Error::field("start", format!("book at most {} days ahead", rules.horizon_days)));
    }
    Ok(())
}

/// The refusal of a time that is not free (any more).
pub(crate) fn taken() -> Error {
    Error::invalid("slot_taken", "This time is no longer free. Choose another one.")
}

async fn own_hold(tx: &mut Tx, account: &AccountId, wanted: &Wanted<'_>, now: At) -> Result<Option<Booking>> {
    let held = bookings::list_of_member(tx, account, wanted.member, wanted.span, now).await?;
    Ok(held.into_iter().find(|booking| {
        booking.visit.is_none()
            && booking.span == wanted.span
            && booking.room == wanted.desk.room.id
            && wanted.provider.is_none_or(|provider| provider == booking.provider)
    }))
}

async fn insert(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    wanted: &Wanted<'_>,
    slot: Option<Slot>,
    provider: UserId,
) -> Result<Booking> {
    let now = app.clock.now();
    let id = app.random.uuid(now);
    bookings::purge_of(tx, account, provider, now).await?;
    if let Some(visit) = wanted.replaces {
        bookings::free(tx, account, visit).await?;
    }
    let mut others = bookings::list(tx, account, wanted.span, now, Some(provider)).await?;
    // What the patient holds there themselves makes way.
    for hold in others.extract_if(.., |other| other.visit.is_none() && other.member == wanted.member) {
        bookings::delete_hold(tx, account, &hold.id).await?;
    }
    let name = slot.map_or_else(|| id.clone(), |slot| slot.id());
    if slot.is_none() && !wanted.force && !others.is_empty() {
        return Err(taken());
    }
    let seats: Vec<i64> = others.iter().filter(|other| other.slot == name).map(|other| other.seat).collect();
    let rules = wanted.desk.rules();
    let booking = Booking {
        id,
        account: account.clone(),
        provider,
        room: wanted.desk.room.id,
        member: wanted.member,
        slot: name,
        rule: slot.map(|slot| slot.rule),
        seat: (0..).find(|seat| !seats.contains(seat)).unwrap_or_default(),
        span: wanted.span,
        buffer_before_minutes: rules.buffer_before_minutes,
        buffer_after_minutes: rules.buffer_after_minutes,
        visit: None,
        expires_at: wanted.expires_at,
        renewed: false,
        forced: slot.is_none() && wanted.force,
        created_at: now,
    };
    match bookings::add(tx, &booking).await {
        Ok(()) => Ok(booking),
        Err(error) if bookings::is_taken(&error) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}

/// The free times nearest to one that was taken, for the refusal.
///
/// # Errors
/// What the store says.
pub(crate) async fn nearest(
    app: &App,
    actor: &Actor,
    desk: &Desk,
    provider: Option<UserId>,
    start: At,
) -> Result<Vec<Slot>> {
    // Most often the same day has enough; who is full for days is looked at
    // further out. A time inside a window is nearer than all outside it.
    const AROUND_DAYS: [i64; 3] = [1, 4, 14];
    let now = app.clock.now();
    let providers: Vec<UserId> = provider.into_iter().collect();
    let mut conn = app.store.reader().await?;
    let mut slots: Vec<Slot> = Vec::new();
    for days in AROUND_DAYS {
        let window = Span {
            start: At(start.plus_seconds(-days * DAY_SECONDS).0.max(now.0)),
            end: start.plus_seconds(days * DAY_SECONDS),
        };
        let calendars = load(&mut conn, &actor.account, desk, window, now, &providers, actor.user()).await?;
        let mut by_time: BTreeMap<Span, Slot> = BTreeMap::new();
        for offer in offers(desk, &calendars, desk.question(window, now)) {
            by_time.entry(offer.slot.span).or_insert(offer.slot);
        }
        slots = by_time.into_values().collect();
        if slots.len() >= NEAREST {
            break;
        }
    }
    slots.sort_by_key(|slot| ((slot.span.start.0 - start.0).abs(), slot.span));
    slots.truncate(NEAREST);
    slots.sort_by_key(|slot| slot.span);
    Ok(slots)
}

/// A refusal of a taken time, with the nearest free ones.
pub(crate) async fn with_nearest(
    app: &App,
    actor: &Actor,
    desk: &Desk,
    provider: Option<UserId>,
    start: At,
    error: Error,
) -> Error {
    if error.code() != Some("slot_taken") {
        return error;
    }
    match nearest(app, actor, desk, provider, start).await {
        Ok(slots) => {
            let free: Vec<_> = slots
                .iter()
                .map(|slot| {
                    serde_json::json!({
                        "id": slot.id(),
                        "start": slot.span.start.seconds(),
                        "end": slot.span.end.seconds(),
                        "provider_id": slot.provider.to_string(),
                    })
                })
                .collect();
            error.with("nearest", free)
        }
        // The refusal stands, also without the list.
        Err(_) => error,
    }
}
