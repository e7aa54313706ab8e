//! The little this crate reads from session descriptions itself: which media
//! section carries which client track, and answering sections that the client
//! offers only to receive on.

use std::collections::HashMap;

use str0m::media::{MediaKind, Mid};

use crate::limits;

/// One audio or video section of a client's offer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub mid: Mid,
    pub kind: MediaKind,
    /// The client sends on it.
    pub sends: bool,
    /// The client wants to receive on it (single-connection habits).
    pub receive_only: bool,
    /// Second word of `a=msid`: the client's id of the track.
    pub track: Option<String>,
}

/// Whether a description is small enough to be parsed at all.
pub(crate) fn within_limits(sdp: &str) -> bool {
    sdp.len() <= limits::SDP
        && sdp.lines().filter(|line| line.starts_with("m=")).count() <= limits::SDP_SECTIONS
}

/// The audio and video sections of an offer.
pub(crate) fn media_sections(sdp: &str) -> Vec<Section> {
    split(sdp)
        .into_iter()
        .filter(|lines| lines.first().is_some_and(|m| m.starts_with("m=audio") || m.starts_with("m=video")))
        .filter_map(|lines| {
            let has = |attribute: &str| lines.contains(&attribute);
            Some(Section {
                mid: Mid::from(attribute(&lines, "mid:")?),
                kind: if lines[0].starts_with("m=audio") { MediaKind::Audio } else { MediaKind::Video },
                // No direction line means sendrecv (RFC 8866 section 6.7).
                sends: !has("a=recvonly") && !has("a=inactive"),
                receive_only: has("a=recvonly"),
                track: attribute(&lines, "msid:")
                    .and_then(|msid| msid.split_whitespace().nth(1))
                    .map(str::to_owned),
            })
        })
        .collect()
}

/// Says in an answer what the sections carry that the client offered
/// receive-only: what `names` has for them as (stream id, track sid), and
/// nothing otherwise, for which they become inactive. The SDP engine has no
/// call for either in sections that it did not make.
pub(crate) fn name_sections(
    answer: &str,
    offer: &[Section],
    names: &HashMap<Mid, Option<(String, String)>>,
) -> String {
    let received = |mid: Mid| offer.iter().any(|section| section.receive_only && section.mid == mid);
    let mut out = String::with_capacity(answer.len());
    for lines in split(answer) {
        let mid = attribute(&lines, "mid:").map(Mid::from).filter(|mid| received(*mid));
        let carried = mid.map(|mid| names.get(&mid).and_then(Option::as_ref));
        for line in lines {
            match carried {
                None => out.push_str(line),
                Some(None) if line.starts_with("a=msid:") || line.starts_with("a=ssrc") => continue,
                Some(None) if line == "a=sendonly" => out.push_str("a=inactive"),
                Some(None) => out.push_str(line),
                Some(Some((stream, track))) => out.push_str(&renamed(line, stream, track)),
            }
            out.push_str("\r\n");
        }
    }
    out
}

/// A line of a section with another stream's name.
fn renamed(line: &str, stream: &str, track: &str) -> String {
    if line.starts_with("a=msid:") {
        return format!("a=msid:{stream} {track}");
    }
    match line.split_once(" msid:") {
        Some((source, _)) if line.starts_with("a=ssrc:") => format!("{source} msid:{stream} {track}"),
        _ => line.to_owned(),
    }
}

/// The session part and each media section, as lines.
fn split(sdp: &str) -> Vec<Vec<&str>> {
    let mut sections = vec![Vec::new()];
    for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("m=") {
            sections.push(Vec::new());
        }
        if let Some(last) = sections.last_mut() {
            last.push(line);
        }
    }
    sections
}

fn attribute<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendrecv\r\na=msid:s cam-1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=recvonly\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    #[test]
    fn sections_tell_tracks_and_directions() {
        let sections = media_sections(OFFER);
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].track.as_deref(), Some("cam-1"));
        assert!(sections[0].sends && !sections[0].receive_only);
        assert!(!sections[1].sends && sections[1].receive_only);
    }

    #[test]
    fn receive_only_sections_are_answered_inactive() {
        let answer = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=recvonly\r\n\
            m=video 9 x 96\r\na=mid:1\r\na=sendonly\r\na=msid:a b\r\na=ssrc:1 cname:x\r\n";
        let out = name_sections(answer, &media_sections(OFFER), &HashMap::new());
        assert_eq!(
            out,
            "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=recvonly\r\nm=video 9 x 96\r\na=mid:1\r\na=inactive\r\n"
        );
    }

    #[test]
    fn a_section_that_carries_a_track_says_whose() {
        let answer = "v=0\r\nm=video 9 x 96\r\na=mid:1\r\na=sendonly\r\na=msid:a b\r\n\
            a=ssrc:1 cname:x\r\na=ssrc:1 msid:a b\r\n";
        let names = [(Mid::from("1"), Some(("PA_x|TR_y".to_owned(), "TR_y".to_owned())))].into();
        let out = name_sections(answer, &media_sections(OFFER), &names);
        assert_eq!(
            out,
            "v=0\r\nm=video 9 x 96\r\na=mid:1\r\na=sendonly\r\na=msid:PA_x|TR_y TR_y\r\n\
            a=ssrc:1 cname:x\r\na=ssrc:1 msid:PA_x|TR_y TR_y\r\n"
        );
    }

    #[test]
    fn endless_descriptions_are_refused() {
        assert!(within_limits(OFFER));
        assert!(!within_limits(&"m=audio 9\r\n".repeat(65)));
        assert!(!within_limits(&"a".repeat(limits::SDP + 1)));
    }
}
