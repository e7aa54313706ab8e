//! A synthetic camera and microphone: 180 video packets of 1100 bytes and 50 of
//! audio a second. A frame's six packets go out in pairs, five milliseconds
//! apart, as browsers pace them. Every packet carries the time it was made.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::format::Codec;
use str0m::media::{MediaKind, Mid};
use str0m::rtp::RtpWrite;

/// Video and audio packets per second, together.
pub const PACKETS_PER_S: f64 = 230.0;
const FRAME: Duration = Duration::from_nanos(33_333_333);
const PAIRS: u32 = 3;
const PAIR: Duration = Duration::from_millis(5);
const VIDEO_BYTES: usize = 1_100;
const AUDIO: Duration = Duration::from_millis(20);
const AUDIO_BYTES: usize = 80;
/// Where in the payload the time is; in front of it is the VP8 descriptor.
const STAMP: std::ops::Range<usize> = 8..16;
/// Packets from here on are video.
const LEAST_VIDEO: usize = 500;

/// What one peer sends.
pub struct Camera {
    video: Mid,
    audio: Mid,
    began: Instant,
    /// Pairs and audio packets made so far.
    pairs: u32,
    sounds: u32,
    seq: [u64; 2],
    pub keyframe_due: bool,
}

impl Camera {
    pub fn new(now: Instant, video: Mid, audio: Mid) -> Self {
        Self { video, audio, began: now, pairs: 0, sounds: 0, seq: [1_000, 1_000], keyframe_due: true }
    }

    /// When the next packet is due.
    pub fn next(&self) -> Instant {
        self.next_pair().min(self.began + AUDIO * self.sounds)
    }

    fn next_pair(&self) -> Instant {
        self.began + FRAME * (self.pairs / PAIRS) + PAIR * (self.pairs % PAIRS)
    }

    /// Writes what is due.
    pub fn film(&mut self, now: Instant, rtc: &mut Rtc) {
        while self.next_pair() <= now {
            let (frame, part) = (self.pairs / PAIRS, self.pairs % PAIRS);
            let keyframe = part == 0 && std::mem::take(&mut self.keyframe_due);
            for half in 0..2 {
                let payload = vp8(frame, part == 0 && half == 0, keyframe);
                let marker = part + 1 == PAIRS && half == 1;
                self.write(now, rtc, MediaKind::Video, payload, frame.wrapping_mul(3_000), marker);
            }
            self.pairs += 1;
        }
        while self.began + AUDIO * self.sounds <= now {
            let mut payload = vec![0xff; AUDIO_BYTES];
            stamp(&mut payload);
            self.write(now, rtc, MediaKind::Audio, payload, self.sounds.wrapping_mul(960), false);
            self.sounds += 1;
        }
    }

    fn write(
        &mut self,
        now: Instant,
        rtc: &mut Rtc,
        kind: MediaKind,
        payload: Vec<u8>,
        time: u32,
        marker: bool,
    ) {
        let (mid, codec) = if kind.is_audio() { (self.audio, Codec::Opus) } else { (self.video, Codec::Vp8) };
        let Some(pt) = payload_type(rtc, mid, codec) else { return };
        let seq = &mut self.seq[usize::from(kind.is_audio())];
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else { return };
        let write = RtpWrite::new(pt, (*seq).into(), time, now, payload).marker(marker);
        stream.write_rtp(write.nackable(kind == MediaKind::Video));
        *seq += 1;
    }
}

fn payload_type(rtc: &Rtc, mid: Mid, codec: Codec) -> Option<str0m::media::Pt> {
    let accepted = rtc.media(mid)?.remote_pts();
    let mut fitting = rtc.codec_config().params().iter().filter(|params| params.spec().codec == codec);
    fitting.find(|params| accepted.is_empty() || accepted.contains(&params.pt())).map(|params| params.pt())
}

/// The descriptor that browsers write (picture id of 15 bits, TL0PICIDX, TID),
/// then the frame header's first byte.
fn vp8(frame: u32, first: bool, keyframe: bool) -> Vec<u8> {
    let mut payload = vec![0; VIDEO_BYTES];
    payload[0] = if first { 0x90 } else { 0x80 };
    payload[1] = 0xe0;
    payload[2] = 0x80 | (frame >> 8) as u8 & 0x7f;
    payload[3] = frame as u8;
    payload[4] = frame as u8;
    payload[6] = u8::from(!keyframe);
    stamp(&mut payload);
    payload
}

fn stamp(payload: &mut [u8]) {
    payload[STAMP].copy_from_slice(&micros().to_be_bytes());
}

/// Whether a received payload is video, and how long ago it was made.
pub fn read(payload: &[u8]) -> Option<(bool, Duration)> {
    let stamp: [u8; 8] = payload.get(STAMP)?.try_into().ok()?;
    let age = micros().checked_sub(u64::from_be_bytes(stamp))?;
    Some((payload.len() >= LEAST_VIDEO, Duration::from_micros(age)))
}

/// Microseconds since this process first asked.
fn micros() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64
}
