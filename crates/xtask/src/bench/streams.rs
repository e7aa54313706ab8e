//! The live feed: what an idle stream costs, and how soon one event has reached
//! a thousand listeners, beside the same with a single one. The listeners are a
//! program of their own, `bench_streams` in `crates/tests`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    Options, percentile,
    subject::{Home, Subject, text},
};
use crate::process;

/// Listeners of the one event.
const FAN: usize = 1_000;
/// Changes that they hear of.
const ROUNDS: usize = 20;
/// How long idle streams are watched; longer than two of their heartbeats.
const WATCHED: Duration = Duration::from_secs(35);

/// How soon listeners heard, in milliseconds.
pub struct Heard {
    pub listeners: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

pub struct Figures {
    /// Idle streams.
    pub streams: usize,
    /// Bytes of the server's memory for each.
    pub bytes_each: f64,
    /// Share of one core that all of them keep busy.
    pub idle_cpu: f64,
    pub heard: Vec<Heard>,
}

pub fn measure(binary: &Path, scratch: &Path, options: &Options) -> Result<Figures> {
    let listeners = binary.with_file_name("bench_streams");
    let home = Home::new(scratch, "streams", true)?;
    let account = home.create_account(binary)?;
    let token = text(&account, "admin_token")?;
    let subject = home.serve(binary)?;
    let mut heard = Vec::new();
    for count in [1, FAN] {
        heard.push(fan(&listeners, &subject, &token, count)?);
    }
    drop(subject);
    let home = Home::new(scratch, "idle-streams", true)?;
    let account = home.create_account(binary)?;
    let subject = home.serve(binary)?;
    let (bytes_each, idle_cpu) =
        idle(&listeners, &subject, &text(&account, "admin_token")?, options.streams)?;
    Ok(Figures { streams: options.streams, bytes_each, idle_cpu, heard })
}

fn fan(listeners: &Path, subject: &Subject, token: &str, count: usize) -> Result<Heard> {
    let mut command = process::command(listeners);
    command.args(["fan", &subject.address.to_string(), token, &count.to_string(), &ROUNDS.to_string()]);
    let took: Vec<f64> = serde_json::from_slice(&process::read(&mut command)?)?;
    ensure!(took.len() == count * ROUNDS, "{} of {} frames came", took.len(), count * ROUNDS);
    let heard = Heard { listeners: count, p50_ms: percentile(&took, 0.5), p99_ms: percentile(&took, 0.99) };
    eprintln!("{count} listeners: p50 {:.1} ms, p99 {:.1} ms", heard.p50_ms, heard.p99_ms);
    Ok(heard)
}

/// Bytes for each stream, and the share of a core for all of them.
fn idle(listeners: &Path, subject: &Subject, token: &str, streams: usize) -> Result<(f64, f64)> {
    let before = subject.resident_bytes()?;
    let mut command = process::command(listeners);
    command.args(["idle", &subject.address.to_string(), token, &streams.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    ensure!(line.trim() == "open", "the streams could not be opened: {line}");
    let cpu = subject.cpu_seconds()?;
    // Idle is a matter of time: heartbeats are sent, allocators settle.
    thread::sleep(WATCHED);
    let busy = (subject.cpu_seconds()? - cpu) / WATCHED.as_secs_f64();
    let each = (subject.resident_bytes()?.saturating_sub(before)) as f64 / streams as f64;
    drop(child.stdin.take());
    child.wait()?;
    eprintln!("{streams} idle streams: {:.1} kB each, {:.1} % of a core", each / 1e3, busy * 1e2);
    Ok((each, busy))
}
