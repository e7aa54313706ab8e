//! In which rooms a provider works.

use bedside_model::{RoomId, permission::Action};
use bedside_store::{
    Conn,
    rooms::{self, Room},
    users::{self, User},
};

use super::Which;
use crate::{Actor, App, Error, Result, authz};

/// A room as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomName {
    /// Its number.
    Id(RoomId),
    /// Its code or slug.
    Code(String),
}

/// Assigns a provider to rooms and gives all their rooms.
///
/// # Errors
/// 403 for others than admins, 404 for unknown users and rooms, 400 when the
/// user is no provider or no room is named.
pub async fn assign_rooms(
    app: &App,
    actor: &Actor,
    which: Which,
    wanted: Vec<RoomName>,
) -> Result<(User, Vec<Room>)> {
    authz::account(actor, Action::UserRoomsAssign)?;
    let id = which.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    if wanted.is_empty() {
        return Err(Error::field("room_code", "name at least one room"));
    }
    let ids = named(&mut conn, actor, &wanted).await?;
    drop(conn);
    let rooms = crate::rooms::assign(app, actor, (user.id, user.kind), ids).await?;
    Ok((user, rooms))
}

/// The rooms of a provider: for themselves and for admins.
///
/// # Errors
/// 401 without a user, 404 for everybody else.
pub async fn list_rooms(app: &App, actor: &Actor, which: Which) -> Result<(User, Vec<Room>)> {
    let id = which.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::UserRoomsRead).await?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    let rooms = rooms::list_of_provider(&mut conn, &actor.account, id).await?;
    Ok((user, rooms))
}

/// The rooms of these names, without repetition.
///
/// # Errors
/// 404 for an unknown one.
pub(super) async fn named(conn: &mut Conn, actor: &Actor, names: &[RoomName]) -> Result<Vec<RoomId>> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let found = match name {
            RoomName::Id(id) => rooms::find(conn, &actor.account, *id).await?,
            RoomName::Code(code) => rooms::find_named(conn, &actor.account, code).await?,
        };
        let id = found.ok_or_else(|| Error::not_found("room"))?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
