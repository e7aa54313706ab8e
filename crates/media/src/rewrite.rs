//! Makes one unbroken stream for one subscriber out of layers that come and
//! go: sequence numbers, timestamps and VP8 picture ids.
//!
//! A stream towards a subscriber starts below 65 536, since SRTP begins with
//! rollover counter 0 (RFC 3711 section 3.3.1), and goes on from its own last
//! number when the source layer changes.

use std::time::Instant;

/// Where the present source layer lies in the outgoing stream.
#[derive(Clone, Copy, Debug)]
struct Source {
    first_in: u64,
    first_out: u64,
    time_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
}

/// Numbers of the last packet that went out.
#[derive(Clone, Copy, Debug)]
struct Last {
    seq: u64,
    time: u32,
    at: Instant,
    picture: u16,
    tl0: u8,
}

/// The VP8 numbers of a packet that must be continuous for a decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vp8Ids {
    pub picture: Option<u16>,
    pub tl0: Option<u8>,
}

/// The numbers a packet goes out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub seq: u64,
    pub time: u32,
    pub vp8: Vp8Ids,
}

#[derive(Debug)]
pub(crate) struct Rewriter {
    source: Option<Source>,
    last: Option<Last>,
    start_seq: u64,
    start_time: u32,
}

impl Rewriter {
    /// `start_seq` (below 65 536, with room for some reordering) and
    /// `start_time` are random, as RFC 3550 section 5.1 wants.
    pub fn new(start_seq: u16, start_time: u32) -> Self {
        Self { source: None, last: None, start_seq: u64::from(start_seq % 20_000) + 1, start_time }
    }

    /// Begins to take packets from a layer whose first packet has these
    /// numbers and was captured `at`. `clock_rate` is in ticks per second.
    pub fn begin(&mut self, seq: u64, time: u32, vp8: Vp8Ids, at: Instant, clock_rate: u32) {
        let source = match &self.last {
            None => Source {
                first_in: seq,
                first_out: self.start_seq,
                time_offset: self.start_time.wrapping_sub(time),
                picture_offset: 0,
                tl0_offset: 0,
            },
            Some(last) => {
                // Layers have random clocks of their own: go on by the time
                // that has passed for the sender, and at least one tick.
                let passed = at.saturating_duration_since(last.at).as_secs_f64();
                let ticks = (passed * f64::from(clock_rate)).max(1.0) as u32;
                Source {
                    first_in: seq,
                    first_out: last.seq + 1,
                    time_offset: last.time.wrapping_add(ticks).wrapping_sub(time),
                    picture_offset: last
                        .picture
                        .wrapping_add(1)
                        .wrapping_sub(vp8.picture.unwrap_or_default()),
                    tl0_offset: last.tl0.wrapping_add(1).wrapping_sub(vp8.tl0.unwrap_or_default()),
                }
            }
        };
        self.source = Some(source);
    }

    /// Whether a packet of the present layer with this time is of another
    /// frame than the last one.
    pub fn begins_frame(&self, time: u32) -> bool {
        match (&self.source, &self.last) {
            (Some(source), Some(last)) => time.wrapping_add(source.time_offset) != last.time,
            _ => true,
        }
    }

    /// The outgoing numbers of a packet of the present layer; `None` for one
    /// from before the layer was taken up.
    pub fn map(&mut self, seq: u64, time: u32, vp8: Vp8Ids, at: Instant) -> Option<Numbers> {
        let source = self.source.as_ref()?;
        let ahead = seq.checked_sub(source.first_in)?;
        let out = Numbers {
            seq: source.first_out + ahead,
            time: time.wrapping_add(source.time_offset),
            vp8: Vp8Ids {
                picture: vp8.picture.map(|id| id.wrapping_add(source.picture_offset) & 0x7fff),
                tl0: vp8.tl0.map(|id| id.wrapping_add(source.tl0_offset)),
            },
        };
        if self.last.as_ref().is_none_or(|last| out.seq > last.seq) {
            let before = self.last.as_ref();
            self.last = Some(Last {
                seq: out.seq,
                time: out.time,
                at,
                picture: out.vp8.picture.or(before.map(|l| l.picture)).unwrap_or(0),
                tl0: out.vp8.tl0.or(before.map(|l| l.tl0)).unwrap_or(0),
            });
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ids(picture: u16, tl0: u8) -> Vp8Ids {
        Vp8Ids { picture: Some(picture), tl0: Some(tl0) }
    }

    #[test]
    fn the_first_layer_starts_low_and_keeps_its_gaps() {
        let now = crate::some_instant();
        let mut rewriter = Rewriter::new(u16::MAX, 77);
        rewriter.begin(1_000_000, 500, ids(9, 1), now, 90_000);
        let first = rewriter.map(1_000_000, 500, ids(9, 1), now).unwrap();
        assert!(first.seq < 65_536);
        assert_eq!((first.time, first.vp8), (77, ids(9, 1)));
        let third = rewriter.map(1_000_002, 3_500, ids(9, 1), now).unwrap();
        assert_eq!(third.seq, first.seq + 2);
        let second = rewriter.map(1_000_001, 500, ids(9, 1), now).unwrap();
        assert_eq!(second.seq, first.seq + 1);
        assert_eq!(rewriter.map(999_999, 400, ids(8, 1), now), None);
    }

    #[test]
    fn a_layer_switch_is_seamless() {
        let now = crate::some_instant();
        let mut rewriter = Rewriter::new(5, 0);
        rewriter.begin(100, 1_000, ids(0x7fff, 255), now, 90_000);
        let before = rewriter.map(103, 4_000, ids(0x7fff, 255), now).unwrap();

        let later = now + Duration::from_millis(100);
        rewriter.begin(60_000, 9, ids(3, 7), later, 90_000);
        let after = rewriter.map(60_000, 9, ids(3, 7), later).unwrap();
        assert_eq!(after.seq, before.seq + 1);
        assert_eq!(after.time, before.time + 9_000);
        assert_eq!(after.vp8, ids(0, 0));
        let next = rewriter.map(60_001, 3_009, ids(4, 8), later).unwrap();
        assert_eq!(next.vp8, ids(1, 1));
        assert_eq!(rewriter.map(59_999, 0, ids(2, 7), later), None);
    }

    #[test]
    fn a_late_packet_does_not_move_the_stream_back() {
        let now = crate::some_instant();
        let mut rewriter = Rewriter::new(5, 0);
        rewriter.begin(10, 0, ids(1, 1), now, 90_000);
        rewriter.map(20, 100, ids(5, 2), now).unwrap();
        rewriter.map(15, 50, ids(3, 1), now).unwrap();
        rewriter.begin(900, 0, ids(40, 40), now, 90_000);
        let after = rewriter.map(900, 0, ids(40, 40), now).unwrap();
        assert_eq!(after.seq, 6 + 11);
        assert_eq!(after.vp8, ids(6, 3));
    }
}
