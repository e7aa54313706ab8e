//! A throw-away Postgres cluster for the integration suite: on loopback, on a
//! free port, without fsync, gone at the end.
//!
//! Postgres refuses to run as root, so it runs as an unprivileged user then.
//! It is a direct child that is told to stop when this program dies, however
//! it dies.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::process;

const OLDEST: u32 = 15;
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running cluster; dropping it stops it and removes its files.
pub struct Cluster {
    server: Child,
    folder: PathBuf,
    /// `postgres://…` of a superuser on the default database.
    pub url: String,
}

/// The folder with `initdb` and `postgres`, the newest version first.
pub fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let version = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((version, PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))))
        })
        .filter(|(version, folder)| *version >= OLDEST && folder.join("initdb").is_file())
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, folder)| folder);
    newest.or_else(|| process::find("initdb").and_then(|file| file.parent().map(Path::to_path_buf)))
}

impl Cluster {
    /// Makes a cluster under `target/pg` and waits until it answers.
    pub fn start(target: &Path) -> Result<Self> {
        Self::start_with(
            target,
            &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=256MB"],
        )
    }

    /// The same with commits that survive a power cut, for measurements.
    pub fn durable(target: &Path) -> Result<Self> {
        Self::start_with(target, &["shared_buffers=512MB", "max_wal_size=4GB"])
    }

    fn start_with(target: &Path, settings: &[&str]) -> Result<Self> {
        let binaries = binaries().context("no PostgreSQL binaries were found")?;
        let user = Unprivileged::when_root()?;
        let folder = folder(target, user.as_ref())?;
        let data = folder.join("data");

        let mut initdb = user.command(&binaries.join("initdb"));
        initdb.args(["--username=bedside", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pgdata").arg(&data);
        process::read(&mut initdb).context("initdb failed")?;

        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = fs::File::create(folder.join("log"))?;
        let mut server = user.command(&binaries.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in settings.iter().chain(&["max_connections=300"]) {
            server.args(["-c", setting]);
        }
        server.stdout(log.try_clone()?).stderr(log);
        let server = server.spawn().context("postgres could not be started")?;
        let url = format!("postgres://bedside@127.0.0.1:{port}/postgres");
        let mut cluster = Self { server, folder, url };
        cluster.wait_until_ready(&binaries, port)?;
        Ok(cluster)
    }

    /// The last lines that the server wrote, for a run that failed.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains("FATAL") || line.contains("PANIC")).collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn wait_until_ready(&mut self, binaries: &Path, port: u16) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut probe = process::command(binaries.join("pg_isready"));
            probe.args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()]);
            if probe.status()?.success() {
                return Ok(());
            }
            let ended = self.server.try_wait()?;
            if ended.is_some() || began.elapsed() > START_LIMIT {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("Postgres did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT is Postgres's fast shutdown: open sessions are rolled back and ended.
        let asked = process::command("kill").args(["-INT", &self.server.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The user that Postgres runs as when we are root.
struct Unprivileged {
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    fn when_root() -> Result<Option<Self>> {
        if !process::is_root() {
            return Ok(None);
        }
        let id = |flag: &str, user: &str| -> Result<u32> {
            let out = process::read(process::command("id").args([flag, user]).stderr(Stdio::null()))?;
            Ok(String::from_utf8(out)?.trim().parse()?)
        };
        let user = if id("-u", "postgres").is_ok() { "postgres" } else { "nobody" };
        Ok(Some(Self { uid: id("-u", user)?, gid: id("-g", user)? }))
    }
}

/// Commands run as the unprivileged user, or as ourselves when there is none.
trait RunAs {
    fn command(&self, program: &Path) -> Command;
}

impl RunAs for Option<Unprivileged> {
    fn command(&self, program: &Path) -> Command {
        let Some(setpriv) = process::find("setpriv") else {
            return process::command(program);
        };
        let mut command = process::command(setpriv);
        if let Some(Unprivileged { uid, gid }) = self {
            command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"]);
        }
        command.args(["--pdeathsig", "INT"]).arg(program).current_dir("/");
        command
    }
}

/// An empty folder that the user of the cluster owns and can reach: under
/// `target/` where possible, else (a checkout in root's home) a temporary one.
fn folder(target: &Path, user: Option<&Unprivileged>) -> Result<PathBuf> {
    let near = target.join("pg");
    let reachable = user.is_none()
        || near
            .ancestors()
            .skip(1)
            .all(|above| fs::metadata(above).map_or(true, |found| found.permissions().mode() & 0o001 != 0));
    let folder = if reachable {
        near
    } else {
        std::env::temp_dir().join(format!("bedside-pg-{}", std::process::id()))
    };
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    if let Some(Unprivileged { uid, gid }) = user {
        chown(&folder, Some(*uid), Some(*gid))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_and_is_gone_afterwards() -> Result<()> {
        let Some(binaries) = binaries() else {
            eprintln!("no PostgreSQL here: nothing to try");
            return Ok(());
        };
        let target = std::env::temp_dir().join(format!("bedside-cluster-{}", std::process::id()));
        let cluster = Cluster::start(&target)?;
        let mut ask = process::command(binaries.join("psql"));
        ask.args(["--no-psqlrc", "--tuples-only", "--command", "select 6 * 7", &cluster.url]);
        assert_eq!(process::read(&mut ask)?.trim_ascii(), b"42");
        let pid = cluster.server.id();
        drop(cluster);
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server is stopped");
        assert!(!target.join("pg").exists(), "its files are removed");
        fs::remove_dir_all(&target)?;
        Ok(())
    }
}
