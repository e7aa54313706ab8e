//! What a peer receives: which of the others' tracks, in which layer.

use std::time::Instant;

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use rand::RngExt;
use str0m::format::Codec;
use str0m::media::{MediaKind, Mid, Rid};

use crate::call::Call;
use crate::env::Env;
use crate::ids::{PeerKey, Side, TrackKey};
use crate::layers::{Grant, HIGH, Quality, quality_for_size};
use crate::peer::State;
use crate::rewrite::Rewriter;
use crate::transport::Accepted;

/// How far the media section of a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Not offered yet.
    Waiting,
    /// In the offer that is out.
    Offered(Mid),
    /// Answered: packets may flow.
    Open(Mid),
}

pub(crate) struct Subscription {
    pub publisher: PeerKey,
    pub kind: MediaKind,
    pub section: Section,
    /// The client shows nothing of it now.
    pub paused: bool,
    pub want: Quality,
    /// The layer that flows, and that its packets began with a keyframe.
    pub layer: Option<Option<Rid>>,
    /// The client's payload type for the codec that came last.
    pub payload: Option<(Codec, Accepted)>,
    pub rewriter: Rewriter,
    /// What the subscriber's line allows.
    pub grant: Grant,
    /// Since when that is nothing.
    pub held_since: Option<Instant>,
    /// Since when the present layer flows, and when its last frame began.
    pub flowing_since: Option<Instant>,
    pub last_frame: Option<Instant>,
}

impl Subscription {
    pub fn open_mid(&self) -> Option<Mid> {
        match self.section {
            Section::Open(mid) => Some(mid),
            Section::Waiting | Section::Offered(_) => None,
        }
    }

    /// Whether its client wants packets of it now.
    pub fn flows(&self) -> bool {
        self.open_mid().is_some() && !self.paused
    }

    fn any_mid(&self) -> Option<Mid> {
        match self.section {
            Section::Open(mid) | Section::Offered(mid) => Some(mid),
            Section::Waiting => None,
        }
    }
}

impl Call {
    /// Everything there is, for a peer that has just come up.
    pub fn subscribe_to_all(&mut self, env: &mut Env, key: PeerKey) {
        for publisher in self.others(key) {
            let tracks: Vec<_> = self.peers[&publisher].tracks.iter().map(|t| t.key).collect();
            for track in tracks {
                self.auto_subscribe(env, key, publisher, track);
            }
        }
        self.negotiate(env, key, false);
    }

    /// Subscribes a peer that wants every track. The caller negotiates.
    pub fn auto_subscribe(&mut self, env: &mut Env, key: PeerKey, publisher: PeerKey, track: TrackKey) {
        if self.peers.get(&key).is_some_and(|p| p.client.auto_subscribe) {
            self.subscribe(env, key, publisher, track);
        }
    }

    fn subscribe(&mut self, env: &mut Env, key: PeerKey, publisher: PeerKey, track: TrackKey) {
        if !self.may_subscribe(key, publisher, track) {
            return;
        }
        let Some(published) = self.peers.get_mut(&publisher).and_then(|p| p.track_mut(track)) else {
            return;
        };
        let kind = published.kind();
        let sid = published.info.sid.clone();
        let first = published.subscribers.is_empty();
        let mut subscribers = published.subscribers.as_ref().clone();
        subscribers.push(key);
        published.subscribers = subscribers.into();
        let rewriter = Rewriter::new(env.rng.random(), env.rng.random());
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        peer.subscriptions.insert(
            track,
            Subscription {
                publisher,
                kind,
                section: Section::Waiting,
                paused: false,
                want: HIGH,
                layer: None,
                payload: None,
                rewriter,
                grant: Grant::Lowest,
                held_since: None,
                flowing_since: None,
                last_frame: None,
            },
        );
        if first {
            let subscribed = lk::TrackSubscribed { track_sid: sid };
            self.tell(env, publisher, Response::TrackSubscribed(subscribed));
        }
        self.tell_wanted_layers(env, publisher, track, false);
    }

