//! Bookings: what takes a provider's time. A row is a visit's, or a hold that
//! keeps a time for a patient. The database refuses two that overlap
//! (`slot_taken`), except seats of one slot and what staff forced.

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    availability::{Busy, Span},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, dialect};

/// What the database says of a time that is taken.
pub const SLOT_TAKEN: &str = "slot_taken";

/// A booking as it is kept.
#[derive(Debug, Clone)]
pub struct Booking {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// Whose time.
    pub provider: UserId,
    /// In which room.
    pub room: RoomId,
    /// For whom.
    pub member: UserId,
    /// The slot's name; the row's own id when it comes from no slot.
    pub slot: String,
    /// The rule the slot comes from.
    pub rule: Option<i64>,
    /// Which seat of the slot.
    pub seat: i64,
    /// When.
    pub span: Span,
    /// Minutes its room keeps free before it.
    pub buffer_before_minutes: i64,
    /// Minutes its room keeps free after it.
    pub buffer_after_minutes: i64,
    /// The visit; none for a hold.
    pub visit: Option<VisitId>,
    /// When a hold ends.
    pub expires_at: Option<At>,
    /// A hold that was made longer once already.
    pub renewed: bool,
    /// Staff put it over something else.
    pub forced: bool,
    /// When it was made.
    pub created_at: At,
}

impl Booking {
    /// As the slot engine wants it.
    #[must_use]
    pub const fn busy(&self) -> Busy {
        Busy {
            span: self.span,
            buffer_before_minutes: self.buffer_before_minutes,
            buffer_after_minutes: self.buffer_after_minutes,
            rule: self.rule,
        }
    }
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    provider_id: i64,
    room_id: i64,
    member_id: i64,
    slot: String,
    rule_id: Option<i64>,
    seat: i64,
    start_at: i64,
    end_at: i64,
    buffer_before_minutes: i64,
    buffer_after_minutes: i64,
    visit_id: Option<i64>,
    expires_at: Option<i64>,
    renewed: bool,
    forced: bool,
    created_at: i64,
}

impl From<Row> for Booking {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            provider: UserId(row.provider_id),
            room: RoomId(row.room_id),
            member: UserId(row.member_id),
            slot: row.slot,
            rule: row.rule_id,
            seat: row.seat,
            span: Span { start: At(row.start_at), end: At(row.end_at) },
            buffer_before_minutes: row.buffer_before_minutes,
            buffer_after_minutes: row.buffer_after_minutes,
            visit: row.visit_id.map(VisitId),
            expires_at: row.expires_at.map(At),
            renewed: row.renewed,
            forced: row.forced,
            created_at: At(row.created_at),
        }
    }
}

/// Lets one transaction at a time book a provider: what the constraint cannot
/// see (buffers, limits of a day) is then right too. On SQLite the single
/// writer does that already.
///
/// # Errors
/// What the database says.
pub async fn lock_provider(tx: &mut Tx, account: &AccountId, provider: UserId) -> Result<()> {
    dialect::lock_user(tx, account.as_str(), provider.0).await
}

/// Lets one transaction at a time choose among an account's providers, so that
/// two of them never wait for each other.
///
/// # Errors
/// What the database says.
pub async fn lock_pool(tx: &mut Tx, account: &AccountId) -> Result<()> {
    dialect::lock_account(tx, account.as_str()).await
}

const ADD: &str = "INSERT INTO bookings (id, account_id, provider_id, room_id, member_id, slot, rule_id, seat, \
     start_at, end_at, buffer_before_minutes, buffer_after_minutes, visit_id, expires_at, renewed, forced, \
     created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// Adds a booking.
///
/// # Errors
/// [`Error::Raised`] or [`Error::Unique`] when the time is taken: see
/// [`is_taken`].
pub async fn add(tx: &mut Tx, booking: &Booking) -> Result<()> {
    execute!(
        tx,
        ADD,
        &booking.id,
        booking.account.as_str(),
        booking.provider.0,
        booking.room.0,
        booking.member.0,
        &booking.slot,
        booking.rule,
        booking.seat,
        booking.span.start.0,
        booking.span.end.0,
        booking.buffer_before_minutes,
        booking.buffer_after_minutes,
        booking.visit.map(|id| id.0),
        booking.expires_at.map(|at| at.0),
        booking.renewed,
        booking.forced,
        booking.created_at.0,
    )?;
    Ok(())
}

