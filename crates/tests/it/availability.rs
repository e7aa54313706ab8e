//! What is offered: groups, what a rule serves, what blocks a time, and what
//! the question costs.

use bedside_tests::kit::{Client, Kit, Person};
use serde_json::{Value, json};

use crate::scheduling::{Clinic, DAY, HOUR, MONDAY_NINE, book, clinic, free, id};

/// The free times of the room's Monday, as they are answered.
async fn monday(client: &Client, more: &str) -> Vec<Value> {
    let path =
        format!("/availability?room_code=main&start={MONDAY_NINE}&end={}{more}", MONDAY_NINE + 3 * HOUR);
    client.get(&path).await.data().as_array().unwrap().clone()
}

async fn tom(clinic: &Clinic) -> Person {
    clinic.kit.patient("tom").await
}

#[tokio::test]
async fn a_group_has_as_many_seats_as_it_says() {
    let clinic = clinic().await;
    let eleven = MONDAY_NINE + 4 * HOUR;
    let group = json!({ "room_code": "main", "start": eleven, "end": eleven + 900, "capacity": 3 });
    clinic.provider.client.post("/slots", group).await.ok();
    let path = format!("/availability?room_code=main&start={eleven}&end={}", eleven + 900);
    let (mut names, mut visits) = (Vec::new(), Vec::new());
    for taken in 0..3 {
        let person = clinic.kit.patient(&format!("p-{taken}")).await;
        let seats = person.client.get(&path).await.data();
        assert_eq!(
            (&seats[0]["quantity_booked"], &seats[0]["quantity_left"]),
            (&taken.into(), &(3 - taken).into())
        );
        names.push(seats[0]["id"].clone());
        visits.push(book(&person, eleven, json!({})).await.data());
    }
    assert!(names.iter().all(|name| *name == names[0]), "a slot keeps its name: {names:?}");
    let late = tom(&clinic).await;
    assert!(late.client.get(&path).await.data().as_array().unwrap().is_empty());
    book(&late, eleven, json!({})).await.refused(400, "slot_taken");
    // A seat given back is a seat again.
    clinic.admin.post(&format!("/visits/{}/cancel", id(&visits[0])), json!({})).await.ok();
    assert_eq!(late.client.get(&path).await.data()[0]["quantity_left"], 1);
    book(&late, eleven, json!({})).await.ok();
}

#[tokio::test]
async fn an_appointment_to_be_confirmed_takes_its_time_already() {
    let clinic = clinic().await;
    clinic.admin.post("/rooms/main", json!({ "booking": { "confirm_by_hand": true } })).await.ok();
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    assert_eq!((&visit["type"], &visit["status"]), (&"2".into(), &"10".into()));
    let tom = tom(&clinic).await;
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    book(&tom, MONDAY_NINE, json!({})).await.refused(400, "slot_taken");
}

#[tokio::test]
async fn hours_serve_the_consultations_they_name() {
    let clinic = clinic().await;
    let consultations = json!({ "payment": { "consultations": [
        { "description": "Check-up", "duration": 15 }, { "description": "Therapy", "duration": 60 }] } });
    let room = clinic.admin.post("/rooms/main", consultations).await.data();
    let known = room["payment"]["consultations"].as_array().unwrap();
    let (checkup, therapy) = (known[0]["id"].as_str().unwrap(), known[1]["id"].as_str().unwrap());
    let one_o_clock = MONDAY_NINE + 4 * HOUR;
    let hours = json!({ "room_code": "main", "start": one_o_clock, "end": one_o_clock + 2 * HOUR, "consultation_ids": [therapy] });
    clinic.provider.client.post("/slots", hours).await.ok();
    let tom = tom(&clinic).await.client;
    let path = |consultation: &str| {
        format!(
            "/availability?room_code=main&start={one_o_clock}&end={}&consultation_id={consultation}",
            one_o_clock + 2 * HOUR
        )
    };
    assert!(tom.get(&path(checkup)).await.data().as_array().unwrap().is_empty());
    let times = tom.get(&path(therapy)).await.data();
    let lengths: Vec<i64> = times
        .as_array()
        .unwrap()
        .iter()
        .map(|time| time["end"].as_i64().unwrap() - time["start"].as_i64().unwrap())
        .collect();
    assert_eq!(lengths, [HOUR, HOUR]);
    let unknown = tom.get(&path("nothing")).await.json();
    assert!(unknown["fields"]["consultation_id"].is_string(), "{unknown}");
}

#[tokio::test]
async fn one_has_no_second_appointment_at_the_same_time() {
    let clinic = clinic().await;
    let second = clinic.kit.provider("d-2", &["main"]).await;
    crate::scheduling::weekdays(&second, "main").await.ok();
    book(&clinic.patient, MONDAY_NINE, json!({ "provider_id": clinic.provider.id })).await.ok();
    assert!(monday(&clinic.patient.client, "").await.iter().all(|time| time["start"] != MONDAY_NINE));
    // Staff who look for this patient see the same; for others it is free.
    let mine = format!("&member_id={}", clinic.patient.id);
    assert!(monday(&clinic.admin, &mine).await.iter().all(|time| time["start"] != MONDAY_NINE));
    assert!(monday(&clinic.admin, "").await.iter().any(|time| time["start"] == MONDAY_NINE));
    // Somebody else's appointments are not to be found out that way.
    let tom = tom(&clinic).await.client;
    assert_eq!(monday(&tom, &mine).await, monday(&tom, "").await);
}

