//! Accounts: making a clinic with its first keys and people.

use bedside_model::{AccountId, permission::Action, user::UserType};
use bedside_store::{
    Tx,
    accounts::{self, Account, NewAccount},
    api_keys::{self, NewApiKey},
    users::{self, CallIdentity, NewUser, User},
};
use url::Url;

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    tokens::{self, digest},
};
use bedside_model::{
    event::{EventData, EventType},
    user::Profile,
};

/// A clinic to make.
#[derive(Debug, Clone, Default)]
pub struct Create {
    /// Short name: lower-case letters, digits and hyphens.
    pub code: String,
    /// The clinic's name.
    pub name: String,
    /// What the way back is called; empty takes the clinic's name.
    pub portal_name: String,
    /// Where the way back leads; empty when there is no portal.
    pub portal_return_url: String,
}

/// A new clinic. The secrets are shown once.
pub struct Created {
    /// The clinic.
    pub account: Account,
    /// For `X-ApiKey`.
    pub api_key: String,
    /// For `X-ApiSecret`.
    pub api_secret: String,
    /// For `X-ApiToken` of the portal's server.
    pub admin_token: String,
    /// Login name of the first admin.
    pub admin_username: String,
    /// Token of the one-time link where the first admin sets a password:
    /// `/admin/setup?token=`. Ends after a day.
    pub admin_link_token: String,
}

/// Login name of an account's first admin.
pub const FIRST_ADMIN: &str = "admin";

/// Makes a clinic, with single sign-on switched on.
///
/// # Errors
/// 400 naming the field; `account_exists` when the code is taken.
pub async fn create(app: &App, command: Create) -> Result<Created> {
    check(&command)?;
    let now = app.clock.now();
    let id = AccountId(app.random.uuid(now));
    let (_, data_key) = app.store.new_vault(&id)?;
    let portal_name = match command.portal_name.trim() {
        "" => command.name.trim(),
        name => name,
    };
    let account = NewAccount {
        id: id.clone(),
        code: command.code.clone(),
        name: command.name.trim().to_owned(),
        portal_name: portal_name.to_owned(),
        portal_return_url: command.portal_return_url.trim().to_owned(),
        sso_enabled: true,
        data_key,
        at: now,
    };
    let owner = app.clone();
    let created = app.store.write(move |tx| Box::pin(async move { add(tx, &owner, account).await })).await;
    created.map_err(|error| {
        if !error.is_unique("accounts", "code") {
            return error;
        }
        let said = format!("An account with the code '{}' exists already.", command.code);
        Error::invalid("account_exists", said)
    })
}

async fn add(tx: &mut Tx, app: &App, account: NewAccount) -> Result<Created> {
    let (id, now) = (account.id.clone(), account.at);
    let actor = Actor::system(id.clone());
    accounts::add(tx, &account).await?;
    let (api_key, api_secret) = (app.random.hex(), app.random.hex());
    let key = NewApiKey {
        id: app.random.uuid(now),
        account: id.clone(),
        key: api_key.clone(),
        secret_hash: digest(&api_secret),
        at: now,
    };
    api_keys::add(tx, &key).await?;
    audit::write(tx, app, &actor, "accounts.create", ("account", id.to_string())).await?;
    let system = add_person(tx, app, &account, UserType::Api, "api", ("API", "app")).await?;
    let admin = add_person(tx, app, &account, UserType::Admin, FIRST_ADMIN, ("Clinic", "Admin")).await?;
    let admin_token = tokens::issue_admin(tx, app, &id, system.id, "first".to_owned()).await?;
    let admin_link_token = tokens::issue_link(tx, app, &id, admin.id).await?;
    let account = accounts::find(tx, &id).await?.ok_or_else(|| Error::not_found("account"))?;
    Ok(Created {
        account,
        api_key,
        api_secret,
        admin_token,
        admin_username: FIRST_ADMIN.to_owned(),
        admin_link_token,
    })
}

async fn add_person(
    tx: &mut Tx,
    app: &App,
    account: &NewAccount,
    kind: UserType,
    username: &str,
    (first_name, last_name): (&str, &str),
) -> Result<User> {
    let new = NewUser {
        account: account.id.clone(),
        kind,
        subtype: String::new(),
        role: String::new(),
        code: app.random.hex(),
        username: username.to_owned(),
        vseeid: CallIdentity::Numbered(account.code.clone()),
        profile: Profile {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            ..Profile::default()
        },
        disable_emails: false,
        password_hash: None,
        at: account.at,
    };
    let id = users::add(tx, &new).await?;
    let data = EventData { user_type: Some(kind.code()), ..EventData::default() };
    let subject = Subject { user: Some(id), data, ..Subject::default() };
    events::append(tx, app, &account.id, EventType::UserCreated, subject).await?;
    users::find(tx, &account.id, id).await?.ok_or_else(|| Error::not_found("user"))
}

