//! What the queue remembers beside the visits: whose page fell silent, who is
//! called when it is their turn, which providers run late.

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    notification::Channel,
    queue::{DEFAULT_GRACE_MINUTES, Waiting},
};
use serde::Deserialize;
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// The grace time alone, of a room's settings.
#[derive(Deserialize)]
struct Grace {
    #[serde(default = "default_grace")]
    grace_minutes: i64,
}

const fn default_grace() -> i64 {
    DEFAULT_GRACE_MINUTES
}

/// How long a room keeps the place of a silent page, read from its `settings`
/// column without the rest of it.
///
/// # Errors
/// [`Error::Value`] when the column holds something else.
pub(crate) fn grace_minutes(settings: &str) -> Result<i64> {
    let grace: Grace = serde_json::from_str(settings).map_err(|_| Error::Value("rooms.settings"))?;
    Ok(grace.grace_minutes)
}

/// Somebody who waits, as far as rows know.
#[derive(Debug, Clone)]
pub struct Silent {
    /// Whose account it is in.
    pub account: AccountId,
    /// The visit.
    pub visit: VisitId,
    /// The patient, and whoever brought them, with when they were last seen.
    pub people: Vec<(UserId, Option<At>)>,
    /// What is known; since when this server listens is for the caller to say.
    pub waiting: Waiting,
}

#[derive(FromRow)]
struct SilentRow {
    account_id: String,
    visit_id: i64,
    member_id: i64,
    guardian_id: Option<i64>,
    member_seen_at: Option<i64>,
    guardian_seen_at: Option<i64>,
    waiting_since_at: i64,
    updated_at: i64,
    until_at: Option<i64>,
    settings: String,
}

impl TryFrom<SilentRow> for Silent {
    type Error = Error;

    fn try_from(row: SilentRow) -> Result<Self> {
        let member = (UserId(row.member_id), row.member_seen_at.map(At));
        let guardian = row.guardian_id.map(|id| (UserId(id), row.guardian_seen_at.map(At)));
        let people: Vec<_> = std::iter::once(member).chain(guardian).collect();
        Ok(Self {
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            waiting: Waiting {
                since_at: At(row.waiting_since_at),
                heard_at: people.iter().filter_map(|(_, seen)| *seen).max(),
                changed_at: At(row.updated_at),
                listening_at: At(0),
                called_until_at: row.until_at.map(At),
                grace_minutes: grace_minutes(&row.settings)?,
            },
            people,
        })
    }
}

macro_rules! select_silent {
    ($rest:literal) => {
        concat!(
            "SELECT v.account_id, v.id AS visit_id, v.member_id, v.guardian_id, m.last_seen_at AS member_seen_at, \
             g.last_seen_at AS guardian_seen_at, v.waiting_since_at, v.updated_at, c.until_at, r.settings FROM visits v \
             JOIN accounts a ON a.id = v.account_id AND a.erased_at IS NULL \
             JOIN rooms r ON r.id = v.room_id JOIN users m ON m.id = v.member_id \
             LEFT JOIN users g ON g.id = v.guardian_id LEFT JOIN callbacks c ON c.visit_id = v.id \
             WHERE v.status IN (10, 20, 25) AND v.status <> 25 AND (v.type = 1 OR v.arrived_at IS NOT NULL) ",
            $rest
        )
    };
}

const LIST_SILENT: &str = select_silent!(
    "AND COALESCE(m.last_seen_at, 0) < $1 AND COALESCE(g.last_seen_at, 0) < $1 AND v.updated_at < $1 \
     AND COALESCE(c.until_at, 0) < $1 \
     AND v.id > $2 ORDER BY v.id LIMIT $3"
);

/// Those who wait and of whose pages no row has heard since `before`; after a
/// visit, in the order of their numbers. What was heard in the last moments is
/// not in the rows yet: that is for the caller to add.
///
/// # Errors
/// What the database says.
pub async fn list_silent(conn: &mut Conn, before: At, after: VisitId, limit: i64) -> Result<Vec<Silent>> {
    let rows = query_all!(conn, SilentRow, LIST_SILENT, before.0, after.0, limit)?;
    rows.into_iter().map(Silent::try_from).collect()
}

const FIND_WAITING: &str = select_silent!("AND v.account_id = $1 AND v.id = $2");

