//! Visits: creating them, the queue, and every change of state. The state
//! machine is `model::visit`; here the rows are read, the permission asked, and
//! change, event, audit entry and job written in one transaction.

use bedside_model::{
    At, IntakeId, Phi, UserId, VisitId,
    event::EventType,
    permission::{Action as Right, Relations},
    user::UserType,
    visit::{self, Action, CloseReason, Kind, State, Status, Subtype},
};
use bedside_store::{
    Tx, intakes as stored_intakes, rooms, users,
    visit_views::{self, Filter, Order, Scope, VisitView as Row},
    visits::{self, NewVisit, Visit},
};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, audit, authz, calls,
    events::{self, Subject},
    intakes,
};

/// A visit as it is shown, answers opened.
#[derive(Debug, Clone)]
pub struct VisitView {
    /// The joined rows.
    pub row: Row,
    /// What the patient said.
    pub answers: Phi<Map<String, Value>>,
    /// When the patient's page was last heard from.
    pub member_last_seen: Option<At>,
}

/// A walk-in to create.
#[derive(Debug, Clone)]
pub struct AddWalkin {
    /// The intake it comes with.
    pub intake: IntakeId,
    /// The room's code or slug; else the intake's room.
    pub room: Option<String>,
    /// Whom the patient wants; else whom the intake names.
    pub provider: Option<UserId>,
    /// The patient: a user's number, else the portal's code; else the intake's.
    pub member: Option<String>,
}

/// Creates a walk-in: the patient waits in the room's queue. From one of our
/// pages, a patient who already waits there comes back to that place.
///
/// # Errors
/// 401, 403, 404 for a foreign intake, 400 for a used one
/// (`intake_already_used`, with `visit_id`), a closed room (`room_closed`), or
/// a provider who does not work there.
pub async fn add_walkin(app: &App, actor: &Actor, command: AddWalkin) -> Result<VisitView> {
    authz::user(actor)?;
    let (owner, caller, intake) = (app.clone(), actor.clone(), command.intake.clone());
    let added = app
        .store
        .write(move |tx| Box::pin(async move { add_walkin_in(tx, &owner, &caller, command).await }))
        .await;
    let id = match added {
        Ok(id) => id,
        // On Postgres two requests may look at the same fresh intake; the
        // constraint lets one of them have it.
        Err(error) if error.is_unique("visits", "intake_id") => {
            let mut conn = app.store.reader().await?;
            let used = visits::find_by_intake(&mut conn, &actor.account, &intake).await?;
            return Err(used.map_or(error, intakes::already_used));
        }
        Err(error) => return Err(error),
    };
    view(app, actor, id).await
}

async fn add_walkin_in(tx: &mut Tx, app: &App, actor: &Actor, command: AddWalkin) -> Result<VisitId> {
    let account = &actor.account;
    let intake = stored_intakes::find(tx, account, &command.intake).await?;
    let intake = intake.ok_or_else(|| Error::field("intake_id", "there is no such intake"))?;
    let relations = authz::to_care(tx, actor, intake.member, intake.provider, intake.room).await?;
    if !authz::may(actor, relations, Right::VisitAdd) {
        return Err(Error::field("intake_id", "there is no such intake"));
    }
    if let Some(used) = intake.visit {
        return Err(intakes::already_used(used));
    }
    check_member(tx, actor, command.member.as_deref(), intake.member).await?;
    let room = match command.room.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => rooms::find_named(tx, account, name).await?,
        None => match intake.room {
            Some(id) => rooms::find(tx, account, id).await?,
            None => return Err(Error::field("room_code", "name the room to wait in")),
        },
    };
    let room = room.filter(|room| room.active).ok_or_else(|| Error::not_found("room"))?;
    if actor.is_page()
        && let Some(waiting) = visits::find_waiting(tx, account, room.id, intake.member).await?
    {
        return Ok(waiting);
    }
    if room.settings.is_closed {
        return Err(Error::invalid("room_closed", room.settings.closed_message()));
    }
    if !room.settings.walkin_enabled {
        return Err(Error::invalid("walkin_disabled", "This room sees patients by appointment only."));
    }
    let provider = command.provider.or(intake.provider);
    if let Some(wanted) = provider {
        let known =
            users::find(tx, account, wanted).await?.is_some_and(|user| user.kind == UserType::Provider);
        if !known {
            return Err(Error::field("provider_id", "there is no such provider"));
        }
    }
    let now = app.clock.now();
    let first = room.settings.consultations.first();
    let new = NewVisit {
        account: account.clone(),
        code: app.random.hex(),
        room: room.id,
        member: intake.member,
        intake: intake.id,
        kind: Kind::WalkIn,
        subtype: Subtype::Video,
        state: State::new(Status::Pending, provider),
        start_at: now,
        duration_minutes: room.settings.walkin_minutes(),
        amount_cents: first.map_or(0, |first| first.amount_cents),
        description: first.map(|first| first.description.clone()).unwrap_or_default(),
        meeting: app.random.hex(),
        at: now,
    };
    let id = visits::add(tx, &new).await?;
    let subject = Subject::visit(id, room.id, new.member, &new.state);
    events::append(tx, app, account, EventType::VisitCreated, subject).await?;
    audit::write(tx, app, actor, "visits.add_walkin", ("visit", id.to_string())).await?;
    Ok(id)
}

