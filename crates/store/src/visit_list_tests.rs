//! Lists of visits against a model that filters and sorts in memory, also while
//! visits are added between pages. On both engines.

use std::{cell::RefCell, collections::HashSet};

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    visit::{Kind, Status, Subtype},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    Store,
    testing::fresh,
    visit_lists::{self, Filter, Mark, Moment, Order, Scope, Window},
};

const NOW: At = At(1_000_000);
const CLINIC: &str = "clinic";
/// Providers 1 to 3, patients 4 to 7; 7 is in the care of 4; 1 works in room 1,
/// 2 in both.
const GUARDIAN: (i64, i64) = (4, 7);
const WORKS: [(i64, i64); 3] = [(1, 1), (2, 1), (2, 2)];

#[derive(Debug, Clone)]
struct Row {
    id: i64,
    elsewhere: bool,
    room: i64,
    member: i64,
    provider: Option<i64>,
    requested: Option<i64>,
    kind: i64,
    subtype: i64,
    status: i64,
    start: i64,
    end: i64,
    since: i64,
    arrived: Option<i64>,
}

fn row() -> impl Strategy<Value = Row> {
    let who = || prop::option::of(1i64..4);
    let codes = (0..Kind::ALL.len(), 0..Subtype::ALL.len(), 0..Status::ALL.len());
    // Few instants, so that many rows tie.
    let times = (0i64..8, 1i64..4, 0i64..6, any::<bool>());
    (prop::bool::weighted(0.1), 1i64..3, 4i64..8, who(), who(), codes, times).prop_map(
        |(
            elsewhere,
            room,
            member,
            provider,
            requested,
            (kind, subtype, status),
            (start, length, since, came),
        )| {
            let (kind, status) = (Kind::ALL[kind], Status::ALL[status]);
            let taken = matches!(status, Status::InProgress | Status::Completed | Status::Refunded);
            let start = NOW.0 - 5_000 + start * 1_000;
            Row {
                id: 0,
                elsewhere,
                room,
                member,
                provider: if taken { provider.or(Some(1)) } else { None },
                requested,
                kind: kind.code(),
                subtype: Subtype::ALL[subtype].code(),
                status: status.code(),
                start,
                end: start + length * 1_000,
                since: NOW.0 - since * 1_000,
                arrived: (came && kind == Kind::Scheduled).then_some(start),
            }
        },
    )
}

#[derive(Debug, Clone)]
struct Query {
    scope: Scope,
    filter: Filter,
    order: Order,
    limit: i64,
}

fn query() -> impl Strategy<Value = Query> {
    let codes =
        |all: Vec<i64>| prop_oneof![Just(Vec::new()), prop::sample::subsequence(all.clone(), 1..=all.len())];
    let statuses = prop_oneof![
        codes(Status::ALL.iter().map(|status| status.code()).collect()),
        Just(vec![10, 20, 25]),
        Just(vec![99, -3]),
    ];
    let kinds = codes(Kind::ALL.iter().map(|kind| kind.code()).collect());
    let subtypes = codes(vec![1, 2, 3, 4]);
    let scope = prop_oneof![
        Just(Scope::Account),
        (1i64..4).prop_map(|id| Scope::Provider(UserId(id))),
        (4i64..8).prop_map(|id| Scope::Member(UserId(id))),
    ];
    let time = || prop::option::weighted(0.3, (0i64..12).prop_map(|n| At(NOW.0 - 6_000 + n * 1_000)));
    let some = |range: std::ops::Range<i64>| prop::option::weighted(0.3, range);
    let order = prop::sample::select(vec![
        Order::Newest,
        Order::StartAscending,
        Order::StartDescending,
        Order::Queue,
    ]);
    let moment = prop::option::weighted(0.5, prop::sample::select(vec![Moment::Upcoming, Moment::History]));
    let people = prop_oneof![1 => Just((None, None, None)), 3 => (some(1..3), some(1..4), some(4..8))];
    (scope, (statuses, kinds, subtypes), people, (time(), time()), moment, order, 1i64..12).prop_map(
        |(
            scope,
            (statuses, kinds, subtypes),
            (room, provider, member),
            (from, until),
            moment,
            order,
            limit,
        )| {
            let somebody = provider.is_some() || member.is_some() || matches!(scope, Scope::Member(_));
            let filter = Filter {
                statuses,
                kinds,
                subtypes,
                room: room.map(RoomId),
                provider: provider.map(UserId),
                member: member.map(UserId),
                from,
                until,
                // As the application asks: only of one person, and not of a queue.
                moment: moment.filter(|_| somebody && order != Order::Queue),
                // These visits have no calls; `it/recordings.rs` asks for recorded ones.
                recorded: false,
            };
            Query { scope, filter, order, limit }
        },
    )
}

