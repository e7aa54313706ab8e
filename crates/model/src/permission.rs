//! Who may do what: one table. A caller holds one or more seats (their kind,
//! and a provider's extra role); an action names for each seat the relations to
//! the object under which it is allowed. "No" to somebody who may not even read
//! the object is shown to them as "there is no such thing".

use crate::{
    scope::{Scope, Scopes},
    user::{Role, UserType},
};

/// How the caller stands to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The object is the caller, or the caller's own: the patient of a visit or
    /// intake, the owner of a file.
    Myself,
    /// The object is of a person in the caller's care.
    Guardian,
    /// A visit that the caller has taken, or a patient of such a visit.
    OwnVisit,
    /// Something in a room where the caller works, or a patient there.
    MyRoom,
    /// A visit to which the caller was let in as a guest.
    Invited,
    /// Anything else of the same clinic.
    SameAccount,
    /// Anything of another clinic. No action is ever allowed under it.
    OtherAccount,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 7] = [
        Self::Myself,
        Self::Guardian,
        Self::OwnVisit,
        Self::MyRoom,
        Self::Invited,
        Self::SameAccount,
        Self::OtherAccount,
    ];
}

/// All relations in which one caller stands to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relations(u8);

impl Relations {
    /// Only of the same clinic.
    pub const SAME_ACCOUNT: Self = Self(1 << Relation::SameAccount as u8);

    /// With one more, when the condition holds.
    #[must_use]
    pub const fn with(self, relation: Relation, holds: bool) -> Self {
        if holds { Self(self.0 | 1 << relation as u8) } else { self }
    }

    /// These and those: something that is reached in two ways.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Does this one hold?
    #[must_use]
    pub const fn has(self, relation: Relation) -> bool {
        self.0 & (1 << relation as u8) != 0
    }
}

/// What somebody holds that gives them rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seat {
    /// Those who run the clinic: admins, admin tokens, providers with the role
    /// `clinic_admin`.
    Admin,
    /// A provider with the role `scheduler`: books for patients.
    Scheduler,
    /// A provider with the role `account_manager`: reports only.
    AccountManager,
    /// A provider with the role `analyst`: figures without persons.
    Analyst,
    /// A provider.
    Provider,
    /// A registered patient.
    Member,
    /// A one-time user: a patient without a login, or an invited guest.
    Guest,
}

impl Seat {
    /// Every seat.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Scheduler,
        Self::AccountManager,
        Self::Analyst,
        Self::Provider,
        Self::Member,
        Self::Guest,
    ];
}

/// Everything about a caller that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Their kind; none for callers without a user.
    pub kind: Option<UserType>,
    /// A provider's extra role.
    pub role: Option<Role>,
    /// What their app is limited to; every scope for people.
    pub scopes: Scopes,
}

impl Standing {
    /// The seats this caller holds.
    pub fn seats(self) -> impl Iterator<Item = Seat> {
        let own = match self.kind {
            Some(UserType::Admin | UserType::CommonAdmin | UserType::Api | UserType::System) => {
                Some(Seat::Admin)
            }
            Some(UserType::Provider) => Some(Seat::Provider),
            Some(UserType::Member) => Some(Seat::Member),
            Some(UserType::Guest) => Some(Seat::Guest),
            _ => None,
        };
        let role = match (self.kind, self.role) {
            (Some(UserType::Provider), Some(Role::ClinicAdmin)) => Some(Seat::Admin),
            (Some(UserType::Provider), Some(Role::Scheduler)) => Some(Seat::Scheduler),
            (Some(UserType::Provider), Some(Role::AccountManager)) => Some(Seat::AccountManager),
            (Some(UserType::Provider), Some(Role::Analyst)) => Some(Seat::Analyst),
            _ => None,
        };
        own.into_iter().chain(role)
    }
}

use Relation::{Guardian, Invited, MyRoom, Myself, OwnVisit, SameAccount};
use Seat::{AccountManager, Admin, Analyst, Guest, Member, Provider, Scheduler};

type Grants = &'static [(Seat, &'static [Relation])];

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident, $scope:ident, $grants:expr;)+) => {
        /// What somebody wants to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The scope an app needs for it.
            #[must_use]
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope),+ }
            }

            const fn grants(self) -> Grants {
                match self { $(Self::$name => &$grants),+ }
            }
        }
    };
}

/// Those who receive care, for themselves and for those in their care.
const CARE: &[Relation] = &[Myself, Guardian];
/// Those who give it.
const WORK: &[Relation] = &[OwnVisit, MyRoom];

