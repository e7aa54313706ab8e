//! Stretches of time: the rows of a report, and which kept figures make one up.
//!
//! Everything is counted in quarters of an hour since 1970. All offsets from UTC
//! that are in use since 1972 are whole quarters, so that a local day, week or
//! month of any zone is a run of them, also where clocks change by half an hour.
//! Kept are figures of quarters, hours and days of UTC; a period is covered by
//! the longest of them that fit, so that a month costs some thirty and not three
//! thousand.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::At;

/// Seconds of a quarter of an hour.
pub const QUARTER_SECONDS: i64 = 900;
/// Milliseconds of it.
pub const QUARTER_MS: i64 = QUARTER_SECONDS * 1000;

/// The quarter in which an instant lies.
#[must_use]
pub const fn quarter_of(at: At) -> i64 {
    at.0.div_euclid(QUARTER_MS)
}

/// Where a quarter begins.
#[must_use]
pub const fn begin_of(quarter: i64) -> At {
    At(quarter.saturating_mul(QUARTER_MS))
}

/// How long a stretch of kept figures is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A quarter of an hour.
    Quarter,
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

impl Level {
    /// Every level, the shortest first.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Hour, Self::Day];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// How many quarters it is long.
    #[must_use]
    pub const fn quarters(self) -> i64 {
        match self {
            Self::Quarter => 1,
            Self::Hour => 4,
            Self::Day => 96,
        }
    }

    /// The stretch of this length in which a quarter lies.
    #[must_use]
    pub const fn slot_of(self, quarter: i64) -> i64 {
        quarter.div_euclid(self.quarters())
    }
}

/// Into what rows a report is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Local days.
    Day,
    /// Local weeks, from Monday (ISO 8601).
    Week,
    /// Local months.
    Month,
}

impl By {
    /// The value of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// The wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The day on which the next row begins after one that holds this day.
    fn next(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => day.checked_add(1.day()).ok(),
            Self::Week => {
                let since = day.weekday().since(Weekday::Monday);
                day.checked_add((7 - i64::from(since)).days()).ok()
            }
            Self::Month => day.first_of_month().checked_add(1.month()).ok(),
        }
    }
}

/// A row of time: quarters from `start` until before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First quarter.
    pub start: i64,
    /// The quarter behind the last.
    pub end: i64,
}

/// A run of kept figures of one length: slots from the first until before the
/// last number.
pub type Run = (Level, i64, i64);

impl Period {
    /// The rows of a stretch of time. The first and the last are as long as the
    /// stretch lets them; without `by` it is one row. At most `most`, else none.
    #[must_use]
    pub fn split(self, by: Option<By>, zone: &TimeZone, most: usize) -> Option<Vec<Self>> {
        let Some(by) = by else { return Some(vec![self]) };
        let mut rows = Vec::new();
        let mut start = self.start;
        let mut day = local(start, zone)?;
        while start < self.end {
            day = by.next(day)?;
            let midnight = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
            let end = midnight.timestamp().as_second().div_euclid(QUARTER_SECONDS).min(self.end);
            // Where a zone left a day out (Apia, 2011), there is no row of it.
            if end > start {
                if rows.len() == most {
                    return None;
                }
                rows.push(Self { start, end });
                start = end;
            }
        }
        Some(rows)
    }

    /// The local day on which it begins, as `YYYY-MM-DD`.
    #[must_use]
    pub fn label(self, zone: &TimeZone) -> String {
        local(self.start, zone).map(|day| day.to_string()).unwrap_or_default()
    }

    /// What makes it up, of the given lengths (the shortest must be among them),
    /// in order and without overlap.
    #[must_use]
    pub fn cover(self, levels: &[Level]) -> Vec<Run> {
        let Some((longest, shorter)) = levels.split_last() else { return Vec::new() };
        let size = longest.quarters();
        let (first, last) = (-(-self.start).div_euclid(size), self.end.div_euclid(size));
        if first >= last {
            return self.cover(shorter);
        }
        let mut runs = Self { start: self.start, end: first * size }.cover(shorter);
        runs.push((*longest, first, last));
        runs.extend(Self { start: last * size, end: self.end }.cover(shorter));
        runs
    }
}

