//! What all connections to calls were like since this process began, for
//! whoever runs the server. No identifiers: counts and spreads.

use std::sync::{Mutex, PoisonError};

use bedside_model::call_quality::{Figures, Path};

/// Upper ends of the buckets of times, in seconds.
const SECONDS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// Upper ends of the buckets of losses, as shares.
const SHARES: [f64; 7] = [0.0, 0.001, 0.005, 0.01, 0.03, 0.1, 0.3];

/// How often a figure fell into which bucket.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Upper end and count of each bucket; the last one has no end.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all figures.
    pub sum: f64,
    /// How many there were.
    pub count: u64,
}

impl Spread {
    fn new(ends: &[f64]) -> Self {
        let ends = ends.iter().copied().chain([f64::MAX]);
        Self { buckets: ends.map(|end| (end, 0)).collect(), sum: 0.0, count: 0 }
    }

    fn add(&mut self, figure: f64) {
        if let Some((_, count)) = self.buckets.iter_mut().find(|(end, _)| figure <= *end) {
            *count += 1;
        }
        self.sum += figure;
        self.count += 1;
    }
}

#[derive(Debug, Clone)]
struct Counts {
    join: Spread,
    first_frame: Spread,
    loss_up: Spread,
    loss_down: Spread,
    paths: [u64; Path::ALL.len()],
    freezes: u64,
}

/// The counts.
#[derive(Debug)]
pub struct Tally(Mutex<Counts>);

impl Default for Tally {
    fn default() -> Self {
        Self(Mutex::new(Counts {
            join: Spread::new(&SECONDS),
            first_frame: Spread::new(&SECONDS),
            loss_up: Spread::new(&SHARES),
            loss_down: Spread::new(&SHARES),
            paths: [0; Path::ALL.len()],
            freezes: 0,
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounded figures: milliseconds of a day, parts of a million")]
fn parts(figure: i64, whole: i64) -> f64 {
    figure as f64 / whole as f64
}

impl Tally {
    /// Counts one connection that has ended.
    pub(super) fn count(&self, figures: &Figures) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut *counts;
        for (spread, figure, whole) in [
            (&mut counts.join, figures.join_ms, 1000),
            (&mut counts.first_frame, figures.first_frame_ms, 1000),
            (&mut counts.loss_up, figures.loss_up_ppm, 1_000_000),
            (&mut counts.loss_down, figures.loss_down_ppm, 1_000_000),
        ] {
            if let Some(figure) = figure {
                spread.add(parts(figure, whole));
            }
        }
        counts.freezes += figures.freezes.and_then(|freezes| freezes.try_into().ok()).unwrap_or(0);
        for (path, count) in Path::ALL.into_iter().zip(&mut counts.paths) {
            *count += u64::from(figures.path == Some(path));
        }
    }

    /// Name, what it is, and the spread, of everything that spreads.
    #[must_use]
    pub fn spreads(&self) -> Vec<(&'static str, &'static str, Spread)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        vec![
            ("call_join_seconds", "From entering a call to the media connection", counts.join),
            ("call_first_frame_seconds", "From entering a call to the first picture", counts.first_frame),
            ("call_loss_up_ratio", "Share of packets lost on the way from people", counts.loss_up),
            ("call_loss_down_ratio", "Share of packets lost on the way to people", counts.loss_down),
        ]
    }

    /// How many connections took which way.
    #[must_use]
    pub fn paths(&self) -> [(Path, u64); Path::ALL.len()] {
        let paths = self.0.lock().unwrap_or_else(PoisonError::into_inner).paths;
        std::array::from_fn(|n| (Path::ALL[n], paths[n]))
    }

    /// How often pictures stood still.
    #[must_use]
    pub fn freezes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).freezes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_fall_into_their_buckets_and_unknown_ones_nowhere() {
        let tally = Tally::default();
        tally.count(&Figures {
            join_ms: Some(250),
            loss_down_ppm: Some(0),
            path: Some(Path::Relay),
            freezes: Some(2),
            ..Figures::default()
        });
        tally.count(&Figures { join_ms: Some(60_000), path: Some(Path::Udp), ..Figures::default() });
        let spreads = tally.spreads();
        let join = &spreads[0].2;
        assert_eq!((join.count, join.buckets[1].1, join.buckets[8].1), (2, 1, 1));
        assert!((join.sum - 60.25).abs() < 1e-9);
        assert_eq!(spreads[1].2.count, 0);
        assert_eq!((spreads[3].2.count, spreads[3].2.buckets[0].1), (1, 1));
        assert_eq!(tally.paths(), [(Path::Udp, 1), (Path::Tcp, 0), (Path::Relay, 1)]);
        assert_eq!(tally.freezes(), 2);
    }
}
