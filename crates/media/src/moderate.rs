//! What somebody with power over a call does in it, from outside: look, mute,
//! change a peer's rights and texts, subscribe for it, speak as the house.

use std::collections::HashMap;
use std::time::Instant;

use livekit_protocol as lk;
use lk::data_packet::Value;
use lk::signal_response::Message as Response;
use prost::Message as _;

use crate::call::Call;
use crate::env::Env;
use crate::grants::Grants;
use crate::ids::PeerKey;
use crate::limits;
use crate::shard::Shard;
use crate::transport::Channel;
use crate::wire;

/// What is to be another about a peer; empty fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct PeerChange {
    pub name: String,
    pub metadata: String,
    /// An empty value deletes an attribute.
    pub attributes: HashMap<String, String>,
    /// Replaces all rights, also over later resumes.
    pub grants: Option<Grants>,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error("there is no such call, peer or track")]
    NotThere,
    #[error("more than a call takes")]
    TooLarge,
}

impl Call {
    /// The call as clients and servers are told of it.
    pub fn room(&self, env: &Env) -> lk::Room {
        let seen = || self.peers.values().filter(|peer| !peer.grants.hidden);
        lk::Room {
            sid: self.sid.clone(),
            name: self.name.to_string(),
            creation_time: self.created_ms / 1000,
            creation_time_ms: self.created_ms,
            enabled_codecs: wire::codecs(),
            metadata: self.metadata.clone(),
            num_participants: seen().count() as u32,
            num_publishers: seen().filter(|peer| peer.tracks.iter().any(|track| track.live)).count() as u32,
            max_participants: env.settings.max_peers_per_call as u32,
            active_recording: self.tap.is_some(),
            ..Default::default()
        }
    }

    fn silence(&mut self, env: &mut Env, key: PeerKey, sid: Option<&str>) -> Vec<lk::TrackInfo> {
        let Some(peer) = self.peers.get_mut(&key) else {
            return Vec::new();
        };
        let mut muted = Vec::new();
        for track in peer.tracks.iter_mut().filter(|track| sid.is_none_or(|sid| track.info.sid == sid)) {
            // Without a name it is about whoever disturbs by sound.
            if sid.is_none() && track.is_video() {
                continue;
            }
            track.info.muted = true;
            track.level = 0.0;
            // Whatever its client goes on to send.
            track.silenced = true;
            muted.push(track.info.clone());
        }
        for info in &muted {
            let mute = lk::MuteTrackRequest { sid: info.sid.clone(), muted: true };
            self.tell(env, key, Response::Mute(mute));
        }
        if !muted.is_empty() {
            self.announce(env, key);
        }
        muted
    }

    fn change(&mut self, env: &mut Env, key: PeerKey, change: PeerChange) -> Result<(), NotDone> {
        let Some(peer) = self.peers.get_mut(&key) else {
            return Err(NotDone::NotThere);
        };
        if !peer.fits(&change.name, &change.metadata, &change.attributes) {
            return Err(NotDone::TooLarge);
        }
        peer.rename(change.name, change.metadata, change.attributes);
        if let Some(grants) = change.grants {
            self.rule(env, key, grants);
        }
        self.announce(env, key);
        Ok(())
    }

    /// Gives a peer other rights in mid-call: what it may no longer do ends
    /// now, what it may do from now on begins.
    fn rule(&mut self, env: &mut Env, key: PeerKey, grants: Grants) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let before = std::mem::replace(&mut peer.grants, grants.clone());
        peer.ruled = true;
        let lost = peer.tracks.iter().filter(|track| !grants.may_publish(track.info.source));
        for track in lost.map(|track| track.key).collect::<Vec<_>>() {
            self.unpublish(env, key, track);
        }
        if before.can_subscribe && !grants.can_subscribe {
            self.end_all_subscriptions(env, key);
        } else if grants.can_subscribe && !before.can_subscribe {
            self.subscribe_to_all(env, key);
        }
        if grants.hidden && !before.hidden {
            self.vanish(env, key);
        } else if before.hidden && !grants.hidden {
            self.appear(env, key);
        }
    }

    fn end_all_subscriptions(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else {
            return;
        };
        let all: Vec<_> = peer.subscriptions.iter().map(|(track, s)| (s.publisher, *track)).collect();
        for (publisher, track) in all {
            self.drop_subscriber(env, publisher, track, key);
            self.end_subscription(env, key, track);
        }
    }

    /// The others no longer know of this peer.
    fn vanish(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        peer.version += 1;
        let farewell = peer.farewell(lk::DisconnectReason::UnknownReason);
        let receivers: Vec<_> = peer
            .tracks
            .iter_mut()
            .flat_map(|track| {
                std::mem::take(&mut track.subscribers).to_vec().into_iter().map(|s| (s, track.key))
            })
            .collect();
        self.tell_all(env, Some(key), wire::update(vec![farewell]));
        for (subscriber, track) in receivers {
            self.end_subscription(env, subscriber, track);
        }
    }

    /// The others learn of this peer, and receive it.
    fn appear(&mut self, env: &mut Env, key: PeerKey) {
        self.announce(env, key);
        let tracks: Vec<_> = self.peers[&key].tracks.iter().map(|track| track.key).collect();
        for other in self.others(key) {
            for track in &tracks {
                self.auto_subscribe(env, other, key, *track);
            }
            self.negotiate(env, other, false);
        }
    }

    fn speak(&mut self, env: &mut Env, channel: Channel, packet: lk::UserPacket, receivers: &[String]) {
        let packet = lk::DataPacket { value: Some(Value::User(packet)), ..Default::default() };
        let bytes = packet.encode_to_vec().into();
        let everybody: Vec<_> = self.peers.keys().copied().collect();
        self.deliver(env, everybody, channel, &bytes, receivers);
    }
}

