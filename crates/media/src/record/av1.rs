//! AV1 in RTP (the AV1 RTP payload format 1.0) to the form that Matroska holds:
//! units with a size each, without delimiters.

const SEQUENCE: u8 = 1;
const DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn put_leb128(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        out.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return;
        }
    }
}

/// Does a packet begin a unit of its own?
pub(super) fn begins(payload: &[u8]) -> bool {
    payload.first().is_some_and(|head| head & 0x80 == 0)
}

/// Does a packet begin a picture that needs no other one?
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    payload.first().is_some_and(|head| head & 0x88 == 0x08)
}

/// Joins the units of one picture's packets; none when a piece is missing.
pub(super) fn units(packets: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for packet in packets {
        let (head, mut rest) = packet.split_first()?;
        let count = usize::from(head >> 4 & 0x03);
        let mut index = 0;
        while !rest.is_empty() {
            let length = if count > 0 && index + 1 == count {
                rest.len()
            } else {
                let (length, used) = leb128(rest)?;
                rest = &rest[used..];
                length
            };
            let element = rest.get(..length)?;
            rest = &rest[length..];
            let continues = index == 0 && head & 0x80 != 0;
            if continues != (open && index == 0) {
                return None;
            }
            if continues {
                units.last_mut()?.extend_from_slice(element);
            } else {
                units.push(element.to_vec());
            }
            index += 1;
            open = false;
        }
        open = head & 0x40 != 0;
    }
    (!open && !units.is_empty()).then_some(units)
}

/// Header length of a unit and its type.
fn parts(unit: &[u8]) -> Option<(u8, usize)> {
    let first = *unit.first()?;
    Some((first >> 3 & 0x0f, 1 + usize::from(first & 0x04 != 0)))
}

/// One unit with its size in it.
fn sized(unit: &[u8], head: usize, out: &mut Vec<u8>) -> Option<()> {
    if unit[0] & 0x02 != 0 {
        out.extend_from_slice(unit);
        return Some(());
    }
    out.push(unit[0] | 0x02);
    out.extend_from_slice(unit.get(1..head)?);
    put_leb128(out, unit.len() - head);
    out.extend_from_slice(unit.get(head..)?);
    Some(())
}

/// The picture as it is kept, and whether it needs no other one.
pub(super) fn frame(units: &[Vec<u8>]) -> Option<(Vec<u8>, bool)> {
    let (mut data, mut keyframe) = (Vec::new(), false);
    for unit in units {
        let (kind, head) = parts(unit)?;
        if matches!(kind, DELIMITER | TILE_LIST | PADDING) {
            continue;
        }
        keyframe |= kind == SEQUENCE;
        sized(unit, head, &mut data)?;
    }
    (!data.is_empty()).then_some((data, keyframe))
}

/// What a decoder needs first (`av1C`), of a picture that carries it: profile
/// and level from the sequence header, 8 bits 4:2:0 as browsers send.
pub(super) fn configuration(units: &[Vec<u8>]) -> Option<Vec<u8>> {
    let unit = units.iter().find(|unit| parts(unit).is_some_and(|(kind, _)| kind == SEQUENCE))?;
    let (_, head) = parts(unit)?;
    let mut body = unit.get(head..)?;
    if unit[0] & 0x02 != 0 {
        body = body.get(leb128(body)?.1..)?;
    }
    let bits = body.get(..5)?.iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
    let bit = |from: u32, count: u32| bits >> (40 - from - count) & ((1 << count) - 1);
    let profile = bit(0, 3) as u8;
    let reduced = bit(4, 1) == 1;
    // Without timing information, as in calls: flags, count, point, level.
    let level = if reduced { bit(5, 5) } else { bit(24, 5) } as u8;
    let mut out = vec![0x81, profile << 5 | level, 0x0c, 0];
    sized(unit, head, &mut out)?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A sequence header and a frame.
    const HEADER: [u8; 7] = [0x08, 0x00, 0x00, 0x00, 0x42, 0xab, 0xbf];

    #[test]
    fn elements_and_fragments_are_joined() {
        let first = [&[0x68, 7][..], &HEADER, &[0x30, 1, 2]].concat();
        let second = [0x90, 3, 4];
        let found = units(&[&first, &second]).unwrap();
        assert_eq!(found, [HEADER.to_vec(), vec![0x30, 1, 2, 3, 4]]);
        let (data, keyframe) = frame(&found).unwrap();
        assert!(keyframe);
        assert_eq!(data, [&[0x0a, 6][..], &HEADER[1..], &[0x32, 4, 1, 2, 3, 4]].concat());
        assert!(starts_keyframe(&first) && begins(&first) && !begins(&second));
        assert_eq!(units(&[&second]), None);
        assert_eq!(units(&[&first]), None);
        assert_eq!(units(&[&[0x00, 0xff, 0xff, 0xff, 0xff]]), None);
    }

    #[test]
    fn the_configuration_names_profile_and_level() {
        // Profile 0, level index 8 (4.0) after 24 bits.
        let av1c = configuration(&[HEADER.to_vec()]).unwrap();
        assert_eq!(av1c[..4], [0x81, 0x08, 0x0c, 0]);
        assert_eq!(configuration(&[vec![0x30, 1]]), None);
    }

    #[test]
    fn delimiters_are_left_out() {
        assert_eq!(frame(&[vec![0x12, 0], vec![0x32, 1, 9]]), Some((vec![0x32, 1, 9], false)));
        assert_eq!(frame(&[vec![0x12, 0]]), None);
    }
}