fn local(quarter: i64, zone: &TimeZone) -> Option<Date> {
    let at = Timestamp::from_second(quarter.checked_mul(QUARTER_SECONDS)?).ok()?;
    Some(zone.to_datetime(at).date())
}

/// The runs of all rows together, touching ones of a length as one.
#[must_use]
pub fn runs(rows: &[Period], levels: &[Level]) -> Vec<Run> {
    let mut all: Vec<Run> = rows.iter().flat_map(|row| row.cover(levels)).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let touches = next.0 == kept.0 && next.1 == kept.2;
        if touches {
            kept.2 = next.2;
        }
        touches
    });
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 11] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Africa/Casablanca",
    ];

    fn zone() -> impl Strategy<Value = TimeZone> {
        (0..ZONES.len()).prop_map(|n| TimeZone::get(ZONES[n]).unwrap())
    }

    fn by() -> impl Strategy<Value = By> {
        prop_oneof![Just(By::Day), Just(By::Week), Just(By::Month)]
    }

    /// Some weeks between 2005 and 2030.
    fn stretch() -> impl Strategy<Value = Period> {
        (1_227_000i64..2_100_000, 1i64..96 * 70)
            .prop_map(|(start, length)| Period { start, end: start + length })
    }

    fn key(quarter: i64, zone: &TimeZone, by: By) -> String {
        let day = local(quarter, zone).unwrap();
        match by {
            By::Day => day.to_string(),
            By::Week => {
                let week = day.iso_week_date();
                format!("{}-{}", week.year(), week.week())
            }
            By::Month => format!("{}-{}", day.year(), day.month()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn rows_are_what_a_calendar_says(all in stretch(), zone in zone(), by in by()) {
            let rows = all.split(Some(by), &zone, 1000).unwrap();
            let mut naive: BTreeMap<i64, String> = BTreeMap::new();
            for quarter in all.start..all.end {
                naive.insert(quarter, key(quarter, &zone, by));
            }
            let mut at = all.start;
            for row in &rows {
                prop_assert!(row.start == at && row.end > at);
                let names: Vec<&String> = naive.range(row.start..row.end).map(|(_, name)| name).collect();
                prop_assert!(names.iter().all(|name| *name == names[0]), "one day in a row: {names:?}");
                at = row.end;
            }
            prop_assert_eq!(at, all.end);
            for pair in rows.windows(2) {
                prop_assert_ne!(&naive[&pair[0].start], &naive[&pair[1].start]);
            }
        }

        #[test]
        fn a_cover_holds_every_quarter_once(all in stretch(), only_short in any::<bool>()) {
            let levels = if only_short { &Level::ALL[..1] } else { &Level::ALL[..] };
            let mut at = all.start;
            for (level, first, last) in all.cover(levels) {
                prop_assert_eq!(first * level.quarters(), at);
                prop_assert!(last > first);
                at = last * level.quarters();
            }
            prop_assert_eq!(at, all.end);
        }

        #[test]
        fn runs_of_rows_hold_the_same(all in stretch(), zone in zone(), by in by()) {
            let rows = all.split(Some(by), &zone, 1000).unwrap();
            let count = |runs: &[Run]| runs.iter().map(|(level, a, b)| (b - a) * level.quarters()).sum::<i64>();
            prop_assert_eq!(count(&runs(&rows, &Level::ALL)), all.end - all.start);
        }
    }

    #[test]
    fn a_month_costs_days_and_few_hours() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let from = "2027-03-01T05:00:00Z".parse::<Timestamp>().unwrap().as_second() / QUARTER_SECONDS;
        let all = Period { start: from, end: from + 31 * 96 - 4 };
        let rows = all.split(Some(By::Month), &zone, 10).unwrap();
        assert_eq!(rows, [all], "the clocks go forward in March");
        let slots: i64 = rows[0].cover(&Level::ALL).iter().map(|(_, a, b)| b - a).sum();
        assert!(slots < 60, "{slots}");
        assert_eq!(rows[0].label(&zone), "2027-03-01");
    }

    #[test]
    fn too_many_rows_are_none() {
        let all = Period { start: 0, end: 96 * 10 };
        assert_eq!(all.split(Some(By::Day), &TimeZone::UTC, 9), None);
        assert_eq!(all.split(Some(By::Day), &TimeZone::UTC, 10).map(|rows| rows.len()), Some(10));
    }
}
