//! kill -9 in the middle of a recording: what was recorded until then is put
//! together at the next start, and plays.

use std::time::Duration;

use bedside_tests::kit::{Client, Database, Server, Stream, peer::python, serve_until_killed};
use serde_json::{Value, json};

use crate::recordings::{Clapper, claps, fetch, middle, probe, say};

/// Not a test by itself: this binary starts itself with this name, to have a
/// process to kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_until_killed() {
    serve_until_killed(&[
        ("files.url", "dir:{folder}/files"),
        ("recordings.folder", "{folder}/recordings"),
        ("media.udp_port", "0"),
    ])
    .await;
}

fn start(database: &Database) -> Server {
    Server::start("recordings_crash::serves_until_killed", database.url(), database.folder())
}

fn caller(base: &str, token: &str) -> Client {
    Client::new(base).header("X-AccountCode", "north").header("X-ApiToken", token)
}

/// Number and token of somebody whom the portal signs in.
async fn person(base: &str, (key, secret): &(String, String), code: &str, kind: i64) -> (String, String) {
    let portal = Client::new(base).header("X-ApiKey", key).header("X-ApiSecret", secret);
    let body = json!({ "code": code, "type": kind, "first_name": "Maria", "last_name": code });
    let data = portal.header("X-AccountCode", "north").post("/users/sso", body).await.data();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&data["id"]), text(&data["token"]["token"]))
}

#[tokio::test]
async fn what_was_recorded_until_a_kill_plays() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let database = Database::fresh().await;
    let mut server = start(&database);
    let made = server.portal.take().expect("a new clinic");
    let admin = caller(&server.base, &server.admin.take().expect("its admin"));
    let room = json!({ "slug": "main", "code": "main", "name": "Walk-in care", "domain": "north.example" });
    admin.post("/rooms", room).await.ok();
    let (_, patient) = person(&server.base, &made, "p-1", 200).await;
    let (provider_id, token) = person(&server.base, &made, "d-1", 400).await;
    let (patient, provider) = (caller(&server.base, &patient), caller(&server.base, &token));
    admin.post(&format!("/users/{provider_id}/rooms"), json!({ "room_code": "main" })).await.ok();
    let intake = json!({ "reason_for_visit": "A rash on my arm", "room_code": "main", "smoker": "no" });
    let intake = patient.post("/intakes", intake).await.data()["id"].clone();
    let visit =
        patient.post("/visits/add_walkin", json!({ "intake_id": intake, "room_code": "main" })).await.data();
    let visit = visit["id"].as_str().unwrap().to_owned();
    provider.post(&format!("/visits/{visit}/accept"), json!({})).await.ok();
    let call = format!("/visits/{visit}/call");
    let passes = [patient.post(&call, json!({})).await.data(), provider.post(&call, json!({})).await.data()];
    let mut peers = [Clapper::join(&python, &passes[0], "0"), Clapper::join(&python, &passes[1], "1")];
    for peer in &mut peers {
        peer.until(|said| said["event"] == "clap").await;
    }
    let asked = provider.post(&format!("/visits/{visit}/recordings"), json!({})).await.data();
    let id = &asked["id"];
    assert_eq!(say(&patient, id, "agree").await.data()["status"], "recording");
    peers[0].claps(4).await;
    let before = std::fs::read_dir(database.folder().join("recordings")).unwrap().count();
    assert_eq!(before, 1, "it is being written");
    drop(server);
    drop(peers);

    let server = start(&database);
    let (provider, path) = (caller(&server.base, &token), format!("/recordings/{id}"));
    let ready: Value = tokio::time::timeout(Duration::from_secs(120), async {
        let mut desk = Stream::after(&provider, Some(0)).await;
        desk.next_of("recording.ready").await;
        provider.get(&path).await.data()
    })
    .await
    .expect("it is put together");
    assert_eq!(ready["status"], "ready", "{ready}");
    let film = fetch(ready["url"].as_str().unwrap(), database.folder(), "film.mp4").await;
    let (kinds, seconds) = probe(&film).await;
    assert!(kinds.contains(&"audio".to_owned()) && kinds.contains(&"video".to_owned()), "{kinds:?}");
    // Four claps of two seconds, of which a second or two may be lost.
    assert!((5.0..14.0).contains(&seconds), "{seconds} s");
    let found = claps(&python, &film).await;
    println!("until the kill {seconds:.2} s, {found}");
    assert!(found["left"].as_i64().unwrap() >= 2 && found["right"].as_i64().unwrap() >= 2, "{found}");
    assert!(middle(&found).abs() < 80.0, "{found}");
}
