//! How good each peer's connection is, from measured loss and round trip.

use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::ConnectionQuality;
use lk::signal_response::Message as Response;
use str0m::media::{Mid, Rid};

use crate::call::Call;
use crate::env::Env;
use crate::ids::PeerKey;

/// Qualities are told this many ticks apart at most.
const EVERY_TICKS: u64 = 8;
/// A round trip measured longer ago says nothing of the line now.
const FRESH: Duration = Duration::from_millis(5_500);
/// How long a line has to lose packets without a queue to be believed.
const PROVEN: Duration = Duration::from_millis(1_500);
/// A round trip this much above the shortest has a queue in it, and for how
/// long that counts: only some reports bring a round trip with them.
const QUEUE: Duration = Duration::from_millis(150);
const BELIEVE_QUEUE: Duration = Duration::from_secs(2);

/// Measurements of one peer's two connections, smoothed a little so that one
/// bad report does not frighten anybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Health {
    pub ice_alive: bool,
    loss_to: f32,
    loss_from: f32,
    rtt: Duration,
    /// The shortest round trip ever, which has no queue in it.
    shortest: Option<Duration>,
    rtt_at: Option<Instant>,
    lossy_since: Option<Instant>,
    /// When a round trip last had a queue in it.
    queued_at: Option<Instant>,
    told: Option<ConnectionQuality>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            ice_alive: true,
            loss_to: 0.0,
            loss_from: 0.0,
            rtt: Duration::ZERO,
            shortest: None,
            rtt_at: None,
            lossy_since: None,
            queued_at: None,
            told: None,
        }
    }
}

impl Health {
    fn received(&mut self, now: Instant, loss: Option<f32>, rtt: Option<Duration>) {
        if let Some(loss) = loss {
            self.loss_to = (self.loss_to + loss) / 2.0;
        }
        if let Some(rtt) = rtt {
            self.rtt = rtt;
            self.rtt_at = Some(now);
            self.shortest = Some(self.shortest.map_or(rtt, |shortest| shortest.min(rtt)));
        }
        let queue = self.shortest.map_or(Duration::MAX, |shortest| self.rtt.saturating_sub(shortest));
        if rtt.is_some() && self.shortest.is_some() && queue >= QUEUE {
            self.queued_at = Some(now);
        }
        let bearable = (0.04..0.4).contains(&self.loss_to) && loss.is_none_or(|loss| loss < 0.4);
        let lossy = bearable && queue < Duration::from_millis(40);
        self.lossy_since = if lossy { self.lossy_since.or(Some(now)) } else { None };
    }

    /// Packets to it are lost, but none waits on the way: a bad radio link,
    /// not a narrow one. Sending less would not help.
    pub fn loses_without_queue(&self, now: Instant) -> bool {
        let age = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let fresh = age(self.rtt_at).is_some_and(|age| age < FRESH);
        fresh && age(self.lossy_since).is_some_and(|age| age > PROVEN)
    }

    /// Sound breaks: most of it is lost, or a good part behind a full queue,
    /// which only sending less makes shorter. The estimate may not see it: the
    /// wait in a queue that is always full does not grow.
    fn breaks(&self, now: Instant, loss: f32) -> bool {
        let queued = self.queued_at.is_some_and(|at| now.saturating_duration_since(at) < BELIEVE_QUEUE);
        loss >= 0.6 || self.loss_to >= 0.45 || (queued && self.loss_to >= 0.12)
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
    /// What a client reports of a stream it receives.
    pub fn on_received(
        &mut self,
        env: &Env,
        key: PeerKey,
        mid: Mid,
        loss: Option<f32>,
        rtt: Option<Duration>,
        totals: Option<(u64, u64)>,
    ) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.health.received(env.now, loss, rtt);
            if let Some(loss) = loss.filter(|loss| peer.health.breaks(env.now, *loss)) {
                peer.thin(env.now, loss);
            }
            if let Some((sent, lost)) = totals {
                peer.tally.reported(mid, sent, lost);
            }
        }
    }

    /// What came of a client's stream since the last time.
    pub fn on_came(&mut self, key: PeerKey, stream: (Mid, Option<Rid>), packets: u64, missing: Option<f32>) {
        if let Some(peer) = self.peers.get_mut(&key) {
            if let Some(fraction) = missing {
                peer.health.lost(fraction);
            }
            peer.tally.came(stream, packets, missing);
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
        let now = crate::some_instant();
        let mut health = Health::default();
        assert_eq!(health.quality().0, ConnectionQuality::Excellent);
        health.lost(0.12);
        assert_eq!(health.quality().0, ConnectionQuality::Good);
        for _ in 0..4 {
            health.received(now, Some(0.3), Some(Duration::from_millis(50)));
        }
        assert_eq!(health.quality().0, ConnectionQuality::Poor);
        let slow = Health { rtt: Duration::from_secs(1), ..Health::default() };
        assert_eq!(slow.quality().0, ConnectionQuality::Poor);
        health.ice_alive = false;
        assert_eq!(health.quality().0, ConnectionQuality::Lost);
    }
}
