use proptest::prelude::*;

use super::*;
use crate::{UserId, visit::Subtype};

/// The words that FHIR R4 allows (the value sets' own pages).
const APPOINTMENT: [&str; 10] = [
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
    "checked-in",
    "waitlist",
];
const ENCOUNTER: [&str; 9] = [
    "planned",
    "arrived",
    "triaged",
    "in-progress",
    "onleave",
    "finished",
    "cancelled",
    "entered-in-error",
    "unknown",
];

fn visit() -> impl Strategy<Value = (State, Plan)> {
    let state = (0..Status::ALL.len(), prop::option::of(0_i64..100), prop::option::of(0_i64..100));
    (state, 0..Kind::ALL.len(), 0_i64..100, 1_i64..50).prop_map(
        |((status, arrived, began), kind, start, length)| {
            let state = State {
                arrived_at: arrived.map(At),
                actual_start_at: began.map(At),
                ..State::new(Status::ALL[status], Some(UserId(1)))
            };
            let plan = Plan {
                kind: Kind::ALL[kind],
                subtype: Subtype::Video,
                start_at: At(start),
                end_at: At(start + length),
            };
            (state, plan)
        },
    )
}

proptest! {
    #[test]
    fn every_visit_has_a_legal_status_that_a_search_finds((state, plan) in visit(), now in 0_i64..200) {
        let now = At(now);
        let appointment = AppointmentStatus::of(&state, &plan, now);
        prop_assert!(APPOINTMENT.contains(&appointment.as_str()));
        prop_assert!(appointment.statuses().contains(&state.status));
        prop_assert_eq!(AppointmentStatus::parse(appointment.as_str()), Some(appointment));
        let encounter = EncounterStatus::of(&state, &plan, now);
        prop_assert!(ENCOUNTER.contains(&encounter.as_str()));
        prop_assert!(encounter.statuses().contains(&state.status));
        prop_assert_eq!(EncounterStatus::parse(encounter.as_str()), Some(encounter));
    }

    #[test]
    fn the_two_never_contradict_each_other((state, plan) in visit(), now in 0_i64..200) {
        let now = At(now);
        let (appointment, encounter) = (AppointmentStatus::of(&state, &plan, now), EncounterStatus::of(&state, &plan, now));
        if plan.kind == Kind::Scheduled {
            let runs = matches!(encounter, EncounterStatus::InProgress);
            prop_assert!(!runs || appointment == AppointmentStatus::Fulfilled);
            let waits = encounter == EncounterStatus::Arrived;
            prop_assert_eq!(waits, appointment == AppointmentStatus::Arrived);
            let comes = encounter == EncounterStatus::Planned;
            prop_assert_eq!(comes, matches!(appointment, AppointmentStatus::Pending | AppointmentStatus::Booked));
        }
    }

    #[test]
    fn a_date_covers_its_own_instants(day in 0_i64..80_000, millis in 0_i64..86_400_000) {
        let at = At(day * 86_400_000 + millis);
        let text = instant(at).unwrap();
        for precision in [4, 7, 10] {
            let date = &text[..precision];
            let has = |prefix: &str| When::parse(&format!("{prefix}{date}")).unwrap().has(at);
            prop_assert!(has("") && has("eq") && has("ge") && has("le"));
            prop_assert!(!has("gt") && !has("lt") && !has("sa") && !has("eb"));
        }
        prop_assert!(When::parse(&text).unwrap().has(at));
    }

    #[test]
    fn what_two_dates_let_through_both_let_through(a in 0_i64..50, b in 0_i64..50, c in 0_i64..50, d in 0_i64..50, at in 0_i64..50) {
        let (one, two) = (When { from: Some(At(a)), until: Some(At(b)) }, When { from: Some(At(c)), until: Some(At(d)) });
        prop_assert_eq!(one.and(two).has(At(at)), one.has(At(at)) && two.has(At(at)));
        prop_assert_eq!(one.and(When::default()), one);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,30}|[a-z]{0,2}[0-9:.TZ+-]{0,25}") {
        let _ = When::parse(&text);
    }
}

#[test]
fn dates_of_every_precision() {
    let at = |text: &str| At(text.parse::<Timestamp>().unwrap().as_millisecond());
    for (date, first, after) in [
        ("2027", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"),
        ("2027-12", "2027-12-01T00:00:00Z", "2028-01-01T00:00:00Z"),
        ("2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2027-01-01T10:00Z", "2027-01-01T10:00:00Z", "2027-01-01T10:01:00Z"),
        ("2027-01-01T10:00:05", "2027-01-01T10:00:05Z", "2027-01-01T10:00:06Z"),
        ("2027-01-01T10:00:05-05:00", "2027-01-01T15:00:05Z", "2027-01-01T15:00:06Z"),
        ("2027-01-01T10:00+01:00", "2027-01-01T09:00:00Z", "2027-01-01T09:01:00Z"),
        ("2027-01-01T10:00:05.250Z", "2027-01-01T10:00:05.250Z", "2027-01-01T10:00:05.251Z"),
    ] {
        assert_eq!(When::parse(date), Some(When { from: Some(at(first)), until: Some(at(after)) }), "{date}");
    }
    for bad in [
        "",
        "27",
        "2027-13",
        "2027-02-30",
        "ne2027",
        "ap2027",
        "tomorrow",
        "2027-1-1",
        "20270101",
        "2027-01-01-01",
    ] {
        assert_eq!(When::parse(bad), None, "{bad}");
    }
}

#[test]
fn missed_and_left() {
    let plan = Plan { kind: Kind::Scheduled, subtype: Subtype::Video, start_at: At(0), end_at: At(10) };
    let state = State::new(Status::Confirmed, None);
    assert_eq!(AppointmentStatus::of(&state, &plan, At(9)), AppointmentStatus::Booked);
    assert_eq!(AppointmentStatus::of(&state, &plan, At(10)), AppointmentStatus::NoShow);
    assert_eq!(EncounterStatus::of(&state, &plan, At(10)), EncounterStatus::Cancelled);
    let left = State { actual_start_at: Some(At(1)), ..State::new(Status::Cancelled, None) };
    assert_eq!(EncounterStatus::of(&left, &plan, At(10)), EncounterStatus::Finished);
    assert_eq!((gender(0), gender(1), gender(2)), ("unknown", "male", "female"));
    assert_eq!(instant(At(1_800_000_000_000)).as_deref(), Some("2027-01-15T08:00:00Z"));
    assert_eq!(instant(At(i64::MAX)), None);
}
