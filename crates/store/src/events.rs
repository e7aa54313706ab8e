//! The outbox of events and their numbering.
//!
//! A change appends its events in its own transaction, after it has written
//! the visit's row: `n` is then drawn under that row's lock, so one visit's
//! events keep the order of its versions. The sequencer ([`number`]) gives
//! committed rows their gap-free `seq` per account; readers see numbered rows
//! only, so nothing can appear below a number that was already served.

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    event::{EventData, EventType},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, dialect};

/// An event to append.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// UUIDv7.
    pub id: String,
    /// Whose event it is.
    pub account: AccountId,
    /// What happened.
    pub kind: EventType,
    /// The visit it is about.
    pub visit: Option<VisitId>,
    /// The room it is about, or the visit's room.
    pub room: Option<RoomId>,
    /// The user it is about: of a visit, the patient.
    pub user: Option<UserId>,
    /// Codes and identifiers.
    pub data: EventData,
    /// When it happened.
    pub at: At,
}

/// A numbered event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Position in the account's log, from 1, without gaps.
    pub seq: i64,
    /// UUIDv7.
    pub id: String,
    /// Whose event it is.
    pub account: AccountId,
    /// What happened.
    pub kind: EventType,
    /// The visit it is about.
    pub visit: Option<VisitId>,
    /// The room it is about.
    pub room: Option<RoomId>,
    /// The user it is about.
    pub user: Option<UserId>,
    /// Codes and identifiers.
    pub data: EventData,
    /// When it happened.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    id: String,
    account_id: String,
    #[sqlx(rename = "type")]
    kind: String,
    visit_id: Option<i64>,
    room_id: Option<i64>,
    user_id: Option<i64>,
    data: String,
    created_at: i64,
}

impl TryFrom<Row> for Event {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            seq: row.seq,
            id: row.id,
            account: AccountId(row.account_id),
            kind: EventType::parse(&row.kind).ok_or(Error::Value("events.type"))?,
            visit: row.visit_id.map(VisitId),
            room: row.room_id.map(RoomId),
            user: row.user_id.map(UserId),
            data: serde_json::from_str(&row.data).map_err(|_| Error::Value("events.data"))?,
            at: At(row.created_at),
        })
    }
}

const APPEND: &str = "INSERT INTO events (id, account_id, type, visit_id, room_id, user_id, data, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Appends an event to the change it tells of. Call it after the subject's row
/// was written.
///
/// # Errors
/// What the database says.
pub async fn append(tx: &mut Tx, event: &NewEvent) -> Result<()> {
    let data = serde_json::to_string(&event.data).map_err(|_| Error::Value("events.data"))?;
    tx.mark_events();
    execute!(
        tx,
        APPEND,
        &event.id,
        event.account.as_str(),
        event.kind.as_str(),
        event.visit.map(|id| id.0),
        event.room.map(|id| id.0),
        event.user.map(|id| id.0),
        &data,
        event.at.0,
    )?;
    Ok(())
}

const NUMBER: &str = "UPDATE events SET seq = fresh.base + fresh.place FROM ( \
         SELECT u.n AS n, \
                (SELECT COALESCE(MAX(e.seq), 0) FROM events e WHERE e.account_id = u.account_id) AS base, \
                ROW_NUMBER() OVER (PARTITION BY u.account_id ORDER BY u.n) AS place \
         FROM events u WHERE u.seq IS NULL \
     ) AS fresh WHERE events.n = fresh.n \
     RETURNING events.seq, events.id, events.account_id, events.type, events.visit_id, events.room_id, \
     events.user_id, events.data, events.created_at";

/// Numbers every committed event that has no number yet, of all accounts.
/// Gives them, each account's in order.
///
/// # Errors
/// What the database says.
pub async fn number(tx: &mut Tx) -> Result<Vec<Event>> {
    dialect::lock_sequencer(tx).await?;
    let rows = query_all!(tx, Row, NUMBER)?;
    let mut events = rows.into_iter().map(Event::try_from).collect::<Result<Vec<_>>>()?;
    events.sort_by(|a, b| (&a.account, a.seq).cmp(&(&b.account, b.seq)));
    Ok(events)
}

// The order makes both engines look into the index of unnumbered rows, which is
// almost always empty, and not through the whole log.
const UNNUMBERED: &str =
    "SELECT COUNT(*) FROM (SELECT n FROM events WHERE seq IS NULL ORDER BY account_id, n LIMIT 1) AS waiting";

/// True while committed events wait for their number.
///
/// # Errors
/// What the database says.
pub async fn any_unnumbered(conn: &mut Conn) -> Result<bool> {
    Ok(scalar!(conn, i64, UNNUMBERED)? > 0)
}

const AFTER: &str = "SELECT seq, id, account_id, type, visit_id, room_id, user_id, data, created_at FROM events \
     WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// The account's events after a number, in order.
///
/// # Errors
/// What the database says.
pub async fn list_after(conn: &mut Conn, account: &AccountId, seq: i64, limit: i64) -> Result<Vec<Event>> {
    let rows = query_all!(conn, Row, AFTER, account.as_str(), seq, limit)?;
    rows.into_iter().map(Event::try_from).collect()
}

const LAST: &str = "SELECT COALESCE(MAX(seq), 0) FROM events WHERE account_id = $1";

/// The account's highest number; 0 when nothing has happened.
///
/// # Errors
/// What the database says.
pub async fn last_seq(conn: &mut Conn, account: &AccountId) -> Result<i64> {
    scalar!(conn, i64, LAST, account.as_str())
}
