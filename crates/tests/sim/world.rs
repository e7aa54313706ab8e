//! A shard, some clients and the network between them, under one clock that
//! jumps from event to event. One seed is one run of it.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bedside_media::{
    CallEvent, CallEventKind, ClientParams, Grants, Join, JoinError, LeftReason, Output, Protocol, Reachable,
    Recorded, Resume, SessionId, Shard, ShardSettings, WallClock,
};
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use prost::Message as _;
use str0m::media::MediaKind;

use bedside_tests::media::client::Client;
use bedside_tests::media::client::Datagram;

use crate::net::{Line, Net, Weather};

pub const CALL: &str = "call-1";

pub struct World {
    pub now: Instant,
    pub shard: Shard,
    pub net: Net,
    pub clients: Vec<Client>,
    pub events: Vec<CallEvent>,
    pub sessions: Vec<SessionId>,
    wakes: Vec<Instant>,
    server: SocketAddr,
    by_session: HashMap<SessionId, usize>,
    by_address: HashMap<SocketAddr, usize>,
    /// Responses of sessions that no client stands for.
    pub stray: Vec<(SessionId, Vec<u8>)>,
    pub ended: BTreeSet<SessionId>,
    /// What the shard said in DTLS handshakes.
    pub handshakes: Vec<Vec<u8>>,
    /// Packets that went to a recorder, by whose they are.
    pub recorded: HashMap<String, u32>,
    next_port: u16,
    /// Whether clients that join know redundant sound.
    redundant: bool,
}

impl World {
    pub fn new(seed: u64, weather: Weather) -> Self {
        // The dice of the WebRTC library: when it looks for more room on a line.
        fastrand::seed(seed);
        let now = Instant::now();
        let server: SocketAddr = "192.0.2.1:7882".parse().unwrap();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let clock = WallClock { at: now, unix_ms: 1_700_000_000_000 };
        let settings = ShardSettings { max_peers_per_call: 5, ..ShardSettings::default() };
        Self {
            now,
            shard: Shard::new(now, clock, settings, vec![Reachable::udp(server)], bytes).unwrap(),
            net: Net::new(seed, weather),
            clients: Vec::new(),
            events: Vec::new(),
            sessions: Vec::new(),
            wakes: Vec::new(),
            server,
            by_session: HashMap::new(),
            by_address: HashMap::new(),
            stray: Vec::new(),
            ended: BTreeSet::new(),
            handshakes: Vec::new(),
            recorded: HashMap::new(),
            next_port: 10_000,
            redundant: true,
        }
    }

    pub fn wish(identity: &str, grants: Grants) -> Join {
        Join {
            call: CALL.to_owned(),
            owner: String::new(),
            identity: identity.to_owned(),
            name: identity.to_uppercase(),
            metadata: String::new(),
            attributes: HashMap::new(),
            grants,
            client: ClientParams::default(),
        }
    }

    /// A client that knows no redundant sound joins.
    pub fn join_plain(&mut self, identity: &str) -> usize {
        self.redundant = false;
        let number = self.join(identity);
        self.redundant = true;
        number
    }

    /// A client joins; its number.
    pub fn join(&mut self, identity: &str) -> usize {
        self.join_with(identity, Grants::default()).unwrap()
    }

    pub fn join_with(&mut self, identity: &str, grants: Grants) -> Result<usize, JoinError> {
        let session = self.shard.join(self.now, Self::wish(identity, grants))?;
        let number = self.clients.len();
        let mut address = || {
            self.next_port += 1;
            let address = SocketAddr::from(([203, 0, 113, 100], self.next_port));
            self.by_address.insert(address, number);
            address
        };
        let (publisher, subscriber) = (address(), address());
        self.clients.push(Client::with(self.now, identity, publisher, subscriber, self.redundant));
        self.sessions.push(session);
        self.wakes.push(self.now);
        self.by_session.insert(session, number);
        self.pump();
        Ok(number)
    }

    /// The client's signal connection breaks.
    pub fn cut_signal(&mut self, client: usize) {
        let session = self.sessions[client];
        self.by_session.remove(&session);
        self.shard.session_closed(self.now, session);
        self.pump();
    }

    /// The client comes back with its old sid.
    pub fn resume(&mut self, client: usize) {
        let (identity, sid) = (self.clients[client].identity.clone(), self.clients[client].sid.clone());
        let mut wish = Self::wish(&identity, Grants::default());
        wish.client.reconnect = Some(Resume { sid, reason: String::new() });
        let session = self.shard.join(self.now, wish).unwrap();
        self.sessions[client] = session;
        self.by_session.insert(session, client);
        self.pump();
    }

    /// What the client receives comes through a line of this rate.
    pub fn narrow_down(&mut self, client: usize, line: Line) -> usize {
        self.net.lines.push(line);
        let number = self.net.lines.len() - 1;
        for address in [self.clients[client].publisher_at, self.clients[client].subscriber_at] {
            self.net.downlinks.insert(address, number);
        }
        number
    }