/// What is known of one who waits; none for a visit that nobody waits for.
///
/// # Errors
/// What the database says.
pub async fn find_waiting(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Silent>> {
    query_opt!(conn, SilentRow, FIND_WAITING, account.as_str(), visit.0)?.map(Silent::try_from).transpose()
}

/// How somebody who left the waiting room is called.
#[derive(Debug, Clone)]
pub struct Callback {
    /// On which way.
    pub channel: Channel,
    /// Number or address, sealed for `callbacks.address:<visit>`; none for push.
    pub address: Option<Sealed>,
    /// Whose browser is told, for push.
    pub user: Option<UserId>,
    /// Until when the place is kept.
    pub until_at: At,
}

#[derive(FromRow)]
struct CallbackRow {
    channel: String,
    address: Option<Sealed>,
    user_id: Option<i64>,
    until_at: i64,
}

const FIND_CALLBACK: &str =
    "SELECT channel, address, user_id, until_at FROM callbacks WHERE account_id = $1 AND visit_id = $2";

/// How the patient of a visit wants to be called.
///
/// # Errors
/// What the database says.
pub async fn find_callback(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Callback>> {
    let row = query_opt!(conn, CallbackRow, FIND_CALLBACK, account.as_str(), visit.0)?;
    row.map(|row| {
        Ok(Callback {
            channel: Channel::parse(&row.channel).ok_or(Error::Value("callbacks.channel"))?,
            address: row.address,
            user: row.user_id.map(UserId),
            until_at: At(row.until_at),
        })
    })
    .transpose()
}

const PUT_CALLBACK: &str = "INSERT INTO callbacks (visit_id, account_id, channel, address, until_at, created_at, user_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (visit_id) DO UPDATE SET channel = excluded.channel, \
     address = excluded.address, user_id = excluded.user_id, until_at = excluded.until_at, next_told_at = NULL";

/// Keeps how the patient of a visit wants to be called, in place of before.
///
/// # Errors
/// What the database says.
pub async fn put_callback(
    tx: &mut Tx,
    account: &AccountId,
    visit: VisitId,
    callback: &Callback,
    at: At,
) -> Result<()> {
    execute!(
        tx,
        PUT_CALLBACK,
        visit.0,
        account.as_str(),
        callback.channel.as_str(),
        &callback.address,
        callback.until_at.0,
        at.0,
        callback.user.map(|user| user.0),
    )?;
    Ok(())
}

const DELETE_CALLBACK: &str = "DELETE FROM callbacks WHERE account_id = $1 AND visit_id = $2";

/// The patient waits at the page again. Gives false when they did before.
///
/// # Errors
/// What the database says.
pub async fn delete_callback(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<bool> {
    Ok(execute!(tx, DELETE_CALLBACK, account.as_str(), visit.0)? == 1)
}

#[derive(FromRow)]
struct Untold {
    account_id: String,
    visit_id: i64,
}

const UNTOLD: &str = "SELECT c.account_id, c.visit_id FROM callbacks c JOIN visits v ON v.id = c.visit_id \
     JOIN accounts a ON a.id = c.account_id AND a.erased_at IS NULL \
     WHERE c.next_told_at IS NULL AND v.status IN (10, 20, 25) AND v.status <> 25 \
     AND (v.type = 1 OR v.arrived_at IS NOT NULL) AND c.visit_id > $1 ORDER BY c.visit_id LIMIT $2";

/// Those who are away and were not told yet that they are next.
///
/// # Errors
/// What the database says.
pub async fn list_untold(conn: &mut Conn, after: VisitId, limit: i64) -> Result<Vec<(AccountId, VisitId)>> {
    let rows = query_all!(conn, Untold, UNTOLD, after.0, limit)?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), VisitId(row.visit_id))).collect())
}

const MARK_TOLD: &str =
    "UPDATE callbacks SET next_told_at = $1 WHERE account_id = $2 AND visit_id = $3 AND next_told_at IS NULL";

/// They are told now. Gives false when somebody was faster.
///
/// # Errors
/// What the database says.
pub async fn mark_told(tx: &mut Tx, account: &AccountId, visit: VisitId, at: At) -> Result<bool> {
    Ok(execute!(tx, MARK_TOLD, at.0, account.as_str(), visit.0)? == 1)
}

/// A provider who runs late in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub provider: UserId,
    /// By how much.
    pub minutes: i64,
    /// Until when that counts.
    pub until_at: At,
}

#[derive(FromRow)]
struct DelayRow {
    room_id: i64,
    provider_id: i64,
    minutes: i64,
    until_at: i64,
}

const DELAYS: &str = "SELECT room_id, provider_id, minutes, until_at FROM delays \
     WHERE account_id = $1 AND until_at > $2 AND minutes > 0 ORDER BY room_id, provider_id";

/// Who runs late in a clinic now.
///
/// # Errors
/// What the database says.
pub async fn list_delays(conn: &mut Conn, account: &AccountId, now: At) -> Result<Vec<Delay>> {
    let rows = query_all!(conn, DelayRow, DELAYS, account.as_str(), now.0)?;
    let delay = |row: DelayRow| Delay {
        room: RoomId(row.room_id),
        provider: UserId(row.provider_id),
        minutes: row.minutes,
        until_at: At(row.until_at),
    };
    Ok(rows.into_iter().map(delay).collect())
}

const PUT_DELAY: &str = "INSERT INTO delays (room_id, provider_id, account_id, minutes, until_at, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (room_id, provider_id) DO UPDATE SET minutes = excluded.minutes, \
     until_at = excluded.until_at, created_at = excluded.created_at";

/// Keeps that a provider runs late, in place of before; 0 minutes is in time.
///
/// # Errors
/// What the database says.
pub async fn put_delay(tx: &mut Tx, account: &AccountId, delay: &Delay, at: At) -> Result<()> {
    execute!(
        tx,
        PUT_DELAY,
        delay.room.0,
        delay.provider.0,
        account.as_str(),
        delay.minutes,
        delay.until_at.0,
        at.0,
    )?;
    Ok(())
}

const DUE: &str = "SELECT id FROM visits WHERE account_id = $1 AND room_id = $2 AND status IN (10, 20, 25) AND status <> 25 \
     AND (requested_provider_id = $3 OR (requested_provider_id IS NULL AND $4 = 1)) \
     AND (type = 1 OR (type = 2 AND start_at < $5 AND end_at > $6)) ORDER BY id LIMIT 500";

/// The visits that a provider who runs late is expected at until then: those
/// for whom the patient asked, and, when the provider is the only one of the
/// room, those for nobody in particular.
///
/// # Errors
/// What the database says.
pub async fn list_due(
    conn: &mut Conn,
    account: &AccountId,
    delay: &Delay,
    is_only_one: bool,
    now: At,
) -> Result<Vec<VisitId>> {
    let ids = scalars!(
        conn,
        i64,
        DUE,
        account.as_str(),
        delay.room.0,
        delay.provider.0,
        i64::from(is_only_one),
        delay.until_at.0,
        now.0,
    )?;
    Ok(ids.into_iter().map(VisitId).collect())
}
