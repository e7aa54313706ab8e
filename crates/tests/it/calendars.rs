//! Calendars out: one appointment as a file, and the private address that
//! follows them all. Read here by hand, and by a library that is not ours.

use std::path::Path;

use bedside_model::{At, visit::Status};
use bedside_tests::kit::{Client, Kit, Person};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::python_sdk::python;

/// 2027-02-01T14:00:00Z, a Monday; `Kit::on_a_clock` begins in January 2027.
const MONDAY: At = At::from_seconds(1_801_490_400);
const DAY: i64 = 86_400;

/// The content lines of a calendar, unfolded.
fn lines(text: &str) -> Vec<String> {
    assert!(text.split_terminator("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    text.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
}

fn value<'t>(lines: &'t [String], name: &str) -> &'t str {
    let found = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("{name} in {lines:?}"))
}

async fn room_in(kit: &Kit, zone: &str) -> String {
    let room = kit.room(&zone.to_lowercase().replace(['/', '_'], "-")).await;
    let settings = json!({ "operation_settings": { "default_timezone": zone } });
    kit.admin().post(&format!("/rooms/{room}"), settings).await.ok();
    room
}

async fn file_of(client: &Client, visit: &str) -> String {
    let answer = client.get(&format!("/visits/{visit}/calendar.ics")).await.ok();
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    answer.text
}

/// Opens a private address like a calendar does: without any header of ours.
async fn open(kit: &Kit, address: &str) -> bedside_tests::kit::Answer {
    let path = address.strip_prefix(&kit.base).expect("an address of this server");
    kit.anonymous().get(&format!("/{path}")).await
}

