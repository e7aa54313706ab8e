//! Redundant sound (RFC 2198): a packet that also carries the one before it.
//! It is passed on whole to clients that negotiated it, and as its newest
//! block to everybody else.

use std::sync::Arc;

use str0m::media::Mid;

/// Blocks before the newest one that are looked at; senders use one or two.
const MOST_BLOCKS: usize = 8;

/// Where the newest block begins; none when the packet is malformed.
fn newest(payload: &[u8]) -> Option<usize> {
    let (mut at, mut before) = (0, 0);
    for _ in 0..=MOST_BLOCKS {
        let head = *payload.get(at)?;
        if head & 0x80 == 0 {
            let begins = at + 1 + before;
            return (begins <= payload.len()).then_some(begins);
        }
        let [_, _, middle, low] = *payload.get(at..)?.first_chunk()?;
        before += usize::from(u16::from_be_bytes([middle & 0x03, low]));
        at += 4;
    }
    None
}

/// The newest block: what a packet without redundancy would carry.
pub(crate) fn primary(payload: &[u8]) -> Option<Arc<[u8]>> {
    newest(payload).map(|begins| payload[begins..].into())
}

/// The same packet for a client that numbers the codec inside differently.
pub(crate) fn renumbered(payload: &Arc<[u8]>, inner: u8) -> Arc<[u8]> {
    let Some(head) = payload.first() else { return Arc::clone(payload) };
    if head & 0x7f == inner {
        return Arc::clone(payload);
    }
    let mut copy = payload.to_vec();
    let mut at = 0;
    while let Some(head) = copy.get_mut(at) {
        let follows = *head & 0x80;
        *head = follows | (inner & 0x7f);
        if follows == 0 {
            break;
        }
        at += 4;
    }
    copy.into()
}

/// Puts redundancy last among the codecs of these sections of an answer, so
/// that the client sends without: it said that its sound must not be touched.
pub(crate) fn last_choice(answer: &str, mids: &[Mid]) -> String {
    if mids.is_empty() {
        return answer.to_owned();
    }
    let mut out = String::with_capacity(answer.len());
    let sections: Vec<&str> = split_sections(answer);
    for section in sections {
        let named = mids.iter().any(|mid| section.lines().any(|line| line == format!("a=mid:{mid}")));
        let red = section.lines().find_map(|line| {
            let (pt, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            codec.to_ascii_lowercase().starts_with("red/").then_some(pt)
        });
        match red.filter(|_| named) {
            Some(red) => {
                let (first, rest) = section.split_once("\r\n").unwrap_or((section, ""));
                let mut words: Vec<&str> = first.split(' ').collect();
                if let Some(at) = words.iter().skip(3).position(|word| *word == red) {
                    let moved = words.remove(at + 3);
                    words.push(moved);
                }
                out.push_str(&words.join(" "));
                out.push_str("\r\n");
                out.push_str(rest);
            }
            None => out.push_str(section),
        }
    }
    out
}

/// The session part and each media section, with their line ends.
fn split_sections(sdp: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = vec![0];
    starts.extend(sdp.match_indices("\r\nm=").map(|(at, _)| at + 2));
    starts.push(sdp.len());
    starts.windows(2).map(|two| &sdp[two[0]..two[1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One block of three bytes before one of two; both numbered 111.
    const PACKET: [u8; 10] = [0x80 | 111, 0x0f, 0x00, 3, 111, 1, 2, 3, 8, 9];

    #[test]
    fn the_newest_block_is_found() {
        assert_eq!(primary(&PACKET).as_deref(), Some(&[8, 9][..]));
        assert_eq!(primary(&[111, 5, 6]).as_deref(), Some(&[5, 6][..]));
    }

    #[test]
    fn a_malformed_packet_has_none() {
        for length in 0..PACKET.len() - 2 {
            assert_eq!(primary(&PACKET[..length]), None, "{length}");
        }
        assert_eq!(primary(&[0xff; 200]), None);
    }

    #[test]
    fn the_codec_inside_gets_the_receivers_number() {
        let packet: Arc<[u8]> = PACKET[..].into();
        let out = renumbered(&packet, 96);
        assert_eq!(out[..], [0x80 | 96, 0x0f, 0x00, 3, 96, 1, 2, 3, 8, 9]);
        assert!(Arc::ptr_eq(&renumbered(&packet, 111), &packet));
    }

    #[test]
    fn redundancy_goes_last_where_it_is_not_wanted() {
        let section = |mid: &str| {
            format!(
                "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=mid:{mid}\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
            )
        };
        let answer = format!("v=0\r\ns=-\r\n{}{}", section("0"), section("1"));
        let changed = last_choice(&answer, &[Mid::from("1")]);
        assert_eq!(changed.matches("SAVPF 63 111").count(), 1);
        assert!(changed.ends_with(&section("1").replace("63 111", "111 63")));
        assert_eq!(last_choice(&answer, &[]), answer);
    }
}
