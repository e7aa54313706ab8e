//! `docs/benchmarks.md`: the figures with the command and the machine they come from.

use std::{fmt::Write, fs, path::Path, thread::available_parallelism};

use anyhow::{Context, Result};

use super::{lists, media, median, start, visits};
use crate::process;

/// The load average of the last minute.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// The ratio that group commit was introduced for.
const EXPECTED_RATIO: f64 = 1.8;

#[derive(Default)]
pub struct Figures {
    /// Load average of the last minute before the first measurement.
    pub load_before: f64,
    pub start: Option<start::Figures>,
    pub visits: Option<visits::Figures>,
    pub lists: Option<lists::Figures>,
    pub media: Option<media::Figures>,
}

impl Figures {
    /// Was every part measured?
    pub fn is_complete(&self) -> bool {
        self.start.is_some() && self.visits.is_some() && self.lists.is_some() && self.media.is_some()
    }
}

pub fn write(root: &Path, figures: &Figures) -> Result<()> {
    let mut page = head(figures.load_before)?;
    if let Some(visits) = &figures.visits {
        visits_part(&mut page, visits)?;
    }
    if let Some(lists) = &figures.lists {
        lists_part(&mut page, lists)?;
    }
    if let Some(media) = &figures.media {
        media_part(&mut page, media)?;
    }
    if let Some(start) = &figures.start {
        start_part(&mut page, start)?;
    }
    fs::write(root.join("docs/benchmarks.md"), &page)?;
    println!("{page}");
    Ok(())
}

fn head(load_before: f64) -> Result<String> {
    let cores = available_parallelism()?;
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, name)| name.trim());
    let kernel = String::from_utf8(process::read(process::command("uname").args(["-s", "-m"]))?)?;
    let rustc = String::from_utf8(process::read(process::command("rustc").arg("--version"))?)?;
    Ok(format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench`; run it again to replace this page. Load and server share the machine, so read\n\
         the ratios first: they travel, absolute numbers do not.\n\n\
         Machine: {cores} cores ({model}), {}; {}; release build. Load average when it began: {load_before:.1} (above 0.5,\n\
         something else was running too).\n",
        kernel.trim(),
        rustc.trim().split(" (").next().context("rustc says no version")?,
    ))
}

fn visits_part(page: &mut String, figures: &visits::Figures) -> Result<()> {
    let (with, without) = (&figures.grouped, &figures.single);
    write!(
        page,
        "\n## Visits per second\n\n\
         `POST /visits/add_walkin` over HTTP from {} clients at once, {} visits a round, {} rounds on each of two servers\n\
         in turn. SQLite, WAL, `synchronous=FULL`: every answered visit is on the disk. One thread that appends 4 kB and\n\
         syncs does {:.0} syncs/s on the same disk.\n\n\
         | | visits/s (median) | lowest to highest | p50 | p99 | server CPU per visit |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        figures.clients,
        figures.visits_per_round,
        with.rates.len(),
        figures.syncs_per_second,
    )?;
    for (name, side) in
        [("group commit (default)", with), ("one commit per write (`store.group_commit=false`)", without)]
    {
        let lowest = side.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = side.rates.iter().copied().fold(0.0, f64::max);
        writeln!(
            page,
            "| {name} | {:.0} | {lowest:.0} to {highest:.0} | {:.1} ms | {:.1} ms | {:.2} ms |",
            side.rate(),
            side.latency_ms(0.5),
            side.latency_ms(0.99),
            side.cpu_ms,
        )?;
    }
    let ratios: Vec<String> = figures.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let verdict = if figures.ratio() >= EXPECTED_RATIO { "as expected" } else { "below what was expected" };
    writeln!(
        page,
        "\nRatio: **{:.2}** (median of the rounds: {}); at least {EXPECTED_RATIO} was expected, so this is {verdict}.",
        figures.ratio(),
        ratios.join(", "),
    )?;
    Ok(())
}

fn lists_part(page: &mut String, figures: &lists::Figures) -> Result<()> {
    write!(
        page,
        "\n## Lists and sign-ins\n\n\
         A clinic of {} visits, {} patients, 200 providers and 20 rooms; eight clients at once, five seconds a call. \"Bare\" is\n\
         a handler with the same SQL on the same database and nothing around it: no routing, permissions, sealing, audit of\n\
         reads, rate limits, and hardly any JSON. Sign-ins are commits at full durability.\n\n\
         | | | requests/s | p50 | p99 | bare requests/s | bare p50 | bare p99 |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        figures.visits, figures.users,
    )?;
    for row in &figures.rows {
        let (server, bare) = (&row.server, &row.bare);
        writeln!(
            page,
            "| {} | {} | {:.0} | {:.1} ms | {:.1} ms | {:.0} | {:.1} ms | {:.1} ms |",
            row.engine,
            row.call,
            server.per_second,
            server.p50_ms,
            server.p99_ms,
            bare.per_second,
            bare.p50_ms,
            bare.p99_ms,
        )?;
    }
    Ok(())
}

fn media_part(page: &mut String, figures: &media::Figures) -> Result<()> {
    page.push_str(
        "\n## Media\n\n\
         One call on the real node over UDP on loopback: one publisher (180 video packets of 1100 bytes a second, and audio),\n\
         simulated peers as subscribers. Processor time is that of the node's own thread, from the kernel's count.\n\n\
         | Subscribers | packets out per second | share of one core | CPU per forwarded packet |\n\
         | --- | --- | --- | --- |\n",
    );
    for row in &figures.rows {
        writeln!(
            page,
            "| {} | {:.0} | {:.1} % | {:.1} µs |",
            row.subscribers,
            row.packets_per_s,
            row.core_share * 100.0,
            row.cpu_us_per_packet,
        )?;
    }
    if let (Some(first), Some(last)) = (figures.rows.first(), figures.rows.last()) {
        writeln!(
            page,
            "\nFrom {} to {} subscribers the cost per packet changes by a factor of {:.2}: receiving, timers and feedback\n\
             are shared by more packets.",
            first.subscribers,
            last.subscribers,
            last.cpu_us_per_packet / first.cpu_us_per_packet,
        )?;
    }
    Ok(())
}

fn start_part(page: &mut String, figures: &start::Figures) -> Result<()> {
    const MIB: f64 = 1024.0 * 1024.0;
    let worst = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    write!(
        page,
        "\n## Start, memory, size\n\n\
         | | |\n\
         | --- | --- |\n\
         | start to `/readyz`, empty data directory ({} starts: median, slowest) | {:.0} ms, {:.0} ms |\n\
         | start to `/readyz`, existing data directory | {:.0} ms, {:.0} ms |\n\
         | resident memory, idle for 5 s | {:.1} MiB |\n\
         | binary, all pages inside | {:.1} MiB |\n",
        figures.first_ms.len(),
        median(&figures.first_ms),
        worst(&figures.first_ms),
        median(&figures.again_ms),
        worst(&figures.again_ms),
        figures.idle_bytes as f64 / MIB,
        figures.binary_bytes as f64 / MIB,
    )?;
    Ok(())
}
