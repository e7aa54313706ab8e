//! Deliveries to webhook endpoints, one row per endpoint and event, and their
//! tries.
//!
//! A worker claims a delivery for a while (a lease), tries it, and says what
//! became of it. One that dies lets its lease run out, and the same delivery is
//! tried again. `tries` counts what is finished, so that the first try of a
//! visit's next event waits until that of the one before is over, whoever makes
//! it.

mod attempts;

pub use attempts::{Attempt, add_attempt, list_attempts};
use bedside_model::{AccountId, At, Phi, VisitId, webhook::DeliveryState};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, dialect};

/// A delivery to make.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// To which endpoint.
    pub webhook: String,
    /// The event's identifier, or a test's.
    pub event: String,
    /// The event's number; a test has none.
    pub seq: Option<i64>,
    /// The event's wire name, or `ping`.
    pub kind: String,
    /// The visit whose events stay in order.
    pub visit: Option<VisitId>,
    /// What is sent; of a new user also the portal's own identifier.
    pub body: Phi<String>,
    /// Not before.
    pub next_at: At,
    /// Now.
    pub at: At,
}

/// A delivery as it is kept.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its place among all.
    pub n: i64,
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// To which endpoint.
    pub webhook: String,
    /// The event's identifier, or a test's.
    pub event: String,
    /// The event's number; a test has none.
    pub seq: Option<i64>,
    /// The event's wire name, or `ping`.
    pub kind: String,
    /// What is sent; of a new user also the portal's own identifier.
    pub body: Phi<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Finished tries since it was made or asked for again.
    pub tries: i64,
    /// How often it was claimed.
    pub claims: i64,
    /// When it is tried next, while it waits.
    pub next_at: At,
    /// When it was made.
    pub created_at: At,
    /// When it was delivered or given up.
    pub settled_at: Option<At>,
}

#[derive(FromRow)]
struct Row {
    n: i64,
    id: String,
    account_id: String,
    webhook_id: String,
    event_id: String,
    seq: Option<i64>,
    #[sqlx(rename = "type")]
    kind: String,
    body: String,
    state: String,
    tries: i64,
    claims: i64,
    next_at: i64,
    created_at: i64,
    settled_at: Option<i64>,
}

impl TryFrom<Row> for Delivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            n: row.n,
            id: row.id,
            account: AccountId(row.account_id),
            webhook: row.webhook_id,
            event: row.event_id,
            seq: row.seq,
            kind: row.kind,
            body: row.body.into(),
            state: DeliveryState::parse(&row.state).ok_or(Error::Value("webhook_deliveries.state"))?,
            tries: row.tries,
            claims: row.claims,
            next_at: At(row.next_at),
            created_at: At(row.created_at),
            settled_at: row.settled_at.map(At),
        })
    }
}

macro_rules! insert {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO webhook_deliveries (id, account_id, webhook_id, event_id, seq, type, visit_id, body, state, \
             next_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10) \
             ON CONFLICT (webhook_id, event_id) DO ",
            $conflict
        )
    };
}

const ADD: &str = insert!("NOTHING");
const REPLAY: &str = insert!(
    "UPDATE SET state = 'waiting', tries = 0, next_at = excluded.next_at, locked_until = NULL, settled_at = NULL, \
     claims = webhook_deliveries.claims + 1"
);

/// Adds a delivery, unless the endpoint has one of this event. With `again` that
/// one is made again.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, new: &NewDelivery, again: bool) -> Result<()> {
    execute!(
        tx,
        if again { REPLAY } else { ADD },
        &new.id,
        new.account.as_str(),
        &new.webhook,
        &new.event,
        new.seq,
        &new.kind,
        new.visit.map(|id| id.0),
        new.body.reveal(),
        new.next_at.0,
        new.at.0,
    )
    .map(drop)
}

// Few endpoints, and for each a look into the index of what waits.
const DUE: &str = "SELECT w.account_id, w.id FROM webhooks w WHERE w.active AND EXISTS ( \
         SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'waiting' \
         AND d.next_at <= $1 AND (d.locked_until IS NULL OR d.locked_until <= $1)) ORDER BY w.id";

/// The endpoints, of all accounts, with deliveries to try now.
///
/// # Errors
/// What the database says.
pub async fn list_due(conn: &mut Conn, now: At) -> Result<Vec<(AccountId, String)>> {
    #[derive(FromRow)]
    struct Due {
        account_id: String,
        id: String,
    }
    let due = query_all!(conn, Due, DUE, now.0)?;
    Ok(due.into_iter().map(|due| (AccountId(due.account_id), due.id)).collect())
}

const NEXT: &str = "SELECT MIN(d.next_at) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id \
     WHERE d.state = 'waiting' AND d.next_at > $1 AND w.active";

