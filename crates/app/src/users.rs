//! Users: signing in, looking at people, adding them, giving providers rooms.

mod login;

use bedside_model::{
    AccountId, RoomId, UserId,
    event::{EventData, EventType},
    permission::Action,
    user::{Profile, SessionKind, UserType},
};
use bedside_store::{
    Conn, Tx, accounts,
    rooms::{self, Room},
    users::{self, CallIdentity, NewUser, User},
};

use crate::{
    Actor, App, Error, Result, audit, authz, credentials,
    events::{self, Subject},
    passwords,
    profile::{self, ProfileInput},
    sessions::NewCookie,
    tokens::TokenPair,
};

pub use login::{Login, login};

/// Somebody signed in: who, their tokens, and the cookie when a page asked.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Access and refresh token.
    pub tokens: TokenPair,
    /// The page's cookie.
    pub cookie: Option<NewCookie>,
}

/// Single sign-on (core.md 2.3).
#[derive(Clone, Default)]
pub struct Sso {
    /// Documented number; none means a patient (200).
    pub kind: Option<i64>,
    /// The integrator's own key for the user.
    pub code: Option<String>,
    /// Login name; none makes one.
    pub username: Option<String>,
    /// 1 stops e-mail notices.
    pub disable_emails: Option<bool>,
    /// Who it is.
    pub profile: ProfileInput,
}

/// Signs a portal's user in: the one with this code, or a new one.
///
/// # Errors
/// 400 naming the field, `user_type_differs` when the code belongs to a user
/// of another type, 403 for a suspended user.
pub async fn sso(app: &App, actor: &Actor, command: Sso) -> Result<SignedIn> {
    authz::sso(actor)?;
    let kind = match UserType::from_code(command.kind.unwrap_or(UserType::Member.code())) {
        Some(kind @ (UserType::Member | UserType::Provider | UserType::Guest)) => kind,
        _ => return Err(Error::field("type", "use 200 (patient), 400 (provider) or 600 (guest)")),
    };
    let profile = profile::checked(&command.profile, Profile::default(), true)?;
    let code = match command.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
        // Guests are one-time users: each call makes one.
        _ if kind == UserType::Guest => None,
        Some(code) if code.chars().count() > 128 => {
            return Err(Error::field("code", "use at most 128 characters"));
        }
        Some(code) => Some(code.to_owned()),
        None => return Err(Error::field("code", "is required for patients and providers")),
    };
    let username = profile::username(command.username.as_deref())?;
    let (owner, caller) = (app.clone(), actor.clone());
    let signed_in = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let known = match &code {
                    Some(code) => users::find_by_code(tx, account, code).await?,
                    None => None,
                };
                let id = match known {
                    Some(user) => refresh(tx, &owner, &caller, user, kind, &command).await?,
                    None => {
                        let new = Portal { kind, code, username, profile, input: &command };
                        new.add(tx, &owner, &caller).await?
                    }
                };
                audit::write(tx, &owner, &caller, "users.sso", ("user", id.to_string())).await?;
                let tokens = crate::tokens::issue(tx, &owner, account, id).await?;
                let user = users::find(tx, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
                Ok(SignedIn { user, tokens, cookie: None })
            })
        })
        .await;
    signed_in.map_err(name_taken)
}

/// A portal's user that is not known yet.
struct Portal<'c> {
    kind: UserType,
    code: Option<String>,
    username: Option<String>,
    profile: Profile,
    input: &'c Sso,
}

impl Portal<'_> {
    async fn add(self, tx: &mut Tx, app: &App, actor: &Actor) -> Result<UserId> {
        let prefix = account_code(tx, &actor.account).await?;
        let username = self.username.unwrap_or_else(|| app.random.hex());
        let code = self.code.unwrap_or_else(|| app.random.hex());
        let new = NewUser {
            account: actor.account.clone(),
            kind: self.kind,
            subtype: String::new(),
            role: String::new(),
            code: code.clone(),
            vseeid: CallIdentity::Named(format!("{prefix}+{username}")),
            username,
            profile: self.profile,
            disable_emails: self.input.disable_emails.unwrap_or_default(),
            password_hash: None,
            at: app.clock.now(),
        };
        if let Some(id) = users::add_if_new(tx, &new).await? {
            created(tx, app, actor, id, self.kind).await?;
            return Ok(id);
        }
        // Two calls for one code at once: the other one made it just now.
        let user = users::find_by_code(tx, &actor.account, &code).await?;
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        refresh(tx, app, actor, user, self.kind, self.input).await
    }
}

