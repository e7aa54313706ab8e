//! Notifications: one row per fact, person and way, and what became of it.
//! What an account and its people want stands in `wishes`; what they were told
//! of a visit last in `tellings`.

mod tellings;
mod wishes;

use bedside_model::{
    AccountId, At, UserId, VisitId,
    notification::{Channel, Kind, State},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

pub use tellings::{find_told, put_told};
pub use wishes::{
    ChannelTest, Person, Wishes, find_person, find_wishes, list_tests, put_badge, put_language, put_test,
    put_wishes,
};

/// A notification.
#[derive(Debug, Clone)]
pub struct Notification {
    /// UUIDv7.
    pub id: String,
    /// Whose clinic.
    pub account: AccountId,
    /// The event, or what else made it.
    pub source: String,
    /// What it says.
    pub kind: Kind,
    /// On which way.
    pub channel: Channel,
    /// Who: the user's number, or a hash of an address without a user.
    pub recipient: String,
    /// The user, when it goes to one.
    pub user: Option<UserId>,
    /// The endpoint; empty takes the profile's address.
    pub endpoint: String,
    /// An address without a user, sealed.
    pub address: Option<Sealed>,
    /// The visit it is about.
    pub visit: Option<VisitId>,
    /// What became of it.
    pub state: State,
    /// Why not, as a stable word.
    pub reason: String,
    /// How often it was tried.
    pub tries: i64,
    /// When it was made.
    pub created_at: At,
    /// Not worth sending from here on.
    pub expires_at: At,
    /// When it was sent or given up.
    pub settled_at: Option<At>,
    /// When the person read it on a page.
    pub read_at: Option<At>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    source: String,
    kind: String,
    channel: String,
    recipient: String,
    user_id: Option<i64>,
    endpoint_id: String,
    address: Option<Sealed>,
    visit_id: Option<i64>,
    state: String,
    reason: String,
    tries: i64,
    created_at: i64,
    expires_at: i64,
    settled_at: Option<i64>,
    read_at: Option<i64>,
}

impl TryFrom<Row> for Notification {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            source: row.source,
            kind: Kind::parse(&row.kind).ok_or(Error::Value("notifications.kind"))?,
            channel: Channel::parse(&row.channel).ok_or(Error::Value("notifications.channel"))?,
            recipient: row.recipient,
            user: row.user_id.map(UserId),
            endpoint: row.endpoint_id,
            address: row.address,
            visit: row.visit_id.map(VisitId),
            state: State::parse(&row.state).ok_or(Error::Value("notifications.state"))?,
            reason: row.reason,
            tries: row.tries,
            created_at: At(row.created_at),
            expires_at: At(row.expires_at),
            settled_at: row.settled_at.map(At),
            read_at: row.read_at.map(At),
        })
    }
}

const ADD: &str = "INSERT INTO notifications (id, account_id, source, kind, channel, recipient, user_id, endpoint_id, \
     address, visit_id, state, reason, tries, created_at, expires_at, settled_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
     ON CONFLICT (account_id, source, kind, recipient, channel, endpoint_id) DO NOTHING";

/// Adds a notification. Gives false when this person was told of this before.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, row: &Notification) -> Result<bool> {
    let touched = execute!(
        tx,
        ADD,
        &row.id,
        row.account.as_str(),
        &row.source,
        row.kind.as_str(),
        row.channel.as_str(),
        &row.recipient,
        row.user.map(|user| user.0),
        &row.endpoint,
        row.address.as_ref(),
        row.visit.map(|visit| visit.0),
        row.state.as_str(),
        &row.reason,
        row.tries,
        row.created_at.0,
        row.expires_at.0,
        row.settled_at.map(|at| at.0),
    )?;
    Ok(touched > 0)
}

const BY_ID: &str = "SELECT id, account_id, source, kind, channel, recipient, user_id, endpoint_id, address, visit_id, \
     state, reason, tries, created_at, expires_at, settled_at, read_at FROM notifications \
     WHERE account_id = $1 AND id = $2";

