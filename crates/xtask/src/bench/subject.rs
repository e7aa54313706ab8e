//! The server under test: the release binary on a data directory of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::http::{Connection, Credentials};
use crate::process;

const READY_LIMIT: Duration = Duration::from_secs(30);

/// A data directory that servers can be started on, one after another.
pub struct Home {
    folder: PathBuf,
    store: String,
    group_commit: bool,
    more: Vec<(&'static str, &'static str)>,
}

/// A running server; dropping it stops it.
pub struct Subject {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of `/readyz`.
    pub started_in: Duration,
}

impl Home {
    /// An empty one.
    pub fn new(scratch: &Path, name: &str, group_commit: bool) -> Result<Self> {
        let folder = scratch.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let store = format!("sqlite:{}", folder.join("bedside.db").display());
        Ok(Self { folder, store, group_commit, more: Vec::new() })
    }

    /// The same on another database.
    pub fn on(self, store: &str) -> Self {
        Self { store: store.to_owned(), ..self }
    }

    /// The same with one more setting, named as in the environment.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.more.push((name, value));
        self
    }

    /// The store's URL and the master key's file, for programs beside the server.
    pub fn store_and_key(&self) -> [String; 2] {
        [self.store.clone(), self.folder.join("master.key").display().to_string()]
    }

    fn command(&self, binary: &Path) -> Command {
        let mut command = process::command(binary);
        command
            .current_dir(&self.folder)
            .env("BEDSIDE__STORE__URL", &self.store)
            .env("BEDSIDE__STORE__GROUP_COMMIT", self.group_commit.to_string())
            .env("BEDSIDE__KEYS__MASTER_KEY_FILE", self.folder.join("master.key"))
            .env("BEDSIDE__LOG__FILTER", "warn");
        for (name, value) in &self.more {
            command.env(format!("BEDSIDE__{name}"), value);
        }
        // The load comes from one address and few people; limits are not what is measured.
        for limit in ["API_KEY_PER_S", "ADMIN_TOKEN_PER_S", "USER_PER_S", "ANONYMOUS_PER_S"] {
            command.env(format!("BEDSIDE__LIMITS__{limit}"), "1000000");
        }
        command
    }

    /// Makes a clinic and returns its credentials (API key, API secret, admin token).
    pub fn create_account(&self, binary: &Path) -> Result<Value> {
        let mut create = self.command(binary);
        create.args(["account", "create", "--code", "bench", "--name", "Bench Clinic", "--json"]);
        let out = process::read(&mut create)?;
        serde_json::from_slice(&out).context("`bedside account create --json` printed no JSON")
    }

    /// Starts a server and waits until it is ready.
    pub fn serve(&self, binary: &Path) -> Result<Subject> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let media = UdpSocket::bind(("0.0.0.0", 0))?.local_addr()?.port();
        let mut command = self.command(binary);
        command
            .arg("serve")
            .env("BEDSIDE__SERVER__LISTEN", address.to_string())
            .env("BEDSIDE__MEDIA__UDP_PORT", media.to_string())
            .stdout(Stdio::null());
        let began = Instant::now();
        let child = command.spawn().context("the server could not be started")?;
        let mut subject = Subject { child, address, started_in: Duration::ZERO };
        loop {
            if subject.is_ready() {
                subject.started_in = began.elapsed();
                return Ok(subject);
            }
            if let Some(status) = subject.child.try_wait()? {
                bail!("the server ended with {status} before it was ready");
            }
            if began.elapsed() > READY_LIMIT {
                bail!("the server was not ready after {} s", READY_LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Subject {
    fn is_ready(&self) -> bool {
        Connection::open(self.address).and_then(|mut c| c.status("/readyz")).is_ok_and(|status| status == 200)
    }

    /// Memory that the process holds, in bytes, from `/proc`.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")).context("no VmRSS in /proc")?;
        Ok(kilobytes.trim().parse::<u64>()? * 1024)
    }

    /// Processor time that the process has used so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields after the command's closing bracket; user and system time are numbers 14 and 15 of all.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).context("short /proc stat");
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }
}

/// Linux reports processor time in hundredths of a second on every machine we know.
const TICKS_PER_SECOND: f64 = 100.0;

impl Drop for Subject {
    fn drop(&mut self) {
        let asked = process::command("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// What a clinic's own server sends with each call.
pub fn portal(account: &Value) -> Result<Credentials> {
    Ok(Credentials(vec![
        ("x-accountcode", "bench".to_owned()),
        ("x-apikey", text(account, "api_key")?),
        ("x-apisecret", text(account, "api_secret")?),
    ]))
}

/// What somebody with a token sends.
pub fn bearer(token: String) -> Credentials {
    Credentials(vec![("x-accountcode", "bench".to_owned()), ("x-apitoken", token)])
}

/// A text member of an object.
pub fn text(object: &Value, name: &str) -> Result<String> {
    let found = object[name].as_str().with_context(|| format!("no {name} in {object}"))?;
    Ok(found.to_owned())
}
