//! API apps: the programs a clinic lets in, with their keys and admin tokens.
//! Whoever gives rights gives only what they have themselves: neither an app
//! nor a key nor a token gets a scope that its maker lacks.

mod uses;

use bedside_model::{
    AppId, KeyId, TokenId,
    permission::Action,
    scope::Scopes,
    user::{TokenKind, UserType},
};
use bedside_store::{
    Tx,
    api_apps::{self, ApiApp},
    api_keys::{self, KeyView, NewApiKey},
    tokens::{self, OfApp, TokenView},
};

pub(crate) use uses::Shown;
pub use uses::{Uses, flush as flush_uses};

use crate::{
    Actor, App, Error, Result, accounts, audit, authz,
    tokens::{digest, new_token},
};

/// Most apps of one clinic.
const MAX_APPS: usize = 100;
/// Most keys of one app that count at once.
const MAX_KEYS: usize = 10;
/// Most admin tokens of one app that count at once.
const MAX_TOKENS: usize = 100;
/// Longest time that an old key may live beside its successor, in seconds: 30 days.
pub const MAX_OVERLAP_SECONDS: i64 = 2_592_000;

/// An app with its keys and tokens that count.
#[derive(Debug, Clone)]
pub struct AppView {
    /// The app.
    pub app: ApiApp,
    /// Its keys, oldest first.
    pub keys: Vec<KeyView>,
    /// Its admin tokens, oldest first.
    pub tokens: Vec<TokenView>,
}

/// An app to make.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// What the clinic calls it.
    pub name: String,
    /// What it is limited to; none gives all that the caller has.
    pub scopes: Option<Scopes>,
}

/// What may change; none leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// What the clinic calls it.
    pub name: Option<String>,
    /// What it is limited to from now on.
    pub scopes: Option<Scopes>,
}

/// A key to make.
#[derive(Debug, Clone, Default)]
pub struct AddKey {
    /// What it is limited to; none gives all that the app has.
    pub scopes: Option<Scopes>,
    /// How long the app's other keys stay good, in seconds; none leaves them
    /// without an end.
    pub overlap_s: Option<i64>,
}

/// A new key. The secret is shown once.
pub struct NewKey {
    /// As the app lists it.
    pub view: KeyView,
    /// For `X-ApiKey`.
    pub key: String,
    /// For `X-ApiSecret`.
    pub secret: String,
}

/// An admin token to make.
#[derive(Debug, Clone, Default)]
pub struct AddToken {
    /// What it is for.
    pub name: String,
    /// What it is limited to; none gives all that the app has.
    pub scopes: Option<Scopes>,
}

/// A new admin token, shown once.
pub struct NewAdminToken {
    /// As the app lists it.
    pub view: TokenView,
    /// For `X-ApiToken`.
    pub token: String,
}

fn no_app() -> Error {
    Error::not_found("api_app")
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 128 {
        return Err(Error::field("name", "use 1 to 128 characters"));
    }
    Ok(name.to_owned())
}

/// Nobody gives what they lack.
fn check_scopes(actor: &Actor, wanted: Scopes) -> Result<Scopes> {
    let beyond = wanted.beyond(actor.standing().scopes);
    if wanted.is_empty() {
        return Err(Error::field("scopes", "name at least one scope"));
    }
    if beyond.is_empty() {
        return Ok(wanted);
    }
    let words = beyond.words().join(", ");
    let words = if words.is_empty() { "* (every scope)".to_owned() } else { words };
    Err(Error::forbidden("scope_exceeded", format!("This credential lacks what it should give: {words}.")))
}

/// What a key or token of an app gets: what was asked for, within the app.
fn scopes_within(actor: &Actor, app: &ApiApp, wanted: Option<Scopes>) -> Result<Scopes> {
    let wanted = wanted.unwrap_or(app.scopes);
    let beyond = wanted.beyond(app.scopes);
    if !beyond.is_empty() {
        let why = format!("the app itself is limited to {}", app.scopes.words().join(", "));
        return Err(Error::field("scopes", why));
    }
    check_scopes(actor, wanted)
}

/// The clinic's apps, oldest first.
///
/// # Errors
/// 401/403 for others than admins.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<ApiApp>> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    Ok(api_apps::list(&mut conn, &actor.account, MAX_APPS as i64).await?)
}

/// An app with its keys and tokens.
///
/// # Errors
/// 401/403 for others than admins, 404.
pub async fn get(app: &App, actor: &Actor, id: &AppId) -> Result<AppView> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    let account = &actor.account;
    let found = api_apps::find(&mut conn, account, id).await?.ok_or_else(no_app)?;
    Ok(AppView {
        keys: api_keys::list(&mut conn, account, id, app.clock.now()).await?,
        tokens: tokens::list_of_app(&mut conn, account, id).await?,
        app: found,
    })
}

