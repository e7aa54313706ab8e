//! Lists of users against a model that filters and sorts a vector, on both
//! engines: every filter, offsets, and keyset paging while rows are added.

use bedside_model::{
    AccountId, At,
    user::{Profile, UserStatus, UserType, folded},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    Result, Store, Tx,
    accounts::{self, NewAccount},
    testing::{Fresh, fresh, on_both},
    user_lists::{self, Begin, Filter, Order, Scope},
    users::{self, CallIdentity, NewUser, Standing},
};

const NOW: At = At(1_700_000_000_000);
const FIRST: [&str; 8] = ["Maria", "MARIA ", "José", "ÅSA", "O'Neil", "50%_x", "a\"b\\c", "ΣΊΣΥΦΟΣ"];
const LAST: [&str; 5] = ["Santos", "de la Cruz", "AND OR NOT", "Łukasz*", "_____"];
const EMAIL: [&str; 5] = ["", "maria@example.org", "M.SANTOS@Example.ORG", "x_y@b.co", "ÅSA@exämple.org"];
const PIECES: [&str; 14] = [
    "mar",
    "maria s",
    "JOSÉ",
    "åsa",
    "o'n",
    "0%_",
    "%%%",
    "___",
    "\"b\\",
    "ίσυ",
    "and or",
    "example.org",
    "_y@",
    "zzz",
];

#[derive(Debug, Clone)]
struct Known {
    id: i64,
    made: Made,
}

#[derive(Debug, Clone)]
struct Made {
    first: &'static str,
    last: &'static str,
    email: &'static str,
    kind: UserType,
    status: UserStatus,
    role: &'static str,
    subtype: &'static str,
    group: &'static str,
    hidden: bool,
    login: i64,
}

impl Known {
    fn full_name(&self) -> String {
        folded(&format!("{} {}", self.made.first, self.made.last))
    }

