//! Rooms, and who works in them.

use bedside_model::{AccountId, At, RoomId, UserId, VisitId, availability::BookingRules, room::RoomSettings};
use jiff::tz::TimeZone;
use serde::Deserialize;
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// A room as it is kept.
#[derive(Debug, Clone)]
pub struct Room {
    /// Its number.
    pub id: RoomId,
    /// Whose room it is.
    pub account: AccountId,
    /// The clinic's code.
    pub account_code: String,
    /// The clinic's name.
    pub account_name: String,
    /// What the API calls `room_code`.
    pub code: String,
    /// Its URL name.
    pub slug: String,
    /// Host of its pages.
    pub domain: String,
    /// What patients read.
    pub name: String,
    /// Emergency notice.
    pub subtitle: String,
    /// The clinic's text.
    pub description: String,
    /// False when switched off.
    pub active: bool,
    /// True when anybody may find it.
    pub public_access: bool,
    /// The clinic's links without a room lead here.
    pub is_default: bool,
    /// The rest.
    pub settings: RoomSettings,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
}

/// A room to add.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Whose room it is.
    pub account: AccountId,
    /// What the API calls `room_code`.
    pub code: String,
    /// Its URL name.
    pub slug: String,
    /// Host of its pages.
    pub domain: String,
    /// What patients read.
    pub name: String,
    /// Emergency notice.
    pub subtitle: String,
    /// The clinic's text.
    pub description: String,
    /// The rest.
    pub settings: RoomSettings,
    /// Now.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    account_id: String,
    account_code: String,
    account_name: String,
    code: String,
    slug: String,
    domain: String,
    name: String,
    subtitle: String,
    description: String,
    active: bool,
    public_access: bool,
    is_default: bool,
    settings: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Room {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: RoomId(row.id),
            account: AccountId(row.account_id),
            account_code: row.account_code,
            account_name: row.account_name,
            code: row.code,
            slug: row.slug,
            domain: row.domain,
            name: row.name,
            subtitle: row.subtitle,
            description: row.description,
            active: row.active,
            public_access: row.public_access,
            is_default: row.is_default,
            settings: serde_json::from_str(&row.settings).map_err(|_| Error::Value("rooms.settings"))?,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

macro_rules! select_rooms {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.account_id, a.code AS account_code, a.name AS account_name, r.code, r.slug, r.domain, \
             r.name, r.subtitle, r.description, r.active, r.public_access, r.is_default, r.settings, r.created_at, r.updated_at \
             FROM rooms r JOIN accounts a ON a.id = r.account_id ",
            $rest
        )
    };
}

/// The booking rules alone, of a row's settings.
#[derive(Deserialize)]
struct Rules {
    #[serde(default)]
    booking: BookingRules,
}

/// What a room wants of bookings, read from its `settings` column without the
/// rest of them.
///
/// # Errors
/// [`Error::Value`] when the column holds something else.
pub(crate) fn booking_rules(settings: &str) -> Result<BookingRules> {
    let rules: Rules = serde_json::from_str(settings).map_err(|_| Error::Value("rooms.settings"))?;
    Ok(rules.booking)
}

/// Whether its calls are to be recorded, of a row's settings.
#[derive(Deserialize)]
struct ToRecord {
    #[serde(default)]
    ask_to_record: bool,
}

/// Whether a room asks to record its calls, read from its `settings` column
/// without the rest of them.
///
/// # Errors
/// [`Error::Value`] when the column holds something else.
pub(crate) fn asks_to_record(settings: &str) -> Result<bool> {
    let found: ToRecord = serde_json::from_str(settings).map_err(|_| Error::Value("rooms.settings"))?;
    Ok(found.ask_to_record)
}

/// The clock alone, of a row's settings.
#[derive(Deserialize)]
struct Clock {
    #[serde(default)]
    default_timezone: String,
}

/// The clock of a room, read from its `settings` column without the rest of
/// them; UTC when its name is not known any more.
///
/// # Errors
/// [`Error::Value`] when the column holds something else.
pub(crate) fn zone(settings: &str) -> Result<TimeZone> {
    let clock: Clock = serde_json::from_str(settings).map_err(|_| Error::Value("rooms.settings"))?;
    Ok(TimeZone::get(&clock.default_timezone).unwrap_or(TimeZone::UTC))
}

const ADD: &str = "INSERT INTO rooms (account_id, code, slug, domain, name, subtitle, description, settings, \
     created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id";

/// Adds a room.
///
/// # Errors
/// [`Error::Unique`] on `account_id, code` or `account_id, domain, slug`.
pub async fn add(tx: &mut Tx, room: &NewRoom) -> Result<RoomId> {
    let settings = serde_json::to_string(&room.settings).map_err(|_| Error::Value("rooms.settings"))?;
    let id = scalar!(
        tx,
        i64,
        ADD,
        room.account.as_str(),
        &room.code,
        &room.slug,
        &room.domain,
        &room.name,
        &room.subtitle,
        &room.description,
        &settings,
        room.at.0,
    )?;
    Ok(RoomId(id))
}

