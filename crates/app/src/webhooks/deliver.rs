//! Making deliveries: claim, try, say what became of it.

use std::time::Duration;

use bedside_model::{
    AccountId, At,
    event::{EventData, EventType},
    webhook::DeliveryState,
};
use bedside_store::{
    Tx,
    webhook_deliveries::{self as rows, Attempt},
    webhooks::{self, Webhook},
};

use super::{Claimed, secret, slots::Slot};
use crate::{
    Actor, App, Error, Result, audit,
    events::{self, Subject},
    ports::http::{Fault, Policy, Reply},
};

pub use bedside_store::webhook_deliveries::Delivery;

/// A claimed delivery is ours this much longer than a try may take; then a dead
/// worker's deliveries come back.
const LEASE_BEYOND_SECONDS: i64 = 10;
/// An endpoint that took nothing for so long is switched off: five days.
const FAILING_MOST_MS: i64 = 5 * 24 * 3600 * 1000;
/// Bytes of an answer's body that are read.
const BODY_MOST: usize = 64 * 1024;
/// Characters of an answer's body that are kept.
const KEPT_MOST: usize = 4096;

/// The endpoints, of all clinics, with something to try now.
///
/// # Errors
/// What the store says.
pub async fn list_due(app: &App) -> Result<Vec<(AccountId, String)>> {
    let mut conn = app.store.reader().await?;
    Ok(rows::list_due(&mut conn, app.clock.now()).await?)
}

/// How long nothing will be due, if nothing happens.
///
/// # Errors
/// What the store says.
pub async fn idle_for(app: &App) -> Result<Option<Duration>> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let next = rows::next_due(&mut conn, now).await?;
    Ok(next.map(|at| Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0))))
}

/// Claims as many due deliveries of an endpoint as it has room for.
///
/// # Errors
/// What the store says.
pub async fn claim(app: &App, webhook: &str) -> Result<Vec<Claimed>> {
    let slots = app.deliveries.take(webhook, usize::MAX);
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let (owner, webhook) = (app.clone(), webhook.to_owned());
    app.store.write(move |tx| Box::pin(async move { claim_with(tx, &owner, &webhook, slots).await })).await
}

/// Claims due deliveries of an endpoint, one for each slot at most.
pub(super) async fn claim_with(
    tx: &mut Tx,
    app: &App,
    webhook: &str,
    slots: Vec<Slot>,
) -> Result<Vec<Claimed>> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let timeout = i64::try_from(app.settings.webhooks.timeout.as_secs()).unwrap_or(i64::MAX);
    let lease_ends = now.plus_seconds(timeout.saturating_add(LEASE_BEYOND_SECONDS));
    let limit = i64::try_from(slots.len()).unwrap_or(i64::MAX);
    let rows = rows::claim(tx, webhook, now, lease_ends, limit).await?;
    Ok(rows.into_iter().zip(slots).map(|(delivery, slot)| Claimed { delivery, slot }).collect())
}

/// Tries a claimed delivery once, and writes what became of it. Gives the next
/// one of the endpoint, claimed in the same change into the same slot.
///
/// # Errors
/// What the store says; the delivery comes back when its lease is over.
pub async fn deliver(app: &App, claimed: Claimed) -> Result<Option<Claimed>> {
    let Claimed { delivery, slot } = claimed;
    let mut conn = app.store.reader().await?;
    let found = webhooks::find(&mut conn, &delivery.account, &delivery.webhook).await?;
    drop(conn);
    // Deleted meanwhile, and the delivery with it; or switched off, then it waits.
    let Some(webhook) = found.filter(|webhook| webhook.active) else { return Ok(None) };
    let vault = app.store.vault(&delivery.account).await?;
    let at = app.clock.now();
    let signatures = secret::signatures(&vault, &webhook, at, &delivery.event, delivery.body.reveal())?;
    let headers = [
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("webhook-id", delivery.event.clone()),
        ("webhook-timestamp", at.seconds().to_string()),
        ("webhook-signature", signatures),
    ];
    let settings = &app.settings.webhooks;
    let policy =
        Policy { timeout: settings.timeout, allow_private: settings.allow_private, max_body: BODY_MOST };
    let answer =
        app.http.post(&webhook.url, &headers, delivery.body.reveal().clone().into_bytes(), policy).await;
    let attempt = Attempt {
        id: app.random.uuid(at),
        account: delivery.account.clone(),
        delivery: delivery.id.clone(),
        at,
        status: answer.as_ref().ok().map(|reply| reply.status.into()),
        error: answer.as_ref().err().map(|fault| fault.as_str().to_owned()),
        request_headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        response_headers: answer.as_ref().map(|reply| reply.headers.clone()).unwrap_or_default(),
        response_body: answer.as_ref().map(kept).unwrap_or_default(),
        took_ms: took_ms(&answer, settings.timeout),
    };
    settle(app, (delivery, slot), attempt, verdict(&answer)).await
}

