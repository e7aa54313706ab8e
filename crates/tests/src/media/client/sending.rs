//! What a client films and records, and how it becomes packets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::media::{MediaKind, Mid, Rid};
use str0m::rtp::RtpWrite;

use super::Client;

/// What a client's camera makes; sound goes along in packets of its own.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    pub frame_every: Duration,
    pub packets_per_frame: u64,
    /// Bytes per packet, at least 22.
    pub packet_size: usize,
    /// Layers of different cost, as browsers make them (about 0.15, 0.6 and
    /// 1.7 Mbit/s at 1000 bytes per packet), keyframes of four times the size,
    /// and an audio packet every 20 ms instead of one per frame.
    pub lifelike: bool,
    /// Layers that the server says nobody wants are not sent.
    pub dynacast: bool,
    pub codec: Codec,
    /// Sound comes with the packet before it, as `audio/red`.
    pub red: bool,
}

impl Camera {
    /// As browsers do by default.
    pub fn lifelike() -> Self {
        Self { packet_size: 1_000, lifelike: true, dynacast: true, ..Self::default() }
    }

    fn packets(&self, layer: u8, layers: usize, keyframe: bool) -> u64 {
        if !self.lifelike {
            return self.packets_per_frame;
        }
        let best = layers == 1 || layer >= 2;
        let packets = if best { 8 } else { [1, 3][usize::from(layer)] };
        if keyframe { packets * 4 } else { packets }
    }

    fn size(&self, layer: u8, layers: usize) -> usize {
        let lowest = self.lifelike && layers > 1 && layer == 0;
        if lowest { self.packet_size * 7 / 10 } else { self.packet_size }
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            frame_every: Duration::from_millis(40),
            packets_per_frame: 3,
            packet_size: 600,
            lifelike: false,
            dynacast: false,
            codec: Codec::Vp8,
            red: false,
        }
    }
}

pub(super) struct Sending {
    pub mid: Mid,
    pub kind: MediaKind,
    pub rids: Vec<Rid>,
    pub next_seq: BTreeMap<u8, u64>,
    pub keyframe_due: BTreeSet<u8>,
    /// Layers that the server wants no more.
    pub off: BTreeSet<u8>,
    pub cid: String,
}

impl Client {
    pub(super) fn film(&mut self, now: Instant) {
        self.frame += 1;
        self.filmed.push(now);
        let (frame, camera) = (self.frame, self.camera);
        for sending in &mut self.sending {
            if camera.lifelike && sending.kind.is_audio() {
                continue;
            }
            let codec = if sending.kind.is_audio() { Codec::Opus } else { camera.codec };
            let pt = self.publisher.codec_config().find(|p| p.spec().codec == codec).unwrap().pt();
            let rids: Vec<Option<Rid>> = if sending.rids.is_empty() {
                vec![None]
            } else {
                sending.rids.iter().copied().map(Some).collect()
            };
            let mut api = self.publisher.direct_api();
            for (layer, rid) in rids.into_iter().enumerate() {
                let layer = layer as u8;
                if sending.off.contains(&layer) {
                    continue;
                }
                let Some(stream) = api.stream_tx_by_mid(sending.mid, rid) else { continue };
                if !sending.next_seq.contains_key(&layer) && codec.is_video() {
                    stream.set_rtx_cache(2000, Duration::from_secs(3), Some(0.5));
                }
                let seq = sending.next_seq.entry(layer).or_insert(60_000 + u64::from(layer) * 1000);
                let mut write = |payload: Vec<u8>, time: u32, marker: bool| {
                    let mut write = RtpWrite::new(pt, (*seq).into(), time, now, payload)
                        .marker(marker)
                        .nackable(codec.is_video());
                    if codec.is_audio() {
                        let levels = str0m::rtp::ExtensionValues {
                            audio_level: Some(-10),
                            voice_activity: Some(true),
                            ..Default::default()
                        };
                        write = write.ext_vals(levels);
                    }
                    stream.write_rtp(write);
                    *seq += 1;
                };
                if codec.is_audio() {
                    write(vec![0; 40], frame * 1920, false);
                    continue;
                }
                let keyframe = sending.keyframe_due.remove(&layer);
                let packets = camera.packets(layer, sending.rids.len().max(1), keyframe);
                for part in 0..packets {
                    let last = part + 1 == packets;
                    let mark = Mark { first: part == 0, keyframe, layer, frame };
                    let size = camera.size(layer, sending.rids.len());
                    write(picture(codec, size, mark, last), frame * 3600, last);
                }
            }
        }
    }

