//! Packets towards the client, and keyframes asked of it.

use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::media::{KeyframeRequestKind, Mid, Pt, Rid};
use str0m::rtp::{RtpWrite, SeqNo, Vp8Descriptor};

use super::{Incoming, Transport};
use crate::red;
use crate::rewrite::{Numbers, Vp8Ids};

/// How many video packets, how old ones, and as what part of all that goes out
/// can be sent again.
pub(super) const REPEATABLE: (usize, Duration, Option<f32>) = (2_000, Duration::from_secs(3), Some(0.5));

impl Transport {
    /// Makes a newly answered video section fit for bad networks: half of what
    /// goes out may be repeats. The library's default of 0.15 gives up where
    /// a fifth is lost, which then stays lost.
    pub fn allow_repeats(&mut self, mid: Mid) {
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.set_rtx_cache(REPEATABLE.0, REPEATABLE.1, REPEATABLE.2);
        }
    }

    /// The payload type this client wants for a codec on this section.
    pub fn payload_type(&self, mid: Mid, codec: Codec) -> Option<Accepted> {
        let accepted = self.rtc.media(mid)?.remote_pts();
        self.rtc
            .codec_config()
            .params()
            .iter()
            .find(|params| {
                params.spec().codec == codec && (accepted.is_empty() || accepted.contains(&params.pt()))
            })
            .map(|params| Accepted { pt: params.pt(), red: params.red() })
    }

    /// Queues a packet of another peer's track for this client. `captured`:
    /// when its sender made it, which this client is told in sender reports.
    pub fn forward(
        &mut self,
        mid: Mid,
        accepted: Accepted,
        numbers: &Numbers,
        captured: Instant,
        from: &Incoming,
    ) {
        let packet = &from.packet;
        // These extensions describe the publisher's connection, not this one.
        let mut extensions = packet.header.ext_vals.clone();
        extensions.mid = None;
        extensions.rid = None;
        extensions.rid_repair = None;
        extensions.transport_cc = None;
        extensions.abs_send_time = None;
        if !matches!(from.codec, Codec::Av1 | Codec::Vp9) {
            // Layers of the other codecs are switched, which its numbers would
            // contradict.
            extensions.user_values = Default::default();
        }
        let (pt, payload) = match (&from.red, accepted.red) {
            (Some(whole), Some(red)) => (red, red::renumbered(whole, *accepted.pt)),
            _ => (accepted.pt, packet.payload.clone()),
        };
        let mut write = RtpWrite::new(pt, SeqNo::from(numbers.seq), numbers.time, captured, payload)
            .marker(packet.header.marker)
            .ext_vals(extensions)
            .nackable(from.codec.is_video());
        if let Some(patch) = vp8_patch(from, &numbers.vp8) {
            write = write.vp8_patch(patch);
        }
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.write_rtp(write);
        }
    }

    /// Asks the client for a keyframe of a layer of its track.
    pub fn request_keyframe(&mut self, mid: Mid, rid: Option<Rid>) {
        if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, rid) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}

/// How a client wants a codec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub pt: Pt,
    /// The same with redundancy, when the client takes that.
    pub red: Option<Pt>,
}

/// The VP8 numbers of a packet.
pub(crate) fn vp8_ids(incoming: &Incoming) -> Vp8Ids {
    if incoming.codec != Codec::Vp8 {
        return Vp8Ids::default();
    }
    match Vp8Descriptor::parse(&incoming.packet.payload) {
        Ok(descriptor) => Vp8Ids { picture: descriptor.picture_id(), tl0: descriptor.tl0_pic_idx() },
        Err(_) => Vp8Ids::default(),
    }
}

fn vp8_patch(incoming: &Incoming, ids: &Vp8Ids) -> Option<str0m::rtp::Vp8Patch> {
    if incoming.codec != Codec::Vp8 || *ids == Vp8Ids::default() {
        return None;
    }
    let mut patch = Vp8Descriptor::parse(&incoming.packet.payload).ok()?.patch();
    if let Some(picture) = ids.picture {
        patch = patch.picture_id(picture);
    }
    if let Some(tl0) = ids.tl0 {
        patch = patch.tl0_pic_idx(tl0);
    }
    patch.build().ok()
}
