//! When a delivery is tried again.

/// The longest that an endpoint may put us off with `Retry-After`: a day.
pub const RETRY_AFTER_MOST_MS: i64 = 24 * 3600 * 1000;

/// The pauses before each try, in milliseconds; the first is before the first
/// try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<i64>);

impl Default for Schedule {
    /// At once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h: 27.6 hours in
    /// all.
    fn default() -> Self {
        Self(vec![0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000])
    }
}

impl Schedule {
    /// A schedule of these pauses in milliseconds; none without a single try.
    #[must_use]
    pub fn new(pauses_ms: Vec<i64>) -> Option<Self> {
        let good = !pauses_ms.is_empty() && pauses_ms.len() <= 32 && pauses_ms.iter().all(|ms| *ms >= 0);
        good.then_some(Self(pauses_ms))
    }

    /// The pause before the first try.
    #[must_use]
    pub fn first_ms(&self) -> i64 {
        self.0.first().copied().unwrap_or(0)
    }

    /// The pause after this many tries, up to a tenth longer by chance (`spread`
    /// of 256) so that what failed together does not come back together, and at
    /// least what the endpoint asked for. None when it was the last try.
    #[must_use]
    pub fn pause_ms(&self, tries: i64, spread: u8, asked_ms: Option<i64>) -> Option<i64> {
        let pause = *usize::try_from(tries).ok().and_then(|tries| self.0.get(tries))?;
        let later = pause.saturating_add(pause / 10 * i64::from(spread) / 256);
        Some(later.max(asked_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MOST_MS)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_is_the_documented_one() {
        let schedule = Schedule::default();
        let pauses: Vec<_> = (0..9).map(|tries| schedule.pause_ms(tries, 0, None)).collect();
        let seconds = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
        assert_eq!(pauses[..8], seconds.map(|s| Some(s * 1000)));
        assert_eq!(pauses[8], None);
        assert_eq!(Schedule::new(Vec::new()), None);
        assert_eq!(Schedule::new(vec![0, -1]), None);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_shorter_than_said_nor_a_tenth_longer(
            pauses in prop::collection::vec(0..100_000_000_i64, 1..32),
            tries in -1..40_i64,
            spread: u8,
        ) {
            let schedule = Schedule::new(pauses.clone()).unwrap();
            let said = usize::try_from(tries).ok().and_then(|at| pauses.get(at)).copied();
            let pause = schedule.pause_ms(tries, spread, None);
            prop_assert_eq!(pause.is_some(), said.is_some());
            if let (Some(pause), Some(said)) = (pause, said) {
                prop_assert!(said <= pause && pause <= said + said / 10);
            }
        }

        #[test]
        fn an_endpoint_puts_us_off_for_a_day_at_most(asked: i64, spread: u8) {
            let pause = Schedule::default().pause_ms(1, spread, Some(asked)).unwrap();
            prop_assert!(pause >= 5_000 && pause >= asked.min(RETRY_AFTER_MOST_MS));
            prop_assert!(pause <= RETRY_AFTER_MOST_MS);
        }
    }
}
