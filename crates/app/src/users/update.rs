//! Changing people: their profile, their password, and what the clinic
//! decides about them.

use bedside_model::{
    UserId, call,
    event::{EventData, EventType},
    mail::MailKind,
    permission::Action,
    user::{Role, UserStatus, UserType},
};
use bedside_store::{
    Conn, Tx, Vault, accounts,
    users::{self, Standing, User},
    visits,
};
use serde_json::{Map, Value};

use super::{
    RoomName, UserView, Which,
    add::{group_of, kind_of, role_of, subtype_of},
    name_taken,
    rooms::named,
    view,
};
use crate::{
    Actor, App, Error, Result, Who, audit, authz,
    credentials::Credentials,
    events::{self, Subject},
    extra,
    log_ins::Attempt,
    mail, passwords,
    profile::{self, ProfileInput},
    tokens::digest,
    verification,
};

/// What is sent of a user; `None` leaves the field.
#[derive(Default)]
pub struct Update {
    /// Who it is.
    pub profile: ProfileInput,
    /// Login name.
    pub username: Option<String>,
    /// A new password.
    pub password: Option<String>,
    /// The password until now, when people change their own.
    pub current_password: Option<String>,
    /// Terms accepted.
    pub tos: Option<bool>,
    /// No e-mail notices.
    pub disable_emails: Option<bool>,
    /// The extended profile, put over what is known.
    pub extra: Option<Map<String, Value>>,
    /// Documented number of a provider's kind; an empty text for none.
    pub subtype: Option<String>,
    /// Documented number of the type.
    pub kind: Option<i64>,
    /// A provider's extra right; an empty text for none.
    pub role: Option<String>,
    /// Documented number of the status.
    pub status: Option<i64>,
    /// Left out of the patient list of remote monitoring.
    pub is_hidden: Option<bool>,
    /// The clinic's own grouping; an empty text for none.
    pub group: Option<String>,
    /// The integrator's own key.
    pub code: Option<String>,
    /// The room a patient is registered with.
    pub room: Option<RoomName>,
    /// What the request shows: this log-in outlives a new password.
    pub shown: Credentials,
}

/// A change with everything that was looked up for it.
struct Change {
    id: UserId,
    command: Update,
    own: bool,
    password_hash: Option<String>,
    vault: std::sync::Arc<Vault>,
}

/// Changes a user: people themselves, a guardian for those in their care, an
/// admin for everybody. What the clinic decides (type, role, status, code,
/// group, whether they are listed) takes an admin.
///
/// # Errors
/// 401 without a user, 404 for whoever may not see them, 403 for whoever may
/// not change this, 400 naming the field, `last_admin` for a change that would
/// leave the clinic without one, 429 after wrong passwords.
pub async fn update(app: &App, actor: &Actor, which: Which, command: Update) -> Result<UserView> {
    let id = which.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::UserUpdate).await?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    if matches!(user.kind, UserType::Api | UserType::System | UserType::Cronjob) {
        return Err(Error::invalid("system_user", "System users cannot be changed."));
    }
    drop(conn);
    let own = actor.user() == Some(id);
    let password_hash = new_password(app, actor, own, &user, &command).await?;
    let vault = app.store.vault(&actor.account).await?;
    let change = Change { id, command, own, password_hash, vault };
    let (owner, caller) = (app.clone(), actor.clone());
    let changed = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let ended = change.make(tx, &owner, &caller).await?;
                let meetings =
                    if ended { visits::list_meetings_of(tx, &caller.account, id).await? } else { Vec::new() };
                Ok((view(&owner, tx, &caller.account, id).await?, meetings))
            })
        })
        .await;
    let (view, meetings) = changed.map_err(name_taken)?;
    for meeting in meetings {
        app.calls.remove(&meeting, &call::identity(id)).await;
    }
    Ok(view)
}

