//! Where servers and load meet: a network namespace for the server and a pair of
//! virtual Ethernet ends, since Janus serves no loopback addresses; where that
//! may not be made, loopback. Goes away when dropped.

use std::path::Path;

use crate::process;

const NAMESPACE: &str = "bedside-bench";
const OUTER: &str = "bedbench0";
const INNER: &str = "bedbench1";
/// A network of two, from the range for benchmarks between machines (RFC 2544).
const HERE: &str = "198.18.77.1";
const THERE: &str = "198.18.77.2";

pub enum Network {
    Namespace,
    Loopback,
}

impl Network {
    pub fn make() -> Self {
        if !process::is_root() || process::find("ip").is_none() {
            return Self::Loopback;
        }
        remove();
        let made = [
            vec!["netns", "add", NAMESPACE],
            vec!["link", "add", OUTER, "type", "veth", "peer", "name", INNER, "netns", NAMESPACE],
            vec!["address", "add", "198.18.77.1/30", "dev", OUTER],
            vec!["link", "set", OUTER, "up"],
            vec!["-n", NAMESPACE, "address", "add", "198.18.77.2/30", "dev", INNER],
            vec!["-n", NAMESPACE, "link", "set", INNER, "up"],
            vec!["-n", NAMESPACE, "link", "set", "lo", "up"],
        ];
        if made.iter().all(|args| ip(args)) {
            return Self::Namespace;
        }
        remove();
        Self::Loopback
    }

    /// The load's address.
    pub fn here(&self) -> &'static str {
        match self {
            Self::Namespace => HERE,
            Self::Loopback => "127.0.0.1",
        }
    }

    /// The servers' address.
    pub fn there(&self) -> &'static str {
        match self {
            Self::Namespace => THERE,
            Self::Loopback => "127.0.0.1",
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Namespace => "a network namespace of their own, behind a pair of virtual Ethernet ends",
            Self::Loopback => "loopback",
        }
    }

    /// The command line that starts a program on the servers' side. As root,
    /// servers and load alike go before whatever else the machine does.
    pub fn enter(&self, program: &Path) -> Vec<String> {
        let mut line = match self {
            Self::Namespace => ["ip", "netns", "exec", NAMESPACE].map(str::to_owned).to_vec(),
            Self::Loopback => Vec::new(),
        };
        line.extend(first(program));
        line
    }
}

/// The command line that starts a program on the load's side.
pub fn first(program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    if process::is_root() {
        return ["nice", "-n", "-15", &program].map(str::to_owned).to_vec();
    }
    vec![program]
}

impl Drop for Network {
    fn drop(&mut self) {
        if matches!(self, Self::Namespace) {
            remove();
        }
    }
}

/// Takes away what there is, also of a run that was broken off.
fn remove() {
    ip(&["link", "del", OUTER]);
    ip(&["netns", "del", NAMESPACE]);
}

fn ip(args: &[&str]) -> bool {
    process::command("ip").args(args).output().is_ok_and(|out| out.status.success())
}
