//! Slots: when a provider can be booked in a room. A row is a weekly rule or
//! one opening; the times it makes are computed in `model::availability`.

use bedside_model::{
    AccountId, At, RoomId, UserId,
    availability::{Hours, Opening, Rule, Span},
};
use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// When a slot row opens, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Every week on some days.
    Weekly {
        /// On which days.
        days: Vec<Weekday>,
        /// At which hours.
        hours: Hours,
        /// First day.
        from: Date,
        /// Last day; none is for good.
        until: Option<Date>,
        /// Days on which it is left out.
        except: Vec<Date>,
    },
    /// Once.
    Once(Span),
}

/// A slot row.
#[derive(Debug, Clone)]
pub struct SlotRule {
    /// Its number; 0 before it is added.
    pub id: i64,
    /// Whose it is.
    pub account: AccountId,
    /// In which room.
    pub room: RoomId,
    /// Whose time.
    pub provider: UserId,
    /// `appointment` or `oncall`.
    pub kind: String,
    /// When.
    pub when: When,
    /// IANA name of the zone on whose clock it is.
    pub timezone: String,
    /// People per slot.
    pub capacity: u16,
    /// Consultations it serves; empty serves all.
    pub consultations: Vec<String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
}

impl SlotRule {
    /// The rule as the slot engine wants it; none when the zone database does
    /// not know the zone any more.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        let opening = match &self.when {
            When::Once(span) => Opening::Once(*span),
            When::Weekly { days, hours, from, until, except } => Opening::Weekly {
                days: days.clone(),
                hours: *hours,
                zone: TimeZone::get(&self.timezone).ok()?,
                from: *from,
                until: *until,
                except: except.clone(),
            },
        };
        Some(Rule { id: self.id, provider: self.provider, opening, capacity: self.capacity })
    }

    /// Does it serve this consultation?
    #[must_use]
    pub fn serves(&self, consultation: Option<&str>) -> bool {
        self.consultations.is_empty()
            || consultation.is_none_or(|wanted| self.consultations.iter().any(|known| known == wanted))
    }
}

#[derive(FromRow)]
struct Row {
    id: i64,
    account_id: String,
    room_id: i64,
    provider_id: i64,
    kind: String,
    days: String,
    from_minute: Option<i64>,
    until_minute: Option<i64>,
    timezone: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
    except_days: String,
    start_at: Option<i64>,
    end_at: Option<i64>,
    capacity: i64,
    consultation_ids: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

fn minute(value: Option<i64>) -> Result<u16> {
    value.and_then(|minute| u16::try_from(minute).ok()).ok_or(Error::Value("slots.from_minute"))
}

fn day(text: &str) -> Result<Date> {
    text.parse().map_err(|_| Error::Value("slots.valid_from"))
}

impl TryFrom<Row> for SlotRule {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let when = match (row.start_at, row.end_at) {
            (Some(start), Some(end)) => When::Once(Span { start: At(start), end: At(end) }),
            _ => When::Weekly {
                days: serde_json::from_str::<Vec<i8>>(&row.days)
                    .ok()
                    .and_then(|days| {
                        days.into_iter().map(|day| Weekday::from_monday_one_offset(day).ok()).collect()
                    })
                    .ok_or(Error::Value("slots.days"))?,
                hours: Hours::new(minute(row.from_minute)?, minute(row.until_minute)?)
                    .ok_or(Error::Value("slots.from_minute"))?,
                from: day(row.valid_from.as_deref().unwrap_or_default())?,
                until: row.valid_until.as_deref().map(day).transpose()?,
                except: serde_json::from_str::<Vec<Date>>(&row.except_days)
                    .map_err(|_| Error::Value("slots.except_days"))?,
            },
        };
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            room: RoomId(row.room_id),
            provider: UserId(row.provider_id),
            kind: row.kind,
            when,
            timezone: row.timezone,
            capacity: u16::try_from(row.capacity).map_err(|_| Error::Value("slots.capacity"))?,
            consultations: serde_json::from_str(&row.consultation_ids)
                .map_err(|_| Error::Value("slots.consultation_ids"))?,
            version: row.version,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

/// A row's columns, in the order of the statements below.
struct Columns {
    days: String,
    from_minute: Option<i64>,
    until_minute: Option<i64>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    except_days: String,
    start_at: Option<i64>,
    end_at: Option<i64>,
    consultations: String,
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Value("slots"))
}

impl Columns {
    fn of(slot: &SlotRule) -> Result<Self> {
        let consultations = json(&slot.consultations)?;
        Ok(match &slot.when {
            When::Once(span) => Self {
                days: "[]".to_owned(),
                from_minute: None,
                until_minute: None,
                valid_from: None,
                valid_until: None,
                except_days: "[]".to_owned(),
                start_at: Some(span.start.0),
                end_at: Some(span.end.0),
                consultations,
            },
            When::Weekly { days, hours, from, until, except } => Self {
                days: json(&days.iter().map(|day| day.to_monday_one_offset()).collect::<Vec<_>>())?,
                from_minute: Some(hours.from.into()),
                until_minute: Some(hours.until.into()),
                valid_from: Some(from.to_string()),
                valid_until: until.map(|day| day.to_string()),
                except_days: json(except)?,
                start_at: None,
                end_at: None,
                consultations,
            },
        })
    }
}

const ADD: &str = "INSERT INTO slots (account_id, room_id, provider_id, kind, days, from_minute, until_minute, \
     timezone, valid_from, valid_until, except_days, start_at, end_at, capacity, consultation_ids, created_at, \
     updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16) RETURNING id";

/// Adds a row and gives its number.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, slot: &SlotRule) -> Result<i64> {
    let columns = Columns::of(slot)?;
    scalar!(
        tx,
        i64,
        ADD,
        slot.account.as_str(),
        slot.room.0,
        slot.provider.0,
        &slot.kind,
        &columns.days,
        columns.from_minute,
        columns.until_minute,
        &slot.timezone,
        columns.valid_from.as_deref(),
        columns.valid_until.as_deref(),
        &columns.except_days,
        columns.start_at,
        columns.end_at,
        i64::from(slot.capacity),
        &columns.consultations,
        slot.created_at.0,
    )
}

