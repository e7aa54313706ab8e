//! What a person at a client would see and hear: frames that can be decoded,
//! with all packets and after a frame they build on, and sound as it arrives.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A decoder that waits this long for a missing packet asks for a keyframe,
/// and again as often; browsers do much the same.
const PATIENCE: Duration = Duration::from_millis(300);

/// One packet of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub time: u32,
    pub first: bool,
    pub last: bool,
    pub keyframe: bool,
    pub layer: u8,
    /// Number of the frame, as its sender counts.
    pub frame: u32,
}

/// A frame that was shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub at: Instant,
    pub frame: u32,
    pub layer: u8,
    pub time: u32,
}

/// The decoder of one video section.
#[derive(Debug, Default)]
pub struct Viewer {
    pieces: BTreeMap<u64, Piece>,
    /// The packet that the next frame begins with.
    next: Option<u64>,
    stuck: Option<Instant>,
    pub shown: Vec<Shown>,
    pub keyframes_asked: u32,
}

impl Viewer {
    /// Takes a packet. True: a keyframe is to be asked for.
    pub fn packet(&mut self, now: Instant, seq: u64, piece: Piece) -> bool {
        if self.next.is_none_or(|next| seq >= next) {
            self.pieces.insert(seq, piece);
        }
        while self.show_next(now) || self.skip_to_keyframe() {}
        if self.pieces.is_empty() {
            self.stuck = None;
            return false;
        }
        let since = *self.stuck.get_or_insert(now);
        let asks = now - since >= PATIENCE;
        if asks {
            self.stuck = Some(now);
            self.keyframes_asked += 1;
        }
        asks
    }

    /// Shows the frame that begins at `next`, when all of it is there.
    fn show_next(&mut self, now: Instant) -> bool {
        let Some(end) = self.next.and_then(|next| self.whole(next)) else {
            return false;
        };
        let last = self.pieces[&end];
        self.shown.push(Shown { at: now, frame: last.frame, layer: last.layer, time: last.time });
        self.pieces = self.pieces.split_off(&(end + 1));
        self.next = Some(end + 1);
        self.stuck = None;
        true
    }

    /// The last packet of the frame that begins here, when none is missing.
    fn whole(&self, from: u64) -> Option<u64> {
        let time = self.pieces.get(&from)?.time;
        for (expected, (seq, piece)) in (from..).zip(self.pieces.range(from..)) {
            if *seq != expected || piece.time != time {
                return None;
            }
            if piece.last {
                return Some(*seq);
            }
        }
        None
    }

    /// Gives up what is missing when a whole keyframe has come after it.
    fn skip_to_keyframe(&mut self) -> bool {
        let begins = |piece: &Piece| piece.first && piece.keyframe;
        let found = self
            .pieces
            .iter()
            .filter(|(seq, piece)| begins(piece) && self.next != Some(**seq))
            .find(|(seq, _)| self.whole(**seq).is_some())
            .map(|(seq, _)| *seq);
        if let Some(seq) = found {
            self.pieces = self.pieces.split_off(&seq);
            self.next = Some(seq);
        }
        found.is_some()
    }

    /// The longest time between two frames shown in `from..to`, the time
    /// until the first and after the last one included.
    pub fn longest_freeze(&self, from: Instant, to: Instant) -> Duration {
        longest_gap(self.shown.iter().map(|shown| shown.at), from, to)
    }
}

/// The longest time without an event in `from..to`.
pub fn longest_gap(times: impl Iterator<Item = Instant>, from: Instant, to: Instant) -> Duration {
    let mut last = from;
    let mut longest = Duration::ZERO;
    for at in times.filter(|at| (from..to).contains(at)) {
        longest = longest.max(at - last);
        last = at;
    }
    longest.max(to - last)
}
