//! Guests by invitation: family, carers and interpreters who come by a visit's
//! code. The code leads to the door only: the provider who has the visit lets
//! each one in, and the call opens for those alone. A guest sees of the visit
//! that it runs and with whom, nothing of the patient.

use std::collections::HashMap;

use bedside_model::{
    GuestId, Phi, UserId, VisitId,
    call::{Part, identity},
    event::EventType,
    guest::{self, Action, Place, Role, Standing},
    permission::Action as Right,
    user::{Profile, SessionKind, UserType},
    visit::{Status, Subtype},
};
use bedside_store::{
    Conn, Tx,
    guests::{self, Guest, NewGuest},
    rooms,
    users::{self, User},
    visits::{self, Visit},
};

use crate::{
    Actor, App, Error, Result, Who, audit, authz, calls, credentials,
    events::{self, Subject},
    users::SignedIn,
};

/// Longest name of a guest, in characters.
const MAX_NAME: usize = 100;

/// What the page behind an invitation shows before anybody says who they are.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Where the visit stands.
    pub status: Status,
    /// Name of the waiting room.
    pub room_name: String,
    /// Name of the clinic.
    pub account_name: String,
    /// Who has the visit, or is asked for.
    pub provider_name: Option<String>,
    /// The place that the caller has there already.
    pub guest: Option<GuestView>,
}

/// A guest's place, with what the guest may know of the visit.
#[derive(Debug, Clone)]
pub struct GuestView {
    /// The place.
    pub guest: Guest,
    /// What it is worth now.
    pub standing: Standing,
    /// How the guest calls themselves.
    pub name: Phi<String>,
    /// Where the visit stands.
    pub visit_status: Status,
    /// Who has the visit, or is asked for.
    pub provider_name: Option<String>,
}

/// Somebody who comes by invitation.
pub struct Join {
    /// The visit's code.
    pub code: String,
    /// How they call themselves.
    pub name: String,
    /// As what they come.
    pub role: Role,
    /// The pages that want a cookie.
    pub page: Option<SessionKind>,
}

/// A guest at the door, with what proves on the next call that it is them.
pub struct Joined {
    /// The place.
    pub view: GuestView,
    /// The one-time user and the tokens.
    pub signed_in: SignedIn,
}

/// What an invitation leads to. The code alone is enough; it tells of no person
/// but the provider.
///
/// # Errors
/// 404 for a wrong code.
pub async fn invitation(app: &App, actor: &Actor, code: &str) -> Result<Invitation> {
    let mut conn = app.store.reader().await?;
    let (actor, visit) = invited(&mut conn, actor, code).await?;
    let room = rooms::find(&mut conn, &actor.account, visit.room).await?;
    let room = room.ok_or_else(|| Error::not_found("invitation"))?;
    let provider_name = provider_name(&mut conn, &visit).await?;
    let guest = match own_place(&mut conn, &actor, visit.id).await? {
        Some((guest, user)) => Some(view(&mut conn, &visit, guest, &user).await?),
        None => None,
    };
    Ok(Invitation {
        status: visit.state.status,
        room_name: room.name,
        account_name: room.account_name,
        provider_name,
        guest,
    })
}

/// The visit of a code, and the caller as somebody in its account. The code
/// tells the account when nothing else does; a page's login elsewhere does not
/// matter to it.
async fn invited(conn: &mut Conn, actor: &Actor, code: &str) -> Result<(Actor, Visit)> {
    let wrong = || Error::not_found("invitation");
    let (account, id) = guests::find_invitation(conn, code.trim()).await?.ok_or_else(wrong)?;
    let actor = if actor.account == account {
        actor.clone()
    } else if actor.account == credentials::no_account() || actor.is_page() {
        Actor { account, who: Who::Anonymous, ..actor.clone() }
    } else {
        return Err(wrong());
    };
    let visit = visits::find(conn, &actor.account, id).await?.ok_or_else(wrong)?;
    Ok((actor, visit))
}

async fn provider_name(conn: &mut Conn, visit: &Visit) -> Result<Option<String>> {
    let Some(id) = visit.state.provider.or(visit.state.requested_provider) else { return Ok(None) };
    Ok(users::find(conn, &visit.account, id).await?.map(|user| shown_name(&user)))
}

