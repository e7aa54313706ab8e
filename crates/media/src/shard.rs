//! The sans-I/O core: every call that lives on one worker. Input: the time,
//! and a join, a signal message, a datagram or a command. Output: responses,
//! datagrams, events, and when to be woken. No sockets, no clock, no runtime;
//! randomness comes from a seed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use livekit_protocol as lk;
use lk::leave_request::Action;
use rand::SeedableRng;
use rand::rngs::StdRng;
use str0m::net::Protocol;

use crate::call::Call;
use crate::demux::RouteChange;
use crate::env::{Counters, Env, Output, Reachable, ShardSettings, WallClock};
use crate::event::{CallEventKind, LeftReason};
use crate::ids::{CallKey, PeerKey, SessionId};
use crate::join::{Join, JoinError};
use crate::peer::State;
use crate::probe::{ProbeError, Probes};
use crate::turn::Offer;
use crate::wire;

/// No TLS library offers a certificate: a build without cryptography.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate for media encryption could be made")]
pub struct NoCertificate;

/// Somebody in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    pub identity: String,
    pub name: String,
    /// When it joined, in Unix milliseconds.
    pub joined_ms: i64,
    /// Its media connection is up.
    pub connected: bool,
    /// Its signal connection is up; if not, a resume is awaited.
    pub signalling: bool,
}

/// All calls of one worker.
pub struct Shard {
    env: Env,
    calls: HashMap<CallKey, Call>,
    names: HashMap<Arc<str>, CallKey>,
    sessions: HashMap<SessionId, (CallKey, PeerKey)>,
    probes: Probes,
    next_session: u64,
    draining: bool,
}

