//! The runner of job rows: claims what is due, runs it, deletes it; a failure
//! is put off with growing pauses.

use std::time::Duration;

use bedside_app::{App, Error, Result, calls};
use bedside_store::jobs::{self, Job};
use tokio_util::sync::CancellationToken;

use super::{calls_end, purge};

/// How often it looks without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a claimed job is ours; a dead worker's jobs come back after it.
const LEASE_SECONDS: i64 = 60;
/// Jobs per claim.
const BATCH: i64 = 20;
/// Longest pause after a failure.
const LONGEST_PAUSE_SECONDS: i64 = 3600;

pub async fn run(app: App, stopping: CancellationToken) {
    let mut hint = app.store.event_hint();
    let mut look = tokio::time::interval(LOOK_EVERY);
    if let Err(error) = purge::schedule(&app).await {
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
        let now = app.clock.now();
        if !jobs::any_due(&mut app.store.reader().await?, now).await? {
            return Ok(());
        }
        let claimed = app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(jobs::claim(tx, now, now.plus_seconds(LEASE_SECONDS), BATCH).await?) })
            })
            .await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for job in claimed {
            let done = one(app, &job).await;
            settle(app, job, done).await?;
        }
    }
}

async fn one(app: &App, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        calls::END_JOB => calls_end::run(app, job).await,
        purge::KIND => purge::run(app).await,
        _ => Err(Error::invalid("unknown_job", "This version does not know this kind of job.")),
    }
}

async fn settle(app: &App, job: Job, done: Result<()>) -> Result<()> {
    let purged = job.kind == purge::KIND && done.is_ok();
    let now = app.clock.now();
    if let Err(error) = &done {
        tracing::warn!(kind = job.kind, attempts = job.attempts, ?error, "a job failed");
    }
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                match done {
                    Ok(()) => jobs::finish(tx, &job).await?,
                    Err(error) => {
                        let pause = (1_i64 << job.attempts.clamp(0, 12)).min(LONGEST_PAUSE_SECONDS);
                        let reason = error.code().unwrap_or("internal");
                        jobs::put_off(tx, &job, now.plus_seconds(pause), Some(reason)).await?
                    }
                };
                Ok(())
            })
        })
        .await?;
    if purged {
        purge::schedule(app).await?;
    }
    Ok(())
}