    /// A packet of sound, as the microphone makes it.
    pub(super) fn record(&mut self, now: Instant) {
        self.sound += 1;
        self.recorded.push(now);
        let Some(sending) = self.sending.iter_mut().find(|sending| sending.kind.is_audio()) else { return };
        let opus = self.publisher.codec_config().find(|p| p.spec().codec == Codec::Opus).unwrap();
        let (pt, red) = (opus.pt(), opus.red().filter(|_| self.camera.red));
        let mut api = self.publisher.direct_api();
        let Some(stream) = api.stream_tx_by_mid(sending.mid, None) else { return };
        let seq = sending.next_seq.entry(0).or_insert(60_000);
        let mut payload = vec![0; 90];
        payload[..4].copy_from_slice(&self.sound.to_be_bytes());
        let levels = str0m::rtp::ExtensionValues {
            audio_level: Some(-10),
            voice_activity: Some(true),
            ..Default::default()
        };
        let (pt, bytes) = match red {
            Some(red) => (red, redundant(*pt, &self.before, &payload)),
            None => (pt, payload.clone()),
        };
        stream.write_rtp(RtpWrite::new(pt, (*seq).into(), self.sound * 960, now, bytes).ext_vals(levels));
        *seq += 1;
        self.before = payload;
    }
}

/// RFC 2198: the packet before, 20 ms older, and this one.
fn redundant(opus: u8, before: &[u8], now: &[u8]) -> Vec<u8> {
    let length = before.len() as u16;
    let head = [0x80 | opus, 0x0f, (length >> 8) as u8 & 0x03, length as u8, opus];
    [&head, before, now].concat()
}

/// What a test wants to know of a packet of a picture, behind the head that
/// the node reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub first: bool,
    pub keyframe: bool,
    pub layer: u8,
    pub frame: u32,
}

/// Where it is, whatever the codec.
const MARK: usize = 16;

impl Mark {
    /// None: the packet is too short to have one.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let [flags, layer, frame @ ..] = payload.get(MARK..)?.first_chunk::<6>()?;
        let (first, keyframe) = (flags & 1 != 0, flags & 2 != 0);
        Some(Self { first, keyframe, layer: *layer, frame: u32::from_be_bytes(*frame) })
    }
}

/// A packet as browsers write it: the codec's head, then the mark.
fn picture(codec: Codec, size: usize, mark: Mark, last: bool) -> Vec<u8> {
    let Mark { first, keyframe, layer, frame } = mark;
    let mut payload = vec![0; size.max(MARK + 6)];
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    match codec {
        // A single unit with the parameters first, then parts of one.
        Codec::H264 => match (first, keyframe) {
            (true, true) => payload[0] = 0x67,
            (true, false) => payload[0] = 0x61,
            (false, keyframe) => payload[..2].copy_from_slice(&[0x7c, if keyframe { 5 } else { 1 }]),
        },
        Codec::Vp9 => {
            payload[0] = 0x80 | flag(!keyframe, 0x40) | flag(first, 0x08) | flag(last, 0x04);
            payload[1] = 0x80 | (frame >> 8) as u8 & 0x7f;
            payload[2] = frame as u8;
        }
        Codec::Av1 => payload[0] = 0x10 | flag(!first, 0x80) | flag(first && keyframe, 0x08),
        // 15 bit picture id, TL0PICIDX, TID, then the frame header.
        _ => {
            payload[0] = if first { 0x90 } else { 0x80 };
            payload[1] = 0xe0;
            payload[2] = 0x80 | (frame >> 8) as u8 & 0x7f;
            payload[3] = frame as u8;
            payload[4] = frame as u8;
            payload[6] = u8::from(!keyframe);
        }
    }
    payload[MARK] = flag(first, 1) | flag(keyframe, 2);
    payload[MARK + 1] = layer;
    payload[MARK + 2..MARK + 6].copy_from_slice(&frame.to_be_bytes());
    payload
}

impl Client {
    /// Sends a payload of the test's choice on the first stream of a kind, as
    /// the next packet of it.
    pub fn send_raw(&mut self, now: Instant, kind: MediaKind, payload: &[u8]) {
        let codec = if kind.is_audio() { Codec::Opus } else { self.camera.codec };
        let Some(pt) = self.publisher.codec_config().find(|p| p.spec().codec == codec).map(|p| p.pt()) else {
            return;
        };
        let Some(sending) = self.sending.iter_mut().find(|sending| sending.kind == kind) else { return };
        let rid = sending.rids.first().copied();
        let mut api = self.publisher.direct_api();
        let Some(stream) = api.stream_tx_by_mid(sending.mid, rid) else { return };
        let seq = sending.next_seq.entry(0).or_insert(60_000);
        stream.write_rtp(RtpWrite::new(pt, (*seq).into(), self.frame * 3_000, now, payload.to_vec()));
        *seq += 1;
    }
}
