//! A recording follows its call: who comes late is asked, who leaves is waited
//! for no more, and with the last one it ends. What a crash cut off is put
//! together at the next start.

use bedside_model::{
    AccountId, UserId,
    call::user_of,
    recording::{Fact, Status},
    visit::Status as VisitStatus,
};
use bedside_store::{
    recordings::{self, Mark, Recording},
    rooms, visits,
    visits::Visit,
};

use super::conduct::{advance, ask, folder_of, move_on, present, tell};
use crate::{Actor, App, Error, Result};

async fn running(app: &App, call: &str) -> Result<Option<(Visit, Option<Recording>)>> {
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find_by_meeting(&mut conn, call).await? else { return Ok(None) };
    let recording = recordings::find_running(&mut conn, &visit.account, visit.id).await?;
    Ok(Some((visit, recording)))
}

/// Somebody came into a call: they are asked, and nothing of them is recorded
/// before they agree.
///
/// # Errors
/// What the store says.
pub async fn joined(app: &App, call: &str, who: &str) -> Result<()> {
    let Some(user) = user_of(who) else { return Ok(()) };
    let Some((visit, recording)) = running(app, call).await? else { return Ok(()) };
    let Some(recording) = recording else { return ask_by_setting(app, &visit).await };
    note(app, &visit, &recording, user, true).await?;
    advance(app, &visit.account, recording.id).await
}

/// Somebody left a call.
///
/// # Errors
/// What the store says.
pub async fn left(app: &App, call: &str, who: &str) -> Result<()> {
    let Some(user) = user_of(who) else { return Ok(()) };
    let Some((visit, Some(recording))) = running(app, call).await? else { return Ok(()) };
    note(app, &visit, &recording, user, false).await?;
    advance(app, &visit.account, recording.id).await
}

async fn note(app: &App, visit: &Visit, recording: &Recording, user: UserId, joined: bool) -> Result<()> {
    let (owner, visit, recording) = (app.clone(), visit.clone(), recording.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (account, at) = (&recording.account, owner.clock.now());
                if joined
                    && recordings::ask(tx, &owner.random.uuid(at), account, recording.id, user, at).await?
                {
                    tell(tx, &owner, &visit, recording.id, Status::Asked, Some(user)).await?;
                }
                if recording.status == Status::Recording {
                    let mark = Mark { user, joined, at };
                    recordings::add_mark(tx, &owner.random.uuid(at), account, recording.id, &mark).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Asks where the room wants it, once in a visit, when patient and provider
/// are both there.
async fn ask_by_setting(app: &App, visit: &Visit) -> Result<()> {
    if visit.state.status != VisitStatus::InProgress {
        return Ok(());
    }
    let mut conn = app.store.reader().await?;
    let room = rooms::find(&mut conn, &visit.account, visit.room).await?;
    if room.is_none_or(|room| !room.settings.ask_to_record)
        || recordings::count(&mut conn, &visit.account, visit.id).await? > 0
    {
        return Ok(());
    }
    let here = match present(app, &mut conn, visit).await {
        // Carried by somebody whom we cannot ask to record.
        Err(Error::Invalid { .. }) => return Ok(()),
        here => here?,
    };
    drop(conn);
    let with_provider = visit.state.provider.is_some_and(|provider| here.contains(&provider));
    if !with_provider || here.len() < 2 {
        return Ok(());
    }
    let system = Actor::system(visit.account.clone());
    match ask(app, &system, visit, None, here).await {
        // Somebody else was quicker.
        Ok(_) | Err(Error::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The last one has left a call.
///
/// # Errors
/// What the store says.
pub async fn call_over(app: &App, call: &str) -> Result<()> {
    end(app, call, Fact::CallOver).await
}

/// Somebody's media are encrypted end to end, so that nothing can be recorded.
///
/// # Errors
/// What the store says.
pub async fn cannot_record(app: &App, call: &str) -> Result<()> {
    end(app, call, Fact::Encrypted).await
}

async fn end(app: &App, call: &str, fact: Fact) -> Result<()> {
    let Some((visit, Some(recording))) = running(app, call).await? else { return Ok(()) };
    // People who come right back are still being asked.
    if fact == Fact::CallOver && recording.status == Status::Asked && visit.state.status.is_open() {
        return Ok(());
    }
    let system = Actor::system(visit.account.clone());
    move_on(app, &system, recording, &visit, fact).await.map(drop)
}

/// At the start of a server: what it recorded when it was cut off is put
/// together. Gives how many there were.
///
/// # Errors
/// What the store says.
pub async fn salvage(app: &App) -> Result<usize> {
    let mut conn = app.store.reader().await?;
    let cut_off = recordings::list_cut_off(&mut conn, app.listening_at.plus_seconds(1)).await?;
    drop(conn);
    let mut salvaged = 0;
    for recording in cut_off {
        // Of another server's there is no folder here.
        if !folder_of(app, &recording).is_dir() {
            continue;
        }
        let account: AccountId = recording.account.clone();
        let mut conn = app.store.reader().await?;
        let visit = visits::find(&mut conn, &account, recording.visit).await?;
        drop(conn);
        if let Some(visit) = visit
            && move_on(app, &Actor::system(account), recording, &visit, Fact::CallOver).await?.is_some()
        {
            salvaged += 1;
        }
    }
    Ok(salvaged)
}
