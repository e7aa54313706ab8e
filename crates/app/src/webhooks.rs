//! Webhooks: a clinic's endpoints that are told of events, signed and tried for
//! days (ADR 13). Endpoints are managed here; `fan_out` makes deliveries of
//! events, `deliver` makes tries of deliveries, `deliveries` shows them and has
//! them made again.

mod deliver;
mod deliveries;
mod fan_out;
mod secret;
mod slots;

use std::time::Duration;

use bedside_model::{
    event::EventType,
    permission::Action,
    webhook::{Filter, MAX_WEBHOOKS, Schedule, Version},
};
use bedside_store::webhooks;

pub use bedside_store::{webhook_deliveries::Attempt, webhooks::Webhook};
pub use deliver::{Delivery, claim, deliver, idle_for, list_due};
pub use deliveries::{
    DeliveryPage, DeliveryView, ListDeliveries, Replay, Replayed, get_delivery, list_deliveries, redeliver,
    replay, test,
};
pub(crate) use fan_out::Made;
pub use fan_out::fan_out;
pub use slots::{Claimed, Slots};

use crate::{
    Actor, App, Error, Result, audit, authz, events,
    ports::http::{Fault, Http},
};

/// Settled deliveries are kept this long: thirty days.
pub(crate) const KEEP_SECONDS: i64 = 30 * 24 * 3600;
/// The old secret signs this long beside a new one, if not said: a day.
const OVERLAP_HOURS: i64 = 24;
/// And so long at most: thirty days.
const OVERLAP_MOST_HOURS: i64 = 30 * 24;
/// Characters of an address, at most.
const URL_MOST: usize = 2048;

/// How deliveries are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Also to private addresses, and without TLS: for development.
    pub allow_private: bool,
    /// The pauses before each try.
    pub schedule: Schedule,
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries at once to one endpoint, per process.
    pub concurrency: usize,
}

/// An endpoint to add.
#[derive(Debug, Clone)]
pub struct Add {
    /// Where to.
    pub url: String,
    /// `1.0` or `2.0`; the second if not said.
    pub version: Option<String>,
    /// Wire names of types; none: the documented ones.
    pub events: Option<Vec<String>>,
    /// Is it told at all?
    pub active: Option<bool>,
    /// `visit.updated` only when a visit begins.
    pub strict: Option<bool>,
}

/// What changes of an endpoint; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Where to.
    pub url: Option<String>,
    /// `1.0` or `2.0`.
    pub version: Option<String>,
    /// Wire names of types; an empty list: the documented ones.
    pub events: Option<Vec<String>>,
    /// Is it told at all? Switching it on begins its failures anew.
    pub active: Option<bool>,
    /// `visit.updated` only when a visit begins.
    pub strict: Option<bool>,
}

fn check_url(app: &App, url: &str) -> Result<String> {
    let url = url.trim();
    if url.len() > URL_MOST {
        return Err(Error::field("url", "is too long"));
    }
    match Http::check(url, app.settings.webhooks.allow_private) {
        Ok(()) => Ok(url.to_owned()),
        Err(Fault::Private) => Err(Error::field("url", "must begin with https: and be a public address")),
        Err(_) => Err(Error::field("url", "must be a URL such as https://portal.example/hook")),
    }
}

fn version(word: &str) -> Result<Version> {
    Version::parse(word).ok_or_else(|| Error::field("version", "use 1.0 or 2.0"))
}

fn types(names: &[String]) -> Result<Vec<EventType>> {
    let mut types = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let kind = EventType::parse(name).filter(|kind| *kind != EventType::QueueUpdated);
        let kind = kind.ok_or_else(|| Error::field("events", format!("{name} is no type of event")))?;
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    Ok(types)
}

/// The clinic's endpoints, oldest first.
///
/// # Errors
/// 401, 403.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Webhook>> {
    authz::account(actor, Action::WebhooksManage)?;
    let mut conn = app.store.reader().await?;
    Ok(webhooks::list(&mut conn, &actor.account).await?)
}

/// One endpoint.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<Webhook> {
    authz::account(actor, Action::WebhooksManage)?;
    let mut conn = app.store.reader().await?;
    let found = webhooks::find(&mut conn, &actor.account, id).await?;
    found.ok_or_else(|| Error::not_found("webhook"))
}

