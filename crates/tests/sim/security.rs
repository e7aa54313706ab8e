//! OWASP ASVS 5, chapter V17, as far as it is about media. Which line is which
//! test: docs/security-calls.md.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bedside_media::Grants;
use bedside_tests::media::client::{Client, Datagram};
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use prost::Message as _;
use str0m::media::MediaKind;
use str0m::net::Protocol;

use crate::net::FAIR;
use crate::world::{CALL, World};

const SERVER: &str = "192.0.2.1:7882";

fn pair(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    (world, ann, ben)
}

fn server() -> SocketAddr {
    SERVER.parse().unwrap()
}

fn hit(world: &mut World, from: SocketAddr, bytes: &[u8]) {
    world.shard.datagram(world.now, Protocol::Udp, from, server(), bytes);
    world.shard.flush();
    world.pump();
}

/// Media packets that a client would send next, held back from the network.
fn held_back(world: &mut World, client: usize) -> Vec<Datagram> {
    let mut media = Vec::new();
    for _ in 0..400 {
        world.now += Duration::from_millis(5);
        let (out, _) = world.clients[client].drive(world.now);
        // RTP by its first byte, and no RTCP (RFC 5761 section 4).
        let is_media =
            |d: &Datagram| d.bytes.len() > 40 && d.bytes[0] >> 6 == 2 && !(192..=223).contains(&d.bytes[1]);
        media.extend(out.into_iter().filter(is_media));
        if media.len() >= 20 {
            break;
        }
    }
    assert!(media.len() >= 20, "the client sends media");
    media
}

#[test]
fn a_tampered_packet_is_dropped() {
    let (mut world, ann, ben) = pair(401);
    let media = held_back(&mut world, ann);
    let (before, out) = (world.shard.counters().rtp_in, world.shard.counters().rtp_forwarded);
    for datagram in &media {
        for at in [12, datagram.bytes.len() / 2, datagram.bytes.len() - 1] {
            let mut bytes = datagram.bytes.clone();
            bytes[at] ^= 0x40;
            hit(&mut world, datagram.from, &bytes);
        }
    }
    assert_eq!(world.shard.counters().rtp_in, before, "nothing with a wrong tag counts");
    assert_eq!(world.shard.counters().rtp_forwarded, out);
    // The packets themselves are still good: tampering did not use them up.
    for datagram in &media {
        hit(&mut world, datagram.from, &datagram.bytes);
    }
    assert!(world.shard.counters().rtp_in >= before + media.len() as u64 / 2);
    assert!(!world.clients[ben].closed);
}

#[test]
fn a_replayed_packet_counts_once() {
    let (mut world, ann, _) = pair(402);
    let media = held_back(&mut world, ann);
    for datagram in &media {
        hit(&mut world, datagram.from, &datagram.bytes);
    }
    let before = world.shard.counters().rtp_in;
    for datagram in &media {
        hit(&mut world, datagram.from, &datagram.bytes);
    }
    assert_eq!(world.shard.counters().rtp_in, before);
}

#[test]
fn media_of_an_address_that_proved_nothing_is_dropped() {
    let (mut world, ann, _) = pair(403);
    let media = held_back(&mut world, ann);
    let (before, unroutable) = (world.shard.counters().rtp_in, world.shard.counters().datagrams_unroutable);
    for datagram in &media {
        hit(&mut world, "198.51.100.9:9".parse().unwrap(), &datagram.bytes);
    }
    assert_eq!(world.shard.counters().rtp_in, before);
    assert_eq!(world.shard.counters().datagrams_unroutable, unroutable + media.len() as u64);
}

#[test]
fn broken_media_packets_harm_nobody() {
    let (mut world, ann, ben) = pair(404);
    let media = held_back(&mut world, ann);
    for datagram in &media {
        let whole = &datagram.bytes;
        let mut broken: Vec<Vec<u8>> = (0..whole.len().min(64)).map(|end| whole[..end].to_vec()).collect();
        // Extension and contributor counts that reach beyond the packet, and
        // types that are none.
        for (at, value) in
            [(0, 0x9f), (0, 0xbf), (1, 0xff), (1, 200), (1, 201), (1, 206), (14, 0xff), (15, 0xff)]
        {
            let mut bytes = whole.clone();
            bytes[at] = value;
            broken.push(bytes);
        }
        for bytes in broken {
            hit(&mut world, datagram.from, &bytes);
        }
    }
    let before = world.clients[ben].heard(MediaKind::Video);
    world.run_for(Duration::from_secs(2));
    assert!(!world.clients[ann].closed && !world.clients[ben].closed);
    assert!(world.clients[ben].heard(MediaKind::Video) > before + 20);
}