// An explicit patient must be the intake's: a visit never mixes two people.
async fn check_member(tx: &mut Tx, actor: &Actor, wanted: Option<&str>, member: UserId) -> Result<()> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty() && *text != "-") else { return Ok(()) };
    match intakes::find_person(tx, &actor.account, wanted).await? {
        Some(user) if user.id == member => Ok(()),
        _ => Err(Error::field("member_id", "the intake belongs to somebody else")),
    }
}

/// A visit, for those who may see it.
///
/// # Errors
/// 401, 404.
pub async fn get(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let found = load(app, actor, id, Right::VisitRead).await?;
    app.reads.note(app, actor, found.member, "visits.get");
    view(app, actor, id).await
}

async fn load(app: &App, actor: &Actor, id: VisitId, right: Right) -> Result<Visit> {
    let mut conn = app.store.reader().await?;
    let found = visits::find(&mut conn, &actor.account, id).await?;
    let Some(found) = found else {
        authz::user(actor)?;
        return Err(Error::not_found("visit"));
    };
    authz::visit(&mut conn, actor, &found, right).await?;
    Ok(found)
}

async fn view(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let row = visit_views::find(&mut conn, &actor.account, id).await?;
    drop(conn);
    let row = row.ok_or_else(|| Error::not_found("visit"))?;
    opened(app, &vault, row)
}

fn opened(app: &App, vault: &bedside_store::Vault, row: Row) -> Result<VisitView> {
    let answers = intakes::open(vault, &row.intake, &row.answers)?.into();
    let member_last_seen = app.presence.last_seen(row.member.id, row.member.last_seen_at);
    Ok(VisitView { row, answers, member_last_seen })
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Which visits; its room is filled from `room`.
    pub filter: Filter,
    /// A room's code or slug.
    pub room: Option<String>,
    /// How to sort; none sorts open visits as a queue and others newest first.
    pub order: Option<Order>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// The caller's visits: patients see their own, providers those of their rooms
/// and their own, admins all.
///
/// # Errors
/// 401, 404 for an unknown room.
pub async fn list(app: &App, actor: &Actor, command: List) -> Result<(Vec<VisitView>, i64)> {
    let (me, kind) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let scope = match kind {
        _ if authz::may(actor, Relations::SAME_ACCOUNT, Right::VisitRead) => Scope::Account,
        UserType::Provider => Scope::Provider(me),
        _ => Scope::Member(me),
    };
    let mut conn = app.store.reader().await?;
    let mut filter = command.filter;
    if let Some(name) = command.room.as_deref().filter(|name| !name.is_empty()) {
        let room = rooms::find_named(&mut conn, &actor.account, name).await?;
        filter.room = Some(room.ok_or_else(|| Error::not_found("room"))?.id);
    }
    let open = |code: &i64| Status::from_code(*code).is_some_and(Status::is_open);
    let queue = !filter.statuses.is_empty() && filter.statuses.iter().all(open);
    let order = command.order.unwrap_or(if queue { Order::Queue } else { Order::Newest });
    let page = (command.offset, command.limit);
    let (rows, total) = visit_views::list(&mut conn, &actor.account, scope, &filter, order, page).await?;
    drop(conn);
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        app.reads.note(app, actor, row.member.id, "visits.list");
        views.push(opened(app, &vault, row)?);
    }
    Ok((views, total))
}