actions! {
    /// Read somebody's profile.
    UserRead, UsersRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]),
        (Provider, &[Myself, OwnVisit, MyRoom]), (Member, CARE), (Guest, &[Myself]),
        (AccountManager, &[Myself]), (Analyst, &[Myself])];
    /// Search the clinic's people. A provider without a role finds the
    /// patients of the own rooms and visits.
    UserList, UsersRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];
    /// Add a patient.
    PatientAdd, UsersWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount])];
    /// Add people of any kind, give roles, suspend, delete.
    UserManage, UsersWrite, [(Admin, &[SameAccount])];
    /// Change somebody's profile.
    UserUpdate, UsersWrite, [(Admin, &[SameAccount]), (Provider, &[Myself]), (Member, CARE), (Guest, &[Myself])];
    /// See in which rooms a provider works.
    UserRoomsRead, UsersRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[Myself])];
    /// Say in which rooms a provider works.
    UserRoomsAssign, RoomsWrite, [(Admin, &[SameAccount])];
    /// See and add those in somebody's care.
    Dependants, UsersWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Member, &[Myself])];

    /// Make an intake for a patient.
    IntakeAdd, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Read an intake.
    IntakeRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself])];
    /// Change an intake.
    IntakeUpdate, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself])];

    /// Read a visit.
    VisitRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Make a visit from somebody's intake.
    VisitAdd, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Take a visit. An admin token is no person: it cannot sit in front of a
    /// patient.
    VisitAccept, VisitsWrite, [(Provider, WORK)];
    /// Give a visit back, complete it.
    VisitConduct, VisitsWrite, [(Admin, &[SameAccount]), (Provider, &[OwnVisit])];
    /// Change time, provider or subtype.
    VisitUpdate, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];
    /// Move an appointment to another free time.
    VisitMove, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Confirm an appointment.
    VisitConfirm, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];
    /// Hand a visit to another provider or room.
    VisitTransfer, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK)];
    /// Call a visit off.
    VisitCancel, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Leave a visit with a reason.
    VisitClose, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself])];
    /// Enter a visit's call. An invited guest sees nothing else of the visit.
    VisitCall, VisitsRead, [(Provider, &[OwnVisit]), (Member, CARE), (Guest, &[Myself, Invited])];
    /// See who takes part in a visit.
    VisitParticipants, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Let guests in, or turn them away.
    VisitAdmit, VisitsWrite, [(Provider, &[OwnVisit])];

    /// Make a room.
    RoomAdd, RoomsWrite, [(Admin, &[SameAccount])];
    /// Change a room.
    RoomUpdate, RoomsWrite, [(Admin, &[SameAccount])];
    /// See how a room's queue stands.
    RoomQueue, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (AccountManager, &[SameAccount]),
        (Analyst, &[SameAccount]), (Provider, &[SameAccount]), (Member, &[SameAccount]), (Guest, &[SameAccount])];

    /// See which times can be booked, and hold one.
    SlotsRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount]),
        (Member, &[SameAccount]), (Guest, &[SameAccount])];
    /// Say when a provider can be booked.
    SlotsManage, RoomsWrite, [(Admin, &[SameAccount]), (Provider, &[Myself])];

    /// Put a file on a person's profile, or on a visit.
    FileAdd, FilesWrite, [(Admin, &[SameAccount]), (Provider, &[Myself, OwnVisit, MyRoom]), (Member, CARE),
        (Guest, &[Myself])];
    /// Read a file of a person or visit.
    FileRead, FilesRead, [(Admin, &[SameAccount]), (Provider, &[Myself, OwnVisit, MyRoom]), (Member, CARE),
        (Guest, &[Myself])];
    /// Rename or delete a file. The relation is to its owner.
    FileWrite, FilesWrite, [(Admin, &[SameAccount]), (Provider, &[Myself]), (Member, CARE), (Guest, &[Myself])];

    /// Hear of events.
    EventsRead, EventsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount]),
        (Member, &[SameAccount]), (Guest, &[SameAccount])];
    /// Change the clinic: settings, apps, keys, tokens.
    AccountManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Read the audit trail.
    AuditRead, AuditRead, [(Admin, &[SameAccount])];
}

/// May a caller of this standing, with these relations to the object, do this?
#[must_use]
pub fn may(standing: Standing, relations: Relations, action: Action) -> bool {
    granted(standing, relations, action).is_some()
}

