//! Failed log-ins: who must wait, and for how long.
//!
//! Two tallies grow with each failure: of the login name, and of the client's
//! address. Each has a few free failures, then its wait doubles up to a cap,
//! so guessing is slow and nobody is locked out for good. A name and an
//! address that once went together are judged by their own tally in place of
//! the name's: guessing from elsewhere cannot keep the person out.

use crate::At;

/// Failures are forgotten after this many quiet seconds.
pub const FORGET_SECONDS: i64 = 3_600;
/// How long a name and an address stay known to each other, in seconds.
pub const KNOWN_SECONDS: i64 = 90 * 86_400;

/// Failures that cost nothing, and the longest wait in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    free: i64,
    longest: i64,
}

/// Of one login name: people mistype, but not twenty times.
pub const OF_NAME: Rule = Rule { free: 5, longest: 900 };
/// Of one address: a whole clinic may sit behind it, so it waits less.
pub const OF_ADDRESS: Rule = Rule { free: 20, longest: 60 };

/// How often something failed, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Failures since the last quiet hour.
    pub count: i64,
    /// The last one.
    pub last_at: At,
}

impl Default for Failures {
    fn default() -> Self {
        Self { count: 0, last_at: At(0) }
    }
}

impl Failures {
    /// From when on another attempt is let in.
    #[must_use]
    pub fn open_at(self, rule: Rule, now: At) -> At {
        if self.count < rule.free || self.last_at.plus_seconds(FORGET_SECONDS) <= now {
            return At(0);
        }
        let beyond = (self.count - rule.free).clamp(0, 20);
        self.last_at.plus_seconds((1_i64 << beyond).min(rule.longest))
    }
}

/// What is remembered of somebody who tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of the login name.
    pub name: Failures,
    /// Of the client's address.
    pub address: Failures,
    /// Of both together.
    pub pair: Failures,
    /// Name and address went together before, and count as known until then.
    pub known_until: Option<At>,
}

impl Tally {
    /// Do name and address belong together?
    #[must_use]
    pub fn is_known(&self, now: At) -> bool {
        self.known_until.is_some_and(|until| until > now)
    }

    /// Whole seconds to wait; 0 lets the attempt in.
    #[must_use]
    pub fn wait_seconds(&self, now: At) -> u64 {
        let who = if self.is_known(now) { self.pair } else { self.name };
        let open = who.open_at(OF_NAME, now).max(self.address.open_at(OF_ADDRESS, now));
        let millis = open.0.saturating_sub(now.0).max(0);
        u64::try_from(millis.saturating_add(999) / 1000).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Failures one after the other, each as soon as it is let in.
    fn waits(rule: Rule, tries: i64) -> Vec<i64> {
        let mut now = At(1_000_000);
        let mut failures = Failures::default();
        (0..tries)
            .map(|_| {
                let wait = (failures.open_at(rule, now).0 - now.0).max(0) / 1000;
                now = now.plus_seconds(wait);
                failures = Failures { count: failures.count + 1, last_at: now };
                wait
            })
            .collect()
    }

    #[test]
    fn the_wait_doubles_up_to_its_cap() {
        assert_eq!(waits(OF_NAME, 17), [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(waits(OF_ADDRESS, 28)[19..], [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn guessing_from_elsewhere_does_not_keep_the_person_out() {
        let now = At(9_000_000_000);
        let guessed = Failures { count: 40, last_at: now };
        let elsewhere = Tally { name: guessed, ..Tally::default() };
        assert_eq!(elsewhere.wait_seconds(now), 900);
        let known = Tally { known_until: Some(now.plus_seconds(1)), ..elsewhere };
        assert_eq!(known.wait_seconds(now), 0);
        let forgotten = Tally { known_until: Some(now), ..elsewhere };
        assert_eq!(forgotten.wait_seconds(now), 900);
        // A known address that guesses waits like any other.
        assert_eq!(Tally { pair: guessed, ..known }.wait_seconds(now), 900);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_cap_or_after_an_hour(
            counts in prop::array::uniform3(0..1_000_000_i64),
            at in 0..4_000_000_000_000_i64,
            later in 0..10_000_i64,
            known in prop::option::of(0..4_000_000_000_000_i64),
        ) {
            let failures = |count| Failures { count, last_at: At(at) };
            let tally = Tally {
                name: failures(counts[0]),
                address: failures(counts[1]),
                pair: failures(counts[2]),
                known_until: known.map(At),
            };
            let now = At(at).plus_seconds(later);
            let wait = tally.wait_seconds(now);
            prop_assert!(wait <= 900);
            prop_assert!(later < FORGET_SECONDS || wait == 0);
            // Whoever waits as told is let in.
            let then = now.plus_seconds(i64::try_from(wait).unwrap());
            let same = tally.is_known(now) == tally.is_known(then);
            prop_assert!(!same || tally.wait_seconds(then) == 0);
        }

        #[test]
        fn one_more_failure_never_shortens_the_wait(count in 0..1_000_i64, at in 0..4_000_000_000_000_i64) {
            let wait = |count| {
                Tally { name: Failures { count, last_at: At(at) }, ..Tally::default() }.wait_seconds(At(at))
            };
            prop_assert!(wait(count) <= wait(count + 1));
        }
    }
}
