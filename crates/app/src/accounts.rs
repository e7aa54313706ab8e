//! Accounts: making a clinic with its first keys and people, what it says of
//! itself, how it is set up.

mod change;
mod origins;

use std::collections::BTreeMap;

use bedside_model::{
    AccountId,
    account::Wizard,
    event::{EventData, EventType},
    form::Step,
    permission::Action,
    scope::Scopes,
    user::{Profile, UserType},
};
use bedside_store::{
    Conn, Tx,
    accounts::{self, Account, NewAccount},
    forms, test_clinics,
    users::{self, CallIdentity, NewUser, User},
};
use serde_json::Value;

pub use change::{Update, update};
pub use origins::{OriginTable, Origins};

use crate::{
    Actor, App, Error, Result, Who, api_apps, audit, authz, credentials,
    events::{self, Subject},
    tokens,
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
    /// A clinic to try things in, for good: it writes to nobody.
    pub test: bool,
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
    let test = command.test;
    let created: Result<Created> = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let created = add(tx, &owner, account).await?;
                if test {
                    test_clinics::mark(tx, &created.account.id).await?;
                }
                Ok(created)
            })
        })
        .await;
    created.map_err(|error| {
        if !error.is_unique("accounts", "code") {
            return error;
        }
        let said = format!("An account with the code '{}' exists already.", command.code);
        Error::invalid("account_exists", said)
    })
}

async fn add(tx: &mut Tx, app: &App, account: NewAccount) -> Result<Created> {
    let id = account.id.clone();
    let actor = Actor::system(id.clone());
    accounts::add(tx, &account).await?;
    audit::write(tx, app, &actor, "accounts.create", ("account", id.to_string())).await?;
    let admin = add_person(tx, app, &id, UserType::Admin, FIRST_ADMIN, ("Clinic", "Admin")).await?;
    let first = api_apps::insert(tx, app, &actor, "Portal".to_owned(), Scopes::ALL).await?;
    let key = api_apps::insert_key(tx, app, &first, Scopes::ALL).await?;
    let token = api_apps::insert_token(tx, app, &first, "first".to_owned(), Scopes::ALL).await?;
    let admin_link_token = tokens::issue_link(tx, app, &id, admin.id).await?;
    let account = accounts::find(tx, &id).await?.ok_or_else(|| Error::not_found("account"))?;
    Ok(Created {
        account,
        api_key: key.key,
        api_secret: key.secret,
        admin_token: token.token,
        admin_username: FIRST_ADMIN.to_owned(),
        admin_link_token,
    })
}

/// A user that the house itself makes, such as the first admin.
pub(crate) async fn add_person(
    tx: &mut Tx,
    app: &App,
    id: &AccountId,
    kind: UserType,
    username: &str,
    (first_name, last_name): (&str, &str),
) -> Result<User> {
    let account = accounts::find(tx, id).await?.ok_or_else(|| Error::not_found("account"))?;
    let new = NewUser {
        account: id.clone(),
        kind,
        subtype: String::new(),
        role: String::new(),
        code: app.random.hex(),
        username: username.to_owned(),
        vseeid: CallIdentity::Numbered(account.code),
        profile: Profile {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            ..Profile::default()
        },
        disable_emails: false,
        password_hash: None,
        at: app.clock.now(),
    };
    let user = users::add(tx, &new).await?;
    let data = EventData { user_type: Some(kind.code()), ..EventData::default() };
    let subject = Subject { user: Some(user), data, ..Subject::default() };
    events::append(tx, app, id, EventType::UserCreated, subject).await?;
    users::find(tx, id, user).await?.ok_or_else(|| Error::not_found("user"))
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
    change::check_return_url(&command.portal_return_url)
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
pub async fn current(app: &App, actor: &Actor) -> Result<Account> {
    let mut conn = app.store.reader().await?;
    accounts::find(&mut conn, &actor.account).await?.ok_or_else(|| Error::not_found("account"))
}

/// A page of the clinics, for everybody: none, unless the server says that it
/// tells who its clinics are. Bedside itself always sees them.
///
/// # Errors
/// What the store says.
pub async fn list(app: &App, actor: &Actor, offset: i64, limit: i64) -> Result<(Vec<Account>, i64)> {
    if !app.settings.list_accounts && !matches!(actor.who, Who::System) {
        return Ok((Vec::new(), 0));
    }
    let mut conn = app.store.reader().await?;
    let total = accounts::count(&mut conn).await?;
    Ok((accounts::list(&mut conn, limit, offset).await?, total))
}

/// A clinic as its pages know it.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The clinic.
    pub account: Account,
    /// Steps of a sign-up.
    pub signup: Value,
    /// Steps before a visit is made.
    pub intake_steps: Value,
    /// Steps after it was made.
    pub post_intake_steps: Value,
    /// Steps after its call; none but of a form.
    pub post_call_steps: Value,
    /// May the caller see how the clinic is set up?
    pub manages: bool,
}

