//! When a provider can be booked: weekly hours on the wall clock of a zone,
//! single openings, closures, and what is taken already, cut into slots. Pure.
//!
//! The one rule about clock changes: a boundary such as "09:00 on the 9th" is
//! the first instant at which the clock of that place shows that time or a
//! later one. So hours inside a missing hour are empty that day, hours that
//! begin in it begin when the clock has jumped, a repeated time counts at its
//! first pass, and hours that span a repeated hour are an hour longer.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use serde::{Deserialize, Serialize};

use crate::{At, UserId};

/// Longest window that may be asked for at once, in days.
pub const MAX_WINDOW_DAYS: i64 = 62;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: u16 = 24 * 60;

/// A span of instants, `start` in, `end` out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First instant.
    pub start: At,
    /// First instant after it.
    pub end: At,
}

impl Span {
    /// True when nothing lies in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start.0 >= self.end.0
    }

    /// Its length in whole minutes; negative when it ends before it begins.
    #[must_use]
    pub const fn minutes(self) -> i64 {
        self.end.0.saturating_sub(self.start.0) / MINUTE_MS
    }

    /// Do the two share an instant?
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start.0 < other.end.0 && other.start.0 < self.end.0
    }

    const fn grown(self, before_minutes: i64, after_minutes: i64) -> Self {
        Self {
            start: At(self.start.0 - before_minutes * MINUTE_MS),
            end: At(self.end.0 + after_minutes * MINUTE_MS),
        }
    }
}

/// Hours on the wall clock, in minutes after midnight. `until` above 1440
/// reaches into the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Opening, 0 to 1439.
    pub from: u16,
    /// Closing, above `from`, at most a day later.
    pub until: u16,
}

impl Hours {
    /// Hours that make sense: `from` inside the day, `until` after it and at
    /// most 24 hours later.
    #[must_use]
    pub const fn new(from: u16, until: u16) -> Option<Self> {
        if from < DAY_MINUTES && from < until && until <= from + DAY_MINUTES {
            Some(Self { from, until })
        } else {
            None
        }
    }
}

/// When it opens.
#[derive(Debug, Clone)]
pub enum Opening {
    /// Every week on some days, on the wall clock of a zone.
    Weekly {
        /// On which days.
        days: Vec<Weekday>,
        /// At which hours.
        hours: Hours,
        /// On whose clock.
        zone: TimeZone,
        /// First day.
        from: Date,
        /// Last day; none is for good.
        until: Option<Date>,
        /// Days on which it is left out.
        except: Vec<Date>,
    },
    /// Once.
    Once(Span),
}

/// A provider's availability in one room.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number.
    pub id: i64,
    /// Whose hours they are.
    pub provider: UserId,
    /// When.
    pub opening: Opening,
    /// How many people one slot takes; 1 unless it is a group.
    pub capacity: u16,
}

/// What the room wants of bookings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BookingRules {
    /// Minutes kept free before a booking.
    pub buffer_before_minutes: i64,
    /// Minutes kept free after a booking.
    pub buffer_after_minutes: i64,
    /// How long before its begin a slot can still be booked, in minutes.
    pub notice_minutes: i64,
    /// How far ahead one can book, in days.
    pub horizon_days: i64,
    /// Most bookings of a provider on one day of the room's calendar.
    pub per_day: Option<u32>,
    /// Minutes from one begin to the next; none takes the slot's own length.
    pub grid_minutes: Option<i64>,
    /// How long before its begin a patient may enter an appointment, in minutes.
    pub start_window_minutes: i64,
    /// Patients may cancel and move their appointments.
    pub patient_may_cancel: bool,
    /// Until how long before the begin they may, in minutes.
    pub cancel_notice_minutes: i64,
    /// How long a time is held while the intake is filled, in minutes.
    pub hold_minutes: i64,
    /// A new appointment waits until staff confirm it.
    pub confirm_by_hand: bool,
}

impl Default for BookingRules {
    fn default() -> Self {
        Self {
            buffer_before_minutes: 0,
            buffer_after_minutes: 0,
            notice_minutes: 0,
            horizon_days: MAX_WINDOW_DAYS,
            per_day: None,
            grid_minutes: None,
            start_window_minutes: 15,
            patient_may_cancel: true,
            cancel_notice_minutes: 0,
            hold_minutes: 10,
            confirm_by_hand: false,
        }
    }
}

