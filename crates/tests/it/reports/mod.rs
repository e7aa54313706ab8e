//! Reports: figures kept by quarter of an hour are what a plain query finds,
//! whatever happened to the visits meanwhile; and who sees what of them.

mod plain;

use bedside_app::{Clock, reports};
use bedside_model::At;
use bedside_tests::kit::{Client, Kit, Person, sql};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// A Wednesday in January 2027, 08:00 in UTC.
const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

async fn count(kit: &Kit) {
    while reports::roll_up(&kit.app).await.unwrap() {}
}

async fn report(client: &Client, name: &str, query: &str) -> Value {
    let answer = client.get(&format!("/reports/{name}?{query}")).await.data();
    assert_eq!(answer["name"], name);
    answer
}

async fn with_role(kit: &Kit, role: &str) -> Person {
    let person = kit.provider(&format!("d-{role}"), &[]).await;
    kit.admin().post(&format!("/users/{}", person.id), json!({ "role": role })).await.ok();
    person
}

/// A room whose patients keep their place while the test turns the clock.
async fn room(kit: &Kit, code: &str) {
    kit.room(code).await;
    kit.admin().post(&format!("/rooms/{code}"), json!({ "grace_minutes": 240 })).await.ok();
}

async fn busy() -> (Kit, Clock) {
    Kit::on_a_clock_with(&[
        ("limits.user_per_s", "100000"),
        ("limits.admin_token_per_s", "100000"),
        ("limits.api_key_per_s", "100000"),
    ])
    .await
}

/// A walk-in that waits, is seen and rated, for so long each.
async fn seen(
    kit: &Kit,
    clock: &Clock,
    doctor: &Person,
    name: &str,
    seconds: (i64, i64),
    stars: i64,
) -> String {
    let patient = kit.patient(name).await;
    let visit = patient.walk_in("main").await;
    clock.advance_seconds(seconds.0);
    doctor.act(&visit, "accept").await.ok();
    clock.advance_seconds(seconds.1);
    doctor.act(&visit, "complete").await.ok();
    if stars > 0 {
        let body = json!({ "visit_id": visit.id, "answers": { "stars": stars } });
        patient.client.post("/surveys/visit_rating/results", body).await.ok();
    }
    visit.id
}

#[tokio::test]
async fn a_day_is_counted() {
    let (kit, clock) = busy().await;
    room(&kit, "main").await;
    let doctor = kit.provider("d-1", &["main"]).await;
    seen(&kit, &clock, &doctor, "p-1", (40, 600), 5).await;
    seen(&kit, &clock, &doctor, "p-2", (20, 1_200), 4).await;
    let gone = kit.patient("p-3").await;
    let visit = gone.walk_in("main").await;
    gone.client
        .post(&format!("/visits/{}/close", visit.id), json!({ "reason": "patient_exit_room" }))
        .await
        .ok();
    let waits = kit.patient("p-4").await;
    waits.walk_in("main").await;
    // Somebody who filled in an intake and came no farther.
    waits.intake("main").await;
    let planned = kit.appointment(&gone, "main", At::from_seconds(NOW + 3_600), 15).await;
    clock.advance_seconds(2 * 3_600);
    bedside_app::visits::notice_missed(&kit.app).await.unwrap();
    count(&kit).await;

    let query = format!("start={NOW}&end={}", NOW + DAY);
    let of = async |name: &str| report(&kit.admin(), name, &query).await["total"]["figures"].clone();
    assert_eq!(
        of("visits").await,
        json!({ "total": 5, "completed": 2, "pending": 1, "cancelled": 0, "aborted": 1, "missed": 1,
            "in_progress": 0, "refunded": 0, "walk_in": 4, "scheduled": 1, "e_consult": 0 })
    );
    assert_eq!(
        of("waits").await,
        json!({ "count": 2, "mean_s": 30, "median_s": 20, "p90_s": 40, "left": 1 })
    );
    let durations = of("durations").await;
    assert_eq!((&durations["count"], &durations["total_minutes"]), (&json!(2), &json!(30)));
    assert_eq!(of("no_shows").await, json!({ "appointments": 1, "missed": 1, "rate_percent": 100 }));
    let ratings = of("ratings").await;
    assert_eq!(
        (&ratings["count"], &ratings["mean"], &ratings["stars_5"]),
        (&json!(2), &json!(4.5), &json!(1))
    );
    let steps = of("drop_off").await;
    assert_eq!(
        ["intakes", "visits", "waited", "taken", "completed", "patient_exit_room"]
            .map(|step| steps[step].clone()),
        [6, 5, 4, 2, 2, 1].map(Value::from)
    );
    // Called off after all: it was no missed one.
    kit.admin().post(&format!("/visits/{}/cancel", planned.id), json!({})).await.ok();
    let before = report(&kit.admin(), "visits", &query).await;
    count(&kit).await;
    let after = report(&kit.admin(), "visits", &query).await;
    assert_eq!(after["total"]["figures"]["missed"], 0);
    assert_eq!(after["total"]["figures"]["cancelled"], 1);
    assert!(after["current"] == true && before["computed_at"].as_i64() <= after["computed_at"].as_i64());
}