/// A clinic by its code; none is the caller's own. Open to everybody.
///
/// # Errors
/// 404 `account_unknown`, 400 `account_missing` when nothing tells the caller's.
pub async fn get(app: &App, actor: &Actor, code: Option<&str>) -> Result<AccountView> {
    let mut conn = app.store.reader().await?;
    let found = match code {
        Some(code) => accounts::find_by_code(&mut conn, code).await?,
        None if actor.account == credentials::no_account() => return Err(credentials::account_missing()),
        None => accounts::find(&mut conn, &actor.account).await?,
    };
    let account = found.ok_or_else(|| Error::not_found("account"))?;
    view(&mut conn, actor, account).await
}

async fn view(conn: &mut Conn, actor: &Actor, account: Account) -> Result<AccountView> {
    let kept = accounts::find_wizards(conn, &account.id).await?.unwrap_or_default();
    let steps = |text: &str, wizard: Wizard| match text {
        "" => Ok(wizard.default_steps()),
        text => serde_json::from_str(text).map_err(Error::internal),
    };
    // A published form comes before steps that were set by hand.
    let mut published = BTreeMap::new();
    for version in forms::list_live(conn, &account.id).await? {
        let form = crate::forms::parsed(&version.content)?;
        published.insert(version.step, form.steps(&version.form, version.number));
    }
    let mut of = |step: Step, own: Result<Value>| published.remove(&step).map_or(own, Ok);
    let manages = account.id == actor.account && authz::account(actor, Action::AccountManage).is_ok();
    Ok(AccountView {
        signup: of(Step::SignUp, steps(&kept.signup_steps, Wizard::Signup))?,
        intake_steps: of(Step::Intake, steps(&kept.intake_steps, Wizard::Intake))?,
        post_intake_steps: of(Step::PostIntake, steps(&kept.post_intake_steps, Wizard::PostIntake))?,
        post_call_steps: of(Step::PostCall, Ok(Value::Array(Vec::new())))?,
        account,
        manages,
    })
}

/// Makes changes of the clinic wait for each other.
pub(crate) async fn lock(tx: &mut Tx, id: &AccountId) -> Result<()> {
    Ok(accounts::lock(tx, id).await?)
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
/// As [`update`].
pub async fn update_portal(app: &App, actor: &Actor, portal: Portal) -> Result<Account> {
    let command = Update {
        portal_name: Some(portal.name),
        portal_return_url: Some(portal.return_url),
        return_origins: Some(portal.return_origins),
        ..Update::default()
    };
    Ok(update(app, actor, None, command).await?.account)
}

/// Switches single sign-on, and whether it needs the secret beside the key.
///
/// # Errors
/// As [`update`].
pub async fn update_sso(app: &App, actor: &Actor, enabled: bool, require_secret: bool) -> Result<()> {
    let command =
        Update { sso_enabled: Some(enabled), require_api_secret: Some(require_secret), ..Update::default() };
    update(app, actor, None, command).await.map(|_| ())
}