const UPDATE: &str = "UPDATE rooms SET code = $1, slug = $2, domain = $3, name = $4, subtitle = $5, \
     description = $6, active = $7, public_access = $8, is_default = $9, settings = $10, updated_at = $11, \
     version = version + 1 WHERE account_id = $12 AND id = $13";

/// Writes everything that can be changed of a room. Read it under
/// [`lock_named`] before.
///
/// # Errors
/// [`Error::Unique`] on `account_id, code` or `account_id, domain, slug`.
pub async fn update(tx: &mut Tx, room: &Room, at: At) -> Result<()> {
    let settings = serde_json::to_string(&room.settings).map_err(|_| Error::Value("rooms.settings"))?;
    execute!(
        tx,
        UPDATE,
        &room.code,
        &room.slug,
        &room.domain,
        &room.name,
        &room.subtitle,
        &room.description,
        room.active,
        room.public_access,
        room.is_default,
        &settings,
        at.0,
        room.account.as_str(),
        room.id.0,
    )?;
    Ok(())
}

const LOCK: &str = "UPDATE rooms SET version = version WHERE account_id = $1 AND id = $2";

/// The room of this code or slug, held until the change ends: other changes of
/// it wait (on SQLite there is one writer anyway).
///
/// # Errors
/// What the database says.
pub async fn lock_named(tx: &mut Tx, account: &AccountId, name: &str) -> Result<Option<Room>> {
    let Some(room) = find_named(tx, account, name).await? else { return Ok(None) };
    lock(tx, account, room.id).await?;
    find(tx, account, room.id).await
}

/// Holds a room until the change ends.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, id: RoomId) -> Result<()> {
    execute!(tx, LOCK, account.as_str(), id.0)?;
    Ok(())
}

const NO_DEFAULT: &str =
    "UPDATE rooms SET is_default = FALSE WHERE account_id = $1 AND is_default AND id <> $2";

/// Takes the default away from every other room.
///
/// # Errors
/// What the database says.
pub async fn only_default(tx: &mut Tx, account: &AccountId, id: RoomId) -> Result<()> {
    execute!(tx, NO_DEFAULT, account.as_str(), id.0)?;
    Ok(())
}

const BY_ID: &str = select_rooms!("WHERE r.account_id = $1 AND r.id = $2");

/// The account's room of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: RoomId) -> Result<Option<Room>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id.0)?.map(Room::try_from).transpose()
}

// A code wins over a slug (core.md 5.2).
const BY_NAME: &str = select_rooms!(
    "WHERE r.account_id = $1 AND (r.code = $2 OR r.slug = $2) \
     ORDER BY CASE WHEN r.code = $2 THEN 0 ELSE 1 END, r.id LIMIT 1"
);

/// The account's room of this code, else of this slug.
///
/// # Errors
/// What the database says.
pub async fn find_named(conn: &mut Conn, account: &AccountId, name: &str) -> Result<Option<Room>> {
    query_opt!(conn, Row, BY_NAME, account.as_str(), name)?.map(Room::try_from).transpose()
}

const ANYWHERE: &str = select_rooms!("WHERE r.slug = $1 OR r.code = $1 ORDER BY r.id LIMIT 50");

/// Rooms of every account with this slug or code, for a public page whose
/// account is not known yet.
///
/// # Errors
/// What the database says.
pub async fn list_named_anywhere(conn: &mut Conn, name: &str) -> Result<Vec<Room>> {
    query_all!(conn, Row, ANYWHERE, name)?.into_iter().map(Room::try_from).collect()
}

/// Which rooms to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that are switched on, or off.
    pub active: Option<bool>,
    /// Only those that anybody may find.
    pub public: bool,
}

macro_rules! conditions {
    () => {
        "WHERE r.account_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR r.active = (CAST($2 AS BIGINT) = 1)) \
         AND (CAST($3 AS BIGINT) = 0 OR r.public_access) "
    };
}

const LIST: &str =
    concat!(select_rooms!(""), conditions!(), "AND r.id > $4 ORDER BY r.id LIMIT $5 OFFSET $6");
const COUNT: &str = concat!("SELECT COUNT(*) FROM rooms r ", conditions!());

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only rooms behind this one; stable while others are added.
    pub after: Option<RoomId>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// A page of the account's rooms in the order they were made, and how many
/// there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: Filter,
    page: Page,
) -> Result<(Vec<Room>, i64)> {
    let (active, public) = (filter.active.map(i64::from), i64::from(filter.public));
    let total = scalar!(conn, i64, COUNT, account.as_str(), active, public)?;
    let after = page.after.map_or(0, |id| id.0);
    let rows = query_all!(conn, Row, LIST, account.as_str(), active, public, after, page.limit, page.offset)?;
    Ok((rows.into_iter().map(Room::try_from).collect::<Result<_>>()?, total))
}

