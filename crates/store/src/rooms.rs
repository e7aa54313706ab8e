//! Rooms, and who works in them.

use bedside_model::{AccountId, At, RoomId, UserId, room::RoomSettings};
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
             r.name, r.subtitle, r.description, r.active, r.public_access, r.settings, r.created_at, r.updated_at \
             FROM rooms r JOIN accounts a ON a.id = r.account_id ",
            $rest
        )
    };
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

const UPDATE_SETTINGS: &str = "UPDATE rooms SET settings = $1, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Replaces a room's settings.
///
/// # Errors
/// What the database says.
pub async fn update_settings(
    tx: &mut Tx,
    account: &AccountId,
    id: RoomId,
    settings: &RoomSettings,
    at: At,
) -> Result<()> {
    let settings = serde_json::to_string(settings).map_err(|_| Error::Value("rooms.settings"))?;
    execute!(tx, UPDATE_SETTINGS, &settings, at.0, account.as_str(), id.0)?;
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

const LIST: &str = select_rooms!("WHERE r.account_id = $1 ORDER BY r.id LIMIT $2 OFFSET $3");
const COUNT: &str = "SELECT COUNT(*) FROM rooms WHERE account_id = $1";

/// A page of the account's rooms, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, limit: i64, offset: i64) -> Result<(Vec<Room>, i64)> {
    let total = scalar!(conn, i64, COUNT, account.as_str())?;
    let rows = query_all!(conn, Row, LIST, account.as_str(), limit, offset)?;
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

const SHARES_ROOM: &str = "SELECT COUNT(*) FROM visits v WHERE v.account_id = $1 AND v.member_id = $2 AND \
     (v.provider_id = $3 OR v.requested_provider_id = $3 OR EXISTS (SELECT 1 FROM room_providers p WHERE p.room_id = v.room_id AND p.user_id = $3))";

/// Has this patient ever had a visit with the provider or in one of their rooms?
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
pub async fn list_codes(conn: &mut Conn, account: &AccountId) -> Result<std::collections::HashMap<RoomId, String>> {
    let rows = query_all!(conn, Code, CODES, account.as_str())?;
    Ok(rows.into_iter().map(|row| (RoomId(row.id), row.code)).collect())
}
