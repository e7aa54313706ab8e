//! What subscribers want of a publisher: layers that are worth sending, and
//! keyframes to start at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use str0m::media::Rid;

use crate::call::Call;
use crate::env::Env;
use crate::ids::{PeerKey, Side, TrackKey};
use crate::layers::{Grant, HIGH, Quality};
use crate::publish::Track;

/// A layer is given up only when nobody has wanted it this long: elements
/// that are resized or scrolled make clients change their mind often.
const GIVE_UP_LAYER: Duration = Duration::from_secs(2);
/// A track that no subscriber's line can take is given up after this long.
const GIVE_UP_TRACK: Duration = Duration::from_secs(10);

impl Call {
    /// A track that stood still goes on: asks for one keyframe of every layer
    /// that somebody receives.
    pub fn request_keyframes(&mut self, env: &mut Env, publisher: PeerKey, track: TrackKey) {
        let Some(subscribers) = self
            .peers
            .get(&publisher)
            .and_then(|peer| peer.track(track))
            .map(|track| Arc::clone(&track.subscribers))
        else {
            return;
        };
        for subscriber in subscribers.iter() {
            let subscription =
                self.peers.get_mut(subscriber).and_then(|peer| peer.subscriptions.get_mut(&track));
            if let Some(subscription) = subscription {
                // The time without pictures was wished.
                subscription.last_frame = None;
            }
            self.share_line(env, *subscriber);
            self.request_keyframe_for(env, *subscriber, track);
        }
    }

    /// Asks the publisher for a keyframe of a layer, not too often.
    pub fn request_keyframe(&mut self, env: &mut Env, publisher: PeerKey, track: TrackKey, rid: Option<Rid>) {
        let Some(peer) = self.peers.get_mut(&publisher) else {
            return;
        };
        let Some(track) = peer.track_mut(track) else {
            return;
        };
        let Some(mid) = track.mid else {
            return;
        };
        if track.info.muted || !track.layers.may_ask_keyframe(rid, env.now) {
            return;
        }
        if let Some(transport) = peer.transport(Side::Publisher) {
            transport.request_keyframe(mid, rid);
        }
        self.touch(publisher, Side::Publisher);
    }

    /// Tells a publisher which layers are wanted ("dynacast"): more at once,
    /// less only after a while. `always`: also when nothing changed.
    pub fn tell_wanted_layers(
        &mut self,
        env: &mut Env,
        publisher: PeerKey,
        track_key: TrackKey,
        always: bool,
    ) {
        let Some(track) = self.peers.get(&publisher).and_then(|p| p.track(track_key)) else {
            return;
        };
        if !track.is_video() || !track.live {
            return;
        }
        let now = env.now;
        // A recording wants the best, whoever watches.
        let recorded = self.is_recorded(publisher).then_some(HIGH);
        let wanted = self.wanted_quality(now, track).max(recorded).map_or(-1, |q| q as i8);
        let Some(track) = self.peers.get_mut(&publisher).and_then(|p| p.track_mut(track_key)) else {
            return;
        };
        let lower = track.told.is_some_and(|told| wanted < told);
        if lower && !always {
            let since = *track.lower_since.get_or_insert(now);
            if now.saturating_duration_since(since) < GIVE_UP_LAYER {
                return;
            }
        }
        track.lower_since = None;
        if track.told == Some(wanted) && !always {
            return;
        }
        track.told = Some(wanted);
        let update = wanted_layers(&track.info, wanted);
        self.tell(env, publisher, Response::SubscribedQualityUpdate(update));
    }

    fn wanted_quality(&self, now: Instant, track: &Track) -> Option<Quality> {
        let over = |since: Instant| now.saturating_duration_since(since) >= GIVE_UP_TRACK;
        track
            .subscribers
            .iter()
            .filter_map(|key| self.peers.get(key)?.subscriptions.get(&track.key))
            .filter(|subscription| !subscription.paused)
            .filter_map(|subscription| match subscription.grant {
                // The line grants nothing for long: its publisher may rest.
                Grant::Paused if subscription.held_since.is_some_and(&over) => None,
                Grant::Paused => Some(0),
                Grant::Lowest => Some(subscription.want.min(HIGH)),
                Grant::Upto(most) => Some(subscription.want.min(most)),
            })
            .max()
    }

    /// Lowers layers whose time of grace is over.
    pub fn settle_layers(&mut self, env: &mut Env) {
        let waiting: Vec<_> = self
            .peers
            .values()
            .flat_map(|peer| peer.tracks.iter().map(|track| (peer.key, track)))
            .filter(|(_, track)| track.is_video() && track.live)
            .map(|(peer, track)| (peer, track.key))
            .collect();
        for (peer, track) in waiting {
            self.tell_wanted_layers(env, peer, track, false);
        }
    }
}

#[expect(deprecated, reason = "clients in the field read the old field")]
fn wanted_layers(info: &lk::TrackInfo, wanted: i8) -> lk::SubscribedQualityUpdate {
    let qualities: Vec<_> = (0..=i32::from(HIGH))
        .map(|quality| lk::SubscribedQuality { quality, enabled: quality <= i32::from(wanted) })
        .collect();
    let codec = info.mime_type.rsplit('/').next().unwrap_or_default();
    lk::SubscribedQualityUpdate {
        track_sid: info.sid.clone(),
        subscribed_qualities: qualities.clone(),
        subscribed_codecs: vec![lk::SubscribedCodec { codec: codec.to_ascii_lowercase(), qualities }],
    }
}
