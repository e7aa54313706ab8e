//! Visits: every change of state. The state machine is `model::visit`; here the
//! rows are read, the permission asked, and change, event, audit entry and job
//! written in one transaction. How visits begin is in `walkin` and `econsult`,
//! what is planned anew in `update` and `transfer`, which are shown in `list`.

mod appointment;
mod away;
mod callback;
mod econsult;
mod from_intake;
mod list;
mod missed;
mod rejoin;
mod scheduled;
mod series;
mod totals;
mod transfer;
mod update;
mod walkin;

use bedside_model::{
    At, Phi, RoomId, VisitId,
    permission::Action as Right,
    queue::Presence,
    user::UserType,
    visit::{self, Action, CloseReason, Refusal},
};
use bedside_store::{
    Tx, Vault,
    appointments::{self, Current},
    visit_views::{self, VisitView as Row},
    visits::{self, Visit},
};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, authz, calls, consents,
    events::{self, Subject},
    files::{self, FileView},
    intakes, links, rooms,
};

use appointment::Liberty;
pub use away::{release_places, tell_next};
pub(crate) use callback::address_of;
pub use callback::{CallbackView, Leave, get_callback, leave_and_call, stay};
pub use econsult::add_econsult;
pub use from_intake::FromIntake;
pub use list::{List, Listed, list, of_user};
pub use missed::notice_missed;
pub use rejoin::rejoin;
pub use scheduled::{Schedule, Scheduled, add};
pub use series::{Changed, Scope};
pub use totals::Totals;
pub use transfer::{Transfer, transfer};
pub use update::{Update, update};
pub use walkin::{add_walkin, arrive};

/// A visit as it is shown, answers opened.
#[derive(Debug, Clone)]
pub struct VisitView {
    /// The joined rows.
    pub row: Row,
    /// What the patient said.
    pub answers: Phi<Map<String, Value>>,
    /// The files that came with it; none in a list.
    pub attachments: Vec<FileView>,
    /// What staff wrote about it.
    pub remark: Option<Phi<String>>,
    /// Why it was handed over last; only for staff.
    pub transfer_reason: Option<Phi<String>>,
    /// When the patient's page, or that of whoever brought them, was last heard
    /// from.
    pub member_last_seen: Option<At>,
    /// Is the patient there? None while they do not wait.
    pub presence: Option<Presence>,
    /// By how much the provider runs late.
    pub late_minutes: i64,
    /// A past appointment that nobody came to or took.
    pub missed: bool,
    /// From when the patient of an appointment may enter.
    pub can_start_at: Option<At>,
    /// The caller may move or cancel this appointment now.
    pub can_change: bool,
    /// Opens it without a login; only for staff, in a view of this visit alone.
    pub link_url: Option<Phi<String>>,
}

/// A visit, for those who may see it.
///
/// # Errors
/// 401, 404.
pub async fn get(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let found = load(app, actor, id, Right::VisitRead).await?;
    away::heard(app, actor);
    app.reads.note(app, actor, found.member, "visits.get");
    view(app, actor, id).await
}

/// The visit that the calling patient, or somebody they brought, waits for or
/// is in now.
///
/// # Errors
/// 401, 404.
pub async fn in_progress(app: &App, actor: &Actor) -> Result<VisitView> {
    let (user, kind) = authz::user(actor)?;
    if !kind.is_patient() {
        return Err(Error::not_found("visit"));
    }
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let until = now.plus_minutes(LONGEST_WINDOW_MINUTES);
    let found = appointments::list_current_of(&mut conn, &actor.account, user, until, now).await?;
    drop(conn);
    let open = |of: &Current| of.is_here || visit::opens_at(&of.plan, &of.booking).is_none_or(|at| at <= now);
    let current = found.into_iter().find(open).ok_or_else(|| Error::not_found("visit"))?;
    get(app, actor, current.id).await
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
    let row = row.ok_or_else(|| Error::not_found("visit"))?;
    let mut shown = opened(app, actor, &vault, row)?;
    shown.link_url = links::shown(app, actor, &vault, &shown.row)?;
    rooms::Delays::read(&mut conn, &actor.account, app.clock.now())
        .await?
        .tell(std::slice::from_mut(&mut shown));
    if intakes::has_attachments(&shown.answers) {
        shown.attachments =
            files::list_of_intake(app, &mut conn, &vault, &actor.account, &shown.row.intake).await?;
    }
    Ok(shown)
}

