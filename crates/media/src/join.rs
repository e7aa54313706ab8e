//! How peers come in: join, resume after a broken signal connection, taking
//! the place of one's own ghost; and how absent ones are noticed.

use std::collections::HashMap;
use std::time::Duration;

use livekit_protocol as lk;
use lk::leave_request::Action;
use lk::signal_response::Message as Response;

use crate::call::Call;
use crate::env::{Env, Output};
use crate::event::{CallEventKind, Device, LeftReason};
use crate::grants::Grants;
use crate::ids::{PeerKey, SessionId, Side, TransportKey};
use crate::limits;
use crate::peer::{Peer, State};
use crate::transport::Transport;
use crate::wire;

/// A wish to enter a call, already checked by whoever made the join token.
#[derive(Clone, Debug)]
pub struct Join {
    /// Name of the call; it begins with its first peer.
    pub call: String,
    /// Whoever's number of calls this one counts towards.
    pub owner: String,
    /// Unique in the call: a second join replaces the first.
    pub identity: String,
    /// Shown to the others.
    pub name: String,
    /// Free text for the others' clients.
    pub metadata: String,
    pub attributes: HashMap<String, String>,
    pub grants: Grants,
    pub client: ClientParams,
}

/// What the client says about itself in the query of its signal connection.
#[derive(Clone, Debug)]
pub struct ClientParams {
    /// Subscribe to every track without being asked.
    pub auto_subscribe: bool,
    /// The client pauses and scales what it does not show.
    pub adaptive_stream: bool,
    /// Version of the signal protocol.
    pub protocol: i32,
    pub sdk: String,
    pub version: String,
    /// Version of the protocol between clients (RPC, streams).
    pub client_protocol: i32,
    /// The client wants to go on with an earlier session.
    pub reconnect: Option<Resume>,
    /// For the report of how its connection was.
    pub device: Device,
    /// One connection for both ways, for which the client makes the offers.
    pub single: bool,
    /// Tracks that it announces with its join.
    pub tracks: Vec<lk::AddTrackRequest>,
    /// Its first offer, when it came with its join.
    pub offer: Option<lk::SessionDescription>,
}

impl Default for ClientParams {
    fn default() -> Self {
        Self {
            auto_subscribe: true,
            adaptive_stream: false,
            protocol: 16,
            sdk: String::new(),
            version: String::new(),
            client_protocol: 0,
            reconnect: None,
            device: Device::default(),
            single: false,
            tracks: Vec::new(),
            offer: None,
        }
    }
}

/// Which session a client resumes.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// The participant sid it had; empty when it does not say.
    pub sid: String,
    /// Why, as the client numbers it; only logged.
    pub reason: String,
}

/// Why a peer was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    #[error("the call is full")]
    CallFull,
    #[error("as many calls are going on as there may be")]
    TooManyCalls,
    #[error("the call node is shutting down")]
    ShuttingDown,
}

impl Call {
    /// Lets a peer in and starts its two connections.
    pub fn join(&mut self, env: &mut Env, mut join: Join, session: SessionId) -> Result<PeerKey, JoinError> {
        let ghost = self.find_identity(&join.identity);
        if ghost.is_none() && self.peers.len() >= env.settings.max_peers_per_call {
            return Err(JoinError::CallFull);
        }
        let key = PeerKey(env.fresh_key());
        let mut subscriber =
            Transport::new(env, TransportKey { call: self.key, peer: key, side: Side::Subscriber });
        let (announced, first_offer) = (std::mem::take(&mut join.client.tracks), join.client.offer.take());
        let offer = if join.client.single { None } else { subscriber.offer_channels() };
        let peer = Peer::new(env, key, join, session, subscriber);
        tracing::debug!(call = %self.name, sid = %peer.sid, sdk = %peer.client.sdk,
            version = %peer.client.version, protocol = peer.client.protocol, "peer joins");
        // The ghost goes first: a client takes any message before its join
        // response for a broken server, and the others want no duplicate.
        if let Some(ghost) = ghost {
            self.expel(
                env,
                ghost,
                LeftReason::Replaced,
                lk::DisconnectReason::DuplicateIdentity,
                Action::Disconnect,
            );
        }
        self.peers.insert(key, peer);
        self.greet(env, key);
        if let Some((id, sdp)) = offer {
            self.tell(env, key, wire::offer(id, sdp, HashMap::new()));
        }
        self.come_with(env, key, announced, first_offer);
        self.touch(key, Side::Subscriber);
        self.quality_news = true;
        Ok(key)
    }

    /// What a client sent along with its join, to be faster.
    fn come_with(
        &mut self,
        env: &mut Env,
        key: PeerKey,
        tracks: Vec<lk::AddTrackRequest>,
        offer: Option<lk::SessionDescription>,
    ) {
        for track in tracks.into_iter().take(limits::TRACKS) {
            self.add_track(env, key, track);
        }
        if let Some(offer) = offer {
            self.publisher_offer(env, key, offer);
        }
    }

