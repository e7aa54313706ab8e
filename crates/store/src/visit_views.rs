//! Visits as they are shown: joined with room, people and intake, one query
//! for a visit or a page.

use std::fmt;

use bedside_model::{AccountId, At, IntakeId, RoomId, UserId, VisitId, visit::State};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed};

/// A person as a visit shows them. Its `Debug` shows the number alone.
#[derive(Clone)]
pub struct Person {
    /// Their number.
    pub id: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Call identity of older clients.
    pub vseeid: String,
    /// `Dr`, for providers.
    pub title: String,
    /// `YYYY-MM-DD`.
    pub dob: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    pub gender: i64,
    /// Telephone.
    pub phone: String,
    /// When one of their pages was last heard from.
    pub last_seen_at: Option<At>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

/// A visit with everything the API shows; answers stay sealed.
#[derive(Debug, Clone)]
pub struct VisitView {
    /// Its number.
    pub id: VisitId,
    /// Guest invite code.
    pub code: String,
    /// The clinic's code.
    pub account_code: String,
    /// How it came about (documented number).
    pub kind: i64,
    /// What kind of meeting it is (documented number).
    pub subtype: i64,
    /// The state that changes.
    pub state: State,
    /// Planned begin.
    pub start_at: At,
    /// Planned end.
    pub end_at: At,
    /// Since when the patient waits.
    pub waiting_since_at: At,
    /// Length in minutes.
    pub duration_minutes: i64,
    /// Price in cents.
    pub amount_cents: i64,
    /// What was asked for.
    pub description: String,
    /// Name of the call.
    pub meeting: String,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
    /// Where the patient waits: number, code, slug, name.
    pub room: (RoomId, String, String, String),
    /// The patient.
    pub member: Person,
    /// Who has it.
    pub provider: Option<Person>,
    /// Whom the patient asked for.
    pub requested_provider: Option<Person>,
    /// The intake's number.
    pub intake: IntakeId,
    /// 1 walk-in, 2 scheduled, as the intake said.
    pub intake_kind: i64,
    /// The intake's answers, sealed.
    pub answers: Sealed,
    /// When the intake was made.
    pub intake_created_at: At,
    /// When the intake was changed.
    pub intake_updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    code: String,
    account_code: String,
    #[sqlx(rename = "type")]
    kind: i64,
    subtype: i64,
    status: i64,
    start_at: i64,
    end_at: i64,
    waiting_since_at: i64,
    actual_start_at: Option<i64>,
    actual_end_at: Option<i64>,
    ended_by: Option<i64>,
    reason: Option<String>,
    duration_minutes: i64,
    amount_cents: i64,
    description: String,
    meeting_id: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    room_id: i64,
    room_code: String,
    room_slug: String,
    room_name: String,
    m_id: i64,
    m_first_name: String,
    m_last_name: String,
    m_vseeid: String,
    m_dob: Option<String>,
    m_gender: i64,
    m_phone: String,
    m_last_seen_at: Option<i64>,
    p_id: Option<i64>,
    p_first_name: Option<String>,
    p_last_name: Option<String>,
    p_vseeid: Option<String>,
    p_title: Option<String>,
    q_id: Option<i64>,
    q_first_name: Option<String>,
    q_last_name: Option<String>,
    q_vseeid: Option<String>,
    q_title: Option<String>,
    i_id: String,
    i_type: i64,
    i_answers: Sealed,
    i_created_at: i64,
    i_updated_at: i64,
}

fn provider(
    id: Option<i64>,
    first_name: Option<String>,
    last_name: Option<String>,
    vseeid: Option<String>,
    title: Option<String>,
) -> Option<Person> {
    Some(Person {
        id: UserId(id?),
        first_name: first_name.unwrap_or_default(),
        last_name: last_name.unwrap_or_default(),
        vseeid: vseeid.unwrap_or_default(),
        title: title.unwrap_or_default(),
        dob: None,
        gender: 0,
        phone: String::new(),
        last_seen_at: None,
    })
}

impl TryFrom<Row> for VisitView {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        use bedside_model::visit::{CloseReason, Status};
        Ok(Self {
            id: VisitId(row.id),
            code: row.code,
            account_code: row.account_code,
            kind: row.kind,
            subtype: row.subtype,
            state: State {
                status: Status::from_code(row.status).ok_or(Error::Value("visits.status"))?,
                provider: row.p_id.map(UserId),
                requested_provider: row.q_id.map(UserId),
                actual_start_at: row.actual_start_at.map(At),
                actual_end_at: row.actual_end_at.map(At),
                ended_by: row.ended_by.map(UserId),
                reason: row.reason.as_deref().and_then(CloseReason::parse),
                version: row.version,
            },
            start_at: At(row.start_at),
            end_at: At(row.end_at),
            waiting_since_at: At(row.waiting_since_at),
            duration_minutes: row.duration_minutes,
            amount_cents: row.amount_cents,
            description: row.description,
            meeting: row.meeting_id,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
            room: (RoomId(row.room_id), row.room_code, row.room_slug, row.room_name),
            member: Person {
                id: UserId(row.m_id),
                first_name: row.m_first_name,
                last_name: row.m_last_name,
                vseeid: row.m_vseeid,
                title: String::new(),
                dob: row.m_dob,
                gender: row.m_gender,
                phone: row.m_phone,
                last_seen_at: row.m_last_seen_at.map(At),
            },
            provider: provider(row.p_id, row.p_first_name, row.p_last_name, row.p_vseeid, row.p_title),
            requested_provider: provider(
                row.q_id,
                row.q_first_name,
                row.q_last_name,
                row.q_vseeid,
                row.q_title,
            ),
            intake: IntakeId(row.i_id),
            intake_kind: row.i_type,
            answers: row.i_answers,
            intake_created_at: At(row.i_created_at),
            intake_updated_at: At(row.i_updated_at),
        })
    }
}

