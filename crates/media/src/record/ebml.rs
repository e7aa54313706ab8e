//! EBML, the notation that Matroska is written in (RFC 8794): elements with an
//! id, a length and content.

/// A length that says "until the end of the file": for what is still written.
const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Appends an element's id; ids carry their own length marker.
fn put_id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(3);
    out.extend_from_slice(&bytes[first..]);
}

/// Appends a length in as few bytes as it needs.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = length as u64;
    // All ones is reserved for "unknown".
    let bytes = (1..=8u32).find(|n| length < (1u64 << (7 * n)) - 1).unwrap_or(8);
    let marked = length | 1u64 << (7 * bytes);
    out.extend_from_slice(&marked.to_be_bytes()[8 - bytes as usize..]);
}

/// Appends an element with these bytes.
pub(super) fn put(out: &mut Vec<u8>, id: u32, content: &[u8]) {
    put_id(out, id);
    put_length(out, content.len());
    out.extend_from_slice(content);
}

/// Appends an element whose end is the end of the file.
pub(super) fn open(out: &mut Vec<u8>, id: u32) {
    put_id(out, id);
    out.extend_from_slice(&UNKNOWN);
}

/// Appends a whole number in as few bytes as it needs.
pub(super) fn put_uint(out: &mut Vec<u8>, id: u32, value: u64) {
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    put(out, id, &bytes[first..]);
}

/// Appends a text.
pub(super) fn put_text(out: &mut Vec<u8>, id: u32, text: &str) {
    put(out, id, text.as_bytes());
}

/// Appends a number of eight bytes.
pub(super) fn put_float(out: &mut Vec<u8>, id: u32, value: f64) {
    put(out, id, &value.to_be_bytes());
}

/// Appends an element that holds others.
pub(super) fn put_all(out: &mut Vec<u8>, id: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    put(out, id, &content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_never_all_ones() {
        let of = |length| {
            let mut out = Vec::new();
            put_length(&mut out, length);
            out
        };
        assert_eq!(of(0), [0x80]);
        assert_eq!(of(126), [0xfe]);
        assert_eq!(of(127), [0x40, 0x7f]);
        assert_eq!(of(16_382), [0x7f, 0xfe]);
        assert_eq!(of(16_383), [0x20, 0x3f, 0xff]);
    }

    #[test]
    fn elements_nest() {
        let mut out = Vec::new();
        put_all(&mut out, 0x1a45_dfa3, |inner| put_uint(inner, 0x4286, 300));
        assert_eq!(out, [0x1a, 0x45, 0xdf, 0xa3, 0x85, 0x42, 0x86, 0x82, 0x01, 0x2c]);
    }
}