#[test]
fn a_flood_of_media_from_one_peer_leaves_the_others_their_call() {
    let (mut world, ann, ben) = pair(405);
    let media = held_back(&mut world, ann);
    let (routes, began) = (world.shard.known_routes(), Instant::now());
    for round in 0..1_000_u32 {
        for datagram in &media {
            let mut bytes = datagram.bytes.clone();
            if round % 2 == 0 {
                let last = bytes.len() - 1;
                bytes[last] ^= round as u8 | 1;
            }
            world.shard.datagram(world.now, Protocol::Udp, datagram.from, server(), &bytes);
        }
    }
    world.shard.flush();
    world.pump();
    assert!(began.elapsed() < Duration::from_secs(20), "20 000 packets took {:?}", began.elapsed());
    assert_eq!(world.shard.known_routes(), routes, "and left nothing behind");
    let before = world.clients[ann].heard(MediaKind::Audio);
    world.run_for(Duration::from_secs(2));
    assert!(!world.clients[ben].closed);
    assert!(world.clients[ann].heard(MediaKind::Audio) > before + 20, "ben is heard");
}

#[test]
fn a_flood_leaves_the_recording_what_others_say() {
    let (mut world, ann, ben) = pair(411);
    let agreed = ["ann".to_owned(), "ben".to_owned()];
    assert!(world.shard.start_recording(world.now, CALL, "recording-1", &agreed));
    let of_ben = |world: &World| world.recorded.get("ben").copied().unwrap_or_default();
    world.run_for(Duration::from_secs(3));
    let calm = of_ben(&world);
    assert!(calm > 100, "ben is recorded: {calm}");
    let media = held_back(&mut world, ann);
    let (mut time, before) = (Duration::ZERO, of_ben(&world));
    while time < Duration::from_secs(3) {
        for datagram in &media {
            let mut bytes = datagram.bytes.clone();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            for bytes in [&datagram.bytes, &bytes] {
                world.shard.datagram(world.now, Protocol::Udp, datagram.from, server(), bytes);
            }
        }
        world.shard.flush();
        world.pump();
        world.run_for(Duration::from_millis(5));
        time += Duration::from_millis(5);
    }
    let flooded = of_ben(&world) - before;
    assert!(flooded * 10 >= calm * 9, "{flooded} packets in the flood, {calm} before it");
    assert!(!world.clients[ben].closed);
}

#[test]
fn a_flood_of_data_ends_its_sender_only() {
    let (mut world, ann, ben) = pair(406);
    let packet = lk::DataPacket {
        value: Some(lk::data_packet::Value::User(lk::UserPacket {
            payload: vec![7; 15_000],
            ..Default::default()
        })),
        ..Default::default()
    };
    for _ in 0..4_000 {
        if world.clients[ann].closed {
            break;
        }
        world.clients[ann].send_data("_reliable", &packet);
        world.run_for(Duration::from_millis(2));
    }
    assert!(world.clients[ann].closed);
    let before = world.clients[ben].updates.len();
    world.run_for(Duration::from_secs(1));
    assert!(!world.clients[ben].closed && world.clients[ben].updates.len() >= before);
}

/// The first DTLS message of a client that has nothing to do with the call.
fn client_hello() -> Vec<u8> {
    // Content type 22, DTLS 1.2, epoch 0, a handshake of type 1.
    let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48];
    hello.extend([0xfe, 0xfd]);
    hello.extend([9; 32]);
    hello.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 6, 0, 23, 0, 0, 0, 0]);
    hello.truncate(73);
    hello
}

