//! What a call hands out to be recorded: the packets of those who agreed, one
//! layer of each track, and keyframes to begin at. Whoever has not answered
//! yet is left out until they do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use str0m::media::Rid;

use super::frames::starts_keyframe;
use super::{Packet, Recorded};
use crate::call::Call;
use crate::env::{Env, Output};
use crate::event::CallEventKind;
use crate::ids::{PeerKey, TrackKey};
use crate::layers::{Grant, HIGH, Live};
use crate::transport::Incoming;

/// From one keyframe to the next: as much is lost at most after a gap.
const KEYFRAMES: Duration = Duration::from_secs(4);

/// A recording that runs.
pub(crate) struct Tap {
    recording: Arc<str>,
    /// Those who agreed.
    agreed: HashMap<String, Arc<str>>,
    tracks: HashMap<TrackKey, Recorder>,
    /// Told already that their media cannot be read.
    encrypted: HashSet<PeerKey>,
    keyframes_at: Instant,
}

struct Recorder {
    sid: Arc<str>,
    layer: Option<Rid>,
    run: u32,
}

impl Call {
    /// Begins to record those who agreed, or says anew who they are.
    pub fn start_recording(&mut self, env: &mut Env, recording: &str, agreed: &[String]) {
        let agreed = agreed.iter().map(|identity| (identity.clone(), identity.as_str().into())).collect();
        match &mut self.tap {
            Some(tap) if *tap.recording == *recording => tap.agreed = agreed,
            _ => {
                self.stop_recording(env);
                let recording: Arc<str> = recording.into();
                env.out.push_back(Output::Recorded(Recorded::Began {
                    recording: Arc::clone(&recording),
                    at: env.now,
                }));
                self.tap = Some(Tap {
                    recording,
                    agreed,
                    tracks: HashMap::new(),
                    encrypted: HashSet::new(),
                    keyframes_at: env.now,
                });
                self.tell_recording(env);
            }
        }
        if let Some(tap) = &mut self.tap {
            tap.keyframes_at = env.now;
        }
        self.ask_recorded_keyframes(env);
    }

    /// Ends the recording, if there is one.
    pub fn stop_recording(&mut self, env: &mut Env) {
        if let Some(tap) = self.tap.take() {
            env.out.push_back(Output::Recorded(Recorded::Ended { recording: tap.recording, at: env.now }));
            self.tell_recording(env);
        }
    }

    /// LiveKit's clients show it as `room.isRecording`.
    fn tell_recording(&self, env: &mut Env) {
        let room = Some(self.room(env));
        self.tell_all(env, None, Response::RoomUpdate(lk::RoomUpdate { room }));
    }

    /// Hands a packet to the recorder, if it is one that is recorded.
    pub fn record(
        &mut self,
        env: &mut Env,
        publisher: PeerKey,
        track: TrackKey,
        incoming: &Incoming,
        captured: Instant,
        live: &Live,
    ) {
        let Some(tap) = &mut self.tap else { return };
        let Some(peer) = self.peers.get(&publisher) else { return };
        let Some(identity) = tap.agreed.get(&peer.identity) else { return };
        let Some(of) = peer.track(track) else { return };
        if of.info.encryption != lk::encryption::Type::None as i32 {
            if tap.encrypted.insert(publisher) {
                let identity = peer.identity.clone();
                env.emit(&self.name, CallEventKind::CannotRecord { identity });
            }
            return;
        }
        let best = live.choose(HIGH, Grant::Upto(HIGH)).unwrap_or(incoming.rid);
        let known = tap.tracks.get(&track);
        let begins = known.is_none_or(|known| known.layer != incoming.rid);
        if begins {
            // Padding has a number like everything else, and begins nothing.
            if incoming.rid != best || incoming.packet.payload.is_empty() {
                return;
            }
            if of.is_video() && !starts_keyframe(incoming.codec, &incoming.packet.payload) {
                let rid = incoming.rid;
                return self.request_keyframe(env, publisher, track, rid);
            }
            let run = known.map_or(0, |known| known.run + 1);
            let sid = of.info.sid.as_str().into();
            tap.tracks.insert(track, Recorder { sid, layer: incoming.rid, run });
        }
        let Some(recorder) = tap.tracks.get(&track) else { return };
        let packet = Packet {
            recording: Arc::clone(&tap.recording),
            identity: Arc::clone(identity),
            track: Arc::clone(&recorder.sid),
            codec: incoming.codec,
            screen: of.is_video() && !of.is_moving(),
            run: recorder.run,
            seq: *incoming.packet.seq_no,
            rtp_time: incoming.packet.header.timestamp,
            marker: incoming.packet.header.marker,
            captured,
            payload: Arc::clone(&incoming.packet.payload),
        };
        env.out.push_back(Output::Recorded(Recorded::Packet(packet)));
    }

    /// Asks for keyframes of what is recorded, every few seconds.
    pub fn tick_recording(&mut self, env: &mut Env) {
        let due = self.tap.as_ref().is_some_and(|tap| tap.keyframes_at <= env.now);
        if due {
            self.ask_recorded_keyframes(env);
        }
    }

    fn ask_recorded_keyframes(&mut self, env: &mut Env) {
        let Some(tap) = &mut self.tap else { return };
        tap.keyframes_at = env.now + KEYFRAMES;
        let (agreed, tracks) = (&tap.agreed, &tap.tracks);
        let wanted: Vec<_> = self
            .peers
            .values()
            .filter(|peer| agreed.contains_key(&peer.identity))
            .flat_map(|peer| peer.tracks.iter().map(|track| (peer.key, track)))
            .filter(|(_, track)| track.is_video() && track.live && !track.info.muted)
            .filter_map(|(peer, track)| {
                let best = || track.layers.live(env.now).choose(HIGH, Grant::Upto(HIGH));
                let rid = tracks.get(&track.key).map(|known| known.layer).or_else(best)?;
                Some((peer, track.key, rid))
            })
            .collect();
        for (peer, track, rid) in wanted {
            self.request_keyframe(env, peer, track, rid);
        }
    }

    /// Is this track recorded? Then it is worth sending, whoever watches.
    pub fn is_recorded(&self, peer: PeerKey) -> bool {
        let identity = self.peers.get(&peer).map(|peer| &peer.identity);
        self.tap.as_ref().zip(identity).is_some_and(|(tap, identity)| tap.agreed.contains_key(identity))
    }
}