#[tokio::test]
async fn who_sees_no_person_sees_no_name() {
    let (kit, clock) = busy().await;
    room(&kit, "main").await;
    let doctor = kit.provider("d-1", &["main"]).await;
    seen(&kit, &clock, &doctor, "p-1", (10, 600), 5).await;
    count(&kit).await;
    let (analyst, manager) = (with_role(&kit, "analyst").await, with_role(&kit, "account_manager").await);
    let query = format!("start={NOW}&end={}&by=day", NOW + DAY);
    for client in [&kit.admin(), &manager.client] {
        let load = report(client, "provider_load", &query).await;
        assert_eq!(load["rows"][0]["provider_id"], json!(doctor.id));
        assert_eq!(load["rows"][0]["provider"], "Maria d-1");
        assert_eq!(load["rows"][0]["figures"], json!({ "visits": 1, "minutes": 10, "mean_s": 600 }));
    }
    let load = report(&analyst.client, "provider_load", &query).await;
    let code = load["rows"][0]["provider"].as_str().unwrap();
    assert!(code.len() == 10 && load["rows"][0].get("provider_id").is_none(), "{load}");
    assert!(!load.to_string().contains("Maria") && !load.to_string().contains("d-1"), "{load}");
    assert_eq!(
        load["rows"],
        report(&analyst.client, "provider_load", &query).await["rows"],
        "always the same"
    );
    let asked = format!("/reports/waits?{query}&provider_id={}", doctor.id);
    analyst.client.get(&asked).await.refused(403, "names_hidden");
    manager.client.get(&asked).await.ok();
    // What one patient said is not for figures.
    let few = report(&analyst.client, "ratings", &query).await;
    assert_eq!(
        (&few["total"]["figures"]["count"], &few["total"]["figures"]["mean"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(few["rows"][0]["figures"]["stars_5"], Value::Null);
    assert_eq!(report(&manager.client, "ratings", &query).await["total"]["figures"]["mean"], 5);
    for n in 2..6 {
        seen(&kit, &clock, &doctor, &format!("p-{n}"), (10, 600), 3).await;
    }
    count(&kit).await;
    assert_eq!(report(&analyst.client, "ratings", &query).await["total"]["figures"]["mean"], 3.4);
}

#[tokio::test]
async fn a_spreadsheet_gets_cells_and_no_formulas() {
    let (kit, clock) = busy().await;
    room(&kit, "main").await;
    let doctor = kit.provider("d-1", &["main"]).await;
    kit.admin()
        .post(
            &format!("/users/{}", doctor.id),
            json!({ "first_name": "=SUM(A1)", "last_name": "Li, \"Bo\"" }),
        )
        .await
        .ok();
    seen(&kit, &clock, &doctor, "p-1", (10, 600), 0).await;
    count(&kit).await;
    let query = format!("start={NOW}&end={}&by=day&format=csv", NOW + DAY);
    let load = kit.admin().get(&format!("/reports/provider_load?{query}")).await.ok();
    assert_eq!(load.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(load.headers["content-disposition"], "attachment; filename=\"provider_load.csv\"");
    let (head, row) = load.text.split_once("\r\n").unwrap();
    assert_eq!(head, "date,start,end,provider_id,provider,visits,minutes,mean_s");
    let name = "\"'=SUM(A1) Li, \"\"Bo\"\"\"";
    assert!(row.contains(&format!(",{},{name},1,10,600\r\n", doctor.id)), "{row}");
    // Every day has a line, also those on which nothing happened; what cannot be
    // measured is an empty cell.
    let waits = kit.admin().get(&format!("/reports/waits?{query}")).await.ok();
    let lines: Vec<&str> = waits.text.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "date,start,end,count,mean_s,median_s,p90_s,left");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].starts_with("2027-01-15,") && lines[1].ends_with(",1,10,10,10,0"), "{lines:?}");
    assert!(lines[2].ends_with(",0,,,,0"), "{lines:?}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let (kit, _clock) = busy().await;
    room(&kit, "main").await;
    let admin = kit.admin();
    for (query, field) in [
        ("by=hour", "by"),
        ("timezone=Mars/Olympus", "timezone"),
        ("format=xml", "format"),
        ("start=-1", "start"),
        ("start=20&end=10", "end"),
        ("start=0&end=400000000", "start"),
        ("start=1500000000&end=1800000000&by=day", "by"),
        ("start=99999999999999999", "start"),
    ] {
        let refused = admin.get(&format!("/reports/visits?{query}")).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{query}: {refused}");
    }
    admin.get("/reports/nothing").await.refused(404, "report_not_found");
    admin.get("/reports/visits?room_code=nowhere").await.refused(404, "room_not_found");
    let patient = kit.patient("maria").await;
    patient.client.get("/reports/visits").await.refused(403, "admin_only");
}

#[tokio::test]
async fn days_begin_where_the_clinic_is() {
    let (kit, _clock) = busy().await;
    room(&kit, "main").await;
    let zone = json!({ "operation_settings": { "default_timezone": "Asia/Kathmandu" } });
    kit.admin().post("/rooms/main", zone).await.ok();
    let patient = kit.patient("maria").await;
    // 00:10 on the 16th in Kathmandu, 18:25 on the 15th in UTC.
    let late = At::from_seconds(NOW - NOW % DAY + 18 * 3_600 + 25 * 60);
    kit.appointment(&patient, "main", late, 15).await;
    count(&kit).await;
    let query = format!("start={}&end={}&by=day", NOW - DAY, NOW + 2 * DAY);
    let of = async |more: &str| {
        let found = report(&kit.admin(), "visits", &format!("{query}{more}")).await;
        let rows = found["rows"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["figures"]["total"] == 1).unwrap();
        (found["timezone"].clone(), row["date"].clone())
    };
    assert_eq!(of("").await, (json!("Asia/Kathmandu"), json!("2027-01-16")));
    assert_eq!(of("&timezone=UTC").await, (json!("UTC"), json!("2027-01-15")));
    // Rooms in several zones: none of them is the clinic's, but each is its own.
    room(&kit, "annex").await;
    assert_eq!(of("").await.0, json!("UTC"));
    assert_eq!(of("&room_code=main").await.0, json!("Asia/Kathmandu"));
}

/// Whatever happens to visits, in whatever order it is counted, the kept figures
/// are those of a plain query over the rows.
#[tokio::test]
async fn figures_are_those_of_a_plain_query() {
    for seed in 0..2 {
        let (mut kit, clock) = busy().await;
        let mut random = StdRng::seed_from_u64(seed);
        let rooms = ["main", "annex"];
        for code in rooms {
            room(&kit, code).await;
        }
        let doctors = [kit.provider("d-1", &rooms).await, kit.provider("d-2", &rooms).await];
        for n in 0..20 {
            live(&kit, &clock, &mut random, n, &doctors).await;
            if random.random_bool(0.4) {
                count(&kit).await;
            }
        }
        for _ in 0..25 {
            sql(kit.database().url(), &tampering(&mut random)).await;
            if random.random_bool(0.3) {
                count(&kit).await;
            }
        }
        // Some are gone altogether.
        let gone = kit.appointment(&kit.patient("gone").await, "main", At::from_seconds(NOW + 900), 15).await;
        count(&kit).await;
        sql(kit.database().url(), &format!("DELETE FROM visits WHERE id = {}", gone.id)).await;
        // Nothing is left that the server would notice meanwhile.
        bedside_app::visits::notice_missed(&kit.app).await.unwrap();
        bedside_app::visits::release_places(&kit.app).await.unwrap();
        count(&kit).await;
        compare(&kit, &mut random, &doctors).await;
        // What is touched while nobody counts is counted after the next start.
        sql(kit.database().url(), &tampering(&mut random)).await;
        kit.restart(&[("limits.admin_token_per_s", "100000")]).await;
        count(&kit).await;
        count(&kit).await;
        compare(&kit, &mut random, &doctors).await;
    }
}

/// Somebody comes, and something becomes of it.
async fn live(kit: &Kit, clock: &Clock, random: &mut StdRng, n: usize, doctors: &[Person; 2]) {
    let room = ["main", "annex"][random.random_range(0..2)];
    let patient = kit.patient(&format!("p-{n}")).await;
    let doctor = &doctors[random.random_range(0..2)];
    if random.random_bool(0.2) {
        patient.intake(room).await;
        return;
    }
    let visit = patient.walk_in(room).await;
    clock.advance_seconds(random.random_range(1..4_000));
    let path = format!("/visits/{}", visit.id);
    match random.random_range(0..5) {
        0 => {}
        1 => {
            let body = json!({ "reason": "patient_exit_room" });
            patient.client.post(&format!("{path}/close"), body).await.ok();
        }
        2 => drop(patient.act(&visit, "cancel").await.ok()),
        _ => {
            doctor.act(&visit, "accept").await.ok();
            clock.advance_seconds(random.random_range(1..3_000));
            doctor.act(&visit, "complete").await.ok();
            let answers = json!({ "stars": random.random_range(1..6) });
            let body = json!({ "visit_id": visit.id, "answers": answers });
            patient.client.post("/surveys/visit_rating/results", body).await.ok();
        }
    }
}

/// A late change of one or some visits, past every rule.
fn tampering(random: &mut StdRng) -> String {
    let millis = random.random_range(-60 * 24 * 40..60 * 24 * 40) * 60_000_i64;
    let which = format!("WHERE id % 7 = {}", random.random_range(0..7));
    match random.random_range(0..9) {
        0 => format!("UPDATE visits SET start_at = start_at + {millis} {which}"),
        1 => format!("UPDATE visits SET type = 2, arrived_at = NULL, missed_at = start_at {which}"),
        2 => format!("UPDATE visits SET type = 2, arrived_at = start_at + 1000, missed_at = NULL {which}"),
        3 => format!(
            "UPDATE visits SET status = {} {which}",
            [10, 20, 25, 30, 40, 50][random.random_range(0..6)]
        ),
        4 => format!("UPDATE visits SET requested_provider_id = NULL, provider_id = NULL {which}"),
        5 => format!("UPDATE visits SET actual_start_at = NULL {which}"),
        6 => format!("UPDATE intakes SET created_at = created_at + {millis} WHERE version = 1"),
        7 => format!("DELETE FROM survey_results WHERE visit_id % 11 = {}", random.random_range(0..11)),
        _ => format!(
            "UPDATE visits SET actual_end_at = actual_start_at + {} {which}",
            random.random_range(0..9_000_000)
        ),
    }
}

async fn compare(kit: &Kit, random: &mut StdRng, doctors: &[Person; 2]) {
    let rows = plain::Rows::read(kit.database().url()).await;
    assert!(rows.visits.len() > 5 && rows.intakes.len() > rows.visits.len());
    let (from, until) = (NOW - 90 * DAY, NOW + 90 * DAY);
    for zone in ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"] {
        for by in ["day", "week", "month", ""] {
            let room = [None, None, Some("main"), Some("annex")][random.random_range(0..4)];
            let doctor = [None, None, Some(&doctors[0])][random.random_range(0..3)];
            // Not on the edge of a day, an hour or anything.
            let from = from + random.random_range(0..400) * 900;
            let mut query = format!("start={from}&end={until}&timezone={zone}");
            if !by.is_empty() {
                query += &format!("&by={by}");
            }
            if let Some(room) = room {
                query += &format!("&room_code={room}");
            }
            if let Some(doctor) = doctor {
                query += &format!("&provider_id={}", doctor.id);
            }
            let room = match room {
                Some(code) => Some(kit.admin().get(&format!("/rooms/{code}")).await.data()["id"].clone()),
                None => None,
            };
            let number = |id: &Value| id.as_str().unwrap().parse::<i64>().unwrap();
            let wanted = plain::Wanted {
                room: room.as_ref().map(number),
                provider: doctor.map(|doctor| doctor.id.parse().unwrap()),
            };
            for name in ["visits", "waits", "no_shows", "durations", "provider_load", "drop_off", "ratings"] {
                let found = report(&kit.admin(), name, &query).await;
                assert_eq!(found["current"], true);
                rows.check(name, &found, &wanted);
            }
        }
    }
}
