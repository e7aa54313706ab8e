//! The statements of lists. Which index finds the rows is chosen here and not
//! left to the engine, since neither can know how selective a parameter is: a
//! condition that must not choose an index has a plus before its column. The
//! index `visits_list` holds every column that a list is narrowed by, so that
//! counts and walks read no rows.

use super::{Filter, Order, Scope};
use crate::visit_views::{view_columns, view_joins};

// Parameters: $1 account, $2 scope, $3 caller, $4 $5 $6 sets of statuses,
// types and subtypes, $7 room, $8 provider, $9 patient, $10 $11 planned begin
// (from, until), $12 now, $13 side of now, $14 whether recorded, and for pages $15 $16 $17 the mark
// (rank, key, id), $18 limit, $19 offset.
//
// A set of small numbers is a number with those bits; "any" is -1.
macro_rules! narrowed {
    () => {
        "AND (($4 >> CAST(v.status AS INTEGER)) & 1) <> 0 AND (($5 >> CAST(v.type AS INTEGER)) & 1) <> 0 \
         AND (($6 >> CAST(v.subtype AS INTEGER)) & 1) <> 0 AND ($7 = 0 OR v.room_id = $7) \
         AND ($8 = 0 OR v.provider_id = $8 OR v.requested_provider_id = $8) \
         AND ($2 <> 1 OR v.provider_id = $3 OR v.requested_provider_id = $3 OR v.room_id IN \
              (SELECT rp.room_id FROM room_providers rp WHERE rp.account_id = $1 AND rp.user_id = $3)) \
         AND ($14 = 0 OR EXISTS (SELECT 1 FROM recordings rec WHERE rec.visit_id = v.id AND rec.account_id = $1 \
              AND rec.started_at IS NOT NULL AND rec.status <> 'deleted')) "
    };
}

// What reads the rows; only where few are found.
macro_rules! narrowed_by_rows {
    () => {
        "AND +v.start_at >= $10 AND +v.start_at < $11 AND ($9 = 0 OR v.member_id = $9) \
         AND ($13 = 0 OR $13 = CASE WHEN v.status NOT IN (10, 20, 25) OR (v.type = 2 AND v.status <> 25 \
              AND v.arrived_at IS NULL AND v.end_at <= $12) THEN 2 ELSE 1 END) \
         AND ($2 <> 2 OR v.member_id = $3 OR v.member_id IN \
              (SELECT g.dependant_id FROM guardians g WHERE g.account_id = $1 AND g.guardian_id = $3)) "
    };
}

/// How the rows are found.
macro_rules! found {
    // By the covering index.
    (all) => {
        concat!("WHERE v.account_id = $1 ", narrowed!())
    };
    // By time.
    (times) => {
        concat!("WHERE v.account_id = $1 AND v.start_at >= $10 AND v.start_at < $11 ", narrowed!())
    };
    // By room and time.
    (room_times) => {
        concat!(
            "WHERE v.account_id || '' = $1 AND v.room_id = $7 AND v.start_at >= $10 AND v.start_at < $11 ",
            narrowed!()
        )
    };
    // By patient: the one asked for, else the caller and those in their care.
    (people) => {
        concat!(
            "WHERE v.account_id || '' = $1 AND v.member_id IN (SELECT CASE WHEN $9 = 0 THEN $3 ELSE $9 END \
             UNION SELECT g.dependant_id FROM guardians g WHERE $9 = 0 AND g.account_id = $1 AND g.guardian_id = $3) ",
            narrowed!(),
            narrowed_by_rows!()
        )
    };
    // By provider.
    (provider) => {
        concat!(
            "WHERE v.account_id || '' = $1 AND (v.provider_id = $8 OR v.requested_provider_id = $8) ",
            narrowed!(),
            narrowed_by_rows!()
        )
    };
    // By the index of open visits.
    (open) => {
        concat!("WHERE v.account_id = $1 AND v.status IN (10, 20, 25) ", narrowed!(), narrowed_by_rows!())
    };
}