/// A provider takes the visit. A second click changes nothing.
///
/// # Errors
/// 401, 403, 404, 400 `visit_taken`, `visit_for_other_provider`,
/// `visit_closed`.
pub async fn accept(app: &App, actor: &Actor, id: VisitId, confirmed: bool) -> Result<VisitView> {
    let (provider, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitAccept, "visits.accept", Action::Accept { provider, confirmed }).await
}

/// The provider's start takes the visit; the patient's only proves that they
/// are there.
///
/// # Errors
/// As [`accept`].
pub async fn start(app: &App, actor: &Actor, id: VisitId, confirmed: bool) -> Result<VisitView> {
    let (user, kind) = authz::user(actor)?;
    if !kind.is_patient() {
        return accept(app, actor, id, confirmed).await;
    }
    let found = load(app, actor, id, Right::VisitRead).await?;
    if !found.state.status.is_open() {
        return Err(refused(visit::Refusal::Closed));
    }
    app.presence.touch(&actor.account, user, app.clock.now());
    view(app, actor, id).await
}

/// The provider gives the visit back to the queue.
///
/// # Errors
/// 401, 403, 404, 400 `visit_not_in_progress`, `visit_closed`.
pub async fn put_back(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    change(app, actor, id, Right::VisitConduct, "visits.put_back", Action::PutBack).await
}

/// The provider completes the visit.
///
/// # Errors
/// As [`put_back`].
pub async fn complete(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitConduct, "visits.complete", Action::Complete { by }).await
}

/// Somebody leaves the visit: from the queue it is cancelled, from the call
/// only the call is over.
///
/// # Errors
/// 401, 403, 404, 400 `visit_closed`, `visit_not_in_progress`.
pub async fn close(app: &App, actor: &Actor, id: VisitId, reason: CloseReason) -> Result<VisitView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitClose, "visits.close", Action::Close { by, reason }).await
}

fn refused(refusal: visit::Refusal) -> Error {
    Error::invalid(refusal.code(), refusal.to_string())
}

async fn change(
    app: &App,
    actor: &Actor,
    id: VisitId,
    right: Right,
    action_name: &'static str,
    action: Action,
) -> Result<VisitView> {
    let (owner, caller) = (app.clone(), actor.clone());
    let ended = app
        .store
        .write(move |tx| {
            Box::pin(async move { change_in(tx, &owner, &caller, id, right, action_name, action).await })
        })
        .await?;
    if let Some(meeting) = ended {
        // At once for the people in it; the job repeats it after a crash.
        app.calls.end(&meeting).await;
    }
    view(app, actor, id).await
}

// Gives the call to end, when the change ends one.
async fn change_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    id: VisitId,
    right: Right,
    action_name: &'static str,
    action: Action,
) -> Result<Option<String>> {
    // Somebody faster may change the state between the read and the write;
    // then the new state decides.
    for _ in 0..8 {
        let found = visits::find(tx, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
        authz::visit(tx, actor, &found, right).await?;
        let now = app.clock.now();
        let Some(change) = visit::apply(&found.state, action, now).map_err(refused)? else { return Ok(None) };
        if !visits::change(tx, &actor.account, id, &change.state, now).await? {
            continue;
        }
        let subject = Subject::visit(id, found.room, found.member, &change.state);
        events::append(tx, app, &actor.account, change.event, subject).await?;
        audit::write(tx, app, actor, action_name, ("visit", id.to_string())).await?;
        let over = !change.state.status.is_open() || action == Action::PutBack;
        if over {
            calls::schedule_end(tx, app, &actor.account, &found.meeting).await?;
        }
        return Ok(over.then_some(found.meeting));
    }
    Err(Error::Unavailable {
        retry_after_s: 1,
        message: "This visit is changing right now. Try again.".to_owned(),
    })
}
