//! The real binary as a child process, for what only a process can show: exit
//! codes, sentences on standard error, signals, busy ports.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// Far longer than a start or an end takes; reached only when neither comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `bedside` that runs.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

/// How a `bedside` ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The binary: `BEDSIDE_BIN`, or the workspace's own, built if need be.
fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("BEDSIDE_BIN") {
            return PathBuf::from(path);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = std::process::Command::new(cargo)
            .args(["build", "--quiet", "--package", "bedside", "--bin", "bedside"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the binary is built");
        let tests = std::env::current_exe().expect("the test binary has a path");
        tests.ancestors().nth(2).expect("target/debug/deps/it").join("bedside")
    })
}

/// The command, on settings of its own and nothing of this process's.
fn command(arguments: &[&str], settings: &[(&str, &str)], home: &Path) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    for (name, value) in settings {
        command.env(format!("BEDSIDE__{}", name.to_uppercase().replace('.', "__")), value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub async fn run(arguments: &[&str], settings: &[(&str, &str)], home: &Path) -> Ended {
    let output = tokio::time::timeout(PATIENCE, command(arguments, settings, home).output());
    let output = output.await.expect("the command ends").expect("the command runs");
    Ended {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Process {
    /// Starts a command that goes on.
    pub fn spawn(arguments: &[&str], settings: &[(&str, &str)], home: &Path) -> Self {
        let mut child = command(arguments, settings, home).spawn().expect("the command starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        Self { child, lines: BufReader::new(stdout).lines(), said: Vec::new() }
    }

    /// Waits for the line that says it is ready; gives its origin.
    pub async fn listening(&mut self) -> String {
        let wanted = async {
            while let Some(line) = self.lines.next_line().await.expect("text") {
                if let Some(origin) = line.strip_prefix("listening on ") {
                    return Some(origin.to_owned());
                }
                self.said.push(line);
            }
            None
        };
        let origin = tokio::time::timeout(PATIENCE, wanted).await.expect("the server is ready in time");
        match origin {
            Some(origin) => origin,
            None => panic!("the server ended: {}", self.rest_of_stderr().await),
        }
    }

    /// What it printed before that line.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal, as `kill -SIGNAL`.
    pub fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends in time");
        let mut stdout = self.said.join("\n");
        while let Ok(Some(line)) = self.lines.next_line().await {
            stdout.push('\n');
            stdout.push_str(&line);
        }
        Ended { status: status.expect("a status"), stdout, stderr: self.rest_of_stderr().await }
    }

    async fn rest_of_stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut text).await.expect("text");
        }
        text
    }
}

impl Ended {
    /// Asserts a failure told in one plain sentence; gives the sentence.
    #[track_caller]
    pub fn sentence(&self) -> &str {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        let text = self.stderr.trim();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
        text.strip_prefix("bedside: ").expect("it says who speaks")
    }
}
