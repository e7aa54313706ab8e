//! Peers of calls that run the unmodified LiveKit SDK for Python.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Far more than anything a peer waits for takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The Python with the SDK: `cargo xtask test` makes the environment and names
/// it; one that it left behind serves as well.
pub fn python() -> Option<PathBuf> {
    let left_behind = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    std::env::var_os("BEDSIDE_TEST_PYTHON")
        .map(PathBuf::from)
        .or_else(|| left_behind.is_file().then_some(left_behind))
}

/// A peer that stays in a call, sends picture and sound, and says what happens.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<Value>,
}

impl Peer {
    /// Joins a call.
    pub fn join(python: &Path, url: &str, token: &str) -> Self {
        Self::join_with(python, &[url, token])
    }

    /// Joins a call and encrypts all its media with this key, so that only
    /// peers with the same key see and hear it.
    pub fn join_sealed(python: &Path, url: &str, token: &str, key: &str) -> Self {
        Self::join_with(python, &[url, token, key])
    }

    fn join_with(python: &Path, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/stay.py");
        let mut command = Command::new(python);
        command.arg(script).args(arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the script starts");
        let input = child.stdin.take().expect("a piped input");
        let lines = BufReader::new(child.stdout.take().expect("a piped output")).lines();
        Self { child, input, lines, said: Vec::new() }
    }

    /// Waits until this happens to the peer; what it said before counts too.
    pub async fn next_of(&mut self, event: &str) -> Value {
        self.until(event, |_| true).await
    }

    /// Waits for something that happens and is what is looked for.
    pub async fn until(&mut self, event: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut read = 0;
        loop {
            if let Some(found) =
                self.said[read..].iter().position(|said| said["event"] == event && is_it(said))
            {
                return self.said.remove(read + found);
            }
            read = self.said.len();
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let said = &self.said;
            let line = line.unwrap_or_else(|_| panic!("no `{event}` came, but {said:?}"));
            let line = line.expect("lines").unwrap_or_else(|| panic!("ended without `{event}`: {said:?}"));
            // The SDK's own words may stand between.
            self.said.extend(serde_json::from_str::<Value>(&line).ok().filter(Value::is_object));
        }
    }

    /// Leaves the call by its own wish, and ends.
    pub async fn leave(mut self) {
        self.input.write_all(b"\n").await.expect("the peer still listens");
        self.ended("CLIENT_INITIATED").await;
    }

    /// Waits until the peer is out of the call for this reason, and ends.
    pub async fn ended(mut self, reason: &str) {
        assert_eq!(self.next_of("left").await["reason"], reason);
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends");
        assert!(ended.expect("a status").success());
    }
}
