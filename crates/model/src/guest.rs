//! Guests of a visit: family, carers and interpreters who come by the visit's
//! code. The code only leads to the door; the provider who has the visit lets
//! them in or turns them away, and whoever takes the visit over decides anew.

use crate::{
    UserId,
    visit::{State, Status as VisitStatus},
};

words! {
    /// As what a guest comes.
    Role {
        /// A relative or friend.
        Family = "family";
        /// Somebody who looks after the patient.
        Carer = "carer";
        /// Somebody who translates.
        Interpreter = "interpreter";
    }
}

words! {
    /// What was decided about a guest.
    Status {
        /// Nothing yet.
        Waiting = "waiting";
        /// Let in.
        Admitted = "admitted";
        /// Turned away.
        Declined = "declined";
        /// Gone by themselves.
        Left = "left";
    }
}

words! {
    /// What a guest's place is worth right now.
    Standing {
        /// At the door.
        Waiting = "waiting";
        /// May be in the call.
        Admitted = "admitted";
        /// Turned away.
        Declined = "declined";
        /// The visit is over, or the guest has gone.
        Ended = "ended";
    }
}

/// Most guests that a visit has at its door and inside at once: more than a
/// family brings, fewer than somebody with a leaked code needs to be a nuisance.
pub const MAX_PRESENT: usize = 8;
/// Most guests that a visit ever sees.
pub const MAX_EVER: usize = 40;

/// What is kept of a guest's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What was decided.
    pub status: Status,
    /// By whom.
    pub decided_by: Option<UserId>,
}

impl Place {
    /// A guest who has just come.
    pub const NEW: Self = Self { status: Status::Waiting, decided_by: None };

    /// What the place is worth while the visit stands so. An admission counts
    /// under the provider who gave it: after a hand-over, or while the visit is
    /// back in the queue, the guest waits again.
    #[must_use]
    pub fn standing(self, visit: &State) -> Standing {
        match self.status {
            _ if !visit.status.is_open() => Standing::Ended,
            Status::Left => Standing::Ended,
            Status::Declined => Standing::Declined,
            Status::Admitted
                if visit.status == VisitStatus::InProgress
                    && visit.provider.is_some()
                    && visit.provider == self.decided_by =>
            {
                Standing::Admitted
            }
            Status::Waiting | Status::Admitted => Standing::Waiting,
        }
    }
}

/// May one more guest come to a visit with these places?
#[must_use]
pub fn may_come(places: &[Place]) -> bool {
    let present = |place: &&Place| matches!(place.status, Status::Waiting | Status::Admitted);
    places.len() < MAX_EVER && places.iter().filter(present).count() < MAX_PRESENT
}

/// What is done about a guest. Whether somebody may is asked in
/// [`crate::permission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The provider lets them in, also after having turned them away.
    Admit {
        /// The provider.
        by: UserId,
    },
    /// The provider turns them away, also after having let them in.
    Decline {
        /// The provider.
        by: UserId,
    },
    /// The guest goes.
    Leave,
}

/// Why an action does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The visit is over.
    #[error("This visit is closed.")]
    VisitClosed,
    /// The guest has gone.
    #[error("This guest has left.")]
    Left,
}

impl Refusal {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::VisitClosed => "visit_closed",
            Self::Left => "guest_left",
        }
    }
}

