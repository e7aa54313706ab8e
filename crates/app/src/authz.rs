//! The one permission check: how the caller stands to an object, asked of the
//! rows, then judged by the table in `model::permission`. Whoever may not even
//! read an object is told that there is no such thing.

use bedside_model::{
    AccountId, RoomId, UserId,
    guest::Standing,
    permission::{self, Action, Relation, Relations},
    scope::Scope,
    user::UserType,
};
use bedside_store::{Conn, dependants, guests, rooms, visits::Visit};

use crate::{Actor, Error, Result, Who};

/// The acting user.
///
/// # Errors
/// 401 for callers without one.
pub fn user(actor: &Actor) -> Result<(UserId, UserType)> {
    match actor.who {
        Who::User { id, kind, .. } => Ok((id, kind)),
        Who::AdminToken { user, .. } => Ok((user, UserType::Api)),
        Who::Anonymous if actor.locked => Err(Error::unauthorized(
            "session_locked",
            "This session is locked. Unlock it with your password.",
        )),
        Who::Anonymous | Who::ApiKey { .. } | Who::System => {
            Err(Error::unauthorized("token_missing", "Send a token in the X-ApiToken header."))
        }
    }
}

/// The portal's server with a key that may sign people in.
///
/// # Errors
/// 401 without a key, 403 for a key without the scope.
pub fn sso(actor: &Actor) -> Result<()> {
    match actor.who {
        Who::ApiKey { scopes, .. } if scopes.has(Scope::Sso) => Ok(()),
        Who::ApiKey { .. } => Err(scope_missing(Scope::Sso)),
        _ => Err(Error::unauthorized("api_key_missing", "Send the clinic's API key in the X-ApiKey header.")),
    }
}

fn scope_missing(scope: Scope) -> Error {
    Error::forbidden("scope_missing", format!("This credential lacks the scope {}.", scope.as_str()))
}

/// May the caller do this, standing so to the object?
#[must_use]
pub fn may(actor: &Actor, relations: Relations, action: Action) -> bool {
    let granted = permission::granted(actor.standing(), relations, action);
    if let Some((seat, relation)) = granted {
        actor.granted.set((action, seat, relation));
    }
    granted.is_some()
}

/// May the caller do this in the clinic, whoever it concerns?
///
/// # Errors
/// 401 without a user, 403 `scope_missing` or `admin_only`.
pub fn account(actor: &Actor, action: Action) -> Result<()> {
    if may(actor, Relations::SAME_ACCOUNT, action) {
        return Ok(());
    }
    user(actor)?;
    if !actor.standing().scopes.has(action.scope()) {
        return Err(scope_missing(action.scope()));
    }
    Err(Error::forbidden("admin_only", "This call needs an admin token."))
}

/// Same account, or the object does not exist.
///
/// # Errors
/// 404.
pub fn same_account(actor: &Actor, account: &AccountId, noun: &'static str) -> Result<()> {
    if &actor.account == account { Ok(()) } else { Err(Error::not_found(noun)) }
}

/// How the caller stands to a person of their clinic: themselves, a child in
/// their care, a patient whom they treat.
///
/// # Errors
/// What the store says.
pub async fn to_person(conn: &mut Conn, actor: &Actor, person: UserId) -> Result<Relations> {
    let relations = Relations::SAME_ACCOUNT;
    let Some((id, kind)) = actor.user().zip(actor.kind()).filter(|_| actor.link().is_none()) else {
        return Ok(relations);
    };
    if id == person {
        return Ok(relations.with(Relation::Myself, true));
    }
    Ok(match kind {
        UserType::Member => {
            let cares = dependants::is_guardian(conn, &actor.account, id, person).await?;
            relations.with(Relation::Guardian, cares)
        }
        UserType::Provider => {
            let treats = rooms::has_patient(conn, &actor.account, id, person).await?;
            relations.with(Relation::MyRoom, treats)
        }
        _ => relations,
    })
}