async fn address_of(person: &Person) -> String {
    person.client.get("/users/-/calendar").await.data()["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_appointment_for_each_who_may_see_it() {
    let kit = Kit::start().await;
    let room = room_in(&kit, "America/New_York").await;
    let provider = kit.provider("d-1", &[&room]).await;
    kit.admin()
        .post(&format!("/users/{}", provider.id), json!({ "title": "Dr", "first_name": "Ana" }))
        .await
        .ok();
    let patient = kit.patient("maria").await;
    let email = json!({ "email": "maria@example.org" });
    patient.client.post(&format!("/users/{}", patient.id), email).await.ok();
    let start = At(kit.app.clock.now().0 / 1000 * 1000).plus_seconds(10 * DAY);
    let visit = kit.appointment(&patient, &room, start, 30).await;
    let path = format!("/visits/{}", visit.id);
    provider.client.post(&path, json!({ "provider_id": provider.id })).await.ok();

    let mine = lines(&file_of(&patient.client, &visit.id).await);
    assert_eq!(value(&mine, "METHOD"), "REQUEST");
    assert_eq!(value(&mine, "SUMMARY"), "Visit with Dr Ana d-1");
    assert!(value(&mine, "URL").ends_with(&format!("/members/appointment/{}", visit.id)), "{mine:?}");
    assert!(
        mine.iter().any(|line| line.starts_with("ATTENDEE") && line.ends_with(":mailto:maria@example.org"))
    );
    let theirs = lines(&file_of(&provider.client, &visit.id).await);
    assert_eq!(value(&theirs, "SUMMARY"), "Visit", "no patient in the calendar of staff");
    assert_eq!(value(&theirs, "UID"), value(&mine, "UID"));
    let all = format!("{mine:?}{theirs:?}");
    assert!(!all.contains("rash") && !all.contains("token="), "{all}");

    // Every change counts up, and a cancelled one is taken out under its name.
    let sequence = |lines: &[String]| value(lines, "SEQUENCE").parse::<i64>().unwrap();
    provider.client.post(&path, json!({ "start": start.seconds() + 3_600, "override": 1 })).await.ok();
    let moved = lines(&file_of(&patient.client, &visit.id).await);
    assert!(sequence(&moved) > sequence(&mine));
    assert_eq!(value(&moved, "UID"), value(&mine, "UID"));
    patient.client.post(&format!("{path}/cancel"), json!({})).await.ok();
    let gone = lines(&file_of(&patient.client, &visit.id).await);
    assert_eq!((value(&gone, "METHOD"), value(&gone, "STATUS")), ("CANCEL", "CANCELLED"));
    assert_eq!(value(&gone, "UID"), value(&mine, "UID"));
    assert!(sequence(&gone) > sequence(&moved));

    // Others learn nothing, and what has no time of its own has no file.
    let stranger = kit.patient("tom").await;
    stranger.client.get(&format!("{path}/calendar.ics")).await.refused(404, "visit_not_found");
    let walk_in = stranger.walk_in(&room).await;
    let of = format!("/visits/{}/calendar.ics", walk_in.id);
    stranger.client.get(&of).await.refused(400, "not_an_appointment");
    patient.client.get("/visits/x/calendar.ics").await.refused(404, "visit_not_found");
}

#[tokio::test]
async fn a_private_address_follows_everything_until_it_is_changed() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = room_in(&kit, "Europe/London").await;
    let (patient, other) = (kit.patient("maria").await, kit.patient("tom").await);
    let first = kit.appointment(&patient, &room, MONDAY, 30).await;
    kit.appointment(&patient, &room, MONDAY.plus_seconds(-60 * DAY), 30).await;
    kit.appointment(&patient, &room, MONDAY.plus_seconds(500 * DAY), 30).await;
    kit.appointment(&other, &room, MONDAY, 30).await;
    patient.walk_in(&room).await;
    let address = address_of(&patient).await;
    assert_eq!(address, address_of(&patient).await, "the same until it is changed");
    let secret = address.rsplit('/').next().unwrap().strip_suffix(".ics").unwrap();
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{address}");

    let answer = open(&kit, &address).await.ok();
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "private, no-cache");
    let shown = lines(&answer.text);
    // Neither what is long over, nor what is far away, nor other people's.
    assert_eq!(shown.iter().filter(|line| *line == "BEGIN:VEVENT").count(), 1, "{shown:?}");
    assert_eq!(value(&shown, "X-WR-CALNAME"), "Northside Clinic");
    assert!(!answer.text.contains("METHOD:") && !answer.text.contains("ATTENDEE"));
    let file = lines(&file_of(&patient.client, &first.id).await);
    assert_eq!(value(&shown, "UID"), value(&file, "UID"), "a feed and a file are one appointment");

    // Unchanged is a 304, changed is not.
    let tag = answer.headers[header::ETAG].to_str().unwrap().to_owned();
    let path = address.strip_prefix(&kit.base).unwrap();
    let again = || {
        let request = kit.anonymous().request(Method::GET, &format!("/{path}")).header("If-None-Match", &tag);
        Client::send(request)
    };
    let same = again().await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    patient.act(&first, "cancel").await.ok();
    let changed = again().await.ok();
    assert_eq!(value(&lines(&changed.text), "STATUS"), "CANCELLED");

    // Another address: the old one leads nowhere.
    let next = patient.client.post("/users/-/calendar/rotate", json!({})).await.data();
    let next = next["url"].as_str().unwrap().to_owned();
    assert_ne!(next, address);
    assert_eq!(next, address_of(&patient).await);
    open(&kit, &address).await.refused(404, "calendar_not_found");
    open(&kit, &next).await.ok();
    // What the address shows moves with the days.
    clock.advance_seconds(130 * DAY);
    let later = lines(&open(&kit, &next).await.ok().text);
    assert_eq!(value(&later, "STATUS"), "CONFIRMED", "the one far away has come near: {later:?}");
    for wrong in ["0".repeat(32), secret.to_uppercase(), "x".to_owned(), format!("{secret}0")] {
        open(&kit, &format!("{}/calendars/{wrong}.ics", kit.base)).await.refused(404, "calendar_not_found");
    }
    open(&kit, next.strip_suffix(".ics").unwrap()).await.refused(404, "calendar_not_found");
    // People who may not act any more have none.
    kit.admin().post(&format!("/users/{}", patient.id), json!({ "status": 30 })).await.ok();
    open(&kit, &next).await.refused(404, "calendar_not_found");
}

#[tokio::test]
async fn a_providers_calendar_tells_of_no_patient() {
    let (kit, _) = Kit::on_a_clock().await;
    let room = room_in(&kit, "Europe/London").await;
    let (provider, colleague) = (kit.provider("d-1", &[&room]).await, kit.provider("d-2", &[&room]).await);
    for (number, whose) in [(0, &provider), (1, &provider), (2, &colleague)] {
        let patient = kit.patient(&format!("Zwetschge-{number}")).await;
        let visit = kit.appointment(&patient, &room, MONDAY.plus_minutes(number * 60), 30).await;
        let path = format!("/visits/{}", visit.id);
        provider.client.post(&path, json!({ "provider_id": whose.id })).await.ok();
    }
    let text = open(&kit, &address_of(&provider).await).await.ok().text;
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 2, "{text}");
    assert!(!text.contains("Zwetschge") && !text.contains("Maria") && !text.contains("rash"), "{text}");
    // Somebody without appointments has a calendar too; an admin token has none.
    let idle = kit.provider("d-3", &[]).await;
    assert!(open(&kit, &address_of(&idle).await).await.ok().text.ends_with("END:VCALENDAR\r\n"));
    kit.admin().get("/users/-/calendar").await.refused(403, "no_calendar");
}

