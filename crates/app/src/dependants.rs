//! Dependants: members without a login of their own, in a patient's care.

use bedside_model::{
    UserId,
    event::{EventData, EventType},
    permission::Action,
    user::{Kinship, Profile, UserType, has_begun},
};
use bedside_store::{
    Tx,
    dependants::{self, Dependant},
    users::{self, CallIdentity, NewUser},
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    profile::{self, ProfileInput},
    users::{Which, account_code, created},
};

/// Most people in one person's care.
pub const MOST: i64 = 20;

/// Those in somebody's care.
///
/// # Errors
/// 401 without a user, 404 for whoever may not see the guardian, 403 for
/// whoever may not see this.
pub async fn list(app: &App, actor: &Actor, guardian: Which) -> Result<Vec<Dependant>> {
    let id = guardian.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::Dependants).await?;
    users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    let found = dependants::list(&mut conn, &actor.account, id).await?;
    for dependant in &found {
        app.reads.note(app, actor, dependant.user.id, "dependants.list");
    }
    Ok(found)
}

/// Somebody to care for.
#[derive(Default)]
pub struct Add {
    /// Who it is; the birth date is required.
    pub profile: ProfileInput,
    /// What they are to the guardian, by its word.
    pub relation: String,
}

/// Adds somebody to a patient's care.
///
/// # Errors
/// As [`list`], 400 naming the field, `not_a_patient`, `too_many_dependants`.
pub async fn add(app: &App, actor: &Actor, guardian: Which, command: Add) -> Result<Dependant> {
    let id = guardian.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::Dependants).await?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    if user.kind != UserType::Member {
        return Err(Error::invalid("not_a_patient", "Only registered patients (type 200) have dependants."));
    }
    let prefix = account_code(&mut conn, &actor.account).await?;
    drop(conn);
    let now = app.clock.now();
    let profile = profile::checked(&command.profile, Profile::default(), true)?;
    match &profile.dob {
        None => return Err(Error::field("dob", "is required")),
        Some(dob) if !has_begun(dob, now) => return Err(Error::field("dob", "must not be in the future")),
        Some(_) => {}
    }
    let kinship = Kinship::parse(command.relation.trim())
        .ok_or_else(|| Error::field("relation", "use child, parent, spouse or other"))?;
    let new = NewUser {
        account: actor.account.clone(),
        kind: UserType::Member,
        subtype: String::new(),
        role: String::new(),
        code: app.random.hex(),
        username: app.random.hex(),
        vseeid: CallIdentity::Numbered(prefix),
        profile,
        disable_emails: false,
        password_hash: None,
        at: now,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                // Two that are added at once are counted one after the other.
                users::lock(tx, account, id).await?;
                if dependants::count(tx, account, id).await? >= MOST {
                    return Err(Error::invalid(
                        "too_many_dependants",
                        "Nobody may have more than 20 people in their care here.",
                    ));
                }
                let dependant = users::add(tx, &new).await?;
                created(tx, &owner, &caller, dependant, UserType::Member).await?;
                dependants::add(tx, account, id, dependant, kinship, now).await?;
                audit::write(tx, &owner, &caller, "dependants.add", ("user", dependant.to_string())).await?;
                let user = users::find(tx, account, dependant).await?;
                Ok(Dependant { user: user.ok_or_else(|| Error::not_found("user"))?, kinship })
            })
        })
        .await
}

/// Ends somebody's care for somebody; the dependant stays a patient.
///
/// # Errors
/// As [`list`], 404 `dependant_not_found` for somebody who is not in their care.
pub async fn end(app: &App, actor: &Actor, guardian: Which, dependant: UserId) -> Result<()> {
    let id = guardian.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::Dependants).await?;
    drop(conn);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !dependants::end(tx, &caller.account, id, dependant).await? {
                    return Err(Error::not_found("dependant"));
                }
                tell(tx, &owner, &caller, dependant).await?;
                audit::write(tx, &owner, &caller, "dependants.end", ("user", dependant.to_string())).await
            })
        })
        .await
}

async fn tell(tx: &mut Tx, app: &App, actor: &Actor, dependant: UserId) -> Result<()> {
    let data = EventData { user_type: Some(UserType::Member.code()), ..EventData::default() };
    let subject = Subject { user: Some(dependant), data, ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::UserUpdated, subject).await
}
