//! Visits: every change of state. The state machine is `model::visit`; here the
//! rows are read, the permission asked, and change, event, audit entry and job
//! written in one transaction. How visits begin is in `walkin` and `econsult`,
//! what is planned anew in `update` and `transfer`, which are shown in `list`.

mod econsult;
mod from_intake;
mod list;
mod scheduled;
mod totals;
mod transfer;
mod update;
mod walkin;

use bedside_model::{
    At, Phi, RoomId, VisitId,
    permission::Action as Right,
    user::UserType,
    visit::{self, Action, CloseReason, EARLY_MINUTES},
};
use bedside_store::{
    Tx, Vault,
    visit_views::{self, VisitView as Row},
    visits::{self, Visit},
};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, audit, authz, calls,
    events::{self, Subject},
    files::{self, FileView},
    intakes,
};

pub use econsult::add_econsult;
pub use from_intake::FromIntake;
pub use list::{List, Listed, list, of_user};
pub use scheduled::{Schedule, Scheduled, add};
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
    /// A past appointment that nobody came to or took.
    pub missed: bool,
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
    let opens_until = now.plus_minutes(EARLY_MINUTES);
    let found = visits::find_current_of(&mut conn, &actor.account, user, opens_until, now).await?;
    drop(conn);
    get(app, actor, found.ok_or_else(|| Error::not_found("visit"))?).await
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
    if intakes::has_attachments(&shown.answers) {
        shown.attachments =
            files::list_of_intake(app, &mut conn, &vault, &actor.account, &shown.row.intake).await?;
    }
    Ok(shown)
}

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
    let staff = !actor.kind().is_some_and(UserType::is_patient);
    let transfer_reason = text(transfer_reason_context(row.id), &row.transfer_reason)?;
    Ok(VisitView {
        answers,
        attachments: Vec::new(),
        remark: text(remark_context(row.id), &row.remark)?,
        transfer_reason: transfer_reason.filter(|_| staff),
        member_last_seen: seen.max(),
        missed: visit::is_missed(&row.state, &row.plan, app.clock.now()),
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

/// Somebody calls off a visit that nobody has taken.
///
/// # Errors
/// 401, 403, 404, 400 `visit_in_progress`, `visit_closed`.
pub async fn cancel(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let (by, _) = authz::user(actor)?;
    change(app, actor, id, Right::VisitCancel, "visits.cancel", Action::Cancel { by }.into()).await
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

fn refused(refusal: visit::Refusal) -> Error {
    Error::invalid(refusal.code(), refusal.to_string())
}

/// What somebody wants of a visit.
enum Command {
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
            Command::Transfer(transfer) => transfer.prepare(tx, app, vault, &found).await?,
            Command::Update(update) => update.prepare(tx, vault, &found, now).await?,
        };
        scheduled::check_change(tx, actor, &found, action, now).await?;
        let change = visit::apply(&found.state, &found.plan, action, now).map_err(refused)?;
        let Some(change) = change else { return Ok(None) };
        if action == Action::Arrive {
            next.waiting_since_at = now;
        }
        (next.state, next.plan) = (change.state.clone(), change.plan);
        if !visits::change(tx, &next, now).await? {
            continue;
        }
        let subject = subject(&next, Some(found.room));
        events::append(tx, app, &actor.account, change.event, subject).await?;
        audit::write(tx, app, actor, name, ("visit", id.to_string())).await?;
        scheduled::follow(tx, app, actor, &found, &next).await?;
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
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
    subject.data.guardian_id = visit.guardian.map(|id| id.to_string());
    subject.data.from_room_id = from.filter(|from| *from != visit.room).map(|id| id.to_string());
    subject
}
