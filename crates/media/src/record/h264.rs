//! H.264 in RTP (RFC 6184) to the form that Matroska holds: units with their
//! length before them, and the parameter sets apart (ISO 14496-15).

const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Joins the units of one frame's packets; none when a piece is missing.
pub(super) fn units(packets: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for packet in packets {
        let (first, rest) = packet.split_first()?;
        match first & 0x1f {
            STAP_A => {
                let mut rest = rest;
                while let [high, low, after @ ..] = rest {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    units.push(after.get(..length)?.to_vec());
                    rest = &after[length..];
                }
            }
            FU_A => {
                let (header, piece) = rest.split_first()?;
                if header & 0x80 != 0 {
                    units.push(vec![first & 0xe0 | header & 0x1f]);
                    open = true;
                }
                if !open {
                    return None;
                }
                units.last_mut()?.extend_from_slice(piece);
                open = header & 0x40 == 0;
            }
            1..=23 => units.push(packet.to_vec()),
            _ => return None,
        }
    }
    (!open && !units.is_empty()).then_some(units)
}

fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |first| first & 0x1f)
}

/// The frame with a length before each unit, and whether it is a keyframe.
pub(super) fn frame(units: &[Vec<u8>]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    for unit in units.iter().filter(|unit| !unit.is_empty() && kind(unit) != DELIMITER) {
        data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        data.extend_from_slice(unit);
    }
    (data, units.iter().any(|unit| kind(unit) == IDR))
}

/// What a decoder needs first (`avcC`), of a frame that carries it.
pub(super) fn configuration(units: &[Vec<u8>]) -> Option<Vec<u8>> {
    let find = |wanted: u8| units.iter().find(|unit| kind(unit) == wanted && unit.len() >= 4);
    let sps = find(SPS)?;
    let pps = units.iter().find(|unit| kind(unit) == PPS && unit.len() >= 2)?;
    // Profile, compatibility, level; four bytes of length; one of each set.
    let mut out = vec![1, sps[1], sps[2], sps[3], 0xff, 0xe1];
    out.extend_from_slice(&u16::try_from(sps.len()).ok()?.to_be_bytes());
    out.extend_from_slice(sps);
    out.push(1);
    out.extend_from_slice(&u16::try_from(pps.len()).ok()?.to_be_bytes());
    out.extend_from_slice(pps);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packaging_gives_the_same_units() {
        let whole = [0x65, 1, 2, 3, 4];
        let cut: [&[u8]; 2] = [&[0x7c, 0x85, 1, 2], &[0x7c, 0x45, 3, 4]];
        assert_eq!(units(&[&whole]), units(&cut));
        let joined = [0x78, 0, 4, 0x67, 1, 2, 3, 0, 2, 0x68, 9];
        let found = units(&[&joined, &whole]).unwrap();
        assert_eq!(found, [vec![0x67, 1, 2, 3], vec![0x68, 9], whole.to_vec()]);
        let (data, keyframe) = frame(&found[2..]);
        assert_eq!((data, keyframe), (vec![0, 0, 0, 5, 0x65, 1, 2, 3, 4], true));
        let avcc = configuration(&found).unwrap();
        assert_eq!(avcc, [1, 1, 2, 3, 0xff, 0xe1, 0, 4, 0x67, 1, 2, 3, 1, 0, 2, 0x68, 9]);
    }

    #[test]
    fn a_missing_piece_makes_no_frame() {
        assert_eq!(units(&[&[0x7c, 0x85, 1]]), None);
        assert_eq!(units(&[&[0x7c, 0x05, 1]]), None);
        assert_eq!(units(&[&[0x78, 0, 9, 1]]), None);
        assert_eq!(units(&[&[]]), None);
        assert_eq!(units(&[]), None);
    }
}
