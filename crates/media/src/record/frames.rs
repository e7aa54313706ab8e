//! Packets in order, joined to frames. After a loss of picture everything up to
//! the next keyframe is left out: what refers to it would be smeared.

use std::time::Instant;

use str0m::format::Codec;

use super::part::Media;
use super::reorder::Ordered;
use super::{Packet, av1, h264, matroska, vp8, vp9};

/// Packets of one frame; what has more is no frame of a call.
const MOST: usize = 2_048;

/// A frame as Matroska holds it.
#[derive(Debug)]
pub(super) struct Frame {
    pub rtp_time: u32,
    pub captured: Instant,
    pub data: Vec<u8>,
    pub keyframe: bool,
    /// What a decoder needs before this frame, where frames carry it.
    pub private: Option<Vec<u8>>,
    /// Width and height, where the frame tells.
    pub size: Option<(u32, u32)>,
}

/// The frame that is being joined.
pub(super) struct Frames {
    media: Media,
    pieces: Vec<Packet>,
    /// Until a keyframe comes nothing can be shown.
    wants_keyframe: bool,
    /// What is left of a frame whose beginning is missing.
    skipped: Option<u32>,
}

impl Frames {
    pub fn new(media: Media) -> Self {
        Self { media, pieces: Vec::new(), wants_keyframe: media.is_video(), skipped: None }
    }

    /// What comes next refers to nothing before it.
    pub fn wait_for_keyframe(&mut self) {
        self.wants_keyframe = self.media.is_video();
        self.pieces.clear();
    }

    /// Takes the next packet, or that some are lost; gives the frames that are
    /// whole now, at most two.
    pub fn push(&mut self, next: Ordered) -> Vec<Frame> {
        let packet = match next {
            Ordered::Packet(packet) => packet,
            Ordered::Lost => {
                self.wait_for_keyframe();
                return Vec::new();
            }
        };
        if !self.media.is_video() {
            return opus(packet).into_iter().collect();
        }
        let mut out = Vec::new();
        // Padding only fills the line; without its number something would seem
        // to be missing.
        if packet.payload.is_empty() {
            return out;
        }
        if self.pieces.first().is_some_and(|first| first.rtp_time != packet.rtp_time) {
            // Its end was not marked, but nothing is missing.
            out.extend(self.finish());
        }
        if self.skipped == Some(packet.rtp_time) {
            return out;
        }
        self.skipped = None;
        if self.pieces.is_empty() && !begins(self.media, &packet.payload) || self.pieces.len() >= MOST {
            self.wait_for_keyframe();
            self.skipped = Some(packet.rtp_time);
            return out;
        }
        let last = packet.marker;
        self.pieces.push(packet);
        if last {
            out.extend(self.finish());
        }
        out
    }

    fn finish(&mut self) -> Option<Frame> {
        let pieces = std::mem::take(&mut self.pieces);
        let payloads: Vec<&[u8]> = pieces.iter().map(|piece| &*piece.payload).collect();
        let Some((data, keyframe, private, size)) = join(self.media, &payloads) else {
            self.wants_keyframe = true;
            return None;
        };
        if self.wants_keyframe && !keyframe {
            return None;
        }
        self.wants_keyframe = false;
        let first = pieces.first()?;
        Some(Frame { rtp_time: first.rtp_time, captured: first.captured, data, keyframe, private, size })
    }
}

fn opus(packet: Packet) -> Option<Frame> {
    let frame = Frame {
        rtp_time: packet.rtp_time,
        captured: packet.captured,
        data: packet.payload.to_vec(),
        keyframe: true,
        private: Some(matroska::opus_head()),
        size: None,
    };
    (!packet.payload.is_empty()).then_some(frame)
}

/// May a frame begin with this packet?
fn begins(media: Media, payload: &[u8]) -> bool {
    match media {
        Media::Opus => true,
        Media::Vp8 => vp8::piece(payload).is_some_and(|(_, begins)| begins),
        Media::Vp9 => vp9::piece(payload).is_some_and(|piece| piece.begins),
        Media::H264 => {
            !payload.is_empty() && (payload[0] & 0x1f != 28 || payload.get(1).is_some_and(|h| h & 0x80 != 0))
        }
        Media::Av1 => av1::begins(payload),
    }
}

/// Can a recording of the track begin with this packet?
pub(super) fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp9 => vp9::piece(payload).is_some_and(|piece| piece.begins && piece.keyframe),
        Codec::Av1 => av1::starts_keyframe(payload),
        codec => crate::codec::starts_keyframe(codec, payload),
    }
}

