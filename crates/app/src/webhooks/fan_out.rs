//! Events to deliveries: one row per endpoint and event, written in the change
//! that says how far the log was read.

use std::collections::BTreeMap;

use bedside_model::{
    AccountId, At, UserId,
    event::{EventData, EventType},
    webhook::{Fact, body},
};
use bedside_store::{
    Conn, Tx, accounts,
    events::Event,
    users, visits,
    webhook_deliveries::{self as rows, NewDelivery},
    webhooks::{self, Webhook},
};

use super::{Claimed, deliver::claim_with};
use crate::{App, Error, Result};

/// What came of reading a stretch of the log.
#[derive(Debug, Default)]
pub struct Made {
    /// Deliveries that can be tried as soon as the change is committed.
    pub claimed: Vec<Claimed>,
    /// There are more, for the deliverer to look for.
    pub more: bool,
}

/// Makes the deliveries of a stretch of an account's log, and claims those that
/// this process has room for: a change of their own would cost as much again.
///
/// # Errors
/// What the store says.
pub async fn fan_out(tx: &mut Tx, app: &App, account: &AccountId, events: &[Event]) -> Result<Made> {
    let endpoints = webhooks::list(tx, account).await?;
    let active: Vec<Webhook> = endpoints.into_iter().filter(|webhook| webhook.active).collect();
    let mut made = Made::default();
    if active.is_empty() {
        return Ok(made);
    }
    let now = app.clock.now();
    let first = now.plus_millis(app.settings.webhooks.schedule.first_ms());
    let counts = deliver_to(tx, app, &active, events, (now, first), false).await?;
    for (webhook, count) in active.iter().zip(counts) {
        if count > 0 && app.deliveries.is_open() {
            let slots = app.deliveries.take(&webhook.id, count);
            let claimed = claim_with(tx, app, &webhook.id, slots).await?;
            made.more |= claimed.len() < count;
            made.claimed.extend(claimed);
        } else {
            made.more |= count > 0;
        }
    }
    Ok(made)
}

/// Makes deliveries of events to endpoints, again where there are such already
/// if `again` says so. Gives how many for each endpoint.
pub(super) async fn deliver_to(
    tx: &mut Tx,
    app: &App,
    endpoints: &[Webhook],
    events: &[Event],
    (now, first): (At, At),
    again: bool,
) -> Result<Vec<usize>> {
    let mut counts = vec![0; endpoints.len()];
    let Some(account) = endpoints.first().map(|webhook| webhook.account.clone()) else { return Ok(counts) };
    let clinic = accounts::find(tx, &account).await?.ok_or_else(|| Error::not_found("account"))?;
    let mut codes = BTreeMap::new();
    for event in events {
        let wanting: Vec<(usize, &Webhook)> = endpoints
            .iter()
            .enumerate()
            .filter(|(_, webhook)| webhook.filter.wants(event.kind, &event.data))
            .filter(|(_, webhook)| again || event.seq > webhook.after_seq)
            .collect();
        if wanting.is_empty() {
            continue;
        }
        let user_code = match (event.kind, event.user) {
            (EventType::UserCreated, Some(user)) => code(tx, &account, user, &mut codes).await?,
            _ => None,
        };
        let data = whole(tx, event).await?;
        let fact = Fact {
            id: &event.id,
            kind: event.kind,
            at: event.at,
            account_code: &clinic.code,
            visit: event.visit,
            room: event.room,
            user: event.user,
            user_code: user_code.as_deref(),
            data: &data,
        };
        for (place, webhook) in wanting {
            let new = NewDelivery {
                id: app.random.uuid(now),
                account: account.clone(),
                webhook: webhook.id.clone(),
                event: event.id.clone(),
                seq: Some(event.seq),
                kind: event.kind.as_str().to_owned(),
                visit: event.visit,
                body: body(webhook.version, &fact).into(),
                next_at: first,
                at: now,
            };
            rows::add(tx, &new, again).await?;
            counts[place] += 1;
        }
    }
    Ok(counts)
}

async fn code(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    known: &mut BTreeMap<UserId, Option<String>>,
) -> Result<Option<String>> {
    if let Some(code) = known.get(&user) {
        return Ok(code.clone());
    }
    let code = users::find(conn, account, user).await?.map(|user| user.code.into_inner());
    let code = code.filter(|code| !code.is_empty());
    known.insert(user, code.clone());
    Ok(code)
}

/// The event's data; one from before events said when a visit is planned for
/// takes that from the visit as it is now.
async fn whole(conn: &mut Conn, event: &Event) -> Result<EventData> {
    let mut data = event.data.clone();
    let Some(id) = event.visit.filter(|_| data.start.is_none() && data.status.is_some()) else {
        return Ok(data);
    };
    if let Some(visit) = visits::find(conn, &event.account, id).await? {
        data.start = Some(visit.plan.start_at.seconds());
        data.end = Some(visit.plan.end_at.seconds());
    }
    Ok(data)
}