/// How the caller stands to something of a patient: their intake or visit,
/// which a provider may have and a room may hold.
///
/// # Errors
/// What the store says.
pub async fn to_care(
    conn: &mut Conn,
    actor: &Actor,
    member: UserId,
    provider: Option<UserId>,
    room: Option<RoomId>,
) -> Result<Relations> {
    let relations = Relations::SAME_ACCOUNT;
    let Some((id, kind)) = actor.user().zip(actor.kind()).filter(|_| actor.link().is_none()) else {
        return Ok(relations);
    };
    if kind == UserType::Provider {
        let in_room = match room {
            Some(room) => rooms::is_assigned(conn, &actor.account, room, id).await?,
            None => false,
        };
        return Ok(relations.with(Relation::OwnVisit, provider == Some(id)).with(Relation::MyRoom, in_room));
    }
    let own = kind.is_patient() && id == member;
    let cares =
        !own && kind == UserType::Member && dependants::is_guardian(conn, &actor.account, id, member).await?;
    Ok(relations.with(Relation::Myself, own).with(Relation::Guardian, cares))
}

/// How the caller stands to a visit of their clinic.
///
/// # Errors
/// What the store says.
pub async fn to_visit(conn: &mut Conn, actor: &Actor, visit: &Visit) -> Result<Relations> {
    // A link makes its holder the patient of one visit, and a stranger elsewhere.
    if let Some(own) = actor.link() {
        return Ok(Relations::SAME_ACCOUNT.with(Relation::Myself, own == visit.id));
    }
    let state = &visit.state;
    let relations = to_care(conn, actor, visit.member, state.provider, Some(visit.room)).await?;
    // Whom the patient asked for may see and take the visit, whatever the room.
    let asked = state.status.is_open()
        && state.requested_provider.is_some()
        && state.requested_provider == actor.user();
    let invited = match (actor.user(), actor.kind()) {
        (Some(id), Some(UserType::Guest)) if id != visit.member => {
            let guest = guests::find_of_user(conn, &actor.account, id).await?;
            guest.is_some_and(|guest| {
                guest.visit == visit.id && guest.place.standing(state) == Standing::Admitted
            })
        }
        _ => false,
    };
    Ok(relations.with(Relation::MyRoom, asked).with(Relation::Invited, invited))
}

/// May the caller do this to the visit? Gives the relations for what follows.
///
/// # Errors
/// 401 without a user, 404 for whoever may not read it, 403 for whoever may.
pub async fn visit(conn: &mut Conn, actor: &Actor, visit: &Visit, action: Action) -> Result<Relations> {
    known(actor)?;
    same_account(actor, &visit.account, "visit")?;
    let relations = to_visit(conn, actor, visit).await?;
    judge(actor, relations, action, Action::VisitRead, "visit")?;
    Ok(relations)
}

/// May the caller do this to the person? Gives the relations for what follows.
///
/// # Errors
/// As [`visit`].
pub async fn person(conn: &mut Conn, actor: &Actor, person: UserId, action: Action) -> Result<Relations> {
    known(actor)?;
    let relations = to_person(conn, actor, person).await?;
    judge(actor, relations, action, Action::UserRead, "user")?;
    Ok(relations)
}

fn known(actor: &Actor) -> Result<()> {
    if matches!(actor.who, Who::System) { Ok(()) } else { user(actor).map(|_| ()) }
}

/// The table's verdict: "no" is a 403 for those who may read the object, and
/// "there is no such thing" for everybody else.
///
/// # Errors
/// 403 `scope_missing` or `not_allowed`, 404.
pub fn judge(
    actor: &Actor,
    relations: Relations,
    action: Action,
    reading: Action,
    noun: &'static str,
) -> Result<()> {
    if may(actor, relations, action) {
        return Ok(());
    }
    let standing = actor.standing();
    if !standing.scopes.has(action.scope()) {
        return Err(scope_missing(action.scope()));
    }
    if may(actor, relations, reading) {
        return Err(Error::forbidden(
            "not_allowed",
            format!("You may see this {noun} but not do this to it."),
        ));
    }
    Err(Error::not_found(noun))
}
