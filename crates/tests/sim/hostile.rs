//! Whatever bytes arrive, on either path, the node neither panics nor lets
//! one peer disturb another.

use std::net::SocketAddr;
use std::time::Duration;

use bedside_media::Protocol;
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use crate::net::FAIR;
use crate::world::World;

fn pair(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    (world, ann, ben)
}

#[test]
fn a_flood_of_messages_closes_its_sender_only() {
    let (mut world, ann, ben) = pair(71);
    for _ in 0..2_000 {
        if world.clients[ann].closed {
            break;
        }
        world.send(ann, Request::Mute(lk::MuteTrackRequest::default()));
    }
    assert!(world.clients[ann].closed);
    assert!(world.clients[ann].left.is_some());
    assert!(!world.clients[ben].closed);
}

#[test]
fn a_client_at_an_honest_pace_is_left_alone() {
    let (mut world, ann, _) = pair(72);
    for _ in 0..200 {
        world.send(ann, Request::Ping(1));
        world.run_for(Duration::from_millis(50));
    }
    assert!(!world.clients[ann].closed);
}

#[test]
fn an_oversized_message_is_not_even_read() {
    let (mut world, ann, _) = pair(73);
    let session = world.sessions[ann];
    let huge = lk::SignalRequest {
        message: Some(Request::UpdateMetadata(lk::UpdateParticipantMetadata {
            metadata: "x".repeat(300 * 1024),
            ..Default::default()
        })),
    };
    let before = world.shard.counters().requests_refused;
    world.shard.request(world.now, session, &huge.encode_to_vec());
    world.pump();
    assert_eq!(world.shard.counters().requests_refused, before + 1);
    assert!(world.clients[ann].refusals.is_empty());
}

#[test]
fn a_broken_description_costs_only_its_sender() {
    let (mut world, ann, ben) = pair(74);
    world.send(
        ann,
        Request::Offer(lk::SessionDescription { sdp: "v=0\r\n".to_owned(), id: 9, ..Default::default() }),
    );
    assert!(world.clients[ann].closed);
    let before = world.clients[ben].updates.len();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[ben].updates.len(), before);
    assert!(!world.clients[ben].closed);
}

