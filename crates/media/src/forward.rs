//! An RTP packet of a publisher goes to the subscribers of its track, each in
//! the layer it gets and with numbers of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::MediaKind;

use crate::bandwidth::too_long;
use crate::call::Call;
use crate::codec::{clock_rate, starts_keyframe};
use crate::env::Env;
use crate::ids::{PeerKey, TrackKey};
use crate::layers::Live;
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
    /// When its sender made it, in this node's time.
    captured: Instant,
    keyframe: bool,
    ids: Vp8Ids,
    /// Of a picture that is to change all the time, not of a still screen.
    moving: bool,
}

impl<'a> Packet<'a> {
    fn of(from: &'a Incoming, captured: Instant, moving: bool) -> Self {
        let keyframe = starts_keyframe(from.codec, &from.packet.payload);
        Self { from, captured, keyframe, ids: vp8_ids(from), moving }
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
    /// Its packets pile up.
    HeldUp,
}

impl Call {
    pub fn forward(&mut self, env: &mut Env, publisher: PeerKey, incoming: Incoming) {
        env.counters.rtp_in += 1;
        let Some(peer) = self.peers.get_mut(&publisher) else { return };
        let Some(track) = peer.tracks.iter_mut().find(|t| t.mid == Some(incoming.mid)) else {
            // Sent on a section that no `add_track` was granted for.
            return;
        };
        let payload = &incoming.packet.payload;
        if track.is_video() != incoming.codec.is_video() {
            return;
        }
        if track.silenced {
            return;
        }
        if !payload.is_empty() {
            track.layers.heard(incoming.rid, env.now, payload.len());
            hear(track, &incoming);
        }
        let (key, subscribers) = (track.key, Arc::clone(&track.subscribers));
        let (live, moving) = (track.layers.live(env.now), track.is_moving());
        let captured = peer.clock.captured(&incoming.packet, clock_rate(incoming.codec));
        self.record(env, publisher, key, &incoming, captured, &live);
        let packet = Packet::of(&incoming, captured, moving);
        let (mut needs_keyframe, mut began, mut held_up) = (false, Vec::new(), Vec::new());
        for subscriber in subscribers.iter() {
            let Some(peer) = self.peers.get_mut(subscriber) else {
                continue;
            };
            match forward_to(env, peer, key, &packet, &live) {
                Verdict::Sent => self.touch_subscriber(*subscriber),
                Verdict::Began => {
                    self.touch_subscriber(*subscriber);
                    began.push(*subscriber);
                }
                Verdict::NeedsKeyframe => needs_keyframe = true,
                Verdict::HeldUp => held_up.push(*subscriber),
                Verdict::NotForIt => {}
            }
        }
        for subscriber in held_up {
            self.held_up(env, subscriber, key);
        }
        if !began.is_empty() {
            self.bring_overtakers(env, publisher, key, &began, &incoming, &live);
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
        live: &Live,
    ) {
        let Some(peer) = self.peers.get_mut(&publisher) else { return };
        let mut clock = peer.clock;
        let Some(of_track) = peer.tracks.iter_mut().find(|t| t.key == track) else { return };
        let kept = std::mem::take(&mut of_track.early);
        let (overtakers, rest): (VecDeque<_>, VecDeque<_>) = kept.into_iter().partition(|early| {
            let ahead = early.packet.seq_no.checked_sub(*first.packet.seq_no);
            early.rid == first.rid && ahead.is_some_and(|ahead| (1..=FURTHEST_AHEAD).contains(&ahead))
        });
        // Somebody else may still wait for another layer.
        of_track.early = rest;
        for early in &overtakers {
            let captured = clock.captured(&early.packet, clock_rate(early.codec));
            let packet = Packet::of(early, captured, false);
            for subscriber in began {
                if let Some(peer) = self.peers.get_mut(subscriber) {
                    forward_to(env, peer, track, &packet, live);
                }
            }
        }
    }
}

/// Loudness from the audio level extension (RFC 6464), smoothed.
fn hear(track: &mut Track, incoming: &Incoming) {
    if let Some(decibels) = incoming.packet.header.ext_vals.audio_level {
        let loudness = 10f32.powf(f32::from(decibels) / 20.0);
        track.level = track.level * 0.9 + loudness.clamp(0.0, 1.0) * 0.1;
    }
}

fn forward_to(env: &mut Env, peer: &mut Peer, track: TrackKey, packet: &Packet<'_>, live: &Live) -> Verdict {
    let Some(subscription) = peer.subscriptions.get_mut(&track) else {
        return Verdict::NotForIt;
    };
    let Some(mid) = subscription.open_mid().filter(|_| !subscription.paused) else {
        return Verdict::NotForIt;
    };
    let from = packet.from;
    let video = subscription.kind == MediaKind::Video;
    let mut began = false;
    if subscription.layer != Some(from.rid) {
        if live.choose(subscription.want, subscription.grant) != Some(from.rid)
            || from.packet.payload.is_empty()
        {
            return Verdict::NotForIt;
        }
        if video && !packet.keyframe {
            return Verdict::NeedsKeyframe;
        }
        begin_layer(env, subscription, packet);
        began = true;
    }
    let new_frame = video && (began || subscription.rewriter.begins_frame(from.packet.header.timestamp));
    if new_frame {
        let flowing = subscription.flowing_since.map_or(Duration::ZERO, |at| env.now - at);
        if too_long(peer.subscriber.waits(mid, env.now), flowing) {
            return Verdict::HeldUp;
        }
        let last = subscription.last_frame.replace(env.now);
        if let Some(last) = last.filter(|_| packet.moving) {
            peer.tally.stood_still(env.now.saturating_duration_since(last));
        }
    }
    let known = subscription.payload.filter(|(codec, _)| *codec == from.codec);
    let payload = known.map(|(_, pt)| pt).or_else(|| {
        let pt = peer.subscriber.payload_type(mid, from.codec)?;
        subscription.payload = Some((from.codec, pt));
        Some(pt)
    });
    let numbers = subscription.rewriter.map(
        *from.packet.seq_no,
        from.packet.header.timestamp,
        packet.ids,
        packet.captured,
    );
    let (Some(payload), Some(numbers)) = (payload, numbers) else {
        return Verdict::NotForIt;
    };
    peer.subscriber.forward(mid, payload, &numbers, packet.captured, from);
    let (now, joined) = (env.now, peer.joined_at);
    peer.tally.sent(|| now.saturating_duration_since(joined), began && video);
    env.counters.rtp_forwarded += 1;
    if began { Verdict::Began } else { Verdict::Sent }
}

fn begin_layer(env: &Env, subscription: &mut Subscription, packet: &Packet<'_>) {
    let from = packet.from;
    subscription.layer = Some(from.rid);
    subscription.flowing_since = Some(env.now);
    subscription.rewriter.begin(
        *from.packet.seq_no,
        from.packet.header.timestamp,
        packet.ids,
        packet.captured,
        clock_rate(from.codec),
    );
}
