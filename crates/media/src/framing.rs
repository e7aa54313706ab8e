//! Where one packet ends and the next begins in a stream: connectivity checks
//! and media over TCP (RFC 4571: two bytes of length), and TURN over TCP or
//! TLS, whose messages say their length themselves (RFC 8656 section 12.5).

use std::ops::Range;

/// Longest packet taken from a stream; media stay below 1500 bytes.
const LONGEST: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Media,
    Turn,
}

/// A stream that cannot be cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// One packet in a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub packet: Range<usize>,
    /// Where the next one begins.
    pub end: usize,
}

impl Framing {
    /// The first packet of `buffer`; `None` until it is all there.
    ///
    /// # Errors
    /// It is longer than any, or of no kind that belongs here.
    pub fn first(self, buffer: &[u8]) -> Result<Option<Frame>, Broken> {
        let [b0, b1, rest @ ..] = buffer else {
            return Ok(None);
        };
        let frame = match self {
            Self::Media => {
                let length = usize::from(u16::from_be_bytes([*b0, *b1]));
                Frame { packet: 2..2 + length, end: 2 + length }
            }
            Self::Turn => {
                let [l0, l1, ..] = rest else {
                    return Ok(None);
                };
                let length = usize::from(u16::from_be_bytes([*l0, *l1]));
                match b0 {
                    0x00..=0x3f => Frame { packet: 0..20 + length, end: 20 + length },
                    0x40..=0x4f => Frame { packet: 0..4 + length, end: (4 + length).next_multiple_of(4) },
                    _ => return Err(Broken),
                }
            }
        };
        if frame.end > LONGEST {
            return Err(Broken);
        }
        Ok((frame.end <= buffer.len()).then_some(frame))
    }

    /// Appends a packet to what is written next.
    pub fn write(self, packet: &[u8], out: &mut Vec<u8>) {
        if self == Self::Media {
            let Ok(length) = u16::try_from(packet.len()) else {
                return;
            };
            out.extend(length.to_be_bytes());
        }
        out.extend_from_slice(packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Reads a stream that comes in pieces of these sizes.
    fn read(framing: Framing, stream: &[u8], pieces: &[usize]) -> Result<Vec<Vec<u8>>, Broken> {
        let (mut buffer, mut packets, mut at, mut piece) = (Vec::new(), Vec::new(), 0, 0);
        while at < stream.len() {
            let until = (at + pieces[piece % pieces.len()]).min(stream.len());
            buffer.extend_from_slice(&stream[at..until]);
            (at, piece) = (until, piece + 1);
            while let Some(frame) = framing.first(&buffer)? {
                packets.push(buffer[frame.packet].to_vec());
                buffer.drain(..frame.end);
            }
        }
        Ok(packets)
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in(
            packets in vec(vec(any::<u8>(), 0..2000), 0..20), pieces in vec(1..3000_usize, 1..10),
        ) {
            let mut stream = Vec::new();
            packets.iter().for_each(|packet| Framing::Media.write(packet, &mut stream));
            prop_assert_eq!(read(Framing::Media, &stream, &pieces).unwrap(), packets);
        }

        #[test]
        fn channel_data_and_messages_come_out_as_they_went_in(
            bodies in vec((any::<bool>(), vec(any::<u8>(), 0..1500)), 0..20), pieces in vec(1..3000_usize, 1..10),
        ) {
            let (mut stream, mut packets) = (Vec::new(), Vec::new());
            for (is_message, mut body) in bodies {
                let mut packet = if is_message {
                    body.resize(body.len().next_multiple_of(4), 0);
                    let mut head = vec![0, 1, (body.len() >> 8) as u8, body.len() as u8];
                    head.resize(20, 7);
                    head
                } else {
                    vec![0x40, 1, (body.len() >> 8) as u8, body.len() as u8]
                };
                packet.extend(body);
                packets.push(packet.clone());
                packet.resize(packet.len().next_multiple_of(4), 0);
                Framing::Turn.write(&packet, &mut stream);
            }
            prop_assert_eq!(read(Framing::Turn, &stream, &pieces).unwrap(), packets);
        }

        #[test]
        fn a_hostile_stream_ends_or_waits_for_little(stream in vec(any::<u8>(), 0..9000)) {
            for framing in [Framing::Media, Framing::Turn] {
                let mut rest = &stream[..];
                while let Ok(Some(frame)) = framing.first(rest) {
                    prop_assert!(frame.end > 0 && frame.packet.end <= frame.end);
                    rest = &rest[frame.end..];
                }
                prop_assert!(framing.first(rest).is_err() || rest.len() <= LONGEST);
            }
        }
    }
}
