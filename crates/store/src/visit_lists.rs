//! Lists of visits: one statement for the page, one for the count, however
//! many rows there are. The statements are in `visit_lists/ways.rs`.

mod ways;

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    visit::{Kind, Status},
};

use ways::Way;

use crate::{
    Conn, Result,
    visit_views::{Row, VisitView},
};

/// Whose visits a list may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole account.
    Account,
    /// The provider's own, and those of their rooms.
    Provider(UserId),
    /// The patient's own, and those of people in their care.
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
    /// The caller's running visits, those who wait for the caller, others who
    /// wait, appointments to come, appointments that were missed. Only open
    /// visits.
    Queue,
}

/// Which side of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Open visits that were not missed.
    Upcoming,
    /// Ended and missed ones.
    History,
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
    /// Only one side of now. Needs a patient or a provider.
    pub moment: Option<Moment>,
    /// Only visits with a recording that began and is not deleted.
    pub recorded: bool,
}

impl Filter {
    /// True when it narrows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { statuses, kinds, subtypes, room, provider, member, from, until, moment, recorded } = self;
        let codes = statuses.is_empty() && kinds.is_empty() && subtypes.is_empty();
        let people = room.is_none() && provider.is_none() && member.is_none();
        codes && people && from.is_none() && until.is_none() && moment.is_none() && !recorded
    }
}

/// The place of a row in its order; the next page begins behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// In a queue, to which part of it the row belongs; else 0.
    pub rank: i64,
    /// What the order goes by, in milliseconds; 0 for newest first.
    pub key: i64,
    /// The visit.
    pub id: VisitId,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Behind this row.
    pub after: Option<Mark>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// Bits of a set; numbers that no row can have are left out of it.
fn set(numbers: &[i64]) -> i64 {
    if numbers.is_empty() {
        return -1;
    }
    numbers.iter().filter(|n| (0..63).contains(*n)).fold(0, |bits, n| bits | 1 << n)
}

impl Mark {
    /// The place of a visit in an order, as `rank!` computes it.
    #[must_use]
    pub fn of(visit: &VisitView, order: Order, caller: UserId, now: At) -> Self {
        let (state, plan) = (&visit.state, &visit.plan);
        let running = state.status == Status::InProgress;
        let comes = plan.kind == Kind::Scheduled && !running && state.arrived_at.is_none();
        let (rank, key) = match order {
            Order::Newest => (0, 0),
            Order::StartAscending | Order::StartDescending => (0, plan.start_at.0),
            Order::Queue if comes => (if plan.end_at > now { 3 } else { 4 }, plan.start_at.0),
            Order::Queue => {
                let mine = if running { state.provider } else { state.requested_provider } == Some(caller);
                let rank = if !mine { 2 } else { i64::from(!running) };
                (rank, visit.waiting_since_at.0)
            }
        };
        Self { rank, key, id: visit.id }
    }

    const fn before_all(order: Order) -> Self {
        match order {
            Order::Newest | Order::StartDescending => {
                Self { rank: i64::MAX, key: i64::MAX, id: VisitId(i64::MAX) }
            }
            Order::StartAscending | Order::Queue => {
                Self { rank: i64::MIN, key: i64::MIN, id: VisitId(i64::MIN) }
            }
        }
    }
}

/// The parameters that a page and its count share.
struct Binds<'f> {
    account: &'f str,
    scope: i64,
    caller: i64,
    statuses: i64,
    kinds: i64,
    subtypes: i64,
    room: i64,
    provider: i64,
    member: i64,
    from: i64,
    until: i64,
    now: i64,
    moment: i64,
    recorded: i64,
}

impl<'f> Binds<'f> {
    fn of(account: &'f AccountId, (scope, caller): (Scope, UserId), filter: &Filter, now: At) -> Self {
        Self {
            account: account.as_str(),
            scope: match scope {
                Scope::Account => 0,
                Scope::Provider(_) => 1,
                Scope::Member(_) => 2,
            },
            caller: caller.0,
            statuses: set(&filter.statuses),
            kinds: set(&filter.kinds),
            subtypes: set(&filter.subtypes),
            room: filter.room.map_or(0, |id| id.0),
            provider: filter.provider.map_or(0, |id| id.0),
            member: filter.member.map_or(0, |id| id.0),
            from: filter.from.map_or(i64::MIN, |at| at.0),
            until: filter.until.map_or(i64::MAX, |at| at.0),
            now: now.0,
            moment: match filter.moment {
                None => 0,
                Some(Moment::Upcoming) => 1,
                Some(Moment::History) => 2,
            },
            recorded: i64::from(filter.recorded),
        }
    }
}