// The same in `Mark::of`.
macro_rules! rank {
    () => {
        "CASE WHEN v.status = 25 AND v.provider_id = $3 THEN 0 \
         WHEN v.status = 25 THEN 2 \
         WHEN v.type <> 2 OR v.arrived_at IS NOT NULL THEN CASE WHEN v.requested_provider_id = $3 THEN 1 ELSE 2 END \
         WHEN v.end_at > $12 THEN 3 ELSE 4 END, \
         CASE WHEN v.type = 2 AND v.status <> 25 AND v.arrived_at IS NULL THEN v.start_at ELSE v.waiting_since_at END"
    };
}

macro_rules! order {
    (newest) => {
        "ORDER BY v.id DESC "
    };
    // Not by an index in that order: the rows are few, or found by another.
    (sorted) => {
        "ORDER BY +v.id DESC "
    };
    (ascending) => {
        "ORDER BY v.start_at, v.id "
    };
    (descending) => {
        "ORDER BY v.start_at DESC, v.id DESC "
    };
    (queue) => {
        concat!("ORDER BY ", rank!(), ", v.id ")
    };
}

macro_rules! behind_the_mark {
    (newest) => {
        "AND v.id < $17 "
    };
    (sorted) => {
        "AND +v.id < $17 "
    };
    (ascending) => {
        "AND (+v.start_at, v.id) > ($16, $17) "
    };
    (descending) => {
        "AND (+v.start_at, v.id) < ($16, $17) "
    };
    (queue) => {
        concat!("AND (", rank!(), ", v.id) > ($15, $16, $17) ")
    };
}

// The page's rows come first in the joins: Postgres does not reorder this many.
macro_rules! page {
    ($way:ident, $order:ident) => {
        concat!(
            view_columns!(),
            "FROM (SELECT v.id FROM visits v ",
            found!($way),
            behind_the_mark!($order),
            order!($order),
            "LIMIT $18 OFFSET $19) page JOIN visits v ON v.id = page.id ",
            view_joins!(),
            "WHERE v.account_id || '' = $1 ",
            order!($order)
        )
    };
}

macro_rules! pages {
    ($way:ident, $order:expr) => {
        match $order {
            Order::StartAscending => page!($way, ascending),
            Order::StartDescending => page!($way, descending),
            Order::Newest | Order::Queue => page!($way, sorted),
        }
    };
}

macro_rules! count {
    ($way:ident) => {
        concat!("SELECT COUNT(*) FROM visits v ", found!($way))
    };
}

/// How the rows of a list are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    All,
    Times,
    RoomTimes,
    People,
    Provider,
    Open,
}

impl Way {
    pub(super) fn of(scope: Scope, filter: &Filter, order: Order) -> Self {
        let open = !filter.statuses.is_empty() && filter.statuses.iter().all(|code| OPEN.contains(code));
        let in_time = filter.from.is_some() || filter.until.is_some() || order != Order::Newest;
        match filter {
            _ if order == Order::Queue => Self::Open,
            Filter { member: Some(_), .. } => Self::People,
            _ if matches!(scope, Scope::Member(_)) => Self::People,
            _ if open => Self::Open,
            Filter { provider: Some(_), .. } => Self::Provider,
            Filter { room: Some(_), .. } if in_time => Self::RoomTimes,
            _ if in_time => Self::Times,
            _ => Self::All,
        }
    }

    pub(super) const fn page(self, order: Order) -> &'static str {
        match self {
            Self::All => page!(all, newest),
            Self::Times => pages!(times, order),
            Self::RoomTimes => pages!(room_times, order),
            Self::People => pages!(people, order),
            Self::Provider => pages!(provider, order),
            Self::Open if matches!(order, Order::Queue) => page!(open, queue),
            Self::Open => pages!(open, order),
        }
    }

    pub(super) const fn count(self) -> &'static str {
        match self {
            Self::All => count!(all),
            Self::Times => count!(times),
            Self::RoomTimes => count!(room_times),
            Self::People => count!(people),
            Self::Provider => count!(provider),
            Self::Open => count!(open),
        }
    }
}

/// The statuses in the index of open visits.
const OPEN: [i64; 3] = [10, 20, 25];
