//! Endpoints: where somebody can be reached besides the address of their
//! profile (contract more.md 5.1). Everybody sees and changes their own only.

use bedside_model::{
    Phi, UserId,
    endpoint::{EndpointType, Key, MAX_ENDPOINTS},
    notification::Channel,
};
use bedside_store::{
    Vault,
    endpoints::{self, Endpoint},
};
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error, Result, audit, authz, notifications};

/// An endpoint as its owner sees it.
#[derive(Debug, Clone)]
pub struct EndpointView {
    /// The row.
    pub endpoint: Endpoint,
    /// Its address or token.
    pub key: Phi<String>,
}

/// An endpoint to add.
#[derive(Debug, Clone)]
pub struct Add {
    /// The documented number.
    pub kind: i64,
    /// Address or token, with the keys of web push.
    pub key: Phi<Key>,
}

fn context(id: &str) -> String {
    format!("endpoints.key:{id}")
}

/// The address or token of an endpoint.
pub(crate) fn open(vault: &Vault, endpoint: &Endpoint) -> Result<Key> {
    let text = vault.open_text(&context(&endpoint.id), &endpoint.key)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn view(vault: &Vault, endpoint: Endpoint) -> Result<EndpointView> {
    let key = open(vault, &endpoint)?.key.into();
    Ok(EndpointView { endpoint, key })
}

fn hash(app: &App, user: UserId, key: &Key) -> String {
    let hash = Sha256::new().chain_update(b"bedside endpoints v1\0").chain_update(&app.settings.call_secret);
    let hash = hash.chain_update(user.0.to_be_bytes()).chain_update(&key.key).finalize();
    data_encoding::HEXLOWER.encode(&hash)
}

/// Adds an endpoint of the caller. The same key again is the same endpoint.
///
/// # Errors
/// 401, 400 naming `type`, `key`, `p256dh` or `auth`, 400 `too_many_endpoints`.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<EndpointView> {
    let (user, _) = authz::user(actor)?;
    let kind = EndpointType::from_code(command.kind)
        .ok_or_else(|| Error::field("type", "use 10, 20, 30, 40 or 50"))?;
    let key = command.key.into_inner().checked(kind).map_err(|(field, why)| Error::field(field, why))?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let key_hash = hash(&owner, user, &key);
                let text = serde_json::to_string(&key).map_err(Error::internal)?;
                let known = endpoints::find_same(tx, account, user, kind, &key_hash).await?;
                let endpoint = match known {
                    Some(known) => {
                        let sealed = vault.seal_text(&context(&known.id), &text)?;
                        endpoints::renew(tx, account, &known.id, &sealed, now).await?;
                        Endpoint { key: sealed, updated_at: now, ..known }
                    }
                    None => {
                        if endpoints::count_of_user(tx, account, user).await? >= MAX_ENDPOINTS {
                            return Err(Error::invalid(
                                "too_many_endpoints",
                                "You have as many endpoints as are allowed. Delete one first.",
                            ));
                        }
                        let id = owner.random.uuid(now);
                        let endpoint = Endpoint {
                            key: vault.seal_text(&context(&id), &text)?,
                            id,
                            account: account.clone(),
                            user,
                            kind,
                            key_hash,
                            created_at: now,
                            updated_at: now,
                        };
                        endpoints::add(tx, &endpoint).await?;
                        endpoint
                    }
                };
                audit::write(tx, &owner, &caller, "endpoints.add", ("endpoint", endpoint.id.clone())).await?;
                Ok(EndpointView { endpoint, key: key.key.into() })
            })
        })
        .await
}

/// The caller's endpoints, of one type or all.
///
/// # Errors
/// 401, 400 naming `type`.
pub async fn list(app: &App, actor: &Actor, kind: Option<i64>) -> Result<Vec<EndpointView>> {
    let (user, _) = authz::user(actor)?;
    let known =
        |code| EndpointType::from_code(code).ok_or_else(|| Error::field("type", "use 10, 20, 30, 40 or 50"));
    let kind = kind.map(known).transpose()?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let found = endpoints::list_of_user(&mut conn, &actor.account, user).await?;
    let fits = |endpoint: &Endpoint| kind.is_none_or(|kind| endpoint.kind == kind);
    found.into_iter().filter(fits).map(|endpoint| view(&vault, endpoint)).collect()
}

async fn own(app: &App, actor: &Actor, id: &str) -> Result<Endpoint> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let found = endpoints::find(&mut conn, &actor.account, id).await?;
    found.filter(|endpoint| endpoint.user == user).ok_or_else(|| Error::not_found("endpoint"))
}

/// One of the caller's endpoints.
///
/// # Errors
/// 401, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<EndpointView> {
    let endpoint = own(app, actor, id).await?;
    let vault = app.store.vault(&actor.account).await?;
    view(&vault, endpoint)
}

/// Deletes one of the caller's endpoints.
///
/// # Errors
/// 401, 404.
pub async fn delete(app: &App, actor: &Actor, id: &str) -> Result<String> {
    let endpoint = own(app, actor, id).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if endpoints::delete(tx, &caller.account, &endpoint.id).await? {
                    let object = ("endpoint", endpoint.id.clone());
                    audit::write(tx, &owner, &caller, "endpoints.delete", object).await?;
                }
                Ok(endpoint.id)
            })
        })
        .await
}

/// With what pages subscribe to web push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushKey {
    /// Of this server, base64url.
    pub key: String,
    /// Somebody of the clinic tried it and it worked: pages may offer it.
    pub works: bool,
}

/// The public key with which pages subscribe to web push.
///
/// # Errors
/// 401.
pub async fn push_key(app: &App, actor: &Actor) -> Result<PushKey> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let ways = notifications::channels_of(app, &mut conn, &actor.account).await?;
    let works = ways.iter().any(|way| way.channel == Channel::Push && way.works());
    Ok(PushKey { key: app.push.public_key().to_owned(), works })
}