#[tokio::test]
async fn a_window_is_checked_before_anything_is_looked_for() {
    let clinic = clinic().await;
    let patient = &clinic.patient.client;
    let window = |start: i64, end: i64| format!("room_code=main&start={start}&end={end}");
    for (query, field) in [
        (window(MONDAY_NINE, MONDAY_NINE + 62 * DAY + 1), "end"),
        (window(MONDAY_NINE, MONDAY_NINE - 1), "end"),
        (window(i64::MIN, i64::MAX), "end"),
        (format!("{}&timezone=Mars%2FOlympus", window(MONDAY_NINE, MONDAY_NINE + DAY)), "timezone"),
        (format!("{}&duration=0", window(MONDAY_NINE, MONDAY_NINE + DAY)), "duration"),
        (format!("{}&intake_id=none", window(MONDAY_NINE, MONDAY_NINE + DAY)), "intake_id"),
        (format!("start={MONDAY_NINE}&end={}", MONDAY_NINE + DAY), "room_code"),
    ] {
        let refused = patient.get(&format!("/availability?{query}")).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{query}: {refused}");
    }
    // Exactly as long as allowed, and the lists of staff.
    patient.get(&format!("/availability?{}", window(MONDAY_NINE, MONDAY_NINE + 62 * DAY))).await.ok();
    for list in ["/slots", "/closures"] {
        let path = format!("{list}?start={MONDAY_NINE}&end={}", MONDAY_NINE - 1);
        let refused = clinic.provider.client.get(&path).await.refused(400, "invalid_field");
        assert!(refused["fields"]["end"].is_string(), "{list}: {refused}");
    }
    // A stranger's intake tells nothing.
    let intake = tom(&clinic).await.intake("main").await;
    let path = format!("/availability?{}&intake_id={intake}", window(MONDAY_NINE, MONDAY_NINE + DAY));
    let refused = patient.get(&path).await.refused(400, "invalid_field");
    assert!(refused["fields"]["intake_id"].is_string(), "{refused}");
}

#[tokio::test]
async fn two_answers_agree_on_every_name_whatever_is_asked_around_them() {
    let clinic = clinic().await;
    let day = monday(&clinic.patient.client, "").await;
    let path = format!(
        "/availability?room_code=main&start={}&end={}&timezone=Asia/Tokyo&provider_id={}",
        MONDAY_NINE - 3 * DAY,
        MONDAY_NINE + 4 * DAY,
        clinic.provider.id
    );
    let week = clinic.patient.client.get(&path).await.data();
    let names = |times: &[Value]| -> Vec<(Value, Value)> {
        let inside = times
            .iter()
            .filter(|time| (MONDAY_NINE..MONDAY_NINE + 3 * HOUR).contains(&time["start"].as_i64().unwrap()));
        inside.map(|time| (time["id"].clone(), time["start"].clone())).collect()
    };
    assert_eq!(names(week.as_array().unwrap()), names(&day));
    // The day is that of the zone asked for: nine in New York is late in Tokyo.
    let seen = week.as_array().unwrap().iter().find(|time| time["start"] == MONDAY_NINE + 2 * HOUR).unwrap();
    assert_eq!(seen["date"], "2027-02-02");
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    clinic.patient.client.post(&format!("/visits/{}/cancel", id(&visit)), json!({})).await.ok();
    assert_eq!(monday(&clinic.patient.client, "").await, day, "as before");
}

/// Statements that `GET /availability` takes, by a server that counts them.
async fn statements(kit: &Kit, client: &Client, days: i64) -> u64 {
    let name = "bedside_http_statements_total{method=\"GET\",route=\"/api_v3/availability\"} ";
    let so_far = async || {
        let page = kit.anonymous().get("//metrics").await.ok().text;
        page.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let before = so_far().await;
    let path = format!("/availability?room_code=main&start={MONDAY_NINE}&end={}", MONDAY_NINE + days * DAY);
    client.get(&path).await.ok();
    so_far().await - before
}

#[tokio::test]
async fn the_question_takes_as_many_statements_for_twenty_providers_as_for_one() {
    /// Raise it only with a reason.
    const MOST: u64 = 10;
    let clinic = clinic().await;
    let one = statements(&clinic.kit, &clinic.patient.client, 1).await;
    assert!((1..=MOST).contains(&one), "{one} statements");
    for n in 2..=20 {
        let provider = clinic.kit.provider(&format!("d-{n}"), &["main"]).await;
        crate::scheduling::weekdays(&provider, "main").await.ok();
        let person = clinic.kit.patient(&format!("p-{n}")).await;
        book(&person, MONDAY_NINE, json!({ "provider_id": provider.id })).await.ok();
    }
    assert_eq!(statements(&clinic.kit, &clinic.patient.client, 1).await, one);
    assert_eq!(statements(&clinic.kit, &clinic.patient.client, 62).await, one);
}
