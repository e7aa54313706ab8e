//! What people do around a visit, in a clinic with a full calendar: a note saved
//! as it is typed, a form at each step; and what an EHR reads of it. On both engines, beside
//! a sign-in of somebody known (a small write) and reading the note.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    Options,
    http::{Connection, Credentials},
    percentile,
    subject::{Home, bearer, portal, text},
    visits::together,
};
use crate::{postgres, process};

/// Clients that ask at the same time, each a provider with a visit and a note.
const CLIENTS: usize = 8;
/// How long each call is asked for.
const ASK_FOR: Duration = Duration::from_secs(5);
/// Characters of each of a note's four texts.
const TEXT: usize = 2_000;
/// Fields of the form.
const FIELDS: usize = 20;

/// One call on one engine.
pub struct Row {
    engine: &'static str,
    call: &'static str,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Processor time of the server for each.
    cpu_ms: f64,
}

pub struct Figures {
    visits: usize,
    rows: Vec<Row>,
}

/// A provider who writes.
struct Desk {
    doctor: Credentials,
    note: String,
    patient: Credentials,
    answers: String,
}

pub fn measure(binary: &Path, scratch: &Path, target: &Path, options: &Options) -> Result<Figures> {
    let mut figures = Figures { visits: options.appointments, rows: Vec::new() };
    let home = Home::new(scratch, "care", true)?;
    on_engine("SQLite", binary, &home, &mut figures)?;
    let cluster = postgres::Cluster::durable(target)?;
    let home = Home::new(scratch, "care-postgres", true)?.on(&cluster.url);
    on_engine("Postgres", binary, &home, &mut figures)?;
    Ok(figures)
}

fn on_engine(engine: &'static str, binary: &Path, home: &Home, figures: &mut Figures) -> Result<()> {
    let account = home.create_account(binary)?;
    let mut seed = process::command(binary.with_file_name("bench_api"));
    seed.arg("calendar").args(home.store_and_key()).arg(figures.visits.to_string());
    process::run(&mut seed)?;

    let subject = home.serve(binary)?;
    let (admin, key) = (bearer(text(&account, "admin_token")?), portal(&account)?);
    let mut connection = Connection::open(subject.address)?;
    let room = json!({ "domain": "bench", "slug": "bench", "name": "Bench", "code": "bench" });
    connection.post("/api_v3/rooms", &admin, &room)?;
    let form = form(&mut connection, &admin)?;
    let desks: Vec<Desk> =
        (0..CLIENTS).map(|n| desk(&mut connection, &admin, &key, &form, n)).collect::<Result<_>>()?;

    let today = String::from_utf8(process::read(process::command("date").args(["-u", "+%F"]))?)?;
    let today = today.trim();
    let mut add = |call, ask: &(dyn Fn(&mut Connection, &Desk, usize) -> Result<Value> + Sync)| {
        let cpu = subject.cpu_seconds()?;
        let (seen, per_second) = ask_all(subject.address, &desks, ask)?;
        let cpu_ms = (subject.cpu_seconds()? - cpu) * 1e3 / seen.len() as f64;
        let (p50_ms, p99_ms) = (percentile(&seen, 0.5), percentile(&seen, 0.99));
        eprintln!("{engine} {call}: {per_second:.0}/s, p50 {p50_ms:.1} ms");
        figures.rows.push(Row { engine, call, per_second, p50_ms, p99_ms, cpu_ms });
        anyhow::Ok(())
    };
    add("`POST /notes/:id`, 8 kB", &|connection, desk, n| {
        let said = format!("Save {n}. ").repeat(TEXT / 10);
        let body = json!({ "version": n + 1, "subjective": said, "objective": said, "assessment": said,
            "plan": said });
        connection.post(&format!("/api_v3/notes/{}", desk.note), &desk.doctor, &body)
    })?;
    add("`POST /form_answers/:id`, a section of 20 fields", &|connection, desk, n| {
        let said: serde_json::Map<String, Value> =
            (0..FIELDS).map(|at| (format!("field_{at}"), format!("Answer {n} to it").into())).collect();
        let body = json!({ "version": n + 1, "section": "all", "answers": said });
        connection.post(&format!("/api_v3/form_answers/{}", desk.answers), &desk.patient, &body)
    })?;
    add("`POST /users/sso`, known", &|connection, _, n| {
        let person = json!({ "type": 200, "code": format!("p{}", n % CLIENTS), "first_name": "Pat",
            "last_name": "Bench" });
        connection.post("/api_v3/users/sso", &key, &person)
    })?;
    add("`GET /notes/:id`, 8 kB", &|connection, desk, _| {
        connection.get(&format!("/api_v3/notes/{}", desk.note), &desk.doctor)
    })?;
    add("`GET /fhir/R4/Appointment?date=ge…`, 20 a page", &|connection, _, _| {
        connection
            .read(&format!("/fhir/R4/Appointment?date=ge{today}&_count=20"), &admin)
            .map(|_| Value::Null)
    })?;
    Ok(())
}

