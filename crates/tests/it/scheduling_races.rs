//! Many want the same time: each is had by one, and no booking is lost. What
//! the answers said is compared with the rows afterwards.

use std::collections::{BTreeMap, BTreeSet};

use bedside_tests::kit::{Kit, Person};
use futures_util::future::join_all;
use serde_json::json;

/// 2027-02-01T09:00:00Z, a Monday.
const MONDAY_NINE: i64 = 1_801_472_400;

/// A room whose provider has a hundred quarters of an hour from Monday on.
async fn clinic() -> (Kit, Person) {
    let fast = [
        ("limits.user_per_s", "100000"),
        ("limits.api_key_per_s", "100000"),
        ("limits.anonymous_per_s", "100000"),
    ];
    let (kit, _) = Kit::on_a_clock_with(&fast).await;
    kit.room("main").await;
    kit.admin().post("/rooms/main", json!({ "visits": { "appointment": { "enabled": true } } })).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    for day in 0..5 {
        let start = MONDAY_NINE + day * 86_400;
        let hours = json!({ "room_code": "main", "start": start, "end": start + 5 * 3_600 });
        provider.client.post("/slots", hours).await.ok();
    }
    (kit, provider)
}

/// Patients with an intake each.
async fn patients(kit: &Kit, count: usize) -> Vec<(Person, String)> {
    let mut all = Vec::with_capacity(count);
    for first in (0..count).step_by(50) {
        all.extend(
            join_all((first..count.min(first + 50)).map(async |n| {
                let person = kit.patient(&format!("p{n}")).await;
                let intake = person.intake("main").await;
                (person, intake)
            }))
            .await,
        );
    }
    all
}

#[tokio::test]
async fn of_a_thousand_who_want_one_time_one_gets_it() {
    let (kit, provider) = clinic().await;
    let patients = patients(&kit, 1_000).await;
    let answers = join_all(patients.iter().map(async |(person, intake)| {
        // A full queue of changes says 503 and means "again".
        loop {
            let body = json!({ "intake_id": intake, "start": MONDAY_NINE });
            let answer = person.client.post("/visits", body).await;
            if answer.status != 503 {
                return answer;
            }
        }
    }))
    .await;
    let won: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json()["data"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(won.len(), 1, "exactly one");
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.refused(400, "slot_taken");
    }
    let listed = kit.admin().get("/visits?limit=100").await.ok().json();
    assert_eq!((&listed["total_count"], &listed["data"][0]["id"]), (&1.into(), &won[0].clone().into()));
    assert_eq!(listed["data"][0]["provider_id"], provider.id);
}

#[tokio::test]
async fn two_hundred_race_for_a_hundred_times_and_each_is_had_once() {
    let (kit, _) = clinic().await;
    let patients = patients(&kit, 200).await;
    let path = format!("/availability?room_code=main&start={MONDAY_NINE}&end={}", MONDAY_NINE + 5 * 86_400);
    let starts: Vec<i64> = kit
        .admin()
        .get(&path)
        .await
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|time| time["start"].as_i64().unwrap())
        .collect();
    assert_eq!(starts.len(), 100);
    // Everybody wants the first time that is free, holds it, and books it; who
    // loses a time takes the next one.
    let mine = join_all(patients.iter().enumerate().map(async |(n, (person, intake))| {
        for turn in 0..starts.len() {
            let start = starts[(n / 2 + turn) % starts.len()];
            let hold = json!({ "room_code": "main", "start": start });
            loop {
                // Every third goes without a hold.
                if n % 3 > 0 {
                    let held = person.client.post("/slots/hold", hold.clone()).await;
                    if held.status == 503 {
                        continue;
                    }
                    if held.status != 200 {
                        held.refused(400, "slot_taken");
                        break;
                    }
                }
                let booked =
                    person.client.post("/visits", json!({ "intake_id": intake, "start": start })).await;
                match booked.status.as_u16() {
                    200 => return Some((start, booked.data()["id"].as_str().unwrap().to_owned())),
                    503 => continue,
                    _ => break drop(booked.refused(400, "slot_taken")),
                }
            }
        }
        None
    }))
    .await;
    let mut had: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (start, visit) in mine.into_iter().flatten() {
        had.entry(start).or_default().insert(visit);
    }
    assert!(had.values().all(|visits| visits.len() == 1), "a time was had twice: {had:?}");
    assert_eq!(had.keys().copied().collect::<Vec<_>>(), starts, "a time was lost");
    let listed = kit.admin().get("/visits?limit=100&sort=start.asc").await.ok().json();
    assert_eq!(listed["total_count"], 100);
    let rows: Vec<i64> =
        listed["data"].as_array().unwrap().iter().map(|visit| visit["start"].as_i64().unwrap()).collect();
    assert_eq!(rows, starts);
}

#[tokio::test]
async fn those_who_want_anybody_and_those_who_want_one_share_the_times() {
    let (kit, first) = clinic().await;
    let second = kit.provider("d-2", &["main"]).await;
    let hours = json!({ "room_code": "main", "start": MONDAY_NINE, "end": MONDAY_NINE + 5 * 3_600 });
    second.client.post("/slots", hours).await.ok();
    let (times, wishes) = (4, 6);
    let patients = patients(&kit, times * wishes).await;
    // Every time is wanted by two who name the one, two who name the other and
    // two who take anybody; there are two to be had.
    let booked = join_all(patients.iter().enumerate().map(async |(n, (person, intake))| {
        let start = MONDAY_NINE + i64::try_from(n / wishes).unwrap() * 900;
        let mut body = json!({ "intake_id": intake, "start": start });
        match n % 3 {
            0 => body["provider_id"] = first.id.clone().into(),
            1 => body["provider_id"] = second.id.clone().into(),
            _ => {}
        }
        loop {
            let answer = person.client.post("/visits", body.clone()).await;
            match answer.status.as_u16() {
                200 => {
                    let visit = answer.data();
                    return Some((start, visit["provider_id"].as_str().unwrap().to_owned()));
                }
                503 => {}
                _ => {
                    answer.refused(400, "slot_taken");
                    return None;
                }
            }
        }
    }))
    .await;
    let mut had: Vec<(i64, String)> = booked.into_iter().flatten().collect();
    had.sort();
    let mut expected: Vec<(i64, String)> = (0..times)
        .flat_map(|n| {
            let start = MONDAY_NINE + i64::try_from(n).unwrap() * 900;
            [(start, first.id.clone()), (start, second.id.clone())]
        })
        .collect();
    expected.sort();
    assert_eq!(had, expected, "each time of each provider once, and none lost");
    assert_eq!(kit.admin().get("/visits?limit=1").await.ok().json()["total_count"], 2 * times);
}

#[tokio::test]
async fn a_hold_is_booked_once_however_often_it_is_clicked() {
    let (kit, _) = clinic().await;
    let person = kit.patient("p").await;
    let intakes = join_all((0..12).map(|_| person.intake("main"))).await;
    person.client.post("/slots/hold", json!({ "room_code": "main", "start": MONDAY_NINE })).await.ok();
    let answers =
        join_all(intakes.iter().map(|intake| {
            person.client.post("/visits", json!({ "intake_id": intake, "start": MONDAY_NINE }))
        }))
        .await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.refused(400, "slot_taken");
    }
    assert_eq!(kit.admin().get("/visits?limit=1").await.ok().json()["total_count"], 1);
}