/// When the next delivery is due that is not due now.
///
/// # Errors
/// What the database says.
pub async fn next_due(conn: &mut Conn, now: At) -> Result<Option<At>> {
    Ok(scalar!(conn, Option<i64>, NEXT, now.0)?.map(At))
}

/// Claims up to `limit` due deliveries of an endpoint until `lease_ends`, in
/// their order.
///
/// # Errors
/// What the database says.
pub async fn claim(tx: &mut Tx, webhook: &str, now: At, lease_ends: At, limit: i64) -> Result<Vec<Delivery>> {
    let sql = dialect::claim_deliveries(tx);
    let rows = query_all!(tx, Row, sql, webhook, now.0, lease_ends.0, limit)?;
    let mut claimed = rows.into_iter().map(Delivery::try_from).collect::<Result<Vec<_>>>()?;
    // RETURNING promises no order.
    claimed.sort_by_key(|delivery| (delivery.next_at, delivery.n));
    Ok(claimed)
}

const SETTLE: &str = "UPDATE webhook_deliveries SET state = $1, tries = tries + 1, next_at = $2, locked_until = NULL, \
     settled_at = $3 WHERE account_id = $4 AND n = $5 AND claims = $6 AND state = 'waiting'";

/// Says what became of a try, unless another worker has claimed the delivery
/// since. A waiting one is tried again at `next_at`.
///
/// # Errors
/// What the database says.
pub async fn settle(
    tx: &mut Tx,
    delivery: &Delivery,
    state: DeliveryState,
    next_at: At,
    now: At,
) -> Result<bool> {
    let settled = (state != DeliveryState::Waiting).then_some(now.0);
    let account = delivery.account.as_str();
    let touched =
        execute!(tx, SETTLE, state.as_str(), next_at.0, settled, account, delivery.n, delivery.claims)?;
    Ok(touched > 0)
}

const GIVE_UP: &str = "UPDATE webhook_deliveries SET state = 'failed', locked_until = NULL, settled_at = $1 \
     WHERE account_id = $2 AND webhook_id = $3 AND state = 'waiting'";

/// Gives up everything that waits for an endpoint.
///
/// # Errors
/// What the database says.
pub async fn give_up(tx: &mut Tx, account: &AccountId, webhook: &str, now: At) -> Result<()> {
    execute!(tx, GIVE_UP, now.0, account.as_str(), webhook).map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT n, id, account_id, webhook_id, event_id, seq, type, body, state, tries, claims, next_at, \
             created_at, settled_at FROM webhook_deliveries WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select!("AND id = $2");

/// The account's delivery of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Delivery>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Delivery::try_from).transpose()
}

const LIST: &str = select!(
    "AND webhook_id = $2 AND n < $3 AND (CAST($4 AS TEXT) IS NULL OR state = $4) ORDER BY n DESC LIMIT $5"
);

/// An endpoint's deliveries below a place, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    webhook: &str,
    before: i64,
    state: Option<DeliveryState>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let state = state.map(DeliveryState::as_str);
    let rows = query_all!(conn, Row, LIST, account.as_str(), webhook, before, state, limit)?;
    rows.into_iter().map(Delivery::try_from).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM webhook_deliveries \
     WHERE account_id = $1 AND webhook_id = $2 AND (CAST($3 AS TEXT) IS NULL OR state = $3)";

/// How many deliveries an endpoint has.
///
/// # Errors
/// What the database says.
pub async fn count(
    conn: &mut Conn,
    account: &AccountId,
    webhook: &str,
    state: Option<DeliveryState>,
) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), webhook, state.map(DeliveryState::as_str))
}

const AGAIN: &str = "UPDATE webhook_deliveries SET state = 'waiting', tries = 0, claims = claims + 1, next_at = $1, \
     locked_until = NULL, settled_at = NULL WHERE account_id = $2 AND id = $3";

/// Has a delivery made again from the first try on. Gives false when there is
/// none.
///
/// # Errors
/// What the database says.
pub async fn again(tx: &mut Tx, account: &AccountId, id: &str, now: At) -> Result<bool> {
    Ok(execute!(tx, AGAIN, now.0, account.as_str(), id)? > 0)
}

const PURGE_ATTEMPTS: &str = "DELETE FROM webhook_attempts WHERE delivery_id IN \
     (SELECT id FROM webhook_deliveries WHERE settled_at IS NOT NULL AND settled_at < $1)";
const PURGE: &str = "DELETE FROM webhook_deliveries WHERE settled_at IS NOT NULL AND settled_at < $1";

/// Deletes what was settled before an instant, with its tries.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<()> {
    execute!(tx, PURGE_ATTEMPTS, before.0)?;
    execute!(tx, PURGE, before.0).map(drop)
}
