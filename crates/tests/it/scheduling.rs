//! Scheduling as portals and staff use it: hours, free times, holds, bookings.

use bedside_app::Clock;
use bedside_tests::kit::{Answer, Client, Kit, Person, sql};
use serde_json::{Value, json};

/// A Monday at nine in New York, in a winter week without clock changes:
/// 2027-02-01T14:00:00Z. `Kit::on_a_clock` begins in January 2027.
pub const MONDAY_NINE: i64 = 1_801_490_400;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

pub struct Clinic {
    pub kit: Kit,
    pub clock: Clock,
    pub admin: Client,
    pub provider: Person,
    pub patient: Person,
}

/// A room in New York whose provider is there on weekdays from nine to twelve.
pub async fn clinic() -> Clinic {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let admin = kit.admin();
    let settings = json!({
        "operation_settings": { "default_timezone": "America/New_York" },
        "visits": { "appointment": { "enabled": true } },
    });
    admin.post("/rooms/main", settings).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    let patient = kit.patient("maria").await;
    weekdays(&provider, "main").await.ok();
    Clinic { kit, clock, admin, provider, patient }
}

pub async fn weekdays(provider: &Person, room: &str) -> Answer {
    let hours = json!({
        "room_code": room,
        "hours": { "from": "09:00", "until": "12:00" },
        "repeat": { "freq": "weekly", "days": [1, 2, 3, 4, 5], "from": "2027-01-01" },
    });
    provider.client.post("/slots", hours).await
}

/// The begins of the free times of one day.
pub async fn free(client: &Client, day: i64) -> Vec<i64> {
    let path = format!("/availability?room_code=main&start={}&end={}", day - 9 * HOUR, day + 15 * HOUR);
    let times = client.get(&path).await.data();
    times.as_array().unwrap().iter().map(|time| time["start"].as_i64().unwrap()).collect()
}

pub async fn book(person: &Person, start: i64, more: Value) -> Answer {
    let intake = person.intake("main").await;
    let mut body = json!({ "intake_id": intake, "start": start });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    person.client.post("/visits", body).await
}

pub fn id(visit: &Value) -> &str {
    visit["id"].as_str().unwrap()
}

#[tokio::test]
async fn weekly_hours_become_times_on_the_rooms_clock() {
    let clinic = clinic().await;
    let times = free(&clinic.patient.client, MONDAY_NINE).await;
    assert_eq!(times.len(), 12, "a quarter of an hour each, nine to twelve: {times:?}");
    assert_eq!((times[0], times[11]), (MONDAY_NINE, MONDAY_NINE + 11 * 900));
    // The same names in two answers, and again on the other side of a clock change.
    let window = |start: i64| format!("/availability?room_code=main&start={start}&end={}", start + DAY);
    let first = clinic.patient.client.get(&window(MONDAY_NINE)).await.data();
    assert_eq!(first, clinic.patient.client.get(&window(MONDAY_NINE)).await.data());
    // 2027-03-15, the first Monday of summer time: nine is 13:00 UTC.
    clinic.clock.advance_seconds(30 * DAY);
    let maria = clinic.kit.patient("maria").await.client;
    let summer = MONDAY_NINE + 42 * DAY - HOUR;
    assert_eq!(free(&maria, summer).await[0], summer);
    // Also by POST, and by a GET with a form body.
    let end = (summer + DAY).to_string();
    let fields = [("room_code", "main"), ("start", &*summer.to_string()), ("end", &*end)];
    assert_eq!(maria.form("/availability", &fields).await.ok().json()["total_count"], 12);
    let body = format!("room_code=main&start={summer}&end={end}");
    let request = maria
        .request(reqwest::Method::GET, "/availability")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(Client::send(request).await.ok().json()["total_count"], 12);
}

