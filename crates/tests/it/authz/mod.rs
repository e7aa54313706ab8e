//! Authorization, operation by operation: nobody, an expired token, somebody
//! of another clinic, the wrong role, the wrong relation, and the right one.
//! Method and path come from the API's own description; an operation without a
//! row here, or a reason in an `OPEN` list, fails the test.
//!
//! One file per noun: `cases` makes what its rows need, `OPEN` names what takes
//! no token by design.

mod accounts;
mod calendars;
mod calls;
mod consents;
mod events;
mod files;
mod forms;
mod guests;
mod health_records;
mod identifiers;
mod intakes;
mod interpreters;
mod log_ins;
mod messages;
mod money;
mod notes;
mod notifications;
mod recordings;
mod rooms;
mod scheduling;
mod surveys;
mod users;
mod visits;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use bedside::api::router::document;
use bedside_tests::kit::{Client, Kit, Person};
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody who must be refused, or why there is nobody.
pub enum Expect {
    /// This caller gets this status.
    Refused(Client, u16),
    /// Everybody of this sort may do it; the reason.
    Nobody(&'static str),
}

/// One operation on one object.
pub struct Case {
    operation: &'static str,
    parameters: Vec<(&'static str, String)>,
    query: String,
    body: Value,
    wrong_role: Expect,
    wrong_relation: Expect,
    elsewhere: u16,
    right: Client,
}

impl Case {
    /// An operation and somebody who may do it, for whom it answers 200.
    pub fn new(operation: &'static str, right: &Client) -> Self {
        Self {
            operation,
            parameters: Vec::new(),
            query: String::new(),
            body: Value::Null,
            wrong_role: Expect::Nobody("not said"),
            wrong_relation: Expect::Nobody("not said"),
            elsewhere: 404,
            right: right.clone(),
        }
    }

    /// A value for a part of the path, such as `id`.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// A query, without its question mark.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// A JSON body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    /// Somebody whose kind or role may never do it.
    pub fn role(mut self, expect: Expect) -> Self {
        self.wrong_role = expect;
        self
    }

    /// Somebody of the right kind who does not stand so to the object.
    pub fn relation(mut self, expect: Expect) -> Self {
        self.wrong_relation = expect;
        self
    }

    /// What somebody with every right in another clinic gets; 404 if not said.
    pub fn elsewhere(mut self, status: u16) -> Self {
        self.elsewhere = status;
        self
    }

    async fn ask(&self, client: &Client, described: &Described) -> (u16, String) {
        let (method, template) = &described[self.operation];
        let mut path = template.clone();
        for (name, value) in &self.parameters {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "{}: {path} lacks a value", self.operation);
        if !self.query.is_empty() {
            path = format!("{path}?{}", self.query);
        }
        let mut request = client.request(method.clone(), &path);
        if !self.body.is_null() {
            request = request.json(&self.body);
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        // A stream has no end to wait for.
        let text = if status == 200 { String::new() } else { response.text().await.unwrap_or_default() };
        (status, text)
    }
}

/// Somebody refused with a status.
pub fn refused(person: &Person, status: u16) -> Expect {
    Expect::Refused(person.client.clone(), status)
}

/// Nobody is in the wrong, and why.
pub fn nobody(reason: &'static str) -> Expect {
    Expect::Nobody(reason)
}

/// A clinic with people of every relation.
pub struct World {
    pub kit: Kit,
    pub admin: Client,
    /// A patient whose token's day is over.
    pub expired: Client,
    /// A patient who waits or waited in the room `main`.
    pub patient: Person,
    /// Another patient of the same clinic.
    pub stranger: Person,
    /// Works in `main`.
    pub provider: Person,
    /// Works in `annex` only.
    pub outsider: Person,
}

impl World {
    async fn new() -> Self {
        let (kit, clock) = Kit::on_a_clock_with(&[
            // Hundreds of refusals from one address are the test's own.
            ("limits.failed_per_min", "1000000"),
            ("limits.anonymous_per_s", "100000"),
            ("limits.user_per_s", "100000"),
            ("billing.kind", "test"),
            ("billing.webhook_secret", "a secret of the processor's"),
        ])
        .await;
        let expired = kit.patient("yesterday").await.client;
        clock.advance_seconds(2 * 86_400);
        kit.room("main").await;
        kit.room("annex").await;
        Self {
            admin: kit.admin(),
            expired,
            patient: kit.patient("maria").await,
            stranger: kit.patient("tom").await,
            provider: kit.provider("d-1", &["main"]).await,
            outsider: kit.provider("d-2", &["annex"]).await,
            kit,
        }
    }