/// The longest start window that a room can have, in minutes.
const LONGEST_WINDOW_MINUTES: i64 = 24 * 60;

fn remark_context(id: VisitId) -> String {
    format!("visits.remark:{id}")
}

fn transfer_reason_context(id: VisitId) -> String {
    format!("visits.transfer_reason:{id}")
}

fn opened(app: &App, actor: &Actor, vault: &Vault, row: Row) -> Result<VisitView> {
    let answers = intakes::open(vault, &row.intake, &row.answers)?.into();
    let stored = row.guardian.iter().chain([&row.member]);
    let seen = stored.filter_map(|person| app.presence.last_seen(person.id, person.last_seen_at));
    let text = |context: String, sealed: &Option<_>| {
        sealed.as_ref().map(|sealed| vault.open_text(&context, sealed).map(Phi::from)).transpose()
    };
    let (staff, now) = (!actor.kind().is_some_and(UserType::is_patient), app.clock.now());
    let transfer_reason = text(transfer_reason_context(row.id), &row.transfer_reason)?;
    Ok(VisitView {
        answers,
        attachments: Vec::new(),
        remark: text(remark_context(row.id), &row.remark)?,
        transfer_reason: transfer_reason.filter(|_| staff),
        // Patients know of themselves; a page that polls would never get the same answer twice.
        member_last_seen: seen.max().filter(|_| staff),
        presence: away::presence(app, &row, now),
        late_minutes: 0,
        missed: visit::is_missed(&row.state, &row.plan, now),
        can_start_at: visit::opens_at(&row.plan, &row.booking),
        can_change: appointment::can_change(actor, &row, now),
        link_url: None,
        row,
    })
}

/// A provider takes the visit. A second click changes nothing.
///
/// # Errors
/// 401, 403, 404, 400 `visit_taken`, `visit_for_other_provider`,
/// `visit_closed`.
pub async fn accept(app: &App, actor: &Actor, id: VisitId, confirmed: bool) -> Result<VisitView> {
    let (provider, _) = authz::user(actor)?;
    let action = Action::Accept { provider, confirmed };
    change(app, actor, id, Right::VisitAccept, "visits.accept", action.into()).await
}

/// The provider's start takes the visit; the patient's only proves that they
/// are there.
///
/// # Errors
/// As [`accept`], and for the patient `appointment_too_early` (with
/// `can_start_at`) and `consent_missing`.
pub async fn start(app: &App, actor: &Actor, id: VisitId, confirmed: bool) -> Result<VisitView> {
    let (user, kind) = authz::user(actor)?;
    if !kind.is_patient() {
        return accept(app, actor, id, confirmed).await;
    }
    let found = load(app, actor, id, Right::VisitRead).await?;
    if !found.state.status.is_open() {
        return Err(Error::invalid(Refusal::Closed.code(), Refusal::Closed.to_string()));
    }
    appointment::check_start(app, &found).await?;
    consents::check_visit(&mut app.store.reader().await?, app, actor, &found).await?;
    app.presence.touch(&actor.account, user, app.clock.now());
    view(app, actor, id).await
}

/// An appointment is made sure of.
///
/// # Errors
/// 401, 403, 404, 400 `not_an_appointment`, `visit_in_progress`,
/// `visit_closed`.
pub async fn confirm(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    change(app, actor, id, Right::VisitConfirm, "visits.confirm", Action::Confirm.into()).await
}

/// The provider gives the visit back to the queue.
///
/// # Errors
/// 401, 403, 404, 400 `visit_not_in_progress`, `visit_closed`.
pub async fn put_back(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    change(app, actor, id, Right::VisitConduct, "visits.put_back", Action::PutBack.into()).await
}

/// The provider completes the visit.
///
/// # Errors
/// As [`put_back`].
pub async fn complete(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitConduct, "visits.complete", Action::Complete { by }.into()).await
}

/// Completes a visit within a change that does more. Gives the call to end
/// afterwards.
pub(crate) async fn complete_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    id: VisitId,
) -> Result<Option<String>> {
    let (by, _) = authz::user(actor)?;
    let command = Action::Complete { by }.into();
    change_in(tx, app, actor, vault, id, Right::VisitConduct, "visits.complete", &command).await
}

