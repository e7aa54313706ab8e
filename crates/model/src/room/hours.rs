//! Opening hours of a waiting room: weekly, on the wall clock of its zone. The
//! rule about clock changes is [`crate::availability`]'s: a boundary is the
//! first instant at which the clock shows that time or a later one.

use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{
    At,
    availability::{self, Hours, Opening, Span},
};

/// How far ahead the next opening is looked for: a week, and the day that a
/// clock change may take away.
const AHEAD_DAYS: i64 = 8;

/// One weekday's hours; a day may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHours {
    /// 1 Monday to 7 Sunday.
    pub day: i8,
    /// Opening, minutes after midnight.
    pub from: u16,
    /// Closing, minutes after the same midnight; above 1440 on the next day.
    pub until: u16,
}

impl OpenHours {
    /// Hours from two times of the wall clock, in minutes after midnight. A
    /// closing at or before the opening is on the next day.
    #[must_use]
    pub fn new(day: i8, open: u16, close: u16) -> Option<Self> {
        let until = if close <= open { close + 1440 } else { close };
        let hours = Hours::new(open, until)?;
        Weekday::from_monday_one_offset(day).ok()?;
        Some(Self { day, from: hours.from, until: hours.until })
    }

    fn opening(self, zone: &TimeZone) -> Option<Opening> {
        Some(Opening::Weekly {
            days: vec![Weekday::from_monday_one_offset(self.day).ok()?],
            hours: Hours::new(self.from, self.until)?,
            zone: zone.clone(),
            from: Date::MIN,
            until: None,
            except: Vec::new(),
        })
    }
}

fn spans(hours: &[OpenHours], zone: &TimeZone, window: Span) -> Vec<Span> {
    let mut spans: Vec<Span> = hours
        .iter()
        .filter_map(|hours| hours.opening(zone))
        .flat_map(|opening| availability::spans(&opening, window))
        .collect();
    spans.sort_unstable();
    spans
}

/// Is it open at this instant? Without any hours it always is.
#[must_use]
pub fn is_open(hours: &[OpenHours], zone: &TimeZone, at: At) -> bool {
    hours.is_empty() || !spans(hours, zone, Span { start: at, end: At(at.0 + 1) }).is_empty()
}

/// When it opens next; none while it is open, or when it never does.
#[must_use]
pub fn next_open(hours: &[OpenHours], zone: &TimeZone, at: At) -> Option<At> {
    if is_open(hours, zone, at) {
        return None;
    }
    let window = Span { start: at, end: at.plus_minutes(AHEAD_DAYS * 24 * 60) };
    spans(hours, zone, window).into_iter().map(|span| span.start).find(|start| *start > at)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan, civil::DateTime};
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    /// Zones of many kinds: half hours, a change of half an hour (Lord Howe),
    /// midnight changes (Santiago), none at all.
    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Lisbon",
        "America/New_York",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Auckland",
        "Africa/Casablanca",
    ];

    fn wall(zone: &TimeZone, ms: i64) -> DateTime {
        Timestamp::from_millisecond(ms).unwrap().to_zoned(zone.clone()).datetime()
    }

    /// The naive model: walk minute by minute, from a day before the day began
    /// anywhere, until the clock first shows the time or a later one.
    fn boundary(zone: &TimeZone, day: Date, minute: u16) -> i64 {
        let midnight = day.to_datetime(jiff::civil::Time::midnight());
        let wanted = midnight.checked_add(i64::from(minute).minutes()).unwrap();
        let utc = midnight.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond();
        (0..).map(|n| utc - 24 * 60 * MINUTE + n * MINUTE).find(|ms| wall(zone, *ms) >= wanted).unwrap()
    }

    fn open_naively(hours: &[OpenHours], zone: &TimeZone, ms: i64) -> bool {
        let today = wall(zone, ms).date();
        hours.is_empty()
            || hours.iter().any(|hours| {
                // The day before yesterday too: a change may make a day short.
                (0..3).map(|back| today.checked_sub(i64::from(back).days()).unwrap()).any(|day| {
                    day.weekday().to_monday_one_offset() == hours.day
                        && boundary(zone, day, hours.from) <= ms
                        && ms < boundary(zone, day, hours.until)
                })
            })
    }

    fn hours() -> impl Strategy<Value = OpenHours> {
        // Whole quarters, as clinics write them, often around the changes.
        let quarter = prop_oneof![0u16..96, 0u16..16];
        (1i8..=7, quarter.clone(), quarter)
            .prop_map(|(day, open, close)| OpenHours::new(day, open * 15, close * 15).unwrap())
    }

    /// Instants within three days of a change of 2027, or anywhere in it.
    fn instant() -> impl Strategy<Value = (TimeZone, i64)> {
        (0..ZONES.len(), 0usize..3, -4_320i64..4_320, 0i64..525_600).prop_map(|(zone, nth, off, any)| {
            let zone = TimeZone::get(ZONES[zone]).unwrap();
            let year: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
            let base = zone.following(year).nth(nth).map(|change| change.timestamp().as_millisecond());
            let base = base.unwrap_or(year.as_millisecond() + any * MINUTE);
            (zone, base + off * MINUTE)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn open_as_the_naive_model_has_it(hours in prop::collection::vec(hours(), 0..5), (zone, ms) in instant()) {
            prop_assert_eq!(is_open(&hours, &zone, At(ms)), open_naively(&hours, &zone, ms));
        }

        #[test]
        fn nothing_is_open_between_now_and_the_next_opening(hours in prop::collection::vec(hours(), 1..3), (zone, ms) in instant()) {
            let found = next_open(&hours, &zone, At(ms));
            if is_open(&hours, &zone, At(ms)) {
                prop_assert_eq!(found, None);
                return Ok(());
            }
            // Only hours inside a missing hour can fail to come within eight days.
            let end = found.map_or(ms + 7 * 1440 * MINUTE, |at| at.0);
            prop_assert!(end > ms && end <= ms + AHEAD_DAYS * 1440 * MINUTE);
            if let Some(at) = found {
                prop_assert!(is_open(&hours, &zone, at));
            }
            for minute in 0..(end - ms + MINUTE - 1) / MINUTE {
                prop_assert!(!is_open(&hours, &zone, At(ms + minute * MINUTE)));
            }
        }
    }

    #[test]
    fn midnight_is_crossed() {
        let zone = TimeZone::get("Europe/Lisbon").unwrap();
        // Friday 22:00 to 02:00; the 15th of January 2027 is a Friday.
        let night = [OpenHours::new(5, 22 * 60, 2 * 60).unwrap()];
        let at = |text: &str| At(text.parse::<Timestamp>().unwrap().as_millisecond());
        assert!(!is_open(&night, &zone, at("2027-01-15T21:59:59Z")));
        assert!(is_open(&night, &zone, at("2027-01-15T22:00:00Z")));
        assert!(is_open(&night, &zone, at("2027-01-16T01:59:59Z")));
        assert!(!is_open(&night, &zone, at("2027-01-16T02:00:00Z")));
        assert_eq!(next_open(&night, &zone, at("2027-01-16T02:00:00Z")), Some(at("2027-01-22T22:00:00Z")));
    }

    #[test]
    fn what_makes_no_hours() {
        assert_eq!(OpenHours::new(0, 0, 60), None);
        assert_eq!(OpenHours::new(8, 0, 60), None);
        assert_eq!(OpenHours::new(1, 1440, 60), None);
        assert_eq!(OpenHours::new(1, 0, 1441), None);
        let whole = OpenHours::new(1, 0, 0).unwrap();
        assert_eq!((whole.from, whole.until), (0, 1440));
    }
}