/// Brings a known user up to what the portal says.
async fn refresh(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    user: User,
    kind: UserType,
    command: &Sso,
) -> Result<UserId> {
    if user.kind != kind {
        return Err(Error::invalid(
            "user_type_differs",
            format!("This code belongs to a user of type {}.", user.kind.code()),
        ));
    }
    credentials::may_act(user.status)?;
    let old = user.profile.reveal();
    let new = profile::checked(&command.profile, old.clone(), true)?;
    let disable_emails = command.disable_emails.unwrap_or(user.disable_emails);
    if new != *old || disable_emails != user.disable_emails {
        let now = app.clock.now();
        users::update_profile(tx, &actor.account, user.id, &new, disable_emails, now).await?;
        audit::write(tx, app, actor, "users.update", ("user", user.id.to_string())).await?;
    }
    Ok(user.id)
}

/// The event and the entry of a user that was just added.
async fn created(tx: &mut Tx, app: &App, actor: &Actor, id: UserId, kind: UserType) -> Result<()> {
    let data = EventData { user_type: Some(kind.code()), ..EventData::default() };
    let subject = Subject { user: Some(id), data, ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::UserCreated, subject).await?;
    audit::write(tx, app, actor, "users.add", ("user", id.to_string())).await
}

async fn account_code(conn: &mut Conn, account: &AccountId) -> Result<String> {
    let account = accounts::find(conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
    Ok(account.code)
}

/// A taken login name or code is the caller's to fix.
fn name_taken(error: Error) -> Error {
    if error.is_unique("users", "account_id, username") {
        Error::field("username", "is taken by somebody else")
    } else if error.is_unique("users", "account_id, code") {
        Error::field("code", "is taken by somebody else")
    } else {
        error
    }
}

/// Tokens, and a cookie when a page asked for one.
async fn sign_in(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    user: User,
    page: Option<SessionKind>,
) -> Result<SignedIn> {
    let tokens = crate::tokens::issue(tx, app, account, user.id).await?;
    let cookie = match page {
        Some(kind) => Some(NewCookie::issue(tx, app, account, &user, kind, Default::default()).await?),
        None => None,
    };
    Ok(SignedIn { user, tokens, cookie })
}

/// Entering a waiting room without a login.
#[derive(Default)]
pub struct GuestLogin {
    /// Code or slug of the room.
    pub room_code: String,
    /// Who it is.
    pub profile: ProfileInput,
    /// The pages that want a cookie.
    pub page: Option<SessionKind>,
}

/// Makes a one-time user for a room and signs them in.
///
/// # Errors
/// 400 naming the field, 404 for an unknown room, 403 where guests may not enter.
pub async fn guest_login(app: &App, actor: &Actor, command: GuestLogin) -> Result<SignedIn> {
    let profile = profile::checked(&command.profile, Profile::default(), true)?;
    if command.room_code.trim().is_empty() {
        return Err(Error::field("room_code", "is required"));
    }
    let mut conn = app.store.reader().await?;
    let room = rooms::find_named(&mut conn, &actor.account, command.room_code.trim()).await?;
    let room = room.filter(|room| room.active).ok_or_else(|| Error::not_found("room"))?;
    drop(conn);
    if !room.public_access || !room.settings.guest_enabled {
        return Err(Error::forbidden(
            "guests_not_allowed",
            "This waiting room is for registered patients only.",
        ));
    }
    if room.settings.is_closed {
        return Err(Error::invalid("room_closed", room.settings.closed_message()));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let sso = Sso::default();
                let new = Portal { kind: UserType::Guest, code: None, username: None, profile, input: &sso };
                let id = new.add(tx, &owner, &caller).await?;
                let account = &caller.account;
                let user = users::find(tx, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
                sign_in(tx, &owner, account, user, command.page).await
            })
        })
        .await
}

