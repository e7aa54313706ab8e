//! Reports in a clinic of some years, each beside the plain query over the rows
//! in the same run; and how long it takes until everything that was there before
//! is counted.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    Options,
    http::{Connection, Credentials},
    percentile,
    subject::{Home, bearer, text},
};
use crate::{postgres, process};

/// How often each report is asked for.
const ASKED: usize = 40;
/// How often the plain query runs.
const PLAIN: usize = 5;
/// Longest time until everything is counted.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// One report.
pub struct Row {
    pub engine: &'static str,
    pub report: &'static str,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// One engine.
pub struct Engine {
    pub name: &'static str,
    /// From the start of the server until everything was counted.
    pub counted_s: f64,
    pub plain_p50_ms: f64,
}

pub struct Figures {
    pub visits: usize,
    pub engines: Vec<Engine>,
    pub rows: Vec<Row>,
}

pub fn measure(binary: &Path, scratch: &Path, target: &Path, options: &Options) -> Result<Figures> {
    let mut figures = Figures { visits: options.old_visits, engines: Vec::new(), rows: Vec::new() };
    let home = Home::new(scratch, "reports", true)?;
    on_engine("SQLite", binary, &home, options, &mut figures)?;
    let cluster = postgres::Cluster::durable(target)?;
    let home = Home::new(scratch, "reports-postgres", true)?.on(&cluster.url);
    on_engine("Postgres", binary, &home, options, &mut figures)?;
    Ok(figures)
}

fn on_engine(
    engine: &'static str,
    binary: &Path,
    home: &Home,
    options: &Options,
    figures: &mut Figures,
) -> Result<()> {
    let account = home.create_account(binary)?;
    let other = binary.with_file_name("bench_api");
    let mut seed = process::command(&other);
    // Who the patients are plays no part here.
    let patients = options.old_users.min(2_000);
    seed.arg("seed").args(home.store_and_key()).args([patients.to_string(), options.old_visits.to_string()]);
    process::run(&mut seed)?;
    process::run(process::command(&other).arg("work").args(home.store_and_key()))?;

    let subject = home.serve(binary)?;
    let began = Instant::now();
    let admin = bearer(text(&account, "admin_token")?);
    let mut connection = Connection::open(subject.address)?;
    while connection.get("/api_v3/reports/visits", &admin)?["current"] != true {
        ensure!(began.elapsed() < PATIENCE, "the figures were not counted after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let counted_s = began.elapsed().as_secs_f64();
    eprintln!("{engine}: counted in {counted_s:.0} s");

    let now = process::read(process::command("date").arg("+%s"))?;
    let until: i64 = String::from_utf8(now)?.trim().parse()?;
    // The visits lie a minute and a half apart.
    let from = until - (i64::try_from(options.old_visits)? * 90 + 86_400);
    let whole = format!("start={from}&end={until}");
    let year = format!("start={}&end={until}", until - 366 * 86_400);
    let total = connection.get(&format!("/api_v3/reports/waits?{whole}"), &admin)?;
    for (report, path) in [
        ("`waits`, all years, one row", format!("waits?{whole}")),
        ("`waits`, all years by month", format!("waits?{whole}&by=month&timezone=Europe/Berlin")),
        ("`waits`, a year by day", format!("waits?{year}&by=day&timezone=Europe/Berlin")),
        ("`waits`, a year by day, half an hour off", format!("waits?{year}&by=day&timezone=Asia/Kolkata")),
        ("`visits`, a year by month, one room", format!("visits?{year}&by=month&room_code=r1")),
        ("`provider_load`, a year by month", format!("provider_load?{year}&by=month")),
    ] {
        let (p50_ms, p99_ms) = ask(&mut connection, &admin, &format!("/api_v3/reports/{path}"))?;
        eprintln!("{engine} {report}: {p50_ms:.1} ms");
        figures.rows.push(Row { engine, report, p50_ms, p99_ms });
    }
    drop(connection);
    drop(subject);

    let mut plain = process::command(&other);
    plain.arg("plain").args(home.store_and_key());
    plain.args([from.to_string(), until.to_string(), PLAIN.to_string()]);
    let said: Value = serde_json::from_slice(&process::read(&mut plain)?)?;
    let counted = &total["total"]["figures"]["count"];
    if counted != &said["count"] {
        bail!("the report counts {counted}, the plain query {}", said["count"]);
    }
    let millis: Vec<f64> = said["ms"].as_array().context("no ms")?.iter().filter_map(Value::as_f64).collect();
    eprintln!("{engine} plain query: {:.0} ms", percentile(&millis, 0.5));
    figures.engines.push(Engine { name: engine, counted_s, plain_p50_ms: percentile(&millis, 0.5) });
    Ok(())
}

fn ask(connection: &mut Connection, admin: &Credentials, path: &str) -> Result<(f64, f64)> {
    connection.read(path, admin)?;
    let mut millis = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let began = Instant::now();
        connection.read(path, admin)?;
        millis.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok((percentile(&millis, 0.5), percentile(&millis, 0.99)))
}

/// The section of the page.
pub fn write(page: &mut String, figures: &Figures) -> Result<()> {
    use std::fmt::Write;
    write!(
        page,
        "\n## Reports\n\n\
         A clinic of {} visits, a minute and a half apart, 200 providers, 20 rooms; one client. The plain query reads the\n\
         waits of all of them from the rows and sorts them (a process of its own, no HTTP); both counted the same.\n\n\
         | | | p50 | p99 | plain query over all, p50 |\n| --- | --- | --- | --- | --- |\n",
        figures.visits,
    )?;
    for row in &figures.rows {
        let plain = figures
            .engines
            .iter()
            .find(|engine| engine.name == row.engine)
            .context("an engine is missing")?;
        writeln!(
            page,
            "| {} | {} | {:.1} ms | {:.1} ms | {:.0} ms |",
            row.engine, row.report, row.p50_ms, row.p99_ms, plain.plain_p50_ms
        )?;
    }
    page.push_str("\nFrom the start of the server until everything that was there before was counted: ");
    let all: Vec<String> =
        figures.engines.iter().map(|engine| format!("{} {:.0} s", engine.name, engine.counted_s)).collect();
    writeln!(page, "{}.", all.join(", "))?;
    Ok(())
}
