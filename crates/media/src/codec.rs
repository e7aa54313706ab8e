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
        Codec::Vp9 => vp9_starts_keyframe(payload),
        Codec::Av1 => av1_starts_keyframe(payload),
        _ => true,
    }
}

/// The payload descriptor of RFC 9628: the first packet of a frame that is not
/// predicted from an earlier one, in the lowest spatial layer, since the upper
/// ones build on it.
fn vp9_starts_keyframe(payload: &[u8]) -> bool {
    const PICTURE_ID: u8 = 0x80;
    const PREDICTED: u8 = 0x40;
    const LAYERS: u8 = 0x20;
    const BEGINS: u8 = 0x08;
    let Some(head) = payload.first() else { return false };
    if head & PREDICTED != 0 || head & BEGINS == 0 {
        return false;
    }
    if head & LAYERS == 0 {
        return true;
    }
    let mut at = 1;
    if head & PICTURE_ID != 0 {
        let Some(id) = payload.get(1) else { return false };
        at += if id & 0x80 != 0 { 2 } else { 1 };
    }
    // TID (3 bits), U, SID (3 bits), D.
    payload.get(at).is_some_and(|layer| layer >> 1 & 0x07 == 0)
}

/// The aggregation header of AV1's payload format: N says that a new coded
/// video sequence begins, Z that the packet goes on with an earlier unit.
fn av1_starts_keyframe(payload: &[u8]) -> bool {
    const GOES_ON: u8 = 0x80;
    const NEW_SEQUENCE: u8 = 0x08;
    payload.first().is_some_and(|head| head & NEW_SEQUENCE != 0 && head & GOES_ON == 0)
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
    fn vp9_keyframes_are_seen_in_the_lowest_spatial_layer() {
        // I, B; picture id of 15 bits.
        assert!(starts_keyframe(Codec::Vp9, &[0x88, 0x81, 0x02, 0x55]));
        // Predicted; not the start of a frame.
        assert!(!starts_keyframe(Codec::Vp9, &[0xc8, 0x81, 0x02, 0x55]));
        assert!(!starts_keyframe(Codec::Vp9, &[0x80, 0x81, 0x02, 0x55]));
        // With layers: spatial layer 0, then 1.
        assert!(starts_keyframe(Codec::Vp9, &[0xa8, 0x81, 0x02, 0x00]));
        assert!(!starts_keyframe(Codec::Vp9, &[0xa8, 0x81, 0x02, 0x02]));
        assert!(starts_keyframe(Codec::Vp9, &[0xa8, 0x01, 0x00]));
        assert!(!starts_keyframe(Codec::Vp9, &[0xa8, 0x81]));
        assert!(!starts_keyframe(Codec::Vp9, &[]));
    }

    #[test]
    fn av1_keyframes_are_seen_at_a_new_sequence() {
        assert!(starts_keyframe(Codec::Av1, &[0x18, 0x0a]));
        assert!(!starts_keyframe(Codec::Av1, &[0x10, 0x32]));
        assert!(!starts_keyframe(Codec::Av1, &[0x98, 0x32]));
        assert!(!starts_keyframe(Codec::Av1, &[]));
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
