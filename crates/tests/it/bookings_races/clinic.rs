//! A clinic on processes of the real binary: one on SQLite, two on Postgres,
//! killed and started again while people book.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bedside_app::Clock;
use bedside_tests::kit::{
    Client, Database,
    binary::{self, Process},
    sql,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

const QUARTER: i64 = 900;
const DAY: i64 = 86_400;
/// A server that does not answer for this long counts as gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the servers are; none where one was killed.
type Bases = Vec<Option<String>>;

/// The processes.
pub struct Servers {
    database: Database,
    settings: Vec<(&'static str, String)>,
    running: Vec<Process>,
    bases: watch::Sender<Bases>,
}

impl Servers {
    async fn start() -> (Self, Value) {
        let database = Database::fresh().await;
        let folder = database.folder().display().to_string();
        let mut settings = vec![
            ("server.listen", "127.0.0.1:0".to_owned()),
            ("store.url", database.url().to_owned()),
            ("keys.master_key_file", format!("{folder}/master.key")),
            ("mail.folder", format!("{folder}/mail")),
            ("files.url", format!("dir:{folder}/files")),
            ("media.enabled", "false".to_owned()),
            ("log.filter", "error".to_owned()),
        ];
        for limit in [
            "limits.api_key_per_s",
            "limits.admin_token_per_s",
            "limits.user_per_s",
            "limits.anonymous_per_s",
        ] {
            settings.push((limit, "1000000".to_owned()));
        }
        // One process owns a SQLite file; on Postgres there may be many.
        let count = if database.is_sqlite() { 1 } else { 2 };
        let mut servers =
            Self { database, settings, running: Vec::new(), bases: watch::channel(vec![None; count]).0 };
        let create = ["account", "create", "--code", "north", "--name", "North", "--json"];
        let made = binary::run(&create, &servers.settings(), servers.database.folder()).await;
        let made: Value = serde_json::from_str(&made.stdout).unwrap_or_else(|_| panic!("{made:?}"));
        for n in 0..count {
            let process = servers.spawn(n).await;
            servers.running.push(process);
        }
        (servers, made)
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    async fn spawn(&self, n: usize) -> Process {
        let mut process = Process::spawn(&["serve"], &self.settings(), self.database.folder());
        let base = process.listening().await;
        self.bases.send_modify(|bases| bases[n] = Some(base));
        process
    }

    /// SIGKILL for one of them, then another one in its place.
    pub async fn kill_and_restart(&mut self, n: usize) {
        let n = n % self.running.len();
        let process = self.running.remove(n);
        process.signal("-KILL");
        self.bases.send_modify(|bases| bases[n] = None);
        process.ended().await;
        let next = self.spawn(n).await;
        self.running.insert(n, next);
    }

    /// Every time that is held and not booked is over, as after ten minutes.
    pub async fn end_holds(&self) -> u64 {
        let ended = "UPDATE bookings SET expires_at = 1 WHERE visit_id IS NULL AND expires_at > 1";
        sql(self.database.url(), ended).await
    }

    /// Of the database.
    pub fn url(&self) -> &str {
        self.database.url()
    }
}

/// A clinic with a provider and free quarters of an hour.
pub struct Clinic {
    pub servers: Servers,
    pub admin: Caller,
    pub provider: String,
    pub starts: Vec<i64>,
    portal: Client,
    door: Door,
}

/// The way to whichever server is there.
#[derive(Clone)]
struct Door {
    http: reqwest::Client,
    bases: watch::Receiver<Bases>,
}

/// Somebody with a token, who asks whichever server is there.
#[derive(Clone)]
pub struct Caller {
    /// Number of the user.
    pub id: String,
    token: String,
    turn: usize,
    door: Door,
}

impl Caller {
    /// Asks one server, once. None when it went away over the question: then
    /// nobody knows whether it was done.
    pub async fn ask(
        &mut self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let alive: Vec<String> = {
            let bases = self.door.bases.wait_for(|bases| bases.iter().any(Option::is_some)).await;
            bases.expect("the servers outlive the callers").iter().flatten().cloned().collect()
        };
        self.turn += 1;
        let base = &alive[self.turn % alive.len()];
        let mut request = self
            .door
            .http
            .request(method, format!("{base}/api_v3{path}"))
            .timeout(PATIENCE)
            .header("X-AccountCode", "north")
            .header("X-ApiToken", &self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_str(&response.text().await.ok()?).ok()?))
    }

    /// Asks until a server answers.
    pub async fn get(&mut self, path: &str) -> Value {
        loop {
            match self.ask(reqwest::Method::GET, path, None).await {
                Some((200, body)) => return body,
                Some((503, _)) | None => {}
                Some((status, body)) => panic!("{path}: {status} {body}"),
            }
        }
    }
}

impl Clinic {
    /// A provider with this many free times, from the day after tomorrow on.
    pub async fn open(times: i64) -> Self {
        const A_DAY: i64 = 20;
        let (servers, made) = Servers::start().await;
        let bases = servers.bases.subscribe();
        let base = bases.borrow()[0].clone().expect("it runs");
        let word = |name: &str| made[name].as_str().expect("a credential").to_owned();
        let portal = Client::new(&base)
            .header("X-AccountCode", "north")
            .header("X-ApiKey", &word("api_key"))
            .header("X-ApiSecret", &word("api_secret"));
        let admin =
            Client::new(&base).header("X-AccountCode", "north").header("X-ApiToken", &word("admin_token"));
        admin.post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main" })).await.ok();
        let settings = json!({ "visits": { "appointment": { "enabled": true } } });
        admin.post("/rooms/main", settings).await.ok();
        let body = json!({ "first_name": "Dora", "last_name": "Doctor", "code": "d-1", "type": 400 });
        let provider = portal.post("/users/sso", body).await.data()["id"].as_str().unwrap().to_owned();
        admin.post(&format!("/users/{provider}/rooms"), json!({ "room_code": "main" })).await.ok();
        let first = (Clock::System.now().seconds() / DAY + 2) * DAY + 9 * 3600;
        let starts: Vec<i64> = (0..times).map(|n| first + n / A_DAY * DAY + n % A_DAY * QUARTER).collect();
        for day in starts.chunks(usize::try_from(A_DAY).unwrap()) {
            let end = day.last().unwrap() + QUARTER;
            let body = json!({ "room_code": "main", "provider_id": provider, "start": day[0], "end": end });
            admin.post("/slots", body).await.ok();
        }
        let door = Door { http: reqwest::Client::builder().no_proxy().build().unwrap(), bases };
        let admin = Caller { id: String::new(), token: word("admin_token"), turn: 0, door: door.clone() };
        Self { servers, admin, provider, starts, portal, door }
    }

    /// Patients, each with some intakes. Nobody is killed before they are there.
    pub async fn patients(&self, count: usize, intakes: usize) -> Vec<(Caller, Vec<String>)> {
        let mut all = Vec::with_capacity(count);
        let numbers: Vec<usize> = (0..count).collect();
        for some in numbers.chunks(25) {
            all.extend(join_all(some.iter().map(|n| self.patient(*n, intakes))).await);
        }
        all
    }

    async fn patient(&self, n: usize, intakes: usize) -> (Caller, Vec<String>) {
        let body = json!({ "first_name": "Maria", "last_name": format!("Number {n}"), "code": format!("p-{n}"), "type": 200 });
        let user = self.portal.post("/users/sso", body).await.data();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut caller = Caller {
            id: text(&user["id"]),
            token: text(&user["token"]["token"]),
            turn: n,
            door: self.door.clone(),
        };
        let body = json!({ "room_code": "main", "reason_for_visit": "A rash" });
        let mut ids = Vec::new();
        for _ in 0..intakes {
            let made = caller.ask(reqwest::Method::POST, "/intakes", Some(&body)).await;
            ids.push(text(&made.expect("an answer").1["data"]["id"]));
        }
        (caller, ids)
    }
}

/// Counts what was answered; whoever kills servers waits for a number.
#[derive(Default)]
pub struct Tally {
    count: AtomicUsize,
    more: Notify,
}

impl Tally {
    pub fn add(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.more.notify_waiters();
    }

    pub async fn reaches(&self, wanted: usize) {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            if self.count.load(Ordering::SeqCst) >= wanted {
                return;
            }
            more.await;
        }
    }
}
