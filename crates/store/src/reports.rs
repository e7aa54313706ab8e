//! Kept figures of reports. Triggers write down which quarters of an hour a
//! change of a visit, an intake or a rating touched (migration 26); what those
//! quarters hold is read here, and figures are put in the place of older ones.

use bedside_model::{
    AccountId, At, Phi, RoomId, UserId,
    report::{
        Fact, IntakeFact, Level, Tally,
        period::{begin_of, quarter_of},
    },
    visit::{CloseReason, Kind, Status},
};
use jiff::tz::TimeZone;
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx, rooms};

/// In the place of a room or provider: all of them together.
pub const ALL: i64 = -1;
/// In the place of a room or provider: none.
pub const NONE: i64 = 0;

/// Whose figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Number of the room, [`ALL`] or [`NONE`].
    pub room: i64,
    /// Number of the provider, [`ALL`] or [`NONE`].
    pub provider: i64,
}

const WAITING: &str = "SELECT a.id FROM accounts a WHERE a.erased_at IS NULL \
     AND EXISTS (SELECT 1 FROM report_touched t WHERE t.account_id = a.id) ORDER BY a.id";

/// The accounts in which something has to be counted anew.
///
/// # Errors
/// What the database says.
pub async fn list_waiting(conn: &mut Conn) -> Result<Vec<AccountId>> {
    Ok(scalars!(conn, String, WAITING)?.into_iter().map(AccountId).collect())
}

const LOCK: &str = "INSERT INTO report_states (account_id, computed_at) VALUES ($1, 0) \
     ON CONFLICT (account_id) DO UPDATE SET computed_at = report_states.computed_at RETURNING computed_at";

/// Holds the account's figures until the change is over: one counter at a time.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> Result<()> {
    scalar!(tx, i64, LOCK, account.as_str()).map(drop)
}

const COMPUTED: &str = "UPDATE report_states SET computed_at = $1 WHERE account_id = $2";

/// The figures hold everything that was committed before this.
///
/// # Errors
/// What the database says.
pub async fn set_computed(tx: &mut Tx, account: &AccountId, at: At) -> Result<()> {
    execute!(tx, COMPUTED, at.0, account.as_str()).map(drop)
}

const COMPUTED_AT: &str = "SELECT computed_at FROM report_states WHERE account_id = $1";
const ANY_TOUCHED: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM report_touched WHERE account_id = $1 LIMIT 1) AS touched";

/// When the account's figures were complete last; `None` when nothing waits to
/// be counted: then they are complete now.
///
/// # Errors
/// What the database says.
pub async fn computed_at(conn: &mut Conn, account: &AccountId) -> Result<Option<At>> {
    if scalar!(conn, i64, ANY_TOUCHED, account.as_str())? == 0 {
        return Ok(None);
    }
    Ok(Some(At(scalar_opt!(conn, i64, COMPUTED_AT, account.as_str())?.unwrap_or_default())))
}

// The newest first, so that what happens now does not wait for old times.
const TOUCHED: &str =
    "SELECT DISTINCT quarter FROM report_touched WHERE account_id = $1 ORDER BY quarter DESC LIMIT $2";

/// Quarters that have to be counted anew, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list_touched(conn: &mut Conn, account: &AccountId, limit: i64) -> Result<Vec<i64>> {
    scalars!(conn, i64, TOUCHED, account.as_str(), limit)
}

const FORGET: &str = "DELETE FROM report_touched WHERE account_id = $1 AND quarter >= $2 AND quarter < $3";

/// These quarters are about to be counted. Call it before they are read: what is
/// committed after this is written down anew, so that nothing is missed.
///
/// # Errors
/// What the database says.
pub async fn forget_touched(tx: &mut Tx, account: &AccountId, first: i64, end: i64) -> Result<()> {
    execute!(tx, FORGET, account.as_str(), first, end).map(drop)
}

#[derive(FromRow)]
struct FactRow {
    at: i64,
    room_id: Option<i64>,
    provider_id: Option<i64>,
    #[sqlx(rename = "type")]
    kind: Option<i64>,
    status: Option<i64>,
    waiting_since_at: Option<i64>,
    arrived_at: Option<i64>,
    actual_start_at: Option<i64>,
    actual_end_at: Option<i64>,
    by_patient: i64,
    reason: Option<String>,
    missed_at: Option<i64>,
}

impl FactRow {
    fn place(&self) -> (i64, Scope) {
        let scope = Scope { room: self.room_id.unwrap_or(NONE), provider: self.provider_id.unwrap_or(NONE) };
        (quarter_of(At(self.at)), scope)
    }