/// True when the database refused a booking because the time is taken.
#[must_use]
pub fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Raised { code } if code == SLOT_TAKEN)
        || error.is_unique("bookings", "provider_id, slot, seat")
}

macro_rules! select_bookings {
    ($rest:expr) => {
        concat!(
            "SELECT id, account_id, provider_id, room_id, member_id, slot, rule_id, seat, start_at, end_at, \
             buffer_before_minutes, buffer_after_minutes, visit_id, expires_at, renewed, forced, created_at \
             FROM bookings WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select_bookings!("AND id = $2");

/// The account's booking of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Booking>> {
    Ok(query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Booking::from))
}

const OF_VISIT: &str = select_bookings!("AND visit_id = $2");

/// The booking of a visit.
///
/// # Errors
/// What the database says.
pub async fn find_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Booking>> {
    Ok(query_opt!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.map(Booking::from))
}

/// No booking is longer than a day: what began before is over, and years of
/// bookings are not looked at.
const fn earliest(window: Span) -> i64 {
    const LONGEST_MS: i64 = 24 * 3_600_000;
    window.start.0.saturating_sub(LONGEST_MS + 1)
}

macro_rules! in_window {
    ($provider:literal) => {
        concat!(
            "AND end_at > $2 AND start_at < $3 AND start_at > $6 AND (expires_at IS NULL OR expires_at > $4) AND ",
            $provider,
            " ORDER BY provider_id, start_at, id"
        )
    };
}

const IN_WINDOW: &str = select_bookings!(in_window!("CAST($5 AS BIGINT) IS NULL"));
// A statement of its own, so that the index on (provider_id, start_at) is used.
const OF_PROVIDER: &str = select_bookings!(in_window!("provider_id = $5"));

/// What takes the time of a provider (or of all) in a window; holds that have
/// ended are left out.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    window: Span,
    now: At,
    provider: Option<UserId>,
) -> Result<Vec<Booking>> {
    let rows = query_all!(
        conn,
        Row,
        if provider.is_some() { OF_PROVIDER } else { IN_WINDOW },
        account.as_str(),
        window.start.0,
        window.end.0,
        now.0,
        provider.map(|id| id.0),
        earliest(window),
    )?;
    Ok(rows.into_iter().map(Booking::from).collect())
}

// From the room's providers to the bookings of each, by the index on
// (provider_id, start_at): a clinic's years of bookings are not looked at. The
// join is written so that SQLite keeps this order.
const IN_ROOM: &str = "SELECT b.provider_id, b.member_id, b.rule_id, b.start_at, b.end_at, \
     b.buffer_before_minutes, b.buffer_after_minutes, b.visit_id FROM room_providers p CROSS JOIN bookings b \
     WHERE p.room_id = $2 AND (CAST($3 AS BIGINT) IS NULL OR p.user_id = $3) \
     AND b.provider_id = p.user_id AND b.account_id = $1 AND b.start_at > $4 AND b.start_at < $5 \
     AND b.end_at > $6 AND (b.expires_at IS NULL OR b.expires_at > $7)";

/// What takes somebody's time, as far as free times need to know it.
#[derive(Debug, Clone, Copy)]
pub struct TakenTime {
    /// Whose time.
    pub provider: UserId,
    /// For whom.
    pub member: UserId,
    /// A hold, not a visit.
    pub held: bool,
    /// As the slot engine wants it.
    pub busy: Busy,
}

#[derive(FromRow)]
struct TakenRow {
    provider_id: i64,
    member_id: i64,
    rule_id: Option<i64>,
    start_at: i64,
    end_at: i64,
    buffer_before_minutes: i64,
    buffer_after_minutes: i64,
    visit_id: Option<i64>,
}

impl From<TakenRow> for TakenTime {
    fn from(row: TakenRow) -> Self {
        Self {
            provider: UserId(row.provider_id),
            member: UserId(row.member_id),
            held: row.visit_id.is_none(),
            busy: Busy {
                span: Span { start: At(row.start_at), end: At(row.end_at) },
                buffer_before_minutes: row.buffer_before_minutes,
                buffer_after_minutes: row.buffer_after_minutes,
                rule: row.rule_id,
            },
        }
    }
}

