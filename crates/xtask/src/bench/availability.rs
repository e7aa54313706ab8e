//! Free times of rooms with one, fifty and two hundred providers in a clinic
//! of many appointments, beside a naive handler (`bench_api bare`: a question
//! for each provider, every begin against every booking), and bookings a second
//! when everybody wants the same times. On both engines.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    Options,
    http::{Connection, Credentials},
    lists::{Bare, Side},
    percentile,
    subject::{Home, bearer, portal, text},
    visits::together,
};
use crate::{postgres, process};

/// Providers of a room, and for how many days it is asked.
const QUESTIONS: [(usize, i64); 3] = [(1, 28), (50, 28), (200, 62)];
/// Clients that ask at the same time.
const ASKING: usize = 2;
/// How long each question is asked for, and how often at least.
const ASK_FOR: Duration = Duration::from_secs(5);
const AT_LEAST: usize = 5;
/// Clients that book at the same time, and the bookings of each.
const BOOKING: usize = 16;
const BOOKINGS: usize = 25;

/// One question on one engine.
pub struct Row {
    pub engine: &'static str,
    pub providers: usize,
    pub days: i64,
    /// Free times in the answer.
    pub times: u64,
    pub server: Side,
    pub naive: Side,
}

/// Bookings on one engine.
pub struct Bookings {
    pub engine: &'static str,
    /// Everybody wants the first free time of the same provider.
    pub contended: Rate,
    /// Everybody has a provider of their own.
    pub apart: Rate,
}