#[test]
fn a_client_hello_from_elsewhere_wins_no_race() {
    let mut world = World::new(407, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    // Descriptions are exchanged, no check has come: whoever speaks DTLS first
    // from another address is nobody (CVE class "ClientHello race").
    let stranger: SocketAddr = "198.51.100.9:9".parse().unwrap();
    let before = world.shard.counters();
    for _ in 0..50 {
        hit(&mut world, stranger, &client_hello());
        // Also as if it came from the client's address before its check.
        let address = world.clients[ann].subscriber_at;
        hit(&mut world, address, &client_hello());
    }
    let after = world.shard.counters();
    assert_eq!(after.datagrams_unroutable, before.datagrams_unroutable + 100);
    assert_eq!(after.datagrams_out, before.datagrams_out, "and gets no answer");
    world.run_until("the real clients connect", Duration::from_secs(10), |world| {
        world.clients[ben].heard(MediaKind::Video) > 20
    });
    // In mid-call it changes nothing either.
    hit(&mut world, stranger, &client_hello());
    world.run_for(Duration::from_secs(1));
    assert!(!world.clients[ann].closed && !world.clients[ben].closed);
}

#[test]
fn a_certificate_that_is_not_the_descriptions_sends_nothing() {
    let mut world = World::new(408, FAIR);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.run_for(Duration::from_secs(1));
    let requests = world.clients[ann].publish(world.now, false);
    for request in requests {
        let request = match request {
            Request::Offer(mut offer) => {
                let (head, tail) = offer.sdp.split_once("a=fingerprint:sha-256 ").expect("a fingerprint");
                let swapped = if tail.starts_with("00") { "11" } else { "00" };
                offer.sdp = format!("{head}a=fingerprint:sha-256 {swapped}{}", &tail[2..]);
                Request::Offer(offer)
            }
            other => other,
        };
        world.send(ann, request);
    }
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.shard.counters().rtp_in, 0);
    assert_eq!(world.clients[ben].heard(MediaKind::Video), 0);
    assert!(!world.clients[ben].closed);
}

#[test]
fn a_description_without_dtls_srtp_is_refused() {
    let now = Instant::now();
    let offer = Client::new(now, "eve", "192.0.2.8:1".parse().unwrap(), "192.0.2.8:2".parse().unwrap())
        .publish(now, false)
        .into_iter()
        .find_map(|request| match request {
            Request::Offer(offer) => Some(offer.sdp),
            _ => None,
        })
        .unwrap();
    // A description that asks for plain RTP is not taken.
    for plain in ["RTP/AVP", "RTP/AVPF", "RTP/SAVP"] {
        let mut world = World::new(410, FAIR);
        let eve = world.join("eve");
        world.run_for(Duration::from_secs(1));
        let sdp = offer.replace("UDP/TLS/RTP/SAVPF", plain);
        world.send(eve, Request::Offer(lk::SessionDescription { sdp, id: 1, ..Default::default() }));
        world.run_for(Duration::from_secs(2));
        assert!(world.clients[eve].closed, "{plain} is refused");
    }
}

/// The cipher suites of a hello in a DTLS record: what a client offers, or the
/// one that a server takes (RFC 6347 section 4.2.2, RFC 5246 section 7.4.1).
fn suites(record: &[u8]) -> Vec<u16> {
    let (kind, hello) = (record[13], &record[25..]);
    let after = |at: usize| at + 1 + usize::from(hello[at]);
    let number = |at: usize| u16::from_be_bytes([hello[at], hello[at + 1]]);
    let session = after(34);
    match kind {
        1 => {
            let list = after(session);
            let end = list + 2 + usize::from(number(list));
            (list + 2..end).step_by(2).map(number).collect()
        }
        2 => vec![number(session)],
        _ => Vec::new(),
    }
}

#[test]
fn only_strong_suites_are_offered_or_taken() {
    // AEAD suites with a key exchange that forgets: ECDHE with AES-GCM or
    // ChaCha20-Poly1305 (RFC 5289, RFC 7905), and those of TLS 1.3 (RFC 8446).
    let strong = [
        0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x1301, 0x1302, 0x1303, 0x1304,
        // Not a suite: "no renegotiation without protection" (RFC 5746).
        0x00ff,
    ];
    let (world, ..) = pair(412);
    // What is encrypted has an epoch above 0.
    let plain = world.handshakes.iter().filter(|record| record[3..5] == [0, 0]);
    let named: Vec<u16> = plain.flat_map(|record| suites(record)).collect();
    assert!(!named.is_empty(), "there was a hello");
    assert!(named.iter().all(|suite| strong.contains(suite)), "{named:04x?}");
}

#[test]
fn each_node_has_a_certificate_of_its_own() {
    let fingerprint = |seed| {
        let mut world = World::new(seed, FAIR);
        // No client stands for it: what the shard says to it stays to be read.
        world.shard.join(world.now, World::wish("ann", Grants::default())).unwrap();
        world.run_for(Duration::from_secs(1));
        let said = world.stray.iter().filter_map(|(_, bytes)| lk::SignalResponse::decode(&bytes[..]).ok());
        let sdp = said
            .filter_map(|response| match response.message {
                Some(lk::signal_response::Message::Offer(offer)) => Some(offer.sdp),
                _ => None,
            })
            .next()
            .expect("the shard describes itself");
        let line = sdp.lines().find(|line| line.starts_with("a=fingerprint:")).expect("a fingerprint");
        line.to_owned()
    };
    // Even where everything else is the same.
    assert_ne!(fingerprint(413), fingerprint(413));
}