    /// The client has other addresses from one moment to the next; it notices
    /// and starts again by resuming, as the SDKs do.
    pub fn move_to_new_addresses(&mut self, client: usize) {
        let moved = |at: SocketAddr| SocketAddr::from(([198, 51, 100, 7], at.port()));
        let old = (self.clients[client].publisher_at, self.clients[client].subscriber_at);
        self.net.dead.extend([old.0, old.1]);
        let new = (moved(old.0), moved(old.1));
        self.by_address.extend([(new.0, client), (new.1, client)]);
        self.cut_signal(client);
        self.run_for(Duration::from_millis(500));
        self.clients[client].move_to(new.0, new.1);
        self.resume(client);
        if let Some(restart) = self.clients[client].restart_publisher() {
            self.send(client, restart);
        }
    }

    /// The client is gone from one moment to the next, without a word.
    pub fn kill(&mut self, client: usize) {
        let dead = [self.clients[client].publisher_at, self.clients[client].subscriber_at];
        self.net.dead.extend(dead);
        self.cut_signal(client);
    }

    pub fn publish(&mut self, client: usize, simulcast: bool) {
        let requests = self.clients[client].publish(self.now, simulcast);
        self.send_all(client, requests);
    }

    pub fn send(&mut self, client: usize, request: Request) {
        self.send_all(client, vec![request]);
    }

    fn send_all(&mut self, client: usize, requests: Vec<Request>) {
        let session = self.sessions[client];
        for request in requests {
            let bytes = lk::SignalRequest { message: Some(request) }.encode_to_vec();
            self.shard.request(self.now, session, &bytes);
            self.pump();
        }
    }

    /// Hands out what the shard has made, until it has nothing more.
    pub fn pump(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Datagram { from, to, contents, .. } => {
                    // A DTLS handshake message (RFC 6347 section 4.1).
                    if contents.first() == Some(&22) {
                        self.handshakes.push(contents.to_vec());
                    }
                    self.net.send(self.now, Datagram { from, to, bytes: contents.to_vec() });
                }
                Output::Response { session, bytes } => match self.by_session.get(&session).copied() {
                    Some(client) => {
                        let requests = self.clients[client].on_response(&bytes);
                        self.wakes[client] = self.now;
                        self.send_all(client, requests);
                    }
                    None => self.stray.push((session, bytes.to_vec())),
                },
                Output::Close { session } => {
                    self.ended.insert(session);
                    if let Some(client) = self.by_session.remove(&session) {
                        self.clients[client].closed = true;
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::Recorded(Recorded::Packet(packet)) => {
                    *self.recorded.entry(packet.identity().to_owned()).or_default() += 1;
                }
                Output::Recorded(_) => {}
            }
        }
    }

    /// Does everything that is due, and jumps to the next event.
    fn step(&mut self, end: Instant) {
        while let Some(datagram) = self.net.arrived(self.now) {
            if datagram.to == self.server {
                self.shard.datagram(self.now, Protocol::Udp, datagram.from, datagram.to, &datagram.bytes);
                self.shard.flush();
            } else if let Some(client) = self.by_address.get(&datagram.to).copied() {
                // Polled dry after every single datagram, as the shard does.
                self.clients[client].on_datagram(self.now, &datagram);
                self.drive(client);
            }
        }
        if self.shard.next_deadline().is_some_and(|at| at <= self.now) {
            self.shard.timeout(self.now);
        }
        self.pump();
        for client in 0..self.clients.len() {
            if self.wakes[client] <= self.now {
                self.drive(client);
            }
        }
        let next = [self.net.next_at(), self.shard.next_deadline()]
            .into_iter()
            .flatten()
            .chain(self.wakes.iter().copied())
            .min()
            .unwrap_or(end);
        // Always forward, however eager a timer is.
        self.now = next.max(self.now + Duration::from_micros(100)).min(end);
    }

    fn drive(&mut self, client: usize) {
        let (out, wake) = self.clients[client].drive(self.now);
        self.wakes[client] = wake.max(self.now + Duration::from_micros(100));
        for datagram in out {
            self.net.send(self.now, datagram);
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step(end);
        }
    }

    /// Runs until `done`; panics when that takes longer than `limit`.
    #[track_caller]
    pub fn run_until(&mut self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            assert!(self.now < end, "{what}: not within {limit:?}");
            self.step(end);
        }
    }

    /// Runs until everybody in `clients` has video and audio of `from` others.
    #[track_caller]
    pub fn run_until_all_receive(&mut self, clients: &[usize], from: usize) {
        self.run_until("everybody receives everybody", Duration::from_secs(10), |world| {
            clients.iter().all(|client| {
                let received = &world.clients[*client].received;
                let sections =
                    |kind| received.values().filter(|r| r.kind == Some(kind) && r.packets > 20).count();
                sections(MediaKind::Video) >= from && sections(MediaKind::Audio) >= from
            })
        });
    }

    pub fn joined(&self, identity: &str) -> usize {
        self.events
            .iter()
            .filter(|event| event.kind == CallEventKind::PeerJoined { identity: identity.to_owned() })
            .count()
    }

    pub fn left(&self, identity: &str) -> Vec<LeftReason> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                CallEventKind::PeerLeft { identity: who, reason } if who == identity => Some(*reason),
                _ => None,
            })
            .collect()
    }
}
