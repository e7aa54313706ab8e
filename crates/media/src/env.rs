//! What the calls of a shard share and may not make themselves: time,
//! randomness, addresses, and the queue in which their output leaves.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use livekit_protocol as lk;
use prost::Message as _;
use rand::rngs::StdRng;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::net::{DatagramSend, Protocol};

use crate::demux::Demux;
use crate::event::{CallEvent, CallEventKind};
use crate::ids::{self, SessionId, TransportKey};
use crate::record::Recorded;
use crate::turn::Offer;

/// An address that clients are told to send media to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reachable {
    pub proto: Protocol,
    pub address: SocketAddr,
}

impl Reachable {
    /// By UDP.
    pub fn udp(address: SocketAddr) -> Self {
        Self { proto: Protocol::Udp, address }
    }

    /// By TCP, opened by the client.
    pub fn tcp(address: SocketAddr) -> Self {
        Self { proto: Protocol::Tcp, address }
    }
}

/// How a shard treats its calls.
#[derive(Clone, Debug)]
pub struct ShardSettings {
    /// A call refuses further peers beyond this number.
    pub max_peers_per_call: usize,
    /// How long a peer whose signal connection broke is kept for a resume.
    pub resume_grace: Duration,
    /// Name of this node as told to clients.
    pub node_id: String,
}

impl Default for ShardSettings {
    fn default() -> Self {
        Self { max_peers_per_call: 50, resume_grace: Duration::from_secs(15), node_id: "bedside".to_owned() }
    }
}

/// Wall time, derived from the monotonic instants that are passed in.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    /// An instant and the Unix time, in milliseconds, at that instant.
    pub at: Instant,
    pub unix_ms: i64,
}

impl WallClock {
    pub(crate) fn unix_ms(&self, now: Instant) -> i64 {
        let passed = now.saturating_duration_since(self.at).as_millis();
        self.unix_ms.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// What leaves a shard.
#[derive(Debug)]
pub enum Output {
    /// Send `contents` from the local address `from` (a candidate) to `to`;
    /// over TCP as one frame of the stream that `to` has opened.
    Datagram {
        proto: Protocol,
        from: SocketAddr,
        to: SocketAddr,
        contents: DatagramSend,
    },
    /// An encoded `SignalResponse` for a signal connection.
    Response {
        session: SessionId,
        bytes: Bytes,
    },
    /// The signal connection is over; close it once its responses are out.
    Close {
        session: SessionId,
    },
    Event(CallEvent),
    /// For whoever writes the call's recording.
    Recorded(Recorded),
}

/// Numbers since the shard began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub datagrams_in: u64,
    pub datagrams_out: u64,
    pub datagrams_unroutable: u64,
    pub rtp_in: u64,
    pub rtp_forwarded: u64,
    /// Times that a picture was cut off because its packets piled up.
    pub held_up: u64,
    pub data_packets: u64,
    pub requests: u64,
    pub requests_refused: u64,
}

impl Counters {
    /// Adds those of another shard.
    pub fn add(&mut self, of: &Self) {
        self.datagrams_in += of.datagrams_in;
        self.datagrams_out += of.datagrams_out;
        self.datagrams_unroutable += of.datagrams_unroutable;
        self.rtp_in += of.rtp_in;
        self.rtp_forwarded += of.rtp_forwarded;
        self.held_up += of.held_up;
        self.data_packets += of.data_packets;
        self.requests += of.requests;
        self.requests_refused += of.requests_refused;
    }
}

pub(crate) struct Env {
    pub now: Instant,
    pub clock: WallClock,
    pub settings: ShardSettings,
    pub candidates: Vec<Reachable>,
    /// What clients are told of the relay.
    pub relay: Option<Offer>,
    pub crypto: Arc<CryptoProvider>,
    pub cert: DtlsCert,
    pub rng: StdRng,
    pub demux: Demux,
    pub deadlines: Deadlines,
    pub out: VecDeque<Output>,
    pub counters: Counters,
    next_key: u32,
}

impl Env {
    pub fn new(
        now: Instant,
        clock: WallClock,
        settings: ShardSettings,
        crypto: Arc<CryptoProvider>,
        cert: DtlsCert,
        rng: StdRng,
    ) -> Self {
        Self {
            now,
            clock,
            settings,
            candidates: Vec::new(),
            relay: None,
            crypto,
            cert,
            rng,
            demux: Demux::default(),
            deadlines: Deadlines::default(),
            out: VecDeque::new(),
            counters: Counters::default(),
            next_key: 0,
        }
    }

    /// A number never given before on this shard.
    pub fn fresh_key(&mut self) -> u32 {
        self.next_key += 1;
        self.next_key
    }

    pub fn fresh_sid(&mut self, prefix: &str) -> String {
        ids::sid(&mut self.rng, prefix)
    }

    /// What a session is told of the relay, with credentials of its own.
    pub fn ice_servers(&self, session: &str) -> Vec<lk::IceServer> {
        let offer = self.relay.as_ref();
        offer.map_or_else(Vec::new, |offer| offer.ice_servers(session, self.unix_ms(), &self.candidates))
    }

    pub fn unix_ms(&self) -> i64 {
        self.clock.unix_ms(self.now)
    }

    /// Queues a response; nothing when the peer has no signal connection now.
    pub fn tell(&mut self, session: Option<SessionId>, message: lk::signal_response::Message) {
        if let Some(session) = session {
            let bytes = encode(message);
            self.out.push_back(Output::Response { session, bytes });
        }
    }

    pub fn emit(&mut self, call: &str, kind: CallEventKind) {
        let at_ms = self.unix_ms();
        self.out.push_back(Output::Event(CallEvent { call: call.to_owned(), at_ms, kind }));
    }
}

/// The bytes of a `SignalResponse`.
pub(crate) fn encode(message: lk::signal_response::Message) -> Bytes {
    lk::SignalResponse { message: Some(message) }.encode_to_vec().into()
}

/// When which connection wants to be woken. Entries are never changed: a
/// connection knows which one counts and ignores its others.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Instant, TransportKey)>>);

impl Deadlines {
    pub fn add(&mut self, at: Instant, key: TransportKey) {
        self.0.push(Reverse((at, key)));
    }

    pub fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next entry that is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, TransportKey)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