impl Query {
    fn caller(&self) -> i64 {
        match self.scope {
            Scope::Account => 9,
            Scope::Provider(id) | Scope::Member(id) => id.0,
        }
    }

    fn keeps(&self, row: &Row) -> bool {
        let Filter { statuses, kinds, subtypes, room, provider, member, from, until, moment, recorded: _ } =
            &self.filter;
        let open = [10, 20, 25].contains(&row.status);
        let missed =
            row.kind == 2 && [10, 20].contains(&row.status) && row.arrived.is_none() && row.end <= NOW.0;
        let has = |id: i64| row.provider == Some(id) || row.requested == Some(id);
        let seen = match self.scope {
            Scope::Account => true,
            Scope::Provider(id) => has(id.0) || WORKS.contains(&(id.0, row.room)),
            Scope::Member(id) => row.member == id.0 || GUARDIAN == (id.0, row.member),
        };
        let within = |codes: &[i64], code: i64| codes.is_empty() || codes.contains(&code);
        !row.elsewhere
            && seen
            && within(statuses, row.status)
            && within(kinds, row.kind)
            && within(subtypes, row.subtype)
            && room.is_none_or(|room| room.0 == row.room)
            && provider.is_none_or(|id| has(id.0))
            && member.is_none_or(|id| id.0 == row.member)
            && from.is_none_or(|at| row.start >= at.0)
            && until.is_none_or(|at| row.start < at.0)
            && moment.is_none_or(|moment| (moment == Moment::Upcoming) == (open && !missed))
            && (self.order != Order::Queue || open)
    }

    fn key(&self, row: &Row) -> (i64, i64, i64) {
        let me = Some(self.caller());
        let comes = row.kind == 2 && row.status != 25 && row.arrived.is_none();
        match self.order {
            Order::Newest => (0, 0, -row.id),
            Order::StartAscending => (0, row.start, row.id),
            Order::StartDescending => (0, -row.start, -row.id),
            Order::Queue if comes && row.end > NOW.0 => (3, row.start, row.id),
            Order::Queue if comes => (4, row.start, row.id),
            Order::Queue if row.status == 25 && row.provider == me => (0, row.since, row.id),
            Order::Queue if row.status != 25 && row.requested == me => (1, row.since, row.id),
            Order::Queue => (2, row.since, row.id),
        }
    }

    /// What the list must be.
    fn expected(&self, rows: &[Row]) -> Vec<i64> {
        let mut kept: Vec<&Row> = rows.iter().filter(|row| self.keeps(row)).collect();
        kept.sort_by_key(|row| self.key(row));
        kept.into_iter().map(|row| row.id).collect()
    }

    async fn count(&self, store: &Store) -> i64 {
        let mut conn = store.reader().await.unwrap();
        let whose = (self.scope, UserId(self.caller()));
        visit_lists::count(&mut conn, &clinic(), whose, &self.filter, self.order, NOW).await.unwrap()
    }

