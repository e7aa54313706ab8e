//! The calls that a busy portal makes most, in a clinic of some years: a page
//! of visits out of a million, a search among 200,000 people, a sign-in of
//! somebody known. On both engines, each beside a bare handler that does the
//! same SQL with nothing around it (`bench_api` in `crates/tests`).

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    Options,
    http::{Connection, Credentials},
    percentile,
    subject::{Home, bearer, portal, text},
    visits::together,
};
use crate::{postgres, process};

/// Clients that ask at the same time.
const CLIENTS: usize = 8;
/// How long each call is asked for.
const ASK_FOR: Duration = Duration::from_secs(5);

/// One call to one server.
pub struct Side {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// One call on one engine.
pub struct Row {
    pub engine: &'static str,
    pub call: &'static str,
    pub server: Side,
    pub bare: Side,
}

pub struct Figures {
    pub visits: usize,
    pub users: usize,
    pub rows: Vec<Row>,
}

struct Calls {
    admin: Credentials,
    key: Credentials,
}

pub fn measure(binary: &Path, scratch: &Path, target: &Path, options: &Options) -> Result<Figures> {
    let mut rows = Vec::new();
    let home = Home::new(scratch, "lists", true)?;
    on_engine("SQLite", binary, &home, options, &mut rows)?;
    let cluster = postgres::Cluster::durable(target)?;
    let home = Home::new(scratch, "lists-postgres", true)?.on(&cluster.url);
    on_engine("Postgres", binary, &home, options, &mut rows)?;
    Ok(Figures { visits: options.old_visits, users: options.old_users, rows })
}

fn on_engine(
    engine: &'static str,
    binary: &Path,
    home: &Home,
    options: &Options,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let account = home.create_account(binary)?;
    let other = binary.with_file_name("bench_api");
    let began = Instant::now();
    let mut seed = process::command(&other);
    seed.arg("seed").args(home.store_and_key());
    seed.args([options.old_users.to_string(), options.old_visits.to_string()]);
    process::run(&mut seed)?;
    eprintln!("{engine}: seeded in {:.0} s", began.elapsed().as_secs_f64());

    let calls = Calls { admin: bearer(text(&account, "admin_token")?), key: portal(&account)? };
    let subject = home.serve(binary)?;
    let served = calls.all(subject.address)?;
    drop(subject);
    let bare = Bare::start(&other, home)?;
    let bared = calls.all(bare.address)?;
    for ((call, server), (_, bare)) in served.into_iter().zip(bared) {
        eprintln!("{engine} {call}: {:.0}/s, bare {:.0}/s", server.per_second, bare.per_second);
        rows.push(Row { engine, call, server, bare });
    }
    Ok(())
}

impl Calls {
    fn all(&self, address: SocketAddr) -> Result<Vec<(&'static str, Side)>> {
        let visits = ask(address, |connection, _| connection.get("/api_v3/visits?limit=25", &self.admin))?;
        // Names that many share, and names of one person.
        let users = ask(address, |connection, n| {
            let wanted = ["santos1", "tan42", "becker", "noah.costa", "kowalski77"][n % 5];
            connection.get(&format!("/api_v3/users?q={wanted}"), &self.admin)
        })?;
        let sso = ask(address, |connection, n| {
            let person = json!({ "type": 200, "code": format!("200-{}", n % 1000), "first_name": FIRST[n % 1000 % 16],
                "last_name": format!("{}{}", LAST[n % 1000 / 16 % 16], n % 1000 / 256) });
            connection.post("/api_v3/users/sso", &self.key, &person)
        })?;
        Ok(vec![
            ("`GET /visits?limit=25`", visits),
            ("`GET /users?q=`", users),
            ("`POST /users/sso`, known", sso),
        ])
    }
}

// As `bench_api seed` names people, so that a sign-in changes nobody.
const FIRST: [&str; 16] = [
    "Maria", "Tom", "Amara", "Jonas", "Mei", "Ana", "Luis", "Sofia", "Noah", "Emma", "Ali", "Yuki", "Ines",
    "Omar", "Lena", "Igor",
];
const LAST: [&str; 16] = [
    "Santos", "Becker", "Osei", "Lind", "Tan", "Silva", "Moreau", "Rossi", "Novak", "Haddad", "Kowalski",
    "Sato", "Okafor", "Jensen", "Costa", "Petrov",
];

/// Asks from all clients for a while, after some that do not count.
fn ask(address: SocketAddr, call: impl Fn(&mut Connection, usize) -> Result<Value> + Sync) -> Result<Side> {
    let mut warm = Connection::open(address)?;
    for n in 0..20 {
        call(&mut warm, n)?;
    }
    drop(warm);
    let began = Instant::now();
    let latencies: Vec<Vec<f64>> = together((0..CLIENTS).collect(), address, |connection, client| {
        let mut seen = Vec::new();
        while began.elapsed() < ASK_FOR {
            let asked = Instant::now();
            call(connection, client * 7919 + seen.len())?;
            seen.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(seen)
    })?;
    let elapsed = began.elapsed().as_secs_f64();
    let all: Vec<f64> = latencies.into_iter().flatten().collect();
    Ok(Side {
        per_second: all.len() as f64 / elapsed,
        p50_ms: percentile(&all, 0.5),
        p99_ms: percentile(&all, 0.99),
    })
}

/// The bare handler; dropping it stops it.
pub struct Bare {
    child: Child,
    pub address: SocketAddr,
}

impl Bare {
    /// Starts it and waits until it answers.
    pub fn start(program: &Path, home: &Home) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = process::command(program);
        command.arg("bare").args(home.store_and_key()).arg(address.to_string()).stdout(Stdio::null());
        let bare = Self { child: command.spawn().context("bench_api could not be started")?, address };
        let began = Instant::now();
        while Connection::open(address).and_then(|mut connection| connection.status("/")).is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                bail!("the bare handler was not ready after 30 s");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