/// Adds an endpoint. Gives it with its secret, which is shown this once.
///
/// # Errors
/// 401, 403, 400 naming `url`, `version` or `events`, 400 `too_many_webhooks`.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<(Webhook, String)> {
    authz::account(actor, Action::WebhooksManage)?;
    let now = app.clock.now();
    let id = app.random.uuid(now);
    let vault = app.store.vault(&actor.account).await?;
    let shown = secret::fresh(&app.random);
    let after_seq = events::last_seq(app, &actor.account).await?;
    let webhook = Webhook {
        url: check_url(app, &command.url)?,
        version: command.version.as_deref().map_or(Ok(Version::V2), version)?,
        filter: Filter {
            types: types(&command.events.unwrap_or_default())?,
            strict: command.strict.unwrap_or(false),
        },
        active: command.active.unwrap_or(true),
        secret: secret::seal(&vault, &id, &shown)?,
        id,
        account: actor.account.clone(),
        old_secret: None,
        after_seq,
        failing_since: None,
        disabled_reason: None,
        created_at: now,
        updated_at: now,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    let made = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                if webhooks::list(tx, &caller.account).await?.len() >= MAX_WEBHOOKS {
                    return Err(Error::invalid(
                        "too_many_webhooks",
                        "The clinic has as many webhooks as are allowed. Delete one first.",
                    ));
                }
                webhooks::add(tx, &webhook).await?;
                audit::write(tx, &owner, &caller, "webhooks.add", ("webhook", webhook.id.clone())).await?;
                Ok(webhook)
            })
        })
        .await?;
    Ok((made, shown))
}

/// Changes an endpoint.
///
/// # Errors
/// 401, 403, 404, 400 naming `url`, `version` or `events`.
pub async fn update(app: &App, actor: &Actor, id: &str, command: Update) -> Result<Webhook> {
    authz::account(actor, Action::WebhooksManage)?;
    let url = command.url.as_deref().map(|url| check_url(app, url)).transpose()?;
    let version = command.version.as_deref().map(version).transpose()?;
    let types = command.events.as_deref().map(types).transpose()?;
    let changed = change(app, actor, id, "webhooks.update", move |webhook| {
        webhook.url = url.unwrap_or_else(|| webhook.url.clone());
        webhook.version = version.unwrap_or(webhook.version);
        webhook.filter.types = types.unwrap_or_else(|| webhook.filter.types.clone());
        webhook.filter.strict = command.strict.unwrap_or(webhook.filter.strict);
        if let Some(active) = command.active {
            if active && !webhook.active {
                (webhook.failing_since, webhook.disabled_reason) = (None, None);
            }
            webhook.active = active;
        }
    })
    .await?;
    app.webhooks_due.notify_one();
    Ok(changed)
}

/// Gives an endpoint a new secret, shown this once; the old one signs beside it
/// for some hours.
///
/// # Errors
/// 401, 403, 404, 400 naming `overlap_hours`.
pub async fn rotate(
    app: &App,
    actor: &Actor,
    id: &str,
    overlap_hours: Option<i64>,
) -> Result<(Webhook, String)> {
    authz::account(actor, Action::WebhooksManage)?;
    let hours = overlap_hours.unwrap_or(OVERLAP_HOURS);
    if !(0..=OVERLAP_MOST_HOURS).contains(&hours) {
        return Err(Error::field("overlap_hours", "must be from 0 to 720"));
    }
    let until = app.clock.now().plus_seconds(hours * 3600);
    let vault = app.store.vault(&actor.account).await?;
    let shown = secret::fresh(&app.random);
    let fresh = secret::seal(&vault, id, &shown)?;
    let changed = change(app, actor, id, "webhooks.rotate", move |webhook| {
        let old = std::mem::replace(&mut webhook.secret, fresh);
        webhook.old_secret = (hours > 0).then_some((old, until));
    })
    .await?;
    Ok((changed, shown))
}

async fn change(
    app: &App,
    actor: &Actor,
    id: &str,
    name: &'static str,
    with: impl FnOnce(&mut Webhook) + Send + 'static,
) -> Result<Webhook> {
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let found = webhooks::find(tx, &caller.account, &id).await?;
                let mut webhook = found.ok_or_else(|| Error::not_found("webhook"))?;
                with(&mut webhook);
                webhook.updated_at = owner.clock.now();
                webhooks::update(tx, &webhook).await?;
                audit::write(tx, &owner, &caller, name, ("webhook", id)).await?;
                Ok(webhook)
            })
        })
        .await
}

/// Deletes an endpoint with all its deliveries.
///
/// # Errors
/// 401, 403, 404.
pub async fn delete(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authz::account(actor, Action::WebhooksManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !webhooks::delete(tx, &caller.account, &id).await? {
                    return Err(Error::not_found("webhook"));
                }
                audit::write(tx, &owner, &caller, "webhooks.delete", ("webhook", id)).await
            })
        })
        .await
}
