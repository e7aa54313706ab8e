//! Who may do what to which visit, room, intake and user. One table, asked by
//! the application layer; the answer "no" to somebody without any relation is
//! shown to them as "there is no such thing".

/// How the caller stands to the object in question, inside one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relation {
    /// An admin of the account, or its admin token.
    pub admin: bool,
    /// The patient of the visit or intake, or the user themselves.
    pub own: bool,
    /// The provider who has taken the visit.
    pub provider: bool,
    /// A provider assigned to the visit's room.
    pub room: bool,
}

impl Relation {
    /// True when the caller may know that the object exists.
    #[must_use]
    pub const fn any(self) -> bool {
        self.admin || self.own || self.provider || self.room
    }
}

/// What somebody wants to do with a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitRight {
    /// Read it.
    Read,
    /// Take it from the queue.
    Accept,
    /// Give it back, or complete it.
    Conduct,
    /// Leave or cancel it.
    Close,
    /// Enter its call.
    Call,
}

/// May the caller do this to the visit?
#[must_use]
pub const fn visit(relation: Relation, right: VisitRight) -> bool {
    match right {
        VisitRight::Read => relation.any(),
        // An admin token is no person: it cannot sit in front of a patient.
        VisitRight::Accept => relation.room || relation.provider,
        VisitRight::Conduct => relation.provider || relation.admin,
        VisitRight::Close => relation.own || relation.provider || relation.admin || relation.room,
        VisitRight::Call => relation.own || relation.provider,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHTS: [VisitRight; 5] =
        [VisitRight::Read, VisitRight::Accept, VisitRight::Conduct, VisitRight::Close, VisitRight::Call];

    #[test]
    fn strangers_may_nothing() {
        assert!(RIGHTS.into_iter().all(|right| !visit(Relation::default(), right)));
    }

    #[test]
    fn every_right_includes_reading() {
        for bits in 0u8..16 {
            let relation = Relation {
                admin: bits & 1 > 0,
                own: bits & 2 > 0,
                provider: bits & 4 > 0,
                room: bits & 8 > 0,
            };
            for right in RIGHTS {
                assert!(!visit(relation, right) || visit(relation, VisitRight::Read));
            }
        }
    }

    #[test]
    fn a_patient_never_takes_or_completes() {
        let patient = Relation { own: true, ..Relation::default() };
        assert!(!visit(patient, VisitRight::Accept) && !visit(patient, VisitRight::Conduct));
        assert!(visit(patient, VisitRight::Call) && visit(patient, VisitRight::Close));
    }

    #[test]
    fn a_colleague_of_the_room_does_not_listen_in() {
        let colleague = Relation { room: true, ..Relation::default() };
        assert!(!visit(colleague, VisitRight::Call) && !visit(colleague, VisitRight::Conduct));
    }
}
