//! A slot as clients write and read it.

use std::collections::HashMap;

use bedside_model::{
    At, RoomId,
    availability::{Hours, Span},
};
use bedside_store::slots as stored;
use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::ApiError,
    extract::{Int, List, Text},
};

/// Hours on a wall clock, as `09:00` and `17:30`; an end that is not later
/// lies on the next day.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct WallHours {
    /// `HH:MM`.
    #[schema(example = "09:00")]
    from: String,
    /// `HH:MM`.
    #[schema(example = "17:30")]
    until: String,
}

/// Every week.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct Repeat {
    /// `weekly`.
    freq: Option<Text<10>>,
    /// 1 Monday to 7 Sunday.
    #[schema(value_type = Vec<i64>)]
    days: Option<List<Int>>,
    /// First day, `YYYY-MM-DD`; else the day of `start`, else today.
    from: Option<Text<20>>,
    /// Last day, `YYYY-MM-DD` or UNIX seconds; else for good.
    until: Option<Text<20>>,
}

/// A weekly repetition as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownRepeat {
    freq: &'static str,
    days: Vec<i8>,
    from: String,
    until: Option<String>,
    except: Vec<String>,
}

/// A rule or an opening.
#[derive(Debug, Serialize, ToSchema)]
pub struct Slot {
    id: String,
    provider_id: String,
    room_code: String,
    kind: String,
    /// UNIX seconds; null for a weekly rule.
    start: Option<i64>,
    /// UNIX seconds; null for a weekly rule.
    end: Option<i64>,
    /// Null for one opening.
    hours: Option<WallHours>,
    /// Null for one opening.
    repeat: Option<ShownRepeat>,
    timezone: String,
    capacity: u16,
    consultation_ids: Vec<String>,
    created: i64,
    modified: i64,
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

impl Slot {
    /// A stored rule; `codes` names its room.
    pub fn of(slot: stored::SlotRule, codes: &HashMap<RoomId, String>) -> Self {
        let (span, hours, repeat) = match slot.when {
            stored::When::Once(span) => (Some(span), None, None),
            stored::When::Weekly { days, hours, from, until, except } => {
                let repeat = ShownRepeat {
                    freq: "weekly",
                    days: days.into_iter().map(Weekday::to_monday_one_offset).collect(),
                    from: from.to_string(),
                    until: until.map(|day| day.to_string()),
                    except: except.iter().map(Date::to_string).collect(),
                };
                (None, Some(WallHours { from: clock(hours.from), until: clock(hours.until) }), Some(repeat))
            }
        };
        Self {
            id: slot.id.to_string(),
            provider_id: slot.provider.to_string(),
            room_code: codes.get(&slot.room).cloned().unwrap_or_default(),
            kind: slot.kind,
            start: span.map(|span| span.start.seconds()),
            end: span.map(|span| span.end.seconds()),
            hours,
            repeat,
            timezone: slot.timezone,
            capacity: slot.capacity,
            consultation_ids: slot.consultations,
            created: slot.created_at.seconds(),
            modified: slot.updated_at.seconds(),
        }
    }
}

/// When a slot opens, in any of the ways clients say it.
#[derive(Debug)]
pub struct When {
    pub start: Option<Int>,
    pub end: Option<Int>,
    pub hours: Option<WallHours>,
    pub date: Option<Text<10>>,
    pub repeat: Option<Repeat>,
}

fn minute(text: &str, field: &str) -> Result<u16, ApiError> {
    let wrong = || ApiError::field(field, "use a time of the form 09:30");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let hour: u16 = hour.parse().ok().filter(|hour| *hour < 24).ok_or_else(wrong)?;
    let minute: u16 = minute.parse().ok().filter(|minute| *minute < 60).ok_or_else(wrong)?;
    Ok(hour * 60 + minute)
}

impl WallHours {
    fn read(&self) -> Result<Hours, ApiError> {
        let (from, until) = (minute(&self.from, "hours.from")?, minute(&self.until, "hours.until")?);
        let until = if until > from { until } else { until + 24 * 60 };
        Hours::new(from, until).ok_or_else(|| ApiError::field("hours", "use hours of at most a day"))
    }
}

fn day(text: &str, field: &str) -> Result<Date, ApiError> {
    text.trim().parse().map_err(|_| ApiError::field(field, "use a date of the form YYYY-MM-DD"))
}

fn wall(zone: &TimeZone, at: At) -> Result<(Date, u16), ApiError> {
    let shown = Timestamp::from_millisecond(at.0)
        .map_err(|_| ApiError::field("start", "is not a time"))?
        .to_zoned(zone.clone());
    let minute = u16::try_from(shown.hour()).unwrap_or(0) * 60 + u16::try_from(shown.minute()).unwrap_or(0);
    Ok((shown.date(), minute))
}

/// An instant that somebody names by a clock; it must exist on that day.
fn instant(zone: &TimeZone, day: Date, minute: u16) -> Result<At, ApiError> {
    let day = if minute >= 24 * 60 { day.tomorrow().unwrap_or(day) } else { day };
    let minute = minute % (24 * 60);
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0)
        .map_err(|_| ApiError::field("hours", "use a time of the form 09:30"))?;
    let wall = zone.to_ambiguous_timestamp(day.to_datetime(time));
    if matches!(wall.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(ApiError::field("hours", "this time does not exist on that day: the clocks change"));
    }
    let at = wall.compatible().map_err(|_| ApiError::field("date", "is too far away"))?;
    Ok(At(at.as_millisecond()))
}