type Joined = (Vec<u8>, bool, Option<Vec<u8>>, Option<(u32, u32)>);

fn join(media: Media, payloads: &[&[u8]]) -> Option<Joined> {
    match media {
        Media::Opus => None,
        Media::Vp8 => {
            let mut data = Vec::new();
            for payload in payloads {
                data.extend_from_slice(vp8::piece(payload)?.0);
            }
            let keyframe = data.first().is_some_and(|first| first & 1 == 0);
            let size = vp8::keyframe_size(&data);
            Some((data, keyframe, None, size))
        }
        Media::Vp9 => {
            let (mut data, keyframe) = (Vec::new(), vp9::piece(payloads.first()?)?.keyframe);
            for payload in payloads {
                data.extend_from_slice(vp9::piece(payload)?.data);
            }
            Some((data, keyframe, None, None))
        }
        Media::H264 => {
            let units = h264::units(payloads)?;
            let (data, keyframe) = h264::frame(&units);
            Some((data, keyframe, h264::configuration(&units), None))
        }
        Media::Av1 => {
            let units = av1::units(payloads)?;
            let (data, keyframe) = av1::frame(&units)?;
            Some((data, keyframe, av1::configuration(&units), None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(rtp_time: u32, marker: bool, payload: &[u8]) -> Ordered {
        Ordered::Packet(Packet {
            recording: "r".into(),
            identity: "ann".into(),
            track: "TR".into(),
            codec: Codec::Vp8,
            screen: false,
            run: 0,
            seq: 0,
            rtp_time,
            marker,
            captured: crate::some_instant(),
            payload: payload.into(),
        })
    }

    fn payloads(frames: &mut Frames, next: Ordered) -> Vec<Vec<u8>> {
        frames.push(next).into_iter().map(|frame| frame.data).collect()
    }

    #[test]
    fn frames_begin_at_a_keyframe_and_again_after_a_loss() {
        let mut frames = Frames::new(Media::Vp8);
        assert!(payloads(&mut frames, packet(1, true, &[0x10, 1, 9])).is_empty(), "no keyframe yet");
        assert!(payloads(&mut frames, packet(2, false, &[0x10, 0, 9])).is_empty());
        assert_eq!(payloads(&mut frames, packet(2, true, &[0x00, 8])), [vec![0, 9, 8]]);
        assert_eq!(payloads(&mut frames, packet(3, true, &[0x10, 1, 7])), [vec![1, 7]]);
        assert!(payloads(&mut frames, packet(4, false, &[0x10, 1, 7])).is_empty());
        assert!(payloads(&mut frames, Ordered::Lost).is_empty());
        assert!(payloads(&mut frames, packet(4, true, &[0x00, 7])).is_empty(), "its beginning is lost");
        assert!(payloads(&mut frames, packet(5, true, &[0x10, 1, 7])).is_empty(), "refers to what is lost");
        assert_eq!(payloads(&mut frames, packet(6, true, &[0x10, 0, 5])), [vec![0, 5]]);
    }

    #[test]
    fn padding_is_no_piece_and_no_loss() {
        let mut frames = Frames::new(Media::Vp8);
        assert!(payloads(&mut frames, packet(2, false, &[0x10, 0, 9])).is_empty());
        assert!(payloads(&mut frames, packet(2, false, &[])).is_empty());
        assert_eq!(payloads(&mut frames, packet(2, true, &[0x00, 8])), [vec![0, 9, 8]]);
        assert!(payloads(&mut frames, packet(2, true, &[])).is_empty());
        assert_eq!(payloads(&mut frames, packet(3, true, &[0x10, 1, 7])), [vec![1, 7]]);
    }

    #[test]
    fn an_unmarked_end_is_seen_at_the_next_frame() {
        let mut frames = Frames::new(Media::Vp8);
        assert!(payloads(&mut frames, packet(1, false, &[0x10, 0, 9])).is_empty());
        assert_eq!(payloads(&mut frames, packet(2, true, &[0x10, 1, 8])), [vec![0, 9], vec![1, 8]]);
    }

    #[test]
    fn every_sound_packet_is_a_frame() {
        let mut frames = Frames::new(Media::Opus);
        assert_eq!(payloads(&mut frames, packet(1, false, &[1, 2])), [vec![1, 2]]);
        assert!(payloads(&mut frames, Ordered::Lost).is_empty());
        assert_eq!(payloads(&mut frames, packet(5, false, &[3])), [vec![3]]);
        assert!(payloads(&mut frames, packet(6, false, &[])).is_empty());
    }
}