    fn may_subscribe(&self, key: PeerKey, publisher: PeerKey, track: TrackKey) -> bool {
        let (Some(peer), Some(from)) = (self.peers.get(&key), self.peers.get(&publisher)) else {
            return false;
        };
        let Some(published) = from.track(track) else {
            return false;
        };
        let sid = &published.info.sid;
        let invited = from.audience.as_ref().is_none_or(|audience| {
            audience.iter().any(|guest| {
                (guest.participant_sid == peer.sid || guest.participant_identity == peer.identity)
                    && (guest.all_tracks || guest.track_sids.contains(sid))
            })
        });
        key != publisher
            && peer.grants.can_subscribe
            && peer.state == State::Active
            && published.live
            && !from.grants.hidden
            && invited
            && !peer.subscriptions.contains_key(&track)
    }

    /// The client's wish for certain tracks.
    pub fn update_subscription(&mut self, env: &mut Env, key: PeerKey, request: lk::UpdateSubscription) {
        let listed = request.participant_tracks.into_iter().flat_map(|t| t.track_sids);
        for sid in request.track_sids.into_iter().chain(listed) {
            let Some((publisher, track)) = self.find_track(&sid) else {
                continue;
            };
            if request.subscribe {
                self.subscribe(env, key, publisher, track);
            } else {
                self.drop_subscriber(env, publisher, track, key);
                self.end_subscription(env, key, track);
            }
        }
        self.negotiate(env, key, false);
    }

