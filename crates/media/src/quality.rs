//! How good each peer's connection is, from measured loss and round trip.

use std::time::Duration;

use livekit_protocol as lk;
use lk::ConnectionQuality;
use lk::signal_response::Message as Response;

use crate::call::Call;
use crate::env::Env;
use crate::ids::PeerKey;

/// Qualities are told this many ticks apart at most.
const EVERY_TICKS: u64 = 8;

/// Measurements of one peer's two connections, smoothed a little so that one
/// bad report does not frighten anybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Health {
    pub ice_alive: bool,
    loss_to: f32,
    loss_from: f32,
    rtt: Duration,
    told: Option<ConnectionQuality>,
}

impl Default for Health {
    fn default() -> Self {
        Self { ice_alive: true, loss_to: 0.0, loss_from: 0.0, rtt: Duration::ZERO, told: None }
    }
}

impl Health {
    fn received(&mut self, loss: Option<f32>, rtt: Option<Duration>) {
        if let Some(loss) = loss {
            self.loss_to = (self.loss_to + loss) / 2.0;
        }
        if let Some(rtt) = rtt {
            self.rtt = rtt;
        }
    }

    fn lost(&mut self, fraction: f32) {
        self.loss_from = (self.loss_from + fraction) / 2.0;
    }

    /// Thresholds: retransmission hides a few lost percent; beyond a tenth
    /// pictures freeze. A round trip over 0.4 s makes people talk over each
    /// other (ITU-T G.114 puts the limit for one way at 0.4 s, comfort at 0.15).
    fn quality(&self) -> (ConnectionQuality, f32) {
        let loss = self.loss_to.max(self.loss_from);
        if !self.ice_alive {
            (ConnectionQuality::Lost, 0.0)
        } else if loss < 0.03 && self.rtt < Duration::from_millis(300) {
            (ConnectionQuality::Excellent, 5.0 - loss * 10.0)
        } else if loss < 0.10 && self.rtt < Duration::from_millis(800) {
            (ConnectionQuality::Good, 4.0 - loss * 10.0)
        } else {
            (ConnectionQuality::Poor, (2.5 - loss * 5.0).max(1.0))
        }
    }
}

impl Call {
    pub fn on_received(&mut self, key: PeerKey, loss: Option<f32>, rtt: Option<Duration>) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.health.received(loss, rtt);
        }
    }

    pub fn on_lost(&mut self, key: PeerKey, fraction: f32) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.health.lost(fraction);
        }
    }

    /// Tells everybody how everybody is connected, when that has changed.
    pub fn announce_quality(&mut self, env: &mut Env) {
        if !self.ticks.is_multiple_of(EVERY_TICKS) {
            return;
        }
        let mut updates = Vec::new();
        for peer in self.peers.values_mut() {
            let (quality, score) = peer.health.quality();
            self.quality_news |= peer.health.told.replace(quality) != Some(quality);
            if !peer.grants.hidden {
                updates.push(lk::ConnectionQualityInfo {
                    participant_sid: peer.sid.clone(),
                    quality: quality as i32,
                    score,
                });
            }
        }
        if std::mem::take(&mut self.quality_news) {
            let update = Response::ConnectionQuality(lk::ConnectionQualityUpdate { updates });
            self.tell_all(env, None, update);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_delay_lower_the_quality() {
        let mut health = Health::default();
        assert_eq!(health.quality().0, ConnectionQuality::Excellent);
        health.lost(0.12);
        assert_eq!(health.quality().0, ConnectionQuality::Good);
        for _ in 0..4 {
            health.received(Some(0.3), Some(Duration::from_millis(50)));
        }
        assert_eq!(health.quality().0, ConnectionQuality::Poor);
        let slow = Health { rtt: Duration::from_secs(1), ..Health::default() };
        assert_eq!(slow.quality().0, ConnectionQuality::Poor);
        health.ice_alive = false;
        assert_eq!(health.quality().0, ConnectionQuality::Lost);
    }
}
