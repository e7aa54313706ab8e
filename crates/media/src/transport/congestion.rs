//! What the line to this client can take: str0m's estimate from the client's
//! own reports (transport-wide congestion control), what it is asked to look
//! for, and what waits here because the line is slower than that.

use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::media::Mid;
use str0m::net::Protocol;
use str0m::stats::PeerStats;

use super::media::REPEATABLE;
use super::{Transport, TransportEvent};
use crate::meter::Meter;

/// What a line is thought to take before anything is known: sound, and a
/// picture in its lowest layer or a plain one of middle size. Probing finds
/// more within a second.
pub(super) const AT_FIRST: Bitrate = Bitrate::kbps(800);
/// How often the estimate of the moment is looked at. The one that comes by
/// itself is an average of three seconds: too late for sound.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Changes of what is looked for below this part do not matter.
const NOTABLE: u64 = 20;

/// What is known of a line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// (at least, at best), bits per second.
    sought: (u64, u64),
    sent: Meter,
}

impl Line {
    pub fn sent(&mut self, now: Instant, datagram: &[u8]) {
        // RTP and RTCP begin with version 2 (RFC 7983 section 7).
        if datagram.first().is_some_and(|first| (128..192).contains(first)) {
            self.sent.add(now, datagram.len());
        }
    }
}

/// What a client's estimate or report says of its line.
pub(super) fn estimate(kind: &BweKind) -> Option<TransportEvent> {
    match kind {
        BweKind::Twcc { estimate, can_probe } => {
            // Without the client's reports the number never moves again.
            Some(TransportEvent::Estimate { bps: can_probe.then(|| estimate.as_u64()) })
        }
        _ => None,
    }
}

pub(super) fn line(stats: &PeerStats) -> TransportEvent {
    let pair = stats.selected_candidate_pair.as_ref();
    TransportEvent::Line {
        bps: stats.bwe_tx.map(|rate| rate.as_u64()),
        rtt: stats.rtt,
        path: pair.map(|pair| (pair.protocol != Protocol::Udp, pair.remote.addr)),
    }
}

impl Transport {
    /// How long the first packet that is not sent yet has waited here.
    pub fn waits(&mut self, mid: Mid, now: Instant) -> Duration {
        self.rtc
            .direct_api()
            .stream_tx_by_mid(mid, None)
            .and_then(|stream| stream.queue_info()?.first_unsent())
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Gives up what was sent of a picture and might be asked for again: the
    /// line has no room for the past.
    pub fn forget_sent(&mut self, mid: Mid) {
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.set_rtx_cache(REPEATABLE.0, REPEATABLE.1, REPEATABLE.2);
        }
    }

    /// Looks whether the line takes `desired` bits per second; what media do
    /// not fill up to `minimum` is filled with padding, as far as the
    /// estimate goes.
    pub fn seek(&mut self, minimum: u64, desired: u64) {
        let notable = |new: u64, old: u64| new.abs_diff(old) > old / NOTABLE;
        if notable(minimum, self.line.sought.0) || notable(desired, self.line.sought.1) {
            self.line.sought = (minimum, desired);
            self.rtc.bwe().set_bitrate(Bitrate::bps(minimum), Bitrate::bps(desired));
        }
    }

    /// Begins anew with an estimate of this many bits per second.
    pub fn restart_estimate(&mut self, bps: u64) {
        self.rtc.bwe().reset(Bitrate::bps(bps));
    }

    /// Media sent to the client over the last half second, bits per second.
    pub fn sent_rate(&self) -> Option<u64> {
        self.line.sent.last()
    }
}