/// The seat and the relation under which the caller may do it, for the audit
/// trail; none when they may not.
#[must_use]
pub fn granted(standing: Standing, relations: Relations, action: Action) -> Option<(Seat, Relation)> {
    if relations.has(Relation::OtherAccount) || !standing.scopes.has(action.scope()) {
        return None;
    }
    // Those who are there for figures look nobody up; what remains of being a
    // provider are the visits.
    if action == Action::UserList && matches!(standing.role, Some(Role::Analyst | Role::AccountManager)) {
        return None;
    }
    standing.seats().find_map(|seat| {
        let grants = action.grants().iter().filter(|(granted, _)| *granted == seat);
        let relation = grants.flat_map(|(_, under)| under.iter()).find(|relation| relations.has(**relation));
        relation.map(|relation| (seat, *relation))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [UserType; 6] = [
        UserType::Admin,
        UserType::Api,
        UserType::Provider,
        UserType::Member,
        UserType::Guest,
        UserType::Kiosk,
    ];

    fn standing() -> impl Strategy<Value = Standing> {
        let role = prop::option::of((0..Role::ALL.len()).prop_map(|n| Role::ALL[n]));
        (prop::option::of((0..KINDS.len()).prop_map(|n| KINDS[n])), role).prop_map(|(kind, role)| Standing {
            kind,
            role,
            scopes: Scopes::ALL,
        })
    }

    fn relations() -> impl Strategy<Value = Relations> {
        (0u8..128).prop_map(Relations)
    }

    fn action() -> impl Strategy<Value = Action> {
        (0..Action::ALL.len()).prop_map(|n| Action::ALL[n])
    }

    fn of(kind: UserType) -> Standing {
        Standing { kind: Some(kind), role: None, scopes: Scopes::ALL }
    }

    proptest! {
        #[test]
        fn no_row_lets_one_account_see_another(standing in standing(), relations in relations(), action in action()) {
            let foreign = relations.with(Relation::OtherAccount, true);
            prop_assert!(!may(standing, foreign, action));
            prop_assert!(!may(standing, Relations::default(), action), "no relation at all");
        }

        #[test]
        fn nobody_without_a_user_may_anything(relations in relations(), action in action()) {
            let nobody = Standing { kind: None, role: None, scopes: Scopes::ALL };
            let allowed = may(nobody, relations, action);
            prop_assert!(!allowed);
        }

        #[test]
        fn one_relation_more_never_takes_a_right_away(standing in standing(), relations in relations(), action in action(), n in 0usize..6) {
            let more = relations.with(Relation::ALL[n], true);
            prop_assert!(!may(standing, relations, action) || may(standing, more, action));
        }

        #[test]
        fn whoever_may_change_a_visit_may_read_it(standing in standing(), relations in relations()) {
            for action in [Action::VisitAdd, Action::VisitAccept, Action::VisitConduct, Action::VisitUpdate,
                Action::VisitConfirm, Action::VisitTransfer, Action::VisitCancel, Action::VisitClose,
                Action::VisitParticipants, Action::VisitAdmit] {
                prop_assert!(!may(standing, relations, action) || may(standing, relations, Action::VisitRead));
            }
        }

        #[test]
        fn an_invitation_opens_the_call_and_nothing_else(action in action()) {
            let invited = Relations::SAME_ACCOUNT.with(Relation::Invited, true);
            let plain = may(of(UserType::Guest), Relations::SAME_ACCOUNT, action);
            prop_assert_eq!(may(of(UserType::Guest), invited, action), plain || action == Action::VisitCall);
        }

        #[test]
        fn patients_and_guests_need_a_relation(action in action(), member in any::<bool>()) {
            let kind = if member { UserType::Member } else { UserType::Guest };
            let allowed = may(of(kind), Relations::SAME_ACCOUNT, action);
            prop_assert!(!allowed || matches!(action, Action::RoomQueue | Action::EventsRead | Action::SlotsRead));
        }

        #[test]
        fn an_app_stays_within_its_scopes(action in action(), relations in relations()) {
            let app = Standing { kind: Some(UserType::Api), role: None, scopes: Scopes::NONE.with(Scope::Sso) };
            prop_assert!(!may(app, relations, action));
            let fits = Standing { scopes: Scopes::NONE.with(action.scope()), ..app };
            prop_assert_eq!(may(fits, relations, action), may(of(UserType::Api), relations, action));
        }
    }

    #[test]
    fn a_patient_never_takes_or_completes() {
        let own = Relations::SAME_ACCOUNT.with(Relation::Myself, true);
        for action in [Action::VisitAccept, Action::VisitConduct, Action::VisitTransfer, Action::VisitAdmit] {
            assert!(!may(of(UserType::Member), own, action));
        }
        assert!(may(of(UserType::Member), own, Action::VisitCall));
    }

    #[test]
    fn a_colleague_of_the_room_does_not_listen_in() {
        let room = Relations::SAME_ACCOUNT.with(Relation::MyRoom, true);
        assert!(!may(of(UserType::Provider), room, Action::VisitCall));
        assert!(!may(of(UserType::Provider), room, Action::VisitConduct));
        assert!(may(of(UserType::Provider), room, Action::VisitAccept));
    }

    #[test]
    fn reports_tell_no_person() {
        for role in [Role::Analyst, Role::AccountManager] {
            let bare = Standing { role: Some(role), ..of(UserType::Provider) };
            for action in [Action::UserList, Action::VisitRead, Action::IntakeRead, Action::FileRead] {
                assert!(!may(bare, Relations::SAME_ACCOUNT, action), "{role:?} {action:?}");
            }
            let treats = Relations::SAME_ACCOUNT.with(Relation::MyRoom, true);
            assert!(!may(bare, treats, Action::UserList) && may(bare, treats, Action::VisitAccept));
        }
    }

    #[test]
    fn an_admin_token_is_no_person() {
        let all = Relations(0b0011_1111);
        assert!(!may(of(UserType::Api), all, Action::VisitAccept));
        assert!(!may(of(UserType::Api), all, Action::VisitCall));
    }
}
