//! Patients whose page fell silent: whether they count as there, whose place is
//! given up, and who is told that it is nearly their turn.

use bedside_model::{
    AccountId, At, VisitId,
    event::EventType,
    permission::Action as Right,
    queue::{PRESENT_SECONDS, Presence, Waiting},
    user::UserType,
    visit::{Action, CloseReason, Kind, Status},
};
use bedside_store::{
    queue::{self, Silent},
    visit_views::VisitView as Row,
    visits,
};

use super::{Command, change_in, subject};
use crate::{Actor, App, Error, Result, audit, events};

/// Most visits that are looked at in one query.
const BATCH: i64 = 200;

/// A patient's own call says that they are there.
pub(super) fn heard(app: &App, actor: &Actor) {
    if let Some(user) = actor.user().filter(|_| actor.kind().is_some_and(UserType::is_patient)) {
        app.presence.touch(&actor.account, user, app.clock.now());
    }
}

/// Is the patient of this visit there? None while they do not wait.
pub(super) fn presence(app: &App, row: &Row, now: At) -> Option<Presence> {
    let waits = matches!(row.state.status, Status::Pending | Status::Confirmed)
        && (row.plan.kind == Kind::WalkIn || row.state.arrived_at.is_some());
    let people = row.guardian.iter().chain([&row.member]);
    let waiting = Waiting {
        since_at: row.waiting_since_at,
        heard_at: people.filter_map(|person| app.presence.last_seen(person.id, person.last_seen_at)).max(),
        changed_at: row.updated_at,
        listening_at: app.listening_at,
        called_until_at: row.callback.map(|(_, until)| until),
        grace_minutes: row.grace_minutes,
    };
    waits.then(|| waiting.presence(now))
}

/// Rows, and what this server has heard since.
fn judged(app: &App, silent: &Silent, now: At) -> Presence {
    let heard = silent.people.iter().filter_map(|(user, seen)| app.presence.last_seen(*user, *seen));
    let waiting = Waiting { heard_at: heard.max(), listening_at: app.listening_at, ..silent.waiting };
    waiting.presence(now)
}

/// Gives up the places of those whose page has been silent for longer than
/// their room keeps them: a walk-in is closed as left, an appointment stands
/// and its patient may come again. Each in a change of its own that looks once
/// more, so that any number of processes may look. Gives how many.
///
/// # Errors
/// What the store says of the search; what fails for one is tried again at the
/// next call.
pub async fn release_places(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let (mut released, mut after) = (0, VisitId(0));
    loop {
        let mut conn = app.store.reader().await?;
        let before = now.plus_seconds(-PRESENT_SECONDS);
        let silent = queue::list_silent(&mut conn, before, after, BATCH).await?;
        drop(conn);
        let Some(last) = silent.last() else { return Ok(released) };
        after = last.visit;
        for one in silent {
            if !matches!(judged(app, &one, now), Presence::Gone { .. }) {
                continue;
            }
            match release(app, one.account, one.visit).await {
                Ok(done) => released += usize::from(done),
                Err(error) => tracing::warn!(visit = %one.visit, ?error, "a place waits to be given up"),
            }
        }
    }
}

/// Gives false when they came back, or somebody was faster.
async fn release(app: &App, account: AccountId, id: VisitId) -> Result<bool> {
    let vault = app.store.vault(&account).await?;
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(silent) = queue::find_waiting(tx, &account, id).await? else { return Ok(false) };
                if !matches!(judged(&owner, &silent, owner.clock.now()), Presence::Gone { .. }) {
                    return Ok(false);
                }
                let Some(visit) = visits::find(tx, &account, id).await? else { return Ok(false) };
                let action = match visit.plan.kind {
                    Kind::Scheduled => Action::StepOut,
                    _ => Action::Close { by: visit.member, reason: CloseReason::PatientExitRoom },
                };
                let actor = Actor::system(account);
                let command = Command::Plain(action);
                change_in(tx, &owner, &actor, &vault, id, Right::VisitClose, "visits.gone", &command).await?;
                queue::delete_callback(tx, &actor.account, id).await?;
                Ok::<_, Error>(true)
            })
        })
        .await
}

/// Tells those who are away, and asked to be called, once that they are next.
/// Gives how many.
///
/// # Errors
/// As [`release_places`].
pub async fn tell_next(app: &App) -> Result<usize> {
    let (mut told, mut after) = (0, VisitId(0));
    loop {
        let mut conn = app.store.reader().await?;
        let page = queue::list_untold(&mut conn, after, BATCH).await?;
        let Some((_, last)) = page.last() else { return Ok(told) };
        after = *last;
        let mut next = Vec::new();
        for (account, visit) in page {
            let Some(silent) = queue::find_waiting(&mut conn, &account, visit).await? else { continue };
            // In front of the page they see it there.
            if judged(app, &silent, app.clock.now()) != Presence::Present
                && visits::count_ahead(&mut conn, &account, visit).await? == 0
            {
                next.push((account, visit));
            }
        }
        drop(conn);
        for (account, visit) in next {
            match tell(app, account, visit).await {
                Ok(first) => told += usize::from(first),
                Err(error) => tracing::warn!(%visit, ?error, "somebody waits to be told that they are next"),
            }
        }
    }
}

async fn tell(app: &App, account: AccountId, id: VisitId) -> Result<bool> {
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !queue::mark_told(tx, &account, id, owner.clock.now()).await? {
                    return Ok::<_, Error>(false);
                }
                let visit = visits::find(tx, &account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
                events::append(tx, &owner, &account, EventType::VisitNextInLine, subject(&visit, None))
                    .await?;
                let actor = Actor::system(account);
                audit::write(tx, &owner, &actor, "visits.next_in_line", ("visit", id.to_string())).await?;
                Ok(true)
            })
        })
        .await
}
