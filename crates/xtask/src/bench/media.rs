//! Processor time of the call node per forwarded media packet. The load
//! (simulated peers) is a program of its own, `bench_media` in `crates/tests`,
//! which prints one JSON object per number of subscribers.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// One call: a publisher with video and audio, and some subscribers.
pub struct Row {
    pub subscribers: u64,
    /// Packets that reached subscribers, per second.
    pub packets_per_s: f64,
    /// Share of one core that the node used, 1 = a whole one.
    pub core_share: f64,
    /// Processor time per forwarded packet, in microseconds.
    pub cpu_us_per_packet: f64,
}

pub struct Figures {
    pub rows: Vec<Row>,
}

pub fn measure(load: &Path, most: usize) -> Result<Figures> {
    let mut load = process::command(load);
    load.args(["--subscribers", &most.to_string()]);
    let out = String::from_utf8(process::read(&mut load)?)?;
    let rows = out.lines().filter(|line| line.starts_with('{')).map(row).collect::<Result<Vec<Row>>>()?;
    anyhow::ensure!(!rows.is_empty(), "bench_media printed no figures");
    Ok(Figures { rows })
}

fn row(line: &str) -> Result<Row> {
    let figures: Value = serde_json::from_str(line)?;
    let number = |name: &str| figures[name].as_f64().with_context(|| format!("no {name} in {line}"));
    Ok(Row {
        subscribers: figures["subscribers"].as_u64().with_context(|| format!("no subscribers in {line}"))?,
        packets_per_s: number("packets_per_s")?,
        core_share: number("core_share")?,
        cpu_us_per_packet: number("cpu_us_per_packet")?,
    })
}
