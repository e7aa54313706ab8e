//! `docs/benchmarks.md`: the figures with the command and the machine they come from.

use std::{fmt::Write, fs, path::Path, thread::available_parallelism};

use anyhow::{Context, Result};

use super::{availability, care, lists, media, median, reports, sections, start, streams, visits, webhooks};
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
    pub availability: Option<availability::Figures>,
    pub streams: Option<streams::Figures>,
    pub webhooks: Option<webhooks::Figures>,
    pub reports: Option<reports::Figures>,
    pub care: Option<care::Figures>,
    pub media: Option<media::Figures>,
}

impl Figures {
    /// Was every part measured?
    pub fn is_complete(&self) -> bool {
        self.start.is_some()
            && self.visits.is_some()
            && self.lists.is_some()
            && self.availability.is_some()
            && self.streams.is_some()
            && self.webhooks.is_some()
            && self.reports.is_some()
            && self.care.is_some()
            && self.media.is_some()
    }
}

pub fn write(root: &Path, figures: &Figures) -> Result<()> {
    let page = page(figures)?;
    fs::write(root.join("docs/benchmarks.md"), &page)?;
    println!("{page}");
    Ok(())
}

/// Puts a part that was measured alone into the page that is there.
pub fn write_part(root: &Path, figures: &Figures, only: &str) -> Result<()> {
    let path = root.join("docs/benchmarks.md");
    let mark = format!(
        "Measured on its own by `cargo xtask bench --only {only}`; load average when it began: {:.1}.",
        figures.load_before
    );
    let page = sections::put_in(&fs::read_to_string(&path)?, &page(figures)?, &mark);
    fs::write(path, page)?;
    Ok(())
}

fn page(figures: &Figures) -> Result<String> {
    let mut page = head(figures.load_before)?;
    if let Some(visits) = &figures.visits {
        visits_part(&mut page, visits)?;
    }
    if let Some(lists) = &figures.lists {
        lists_part(&mut page, lists)?;
    }
    if let Some(availability) = &figures.availability {
        availability_part(&mut page, availability)?;
    }
    if let Some(streams) = &figures.streams {
        streams_part(&mut page, streams)?;
    }
    if let Some(webhooks) = &figures.webhooks {
        webhooks_part(&mut page, webhooks)?;
    }
    if let Some(reports) = &figures.reports {
        reports::write(&mut page, reports)?;
    }
    if let Some(care) = &figures.care {
        care::write(&mut page, care)?;
    }
    if let Some(media) = &figures.media {
        media::write(&mut page, media)?;
    }
    if let Some(start) = &figures.start {
        start_part(&mut page, start)?;
    }
    Ok(page)
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

fn streams_part(page: &mut String, figures: &streams::Figures) -> Result<()> {
    write!(
        page,
        "\n## The live feed\n\n\
         {} idle streams of `GET /events/stream` hold {:.1} kB of the server's memory each; their heartbeats keep {:.1} %\n\
         of a core busy. From just before a change is sent over HTTP until its event has reached a listener (SQLite,\n\
         listeners on the same machine):\n\n\
         | listeners | p50 | p99 |\n|---:|---:|---:|\n",
        figures.streams,
        figures.bytes_each / 1e3,
        figures.idle_cpu * 1e2,
    )?;
    for heard in &figures.heard {
        writeln!(page, "| {} | {:.1} ms | {:.1} ms |", heard.listeners, heard.p50_ms, heard.p99_ms)?;
    }
    Ok(())
}

fn webhooks_part(page: &mut String, figures: &webhooks::Figures) -> Result<()> {
    write!(
        page,
        "\n## Webhooks\n\n\
         A room is changed over HTTP, and the client waits until the signed event has reached its receiver before it\n\
         changes the room again (SQLite, `synchronous=FULL`; clients, server and receiver on the same machine). The CPU\n\
         is the server's, for the change, its event and the delivery with its two writes.\n\n\
         | clients | events/s | p50 | p99 | server CPU each |\n|---:|---:|---:|---:|---:|\n",
    )?;
    for run in &figures.runs {
        writeln!(
            page,
            "| {} | {:.0} | {:.1} ms | {:.1} ms | {:.2} ms |",
            run.clients, run.per_second, run.p50_ms, run.p99_ms, run.cpu_ms_each
        )?;
    }
    let (alone, beside) = (&figures.alone, &figures.beside);
    writeln!(
        page,
        "\nThe same endpoint with {} clients, beside one that hangs and one that answers 500: p99 {:.1} ms in place of\n\
         {:.1} ms ({:+.0} %).",
        alone.clients,
        beside.p99_ms,
        alone.p99_ms,
        (beside.p99_ms / alone.p99_ms - 1.0) * 1e2
    )?;
    Ok(())
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

fn availability_part(page: &mut String, figures: &availability::Figures) -> Result<()> {
    write!(
        page,
        "\n## Free times and bookings\n\n\
         `GET /availability` in a clinic with {} appointments, half of them to come; providers work nine to five on weekdays,\n\
         in quarters of an hour. Two clients at once; every free time is in the answer. \"Naive\" asks the database for each\n\
         provider's hours, closures and bookings and compares every begin with every booking; both sides found the same\n\
         number of times.\n\n\
         | | providers | days | free times | p50 | p99 | naive p50 | naive p99 | ratio of p50 |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        figures.visits,
    )?;
    for row in &figures.rows {
        let (server, naive) = (&row.server, &row.naive);
        writeln!(
            page,
            "| {} | {} | {} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} |",
            row.engine,
            row.providers,
            row.days,
            row.times,
            server.p50_ms,
            server.p99_ms,
            naive.p50_ms,
            naive.p99_ms,
            naive.p50_ms / server.p50_ms,
        )?;
    }
    page.push_str(
        "\n`POST /visits` from 16 patients at once. \"The same times\": everybody wants the first free time of one provider, and\n\
         takes the nearest that the refusal offers. \"Apart\": everybody has a provider of their own.\n\n\
         | | bookings/s, the same times | requests per booking | p50 | p99 | bookings/s, apart | p50 | p99 |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in &figures.bookings {
        let (same, apart) = (&row.contended, &row.apart);
        writeln!(
            page,
            "| {} | {:.0} | {:.1} | {:.1} ms | {:.1} ms | {:.0} | {:.1} ms | {:.1} ms |",
            row.engine,
            same.per_second,
            same.tries,
            same.p50_ms,
            same.p99_ms,
            apart.per_second,
            apart.p50_ms,
            apart.p99_ms,
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
