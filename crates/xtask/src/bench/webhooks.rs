//! Webhooks: from a change over HTTP to the receiver, at several numbers of
//! clients, and beside endpoints that hang and fail. Receiver and clients are a
//! program of their own, `bench_webhooks` in `crates/tests`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    Options, percentile,
    subject::{Home, Subject, text},
};
use crate::process;

/// Clients at once.
const CLIENTS: [usize; 3] = [1, 16, 64];
/// Clients of the comparison with bad endpoints.
const BESIDE: usize = 16;

/// One run.
pub struct Run {
    pub clients: usize,
    /// Events that reached the receiver in a second.
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The server's processor time for each, the change included.
    pub cpu_ms_each: f64,
}

pub struct Figures {
    pub runs: Vec<Run>,
    /// The same clients with the healthy endpoint alone, and beside bad ones.
    pub alone: Run,
    pub beside: Run,
}

pub fn measure(binary: &Path, scratch: &Path, options: &Options) -> Result<Figures> {
    let load = binary.with_file_name("bench_webhooks");
    let home = Home::new(scratch, "webhooks", true)?.with("WEBHOOKS__ALLOW_PRIVATE", "true");
    let account = home.create_account(binary)?;
    let token = text(&account, "admin_token")?;
    let subject = home.serve(binary)?;
    let one = |clients, bad| run(&load, &subject, &token, (clients, options.deliveries), bad);
    // The first changes warm the connections.
    run(&load, &subject, &token, (1, 50), false)?;
    let runs = CLIENTS.into_iter().map(|clients| one(clients, false)).collect::<Result<_>>()?;
    Ok(Figures { runs, alone: one(BESIDE, false)?, beside: one(BESIDE, true)? })
}

fn run(
    load: &Path,
    subject: &Subject,
    token: &str,
    (clients, changes): (usize, usize),
    bad: bool,
) -> Result<Run> {
    let before = subject.cpu_seconds()?;
    let bad = if bad { "1" } else { "0" };
    let mut command = process::command(load);
    command.args([&subject.address.to_string(), token, &clients.to_string(), &changes.to_string(), bad]);
    let said: Value = serde_json::from_slice(&process::read(&mut command)?)?;
    let cpu = subject.cpu_seconds()? - before;
    let took: Vec<f64> = serde_json::from_value(said["took_ms"].clone())?;
    ensure!(took.len() >= changes, "{} of {changes} deliveries came", took.len());
    let seconds = said["seconds"].as_f64().context("no seconds")?;
    let count = took.len() as f64;
    let run = Run {
        clients,
        per_second: count / seconds,
        p50_ms: percentile(&took, 0.5),
        p99_ms: percentile(&took, 0.99),
        cpu_ms_each: cpu * 1e3 / count,
    };
    eprintln!(
        "{clients} clients, bad endpoints {bad}: {:.0} events/s, p50 {:.1} ms, p99 {:.1} ms, {:.2} ms CPU each",
        run.per_second, run.p50_ms, run.p99_ms, run.cpu_ms_each
    );
    Ok(run)
}
