use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn plan_of(kind: Kind) -> Plan {
    Plan { kind, subtype: Subtype::Video, start_at: At(100 * MINUTE), end_at: At(115 * MINUTE) }
}

fn kind() -> impl Strategy<Value = Kind> {
    (0usize..3).prop_map(|n| Kind::ALL[n])
}

fn who() -> impl Strategy<Value = UserId> {
    (1i64..4).prop_map(UserId)
}

fn update() -> impl Strategy<Value = Update> {
    let at = || prop::option::of((80i64..130).prop_map(|minute| At(minute * MINUTE)));
    let subtype = prop::option::of((0usize..4).prop_map(|n| Subtype::ALL[n]));
    (at(), at(), prop::option::of(who()), subtype, any::<bool>()).prop_map(
        |(start_at, end_at, provider, subtype, other)| Update { start_at, end_at, provider, subtype, other },
    )
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Confirm),
        any::<bool>()
            .prop_map(|open| Action::Arrive { opens_at: At(if open { i64::MIN } else { i64::MAX }) }),
        (who(), any::<bool>()).prop_map(|(provider, confirmed)| Action::Accept { provider, confirmed }),
        Just(Action::StepOut),
        Just(Action::PutBack),
        (prop::option::of(who()), any::<bool>())
            .prop_map(|(provider, moved)| Action::Transfer { provider, moved }),
        update().prop_map(Action::Update),
        who().prop_map(|by| Action::Complete { by }),
        who().prop_map(|by| Action::Cancel { by }),
        (who(), 0usize..4).prop_map(|(by, n)| Action::Close { by, reason: CloseReason::ALL[n] }),
    ]
}

fn start() -> impl Strategy<Value = State> {
    (any::<bool>(), prop::option::of(who())).prop_map(|(booked, wanted)| {
        State::new(if booked { Status::Confirmed } else { Status::Pending }, wanted)
    })
}

/// A history: actions, each some minutes after the one before.
fn history() -> impl Strategy<Value = Vec<(i64, Action)>> {
    prop::collection::vec((0i64..6, action()), 0..40)
}