/// What the clinic's decisions about the user become.
async fn decided(conn: &mut Conn, actor: &Actor, user: &User, sent: &Update) -> Result<Standing> {
    let mut standing = standing_of(user);
    if let Some(number) = sent.kind.filter(|number| *number != user.kind.code()) {
        standing.kind = kind_of(number)?;
        // Both are a provider's.
        standing.role.clear();
        standing.subtype.clear();
    }
    if let Some(word) = &sent.subtype {
        let number = word.trim().parse().ok();
        if number.is_none() && !word.trim().is_empty() {
            return Err(Error::field("subtype", "use one of the documented kinds of provider"));
        }
        standing.subtype = subtype_of(standing.kind, number)?;
    }
    if let Some(word) = &sent.role {
        standing.role = role_of(standing.kind, word)?;
    }
    if let Some(number) = sent.status {
        standing.status = UserStatus::from_code(number)
            .ok_or_else(|| Error::field("status", "use 10, 20, 30 (suspended) or 40 (pending delete)"))?;
    }
    if let Some(name) = &sent.group {
        standing.group = group_of(name)?;
    }
    if let Some(room) = &sent.room {
        if standing.kind != UserType::Member {
            return Err(Error::field("room_code", "only patients are registered with a room"));
        }
        standing.room = named(conn, actor, std::slice::from_ref(room)).await?.first().copied();
    }
    standing.is_hidden = sent.is_hidden.unwrap_or(standing.is_hidden);
    standing.tos = sent.tos.unwrap_or(standing.tos);
    Ok(standing)
}

fn standing_of(user: &User) -> Standing {
    Standing {
        kind: user.kind,
        subtype: user.subtype.clone(),
        role: user.role.clone(),
        status: user.status,
        is_hidden: user.is_hidden,
        group: user.group.clone(),
        room: user.room,
        tos: user.tos,
    }
}

/// Everybody accepts the terms for themselves and says what kind of provider
/// they are; the rest is the clinic's.
fn may_decide(actor: &Actor, own: bool, user: &User, new: &Standing, sent: &Update) -> Result<()> {
    let old = standing_of(user);
    let clinics = Standing { subtype: new.subtype.clone(), tos: new.tos, ..old.clone() } != *new;
    let code = sent.code.as_deref().is_some_and(|code| code.trim() != user.code.reveal().as_str());
    if clinics || code || (!own && new.tos != old.tos) {
        authz::account(actor, Action::UserManage)?;
    }
    Ok(())
}

/// The hash of a new password, when one was sent and the caller may set it.
async fn new_password(
    app: &App,
    actor: &Actor,
    own: bool,
    user: &User,
    sent: &Update,
) -> Result<Option<String>> {
    let Some(password) = &sent.password else { return Ok(None) };
    if !own {
        authz::account(actor, Action::UserManage)?;
    } else if user.password_hash.is_some() {
        // Guessing here is guessing a log-in.
        let attempt = Attempt::new(&actor.account, user.username.reveal(), &actor.address);
        attempt.admit(app).await?;
        let current = sent.current_password.as_deref();
        let current = current.ok_or_else(|| Error::field("current_password", "is required"))?;
        if !passwords::verify(app, user.password_hash.as_deref(), current).await? {
            attempt.failed(app).await?;
            return Err(Error::field("current_password", "is wrong"));
        }
    }
    let mut conn = app.store.reader().await?;
    let account = accounts::find(&mut conn, &actor.account).await?;
    drop(conn);
    passwords::check(password, user, &account.ok_or_else(|| Error::not_found("account"))?)?;
    passwords::hash(app, password).await.map(Some)
}

/// As the store counts others, see [`users::count_other_admins`].
fn runs_the_clinic(standing: &Standing, has_password: bool) -> bool {
    standing.status == UserStatus::Active
        && match standing.kind {
            UserType::Admin | UserType::CommonAdmin => has_password,
            UserType::Provider => standing.role == Role::ClinicAdmin.as_str(),
            _ => false,
        }
}

