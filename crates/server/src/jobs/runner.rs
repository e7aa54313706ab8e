//! The runner of job rows: claims what is due, runs it, settles it.

use std::{sync::Arc, time::Duration};

use bedside_app::{
    App, Error, Result, calls,
    jobs::{self, Job},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{calls_end, mail, notify, reminders};

/// How often it looks without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Jobs that wait for other machines, at once. They run beside the others, so
/// that a mail server which does not answer holds up nobody.
const OUTWARD: usize = 16;

pub async fn run(app: App, stopping: CancellationToken) {
    let mut hint = app.store.event_hint();
    let mut look = tokio::time::interval(LOOK_EVERY);
    let (slots, outward) = (Arc::new(Semaphore::new(OUTWARD)), TaskTracker::new());
    if let Err(error) = jobs::schedule_purge(&app).await {
        tracing::warn!(?error, "the purge could not be scheduled");
    }
    loop {
        tokio::select! {
            changed = hint.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
            () = stopping.cancelled() => break,
        }
        if let Err(error) = work(&app, &slots, &outward).await {
            tracing::warn!(?error, "jobs could not be claimed; trying again");
        }
    }
    outward.close();
    outward.wait().await;
}

async fn work(app: &App, slots: &Arc<Semaphore>, outward: &TaskTracker) -> Result<()> {
    loop {
        let claimed = jobs::claim(app).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for job in claimed {
            if !is_outward(&job) {
                finish(app, job).await?;
                continue;
            }
            // A film takes its turn by itself and holds up no letter.
            let slot = match job.kind.as_str() {
                bedside_app::recordings::COMPOSE_JOB => None,
                _ => Some(slots.clone().acquire_owned().await),
            };
            if matches!(slot, Some(Err(_))) {
                return Ok(());
            }
            let app = app.clone();
            outward.spawn(async move {
                if let Err(error) = finish(&app, job).await {
                    tracing::warn!(?error, "a job could not be settled; it comes back");
                }
                drop(slot);
            });
        }
    }
}

/// Does it wait for another machine, or for a program that takes long?
fn is_outward(job: &Job) -> bool {
    matches!(
        job.kind.as_str(),
        calls::END_JOB
            | bedside_app::mail::SEND_JOB
            | bedside_app::notifications::SEND_JOB
            | bedside_app::invoices::SETTLE_JOB
            | bedside_app::recordings::COMPOSE_JOB
    )
}

async fn finish(app: &App, job: Job) -> Result<()> {
    let done = one(app, &job).await;
    if let Err(error) = &done {
        tracing::warn!(kind = job.kind, attempts = job.attempts, ?error, "a job failed");
    }
    let purged = job.kind == jobs::PURGE && done.is_ok();
    jobs::settle(app, job, done.err().map(|error| error.code().unwrap_or("internal"))).await?;
    if purged {
        jobs::schedule_purge(app).await?;
    }
    Ok(())
}

async fn one(app: &App, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        calls::END_JOB => calls_end::run(app, job).await,
        bedside_app::mail::SEND_JOB => mail::run(app, job).await,
        bedside_app::files::SWEEP_JOB => bedside_app::files::sweep(app, job).await,
        bedside_app::notifications::SEND_JOB | bedside_app::notifications::ALERT_JOB => {
            notify::run(app, job).await
        }
        bedside_app::interpreters::NEXT_JOB => bedside_app::interpreters::next(app, job).await,
        bedside_app::invoices::SETTLE_JOB => bedside_app::invoices::run(app, job).await,
        bedside_app::recordings::COMPOSE_JOB => bedside_app::recordings::compose(app, job).await,
        bedside_app::reminders::SEND_JOB => reminders::run(app, job).await,
        jobs::PURGE => jobs::purge(app).await,
        _ => Err(Error::invalid("unknown_job", "This version does not know this kind of job.")),
    }
}
