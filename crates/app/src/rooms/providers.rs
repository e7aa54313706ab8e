//! Who works in a room: shown to everybody by name and title, assigned by
//! admins.

use bedside_model::{
    RoomId, UserId,
    event::EventType,
    permission::Action,
    user::{UserStatus, UserType},
};
use bedside_store::{
    rooms::{self, Room},
    users::{self, User},
};

use super::find_room;
use crate::{
    Actor, App, Error, Result, Who, audit, authz,
    events::{self, Subject},
};

/// How long after a page was last heard from somebody counts as online, in
/// seconds: four heartbeats of an open page.
const ONLINE_SECONDS: i64 = 60;

/// A provider of a room, as its visitors see them.
#[derive(Debug, Clone)]
pub struct ProviderView {
    /// Who.
    pub user: User,
    /// One of their pages is open.
    pub is_online: bool,
    /// The caller is known: login name and the portal's key may be shown, which
    /// may hold an e-mail address.
    pub keys_shown: bool,
}

/// The active providers of a room. Open to everybody, as the room is.
///
/// # Errors
/// 404.
pub async fn list_providers(app: &App, actor: &Actor, name: &str, host: &str) -> Result<Vec<ProviderView>> {
    let room = find_room(app, actor, name, host).await?;
    let mut conn = app.store.reader().await?;
    let users = users::list_of_room(&mut conn, &room.account, room.id).await?;
    Ok(users.into_iter().filter_map(|user| view(app, actor, user)).collect())
}

/// One provider of a room.
///
/// # Errors
/// 404, also for those who do not work here.
pub async fn get_provider(
    app: &App,
    actor: &Actor,
    name: &str,
    host: &str,
    id: UserId,
) -> Result<ProviderView> {
    let room = find_room(app, actor, name, host).await?;
    let mut conn = app.store.reader().await?;
    let user = if rooms::is_assigned(&mut conn, &room.account, room.id, id).await? {
        users::find(&mut conn, &room.account, id).await?
    } else {
        None
    };
    user.and_then(|user| view(app, actor, user)).ok_or_else(|| Error::not_found("user"))
}

fn view(app: &App, actor: &Actor, user: User) -> Option<ProviderView> {
    if user.status != UserStatus::Active || user.kind != UserType::Provider {
        return None;
    }
    let since = app.clock.now().plus_seconds(-ONLINE_SECONDS);
    let is_online = app.presence.last_seen(user.id, user.last_seen_at).is_some_and(|seen| seen >= since);
    Some(ProviderView { user, is_online, keys_shown: !matches!(actor.who, Who::Anonymous) })
}

/// Assigns a provider to rooms; never takes any away. Gives all their rooms.
///
/// # Errors
/// 403 for others than admins, 404 for unknown rooms, 400 when the user is no
/// provider.
pub async fn assign(
    app: &App,
    actor: &Actor,
    (user, kind): (UserId, UserType),
    wanted: Vec<RoomId>,
) -> Result<Vec<Room>> {
    authz::account(actor, Action::UserRoomsAssign)?;
    if kind != UserType::Provider {
        return Err(Error::invalid("not_a_provider", "Only providers (type 400) work in rooms."));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                for id in wanted {
                    let room = rooms::find(tx, &caller.account, id)
                        .await?
                        .ok_or_else(|| Error::not_found("room"))?;
                    if rooms::assign(tx, &caller.account, room.id, user, now).await? {
                        let subject = Subject { room: Some(room.id), user: Some(user), ..Subject::default() };
                        events::append(tx, &owner, &caller.account, EventType::RoomUpdated, subject).await?;
                        audit::write(tx, &owner, &caller, "users.assign_rooms", ("user", user.to_string()))
                            .await?;
                    }
                }
                Ok(rooms::list_of_provider(tx, &caller.account, user).await?)
            })
        })
        .await
}

/// Takes a provider out of a room. Visits that they have there stay theirs.
///
/// # Errors
/// 403 for others than admins, 404 also when they do not work there.
pub async fn unassign(app: &App, actor: &Actor, name: &str, user: UserId) -> Result<()> {
    authz::account(actor, Action::UserRoomsAssign)?;
    let (owner, caller, name) = (app.clone(), actor.clone(), name.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let room = rooms::find_named(tx, &caller.account, &name).await?;
                let room = room.ok_or_else(|| Error::not_found("room"))?;
                if !rooms::unassign(tx, &caller.account, room.id, user).await? {
                    return Err(Error::not_found("user"));
                }
                let subject = Subject { room: Some(room.id), user: Some(user), ..Subject::default() };
                events::append(tx, &owner, &caller.account, EventType::RoomUpdated, subject).await?;
                audit::write(tx, &owner, &caller, "rooms.unassign", ("user", user.to_string())).await
            })
        })
        .await
}
