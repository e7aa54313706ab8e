//! kill -9 while people are told: every question that was asked is told to the
//! provider once, in the list and by mail.

use std::collections::BTreeMap;

use bedside_tests::kit::{Client, Database};
use serde_json::{Value, json};

use crate::durability;

/// How often the server is killed.
const KILLS: usize = 4;
/// Questions before each kill.
const PER_ROUND: usize = 12;

async fn data(client: &Client, path: &str, body: Value) -> Option<Value> {
    let response = client.request(reqwest::Method::POST, path).json(&body).send().await.ok()?;
    let text = response.text().await.ok()?;
    serde_json::from_str::<Value>(&text).ok()?.get("data").cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fact_is_told_once_whenever_the_server_dies() {
    let database = Database::fresh().await;
    let mut server = durability::start(database.url(), database.folder());
    let token = server.admin.clone().expect("the first start makes the clinic");
    let admin = |base: &str| Client::new(base).header("X-AccountCode", "north").header("X-ApiToken", &token);
    let first = admin(&server.base);
    first
        .post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main", "domain": "n.example" }))
        .await
        .ok();
    let provider = json!({ "first_name": "Ann", "last_name": "Lee", "username": "lee", "type": 400,
        "password": "correct horse battery staple", "email": "lee@example.org" });
    let provider = first.post("/users", provider).await.data()["id"].as_str().unwrap().to_owned();
    first.post(&format!("/users/{provider}/rooms"), json!({ "room_code": "main" })).await.ok();
    let patient = json!({ "first_name": "Maria", "last_name": "G", "username": "maria", "type": 200,
        "password": "correct horse battery staple" });
    let patient = first.post("/users", patient).await.data()["id"].as_str().unwrap().to_owned();

    let mut asked = Vec::new();
    for _ in 0..KILLS {
        let client = admin(&server.base);
        for _ in 0..PER_ROUND {
            let intake =
                json!({ "room_code": "main", "member_id": patient, "reason_for_visit": "A question" });
            let intake = data(&client, "/intakes", intake).await.expect("an intake");
            let econsult = json!({ "intake_id": intake["id"] });
            let visit = data(&client, "/visits/add_econsult", econsult).await.expect("a question");
            asked.push(visit["id"].as_str().unwrap().to_owned());
        }
        // Some are planned, some are being sent, some not yet numbered.
        server.kill();
        server = durability::start(database.url(), database.folder());
    }
    let client = admin(&server.base);
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(250));
    let told = async {
        loop {
            looks.tick().await;
            let mut seen: BTreeMap<String, (usize, bool)> = BTreeMap::new();
            for page in 0.. {
                let path = format!("/notifications/sent?limit=100&start={}", page * 100);
                let rows = client.get(&path).await.data();
                let rows = rows.as_array().unwrap();
                for row in rows {
                    let entry = seen.entry(row["visit_id"].as_str().unwrap().to_owned()).or_default();
                    entry.0 += 1;
                    entry.1 = row["state"] == "sent";
                }
                if rows.len() < 100 {
                    break;
                }
            }
            if asked.iter().all(|visit| seen.get(visit).is_some_and(|(_, sent)| *sent)) {
                return seen;
            }
        }
    };
    // A job that died with its worker comes back when its lease is over.
    let seen = tokio::time::timeout(std::time::Duration::from_secs(150), told).await.expect("all are told");
    assert_eq!(seen.len(), asked.len());
    assert!(seen.values().all(|(count, _)| *count == 1), "{seen:?}");
    let letters = std::fs::read_dir(database.folder().join("mail")).unwrap();
    let letters = letters
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "eml"));
    assert_eq!(letters.count(), asked.len(), "one letter each, also where it was handed over twice");
    server.kill();
}
