//! Somebody with power over a call acts in it: what they take away ends at
//! once, what they give begins, and the others are told.

use std::time::Duration;

use bedside_media::{Grants, NotDone, PeerChange, Source};
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use str0m::media::MediaKind;

use crate::net::FAIR;
use crate::world::{CALL, World};

fn pair(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    (world, ann, ben)
}

fn rule(world: &mut World, identity: &str, grants: Grants) {
    let change = PeerChange { grants: Some(grants), ..PeerChange::default() };
    world.shard.change_peer(world.now, CALL, identity, change).unwrap();
    world.pump();
}

#[test]
fn who_is_muted_is_not_heard_whatever_their_client_sends() {
    let (mut world, ann, ben) = pair(301);
    let muted = world.shard.mute(world.now, CALL, "ann", None).unwrap();
    world.pump();
    assert_eq!(muted.len(), 1, "only the sound");
    assert!(muted[0].muted && muted[0].r#type == lk::TrackType::Audio as i32);
    world.run_for(Duration::from_millis(200));
    let (sound, picture) =
        (world.clients[ben].heard(MediaKind::Audio), world.clients[ben].heard(MediaKind::Video));
    // The simulated client takes no notice and goes on.
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.clients[ben].heard(MediaKind::Audio), sound);
    assert!(world.clients[ben].heard(MediaKind::Video) > picture);
    let told = &world.clients[ben].others["ann"].tracks;
    assert!(told.iter().any(|track| track.sid == muted[0].sid && track.muted));

    // Only she opens her microphone; the receiver misses nothing by its count.
    world.send(ann, Request::Mute(lk::MuteTrackRequest { sid: muted[0].sid.clone(), muted: false }));
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[ben].heard(MediaKind::Audio) > sound + 20);
    assert!(world.clients[ben].received.values().all(|received| received.missing() == 0));
}

#[test]
fn nobody_is_muted_who_is_not_there() {
    let (mut world, ..) = pair(302);
    let now = world.now;
    assert_eq!(world.shard.mute(now, "another", "ann", None), Err(NotDone::NotThere));
    assert_eq!(world.shard.mute(now, CALL, "nobody", None), Err(NotDone::NotThere));
    assert_eq!(world.shard.mute(now, CALL, "ann", Some("TR_nothing")), Err(NotDone::NotThere));
}

#[test]
fn a_right_to_send_that_is_taken_away_ends_what_is_sent() {
    let (mut world, ann, ben) = pair(303);
    rule(&mut world, "ann", Grants { can_publish_sources: vec![Source::Microphone], ..Grants::default() });
    world.run_for(Duration::from_millis(200));
    let picture = world.clients[ben].heard(MediaKind::Video);
    let sound = world.clients[ben].heard(MediaKind::Audio);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[ben].heard(MediaKind::Video), picture);
    assert!(world.clients[ben].heard(MediaKind::Audio) > sound);
    assert_eq!(world.clients[ben].others["ann"].tracks.len(), 1);

    rule(&mut world, "ann", Grants { can_publish: false, can_publish_data: false, ..Grants::default() });
    world.run_for(Duration::from_millis(200));
    let sound = world.clients[ben].heard(MediaKind::Audio);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[ben].heard(MediaKind::Audio), sound);
    assert!(world.clients[ben].others["ann"].tracks.is_empty());
    let packet = lk::DataPacket {
        value: Some(lk::data_packet::Value::User(lk::UserPacket::default())),
        ..Default::default()
    };
    world.clients[ann].send_data("_reliable", &packet);
    world.run_for(Duration::from_millis(500));
    assert!(world.clients[ben].data.is_empty());
}

#[test]
fn a_right_to_receive_goes_and_comes_back() {
    let (mut world, ann, ben) = pair(304);
    rule(&mut world, "ben", Grants { can_subscribe: false, ..Grants::default() });
    world.run_for(Duration::from_millis(300));
    let all = |world: &World| world.clients[ben].received.values().map(|r| r.packets).sum::<u64>();
    let before = all(&world);
    world.run_for(Duration::from_secs(1));
    assert_eq!(all(&world), before);
    rule(&mut world, "ben", Grants::default());
    world.run_until("ben receives again", Duration::from_secs(5), |world| all(world) > before + 20);
    assert!(world.clients[ann].left.is_none());
}

