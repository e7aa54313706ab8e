//! One track on its way into parts: a part begins with a keyframe and ends
//! with a long pause, another codec's settings, or the recording. Times are in
//! milliseconds since the recording began, by the sender's clock, so that sound
//! and picture stay together.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use str0m::format::Codec;

use super::Packet;
use super::frames::{Frame, Frames};
use super::matroska::{self, Clusters, Header};
use super::reorder::Reorder;

/// A pause that ends a part: a camera that was switched off leaves no frozen
/// picture behind.
const PAUSE_MS: u64 = 3_000;
/// What is told as a gap within a part.
const GAP_MS: u64 = 1_000;
/// A time that is this far off is the sender's new clock.
const JUMP_MS: f64 = 400.0;
/// How much of a smaller difference is followed with each frame.
const FOLLOW: f64 = 0.05;
/// Width and height of a picture that does not tell before it is decoded.
const USUAL_SIZE: (u32, u32) = (1280, 720);

/// What a track is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

impl Media {
    /// None for what cannot be recorded.
    pub(super) fn of(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Opus => Self::Opus,
            Codec::Vp8 => Self::Vp8,
            Codec::Vp9 => Self::Vp9,
            Codec::H264 => Self::H264,
            Codec::Av1 => Self::Av1,
            _ => return None,
        })
    }

    #[must_use]
    pub fn is_video(self) -> bool {
        self != Self::Opus
    }

    /// WebM allows these codecs; the others make plain Matroska.
    #[must_use]
    pub fn is_webm(self) -> bool {
        self != Self::H264
    }

    pub(super) fn codec_id(self) -> &'static str {
        match self {
            Self::Opus => "A_OPUS",
            Self::Vp8 => "V_VP8",
            Self::Vp9 => "V_VP9",
            Self::H264 => "V_MPEG4/ISO/AVC",
            Self::Av1 => "V_AV1",
        }
    }

    fn rate(self) -> f64 {
        if self.is_video() { 90.0 } else { 48.0 }
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Whose, as their join token says.
    pub identity: String,
    pub media: Media,
    /// A shared screen, not a face.
    #[serde(default)]
    pub screen: bool,
    /// When it begins, ms since the recording began.
    pub start_ms: u64,
}

/// What a track gives to be written.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A new part, with the bytes that its file begins with.
    Begin(Description, Vec<u8>),
    /// A second of it; first and last time in ms since the recording began.
    Media { first_ms: u64, last_ms: u64, bytes: Vec<u8> },
    /// Nothing came, or nothing that can be shown.
    Gap { from_ms: u64, to_ms: u64 },
    /// The part is whole.
    End,
}

/// One person's track.
pub(crate) struct Part {
    identity: String,
    media: Media,
    screen: bool,
    began: Instant,
    run: u32,
    reorder: Reorder,
    frames: Frames,
    clock: Clock,
    open: Option<Open>,
}

struct Open {
    start_ms: u64,
    last_ms: u64,
    private: Option<Vec<u8>>,
    clusters: Clusters,
}

impl Part {
    /// None: this codec cannot be recorded.
    pub fn new(began: Instant, first: &Packet) -> Option<Self> {
        let media = Media::of(first.codec)?;
        Some(Self {
            identity: first.identity.to_string(),
            media,
            screen: first.screen,
            began,
            run: first.run,
            reorder: Reorder::default(),
            frames: Frames::new(media),
            clock: Clock::default(),
            open: None,
        })
    }

    /// Takes a packet that came in at `now`.
    pub fn push(&mut self, now: Instant, packet: Packet, out: &mut Vec<Piece>) {
        if Media::of(packet.codec) != Some(self.media) {
            return;
        }
        if packet.run != self.run {
            for rest in self.reorder.drain() {
                self.take(rest, out);
            }
            self.run = packet.run;
            self.frames.wait_for_keyframe();
            // Another layer counts its time from another moment.
            self.clock = Clock::after(&self.clock);
        }
        self.reorder.push(now, packet);
        self.tick(now, out);
    }

    /// Gives up what was waited for too long.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Piece>) {
        while let Some(next) = self.reorder.pop(now) {
            self.take(next, out);
        }
    }

    /// Nothing more comes.
    pub fn end(&mut self, out: &mut Vec<Piece>) {
        for rest in self.reorder.drain() {
            self.take(rest, out);
        }
        self.close(out);
    }

    fn take(&mut self, next: super::reorder::Ordered, out: &mut Vec<Piece>) {
        for frame in self.frames.push(next) {
            self.write(frame, out);
        }
    }

    fn write(&mut self, frame: Frame, out: &mut Vec<Piece>) {
        let captured = frame.captured.saturating_duration_since(self.began).as_secs_f64() * 1_000.0;
        let at = self.clock.place(frame.rtp_time, captured, self.media.rate());
        if let Some(open) = &self.open {
            let other = frame.private.is_some() && frame.private != open.private;
            if at.saturating_sub(open.last_ms) >= PAUSE_MS || other {
                self.close(out);
            }
        }
        if self.open.is_none() {
            if !frame.keyframe {
                return self.frames.wait_for_keyframe();
            }
            if matches!(self.media, Media::H264 | Media::Av1) && frame.private.is_none() {
                return;
            }
            let header = Header {
                media: self.media,
                private: frame.private.as_deref().unwrap_or_default(),
                size: frame.size.unwrap_or(USUAL_SIZE),
            };
            let (identity, media, screen) = (self.identity.clone(), self.media, self.screen);
            let description = Description { identity, media, screen, start_ms: at };
            out.push(Piece::Begin(description, matroska::header(&header)));
            let clusters = Clusters::default();
            self.open = Some(Open { start_ms: at, last_ms: at, private: frame.private, clusters });
        }
        let Some(open) = &mut self.open else { return };
        if at.saturating_sub(open.last_ms) >= GAP_MS {
            if let Some(cluster) = open.clusters.close() {
                out.push(open.piece(cluster));
            }
            out.push(Piece::Gap { from_ms: open.last_ms, to_ms: at });
        }
        if let Some(cluster) = open.clusters.push(at - open.start_ms, frame.keyframe, &frame.data) {
            out.push(open.piece(cluster));
        }
        open.last_ms = at;
    }

    fn close(&mut self, out: &mut Vec<Piece>) {
        if let Some(mut open) = self.open.take() {
            if let Some(cluster) = open.clusters.close() {
                out.push(open.piece(cluster));
            }
            out.push(Piece::End);
        }
    }
}

