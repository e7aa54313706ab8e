//! `purge`: deletes what has expired long ago (tokens, sessions). One row at a
//! time; each run puts the next one in.

use bedside_app::{App, Error, Result};
use bedside_store::{
    jobs::{self, NewJob},
    sessions, tokens,
};

/// The kind of the job, and its key: one waits at a time.
pub const KIND: &str = "purge";
/// Kept this long after it expired, so that an old one still says "expired".
const KEEP_SECONDS: i64 = 7 * 24 * 3600;
/// From one run to the next.
const EVERY_SECONDS: i64 = 3600;

pub async fn run(app: &App) -> Result<()> {
    let before = app.clock.now().plus_seconds(-KEEP_SECONDS);
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                tokens::purge(tx, before).await?;
                sessions::purge(tx, before).await?;
                Ok(())
            })
        })
        .await
}

/// Puts the next run in, unless one waits already.
pub async fn schedule(app: &App) -> Result<()> {
    let now = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(now),
        account: None,
        kind: KIND.to_owned(),
        payload: serde_json::json!({}),
        run_at: now.plus_seconds(EVERY_SECONDS),
        unique_key: Some(KIND.to_owned()),
        at: now,
    };
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                jobs::enqueue(tx, &job).await?;
                Ok(())
            })
        })
        .await
}
