//! When a room sees people without an appointment. Most do while they are open;
//! some only while one of their providers is on call.

use super::RoomSettings;
use crate::{At, availability::Span};

/// How walk-ins stand in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walkins {
    /// One may come now.
    pub open: bool,
    /// When one may come next; none while one may, and when nobody knows.
    pub opens_at: Option<At>,
}

/// How walk-ins stand now. `on_call` are the times at which a provider of the
/// room is on call and nothing is closed, in any order; a room that does not
/// go by them does not look at them.
#[must_use]
pub fn walkins(settings: &RoomSettings, on_call: &[Span], now: At) -> Walkins {
    if !settings.walkin_enabled || settings.is_closed {
        return Walkins { open: false, opens_at: None };
    }
    let here = |at: At| !settings.is_closed_at(at);
    if !settings.walkin_by_on_call {
        return Walkins { open: here(now), opens_at: settings.next_open(now) };
    }
    // The first instant of a time on call at which the room is open too.
    let first = |span: &Span| {
        let begin = span.start.max(now);
        let at = if here(begin) { Some(begin) } else { settings.next_open(begin) };
        at.filter(|at| *at < span.end)
    };
    let next = on_call.iter().filter(|span| now < span.end).filter_map(first).min();
    Walkins { open: next == Some(now), opens_at: next.filter(|at| *at > now) }
}

/// What is left of a time without those in which it is closed.
#[must_use]
pub fn without(span: Span, closed: &[Span]) -> Vec<Span> {
    let mut left = vec![span];
    for gap in closed {
        let around = |span: Span| {
            let before = Span { start: span.start, end: span.end.min(gap.start) };
            let behind = Span { start: span.start.max(gap.end), end: span.end };
            [before, behind]
        };
        let cut = left
            .into_iter()
            .flat_map(|span| if span.overlaps(*gap) { around(span).to_vec() } else { vec![span] });
        left = cut.filter(|span| span.start < span.end).collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::room::OpenHours;

    fn span() -> impl Strategy<Value = Span> {
        (0i64..2_000, 1i64..600).prop_map(|(start, length)| Span {
            start: At(start * 60_000),
            end: At((start + length) * 60_000),
        })
    }

    fn covers(spans: &[Span], at: At) -> bool {
        spans.iter().any(|span| span.start <= at && at < span.end)
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_nothing_closes(whole in span(), closed in prop::collection::vec(span(), 0..4), minute in 0i64..2_600) {
            let at = At(minute * 60_000);
            let left = without(whole, &closed);
            prop_assert_eq!(covers(&left, at), covers(&[whole], at) && !covers(&closed, at));
        }

        #[test]
        fn walkins_come_while_somebody_is_on_call_and_the_room_is_open(
            on_call in prop::collection::vec(span(), 0..4), now in 0i64..2_600, hours in any::<bool>(),
        ) {
            // Thursday and Friday of 1970's first week, nine to five.
            let days = [4, 5].map(|day| OpenHours::new(day, 540, 1_020).unwrap());
            let settings = RoomSettings {
                walkin_by_on_call: true,
                hours: if hours { days.to_vec() } else { Vec::new() },
                ..RoomSettings::default()
            };
            let open = |at: At| covers(&on_call, at) && !settings.is_closed_at(at);
            let now = At(now * 60_000);
            let found = walkins(&settings, &on_call, now);
            prop_assert_eq!(found.open, open(now));
            let naive = (now.0 / 60_000..4_000).map(|minute| At(minute * 60_000)).find(|at| open(*at));
            prop_assert_eq!(found.opens_at, naive.filter(|at| *at > now));
        }
    }

    #[test]
    fn rooms_that_do_not_go_by_it_are_as_they_were() {
        let mut settings = RoomSettings::default();
        assert!(walkins(&settings, &[], At(0)).open);
        settings.walkin_enabled = false;
        assert_eq!(walkins(&settings, &[], At(0)), Walkins { open: false, opens_at: None });
        settings = RoomSettings { is_closed: true, walkin_by_on_call: true, ..RoomSettings::default() };
        let always = Span { start: At(0), end: At(i64::MAX) };
        assert_eq!(walkins(&settings, &[always], At(5)), Walkins { open: false, opens_at: None });
    }
}