/// The clinic's first app, which its first key and token belong to.
///
/// # Errors
/// 401/403 for others than admins, 404 when all apps were deleted.
pub async fn first(app: &App, actor: &Actor) -> Result<ApiApp> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    api_apps::find_first(&mut conn, &actor.account).await?.ok_or_else(no_app)
}

/// Makes an app with a system user of its own.
///
/// # Errors
/// 401/403 for others than admins and for scopes that the caller lacks, 400.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<AppView> {
    authz::account(actor, Action::AccountManage)?;
    let name = check_name(&command.name)?;
    let scopes = check_scopes(actor, command.scopes.unwrap_or(actor.standing().scopes))?;
    let (owner, caller) = (app.clone(), actor.clone());
    let added = app
        .store
        .write::<ApiApp, Error, _>(move |tx| {
            Box::pin(async move {
                accounts::lock(tx, &caller.account).await?;
                let known = api_apps::list(tx, &caller.account, MAX_APPS as i64).await?;
                if known.len() >= MAX_APPS {
                    return Err(Error::invalid("too_many_apps", "Delete an app before you make another."));
                }
                let made = insert(tx, &owner, &caller, name, scopes).await?;
                audit::write(tx, &owner, &caller, "api_apps.add", ("api_app", made.id.to_string())).await?;
                Ok(made)
            })
        })
        .await?;
    Ok(AppView { app: added, keys: Vec::new(), tokens: Vec::new() })
}

/// The rows of an app: its system user and itself.
pub(crate) async fn insert(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    name: String,
    scopes: Scopes,
) -> Result<ApiApp> {
    let now = app.clock.now();
    let id = AppId(app.random.uuid(now));
    // Told apart by the end of the app's identifier: names may change and repeat.
    let username = format!("app-{}", app.random.hex());
    let names = ("API", name.as_str());
    let user = accounts::add_person(tx, app, &actor.account, UserType::Api, &username, names).await?;
    let account = actor.account.clone();
    let new = ApiApp { id, account, name, scopes, user: user.id, created_at: now, updated_at: now };
    api_apps::add(tx, &new).await?;
    Ok(new)
}

/// Renames an app, or says anew what it is limited to. That takes effect with
/// the next request, for all its keys and tokens.
///
/// # Errors
/// As [`add`], and 404.
pub async fn update(app: &App, actor: &Actor, id: &AppId, command: Update) -> Result<AppView> {
    authz::account(actor, Action::AccountManage)?;
    let name = command.name.as_deref().map(check_name).transpose()?;
    let scopes = command.scopes.map(|wanted| check_scopes(actor, wanted)).transpose()?;
    let (owner, caller, app_id) = (app.clone(), actor.clone(), id.clone());
    app.store
        .write::<(), Error, _>(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                api_apps::lock(tx, account, &app_id).await?;
                let found = api_apps::find(tx, account, &app_id).await?.ok_or_else(no_app)?;
                let name = name.unwrap_or(found.name);
                let scopes = scopes.unwrap_or(found.scopes);
                api_apps::update(tx, account, &app_id, (&name, scopes), owner.clock.now()).await?;
                let object = ("api_app", app_id.to_string());
                audit::write(tx, &owner, &caller, "api_apps.update", object).await
            })
        })
        .await?;
    get(app, actor, id).await
}

/// Ends an app with all its keys and tokens, from the next request on.
///
/// # Errors
/// 401/403 for others than admins, 404.
pub async fn delete(app: &App, actor: &Actor, id: &AppId) -> Result<()> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !api_apps::revoke(tx, &caller.account, &id, owner.clock.now()).await? {
                    return Err(no_app());
                }
                audit::write(tx, &owner, &caller, "api_apps.delete", ("api_app", id.to_string())).await
            })
        })
        .await
}

