//! VP9 in RTP (RFC 9628).

/// A packet's piece of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vp9Piece<'a> {
    pub data: &'a [u8],
    /// It begins the picture.
    pub begins: bool,
    /// The picture needs no other one.
    pub keyframe: bool,
}

/// Reads the descriptor of a packet.
pub(super) fn piece(payload: &[u8]) -> Option<Vp9Piece<'_>> {
    let first = *payload.first()?;
    let has = |bit: u8| first & bit != 0;
    let (with_id, predicted, layered, flexible, begins, structured) =
        (has(0x80), has(0x40), has(0x20), has(0x10), has(0x08), has(0x02));
    let mut at = 1;
    if with_id {
        at += if *payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    let mut spatial = 0;
    if layered {
        spatial = *payload.get(at)? >> 1 & 0x07;
        at += if flexible { 1 } else { 2 };
    }
    if flexible && predicted {
        for _ in 0..3 {
            let more = *payload.get(at)? & 1 != 0;
            at += 1;
            if !more {
                break;
            }
        }
    }
    if structured {
        at = after_structure(payload, at)?;
    }
    let data = payload.get(at..).filter(|rest| !rest.is_empty())?;
    Some(Vp9Piece { data, begins: begins && spatial == 0, keyframe: !predicted && spatial == 0 })
}

fn after_structure(payload: &[u8], mut at: usize) -> Option<usize> {
    let head = *payload.get(at)?;
    at += 1;
    if head & 0x10 != 0 {
        at += 4 * (usize::from(head >> 5) + 1);
    }
    if head & 0x08 != 0 {
        let groups = *payload.get(at)?;
        at += 1;
        for _ in 0..groups {
            at += 1 + usize::from(*payload.get(at)? >> 2 & 0x03);
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_every_shape_are_cut_off() {
        let key = piece(&[0x88, 0x05, 9]).unwrap();
        assert_eq!((key.data, key.begins, key.keyframe), (&[9][..], true, true));
        let delta = piece(&[0xc0, 0x85, 0x01, 9]).unwrap();
        assert_eq!((delta.data, delta.begins, delta.keyframe), (&[9][..], false, false));
        // Layered, not flexible: TL0PICIDX follows.
        assert_eq!(piece(&[0x28, 0x00, 0x07, 9]).unwrap().data, [9]);
        // Flexible with two references.
        assert_eq!(piece(&[0x58, 0x03, 0x02, 9]).unwrap().data, [9]);
        // A structure with one size and one group of one reference.
        assert_eq!(piece(&[0x0a, 0x18, 2, 128, 1, 104, 1, 0x04, 1, 9]).unwrap().data, [9]);
        for short in [&[][..], &[0x80], &[0x0a, 0x18, 1], &[0x08]] {
            assert_eq!(piece(short), None, "{short:?}");
        }
    }
}