    /// The visit; none for an intake without one.
    fn fact(self) -> Result<Option<Fact>> {
        let (Some(kind), Some(status)) = (self.kind, self.status) else { return Ok(None) };
        Ok(Some(Fact {
            kind: Kind::from_code(kind).ok_or(Error::Value("visits.type"))?,
            status: Status::from_code(status).ok_or(Error::Value("visits.status"))?,
            waiting_since_at: At(self.waiting_since_at.unwrap_or_default()),
            arrived_at: self.arrived_at.map(At),
            actual_start_at: self.actual_start_at.map(At),
            actual_end_at: self.actual_end_at.map(At),
            ended_by_patient: self.by_patient != 0,
            reason: self.reason.as_deref().and_then(CloseReason::parse),
            is_missed: self.missed_at.is_some(),
        }))
    }
}

macro_rules! select_facts {
    ($at:literal, $room:literal, $provider:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $at,
            " AS at, ",
            $room,
            " AS room_id, ",
            $provider,
            " AS provider_id, v.type, v.status, v.waiting_since_at, v.arrived_at, v.actual_start_at, v.actual_end_at, \
             CASE WHEN v.ended_by = v.member_id OR v.ended_by = v.guardian_id THEN CAST(1 AS BIGINT) \
             ELSE CAST(0 AS BIGINT) END AS by_patient, v.reason, v.missed_at ",
            $rest
        )
    };
}

// Whose visit it is: who has it, else for whom it is meant.
const VISITS: &str = select_facts!(
    "v.start_at",
    "v.room_id",
    "COALESCE(v.provider_id, v.requested_provider_id)",
    "FROM visits v WHERE v.account_id = $1 AND v.start_at >= $2 AND v.start_at < $3"
);
const INTAKES: &str = select_facts!(
    "i.created_at",
    "COALESCE(v.room_id, i.room_id)",
    "COALESCE(v.provider_id, v.requested_provider_id, i.provider_id)",
    "FROM intakes i LEFT JOIN visits v ON v.intake_id = i.id AND v.account_id = i.account_id \
     WHERE i.account_id = $1 AND i.created_at >= $2 AND i.created_at < $3"
);

#[derive(FromRow)]
struct RatingRow {
    at: i64,
    room_id: i64,
    provider_id: Option<i64>,
    rating: i64,
}

// Invited guests are no visits, here as there.
const RATINGS: &str = "SELECT v.start_at AS at, v.room_id, COALESCE(v.provider_id, v.requested_provider_id) AS provider_id, \
     r.rating FROM visits v JOIN survey_results r ON r.visit_id = v.id \
     WHERE v.account_id = $1 AND v.start_at >= $2 AND v.start_at < $3 AND r.rating IS NOT NULL AND v.type <> 10";

/// Something to count: in which quarter, whose, and what.
pub enum Counted {
    /// A visit, at its begin.
    Visit(Fact),
    /// An intake, when it was made.
    Intake(IntakeFact),
    /// A rating, at its visit's begin.
    Rating(i64),
}

impl Counted {
    /// Counts it.
    pub fn count(&self, tally: &mut Tally) {
        match self {
            Self::Visit(fact) => tally.add_visit(fact),
            Self::Intake(intake) => tally.add_intake(intake),
            Self::Rating(stars) => tally.add_rating(*stars),
        }
    }
}

/// Everything of some quarters, from `first` until before `end`: the quarter,
/// whose it is, and what.
///
/// # Errors
/// What the database says.
pub async fn read_facts(
    conn: &mut Conn,
    account: &AccountId,
    first: i64,
    end: i64,
) -> Result<Vec<(i64, Scope, Counted)>> {
    let (from, until) = (begin_of(first).0, begin_of(end).0);
    let mut all = Vec::new();
    for row in query_all!(conn, FactRow, VISITS, account.as_str(), from, until)? {
        let (quarter, scope) = row.place();
        if let Some(fact) = row.fact()? {
            all.push((quarter, scope, Counted::Visit(fact)));
        }
    }
    for row in query_all!(conn, FactRow, INTAKES, account.as_str(), from, until)? {
        let (quarter, scope) = row.place();
        all.push((quarter, scope, Counted::Intake(IntakeFact { visit: row.fact()? })));
    }
    for row in query_all!(conn, RatingRow, RATINGS, account.as_str(), from, until)? {
        let scope = Scope { room: row.room_id, provider: row.provider_id.unwrap_or(NONE) };
        all.push((quarter_of(At(row.at)), scope, Counted::Rating(row.rating)));
    }
    Ok(all)
}

/// Kept figures of a stretch of time.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Which stretch, of the level that was asked for.
    pub slot: i64,
    /// Whose.
    pub scope: Scope,
    /// The figures.
    pub tally: Tally,
}

#[derive(FromRow)]
struct BucketRow {
    slot: i64,
    room: i64,
    provider: i64,
    tally: String,
}

impl TryFrom<BucketRow> for Bucket {
    type Error = Error;