#[test]
fn a_foreign_address_cannot_speak_for_a_peer() {
    let (mut world, ann, ben) = pair(75);
    let (stranger, server): (SocketAddr, SocketAddr) =
        ("198.51.100.9:9".parse().unwrap(), "192.0.2.1:7882".parse().unwrap());
    let before = world.shard.counters().datagrams_unroutable;
    for first in [0_u8, 1, 20, 22, 64, 128, 144, 200] {
        let mut datagram = vec![first; 100];
        datagram[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        world.shard.datagram(world.now, Protocol::Udp, stranger, server, &datagram);
    }
    assert_eq!(world.shard.counters().datagrams_unroutable, before + 8);
    world.run_for(Duration::from_secs(1));
    assert!(!world.clients[ann].closed && !world.clients[ben].closed);
}

/// An honest offer with a piece cut out, doubled or overwritten.
fn broken_offer() -> impl Strategy<Value = String> {
    let honest = {
        let mut client = bedside_tests::media::client::Client::new(
            std::time::Instant::now(),
            "ann",
            "192.0.2.7:1".parse().unwrap(),
            "192.0.2.7:2".parse().unwrap(),
        );
        let now = std::time::Instant::now();
        let offer = client.publish(now, true).into_iter().find_map(|request| match request {
            Request::Offer(offer) => Some(offer.sdp),
            _ => None,
        });
        offer.unwrap()
    };
    let lines: Vec<String> = honest.lines().map(str::to_owned).collect();
    let count = lines.len();
    vec((0..count, 0..6_u8, "[ -~]{0,20}"), 1..4).prop_map(move |edits| {
        let mut lines = lines.clone();
        for (at, kind, text) in edits {
            let at = at.min(lines.len().saturating_sub(1));
            match kind {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at].clone()),
                2 => lines[at] = text,
                3 => lines[at].push_str(&text),
                4 => {
                    let half = lines[at].len() / 2;
                    lines[at].truncate(half);
                }
                _ => lines.swap(at, 0),
            }
            if lines.is_empty() {
                lines.push(String::new());
            }
        }
        lines.join("\r\n") + "\r\n"
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let text = "[ -~]{0,40}";
    let number = any::<u32>();
    prop_oneof![
        (broken_offer(), number).prop_map(|(sdp, id)| Request::Offer(lk::SessionDescription {
            r#type: "offer".to_owned(),
            sdp,
            id,
            ..Default::default()
        })),
        (broken_offer(), 0..4_u32).prop_map(|(sdp, id)| Request::Answer(lk::SessionDescription {
            r#type: "answer".to_owned(),
            sdp,
            id,
            ..Default::default()
        })),
        (text, -1..3_i32).prop_map(|(candidate_init, target)| Request::Trickle(lk::TrickleRequest {
            candidate_init,
            target,
            r#final: false,
        })),
        (text, any::<i32>()).prop_map(|(candidate, target)| Request::Trickle(lk::TrickleRequest {
            candidate_init: serde_json::json!({ "candidate": candidate }).to_string(),
            target,
            r#final: true,
        })),
        (text, any::<i32>(), any::<i32>(), number).prop_map(|(cid, r#type, source, width)| {
            Request::AddTrack(lk::AddTrackRequest { cid, r#type, source, width, ..Default::default() })
        }),
        (text, any::<bool>()).prop_map(|(sid, muted)| Request::Mute(lk::MuteTrackRequest { sid, muted })),
        (vec(text, 0..4), any::<bool>()).prop_map(|(track_sids, subscribe)| {
            Request::Subscription(lk::UpdateSubscription { track_sids, subscribe, ..Default::default() })
        }),
        (vec(text, 0..4), any::<i32>(), number, number).prop_map(|(track_sids, quality, width, height)| {
            Request::TrackSetting(lk::UpdateTrackSettings {
                track_sids,
                quality,
                width,
                height,
                ..Default::default()
            })
        }),
    ]
}

/// Few in every run; `PROPTEST_CASES=2000` for a sweep.
fn cases() -> ProptestConfig {
    let wished = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { wished.cases } else { 24 };
    ProptestConfig { cases, failure_persistence: None, ..wished }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_datagrams_never_harm(
        datagrams in vec((vec(any::<u8>(), 0..200), any::<bool>(), 0..4_u8), 1..40),
    ) {
        let (mut world, ann, ben) = pair(81);
        let server: SocketAddr = "192.0.2.1:7882".parse().unwrap();
        let stranger: SocketAddr = "198.51.100.9:9".parse().unwrap();
        for (mut bytes, known, first) in datagrams {
            // Half of them look like STUN, DTLS, RTP or RTCP at first sight.
            if let Some(byte) = bytes.first_mut() {
                *byte = match first { 0 => *byte, 1 => *byte % 4, 2 => 20 + *byte % 44, _ => 128 + *byte % 64 };
            }
            let from = if known { world.clients[ann].publisher_at } else { stranger };
            world.shard.datagram(world.now, Protocol::Udp, from, server, &bytes);
            world.shard.flush();
            world.pump();
        }
        let before = world.clients[ben].heard(str0m::media::MediaKind::Video);
        world.run_for(Duration::from_secs(1));
        prop_assert!(!world.clients[ben].closed);
        prop_assert!(world.clients[ben].heard(str0m::media::MediaKind::Video) > before);
    }

    #[test]
    fn random_requests_never_harm(
        requests in vec(any_request(), 1..12),
        junk in vec(vec(any::<u8>(), 0..300), 0..4),
    ) {
        let (mut world, ann, ben) = pair(82);
        for bytes in junk {
            let session = world.sessions[ann];
            world.shard.request(world.now, session, &bytes);
            world.pump();
        }
        for request in requests {
            world.send(ann, request);
        }
        world.run_for(Duration::from_secs(1));
        prop_assert!(!world.clients[ben].closed);
    }
}
