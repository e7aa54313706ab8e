//! Rooms, who can be booked there, and when.

use bedside_model::{
    At, RoomId, UserId,
    availability::{MAX_WINDOW_DAYS, Span},
    identifier::ROOM_SYSTEM,
};
use bedside_store::{
    rooms::{self, Filter, Room},
    slots::{self, SlotRule},
};

use super::{Ask, Page, admit, asked, numbers};
use crate::{
    Actor, App, Error, Result,
    availability::{self, Desk},
};

/// How far a search looks that says no end, in days.
const DEFAULT_DAYS: i64 = 7;
const DAY_SECONDS: i64 = 86_400;

/// A time that can be booked.
#[derive(Debug, Clone, Copy)]
pub struct FreeSlot {
    /// The schedule's number.
    pub schedule: i64,
    /// With whom.
    pub provider: UserId,
    /// When.
    pub span: Span,
}

impl FreeSlot {
    /// Its logical id: the schedule and the begin in milliseconds.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.schedule, self.span.start.0)
    }

    fn read_id(text: &str) -> Option<(i64, At)> {
        let (schedule, start) = text.split_once('-')?;
        Some((schedule.parse().ok()?, At(start.parse().ok()?)))
    }
}

/// Rooms, in the order they were made.
///
/// # Errors
/// 401, 403, 400 for a foreign mark.
pub async fn list_locations(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<Room>> {
    admit(actor)?;
    let account = &actor.account;
    let (active, inactive) = (ask.says("active"), ask.says("inactive"));
    let mut conn = app.store.reader().await?;
    if ask.ids.is_none() && ask.identifiers.is_none() && (active || inactive) {
        let filter = Filter { active: (active != inactive).then_some(active), public: false };
        let after = Some(RoomId(ask.after_number()?));
        let page = rooms::Page { after, offset: 0, limit: ask.limit() };
        let (rows, total) = rooms::list(&mut conn, account, filter, page).await?;
        return Ok(Page { total: Some(total), ..Page::cut(rows, ask, |room| room.id.to_string()) });
    }
    let mut found: Vec<Room> = Vec::new();
    for id in ask.ids.as_deref().map(numbers).unwrap_or_default() {
        found.extend(rooms::find(&mut conn, account, RoomId(id)).await?);
    }
    if let Some(tokens) = &ask.identifiers {
        let mut called = Vec::new();
        for (system, value) in tokens.iter().filter_map(asked) {
            if system.is_none_or(|system| system == ROOM_SYSTEM) {
                let named = rooms::find_named(&mut conn, account, value).await?;
                called.extend(named.filter(|room| room.code == value));
            }
        }
        found = match ask.ids {
            Some(_) => found.into_iter().filter(|room| called.iter().any(|one| one.id == room.id)).collect(),
            None => called,
        };
    }
    found.retain(|room| if room.active { active } else { inactive });
    found.sort_by_key(|room| room.id);
    found.dedup_by_key(|room| room.id);
    Ok(Page::of_few(found))
}

/// The rules by which providers can be booked, in the order they were made.
///
/// # Errors
/// As [`list_locations`].
pub async fn list_schedules(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<SlotRule>> {
    admit(actor)?;
    if ask.identifiers.is_some() {
        return Ok(Page::of_few(Vec::new()));
    }
    let mut conn = app.store.reader().await?;
    let Some(ids) = &ask.ids else {
        let whose = (ask.provider, ask.location);
        let after = ask.after_number()?;
        let rows = slots::page(&mut conn, &actor.account, whose, after, ask.limit()).await?;
        return Ok(Page::cut(rows, ask, |rule| rule.id.to_string()));
    };
    let mut rows = Vec::new();
    for id in numbers(ids) {
        let found = slots::find(&mut conn, &actor.account, id).await?;
        rows.extend(found.filter(|rule| {
            rule.kind == "appointment"
                && ask.provider.is_none_or(|id| id == rule.provider)
                && ask.location.is_none_or(|id| id == rule.room)
        }));
    }
    Ok(Page::of_few(rows))
}

/// The free times of a schedule, by begin. A time that is not free is not
/// there: what takes it is somebody else's.
///
/// # Errors
/// 401, 403, 400 naming the parameter.
pub async fn list_slots(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<FreeSlot>> {
    admit(actor)?;
    if ask.identifiers.is_some() || !ask.says("free") {
        return Ok(Page::of_few(Vec::new()));
    }
    if let Some(ids) = &ask.ids {
        let mut rows = Vec::new();
        for (schedule, start) in ids.iter().filter_map(|id| FreeSlot::read_id(id)) {
            let window = Span { start, end: start.plus_seconds(1) };
            let all = free(app, actor, schedule, window).await?;
            let wanted = |slot: &FreeSlot| {
                slot.span.start == start
                    && ask.when.has(start)
                    && ask.schedule.is_none_or(|id| id == schedule)
            };
            rows.extend(all.into_iter().filter(wanted));
        }
        return Ok(Page::of_few(rows));
    }
    let schedule = ask.schedule.ok_or_else(|| Error::field("schedule", "is required: name a Schedule"))?;
    let start = ask.when.from.unwrap_or_else(|| app.clock.now());
    let end = ask.when.until.unwrap_or_else(|| start.plus_seconds(DEFAULT_DAYS * DAY_SECONDS));
    if end.0.saturating_sub(start.0) > MAX_WINDOW_DAYS * DAY_SECONDS * 1000 {
        return Err(Error::field("start", format!("ask for at most {MAX_WINDOW_DAYS} days at once")));
    }
    if end <= start {
        return Ok(Page::of_few(Vec::new()));
    }
    let behind = ask.after_number()?;
    let mut rows = free(app, actor, schedule, Span { start, end }).await?;
    rows.retain(|slot| slot.span.start.0 > behind);
    Ok(Page::cut(rows, ask, |slot| slot.span.start.0.to_string()))
}

async fn free(app: &App, actor: &Actor, schedule: i64, window: Span) -> Result<Vec<FreeSlot>> {
    let (account, now) = (&actor.account, app.clock.now());
    let mut conn = app.store.reader().await?;
    let rule = slots::find(&mut conn, account, schedule).await?;
    let Some(rule) = rule.filter(|rule| rule.kind == "appointment") else { return Ok(Vec::new()) };
    let room = rooms::find(&mut conn, account, rule.room).await?;
    let Some(room) = room.filter(|room| room.active) else { return Ok(Vec::new()) };
    let known = |id: &&String| room.settings.consultations.iter().any(|one| one.id == **id);
    let consultation = rule.consultations.iter().find(known).cloned();
    let desk = Desk::new(room, consultation.as_deref(), None)?;
    let who = [rule.provider];
    let calendars = availability::load(&mut conn, account, &desk, window, now, &who, None).await?;
    drop(conn);
    let offers = availability::offers(&desk, &calendars, desk.question(window, now));
    let own = offers.into_iter().map(|offer| offer.slot).filter(|slot| slot.rule == schedule);
    Ok(own.map(|slot| FreeSlot { schedule, provider: slot.provider, span: slot.span }).collect())
}