    /// A visit of the patient that the provider has taken.
    pub async fn running(&self) -> bedside_tests::kit::Visit {
        let visit = self.patient.walk_in("main").await;
        self.provider.act(&visit, "accept").await.ok();
        visit
    }
}

type Described = BTreeMap<String, (Method, String)>;

/// Every operation of the description: its method and path.
fn described() -> Described {
    let document = serde_json::to_value(document("/api_v3")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().filter_map(move |(method, operation)| {
            let id = operation["operationId"].as_str()?.to_owned();
            Some((
                id,
                (method.to_uppercase().parse().unwrap(), path.trim_start_matches("/api_v3").to_owned()),
            ))
        })
    });
    operations.collect()
}

fn open() -> Vec<(&'static str, &'static str)> {
    [
        accounts::OPEN,
        consents::OPEN,
        files::OPEN,
        guests::OPEN,
        log_ins::OPEN,
        money::OPEN,
        notifications::OPEN,
        recordings::OPEN,
        rooms::OPEN,
    ]
    .concat()
}

type Made = std::pin::Pin<Box<dyn Future<Output = (World, Vec<Case>)>>>;

/// Makes the rows of each noun, in a clinic of its own: what the rows of one
/// noun make of the patients must not help those of another. One after the
/// other: some rows hold only for a while, and each clinic is a server.
macro_rules! nouns {
    ($($noun:ident)*) => {
        [$({
            // Made in a frame of its own: together they would not fit on a test's stack.
            fn made() -> Made {
                Box::pin(async {
                    let world = World::new().await;
                    let cases = $noun::cases(&world).await;
                    (world, cases)
                })
            }
            made as fn() -> Made
        }),*]
    };
}

fn nouns() -> [fn() -> Made; 24] {
    nouns!(accounts users log_ins rooms intakes visits identifiers guests calls scheduling calendars files events notifications messages notes health_records consents webhooks money recordings surveys forms interpreters)
}

async fn refuse(world: &World, cases: Vec<Case>, described: &Described, wrong: &mut Vec<String>) {
    let other = world.kit.another_clinic("southside").await;
    let elsewhere = world.kit.admin_of(&other);
    let mixed = elsewhere.header("X-AccountCode", "northside");
    let anonymous = world.kit.anonymous().header("X-AccountCode", "northside");
    for case in cases {
        let mut callers = vec![
            ("anonymous", anonymous.clone(), 401),
            ("an expired token", world.expired.clone(), 401),
            ("another clinic's admin", elsewhere.clone(), case.elsewhere),
            ("another clinic's token under this clinic's code", mixed.clone(), 401),
        ];
        for (sort, expect) in
            [("the wrong role", &case.wrong_role), ("the wrong relation", &case.wrong_relation)]
        {
            match expect {
                Expect::Refused(client, status) => callers.push((sort, client.clone(), *status)),
                Expect::Nobody(reason) => assert_ne!(*reason, "not said", "{}: {sort}", case.operation),
            }
        }
        // The right one comes last: it may change the object.
        callers.push(("the right one", case.right.clone(), 200));
        for (sort, client, expected) in callers {
            let (status, text) = case.ask(&client, described).await;
            if status != expected {
                wrong.push(format!("{} as {sort}: {status} in place of {expected}: {text}", case.operation));
            }
        }
    }
}

#[tokio::test]
async fn every_operation_refuses_whoever_may_not() {
    let described = described();
    let mut wrong = Vec::new();
    for make in nouns() {
        let (world, cases) = make().await;
        refuse(&world, cases, &described, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_operation_is_tested_or_open_for_a_reason() {
    let mut tested = BTreeSet::new();
    for make in nouns() {
        let (_world, cases) = make().await;
        tested.extend(cases.iter().map(|case| case.operation.to_owned()));
    }
    let open: BTreeSet<String> = open().iter().map(|(operation, _)| (*operation).to_owned()).collect();
    assert!(open.is_disjoint(&tested), "in both lists: {:?}", open.intersection(&tested).collect::<Vec<_>>());
    let described: BTreeSet<String> = described().into_keys().collect();
    assert_eq!(tested.union(&open).cloned().collect::<BTreeSet<_>>(), described);
}

/// Bodies and headers that are no credentials change nothing.
#[tokio::test]
async fn a_key_beside_nothing_opens_nothing() {
    let kit = Kit::start().await;
    for path in ["/users/-", "/visits", "/session"] {
        let answer = kit.portal().get(path).await;
        assert_eq!(answer.status, 401, "{path}: {}", answer.text);
    }
    kit.portal().post("/rooms", json!({ "slug": "x", "name": "x" })).await.refused(401, "token_missing");
}