const OF_PROVIDER: &str = select_rooms!(
    "JOIN room_providers p ON p.room_id = r.id WHERE r.account_id = $1 AND p.user_id = $2 ORDER BY r.id"
);

/// The rooms a provider is assigned to.
///
/// # Errors
/// What the database says.
pub async fn list_of_provider(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Vec<Room>> {
    query_all!(conn, Row, OF_PROVIDER, account.as_str(), user.0)?.into_iter().map(Room::try_from).collect()
}

const ASSIGN: &str = "INSERT INTO room_providers (room_id, user_id, account_id, created_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (room_id, user_id) DO NOTHING";

/// Assigns a provider to a room; gives false when they were assigned already.
///
/// # Errors
/// What the database says.
pub async fn assign(tx: &mut Tx, account: &AccountId, room: RoomId, user: UserId, at: At) -> Result<bool> {
    Ok(execute!(tx, ASSIGN, room.0, user.0, account.as_str(), at.0)? > 0)
}

const IS_ASSIGNED: &str =
    "SELECT COUNT(*) FROM room_providers WHERE account_id = $1 AND room_id = $2 AND user_id = $3";

/// Does this provider work in this room?
///
/// # Errors
/// What the database says.
pub async fn is_assigned(conn: &mut Conn, account: &AccountId, room: RoomId, user: UserId) -> Result<bool> {
    Ok(scalar!(conn, i64, IS_ASSIGNED, account.as_str(), room.0, user.0)? > 0)
}

const PROVIDERS: &str =
    "SELECT user_id FROM room_providers WHERE account_id = $1 AND room_id = $2 ORDER BY created_at, user_id";

/// Who works in a room.
///
/// # Errors
/// What the database says.
pub async fn list_providers(conn: &mut Conn, account: &AccountId, room: RoomId) -> Result<Vec<UserId>> {
    let ids = scalars!(conn, i64, PROVIDERS, account.as_str(), room.0)?;
    Ok(ids.into_iter().map(UserId).collect())
}

const SHARES_ROOM: &str = "SELECT (SELECT COUNT(*) FROM visits v WHERE v.account_id = $1 AND v.member_id = $2 AND \
     (v.provider_id = $3 OR v.requested_provider_id = $3 OR EXISTS (SELECT 1 FROM room_providers p WHERE p.room_id = v.room_id AND p.user_id = $3))) \
     + (SELECT COUNT(*) FROM users u JOIN room_providers p ON p.room_id = u.room_id \
     WHERE u.account_id = $1 AND u.id = $2 AND u.type = 200 AND p.user_id = $3)";

/// Has this patient ever had a visit with the provider or in one of their
/// rooms, or are they registered with one of them?
///
/// # Errors
/// What the database says.
pub async fn has_patient(
    conn: &mut Conn,
    account: &AccountId,
    provider: UserId,
    member: UserId,
) -> Result<bool> {
    Ok(scalar!(conn, i64, SHARES_ROOM, account.as_str(), member.0, provider.0)? > 0)
}

#[derive(FromRow)]
struct Code {
    id: i64,
    code: String,
}

const CODES: &str = "SELECT id, code FROM rooms WHERE account_id = $1";

/// The codes of all the account's rooms.
///
/// # Errors
/// What the database says.
pub async fn list_codes(
    conn: &mut Conn,
    account: &AccountId,
) -> Result<std::collections::HashMap<RoomId, String>> {
    let rows = query_all!(conn, Code, CODES, account.as_str())?;
    Ok(rows.into_iter().map(|row| (RoomId(row.id), row.code)).collect())
}

const UNASSIGN: &str = "DELETE FROM room_providers WHERE account_id = $1 AND room_id = $2 AND user_id = $3";

/// Takes a provider out of a room; gives false when they did not work there.
///
/// # Errors
/// What the database says.
pub async fn unassign(tx: &mut Tx, account: &AccountId, room: RoomId, user: UserId) -> Result<bool> {
    Ok(execute!(tx, UNASSIGN, account.as_str(), room.0, user.0)? > 0)
}

const WAITING_OF: &str = "SELECT v.id FROM visits v WHERE v.account_id = $1 AND v.room_id = $2 \
     AND (v.type = 1 OR v.arrived_at IS NOT NULL) AND v.status IN (10, 20, 25) AND (v.member_id = $3 OR EXISTS (SELECT 1 FROM guardians g \
     WHERE g.account_id = $1 AND g.guardian_id = $3 AND g.dependant_id = v.member_id)) \
     ORDER BY CASE WHEN v.member_id = $3 THEN 0 ELSE 1 END, v.waiting_since_at, v.id LIMIT 1";

/// The visit with which somebody, or else somebody in their care, waits in a
/// room.
///
/// # Errors
/// What the database says.
pub async fn find_waiting_of(
    conn: &mut Conn,
    account: &AccountId,
    room: RoomId,
    user: UserId,
) -> Result<Option<VisitId>> {
    Ok(scalar_opt!(conn, i64, WAITING_OF, account.as_str(), room.0, user.0)?.map(VisitId))
}
