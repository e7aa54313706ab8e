//! Who speaks: from the audio levels that publishers put into their packets.

use livekit_protocol as lk;
use lk::signal_response::Message as Response;

use crate::call::Call;
use crate::env::Env;

/// Smoothed loudness from which a peer counts as speaking; about -40 dBov.
const SPEAKS: f32 = 0.01;

impl Call {
    /// Tells everybody who speaks now and who has just stopped.
    pub fn announce_speakers(&mut self, env: &mut Env) {
        let mut changed = Vec::new();
        for peer in self.peers.values_mut() {
            let level = peer
                .tracks
                .iter()
                .filter(|track| !track.is_video() && !track.info.muted)
                .map(|track| track.level)
                .fold(0.0, f32::max);
            let speaks = level > SPEAKS && !peer.grants.hidden;
            if speaks || peer.speaking {
                changed.push(lk::SpeakerInfo {
                    sid: peer.sid.clone(),
                    level: if speaks { level.min(1.0) } else { 0.0 },
                    active: speaks,
                });
            }
            peer.speaking = speaks;
            // A track whose packets stop has nobody to bring its level down.
            for track in &mut peer.tracks {
                track.level *= 0.8;
            }
        }
        if !changed.is_empty() {
            let speakers = Response::SpeakersChanged(lk::SpeakersChanged { speakers: changed });
            self.tell_all(env, None, speakers);
        }
    }
}