/// The account's notification of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Notification>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Notification::try_from).transpose()
}

const SETTLE: &str = "UPDATE notifications SET state = $1, reason = $2, tries = $3, settled_at = $4 \
     WHERE account_id = $5 AND id = $6 AND state = 'waiting'";

/// Writes what became of a waiting notification. Gives false when another
/// worker was faster.
///
/// # Errors
/// What the database says.
pub async fn settle(tx: &mut Tx, row: &Notification) -> Result<bool> {
    let touched = execute!(
        tx,
        SETTLE,
        row.state.as_str(),
        &row.reason,
        row.tries,
        row.settled_at.map(|at| at.0),
        row.account.as_str(),
        &row.id,
    )?;
    Ok(touched > 0)
}

const IN_APP: &str = "SELECT id, account_id, source, kind, channel, recipient, user_id, endpoint_id, address, visit_id, \
     state, reason, tries, created_at, expires_at, settled_at, read_at FROM notifications \
     WHERE account_id = $1 AND user_id = $2 AND channel = 'app' \
     ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";

/// A user's own list, newest first.
///
/// # Errors
/// What the database says.
pub async fn list_of_user(
    conn: &mut Conn,
    account: &AccountId,
    user: UserId,
    (skip, limit): (i64, i64),
) -> Result<Vec<Notification>> {
    let rows = query_all!(conn, Row, IN_APP, account.as_str(), user.0, limit, skip)?;
    rows.into_iter().map(Notification::try_from).collect()
}

const COUNT_IN_APP: &str = "SELECT COUNT(*) FROM notifications WHERE account_id = $1 AND user_id = $2 \
     AND channel = 'app' AND created_at > $3 AND (read_at IS NULL OR $3 < 0)";

/// How many a user's list has in all (`since` below zero), or unread ones since
/// an instant.
///
/// # Errors
/// What the database says.
pub async fn count_of_user(conn: &mut Conn, account: &AccountId, user: UserId, since: i64) -> Result<i64> {
    scalar!(conn, i64, COUNT_IN_APP, account.as_str(), user.0, since)
}

const READ: &str = "UPDATE notifications SET read_at = COALESCE(read_at, $1) \
     WHERE account_id = $2 AND user_id = $3 AND channel = 'app' AND id = $4";

/// Marks one of a user's list as read. Gives false when there is none.
///
/// # Errors
/// What the database says.
pub async fn mark_read(tx: &mut Tx, account: &AccountId, user: UserId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, READ, at.0, account.as_str(), user.0, id)? > 0)
}

const LOG: &str = "SELECT id, account_id, source, kind, channel, recipient, user_id, endpoint_id, address, visit_id, \
     state, reason, tries, created_at, expires_at, settled_at, read_at FROM notifications \
     WHERE account_id = $1 AND channel <> 'app' AND (CAST($2 AS BIGINT) IS NULL OR visit_id = $2) \
     AND ($3 = '' OR state = $3) ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5";

/// What was sent, or not, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    visit: Option<VisitId>,
    state: Option<State>,
    (skip, limit): (i64, i64),
) -> Result<Vec<Notification>> {
    let state = state.map_or("", State::as_str);
    let rows = query_all!(conn, Row, LOG, account.as_str(), visit.map(|id| id.0), state, limit, skip)?;
    rows.into_iter().map(Notification::try_from).collect()
}

const COUNT_OF_VISIT: &str = "SELECT COUNT(*) FROM notifications WHERE account_id = $1 AND visit_id = $2 \
     AND kind = $3 AND created_at > $4";

/// How many of a kind were made for a visit since an instant.
///
/// # Errors
/// What the database says.
pub async fn count_of_visit(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    kind: Kind,
    since: At,
) -> Result<i64> {
    scalar!(conn, i64, COUNT_OF_VISIT, account.as_str(), visit.0, kind.as_str(), since.0)
}

const PURGE: &str = "DELETE FROM notifications WHERE created_at < $1";

/// Deletes what was made before an instant. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}
