//! How deliveries are made: tried again, in order, never one endpoint behind
//! another, never to where they must not go.

use bedside_tests::kit::{Client, Kit, Received, Receiver, Reply};
use serde_json::{Value, json};

use crate::webhooks::hook;

const PRIVATE: (&str, &str) = ("webhooks.allow_private", "true");
/// Tests look often whether something has come.
const LOOKS: (&str, &str) = ("limits.admin_token_per_s", "1000000");
/// Four tries, milliseconds apart.
const QUICK: (&str, &str) = ("webhooks.retry_schedule", "[0, 0.01, 0.01, 0.01]");

/// Waits until a delivery stands so; gives it with its tries.
async fn settled(admin: &Client, id: &str, status: &str) -> Value {
    let wanted = async {
        loop {
            let delivery = admin.get(&format!("/deliveries/{id}")).await.data();
            if delivery["status"] == status {
                return delivery;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), wanted).await.expect("the delivery is settled")
}

async fn ping(admin: &Client, hook: &Value) -> String {
    let path = format!("/webhooks/{}/test", hook["id"].as_str().unwrap());
    admin.post(&path, json!({})).await.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_failed_delivery_is_tried_as_often_as_said_then_listed_and_made_again_when_asked() {
    let kit = Kit::with(&[PRIVATE, LOOKS, QUICK]).await;
    let admin = kit.admin();
    let receiver = Receiver::answering(|got| match got.place {
        0 => Reply::With(500, "x-why", "tired".to_owned(), "later".to_owned()),
        1 => Reply::Status(302),
        2 | 3 => Reply::Status(404),
        _ => Reply::Status(204),
    })
    .await;
    let hook = hook(&admin, &receiver.url, json!({})).await;
    let id = ping(&admin, &hook).await;
    let failed = settled(&admin, &id, "failed").await;
    assert_eq!((&failed["tries"], &failed["type"]), (&json!(4), &json!("ping")));
    let attempts = failed["attempts"].as_array().unwrap();
    let statuses: Vec<_> = attempts.iter().map(|one| one["http_status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [404, 404, 302, 500]);
    assert_eq!(
        (&attempts[3]["response_body"], &attempts[3]["response_headers"]["x-why"]),
        (&json!("later"), &json!("tired"))
    );
    assert_eq!(attempts[0]["request_headers"]["webhook-id"], failed["event_id"]);
    assert!(attempts[0]["took_ms"].is_i64());
    assert_eq!(failed["body"]["type"], "ping");

    let listed = format!("/webhooks/{}/deliveries?status=failed", hook["id"].as_str().unwrap());
    assert_eq!(admin.get(&listed).await.data()[0]["id"], id.as_str());
    admin.post(&format!("/deliveries/{id}/redeliver"), json!({})).await.ok();
    settled(&admin, &id, "delivered").await;
    let got = receiver.first(5).await;
    assert!(got.iter().all(|one| one.id() == failed["event_id"] && one.body == got[0].body), "{got:#?}");
    assert!(admin.get(&listed).await.data().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_schedule_is_kept_by_the_clock_and_retry_after_is_honoured() {
    let (kit, clock) = Kit::on_a_clock_with(&[PRIVATE, LOOKS]).await;
    let admin = kit.admin();
    let receiver = Receiver::answering(|got| match got.place {
        0 => Reply::With(503, "retry-after", "120".to_owned(), String::new()),
        1 => Reply::Status(500),
        _ => Reply::Status(200),
    })
    .await;
    let hook = hook(&admin, &receiver.url, json!({})).await;
    let id = ping(&admin, &hook).await;
    receiver.first(1).await;
    let delivery = async || admin.get(&format!("/deliveries/{id}")).await.data();
    let tried = async |times: i64| loop {
        let found = delivery().await;
        if found["tries"] == times {
            return found;
        }
        tokio::task::yield_now().await;
    };
    let next = |found: &Value| found["next_try_ms"].as_i64().unwrap() - kit.app.clock.now().0;
    // 5 s by the schedule, 120 s by the endpoint's wish.
    assert_eq!(next(&tried(1).await), 120_000);
    clock.advance_seconds(120);
    receiver.first(2).await;
    // Five minutes, and up to a tenth more.
    let pause = next(&tried(2).await);
    assert!((300_000..=330_000).contains(&pause), "{pause}");
    clock.advance_seconds(331);
    receiver.first(3).await;
    assert_eq!(tried(3).await["status"], "delivered");
    assert_eq!(receiver.got().len(), 3);
}

#[tokio::test]
async fn gone_switches_an_endpoint_off_with_an_event_and_replay_fills_the_gap() {
    let kit = Kit::with(&[PRIVATE, LOOKS, QUICK]).await;
    let admin = kit.admin();
    let room = kit.room("main").await;
    let receiver = Receiver::answering(|got| Reply::Status(if got.place == 0 { 410 } else { 200 })).await;
    let hook = hook(&admin, &receiver.url, json!({ "events": "visit.created" })).await;
    let path = format!("/webhooks/{}", hook["id"].as_str().unwrap());
    let mut stream = bedside_tests::kit::Stream::open(&admin).await;
    let first = kit.patient("p-1").await.walk_in(&room).await;
    let told = stream.next_of("webhook.disabled").await;
    assert_eq!(told.data["data"]["webhook_id"], hook["id"]);
    let off = admin.get(&path).await.data();
    assert_eq!((&off["active"], &off["disabled_reason"]), (&json!(false), &json!("gone")));
    let second = kit.patient("p-2").await.walk_in(&room).await;
    admin.post(&format!("{path}/replay"), json!({ "from_seq": 1 })).await.refused(400, "webhook_off");
    let on = admin.post(&path, json!({ "active": 1 })).await.data();
    assert_eq!((&on["active"], &on["disabled_reason"]), (&json!(true), &json!(null)));
    bedside_app::events::number(&kit.app).await.unwrap();
    let replayed = admin.post(&format!("{path}/replay"), json!({ "from_seq": 1 })).await.data();
    assert_eq!(replayed, json!({ "count": 2, "next_seq": null }));
    let has = |got: &[Received], visit: &str| got.iter().skip(1).any(|one| one.json()["data"]["id"] == visit);
    let got = receiver.until(|got| has(got, &first.id) && has(got, &second.id)).await;
    let same = got.iter().skip(1).find(|one| one.json()["data"]["id"] == first.id.as_str()).unwrap();
    assert_eq!((same.id(), &same.body), (got[0].id(), &got[0].body));
}

#[tokio::test]
async fn five_days_of_failures_switch_an_endpoint_off() {
    let (kit, clock) = Kit::on_a_clock_with(&[
        LOOKS,
        PRIVATE,
        ("webhooks.retry_schedule", "[0, 90000, 90000, 90000, 90000, 90000]"),
    ])
    .await;
    let admin = kit.admin();
    let receiver = Receiver::answering(|_| Reply::Status(500)).await;
    let hook = hook(&admin, &receiver.url, json!({})).await;
    let path = format!("/webhooks/{}", hook["id"].as_str().unwrap());
    let id = ping(&admin, &hook).await;
    // 27 hours and a little between tries; the sixth comes on the sixth day.
    for tries in 1..=6 {
        loop {
            let found = admin.get(&format!("/deliveries/{id}")).await.data();
            if found["tries"] == tries {
                break;
            }
            tokio::task::yield_now().await;
        }
        let active = &admin.get(&path).await.data()["active"];
        assert_eq!(*active, json!(tries < 6), "after {tries}");
        clock.advance_seconds(99_001);
    }
    let off = admin.get(&path).await.data();
    assert_eq!(off["disabled_reason"], "failing");
}

#[tokio::test]
async fn first_tries_of_one_visit_come_in_order_however_slow_they_are() {
    let kit = Kit::with(&[PRIVATE, LOOKS, QUICK, ("webhooks.timeout_ms", "200")]).await;
    let room = kit.room("main").await;
    let receiver = Receiver::answering(|got| match got.place % 4 {
        0 => Reply::Hang,
        1 => Reply::Status(500),
        _ => Reply::Status(200),
    })
    .await;
    let provider = kit.provider("d-1", &[&room]).await;
    let mut patients = Vec::new();
    for n in 0..4 {
        patients.push(kit.patient(&format!("p-{n}")).await);
    }
    hook(&kit.admin(), &receiver.url, json!({ "events": "visit.created,visit.updated,visit.ended" })).await;
    for patient in &patients {
        let visit = patient.walk_in(&room).await;
        provider.act(&visit, "accept").await.ok();
        provider.act(&visit, "complete").await.ok();
    }
    let distinct = |got: &[Received]| {
        let ids: std::collections::BTreeSet<_> = got.iter().map(|one| one.id().to_owned()).collect();
        ids.len()
    };
    let got = receiver.until(|got| distinct(got) == 12).await;
    let mut firsts: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    let mut seen = std::collections::BTreeSet::new();
    for one in &got {
        if seen.insert(one.id().to_owned()) {
            let body = one.json();
            let visit = body["data"]["id"].as_str().unwrap().to_owned();
            firsts.entry(visit).or_default().push(body["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(firsts.len(), 4);
    for order in firsts.values() {
        assert_eq!(*order, ["visit.created", "visit.updated", "visit.ended"]);
    }
}

#[tokio::test]
async fn a_healthy_endpoint_waits_behind_no_other() {
    // With the real time-out: whoever waited for the hanging one would be late.
    let kit =
        Kit::with(&[PRIVATE, LOOKS, ("webhooks.timeout_ms", "60000"), ("webhooks.concurrency", "2")]).await;
    let room = kit.room("main").await;
    let admin = kit.admin();
    let hanging = Receiver::answering(|_| Reply::Hang).await;
    let failing = Receiver::answering(|_| Reply::Status(500)).await;
    let healthy = Receiver::start().await;
    for receiver in [&hanging, &failing, &healthy] {
        hook(&admin, &receiver.url, json!({ "events": "visit.created,visit.ended" })).await;
    }
    let mut visits = Vec::new();
    for n in 0..25 {
        let patient = kit.patient(&format!("p-{n}")).await;
        let visit = patient.walk_in(&room).await;
        patient.client.post(&format!("/visits/{}/cancel", visit.id), json!({})).await.ok();
        visits.push(visit.id);
    }
    let started = std::time::Instant::now();
    let got = healthy.first(50).await;
    assert!(started.elapsed().as_secs() < 30, "it waited for the hanging one");
    assert_eq!(got.len(), 50);
    for visit in visits {
        let of: Vec<_> =
            got.iter().map(|one| one.json()).filter(|one| one["data"]["id"] == visit.as_str()).collect();
        let kinds: Vec<_> = of.iter().map(|one| one["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["visit.created", "visit.ended"]);
    }
    // No more at once than its limit.
    assert_eq!(hanging.got().len(), 2);
}

#[tokio::test]
async fn what_leads_to_a_private_address_is_not_asked() {
    // Made while it was allowed, tried when it is not: a name, an address, a way round.
    let receiver = Receiver::start().await;
    let port = receiver.url.trim_end_matches("/hook").rsplit(':').next().unwrap().to_owned();
    let mut kit = Kit::with(&[PRIVATE, LOOKS]).await;
    let mut made = Vec::new();
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.1", "0"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/hook");
            made.push((url.clone(), hook(&kit.admin(), &url, json!({})).await));
        }
    }
    kit.restart(&[LOOKS, ("webhooks.retry_schedule", "[0]")]).await;
    for (url, hook) in made {
        let id = ping(&kit.admin(), &hook).await;
        let failed = settled(&kit.admin(), &id, "failed").await;
        assert_eq!(failed["attempts"][0]["error"], "private_address", "{url}: {failed}");
    }
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed_and_answers_are_cut() {
    let kit = Kit::with(&[PRIVATE, LOOKS, ("webhooks.retry_schedule", "[0]")]).await;
    let admin = kit.admin();
    let inner = Receiver::start().await;
    let target = inner.url.clone();
    let outer = Receiver::answering(move |got| match got.place {
        0 => Reply::With(307, "location", target.clone(), String::new()),
        1 => {
            Reply::With(308, "location", "http://169.254.169.254/latest/meta-data".to_owned(), String::new())
        }
        _ => Reply::With(200, "x-long", "1".to_owned(), "a\0b".repeat(1_000_000)),
    })
    .await;
    let hook = hook(&admin, &outer.url, json!({})).await;
    for status in [307, 308] {
        let id = ping(&admin, &hook).await;
        let failed = settled(&admin, &id, "failed").await;
        assert_eq!(failed["attempts"][0]["http_status"], status);
    }
    let id = ping(&admin, &hook).await;
    let delivered = settled(&admin, &id, "delivered").await;
    assert_eq!(delivered["attempts"][0]["response_body"].as_str().unwrap().chars().count(), 4096);
    assert!(inner.got().is_empty());
}