macro_rules! columns {
    () => {
        "SELECT v.id, v.code, a.code AS account_code, v.type, v.subtype, v.status, v.start_at, v.end_at, \
         v.waiting_since_at, v.actual_start_at, v.actual_end_at, v.ended_by, v.reason, v.duration_minutes, \
         v.amount_cents, v.description, v.meeting_id, v.version, v.created_at, v.updated_at, \
         r.id AS room_id, r.code AS room_code, r.slug AS room_slug, r.name AS room_name, \
         m.id AS m_id, m.first_name AS m_first_name, m.last_name AS m_last_name, m.vseeid AS m_vseeid, \
         m.dob AS m_dob, m.gender AS m_gender, m.phone AS m_phone, m.last_seen_at AS m_last_seen_at, \
         p.id AS p_id, p.first_name AS p_first_name, p.last_name AS p_last_name, p.vseeid AS p_vseeid, \
         p.title AS p_title, q.id AS q_id, q.first_name AS q_first_name, q.last_name AS q_last_name, \
         q.vseeid AS q_vseeid, q.title AS q_title, i.id AS i_id, i.type AS i_type, i.answers AS i_answers, \
         i.created_at AS i_created_at, i.updated_at AS i_updated_at \
         FROM visits v JOIN accounts a ON a.id = v.account_id JOIN rooms r ON r.id = v.room_id \
         JOIN users m ON m.id = v.member_id JOIN intakes i ON i.id = v.intake_id \
         LEFT JOIN users p ON p.id = v.provider_id LEFT JOIN users q ON q.id = v.requested_provider_id "
    };
}

const FIND: &str = concat!(columns!(), "WHERE v.account_id = $1 AND v.id = $2");

/// The account's visit of this number, with everything around it.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<Option<VisitView>> {
    query_opt!(conn, Row, FIND, account.as_str(), id.0)?.map(VisitView::try_from).transpose()
}

/// Whose visits a list may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole account.
    Account,
    /// The provider's own, and those of their rooms.
    Provider(UserId),
    /// The patient's own.
    Member(UserId),
}

/// Order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// By planned begin, earliest first.
    StartAscending,
    /// By planned begin, latest first.
    StartDescending,
    /// The caller's running visits, then those who asked for the caller, then
    /// by waiting time. Only open visits.
    Queue,
}

/// Which visits to list. Empty lists and `None` do not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Documented status numbers.
    pub statuses: Vec<i64>,
    /// Documented type numbers.
    pub kinds: Vec<i64>,
    /// Documented subtype numbers.
    pub subtypes: Vec<i64>,
    /// One room.
    pub room: Option<RoomId>,
    /// Taken by, or asking for, this provider.
    pub provider: Option<UserId>,
    /// One patient.
    pub member: Option<UserId>,
    /// Planned begin at or after.
    pub from: Option<At>,
    /// Planned begin before.
    pub until: Option<At>,
}

