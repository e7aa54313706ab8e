//! Every codec that is offered goes through: keyframe first, unbroken, and
//! again after a pause; sound with and without redundancy; sound and picture
//! on one time line.

use std::time::Duration;

use bedside_tests::media::client::Camera;
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use str0m::format::Codec;
use str0m::media::MediaKind;

use crate::net::{FAIR, Weather};
use crate::world::World;

const S: Duration = Duration::from_secs(1);

/// Ann sends, Ben receives.
fn call(seed: u64, weather: Weather, camera: Camera, simulcast: bool) -> (World, usize, usize) {
    let mut world = World::new(seed, weather);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.clients[ann].camera = camera;
    world.publish(ann, simulcast);
    world.run_for(4 * S);
    (world, ann, ben)
}

fn pause(world: &mut World, ann: usize, ben: usize, disabled: bool) {
    let sid = world.clients[ann].published["ann-camera"].sid.clone();
    let wish = lk::UpdateTrackSettings { track_sids: vec![sid], disabled, quality: 2, ..Default::default() };
    world.send(ben, Request::TrackSetting(wish));
}

#[test]
fn each_codec_begins_with_a_keyframe_and_stays_unbroken() {
    for (codec, mime) in [
        (Codec::Vp8, "video/VP8"),
        (Codec::H264, "video/H264"),
        (Codec::Vp9, "video/VP9"),
        (Codec::Av1, "video/AV1"),
    ] {
        let camera = Camera { codec, ..Camera::lifelike() };
        let (mut world, ann, ben) = call(1, FAIR, camera, false);
        assert_eq!(world.clients[ann].published["ann-camera"].mime_type, mime);
        let video = world.clients[ben].video();
        assert_eq!(video.keyframe_first, Some(true), "{mime}");
        assert_eq!(video.missing(), 0, "{mime}");
        assert!(video.viewer.shown.len() > 60, "{mime}: {}", video.viewer.shown.len());

        // A client that did not decode asks, and gets one at once.
        let keyframes = video.keyframes;
        pause(&mut world, ann, ben, true);
        world.run_for(3 * S);
        let shown = world.clients[ben].video().viewer.shown.len();
        pause(&mut world, ann, ben, false);
        world.run_for(S);
        let video = world.clients[ben].video();
        assert!(video.keyframes > keyframes, "{mime}");
        assert!(video.viewer.shown.len() > shown + 10, "{mime}");
        assert_eq!(video.missing(), 0, "{mime}");
    }
}

#[test]
fn layers_of_h264_are_switched_like_those_of_vp8() {
    let camera = Camera { codec: Codec::H264, ..Camera::lifelike() };
    let (mut world, ann, ben) = call(2, FAIR, camera, true);
    world.run_until("the best layer", 5 * S, |w| w.clients[ben].video().last_layer == 2);
    let sid = world.clients[ann].published["ann-camera"].sid.clone();
    let low = lk::UpdateTrackSettings { track_sids: vec![sid], quality: 0, ..Default::default() };
    world.send(ben, Request::TrackSetting(low));
    world.run_until("the lowest", 2 * S, |w| w.clients[ben].video().last_layer == 0);
    world.run_for(S);
    let video = world.clients[ben].video();
    assert_eq!((video.missing(), video.viewer.keyframes_asked), (0, 0));
}

#[test]
fn redundant_sound_goes_to_those_who_take_it_and_plain_to_the_others() {
    let mut world = World::new(3, FAIR);
    let (ann, ben, eve) = (world.join("ann"), world.join("ben"), world.join_plain("eve"));
    world.clients[ann].camera = Camera { red: true, ..Camera::lifelike() };
    world.publish(ann, false);
    world.run_for(5 * S);
    let sound = |client: usize| {
        let received = &world.clients[client].received;
        received.values().find(|r| r.kind == Some(MediaKind::Audio)).expect("sound")
    };
    assert!(sound(ben).redundant > 150 && sound(ben).redundant + 5 > sound(ben).packets);
    assert_eq!(sound(eve).redundant, 0);
    assert!(sound(eve).packets > 150);
    for client in [ben, eve] {
        let numbers: Vec<u32> = sound(client).sound.iter().map(|(_, number)| *number).collect();
        // The first has none before it and is shorter.
        let numbers = &numbers[1..];
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    }
}

/// How far the clocks that Ben computes for Ann's sound and picture lie apart,
/// seconds, over what was captured from `from` on.
fn apart(world: &World, ann: usize, ben: usize, from: std::time::Instant) -> f64 {
    let offset = |kind: MediaKind| {
        let client = &world.clients[ann];
        let real = if kind.is_audio() { &client.recorded } else { &client.filmed };
        let received = world.clients[ben].received.values().find(|r| r.kind == Some(kind)).unwrap();
        let offsets: Vec<f64> = received
            .captured
            .iter()
            .map(|(number, computed)| (real[*number as usize - 1], computed))
            .filter(|(real, _)| *real >= from)
            .map(|(real, computed)| computed - (real - client.filmed[0]).as_secs_f64())
            .collect();
        assert!(offsets.len() > 20, "{kind:?}: {}", offsets.len());
        offsets.iter().sum::<f64>() / offsets.len() as f64
    };
    offset(MediaKind::Audio) - offset(MediaKind::Video)
}

#[test]
fn sound_and_picture_stay_together_across_layers() {
    // Pictures come late by up to 60 ms, which must not reach the clocks.
    let weather = Weather { loss: 0.0, delay: Duration::from_millis(40), jitter: Duration::from_millis(20) };
    let (mut world, ann, ben) = call(4, weather, Camera::lifelike(), true);
    world.run_for(4 * S);
    let sid = world.clients[ann].published["ann-camera"].sid.clone();
    for quality in [0, 2, 1] {
        let wish = lk::UpdateTrackSettings { track_sids: vec![sid.clone()], quality, ..Default::default() };
        world.send(ben, Request::TrackSetting(wish));
        world.run_for(4 * S);
        let from = world.now;
        world.run_for(3 * S);
        let apart = apart(&world, ann, ben, from);
        assert!(apart.abs() < 0.045, "quality {quality}: {:.0} ms apart", apart * 1e3);
    }
}
