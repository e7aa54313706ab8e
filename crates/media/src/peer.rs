//! One participant of a call: who it is, its two connections, what it
//! publishes and what it receives.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use livekit_protocol as lk;
use str0m::media::Mid;

use crate::bandwidth::Budget;
use crate::clock::SenderClock;
use crate::env::Env;
use crate::grants::Grants;
use crate::ids::{PeerKey, SessionId, Side, TrackKey};
use crate::join::{ClientParams, Join};
use crate::limits::{self, Bucket};
use crate::publish::Track;
use crate::quality::Health;
use crate::report::Tally;
use crate::single::{Asked, Slots};
use crate::subscribe::Subscription;
use crate::transport::Transport;

/// How far a peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Told that it is in; its connection is not up yet.
    Joined,
    /// Its primary connection is up.
    Active,
}

pub(crate) struct Peer {
    pub key: PeerKey,
    pub sid: String,
    pub identity: String,
    pub name: String,
    pub metadata: String,
    pub attributes: HashMap<String, String>,
    pub grants: Grants,
    /// The grants are a moderator's word, which a token does not change.
    pub ruled: bool,
    pub client: ClientParams,
    pub state: State,
    pub version: u32,
    pub joined_ms: i64,
    pub joined_at: Instant,

    /// The signal connection; none while a resume is awaited.
    pub session: Option<SessionId>,
    /// Since when there is no signal connection.
    pub signal_lost: Option<Instant>,
    /// Since when the client has closed a connection.
    pub closing: Option<Instant>,
    pub last_signal: Instant,
    /// Old clients never ping; only those that did must go on.
    pub pings: bool,

    pub publisher: Option<Transport>,
    pub subscriber: Transport,
    /// Changes wait for the answer to the offer that is out.
    pub wants_offer: bool,
    /// With one connection: the sections that it receives on.
    pub slots: Slots,
    /// Sections of ended subscriptions, to be stopped in the next offer.
    pub stops: Vec<Mid>,
    /// With one connection: what it was asked to offer.
    pub asked: Option<Asked>,
    pub first_answer: bool,

    pub tracks: Vec<Track>,
    /// Sections of the last offer by the client's track id, also those that
    /// came before their `add_track`.
    pub offered: HashMap<String, Mid>,
    /// Who may subscribe to this peer's tracks, by its own wish.
    pub audience: Option<Vec<lk::TrackPermission>>,
    // A BTreeMap, so that several tracks are offered in the order of their
    // publication.
    pub subscriptions: BTreeMap<TrackKey, Subscription>,

    pub requests: Bucket,
    pub data: Bucket,
    /// Highest sequence of a reliable packet, to drop what a resume repeats.
    pub last_reliable: u32,
    pub speaking: bool,
    pub health: Health,
    /// What its line takes of what the others send.
    pub budget: Budget,
    /// Its own clock, for the moments at which its packets were captured.
    pub clock: SenderClock,
    pub tally: Tally,
}

impl Peer {
    pub fn new(env: &mut Env, key: PeerKey, join: Join, session: SessionId, subscriber: Transport) -> Self {
        let now = env.now;
        Self {
            key,
            sid: env.fresh_sid("PA"),
            identity: join.identity,
            name: join.name,
            metadata: join.metadata,
            attributes: join.attributes,
            grants: join.grants,
            ruled: false,
            client: join.client,
            state: State::Joined,
            version: 1,
            joined_ms: env.unix_ms(),
            joined_at: now,
            session: Some(session),
            signal_lost: None,
            closing: None,
            last_signal: now,
            pings: false,
            publisher: None,
            subscriber,
            wants_offer: false,
            slots: Slots::default(),
            stops: Vec::new(),
            asked: None,
            first_answer: false,
            tracks: Vec::new(),
            offered: HashMap::new(),
            audience: None,
            subscriptions: BTreeMap::new(),
            requests: Bucket::new(now, limits::SIGNAL_RATE),
            data: Bucket::new(now, limits::DATA_RATE),
            last_reliable: 0,
            speaking: false,
            health: Health::default(),
            budget: Budget::default(),
            clock: SenderClock::default(),
            tally: Tally::default(),
        }
    }

    pub fn transport(&mut self, side: Side) -> Option<&mut Transport> {
        match side {
            // With one connection, it is the one that things are received on.
            Side::Publisher if self.client.single => Some(&mut self.subscriber),
            Side::Publisher => self.publisher.as_mut(),
            Side::Subscriber => Some(&mut self.subscriber),
        }
    }

    pub fn track(&self, key: TrackKey) -> Option<&Track> {
        self.tracks.iter().find(|track| track.key == key)
    }

    pub fn track_mut(&mut self, key: TrackKey) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.key == key)
    }

    pub fn track_by_sid(&mut self, sid: &str) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.info.sid == sid)
    }

    /// Whether these texts, with what is there already, are within limits.
    pub fn fits(&self, name: &str, metadata: &str, attributes: &HashMap<String, String>) -> bool {
        let size = |map: &HashMap<String, String>| map.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
        metadata.len() <= limits::METADATA
            && name.len() <= limits::NAME
            && size(attributes) + size(&self.attributes) <= limits::METADATA
    }

    /// Takes over what is not empty; an empty attribute goes.
    pub fn rename(&mut self, name: String, metadata: String, attributes: HashMap<String, String>) {
        if !metadata.is_empty() {
            self.metadata = metadata;
        }
        if !name.is_empty() {
            self.name = name;
        }
        for (name, value) in attributes {
            if value.is_empty() {
                self.attributes.remove(&name);
            } else {
                self.attributes.insert(name, value);
            }
        }
    }

    /// What the others are told of this peer.
    pub fn info(&self) -> lk::ParticipantInfo {
        let state = match self.state {
            State::Joined => lk::participant_info::State::Joined,
            State::Active => lk::participant_info::State::Active,
        };
        lk::ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.identity.clone(),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            attributes: self.attributes.clone(),
            state: state as i32,
            version: self.version,
            joined_at: self.joined_ms / 1000,
            joined_at_ms: self.joined_ms,
            client_protocol: self.client.client_protocol,
            tracks: self.tracks.iter().filter(|track| track.live).map(|track| track.info.clone()).collect(),
            is_publisher: self.tracks.iter().any(|track| track.live),
            permission: Some(self.grants.wire()),
            ..Default::default()
        }
    }

    /// The same when it has gone.
    pub fn farewell(&self, reason: lk::DisconnectReason) -> lk::ParticipantInfo {
        lk::ParticipantInfo {
            state: lk::participant_info::State::Disconnected as i32,
            tracks: Vec::new(),
            is_publisher: false,
            version: self.version + 1,
            disconnect_reason: reason as i32,
            ..self.info()
        }
    }
}
