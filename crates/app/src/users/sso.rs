//! People whom a portal brings, and guests who come by themselves.

use bedside_model::{
    UserId,
    user::{Profile, SessionKind, UserStatus, UserType},
};
use bedside_store::{
    Tx, rooms,
    users::{self, CallIdentity, NewUser, User},
};

use super::{SignedIn, account_code, created, name_taken, sign_in};
use crate::{
    Actor, App, Error, Result, audit, authz, credentials,
    profile::{self, ProfileInput},
};

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
    let code = match profile::code(command.code.as_deref())? {
        // Guests are one-time users: each call makes one.
        _ if kind == UserType::Guest => None,
        Some(code) => Some(code),
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
    // The portal vouches for whoever has no password yet.
    if user.status == UserStatus::Inactive {
        users::activate(tx, &actor.account, user.id, app.clock.now()).await?;
    } else {
        credentials::may_act(user.status)?;
    }
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
    if !room.public_access {
        return Err(crate::rooms::guests_not_allowed());
    }
    crate::rooms::check_open(app, &room, Some(UserType::Guest))?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let sso = Sso::default();
                let new = Portal { kind: UserType::Guest, code: None, username: None, profile, input: &sso };
                let id = new.add(tx, &owner, &caller).await?;
                let account = &caller.account;
                let user = users::find(tx, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
                sign_in(tx, &owner, account, user, command.page, &caller.device).await
            })
        })
        .await
}

/// Makes the one-time user of somebody who comes by invitation.
pub(crate) async fn add_guest(tx: &mut Tx, app: &App, actor: &Actor, profile: Profile) -> Result<User> {
    let sso = Sso::default();
    let new = Portal { kind: UserType::Guest, code: None, username: None, profile, input: &sso };
    let id = new.add(tx, app, actor).await?;
    users::find(tx, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))
}