/// What takes the time of those who work in a room (or of one of them) in a
/// window, in whatever room it is; holds that have ended are left out.
///
/// # Errors
/// What the database says.
pub async fn list_taken(
    conn: &mut Conn,
    account: &AccountId,
    room: RoomId,
    provider: Option<UserId>,
    window: Span,
    now: At,
) -> Result<Vec<TakenTime>> {
    let rows = query_all!(
        conn,
        TakenRow,
        IN_ROOM,
        account.as_str(),
        room.0,
        provider.map(|id| id.0),
        earliest(window),
        window.end.0,
        window.start.0,
        now.0,
    )?;
    Ok(rows.into_iter().map(TakenTime::from).collect())
}

const OF_MEMBER: &str = select_bookings!(
    "AND member_id = $2 AND end_at > $3 AND start_at < $4 AND start_at > $6 \
     AND (expires_at IS NULL OR expires_at > $5) ORDER BY start_at, id"
);

/// What a patient has in a window.
///
/// # Errors
/// What the database says.
pub async fn list_of_member(
    conn: &mut Conn,
    account: &AccountId,
    member: UserId,
    window: Span,
    now: At,
) -> Result<Vec<Booking>> {
    let rows = query_all!(
        conn,
        Row,
        OF_MEMBER,
        account.as_str(),
        member.0,
        window.start.0,
        window.end.0,
        now.0,
        earliest(window),
    )?;
    Ok(rows.into_iter().map(Booking::from).collect())
}

const CONFIRM: &str = "UPDATE bookings SET visit_id = $1, expires_at = NULL \
     WHERE account_id = $2 AND id = $3 AND visit_id IS NULL";

/// Puts a visit on a time that was taken or held. Gives false when the hold is
/// gone by now: it ended and somebody else has the time, or it is booked.
///
/// # Errors
/// What the database says.
pub async fn confirm(tx: &mut Tx, account: &AccountId, id: &str, visit: VisitId) -> Result<bool> {
    Ok(execute!(tx, CONFIRM, visit.0, account.as_str(), id)? > 0)
}

const RENEW: &str = "UPDATE bookings SET expires_at = $1, renewed = TRUE \
     WHERE account_id = $2 AND id = $3 AND visit_id IS NULL AND NOT renewed AND expires_at > $4";

/// Makes a hold longer, once. Gives false when it has ended or was made longer
/// before.
///
/// # Errors
/// What the database says.
pub async fn renew(tx: &mut Tx, account: &AccountId, id: &str, until: At, now: At) -> Result<bool> {
    Ok(execute!(tx, RENEW, until.0, account.as_str(), id, now.0)? > 0)
}

const DELETE_HOLD: &str = "DELETE FROM bookings WHERE account_id = $1 AND id = $2 AND visit_id IS NULL";

/// Gives a held time back. Gives false when there was none, or it is booked.
///
/// # Errors
/// What the database says.
pub async fn delete_hold(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE_HOLD, account.as_str(), id)? > 0)
}

const PURGE_HOLDS_OF: &str =
    "DELETE FROM bookings WHERE account_id = $1 AND member_id = $2 AND room_id = $3 AND visit_id IS NULL";

/// Ends what a patient holds in a room.
///
/// # Errors
/// What the database says.
pub async fn purge_holds_of(tx: &mut Tx, account: &AccountId, member: UserId, room: RoomId) -> Result<()> {
    execute!(tx, PURGE_HOLDS_OF, account.as_str(), member.0, room.0)?;
    Ok(())
}

const FREE: &str = "DELETE FROM bookings WHERE account_id = $1 AND visit_id = $2";

/// Frees the time of a visit, if it has any.
///
/// # Errors
/// What the database says.
pub async fn free(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<()> {
    execute!(tx, FREE, account.as_str(), visit.0)?;
    Ok(())
}

const PURGE_OF: &str = "DELETE FROM bookings WHERE account_id = $1 AND provider_id = $2 AND expires_at <= $3";

/// Deletes a provider's holds that have ended: they must not refuse a booking.
///
/// # Errors
/// What the database says.
pub async fn purge_of(tx: &mut Tx, account: &AccountId, provider: UserId, now: At) -> Result<()> {
    execute!(tx, PURGE_OF, account.as_str(), provider.0, now.0)?;
    Ok(())
}

const PURGE: &str = "DELETE FROM bookings WHERE expires_at <= $1";

/// Deletes all holds that have ended. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, now: At) -> Result<u64> {
    execute!(tx, PURGE, now.0)
}