impl Shard {
    /// A shard without calls. `candidates` are the addresses clients are told
    /// to send media to.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn new(
        now: Instant,
        clock: WallClock,
        settings: ShardSettings,
        candidates: Vec<Reachable>,
        seed: [u8; 32],
    ) -> Result<Self, NoCertificate> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        // One certificate for all: making one per peer is the dearest part of
        // a join, and clients check its fingerprint, not its novelty.
        let cert = crypto.dtls_provider.generate_certificate().ok_or(NoCertificate)?;
        let rng = StdRng::from_seed(seed);
        let mut env = Env::new(now, clock, settings, crypto, cert, rng);
        env.candidates = candidates;
        Ok(Self {
            env,
            calls: HashMap::new(),
            names: HashMap::new(),
            sessions: HashMap::new(),
            probes: Probes::default(),
            next_session: 0,
            draining: false,
        })
    }

    // ---- input -----------------------------------------------------------

    /// Lets a peer in, or back in. The returned session is the name of its
    /// signal connection in [`Output`]s and later calls; its first responses
    /// are already queued. A resume that finds nothing yields a session that
    /// is told to join anew and closed.
    ///
    /// # Errors
    /// When the call is full or the node shuts down.
    pub fn join(&mut self, now: Instant, join: Join) -> Result<SessionId, JoinError> {
        self.env.now = now;
        if self.draining {
            return Err(JoinError::ShuttingDown);
        }
        self.next_session += 1;
        let session = SessionId(self.next_session);
        let known = self.names.get(join.call.as_str()).copied();
        if let Some(resume) = join.client.reconnect.clone() {
            let call = known.and_then(|key| Some((key, self.calls.get_mut(&key)?)));
            let peer = call
                .and_then(|(key, call)| Some((key, call.resume(&mut self.env, &join, &resume, session)?)));
            match peer {
                Some(place) => {
                    self.sessions.insert(session, place);
                }
                None => {
                    let leave = wire::leave(lk::DisconnectReason::StateMismatch, Action::Reconnect);
                    self.env.tell(Some(session), leave);
                    self.env.out.push_back(Output::Close { session });
                }
            }
            self.flush();
            return Ok(session);
        }
        let key = known.unwrap_or_else(|| self.begin_call(&join.call));
        let call = self.calls.get_mut(&key).expect("a named call is kept");
        let joined = call.join(&mut self.env, join, session);
        if let Ok(peer) = joined {
            self.sessions.insert(session, (key, peer));
        }
        self.flush();
        joined.map(|_| session)
    }

    fn begin_call(&mut self, name: &str) -> CallKey {
        let key = CallKey(self.env.fresh_key());
        let name: Arc<str> = name.into();
        let call = Call::new(&mut self.env, key, Arc::clone(&name));
        self.calls.insert(key, call);
        self.names.insert(name, key);
        key
    }

    /// Takes the bytes of a `SignalRequest` from a signal connection.
    pub fn request(&mut self, now: Instant, session: SessionId, bytes: &[u8]) {
        self.env.now = now;
        if let Some((call, peer)) = self.place(session) {
            call.0.request(call.1, peer, bytes);
        }
        self.flush();
    }

    /// Begins a network test with a client's offer; the answer for it. Bytes
    /// that it sends on a data channel `_reliable` come back.
    ///
    /// # Errors
    /// When the offer is none, or too many tests run.
    pub fn probe(&mut self, now: Instant, sdp: &str) -> Result<String, ProbeError> {
        self.env.now = now;
        self.probes.begin(&mut self.env, sdp)
    }

    /// The relay's addresses with credentials for a network test.
    pub fn probe_servers(&mut self, now: Instant) -> Vec<lk::IceServer> {
        self.env.now = now;
        let name = self.env.fresh_sid("NT");
        self.env.ice_servers(&name)
    }

    /// The signal connection has closed without a goodbye.
    pub fn session_closed(&mut self, now: Instant, session: SessionId) {
        self.env.now = now;
        if let Some((call, peer)) = self.place(session) {
            call.0.session_lost(call.1, peer, session);
        }
        self.sessions.remove(&session);
    }

    /// The call and the peer of a session, unless it was replaced or ended.
    fn place(&mut self, session: SessionId) -> Option<((&mut Call, &mut Env), PeerKey)> {
        let (call, peer) = *self.sessions.get(&session)?;
        let call = self.calls.get_mut(&call)?;
        let current = call.peers.get(&peer)?.session == Some(session);
        current.then_some(((call, &mut self.env), peer))
    }

    /// Takes a datagram that came from `source` to the local address `to`.
    /// What it makes others send leaves with the next [`Shard::flush`], so
    /// that a batch of datagrams becomes a batch of sends.
    pub fn datagram(
        &mut self,
        now: Instant,
        proto: Protocol,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        self.env.now = now;
        self.env.counters.datagrams_in += 1;
        let Some(route) = self.env.demux.route(proto, source, bytes) else {
            self.env.counters.datagrams_unroutable += 1;
            return;
        };
        let (crate::demux::Route::Known(key) | crate::demux::Route::Unproved(key)) = route;
        if let Some(call) = self.calls.get_mut(&key.call) {
            call.datagram(&mut self.env, route, proto, source, to, bytes);
        } else {
            self.probes.datagram(&mut self.env, route, proto, source, to, bytes);
        }
    }

    /// Lets time pass.
    pub fn timeout(&mut self, now: Instant) {
        self.env.now = now;
        while let Some((entry, key)) = self.env.deadlines.pop_due(now) {
            if let Some(call) = self.calls.get_mut(&key.call) {
                call.due(&mut self.env, entry, key);
            } else {
                self.probes.due(&mut self.env, entry, key);
            }
        }
        for call in self.calls.values_mut() {
            call.tick(&mut self.env);
        }
        self.probes.expire(&mut self.env);
        self.flush();
    }

    /// Sends everything that earlier input made ready.
    pub fn flush(&mut self) {
        for call in self.calls.values_mut() {
            call.settle(&mut self.env);
        }
        let empty = self.calls.values().filter(|call| call.peers.is_empty());
        for key in empty.map(|call| call.key).collect::<Vec<_>>() {
            if let Some(mut call) = self.calls.remove(&key) {
                call.stop_recording(&mut self.env);
                self.names.remove(&call.name);
                self.env.emit(&call.name, CallEventKind::CallEmpty);
            }
        }
    }

    /// What clients are told of the relay, if there is one.
    pub fn set_relay(&mut self, offer: Option<Offer>) {
        self.env.relay = offer;
    }

    /// New local addresses, for peers that join from now on.
    pub fn set_candidates(&mut self, candidates: Vec<Reachable>) {
        self.env.candidates = candidates;
    }

    pub(crate) fn set_time(&mut self, now: Instant) {
        self.env.now = now;
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.values()
    }

    pub(crate) fn call_named(&mut self, name: &str) -> Option<(&mut Call, &mut Env)> {
        let call = self.names.get(name).and_then(|key| self.calls.get_mut(key))?;
        Some((call, &mut self.env))
    }

    // ---- commands --------------------------------------------------------

    /// Ends a call: everybody is told that it is over.
    pub fn end_call(&mut self, now: Instant, call: &str) {
        self.expel_all(
            now,
            Some(call),
            LeftReason::Removed,
            lk::DisconnectReason::RoomDeleted,
            Action::Disconnect,
        );
    }

    /// Removes one peer from a call. False: it was not there.
    pub fn remove_peer(&mut self, now: Instant, call: &str, identity: &str) -> bool {
        self.env.now = now;
        let Some(call) = self.names.get(call).and_then(|key| self.calls.get_mut(key)) else {
            return false;
        };
        let Some(peer) = call.find_identity(identity) else {
            return false;
        };
        call.expel(
            &mut self.env,
            peer,
            LeftReason::Removed,
            lk::DisconnectReason::ParticipantRemoved,
            Action::Disconnect,
        );
        self.flush();
        true
    }

    /// Begins to record a call, or says anew whom: the peers of these
    /// identities. False: there is no such call.
    pub fn start_recording(&mut self, now: Instant, call: &str, recording: &str, agreed: &[String]) -> bool {
        self.env.now = now;
        let Some(call) = self.names.get(call).and_then(|key| self.calls.get_mut(key)) else {
            return false;
        };
        call.start_recording(&mut self.env, recording, agreed);
        self.flush();
        true
    }

    /// Ends the recording of a call.
    pub fn stop_recording(&mut self, now: Instant, call: &str) {
        self.env.now = now;
        if let Some(call) = self.names.get(call).and_then(|key| self.calls.get_mut(key)) {
            call.stop_recording(&mut self.env);
        }
    }

    /// Shutdown: everybody is told to connect anew (to whoever serves then),
    /// and nobody is let in any more.
    pub fn drain(&mut self, now: Instant) {
        self.draining = true;
        self.expel_all(
            now,
            None,
            LeftReason::Shutdown,
            lk::DisconnectReason::ServerShutdown,
            Action::Reconnect,
        );
    }

    fn expel_all(
        &mut self,
        now: Instant,
        name: Option<&str>,
        reason: LeftReason,
        told: lk::DisconnectReason,
        action: Action,
    ) {
        self.env.now = now;
        for call in self.calls.values_mut() {
            if name.is_none_or(|name| *call.name == *name) {
                let everybody: Vec<_> = call.peers.keys().copied().collect();
                for peer in everybody {
                    call.expel(&mut self.env, peer, reason, told, action);
                }
            }
        }
        self.flush();
    }

    // ---- output ----------------------------------------------------------

    /// The next thing to do; ask until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.env.out.pop_front()?;
        if let Output::Close { session } = &output {
            self.sessions.remove(session);
        }
        Some(output)
    }

    /// What has changed in how datagrams find this shard. To be asked before
    /// the outputs: those may tell a client what this makes work.
    pub fn poll_route(&mut self) -> Option<RouteChange> {
        self.env.demux.changes.pop_front()
    }

    /// Whether a call of this name is going on here.
    pub fn has_call(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// When [`Shard::timeout`] wants to be called; `None` while idle.
    pub fn next_deadline(&self) -> Option<Instant> {
        let ticks = self.calls.values().map(|call| call.next_tick).min();
        let ticks = ticks.into_iter().chain(self.probes.next_deadline()).min();
        [self.env.deadlines.next().filter(|_| ticks.is_some()), ticks].into_iter().flatten().min()
    }

    /// Who is in a call; empty when there is none of this name.
    pub fn peers(&self, call: &str) -> Vec<PeerInfo> {
        let call = self.names.get(call).and_then(|key| self.calls.get(key));
        call.into_iter()
            .flat_map(|call| call.peers.values())
            .map(|peer| PeerInfo {
                identity: peer.identity.clone(),
                name: peer.name.clone(),
                joined_ms: peer.joined_ms,
                connected: peer.state == State::Active,
                signalling: peer.session.is_some(),
            })
            .collect()
    }

    pub fn counters(&self) -> Counters {
        self.env.counters
    }

    /// Numbers of calls and peers now.
    pub fn population(&self) -> (usize, usize) {
        let peers = self.calls.values().map(|call| call.peers.len()).sum();
        (self.calls.len(), peers)
    }

    /// Entries in the address tables; nothing may stay when all have gone.
    pub fn known_routes(&self) -> usize {
        self.env.demux.len()
    }
}
