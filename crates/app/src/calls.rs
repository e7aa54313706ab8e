//! Calls of visits: who may enter, with which token, and what the call tells
//! back. Join tokens are LiveKit JWTs, minted and checked only here.

use std::{collections::HashMap, time::Duration};

use bedside_media::{CallEvent, CallEventKind, Grants, LeftReason, Source};
use bedside_model::{
    AccountId, At, VisitId,
    call::{Part, identity, user_of},
    guest::{Role, Standing},
    permission::Action,
    user::{UserStatus, UserType},
    visit::{Status, Subtype},
};
use bedside_store::{
    Conn, Tx, dependants, guests,
    jobs::{self, NewJob},
    users,
    users::User,
    visits::{self, Visit},
};
use livekit_token::{AccessToken, TokenVerifier, VideoGrants};

pub use self::{
    cluster::{hear, look},
    peers::{miss, present},
};
use crate::{
    Actor, App, Error, Result, audit, authz, call_quality, consents,
    guests::{must_be_admitted, shown_name},
    ports::calls::{Carrier, Gone, THIS_SERVER},
    recordings,
};

mod cluster;
mod peers;

/// How long a join token is good for. Whoever is in the call gets fresh ones.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// The job that ends a call whose visit is over.
pub const END_JOB: &str = "calls.end";

/// What somebody needs to enter a call.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The media node's URL, `ws://` or `wss://`.
    pub url: String,
    /// The LiveKit join token.
    pub token: String,
    /// The call's name.
    pub meeting: String,
}

/// Lets the caller into the visit's call. `own_url` is this node's media URL as
/// the caller reaches it; the node of the first join is kept on the visit and
/// given to everybody after.
///
/// # Errors
/// 401, 403, 404, 400 `visit_not_started`, `visit_closed`,
/// `no_video_for_this_visit`, `consent_missing`, for guests `not_admitted_yet` and 403
/// `guest_declined`, 503 without a media node.
pub async fn join(app: &App, actor: &Actor, id: VisitId, own_url: &str) -> Result<Pass> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit =
        visits::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    must_be_admitted(&mut conn, actor, &visit).await?;
    authz::visit(&mut conn, actor, &visit, Action::VisitCall).await?;
    may_enter(&visit)?;
    let person =
        users::find(&mut conn, &actor.account, user).await?.ok_or_else(|| Error::not_found("user"))?;
    let seat = find_seat(&mut conn, &visit, &person).await?.ok_or_else(|| Error::not_found("visit"))?;
    if matches!(seat.part, Part::Patient | Part::Guardian) {
        consents::check_visit(&mut conn, app, actor, &visit).await?;
    }
    let known = visits::find_node(&mut conn, &actor.account, id).await?;
    drop(conn);
    let node = claimed(app, actor, id, known).await?;
    let carrier = app.calls.at(&node, app.settings.media_url.as_deref()).map_err(|Gone| no_calls())?;
    let (url, token) = match carrier {
        Some(Carrier::LiveKit(cluster)) => {
            cluster.create(&visit.meeting).await.map_err(|error| {
                tracing::warn!(%error, "a call could not be made");
                no_calls()
            })?;
            (cluster.url().to_owned(), cluster.token())
        }
        Some(Carrier::Embedded(embedded)) if !embedded.node().is_up() => return Err(no_calls()),
        _ if node == THIS_SERVER => (own_url.to_owned(), own_token(app)),
        _ => (node, own_token(app)),
    };
    app.presence.touch(&actor.account, user, app.clock.now());
    Ok(Pass { url, token: mint(token, &visit, &person, seat)?, meeting: visit.meeting })
}

fn no_calls() -> Error {
    Error::Unavailable { retry_after_s: 5, message: "Calls are not available right now.".to_owned() }
}

/// The node that holds a visit's call: the one that is known, unless it
/// carries calls no more, else where calls begin now.
async fn claimed(app: &App, actor: &Actor, id: VisitId, known: Option<String>) -> Result<String> {
    let own = app.settings.media_url.as_deref();
    let gone = match known {
        Some(node) if app.calls.at(&node, own).is_ok() => return Ok(node),
        gone => gone,
    };
    let node = app.calls.begins_at(own).ok_or_else(no_calls)?;
    let (owner, caller) = (app.clone(), actor.clone());
    let held = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                audit::write(tx, &owner, &caller, "calls.join", ("visit", id.to_string())).await?;
                Ok(visits::claim_node(tx, &caller.account, id, gone.as_deref(), &node).await?)
            })
        })
        .await?;
    held.ok_or_else(|| Error::not_found("visit"))
}

