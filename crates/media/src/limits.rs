//! How much one peer may ask of a call. Every number that bounds hostile or
//! broken clients is here; the wire limits follow LiveKit's where it has one.

use std::time::{Duration, Instant};

/// Largest signal message, bytes. An offer with many codecs is below 20 kB.
pub const SIGNAL_MESSAGE: usize = 256 * 1024;
/// Largest session description, bytes.
pub(crate) const SDP: usize = 128 * 1024;
/// Most media sections in one description; each costs state for ever.
pub(crate) const SDP_SECTIONS: usize = 64;
/// Largest packet on the reliable data channel, bytes.
pub(crate) const RELIABLE_PACKET: usize = 64 * 1024;
/// Largest packet on the lossy data channel. Clients are told to stay below
/// one network packet (about 1300 bytes), but larger ones are legal.
pub(crate) const LOSSY_PACKET: usize = 16 * 1024;
/// Most published tracks per peer.
pub(crate) const TRACKS: usize = 12;
/// Metadata and the sum of all attributes, bytes each.
pub(crate) const METADATA: usize = 64_000;
/// Display name, bytes.
pub(crate) const NAME: usize = 512;
/// Client-made ids and names of tracks, bytes.
pub(crate) const TRACK_TEXT: usize = 256;
/// Most layers a client may announce for a track.
pub(crate) const LAYERS: usize = 4;
/// Remote candidates taken per peer connection; ICE-lite finds the real
/// address from the checks anyway.
pub(crate) const CANDIDATES: u32 = 64;
/// Reliable data that waits for one slow receiver, bytes. Beyond it the
/// receiver must join anew, since dropping would break "reliable".
pub(crate) const BACKLOG: usize = 8 * 1024 * 1024;
/// Lossy data are dropped while more than this waits, bytes.
pub(crate) const LOSSY_BACKLOG: usize = 64 * 1024;

/// Signal messages per second, and the burst a join with many tracks needs.
pub(crate) const SIGNAL_RATE: (f64, f64) = (50.0, 300.0);
/// Bytes of data packets per second, and the burst.
pub(crate) const DATA_RATE: (f64, f64) = (2_000_000.0, 8_000_000.0);
/// What a message that cannot be decoded costs of the signal bucket.
pub(crate) const BAD_MESSAGE_COST: f64 = 20.0;

/// A signal connection that was heard to ping must not be silent longer.
pub(crate) const SIGNAL_SILENCE: Duration = Duration::from_secs(20);
/// A peer must have its primary connection up within this time.
pub(crate) const CONNECT: Duration = Duration::from_secs(45);
/// A peer whose media path is dead this long is told to join anew.
pub(crate) const ICE_SILENCE: Duration = Duration::from_secs(20);

/// A peer that has closed its media connection says goodbye, or joins anew,
/// within this time; else it counts as gone.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// A token bucket over a clock that is passed in.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket that regains `rate` per second up to `burst`.
    pub fn new(now: Instant, (rate, burst): (f64, f64)) -> Self {
        Self { rate, burst, level: burst, at: now }
    }

    /// Takes `cost`; false when there is not enough left.
    pub fn take(&mut self, now: Instant, cost: f64) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.level = (self.level + gained).min(self.burst);
        self.at = self.at.max(now);
        if self.level < cost {
            return false;
        }
        self.level -= cost;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let start = crate::some_instant();
        let mut bucket = Bucket::new(start, (10.0, 20.0));
        assert!((0..20).all(|_| bucket.take(start, 1.0)));
        assert!(!bucket.take(start, 1.0));
        let later = start + Duration::from_millis(150);
        assert!(bucket.take(later, 1.0));
        assert!(!bucket.take(later, 1.0));
        let much_later = start + Duration::from_secs(60);
        assert!(bucket.take(much_later, 20.0));
        assert!(!bucket.take(much_later, 1.0));
    }
}