/// Somebody calls off a visit that nobody has taken, and those of its series
/// that `scope` names.
///
/// # Errors
/// 401, 403, 404, 400 `visit_in_progress`, `visit_closed`.
pub async fn cancel(app: &App, actor: &Actor, id: VisitId, scope: Scope) -> Result<Changed> {
    let (by, _) = authz::user(actor)?;
    series::run(app, actor, id, Right::VisitCancel, series::Deed::Cancel(Action::Cancel { by }), scope).await
}

/// Somebody leaves the visit: from the queue it is cancelled, from the call
/// only the call is over.
///
/// # Errors
/// 401, 403, 404, 400 `visit_closed`, `visit_not_in_progress`.
pub async fn close(app: &App, actor: &Actor, id: VisitId, reason: CloseReason) -> Result<VisitView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitClose, "visits.close", Action::Close { by, reason }.into()).await
}

/// What somebody wants of a visit.
enum Command {
    /// To wait at the time of an appointment.
    Arrive,
    /// What the state machine needs nothing else for.
    Plain(Action),
    /// Another room or provider.
    Transfer(Transfer),
    /// Another plan.
    Update(Update),
}

impl From<Action> for Command {
    fn from(action: Action) -> Self {
        Self::Plain(action)
    }
}

async fn change(
    app: &App,
    actor: &Actor,
    id: VisitId,
    right: Right,
    name: &'static str,
    command: Command,
) -> Result<VisitView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let ended = app
        .store
        .write(move |tx| {
            Box::pin(async move { change_in(tx, &owner, &caller, &vault, id, right, name, &command).await })
        })
        .await?;
    if let Some(meeting) = ended {
        // At once for the people in it; the job repeats it after a crash.
        app.calls.end(&meeting).await;
    }
    view(app, actor, id).await
}

// Gives the call to end, when the change ends one.
#[expect(clippy::too_many_arguments, reason = "what a transaction needs, handed on once")]
async fn change_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    id: VisitId,
    right: Right,
    name: &'static str,
    command: &Command,
) -> Result<Option<String>> {
    // Somebody faster may change the state between the read and the write;
    // then the new state decides.
    for _ in 0..8 {
        let found = visits::find(tx, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
        authz::visit(tx, actor, &found, right).await?;
        let now = app.clock.now();
        let (mut next, action) = match command {
            Command::Plain(action) => (found.clone(), *action),
            Command::Arrive => (found.clone(), appointment::arrival(tx, &found).await?),
            Command::Transfer(transfer) => transfer.prepare(tx, app, vault, &found).await?,
            Command::Update(update) => update.prepare(tx, vault, &found, now).await?,
        };
        appointment::check_change(tx, actor, &found, action, now).await?;
        let change = visit::apply(&found.state, &found.plan, action, now)
            .map_err(|refusal| appointment::refused(refusal, action))?;
        let Some(change) = change else { return Ok(None) };
        if matches!(action, Action::Arrive { .. }) {
            consents::check_visit(tx, app, actor, &found).await?;
            next.waiting_since_at = now;
        }
        (next.state, next.plan) = (change.state.clone(), change.plan);
        if !visits::change(tx, &next, now).await? {
            continue;
        }
        let subject = subject(&next, Some(found.room));
        events::append(tx, app, &actor.account, change.event, subject.by(actor)).await?;
        let (liberty, reason) = match command {
            Command::Update(update) => (update.liberty(actor, &next)?, &update.reason),
            _ => (Liberty::of_handover(&next), &None),
        };
        let over = appointment::follow(tx, app, &actor.account, (&found, &next), liberty).await?;
        let over = over.as_ref().map(|(desk, booking)| (desk, booking));
        let name = if over.is_some() && name == "visits.update" { "visits.override" } else { name };
        appointment::note(tx, app, actor, (name, id), (vault, reason), over).await?;
        let over = change.ends_call(&found.state);
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

/// A visit as the subject of an event; `from` is the room it was in before.
fn subject(visit: &Visit, from: Option<RoomId>) -> Subject {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state).planned(&visit.plan);
    subject.data.guardian_id = visit.guardian.map(|id| id.to_string());
    subject.data.from_room_id = from.filter(|from| *from != visit.room).map(|id| id.to_string());
    subject
}
