//! The one permission check: how the caller stands to an object, asked of the
//! rows, then judged by `model::permission`. "No relation" reads as "no such
//! thing".

use bedside_model::{
    AccountId, RoomId, UserId,
    permission::{self, Relation, VisitRight},
    user::UserType,
};
use bedside_store::{Conn, rooms, visits::Visit};

use crate::{Actor, Error, Result, Who};

/// The acting user.
///
/// # Errors
/// 401 for callers without one.
pub fn user(actor: &Actor) -> Result<(UserId, UserType)> {
    match actor.who {
        Who::User { id, kind, .. } => Ok((id, kind)),
        Who::AdminToken { user } => Ok((user, UserType::Api)),
        Who::Anonymous | Who::ApiKey | Who::System => {
            Err(Error::unauthorized("token_missing", "Send a token in the X-ApiToken header."))
        }
    }
}

/// Only admins go on.
///
/// # Errors
/// 401 without credentials, 403 with others.
pub fn admin(actor: &Actor) -> Result<()> {
    if actor.is_admin() {
        return Ok(());
    }
    user(actor)?;
    Err(Error::forbidden("admin_only", "This call needs an admin token."))
}

/// Same account, or the object does not exist.
///
/// # Errors
/// 404.
pub fn same_account(actor: &Actor, account: &AccountId, noun: &'static str) -> Result<()> {
    if &actor.account == account { Ok(()) } else { Err(Error::not_found(noun)) }
}

/// How the caller stands to somebody's object in a room.
///
/// # Errors
/// What the store says.
pub async fn relation(
    conn: &mut Conn,
    actor: &Actor,
    member: UserId,
    provider: Option<UserId>,
    room: Option<RoomId>,
) -> Result<Relation> {
    let Some((id, kind)) = actor.user().zip(actor.kind()) else {
        return Ok(Relation { admin: actor.is_admin(), ..Relation::default() });
    };
    let in_room = match room {
        Some(room) if kind == UserType::Provider => {
            rooms::is_assigned(conn, &actor.account, room, id).await?
        }
        _ => false,
    };
    Ok(Relation {
        admin: actor.is_admin(),
        own: kind.is_patient() && id == member,
        provider: kind == UserType::Provider && provider == Some(id),
        room: in_room,
    })
}

/// May the caller do this to the visit? Gives the relation for what follows.
///
/// # Errors
/// 401 without a user, 404 without any relation, 403 with one that does not
/// reach.
pub async fn visit(conn: &mut Conn, actor: &Actor, visit: &Visit, right: VisitRight) -> Result<Relation> {
    if !matches!(actor.who, Who::System) {
        user(actor)?;
    }
    same_account(actor, &visit.account, "visit")?;
    let state = &visit.state;
    let mut relation = relation(conn, actor, visit.member, state.provider, Some(visit.room)).await?;
    // Whom the patient asked for may see and take the visit, whatever the room.
    if state.status.is_open()
        && state.requested_provider.is_some()
        && state.requested_provider == actor.user()
    {
        relation.room = true;
    }
    if permission::visit(relation, right) {
        Ok(relation)
    } else if relation.any() {
        Err(Error::forbidden("not_allowed", "You may see this visit but not do this to it."))
    } else {
        Err(Error::not_found("visit"))
    }
}
