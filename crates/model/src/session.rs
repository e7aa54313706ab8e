//! When a page's session is locked: on shared workstations nobody reads on
//! where somebody else stopped.

use crate::{At, user::SessionKind};

/// Most minutes of [`Idle`]: a shift.
pub const MAX_IDLE_MINUTES: i64 = 720;

/// Minutes without a person that a clinic begins with.
pub const IDLE_MINUTES: i64 = 15;

/// What decides whether a session is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// Whose pages. Patients who wait are not locked out by their patience.
    pub kind: SessionKind,
    /// After how many minutes the clinic wants it; 0 for never.
    pub minutes: i64,
    /// When a page of the session last asked anything, to the minute.
    pub last_used_at: Option<At>,
    /// Since when it is locked by its page.
    pub locked_at: Option<At>,
}

impl Idle {
    /// Seconds after which pages lock themselves; none for never.
    #[must_use]
    pub fn seconds(kind: SessionKind, minutes: i64) -> Option<i64> {
        (kind != SessionKind::Patient && minutes > 0).then_some(minutes * 60)
    }

    /// Since when the session is locked: its page said so, or no page of it
    /// has been open for that long. An open page asks every minute, whatever
    /// its person does, and locks itself; so three minutes more are given to
    /// what is on its way.
    #[must_use]
    pub fn locked_since(&self, now: At) -> Option<At> {
        const ON_ITS_WAY_SECONDS: i64 = 180;
        let ends = |used: At| Some(used.plus_seconds(Self::seconds(self.kind, self.minutes)?));
        let left = self.last_used_at.and_then(ends);
        self.locked_at.or_else(|| left.filter(|end| end.plus_seconds(ON_ITS_WAY_SECONDS) <= now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_a_page_is_locked_later_than_a_page_would() {
        let at = At::from_seconds;
        let idle =
            Idle { kind: SessionKind::Provider, minutes: 15, last_used_at: Some(at(1_000)), locked_at: None };
        assert_eq!(idle.locked_since(at(1_000 + 900 + 179)), None);
        assert_eq!(idle.locked_since(at(1_000 + 900 + 180)), Some(at(1_900)));
        let said = Idle { locked_at: Some(at(1_200)), ..idle };
        assert_eq!(said.locked_since(at(1_200)), Some(at(1_200)));
        for never in [
            Idle { minutes: 0, ..idle },
            Idle { kind: SessionKind::Patient, ..idle },
            Idle { last_used_at: None, ..idle },
        ] {
            assert_eq!(never.locked_since(at(1_000_000)), None, "{never:?}");
        }
    }
}
