//! Calendar feeds: the private addresses of people's calendars, and the
//! appointments that stand in one.

use bedside_model::{
    AccountId, At, UserId, VisitId,
    availability::Span,
    user::{UserStatus, UserType},
    visit::{Status, Subtype},
};
use jiff::tz::TimeZone;
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx, rooms};

/// A feed to add, or to replace with.
#[derive(Debug, Clone)]
pub struct NewFeed {
    /// Whose calendar.
    pub user: UserId,
    /// Whose user it is.
    pub account: AccountId,
    /// SHA-256 of the address's secret.
    pub hash: Vec<u8>,
    /// The secret, sealed.
    pub secret: Sealed,
    /// Now.
    pub at: At,
}

const ADD: &str = "INSERT INTO calendar_feeds (user_id, account_id, hash, secret, created_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO NOTHING";

/// Adds somebody's feed. Gives false when they have one.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, feed: &NewFeed) -> Result<bool> {
    let NewFeed { user, account, hash, secret, at } = feed;
    Ok(execute!(tx, ADD, user.0, account.as_str(), hash, secret, at.0)? > 0)
}

const REPLACE: &str = "INSERT INTO calendar_feeds (user_id, account_id, hash, secret, created_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, \
     secret = excluded.secret, created_at = excluded.created_at";

/// Gives somebody's feed another address; the old one leads nowhere from now on.
///
/// # Errors
/// What the database says.
pub async fn replace(tx: &mut Tx, feed: &NewFeed) -> Result<()> {
    let NewFeed { user, account, hash, secret, at } = feed;
    execute!(tx, REPLACE, user.0, account.as_str(), hash, secret, at.0).map(drop)
}

const SECRET: &str = "SELECT secret FROM calendar_feeds WHERE account_id = $1 AND user_id = $2";

/// The sealed secret of somebody's feed, if they have one.
///
/// # Errors
/// What the database says.
pub async fn find_secret(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Option<Sealed>> {
    scalar_opt!(conn, Sealed, SECRET, account.as_str(), user.0)
}

#[derive(FromRow)]
struct FeedRow {
    user_id: i64,
    account_id: String,
    account_name: String,
    #[sqlx(rename = "type")]
    kind: i64,
    status: i64,
}

/// Whose calendar an address is.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Whose.
    pub user: UserId,
    /// What kind of user.
    pub kind: UserType,
    /// May they act?
    pub status: UserStatus,
    /// Their clinic.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
}

const BY_HASH: &str = "SELECT f.user_id, f.account_id, a.name AS account_name, u.type, u.status \
     FROM calendar_feeds f JOIN accounts a ON a.id = f.account_id JOIN users u ON u.id = f.user_id \
     WHERE f.hash = $1 AND a.erased_at IS NULL";

/// The feed whose secret has this hash.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Feed>> {
    let Some(row) = query_opt!(conn, FeedRow, BY_HASH, hash)? else { return Ok(None) };
    Ok(Some(Feed {
        user: UserId(row.user_id),
        kind: UserType::from_code(row.kind).ok_or(Error::Value("users.type"))?,
        status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
        account: AccountId(row.account_id),
        account_name: row.account_name,
    }))
}

#[derive(FromRow)]
struct Row {
    id: i64,
    status: i64,
    subtype: i64,
    start_at: i64,
    end_at: i64,
    version: i64,
    updated_at: i64,
    room_settings: String,
    p_title: Option<String>,
    p_first_name: Option<String>,
    p_last_name: Option<String>,
}

/// An appointment as a calendar wants it: nothing about the patient.
#[derive(Debug, Clone)]
pub struct Appointment {
    /// The visit.
    pub visit: VisitId,
    /// How it stands.
    pub status: Status,
    /// How they meet.
    pub subtype: Subtype,
    /// When.
    pub span: Span,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: At,
    /// The clock of its room.
    pub zone: TimeZone,
    /// With whom; empty when nobody has it.
    pub provider: String,
}

impl TryFrom<Row> for Appointment {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let names = [row.p_title, row.p_first_name, row.p_last_name];
        let names: Vec<String> = names.into_iter().flatten().filter(|name| !name.is_empty()).collect();
        Ok(Self {
            visit: VisitId(row.id),
            status: Status::from_code(row.status).ok_or(Error::Value("visits.status"))?,
            subtype: Subtype::from_code(row.subtype).ok_or(Error::Value("visits.subtype"))?,
            span: Span { start: At(row.start_at), end: At(row.end_at) },
            version: row.version,
            changed_at: At(row.updated_at),
            zone: rooms::zone(&row.room_settings)?,
            provider: names.join(" "),
        })
    }
}

macro_rules! select_appointments {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.status, v.subtype, v.start_at, v.end_at, v.version, v.updated_at, \
             r.settings AS room_settings, p.title AS p_title, p.first_name AS p_first_name, \
             p.last_name AS p_last_name FROM visits v JOIN rooms r ON r.id = v.room_id \
             LEFT JOIN users p ON p.id = COALESCE(v.provider_id, v.requested_provider_id) \
             WHERE v.account_id = $1 AND v.type = 2 ",
            $rest
        )
    };
}

const BY_ID: &str = select_appointments!("AND v.id = $2");

/// The account's appointment of this number.
///
/// # Errors
/// What the database says.
pub async fn find_appointment(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
) -> Result<Option<Appointment>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), visit.0)?.map(Appointment::try_from).transpose()
}

const OF_PROVIDER: &str = select_appointments!(
    "AND (v.provider_id = $2 OR (v.provider_id IS NULL AND v.requested_provider_id = $2)) \
     AND v.start_at >= $3 AND v.start_at < $4 ORDER BY v.start_at DESC, v.id DESC LIMIT $5"
);
const OF_MEMBER: &str = select_appointments!(
    "AND (v.member_id = $2 OR v.guardian_id = $2) AND v.start_at >= $3 AND v.start_at < $4 \
     ORDER BY v.start_at DESC, v.id DESC LIMIT $5"
);

/// The appointments of a provider, or of a patient and those they brought, that
/// begin in a window; the latest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, feed: &Feed, window: Span, limit: i64) -> Result<Vec<Appointment>> {
    let (account, user) = (feed.account.as_str(), feed.user.0);
    let (from, until) = (window.start.0, window.end.0);
    let rows = if feed.kind == UserType::Provider {
        query_all!(conn, Row, OF_PROVIDER, account, user, from, until, limit)?
    } else {
        query_all!(conn, Row, OF_MEMBER, account, user, from, until, limit)?
    };
    rows.into_iter().map(Appointment::try_from).collect()
}
