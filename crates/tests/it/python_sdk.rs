//! The unmodified LiveKit SDK for Python, twice, in the call of one visit:
//! video, audio, data messages and RPC both ways.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

pub use bedside_tests::kit::peer::python;
use bedside_tests::kit::{Kit, Stream};
use serde_json::Value;
use tokio::process::Command;

/// Two SDK peers see and hear each other with these passes.
pub async fn they_meet(python: &Path, passes: &[Value; 2]) {
    they_meet_with(python, passes, &[]).await;
}

/// The same; `relay`: by the relay and no other way.
pub async fn they_meet_by(python: &Path, passes: &[Value; 2], relay: bool) {
    let settings: &[_] = if relay { &[("BEDSIDE_CALL_RELAY", "1")] } else { &[] };
    they_meet_with(python, passes, settings).await;
}

/// The same with settings of the script: `BEDSIDE_CALL_RELAY` (by the relay
/// and no other way), `BEDSIDE_CALL_CODEC` (the pictures' codec),
/// `BEDSIDE_CALL_KEY` (encrypted end to end).
pub async fn they_meet_with(python: &Path, passes: &[Value; 2], settings: &[(&str, &str)]) {
    let mut script = Command::new(python);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/call.py")).kill_on_drop(true);
    for pass in passes {
        script.args([pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap()]);
    }
    script.envs(settings.iter().copied());
    let run = tokio::time::timeout(Duration::from_secs(120), script.output());
    let output = run.await.expect("the script ends by itself").expect("the script starts");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("ok:"), "{said}{complained}");
}

#[tokio::test]
async fn sdk_peers_see_each_other_in_every_codec() {
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
    // VP8 is the other tests' codec; the SDK for Linux has H.264 too, but not
    // on every processor.
    for codec in ["VP9", "AV1"] {
        let passes = [patient.act(&visit, "call").await.data(), provider.act(&visit, "call").await.data()];
        they_meet_with(&python, &passes, &[("BEDSIDE_CALL_CODEC", codec)]).await;
    }
}

#[tokio::test]
async fn two_sdk_peers_meet_in_a_visit() {
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

    let passes = [patient.act(&visit, "call").await.data(), provider.act(&visit, "call").await.data()];
    they_meet(&python, &passes).await;

    // Who came and went is told as events of the visit.
    let mut desk = Stream::after(&provider.client, Some(0)).await;
    for event in ["call.peer_joined", "call.peer_left"] {
        let mut told = BTreeSet::new();
        while told.len() < 2 {
            let frame = desk.next_of(event).await;
            assert_eq!(frame.data["visit_id"], visit.id);
            told.insert(frame.data["data"]["peer_id"].as_str().expect("a person").to_owned());
        }
        assert_eq!(told, [patient.id.clone(), provider.id.clone()].into());
    }
}