/// Computes what an action makes of a place. `Ok(None)`: it is so already.
///
/// # Errors
/// The reason why the action does not fit.
pub fn apply(place: Place, visit: &State, action: Action) -> Result<Option<Place>, Refusal> {
    let next = match action {
        Action::Leave => Place { status: Status::Left, ..place },
        _ if !visit.status.is_open() => return Err(Refusal::VisitClosed),
        _ if place.status == Status::Left => return Err(Refusal::Left),
        Action::Admit { by } => Place { status: Status::Admitted, decided_by: Some(by) },
        Action::Decline { by } => Place { status: Status::Declined, decided_by: Some(by) },
    };
    Ok((next != place).then_some(next))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visit() -> impl Strategy<Value = State> {
        (0..VisitStatus::ALL.len(), prop::option::of(1i64..4)).prop_map(|(n, provider)| State {
            status: VisitStatus::ALL[n],
            provider: provider.map(UserId),
            ..State::new(VisitStatus::Pending, None)
        })
    }

    fn action() -> impl Strategy<Value = Action> {
        let by = (1i64..4).prop_map(UserId);
        prop_oneof![
            by.clone().prop_map(|by| Action::Admit { by }),
            by.prop_map(|by| Action::Decline { by }),
            Just(Action::Leave),
        ]
    }

    proptest! {
        #[test]
        fn only_the_provider_who_has_the_visit_lets_in(visit in visit(), actions in prop::collection::vec(action(), 0..12)) {
            let mut place = Place::NEW;
            for action in actions {
                match apply(place, &visit, action) {
                    Ok(Some(next)) => {
                        prop_assert_ne!(next, place);
                        prop_assert_ne!(place.status, Status::Left, "nobody comes back to a place they left");
                        place = next;
                    }
                    Ok(None) => {}
                    Err(Refusal::VisitClosed) => prop_assert!(!visit.status.is_open()),
                    Err(Refusal::Left) => prop_assert_eq!(place.status, Status::Left),
                }
                if place.standing(&visit) == Standing::Admitted {
                    prop_assert_eq!(visit.status, VisitStatus::InProgress);
                    prop_assert_eq!(place.decided_by, visit.provider);
                    prop_assert!(visit.provider.is_some());
                }
                prop_assert_eq!(
                    place.standing(&visit) == Standing::Ended,
                    !visit.status.is_open() || place.status == Status::Left
                );
            }
        }
    }

    #[test]
    fn a_hand_over_sends_guests_back_to_the_door() {
        let mut visit = State { provider: Some(UserId(1)), ..State::new(VisitStatus::InProgress, None) };
        let place = apply(Place::NEW, &visit, Action::Admit { by: UserId(1) }).unwrap().unwrap();
        assert_eq!(place.standing(&visit), Standing::Admitted);
        visit.provider = Some(UserId(2));
        assert_eq!(place.standing(&visit), Standing::Waiting);
        let again = apply(place, &visit, Action::Admit { by: UserId(2) }).unwrap().unwrap();
        assert_eq!(again.standing(&visit), Standing::Admitted);
        visit.status = VisitStatus::Completed;
        assert_eq!(again.standing(&visit), Standing::Ended);
    }

    #[test]
    fn a_decision_can_be_changed() {
        let visit = State { provider: Some(UserId(1)), ..State::new(VisitStatus::InProgress, None) };
        let by = UserId(1);
        let declined = apply(Place::NEW, &visit, Action::Decline { by }).unwrap().unwrap();
        assert_eq!(declined.standing(&visit), Standing::Declined);
        let admitted = apply(declined, &visit, Action::Admit { by }).unwrap().unwrap();
        assert_eq!(admitted.standing(&visit), Standing::Admitted);
        assert_eq!(apply(admitted, &visit, Action::Admit { by }), Ok(None));
        let left = apply(admitted, &visit, Action::Leave).unwrap().unwrap();
        assert_eq!(apply(left, &visit, Action::Admit { by }), Err(Refusal::Left));
    }

    #[test]
    fn a_leaked_code_brings_only_so_many() {
        assert!(may_come(&[Place::NEW; MAX_PRESENT - 1]) && !may_come(&[Place::NEW; MAX_PRESENT]));
        let gone = Place { status: Status::Declined, decided_by: Some(UserId(1)) };
        assert!(may_come(&[gone; MAX_EVER - 1]) && !may_come(&[gone; MAX_EVER]));
    }

    #[test]
    fn words_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(*status));
        }
        assert_eq!(Role::parse("doctor"), None);
    }
}
