//! What is new about a visit to those who were told of it before: a pure
//! comparison, so that five changes that are read at once are told as one, and
//! one that is read again as none.

use super::Kind;
use crate::{
    At, UserId,
    visit::{self, Plan, State, Status},
};

/// What people know of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its begin.
    pub start_at: At,
    /// Its end.
    pub end_at: At,
    /// Who has it, or is asked for.
    pub provider: Option<UserId>,
    /// Where it stands.
    pub status: Status,
    /// Since when the patient waits; none while nobody does.
    pub waiting_at: Option<At>,
}

impl Told {
    /// What there is to know of a visit now.
    #[must_use]
    pub fn of(plan: &Plan, state: &State, waiting_since_at: At) -> Self {
        let waits = matches!(state.status, Status::Pending | Status::Confirmed);
        let waiting_at = match plan.kind {
            visit::Kind::Scheduled => state.arrived_at,
            _ => Some(waiting_since_at),
        };
        Self {
            start_at: plan.start_at,
            end_at: plan.end_at,
            provider: state.provider.or(state.requested_provider),
            status: state.status,
            waiting_at: waiting_at.filter(|_| waits),
        }
    }
}

/// What there is to tell, given what people know.
#[must_use]
pub fn news(kind: visit::Kind, before: Option<&Told>, is: &Told, now: At) -> Vec<Kind> {
    let was = |status| before.is_some_and(|before| before.status == status);
    let mut news = Vec::new();
    match kind {
        visit::Kind::EConsult => {
            if before.is_none() && is.status.is_open() {
                news.push(Kind::Asked);
            }
            if is.status == Status::Completed && !was(Status::Completed) && before.is_some() {
                news.push(Kind::Answered);
            }
            return news;
        }
        visit::Kind::Scheduled => news.extend(of_appointment(before, is, now)),
        visit::Kind::WalkIn | visit::Kind::Guest => {}
    }
    let waited = before.is_some_and(|before| before.waiting_at.is_some());
    if is.waiting_at.is_some() && !waited {
        news.push(Kind::Waiting);
    }
    if is.status == Status::InProgress && !was(Status::InProgress) {
        news.push(Kind::Ready);
    }
    news
}

fn of_appointment(before: Option<&Told>, is: &Told, now: At) -> Option<Kind> {
    let plan = |told: &Told| (told.start_at, told.end_at, told.provider);
    match before {
        // Never said, and over already: nothing to say.
        None if !is.status.is_open() || is.start_at <= now => None,
        None if is.status == Status::Pending => Some(Kind::Requested),
        None => Some(Kind::Booked),
        Some(before) if is.status == Status::Cancelled => {
            let stood = before.status.is_open() && before.waiting_at.is_none();
            (stood && before.end_at > now).then_some(Kind::Cancelled)
        }
        Some(_) if is.start_at <= now || is.waiting_at.is_some() => None,
        Some(before) => match (before.status, is.status) {
            // Whoever left the waiting room has been told long ago.
            (Status::Pending, Status::Confirmed) if before.waiting_at.is_none() => Some(Kind::Booked),
            (_, Status::Pending | Status::Confirmed) if plan(before) != plan(is) => Some(Kind::Changed),
            _ => None,
        },
    }
}

