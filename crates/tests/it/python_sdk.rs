//! The unmodified LiveKit SDK for Python, twice, in the call of one visit:
//! video, audio, data messages and RPC both ways.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bedside_tests::kit::{Kit, Stream};
use serde_json::Value;
use tokio::process::Command;

/// `cargo xtask test` makes the environment and names its Python; one that it
/// left behind serves as well.
pub fn python() -> Option<PathBuf> {
    let left_behind = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    std::env::var_os("BEDSIDE_TEST_PYTHON")
        .map(PathBuf::from)
        .or_else(|| left_behind.is_file().then_some(left_behind))
}

/// Two SDK peers see and hear each other with these passes.
pub async fn they_meet(python: &Path, passes: &[Value; 2]) {
    let mut script = Command::new(python);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/call.py")).kill_on_drop(true);
    for pass in passes {
        script.args([pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap()]);
    }
    let run = tokio::time::timeout(Duration::from_secs(120), script.output());
    let output = run.await.expect("the script ends by itself").expect("the script starts");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("ok:"), "{said}{complained}");
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
