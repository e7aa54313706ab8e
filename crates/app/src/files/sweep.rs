//! The job that deletes content without a row. One is written before an upload
//! begins, for later: whatever becomes of the upload, nothing stays that
//! nobody can find. Another one is written with every deletion, for now.

use bedside_model::{AccountId, At, FileId};
use bedside_store::{
    files,
    jobs::{Job, NewJob},
    recordings,
};

use crate::{App, Error, Result, ports::files::Place};

/// The job's kind.
pub const SWEEP_JOB: &str = "files.sweep";

pub(super) fn job(app: &App, account: &AccountId, id: &FileId, run_at: At) -> NewJob {
    let at = app.clock.now();
    NewJob {
        id: app.random.uuid(at),
        account: Some(account.clone()),
        kind: SWEEP_JOB.to_owned(),
        payload: serde_json::json!({ "file_id": id }),
        run_at,
        unique_key: None,
        at,
    }
}

/// The job for content that is being written.
pub(crate) fn later(app: &App, account: &AccountId, id: &FileId) -> NewJob {
    job(app, account, id, app.clock.now().plus_seconds(2 * super::upload::LONGEST_SECONDS))
}

/// The job for content that was deleted.
pub(crate) fn now(app: &App, account: &AccountId, id: &FileId) -> NewJob {
    job(app, account, id, app.clock.now())
}

/// Deletes the content that a job names, unless it has a row.
///
/// # Errors
/// What the store or the port says; the job is tried again.
pub async fn sweep(app: &App, job: &Job) -> Result<()> {
    let bad = || Error::invalid("bad_job", "The job names no file.");
    let account = job.account.as_ref().ok_or_else(bad)?;
    let id: FileId = job.payload["file_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(bad)?;
    let mut conn = app.store.reader().await?;
    let kept = files::exists(&mut conn, account, &id).await?
        || recordings::has_file(&mut conn, account, &id).await?;
    drop(conn);
    if !kept {
        app.files.delete(&Place::new(account, &id)).await?;
    }
    Ok(())
}
