//! Consumers: who reads every event of every account once, in the order of
//! their numbers. What a consumer makes of a stretch of events (deliveries,
//! notifications) is written in the change that advances its cursor, so a crash
//! neither loses nor repeats it (ADR 3: no event becomes visible below a number
//! that was read).

use bedside_model::AccountId;
use bedside_store::{
    Tx, event_cursors,
    events::{self as rows, Event},
};

use crate::{
    App, Error, Result, notifications,
    webhooks::{self, Made},
};

/// Events per change.
const BATCH: i64 = 200;

/// A reader of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// Makes deliveries to webhook endpoints.
    Webhooks,
    /// Tells people.
    Notifications,
}

impl Consumer {
    /// Every consumer.
    pub const ALL: [Self; 2] = [Self::Webhooks, Self::Notifications];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Notifications => "notifications",
        }
    }
}

/// Are there events of this account that a consumer has yet to read? Those that
/// have no number yet count, whosever they are.
pub(crate) async fn is_behind(app: &App, consumer: Consumer, account: &AccountId) -> Result<bool> {
    let mut conn = app.store.reader().await?;
    Ok(rows::any_unnumbered(&mut conn).await?
        || event_cursors::list_behind(&mut conn, consumer.as_str()).await?.contains(account))
}

/// Lets a consumer read everything that is numbered. What fails for one account
/// does not hold up another; it is read again at the next call.
///
/// # Errors
/// What the store says of the list of accounts.
pub async fn read(app: &App, consumer: Consumer) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let behind = event_cursors::list_behind(&mut conn, consumer.as_str()).await?;
    drop(conn);
    for account in behind {
        loop {
            match advance(app, consumer, &account).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(?consumer, account = account.as_str(), ?error, "events wait to be read");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Reads events in the change that has just numbered them, where a consumer has
/// read everything below: one commit instead of one each. Gives true when some
/// consumer has to read them by itself.
///
/// # Errors
/// What the store says; then the whole change is off, and may be made without this.
pub(crate) async fn read_at_once(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    events: &[Event],
    made: &mut Made,
) -> Result<bool> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(false) };
    let mut unread = false;
    for consumer in Consumer::ALL {
        let seq = event_cursors::lock(tx, account, consumer.as_str()).await?;
        if seq + 1 == first.seq {
            consume(tx, app, consumer, account, events, made).await?;
            event_cursors::advance(tx, account, consumer.as_str(), last.seq).await?;
        } else {
            unread = true;
        }
    }
    Ok(unread)
}

async fn consume(
    tx: &mut Tx,
    app: &App,
    consumer: Consumer,
    account: &AccountId,
    events: &[Event],
    made: &mut Made,
) -> Result<()> {
    match consumer {
        Consumer::Webhooks => {
            let Made { claimed, more } = webhooks::fan_out(tx, app, account, events).await?;
            made.claimed.extend(claimed);
            made.more |= more;
        }
        Consumer::Notifications => notifications::plan(tx, app, account, events).await?,
    }
    Ok(())
}

/// After the commit: what was claimed is tried, what was not is looked for.
pub(crate) fn start(app: &App, made: Made) {
    app.deliveries.start(made.claimed);
    if made.more {
        app.webhooks_due.notify_one();
    }
}

/// Reads one stretch of one account. Gives true while there may be more.
async fn advance(app: &App, consumer: Consumer, account: &AccountId) -> Result<bool> {
    let (owner, account) = (app.clone(), account.clone());
    let (more, made) = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let mut made = Made::default();
                let seq = event_cursors::lock(tx, &account, consumer.as_str()).await?;
                let events = rows::list_after(tx, &account, seq, BATCH).await?;
                let Some(last) = events.last() else { return Ok::<_, Error>((false, made)) };
                consume(tx, &owner, consumer, &account, &events, &mut made).await?;
                event_cursors::advance(tx, &account, consumer.as_str(), last.seq).await?;
                Ok((i64::try_from(events.len()) == Ok(BATCH), made))
            })
        })
        .await?;
    start(app, made);
    Ok(more)
}
