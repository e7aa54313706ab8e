//! The runner of job rows: claims what is due, runs it, settles it.

use std::time::Duration;

use bedside_app::{
    App, Error, Result, calls,
    jobs::{self, Job},
};
use tokio_util::sync::CancellationToken;

use super::{calls_end, mail};

/// How often it looks without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut hint = app.store.event_hint();
    let mut look = tokio::time::interval(LOOK_EVERY);
    if let Err(error) = jobs::schedule_purge(&app).await {
        tracing::warn!(?error, "the purge could not be scheduled");
    }
    loop {
        tokio::select! {
            changed = hint.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = work(&app).await {
            tracing::warn!(?error, "jobs could not be claimed; trying again");
        }
    }
}

async fn work(app: &App) -> Result<()> {
    loop {
        let claimed = jobs::claim(app).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for job in claimed {
            let done = one(app, &job).await;
            if let Err(error) = &done {
                tracing::warn!(kind = job.kind, attempts = job.attempts, ?error, "a job failed");
            }
            let purged = job.kind == jobs::PURGE && done.is_ok();
            jobs::settle(app, job, done.err().map(|error| error.code().unwrap_or("internal"))).await?;
            if purged {
                jobs::schedule_purge(app).await?;
            }
        }
    }
}

async fn one(app: &App, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        calls::END_JOB => calls_end::run(app, job).await,
        bedside_app::mail::SEND_JOB => mail::run(app, job).await,
        bedside_app::files::SWEEP_JOB => bedside_app::files::sweep(app, job).await,
        jobs::PURGE => jobs::purge(app).await,
        _ => Err(Error::invalid("unknown_job", "This version does not know this kind of job.")),
    }
}
