//! What strangers and broken clients send, one input at a time, against a call
//! of two: the functions behind the fuzz targets of `fuzz/` and the bounded
//! loops over their corpus. Each panics when the honest peer comes to harm.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bedside_media::{
    ClientParams, Grants, Join, Output, Reachable, SessionId, Shard, ShardSettings, WallClock,
};
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use prost::Message as _;
use str0m::media::MediaKind;
use str0m::net::Protocol;

use super::client::Client;

const EVE: usize = 0;
const BEN: usize = 1;
/// Inputs that one call takes before it is set up anew.
const INPUTS: u32 = 500;

/// A call of two over a network without delay, under a clock that jumps.
struct Call {
    now: Instant,
    server: SocketAddr,
    shard: Shard,
    clients: Vec<Client>,
    sessions: Vec<SessionId>,
    inputs: u32,
}

fn wish(identity: &str) -> Join {
    Join {
        call: "call".to_owned(),
        owner: String::new(),
        identity: identity.to_owned(),
        name: String::new(),
        metadata: String::new(),
        attributes: HashMap::new(),
        grants: Grants::default(),
        client: ClientParams::default(),
    }
}

impl Call {
    /// Both are connected and receive each other.
    fn new() -> Self {
        let now = Instant::now();
        let server = SocketAddr::from(([192, 0, 2, 1], 7882));
        let clock = WallClock { at: now, unix_ms: 1_700_000_000_000 };
        let shard = Shard::new(now, clock, ShardSettings::default(), vec![Reachable::udp(server)], [7; 32]);
        let shard = shard.expect("a certificate");
        let mut call = Self { now, server, shard, clients: Vec::new(), sessions: Vec::new(), inputs: 0 };
        for (number, identity) in [(1, "eve"), (2, "ben")] {
            call.sessions.push(call.shard.join(now, wish(identity)).expect("let in"));
            let at = |port| SocketAddr::from(([192, 0, 2, 100 + number], port));
            call.clients.push(Client::new(now, identity, at(1), at(2)));
        }
        call.run(Duration::from_millis(500));
        for client in [EVE, BEN] {
            let requests = call.clients[client].publish(call.now, false);
            call.send(client, requests);
        }
        call.run(Duration::from_secs(3));
        assert!(call.clients.iter().all(|client| client.heard(MediaKind::Video) > 5), "they see each other");
        call
    }

    fn send(&mut self, client: usize, requests: Vec<Request>) {
        for request in requests {
            let bytes = lk::SignalRequest { message: Some(request) }.encode_to_vec();
            self.shard.request(self.now, self.sessions[client], &bytes);
            self.hand_out();
        }
    }

    fn hand_out(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Datagram { from, to, contents, .. } => {
                    let client =
                        self.clients.iter_mut().find(|c| c.publisher_at == to || c.subscriber_at == to);
                    if let Some(client) = client {
                        let bytes = contents.to_vec();
                        client.on_datagram(self.now, &super::client::Datagram { from, to, bytes });
                        // Polled dry after every single datagram.
                        let now = self.now;
                        let (out, _) = client.drive(now);
                        self.take_in(out);
                    }
                }
                Output::Response { session, bytes } => {
                    if let Some(client) = self.sessions.iter().position(|known| *known == session) {
                        let requests = self.clients[client].on_response(&bytes);
                        self.send(client, requests);
                    }
                }
                Output::Close { session } => {
                    if let Some(client) = self.sessions.iter().position(|known| *known == session) {
                        self.clients[client].closed = true;
                    }
                }
                Output::Event(_) | Output::Recorded(_) => {}
            }
        }
    }

    fn take_in(&mut self, datagrams: Vec<super::client::Datagram>) {
        for datagram in datagrams {
            self.shard.datagram(self.now, Protocol::Udp, datagram.from, datagram.to, &datagram.bytes);
        }
        self.shard.flush();
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            for client in 0..self.clients.len() {
                let (out, _) = self.clients[client].drive(self.now);
                self.take_in(out);
            }
            self.shard.timeout(self.now);
            self.hand_out();
        }
    }

    /// The honest peer is still there and is served.
    fn check(&mut self) {
        self.run(Duration::from_millis(20));
        assert!(!self.clients[BEN].closed, "the honest peer was put out");
        self.inputs += 1;
    }

    fn is_spent(&self) -> bool {
        self.clients[EVE].closed || self.inputs >= INPUTS
    }
}

thread_local! {
    static CALL: RefCell<Option<Call>> = const { RefCell::new(None) };
}

fn with_call(act: impl FnOnce(&mut Call)) {
    CALL.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(Call::is_spent) {
            *slot = Some(Call::new());
        }
        if let Some(call) = slot {
            act(call);
            call.check();
        }
    });
}

/// A datagram: STUN, DTLS, SRTP, SRTCP or what looks like it. The first byte
/// says where it comes from.
pub fn datagram(input: &[u8]) {
    let Some((from, bytes)) = input.split_first() else { return };
    with_call(|call| {
        let source = match from % 3 {
            0 => call.clients[EVE].publisher_at,
            1 => call.clients[EVE].subscriber_at,
            _ => SocketAddr::from(([198, 51, 100, 9], 9)),
        };
        call.shard.datagram(call.now, Protocol::Udp, source, call.server, bytes);
        call.shard.flush();
        call.hand_out();
    });
}

/// The payload of a media packet whose encryption is right: the first byte
/// chooses picture or sound.
pub fn payload(input: &[u8]) {
    let Some((kind, payload)) = input.split_first() else { return };
    if payload.len() > 1_200 {
        return;
    }
    with_call(|call| {
        let wanted = if kind % 2 == 0 { MediaKind::Video } else { MediaKind::Audio };
        let now = call.now;
        call.clients[EVE].send_raw(now, wanted, payload);
        let (out, _) = call.clients[EVE].drive(now);
        call.take_in(out);
        call.hand_out();
    });
}

/// A message on the signal connection.
pub fn request(input: &[u8]) {
    with_call(|call| {
        let session = call.sessions[EVE];
        call.shard.request(call.now, session, input);
        call.hand_out();
    });
}

/// A session description, as an offer and as an answer.
pub fn description(input: &[u8]) {
    let Ok(sdp) = std::str::from_utf8(input) else { return };
    for single in [false, true] {
        with_call(|call| {
            let mut join = wish("mallory");
            join.client.single = single;
            let session = call.shard.join(call.now, join).expect("let in");
            let text = lk::SessionDescription { sdp: sdp.to_owned(), id: 1, ..Default::default() };
            for message in [Request::Answer(text.clone()), Request::Offer(text)] {
                let bytes = lk::SignalRequest { message: Some(message) }.encode_to_vec();
                call.shard.request(call.now, session, &bytes);
            }
            call.shard.remove_peer(call.now, "call", "mallory");
            call.hand_out();
        });
    }
}