/// Did the time move, so that reminders are planned anew?
#[must_use]
pub fn is_moved(before: Option<&Told>, is: &Told) -> bool {
    let stands = matches!(is.status, Status::Pending | Status::Confirmed);
    stands && before.is_none_or(|before| before.start_at != is.start_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn told(status: Status, start: i64) -> Told {
        Told {
            start_at: At(start * HOUR),
            end_at: At((start + 1) * HOUR),
            provider: Some(UserId(7)),
            status,
            waiting_at: None,
        }
    }

    fn news_at(before: Option<&Told>, is: &Told) -> Vec<Kind> {
        news(visit::Kind::Scheduled, before, is, At(0))
    }

    #[test]
    fn an_appointment_is_told_from_its_booking_to_its_end() {
        let pending = told(Status::Pending, 5);
        let booked = told(Status::Confirmed, 5);
        let moved = told(Status::Confirmed, 6);
        assert_eq!(news_at(None, &pending), [Kind::Requested]);
        assert_eq!(news_at(None, &booked), [Kind::Booked]);
        assert_eq!(news_at(Some(&pending), &booked), [Kind::Booked]);
        assert_eq!(news_at(Some(&booked), &moved), [Kind::Changed]);
        let other = Told { provider: Some(UserId(8)), ..booked.clone() };
        assert_eq!(news_at(Some(&booked), &other), [Kind::Changed]);
        assert_eq!(news_at(Some(&moved), &told(Status::Cancelled, 6)), [Kind::Cancelled]);
        assert_eq!(news_at(None, &told(Status::Cancelled, 6)), [], "made and called off before we looked");
        assert_eq!(news_at(None, &told(Status::Confirmed, -5)), [], "nobody is told of the past");
        let here = Told { waiting_at: Some(At(4 * HOUR)), ..booked.clone() };
        assert_eq!(news_at(Some(&booked), &here), [Kind::Waiting]);
        assert_eq!(
            news_at(Some(&Told { status: Status::Pending, ..here.clone() }), &booked),
            [],
            "left the waiting room"
        );
        let taken = Told { status: Status::InProgress, ..booked.clone() };
        assert_eq!(news_at(Some(&here), &taken), [Kind::Ready]);
        assert_eq!(news_at(Some(&here), &told(Status::Cancelled, 5)), [], "who waits sees it on the page");
    }

    #[test]
    fn walk_ins_and_questions() {
        let waits = Told { waiting_at: Some(At(1)), ..told(Status::Pending, 0) };
        let taken = told(Status::InProgress, 0);
        assert_eq!(news(visit::Kind::WalkIn, None, &waits, At(5)), [Kind::Waiting]);
        assert_eq!(news(visit::Kind::WalkIn, Some(&waits), &taken, At(5)), [Kind::Ready]);
        assert_eq!(news(visit::Kind::WalkIn, Some(&taken), &waits, At(5)), [Kind::Waiting], "put back");
        let asked = told(Status::Pending, 0);
        assert_eq!(news(visit::Kind::EConsult, None, &asked, At(5)), [Kind::Asked]);
        assert_eq!(news(visit::Kind::EConsult, Some(&asked), &taken, At(5)), []);
        let answered = told(Status::Completed, 0);
        assert_eq!(news(visit::Kind::EConsult, Some(&taken), &answered, At(5)), [Kind::Answered]);
    }

    fn any_told() -> impl Strategy<Value = Told> {
        let status = (0..Status::ALL.len()).prop_map(|n| Status::ALL[n]);
        (status, 0i64..4, prop::option::of(1i64..3), prop::option::of(0i64..3)).prop_map(
            |(status, start, provider, waiting)| Told {
                provider: provider.map(UserId),
                waiting_at: waiting.map(At),
                ..told(status, start)
            },
        )
    }

    fn any_kind() -> impl Strategy<Value = visit::Kind> {
        (0..visit::Kind::ALL.len()).prop_map(|n| visit::Kind::ALL[n])
    }

    proptest! {
        #[test]
        fn what_is_known_is_no_news(kind in any_kind(), is in any_told(), now in 0i64..5) {
            prop_assert_eq!(news(kind, Some(&is), &is, At(now * HOUR)), []);
            prop_assert!(!is_moved(Some(&is), &is));
        }

        #[test]
        fn nothing_is_booked_or_moved_into_the_past(before in prop::option::of(any_told()), is in any_told(), now in 0i64..5) {
            let now = At(now * HOUR);
            let told = news(visit::Kind::Scheduled, before.as_ref(), &is, now);
            if is.start_at <= now {
                let promises = [Kind::Booked, Kind::Requested, Kind::Changed];
                prop_assert!(!told.iter().any(|kind| promises.contains(kind)));
            }
            prop_assert!(told.iter().filter(|kind| !kind.is_for_staff()).count() <= 2);
        }
    }
}
