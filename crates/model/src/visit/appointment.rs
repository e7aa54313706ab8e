//! What only appointments have: when their waiting room opens, and until when
//! they can be changed, as their room wants it.

use super::{Kind, Plan, Refusal, State, Status};
use crate::{At, availability::BookingRules};

/// From when the patient of an appointment may enter; none for what has no
/// time of its own.
#[must_use]
pub fn opens_at(plan: &Plan, rules: &BookingRules) -> Option<At> {
    (plan.kind == Kind::Scheduled).then(|| plan.start_at.plus_minutes(-rules.start_window_minutes))
}

/// May the patient move or cancel it, as far as the room is concerned? Whoever
/// waits already may always leave.
///
/// # Errors
/// [`Refusal::NotByPatients`], [`Refusal::TooLate`].
pub fn check_by_patient(state: &State, plan: &Plan, rules: &BookingRules, now: At) -> Result<(), Refusal> {
    if plan.kind != Kind::Scheduled || !state.status.is_open() || state.arrived_at.is_some() {
        return Ok(());
    }
    if !rules.patient_may_cancel {
        return Err(Refusal::NotByPatients);
    }
    if now.plus_minutes(rules.cancel_notice_minutes) >= plan.start_at {
        return Err(Refusal::TooLate);
    }
    Ok(())
}

/// Can it be moved or cancelled now, by its patient or by staff?
#[must_use]
pub fn can_change(state: &State, plan: &Plan, rules: &BookingRules, by_patient: bool, now: At) -> bool {
    plan.kind == Kind::Scheduled
        && matches!(state.status, Status::Pending | Status::Confirmed)
        && (!by_patient || check_by_patient(state, plan, rules, now).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::visit::Subtype;

    fn plan(kind: Kind, minute: i64) -> Plan {
        let start_at = At(0).plus_minutes(minute);
        Plan { kind, subtype: Subtype::Video, start_at, end_at: start_at.plus_minutes(15) }
    }

    proptest! {
        #[test]
        fn patients_change_until_the_notice_and_staff_until_it_runs(
            start in 0i64..10_000, now in 0i64..12_000, notice in 0i64..500, allowed in any::<bool>(),
            status in prop::sample::select(vec![Status::Pending, Status::Confirmed, Status::InProgress,
                Status::Completed, Status::Cancelled]),
        ) {
            let rules = BookingRules { patient_may_cancel: allowed, cancel_notice_minutes: notice, ..BookingRules::default() };
            let (state, plan, now) = (State::new(status, None), plan(Kind::Scheduled, start), At(0).plus_minutes(now));
            let waits = matches!(status, Status::Pending | Status::Confirmed);
            prop_assert_eq!(can_change(&state, &plan, &rules, false, now), waits);
            let early = now.0 + notice * 60_000 < plan.start_at.0;
            prop_assert_eq!(can_change(&state, &plan, &rules, true, now), waits && allowed && early);
            let here = State { arrived_at: Some(now), ..state };
            prop_assert_eq!(can_change(&here, &plan, &rules, true, now), waits, "whoever waits may leave");
        }

        #[test]
        fn the_room_opens_its_window_before_the_begin(start in 0i64..10_000, window in 0i64..1_441) {
            let rules = BookingRules { start_window_minutes: window, ..BookingRules::default() };
            prop_assert_eq!(opens_at(&plan(Kind::Scheduled, start), &rules), Some(At(0).plus_minutes(start - window)));
            for kind in [Kind::WalkIn, Kind::EConsult] {
                prop_assert_eq!(opens_at(&plan(kind, start), &rules), None);
            }
        }
    }
}
