//! Who waits is there, away, or gone: a pure judgement of when their page was
//! last heard from, so that a sleeping phone keeps its place for a while and a
//! provider never takes a ghost for a patient.

use crate::At;

/// How long a place is kept for a silent page when the room says nothing, in
/// minutes.
pub const DEFAULT_GRACE_MINUTES: i64 = 10;
/// The longest time that a room may keep a place for a silent page, in minutes.
pub const LONGEST_GRACE_MINUTES: i64 = 240;
/// A page that was heard from within this time is open: three beats of a
/// stream, in seconds.
pub const PRESENT_SECONDS: i64 = 45;
/// The longest time that a place is kept for somebody who is called, in
/// minutes: half a day.
pub const LONGEST_CALLBACK_MINUTES: i64 = 12 * 60;
/// By how much a provider may say that they are late, in minutes; 0 is in time.
pub const DELAYS_MINUTES: [i64; 4] = [0, 10, 20, 30];

/// What is known of somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Since when they wait.
    pub since_at: At,
    /// When one of their pages was last heard from.
    pub heard_at: Option<At>,
    /// When the visit was last changed: handed over, put back.
    pub changed_at: At,
    /// Since when this server listens; it heard nothing before.
    pub listening_at: At,
    /// Until when the place is kept for somebody who is called.
    pub called_until_at: Option<At>,
    /// How long the room keeps the place of a silent page, in minutes.
    pub grace_minutes: i64,
}

/// Is somebody who waits there?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Their page is open.
    Present,
    /// Their page is silent; the place is kept.
    Away {
        /// When it was last heard from.
        since_at: At,
        /// Until when the place is kept.
        kept_until_at: At,
    },
    /// The place is not kept any more.
    Gone {
        /// When their page was last heard from.
        since_at: At,
    },
}

impl Waiting {
    /// Was a page of theirs heard from while they wait? Whoever came in another
    /// way (at a desk, through a portal's server) cannot fall silent.
    #[must_use]
    pub fn was_heard(&self) -> bool {
        self.heard_at.is_some_and(|at| at >= self.since_at)
    }

    /// Are they there now?
    #[must_use]
    pub fn presence(&self, now: At) -> Presence {
        let since_at = self.heard_at.unwrap_or(self.since_at).max(self.since_at);
        if now < since_at.plus_seconds(PRESENT_SECONDS) {
            return Presence::Present;
        }
        let counted_from = since_at.max(self.changed_at).max(self.listening_at);
        let counted_from = self.called_until_at.map_or(counted_from, |at| at.max(counted_from));
        let kept_until_at = counted_from.plus_minutes(self.grace_minutes);
        if now < kept_until_at || !self.was_heard() {
            return Presence::Away { since_at, kept_until_at: kept_until_at.max(now) };
        }
        Presence::Gone { since_at }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(heard: Option<i64>) -> Waiting {
        Waiting {
            since_at: At(0),
            heard_at: heard.map(At::from_seconds),
            changed_at: At(0),
            listening_at: At(0),
            called_until_at: None,
            grace_minutes: 10,
        }
    }

    #[test]
    fn a_place_is_kept_for_the_grace_time() {
        let of = |now| waiting(Some(100)).presence(At::from_seconds(now));
        assert_eq!(of(144), Presence::Present);
        let away = Presence::Away { since_at: At::from_seconds(100), kept_until_at: At::from_seconds(700) };
        assert_eq!(of(145), away);
        assert_eq!(of(699), away);
        assert_eq!(of(700), Presence::Gone { since_at: At::from_seconds(100) });
    }

    #[test]
    fn a_restart_or_a_handover_gives_the_whole_time_again() {
        let now = At::from_seconds(900);
        let restarted = Waiting { listening_at: At::from_seconds(800), ..waiting(Some(100)) };
        let put_back = Waiting { changed_at: At::from_seconds(800), ..waiting(Some(100)) };
        for one in [restarted, put_back] {
            assert!(matches!(one.presence(now), Presence::Away { .. }));
            assert!(matches!(one.presence(At::from_seconds(1_400)), Presence::Gone { .. }));
        }
    }

    #[test]
    fn whoever_is_called_keeps_the_place_and_then_the_grace_time() {
        let called = Waiting { called_until_at: Some(At::from_seconds(5_000)), ..waiting(Some(100)) };
        assert!(matches!(called.presence(At::from_seconds(5_599)), Presence::Away { .. }));
        assert!(matches!(called.presence(At::from_seconds(5_600)), Presence::Gone { .. }));
    }

    fn any() -> impl Strategy<Value = Waiting> {
        let time = || 0i64..100_000;
        (time(), prop::option::of(time()), time(), time(), prop::option::of(time()), 1i64..240).prop_map(
            |(since, heard, changed, listening, called, grace_minutes)| Waiting {
                since_at: At::from_seconds(since),
                heard_at: heard.map(At::from_seconds),
                changed_at: At::from_seconds(changed),
                listening_at: At::from_seconds(listening),
                called_until_at: called.map(At::from_seconds),
                grace_minutes,
            },
        )
    }

    proptest! {
        #[test]
        fn nobody_is_gone_who_was_never_heard_or_is_within_the_time(one in any(), now in 0i64..200_000) {
            let now = At::from_seconds(now);
            let gone = matches!(one.presence(now), Presence::Gone { .. });
            if gone {
                prop_assert!(one.was_heard());
                let times = [one.heard_at.unwrap(), one.changed_at, one.listening_at];
                prop_assert!(times.iter().all(|at| at.plus_minutes(one.grace_minutes) <= now));
                prop_assert!(one.called_until_at.is_none_or(|at| at < now));
            }
        }

        #[test]
        fn being_heard_brings_everybody_back(one in any(), now in 0i64..200_000) {
            let now = At::from_seconds(now).max(one.since_at);
            prop_assert_eq!(Waiting { heard_at: Some(now), ..one }.presence(now), Presence::Present);
        }
    }
}
