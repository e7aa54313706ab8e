//! Recordings whose time is over, and those that somebody deletes: contents and
//! keys go, the row that there was one stays.

use bedside_model::recording::{Fact, Status};
use bedside_store::{
    recordings::{self, Recording},
    visits,
    visits::Visit,
};

use super::conduct::tell;
use crate::{Actor, App, Error, Result, audit, files, ports::files::Place};

/// Recordings of one clinic that are deleted in one go.
const BATCH: i64 = 100;
const DAY: i64 = 24 * 3600;

/// Deletes the recordings that their clinics do not want to keep any longer.
/// Gives how many there were.
///
/// # Errors
/// What the store says; the rest goes next time.
pub async fn purge(app: &App) -> Result<usize> {
    let mut conn = app.store.reader().await?;
    let accounts = recordings::list_keeping(&mut conn).await?;
    drop(conn);
    let mut gone = 0;
    for account in accounts {
        let mut conn = app.store.reader().await?;
        let days = recordings::policy(&mut conn, &account).await?.retention_days;
        let before = app.clock.now().plus_seconds(-days * DAY);
        let over = recordings::list_over(&mut conn, &account, before, BATCH).await?;
        drop(conn);
        for recording in over {
            let mut conn = app.store.reader().await?;
            let visit = visits::find(&mut conn, &account, recording.visit).await?;
            drop(conn);
            let Some(visit) = visit else { continue };
            remove(app, &Actor::system(account.clone()), recording, &visit, "recordings.purge").await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Deletes a recording's contents and says so.
///
/// # Errors
/// 400 `recording_runs` while it is not over.
pub(super) async fn remove(
    app: &App,
    actor: &Actor,
    recording: Recording,
    visit: &Visit,
    action: &'static str,
) -> Result<()> {
    let Some((status, _)) = recording.status.after(Fact::Deleted) else {
        return Err(Error::invalid("recording_runs", "This recording is not over yet. End it first."));
    };
    let mut conn = app.store.reader().await?;
    let contents = recordings::list_files(&mut conn, &recording.account, recording.id).await?;
    drop(conn);
    let at = app.clock.now();
    let from = recording.status;
    let next = Recording { status, reason: None, deleted_at: Some(at), tracks: Vec::new(), ..recording };
    let sweeps: Vec<_> = contents.iter().map(|one| files::sweep_now(app, &one.account, &one.id)).collect();
    let (owner, caller, visit, row) = (app.clone(), actor.clone(), visit.clone(), next.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !recordings::change(tx, &row, from, at).await? {
                    return Ok(());
                }
                recordings::delete_files(tx, &row.account, row.id).await?;
                for job in &sweeps {
                    bedside_store::jobs::enqueue(tx, job).await?;
                }
                tell(tx, &owner, &visit, row.id, Status::Deleted, None).await?;
                audit::write(tx, &owner, &caller, action, ("recording", row.id.to_string())).await
            })
        })
        .await?;
    for one in contents {
        if let Err(error) = app.files.delete(&Place::new(&one.account, &one.id)).await {
            // Without its key it is noise already; the job tries again.
            tracing::warn!(%error, "a deleted recording's content is left to the sweep");
        }
    }
    Ok(())
}
