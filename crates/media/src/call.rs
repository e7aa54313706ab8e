//! One live call: its peers, and what an event of one means to the others.
//! The topics (join, publish, subscribe, forward, data …) are further `impl`
//! blocks in the files of their names.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use str0m::net::Protocol;

use crate::demux::Route;
use crate::env::{Env, Output, encode};
use crate::event::{CallEventKind, LeftReason};
use crate::ids::{CallKey, PeerKey, Side, TransportKey};
use crate::peer::{Peer, State};
use crate::record::tap::Tap;
use crate::transport::{Transport, TransportEvent};
use crate::wire;

/// How often a call looks after speakers, keyframes and absent peers.
const TICK: Duration = Duration::from_millis(250);

pub(crate) struct Call {
    pub key: CallKey,
    pub name: Arc<str>,
    pub sid: String,
    pub created_ms: i64,
    /// Free text for everybody's clients.
    pub metadata: String,
    pub peers: BTreeMap<PeerKey, Peer>,
    pub next_tick: Instant,
    pub ticks: u64,
    /// Somebody's connection quality changed, or somebody new must learn it.
    pub quality_news: bool,
    /// The recording that runs.
    pub tap: Option<Tap>,
    events: VecDeque<(PeerKey, Side, TransportEvent)>,
    dirty: Vec<(PeerKey, Side)>,
}

impl Call {
    pub fn new(env: &mut Env, key: CallKey, name: Arc<str>) -> Self {
        Self {
            key,
            name,
            sid: env.fresh_sid("RM"),
            created_ms: env.unix_ms(),
            metadata: String::new(),
            peers: BTreeMap::new(),
            next_tick: env.now + TICK,
            ticks: 0,
            quality_news: false,
            tap: None,
            events: VecDeque::new(),
            dirty: Vec::new(),
        }
    }

    // ---- input -----------------------------------------------------------

    /// Takes a datagram for one connection and acts on what it brings. What
    /// it makes others send leaves with [`Call::settle`].
    pub fn datagram(
        &mut self,
        env: &mut Env,
        route: Route,
        proto: Protocol,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        let (Route::Known(key) | Route::Unproved(key)) = route;
        let Some(transport) = self.transport(key.peer, key.side) else {
            return;
        };
        if matches!(route, Route::Unproved(_)) {
            if !transport.accepts(env.now, proto, source, to, bytes) {
                env.counters.datagrams_unroutable += 1;
                return;
            }
            env.demux.prove(proto, source, key);
        }
        let mut events = Vec::new();
        transport.receive(env, proto, source, to, bytes, &mut events);
        self.take(key.peer, key.side, events);
        self.handle_events(env);
    }

    /// A connection's timer has come up.
    pub fn due(&mut self, env: &mut Env, entry: Instant, key: TransportKey) {
        if let Some(transport) = self.transport(key.peer, key.side)
            && transport.due(env, entry)
        {
            self.touch(key.peer, key.side);
        }
    }

    /// Marks a connection that has something to send.
    pub fn touch(&mut self, peer: PeerKey, side: Side) {
        if let Some(transport) = self.transport(peer, side)
            && !transport.dirty
        {
            transport.dirty = true;
            self.dirty.push((peer, side));
        }
    }

    /// Sends everything that was written and acts on what comes of it, until
    /// nothing is left to do.
    pub fn settle(&mut self, env: &mut Env) {
        while let Some((peer, side)) = self.dirty.pop() {
            if let Some(transport) = self.transport(peer, side) {
                let mut events = Vec::new();
                transport.drive(env, &mut events);
                self.take(peer, side, events);
                self.handle_events(env);
            }
        }
    }

    fn transport(&mut self, peer: PeerKey, side: Side) -> Option<&mut Transport> {
        self.peers.get_mut(&peer)?.transport(side)
    }

    fn take(&mut self, peer: PeerKey, side: Side, events: Vec<TransportEvent>) {
        self.events.extend(events.into_iter().map(|event| (peer, side, event)));
    }

    fn handle_events(&mut self, env: &mut Env) {
        while let Some((peer, side, event)) = self.events.pop_front() {
            self.on_event(env, peer, side, event);
        }
    }