/// What a person is called in a call.
pub(crate) fn shown_name(person: &User) -> String {
    let profile = person.profile.reveal();
    let parts = [profile.title.as_str(), &profile.first_name, &profile.last_name];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Comes to a visit's door. Who is there already, by the token or cookie of
/// last time, keeps the place.
///
/// # Errors
/// 404 for a wrong code, 400 naming the field, `visit_closed`,
/// `no_video_for_this_visit`, `own_visit` for its patient, `too_many_guests`.
pub async fn join(app: &App, actor: &Actor, command: Join) -> Result<Joined> {
    let profile = named(&command.name)?;
    let mut conn = app.store.reader().await?;
    let (caller, visit) = invited(&mut conn, actor, &command.code).await?;
    drop(conn);
    if caller.user() == Some(visit.member) {
        return Err(Error::invalid("own_visit", "This is your own visit. Open it from your waiting room."));
    }
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                guests::lock_visit(tx, account, visit.id).await?;
                let visit = visits::find(tx, account, visit.id).await?;
                let visit = visit.ok_or_else(|| Error::not_found("invitation"))?;
                may_come(&visit)?;
                let (guest, user) = match own_place(tx, &caller, visit.id).await? {
                    Some(known) => known,
                    None => arrive(tx, &owner, &caller, &visit, command.role, profile).await?,
                };
                let view = view(tx, &visit, guest, &user).await?;
                let signed_in =
                    crate::users::sign_in(tx, &owner, account, user, command.page, &caller.device).await?;
                Ok(Joined { view, signed_in })
            })
        })
        .await
}