pub(crate) fn may_enter(visit: &Visit) -> Result<()> {
    match visit.state.status {
        Status::InProgress if visit.plan.subtype == Subtype::Video => Ok(()),
        Status::InProgress | Status::Pending | Status::Confirmed if visit.plan.subtype != Subtype::Video => {
            Err(Error::invalid("no_video_for_this_visit", "This visit has no video call."))
        }
        Status::Pending | Status::Confirmed | Status::InProgress => Err(Error::invalid(
            "visit_not_started",
            "Nobody has taken this visit yet. The call opens when a provider does.",
        )),
        Status::Completed | Status::Cancelled | Status::Refunded => {
            Err(Error::invalid("visit_closed", "This visit is closed, and its call with it."))
        }
    }
}

/// As what somebody sits in a visit's call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The part they play.
    pub(crate) part: Part,
    /// As what a guest comes.
    pub(crate) guest: Option<Role>,
}

/// The seat of a person in the visit's call as it stands; none when they may
/// not be in it.
pub(crate) async fn find_seat(conn: &mut Conn, visit: &Visit, person: &User) -> Result<Option<Seat>> {
    let plain = |part| Ok(Some(Seat { part, guest: None }));
    if person.id == visit.member {
        return plain(Part::Patient);
    }
    if visit.state.provider == Some(person.id) {
        return plain(Part::Provider);
    }
    match person.kind {
        UserType::Guest => {
            let guest = guests::find_of_user(conn, &visit.account, person.id).await?;
            let admitted = guest.filter(|guest| {
                guest.visit == visit.id && guest.place.standing(&visit.state) == Standing::Admitted
            });
            Ok(admitted.map(|guest| Seat { part: Part::Guest, guest: Some(guest.role) }))
        }
        UserType::Member
            if dependants::is_guardian(conn, &visit.account, person.id, visit.member).await? =>
        {
            plain(Part::Guardian)
        }
        _ => Ok(None),
    }
}

/// The start of a token for calls that our own nodes carry.
fn own_token(app: &App) -> AccessToken {
    AccessToken::with_api_key(&app.settings.call_key, &app.settings.call_secret)
}

fn mint(token: AccessToken, visit: &Visit, person: &User, seat: Seat) -> Result<String> {
    let grants = VideoGrants {
        room_join: true,
        room: visit.meeting.clone(),
        can_publish: Some(true),
        can_subscribe: Some(true),
        can_publish_data: Some(true),
        can_update_own_metadata: Some(false),
        ..VideoGrants::default()
    };
    let metadata = serde_json::json!({ "role": seat.part.as_str() }).to_string();
    token
        .with_identity(&identity(person.id))
        .with_name(&shown_name(person))
        .with_metadata(&metadata)
        .with_attributes(seat.guest.map(|role| ("guest_role", role.as_str())))
        .with_ttl(TOKEN_LIFE)
        .with_grants(grants)
        .to_jwt()
        .map_err(Error::internal)
}

/// Somebody whom the signalling door may let into a call.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The call's name.
    pub call: String,
    /// The clinic whose calls are counted together.
    pub account: String,
    /// Who, inside the call.
    pub identity: String,
    /// What the tile says.
    pub name: String,
    /// JSON with the role.
    pub metadata: String,
    /// Further attributes.
    pub attributes: HashMap<String, String>,
    /// What they may do.
    pub grants: Grants,
}

/// Checks a join token at the signalling door: signature, time, and that the
/// visit is still open for this person.
///
/// # Errors
/// 401 for a bad token, 400/404 when the visit does not admit them any more.
pub async fn admit(app: &App, token: &str) -> Result<Admission> {
    let refused =
        || Error::unauthorized("call_token_invalid", "This call token is not valid. Ask for a new one.");
    let verifier = TokenVerifier::with_api_key(&app.settings.call_key, &app.settings.call_secret);
    let claims = verifier.verify(token).map_err(|_| refused())?;
    if !claims.video.room_join || claims.video.room.is_empty() {
        return Err(refused());
    }
    let listed = &claims.video.can_publish_sources;
    let unlisted = listed.is_empty();
    let sources: Vec<_> = listed.iter().filter_map(|name| Source::from_grant_name(name)).collect();
    let mut admission = Admission {
        account: String::new(),
        call: claims.video.room.clone(),
        identity: claims.sub,
        name: claims.name,
        metadata: claims.metadata,
        attributes: claims.attributes,
        grants: Grants {
            // A list whose names are all unknown allows none.
            can_publish: claims.video.can_publish() && (unlisted || !sources.is_empty()),
            can_publish_sources: sources,
            can_subscribe: claims.video.can_subscribe(),
            can_publish_data: claims.video.can_publish_data(),
            can_update_own_metadata: claims.video.can_update_own_metadata.unwrap_or(false),
            hidden: claims.video.hidden,
        },
    };
    let mut conn = app.store.reader().await?;
    let (visit, ..) =
        find_admitted(&mut conn, &admission.call, &admission.identity).await?.ok_or_else(refused)?;
    admission.account = visit.account.to_string();
    Ok(admission)
}