    fn key(&self, order: Order) -> (i64, String) {
        let made = &self.made;
        match order {
            Order::Id => (self.id, String::new()),
            Order::FullName => (0, self.full_name()),
            Order::LastName => (0, folded(&format!("{} {}", made.last, made.first))),
            Order::Email => (0, folded(made.email)),
            Order::Username => (0, username(self.id)),
            Order::LastLogin => (made.login, String::new()),
            Order::Kind => (made.kind.code(), String::new()),
            Order::Status => (made.status.code(), String::new()),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let made = &self.made;
        let within = |list: &[i64], number: i64| list.is_empty() || list.contains(&number);
        let has =
            |piece: &Option<String>, text: &str| piece.as_ref().is_none_or(|piece| text.contains(piece));
        let (name, email) = (self.full_name(), folded(made.email));
        let admin = matches!(made.kind, UserType::Admin | UserType::CommonAdmin)
            || (made.kind == UserType::Provider && made.role == "clinic_admin");
        within(&filter.ids, self.id)
            && (filter.kinds.contains(&made.kind.code())
                || (filter.kinds.is_empty()
                    && !matches!(made.kind, UserType::Api | UserType::System | UserType::Cronjob)))
            && within(&filter.statuses, made.status.code())
            && (filter.roles.is_empty() || filter.roles.contains(&made.role))
            && (filter.subtypes.is_empty()
                || filter.subtypes.iter().any(|subtype| subtype.to_string() == made.subtype))
            && (filter.group.is_empty() || filter.group == made.group)
            && filter.is_hidden.is_none_or(|wanted| wanted == made.hidden)
            && filter.is_admin.is_none_or(|wanted| wanted == admin)
            && has(&filter.full_name, &name)
            && has(&filter.email, &email)
            && filter.either.as_ref().is_none_or(|piece| name.contains(piece) || email.contains(piece))
    }
}

/// Sorts as its text does not sort as its number.
fn username(id: i64) -> String {
    format!("u{:04}{id}", id * 7919 % 9973)
}

async fn account(store: &Store, code: &str) -> AccountId {
    let id = AccountId(format!("0190-{code}"));
    let (_, data_key) = store.new_vault(&id).unwrap();
    let new = NewAccount {
        id: id.clone(),
        code: code.to_owned(),
        name: "Northside".to_owned(),
        portal_name: String::new(),
        portal_return_url: String::new(),
        sso_enabled: true,
        data_key,
        at: NOW,
    };
    let added: Result<()> =
        store.write(move |tx| Box::pin(async move { accounts::add(tx, &new).await })).await;
    added.unwrap();
    id
}

async fn add_one(tx: &mut Tx, account: &AccountId, made: &Made, number: usize) -> Result<i64> {
    let new = NewUser {
        account: account.clone(),
        kind: made.kind,
        subtype: made.subtype.to_owned(),
        role: made.role.to_owned(),
        code: format!("code-{number}"),
        username: format!("name-{number}"),
        vseeid: CallIdentity::Numbered("north".to_owned()),
        profile: Profile {
            first_name: made.first.to_owned(),
            last_name: made.last.to_owned(),
            email: made.email.to_owned(),
            ..Profile::default()
        },
        disable_emails: false,
        password_hash: None,
        at: NOW,
    };
    let id = users::add(tx, &new).await?;
    let standing = Standing {
        kind: made.kind,
        subtype: made.subtype.to_owned(),
        role: made.role.to_owned(),
        status: made.status,
        is_hidden: made.hidden,
        group: made.group.to_owned(),
        room: None,
        tos: false,
    };
    users::update_standing(tx, account, id, &standing, NOW).await?;
    users::rename(tx, account, id, &username(id.0), NOW).await?;
    if made.login > 0 {
        users::logged_in(tx, account, id, At(made.login)).await?;
    }
    Ok(id.0)
}

async fn add_all(store: &Store, account: &AccountId, made: &[Made], known: &mut Vec<Known>) {
    let (owner, all, begin) = (account.clone(), made.to_vec(), known.len());
    let ids: Result<Vec<i64>> = store
        .write(move |tx| {
            Box::pin(async move {
                let mut ids = Vec::new();
                for (number, made) in all.iter().enumerate() {
                    ids.push(add_one(tx, &owner, made, begin + number).await?);
                }
                Ok(ids)
            })
        })
        .await;
    let pairs = ids.unwrap().into_iter().zip(made);
    known.extend(pairs.map(|(id, made)| Known { id, made: made.clone() }));
}

fn made() -> impl Strategy<Value = Made> {
    let kinds = [UserType::Member, UserType::Provider, UserType::Admin, UserType::Guest, UserType::Api];
    let statuses = [UserStatus::Active, UserStatus::Inactive, UserStatus::Suspended];
    let who =
        (prop::sample::select(&FIRST[..]), prop::sample::select(&LAST[..]), prop::sample::select(&EMAIL[..]));
    let what = (
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(statuses.to_vec()),
        prop::sample::select(vec!["", "clinic_admin", "scheduler"]),
        prop::sample::select(vec!["", "482", "484"]),
        prop::sample::select(vec!["", "north", "south"]),
    );
    (who, what, any::<bool>(), 0i64..3).prop_map(
        |((first, last, email), (kind, status, role, subtype, group), hidden, login)| Made {
            first,
            last,
            email,
            kind,
            status,
            role,
            subtype,
            group,
            hidden,
            login,
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    fn piece() -> impl Strategy<Value = Option<String>> {
        prop_oneof![
            4 => Just(None),
            2 => prop::sample::select(&PIECES[..]).prop_map(|piece| Some(folded(piece)))
        ]
    }
    fn some<T: Clone + std::fmt::Debug + 'static>(from: Vec<T>) -> impl Strategy<Value = Vec<T>> {
        prop_oneof![4 => Just(Vec::new()), 1 => prop::sample::subsequence(from, 1..3)]
    }
    let flags = (prop::option::weighted(0.2, any::<bool>()), prop::option::weighted(0.2, any::<bool>()));
    let lists = (
        some(vec![200, 400, 100, 160]),
        some(vec![10, 20, 30]),
        some(vec!["clinic_admin", "scheduler"]),
        some(vec![482, 484]),
    );
    let group = prop::sample::select(vec!["", "", "", "north"]);
    (flags, lists, group, (piece(), piece(), piece())).prop_map(
        |((is_hidden, is_admin), (kinds, statuses, roles, subtypes), group, (full_name, email, either))| {
            Filter {
                kinds,
                statuses,
                roles,
                subtypes,
                group: group.to_owned(),
                is_hidden,
                is_admin,
                full_name,
                email,
                either,
                ..Filter::default()
            }
        },
    )
}

async fn page(
    store: &Store,
    account: &AccountId,
    filter: &Filter,
    order: (Order, bool),
    begin: &Begin,
    limit: i64,
) -> (Vec<i64>, i64, Option<Begin>) {
    let mut conn = store.reader().await.unwrap();
    let page =
        user_lists::list(&mut conn, account, Scope::Account, filter, order, (begin, limit)).await.unwrap();
    let next = page.next.map(|(key, id)| Begin::After(key, id));
    (page.users.iter().map(|user| user.id.0).collect(), page.total, next)
}

struct Case {
    first: Vec<Made>,
    later: Vec<Made>,
    filter: Filter,
    order: (Order, bool),
    limit: i64,
    narrow: bool,
}

async fn check(store: &Store, code: &str, mut case: Case) {
    let account = account(store, code).await;
    let stranger = self::account(store, &format!("{code}-other")).await;
    add_all(store, &stranger, &case.first, &mut Vec::new()).await;
    let mut known = Vec::new();
    add_all(store, &account, &case.first, &mut known).await;
    if case.narrow {
        case.filter.ids = known.iter().map(|known| known.id).step_by(2).chain([i64::MAX]).collect();
    }
    let (order, down) = case.order;
    let expected = |known: &[Known]| {
        let mut found: Vec<_> = known.iter().filter(|known| known.passes(&case.filter)).collect();
        found.sort_by_key(|known| (known.key(order), known.id));
        if down {
            found.reverse();
        }
        found.iter().map(|known| known.id).collect::<Vec<_>>()
    };
    let all = expected(&known);
    // By offset.
    for offset in [0, 1, case.limit, 1000] {
        let begin = Begin::Offset(offset);
        let (ids, total, next) = page(store, &account, &case.filter, case.order, &begin, case.limit).await;
        let (from, count) = (usize::try_from(offset).unwrap(), usize::try_from(case.limit).unwrap());
        let wanted: Vec<_> = all.iter().skip(from).take(count).copied().collect();
        assert_eq!((ids, total), (wanted, i64::try_from(all.len()).unwrap()), "from {offset} by {order:?}");
        assert_eq!(next.is_some(), from + count < all.len());
    }
    // By keyset, while somebody adds users.
    let (mut begin, mut seen, mut later) = (Begin::Offset(0), Vec::new(), case.later.chunks(2));
    loop {
        let (ids, total, next) = page(store, &account, &case.filter, case.order, &begin, case.limit).await;
        seen.extend(ids);
        assert_eq!(total, i64::try_from(expected(&known).len()).unwrap());
        let Some(next) = next else { break };
        begin = next;
        if let Some(batch) = later.next() {
            add_all(store, &account, batch, &mut known).await;
        }
    }
    let old: Vec<_> = seen.iter().filter(|id| all.contains(id)).copied().collect();
    assert_eq!(old, all, "every old row once and in order, {order:?}");
    let now = expected(&known);
    let sorted: Vec<_> = now.iter().filter(|id| seen.contains(id)).copied().collect();
    assert_eq!(sorted, seen, "new rows stand in their place");
}

#[test]
fn lists_agree_with_a_plain_filter_and_sort() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in ["sqlite", "postgres"] {
        let Some(Fresh { store, .. }) = &runtime.block_on(fresh(engine, |_| {})) else { continue };
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(60) });
        let numbers = std::cell::Cell::new(0);
        let order = (prop::sample::select(&Order::ALL[..]), any::<bool>());
        let people = (prop::collection::vec(made(), 0..25), prop::collection::vec(made(), 0..10));
        let cases = (people, filter(), order, 1i64..9, prop::bool::weighted(0.2));
        let outcome = runner.run(&cases.no_shrink(), |((first, later), filter, order, limit, narrow)| {
            numbers.set(numbers.get() + 1);
            let code = format!("c{}", numbers.get());
            runtime.block_on(check(store, &code, Case { first, later, filter, order, limit, narrow }));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{engine}: {error}"));
    }
}

/// What the older version's statements wrote: no search columns.
const OLD_INSERT: &str = "INSERT INTO users (account_id, type, code, username, first_name, last_name, email, \
     created_at, updated_at) VALUES ($1, 200, 'old', 'old', 'ÅSA', 'Öberg', 'Asa@Example.org', 1, 1)";

/// Fails when the full-text index and the rows differ.
const COMPARE_INDEX: &str = "INSERT INTO users_search (users_search, rank) VALUES ('integrity-check', 1)";

#[tokio::test]
async fn people_of_an_older_version_are_found_after_the_next_start() {
    on_both!(fresh, |_| {}, {
        let account = account(&fresh.store, "north").await;
        let owner = account.clone();
        let written: Result<u64> = fresh
            .store
            .write(move |tx| Box::pin(async move { execute!(tx, OLD_INSERT, owner.as_str()) }))
            .await;
        assert_eq!(written.unwrap(), 1);
        let filter = Filter { full_name: Some(folded("åSA ö")), ..Filter::default() };
        let first = Begin::Offset(0);
        let find =
            async |store: &Store| page(store, &account, &filter, (Order::Id, false), &first, 5).await.1;
        assert_eq!(find(&fresh.store).await, 0);
        let again = Store::open(&fresh.settings).await.unwrap();
        assert_eq!(find(&again).await, 1);
        // Changing and removing keeps the index in step.
        let owner = account.clone();
        let changed: Result<()> = again
            .write(move |tx| {
                Box::pin(async move {
                    let user = users::find_by_code(tx, &owner, "old").await?.unwrap();
                    let profile = Profile { first_name: "Bea".into(), ..user.profile.reveal().clone() };
                    users::update_profile(tx, &owner, user.id, &profile, false, NOW).await
                })
            })
            .await;
        changed.unwrap();
        assert_eq!(find(&again).await, 0);
        let gone: Result<u64> = again
            .write(|tx| Box::pin(async move { execute!(tx, "DELETE FROM users WHERE code = 'old'") }))
            .await;
        assert_eq!(gone.unwrap(), 1);
        let bea = Filter { either: Some("bea".to_owned()), ..Filter::default() };
        assert_eq!(page(&again, &account, &bea, (Order::Id, false), &first, 5).await.1, 0);
        if again.engine() == "sqlite" {
            let sound: Result<u64> =
                again.write(|tx| Box::pin(async move { execute!(tx, COMPARE_INDEX) })).await;
            sound.expect("the index holds what the rows say");
        }
        again.close().await;
    });
}
