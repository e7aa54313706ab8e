//! The visit and its state machine. This is the only place that changes a
//! visit's state; it is pure, so every edge can be tested.
//!
//! Numbers and reasons: contract core.md 4.1 and 4.2. Mind that the states are
//! numbered 10, 20, 25, 30, 40, 50.

use serde::{Deserialize, Serialize};

use crate::{At, UserId, event::EventType};

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The documented number.
            #[must_use]
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The word of a number.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a documented number.
            #[must_use]
            pub const fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

coded! {
    /// Where a visit stands.
    Status {
        /// Just created; the patient waits.
        Pending = 10, "pending";
        /// An appointment that stands.
        Confirmed = 20, "confirmed";
        /// A provider has taken it.
        InProgress = 25, "in_progress";
        /// A provider has completed it.
        Completed = 30, "completed";
        /// Given up by either side before it ran.
        Cancelled = 40, "cancelled";
        /// Money was returned after completion.
        Refunded = 50, "refunded";
    }
}

impl Status {
    /// True while the visit can still become something: its call may be
    /// entered (once taken) and it counts for the queue.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed | Self::InProgress)
    }
}

coded! {
    /// How the visit came about.
    Kind {
        /// The patient came to the waiting room.
        WalkIn = 1, "walk_in";
        /// An appointment.
        Scheduled = 2, "scheduled";
        /// Asynchronous, without a meeting.
        EConsult = 3, "e_consult";
        /// An invited guest.
        Guest = 10, "guest";
    }
}

coded! {
    /// What kind of meeting it is.
    Subtype {
        /// On site, no call.
        InPerson = 1, "in_person";
        /// By telephone, no video.
        Phone = 2, "phone";
        /// The default: a video call.
        Video = 3, "video";
        /// Asynchronous, no call.
        EConsult = 4, "e_consult";
    }
}

/// Why somebody closed the visit's page (core.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The patient pressed "end call".
    PatientEndCall,
    /// The patient left the waiting room.
    PatientExitRoom,
    /// The call ended, not by the patient.
    CallEnded,
    /// The patient cancelled the appointment.
    PatientCancelAppointment,
}

impl CloseReason {
    /// Every reason, as documented.
    pub const ALL: [Self; 4] =
        [Self::PatientEndCall, Self::PatientExitRoom, Self::CallEnded, Self::PatientCancelAppointment];

    /// The documented word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PatientEndCall => "patient_end_call",
            Self::PatientExitRoom => "patient_exit_room",
            Self::CallEnded => "call_ended",
            Self::PatientCancelAppointment => "patient_cancel_appointment",
        }
    }

    /// The reason of a documented word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    const fn gives_up(self) -> bool {
        matches!(self, Self::PatientExitRoom | Self::PatientCancelAppointment)
    }
}

/// The part of a visit that changes over its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Where it stands.
    pub status: Status,
    /// Who has taken it.
    pub provider: Option<UserId>,
    /// Whom the patient asked for.
    pub requested_provider: Option<UserId>,
    /// When the provider took it.
    pub actual_start_at: Option<At>,
    /// When it was completed or given up.
    pub actual_end_at: Option<At>,
    /// Who ended it, also when it was cancelled (core.md C6).
    pub ended_by: Option<UserId>,
    /// The last reason given for closing.
    pub reason: Option<CloseReason>,
    /// Counts the changes; the first state is 1.
    pub version: i64,
}

impl State {
    /// A visit that was just created.
    #[must_use]
    pub const fn new(status: Status, requested_provider: Option<UserId>) -> Self {
        Self {
            status,
            provider: None,
            requested_provider,
            actual_start_at: None,
            actual_end_at: None,
            ended_by: None,
            reason: None,
            version: 1,
        }
    }
}

/// What somebody does to a visit. Whether they may is asked elsewhere
/// ([`crate::permission`]); whether it fits the state is asked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A provider takes the visit.
    Accept {
        /// Who takes it.
        provider: UserId,
        /// They know that the patient asked for somebody else.
        confirmed: bool,
    },
    /// The provider gives it back to the queue.
    PutBack,
    /// The provider closes it as done.
    Complete {
        /// Who completes it.
        by: UserId,
    },
    /// Somebody leaves it, with a reason.
    Close {
        /// Who leaves.
        by: UserId,
        /// Why.
        reason: CloseReason,
    },
}

/// Why an action does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else has it.
    #[error("Another provider has already taken this visit.")]
    Taken,
    /// The patient asked for somebody else and the taker has not confirmed.
    #[error("The patient asked for another provider. Send confirm=1 to take the visit all the same.")]
    ForOtherProvider,
    /// It is completed, cancelled or refunded.
    #[error("This visit is closed.")]
    Closed,
    /// Nobody has taken it yet.
    #[error("This visit is not in progress.")]
    NotInProgress,
}

impl Refusal {
    /// The stable word for clients.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Taken => "visit_taken",
            Self::ForOtherProvider => "visit_for_other_provider",
            Self::Closed => "visit_closed",
            Self::NotInProgress => "visit_not_in_progress",
        }
    }
}

/// A change: the new state and the event that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The state after the action, its version one higher.
    pub state: State,
    /// What happened.
    pub event: EventType,
}

