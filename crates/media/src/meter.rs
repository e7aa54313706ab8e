//! How many bits per second something is, from the bytes that pass.

use std::time::{Duration, Instant};

/// Rates are taken over at least this long.
const WINDOW: Duration = Duration::from_millis(500);
/// A window this long has a pause in it and says nothing about the rate.
const PAUSE: Duration = Duration::from_secs(2);

/// Counts bytes over a clock that is passed in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    since: Option<Instant>,
    bytes: u64,
    last: Option<u64>,
    usual: Option<u64>,
}

impl Meter {
    pub fn add(&mut self, now: Instant, bytes: usize) {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if passed >= WINDOW {
            if passed < PAUSE {
                let rate = (self.bytes as f64 * 8.0 / passed.as_secs_f64()) as u64;
                self.last = Some(rate);
                // Down slowly: what moves little now moves again. Up by halves:
                // a keyframe is not what the stream usually costs.
                self.usual = Some(match self.usual {
                    Some(usual) if rate > usual => usual.midpoint(rate),
                    Some(usual) => rate.max(usual - usual / 20),
                    None => rate,
                });
            }
            (self.since, self.bytes) = (Some(now), 0);
        }
        self.bytes += bytes as u64;
    }

    /// Bits per second over the last full window.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// What one has to reckon with, bits per second: quiet moments count
    /// little.
    pub fn usual(&self) -> Option<u64> {
        self.usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate_and_a_lull_is_not_believed_at_once() {
        let start = crate::some_instant();
        let mut meter = Meter::default();
        for ms in (0..3_000).step_by(10) {
            meter.add(start + Duration::from_millis(ms), 125);
        }
        assert_eq!(meter.last(), Some(100_000));
        assert_eq!(meter.usual(), Some(100_000));
        for ms in (3_000..4_500).step_by(10) {
            meter.add(start + Duration::from_millis(ms), 12);
        }
        assert!(meter.last().unwrap() < 20_000);
        assert!(meter.usual().unwrap() > 80_000);
    }

    #[test]
    fn a_pause_is_no_low_rate() {
        let start = crate::some_instant();
        let mut meter = Meter::default();
        meter.add(start, 1_000);
        meter.add(start + Duration::from_secs(10), 1_000);
        assert_eq!(meter.usual(), None);
    }
}