    async fn page(&self, store: &Store, after: Option<Mark>, offset: i64) -> (Vec<i64>, Option<Mark>) {
        let mut conn = store.reader().await.unwrap();
        let window = Window { after, offset, limit: self.limit };
        let whose = (self.scope, UserId(self.caller()));
        let views = visit_lists::page(&mut conn, &clinic(), whose, &self.filter, self.order, window, NOW)
            .await
            .unwrap();
        let mark = views.last().map(|view| Mark::of(view, self.order, whose.1, NOW));
        (views.iter().map(|view| view.id.0).collect(), mark)
    }
}

fn clinic() -> AccountId {
    AccountId(CLINIC.to_owned())
}

const ACCOUNT: &str = "INSERT INTO accounts (id, code, name, data_key, created_at, updated_at) \
     VALUES ($1, $1, '', $2, 1, 1)";
const USER: &str = "INSERT INTO users (id, account_id, type, code, username, first_name, last_name, created_at, \
     updated_at) VALUES ($1, $2, 200, CAST($1 AS TEXT), CAST($1 AS TEXT), '', '', 1, 1)";
const ROOM: &str = "INSERT INTO rooms (id, account_id, code, slug, domain, name, created_at, updated_at) \
     VALUES ($1, $2, CAST($1 AS TEXT), CAST($1 AS TEXT), '', '', 1, 1)";
const WORK: &str =
    "INSERT INTO room_providers (user_id, room_id, account_id, created_at) VALUES ($1, $2, $3, 1)";
const CARE: &str = "INSERT INTO guardians (guardian_id, dependant_id, account_id, relation, created_at) \
     VALUES ($1, $2, $3, 'child', 1)";
const INTAKE: &str = "INSERT INTO intakes (id, account_id, member_id, answers, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, 1, 1)";
const VISIT: &str = "INSERT INTO visits (account_id, code, room_id, member_id, provider_id, requested_provider_id, \
     intake_id, type, subtype, status, start_at, end_at, waiting_since_at, arrived_at, duration_minutes, meeting_id, \
     version, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9, $10, $11, $12, $13, 15, $2, 1, 1, 1) RETURNING id";

async fn people(store: &Store) {
    let made: crate::Result<()> = store
        .write(|tx| {
            Box::pin(async move {
                for account in [CLINIC, "other"] {
                    execute!(tx, ACCOUNT, account, vec![0u8])?;
                }
                for id in 1..10i64 {
                    execute!(tx, USER, id, CLINIC)?;
                }
                for id in 1..3i64 {
                    execute!(tx, ROOM, id, CLINIC)?;
                }
                for (user, room) in WORKS {
                    execute!(tx, WORK, user, room, CLINIC)?;
                }
                execute!(tx, CARE, GUARDIAN.0, GUARDIAN.1, CLINIC)?;
                Ok(())
            })
        })
        .await;
    made.unwrap();
}

async fn insert(store: &Store, rows: Vec<Row>, first: usize) -> Vec<Row> {
    let added: crate::Result<Vec<Row>> = store
        .write(move |tx| {
            Box::pin(async move {
                let mut added = Vec::new();
                for (n, mut row) in rows.into_iter().enumerate() {
                    let (account, name) =
                        (if row.elsewhere { "other" } else { CLINIC }, format!("v{}", first + n));
                    execute!(tx, INTAKE, &name, account, row.member, vec![0u8])?;
                    row.id = scalar!(
                        tx,
                        i64,
                        VISIT,
                        account,
                        &name,
                        row.room,
                        row.member,
                        row.provider,
                        row.requested,
                        row.kind,
                        row.subtype,
                        row.status,
                        row.start,
                        row.end,
                        row.since,
                        row.arrived,
                    )?;
                    added.push(row);
                }
                Ok(added)
            })
        })
        .await;
    added.unwrap()
}

struct World {
    store: Store,
    rows: RefCell<Vec<Row>>,
}

