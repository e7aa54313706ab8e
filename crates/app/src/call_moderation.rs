//! What whoever has a visit does to those in its call: mute them, take them
//! out. A guest who is taken out is turned away as well; everybody else may
//! come again as long as the visit is theirs.

use bedside_model::{
    VisitId,
    call::{identity, user_of},
    permission::Action,
};
use bedside_store::{
    guests, users,
    visits::{self, Visit},
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    guests::decline,
    ports::calls::{Carrier, Fault, Gone},
};

/// Mutes one track of somebody in the visit's call, or without a track all
/// their sound. They unmute themselves. Gives how many tracks it was.
///
/// # Errors
/// 401, 403, 404 `visit_not_found`, `call_peer_not_found`, 400 for what is no
/// identity, 503 while the call cannot be reached.
pub async fn mute(app: &App, actor: &Actor, id: VisitId, whom: &str, track: Option<&str>) -> Result<usize> {
    let (visit, _) = find(app, actor, id, whom).await?;
    let carrier = carrier(app, actor, &visit).await?;
    let muted = carrier.mute(&visit.meeting, whom, track).await.map_err(fault)?;
    note(app, actor, id, "call_moderation.mute").await?;
    Ok(muted)
}

/// Takes somebody out of the visit's call; a guest cannot come back unless
/// they are let in anew.
///
/// # Errors
/// As [`mute`].
pub async fn remove(app: &App, actor: &Actor, id: VisitId, whom: &str) -> Result<()> {
    let (visit, user) = find(app, actor, id, whom).await?;
    let mut conn = app.store.reader().await?;
    let guest = guests::find_of_user(&mut conn, &actor.account, user).await?;
    drop(conn);
    if let Some(guest) = guest.filter(|guest| guest.visit == visit.id) {
        // This takes them out of the call as well.
        decline(app, actor, id, &guest.id).await?;
        return Ok(());
    }
    let carrier = carrier(app, actor, &visit).await?;
    carrier.remove(&visit.meeting, &identity(user)).await.map_err(fault)?;
    note(app, actor, id, "call_moderation.remove").await
}

// The visit, which the caller must have, and the person that is meant.
async fn find(app: &App, actor: &Actor, id: VisitId, whom: &str) -> Result<(Visit, bedside_model::UserId)> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit =
        visits::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::CallModerate).await?;
    let user = user_of(whom).ok_or_else(|| Error::field("identity", "is no identity of this call"))?;
    // Nobody of another clinic can be in it.
    let person = users::find(&mut conn, &actor.account, user).await?;
    person.map(|person| (visit, person.id)).ok_or_else(|| Error::not_found("call_peer"))
}

async fn carrier<'a>(app: &'a App, actor: &Actor, visit: &Visit) -> Result<&'a Carrier> {
    let mut conn = app.store.reader().await?;
    let node = visits::find_node(&mut conn, &actor.account, visit.id).await?;
    // Nobody has entered yet.
    let node = node.ok_or_else(|| Error::not_found("call_peer"))?;
    match app.calls.at(&node, app.settings.media_url.as_deref()) {
        Ok(Some(carrier)) => Ok(carrier),
        // Another process carries it, or nobody does any more.
        Ok(None) | Err(Gone) => Err(unreachable_now()),
    }
}

async fn note(app: &App, actor: &Actor, id: VisitId, what: &'static str) -> Result<()> {
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move { audit::write(tx, &owner, &caller, what, ("visit", id.to_string())).await })
        })
        .await
}

fn fault(fault: Fault) -> Error {
    match fault {
        Fault::NotThere => Error::not_found("call_peer"),
        other => {
            tracing::warn!(fault = %other, "a call could not be told something");
            unreachable_now()
        }
    }
}

fn unreachable_now() -> Error {
    Error::Unavailable {
        retry_after_s: 5,
        message: "This call cannot be reached from here right now.".to_owned(),
    }
}