const UPDATE: &str = "UPDATE slots SET days = $1, from_minute = $2, until_minute = $3, timezone = $4, \
     valid_from = $5, valid_until = $6, except_days = $7, start_at = $8, end_at = $9, capacity = $10, \
     consultation_ids = $11, updated_at = $12, kind = $13, version = version + 1 \
     WHERE account_id = $14 AND id = $15 AND version = $16";

/// Replaces a row. Gives false when somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, slot: &SlotRule) -> Result<bool> {
    let columns = Columns::of(slot)?;
    let changed = execute!(
        tx,
        UPDATE,
        &columns.days,
        columns.from_minute,
        columns.until_minute,
        &slot.timezone,
        columns.valid_from.as_deref(),
        columns.valid_until.as_deref(),
        &columns.except_days,
        columns.start_at,
        columns.end_at,
        i64::from(slot.capacity),
        &columns.consultations,
        slot.updated_at.0,
        &slot.kind,
        slot.account.as_str(),
        slot.id,
        slot.version,
    )?;
    Ok(changed > 0)
}

const DELETE: &str = "DELETE FROM slots WHERE account_id = $1 AND id = $2";

/// Deletes a row.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: i64) -> Result<()> {
    execute!(tx, DELETE, account.as_str(), id)?;
    Ok(())
}

macro_rules! select_slots {
    ($rest:expr) => {
        concat!(
            "SELECT id, account_id, room_id, provider_id, kind, days, from_minute, until_minute, timezone, \
             valid_from, valid_until, except_days, start_at, end_at, capacity, consultation_ids, version, \
             created_at, updated_at FROM slots WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select_slots!("AND id = $2");

/// The account's row of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: i64) -> Result<Option<SlotRule>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(SlotRule::try_from).transpose()
}

// A weekly rule is of interest unless it ended before the window; days are
// compared as texts of one form. A day is given to either side for zones.
macro_rules! open_in {
    ($whose:literal) => {
        select_slots!(concat!(
            $whose,
            "AND ($4 = '' OR kind = $4) AND (start_at IS NULL OR (start_at < $6 AND end_at > $5)) \
             AND (valid_until IS NULL OR valid_until >= $7) AND (valid_from IS NULL OR valid_from <= $8) \
             ORDER BY provider_id, id"
        ))
    };
}

// One statement for each way to ask, so that each uses the index it can.
const OPEN_IN_ROOM: &str =
    open_in!("AND room_id = $2 AND kind = $4 AND (CAST($3 AS BIGINT) IS NULL OR provider_id = $3) ");
const OPEN_OF_PROVIDER: &str =
    open_in!("AND (CAST($2 AS BIGINT) IS NULL OR room_id = $2) AND provider_id = $3 ");
const OPEN_IN: &str = open_in!(
    "AND (CAST($2 AS BIGINT) IS NULL OR room_id = $2) AND (CAST($3 AS BIGINT) IS NULL OR provider_id = $3) "
);

/// Which rows to list.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'f> {
    /// One room.
    pub room: Option<RoomId>,
    /// One provider.
    pub provider: Option<UserId>,
    /// `appointment`, `oncall`, or empty for both.
    pub kind: &'f str,
    /// Only what may open in this window.
    pub window: Span,
}

/// The rows that may open in a window.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, filter: Filter<'_>) -> Result<Vec<SlotRule>> {
    const DAY_SECONDS: i64 = 86_400;
    let day = |at: At| {
        bedside_model::availability::day_of(&TimeZone::UTC, at)
            .map_or_else(String::new, |day| day.to_string())
    };
    let window = filter.window;
    let statement = match (filter.room, filter.provider) {
        (_, Some(_)) => OPEN_OF_PROVIDER,
        (Some(_), None) if !filter.kind.is_empty() => OPEN_IN_ROOM,
        _ => OPEN_IN,
    };
    let rows = query_all!(
        conn,
        Row,
        statement,
        account.as_str(),
        filter.room.map(|id| id.0),
        filter.provider.map(|id| id.0),
        filter.kind,
        window.start.0,
        window.end.0,
        day(window.start.plus_seconds(-2 * DAY_SECONDS)),
        day(window.end.plus_seconds(2 * DAY_SECONDS)),
    )?;
    rows.into_iter().map(SlotRule::try_from).collect()
}

const PAGE: &str = select_slots!(
    "AND kind = 'appointment' AND id > $2 AND ($3 = 0 OR provider_id = $3) AND ($4 = 0 OR room_id = $4) \
     ORDER BY id LIMIT $5"
);

/// The rows that patients can book by, in the order they were made, behind one
/// of them; of one provider or room when they are named.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn,
    account: &AccountId,
    (provider, room): (Option<UserId>, Option<RoomId>),
    after: i64,
    limit: i64,
) -> Result<Vec<SlotRule>> {
    let (provider, room) = (provider.map_or(0, |id| id.0), room.map_or(0, |id| id.0));
    let rows = query_all!(conn, Row, PAGE, account.as_str(), after, provider, room, limit)?;
    rows.into_iter().map(SlotRule::try_from).collect()
}