#[test]
fn a_moderators_word_outlives_a_resume() {
    let (mut world, ann, ben) = pair(305);
    rule(&mut world, "ann", Grants { can_publish_data: false, ..Grants::default() });
    world.cut_signal(ann);
    world.run_for(Duration::from_secs(1));
    world.resume(ann);
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[ann].reconnected);
    let packet = lk::DataPacket {
        value: Some(lk::data_packet::Value::User(lk::UserPacket::default())),
        ..Default::default()
    };
    world.clients[ann].send_data("_reliable", &packet);
    world.run_for(Duration::from_millis(500));
    assert!(world.clients[ben].data.is_empty());
}

#[test]
fn somebody_disappears_from_the_others_and_comes_back() {
    let (mut world, ann, ben) = pair(306);
    rule(&mut world, "ann", Grants { hidden: true, ..Grants::default() });
    world.run_for(Duration::from_millis(300));
    assert!(!world.clients[ben].others.contains_key("ann"));
    let before: u64 = world.clients[ben].received.values().map(|r| r.packets).sum();
    let seen = world.clients[ann].heard(MediaKind::Video);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[ben].received.values().map(|r| r.packets).sum::<u64>(), before);
    assert!(world.clients[ann].heard(MediaKind::Video) > seen, "she still sees");
    rule(&mut world, "ann", Grants::default());
    world.run_for(Duration::from_secs(2));
    assert!(world.clients[ben].others.contains_key("ann"));
    assert!(world.clients[ben].received.values().map(|r| r.packets).sum::<u64>() > before + 20);
}

#[test]
fn names_and_texts_are_changed_for_everybody() {
    let (mut world, _, ben) = pair(307);
    let change = PeerChange {
        name: "Ann Other".to_owned(),
        metadata: "note".to_owned(),
        attributes: [("hand".to_owned(), "up".to_owned())].into(),
        grants: None,
    };
    let info = world.shard.change_peer(world.now, CALL, "ann", change).unwrap();
    world.pump();
    assert_eq!((info.name.as_str(), info.metadata.as_str()), ("Ann Other", "note"));
    assert_eq!(world.clients[ben].others["ann"].attributes["hand"], "up");
    let huge = PeerChange { metadata: "x".repeat(70_000), ..PeerChange::default() };
    assert_eq!(world.shard.change_peer(world.now, CALL, "ann", huge).err(), Some(NotDone::TooLarge));
    let room = world.shard.describe_call(world.now, CALL, "about knees".to_owned()).unwrap();
    assert_eq!((room.metadata.as_str(), room.num_participants, room.num_publishers), ("about knees", 2, 2));
    assert_eq!(world.shard.rooms(&[CALL.to_owned()]).len(), 1);
    assert!(world.shard.rooms(&["another".to_owned()]).is_empty());
}

#[test]
fn data_of_the_house_reach_whom_they_are_for() {
    let (mut world, ann, ben) = pair(308);
    let packet = |text: &str| lk::UserPacket { payload: text.into(), ..Default::default() };
    world.shard.send_data(world.now, CALL, true, packet("all"), &[]).unwrap();
    world.shard.send_data(world.now, CALL, true, packet("ben"), &["ben".to_owned()]).unwrap();
    world.pump();
    world.run_for(Duration::from_secs(1));
    let texts = |client: usize| {
        let values = world.clients[client].data.iter().filter_map(|packet| match &packet.value {
            Some(lk::data_packet::Value::User(user)) => Some(user.payload.clone()),
            _ => None,
        });
        values.collect::<Vec<_>>()
    };
    assert_eq!(texts(ann), [b"all".to_vec()]);
    assert_eq!(texts(ben), [b"all".to_vec(), b"ben".to_vec()]);
    let huge = lk::UserPacket { payload: vec![0; 70_000], ..Default::default() };
    assert_eq!(world.shard.send_data(world.now, CALL, true, huge, &[]), Err(NotDone::TooLarge));
}
