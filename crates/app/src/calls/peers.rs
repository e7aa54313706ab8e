//! Who is in the calls of visits: what is told becomes events, once for each
//! time that somebody comes or goes, also when a server is started again.

use std::collections::HashSet;

use bedside_model::{
    UserId,
    call::{identity, user_of},
    call_peer::{Change, Heard, Stay, hear},
    event::EventType,
};
use bedside_store::{
    Conn, Tx, call_peers,
    call_peers::CallPeer,
    users,
    visits::{self, Visit},
};

use crate::{
    App, Result,
    events::{self, Subject},
    ports::calls::THIS_SERVER,
};

/// Who is in a visit's call now, as far as we know.
///
/// # Errors
/// What the store says.
pub async fn present(app: &App, conn: &mut Conn, visit: &Visit) -> Result<HashSet<UserId>> {
    let here = app.calls.present(&visit.meeting).await;
    let mut present: HashSet<UserId> = here.iter().filter_map(|identity| user_of(identity)).collect();
    let node = match app.calls.cluster() {
        Some(_) => visits::find_node(conn, &visit.account, visit.id).await?,
        None => None,
    };
    if app.calls.cluster().is_some_and(|cluster| node == Some(cluster.node())) {
        let peers = call_peers::list(conn, &visit.account, visit.id).await?;
        present.extend(peers.into_iter().filter(|peer| peer.left_at.is_none()).map(|peer| peer.user));
    }
    Ok(present)
}

/// Our own node tells that somebody is in a call, or is not any more.
pub(super) async fn told(app: &App, call: &str, identity: &str, is_here: bool) -> Result<()> {
    let Some(user) = user_of(identity) else { return Ok(()) };
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find_by_meeting(&mut conn, call).await? else { return Ok(()) };
    if users::find(&mut conn, &visit.account, user).await?.is_none() {
        return Ok(());
    }
    drop(conn);
    let sid = identity.to_owned();
    let heard = if is_here { Heard::Entered { sid, user } } else { Heard::Exited { sid } };
    note(app, visit, heard).await
}

/// Some time after a start: whoever was in a call of this process before and
/// has not come back has gone.
///
/// # Errors
/// What the store says.
pub async fn miss(app: &App) -> Result<()> {
    let Some(embedded) = app.calls.embedded() else { return Ok(()) };
    let since = app.clock.now();
    let own = app.settings.media_url.as_deref();
    for node in own.into_iter().chain([THIS_SERVER]) {
        let mut conn = app.store.reader().await?;
        let calls = call_peers::list_watched(&mut conn, node, since).await?;
        for call in calls {
            let Some(visit) = visits::find_by_meeting(&mut conn, &call).await? else { continue };
            let here = embedded.node().peers(&call).await.into_iter();
            let peers = here.filter_map(|peer| user_of(&peer.identity)).map(|user| (identity(user), user));
            note(app, visit, Heard::Seen { peers: peers.collect(), since }).await?;
        }
    }
    Ok(())
}

pub(super) async fn note(app: &App, visit: Visit, heard: Heard) -> Result<()> {
    // Most looks find nothing new, and need not hold up those who write.
    let mut conn = app.store.reader().await?;
    let mut stays = stays(call_peers::list(&mut conn, &visit.account, visit.id).await?);
    drop(conn);
    let known = stays.clone();
    hear(&mut stays, &heard, app.clock.now());
    if stays == known {
        return Ok(());
    }
    let owner = app.clone();
    app.store.write(move |tx| Box::pin(async move { note_in(tx, &owner, &visit, &heard).await })).await
}

async fn note_in(tx: &mut Tx, app: &App, visit: &Visit, heard: &Heard) -> Result<()> {
    call_peers::lock(tx, &visit.account, visit.id).await?;
    let known = stays(call_peers::list(tx, &visit.account, visit.id).await?);
    let mut stays = known.clone();
    let changes = hear(&mut stays, heard, app.clock.now());
    for stay in stays.into_iter().filter(|stay| !known.contains(stay)) {
        let Stay { sid, user, joined_at, left_at } = stay;
        let (account, visit) = (visit.account.clone(), visit.id);
        call_peers::set(tx, &CallPeer { account, visit, sid, user, joined_at, left_at }).await?;
    }
    for change in changes {
        let (kind, user) = match change {
            Change::Came(user) => (EventType::CallPeerJoined, user),
            Change::Went(user) => (EventType::CallPeerLeft, user),
        };
        let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
        subject.data.peer_id = Some(user.to_string());
        events::append(tx, app, &visit.account, kind, subject).await?;
    }
    Ok(())
}

fn stays(rows: Vec<CallPeer>) -> Vec<Stay> {
    let stay =
        |row: CallPeer| Stay { sid: row.sid, user: row.user, joined_at: row.joined_at, left_at: row.left_at };
    rows.into_iter().map(stay).collect()
}