    fn on_event(&mut self, env: &mut Env, peer: PeerKey, side: Side, event: TransportEvent) {
        match event {
            TransportEvent::Rtp(incoming) => self.forward(env, peer, incoming),
            TransportEvent::Connected if side == Side::Subscriber => self.activate(env, peer),
            TransportEvent::Connected => {}
            TransportEvent::Ice { alive } => self.on_ice(peer, alive),
            TransportEvent::Data { channel, bytes } => self.on_data(env, peer, channel, &bytes),
            TransportEvent::KeyframeWanted { mid } => self.on_keyframe_wanted(env, peer, mid),
            TransportEvent::Received { mid, loss, rtt, totals } => {
                self.on_received(env, peer, mid, loss, rtt, totals);
            }
            TransportEvent::Came { stream, packets, missing } => {
                self.on_came(peer, stream, packets, missing);
            }
            TransportEvent::Estimate { bps } => self.on_estimate(env, peer, bps),
            TransportEvent::Line { bps, rtt, path } => self.on_line(env, peer, side, bps, rtt, path),
            TransportEvent::Closed => self.on_closed(env, peer),
            TransportEvent::Broken => self.on_broken(env, peer),
        }
    }

    /// The client has closed a connection: its goodbye, or its new join, is
    /// about to come on the other path.
    fn on_closed(&mut self, env: &mut Env, peer: PeerKey) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.closing.get_or_insert(env.now);
        }
    }

    /// A connection is broken on this side; the client is to begin again.
    fn on_broken(&mut self, env: &mut Env, peer: PeerKey) {
        self.expel(
            env,
            peer,
            LeftReason::Vanished,
            lk::DisconnectReason::MediaFailure,
            lk::leave_request::Action::Reconnect,
        );
    }

    /// The regular look around.
    pub fn tick(&mut self, env: &mut Env) {
        if env.now < self.next_tick {
            return;
        }
        self.next_tick = env.now + TICK;
        self.ticks += 1;
        self.expel_absent(env);
        self.announce_speakers(env);
        self.ask_again(env);
        self.ask_missing_keyframes(env);
        self.tick_recording(env);
        self.share_lines(env);
        self.settle_layers(env);
        self.announce_quality(env);
        self.report_all(env);
    }

    // ---- telling ---------------------------------------------------------

    pub fn tell(&self, env: &mut Env, peer: PeerKey, message: Response) {
        let session = self.peers.get(&peer).and_then(|peer| peer.session);
        env.tell(session, message);
    }

    /// Sends one message to every peer but `except`.
    pub fn tell_all(&self, env: &mut Env, except: Option<PeerKey>, message: Response) {
        let bytes = encode(message);
        for peer in self.peers.values().filter(|peer| Some(peer.key) != except) {
            if let Some(session) = peer.session {
                let bytes = bytes.clone();
                env.out.push_back(Output::Response { session, bytes });
            }
        }
    }

    /// Tells everybody who may know, and the peer itself, how it is now.
    pub fn announce(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        peer.version += 1;
        let (hidden, info) = (peer.grants.hidden, peer.info());
        self.tell(env, key, wire::update(vec![info.clone()]));
        if !hidden {
            self.tell_all(env, Some(key), wire::update(vec![info]));
        }
    }

    pub fn others(&self, key: PeerKey) -> Vec<PeerKey> {
        self.peers.keys().copied().filter(|k| *k != key).collect()
    }

    /// What a peer may know of the others.
    pub fn visible_to(&self, key: PeerKey) -> Vec<lk::ParticipantInfo> {
        self.peers.values().filter(|peer| peer.key != key && !peer.grants.hidden).map(Peer::info).collect()
    }

    // ---- going -----------------------------------------------------------

    /// Tells a peer to go, and why, and removes it.
    pub fn expel(
        &mut self,
        env: &mut Env,
        key: PeerKey,
        reason: LeftReason,
        told: lk::DisconnectReason,
        action: lk::leave_request::Action,
    ) {
        self.tell(env, key, wire::leave(told, action));
        self.remove(env, key, reason, told);
    }

    /// Removes a peer and all that hangs on it. Idempotent.
    pub fn remove(&mut self, env: &mut Env, key: PeerKey, reason: LeftReason, told: lk::DisconnectReason) {
        let Some(peer) = self.peers.remove(&key) else {
            return;
        };
        env.demux.forget(key);
        self.dirty.retain(|(of, _)| *of != key);
        self.events.retain(|(of, _, _)| *of != key);
        if let Some(session) = peer.session {
            env.out.push_back(Output::Close { session });
        }
        if !peer.grants.hidden {
            self.tell_all(env, None, wire::update(vec![peer.farewell(told)]));
        }
        for (track, subscription) in &peer.subscriptions {
            self.drop_subscriber(env, subscription.publisher, *track, key);
        }
        for track in &peer.tracks {
            for subscriber in track.subscribers.iter() {
                self.end_subscription(env, *subscriber, track.key);
            }
        }
        if peer.state == State::Active {
            self.report_last(env, &peer);
            env.emit(&self.name, CallEventKind::PeerLeft { identity: peer.identity, reason });
        }
    }
}
