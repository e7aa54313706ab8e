//! Reports: what is counted of visits ([`Tally`]), how spans of time are added
//! up ([`Histogram`]), and over which stretches ([`period`]). Nothing here
//! knows a person. docs/reports.md says the same in words.

pub mod histogram;
pub mod period;
pub mod tally;

pub use histogram::Histogram;
pub use period::{By, Level, Period};
pub use tally::{Fact, IntakeFact, Outcome, Tally};

/// Longest stretch of one report, in days: ten years.
pub const MAX_DAYS: i64 = 3_660;
/// Most rows of time in one report.
pub const MAX_PERIODS: usize = 800;
/// Ratings of fewer visits than this are not shown to those who see no person.
pub const FEWEST_RATINGS: u64 = 5;

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Visits by what became of them and how they came about.
    Visits,
    /// How long patients waited, and how many left.
    Waits,
    /// Appointments that nobody came to.
    NoShows,
    /// How long visits took.
    Durations,
    /// Visits and minutes of each provider.
    ProviderLoad,
    /// How far patients got.
    DropOff,
    /// What patients thought of their visits.
    Ratings,
}

impl Report {
    /// Every report.
    pub const ALL: [Self; 7] = [
        Self::Visits,
        Self::Waits,
        Self::NoShows,
        Self::Durations,
        Self::ProviderLoad,
        Self::DropOff,
        Self::Ratings,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Waits => "waits",
            Self::NoShows => "no_shows",
            Self::Durations => "durations",
            Self::ProviderLoad => "provider_load",
            Self::DropOff => "drop_off",
            Self::Ratings => "ratings",
        }
    }

    /// The report of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.as_str() == word)
    }

    /// The columns of figures, in their order: members of a row in JSON, columns
    /// in CSV. New ones are only ever added at the end.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Visits => &[
                "total",
                "completed",
                "pending",
                "cancelled",
                "aborted",
                "missed",
                "in_progress",
                "refunded",
                "walk_in",
                "scheduled",
                "e_consult",
            ],
            Self::Waits => &["count", "mean_s", "median_s", "p90_s", "left"],
            Self::NoShows => &["appointments", "missed", "rate_percent"],
            Self::Durations => &["count", "mean_s", "median_s", "p90_s", "total_minutes"],
            Self::ProviderLoad => &["visits", "minutes", "mean_s"],
            Self::DropOff => &[
                "intakes",
                "visits",
                "waited",
                "taken",
                "completed",
                "patient_exit_room",
                "patient_cancel_appointment",
                "patient_end_call",
                "call_ended",
                "no_reason",
            ],
            Self::Ratings => &["count", "mean", "stars_1", "stars_2", "stars_3", "stars_4", "stars_5"],
        }
    }

    /// The figures of a tally, one for each column; none where there is nothing
    /// to measure, such as the mean of no wait.
    #[must_use]
    pub fn figures(self, tally: &Tally) -> Vec<Option<f64>> {
        let count = |n: u64| Some(n as f64);
        match self {
            Self::Visits => vec![
                count(tally.visits()),
                count(tally.completed()),
                count(tally.pending()),
                count(tally.of(Outcome::Cancelled)),
                count(tally.of(Outcome::Aborted)),
                count(tally.of(Outcome::Missed)),
                count(tally.of(Outcome::InProgress)),
                count(tally.of(Outcome::Refunded)),
                count(tally.of_kind(1)),
                count(tally.of_kind(2)),
                count(tally.of_kind(3)),
            ],
            Self::Waits => {
                let mut all = spans(&tally.waits);
                all.push(count(tally.left));
                all
            }
            Self::NoShows => {
                let (missed, all) = (tally.missed_appointments(), tally.due_appointments());
                let rate = (all > 0).then(|| tenths(missed as f64 * 100.0 / all as f64));
                vec![count(all), count(missed), rate]
            }
            Self::Durations => {
                let mut all = spans(&tally.durations);
                all.push(Some(tenths(tally.durations.sum() as f64 / 60.0)));
                all
            }
            Self::ProviderLoad => {
                let seen = &tally.durations;
                vec![count(seen.count()), Some(tenths(seen.sum() as f64 / 60.0)), seen.mean().map(tenths)]
            }
            Self::DropOff => {
                let steps = tally.steps.iter().map(|n| count(*n));
                let reasons = tally.leaves.iter().map(|n| count(*n));
                steps.chain(reasons).collect()
            }
            Self::Ratings => {
                let stars = tally.ratings;
                let all: u64 = stars.iter().sum();
                let sum: u64 = (1u64..).zip(stars).map(|(value, n)| value * n).sum();
                let mean = (all > 0).then(|| (sum as f64 * 100.0 / all as f64).round() / 100.0);
                [count(all), mean].into_iter().chain(stars.map(count)).collect()
            }
        }
    }
}

fn spans(of: &Histogram) -> Vec<Option<f64>> {
    let whole = |seconds: u64| seconds as f64;
    vec![
        Some(of.count() as f64),
        of.mean().map(tenths),
        of.quantile(0.5).map(whole),
        of.quantile(0.9).map(whole),
    ]
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_has_a_figure_for_each_column() {
        for report in Report::ALL {
            assert_eq!(Report::parse(report.as_str()), Some(report));
            assert_eq!(report.figures(&Tally::default()).len(), report.columns().len(), "{report:?}");
        }
    }

    #[test]
    fn nothing_has_no_mean() {
        let waits = Report::Waits.figures(&Tally::default());
        assert_eq!(waits, [Some(0.0), None, None, None, Some(0.0)]);
    }
}