/// Something that takes a provider's time: a booking, a pending one, a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// When.
    pub span: Span,
    /// Minutes that its own room keeps free before it.
    pub buffer_before_minutes: i64,
    /// Minutes that its own room keeps free after it.
    pub buffer_after_minutes: i64,
    /// The rule it was booked from: another seat of the same slot is no clash.
    pub rule: Option<i64>,
}

/// A time that can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The rule it comes from.
    pub rule: i64,
    /// With whom.
    pub provider: UserId,
    /// When.
    pub span: Span,
    /// Seats taken.
    pub booked: u16,
    /// Seats left; above zero.
    pub left: u16,
}

impl Slot {
    /// The slot's name: two answers agree on it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.rule, self.span.start.0 / 1000)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Begins lie in this window.
    pub window: Span,
    /// Length in minutes.
    pub duration_minutes: i64,
    /// Now.
    pub now: At,
}

/// The first instant at which the zone's clock shows this day and minute, or a
/// later time.
#[must_use]
pub fn boundary(zone: &TimeZone, day: Date, minute: u16) -> Option<At> {
    let day = day.checked_add(i64::from(minute / DAY_MINUTES).days()).ok()?;
    let minute = minute % DAY_MINUTES;
    let time = Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
    let wall = day.to_datetime(time);
    let at = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            // Somewhere behind the jump; the jump itself is the last
            // transition that is not later.
            let behind = before.to_timestamp(wall).ok()?.checked_add(1.nanosecond()).ok()?;
            zone.preceding(behind).next()?.timestamp()
        }
    };
    Some(At(at.as_millisecond()))
}

/// The day that the zone's clock shows at an instant.
#[must_use]
pub fn day_of(zone: &TimeZone, at: At) -> Option<Date> {
    Some(Timestamp::from_millisecond(at.0).ok()?.to_zoned(zone.clone()).date())
}

/// The spans of an opening that touch a window, in order.
#[must_use]
pub fn spans(opening: &Opening, window: Span) -> Vec<Span> {
    match opening {
        Opening::Once(span) => [*span].into_iter().filter(|span| span.overlaps(window)).collect(),
        Opening::Weekly { days, hours, zone, from, until, except } => {
            let (Some(first), Some(last)) = (day_of(zone, window.start), day_of(zone, window.end)) else {
                return Vec::new();
            };
            // Hours of the day before may reach into the window.
            let first = first.yesterday().unwrap_or(first).max(*from);
            let last = until.map_or(last, |until| last.min(until));
            first
                .series(1.day())
                .take_while(|day| *day <= last)
                .filter(|day| days.contains(&day.weekday()) && !except.contains(day))
                .filter_map(|day| {
                    let start = boundary(zone, day, hours.from)?;
                    let end = boundary(zone, day, hours.until)?;
                    Some(Span { start, end })
                })
                .filter(|span| !span.is_empty() && span.overlaps(window))
                .collect()
        }
    }
}

/// What one provider has: rules of the room asked for, and everything that
/// takes their time in whatever room.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    /// The provider's rules in this room that serve what is asked for.
    pub rules: Vec<Rule>,
    /// Bookings and holds, in any order.
    pub busy: Vec<Busy>,
    /// Closures of the room and the provider, in any order.
    pub closed: Vec<Span>,
}

