use proptest::prelude::*;

use super::*;

const KINDS: [UserType; 6] =
    [UserType::Admin, UserType::Api, UserType::Provider, UserType::Member, UserType::Guest, UserType::Kiosk];

fn standing() -> impl Strategy<Value = Standing> {
    let role = prop::option::of((0..Role::ALL.len()).prop_map(|n| Role::ALL[n]));
    (prop::option::of((0..KINDS.len()).prop_map(|n| KINDS[n])), role).prop_map(|(kind, role)| Standing {
        kind,
        role,
        link: false,
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
    Standing { kind: Some(kind), role: None, link: false, scopes: Scopes::ALL }
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
        let nobody = Standing { kind: None, role: None, link: false, scopes: Scopes::ALL };
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
    fn an_invitation_opens_the_call_and_its_conversation(action in action()) {
        let invited = Relations::SAME_ACCOUNT.with(Relation::Invited, true);
        let plain = may(of(UserType::Guest), Relations::SAME_ACCOUNT, action);
        let opened = matches!(action, Action::VisitCall | Action::MessagesRead | Action::MessagesWrite);
        prop_assert_eq!(may(of(UserType::Guest), invited, action), plain || opened);
    }

    #[test]
    fn a_link_opens_one_visit_and_nothing_else(standing in standing(), relations in relations(), action in action()) {
        let holder = Standing { link: true, ..standing };
        let visit = matches!(action, Action::VisitRead | Action::VisitAdd | Action::VisitMove
            | Action::VisitCancel | Action::VisitClose | Action::VisitCall | Action::VisitLeave
            | Action::MessagesRead | Action::MessagesWrite | Action::ConsentGive | Action::SurveyAnswer
            | Action::FormAnswer | Action::FormAnswersRead);
        let around = matches!(action, Action::SlotsRead | Action::EventsRead | Action::RoomQueue | Action::SurveysRead
            | Action::FormsRead);
        let foreign = relations.has(Relation::OtherAccount);
        let expected = !foreign && ((visit && relations.has(Relation::Myself))
            || (around && relations.has(Relation::SameAccount)));
        prop_assert_eq!(may(holder, relations, action), expected);
    }

    #[test]
    fn patients_and_guests_need_a_relation(action in action(), member in any::<bool>()) {
        let kind = if member { UserType::Member } else { UserType::Guest };
        let allowed = may(of(kind), Relations::SAME_ACCOUNT, action);
        prop_assert!(!allowed || matches!(action, Action::RoomQueue | Action::EventsRead | Action::SlotsRead | Action::SurveysRead
            | Action::FormsRead));
    }

    #[test]
    fn an_app_stays_within_its_scopes(action in action(), relations in relations()) {
        let app = Standing { kind: Some(UserType::Api), role: None, link: false, scopes: Scopes::NONE.with(Scope::Sso) };
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