/// Whom a path with a user id means: `-` is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The caller.
    Caller,
    /// The user of this number.
    Id(UserId),
}

impl Which {
    /// The number.
    ///
    /// # Errors
    /// 401 for `-` without a user.
    pub fn resolve(self, actor: &Actor) -> Result<UserId> {
        match self {
            Self::Caller => authz::user(actor).map(|(id, _)| id),
            Self::Id(id) => Ok(id),
        }
    }
}

/// A person's profile: one's own, for providers that of patients of their
/// rooms and visits, for admins everybody's.
///
/// # Errors
/// 401 without a user, 404 for everybody else.
pub async fn get(app: &App, actor: &Actor, which: Which) -> Result<User> {
    let id = which.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::UserRead).await?;
    let user = users::find(&mut conn, &actor.account, id).await?;
    let user = user.ok_or_else(|| Error::not_found("user"))?;
    app.reads.note(app, actor, user.id, "users.get");
    Ok(user)
}

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
    let mut ids = Vec::with_capacity(wanted.len());
    for name in wanted {
        let found = match &name {
            RoomName::Id(id) => rooms::find(&mut conn, &actor.account, *id).await?,
            RoomName::Code(code) => rooms::find_named(&mut conn, &actor.account, code).await?,
        };
        ids.push(found.ok_or_else(|| Error::not_found("room"))?.id);
    }
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

/// A user made by an admin.
#[derive(Default)]
pub struct Add {
    /// Documented number: 100, 200 or 400.
    pub kind: i64,
    /// Documented number of a provider's kind, such as 482.
    pub subtype: Option<i64>,
    /// The integrator's key; none makes one.
    pub code: Option<String>,
    /// Login name; none makes one.
    pub username: Option<String>,
    /// First password; none leaves the user without one.
    pub password: Option<String>,
    /// Who it is.
    pub profile: ProfileInput,
}

/// Adds a user with a login of their own.
///
/// # Errors
/// 403 for others than admins, 400 naming the field.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<User> {
    const SUBTYPES: [i64; 6] = [460, 470, 480, 482, 484, 486];
    authz::account(actor, Action::UserManage)?;
    let kind = match UserType::from_code(command.kind) {
        Some(kind @ (UserType::Admin | UserType::Member | UserType::Provider)) => kind,
        _ => return Err(Error::field("type", "use 100 (admin), 200 (patient) or 400 (provider)")),
    };
    if command.subtype.is_some_and(|subtype| kind != UserType::Provider || !SUBTYPES.contains(&subtype)) {
        return Err(Error::field("subtype", "use one of the documented kinds of provider"));
    }
    let profile = profile::checked(&command.profile, Profile::default(), true)?;
    let username = profile::username(command.username.as_deref())?.unwrap_or_else(|| app.random.hex());
    let password_hash = match &command.password {
        Some(password) => {
            bedside_model::password::check(password, &[username.as_str()])
                .map_err(|weak| Error::field("password", weak.to_string()))?;
            Some(passwords::hash(app, password).await?)
        }
        None => None,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    let added = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let prefix = account_code(tx, &caller.account).await?;
                let new = NewUser {
                    account: caller.account.clone(),
                    kind,
                    subtype: command.subtype.map(|subtype| subtype.to_string()).unwrap_or_default(),
                    role: String::new(),
                    code: command.code.unwrap_or_else(|| owner.random.hex()),
                    username,
                    vseeid: CallIdentity::Numbered(prefix),
                    profile,
                    disable_emails: false,
                    password_hash,
                    at: owner.clock.now(),
                };
                let id = users::add(tx, &new).await?;
                created(tx, &owner, &caller, id, kind).await?;
                users::find(tx, &caller.account, id).await?.ok_or_else(|| Error::not_found("user"))
            })
        })
        .await;
    added.map_err(name_taken)
}
