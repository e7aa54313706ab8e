//! One function that both carriers of calls must pass: the embedded node
//! always, a LiveKit cluster where `BEDSIDE_TEST_LIVEKIT` names its server.
//! Two unmodified SDK peers in the call of a visit.

use std::{collections::BTreeSet, path::Path};

use bedside_app::ports::calls::{Carrier, Fault, Peer as InCall};
use bedside_tests::kit::{Cluster, Kit, Peer, Stream, peer::python};
use serde_json::Value;

async fn conforms(kit: &Kit, carrier: &Carrier, python: &Path) {
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let call = visit.body["meeting"]["meeting_id"].as_str().unwrap();
    let mut desk = Stream::open(&provider.client).await;
    assert_eq!(carrier.peers(call).await.unwrap(), [], "nobody is there before anybody came");

    // ---- two people come, and see and hear each other
    let mut peers = Vec::new();
    for person in [&patient, &provider] {
        let pass = person.act(&visit, "call").await.data();
        let peer = Peer::join(python, pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        peers.push((peer, format!("user-{}", person.id)));
    }
    let [(mut a, patients), (mut b, providers)] = <[_; 2]>::try_from(peers).ok().unwrap();
    assert_eq!(a.next_of("joined").await["identity"], patients);
    assert_eq!(b.next_of("joined").await["identity"], providers);
    let both = [patient.id.clone(), provider.id.clone()].into();
    assert_eq!(told(&mut desk, "call.peer_joined", 2).await, both);
    for (peer, other) in [(&mut a, &providers), (&mut b, &patients)] {
        for is_video in [true, false] {
            peer.until("subscribed", |said| said["identity"] == **other && said["video"] == is_video).await;
        }
    }
    let inside = carrier.peers(call).await.unwrap();
    let names: BTreeSet<&str> = inside.iter().map(|peer| peer.identity.as_str()).collect();
    assert_eq!(names, [&*patients, &*providers].into());
    assert!(inside.iter().all(|peer| peer.connected && !peer.sid.is_empty()));
    let microphone = only(&inside, &patients, false);
    assert!(!only(&inside, &patients, true).1 && !microphone.1, "nothing is switched off yet");

    // ---- somebody's microphone is switched off
    assert_eq!(carrier.mute(call, &patients, Some(&microphone.0)).await.unwrap(), 1);
    let muted = b.next_of("muted").await;
    assert_eq!((&muted["identity"], &muted["sid"]), (&Value::from(&*patients), &Value::from(&*microphone.0)));
    let inside = carrier.peers(call).await.unwrap();
    assert!(only(&inside, &patients, false).1 && !only(&inside, &patients, true).1);
    assert!(matches!(carrier.mute(call, &patients, Some("TR_none")).await, Err(Fault::NotThere)));
    assert!(matches!(carrier.mute(call, "user-0", Some(&microphone.0)).await, Err(Fault::NotThere)));

    // ---- messages of the house, to one of them and to all
    let one = [providers.clone()];
    carrier.send(call, &one, "house", b"only you".to_vec()).await.unwrap();
    carrier.send(call, &[], "house", b"all of you".to_vec()).await.unwrap();
    for (peer, expected) in [(&mut b, &["only you", "all of you"][..]), (&mut a, &["all of you"])] {
        for text in expected {
            let data = peer.next_of("data").await;
            assert_eq!((&data["text"], &data["topic"]), (&Value::from(*text), &Value::from("house")));
            assert_eq!(data["sender"], Value::Null, "it comes from nobody in the call");
        }
    }

    // ---- one is taken out
    carrier.remove(call, &patients).await.unwrap();
    a.ended("PARTICIPANT_REMOVED").await;
    b.until("went", |said| said["identity"] == *patients).await;
    assert_eq!(told(&mut desk, "call.peer_left", 1).await, [patient.id.clone()].into());
    let inside = carrier.peers(call).await.unwrap();
    assert_eq!(inside.iter().map(|peer| &peer.identity).collect::<Vec<_>>(), [&providers]);
    carrier.remove(call, &patients).await.expect("who is not there is out already");

    // ---- the visit is over, and so is its call
    provider.act(&visit, "complete").await.ok();
    b.ended("ROOM_DELETED").await;
    assert_eq!(told(&mut desk, "call.peer_left", 1).await, [provider.id.clone()].into());
    assert_eq!(carrier.peers(call).await.unwrap(), []);
    carrier.end(call).await.expect("a call that is over has ended");
    carrier.send(call, &[], "house", Vec::new()).await.expect("nobody is there to hear it");
    let kept = provider.client.get(&format!("/visits/{}", visit.id)).await.data();
    assert_eq!(kept["status"], visit_completed(), "only people decide what becomes of a visit");
}

fn visit_completed() -> &'static str {
    "30"
}

/// The one track of that kind: its name, and whether it is switched off.
fn only(inside: &[InCall], identity: &str, is_video: bool) -> (String, bool) {
    let peer = inside.iter().find(|peer| peer.identity == identity).expect("in the call");
    let mut tracks = peer.tracks.iter().filter(|track| track.is_video == is_video);
    let track = tracks.next().expect("a track");
    assert!(tracks.next().is_none(), "one of each: {peer:?}");
    (track.sid.clone(), track.muted)
}

/// Of whom the next so many events of this type tell.
async fn told(desk: &mut Stream, event: &str, count: usize) -> BTreeSet<String> {
    let mut people = BTreeSet::new();
    for _ in 0..count {
        let frame = desk.next_of(event).await;
        people.insert(frame.data["data"]["peer_id"].as_str().expect("a person").to_owned());
    }
    people
}

#[tokio::test]
async fn the_embedded_node_conforms() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let kit = Kit::start().await;
    let node = kit.app.calls.embedded().expect("calls are carried here").clone();
    conforms(&kit, &Carrier::Embedded(node), &python).await;
}

#[tokio::test]
async fn a_cluster_conforms() {
    let (Some(mut cluster), Some(python)) = (Cluster::plan(), python()) else {
        eprintln!("skipped: no LiveKit server or no Python SDK; `cargo xtask test --cluster` gets them");
        return;
    };
    let kit = Kit::with(&cluster.settings()).await;
    cluster.start(Some(&kit.base)).await;
    let livekit = kit.app.calls.cluster().expect("a cluster is configured").clone();
    conforms(&kit, &Carrier::LiveKit(livekit), &python).await;
}
