//! What became of deliveries, and having them made again.

use bedside_model::{
    At,
    permission::Action,
    webhook::{DeliveryState, ping},
};
use bedside_store::{
    accounts, events as log,
    webhook_deliveries::{self as rows, Attempt, Delivery, NewDelivery},
};

use super::{deliver::is_off, fan_out::deliver_to, get};
use crate::{Actor, App, Error, Result, audit, authz};

/// Deliveries per page, at most.
const PAGE_MOST: i64 = 200;
/// Tries that are shown of a delivery.
const ATTEMPTS_MOST: i64 = 50;
/// Events that one call replays, at most.
const REPLAY_MOST: i64 = 10_000;
/// Events per change of a replay.
const REPLAY_BATCH: i64 = 200;

/// A page of deliveries.
#[derive(Debug)]
pub struct DeliveryPage {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// How many fit in all.
    pub total: i64,
    /// Below which place the next page begins.
    pub next: Option<i64>,
}

/// A delivery and its tries, newest first.
#[derive(Debug)]
pub struct DeliveryView {
    /// The delivery.
    pub delivery: Delivery,
    /// Its tries.
    pub attempts: Vec<Attempt>,
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct ListDeliveries {
    /// Only those that stand so: `waiting`, `delivered`, `failed`.
    pub state: Option<String>,
    /// The mark of the page before.
    pub before: Option<i64>,
    /// How many; 50 if not said.
    pub limit: Option<i64>,
}

/// An endpoint's deliveries, newest first.
///
/// # Errors
/// 401, 403, 404, 400 naming `status`.
pub async fn list_deliveries(
    app: &App,
    actor: &Actor,
    id: &str,
    list: ListDeliveries,
) -> Result<DeliveryPage> {
    let webhook = get(app, actor, id).await?;
    let known = |word: String| {
        DeliveryState::parse(&word).ok_or_else(|| Error::field("status", "use waiting, delivered or failed"))
    };
    let state = list.state.map(known).transpose()?;
    let limit = list.limit.unwrap_or(50).clamp(1, PAGE_MOST);
    let before = list.before.unwrap_or(i64::MAX);
    let mut conn = app.store.reader().await?;
    let account = &actor.account;
    let deliveries = rows::list(&mut conn, account, &webhook.id, before, state, limit).await?;
    let total = rows::count(&mut conn, account, &webhook.id, state).await?;
    let full = i64::try_from(deliveries.len()) == Ok(limit);
    let next = deliveries.last().filter(|_| full).map(|last| last.n);
    Ok(DeliveryPage { deliveries, total, next })
}

/// A delivery with its tries.
///
/// # Errors
/// 401, 403, 404.
pub async fn get_delivery(app: &App, actor: &Actor, id: &str) -> Result<DeliveryView> {
    authz::account(actor, Action::WebhooksManage)?;
    let mut conn = app.store.reader().await?;
    let found = rows::find(&mut conn, &actor.account, id).await?;
    let delivery = found.ok_or_else(|| Error::not_found("delivery"))?;
    let attempts = rows::list_attempts(&mut conn, &actor.account, id, ATTEMPTS_MOST).await?;
    Ok(DeliveryView { delivery, attempts })
}

/// Has a delivery made again, from the first try on, with the same identifier.
///
/// # Errors
/// 401, 403, 404, 400 `webhook_off`.
pub async fn redeliver(app: &App, actor: &Actor, id: &str) -> Result<DeliveryView> {
    let found = get_delivery(app, actor, id).await?;
    let webhook = get(app, actor, &found.delivery.webhook).await?;
    if !webhook.active {
        return Err(is_off(&webhook));
    }
    let (owner, caller, wanted) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                rows::again(tx, &caller.account, &wanted, owner.clock.now()).await?;
                audit::write(tx, &owner, &caller, "webhooks.redeliver", ("delivery", wanted)).await
            })
        })
        .await?;
    app.webhooks_due.notify_one();
    get_delivery(app, actor, id).await
}