#[tokio::test]
async fn a_booked_time_is_gone_and_the_refusal_names_the_nearest() {
    let clinic = clinic().await;
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    assert_eq!((&visit["type"], &visit["status"]), (&"2".into(), &"20".into()));
    assert_eq!(visit["provider_id"], clinic.provider.id);
    assert_eq!(
        (&visit["start"], &visit["end"]),
        (&MONDAY_NINE.to_string().into(), &(MONDAY_NINE + 900).to_string().into())
    );
    let other = clinic.kit.patient("tom").await;
    assert!(!free(&other.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    let refused = book(&other, MONDAY_NINE, json!({})).await.refused(400, "slot_taken");
    let nearest: Vec<i64> =
        refused["nearest"].as_array().unwrap().iter().map(|time| time["start"].as_i64().unwrap()).collect();
    assert_eq!(nearest, [MONDAY_NINE + 900, MONDAY_NINE + 1800, MONDAY_NINE + 2700]);
    // Cancelled, it is free at once.
    clinic.patient.client.post(&format!("/visits/{}/cancel", id(&visit)), json!({})).await.ok();
    assert!(free(&other.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    book(&other, MONDAY_NINE, json!({})).await.ok();
}

#[tokio::test]
async fn one_calendar_however_many_rooms() {
    let clinic = clinic().await;
    clinic.kit.room("annex").await;
    let settings = json!({ "visits": { "appointment": { "enabled": true } },
        "operation_settings": { "default_timezone": "America/New_York" } });
    clinic.admin.post("/rooms/annex", settings).await.ok();
    let path = format!("/users/{}/rooms", clinic.provider.id);
    clinic.admin.post(&path, json!({ "room_code": "annex" })).await.ok();
    // The same hours in another room overlap: one person, one calendar.
    let overlap = weekdays(&clinic.provider, "annex").await.refused(400, "slot_overlaps");
    assert!(overlap["slot_id"].is_string());
    let afternoon = json!({ "room_code": "annex", "hours": { "from": "11:45", "until": "13:00" }, "kind": "appointment",
        "repeat": { "freq": "weekly", "days": [6], "from": "2027-01-01" } });
    clinic.provider.client.post("/slots", afternoon).await.ok();
    // Staff put something over the morning from the other room.
    let intake = clinic.patient.intake("annex").await;
    let body = json!({ "intake_id": intake, "room_code": "annex", "provider_id": clinic.provider.id, "start": MONDAY_NINE + 450 });
    clinic.admin.post("/visits", body).await.ok();
    let times = free(&clinic.kit.patient("tom").await.client, MONDAY_NINE).await;
    assert_eq!(times[0], MONDAY_NINE + 1800, "busy in one room is busy in all: {times:?}");
}

#[tokio::test]
async fn anybody_means_whoever_has_the_fewest_that_day() {
    let clinic = clinic().await;
    let second = clinic.kit.provider("d-2", &["main"]).await;
    weekdays(&second, "main").await.ok();
    let busy = book(&clinic.patient, MONDAY_NINE, json!({ "provider_id": clinic.provider.id })).await.data();
    assert_eq!(busy["provider_id"], clinic.provider.id);
    let tom = clinic.kit.patient("tom").await;
    let pooled = book(&tom, MONDAY_NINE + 900, json!({})).await.data();
    assert_eq!(pooled["provider_id"], second.id);
    // The time stays offered while one of them is free.
    let times = free(&tom.client, MONDAY_NINE).await;
    assert_eq!(times.iter().filter(|start| **start == MONDAY_NINE).count(), 1);
    let eve = clinic.kit.patient("eve").await;
    assert_eq!(book(&eve, MONDAY_NINE, json!({})).await.data()["provider_id"], second.id);
    book(&clinic.kit.patient("ann").await, MONDAY_NINE, json!({})).await.refused(400, "slot_taken");
}

#[tokio::test]
async fn a_held_time_is_nobody_elses_until_it_ends() {
    let clinic = clinic().await;
    let body = json!({ "room_code": "main", "start": MONDAY_NINE });
    let hold = clinic.patient.client.post("/slots/hold", body.clone()).await.data();
    let tom = clinic.kit.patient("tom").await;
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    assert!(
        free(&clinic.patient.client, MONDAY_NINE).await.contains(&MONDAY_NINE),
        "not hidden from its holder"
    );
    book(&tom, MONDAY_NINE, json!({})).await.refused(400, "slot_taken");
    tom.client.post("/slots/hold", body.clone()).await.refused(400, "slot_taken");
    // Somebody else's hold does not exist.
    let path = format!("/slots/hold/{}", id(&hold));
    let gone = Client::send(tom.client.request(reqwest::Method::DELETE, &path)).await;
    gone.refused(404, "hold_not_found");
    // Longer once, not twice.
    clinic.clock.advance_seconds(9 * 60);
    clinic.patient.client.post(&format!("{path}/renew"), json!({})).await.ok();
    clinic.patient.client.post(&format!("{path}/renew"), json!({})).await.refused(400, "hold_renewed");
    clinic.clock.advance_seconds(9 * 60);
    assert!(!free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    clinic.clock.advance_seconds(2 * 60);
    assert!(free(&tom.client, MONDAY_NINE).await.contains(&MONDAY_NINE), "over after its time");
    // Booking takes one's own hold with it; another patient's ended one is no obstacle.
    tom.client.post("/slots/hold", body).await.ok();
    let visit = book(&tom, MONDAY_NINE, json!({})).await.data();
    assert_eq!(visit["provider_id"], clinic.provider.id);
    book(&clinic.patient, MONDAY_NINE, json!({})).await.refused(400, "slot_taken");
}

#[tokio::test]
async fn an_admin_token_books_on_an_empty_calendar_and_over_something_only_by_force() {
    let clinic = clinic().await;
    let sunday = MONDAY_NINE - DAY;
    assert!(free(&clinic.patient.client, sunday).await.is_empty());
    book(&clinic.patient, sunday, json!({})).await.refused(400, "slot_taken");
    let forced = |intake: String, more: Value| {
        let mut body = json!({ "intake_id": intake, "start": sunday, "provider_id": clinic.provider.id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let first = forced(clinic.patient.intake("main").await, json!({}));
    clinic.admin.post("/visits", first).await.ok();
    let tom = clinic.kit.patient("tom").await;
    let second = forced(tom.intake("main").await, json!({}));
    clinic.admin.post("/visits", second.clone()).await.refused(400, "slot_taken");
    let mut second = second;
    second["force"] = 1.into();
    second["reason"] = "Her only day off".into();
    let visit = clinic.admin.post("/visits", second).await.data();
    // Who booked outside the offered times, why, and over what, is in the trail.
    let trail = clinic.admin.get("/audit?action=visits.override").await.data();
    assert_eq!(trail[0]["object_id"], visit["id"]);
    let over = json!({ "reason": "Her only day off", "outside_hours": true, "visits": [trail[1]["object_id"]],
        "holds": [], "closures": [] });
    assert_eq!(trail[0]["detail"], over);
    assert_eq!(trail[1]["detail"]["visits"], json!([]));
    let csv = clinic.admin.get("/audit.csv?action=visits.override").await.ok().text;
    assert!(csv.lines().nth(1).unwrap().ends_with(",Her only day off"), "{csv}");
    let usual = clinic.admin.get("/audit?action=rooms.add").await.data();
    assert_eq!(usual[0].get("detail"), None);
    // It is kept so that only the clinic's key reads it.
    let reason: String = "Her only day off".bytes().map(|byte| format!("{byte:02x}")).collect();
    let url = clinic.kit.database().url();
    let hex = if url.starts_with("postgres") { "encode(detail, 'hex')" } else { "lower(hex(detail))" };
    let readable = format!("UPDATE audit_entries SET detail = detail WHERE {hex} LIKE '%{reason}%'");
    assert_eq!(sql(url, &readable).await, 0);
    // A patient has no such right.
    let mine = json!({ "override": 1, "provider_id": clinic.provider.id });
    book(&clinic.patient, sunday + HOUR, mine).await.refused(403, "override_not_allowed");
}

#[tokio::test]
async fn a_moved_appointment_takes_its_time_with_it() {
    let clinic = clinic().await;
    let visit = book(&clinic.patient, MONDAY_NINE, json!({})).await.data();
    let path = format!("/visits/{}", id(&visit));
    let moved = clinic.patient.client.post(&path, json!({ "start": MONDAY_NINE + 900 })).await.data();
    assert_eq!(moved["end"], (MONDAY_NINE + 1800).to_string());
    let tom = clinic.kit.patient("tom").await;
    let times = free(&tom.client, MONDAY_NINE).await;
    assert!(times.contains(&MONDAY_NINE) && !times.contains(&(MONDAY_NINE + 900)), "{times:?}");
    // Not onto somebody else's, and then nothing has moved.
    book(&tom, MONDAY_NINE, json!({})).await.ok();
    clinic.patient.client.post(&path, json!({ "start": MONDAY_NINE })).await.refused(400, "slot_taken");
    assert_eq!(clinic.patient.client.get(&path).await.data()["start"], (MONDAY_NINE + 900).to_string());
    // A patient moves it to free times only, staff anywhere when they say so.
    let evening = json!({ "start": MONDAY_NINE + 9 * HOUR });
    clinic.patient.client.post(&path, evening.clone()).await.refused(400, "slot_taken");
    let refused = clinic.provider.client.post(&path, evening.clone()).await.refused(400, "slot_taken");
    assert_eq!(refused["nearest"].as_array().unwrap().len(), 3, "{refused}");
    let mut anyway = evening;
    anyway["override"] = 1.into();
    clinic.patient.client.post(&path, anyway.clone()).await.refused(403, "override_not_allowed");
    anyway["reason"] = "After work".into();
    clinic.provider.client.post(&path, anyway).await.ok();
    // Over something else only by force, and it is in the trail.
    let over = json!({ "start": MONDAY_NINE + 300, "override": 1 });
    clinic.provider.client.post(&path, over).await.refused(400, "slot_taken");
    let over = json!({ "start": MONDAY_NINE + 300, "force": 1 });
    clinic.provider.client.post(&path, over).await.ok();
    let trail = clinic.admin.get("/audit?action=visits.override").await.data();
    assert_eq!(trail[1]["detail"]["reason"], "After work");
    assert_eq!(trail[0]["detail"]["outside_hours"], false);
    assert_eq!(trail[0]["detail"]["visits"].as_array().unwrap().len(), 1, "{trail}");
    // A patient changes nothing but the time.
    clinic.patient.client.post(&path, json!({ "subtype": 2 })).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn the_rooms_rules_hold_for_patients() {
    let clinic = clinic().await;
    let rules = json!({ "booking": { "notice_minutes": 120, "horizon_days": 20, "cancel_notice_minutes": 60,
        "buffer_after_minutes": 15, "per_day": 2 } });
    clinic.admin.post("/rooms/main", rules).await.ok();
    let far = book(&clinic.patient, MONDAY_NINE + 28 * DAY, json!({})).await.refused(400, "invalid_field");
    assert!(far["fields"]["start"].as_str().unwrap().contains("20 days"), "{far}");
    let past = book(&clinic.patient, MONDAY_NINE - 60 * DAY, json!({})).await;
    assert!(past.json()["fields"]["start"].as_str().unwrap().contains("past"));
    let visit = book(&clinic.patient, MONDAY_NINE + 900, json!({})).await.data();
    // A quarter of an hour stays free after it, and before it for the next one's.
    let tom = clinic.kit.patient("tom").await;
    let times = free(&tom.client, MONDAY_NINE).await;
    assert!(!times.contains(&MONDAY_NINE) && !times.contains(&(MONDAY_NINE + 1800)), "{times:?}");
    book(&tom, MONDAY_NINE + 2700, json!({})).await.ok();
    assert!(free(&tom.client, MONDAY_NINE).await.is_empty(), "two a day are enough");
    // Up to an hour before, and not after.
    let path = format!("/visits/{}/cancel", id(&visit));
    let now = clinic.clock.now().seconds();
    clinic.clock.advance_seconds(MONDAY_NINE + 900 - 30 * 60 - now);
    let sign_in = clinic.kit.patient("maria").await;
    sign_in.client.post(&path, json!({})).await.refused(400, "too_late_to_change");
    // Within the notice nothing is offered, staff cancel at any time.
    let soon = book(&sign_in, MONDAY_NINE + 5400, json!({})).await.json();
    assert!(soon["fields"]["start"].as_str().unwrap().contains("120 minutes"), "{soon}");
    clinic.admin.post(&path, json!({})).await.ok();
}

#[tokio::test]
async fn a_weekly_series_is_made_whole_or_not_at_all() {
    let clinic = clinic().await;
    let repeat = json!({ "repeat": { "freq": "weekly", "count": 3 } });
    // The third week is taken.
    let tom = clinic.kit.patient("tom").await;
    book(&tom, MONDAY_NINE + 14 * DAY, json!({})).await.ok();
    book(&clinic.patient, MONDAY_NINE, repeat.clone()).await.refused(400, "slot_taken");
    assert_eq!(clinic.patient.client.get("/visits").await.ok().json()["total_count"], 0);
    assert!(free(&clinic.patient.client, MONDAY_NINE).await.contains(&MONDAY_NINE));
    let made = book(&clinic.patient, MONDAY_NINE + 900, repeat).await.data();
    assert_eq!(made["series"].as_array().unwrap().len(), 3);
    let all = clinic.patient.client.get("/visits?sort=start.asc").await.ok().json();
    let starts: Vec<i64> =
        all["data"].as_array().unwrap().iter().map(|visit| visit["start"].as_i64().unwrap()).collect();
    assert_eq!(starts, [0, 7, 14].map(|days| MONDAY_NINE + 900 + days * DAY));
}

#[tokio::test]
async fn hours_change_for_one_day_from_a_day_on_or_for_good() {
    let clinic = clinic().await;
    let path = format!("/availability?room_code=main&start={MONDAY_NINE}&end={}", MONDAY_NINE + DAY);
    let name = clinic.patient.client.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned();
    let delete = async |id: &str, query: &str| {
        let path = format!("/slots/{id}?{query}");
        Client::send(clinic.provider.client.request(reqwest::Method::DELETE, &path)).await
    };
    delete(&name, "scope=this").await.ok();
    assert!(free(&clinic.patient.client, MONDAY_NINE).await.is_empty());
    assert_eq!(free(&clinic.patient.client, MONDAY_NINE + DAY).await.len(), 12);
    // What is booked stands; deleting its hours has to be meant.
    let thursday = MONDAY_NINE + 3 * DAY;
    book(&clinic.patient, thursday, json!({})).await.ok();
    let rule = name.split('-').next().unwrap().to_owned();
    assert_eq!(delete(&rule, "").await.refused(400, "slot_booked")["bookings"], 1);
    let wednesday = format!("{rule}-{}", MONDAY_NINE + 2 * DAY);
    delete(&wednesday, "scope=following&force=1").await.ok();
    assert_eq!(free(&clinic.patient.client, MONDAY_NINE + DAY).await.len(), 12);
    assert!(free(&clinic.patient.client, thursday).await.is_empty());
    assert_eq!(clinic.patient.client.get("/visits").await.ok().json()["total_count"], 1);
    delete(&rule, "force=1").await.ok();
    assert!(free(&clinic.patient.client, MONDAY_NINE + DAY).await.is_empty());
}

#[tokio::test]
async fn days_that_were_left_out_stay_so_when_the_hours_change() {
    let clinic = clinic().await;
    let path = format!("/availability?room_code=main&start={MONDAY_NINE}&end={}", MONDAY_NINE + DAY);
    let name = clinic.patient.client.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/slots/{name}?scope=this");
    Client::send(clinic.provider.client.request(reqwest::Method::DELETE, &path)).await.ok();
    let change = json!({ "scope": "all", "hours": { "from": "09:00", "until": "11:00" },
        "repeat": { "freq": "weekly", "days": [1, 2, 3, 4, 5], "from": "2027-01-01" } });
    let rules = clinic.provider.client.post(&format!("/slots/{name}"), change).await.data();
    assert_eq!(rules[0]["repeat"]["except"], json!(["2027-02-01"]));
    assert!(free(&clinic.patient.client, MONDAY_NINE).await.is_empty());
    assert_eq!(free(&clinic.patient.client, MONDAY_NINE + DAY).await.len(), 8);
}

#[tokio::test]
async fn a_closure_hides_times_and_tells_only_staff_why() {
    let clinic = clinic().await;
    let closure = json!({ "provider_id": clinic.provider.id, "start": MONDAY_NINE, "end": MONDAY_NINE + HOUR, "reason": "Dentist" });
    let made = clinic.provider.client.post("/closures", closure).await.data();
    assert_eq!(free(&clinic.patient.client, MONDAY_NINE).await[0], MONDAY_NINE + HOUR);
    let path = format!("/closures?start={MONDAY_NINE}&end={}", MONDAY_NINE + DAY);
    assert_eq!(clinic.provider.client.get(&path).await.data()[0]["reason"], "Dentist");
    clinic.patient.client.get(&path).await.refused(403, "not_allowed");
    let path = format!("/closures/{}", id(&made));
    Client::send(clinic.provider.client.request(reqwest::Method::DELETE, &path)).await.ok();
    assert_eq!(free(&clinic.patient.client, MONDAY_NINE).await[0], MONDAY_NINE);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let clinic = clinic().await;
    let provider = &clinic.provider.client;
    let field = |answer: Answer, name: &str| {
        let body = answer.json();
        assert_eq!(answer.status.as_u16(), 400, "{body}");
        assert!(body["fields"][name].is_string(), "{name}: {body}");
    };
    let window = |start: i64, end: i64| format!("/availability?room_code=main&start={start}&end={end}");
    field(clinic.patient.client.get(&window(MONDAY_NINE, MONDAY_NINE + 63 * DAY)).await, "end");
    field(clinic.patient.client.get(&window(MONDAY_NINE, MONDAY_NINE)).await, "end");
    field(clinic.patient.client.get("/availability?room_code=main&end=5").await, "start");
    let zone = format!("{}&timezone=Mars/Olympus", window(MONDAY_NINE, MONDAY_NINE + DAY));
    field(clinic.patient.client.get(&zone).await, "timezone");
    clinic
        .patient
        .client
        .get(&window(MONDAY_NINE, MONDAY_NINE + DAY).replace("main", "none"))
        .await
        .refused(404, "room_not_found");
    let slot = |more: Value| {
        let mut body =
            json!({ "room_code": "main", "start": MONDAY_NINE + 6 * HOUR, "end": MONDAY_NINE + 7 * HOUR });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    field(provider.post("/slots", slot(json!({ "timezone": "Mars/Olympus" }))).await, "timezone");
    field(provider.post("/slots", slot(json!({ "end": MONDAY_NINE }))).await, "end");
    field(provider.post("/slots", slot(json!({ "capacity": 0 }))).await, "capacity");
    field(provider.post("/slots", slot(json!({ "kind": "sometimes" }))).await, "kind");
    field(provider.post("/slots", slot(json!({ "consultation_ids": ["no"] }))).await, "consultation_ids");
    field(provider.post("/slots", slot(json!({ "repeat": { "freq": "daily" } }))).await, "repeat.freq");
    field(provider.post("/slots", slot(json!({ "repeat": { "days": [8] } }))).await, "repeat.days");
    // Half past two does not exist on the 14th of March in New York.
    let missing =
        json!({ "room_code": "main", "date": "2027-03-14", "hours": { "from": "02:30", "until": "04:00" } });
    field(provider.post("/slots", missing).await, "hours");
    // Not even staff book for the end of time, or backwards.
    for (start, end, name) in [
        (i64::MAX, None, "start"),
        (-i64::MAX, None, "start"),
        (MONDAY_NINE, Some(0), "end"),
        (i64::MAX, Some(i64::MIN), "end"),
    ] {
        let intake = clinic.patient.intake("main").await;
        let body =
            json!({ "intake_id": intake, "provider_id": clinic.provider.id, "start": start, "end": end });
        field(clinic.admin.post("/visits", body.clone()).await, name);
        let hold = json!({ "room_code": "main", "start": start, "end": end });
        field(clinic.patient.client.post("/slots/hold", hold).await, name);
    }
    let ages = json!({ "provider_id": clinic.provider.id, "start": i64::MIN, "end": i64::MAX });
    field(provider.post("/closures", ages).await, "end");
    clinic.admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": false } } })).await.ok();
    let closed = json!({ "room_code": "main", "start": MONDAY_NINE });
    clinic.patient.client.post("/slots/hold", closed).await.refused(400, "appointments_disabled");
    let nobody = json!({ "room_code": "main", "start": MONDAY_NINE, "end": MONDAY_NINE + HOUR, "provider_id": clinic.patient.id });
    provider.post("/slots", nobody).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn a_moved_appointment_stays_what_it_was_booked_for() {
    let clinic = clinic().await;
    let offered = json!({ "payment": { "consultations": [
        { "description": "Check-up", "duration": 15, "amount": 0 },
        { "description": "Long talk", "duration": 30, "amount": 0 },
    ] } });
    let room = clinic.admin.post("/rooms/main", offered).await.data();
    let talk = room["payment"]["consultations"][1]["id"].clone();
    let saturday = MONDAY_NINE + 5 * DAY;
    let only = json!({ "room_code": "main", "start": saturday, "end": saturday + 2 * HOUR, "consultation_ids": [talk] });
    clinic.provider.client.post("/slots", only).await.ok();
    book(&clinic.patient, saturday, json!({})).await.refused(400, "slot_taken");
    let visit = book(&clinic.patient, saturday, json!({ "consultation_id": talk })).await.data();
    assert_eq!((&visit["consultation_id"], &visit["payment"]["duration"]), (&talk, &json!(30)));
    let path = format!("/visits/{}", id(&visit));
    // The patient moves it to a time of the same sort, which no check-up has.
    let moved = clinic.patient.client.post(&path, json!({ "start": saturday + HOUR })).await.data();
    assert_eq!((&moved["start"], &moved["consultation_id"]), (&json!((saturday + HOUR).to_string()), &talk));
    assert_eq!(moved["end"], (saturday + HOUR + 1_800).to_string());
    let refused = clinic.patient.client.post(&path, json!({ "start": saturday + 2 * HOUR })).await;
    let nearest = refused.refused(400, "slot_taken")["nearest"].clone();
    assert_eq!(nearest[0]["start"], saturday, "{nearest}");
}
