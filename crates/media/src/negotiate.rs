//! Offers for the connection that a client receives on: one at a time, the
//! rest waits for the answer.

use std::collections::HashMap;

use livekit_protocol as lk;
use str0m::media::MediaKind;

use crate::call::Call;
use crate::env::Env;
use crate::event::LeftReason;
use crate::ids::{PeerKey, TrackKey};
use crate::limits;
use crate::sdp;
use crate::subscribe::Section;
use crate::transport::NewMedia;
use crate::wire;

impl Call {
    /// Offers what has changed since the last offer. `restart`: the client
    /// has a new signal connection, so an offer that was out is void, and ICE
    /// starts again on whatever network the client is in now.
    pub fn negotiate(&mut self, env: &mut Env, key: PeerKey, restart: bool) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if peer.client.single {
            if restart {
                // What was asked for went with the old connection.
                peer.asked = None;
            }
            return self.ask_for_offer(env, key);
        }
        if restart {
            for subscription in peer.subscriptions.values_mut() {
                if matches!(subscription.section, Section::Offered(_)) {
                    subscription.section = Section::Waiting;
                }
            }
        } else if peer.subscriber.offer_pending() || peer.session.is_none() {
            peer.wants_offer = true;
            return;
        }
        peer.wants_offer = false;
        let waiting: Vec<TrackKey> = peer
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.section == Section::Waiting)
            .map(|(track, _)| *track)
            .collect();
        let (tracks, media): (Vec<TrackKey>, Vec<NewMedia>) =
            waiting.into_iter().filter_map(|track| Some((track, self.new_media(key, track)?))).unzip();
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let stops = std::mem::take(&mut peer.stops);
        let offer = peer.subscriber.offer_media(env, media, &stops, restart);
        let Some((id, sdp, mids)) = offer else {
            return;
        };
        for (track, mid) in tracks.iter().zip(mids) {
            if let Some(subscription) = peer.subscriptions.get_mut(track) {
                subscription.section = Section::Offered(mid);
            }
        }
        let names = self.section_names(key);
        self.tell(env, key, wire::offer(id, sdp, names));
        self.touch_subscriber(key);
    }

    /// The section for a track. Clients find participant and track by its
    /// stream id, "participant sid, bar, track sid".
    fn new_media(&self, key: PeerKey, track: TrackKey) -> Option<NewMedia> {
        let kind = self.peers.get(&key)?.subscriptions.get(&track)?.kind;
        let (stream_id, track_id) = self.stream_name(key, track)?;
        Some(NewMedia { kind, stream_id, track_id })
    }

    /// Stream id and track sid of what a peer receives.
    pub fn stream_name(&self, key: PeerKey, track: TrackKey) -> Option<(String, String)> {
        let subscription = self.peers.get(&key)?.subscriptions.get(&track)?;
        let publisher = self.peers.get(&subscription.publisher)?;
        let sid = &publisher.track(track)?.info.sid;
        Some((format!("{}|{sid}", publisher.sid), sid.clone()))
    }

    fn section_names(&self, key: PeerKey) -> HashMap<String, String> {
        let Some(peer) = self.peers.get(&key) else {
            return HashMap::new();
        };
        peer.subscriptions
            .iter()
            .filter_map(|(track, subscription)| {
                let (Section::Offered(mid) | Section::Open(mid)) = subscription.section else {
                    return None;
                };
                let publisher = self.peers.get(&subscription.publisher)?;
                Some((mid.to_string(), publisher.track(*track)?.info.sid.clone()))
            })
            .collect()
    }

    /// The client's answer to an offer of this node.
    pub fn subscriber_answer(&mut self, env: &mut Env, key: PeerKey, answer: &lk::SessionDescription) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let taken = if sdp::within_limits(&answer.sdp) {
            peer.subscriber.accept_answer(env, answer.id, &answer.sdp).map_err(|error| error.to_string())
        } else {
            Err(format!("beyond {} bytes or too many sections", limits::SDP))
        };
        match taken {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::debug!(sid = %peer.sid, %error, "subscriber answer");
                env.counters.requests_refused += 1;
                return self.expel(
                    env,
                    key,
                    LeftReason::Misbehaved,
                    lk::DisconnectReason::StateMismatch,
                    lk::leave_request::Action::Reconnect,
                );
            }
        }
        peer.first_answer = true;
        let mut opened = Vec::new();
        for (track, subscription) in &mut peer.subscriptions {
            if let Section::Offered(mid) = subscription.section {
                subscription.section = Section::Open(mid);
                if subscription.kind == MediaKind::Video {
                    peer.subscriber.allow_repeats(mid);
                }
                opened.push(*track);
            }
        }
        let again = peer.wants_offer;
        self.touch_subscriber(key);
        self.share_line(env, key);
        for track in opened {
            self.request_keyframe_for(env, key, track);
        }
        if again {
            self.negotiate(env, key, false);
        }
    }
}