proptest! {
    #[test]
    fn every_history_keeps_the_invariants(first in start(), kind in kind(), history in history()) {
        let (mut state, mut plan, mut now) = (first, plan_of(kind), At(80 * MINUTE));
        for (minutes, action) in history {
            now = now.plus_minutes(minutes);
            let before = state.clone();
            match apply(&state, &plan, action, now) {
                Ok(Some(change)) => {
                    prop_assert!(state.status.is_open(), "a closed visit changed");
                    prop_assert_eq!(change.state.version, state.version + 1);
                    let ended = change.event == EventType::VisitEnded;
                    prop_assert_eq!(ended, !change.state.status.is_open());
                    prop_assert_eq!(change.plan.kind, plan.kind);
                    // A call is ended exactly when a running visit with video stops being one.
                    let was_call = before.status == Status::InProgress && plan.subtype == Subtype::Video;
                    let is_call = change.state.status == Status::InProgress && change.plan.subtype == Subtype::Video;
                    prop_assert!(!was_call || change.ends_call(&before) != is_call);
                    (state, plan) = (change.state, change.plan);
                    // The same click again changes nothing more.
                    let other = matches!(action, Action::Update(Update { other: true, .. }) | Action::Transfer { moved: true, .. });
                    if !other {
                        match apply(&state, &plan, action, now) {
                            Ok(None) => {}
                            // To give back or move what was just given back.
                            Err(refusal) => prop_assert_eq!((refusal, action), (Refusal::NotInProgress, Action::PutBack)),
                            Ok(Some(_)) => prop_assert!(false, "{:?} twice changed twice", action),
                        }
                    }
                }
                Ok(None) => {}
                Err(refusal) => prop_assert_eq!(refusal == Refusal::Closed, !state.status.is_open()),
            }
            prop_assert_eq!(state.status == Status::InProgress || state.status == Status::Completed, state.provider.is_some());
            prop_assert_eq!(state.provider.is_some(), state.actual_start_at.is_some());
            prop_assert_eq!(state.status.is_open(), state.actual_end_at.is_none());
            prop_assert_eq!(state.actual_end_at.is_some(), state.ended_by.is_some());
            prop_assert!(state.arrived_at.is_none() || plan.kind == Kind::Scheduled);
            prop_assert!(state.status != Status::Confirmed || state.arrived_at.is_none());
            prop_assert!(plan.start_at < plan.end_at);
            prop_assert_ne!(state.status, Status::Refunded, "nothing gives money back yet");
            prop_assert!(!is_missed(&state, &plan, now) || state.status.is_open());
        }
    }

    #[test]
    fn one_provider_wins(first in start(), takers in prop::collection::vec(1i64..9, 2..20)) {
        let mut state = first;
        let mut winners = HashSet::new();
        for taker in takers {
            let action = Action::Accept { provider: UserId(taker), confirmed: true };
            match apply(&state, &plan_of(Kind::WalkIn), action, At(5)) {
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

    /// Only time and arrival make an appointment missed, and only until it ends.
    #[test]
    fn missed_is_what_the_contract_says(status in 0usize..6, arrived in any::<bool>(), now in 80i64..130, kind in kind()) {
        let plan = plan_of(kind);
        let mut state = State::new(Status::ALL[status], None);
        state.arrived_at = arrived.then_some(At(1));
        let waits = [10, 20].contains(&state.status.code());
        let expected = kind.code() == 2 && waits && !arrived && now >= 115;
        prop_assert_eq!(is_missed(&state, &plan, At(now * MINUTE)), expected);
    }
}

fn after(state: &State, plan: &Plan, action: Action, now: At) -> State {
    apply(state, plan, action, now).unwrap().unwrap().state
}

#[test]
fn the_documented_numbers() {
    let numbers: Vec<_> = Status::ALL.iter().map(|status| status.code()).collect();
    assert_eq!(numbers, [10, 20, 25, 30, 40, 50]);
}

#[test]
fn a_request_for_somebody_else_needs_confirming() {
    let state = State::new(Status::Pending, Some(UserId(1)));
    let take = |confirmed| {
        apply(&state, &plan_of(Kind::WalkIn), Action::Accept { provider: UserId(2), confirmed }, At(1))
    };
    assert_eq!(take(false), Err(Refusal::ForOtherProvider));
    assert_eq!(take(true).unwrap().unwrap().state.provider, Some(UserId(2)));
}

#[test]
fn leaving_a_running_visit_does_not_end_it() {
    let plan = plan_of(Kind::WalkIn);
    let taken = after(
        &State::new(Status::Pending, None),
        &plan,
        Action::Accept { provider: UserId(2), confirmed: false },
        At(1),
    );
    let leave = Action::Close { by: UserId(9), reason: CloseReason::PatientEndCall };
    let left = after(&taken, &plan, leave, At(2));
    assert_eq!(left.status, Status::InProgress);
    assert_eq!(apply(&left, &plan, leave, At(3)), Ok(None));
    assert_eq!(apply(&left, &plan, Action::Cancel { by: UserId(9) }, At(3)), Err(Refusal::InProgress));
}

#[test]
fn an_appointment_is_entered_in_its_time() {
    let plan = plan_of(Kind::Scheduled);
    let booked = State::new(Status::Confirmed, Some(UserId(2)));
    let come = Action::Arrive { opens_at: At(85 * MINUTE) };
    let arrive = |minute: i64| apply(&booked, &plan, come, At(minute * MINUTE));
    assert_eq!(arrive(84), Err(Refusal::TooEarly));
    assert_eq!(arrive(115), Err(Refusal::Missed));
    let waiting = arrive(85).unwrap().unwrap().state;
    assert_eq!((waiting.status, waiting.arrived_at), (Status::Pending, Some(At(85 * MINUTE))));
    assert_eq!(apply(&waiting, &plan, come, At(86 * MINUTE)), Ok(None));
    let walk_in = apply(&booked, &plan_of(Kind::WalkIn), come, At(100 * MINUTE));
    assert_eq!(walk_in, Err(Refusal::NotAnAppointment));
}

#[test]
fn a_handed_over_visit_waits_for_the_other() {
    let plan = plan_of(Kind::WalkIn);
    let taken = after(
        &State::new(Status::Pending, None),
        &plan,
        Action::Accept { provider: UserId(2), confirmed: false },
        At(1),
    );
    let over = Action::Transfer { provider: Some(UserId(3)), moved: false };
    let handed = after(&taken, &plan, over, At(2));
    assert_eq!(
        (handed.status, handed.provider, handed.requested_provider),
        (Status::Pending, None, Some(UserId(3)))
    );
    assert_eq!(apply(&handed, &plan, over, At(3)), Ok(None));
}