impl Change {
    /// Makes the change on the row as it is now. Gives true when the user's
    /// log-ins ended with it.
    async fn make(self, tx: &mut Tx, app: &App, actor: &Actor) -> Result<bool> {
        let (account, id, now) = (&actor.account, self.id, app.clock.now());
        if self.command.kind.or(self.command.status).is_some() || self.command.role.is_some() {
            users::lock_admins(tx, account).await?;
        }
        users::lock(tx, account, id).await?;
        let user = users::find(tx, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
        self.write_profile(tx, app, actor, &user).await?;
        if let Some(hash) = &self.password_hash {
            users::set_password(tx, account, id, hash, now).await?;
            audit::write(tx, app, actor, "users.set_password", ("user", id.to_string())).await?;
            if user.password_hash.is_some() {
                mail::enqueue(tx, app, actor, id, MailKind::PasswordChanged).await?;
            }
        }
        let ends = self.write_standing(tx, app, actor, &user).await?;
        if ends {
            users::end_log_ins(tx, account, id, &[], now).await?;
        } else if self.password_hash.is_some() && user.password_hash.is_some() {
            users::end_log_ins(tx, account, id, &self.kept(), now).await?;
        }
        let data = EventData { user_type: Some(user.kind.code()), ..EventData::default() };
        let subject = Subject { user: Some(id), data, ..Subject::default() };
        events::append(tx, app, account, EventType::UserUpdated, subject).await?;
        audit::write(tx, app, actor, "users.update", ("user", id.to_string())).await?;
        Ok(ends)
    }

    async fn write_profile(&self, tx: &mut Tx, app: &App, actor: &Actor, user: &User) -> Result<()> {
        let (account, id, now, sent) = (&actor.account, self.id, app.clock.now(), &self.command);
        let old = user.profile.reveal();
        let new = profile::checked(&sent.profile, old.clone(), false)?;
        let disable_emails = sent.disable_emails.unwrap_or(user.disable_emails);
        if new != *old || disable_emails != user.disable_emails {
            users::update_profile(tx, account, id, &new, disable_emails, now).await?;
        }
        if sent.profile.email.is_some() {
            verification::ask(tx, app, actor, user, &new.email).await?;
        }
        if let Some(name) = profile::username(sent.username.as_deref())?
            && name != *user.username.reveal()
        {
            users::rename(tx, account, id, &name, now).await?;
        }
        if let Some(code) = profile::code(sent.code.as_deref())?
            && code != *user.code.reveal()
        {
            users::recode(tx, account, id, &code, now).await?;
        }
        let Some(sent) = &sent.extra else { return Ok(()) };
        let known = match users::find_extra(tx, account, id).await? {
            Some(sealed) => extra::open(&self.vault, id, &sealed)?,
            None => Map::new(),
        };
        let sealed = extra::seal(&self.vault, id, &extra::merged(known, sent)?)?;
        users::set_extra(tx, account, id, &sealed, now).await?;
        Ok(())
    }

    /// Gives true when the user may no longer be logged in as they were.
    async fn write_standing(&self, tx: &mut Tx, app: &App, actor: &Actor, user: &User) -> Result<bool> {
        let (account, id) = (&actor.account, self.id);
        let mut new = decided(tx, actor, user, &self.command).await?;
        may_decide(actor, self.own, user, &new, &self.command)?;
        if self.command.status.is_none() {
            // A first password makes active.
            let first = self.password_hash.is_some() && user.status == UserStatus::Inactive;
            new.status = if first { UserStatus::Active } else { user.status };
        }
        let has_password = user.password_hash.is_some();
        // An admin token can always make another admin; people may lock themselves out.
        if matches!(actor.who, Who::User { .. })
            && runs_the_clinic(&standing_of(user), has_password)
            && !runs_the_clinic(&new, has_password || self.password_hash.is_some())
            && users::count_other_admins(tx, account, id).await? == 0
        {
            return Err(Error::invalid("last_admin", "The clinic needs somebody else who can run it first."));
        }
        if new != standing_of(user) {
            users::update_standing(tx, account, id, &new, app.clock.now()).await?;
        }
        if new.status != user.status || new.role != user.role || new.kind != user.kind {
            audit::write(tx, app, actor, "users.decide", ("user", id.to_string())).await?;
        }
        Ok(new.kind != user.kind || (user.status.may_act() && !new.status.may_act()))
    }

    /// The log-in that made the change.
    fn kept(&self) -> Vec<u8> {
        let shown = &self.command.shown;
        let token = shown.token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        let cookie = shown.session.as_ref().map(|(_, cookie)| cookie.as_str());
        token.or(cookie).map(digest).unwrap_or_default()
    }
}
