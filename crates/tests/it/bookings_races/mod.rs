//! Many want the same times while servers are killed under them, on SQLite
//! with one process and on Postgres with two. Everybody writes down what they
//! asked and what they were told; at the end that history is compared with the
//! rows: one visit and one event for each time that somebody was given, and no
//! time that nobody could have.

mod clinic;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bedside_model::{At, availability::Span, event::EventType};
use bedside_store::{Schema, Settings, Store, accounts, bookings, events};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use clinic::{Caller, Clinic, Tally};

/// What a patient was told in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// They have this visit, at this time.
    Booked { visit: String, start: i64 },
    /// The time is taken; these are free. A server with too much to do says
    /// no more than that it is taken.
    Taken(Option<Vec<i64>>),
}

/// What somebody wrote down.
#[derive(Debug)]
struct Entry {
    member: String,

    told: Told,
}

/// One patient with an intake.
struct Patient {
    n: usize,
    caller: Caller,
    intake: String,
    history: Vec<Entry>,
    /// A server went away over their booking; nobody knows if it was made.
    in_doubt: bool,
}

impl Patient {
    /// Books, and asks again while a server went away over the question: the
    /// intake makes sure that it is done once.
    async fn book(&mut self, start: i64) -> Told {
        let body = json!({ "intake_id": self.intake, "start": start });
        loop {
            let Some((status, answer)) = self.caller.ask(Method::POST, "/visits", Some(&body)).await else {
                self.in_doubt = true;
                continue;
            };
            let told = match (status, answer["error"].as_str()) {
                (200, _) => booked(&answer["data"]),
                (400, Some("intake_already_used")) => {
                    assert!(self.in_doubt, "nobody else has this intake: {answer}");
                    let path = format!("/visits/{}", answer["visit_id"].as_str().unwrap());
                    booked(&self.caller.get(&path).await["data"])
                }
                (400, Some("slot_taken")) => {
                    Told::Taken(answer["nearest"].as_array().map(|times| begins(times)))
                }
                // Too much to do, before the change or after it.
                (503, _) => {
                    self.in_doubt = true;
                    continue;
                }
                _ => panic!("{status} {answer}"),
            };
            self.history.push(Entry { member: self.caller.id.clone(), told: told.clone() });
            return told;
        }
    }

    /// Holds a time; gives false when it is taken.
    async fn hold(&mut self, start: i64) -> bool {
        let body = json!({ "room_code": "main", "start": start });
        loop {
            match self.caller.ask(Method::POST, "/slots/hold", Some(&body)).await {
                Some((200, _)) => return true,
                Some((400, answer)) => {
                    assert_eq!(answer["error"], "slot_taken", "{answer}");
                    return false;
                }
                Some((503, _)) | None => {}
                Some((status, answer)) => panic!("{status} {answer}"),
            }
        }
    }

    /// A booking in doubt that was refused when it was asked again: is it
    /// there all the same?
    async fn settle(&mut self) {
        let known = self.history.iter().any(|entry| matches!(entry.told, Told::Booked { .. }));
        if !self.in_doubt || known {
            return;
        }
        for visit in self.caller.get("/visits?limit=20").await["data"].as_array().unwrap() {
            let told = booked(visit);

            self.history.push(Entry { member: self.caller.id.clone(), told });
        }
    }

    /// What is free in the week of a time.
    async fn free(&mut self, around: i64) -> Vec<i64> {
        const WEEK: i64 = 7 * 86_400;
        let window = format!("start={}&end={}", around - WEEK, around + WEEK);
        let times = self.caller.get(&format!("/availability?room_code=main&{window}")).await;
        begins(times["data"].as_array().unwrap())
    }

    fn has_visit(&self) -> bool {
        self.history.iter().any(|entry| matches!(entry.told, Told::Booked { .. }))
    }

    /// Wants a time, and when it is taken one of those that are offered in its
    /// place, until there are none.
    async fn search(&mut self, first: i64, tally: &Tally) {
        let mut wanted = first;
        // Nobody is unlucky this often.
        for turn in 0..400 {
            // Every third goes without a hold.
            if !self.n.is_multiple_of(3) {
                self.hold(wanted).await;
            }
            match self.book(wanted).await {
                Told::Booked { .. } => return tally.add(),
                Told::Taken(nearest) => {
                    let nearest = match nearest {
                        Some(nearest) => nearest,
                        None => self.free(first).await,
                    };
                    if nearest.is_empty() {
                        return self.settle().await;
                    }
                    wanted = nearest[(self.n + turn) % nearest.len()];
                }
            }
        }
        panic!("patient {} found no time in 400 turns", self.n);
    }
}

/// A created visit has texts where a listed one has numbers.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn booked(visit: &Value) -> Told {
    Told::Booked { visit: text(&visit["id"]), start: text(&visit["start"]).parse().unwrap() }
}

fn begins(times: &[Value]) -> Vec<i64> {
    times.iter().map(|time| time["start"].as_i64().unwrap()).collect()
}

