//! Series of appointments: called off and moved, one, from one on, or all; on
//! both sides of a clock change, and all or none.

use std::collections::BTreeSet;

use bedside_app::Clock;
use bedside_tests::kit::{Answer, Client, Kit, Person, Stream};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Monday, 1 March 2027, nine in New York (14:00 UTC). The clocks there change
/// on the 14th.
const MONDAY_NINE: i64 = 1_803_909_600;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

struct Clinic {
    kit: Kit,
    clock: Clock,
    patient: Person,
}

/// A room in New York whose provider is there on weekdays from nine to twelve.
async fn clinic() -> Clinic {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let settings = json!({
        "operation_settings": { "default_timezone": "America/New_York" },
        "visits": { "appointment": { "enabled": true } },
    });
    kit.admin().post("/rooms/main", settings).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    let hours = json!({
        "room_code": "main",
        "hours": { "from": "09:00", "until": "12:00" },
        "repeat": { "freq": "weekly", "days": [1, 2, 3, 4, 5], "from": "2027-01-01" },
    });
    provider.client.post("/slots", hours).await.ok();
    let patient = kit.patient("maria").await;
    Clinic { kit, clock, patient }
}

/// Books a series; gives its visits.
async fn series(person: &Person, start: i64, count: i64) -> Vec<String> {
    let body = json!({ "intake_id": person.intake("main").await, "start": start,
        "repeat": { "freq": "weekly", "count": count } });
    ids(&person.client.post("/visits", body).await.data())
}

fn ids(visit: &Value) -> Vec<String> {
    let ids = visit["series"].as_array().unwrap_or_else(|| panic!("a series in {visit}"));
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

async fn act(client: &Client, visit: &str, verb: &str, body: Value) -> Answer {
    let path = format!("/visits/{visit}{}{verb}", if verb.is_empty() { "" } else { "/" });
    client.post(&path, body).await
}

/// Begin and status of visits.
async fn state(client: &Client, visits: &[String]) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for visit in visits {
        let shown = client.get(&format!("/visits/{visit}")).await.data();
        let start = shown["start"].as_str().unwrap().parse().unwrap();
        all.push((start, shown["status"].as_str().unwrap().to_owned()));
    }
    all
}

fn open(starts: &[i64]) -> Vec<(i64, String)> {
    starts.iter().map(|start| (*start, "20".to_owned())).collect()
}

/// The begins of the free times of one day.
async fn free(client: &Client, day: i64) -> BTreeSet<i64> {
    let path = format!("/availability?room_code=main&start={}&end={}", day - 9 * HOUR, day + 15 * HOUR);
    let times = client.get(&path).await.data();
    times.as_array().unwrap().iter().map(|time| time["start"].as_i64().unwrap()).collect()
}

/// The three Mondays at nine: the third lies behind the clock change.
const MONDAYS: [i64; 3] = [MONDAY_NINE, MONDAY_NINE + WEEK, MONDAY_NINE + 2 * WEEK - HOUR];