/// A form that is asked for after a visit was made.
fn form(connection: &mut Connection, admin: &Credentials) -> Result<String> {
    let keys: Vec<String> = (0..FIELDS).map(|at| format!("field_{at}")).collect();
    let properties: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.clone(), json!({ "type": "string", "maxLength": 200 }))).collect();
    let fields: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "label": key })).collect();
    let body = json!({ "step": "post_intake", "title": "Bench",
        "schema": { "type": "object", "properties": properties, "required": keys },
        "ui": { "sections": [{ "code": "all", "fields": fields }] } });
    let id = text(&connection.post("/api_v3/forms", admin, &body)?, "id")?;
    connection.post(&format!("/api_v3/forms/{id}/publish"), admin, &json!({}))?;
    Ok(id)
}

/// A provider with a visit and an empty note, and its patient with empty answers.
fn desk(
    connection: &mut Connection,
    admin: &Credentials,
    key: &Credentials,
    form: &str,
    n: usize,
) -> Result<Desk> {
    let mut sign_in = |kind: u32, code: String, first_name: &str| {
        let person = json!({ "type": kind, "code": code, "first_name": first_name, "last_name": "Bench" });
        let user = connection.post("/api_v3/users/sso", key, &person)?;
        anyhow::Ok((text(&user, "id")?, bearer(text(&user["token"], "token")?)))
    };
    let (_, patient) = sign_in(200, format!("p{n}"), "Pat")?;
    let (id, doctor) = sign_in(400, format!("d{n}"), "Dee")?;
    connection.post(&format!("/api_v3/users/{id}/rooms"), admin, &json!({ "room_code": "bench" }))?;
    let intake = json!({ "reason_for_visit": "A sore throat since Monday", "room_code": "bench" });
    let intake = text(&connection.post("/api_v3/intakes", &patient, &intake)?, "id")?;
    let visit = json!({ "intake_id": intake, "room_code": "bench" });
    let visit = text(&connection.post("/api_v3/visits/add_walkin", &patient, &visit)?, "id")?;
    connection.post(&format!("/api_v3/visits/{visit}/accept"), &doctor, &json!({}))?;
    let note = connection.post(&format!("/api_v3/visits/{visit}/notes"), &doctor, &json!({}))?;
    let body = json!({ "visit_id": visit });
    let answers = connection.post(&format!("/api_v3/forms/{form}/answers"), &patient, &body)?;
    let answers = text(&answers, "id").context("no answers were begun")?;
    Ok(Desk { doctor, note: text(&note, "id").context("no note was begun")?, patient, answers })
}

/// Asks from all desks for a while; the milliseconds of each answer, and
/// answers per second. A call is told its number at its desk, from 0 on.
fn ask_all(
    address: SocketAddr,
    desks: &[Desk],
    ask: &(dyn Fn(&mut Connection, &Desk, usize) -> Result<Value> + Sync),
) -> Result<(Vec<f64>, f64)> {
    let began = Instant::now();
    let seen: Vec<Vec<f64>> = together(desks.iter().collect(), address, |connection, desk| {
        let mut seen = Vec::new();
        while began.elapsed() < ASK_FOR {
            let asked = Instant::now();
            ask(connection, desk, seen.len())?;
            seen.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(seen)
    })?;
    let elapsed = began.elapsed().as_secs_f64();
    let seen: Vec<f64> = seen.into_iter().flatten().collect();
    let per_second = seen.len() as f64 / elapsed;
    Ok((seen, per_second))
}

/// The section of the page.
pub fn write(page: &mut String, figures: &Figures) -> Result<()> {
    use std::fmt::Write;
    write!(
        page,
        "\n## Around a visit\n\n\
         {CLIENTS} clients at once, {} s a call, in a clinic with {} appointments. A sign-in is a small write, reading\n\
         the note again none, on the same server in the same run. Notes and answers are sealed, and written at full durability.\n\n\
         | | | requests/s | p50 | p99 | server CPU each |\n| --- | --- | --- | --- | --- | --- |\n",
        ASK_FOR.as_secs(),
        figures.visits,
    )?;
    for row in &figures.rows {
        writeln!(
            page,
            "| {} | {} | {:.0} | {:.1} ms | {:.1} ms | {:.2} ms |",
            row.engine, row.call, row.per_second, row.p50_ms, row.p99_ms, row.cpu_ms
        )?;
    }
    Ok(())
}
