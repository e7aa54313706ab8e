//! Calls whose clients encrypt end to end: what they send passes unread, and
//! cannot be recorded.

use bedside_tests::kit::{Stream, peer::Peer};
use serde_json::{Value, json};

use crate::python_sdk::{python, they_meet_with};
use crate::recordings::{Call, say};

#[tokio::test]
async fn sdk_peers_that_encrypt_everything_meet() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let call = Call::new().await;
    let passes = [
        call.patient.act(&call.visit, "call").await.data(),
        call.provider.act(&call.visit, "call").await.data(),
    ];
    they_meet_with(&python, &passes, &[("BEDSIDE_CALL_KEY", "between the two of us")]).await;
}

#[tokio::test]
async fn without_the_key_nothing_is_seen_and_nothing_can_be_recorded() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let call = Call::new().await;
    let mut peers = Vec::new();
    for (who, key) in [(&call.patient, "one key"), (&call.provider, "another key")] {
        let pass = who.act(&call.visit, "call").await.data();
        let (url, token) = (pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        peers.push(Peer::join_sealed(&python, url, token, key));
    }
    for (peer, other) in peers.iter_mut().zip([&call.provider, &call.patient]) {
        let other = format!("user-{}", other.id);
        peer.until("encryption", |said| said["identity"] == other && said["state"] == "DECRYPTION_FAILED")
            .await;
    }

    let mut desk = Stream::open(&call.provider.client).await;
    let id = call.start().await["id"].clone();
    say(&call.patient.client, &id, "agree").await.ok();
    desk.next_of("recording.failed").await;
    let kept = call.provider.client.get(&format!("/recordings/{id}")).await.data();
    assert_eq!(
        (&kept["status"], &kept["reason"], &kept["url"]),
        (&json!("failed"), &json!("encrypted"), &Value::Null)
    );
    for peer in peers {
        peer.leave().await;
    }
}
