//! Adding people (core.md 2.8).

use bedside_model::{
    RoomId, UserId,
    event::EventType,
    password,
    permission::Action,
    user::{Profile, ProviderType, Role, UserStatus, UserType},
};
use bedside_store::{
    Tx, accounts, rooms,
    users::{self, CallIdentity, NewUser, Standing},
};
use serde_json::{Map, Value};

use super::{RoomName, UserView, created, name_taken, rooms::named, view};
use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    extra, passwords,
    profile::{self, ProfileInput},
};

/// Longest name of a group, in characters.
const LONGEST_GROUP: usize = 100;

/// A user made by the clinic.
#[derive(Default)]
pub struct Add {
    /// Documented number: 100, 150, 200, 300, 400, 500, 600 or 700.
    pub kind: i64,
    /// Documented number of a provider's kind, such as 482.
    pub subtype: Option<i64>,
    /// A provider's extra right, by its word.
    pub role: Option<String>,
    /// The integrator's key; none makes one.
    pub code: Option<String>,
    /// Login name; none makes one.
    pub username: Option<String>,
    /// First password; none leaves the user inactive until there is one.
    pub password: Option<String>,
    /// Who it is.
    pub profile: ProfileInput,
    /// Where a provider works; the one room a patient is registered with.
    pub rooms: Vec<RoomName>,
    /// Terms accepted.
    pub tos: bool,
    /// No e-mail notices to this user.
    pub disable_emails: bool,
    /// Left out of the patient list of remote monitoring.
    pub is_hidden: bool,
    /// The clinic's own grouping.
    pub group: String,
    /// The extended profile.
    pub extra: Map<String, Value>,
}

/// The type of a number, if people of that type can be made and changed.
///
/// # Errors
/// 400 naming the field.
pub(super) fn kind_of(number: i64) -> Result<UserType> {
    match UserType::from_code(number) {
        Some(UserType::Cronjob | UserType::System | UserType::Api) | None => {
            Err(Error::field("type", "use 100, 150, 200, 300, 400, 500, 600 or 700"))
        }
        Some(kind) => Ok(kind),
    }
}

/// The text kept of a provider's kind; none is an empty one.
///
/// # Errors
/// 400 naming the field.
pub(super) fn subtype_of(kind: UserType, number: Option<i64>) -> Result<String> {
    match number {
        None => Ok(String::new()),
        Some(number) if kind == UserType::Provider && ProviderType::from_code(number).is_some() => {
            Ok(number.to_string())
        }
        Some(_) => Err(Error::field("subtype", "use one of the documented kinds of provider")),
    }
}

/// The text kept of a role; none is an empty one.
///
/// # Errors
/// 400 naming the field.
pub(super) fn role_of(kind: UserType, word: &str) -> Result<String> {
    match word.trim() {
        "" => Ok(String::new()),
        word if kind == UserType::Provider && Role::parse(word).is_some() => Ok(word.to_owned()),
        _ => {
            Err(Error::field("role", "providers may be clinic_admin, account_manager, scheduler or analyst"))
        }
    }
}

/// A group's name as it is kept.
///
/// # Errors
/// 400 naming the field.
pub(super) fn group_of(name: &str) -> Result<String> {
    let name = name.trim();
    if name.chars().count() > LONGEST_GROUP || name.chars().any(char::is_control) {
        return Err(Error::field("group", "use at most 100 characters"));
    }
    Ok(name.to_owned())
}

/// Adds a user: anybody for admins, patients for schedulers.
///
/// # Errors
/// 403 for others, 400 naming the field, 404 for an unknown room.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<UserView> {
    authz::account(actor, Action::PatientAdd)?;
    let kind = kind_of(command.kind)?;
    if kind != UserType::Member {
        authz::account(actor, Action::UserManage)?;
    }
    let profile = profile::checked(&command.profile, Profile::default(), true)?;
    let username = profile::username(command.username.as_deref())?.unwrap_or_else(|| app.random.hex());
    let code = profile::code(command.code.as_deref())?.unwrap_or_else(|| app.random.hex());
    let mut standing = Standing {
        kind,
        subtype: subtype_of(kind, command.subtype)?,
        role: role_of(kind, command.role.as_deref().unwrap_or_default())?,
        status: if command.password.is_some() { UserStatus::Active } else { UserStatus::Inactive },
        is_hidden: command.is_hidden,
        group: group_of(&command.group)?,
        room: None,
        tos: command.tos,
    };
    let mut conn = app.store.reader().await?;
    let account = accounts::find(&mut conn, &actor.account).await?;
    let account = account.ok_or_else(|| Error::not_found("account"))?;
    let rooms = named(&mut conn, actor, &command.rooms).await?;
    drop(conn);
    let works_in = place(actor, &mut standing, rooms)?;
    let names = [username.as_str(), &profile.full_name(), &profile.email, &account.code, &account.name];
    let password_hash = match &command.password {
        Some(password) => {
            password::check(password, &names).map_err(|weak| Error::field("password", weak.to_string()))?;
            Some(passwords::hash(app, password).await?)
        }
        None => None,
    };
    let new = NewUser {
        account: actor.account.clone(),
        kind,
        subtype: standing.subtype.clone(),
        role: standing.role.clone(),
        code,
        username,
        vseeid: CallIdentity::Numbered(account.code),
        profile,
        disable_emails: command.disable_emails,
        password_hash,
        at: app.clock.now(),
    };
    let extra = extra::merged(Map::new(), &command.extra)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let added = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, new.at);
                let id = users::add(tx, &new).await?;
                users::update_standing(tx, account, id, &standing, now).await?;
                if !extra.is_empty() {
                    users::set_extra(tx, account, id, &extra::seal(&vault, id, &extra)?, now).await?;
                }
                created(tx, &owner, &caller, id, kind).await?;
                assign(tx, &owner, &caller, id, works_in).await?;
                view(&owner, tx, account, id).await
            })
        })
        .await;
    added.map_err(name_taken)
}

/// Providers work in rooms, patients are registered with one.
fn place(actor: &Actor, standing: &mut Standing, rooms: Vec<RoomId>) -> Result<Vec<RoomId>> {
    match (standing.kind, rooms.as_slice()) {
        (_, []) => Ok(rooms),
        (UserType::Provider, _) => authz::account(actor, Action::UserRoomsAssign).map(|()| rooms),
        (UserType::Member, [one]) => {
            standing.room = Some(*one);
            Ok(Vec::new())
        }
        (UserType::Member, _) => Err(Error::field("room_codes", "a patient is registered with one room")),
        _ => Err(Error::field("room_code", "only providers and patients have rooms")),
    }
}

async fn assign(tx: &mut Tx, app: &App, actor: &Actor, user: UserId, wanted: Vec<RoomId>) -> Result<()> {
    for room in wanted {
        if rooms::assign(tx, &actor.account, room, user, app.clock.now()).await? {
            let subject = Subject { room: Some(room), user: Some(user), ..Subject::default() };
            events::append(tx, app, &actor.account, EventType::RoomUpdated, subject).await?;
            audit::write(tx, app, actor, "users.assign_rooms", ("user", user.to_string())).await?;
        }
    }
    Ok(())
}
