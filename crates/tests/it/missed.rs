//! Missed appointments: noticed once each, by a job, whatever happens to the
//! process.

use std::collections::BTreeMap;

use bedside::boot::Surroundings;
use bedside_app::{Clock, Random, events, visits};
use bedside_model::{At, event::EventType, visit::Status};
use bedside_tests::kit::{Kit, Stream, Visit};
use serde_json::json;

use crate::durability;

/// 2027-02-01T14:00:00Z; `Kit::on_a_clock` begins in January 2027.
const START: At = At::from_seconds(1_801_490_400);

/// How often each visit was told as missed.
async fn told(kit: &Kit) -> BTreeMap<String, usize> {
    let account =
        bedside_app::accounts::get_by_code(&kit.app, &kit.clinic.code).await.expect("the clinic").id;
    events::last_seq(&kit.app, &account).await.expect("all numbered");
    let mut counts = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = events::list_after(&kit.app, &account, after).await.expect("a page");
        let Some(last) = page.last() else { return counts };
        after = last.seq;
        for event in page.iter().filter(|event| event.kind == EventType::VisitMissed) {
            *counts.entry(event.visit.expect("a visit").to_string()).or_default() += 1;
        }
    }
}

async fn missed(kit: &Kit, visit: &Visit) -> bool {
    kit.admin().get(&format!("/visits/{}", visit.id)).await.data()["missed"] == true
}

#[tokio::test]
async fn an_appointment_that_nobody_came_to_is_told_once() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    // Who came to wait is not taken for gone in the hours that this test skips.
    kit.admin().post("/rooms/main", json!({ "grace_minutes": 240 })).await.ok();
    kit.provider("d-1", &[&room]).await;
    let patient = kit.patient("maria").await;
    let at = async |minutes: i64, status| {
        kit.appointment_as(&patient, "main", START.plus_minutes(minutes), 30, status).await
    };
    let confirmed = at(0, Status::Confirmed).await;
    let pending = at(30, Status::Pending).await;
    let cancelled = at(60, Status::Confirmed).await;
    patient.act(&cancelled, "cancel").await.ok();
    let taken = at(90, Status::Confirmed).await;
    let come = at(120, Status::Confirmed).await;
    let ahead = at(48 * 60, Status::Confirmed).await;
    let mut desk = Stream::after(&kit.admin(), Some(0)).await;
    clock.advance_seconds(START.seconds() + 119 * 60 - clock.now().seconds());
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[]).await);
    maria.act(&come, "add_walkin").await.ok();
    doctor.act(&taken, "accept").await.ok();
    clock.advance_seconds(3 * 3_600);

    // The job finds them by itself.
    let mut found = Vec::new();
    for _ in 0..2 {
        let frame = desk.next_of("visit.missed").await;
        assert_eq!(
            (&frame.data["user_id"], &frame.data["data"]["member_id"]),
            (&json!(patient.id), &json!(patient.id))
        );
        found.push(frame.data["visit_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(found, [confirmed.id.clone(), pending.id.clone()], "in the order of their ends");
    // Looking again, from two sides at once, finds nothing more.
    let (one, two) = futures_util::join!(visits::notice_missed(&kit.app), visits::notice_missed(&kit.app));
    assert_eq!((one.unwrap(), two.unwrap()), (0, 0));
    let wanted = BTreeMap::from([(confirmed.id.clone(), 1), (pending.id.clone(), 1)]);
    assert_eq!(told(&kit).await, wanted);
    for (visit, is_missed) in [
        (&confirmed, true),
        (&pending, true),
        (&cancelled, false),
        (&taken, false),
        (&come, false),
        (&ahead, false),
    ] {
        assert_eq!(missed(&kit, visit).await, is_missed, "{}", visit.body);
    }
    // Bedside itself stands in the trail.
    let trail = kit.admin().get("/audit?action=visits.missed").await.ok().json();
    assert_eq!(trail["total_count"], 2, "{trail}");
    assert!(trail["data"].as_array().unwrap().iter().all(|entry| entry["credential"] == "system"), "{trail}");

    // Moved to another time, it can be missed again.
    let later = clock.now().seconds() + 3_600;
    doctor.client.post(&format!("/visits/{}", confirmed.id), json!({ "start": later })).await.ok();
    assert!(!missed(&kit, &confirmed).await);
    maria.client.post("/users/-/heartbeat", json!({})).await.ok();
    clock.advance_seconds(2 * 3_600);
    assert_eq!(desk.next_of("visit.missed").await.data["visit_id"], confirmed.id);
    visits::notice_missed(&kit.app).await.unwrap();
    assert_eq!(told(&kit).await[&confirmed.id], 2);
    assert_eq!(told(&kit).await[&pending.id], 1);
}

#[tokio::test]
async fn many_are_told_once_each_whatever_is_killed() {
    const MANY: usize = 120;
    // Made while they lie ahead; then real time, in which all are long over.
    let clock = Clock::fake(At::from_seconds(1_767_225_600));
    let surroundings = Surroundings { clock, random: Random::system() };
    let mut kit = Kit::boot(&[], surroundings).await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria").await;
    let start = kit.app.clock.now().plus_seconds(86_400);
    for number in 0..MANY {
        kit.appointment(&patient, &room, start.plus_minutes(number as i64), 1).await;
    }
    kit.stop().await;
    let (url, folder) = (kit.database().url().to_owned(), kit.database().folder().to_owned());
    for _ in 0..3 {
        // Killed in the middle of it: looking begins with the server.
        let mut one = durability::start(&url, &folder);
        // Only Postgres has two at once.
        let two = (!kit.database().is_sqlite()).then(|| durability::start(&url, &folder));
        one.kill();
        drop(two);
    }
    kit.restart(&[]).await;
    visits::notice_missed(&kit.app).await.unwrap();
    let told = told(&kit).await;
    assert_eq!(told.len(), MANY);
    assert!(told.values().all(|count| *count == 1), "{told:?}");
    let trail = kit.admin().get("/audit?action=visits.missed").await.ok().json();
    assert_eq!(trail["total_count"], MANY);
}