/// A guest's one name, as the first and the last part of a profile.
fn named(name: &str) -> Result<Profile> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let text = words.join(" ");
    if text.is_empty() {
        return Err(Error::field("name", "is required"));
    }
    if text.chars().count() > MAX_NAME {
        return Err(Error::field("name", format!("use at most {MAX_NAME} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field("name", "must not hold control characters"));
    }
    let (first, last) = text.rsplit_once(' ').unwrap_or((text.as_str(), ""));
    Ok(Profile { first_name: first.to_owned(), last_name: last.to_owned(), ..Profile::default() })
}

pub(crate) fn may_come(visit: &Visit) -> Result<()> {
    if !visit.state.status.is_open() {
        return Err(Error::invalid("visit_closed", "This visit is over."));
    }
    if visit.plan.subtype != Subtype::Video {
        return Err(Error::invalid("no_video_for_this_visit", "This visit has no video call."));
    }
    Ok(())
}

/// The place that the caller has at this visit and did not leave.
async fn own_place(conn: &mut Conn, actor: &Actor, visit: VisitId) -> Result<Option<(Guest, User)>> {
    let Some((id, UserType::Guest)) = actor.user().zip(actor.kind()) else { return Ok(None) };
    let guest = guests::find_of_user(conn, &actor.account, id).await?;
    let Some(guest) = guest.filter(|guest| guest.visit == visit && guest.place.status != guest::Status::Left)
    else {
        return Ok(None);
    };
    Ok(users::find(conn, &actor.account, id).await?.map(|user| (guest, user)))
}

pub(crate) async fn arrive(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    visit: &Visit,
    role: Role,
    profile: Profile,
) -> Result<(Guest, User)> {
    let places: Vec<Place> =
        guests::list(tx, &actor.account, visit.id).await?.into_iter().map(|guest| guest.place).collect();
    if !guest::may_come(&places) {
        return Err(Error::invalid("too_many_guests", "Too many guests have come to this visit already."));
    }
    let user = crate::users::add_guest(tx, app, actor, profile).await?;
    let now = app.clock.now();
    let new = NewGuest {
        id: GuestId(app.random.uuid(now)),
        account: actor.account.clone(),
        visit: visit.id,
        user: user.id,
        role,
        at: now,
    };
    guests::add(tx, &new).await?;
    let guest = guests::find(tx, &actor.account, visit.id, &new.id).await?;
    let guest = guest.ok_or_else(|| Error::not_found("guest"))?;
    tell(tx, app, visit, &guest, EventType::GuestWaiting).await?;
    audit::write(tx, app, actor, "guests.join", ("guest", guest.id.to_string())).await?;
    Ok((guest, user))
}

pub(crate) async fn tell(
    tx: &mut Tx,
    app: &App,
    visit: &Visit,
    guest: &Guest,
    kind: EventType,
) -> Result<()> {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
    subject.user = Some(guest.user);
    subject.data.guest_id = Some(guest.id.to_string());
    events::append(tx, app, &visit.account, kind, subject).await
}

async fn view(conn: &mut Conn, visit: &Visit, guest: Guest, user: &User) -> Result<GuestView> {
    Ok(GuestView {
        standing: guest.place.standing(&visit.state),
        name: Phi::new(user.profile.reveal().full_name()),
        visit_status: visit.state.status,
        provider_name: provider_name(conn, visit).await?,
        guest,
    })
}

/// A guest's place: for the guest, and for those who see who takes part.
///
/// # Errors
/// 401, 404.
pub async fn get(app: &App, actor: &Actor, visit: VisitId, id: &GuestId) -> Result<GuestView> {
    let mut conn = app.store.reader().await?;
    let (visit, guest) = load(&mut conn, actor, visit, id, Right::VisitParticipants).await?;
    let user = users::find(&mut conn, &actor.account, guest.user).await?;
    let user = user.ok_or_else(|| Error::not_found("guest"))?;
    if actor.user() == Some(user.id) {
        app.presence.touch(&actor.account, user.id, app.clock.now());
    }
    app.reads.note(app, actor, user.id, "guests.get");
    view(&mut conn, &visit, guest, &user).await
}

/// The visit and the guest, for the guest and for those with the right.
async fn load(
    conn: &mut Conn,
    actor: &Actor,
    visit: VisitId,
    id: &GuestId,
    right: Right,
) -> Result<(Visit, Guest)> {
    let (me, _) = authz::user(actor)?;
    let visit = visits::find(conn, &actor.account, visit).await?.ok_or_else(|| Error::not_found("visit"))?;
    let guest = guests::find(conn, &actor.account, visit.id, id).await?;
    let own = guest.as_ref().is_some_and(|guest| guest.user == me);
    if !own || right != Right::VisitParticipants {
        authz::visit(conn, actor, &visit, right).await?;
    }
    Ok((visit, guest.ok_or_else(|| Error::not_found("guest"))?))
}

/// The provider who has the visit lets a guest in, also one turned away before.
///
/// # Errors
/// 401, 403, 404, 400 `visit_closed`, `guest_left`.
pub async fn admit(app: &App, actor: &Actor, visit: VisitId, id: &GuestId) -> Result<GuestView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, visit, id, Right::VisitAdmit, Action::Admit { by }).await
}

/// The provider who has the visit turns a guest away; one who is in the call
/// leaves it at once.
///
/// # Errors
/// As [`admit`].
pub async fn decline(app: &App, actor: &Actor, visit: VisitId, id: &GuestId) -> Result<GuestView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, visit, id, Right::VisitAdmit, Action::Decline { by }).await
}

