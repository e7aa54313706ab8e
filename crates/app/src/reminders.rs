//! Reminders: one job per appointment, time and lead. A job that finds its
//! appointment moved, cancelled or begun says nothing; the new time has jobs of
//! its own.

use bedside_model::{
    AccountId, At, VisitId,
    notification::{Kind, is_to_be_sent, remind_at},
    visit::Status,
};
use bedside_store::{
    Tx,
    jobs::{self, Job, NewJob},
    notifications as rows, visits,
    visits::Visit,
};
use serde_json::{Value, json};

use crate::{
    App, Error, Result,
    notifications::{self, Fact},
};

/// The job that reminds of an appointment.
pub const SEND_JOB: &str = "reminders.send";

/// Plans the reminders of an appointment's time, inside a change.
pub(crate) async fn schedule(tx: &mut Tx, app: &App, account: &AccountId, visit: &Visit) -> Result<()> {
    let now = app.clock.now();
    let start = visit.plan.start_at;
    for minutes in rows::find_wishes(tx, account).await?.reminders {
        let Some(run_at) = remind_at(start, minutes, now) else { continue };
        let job = NewJob {
            id: app.random.uuid(now),
            account: Some(account.clone()),
            kind: SEND_JOB.to_owned(),
            payload: json!({ "visit_id": visit.id.0, "start": start.0, "minutes": minutes }),
            run_at,
            unique_key: Some(name(visit.id, start, minutes)),
            at: now,
        };
        jobs::enqueue(tx, &job).await?;
    }
    Ok(())
}

fn name(visit: VisitId, start: At, minutes: i64) -> String {
    format!("reminder:{visit}:{}:{minutes}", start.0)
}

/// Reminds of an appointment, if it still is at that time.
///
/// # Errors
/// What the store says; the job is tried again.
pub async fn send(app: &App, job: &Job) -> Result<()> {
    let number = |name: &str| job.payload.get(name).and_then(Value::as_i64);
    let (Some(visit), Some(start), Some(minutes), Some(account)) =
        (number("visit_id"), number("start"), number("minutes"), job.account.clone())
    else {
        return Err(Error::invalid("bad_job", "The job names no appointment."));
    };
    let (owner, start) = (app.clone(), At(start));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(visit) = visits::find(tx, &account, VisitId(visit)).await? else { return Ok(()) };
                let stands = matches!(visit.state.status, Status::Pending | Status::Confirmed)
                    && visit.state.arrived_at.is_none()
                    && visit.plan.start_at == start;
                let wanted = rows::find_wishes(tx, &account).await?.reminders;
                let due =
                    wanted.contains(&minutes) && is_to_be_sent(start, minutes, &wanted, owner.clock.now());
                if !stands || !due {
                    return Ok(());
                }
                let fact = Fact {
                    expires_at: Some(start),
                    ..Fact::of_visit(name(visit.id, start, minutes), Kind::Reminder, visit.id)
                };
                let patient = notifications::patient(&visit);
                notifications::tell_user(tx, &owner, &account, patient, &fact).await
            })
        })
        .await
}
