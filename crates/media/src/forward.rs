//! An RTP packet of a publisher goes to the subscribers of its track, each in
//! the layer it gets and with numbers of its own.

use std::{collections::VecDeque, sync::Arc};

use str0m::media::{MediaKind, Rid};

use crate::call::Call;
use crate::codec::{clock_rate, starts_keyframe};
use crate::env::Env;
use crate::ids::{PeerKey, TrackKey};
use crate::peer::Peer;
use crate::publish::Track;
use crate::rewrite::Vp8Ids;
use crate::subscribe::Subscription;
use crate::transport::{Incoming, vp8_ids};

/// Packets of a track kept while somebody waits for a keyframe: about two
/// large frames.
const EARLY_PACKETS: usize = 128;
/// How far a packet can have overtaken a keyframe's first one; beyond it the
/// number belongs to an older stream.
const FURTHEST_AHEAD: u64 = 512;

/// What is read of a packet once and used for every subscriber.
struct Packet<'a> {
    from: &'a Incoming,
    keyframe: bool,
    ids: Vp8Ids,
}

impl<'a> Packet<'a> {
    fn of(from: &'a Incoming) -> Self {
        Self { from, keyframe: starts_keyframe(from.codec, &from.packet.payload), ids: vp8_ids(from) }
    }
}

/// What to do about one subscriber.
enum Verdict {
    Sent,
    /// It was the first packet of this layer for it.
    Began,
    /// It waits for a keyframe of this packet's layer.
    NeedsKeyframe,
    NotForIt,
}

impl Call {
    pub fn forward(&mut self, env: &mut Env, publisher: PeerKey, incoming: Incoming) {
        env.counters.rtp_in += 1;
        let Some(track) = self
            .peers
            .get_mut(&publisher)
            .and_then(|peer| peer.tracks.iter_mut().find(|t| t.mid == Some(incoming.mid)))
        else {
            // Sent on a section that no `add_track` was granted for.
            return;
        };
        let payload = &incoming.packet.payload;
        if track.is_video() != incoming.codec.is_video() {
            return;
        }
        if !payload.is_empty() {
            track.layers.heard(incoming.rid, env.now);
            hear(track, &incoming);
        }
        let (key, subscribers) = (track.key, Arc::clone(&track.subscribers));
        let packet = Packet::of(&incoming);
        let mut needs_keyframe = false;
        let mut began = Vec::new();
        for subscriber in subscribers.iter() {
            // The layers are read again for each: borrowing them across would
            // hold the publisher while the subscriber is changed.
            let target = self.target(env, publisher, key, *subscriber);
            let Some(peer) = self.peers.get_mut(subscriber) else {
                continue;
            };
            match forward_to(env, peer, key, &packet, target) {
                Verdict::Sent => self.touch_subscriber(*subscriber),
                Verdict::Began => {
                    self.touch_subscriber(*subscriber);
                    began.push(*subscriber);
                }
                Verdict::NeedsKeyframe => needs_keyframe = true,
                Verdict::NotForIt => {}
            }
        }
        if !began.is_empty() {
            self.bring_overtakers(env, publisher, key, &began, &incoming);
        }
        if needs_keyframe {
            self.request_keyframe(env, publisher, key, incoming.rid);
            self.keep_early(publisher, key, incoming);
        }
    }

    /// Keeps a packet that somebody could not use yet: it may belong to a
    /// keyframe whose first packet it overtook.
    fn keep_early(&mut self, publisher: PeerKey, track: TrackKey, incoming: Incoming) {
        let Some(peer) = self.peers.get_mut(&publisher) else { return };
        if let Some(track) = peer.tracks.iter_mut().find(|t| t.key == track) {
            if track.early.len() >= EARLY_PACKETS {
                track.early.pop_front();
            }
            track.early.push_back(incoming);
        }
    }

    /// Sends those who just began with a keyframe the packets that come after
    /// its first one but arrived before it.
    fn bring_overtakers(
        &mut self,
        env: &mut Env,
        publisher: PeerKey,
        track: TrackKey,
        began: &[PeerKey],
        first: &Incoming,
    ) {
        let Some(peer) = self.peers.get_mut(&publisher) else { return };
        let Some(of_track) = peer.tracks.iter_mut().find(|t| t.key == track) else { return };
        let kept = std::mem::take(&mut of_track.early);
        let (overtakers, rest): (VecDeque<_>, VecDeque<_>) = kept.into_iter().partition(|early| {
            let ahead = early.packet.seq_no.checked_sub(*first.packet.seq_no);
            early.rid == first.rid && ahead.is_some_and(|ahead| (1..=FURTHEST_AHEAD).contains(&ahead))
        });
        // Somebody else may still wait for another layer.
        of_track.early = rest;
        for early in &overtakers {
            let packet = Packet::of(early);
            for subscriber in began {
                if let Some(peer) = self.peers.get_mut(subscriber) {
                    forward_to(env, peer, track, &packet, Some(first.rid));
                }
            }
        }
    }

    fn target(
        &self,
        env: &Env,
        publisher: PeerKey,
        track: TrackKey,
        subscriber: PeerKey,
    ) -> Option<Option<Rid>> {
        let want = self.peers.get(&subscriber)?.subscriptions.get(&track)?.want;
        let track = self.peers.get(&publisher)?.track(track)?;
        track.layers.choose(want, env.now)
    }
}

/// Loudness from the audio level extension (RFC 6464), smoothed.
fn hear(track: &mut Track, incoming: &Incoming) {
    if let Some(decibels) = incoming.packet.header.ext_vals.audio_level {
        let loudness = 10f32.powf(f32::from(decibels) / 20.0);
        track.level = track.level * 0.9 + loudness.clamp(0.0, 1.0) * 0.1;
    }
}

fn forward_to(
    env: &mut Env,
    peer: &mut Peer,
    track: TrackKey,
    packet: &Packet<'_>,
    target: Option<Option<Rid>>,
) -> Verdict {
    let Some(subscription) = peer.subscriptions.get_mut(&track) else {
        return Verdict::NotForIt;
    };
    let Some(mid) = subscription.open_mid().filter(|_| !subscription.paused) else {
        return Verdict::NotForIt;
    };
    let from = packet.from;
    let mut began = false;
    if subscription.layer != Some(from.rid) {
        if target != Some(from.rid) || from.packet.payload.is_empty() {
            return Verdict::NotForIt;
        }
        if subscription.kind == MediaKind::Video && !packet.keyframe {
            return Verdict::NeedsKeyframe;
        }
        begin_layer(env, subscription, packet);
        began = true;
    }
    let known = subscription.payload.filter(|(codec, _)| *codec == from.codec);
    let payload = known.map(|(_, pt)| pt).or_else(|| {
        let pt = peer.subscriber.payload_type(mid, from.codec)?;
        subscription.payload = Some((from.codec, pt));
        Some(pt)
    });
    let numbers =
        subscription.rewriter.map(*from.packet.seq_no, from.packet.header.timestamp, packet.ids, env.now);
    let (Some(payload), Some(numbers)) = (payload, numbers) else {
        return Verdict::NotForIt;
    };
    peer.subscriber.forward(mid, payload, &numbers, from);
    env.counters.rtp_forwarded += 1;
    if began { Verdict::Began } else { Verdict::Sent }
}

fn begin_layer(env: &Env, subscription: &mut Subscription, packet: &Packet<'_>) {
    let from = packet.from;
    subscription.layer = Some(from.rid);
    subscription.rewriter.begin(
        *from.packet.seq_no,
        from.packet.header.timestamp,
        packet.ids,
        env.now,
        clock_rate(from.codec),
    );
}
