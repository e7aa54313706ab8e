use proptest::prelude::*;

use super::*;

fn fact() -> impl Strategy<Value = Fact> {
    let kind = (0..Kind::ALL.len()).prop_map(|n| Kind::ALL[n]);
    let status = (0..Status::ALL.len()).prop_map(|n| Status::ALL[n]);
    let at = || prop::option::of((0i64..10_000_000).prop_map(At));
    let reason = prop::option::of((0..4usize).prop_map(|n| CloseReason::ALL[n]));
    (kind, status, 0i64..10_000_000, at(), at(), at(), any::<bool>(), reason, any::<bool>()).prop_map(
        |(kind, status, waiting, arrived, start, end, by_patient, reason, missed)| Fact {
            kind,
            status,
            waiting_since_at: At(waiting),
            arrived_at: arrived,
            actual_start_at: start,
            actual_end_at: end,
            ended_by_patient: by_patient,
            reason,
            is_missed: missed,
        },
    )
}

fn of(facts: &[Fact]) -> Tally {
    let mut tally = Tally::default();
    for fact in facts {
        tally.add_visit(fact);
        tally.add_intake(&IntakeFact { visit: Some(*fact) });
        tally.add_rating(fact.waiting_since_at.0 % 7);
    }
    tally
}

proptest! {
    #[test]
    fn merging_is_counting_together(facts in prop::collection::vec(fact(), 0..40), cut in 0usize..40) {
        let (left, right) = facts.split_at(cut.min(facts.len()));
        let mut merged = of(left);
        merged.merge(&of(right));
        prop_assert_eq!(merged, of(&facts));
    }

    #[test]
    fn it_survives_the_store(facts in prop::collection::vec(fact(), 0..10)) {
        let tally = of(&facts);
        let text = serde_json::to_string(&tally).unwrap();
        prop_assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
    }

    #[test]
    fn every_visit_counts_once_and_steps_only_shrink(facts in prop::collection::vec(fact(), 0..40)) {
        let tally = of(&facts);
        let visits = facts.iter().filter(|fact| fact.kind != Kind::Guest).count() as u64;
        prop_assert_eq!(tally.visits(), visits);
        let parts = tally.completed() + tally.pending() + tally.of(Outcome::Cancelled)
            + tally.of(Outcome::Aborted) + tally.of(Outcome::Missed);
        prop_assert_eq!(parts, visits);
        prop_assert!(tally.steps.windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", tally.steps);
        prop_assert!(tally.missed_appointments() <= tally.due_appointments());
    }
}

const WALK_IN: Fact = Fact {
    kind: Kind::WalkIn,
    status: Status::Pending,
    waiting_since_at: At(60_000),
    arrived_at: None,
    actual_start_at: None,
    actual_end_at: None,
    ended_by_patient: false,
    reason: None,
    is_missed: false,
};

#[test]
fn who_leaves_before_being_taken_is_counted() {
    let gone = Fact { status: Status::Cancelled, ended_by_patient: true, ..WALK_IN };
    let exit = Fact { reason: Some(CloseReason::PatientExitRoom), ..gone };
    let by_staff = Fact { ended_by_patient: false, ..gone };
    let never_came = Fact { kind: Kind::Scheduled, ..gone };
    let tally = of(&[gone, exit, by_staff, never_came]);
    assert_eq!((tally.left, tally.of(Outcome::Aborted), tally.of(Outcome::Cancelled)), (2, 1, 3));
    assert_eq!(tally.leaves, [1, 0, 0, 0, 3]);
}

#[test]
fn waits_and_durations_are_measured_where_both_ends_are_known() {
    let done = Fact {
        status: Status::Completed,
        actual_start_at: Some(At(360_000)),
        actual_end_at: Some(At(960_000)),
        ..WALK_IN
    };
    let planned = Fact { kind: Kind::Scheduled, arrived_at: Some(At(300_000)), ..done };
    let called_in = Fact { kind: Kind::Scheduled, ..done };
    let running = Fact { status: Status::InProgress, actual_end_at: None, ..done };
    let tally = of(&[done, planned, called_in, running]);
    assert_eq!((tally.waits.count(), tally.waits.sum()), (3, 300 + 60 + 300));
    assert_eq!((tally.durations.count(), tally.durations.sum()), (3, 1_800));
}

#[test]
fn a_missed_appointment_is_none_that_somebody_came_to() {
    let missed = Fact { kind: Kind::Scheduled, is_missed: true, ..WALK_IN };
    let came = Fact { arrived_at: Some(At(1)), ..missed };
    let called_off = Fact { status: Status::Cancelled, ..missed };
    let tally = of(&[missed, came, called_off]);
    assert_eq!((tally.of(Outcome::Missed), tally.pending()), (1, 1));
    assert_eq!((tally.missed_appointments(), tally.due_appointments()), (1, 1));
}