impl When {
    /// The opening as the application takes it; none when nothing was said.
    pub fn read(self, zone: &TimeZone) -> Result<Option<stored::When>, ApiError> {
        let span = match (self.start, self.end) {
            (Some(start), Some(end)) => {
                Some(Span { start: At::from_seconds(start.0), end: At::from_seconds(end.0) })
            }
            (None, None) => None,
            (Some(_), None) => return Err(ApiError::field("end", "is missing")),
            (None, Some(_)) => return Err(ApiError::field("start", "is missing")),
        };
        let hours = self.hours.as_ref().map(WallHours::read).transpose()?;
        match (self.repeat, hours, span, self.date.and_then(Text::filled)) {
            (Some(repeat), hours, span, _) => repeat.read(zone, hours, span).map(Some),
            (None, Some(hours), _, Some(date)) => {
                let date = day(&date, "date")?;
                let start = instant(zone, date, hours.from)?;
                Ok(Some(stored::When::Once(Span { start, end: instant(zone, date, hours.until)? })))
            }
            (None, Some(_), _, None) => Err(ApiError::field("date", "name the day, or say how it repeats")),
            (None, None, Some(span), _) => Ok(Some(stored::When::Once(span))),
            (None, None, None, _) => Ok(None),
        }
    }
}

impl Repeat {
    fn read(
        self,
        zone: &TimeZone,
        hours: Option<Hours>,
        span: Option<Span>,
    ) -> Result<stored::When, ApiError> {
        if self.freq.as_ref().is_some_and(|freq| freq.trimmed() != "weekly") {
            return Err(ApiError::field("repeat.freq", "use weekly"));
        }
        let first = span.map(|span| wall(zone, span.start)).transpose()?;
        let hours = match (hours, span, first) {
            (Some(hours), ..) => hours,
            (None, Some(span), Some((_, from))) => {
                let length = span.minutes();
                let until = u16::try_from(i64::from(from).saturating_add(length)).ok();
                until
                    .and_then(|until| Hours::new(from, until))
                    .ok_or_else(|| ApiError::field("end", "must lie after start, at most a day later"))?
            }
            _ => return Err(ApiError::field("hours", "say at which hours")),
        };
        let from = match self.from.and_then(Text::filled) {
            Some(text) => day(&text, "repeat.from")?,
            None => first.map(|(day, _)| day).ok_or_else(|| ApiError::field("repeat.from", "is missing"))?,
        };
        let until = match self.until.and_then(Text::filled) {
            None => None,
            Some(text) => Some(match text.parse::<i64>() {
                Ok(seconds) if text.len() > 8 => wall(zone, At::from_seconds(seconds))?.0,
                _ => day(&text, "repeat.until")?,
            }),
        };
        let mut days = match self.days {
            Some(list) => list
                .0
                .into_iter()
                .map(|day| i8::try_from(day.0).ok().and_then(|day| Weekday::from_monday_one_offset(day).ok()))
                .collect::<Option<Vec<Weekday>>>()
                .ok_or_else(|| ApiError::field("repeat.days", "use 1 (Monday) to 7 (Sunday)"))?,
            None => vec![from.weekday()],
        };
        days.sort_by_key(|day| day.to_monday_one_offset());
        days.dedup();
        Ok(stored::When::Weekly { days, hours, from, until, except: Vec::new() })
    }
}