#[tokio::test]
async fn called_off_from_one_on_and_free_at_once() {
    let clinic = clinic().await;
    let visits = series(&clinic.patient, MONDAY_NINE, 3).await;
    let client = &clinic.patient.client;
    assert_eq!(state(client, &visits).await, open(&MONDAYS));
    let answer = act(client, &visits[1], "cancel", json!({ "scope": "following" })).await.data();
    assert_eq!((ids(&answer), &answer["status"]), (visits[1..].to_vec(), &"40".into()));
    let statuses: Vec<String> = state(client, &visits).await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["20", "40", "40"]);
    for (day, is_free) in MONDAYS.iter().zip([false, true, true]) {
        assert_eq!(free(client, *day).await.contains(day), is_free);
    }
    // One event for each that was called off, none for the other.
    let mut desk = Stream::after(&clinic.kit.admin(), Some(0)).await;
    let mut ended = BTreeSet::new();
    for _ in 0..2 {
        ended.insert(desk.next_of("visit.ended").await.data["visit_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ended, visits[1..].iter().cloned().collect());
    // All the rest; what is closed stays, and a second time there is nothing to do.
    let rest = act(client, &visits[0], "cancel", json!({ "scope": "all" })).await.data();
    assert_eq!(ids(&rest), visits[..1]);
    let trail = clinic.kit.admin().get("/audit?action=visits.cancel").await.ok().json();
    assert_eq!(trail["total_count"], 3, "{trail}");
}

#[tokio::test]
async fn one_alone_and_one_that_repeats_with_nothing() {
    let clinic = clinic().await;
    let client = &clinic.patient.client;
    let visits = series(&clinic.patient, MONDAY_NINE, 3).await;
    let answer = act(client, &visits[1], "cancel", json!({})).await.data();
    assert!(answer["series"].is_null(), "{answer}");
    let statuses: Vec<String> = state(client, &visits).await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["20", "40", "20"]);
    let intake = clinic.patient.intake("main").await;
    let single =
        client.post("/visits", json!({ "intake_id": intake, "start": MONDAY_NINE + HOUR })).await.data();
    let id = single["id"].as_str().unwrap();
    let answer = act(client, id, "cancel", json!({ "scope": "all" })).await.data();
    assert_eq!(ids(&answer), [id]);
    act(client, &visits[0], "cancel", json!({ "scope": "some" })).await.refused(400, "invalid_field");
    act(client, &visits[0], "", json!({ "start": 1, "scope": "some" })).await.refused(400, "invalid_field");
    // Also where the body names the visit.
    let body = json!({ "visit_id": visits[0], "scope": "all" });
    assert_eq!(
        ids(&client.post("/visits/cancel", body).await.data()),
        [visits[0].clone(), visits[2].clone()]
    );
}

#[tokio::test]
async fn moved_by_the_clock_on_the_wall() {
    let clinic = clinic().await;
    let client = &clinic.patient.client;
    let visits = series(&clinic.patient, MONDAY_NINE, 3).await;
    // To Tuesdays at half past ten: 15:30 UTC, and 14:30 once the clocks have changed.
    let to = MONDAY_NINE + DAY + HOUR + HOUR / 2;
    let answer = act(client, &visits[0], "", json!({ "start": to, "scope": "all" })).await.data();
    assert_eq!(ids(&answer).iter().collect::<BTreeSet<_>>(), visits.iter().collect());
    assert_eq!(state(client, &visits).await, open(&[to, to + WEEK, to + 2 * WEEK - HOUR]));
    for day in MONDAYS {
        assert!(free(client, day).await.contains(&day), "the old time is free");
    }
    // A week later, each to where the next one is; from the second on, and back.
    let by_week = json!({ "start": to + 2 * WEEK - HOUR, "scope": "following" });
    act(client, &visits[1], "", by_week).await.refused(400, "invalid_field");
    clinic.clock.advance_seconds(10 * DAY);
    let maria = clinic.kit.patient("maria").await.client;
    let by_week = json!({ "start": to + 2 * WEEK - HOUR, "scope": "following" });
    act(&maria, &visits[1], "", by_week).await.ok();
    let moved = [to, to + 2 * WEEK - HOUR, to + 3 * WEEK - HOUR];
    assert_eq!(state(&maria, &visits).await, open(&moved));
    let back = json!({ "start": to + WEEK, "scope": "following" });
    act(&maria, &visits[1], "", back).await.ok();
    assert_eq!(state(&maria, &visits).await, open(&[to, to + WEEK, to + 2 * WEEK - HOUR]));
    // Longer, all of them, by staff.
    let provider = clinic.kit.provider("d-1", &[]).await.client;
    act(&provider, &visits[0], "", json!({ "end": to + HOUR, "scope": "all", "override": 1 })).await.ok();
    for visit in &visits {
        let shown = provider.get(&format!("/visits/{visit}")).await.data();
        let at = |name: &str| shown[name].as_str().unwrap().parse::<i64>().unwrap();
        assert_eq!(at("end") - at("start"), HOUR);
    }
}

#[tokio::test]
async fn one_taken_time_moves_none() {
    let clinic = clinic().await;
    let client = &clinic.patient.client;
    let visits = series(&clinic.patient, MONDAY_NINE, 3).await;
    let tom = clinic.kit.patient("tom").await;
    let taken = MONDAYS[2] + HOUR;
    let body = json!({ "intake_id": tom.intake("main").await, "start": taken });
    tom.client.post("/visits", body).await.ok();
    let before = clinic.kit.admin().get("/audit?limit=1").await.ok().json()["total_count"].clone();
    let move_all = json!({ "start": MONDAY_NINE + HOUR, "scope": "all" });
    let refused = act(client, &visits[0], "", move_all.clone()).await.refused(400, "slot_taken");
    assert_eq!(refused["visit_id"], visits[2], "which one is in the way: {refused}");
    let nearest = refused["nearest"].as_array().unwrap();
    assert!(nearest.iter().all(|time| (time["start"].as_i64().unwrap() - taken).abs() <= HOUR), "{refused}");
    assert_eq!(nearest.len(), 3);
    assert_eq!(state(client, &visits).await, open(&MONDAYS));
    for day in MONDAYS {
        let times = free(&tom.client, day).await;
        assert!(!times.contains(&day) && (times.contains(&(day + HOUR)) || day + HOUR == taken));
    }
    let after = clinic.kit.admin().get("/audit?limit=1").await.ok().json()["total_count"].clone();
    assert_eq!(after, before, "no trace of what did not happen");
    // From the first two there is a way: the third alone goes elsewhere.
    act(client, &visits[2], "", json!({ "start": taken + HOUR })).await.ok();
    let two = act(client, &visits[2], "", json!({ "start": MONDAYS[2], "scope": "this" })).await.data();
    assert!(two["series"].is_null());
}

#[tokio::test]
async fn the_rooms_rules_hold_for_every_one_of_them() {
    let clinic = clinic().await;
    let visits = series(&clinic.patient, MONDAY_NINE, 3).await;
    let rules = json!({ "booking": { "cancel_notice_minutes": 120 } });
    clinic.kit.admin().post("/rooms/main", rules).await.ok();
    let now = clinic.clock.now().seconds();
    clinic.clock.advance_seconds(MONDAY_NINE - HOUR - now);
    let maria = clinic.kit.patient("maria").await.client;
    // The first begins in an hour: too late for it, and so for all together.
    let refused = act(&maria, &visits[1], "cancel", json!({ "scope": "all" })).await;
    assert_eq!(refused.refused(400, "too_late_to_change")["visit_id"], visits[0]);
    let all = json!({ "start": MONDAYS[1] + HOUR, "scope": "all" });
    act(&maria, &visits[1], "", all).await.refused(400, "too_late_to_change");
    assert_eq!(state(&maria, &visits).await, open(&MONDAYS));
    act(&maria, &visits[1], "cancel", json!({ "scope": "following" })).await.ok();
    // What is over stays, for staff too.
    clinic.clock.advance_seconds(3 * HOUR);
    let provider = clinic.kit.provider("d-1", &[]).await.client;
    act(&provider, &visits[1], "cancel", json!({ "scope": "all" })).await.refused(400, "visit_closed");
    assert_eq!(state(&provider, &visits[..1]).await, open(&MONDAYS[..1]));
}

#[tokio::test]
async fn whoever_may_not_change_one_changes_none() {
    let clinic = clinic().await;
    clinic.kit.admin().post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let body = json!({ "intake_id": clinic.patient.intake("main").await, "start": MONDAY_NINE,
        "repeat": { "freq": "weekly", "count": 3 } });
    let made = clinic.patient.client.post("/visits", body).await.data();
    let visits = ids(&made);
    let link = made["one_time_link_token"].as_str().unwrap();
    let holder = clinic.kit.anonymous().header("X-AccountCode", "northside").header("X-LinkToken", link);
    let all = json!({ "scope": "all" });
    act(&holder, &visits[0], "cancel", all.clone()).await.refused(403, "link_not_enough");
    let moved = json!({ "start": MONDAY_NINE + HOUR, "scope": "following" });
    act(&holder, &visits[0], "", moved.clone()).await.refused(403, "link_not_enough");
    let stranger = clinic.kit.patient("tom").await.client;
    act(&stranger, &visits[0], "cancel", all.clone()).await.refused(404, "visit_not_found");
    act(&stranger, &visits[0], "", moved).await.refused(404, "visit_not_found");
    let outsider = clinic.kit.provider("d-9", &[]).await.client;
    act(&outsider, &visits[0], "cancel", all).await.refused(404, "visit_not_found");
    assert_eq!(state(&clinic.patient.client, &visits).await, open(&MONDAYS));
    // The link opens its own appointment, and that one alone.
    act(&holder, &visits[0], "cancel", json!({})).await.ok();
    assert_eq!(state(&clinic.patient.client, &visits[1..]).await, open(&MONDAYS[1..]));
}

/// Several series want the same hours at once, one is called off while it
/// moves: each time is had once, and nothing is left half done.
#[tokio::test]
async fn series_that_move_at_once_do_not_mix() {
    let clinic = clinic().await;
    let mut patients = Vec::new();
    for number in 0..6 {
        let patient = clinic.kit.patient(&format!("p-{number}")).await;
        let visits = series(&patient, MONDAY_NINE + number * 900, 3).await;
        patients.push((patient, visits));
    }
    // All to eleven; only one series fits there.
    let to = MONDAY_NINE + 2 * HOUR;
    let answers = join_all(patients.iter().map(async |(patient, visits)| {
        loop {
            let answer = act(&patient.client, &visits[0], "", json!({ "start": to, "scope": "all" })).await;
            if answer.status != 503 {
                return answer.status.as_u16();
            }
        }
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    let mut taken = BTreeSet::new();
    for (number, (patient, visits)) in patients.iter().enumerate() {
        let at = |first: i64| open(&[first, first + WEEK, first + 2 * WEEK - HOUR]);
        let wanted = if answers[number] == 200 { at(to) } else { at(MONDAY_NINE + number as i64 * 900) };
        let found = state(&patient.client, visits).await;
        assert_eq!(found, wanted, "all or none");
        assert!(found.iter().all(|(start, _)| taken.insert(*start)), "no time twice");
    }
    // The same series moved and called off at once: called off in the end, and
    // its times are free.
    let (patient, visits) = &patients[0];
    let client = &patient.client;
    let back = json!({ "start": MONDAY_NINE + 5 * 1_800, "scope": "all" });
    let again = async |verb: &str, body: Value| loop {
        let answer = act(client, &visits[0], verb, body.clone()).await;
        if answer.status != 503 {
            return answer;
        }
    };
    let (moved, cancelled) =
        futures_util::join!(again("", back.clone()), again("cancel", json!({ "scope": "all" })));
    cancelled.ok();
    if moved.status != 200 {
        moved.refused(400, "visit_closed");
    }
    let found = state(client, visits).await;
    assert!(found.iter().all(|(_, status)| status == "40"), "{found:?}");
    for (start, _) in found {
        assert!(free(client, start).await.contains(&start));
    }
}