/// Sends a `ping` to an endpoint, as a delivery like all others.
///
/// # Errors
/// 401, 403, 404, 400 `webhook_off`.
pub async fn test(app: &App, actor: &Actor, id: &str) -> Result<DeliveryView> {
    let webhook = get(app, actor, id).await?;
    if !webhook.active {
        return Err(is_off(&webhook));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    let made = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                let clinic = accounts::find(tx, &caller.account).await?;
                let clinic = clinic.ok_or_else(|| Error::not_found("account"))?;
                let event = owner.random.uuid(now);
                let new = NewDelivery {
                    id: owner.random.uuid(now),
                    account: caller.account.clone(),
                    webhook: webhook.id.clone(),
                    body: ping(webhook.version, &event, now, &clinic.code).into(),
                    event,
                    seq: None,
                    kind: "ping".to_owned(),
                    visit: None,
                    next_at: now,
                    at: now,
                };
                rows::add(tx, &new, false).await?;
                audit::write(tx, &owner, &caller, "webhooks.test", ("webhook", webhook.id)).await?;
                Ok(new.id)
            })
        })
        .await?;
    app.webhooks_due.notify_one();
    get_delivery(app, actor, &made).await
}

/// Which stretch of the log, both ends included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replay {
    /// From this number on.
    pub from_seq: Option<i64>,
    /// Up to this number.
    pub to_seq: Option<i64>,
    /// From this instant on.
    pub from: Option<At>,
    /// Up to this instant.
    pub to: Option<At>,
}

/// What a replay has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Deliveries that are made (again).
    pub count: i64,
    /// Where to go on: there was more than one call replays.
    pub next_seq: Option<i64>,
}

/// Has a stretch of the log delivered to an endpoint, also what it had already:
/// what its filter wants, with the same identifiers.
///
/// # Errors
/// 401, 403, 404, 400 naming `from_seq` or `to_seq`, 400 `webhook_off`.
pub async fn replay(app: &App, actor: &Actor, id: &str, stretch: Replay) -> Result<Replayed> {
    let webhook = get(app, actor, id).await?;
    if !webhook.active {
        return Err(is_off(&webhook));
    }
    if stretch.from_seq.is_none() && stretch.from.is_none() {
        return Err(Error::field("from_seq", "say from which number, or with from since when"));
    }
    let fits = |at: At| {
        stretch.from.is_none_or(|from| from <= at) && stretch.to.is_none_or(|to| at.seconds() <= to.seconds())
    };
    let mut conn = app.store.reader().await?;
    let last = log::last_seq(&mut conn, &actor.account).await?;
    drop(conn);
    let until = stretch.to_seq.unwrap_or(last).min(last);
    let mut after = stretch.from_seq.map_or(0, |from| from.saturating_sub(1)).max(0);
    let mut replayed = Replayed { count: 0, next_seq: None };
    while after < until && replayed.count < REPLAY_MOST {
        let mut conn = app.store.reader().await?;
        let mut events = log::list_after(&mut conn, &actor.account, after, REPLAY_BATCH).await?;
        drop(conn);
        let Some(read) = events.last().map(|event| event.seq) else { break };
        events.retain(|event| event.seq <= until && fits(event.at));
        let (owner, endpoint) = (app.clone(), [webhook.clone()]);
        let counts = app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let now = owner.clock.now();
                    deliver_to(tx, &owner, &endpoint, &events, (now, now), true).await
                })
            })
            .await?;
        replayed.count += i64::try_from(counts.iter().sum::<usize>()).unwrap_or(i64::MAX);
        after = read;
    }
    replayed.next_seq = (after < until).then_some(after + 1);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                audit::write(tx, &owner, &caller, "webhooks.replay", ("webhook", webhook.id)).await
            })
        })
        .await?;
    app.webhooks_due.notify_one();
    Ok(replayed)
}