    /// Who may receive the peer's tracks, by its own wish.
    pub fn set_audience(&mut self, env: &mut Env, key: PeerKey, wish: lk::SubscriptionPermission) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let audience = (!wish.all_participants).then_some(wish.track_permissions);
        if peer.audience == audience {
            return;
        }
        peer.audience = audience;
        let tracks: Vec<_> = peer.tracks.iter().map(|track| track.key).collect();
        for other in self.others(key) {
            for track in &tracks {
                // Ask anew as if there were no subscription yet.
                let subscription =
                    self.peers.get_mut(&other).and_then(|peer| peer.subscriptions.remove(track));
                let allowed = self.may_subscribe(other, key, *track);
                match subscription {
                    Some(subscription) => {
                        if let Some(peer) = self.peers.get_mut(&other) {
                            peer.subscriptions.insert(*track, subscription);
                        }
                        if !allowed {
                            self.drop_subscriber(env, key, *track, other);
                            self.end_subscription(env, other, *track);
                        }
                    }
                    None if allowed => self.auto_subscribe(env, other, key, *track),
                    None => {}
                }
            }
            self.negotiate(env, other, false);
        }
    }

    /// Pause, resume, and choice of layer.
    pub fn track_setting(&mut self, env: &mut Env, key: PeerKey, wish: &lk::UpdateTrackSettings) {
        for sid in &wish.track_sids {
            let Some((publisher, track)) = self.find_track(sid) else {
                continue;
            };
            let want = self.wanted_by(publisher, track, wish);
            let Some(subscription) =
                self.peers.get_mut(&key).and_then(|peer| peer.subscriptions.get_mut(&track))
            else {
                continue;
            };
            if subscription.paused && !wish.disabled {
                // What was missed is gone: go on at a keyframe.
                subscription.layer = None;
            }
            subscription.paused = wish.disabled;
            subscription.want = want;
            subscription.last_frame = None;
            self.share_line(env, key);
            self.tell_wanted_layers(env, publisher, track, false);
            self.request_keyframe_for(env, key, track);
        }
    }

    #[expect(deprecated, reason = "the layers are filled from the client's old field")]
    fn wanted_by(&self, publisher: PeerKey, track: TrackKey, wish: &lk::UpdateTrackSettings) -> Quality {
        let layers = self
            .peers
            .get(&publisher)
            .and_then(|peer| peer.track(track))
            .map(|track| track.info.layers.as_slice())
            .unwrap_or_default();
        if wish.width > 0 && wish.height > 0 {
            quality_for_size(layers, wish.width, wish.height)
        } else {
            wish.quality.clamp(0, i32::from(HIGH)) as Quality
        }
    }

    /// The publisher's half of the end of a subscription.
    pub fn drop_subscriber(&mut self, env: &mut Env, publisher: PeerKey, track: TrackKey, key: PeerKey) {
        if let Some(track) = self.peers.get_mut(&publisher).and_then(|p| p.track_mut(track)) {
            track.remove_subscriber(key);
        }
        self.tell_wanted_layers(env, publisher, track, false);
    }

    /// The subscriber's half; its section is stopped in the next offer.
    pub fn end_subscription(&mut self, env: &mut Env, key: PeerKey, track: TrackKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if let Some(subscription) = peer.subscriptions.remove(&track)
            && let Some(mid) = subscription.any_mid()
        {
            peer.stops.push(mid);
            peer.slots.release(mid, subscription.rewriter);
        }
        self.negotiate(env, key, false);
    }

    // ---- keyframes -------------------------------------------------------

    /// The client could not decode what it receives on this section.
    pub fn on_keyframe_wanted(&mut self, env: &mut Env, key: PeerKey, mid: Mid) {
        let track = self.peers.get(&key).and_then(|peer| {
            peer.subscriptions
                .iter()
                .find(|(_, subscription)| subscription.open_mid() == Some(mid))
                .map(|(track, _)| *track)
        });
        if let Some(track) = track {
            self.request_keyframe_for(env, key, track);
        }
    }

    /// Asks for a keyframe of the layer that this subscriber is to get.
    pub fn request_keyframe_for(&mut self, env: &mut Env, key: PeerKey, track: TrackKey) {
        let Some(subscription) = self.peers.get(&key).and_then(|p| p.subscriptions.get(&track)) else {
            return;
        };
        if subscription.kind != MediaKind::Video || subscription.paused {
            return;
        }
        let publisher = subscription.publisher;
        let target = self.target(env, track, subscription);
        if let Some(rid) = target {
            self.request_keyframe(env, publisher, track, rid);
        }
    }

    /// Asks again where a keyframe was asked for and did not come.
    pub fn ask_missing_keyframes(&mut self, env: &mut Env) {
        let waiting: Vec<_> = self
            .peers
            .values()
            .flat_map(|peer| peer.subscriptions.iter().map(|(track, s)| (peer.key, *track, s)))
            .filter(|(_, track, subscription)| {
                subscription.open_mid().is_some()
                    && !subscription.paused
                    && subscription.kind == MediaKind::Video
                    && self.lacks_its_layer(env, *track, subscription)
            })
            .map(|(peer, track, _)| (peer, track))
            .collect();
        for (peer, track) in waiting {
            self.request_keyframe_for(env, peer, track);
        }
    }

    fn lacks_its_layer(&self, env: &Env, track: TrackKey, subscription: &Subscription) -> bool {
        let target = self.target(env, track, subscription);
        target.is_some() && subscription.layer != target
    }

    /// The layer that this subscriber is to get now.
    fn target(&self, env: &Env, track: TrackKey, subscription: &Subscription) -> Option<Option<Rid>> {
        let published = self.peers.get(&subscription.publisher)?.track(track)?;
        published.layers.live(env.now).choose(subscription.want, subscription.grant)
    }

    pub fn find_track(&self, sid: &str) -> Option<(PeerKey, TrackKey)> {
        self.peers.values().find_map(|peer| {
            peer.tracks.iter().find(|track| track.info.sid == sid).map(|track| (peer.key, track.key))
        })
    }

    /// The subscriber's connection has something to send.
    pub fn touch_subscriber(&mut self, key: PeerKey) {
        self.touch(key, Side::Subscriber);
    }
}