/// Computes what an action makes of a state. `Ok(None)` means that the action
/// has already been done (a second click) and nothing changes.
///
/// # Errors
/// The reason why the action does not fit.
pub fn apply(state: &State, action: Action, now: At) -> Result<Option<Change>, Refusal> {
    if !state.status.is_open() {
        return Err(Refusal::Closed);
    }
    let running = state.status == Status::InProgress;
    let mut next = State { version: state.version + 1, ..state.clone() };
    match action {
        Action::Accept { provider, .. } if running => {
            return if state.provider == Some(provider) { Ok(None) } else { Err(Refusal::Taken) };
        }
        Action::Accept { provider, confirmed } => {
            if !confirmed && state.requested_provider.is_some_and(|wanted| wanted != provider) {
                return Err(Refusal::ForOtherProvider);
            }
            next.status = Status::InProgress;
            next.provider = Some(provider);
            next.actual_start_at = Some(now);
            next.reason = None;
        }
        Action::PutBack | Action::Complete { .. } if !running => return Err(Refusal::NotInProgress),
        Action::PutBack => {
            next.status = Status::Pending;
            next.provider = None;
            next.actual_start_at = None;
        }
        Action::Complete { by } => {
            next.status = Status::Completed;
            next.actual_end_at = Some(now);
            next.ended_by = Some(by);
            return Ok(Some(Change { state: next, event: EventType::VisitEnded }));
        }
        Action::Close { by, reason } if reason.gives_up() && !running => {
            next.status = Status::Cancelled;
            next.actual_end_at = Some(now);
            next.ended_by = Some(by);
            next.reason = Some(reason);
            return Ok(Some(Change { state: next, event: EventType::VisitEnded }));
        }
        Action::Close { .. } if !running => return Err(Refusal::NotInProgress),
        // The call is over for somebody; only the provider completes a visit.
        Action::Close { reason, .. } if state.reason == Some(reason) => return Ok(None),
        Action::Close { reason, .. } => next.reason = Some(reason),
    }
    Ok(Some(Change { state: next, event: EventType::VisitUpdated }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn action() -> impl Strategy<Value = Action> {
        let who = (1i64..4).prop_map(UserId);
        prop_oneof![
            (who.clone(), any::<bool>())
                .prop_map(|(provider, confirmed)| Action::Accept { provider, confirmed }),
            Just(Action::PutBack),
            who.clone().prop_map(|by| Action::Complete { by }),
            (who, 0usize..4).prop_map(|(by, n)| Action::Close { by, reason: CloseReason::ALL[n] }),
        ]
    }

    fn start() -> impl Strategy<Value = State> {
        (prop::bool::ANY, prop::option::of((1i64..4).prop_map(UserId))).prop_map(|(booked, wanted)| {
            State::new(if booked { Status::Confirmed } else { Status::Pending }, wanted)
        })
    }

    proptest! {
        #[test]
        fn every_history_keeps_the_invariants(first in start(), actions in prop::collection::vec(action(), 0..40)) {
            let mut state = first;
            for (n, action) in actions.into_iter().enumerate() {
                let now = At(1_000 + i64::try_from(n).unwrap());
                match apply(&state, action, now) {
                    Ok(Some(change)) => {
                        prop_assert!(state.status.is_open(), "a closed visit changed");
                        prop_assert_eq!(change.state.version, state.version + 1);
                        prop_assert_ne!(&change.state, &state);
                        let ended = change.event == EventType::VisitEnded;
                        prop_assert_eq!(ended, !change.state.status.is_open());
                        state = change.state;
                    }
                    Ok(None) => prop_assert!(state.status == Status::InProgress),
                    Err(refusal) => prop_assert_eq!(refusal == Refusal::Closed, !state.status.is_open()),
                }
                prop_assert_eq!(state.status == Status::InProgress || state.status == Status::Completed, state.provider.is_some());
                prop_assert_eq!(state.provider.is_some(), state.actual_start_at.is_some());
                prop_assert_eq!(state.status.is_open(), state.actual_end_at.is_none());
                prop_assert_eq!(state.actual_end_at.is_some(), state.ended_by.is_some());
            }
        }

        #[test]
        fn one_provider_wins(first in start(), takers in prop::collection::vec(1i64..9, 2..20)) {
            let mut state = first;
            let mut winners = std::collections::HashSet::new();
            for taker in takers {
                let action = Action::Accept { provider: UserId(taker), confirmed: true };
                match apply(&state, action, At(5)) {
                    Ok(change) => {
                        winners.insert(taker);
                        if let Some(change) = change { state = change.state; }
                    }
                    Err(refusal) => prop_assert_eq!(refusal, Refusal::Taken),
                }
            }
            prop_assert_eq!(winners.len(), 1);
        }

        #[test]
        fn numbers_round_trip(code in -5i64..70) {
            prop_assert_eq!(Status::from_code(code).map_or(code, Status::code), code);
            prop_assert_eq!(Kind::from_code(code).map_or(code, Kind::code), code);
            prop_assert_eq!(Subtype::from_code(code).map_or(code, Subtype::code), code);
        }
    }

    #[test]
    fn the_documented_numbers() {
        let numbers: Vec<_> = Status::ALL.iter().map(|status| status.code()).collect();
        assert_eq!(numbers, [10, 20, 25, 30, 40, 50]);
    }

    #[test]
    fn a_request_for_somebody_else_needs_confirming() {
        let state = State::new(Status::Pending, Some(UserId(1)));
        let take = |confirmed| apply(&state, Action::Accept { provider: UserId(2), confirmed }, At(1));
        assert_eq!(take(false), Err(Refusal::ForOtherProvider));
        assert_eq!(take(true).unwrap().unwrap().state.provider, Some(UserId(2)));
    }

    #[test]
    fn leaving_a_running_visit_does_not_end_it() {
        let state = State::new(Status::Pending, None);
        let taken = apply(&state, Action::Accept { provider: UserId(2), confirmed: false }, At(1))
            .unwrap()
            .unwrap()
            .state;
        let leave = Action::Close { by: UserId(9), reason: CloseReason::PatientEndCall };
        let left = apply(&taken, leave, At(2)).unwrap().unwrap().state;
        assert_eq!(left.status, Status::InProgress);
        assert_eq!(apply(&left, leave, At(3)), Ok(None));
    }
}