fn check(command: &Create) -> Result<()> {
    let code = &command.code;
    let fits = (2..=40).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !code.starts_with('-')
        && !code.ends_with('-');
    if !fits {
        return Err(Error::field("code", "use 2 to 40 lower-case letters, digits and hyphens"));
    }
    if command.name.trim().is_empty() || command.name.chars().count() > 128 {
        return Err(Error::field("name", "use 1 to 128 characters"));
    }
    if command.portal_name.chars().count() > 128 {
        return Err(Error::field("portal_name", "use at most 128 characters"));
    }
    check_return_url(&command.portal_return_url)
}

fn check_return_url(url: &str) -> Result<()> {
    let fits = url.trim().is_empty()
        || Url::parse(url.trim()).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if fits { Ok(()) } else { Err(Error::field("portal_return_url", "use a whole address with https://")) }
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text.trim_end_matches('/'))
}

/// The clinic of a code, for the command line.
///
/// # Errors
/// 404 `account_unknown`.
pub async fn get_by_code(app: &App, code: &str) -> Result<Account> {
    let mut conn = app.store.reader().await?;
    accounts::find_by_code(&mut conn, code).await?.ok_or_else(|| Error::not_found("account"))
}

/// The clinic that somebody acts in.
///
/// # Errors
/// 404 `account_unknown`.
pub async fn get(app: &App, actor: &Actor) -> Result<Account> {
    let mut conn = app.store.reader().await?;
    accounts::find(&mut conn, &actor.account).await?.ok_or_else(|| Error::not_found("account"))
}

/// How many clinics there are; `serve` tells how to make the first.
///
/// # Errors
/// What the store says.
pub async fn count(app: &App) -> Result<i64> {
    let mut conn = app.store.reader().await?;
    Ok(accounts::count(&mut conn).await?)
}

/// A new one-time link for the first admin; older links end. Gives the login
/// name and the link's token.
///
/// # Errors
/// 403 for others than admins.
pub async fn admin_link(app: &App, actor: &Actor) -> Result<(String, String)> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let admin = users::find_first(tx, &caller.account, UserType::Admin).await?;
                let admin = admin.ok_or_else(|| Error::not_found("user"))?;
                let token = tokens::issue_link(tx, &owner, &caller.account, admin.id).await?;
                let object = ("user", admin.id.to_string());
                audit::write(tx, &owner, &caller, "accounts.admin_link", object).await?;
                Ok((admin.username.into_inner(), token))
            })
        })
        .await
}

/// Where the clinic's own portal is.
#[derive(Debug, Clone, Default)]
pub struct Portal {
    /// What the way back is called.
    pub name: String,
    /// Where it leads; empty when there is no portal.
    pub return_url: String,
    /// Further origins that a `return_url` may have.
    pub return_origins: Vec<String>,
}

/// Says where the clinic's own portal is.
///
/// # Errors
/// 403 for others than admins, 400 naming the field.
pub async fn update_portal(app: &App, actor: &Actor, portal: Portal) -> Result<Account> {
    authz::account(actor, Action::AccountManage)?;
    check_return_url(&portal.return_url)?;
    if !portal.return_origins.iter().all(|origin| is_origin(origin)) {
        return Err(Error::field(
            "return_origins",
            "use origins such as https://portal.example, without a path",
        ));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (id, now) = (&caller.account, owner.clock.now());
                let (name, url) = (portal.name.trim(), portal.return_url.trim());
                accounts::update_portal(tx, id, name, url, &portal.return_origins, now).await?;
                audit::write(tx, &owner, &caller, "accounts.update_portal", ("account", id.to_string())).await
            })
        })
        .await?;
    get(app, actor).await
}

/// Switches single sign-on, and whether it needs the secret beside the key.
///
/// # Errors
/// 403 for others than admins.
pub async fn update_sso(app: &App, actor: &Actor, enabled: bool, require_secret: bool) -> Result<()> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let id = &caller.account;
                accounts::update_sso(tx, id, enabled, require_secret, owner.clock.now()).await?;
                audit::write(tx, &owner, &caller, "accounts.update_sso", ("account", id.to_string())).await
            })
        })
        .await
}
