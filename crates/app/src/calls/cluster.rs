//! Calls at a cluster: what it tells of them, and looking for oneself. All of
//! it is a hint about who is there. What becomes of a visit is never decided
//! here, and who may be there is asked of the visit each time.

use std::collections::HashSet;

use bedside_model::{At, UserId, call::user_of, call_peer::Heard, visit::Status};
use bedside_store::{
    Conn, call_peers, users,
    visits::{self, Visit},
};

use super::{find_admitted, peers::note};
use crate::{
    App, Error, Result,
    ports::calls::{
        Fault, LiveKit, Peer,
        livekit::{Told, Word},
    },
};

/// A token for a call that is over opens it anew at a cluster that makes calls
/// by itself; this long we look whether somebody did, seconds.
const LOOK_BACK_S: i64 = 20 * 60;

/// Takes in a message of the cluster. One that is told twice, late or in the
/// wrong order does no harm.
///
/// # Errors
/// 401 `call_message_invalid`, 404 when no cluster carries our calls.
pub async fn hear(app: &App, authorization: &str, body: &[u8]) -> Result<()> {
    let cluster = app.calls.cluster().ok_or_else(|| Error::not_found("cluster"))?;
    let told = cluster.read(authorization, body).map_err(|_| {
        Error::unauthorized("call_message_invalid", "This message is not from the cluster of our calls.")
    })?;
    let Some(Told { call, word }) = told else { return Ok(()) };
    let mut conn = app.store.reader().await?;
    let Some(visit) = find_held(&mut conn, cluster, &call).await? else { return Ok(()) };
    let (Word::Joined { identity, .. } | Word::Left { identity, .. }) = &word;
    let Some(user) = find_user(&mut conn, &visit, identity).await? else { return Ok(()) };
    let is_welcome = may_be_there(&mut conn, &call, identity).await?;
    drop(conn);
    let heard = match word {
        Word::Joined { identity, sid } => {
            if !is_welcome {
                expel(cluster, &call, &identity).await;
            }
            Heard::Joined { sid, user }
        }
        Word::Left { sid, .. } => Heard::Left { sid, user },
    };
    note(app, visit, heard).await
}

/// Looks who is in the calls that the cluster carries for us: what it has not
/// told is made good, whoever may not be there is taken out, and calls of
/// visits that are over are ended.
///
/// # Errors
/// The cluster does not answer, or what the store says; the next look goes on.
pub async fn look(app: &App) -> Result<()> {
    let Some(cluster) = app.calls.cluster() else { return Ok(()) };
    let since = app.clock.now();
    let mut conn = app.store.reader().await?;
    let recently = since.plus_seconds(-LOOK_BACK_S);
    let watched = call_peers::list_watched(&mut conn, &cluster.node(), recently).await?;
    drop(conn);
    let live = cluster.find(watched.clone()).await.map_err(|fault| unavailable(&fault))?;
    let live: HashSet<String> = live.into_iter().collect();
    for call in watched {
        let peers = match live.contains(&call) {
            true => cluster.peers(&call).await.map_err(|fault| unavailable(&fault))?,
            false => Vec::new(),
        };
        settle(app, cluster, &call, live.contains(&call), (peers, since)).await?;
    }
    Ok(())
}

async fn settle(
    app: &App,
    cluster: &LiveKit,
    call: &str,
    is_live: bool,
    (peers, since): (Vec<Peer>, At),
) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let Some(visit) = find_held(&mut conn, cluster, call).await? else { return Ok(()) };
    let (mut here, mut unwelcome) = (Vec::new(), Vec::new());
    for peer in peers.into_iter().filter(|peer| peer.connected) {
        let Some(user) = find_user(&mut conn, &visit, &peer.identity).await? else { continue };
        if !may_be_there(&mut conn, call, &peer.identity).await? {
            unwelcome.push(peer.identity);
        }
        here.push((peer.sid, user));
    }
    drop(conn);
    if is_live && visit.state.status != Status::InProgress {
        cluster.end(call).await.map_err(|fault| unavailable(&fault))?;
    } else {
        for identity in unwelcome {
            expel(cluster, call, &identity).await;
        }
    }
    note(app, visit, Heard::Seen { peers: here, since }).await
}

/// The visit behind a call, when its row says that this cluster carries it.
async fn find_held(conn: &mut Conn, cluster: &LiveKit, call: &str) -> Result<Option<Visit>> {
    let Some(visit) = visits::find_by_meeting(conn, call).await? else { return Ok(None) };
    let node = visits::find_node(conn, &visit.account, visit.id).await?;
    Ok(Some(visit).filter(|_| node == Some(cluster.node())))
}

/// The person of the visit's clinic behind an identity. Others, such as a
/// recorder, have their token from whoever runs the cluster.
async fn find_user(conn: &mut Conn, visit: &Visit, identity: &str) -> Result<Option<UserId>> {
    let Some(user) = user_of(identity) else { return Ok(None) };
    Ok(users::find(conn, &visit.account, user).await?.map(|user| user.id))
}

async fn may_be_there(conn: &mut Conn, call: &str, identity: &str) -> Result<bool> {
    match find_admitted(conn, call, identity).await {
        Ok(found) => Ok(found.is_some()),
        // The visit is not in progress.
        Err(Error::Invalid { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn expel(cluster: &LiveKit, call: &str, identity: &str) {
    if let Err(error) = cluster.remove(call, identity).await {
        tracing::warn!(%error, "somebody could not be taken out of a call; trying again at the next look");
    }
}

/// A cluster that does not do what it is asked for; its words are for the log.
pub(super) fn unavailable(fault: &Fault) -> Error {
    tracing::warn!(%fault, "the cluster of the calls");
    Error::Unavailable { retry_after_s: 5, message: "Calls are not available right now.".to_owned() }
}