/// One page. `caller` is whose own visits stand first in a queue.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn,
    account: &AccountId,
    (scope, caller): (Scope, UserId),
    filter: &Filter,
    order: Order,
    window: Window,
    now: At,
) -> Result<Vec<VisitView>> {
    let b = Binds::of(account, (scope, caller), filter, now);
    let mark = window.after.unwrap_or(Mark::before_all(order));
    // The mark's time narrows the walk; the rest of the mark decides ties.
    let (mut from, mut until) = (b.from, b.until);
    match (window.after, order) {
        (Some(mark), Order::StartAscending) => from = from.max(mark.key),
        (Some(mark), Order::StartDescending) => until = until.min(mark.key.saturating_add(1)),
        _ => {}
    }
    let sql = Way::of(scope, filter, order).page(order);
    let rows = query_all!(
        conn,
        Row,
        sql,
        b.account,
        b.scope,
        b.caller,
        b.statuses,
        b.kinds,
        b.subtypes,
        b.room,
        b.provider,
        b.member,
        from,
        until,
        b.now,
        b.moment,
        b.recorded,
        mark.rank,
        mark.key,
        mark.id.0,
        window.limit,
        window.offset,
    )?;
    rows.into_iter().map(VisitView::try_from).collect()
}

/// How many visits the whole list has.
///
/// # Errors
/// What the database says.
pub async fn count(
    conn: &mut Conn,
    account: &AccountId,
    (scope, caller): (Scope, UserId),
    filter: &Filter,
    order: Order,
    now: At,
) -> Result<i64> {
    if let Scope::Provider(me) = scope
        && filter.is_empty()
        && order != Order::Queue
    {
        return scalar!(conn, i64, OF_PROVIDER, account.as_str(), me.0);
    }
    let b = Binds::of(account, (scope, caller), filter, now);
    let sql = Way::of(scope, filter, order).count();
    scalar!(
        conn, i64, sql, b.account, b.scope, b.caller, b.statuses, b.kinds, b.subtypes, b.room, b.provider,
        b.member, b.from, b.until, b.now, b.moment, b.recorded,
    )
}

// What `count!(all)` gives for a provider who narrows nothing, by the indexes
// of rooms and of people: most rooms are somebody else's.
const OF_PROVIDER: &str = "SELECT \
     (SELECT COUNT(*) FROM visits v WHERE v.room_id IN \
      (SELECT rp.room_id FROM room_providers rp WHERE rp.account_id = $1 AND rp.user_id = $2)) + \
     (SELECT COUNT(*) FROM visits v WHERE v.account_id || '' = $1 \
      AND (v.provider_id = $2 OR v.requested_provider_id = $2) AND +v.room_id NOT IN \
      (SELECT rp.room_id FROM room_providers rp WHERE rp.account_id = $1 AND rp.user_id = $2))";

const COUNT_AFTER: &str = "SELECT COUNT(*) FROM visits WHERE account_id = $1 AND id > $2";

/// How many visits of the account have a higher number.
///
/// # Errors
/// What the database says.
pub async fn count_after(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<i64> {
    scalar!(conn, i64, COUNT_AFTER, account.as_str(), id.0)
}

const COUNT_BETWEEN: &str = "SELECT COUNT(*) FROM visits WHERE account_id = $1 AND id > $2 AND id <= $3";

/// How many visits of the account have a number after one and up to another.
///
/// # Errors
/// What the database says.
pub async fn count_between(
    conn: &mut Conn,
    account: &AccountId,
    after: VisitId,
    upto: VisitId,
) -> Result<i64> {
    scalar!(conn, i64, COUNT_BETWEEN, account.as_str(), after.0, upto.0)
}

const NEWEST_BEFORE: &str = "SELECT id FROM visits WHERE account_id = $1 AND id > $2 AND created_at < $3 \
     ORDER BY id DESC LIMIT 1";

/// The newest visit after `id` that was made before an instant.
///
/// # Errors
/// What the database says.
pub async fn newest_before(
    conn: &mut Conn,
    account: &AccountId,
    id: VisitId,
    at: At,
) -> Result<Option<VisitId>> {
    Ok(scalar_opt!(conn, i64, NEWEST_BEFORE, account.as_str(), id.0, at.0)?.map(VisitId))
}
