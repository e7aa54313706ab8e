//! Peers of a call see, hear and write to each other.

use std::time::Duration;

use livekit_protocol as lk;
use lk::data_packet::Value;
use lk::signal_request::Message as Request;
use str0m::media::MediaKind;

use crate::net::FAIR;
use crate::world::World;

#[test]
fn two_peers_exchange_media_both_ways() {
    let mut world = World::new(1, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    world.run_for(Duration::from_secs(2));

    for client in [ann, ben] {
        let client = &world.clients[client];
        assert_eq!(client.received.len(), 2, "one section per track");
        for received in client.received.values() {
            assert_eq!(received.missing(), 0, "{received:?}");
            assert!(*received.seqs.first().unwrap() < 65_536, "begins with rollover counter 0");
        }
        assert_eq!(client.video().keyframe_first, Some(true), "pictures begin with a keyframe");
        let state = client.others.values().next().unwrap().state;
        assert_eq!(state, lk::participant_info::State::Active as i32);
        assert!(client.speakers.iter().any(|speaker| speaker.active && speaker.sid != client.sid));
        assert!(client.qualities.iter().all(|q| q.quality == lk::ConnectionQuality::Excellent as i32));
        assert_eq!(client.qualities.len(), 2);
    }
    assert_eq!((world.joined("ann"), world.joined("ben")), (1, 1));
}

#[test]
fn three_peers_receive_from_both_others_also_who_came_late() {
    let mut world = World::new(2, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    world.run_for(Duration::from_secs(3));
    let eve = world.join("eve");
    world.publish(eve, false);
    world.run_until_all_receive(&[ann, ben, eve], 2);
    let late = &world.clients[eve];
    for video in late.received.values().filter(|r| r.kind == Some(MediaKind::Video)) {
        assert_eq!(video.keyframe_first, Some(true));
    }
}

#[test]
fn a_wished_layer_comes_and_the_stream_stays_unbroken() {
    let mut world = World::new(3, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, true);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    world.run_until("the best layer", Duration::from_secs(3), |w| w.clients[ben].video().last_layer == 2);
    let sid = world.clients[ann].published["ann-camera"].sid.clone();
    for (quality, layer) in [(0, 0), (1, 1), (2, 2)] {
        let wish = lk::UpdateTrackSettings { track_sids: vec![sid.clone()], quality, ..Default::default() };
        world.send(ben, Request::TrackSetting(wish));
        world.run_until("the wished layer", Duration::from_secs(3), |w| {
            w.clients[ben].video().last_layer == layer
        });
    }
    // An element of 300 x 160 pixels needs the smallest layer only.
    let small =
        lk::UpdateTrackSettings { track_sids: vec![sid], width: 300, height: 160, ..Default::default() };
    world.send(ben, Request::TrackSetting(small));
    world.run_until("the small layer", Duration::from_secs(3), |w| w.clients[ben].video().last_layer == 0);
    world.run_for(Duration::from_secs(3));
    let video = world.clients[ben].video();
    assert_eq!(video.missing(), 0, "switching left gaps");
    let wanted = world.clients[ann].wanted.last().unwrap();
    let on: Vec<bool> = wanted.subscribed_codecs[0].qualities.iter().map(|q| q.enabled).collect();
    assert_eq!(on, [true, false, false], "the publisher is told what nobody wants");
}

#[test]
fn a_paused_track_stops_and_goes_on_with_a_keyframe() {
    let mut world = World::new(4, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    let sid = world.clients[ann].published["ann-camera"].sid.clone();
    let set = |disabled| {
        Request::TrackSetting(lk::UpdateTrackSettings {
            track_sids: vec![sid.clone()],
            disabled,
            quality: 2,
            ..Default::default()
        })
    };
    world.send(ben, set(true));
    world.run_for(Duration::from_millis(200));
    let paused_at = world.clients[ben].video().packets;
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.clients[ben].video().packets, paused_at);
    let keyframes = world.clients[ben].video().keyframes;
    world.send(ben, set(false));
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[ben].video().packets > paused_at);
    assert!(world.clients[ben].video().keyframes > keyframes);
}

#[test]
fn data_reach_everybody_or_only_the_named_and_carry_the_true_sender() {
    let mut world = World::new(5, FAIR);
    let (ann, ben, eve) = (world.join("ann"), world.join("ben"), world.join("eve"));
    for client in [ann, ben, eve] {
        world.publish(client, false);
    }
    world.run_until_all_receive(&[ann, ben, eve], 2);
    let packet = |text: &str, to: &[&str]| lk::DataPacket {
        participant_identity: "somebody else".to_owned(),
        destination_identities: to.iter().map(|t| (*t).to_owned()).collect(),
        value: Some(Value::User(lk::UserPacket { payload: text.as_bytes().to_vec(), ..Default::default() })),
        ..Default::default()
    };
    assert!(world.clients[ann].send_data("_reliable", &packet("all", &[])));
    assert!(world.clients[ann].send_data("_lossy", &packet("quick", &[])));
    assert!(world.clients[ann].send_data("_reliable", &packet("you", &["ben"])));
    world.run_for(Duration::from_secs(1));

    let texts = |client: usize| -> Vec<String> {
        let mut texts: Vec<String> = world.clients[client]
            .data
            .iter()
            .map(|packet| match &packet.value {
                Some(Value::User(user)) => String::from_utf8(user.payload.clone()).unwrap(),
                _ => String::new(),
            })
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(ben), ["all", "quick", "you"]);
    assert_eq!(texts(eve), ["all", "quick"]);
    assert!(texts(ann).is_empty());
    assert!(world.clients[ben].data.iter().all(|packet| packet.participant_identity == "ann"));
}

#[test]
fn a_mute_is_told_to_the_others() {
    let mut world = World::new(6, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    let sid = world.clients[ann].published["ann-microphone"].sid.clone();
    world.send(ann, Request::Mute(lk::MuteTrackRequest { sid: sid.clone(), muted: true }));
    let muted = |world: &World| {
        let tracks = &world.clients[ben].others["ann"].tracks;
        tracks.iter().find(|track| track.sid == sid).unwrap().muted
    };
    assert!(muted(&world));
    world.send(ann, Request::Mute(lk::MuteTrackRequest { sid: sid.clone(), muted: false }));
    assert!(!muted(&world));
}
