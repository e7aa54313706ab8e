//! Missed appointments: noticed once each, when their end has passed and nobody
//! came to them or took them.

use bedside_model::{AccountId, At, VisitId, event::EventType};
use bedside_store::{appointments, visits};

use super::subject;
use crate::{Actor, App, Error, Result, audit, events};

/// Most appointments that are looked for at once.
const BATCH: i64 = 100;

/// Notices the appointments that were missed until now: an event and an audit
/// entry each, in the change that marks it, so that a crash neither loses nor
/// repeats one and any number of processes may look. Gives how many.
///
/// # Errors
/// What the store says of the search; what fails for one is tried again at the
/// next call.
pub async fn notice_missed(app: &App) -> Result<usize> {
    let mut noticed = 0;
    loop {
        let now = app.clock.now();
        let mut conn = app.store.reader().await?;
        let due = appointments::list_missed(&mut conn, now, BATCH).await?;
        drop(conn);
        let mut settled = 0;
        for (account, visit) in due {
            match notice(app, account, visit, now).await {
                Ok(first) => {
                    settled += 1;
                    noticed += usize::from(first);
                }
                Err(error) => tracing::warn!(%visit, ?error, "a missed appointment waits to be noticed"),
            }
        }
        if settled == 0 {
            return Ok(noticed);
        }
    }
}

/// Gives false when somebody noticed it before, or it is none any more.
async fn notice(app: &App, account: AccountId, id: VisitId, now: At) -> Result<bool> {
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !appointments::mark_missed(tx, &account, id, now).await? {
                    return Ok::<_, Error>(false);
                }
                let visit = visits::find(tx, &account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
                events::append(tx, &owner, &account, EventType::VisitMissed, subject(&visit, None)).await?;
                let actor = Actor::system(account);
                audit::write(tx, &owner, &actor, "visits.missed", ("visit", id.to_string())).await?;
                Ok(true)
            })
        })
        .await
}