    /// The join response to the new peer, the news to the others.
    fn greet(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else {
            return;
        };
        let (info, hidden) = (peer.info(), peer.grants.hidden);
        let room = self.room(env);
        let single = peer.client.single;
        let mut join = wire::join(room, info.clone(), self.visible_to(key), &env.settings.node_id, single);
        if let Response::Join(join) = &mut join {
            join.ice_servers = env.ice_servers(&info.sid);
        }
        self.tell(env, key, join);
        if !hidden {
            self.tell_all(env, Some(key), wire::update(vec![info]));
        }
    }

    /// Gives a returning client its peer back. `None`: there is nothing to
    /// resume, it must join anew.
    pub fn resume(
        &mut self,
        env: &mut Env,
        join: &Join,
        resume: &Resume,
        session: SessionId,
    ) -> Option<PeerKey> {
        let key = self.find_identity(&join.identity)?;
        let now = env.now;
        let peer = self.peers.get_mut(&key)?;
        // Before its first answer there are no channels to go on with, and
        // connections do not change their kind.
        let same = peer.client.single == join.client.single;
        if !peer.first_answer || !same || (!resume.sid.is_empty() && resume.sid != peer.sid) {
            return None;
        }
        if let Some(old) = peer.session.replace(session) {
            env.out.push_back(Output::Close { session: old });
        }
        peer.signal_lost = None;
        peer.last_signal = now;
        // A fresh token may grant less than the old one.
        if !peer.ruled {
            peer.grants = join.grants.clone();
        }
        tracing::debug!(call = %self.name, sid = %peer.sid, reason = %resume.reason, "peer resumes");
        let reconnect = Response::Reconnect(lk::ReconnectResponse {
            server_info: Some(wire::server_info(&env.settings.node_id)),
            last_message_seq: peer.last_reliable,
            ice_servers: env.ice_servers(&peer.sid),
            ..Default::default()
        });
        let own = peer.info();
        self.tell(env, key, reconnect);
        // Clients take whom this update does not name for gone.
        let everybody = std::iter::once(own).chain(self.visible_to(key)).collect();
        self.tell(env, key, wire::update(everybody));
        self.negotiate(env, key, true);
        Some(key)
    }

    /// The signal connection of a peer is gone, without a goodbye.
    pub fn session_lost(&mut self, env: &mut Env, key: PeerKey, session: SessionId) {
        if let Some(peer) = self.peers.get_mut(&key)
            && peer.session == Some(session)
        {
            peer.session = None;
            peer.signal_lost = Some(env.now);
            if peer.closing.is_some() {
                let told = lk::DisconnectReason::ClientInitiated;
                self.remove(env, key, LeftReason::Left, told);
            }
        }
    }

    /// The primary connection is up: the peer counts, and receives.
    pub fn activate(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if peer.state == State::Active {
            return;
        }
        peer.state = State::Active;
        peer.tally.connected(env.now.saturating_duration_since(peer.joined_at));
        let identity = peer.identity.clone();
        let auto = peer.client.auto_subscribe;
        env.emit(&self.name, CallEventKind::PeerJoined { identity });
        self.announce(env, key);
        if auto {
            self.subscribe_to_all(env, key);
        }
    }

    pub fn on_ice(&mut self, key: PeerKey, alive: bool) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.health.ice_alive = alive;
            self.quality_news = true;
        }
    }

    pub fn find_identity(&self, identity: &str) -> Option<PeerKey> {
        self.peers.values().find(|peer| peer.identity == identity).map(|peer| peer.key)
    }

    /// Removes whoever did not come back, never came up, or fell silent.
    pub fn expel_absent(&mut self, env: &mut Env) {
        let grace = env.settings.resume_grace;
        let now = env.now;
        let long_ago = |since: Option<std::time::Instant>, limit: Duration| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= limit)
        };
        let mut gone = Vec::new();
        for peer in self.peers.values_mut() {
            if peer.pings
                && peer.session.is_some()
                && long_ago(Some(peer.last_signal), limits::SIGNAL_SILENCE)
                && let Some(session) = peer.session.take()
            {
                // The other end is probably no more; a resume is welcome.
                env.out.push_back(Output::Close { session });
                peer.signal_lost = Some(now);
            }
            let never_up = peer.state == State::Joined;
            let verdict = if long_ago(peer.closing, limits::GOODBYE) {
                Some((LeftReason::Left, lk::DisconnectReason::ClientInitiated))
            } else if long_ago(peer.signal_lost, grace) {
                Some((LeftReason::Vanished, lk::DisconnectReason::SignalClose))
            } else if never_up && long_ago(Some(peer.joined_at), limits::CONNECT) {
                Some((LeftReason::Vanished, lk::DisconnectReason::JoinFailure))
            } else if long_ago(peer.subscriber.ice_lost, limits::ICE_SILENCE) {
                Some((LeftReason::Vanished, lk::DisconnectReason::ConnectionTimeout))
            } else {
                None
            };
            gone.extend(verdict.map(|(reason, told)| (peer.key, reason, told)));
        }
        for (key, reason, told) in gone {
            // Whoever is still there and lost only its media may come again.
            let action = if told == lk::DisconnectReason::ConnectionTimeout {
                Action::Reconnect
            } else {
                Action::Disconnect
            };
            self.expel(env, key, reason, told, action);
        }
    }
}