/// Makes a key. With an overlap it takes the place of the app's other keys,
/// which end that much later: the portal has this long to change over.
///
/// # Errors
/// As [`add`], and 404.
pub async fn add_key(app: &App, actor: &Actor, id: &AppId, command: AddKey) -> Result<NewKey> {
    authz::account(actor, Action::AccountManage)?;
    if command.overlap_s.is_some_and(|seconds| !(0..=MAX_OVERLAP_SECONDS).contains(&seconds)) {
        return Err(Error::field("overlap_s", "use seconds from 0 to 2592000 (30 days)"));
    }
    let (owner, caller, id) = (app.clone(), actor.clone(), id.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                api_apps::lock(tx, account, &id).await?;
                let found = api_apps::find(tx, account, &id).await?.ok_or_else(no_app)?;
                let scopes = scopes_within(&caller, &found, command.scopes)?;
                if api_keys::list(tx, account, &id, now).await?.len() >= MAX_KEYS {
                    return Err(Error::invalid("too_many_keys", "Delete a key before you make another."));
                }
                let key = insert_key(tx, &owner, &found, scopes).await?;
                if let Some(seconds) = command.overlap_s {
                    api_keys::end_others(tx, account, &id, &key.view.id, now.plus_seconds(seconds)).await?;
                }
                let object = ("api_key", key.view.id.to_string());
                audit::write(tx, &owner, &caller, "api_apps.add_key", object).await?;
                Ok(key)
            })
        })
        .await
}

/// The row of a key.
pub(crate) async fn insert_key(tx: &mut Tx, app: &App, of: &ApiApp, scopes: Scopes) -> Result<NewKey> {
    let now = app.clock.now();
    let (key, secret) = (app.random.hex(), app.random.hex());
    let new = NewApiKey {
        id: KeyId(app.random.uuid(now)),
        account: of.account.clone(),
        app: of.id.clone(),
        key: key.clone(),
        secret_hash: digest(&secret),
        scopes,
        at: now,
    };
    api_keys::add(tx, &new).await?;
    let view = KeyView {
        id: new.id,
        last_four: last_four(&key),
        scopes,
        created_at: now,
        expires_at: None,
        last_used_at: None,
    };
    Ok(NewKey { view, key, secret })
}

fn last_four(secret: &str) -> String {
    secret.chars().skip(secret.len().saturating_sub(4)).collect()
}

/// Ends a key at once.
///
/// # Errors
/// 401/403 for others than admins, 404.
pub async fn delete_key(app: &App, actor: &Actor, id: &AppId, key: &KeyId) -> Result<()> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller, id, key) = (app.clone(), actor.clone(), id.clone(), key.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !api_keys::revoke(tx, &caller.account, &id, &key, owner.clock.now()).await? {
                    return Err(Error::not_found("api_key"));
                }
                audit::write(tx, &owner, &caller, "api_apps.delete_key", ("api_key", key.to_string())).await
            })
        })
        .await
}

/// Makes an admin token. It does not end by itself.
///
/// # Errors
/// As [`add`], and 404.
pub async fn add_token(app: &App, actor: &Actor, id: &AppId, command: AddToken) -> Result<NewAdminToken> {
    authz::account(actor, Action::AccountManage)?;
    let name = check_name(&command.name)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                api_apps::lock(tx, account, &id).await?;
                let found = api_apps::find(tx, account, &id).await?.ok_or_else(no_app)?;
                let scopes = scopes_within(&caller, &found, command.scopes)?;
                if tokens::list_of_app(tx, account, &id).await?.len() >= MAX_TOKENS {
                    return Err(Error::invalid("too_many_tokens", "Delete a token before you make another."));
                }
                let token = insert_token(tx, &owner, &found, name, scopes).await?;
                let object = ("admin_token", token.view.id.to_string());
                audit::write(tx, &owner, &caller, "api_apps.add_token", object).await?;
                Ok(token)
            })
        })
        .await
}

/// The row of an admin token.
pub(crate) async fn insert_token(
    tx: &mut Tx,
    app: &App,
    of: &ApiApp,
    name: String,
    scopes: Scopes,
) -> Result<NewAdminToken> {
    let secret = app.random.hex();
    let new = new_token(app, &of.account, of.user, TokenKind::Admin, &secret, name, None);
    let of_app = OfApp { app: of.id.clone(), scopes, last_four: last_four(&secret) };
    tokens::add_of_app(tx, &new, &of_app).await?;
    let view = TokenView {
        id: new.id,
        name: new.name,
        last_four: of_app.last_four,
        scopes,
        created_at: new.at,
        last_used_at: None,
    };
    Ok(NewAdminToken { view, token: secret })
}

/// Ends an admin token at once.
///
/// # Errors
/// 401/403 for others than admins, 404.
pub async fn delete_token(app: &App, actor: &Actor, id: &AppId, token: &TokenId) -> Result<()> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller, id, token) = (app.clone(), actor.clone(), id.clone(), token.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !tokens::revoke_of_app(tx, &caller.account, &id, &token, owner.clock.now()).await? {
                    return Err(Error::not_found("admin_token"));
                }
                let object = ("admin_token", token.to_string());
                audit::write(tx, &owner, &caller, "api_apps.delete_token", object).await
            })
        })
        .await
}