/// The free slots of one provider, by begin.
#[must_use]
pub fn slots(
    calendar: &Calendar,
    booking: &BookingRules,
    room_zone: &TimeZone,
    question: Question,
) -> Vec<Slot> {
    let length = question.duration_minutes * MINUTE_MS;
    let step = booking.grid_minutes.unwrap_or(question.duration_minutes) * MINUTE_MS;
    if length <= 0 || step <= 0 || question.window.is_empty() {
        return Vec::new();
    }
    let earliest = question.window.start.0.max(question.now.0 + booking.notice_minutes * MINUTE_MS);
    let horizon = question.now.0 + booking.horizon_days * i64::from(DAY_MINUTES) * MINUTE_MS;
    let latest = question.window.end.0.min(horizon + 1);
    let taken = Taken::new(calendar, booking, room_zone);
    let mut found: Vec<Slot> = Vec::new();
    for rule in &calendar.rules {
        for open in spans(&rule.opening, question.window) {
            // The first begin on the rule's own grid that is not too early.
            let skipped = (earliest - open.start.0).max(0);
            let mut start = open.start.0 + (skipped + step - 1) / step * step;
            while start < latest && start + length <= open.end.0 {
                let span = Span { start: At(start), end: At(start + length) };
                if let Some(booked) = taken.seats(rule, span)
                    && booked < rule.capacity
                {
                    let left = rule.capacity - booked;
                    found.push(Slot { rule: rule.id, provider: rule.provider, span, booked, left });
                }
                start += step;
            }
        }
    }
    found.sort_by_key(|slot| (slot.span, slot.rule));
    // Two rules that open the same time offer it once.
    found.dedup_by_key(|slot| slot.span);
    found
}

/// What is taken, made ready for many questions.
struct Taken<'c> {
    /// By begin.
    busy: Vec<Busy>,
    /// Longest reach of a busy span behind its begin, with every buffer.
    reach: i64,
    closed: Vec<Span>,
    booking: &'c BookingRules,
    zone: &'c TimeZone,
    /// Bookings a day; empty without a limit.
    per_day: Vec<(Date, u32)>,
}

impl<'c> Taken<'c> {
    fn new(calendar: &Calendar, booking: &'c BookingRules, zone: &'c TimeZone) -> Self {
        let mut busy = calendar.busy.clone();
        busy.sort_by_key(|busy| busy.span);
        let widest = |busy: &Busy| {
            let buffers = busy.buffer_before_minutes.max(busy.buffer_after_minutes);
            busy.span.end.0 - busy.span.start.0 + buffers * MINUTE_MS
        };
        let own = booking.buffer_before_minutes.max(booking.buffer_after_minutes) * MINUTE_MS;
        let reach = busy.iter().map(widest).max().unwrap_or(0) + own;
        let mut closed = calendar.closed.clone();
        closed.sort();
        let mut per_day: Vec<(Date, u32)> = Vec::new();
        if booking.per_day.is_some() {
            let mut days: Vec<Date> = busy.iter().filter_map(|busy| day_of(zone, busy.span.start)).collect();
            days.sort_unstable();
            for day in days {
                match per_day.last_mut() {
                    Some((known, count)) if *known == day => *count += 1,
                    _ => per_day.push((day, 1)),
                }
            }
        }
        Self { busy, reach, closed, booking, zone, per_day }
    }

    /// Seats taken of this very slot; none when something else is in the way.
    fn seats(&self, rule: &Rule, span: Span) -> Option<u16> {
        if self.closed.iter().take_while(|closed| closed.start < span.end).any(|closed| closed.overlaps(span))
        {
            return None;
        }
        let wide = span.grown(self.booking.buffer_before_minutes, self.booking.buffer_after_minutes);
        let first = self.busy.partition_point(|busy| busy.span.start.0 < span.start.0 - self.reach);
        let mut seats = 0u16;
        for busy in &self.busy[first..] {
            if busy.span.start.0 >= span.end.0 + self.reach {
                break;
            }
            if busy.rule == Some(rule.id) && busy.span == span {
                seats = seats.saturating_add(1);
                continue;
            }
            let theirs = busy.span.grown(busy.buffer_before_minutes, busy.buffer_after_minutes);
            if wide.overlaps(busy.span) || theirs.overlaps(span) {
                return None;
            }
        }
        // A further seat of a group is no further appointment of the day.
        (seats > 0 || !self.is_day_full(span)).then_some(seats)
    }

    fn is_day_full(&self, span: Span) -> bool {
        let Some(limit) = self.booking.per_day else { return false };
        let Some(day) = day_of(self.zone, span.start) else { return true };
        self.per_day
            .binary_search_by_key(&day, |(known, _)| *known)
            .is_ok_and(|at| self.per_day[at].1 >= limit)
    }
}

#[cfg(test)]
mod tests;
