//! VP8 in RTP (RFC 7741): each packet has a descriptor before its piece.

/// The piece of a frame, without the descriptor; whether it begins the frame.
pub(super) fn piece(payload: &[u8]) -> Option<(&[u8], bool)> {
    let first = *payload.first()?;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extended = *payload.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            at += if *payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extended & 0x40 != 0);
        at += usize::from(extended & 0x30 != 0);
    }
    let begins = first & 0x10 != 0 && first & 0x07 == 0;
    let rest = payload.get(at..).filter(|rest| !rest.is_empty())?;
    Some((rest, begins))
}

/// Width and height, of a frame that is a keyframe (RFC 6386 section 9.1).
pub(super) fn keyframe_size(frame: &[u8]) -> Option<(u32, u32)> {
    let [first, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = frame else { return None };
    if first & 1 != 0 {
        return None;
    }
    let size = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some((size(*w0, *w1), size(*h0, *h1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_cut_off() {
        assert_eq!(piece(&[0x10, 1, 2]), Some((&[1, 2][..], true)));
        // X; I with 15 bits, L, T.
        assert_eq!(piece(&[0x90, 0xe0, 0x80, 0x01, 0x02, 0x00, 7]), Some((&[7][..], true)));
        // X; I with 7 bits.
        assert_eq!(piece(&[0x80, 0x80, 0x01, 7]), Some((&[7][..], false)));
        for short in [&[][..], &[0x90], &[0x90, 0x80], &[0x90, 0xe0, 0x80, 1, 2, 0]] {
            assert_eq!(piece(short), None, "{short:?}");
        }
    }

    #[test]
    fn a_keyframe_tells_its_size() {
        let key = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41, 0];
        assert_eq!(keyframe_size(&key), Some((640, 360)));
        assert_eq!(keyframe_size(&[0x11, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0]), None);
    }
}
