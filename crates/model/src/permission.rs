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
    /// Whoever holds the one-time link of an appointment: its patient, for this
    /// one visit.
    Link,
}

impl Seat {
    /// Every seat.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::Scheduler,
        Self::AccountManager,
        Self::Analyst,
        Self::Provider,
        Self::Member,
        Self::Guest,
        Self::Link,
    ];
}

/// Everything about a caller that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Their kind; none for callers without a user.
    pub kind: Option<UserType>,
    /// A provider's extra role.
    pub role: Option<Role>,
    /// They came by the one-time link of an appointment, and hold no other seat.
    pub link: bool,
    /// What their app is limited to; every scope for people.
    pub scopes: Scopes,
}

impl Standing {
    /// The seats this caller holds.
    pub fn seats(self) -> impl Iterator<Item = Seat> {
        let own = match self.kind {
            _ if self.link => Some(Seat::Link),
            Some(UserType::Admin | UserType::CommonAdmin | UserType::Api | UserType::System) => {
                Some(Seat::Admin)
            }
            Some(UserType::Provider) => Some(Seat::Provider),
            Some(UserType::Member) => Some(Seat::Member),
            Some(UserType::Guest) => Some(Seat::Guest),
            _ => None,
        };
        let role = match (self.kind, self.role) {
            _ if self.link => None,
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
use Seat::{AccountManager, Admin, Analyst, Guest, Link, Member, Provider, Scheduler};

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
        (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Make a visit from somebody's intake.
    VisitAdd, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Take a visit. An admin token is no person: it cannot sit in front of a
    /// patient.
    VisitAccept, VisitsWrite, [(Provider, WORK)];
    /// Give a visit back, complete it.
    VisitConduct, VisitsWrite, [(Admin, &[SameAccount]), (Provider, &[OwnVisit])];
    /// Change time, provider or subtype.
    VisitUpdate, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];
    /// Move an appointment to another free time.
    VisitMove, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Confirm an appointment.
    VisitConfirm, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];
    /// Hand a visit to another provider or room.
    VisitTransfer, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK)];
    /// Call a visit off.
    VisitCancel, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Leave a visit with a reason.
    VisitClose, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Enter a visit's call. An invited guest sees nothing else of the visit.
    VisitCall, VisitsRead, [(Provider, &[OwnVisit]), (Member, CARE), (Guest, &[Myself, Invited]), (Link, &[Myself])];
    /// Mute people in a visit's call, and take them out of it.
    CallModerate, VisitsWrite, [(Provider, &[OwnVisit])];
    /// See how a visit's call was.
    CallQualityRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, &[OwnVisit])];
    /// Ask whether a visit's call may be recorded, and end its recording.
    RecordingConduct, VisitsWrite, [(Provider, &[OwnVisit])];
    /// Play a visit's recordings. Patients only where their clinic shares them.
    RecordingRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, &[OwnVisit]), (Member, CARE), (Guest, &[Myself])];
    /// Delete a recording.
    RecordingDelete, VisitsWrite, [(Admin, &[SameAccount])];
    /// See who takes part in a visit.
    VisitParticipants, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK),
        (Member, CARE), (Guest, &[Myself])];
    /// Let guests in, or turn them away.
    VisitAdmit, VisitsWrite, [(Provider, &[OwnVisit])];

    /// See whom the clinic asks to interpret.
    InterpretersRead, UsersRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount])];
    /// Say whom.
    InterpretersManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Find an interpreter for a visit, who is let in when they come.
    InterpreterAsk, VisitsWrite, [(Provider, &[OwnVisit])];
    /// See how that search stands.
    InterpreterRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK)];

    /// Leave the waiting room and be called, come back, join it anew.
    VisitLeave, VisitsWrite, [(Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Read what is written at a visit. Private talk: those who run the clinic
    /// take no part in it.
    MessagesRead, VisitsRead, [(Provider, WORK), (Member, CARE), (Guest, &[Myself, Invited]), (Link, &[Myself])];
    /// Write at a visit.
    MessagesWrite, VisitsWrite, [(Provider, WORK), (Member, CARE), (Guest, &[Myself, Invited]), (Link, &[Myself])];

    /// Read what providers write down of a visit. Part of the record of care:
    /// those who run the clinic do not read along; patients have what is sent.
    NotesRead, VisitsRead, [(Provider, WORK)];
    /// Write down something of a visit, and sign it.
    NotesWrite, VisitsWrite, [(Provider, WORK)];

    /// Read somebody's health record. As with notes, those who run the clinic
    /// do not read along.
    HealthRead, UsersRead, [(Provider, WORK), (Member, CARE), (Guest, &[Myself])];
    /// Read the prescriptions of a visit.
    PrescriptionsRead, VisitsRead, [(Provider, WORK), (Member, CARE), (Guest, &[Myself])];
    /// Write one, or take it back.
    PrescriptionsWrite, VisitsWrite, [(Provider, WORK)];
    /// Say which pharmacies the clinic lists.
    PharmaciesManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Write into it.
    HealthWrite, UsersWrite, [(Provider, WORK), (Member, CARE), (Guest, &[Myself])];

    /// See what a clinic asks after a visit.
    SurveysRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (AccountManager, &[SameAccount]),
        (Analyst, &[SameAccount]), (Provider, &[SameAccount]), (Member, &[SameAccount]), (Guest, &[SameAccount]), (Link, &[SameAccount])];
    /// Say what is asked after a visit.
    SurveysManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Answer a survey about a visit: its patient, or who cares for them.
    SurveyAnswer, VisitsWrite, [(Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Read what was answered about a visit.
    SurveyResultsRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, &[OwnVisit]), (Member, CARE), (Guest, &[Myself])];
    /// See the forms that a clinic asks people to fill in.
    FormsRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount]),
        (Member, &[SameAccount]), (Guest, &[SameAccount]), (Link, &[SameAccount])];
    /// Make forms and publish them.
    FormsManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Answer a form: its patient, who cares for them, or staff in their place.
    FormAnswer, VisitsWrite, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// Read what somebody answered in a form.
    FormAnswersRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself]),
        (Link, &[Myself])];
    /// Read reports: figures without patients.
    ReportsRead, VisitsRead, [(Admin, &[SameAccount]), (AccountManager, &[SameAccount]), (Analyst, &[SameAccount])];
    /// See in reports which provider it was.
    ReportsNames, VisitsRead, [(Admin, &[SameAccount]), (AccountManager, &[SameAccount])];

    /// See how the clinic takes money.
    BillingRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount]),
        (Member, &[Myself]), (Guest, &[Myself])];
    /// Manage the cards that one pays with.
    CardsManage, UsersWrite, [(Member, &[Myself]), (Guest, &[Myself])];
    /// See what a visit costs.
    InvoiceRead, VisitsRead, [(Admin, &[SameAccount]), (Provider, WORK), (Member, CARE), (Guest, &[Myself])];
    /// Say what a visit costs.
    InvoiceWrite, VisitsWrite, [(Admin, &[SameAccount]), (Provider, &[OwnVisit])];
    /// Ask for the money, which completes the visit.
    InvoiceCharge, VisitsWrite, [(Admin, &[SameAccount]), (Provider, &[OwnVisit])];
    /// Give money back, and ask for it no more.
    InvoiceManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Say what makes visits cheaper.
    PromoManage, AccountWrite, [(Admin, &[SameAccount])];

    /// Say that a provider runs late.
    RoomLate, VisitsWrite, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[Myself])];
    /// Make a room.
    RoomAdd, RoomsWrite, [(Admin, &[SameAccount])];
    /// Change a room.
    RoomUpdate, RoomsWrite, [(Admin, &[SameAccount])];
    /// See how a room's queue stands.
    RoomQueue, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (AccountManager, &[SameAccount]),
        (Analyst, &[SameAccount]), (Provider, &[SameAccount]), (Member, &[SameAccount]), (Guest, &[SameAccount]), (Link, &[SameAccount])];

    /// Follow one's own appointments from another program's calendar.
    CalendarRead, VisitsRead, [(Provider, &[Myself]), (Member, &[Myself])];
    /// See which times can be booked, and hold one.
    SlotsRead, VisitsRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, &[SameAccount]),
        (Member, &[SameAccount]), (Guest, &[SameAccount]), (Link, &[SameAccount])];
    /// Say when a provider can be booked.
    SlotsManage, RoomsWrite, [(Admin, &[SameAccount]), (Provider, &[Myself])];

    /// Agree to a document of the clinic, for oneself or for somebody in one's
    /// care. Nobody else can do it in their place.
    ConsentGive, UsersWrite, [(Member, CARE), (Guest, &[Myself]), (Link, &[Myself])];
    /// See what somebody agreed to.
    ConsentsRead, UsersRead, [(Admin, &[SameAccount]), (Scheduler, &[SameAccount]), (Provider, WORK), (Member, CARE),
        (Guest, &[Myself])];

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
        (Member, &[SameAccount]), (Guest, &[SameAccount]), (Link, &[SameAccount])];
    /// Read the numbered log of all events.
    EventsList, EventsRead, [(Admin, &[SameAccount])];
    /// Manage webhook endpoints, see and repeat what they were sent.
    WebhooksManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Say what other systems call a person or a visit, and read it.
    IdentifiersManage, UsersWrite, [(Admin, &[SameAccount])];
    /// Read the clinic as FHIR resources.
    FhirRead, FhirRead, [(Admin, &[SameAccount])];
    /// Change the clinic: settings, apps, keys, tokens.
    AccountManage, AccountWrite, [(Admin, &[SameAccount])];
    /// Read what a test clinic would have sent, move its time, play its people.
    TestClinic, AccountWrite, [(Admin, &[SameAccount])];
    /// Read the request log.
    RequestLogRead, AuditRead, [(Admin, &[SameAccount])];
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
mod tests;