/// The judge: what people were told against what is there.
async fn judge(clinic: &mut Clinic, history: &[Entry], starts: &[i64]) {
    let mut told: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for entry in history {
        if let Told::Booked { visit, start } = &entry.told {
            let before = told.insert(visit.clone(), (*start, entry.member.clone()));
            let same = before.is_none_or(|before| before == (*start, entry.member.clone()));
            assert!(same, "one visit told as two: {entry:?}");
        }
    }
    let mut had: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for (visit, (start, _)) in &told {
        had.entry(*start).or_default().push(visit);
    }
    assert!(had.values().all(|visits| visits.len() == 1), "a time was given twice: {had:?}");
    assert_eq!(had.keys().copied().collect::<Vec<_>>(), starts, "a time was lost");

    // The rows are what people were told: no visit that nobody knows of.
    let listed = clinic.admin.get("/visits?limit=200&sort=start.asc").await;
    let rows: BTreeMap<String, (i64, String)> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!((&row["status"], text(&row["provider_id"])), (&20.into(), clinic.provider.clone()));
            (text(&row["id"]), (row["start"].as_i64().unwrap(), text(&row["member_id"])))
        })
        .collect();
    assert_eq!(rows, told);
    assert_eq!(listed["total_count"], starts.len());

    // Each takes its provider's time once, and one event tells of it.
    let store = Settings { schema: Schema::Require, ..Settings::new(clinic.servers.url()) };
    let store = Store::open(&store).await.unwrap();
    let mut conn = store.reader().await.unwrap();
    let account = accounts::find_only(&mut conn).await.unwrap().unwrap().id;
    let ever = Span { start: At(0), end: At(i64::MAX / 2) };
    let taken = bookings::list(&mut conn, &account, ever, At(1), None).await.unwrap();
    let taken: Vec<(i64, String)> = taken
        .iter()
        .filter_map(|row| row.visit.map(|visit| (row.span.start.seconds(), visit.to_string())))
        .collect();
    let expected: Vec<(i64, String)> =
        had.iter().map(|(start, visits)| (*start, visits[0].to_owned())).collect();
    assert_eq!(taken, expected);
    drop(conn);
    let begun = Instant::now();
    let created = loop {
        let created = created(&store, &account).await;
        if created.len() >= told.len() {
            break created;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {} events", created.len(), told.len());
        tokio::task::yield_now().await;
    };
    let unique: BTreeSet<&String> = created.iter().collect();
    assert_eq!((created.len(), unique), (told.len(), told.keys().collect()), "one event for each visit");
}

/// The visits that an event says were made.
async fn created(store: &Store, account: &bedside_model::AccountId) -> Vec<String> {
    let mut conn = store.reader().await.unwrap();
    let (mut found, mut seq) = (Vec::new(), 0);
    loop {
        let page = events::list_after(&mut conn, account, seq, 500).await.unwrap();
        let Some(last) = page.last() else { return found };
        seq = last.seq;
        let visits = page.iter().filter(|event| event.kind == EventType::VisitCreated);
        found.extend(visits.filter_map(|event| event.visit).map(|visit| visit.to_string()));
    }
}

fn people(patients: Vec<(Caller, Vec<String>)>) -> Vec<Patient> {
    let mut all = Vec::new();
    for (caller, intakes) in patients {
        for intake in intakes {
            let n = all.len();
            all.push(Patient { n, caller: caller.clone(), intake, history: Vec::new(), in_doubt: false });
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bookings_of_one_time_make_one_visit_though_servers_are_killed() {
    let mut clinic = Clinic::open(1).await;
    let start = clinic.starts[0];
    let patients = people(clinic.patients(100, 10).await);
    let tally = Arc::new(Tally::default());
    let asked: Vec<_> = patients
        .into_iter()
        .map(|mut patient| {
            let tally = tally.clone();
            tokio::spawn(async move {
                patient.book(start).await;
                tally.add();
                patient.settle().await;
                patient
            })
        })
        .collect();
    for (n, answers) in [(0, 100), (1, 500)] {
        tally.reaches(answers).await;
        clinic.servers.kill_and_restart(n).await;
    }
    let done: Vec<Patient> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let history: Vec<Entry> = done.into_iter().flat_map(|patient| patient.history).collect();
    assert!(history.len() >= 1_000);
    judge(&mut clinic, &history, &[start]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_race_for_a_hundred_times_while_holds_end_and_servers_are_killed() {
    let mut clinic = Clinic::open(100).await;
    let starts = Arc::new(clinic.starts.clone());
    let patients = people(clinic.patients(200, 1).await);
    let tally = Arc::new(Tally::default());
    let asked: Vec<_> = patients
        .into_iter()
        .map(|mut patient| {
            let (tally, starts) = (tally.clone(), starts.clone());
            tokio::spawn(async move {
                let first = starts[patient.n / 2 % starts.len()];
                // Every fifth holds a time and goes away.
                if patient.n % 5 == 4 {
                    patient.hold(first).await;
                } else {
                    patient.search(first, &tally).await;
                }
                patient
            })
        })
        .collect();
    for (n, visits) in [(0, 20), (1, 45)] {
        tally.reaches(visits).await;
        clinic.servers.kill_and_restart(n).await;
        clinic.servers.end_holds().await;
    }
    let mut patients: Vec<Patient> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    // What was held and never booked is free again; somebody still wants it.
    clinic.servers.end_holds().await;
    let waiting = patients.iter_mut().filter(|patient| !patient.has_visit());
    join_all(waiting.map(|patient| {
        let first = starts[patient.n / 2 % starts.len()];
        patient.search(first, &tally)
    }))
    .await;
    let history: Vec<Entry> = patients.into_iter().flat_map(|patient| patient.history).collect();
    judge(&mut clinic, &history, &starts).await;
}