    fn try_from(row: BucketRow) -> Result<Self> {
        Ok(Self {
            slot: row.slot,
            scope: Scope { room: row.room, provider: row.provider },
            tally: serde_json::from_str(&row.tally).map_err(|_| Error::Value("report_buckets.tally"))?,
        })
    }
}

const CLEAR: &str =
    "DELETE FROM report_buckets WHERE account_id = $1 AND level = $2 AND slot >= $3 AND slot < $4";
const PUT: &str = "INSERT INTO report_buckets (account_id, level, slot, room, provider, tally) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Takes away the figures of some stretches.
///
/// # Errors
/// What the database says.
pub async fn clear(tx: &mut Tx, account: &AccountId, level: Level, first: i64, end: i64) -> Result<()> {
    execute!(tx, CLEAR, account.as_str(), level.number(), first, end).map(drop)
}

/// Puts figures in, where there are none.
///
/// # Errors
/// What the database says.
pub async fn put(
    tx: &mut Tx,
    account: &AccountId,
    level: Level,
    slot: i64,
    scope: Scope,
    tally: &Tally,
) -> Result<()> {
    let text = serde_json::to_string(tally).map_err(|_| Error::Value("report_buckets.tally"))?;
    execute!(tx, PUT, account.as_str(), level.number(), slot, scope.room, scope.provider, &text).map(drop)
}

const OF_ALL: &str = "SELECT slot, room, provider, tally FROM report_buckets \
     WHERE account_id = $1 AND level = $2 AND slot >= $3 AND slot < $4";

/// The figures of some stretches, of every scope that is kept.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    level: Level,
    first: i64,
    end: i64,
) -> Result<Vec<Bucket>> {
    let rows = query_all!(conn, BucketRow, OF_ALL, account.as_str(), level.number(), first, end)?;
    rows.into_iter().map(Bucket::try_from).collect()
}

const OF_ROOM: &str = "SELECT slot, room, provider, tally FROM report_buckets \
     WHERE account_id = $1 AND level = $2 AND room = $3 AND slot >= $4 AND slot < $5";

/// The figures of some stretches, of a room's scopes (or those of [`ALL`]).
///
/// # Errors
/// What the database says.
pub async fn list_of_room(
    conn: &mut Conn,
    account: &AccountId,
    (level, first, end): (Level, i64, i64),
    room: i64,
) -> Result<Vec<Bucket>> {
    let rows = query_all!(conn, BucketRow, OF_ROOM, account.as_str(), level.number(), room, first, end)?;
    rows.into_iter().map(Bucket::try_from).collect()
}

const OF_SCOPE: &str = "SELECT slot, room, provider, tally FROM report_buckets \
     WHERE account_id = $1 AND level = $2 AND room = $3 AND provider = $4 AND slot >= $5 AND slot < $6";

/// The figures of some stretches, of one scope.
///
/// # Errors
/// What the database says.
pub async fn list_of(
    conn: &mut Conn,
    account: &AccountId,
    (level, first, end): (Level, i64, i64),
    scope: Scope,
) -> Result<Vec<Bucket>> {
    let rows = query_all!(
        conn,
        BucketRow,
        OF_SCOPE,
        account.as_str(),
        level.number(),
        scope.room,
        scope.provider,
        first,
        end
    )?;
    rows.into_iter().map(Bucket::try_from).collect()
}

const SETTINGS: &str = "SELECT settings FROM rooms WHERE account_id = $1 AND ($2 = 0 OR id = $2)";

/// The zone in which a clinic's days begin: the room's, or the one that all of
/// its rooms share. UTC where they differ.
///
/// # Errors
/// What the database says.
pub async fn zone(conn: &mut Conn, account: &AccountId, room: Option<RoomId>) -> Result<TimeZone> {
    let settings = scalars!(conn, String, SETTINGS, account.as_str(), room.map_or(0, |id| id.0))?;
    let mut zones = settings.iter().map(|settings| rooms::zone(settings));
    let Some(first) = zones.next().transpose()? else { return Ok(TimeZone::UTC) };
    for other in zones {
        if other?.iana_name() != first.iana_name() {
            return Ok(TimeZone::UTC);
        }
    }
    Ok(first)
}

#[derive(FromRow)]
struct NameRow {
    id: i64,
    title: String,
    first_name: String,
    last_name: String,
}

const NAMES: &str =
    "SELECT id, title, first_name, last_name FROM users WHERE account_id = $1 AND type = 400 ORDER BY id";

/// What the clinic's providers are called.
///
/// # Errors
/// What the database says.
pub async fn list_names(conn: &mut Conn, account: &AccountId) -> Result<Vec<(UserId, Phi<String>)>> {
    let rows = query_all!(conn, NameRow, NAMES, account.as_str())?;
    let name = |row: NameRow| {
        let words = [row.title, row.first_name, row.last_name];
        let filled: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        (UserId(row.id), Phi::from(filled.join(" ")))
    };
    Ok(rows.into_iter().map(name).collect())
}