/// A guest goes for good; with the code they may come again.
///
/// # Errors
/// 401, 404.
pub async fn leave(app: &App, actor: &Actor, visit: VisitId, id: &GuestId) -> Result<GuestView> {
    let (me, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let guest = guests::find(&mut conn, &actor.account, visit, id).await?;
    drop(conn);
    if guest.is_none_or(|guest| guest.user != me) {
        return Err(Error::not_found("guest"));
    }
    change(app, actor, visit, id, Right::VisitParticipants, Action::Leave).await
}

async fn change(
    app: &App,
    actor: &Actor,
    visit: VisitId,
    id: &GuestId,
    right: Right,
    action: Action,
) -> Result<GuestView> {
    let (owner, caller, guest) = (app.clone(), actor.clone(), id.clone());
    let (user, meeting) = app
        .store
        .write(move |tx| {
            Box::pin(async move { change_in(tx, &owner, &caller, visit, &guest, right, action).await })
        })
        .await?;
    if !matches!(action, Action::Admit { .. }) {
        app.calls.remove(&meeting, &identity(user)).await;
    }
    get(app, actor, visit, id).await
}

// Gives the guest's user and the call that they may have to leave.
async fn change_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    visit: VisitId,
    id: &GuestId,
    right: Right,
    action: Action,
) -> Result<(UserId, String)> {
    // A hand-over of the visit at this moment comes before or after, not between.
    guests::lock_visit(tx, &actor.account, visit).await?;
    let (visit, guest) = load(tx, actor, visit, id, right).await?;
    let next = guest::apply(guest.place, &visit.state, action)
        .map_err(|refusal| Error::invalid(refusal.code(), refusal.to_string()))?;
    if let Some(next) = next {
        let (kind, name) = match action {
            Action::Admit { .. } => (EventType::GuestAdmitted, "guests.admit"),
            Action::Decline { .. } => (EventType::GuestDeclined, "guests.decline"),
            Action::Leave => (EventType::GuestLeft, "guests.leave"),
        };
        if !guests::change(tx, &actor.account, &guest, next, app.clock.now()).await? {
            return Err(Error::Unavailable {
                retry_after_s: 1,
                message: "This guest's place is changing right now. Try again.".to_owned(),
            });
        }
        tell(tx, app, &visit, &guest, kind).await?;
        audit::write(tx, app, actor, name, ("guest", id.to_string())).await?;
    }
    Ok((guest.user, visit.meeting))
}

/// Refuses a guest who is not let in (yet); says nothing about other people.
///
/// # Errors
/// 400 `not_admitted_yet`, 403 `guest_declined`.
pub(crate) async fn must_be_admitted(conn: &mut Conn, actor: &Actor, visit: &Visit) -> Result<()> {
    let Some((guest, _)) = own_place(conn, actor, visit.id).await? else { return Ok(()) };
    match guest.place.standing(&visit.state) {
        Standing::Waiting => {
            Err(Error::invalid("not_admitted_yet", "The provider has not let you in yet. Stay on this page."))
        }
        Standing::Declined => Err(Error::forbidden("guest_declined", "The provider has not let you in.")),
        Standing::Ended => Err(Error::invalid("visit_closed", "This visit is over.")),
        Standing::Admitted => Ok(()),
    }
}

/// Somebody who takes part in a visit.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: Phi<String>,
    /// The part they play.
    pub part: Part,
    /// The provider who has the visit.
    pub primary: bool,
    /// In the call right now.
    pub in_call: bool,
    /// A guest's place and what it is worth.
    pub guest: Option<(Guest, Standing)>,
}

/// Who takes part in a visit: the provider who has it, the patient, who looks
/// after the patient, and everybody who came as a guest.
///
/// # Errors
/// 401, 404.
pub async fn participants(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<Participant>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit = visits::find(&mut conn, &actor.account, id).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Right::VisitParticipants).await?;
    let places = guests::list(&mut conn, &actor.account, id).await?;
    let people = users::list_of_visit(&mut conn, &actor.account, id).await?;
    let mut people: HashMap<UserId, User> = people.into_iter().map(|user| (user.id, user)).collect();
    let present = calls::present(app, &mut conn, &visit).await?;
    // Whoever else was let into the call looks after the patient too.
    let others: Vec<UserId> = present.iter().copied().filter(|user| !people.contains_key(user)).collect();
    for user in &others {
        people.extend(users::find(&mut conn, &actor.account, *user).await?.map(|found| (*user, found)));
    }
    drop(conn);
    app.reads.note(app, actor, visit.member, "guests.participants");
    let provider = visit.state.provider.map(|user| (user, Part::Provider, None));
    let guardians = visit.guardian.into_iter().chain(others).map(|user| (user, Part::Guardian, None));
    let guests = places.into_iter().map(|guest| (guest.user, Part::Guest, Some(guest)));
    let seats =
        provider.into_iter().chain([(visit.member, Part::Patient, None)]).chain(guardians).chain(guests);
    Ok(seats
        .filter_map(|(user, part, guest)| {
            Some(Participant {
                user,
                name: Phi::new(shown_name(people.get(&user)?)),
                part,
                primary: part == Part::Provider,
                in_call: present.contains(&user),
                guest: guest.map(|guest| {
                    let standing = guest.place.standing(&visit.state);
                    (guest, standing)
                }),
            })
        })
        .collect())
}