#[tokio::test]
async fn guessing_addresses_is_slowed_down() {
    let kit = Kit::with(&[("limits.failed_per_min", "5")]).await;
    let mut statuses = Vec::new();
    for number in 0..7 {
        let address = format!("{}/calendars/{number:032x}.ics", kit.base);
        statuses.push(open(&kit, &address).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 429, 429]);
}

/// An appointment as the library reads it: the same instant by the zone that
/// the text describes as by the zone database, and that of the visit.
#[tokio::test]
async fn another_library_reads_the_same_instants() {
    let Some(python) = python().filter(|python| has_icalendar(python)) else {
        eprintln!("skipped: no Python environment with `icalendar`; `cargo xtask test` makes one");
        return;
    };
    let kit = Kit::start().await;
    let patient = kit.patient("maria").await;
    let cases = [
        // The last quarter before the change, both passes, the first day after.
        ("America/New_York", "2027-11-06T20:00:00Z"),
        ("America/New_York", "2027-11-07T05:15:00Z"),
        ("America/New_York", "2027-11-07T06:15:00Z"),
        ("America/New_York", "2027-11-08T14:00:00Z"),
        ("America/New_York", "2028-03-12T07:00:00Z"),
        ("Europe/London", "2027-10-31T00:30:00Z"),
        ("Europe/London", "2027-10-31T01:30:00Z"),
        ("Europe/London", "2027-11-08T09:00:00Z"),
        ("Australia/Lord_Howe", "2027-10-02T15:00:00Z"),
        ("Australia/Lord_Howe", "2027-10-03T15:45:00Z"),
        ("Australia/Lord_Howe", "2027-11-08T22:00:00Z"),
        ("Africa/Cairo", "2027-10-28T20:00:00Z"),
        ("Africa/Cairo", "2027-11-08T08:00:00Z"),
        ("Asia/Kathmandu", "2027-11-08T04:15:00Z"),
        ("Pacific/Apia", "2011-12-29T21:00:00Z"),
        ("Pacific/Apia", "2011-12-30T21:00:00Z"),
        ("Pacific/Apia", "2027-11-07T20:00:00Z"),
    ];
    let mut texts = Vec::new();
    for (number, (zone, start)) in cases.iter().enumerate() {
        let room = match cases[..number].iter().any(|(known, _)| known == zone) {
            true => zone.to_lowercase().replace(['/', '_'], "-"),
            false => room_in(&kit, zone).await,
        };
        let start = At(start.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let visit = kit.appointment_as(&patient, &room, start, 30, Status::Confirmed).await;
        texts.push((start, file_of(&patient.client, &visit.id).await));
    }
    // And a whole calendar with several zones in one text.
    let soon = kit.app.clock.now().seconds() / 900 * 900;
    for (number, room) in ["america-new-york", "pacific-apia", "asia-kathmandu"].iter().enumerate() {
        let start = At::from_seconds(soon + DAY * (100 * number as i64 + 1));
        kit.appointment(&patient, room, start, 30).await;
    }
    let feed = open(&kit, &address_of(&patient).await).await.ok().text;
    let all: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).chain([feed.as_str()]).collect();
    let read = read_by_python(&python, &kit, &all);
    for (((zone, _), (start, text)), told) in cases.iter().zip(&texts).zip(&read) {
        let event = &told["events"][0];
        let (start, end) = (start.seconds(), start.plus_minutes(30).seconds());
        assert_eq!(
            (&told["method"], &event["start"]),
            (&"REQUEST".into(), &json!([start, start])),
            "{zone}\n{text}"
        );
        assert_eq!(event["end"], json!([end, end]), "{zone}\n{text}");
        assert!(event["tzid"].is_null() || event["tzid"] == *zone, "{event}");
        assert_eq!(event["organizer"].as_str().map(|text| text.starts_with("mailto:no-reply@")), Some(true));
    }
    // In the calendar every event agrees with itself.
    let events = read.last().unwrap()["events"].as_array().unwrap();
    let zones: std::collections::BTreeSet<&str> =
        events.iter().filter_map(|event| event["tzid"].as_str()).collect();
    assert!(zones.len() >= 3, "{zones:?}");
    for event in events {
        assert_eq!(event["start"][0], event["start"][1], "{event}\n{feed}");
    }
}

fn has_icalendar(python: &Path) -> bool {
    let asked = std::process::Command::new(python).args(["-c", "import icalendar"]).output();
    asked.is_ok_and(|output| output.status.success())
}

fn read_by_python(python: &Path, kit: &Kit, texts: &[&str]) -> Vec<Value> {
    let file = kit.database().folder().join("calendars.json");
    std::fs::write(&file, serde_json::to_vec(texts).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/calendars.py");
    let output =
        std::process::Command::new(python).arg(script).arg(&file).output().expect("the script starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