/// Bookings from all clients at once.
pub struct Rate {
    pub per_second: f64,
    /// Requests for each that succeeded.
    pub tries: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

pub struct Figures {
    pub visits: usize,
    pub rows: Vec<Row>,
    pub bookings: Vec<Bookings>,
}

pub fn measure(binary: &Path, scratch: &Path, target: &Path, options: &Options) -> Result<Figures> {
    let mut figures = Figures { visits: options.appointments, rows: Vec::new(), bookings: Vec::new() };
    let home = Home::new(scratch, "calendar", true)?;
    on_engine("SQLite", binary, &home, &mut figures)?;
    let cluster = postgres::Cluster::durable(target)?;
    let home = Home::new(scratch, "calendar-postgres", true)?.on(&cluster.url);
    on_engine("Postgres", binary, &home, &mut figures)?;
    Ok(figures)
}

fn on_engine(engine: &'static str, binary: &Path, home: &Home, figures: &mut Figures) -> Result<()> {
    let account = home.create_account(binary)?;
    let other = binary.with_file_name("bench_api");
    let began = Instant::now();
    let mut seed = process::command(&other);
    seed.arg("calendar").args(home.store_and_key()).arg(figures.visits.to_string());
    process::run(&mut seed)?;
    eprintln!("{engine}: seeded in {:.0} s", began.elapsed().as_secs_f64());

    let admin = bearer(text(&account, "admin_token")?);
    // From the next full hour on, so that both sides call the same times past.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let start = i64::try_from(now)? / 3_600 * 3_600 + 3_600;
    let path = |(providers, days): (usize, i64)| {
        let end = start + days * 86_400;
        format!("/api_v3/availability?room_code=c{providers}&start={start}&end={end}&duration=15")
    };
    let mut served = Vec::new();
    let subject = home.serve(binary)?;
    for question in QUESTIONS {
        served.push(ask(subject.address, &path(question), &admin)?);
    }
    drop(subject);
    let bare = Bare::start(&other, home)?;
    for (question, (times, server)) in QUESTIONS.into_iter().zip(served) {
        let (naive_times, naive) = ask(bare.address, &path(question), &admin)?;
        let (providers, days) = question;
        ensure!(times == naive_times, "{providers} providers: {times} free times, naively {naive_times}");
        eprintln!(
            "{engine}, {providers} providers, {days} days: {times} times, p50 {:.1} ms, naively {:.1} ms",
            server.p50_ms, naive.p50_ms
        );
        figures.rows.push(Row { engine, providers, days, times, server, naive });
    }
    drop(bare);
    let subject = home.serve(binary)?;
    let desk = Desk::open(subject.address, &account, &path((1, 28)), &path((50, 7)))?;
    let apart = desk.book("c50", |client| (&desk.providers[client], desk.first))?;
    let contended = desk.book("c1", |_| (&desk.alone, desk.first_alone))?;
    eprintln!(
        "{engine}: {:.0} bookings/s for the same times, {:.0} apart",
        contended.per_second, apart.per_second
    );
    figures.bookings.push(Bookings { engine, contended, apart });
    Ok(())
}

/// Asks from all clients for a while; gives how many free times there are.
fn ask(address: SocketAddr, path: &str, who: &Credentials) -> Result<(u64, Side)> {
    let answer: Value = serde_json::from_slice(&Connection::open(address)?.read(path, who)?)?;
    let times = answer["total_count"].as_u64().context("no total_count")?;
    let began = Instant::now();
    let seen: Vec<Vec<f64>> = together((0..ASKING).collect(), address, |connection, _: usize| {
        let mut seen = Vec::new();
        while began.elapsed() < ASK_FOR || seen.len() < AT_LEAST {
            let asked = Instant::now();
            connection.read(path, who)?;
            seen.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(seen)
    })?;
    let elapsed = began.elapsed().as_secs_f64();
    let all: Vec<f64> = seen.into_iter().flatten().collect();
    let side = Side {
        per_second: all.len() as f64 / elapsed,
        p50_ms: percentile(&all, 0.5),
        p99_ms: percentile(&all, 0.99),
    };
    Ok((times, side))
}

/// Patients with intakes, and times that they may want.
struct Desk {
    address: SocketAddr,
    patients: Vec<Credentials>,
    /// Of the room of fifty.
    providers: Vec<String>,
    first: i64,
    /// The provider of the small room.
    alone: String,
    first_alone: i64,
}

impl Desk {
    fn open(address: SocketAddr, account: &Value, small: &str, large: &str) -> Result<Self> {
        let mut connection = Connection::open(address)?;
        let admin = bearer(text(account, "admin_token")?);
        let key = portal(account)?;
        let patients = (0..BOOKING)
            .map(|n| {
                let person =
                    json!({ "type": 200, "code": format!("booker-{n}"), "first_name": "Pat", "last_name": "Bench" });
                let user = connection.post("/api_v3/users/sso", &key, &person)?;
                Ok(bearer(text(&user["token"], "token")?))
            })
            .collect::<Result<_>>()?;
        let mut times = |path: &str| -> Result<Vec<(String, i64)>> {
            let found = connection.get(path, &admin)?;
            let found = found.as_array().context("no list")?;
            found
                .iter()
                .map(|time| Ok((text(time, "provider_id")?, time["start"].as_i64().context("no start")?)))
                .collect()
        };
        let (alone, first_alone) = times(small)?.into_iter().next().context("nothing is free")?;
        let free = times(large)?;
        let first = free.first().context("nothing is free")?.1;
        let mut providers: Vec<String> = free.into_iter().map(|(provider, _)| provider).collect();
        providers.sort_unstable();
        providers.dedup();
        ensure!(providers.len() >= BOOKING, "too few providers are free");
        Ok(Self { address, patients, providers, first, alone, first_alone })
    }

    /// Every client books some appointments. Whose time is taken takes the
    /// nearest that is offered in its place, as a page does.
    fn book<'d>(&self, room: &str, wanted: impl Fn(usize) -> (&'d String, i64) + Sync) -> Result<Rate> {
        let mut intakes = Vec::new();
        for who in &self.patients {
            let mut connection = Connection::open(self.address)?;
            let body = json!({ "room_code": room, "reason_for_visit": "Bench" });
            let ids = (0..BOOKINGS).map(|_| text(&connection.post("/api_v3/intakes", who, &body)?, "id"));
            intakes.push(ids.collect::<Result<Vec<String>>>()?);
        }
        let began = Instant::now();
        let jobs: Vec<(usize, Vec<String>)> = intakes.into_iter().enumerate().collect();
        let seen: Vec<Vec<f64>> = together(jobs, self.address, |connection, (client, intakes)| {
            let (provider, start) = wanted(client);
            let mut body = json!({ "room_code": room, "provider_id": provider, "start": start });
            let mut seen = Vec::new();
            for intake in intakes {
                body["intake_id"] = intake.into();
                loop {
                    let asked = Instant::now();
                    let (status, answer) =
                        connection.try_post("/api_v3/visits", &self.patients[client], &body)?;
                    seen.push(asked.elapsed().as_secs_f64() * 1e3);
                    match status {
                        200 => break,
                        400 if answer["error"] == "slot_taken" => {
                            let next = answer["nearest"][0]["start"].as_i64();
                            body["start"] = next.context("no free time is left")?.into();
                        }
                        503 => {}
                        _ => bail!("POST /visits answered {status}: {answer}"),
                    }
                }
            }
            Ok(seen)
        })?;
        let elapsed = began.elapsed().as_secs_f64();
        let all: Vec<f64> = seen.into_iter().flatten().collect();
        let made = (BOOKING * BOOKINGS) as f64;
        Ok(Rate {
            per_second: made / elapsed,
            tries: all.len() as f64 / made,
            p50_ms: percentile(&all, 0.5),
            p99_ms: percentile(&all, 0.99),
        })
    }
}
