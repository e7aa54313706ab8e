//! Calls with many people, and calls whose server starts again: the unmodified
//! LiveKit SDK for Python.

use std::path::Path;
use std::time::{Duration, Instant};

use bedside_tests::kit::peer::{Peer, python};
use bedside_tests::kit::{Client, Kit};
use serde_json::{Value, json};
use tokio::process::Command;

/// Guests that one visit takes.
const GUESTS: usize = 8;
/// Much more than the five seconds aimed at: tests share their machine.
const BACK: Duration = Duration::from_secs(30);

#[tokio::test]
async fn ten_people_see_and_hear_each_other() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let mut passes =
        vec![patient.act(&visit, "call").await.data(), provider.act(&visit, "call").await.data()];
    let call = format!("/visits/{}/call", visit.id);
    for number in 0..GUESTS {
        let body = json!({ "code": visit.body["code"], "name": format!("Guest {number}"), "role": "family" });
        let place = kit.anonymous().post("/visits/join", body).await.data();
        let guest: Client = kit.bearer(place["token"]["token"].as_str().unwrap());
        let admit = format!("/visits/{}/guests/{}/admit", visit.id, place["id"].as_str().unwrap());
        provider.client.post(&admit, json!({})).await.ok();
        passes.push(guest.post(&call, json!({})).await.data());
    }
    let said = crowd(&python, &passes).await;
    assert!(said.contains("ok: 10 people saw and heard each other"), "{said}");
}

async fn crowd(python: &Path, passes: &[Value]) -> String {
    let mut script = Command::new(python);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/crowd.py")).kill_on_drop(true);
    for pass in passes {
        script.args([pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap()]);
    }
    let run = tokio::time::timeout(Duration::from_secs(150), script.output());
    let output = run.await.expect("the script ends by itself").expect("the script starts");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn everybody_returns_by_themselves_when_the_server_starts_again() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let mut kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let mut peers = Vec::new();
    for person in [&patient, &provider] {
        let pass = person.act(&visit, "call").await.data();
        let peer = Peer::join(&python, pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        peers.push(peer);
    }
    for peer in &mut peers {
        peer.until("subscribed", |said| said["video"] == true).await;
    }
    let listen = kit.base.trim_start_matches("http://").to_owned();
    let began = Instant::now();
    kit.restart(&[("server.listen", &listen)]).await;
    for peer in &mut peers {
        peer.next_of("reconnected").await;
        peer.until("subscribed", |said| said["video"] == true).await;
    }
    let took = began.elapsed();
    eprintln!("everybody was back {:.1} s after the server began to stop", took.as_secs_f64());
    assert!(took < BACK, "{took:?}");
    for peer in peers {
        peer.leave().await;
    }
}