// Visit, person and seat behind an identity, while they may be in the call.
async fn find_admitted(conn: &mut Conn, call: &str, identity: &str) -> Result<Option<(Visit, User, Seat)>> {
    let Some(visit) = visits::find_by_meeting(conn, call).await? else { return Ok(None) };
    let Some(user) = user_of(identity) else { return Ok(None) };
    may_enter(&visit)?;
    let Some(person) = users::find(conn, &visit.account, user).await? else { return Ok(None) };
    if person.status != UserStatus::Active {
        return Ok(None);
    }
    let seat = find_seat(conn, &visit, &person).await?;
    Ok(seat.map(|seat| (visit, person, seat)))
}

/// A fresh join token for somebody in a call; none when they may not be in it
/// any more.
///
/// # Errors
/// What the store says.
pub async fn refresh(app: &App, admission: &Admission) -> Result<Option<String>> {
    let mut conn = app.store.reader().await?;
    match find_admitted(&mut conn, &admission.call, &admission.identity).await {
        Ok(Some((visit, person, seat))) => Ok(Some(mint(own_token(app), &visit, &person, seat)?)),
        Ok(None) | Err(Error::Invalid { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Appends the job that ends a call, in the change that closes its visit: it
/// holds also when the process dies right after.
///
/// # Errors
/// What the store says.
pub async fn schedule_end(tx: &mut Tx, app: &App, account: &AccountId, meeting: &str) -> Result<()> {
    let at = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(at),
        account: Some(account.clone()),
        kind: END_JOB.to_owned(),
        payload: serde_json::json!({ "meeting_id": meeting }),
        run_at: at,
        unique_key: None,
        at,
    };
    jobs::enqueue(tx, &job).await?;
    Ok(())
}

/// Ends a call unless its visit is in progress (again).
///
/// # Errors
/// What the store says, or a cluster that does not answer: try again.
pub async fn end_if_over(app: &App, meeting: &str) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let visit = visits::find_by_meeting(&mut conn, meeting).await?;
    if visit.as_ref().is_some_and(|visit| visit.state.status == Status::InProgress) {
        return Ok(());
    }
    let node = match &visit {
        Some(visit) => visits::find_node(&mut conn, &visit.account, visit.id).await?,
        None => None,
    };
    drop(conn);
    let own = app.settings.media_url.as_deref();
    match node.as_deref().map(|node| app.calls.at(node, own)) {
        Some(Ok(Some(carrier))) => {
            carrier.end(meeting).await.map_err(|fault| cluster::unavailable(&fault))?;
        }
        _ => app.calls.end(meeting).await,
    }
    recordings::call_over(app, meeting).await
}

/// Writes what a call tells as an event of its visit.
///
/// # Errors
/// What the store says.
pub async fn record(app: &App, event: CallEvent) -> Result<()> {
    let (identity, is_here) = match event.kind {
        CallEventKind::PeerJoined { identity } => (identity, true),
        // The same person has come back already.
        CallEventKind::PeerLeft { reason: LeftReason::Replaced, .. } => return Ok(()),
        // They are told to come back to whoever serves then; who does not is missed.
        CallEventKind::PeerLeft { reason: LeftReason::Shutdown, identity } => {
            return recordings::left(app, &event.call, &identity).await;
        }
        CallEventKind::CallEmpty => return recordings::call_over(app, &event.call).await,
        CallEventKind::CannotRecord { .. } => return recordings::cannot_record(app, &event.call).await,
        CallEventKind::Quality(told) => {
            return call_quality::measured(app, &event.call, At(event.at_ms), *told).await;
        }
        CallEventKind::PeerLeft { identity, .. } => (identity, false),
    };
    peers::told(app, &event.call, &identity, is_here).await?;
    match is_here {
        true => recordings::joined(app, &event.call, &identity).await,
        false => recordings::left(app, &event.call, &identity).await,
    }
}
