//! What a join token does not grant does not happen, whatever a client sends.

use std::time::Duration;

use bedside_media::{Grants, Source};
use livekit_protocol as lk;
use lk::data_packet::Value;
use lk::request_response::Reason;
use lk::signal_request::Message as Request;

use crate::net::FAIR;
use crate::world::World;

/// Ann with these grants, and Ben with all.
fn ann_with(seed: u64, grants: Grants) -> (World, usize, usize) {
    let mut world = World::new(seed, FAIR);
    let ann = world.join_with("ann", grants).unwrap();
    let ben = world.join("ben");
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_for(Duration::from_secs(3));
    (world, ann, ben)
}

#[test]
fn without_publishing_nothing_is_forwarded() {
    let (world, ann, ben) = ann_with(61, Grants { can_publish: false, ..Grants::default() });
    assert!(world.clients[ben].received.is_empty());
    assert!(world.clients[ben].others["ann"].tracks.is_empty());
    assert_eq!(world.clients[ann].refusals.len(), 2);
    assert!(world.clients[ann].refusals.iter().all(|r| r.reason == Reason::NotAllowed as i32));
    assert_eq!(world.clients[ann].received.len(), 2, "but ann receives");
}

#[test]
fn only_the_granted_sources_are_published() {
    let grants = Grants { can_publish_sources: vec![Source::Microphone], ..Grants::default() };
    let (world, _, ben) = ann_with(62, grants);
    let tracks = &world.clients[ben].others["ann"].tracks;
    assert_eq!(tracks.len(), 1);
    assert_eq!(tracks[0].source, lk::TrackSource::Microphone as i32);
    assert_eq!(world.clients[ben].received.len(), 1);
}

#[test]
fn without_subscribing_nothing_comes_also_on_request() {
    let (mut world, ann, ben) = ann_with(63, Grants { can_subscribe: false, ..Grants::default() });
    let sid = world.clients[ben].published["ben-camera"].sid.clone();
    let wish = lk::UpdateSubscription { track_sids: vec![sid], subscribe: true, ..Default::default() };
    world.send(ann, Request::Subscription(wish));
    world.run_for(Duration::from_secs(2));
    assert!(world.clients[ann].received.is_empty());
    assert_eq!(world.clients[ben].received.len(), 2);
}

#[test]
fn without_data_no_packet_arrives() {
    let (mut world, ann, ben) = ann_with(64, Grants { can_publish_data: false, ..Grants::default() });
    let packet = lk::DataPacket {
        value: Some(Value::User(lk::UserPacket { payload: b"hi".to_vec(), ..Default::default() })),
        ..Default::default()
    };
    world.clients[ann].send_data("_reliable", &packet);
    world.clients[ann].send_data("_lossy", &packet);
    world.clients[ben].send_data("_reliable", &packet);
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[ben].data.is_empty());
    assert_eq!(world.clients[ann].data.len(), 1);
}

#[test]
fn a_hidden_peer_is_neither_seen_nor_heard() {
    let (world, ann, ben) = ann_with(65, Grants { hidden: true, ..Grants::default() });
    assert!(world.clients[ben].updates.is_empty());
    assert!(world.clients[ben].received.is_empty());
    assert!(world.clients[ben].speakers.iter().all(|s| s.sid != world.clients[ann].sid));
    assert_eq!(world.clients[ann].received.len(), 2, "but it sees and hears");
}

#[test]
fn names_and_metadata_change_only_with_the_grant_and_within_limits() {
    let rename = |name: &str, metadata: &str| {
        Request::UpdateMetadata(lk::UpdateParticipantMetadata {
            name: name.to_owned(),
            metadata: metadata.to_owned(),
            request_id: 7,
            ..Default::default()
        })
    };
    let (mut world, ann, ben) = ann_with(66, Grants::default());
    world.send(ann, rename("Dr No", ""));
    assert_eq!(world.clients[ben].others["ann"].name, "ANN");
    assert_eq!(world.clients[ann].refusals[0].reason, Reason::NotAllowed as i32);
    assert_eq!(world.clients[ann].refusals[0].request_id, 7);

    let grants = Grants { can_update_own_metadata: true, ..Grants::default() };
    let (mut world, ann, ben) = ann_with(67, grants);
    world.send(ann, rename("Ann B", "note"));
    assert_eq!(world.clients[ben].others["ann"].name, "Ann B");
    assert_eq!(world.clients[ann].refusals[0].reason, Reason::Ok as i32);
    world.send(ann, rename("", &"x".repeat(70_000)));
    assert_eq!(world.clients[ann].refusals[1].reason, Reason::LimitExceeded as i32);
    assert_eq!(world.clients[ben].others["ann"].metadata, "note");
}

#[test]
fn a_peer_chooses_who_receives_it() {
    let (mut world, ann, ben) = ann_with(68, Grants::default());
    assert_eq!(world.clients[ben].received.len(), 2);
    let nobody = lk::SubscriptionPermission { all_participants: false, ..Default::default() };
    world.send(ann, Request::SubscriptionPermission(nobody));
    world.run_for(Duration::from_millis(200));
    let before: u64 = world.clients[ben].received.values().map(|r| r.packets).sum();
    world.run_for(Duration::from_secs(2));
    let after: u64 = world.clients[ben].received.values().map(|r| r.packets).sum();
    assert_eq!(before, after);
    let everybody = lk::SubscriptionPermission { all_participants: true, ..Default::default() };
    world.send(ann, Request::SubscriptionPermission(everybody));
    world.run_until("ben receives again", Duration::from_secs(3), |w| {
        w.clients[ben].received.values().map(|r| r.packets).sum::<u64>() > after + 20
    });
}

#[test]
fn tracks_are_limited() {
    let mut world = World::new(69, FAIR);
    let ann = world.join("ann");
    for number in 0..20 {
        world.send(
            ann,
            Request::AddTrack(lk::AddTrackRequest {
                cid: format!("t{number}"),
                r#type: 1,
                source: 1,
                ..Default::default()
            }),
        );
    }
    assert_eq!(world.clients[ann].published.len(), 12);
    assert_eq!(world.clients[ann].refusals.len(), 8);
    assert!(world.clients[ann].refusals.iter().all(|r| r.reason == Reason::LimitExceeded as i32));
}
