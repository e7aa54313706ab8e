//! Packets in the order of their numbers: what is repeated after a loss comes
//! late, and is waited for a little.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Packet;

/// How long a missing packet is waited for: a few round trips of a repeat.
const PATIENCE: Duration = Duration::from_millis(500);
/// Packets that wait behind a missing one; more than one large keyframe.
const MOST: usize = 1_024;

/// What comes out.
#[derive(Debug)]
pub(super) enum Ordered {
    Packet(Packet),
    /// Packets before the next one will not come any more.
    Lost,
}

/// The packets of one track that wait for those before them.
#[derive(Default)]
pub(super) struct Reorder {
    next: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
    /// Since when the first one waits.
    since: Option<Instant>,
}

impl Reorder {
    /// Takes a packet that came in at `now`.
    pub fn push(&mut self, now: Instant, packet: Packet) {
        // Too late, or a repeat of what was here.
        if self.next.is_some_and(|next| packet.seq < next) {
            return;
        }
        self.since.get_or_insert(now);
        self.waiting.insert(packet.seq, packet);
    }

    /// The next packet that nothing is missing before, or that nothing is
    /// waited for any more.
    pub fn pop(&mut self, now: Instant) -> Option<Ordered> {
        let (seq, _) = self.waiting.first_key_value()?;
        let seq = *seq;
        match self.next {
            Some(next) if seq != next => {
                let waited = self.since.is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE);
                if !waited && self.waiting.len() < MOST {
                    return None;
                }
                self.next = Some(seq);
                Some(Ordered::Lost)
            }
            _ => {
                let (_, packet) = self.waiting.pop_first()?;
                self.next = Some(seq + 1);
                self.since = (!self.waiting.is_empty()).then_some(now);
                Some(Ordered::Packet(packet))
            }
        }
    }

    /// Everything that waits, in order, with what is missing between.
    pub fn drain(&mut self) -> Vec<Ordered> {
        let mut out = Vec::new();
        for (seq, packet) in std::mem::take(&mut self.waiting) {
            if self.next.is_some_and(|next| next != seq) {
                out.push(Ordered::Lost);
            }
            self.next = Some(seq + 1);
            out.push(Ordered::Packet(packet));
        }
        *self = Self::default();
        out
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use str0m::format::Codec;

    use super::*;

    fn packet(seq: u64, at: Instant) -> Packet {
        Packet {
            recording: "r".into(),
            identity: "ann".into(),
            track: "TR".into(),
            codec: Codec::Opus,
            screen: false,
            run: 0,
            seq,
            rtp_time: 0,
            marker: false,
            captured: at,
            payload: Arc::from([0u8]),
        }
    }

    fn all(reorder: &mut Reorder, now: Instant) -> Vec<Option<u64>> {
        std::iter::from_fn(|| reorder.pop(now))
            .map(|one| match one {
                Ordered::Packet(packet) => Some(packet.seq),
                Ordered::Lost => None,
            })
            .collect()
    }

    #[test]
    fn a_late_one_takes_its_place_and_a_lost_one_is_told_once() {
        let start = crate::some_instant();
        let ms = Duration::from_millis(1);
        let mut reorder = Reorder::default();
        for seq in [10, 12, 13] {
            reorder.push(start, packet(seq, start));
        }
        assert_eq!(all(&mut reorder, start), [Some(10)]);
        reorder.push(start + 90 * ms, packet(11, start));
        assert_eq!(all(&mut reorder, start + 90 * ms), [Some(11), Some(12), Some(13)]);
        reorder.push(start + 100 * ms, packet(12, start));
        reorder.push(start + 100 * ms, packet(15, start));
        assert_eq!(all(&mut reorder, start + 200 * ms), []);
        assert_eq!(all(&mut reorder, start + 700 * ms), [None, Some(15)]);
        reorder.push(start + 701 * ms, packet(14, start));
        assert_eq!(all(&mut reorder, start + 2_000 * ms), [], "too late");
        reorder.push(start, packet(16, start));
        reorder.push(start, packet(18, start));
        assert_eq!(reorder.drain().len(), 3);
    }
}