fn took_ms(answer: &Result<Reply, Fault>, timeout: Duration) -> i64 {
    let took = match answer {
        Ok(reply) => reply.took,
        Err(Fault::Timeout) => timeout,
        Err(_) => Duration::ZERO,
    };
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}

fn kept(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).chars().take(KEPT_MOST).collect()
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Delivered,
    /// The endpoint wants no more.
    Gone,
    /// Not now; it may have said how long not, in milliseconds.
    Later(Option<i64>),
}

fn verdict(answer: &Result<Reply, Fault>) -> Verdict {
    match answer {
        Ok(reply) if reply.is_success() => Verdict::Delivered,
        Ok(reply) if reply.status == 410 => Verdict::Gone,
        // Seconds alone: nobody's clock but ours is asked.
        Ok(reply) => {
            let asked = reply.header("retry-after").and_then(|text| text.trim().parse::<i64>().ok());
            Verdict::Later(asked.map(|seconds| seconds.saturating_mul(1000)))
        }
        Err(_) => Verdict::Later(None),
    }
}

async fn settle(
    app: &App,
    (delivery, slot): (Delivery, Slot),
    attempt: Attempt,
    verdict: Verdict,
) -> Result<Option<Claimed>> {
    let owner = app.clone();
    let next = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                rows::add_attempt(tx, &attempt).await?;
                let now = owner.clock.now();
                match verdict {
                    Verdict::Delivered => {
                        rows::settle(tx, &delivery, DeliveryState::Delivered, now, now).await?;
                        webhooks::came_through(tx, &delivery.account, &delivery.webhook).await?;
                    }
                    Verdict::Gone => {
                        rows::settle(tx, &delivery, DeliveryState::Failed, now, now).await?;
                        disable(tx, &owner, &delivery, "gone", now).await?;
                        return Ok(None);
                    }
                    Verdict::Later(asked) => fail(tx, &owner, &delivery, asked, now).await?,
                }
                if !owner.deliveries.is_open() {
                    return Ok(None);
                }
                let next = claim_with(tx, &owner, &delivery.webhook, vec![slot]).await?;
                Ok::<_, Error>(next.into_iter().next())
            })
        })
        .await?;
    if matches!(verdict, Verdict::Later(_)) {
        // The deliverer has to know when it is tried again.
        app.webhooks_due.notify_one();
    }
    Ok(next)
}

async fn fail(tx: &mut Tx, app: &App, delivery: &Delivery, asked: Option<i64>, now: At) -> Result<()> {
    let [spread] = app.random.bytes();
    let pause = app.settings.webhooks.schedule.pause_ms(delivery.tries + 1, spread, asked);
    let (state, next_at) = match pause {
        Some(pause) => (DeliveryState::Waiting, now.plus_millis(pause)),
        None => (DeliveryState::Failed, now),
    };
    rows::settle(tx, delivery, state, next_at, now).await?;
    let since = webhooks::failed(tx, &delivery.account, &delivery.webhook, now).await?;
    if since.is_some_and(|since| now.0 - since.0 >= FAILING_MOST_MS) {
        disable(tx, app, delivery, "failing", now).await?;
    }
    Ok(())
}

/// Switches an endpoint off: what waits for it is given up, and may be replayed.
async fn disable(tx: &mut Tx, app: &App, delivery: &Delivery, why: &str, now: At) -> Result<()> {
    let (account, id) = (&delivery.account, &delivery.webhook);
    if !webhooks::disable(tx, account, id, why, now).await? {
        return Ok(());
    }
    rows::give_up(tx, account, id, now).await?;
    let data = EventData { webhook_id: Some(id.clone()), ..EventData::default() };
    let subject = Subject { data, ..Subject::default() };
    events::append(tx, app, account, EventType::WebhookDisabled, subject).await?;
    let house = Actor::system(account.clone());
    audit::write(tx, app, &house, "webhooks.disable", ("webhook", id.clone())).await
}

/// May this endpoint be asked at all?
pub(super) fn is_off(webhook: &Webhook) -> Error {
    let why = match webhook.disabled_reason.as_deref() {
        Some("gone") => "It answered 410 and was switched off. Switch it on first.",
        Some(_) => "It failed for days and was switched off. Switch it on first.",
        None => "It is switched off. Switch it on first.",
    };
    Error::invalid("webhook_off", why)
}
