//! One track as Matroska (RFC 9559), written in one go: a header, then
//! clusters of about a second, each whole in itself, so that what was written
//! until a crash plays. WebM's codecs make it a WebM file.

use super::ebml::{open, put, put_all, put_float, put_text, put_uint};
use super::part::Media;

/// A cluster is closed when it has lasted this long, ms.
const CLUSTER_MS: u64 = 1_000;

/// What the header of a track says.
pub(super) struct Header<'a> {
    pub media: Media,
    /// What a decoder needs before the first frame.
    pub private: &'a [u8],
    /// Of a picture; a wrong one is put right by the first frame.
    pub size: (u32, u32),
}

/// The bytes before the first cluster.
pub(super) fn header(of: &Header<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    put_all(&mut out, 0x1a45_dfa3, |ebml| {
        put_uint(ebml, 0x4286, 1);
        put_uint(ebml, 0x42f7, 1);
        put_uint(ebml, 0x42f2, 4);
        put_uint(ebml, 0x42f3, 8);
        put_text(ebml, 0x4282, if of.media.is_webm() { "webm" } else { "matroska" });
        put_uint(ebml, 0x4287, 4);
        put_uint(ebml, 0x4285, 2);
    });
    open(&mut out, 0x1853_8067);
    put_all(&mut out, 0x1549_a966, |info| {
        // Times are in milliseconds.
        put_uint(info, 0x002a_d7b1, 1_000_000);
        put_text(info, 0x4d80, "Bedside");
        put_text(info, 0x5741, "Bedside");
        // Set by `with_duration` when it is known.
        put_float(info, 0x4489, 0.0);
    });
    put_all(&mut out, 0x1654_ae6b, |tracks| {
        put_all(tracks, 0xae, |entry| {
            put_uint(entry, 0xd7, 1);
            put_uint(entry, 0x73c5, 1);
            put_uint(entry, 0x83, if of.media.is_video() { 1 } else { 2 });
            put_uint(entry, 0x9c, 0);
            put_text(entry, 0x86, of.media.codec_id());
            if !of.private.is_empty() {
                put(entry, 0x63a2, of.private);
            }
            if of.media.is_video() {
                put_all(entry, 0xe0, |video| {
                    put_uint(video, 0xb0, u64::from(of.size.0.max(1)));
                    put_uint(video, 0xba, u64::from(of.size.1.max(1)));
                });
            } else {
                // Opus: 80 ms of run-in after a seek.
                put_uint(entry, 0x56bb, 80_000_000);
                put_all(entry, 0xe1, |audio| {
                    put_float(audio, 0xb5, 48_000.0);
                    put_uint(audio, 0x9f, 2);
                });
            }
        });
    });
    out
}

/// Writes into a finished file's beginning how long it lasts, ms.
pub(super) fn with_duration(head: &mut [u8], ms: u64) {
    // The id, and the length of eight bytes.
    const PLACE: [u8; 3] = [0x44, 0x89, 0x88];
    if let Some(at) = head.windows(PLACE.len()).position(|bytes| bytes == PLACE)
        && let Some(place) = head.get_mut(at + PLACE.len()..at + PLACE.len() + 8)
    {
        place.copy_from_slice(&(ms as f64).to_be_bytes());
    }
}

/// The private data of an Opus track (RFC 7845 section 5.1): two channels, as
/// browsers decode it.
pub(super) fn opus_head() -> Vec<u8> {
    let mut head = b"OpusHead\x01\x02".to_vec();
    // Samples to skip at the begin: none, the stream was joined in the middle.
    head.extend_from_slice(&0u16.to_le_bytes());
    head.extend_from_slice(&48_000u32.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    head
}

/// A closed cluster. Times in ms of the part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    pub first_ms: u64,
    pub last_ms: u64,
    pub bytes: Vec<u8>,
}

/// The cluster that is being filled.
#[derive(Default)]
pub(super) struct Clusters {
    first_ms: u64,
    last_ms: u64,
    blocks: Vec<u8>,
}

impl Clusters {
    /// Adds a frame, not before the last one; gives the cluster before it when
    /// that is full.
    pub fn push(&mut self, at_ms: u64, keyframe: bool, data: &[u8]) -> Option<Cluster> {
        let full = !self.blocks.is_empty() && at_ms.saturating_sub(self.first_ms) >= CLUSTER_MS;
        let closed = if full { self.close() } else { None };
        if self.blocks.is_empty() {
            self.first_ms = at_ms;
        }
        self.last_ms = at_ms;
        let offset = i16::try_from(at_ms.saturating_sub(self.first_ms)).unwrap_or(i16::MAX);
        let mut block = Vec::with_capacity(data.len() + 4);
        // Track 1.
        block.push(0x81);
        block.extend_from_slice(&offset.to_be_bytes());
        block.push(if keyframe { 0x80 } else { 0 });
        block.extend_from_slice(data);
        put(&mut self.blocks, 0xa3, &block);
        closed
    }

    /// Ends the cluster, if anything is in it.
    pub fn close(&mut self) -> Option<Cluster> {
        if self.blocks.is_empty() {
            return None;
        }
        let mut content = Vec::new();
        put_uint(&mut content, 0xe7, self.first_ms);
        content.append(&mut self.blocks);
        let mut bytes = Vec::new();
        put(&mut bytes, 0x1f43_b675, &content);
        Some(Cluster { first_ms: self.first_ms, last_ms: self.last_ms, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_closed_after_a_second_and_holds_relative_times() {
        let mut clusters = Clusters::default();
        assert_eq!(clusters.push(5_000, true, b"a"), None);
        assert_eq!(clusters.push(5_999, false, b"b"), None);
        let closed = clusters.push(6_000, false, b"c").unwrap();
        assert_eq!((closed.first_ms, closed.last_ms), (5_000, 5_999));
        let times = [0xe7, 0x82, 0x13, 0x88];
        let blocks = [0xa3, 0x85, 0x81, 0, 0, 0x80, b'a', 0xa3, 0x85, 0x81, 0x03, 0xe7, 0, b'b'];
        let whole = [&[0x1f, 0x43, 0xb6, 0x75, 0x92][..], &times, &blocks].concat();
        assert_eq!(closed.bytes, whole);
        assert_eq!(clusters.close().map(|cluster| cluster.first_ms), Some(6_000));
        assert_eq!(clusters.close(), None);
    }

    #[test]
    fn the_duration_gets_its_place() {
        let of = Header { media: Media::Opus, private: &opus_head(), size: (0, 0) };
        let mut bytes = header(&of);
        let length = bytes.len();
        with_duration(&mut bytes, 61_500);
        assert_eq!(bytes.len(), length);
        let value = 61_500f64.to_be_bytes();
        assert!(bytes.windows(8).any(|window| window == value));
    }
}