impl World {
    async fn add(&self, rows: Vec<Row>) {
        let first = self.rows.borrow().len();
        let added = insert(&self.store, rows, first).await;
        self.rows.borrow_mut().extend(added);
    }

    /// Walks a list page by page while rows are added: each old row comes once
    /// and in order, no row twice, and the count is always right.
    async fn walk(&self, query: &Query, added: Vec<Vec<Row>>) {
        let old: HashSet<i64> = self.rows.borrow().iter().map(|row| row.id).collect();
        let expected = query.expected(&self.rows.borrow());
        let (mut seen, mut after, mut added) = (Vec::new(), None, added.into_iter());
        loop {
            let (ids, mark) = query.page(&self.store, after, 0).await;
            let full = ids.len() == usize::try_from(query.limit).unwrap();
            seen.extend(ids);
            assert!(seen.len() <= self.rows.borrow().len(), "it does not end: {query:?}");
            if !full {
                break;
            }
            after = mark;
            if let Some(rows) = added.next() {
                self.add(rows).await;
            }
            let total = i64::try_from(query.expected(&self.rows.borrow()).len()).unwrap();
            assert_eq!(query.count(&self.store).await, total, "{query:?}");
        }
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len(), "twice: {query:?}");
        seen.retain(|id| old.contains(id));
        assert_eq!(seen, expected, "{query:?}");
    }

    /// The same by number of page, while nothing changes.
    async fn leaf(&self, query: &Query) {
        let expected = query.expected(&self.rows.borrow());
        assert_eq!(query.count(&self.store).await, i64::try_from(expected.len()).unwrap(), "{query:?}");
        let limit = usize::try_from(query.limit).unwrap();
        for (n, page) in expected.chunks(limit).enumerate().take(3) {
            let (ids, _) = query.page(&self.store, None, i64::try_from(n * limit).unwrap()).await;
            assert_eq!(ids, page, "{query:?}");
        }
    }
}

fn lists_agree_with_the_model(engine: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let Some(fresh) = runtime.block_on(fresh(engine, |_| {})) else { return };
    runtime.block_on(people(&fresh.store));
    let world = World { store: fresh.store.clone(), rows: RefCell::default() };
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let first = prop::collection::vec(row(), 400).new_tree(&mut runner).unwrap().current();
    runtime.block_on(world.add(first));
    let added = prop::collection::vec(prop::collection::vec(row(), 0..3), 0..3);
    let checked = runner.run(&(query(), added), |(query, added)| {
        runtime.block_on(async {
            world.leaf(&query).await;
            world.walk(&query, added).await;
        });
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn lists_agree_with_the_model_on_sqlite() {
    lists_agree_with_the_model("sqlite");
}

#[test]
fn lists_agree_with_the_model_on_postgres() {
    lists_agree_with_the_model("postgres");
}

#[test]
fn counting_in_two_parts_counts_all() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        for engine in ["sqlite", "postgres"] {
            let Some(fresh) = fresh(engine, |_| {}).await else { continue };
            people(&fresh.store).await;
            let row = row().new_tree(&mut TestRunner::deterministic()).unwrap().current();
            let rows = vec![Row { elsewhere: false, ..row }; 7];
            let added = insert(&fresh.store, rows, 0).await;
            let mut conn = fresh.store.reader().await.unwrap();
            let third = VisitId(added[2].id);
            let newer = visit_lists::count_after(&mut conn, &clinic(), third).await.unwrap();
            let older = visit_lists::count_between(&mut conn, &clinic(), VisitId(0), third).await.unwrap();
            assert_eq!((older, newer), (3, 4));
            let newest = visit_lists::newest_before(&mut conn, &clinic(), third, At(2)).await.unwrap();
            assert_eq!(newest, Some(VisitId(added[6].id)));
            let none = visit_lists::newest_before(&mut conn, &clinic(), third, At(1)).await.unwrap();
            assert_eq!(none, None);
        }
    });
}
