//! The call node beside LiveKit's server and Janus' VideoRoom, in one run, under
//! the same load: `bench_media` of `crates/load`, whose peers speak LiveKit's
//! signalling or Janus'. What this machine lacks is left out by name.

mod network;
mod page;
mod subjects;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{livekit, process};
use network::Network;
pub use page::write;
use subjects::{Subject, key_and_secret};

/// One to ten, one to fifty, five who all see each other, twelve calls of two.
const SCENARIOS: [&str; 4] = ["fan:10", "fan:50", "mesh:5", "pairs:12"];
/// How long each is measured.
const SECONDS: &str = "8";
/// People whose server dies in mid-call.
const RETURNING: usize = 5;

/// One scenario on one server.
pub struct Row {
    pub scenario: String,
    /// The server's name; the first of a scenario is ours.
    pub server: &'static str,
    pub seen: Value,
}

impl Row {
    pub fn number(&self, name: &str) -> Option<f64> {
        self.seen[name].as_f64()
    }
}

pub struct Figures {
    pub rows: Vec<Row>,
    /// From the end of a server to the return of everybody, milliseconds.
    pub back_ms: f64,
    /// Where the servers were reached.
    pub place: &'static str,
    /// Who could not be measured, and why.
    pub lacking: Vec<String>,
}

/// `folder` holds the programs that were built.
pub fn measure(root: &Path, folder: &Path, scratch: &Path) -> Result<Figures> {
    let network = Network::make();
    let (load, node) = (folder.join("bench_media"), folder.join("examples/node"));
    let mut lacking = Vec::new();
    let livekit = livekit::install(root).map_err(|why| lacking.push(format!("LiveKit's server: {why}"))).ok();
    let janus = subjects::janus(&network).map_err(|why| lacking.push(format!("Janus: {why}"))).ok();
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let mut subjects = vec![Subject::ours(&network, &node)];
        subjects.extend(livekit.as_deref().map(|binary| Subject::livekit(&network, binary)));
        subjects.extend(janus.as_deref().map(|plugins| Subject::janus(&network, plugins)));
        // A fresh process each: what one scenario left behind is not the next one's.
        for subject in subjects {
            let (name, ours) = (subject.name, subject.is_ours());
            match row(&network, &load, subject, scratch, scenario) {
                Ok(row) => rows.push(row),
                Err(error) if ours => return Err(error),
                Err(error) => lacking.push(format!("{name}, {scenario}: {}", error.root_cause())),
            }
        }
    }
    let back_ms = returned(&network, &load, &node)?;
    Ok(Figures { rows, back_ms, place: network.name(), lacking })
}

fn row(network: &Network, load: &Path, subject: Subject, scratch: &Path, scenario: &str) -> Result<Row> {
    let server = subject.name;
    let running = subject.start(network, &scratch.join("media"))?;
    let mut command = load_command(load);
    command.args(&running.target).args([&running.pid.to_string(), network.here(), SECONDS, scenario]);
    let seen = json_line(&mut command).with_context(|| format!("{scenario} on {server}"))?;
    eprintln!(
        "{scenario} on {server}: {:.1} µs per packet, {:.1} % came",
        seen["cpu_us_per_packet"].as_f64().unwrap_or(f64::NAN),
        seen["delivered"].as_f64().unwrap_or(f64::NAN) * 1e2
    );
    Ok(Row { scenario: scenario.to_owned(), server, seen })
}

fn returned(network: &Network, load: &Path, node: &Path) -> Result<f64> {
    let (url, address) = subjects::ours_at(network)?;
    let [key, secret] = key_and_secret();
    let mut command = load_command(load);
    command.args(["return", &url, key, secret, network.here(), &RETURNING.to_string()]);
    command.args(network.enter(node)).args([&address, key, secret]);
    let seen = json_line(&mut command).context("a server that dies in mid-call")?;
    let back = seen["back_ms"].as_f64().context("no back_ms")?;
    eprintln!("{RETURNING} people were back after {back:.0} ms");
    Ok(back)
}

fn load_command(load: &Path) -> std::process::Command {
    let line = network::first(load);
    let mut command = process::command(&line[0]);
    command.args(&line[1..]);
    command
}

fn json_line(command: &mut std::process::Command) -> Result<Value> {
    let out = String::from_utf8(process::read(command)?)?;
    let line = out.lines().find(|line| line.starts_with('{')).context("bench_media printed no figures")?;
    Ok(serde_json::from_str(line)?)
}
