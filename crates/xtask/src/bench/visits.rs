//! Walk-in visits per second through HTTP on SQLite at full durability: with
//! group commit against one commit per write. Two servers, loaded in turn.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{
    Options,
    http::{Connection, Credentials},
    median, percentile,
    subject::{Home, Subject, bearer, portal, text},
};

/// What was measured with one setting.
pub struct Side {
    /// Visits per second of each round.
    pub rates: Vec<f64>,
    /// Milliseconds of every request.
    pub latencies_ms: Vec<f64>,
    /// Processor time of the server per visit, in milliseconds.
    pub cpu_ms: f64,
}

pub struct Figures {
    pub clients: usize,
    pub visits_per_round: usize,
    pub grouped: Side,
    pub single: Side,
    /// Ratio of each round's two rates.
    pub ratios: Vec<f64>,
    /// Syncs per second of one thread that appends 4 kB to a file and syncs it.
    pub syncs_per_second: f64,
}

impl Figures {
    pub fn ratio(&self) -> f64 {
        median(&self.ratios)
    }
}

struct Clinic {
    subject: Subject,
    patients: Vec<Credentials>,
    room_code: String,
}

pub fn measure(binary: &Path, scratch: &Path, options: &Options) -> Result<Figures> {
    let grouped_home = Home::new(scratch, "grouped", true)?;
    let single_home = Home::new(scratch, "single", false)?;
    let grouped = Clinic::open(binary, &grouped_home, options.clients)?;
    let single = Clinic::open(binary, &single_home, options.clients)?;

    let mut figures = Figures {
        clients: options.clients,
        visits_per_round: options.visits,
        grouped: Side::default(),
        single: Side::default(),
        ratios: Vec::new(),
        syncs_per_second: syncs_per_second(scratch)?,
    };
    // One round unseen, so that both start with warm caches and connections.
    grouped.round(options.visits / 4, &mut Side::default())?;
    single.round(options.visits / 4, &mut Side::default())?;
    for round in 0..options.rounds {
        // Who goes first alternates: the second in a pair may meet a busier disk.
        let (with, without) = if round % 2 == 0 {
            let with = grouped.round(options.visits, &mut figures.grouped)?;
            (with, single.round(options.visits, &mut figures.single)?)
        } else {
            let without = single.round(options.visits, &mut figures.single)?;
            (grouped.round(options.visits, &mut figures.grouped)?, without)
        };
        eprintln!("round {}: {with:.0} visits/s grouped, {without:.0} one by one", round + 1);
        figures.ratios.push(with / without);
    }
    let visits = (options.rounds * options.visits) as f64;
    figures.grouped.cpu_ms /= visits;
    figures.single.cpu_ms /= visits;
    Ok(figures)
}

impl Clinic {
    fn open(binary: &Path, home: &Home, clients: usize) -> Result<Self> {
        let account = home.create_account(binary)?;
        let subject = home.serve(binary)?;
        let mut connection = Connection::open(subject.address)?;
        let admin = bearer(text(&account, "admin_token")?);
        let room = json!({ "domain": "bench", "slug": "bench", "name": "Bench", "code": "bench" });
        let room_code = text(&connection.post("/api_v3/rooms", &admin, &room)?, "code")?;
        let key = portal(&account)?;
        let patients = (0..clients)
            .map(|n| {
                let person = json!({ "type": 200, "code": format!("p{n}"), "first_name": "Pat", "last_name": "Bench" });
                let user = connection.post("/api_v3/users/sso", &key, &person)?;
                Ok(bearer(text(&user["token"], "token")?))
            })
            .collect::<Result<_>>()?;
        Ok(Self { subject, patients, room_code })
    }

    /// Makes the intakes, then the visits, and returns the visits per second.
    fn round(&self, visits: usize, side: &mut Side) -> Result<f64> {
        let each = visits.div_ceil(self.patients.len());
        let intake = json!({ "reason_for_visit": "A sore throat since Monday", "room_code": self.room_code });
        let intakes = self.in_parallel(|connection, patient| {
            let make = |_| text(&connection.post("/api_v3/intakes", patient, &intake)?, "id");
            (0..each).map(make).collect::<Result<Vec<String>>>()
        })?;
        let cpu = self.subject.cpu_seconds()?;
        let began = Instant::now();
        let places = self.patients.iter().zip(&intakes);
        let latencies: Vec<Vec<f64>> =
            together(places.collect(), self.subject.address, |connection, (patient, intakes)| {
                intakes
                    .iter()
                    .map(|intake| {
                        let asked = Instant::now();
                        let body = json!({ "intake_id": intake, "room_code": self.room_code });
                        let visit = connection.post("/api_v3/visits/add_walkin", patient, &body)?;
                        if visit["status"] != "10" {
                            bail!("a new walk-in has status {}", visit["status"]);
                        }
                        Ok(asked.elapsed().as_secs_f64() * 1e3)
                    })
                    .collect()
            })?;
        let rate = (each * self.patients.len()) as f64 / began.elapsed().as_secs_f64();
        side.cpu_ms += (self.subject.cpu_seconds()? - cpu) * 1e3;
        side.rates.push(rate);
        side.latencies_ms.extend(latencies.into_iter().flatten());
        Ok(rate)
    }

    fn in_parallel<T: Send>(
        &self,
        job: impl Fn(&mut Connection, &Credentials) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        together(self.patients.iter().collect(), self.subject.address, job)
    }
}

/// One thread and one connection per item.
pub fn together<I: Send, T: Send>(
    items: Vec<I>,
    address: SocketAddr,
    job: impl Fn(&mut Connection, I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let job = &job;
        let clients: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || job(&mut Connection::open(address)?, item)))
            .collect();
        clients.into_iter().map(|client| client.join().map_err(|_| panicked())?).collect()
    })
}

fn panicked() -> anyhow::Error {
    anyhow::anyhow!("a client thread panicked")
}

impl Default for Side {
    fn default() -> Self {
        Self { rates: Vec::new(), latencies_ms: Vec::new(), cpu_ms: 0.0 }
    }
}

impl Side {
    pub fn rate(&self) -> f64 {
        median(&self.rates)
    }

    pub fn latency_ms(&self, share: f64) -> f64 {
        percentile(&self.latencies_ms, share)
    }
}

/// How fast the disk is for what a commit must wait for.
fn syncs_per_second(scratch: &Path) -> Result<f64> {
    let path = scratch.join("sync-probe");
    let mut file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Ok(rate)
}