impl Open {
    fn piece(&self, cluster: matroska::Cluster) -> Piece {
        Piece::Media {
            first_ms: self.start_ms + cluster.first_ms,
            last_ms: self.start_ms + cluster.last_ms,
            bytes: cluster.bytes,
        }
    }
}

/// Times of frames: even as the sender's counter, right as its reports.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    /// A moment of the counter, and of the recording in ms.
    base: Option<(u32, f64)>,
    last: u64,
}

impl Clock {
    fn after(before: &Self) -> Self {
        Self { base: None, last: before.last }
    }

    fn place(&mut self, rtp: u32, captured: f64, rate: f64) -> u64 {
        let placed = match self.base {
            None => captured,
            Some((base, ms)) => {
                let expected = ms + f64::from(rtp.wrapping_sub(base) as i32) / rate;
                let off = captured - expected;
                if off.abs() > JUMP_MS { captured } else { expected + off * FOLLOW }
            }
        };
        self.base = Some((rtp, placed));
        self.last = self.last.max(placed.max(0.0).round() as u64);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Track {
        part: Part,
        began: Instant,
        seq: u64,
    }

    impl Track {
        fn new() -> Self {
            let began = crate::some_instant();
            let mut track =
                Self { part: Part::new(began, &packet(began, 0, 0, 0, true)).unwrap(), began, seq: 0 };
            track.seq = 1;
            track
        }

        fn frame(&mut self, ms: u64, keyframe: bool) -> Vec<Piece> {
            let mut out = Vec::new();
            let packet = packet(self.began, self.seq, ms, 0, keyframe);
            self.seq += 1;
            self.part.push(self.began + Duration::from_millis(ms), packet, &mut out);
            out
        }
    }

    fn packet(began: Instant, seq: u64, ms: u64, run: u32, keyframe: bool) -> Packet {
        let key = [0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01];
        let payload: &[u8] = if keyframe { &key } else { &[0x10, 1, 7] };
        Packet {
            recording: "r".into(),
            identity: "ann".into(),
            track: "TR".into(),
            codec: Codec::Vp8,
            screen: false,
            run,
            seq,
            rtp_time: (ms * 90) as u32,
            marker: true,
            captured: began + Duration::from_millis(ms),
            payload: payload.into(),
        }
    }

    #[test]
    fn a_pause_ends_a_part_and_a_keyframe_begins_the_next() {
        let mut track = Track::new();
        let begin = track.frame(2_000, true);
        assert!(
            matches!(&begin[..], [Piece::Begin(of, _)] if of.start_ms == 2_000 && of.media == Media::Vp8)
        );
        assert!(track.frame(2_040, false).is_empty());
        let gap = track.frame(3_500, false);
        let [
            Piece::Media { first_ms: 2_000, last_ms: 2_040, .. },
            Piece::Gap { from_ms: 2_040, to_ms: 3_500 },
        ] = &gap[..]
        else {
            panic!("{gap:?}")
        };
        let paused = track.frame(9_000, false);
        assert!(matches!(&paused[..], [Piece::Media { .. }, Piece::End]), "{paused:?}");
        assert!(track.frame(9_040, false).is_empty());
        let again = track.frame(9_080, true);
        assert!(matches!(&again[..], [Piece::Begin(of, _)] if of.start_ms == 9_080));
        let mut out = Vec::new();
        track.part.end(&mut out);
        assert!(matches!(&out[..], [Piece::Media { .. }, Piece::End]));
    }

    #[test]
    fn another_layer_begins_with_its_keyframe_in_the_same_part() {
        let mut track = Track::new();
        track.frame(0, true);
        let mut out = Vec::new();
        // Another run: other numbers, another counter.
        let mut other = packet(track.began, 60_000, 40, 1, true);
        other.rtp_time = 4_000_000_000;
        track.part.push(track.began + Duration::from_millis(40), other, &mut out);
        track.part.end(&mut out);
        assert!(matches!(&out[..], [Piece::Media { first_ms: 0, last_ms: 40, .. }, Piece::End]), "{out:?}");
    }

    #[test]
    fn times_are_even_though_arrivals_are_not() {
        let mut clock = Clock::default();
        clock.place(0, 1_000.0, 48.0);
        for n in 1..200u32 {
            let jitter = f64::from(n * 7 % 30) - 15.0;
            let at = clock.place(n * 960, 1_000.0 + f64::from(n) * 20.0 + jitter, 48.0);
            assert!(at.abs_diff(1_000 + u64::from(n) * 20) <= 12, "{n}: {at}");
        }
        assert_eq!(clock.place(200 * 960, 60_000.0, 48.0), 60_000, "a clock that was set");
    }
}
