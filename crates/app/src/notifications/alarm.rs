//! The alert list of a room: when nobody takes a waiting patient, the next
//! person on the list is told, one after another, until somebody does.

use bedside_model::{
    AccountId, At, UserId, VisitId,
    notification::{Kind, Told},
};
use bedside_store::{
    Tx,
    jobs::{self, Job, NewJob},
    rooms, visits,
    visits::Visit,
};
use serde_json::{Value, json};

use super::{Fact, tell_user};
use crate::{App, Error, Result};

/// The job that tells the next person of a room's alert list.
pub const ALERT_JOB: &str = "notify.alert";

/// Plans the first alert, when the room has a list.
pub(super) async fn schedule(tx: &mut Tx, app: &App, account: &AccountId, visit: &Visit) -> Result<()> {
    let told = Told::of(&visit.plan, &visit.state, visit.waiting_since_at);
    let Some(since) = told.waiting_at else { return Ok(()) };
    next(tx, app, account, visit, since, 0).await
}

async fn next(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    visit: &Visit,
    since: At,
    step: i64,
) -> Result<()> {
    let Some(room) = rooms::find(tx, account, visit.room).await? else { return Ok(()) };
    let alerts = &room.settings.alerts;
    let there = usize::try_from(step).is_ok_and(|step| step < alerts.user_ids.len());
    if alerts.after_minutes <= 0 || !there {
        return Ok(());
    }
    let now = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(now),
        account: Some(account.clone()),
        kind: ALERT_JOB.to_owned(),
        payload: json!({ "visit_id": visit.id.0, "since": since.0, "step": step }),
        run_at: since.plus_minutes(alerts.after_minutes * (step + 1)),
        unique_key: Some(format!("alert:{}:{}:{step}", visit.id, since.0)),
        at: now,
    };
    jobs::enqueue(tx, &job).await?;
    Ok(())
}

/// Tells the next person of the list, unless somebody came meanwhile.
///
/// # Errors
/// What the store says; the job is tried again.
pub async fn alert(app: &App, job: &Job) -> Result<()> {
    let number = |name: &str| job.payload.get(name).and_then(Value::as_i64);
    let (Some(visit), Some(since), Some(step), Some(account)) =
        (number("visit_id"), number("since"), number("step"), job.account.clone())
    else {
        return Err(Error::invalid("bad_job", "The job names no visit."));
    };
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(visit) = visits::find(tx, &account, VisitId(visit)).await? else { return Ok(()) };
                let told = Told::of(&visit.plan, &visit.state, visit.waiting_since_at);
                // Taken, left, or waiting anew: this list has ended.
                if told.waiting_at != Some(At(since)) {
                    return Ok(());
                }
                let Some(room) = rooms::find(tx, &account, visit.room).await? else { return Ok(()) };
                let person = usize::try_from(step).ok().and_then(|at| room.settings.alerts.user_ids.get(at));
                if let Some(person) = person {
                    let source = format!("alert:{}:{since}:{step}", visit.id);
                    let fact = Fact::of_visit(source, Kind::StillWaiting, visit.id);
                    tell_user(tx, &owner, &account, UserId(*person), &fact).await?;
                }
                next(tx, &owner, &account, &visit, At(since), step + 1).await
            })
        })
        .await
}
