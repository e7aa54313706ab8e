//! When a packet was captured, by its sender's own clock: from sender reports
//! (RFC 3550 section 6.4.1), so that sound and picture of one peer, and the
//! layers of one picture, share one time line.
//!
//! A receiver that learns "RTP time T of the sound and RTP time U of the
//! picture are the same moment" plays them together. This node passes on what
//! the sender said about that, whichever layer is forwarded; the times of
//! arrival alone would put a large picture behind its sound.

use std::time::{Duration, Instant, SystemTime};

use str0m::rtp::RtpPacket;

/// A sender whose clock seems to have moved by more than this has set it.
const JUMP: Duration = Duration::from_secs(5);
/// How fast the way may become longer without that being a queue: sender and
/// node drift apart by less than one part in a thousand.
const DRIFT: f64 = 0.001;

/// One sender's clock in this node's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SenderClock {
    /// A moment of the sender's clock and the earliest that a packet captured
    /// then could be here.
    anchor: Option<(SystemTime, Instant)>,
}

impl SenderClock {
    /// When a packet was captured, in this node's time plus the way here; the
    /// time of its arrival as long as its sender has not reported.
    pub fn captured(&mut self, packet: &RtpPacket, rate: u32) -> Instant {
        let arrived = packet.timestamp;
        let Some(report) = packet.last_sender_info else {
            return arrived;
        };
        let since = packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32) as i32;
        let Some(sent) = moved(report.ntp_time, f64::from(since) / f64::from(rate)) else {
            return arrived;
        };
        self.place(sent, arrived)
    }

    fn place(&mut self, sent: SystemTime, arrived: Instant) -> Instant {
        let Some((anchor_sent, anchor_here)) = self.anchor else {
            self.anchor = Some((sent, arrived));
            return arrived;
        };
        let passed = seconds_between(anchor_sent, sent);
        let expected = later(anchor_here, passed);
        let late = arrived.saturating_duration_since(expected);
        let early = expected.saturating_duration_since(arrived);
        if late > JUMP || early > JUMP {
            self.anchor = Some((sent, arrived));
            return arrived;
        }
        if early > Duration::ZERO {
            // Nothing arrives before it was sent: the way is shorter than
            // was thought.
            self.anchor = Some((sent, arrived));
            return arrived;
        }
        if passed > 1.0 {
            // Follow a slow drift; a queue grows faster than that.
            let follow = late.min(Duration::from_secs_f64(passed * DRIFT));
            self.anchor = Some((sent, expected + follow));
            return expected + follow;
        }
        expected
    }
}

fn moved(time: SystemTime, seconds: f64) -> Option<SystemTime> {
    let by = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    if seconds < 0.0 { time.checked_sub(by) } else { time.checked_add(by) }
}

fn seconds_between(from: SystemTime, to: SystemTime) -> f64 {
    match to.duration_since(from) {
        Ok(later) => later.as_secs_f64(),
        Err(earlier) => -earlier.duration().as_secs_f64(),
    }
}

fn later(at: Instant, seconds: f64) -> Instant {
    let by = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
    if seconds < 0.0 { at.checked_sub(by).unwrap_or(at) } else { at + by }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_late_arrival_does_not_move_the_moment_of_capture() {
        let (mut clock, here, there) =
            (SenderClock::default(), crate::some_instant(), SystemTime::UNIX_EPOCH);
        let there = there + Duration::from_secs(1_000_000);
        assert_eq!(clock.place(there, here), here);
        let placed = clock.place(there + 100 * MS, here + 180 * MS);
        assert_eq!(placed, here + 100 * MS);
    }

    #[test]
    fn the_shortest_way_counts() {
        let (mut clock, here) = (SenderClock::default(), crate::some_instant());
        let there = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        clock.place(there, here + 50 * MS);
        assert_eq!(clock.place(there + 100 * MS, here + 110 * MS), here + 110 * MS);
        assert_eq!(clock.place(there + 200 * MS, here + 250 * MS), here + 210 * MS);
    }

    #[test]
    fn a_clock_that_is_set_anew_starts_anew() {
        let (mut clock, here) = (SenderClock::default(), crate::some_instant());
        let there = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        clock.place(there, here);
        let set = there + Duration::from_secs(3_600);
        assert_eq!(clock.place(set, here + 100 * MS), here + 100 * MS);
        assert_eq!(clock.place(set + 40 * MS, here + 190 * MS), here + 140 * MS);
    }
}