impl Shard {
    fn peer_of(&mut self, call: &str, identity: &str) -> Result<(&mut Call, &mut Env, PeerKey), NotDone> {
        let (call, env) = self.call_named(call).ok_or(NotDone::NotThere)?;
        let key = call.find_identity(identity).ok_or(NotDone::NotThere)?;
        Ok((call, env, key))
    }

    /// The calls of these names; all when there are none.
    pub fn rooms(&self, names: &[String]) -> Vec<lk::Room> {
        let wanted = |call: &&Call| names.is_empty() || names.iter().any(|name| **name == *call.name);
        self.calls().filter(wanted).map(|call| call.room(self.env())).collect()
    }

    /// Everybody in a call, hidden ones too. `None`: there is no such call.
    pub fn participants(&mut self, call: &str) -> Option<Vec<lk::ParticipantInfo>> {
        let (call, _) = self.call_named(call)?;
        Some(call.peers.values().map(|peer| peer.info()).collect())
    }

    /// Mutes a track of a peer, or all its sound. What it sends of them goes
    /// nowhere until its own client unmutes.
    ///
    /// # Errors
    /// When it is not there.
    pub fn mute(
        &mut self,
        now: Instant,
        call: &str,
        identity: &str,
        sid: Option<&str>,
    ) -> Result<Vec<lk::TrackInfo>, NotDone> {
        self.set_time(now);
        let (call, env, key) = self.peer_of(call, identity)?;
        let muted = call.silence(env, key, sid);
        self.flush();
        if muted.is_empty() && sid.is_some() { Err(NotDone::NotThere) } else { Ok(muted) }
    }

    /// Changes a peer in mid-call; how it is afterwards.
    ///
    /// # Errors
    /// When it is not there, or the texts are too long.
    pub fn change_peer(
        &mut self,
        now: Instant,
        call: &str,
        identity: &str,
        change: PeerChange,
    ) -> Result<lk::ParticipantInfo, NotDone> {
        self.set_time(now);
        let (call, env, key) = self.peer_of(call, identity)?;
        call.change(env, key, change)?;
        let info = call.peers.get(&key).map(|peer| peer.info()).ok_or(NotDone::NotThere);
        self.flush();
        info
    }

    /// Subscribes a peer to tracks, or ends that.
    ///
    /// # Errors
    /// When it is not there.
    pub fn subscribe_peer(
        &mut self,
        now: Instant,
        call: &str,
        identity: &str,
        wish: lk::UpdateSubscription,
    ) -> Result<(), NotDone> {
        self.set_time(now);
        let (call, env, key) = self.peer_of(call, identity)?;
        call.update_subscription(env, key, wish);
        self.flush();
        Ok(())
    }

    /// Sends data of the house to these identities, or to everybody.
    ///
    /// # Errors
    /// When there is no such call, or the data are too large.
    pub fn send_data(
        &mut self,
        now: Instant,
        call: &str,
        reliable: bool,
        packet: lk::UserPacket,
        receivers: &[String],
    ) -> Result<(), NotDone> {
        self.set_time(now);
        let (channel, limit) = if reliable {
            (Channel::Reliable, limits::RELIABLE_PACKET)
        } else {
            (Channel::Lossy, limits::LOSSY_PACKET)
        };
        let (call, env) = self.call_named(call).ok_or(NotDone::NotThere)?;
        if packet.payload.len() > limit {
            return Err(NotDone::TooLarge);
        }
        call.speak(env, channel, packet, receivers);
        self.flush();
        Ok(())
    }

    /// Sets the text that hangs on the whole call; everybody is told.
    ///
    /// # Errors
    /// When there is no such call, or it is too long.
    pub fn describe_call(&mut self, now: Instant, call: &str, text: String) -> Result<lk::Room, NotDone> {
        self.set_time(now);
        let (call, env) = self.call_named(call).ok_or(NotDone::NotThere)?;
        if text.len() > limits::METADATA {
            return Err(NotDone::TooLarge);
        }
        call.metadata = text;
        let room = call.room(env);
        call.tell_all(env, None, Response::RoomUpdate(lk::RoomUpdate { room: Some(room.clone()) }));
        Ok(room)
    }
}