// Numbers are compared inside ",10,20," so that one text serves any count.
macro_rules! conditions {
    () => {
        "WHERE v.account_id = $1 \
         AND ($2 = 'account' OR ($2 = 'member' AND v.member_id = $3) OR ($2 = 'provider' AND (v.provider_id = $3 \
              OR v.requested_provider_id = $3 OR EXISTS (SELECT 1 FROM room_providers rp \
              WHERE rp.room_id = v.room_id AND rp.user_id = $3)))) \
         AND ($4 = '' OR $4 LIKE '%,' || CAST(v.status AS TEXT) || ',%') \
         AND ($5 = '' OR $5 LIKE '%,' || CAST(v.type AS TEXT) || ',%') \
         AND ($6 = '' OR $6 LIKE '%,' || CAST(v.subtype AS TEXT) || ',%') \
         AND (CAST($7 AS BIGINT) IS NULL OR v.room_id = $7) \
         AND (CAST($8 AS BIGINT) IS NULL OR v.provider_id = $8 OR v.requested_provider_id = $8) \
         AND (CAST($9 AS BIGINT) IS NULL OR v.member_id = $9) \
         AND (CAST($10 AS BIGINT) IS NULL OR v.start_at >= $10) \
         AND (CAST($11 AS BIGINT) IS NULL OR v.start_at < $11) "
    };
}

const COUNT: &str = concat!("SELECT COUNT(*) FROM visits v ", conditions!());
// The literal list lets both engines use the index of open visits.
const COUNT_OPEN: &str =
    concat!("SELECT COUNT(*) FROM visits v ", conditions!(), "AND v.status IN (10, 20, 25)");
const NEWEST: &str = concat!(columns!(), conditions!(), "ORDER BY v.id DESC LIMIT $12 OFFSET $13");
const START_ASC: &str = concat!(columns!(), conditions!(), "ORDER BY v.start_at, v.id LIMIT $12 OFFSET $13");
const START_DESC: &str =
    concat!(columns!(), conditions!(), "ORDER BY v.start_at DESC, v.id DESC LIMIT $12 OFFSET $13");
const QUEUE: &str = concat!(
    columns!(),
    conditions!(),
    "AND v.status IN (10, 20, 25) \
     ORDER BY CASE WHEN v.status = 25 AND v.provider_id = $3 THEN 0 \
                   WHEN v.status <> 25 AND v.requested_provider_id = $3 THEN 1 ELSE 2 END, \
     v.waiting_since_at, v.id LIMIT $12 OFFSET $13"
);

fn set(numbers: &[i64]) -> String {
    if numbers.is_empty() {
        return String::new();
    }
    let list: Vec<_> = numbers.iter().map(i64::to_string).collect();
    format!(",{},", list.join(","))
}

/// A page of visits and how many there are in all.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    scope: Scope,
    filter: &Filter,
    order: Order,
    (offset, limit): (i64, i64),
) -> Result<(Vec<VisitView>, i64)> {
    let (word, me) = match scope {
        Scope::Account => ("account", 0),
        Scope::Provider(id) => ("provider", id.0),
        Scope::Member(id) => ("member", id.0),
    };
    let (statuses, kinds, subtypes) = (set(&filter.statuses), set(&filter.kinds), set(&filter.subtypes));
    let room = filter.room.map(|id| id.0);
    let provider = filter.provider.map(|id| id.0);
    let member = filter.member.map(|id| id.0);
    let (from, until) = (filter.from.map(|at| at.0), filter.until.map(|at| at.0));
    let (count, page) = match order {
        Order::Newest => (COUNT, NEWEST),
        Order::StartAscending => (COUNT, START_ASC),
        Order::StartDescending => (COUNT, START_DESC),
        Order::Queue => (COUNT_OPEN, QUEUE),
    };
    let account = account.as_str();
    let total = scalar!(
        conn, i64, count, account, word, me, &statuses, &kinds, &subtypes, room, provider, member, from,
        until,
    )?;
    let rows = query_all!(
        conn, Row, page, account, word, me, &statuses, &kinds, &subtypes, room, provider, member, from,
        until, limit, offset,
    )?;
    Ok((rows.into_iter().map(VisitView::try_from).collect::<Result<_>>()?, total))
}
