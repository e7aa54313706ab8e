//! What forwarding must know of a codec: clock and keyframes.

use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;

/// RTP ticks per second.
pub(crate) fn clock_rate(codec: Codec) -> u32 {
    if codec.is_audio() { 48_000 } else { 90_000 }
}

/// Whether a receiver can start decoding at this packet.
pub(crate) fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => {
            Vp8Descriptor::parse(payload).is_ok_and(|descriptor| descriptor.starts_keyframe(payload))
        }
        Codec::H264 => h264_starts_keyframe(payload),
        _ => true,
    }
}

/// Packet types of RFC 6184: single units, STAP-A and FU-A. A sequence
/// parameter set (7) precedes every IDR picture (5) that browsers send.
fn h264_starts_keyframe(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let opens = |unit: u8| matches!(unit & 0x1f, IDR | SPS);
    match payload.first().map(|first| first & 0x1f) {
        Some(STAP_A) => {
            let mut rest = &payload[1..];
            while let [high, low, unit, ..] = rest {
                if opens(*unit) {
                    return true;
                }
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            false
        }
        Some(FU_A) => payload.get(1).is_some_and(|header| header & 0x80 != 0 && opens(*header)),
        Some(unit) => opens(unit),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_keyframes_are_seen_at_their_first_packet() {
        // X, picture id of 15 bits, TL0PICIDX, TID.
        let head = [0x90, 0xe0, 0x80, 0x01, 0x02, 0x00];
        assert!(starts_keyframe(Codec::Vp8, &[&head[..], &[0x10]].concat()));
        assert!(!starts_keyframe(Codec::Vp8, &[&head[..], &[0x11]].concat()));
        // Not the start of the first partition.
        assert!(!starts_keyframe(Codec::Vp8, &[0x80, 0x80, 0x81, 0x02, 0x10]));
        assert!(!starts_keyframe(Codec::Vp8, &[]));
    }

    #[test]
    fn h264_keyframes_are_seen_in_every_packaging() {
        assert!(starts_keyframe(Codec::H264, &[0x67, 1, 2]));
        assert!(starts_keyframe(Codec::H264, &[0x65, 1, 2]));
        assert!(!starts_keyframe(Codec::H264, &[0x61, 1, 2]));
        assert!(starts_keyframe(Codec::H264, &[0x78, 0, 2, 0x67, 0, 0, 1, 0x68]));
        assert!(!starts_keyframe(Codec::H264, &[0x78, 0, 2, 0x61, 0, 0xff, 0xff, 0x61]));
        assert!(starts_keyframe(Codec::H264, &[0x7c, 0x85]));
        assert!(!starts_keyframe(Codec::H264, &[0x7c, 0x05]));
        assert!(!starts_keyframe(Codec::H264, &[]));
    }
}
