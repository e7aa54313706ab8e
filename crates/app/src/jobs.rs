//! Jobs: claiming the rows that are due and settling them, and the house's own
//! periodic work. What each kind does is called by the runner in the server.

use bedside_store::{
    billing, call_peers, idempotency,
    jobs::{self, NewJob},
    log_ins, mails, notifications, sessions, tokens, webhook_deliveries,
};

use crate::{App, Error, Result};

pub use bedside_store::jobs::Job;

/// How long a claimed job is ours; a dead worker's jobs come back after it.
const LEASE_SECONDS: i64 = 60;
/// Jobs per claim.
const BATCH: i64 = 20;
/// Longest pause after a failure.
const LONGEST_PAUSE_SECONDS: i64 = 3600;
/// The job that deletes what has expired long ago; also its key, so that one
/// waits at a time.
pub const PURGE: &str = "purge";
/// Tokens and sessions are kept this long after they expired, so that an old
/// one still says "expired".
const KEEP_SECONDS: i64 = 7 * 24 * 3600;
/// From one purge to the next.
const PURGE_EVERY_SECONDS: i64 = 3600;

/// Claims the next few due jobs; looking costs no write.
///
/// # Errors
/// What the store says.
pub async fn claim(app: &App) -> Result<Vec<Job>> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let due = jobs::any_due(&mut conn, now).await?;
    drop(conn);
    if !due {
        return Ok(Vec::new());
    }
    app.store
        .write(move |tx| {
            Box::pin(async move { Ok(jobs::claim(tx, now, now.plus_seconds(LEASE_SECONDS), BATCH).await?) })
        })
        .await
}

/// Deletes a job that was done, or puts one off that failed, with growing
/// pauses.
///
/// # Errors
/// What the store says; the job comes back when its lease is over.
pub async fn settle(app: &App, job: Job, failure: Option<&'static str>) -> Result<()> {
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                match failure {
                    None => jobs::finish(tx, &job).await?,
                    Some(reason) => {
                        let pause = (1_i64 << job.attempts.clamp(0, 12)).min(LONGEST_PAUSE_SECONDS);
                        jobs::put_off(tx, &job, now.plus_seconds(pause), Some(reason)).await?
                    }
                };
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Does the work of a job that takes long, and keeps the job ours meanwhile.
///
/// # Errors
/// What the work says.
pub(crate) async fn holding<T>(app: &App, job: &Job, work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = std::pin::pin!(work);
    let every = std::time::Duration::from_secs(LEASE_SECONDS.unsigned_abs() / 3);
    loop {
        match tokio::time::timeout(every, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                let (job, until) = (job.clone(), app.clock.now().plus_seconds(LEASE_SECONDS));
                app.store
                    .write::<_, Error, _>(move |tx| {
                        Box::pin(async move { Ok(jobs::hold(tx, &job, until).await.map(drop)?) })
                    })
                    .await?;
            }
        }
    }
}

/// Deletes tokens and sessions that expired long ago, and answers that are given
/// again no more.
///
/// # Errors
/// What the store says.
pub async fn purge(app: &App) -> Result<()> {
    let before = app.clock.now().plus_seconds(-KEEP_SECONDS);
    let mails_before = app.clock.now().plus_seconds(-crate::mail::KEEP_SECONDS);
    crate::request_log::purge(app).await?;
    crate::recordings::purge(app).await?;
    let told_before = app.clock.now().plus_seconds(-crate::notifications::KEEP_SECONDS);
    let delivered_before = app.clock.now().plus_seconds(-crate::webhooks::KEEP_SECONDS);
    let keys_before = app.clock.now().plus_seconds(-crate::idempotency::KEEP_SECONDS);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                tokens::purge(tx, before).await?;
                sessions::purge(tx, before).await?;
                log_ins::purge(tx, before).await?;
                mails::purge(tx, mails_before).await?;
                notifications::purge(tx, told_before).await?;
                idempotency::purge(tx, keys_before).await?;
                billing::purge(tx, before).await?;
                call_peers::purge(tx, before).await?;
                webhook_deliveries::purge(tx, delivered_before).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Puts the next purge in, unless one waits already.
///
/// # Errors
/// What the store says.
pub async fn schedule_purge(app: &App) -> Result<()> {
    let now = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(now),
        account: None,
        kind: PURGE.to_owned(),
        payload: serde_json::json!({}),
        run_at: now.plus_seconds(PURGE_EVERY_SECONDS),
        unique_key: Some(PURGE.to_owned()),
        at: now,
    };
    app.store
        .write(move |tx| {
            Box::pin(async move {
                jobs::enqueue(tx, &job).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
