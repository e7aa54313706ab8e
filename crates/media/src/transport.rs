//! One peer connection. The only module that drives str0m: the rest of the
//! crate sees datagrams go in and [`TransportEvent`]s come out.
//!
//! str0m keeps one pending packet, so it is polled dry after every single
//! input; several inputs without polling lose media silently.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, SeqNo, Ssrc, Vp8Descriptor};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output as RtcOutput, Rtc};

use crate::env::{Env, Output};
use crate::ids::{self, TransportKey};
use crate::outbox::Outbox;
use crate::rewrite::{Numbers, Vp8Ids};

/// How many video packets, and how old ones, can be sent again.
const REPEATABLE: (usize, Duration) = (2_000, Duration::from_secs(3));

/// Which data channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Reliable,
    Lossy,
}

#[expect(clippy::large_enum_variant, reason = "the large one is nearly all of them")]
pub(crate) enum TransportEvent {
    /// ICE and DTLS are up.
    Connected,
    /// ICE checks come in again, or not any more.
    Ice {
        alive: bool,
    },
    Rtp(Incoming),
    Data {
        channel: Channel,
        bytes: Vec<u8>,
    },
    /// The client wants a keyframe of what it receives on `mid`.
    KeyframeWanted {
        mid: Mid,
    },
    /// What a client reports of what it receives from here, about every two
    /// seconds: part of the packets lost, round trip.
    Received {
        loss: Option<f32>,
        rtt: Option<Duration>,
    },
    /// What this side has lost of the client's stream.
    Lost {
        fraction: f32,
    },
    /// The client has closed it.
    Closed,
    /// It is broken beyond repair.
    Broken,
}

/// An RTP packet of a client's track.
pub(crate) struct Incoming {
    pub mid: Mid,
    pub rid: Option<Rid>,
    pub codec: Codec,
    pub packet: RtpPacket,
}

/// A description that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("session description refused: {0}")]
pub(crate) struct Refused(String);

/// A media section to add to the next offer.
pub(crate) struct NewMedia {
    pub kind: MediaKind,
    pub stream_id: String,
    pub track_id: String,
}

struct Stream {
    mid: Mid,
    rid: Option<Rid>,
    codec: Option<(Pt, Codec)>,
}

pub(crate) struct Transport {
    rtc: Rtc,
    key: TransportKey,
    streams: HashMap<Ssrc, Stream>,
    channels: HashMap<ChannelId, Channel>,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
    outbox: Outbox,
    pending: Option<SdpPendingOffer>,
    offer_id: u32,
    deadline: Instant,
    scheduled: Option<Instant>,
    broken: bool,
    /// Waits to be driven; kept here so that it is queued once only.
    pub dirty: bool,
    /// How many more remote candidates are taken.
    pub candidates_left: u32,
    /// Since when no ICE check has come, once the connection was up.
    pub ice_lost: Option<Instant>,
}

impl Transport {
    pub fn new(env: &mut Env, key: TransportKey) -> Self {
        let creds = IceCreds { ufrag: ids::letters(&mut env.rng, 16), pass: ids::letters(&mut env.rng, 32) };
        env.demux.set_fragment(&creds.ufrag, key);
        let mut rtc = Rtc::builder()
            .set_crypto_provider(env.crypto.clone())
            .set_dtls_cert(env.cert.clone())
            .set_local_ice_credentials(creds)
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_h264(true)
            .set_send_buffer_video(REPEATABLE.0)
            .set_stats_interval(Some(Duration::from_secs(2)))
            .build(env.now);
        for address in &env.candidates {
            if let Ok(candidate) = Candidate::host(*address, Protocol::Udp) {
                rtc.add_local_candidate(candidate);
            }
        }
        Self {
            rtc,
            key,
            streams: HashMap::new(),
            channels: HashMap::new(),
            reliable: None,
            lossy: None,
            outbox: Outbox::default(),
            pending: None,
            offer_id: 0,
            deadline: env.now,
            scheduled: None,
            broken: false,
            dirty: false,
            candidates_left: crate::limits::CANDIDATES,
            ice_lost: None,
        }
    }

    /// Whether a check from an unproved address is signed for this connection.
    pub fn accepts(&self, now: Instant, source: SocketAddr, to: SocketAddr, bytes: &[u8]) -> bool {
        receive(source, to, bytes).is_some_and(|r| self.rtc.accepts(&Input::Receive(now, r)))
    }

    /// Takes a datagram and polls dry.
    pub fn receive(
        &mut self,
        env: &mut Env,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        events: &mut Vec<TransportEvent>,
    ) {
        let Some(receive) = receive(source, to, bytes) else {
            return;
        };
        let now = env.now;
        self.guarded(events, |rtc| rtc.handle_input(Input::Receive(now, receive)));
        self.poll(env, events);
    }

    /// Lets time pass, sends what was written since, and polls dry.
    pub fn drive(&mut self, env: &mut Env, events: &mut Vec<TransportEvent>) {
        self.dirty = false;
        let now = env.now;
        self.guarded(events, |rtc| rtc.handle_input(Input::Timeout(now)));
        self.poll(env, events);
    }

    /// A timer entry of this connection has come up: true when it is to be
    /// driven now. An entry that a nearer one has overtaken counts no more.
    pub fn due(&mut self, env: &mut Env, entry: Instant) -> bool {
        if self.scheduled != Some(entry) {
            return false;
        }
        self.scheduled = None;
        if self.deadline <= env.now {
            return true;
        }
        self.schedule(env);
        false
    }

    fn schedule(&mut self, env: &mut Env) {
        if self.scheduled.is_none_or(|at| self.deadline < at) {
            self.scheduled = Some(self.deadline);
            env.deadlines.add(self.deadline, self.key);
        }
    }

    /// Runs str0m so that neither an error nor a panic of its parsers on
    /// hostile input reaches other peers: this connection alone is over.
    fn guarded<E: std::fmt::Display>(
        &mut self,
        events: &mut Vec<TransportEvent>,
        run: impl FnOnce(&mut Rtc) -> Result<(), E>,
    ) {
        if self.broken {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| run(&mut self.rtc))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(key = ?self.key, %error, "input refused"),
            Err(_) => self.end(events),
        }
    }

    fn end(&mut self, events: &mut Vec<TransportEvent>) {
        if !self.broken {
            self.broken = true;
            self.rtc.disconnect();
            events.push(TransportEvent::Broken);
        }
    }

    fn poll(&mut self, env: &mut Env, events: &mut Vec<TransportEvent>) {
        while !self.broken {
            match catch_unwind(AssertUnwindSafe(|| self.rtc.poll_output())) {
                Ok(Ok(RtcOutput::Timeout(at))) => {
                    self.deadline = at;
                    self.schedule(env);
                    break;
                }
                Ok(Ok(RtcOutput::Transmit(t))) => {
                    env.counters.datagrams_out += 1;
                    env.out.push_back(Output::Datagram {
                        from: t.source,
                        to: t.destination,
                        contents: t.contents,
                    });
                }
                Ok(Ok(RtcOutput::Event(event))) => self.on_event(env.now, event, events),
                Ok(Err(error)) => {
                    tracing::debug!(key = ?self.key, %error, "connection broken");
                    self.end(events);
                }
                Err(_) => self.end(events),
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: Event, events: &mut Vec<TransportEvent>) {
        match event {
            Event::RtpPacket(packet) => {
                if let Some(incoming) = self.incoming(packet) {
                    events.push(TransportEvent::Rtp(incoming));
                }
            }
            Event::Connected => {
                self.ice_lost = None;
                events.push(TransportEvent::Connected);
            }
            Event::IceConnectionStateChange(state) => {
                let alive = state != IceConnectionState::Disconnected;
                self.ice_lost = if alive { None } else { self.ice_lost.or(Some(now)) };
                events.push(TransportEvent::Ice { alive });
            }
            Event::ChannelOpen(id, label) => self.channel_open(id, &label),
            Event::ChannelData(data) => {
                if let Some(channel) = self.channels.get(&data.id) {
                    events.push(TransportEvent::Data { channel: *channel, bytes: data.data });
                }
            }
            Event::ChannelBufferedAmountLow(id) if Some(id) == self.reliable => self.flush(),
            Event::KeyframeRequest(request) => {
                events.push(TransportEvent::KeyframeWanted { mid: request.mid });
            }
            Event::MediaEgressStats(stats) => {
                events.push(TransportEvent::Received { loss: stats.loss, rtt: stats.rtt })
            }
            Event::MediaIngressStats(stats) => {
                if let Some(fraction) = stats.loss {
                    events.push(TransportEvent::Lost { fraction });
                }
            }
            Event::Closed => events.push(TransportEvent::Closed),
            _ => {}
        }
    }

    fn incoming(&mut self, packet: RtpPacket) -> Option<Incoming> {
        let ssrc = packet.header.ssrc;
        if !self.streams.contains_key(&ssrc) {
            let mut api = self.rtc.direct_api();
            let found = api.stream_rx(&ssrc)?;
            let stream = Stream { mid: found.mid(), rid: found.rid(), codec: None };
            self.streams.insert(ssrc, stream);
        }
        let stream = self.streams.get_mut(&ssrc)?;
        let pt = packet.header.payload_type;
        let codec = match stream.codec {
            Some((known, codec)) if known == pt => codec,
            _ => {
                let codec = self.rtc.codec_config().find(|params| params.pt() == pt)?.spec().codec;
                stream.codec = Some((pt, codec));
                codec
            }
        };
        Some(Incoming { mid: stream.mid, rid: stream.rid, codec, packet })
    }

    // ---- negotiation -----------------------------------------------------

    /// Takes a client's offer; the answer to send back.
    pub fn accept_offer(&mut self, env: &mut Env, sdp: &str) -> Result<String, Refused> {
        let answer = self.negotiating(|rtc| {
            let offer = SdpOffer::from_sdp_string(sdp).map_err(|e| e.to_string())?;
            let answer = rtc.sdp_api().accept_offer(offer).map_err(|e| e.to_string())?;
            Ok(answer.to_sdp_string())
        })?;
        self.sync_fragment(env);
        Ok(answer)
    }

    /// Takes a client's answer to the offer with this id. An answer to an
    /// older offer changes nothing and is `Ok(false)`. Id 0: the client does
    /// not number its answers.
    pub fn accept_answer(&mut self, env: &mut Env, id: u32, sdp: &str) -> Result<bool, Refused> {
        if id != 0 && id != self.offer_id {
            return Ok(false);
        }
        let Some(pending) = self.pending.take() else {
            return Ok(false);
        };
        self.negotiating(|rtc| {
            let answer = SdpAnswer::from_sdp_string(sdp).map_err(|e| e.to_string())?;
            rtc.sdp_api().accept_answer(pending, answer).map_err(|e| e.to_string())
        })?;
        self.sync_fragment(env);
        Ok(true)
    }

    fn negotiating<T>(&mut self, run: impl FnOnce(&mut Rtc) -> Result<T, String>) -> Result<T, Refused> {
        match catch_unwind(AssertUnwindSafe(|| run(&mut self.rtc))) {
            Ok(result) => result.map_err(Refused),
            Err(_) => {
                self.broken = true;
                self.rtc.disconnect();
                Err(Refused("the parser gave up".to_owned()))
            }
        }
    }

    fn sync_fragment(&mut self, env: &mut Env) {
        let creds = self.rtc.direct_api().local_ice_credentials();
        env.demux.set_fragment(&creds.ufrag, self.key);
    }

    pub fn offer_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The first offer: the two data channels. Returns its id and text.
    pub fn offer_channels(&mut self) -> Option<(u32, String)> {
        let mut api = self.rtc.sdp_api();
        let reliable = api.add_channel_with_config(ChannelConfig {
            label: "_reliable".to_owned(),
            ordered: true,
            ..Default::default()
        });
        let lossy = api.add_channel_with_config(ChannelConfig {
            label: "_lossy".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..Default::default()
        });
        let (offer, pending) = api.apply()?;
        (self.reliable, self.lossy) = (Some(reliable), Some(lossy));
        Some(self.offered(offer, pending))
    }

    /// An offer that adds and stops media sections and may restart ICE. The
    /// new sections' ids come in the order of `add`. `None`: nothing to offer.
    pub fn offer_media(
        &mut self,
        env: &mut Env,
        add: Vec<NewMedia>,
        stop: &[Mid],
        restart: bool,
    ) -> Option<(u32, String, Vec<Mid>)> {
        let mut api = self.rtc.sdp_api();
        if restart {
            let creds = api.ice_restart(true);
            env.demux.add_fragment(&creds.ufrag, self.key);
        }
        for mid in stop {
            api.stop_media(*mid);
        }
        let mids = add
            .into_iter()
            .map(|media| {
                api.add_media(
                    media.kind,
                    Direction::SendOnly,
                    Some(media.stream_id),
                    Some(media.track_id),
                    None,
                )
            })
            .collect();
        let (offer, pending) = api.apply()?;
        let (id, sdp) = self.offered(offer, pending);
        Some((id, sdp, mids))
    }

    fn offered(&mut self, offer: SdpOffer, pending: SdpPendingOffer) -> (u32, String) {
        self.offer_id += 1;
        self.pending = Some(pending);
        (self.offer_id, offer.to_sdp_string())
    }

    pub fn add_remote_candidate(&mut self, candidate: &str) {
        if self.candidates_left == 0 || self.broken {
            return;
        }
        self.candidates_left -= 1;
        // Names instead of addresses (mDNS) do not parse; the checks
        // themselves will tell the address.
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    // ---- media -----------------------------------------------------------

    /// Makes a newly answered video section fit for bad networks: half of what
    /// goes out may be repeats. The library's default of 0.15 gives up where
    /// a fifth is lost, which then stays lost.
    pub fn allow_repeats(&mut self, mid: Mid) {
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.set_rtx_cache(REPEATABLE.0, REPEATABLE.1, Some(0.5));
        }
    }

    /// The payload type this client wants for a codec on this section.
    pub fn payload_type(&self, mid: Mid, codec: Codec) -> Option<Pt> {
        let accepted = self.rtc.media(mid)?.remote_pts();
        self.rtc
            .codec_config()
            .params()
            .iter()
            .find(|params| {
                params.spec().codec == codec && (accepted.is_empty() || accepted.contains(&params.pt()))
            })
            .map(|params| params.pt())
    }

    /// Queues a packet of another peer's track for this client.
    pub fn forward(&mut self, mid: Mid, pt: Pt, numbers: &Numbers, from: &Incoming) {
        let packet = &from.packet;
        // These extensions describe the publisher's connection, not this one.
        let mut extensions = packet.header.ext_vals.clone();
        extensions.mid = None;
        extensions.rid = None;
        extensions.rid_repair = None;
        extensions.transport_cc = None;
        extensions.abs_send_time = None;
        let mut write = RtpWrite::new(
            pt,
            SeqNo::from(numbers.seq),
            numbers.time,
            packet.timestamp,
            packet.payload.clone(),
        )
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

    // ---- data ------------------------------------------------------------

    fn channel_open(&mut self, id: ChannelId, label: &str) {
        let (channel, slot) = match label {
            "_reliable" => (Channel::Reliable, &mut self.reliable),
            "_lossy" => (Channel::Lossy, &mut self.lossy),
            // `_data_track` and others are not served.
            _ => return,
        };
        *slot = Some(id);
        self.channels.insert(id, channel);
        if channel == Channel::Reliable {
            if let Some(mut open) = self.rtc.channel(id) {
                open.set_buffered_amount_low_threshold(16 * 1024);
            }
            self.flush();
        }
    }

    /// Sends a data packet to this client. False when a reliable one cannot
    /// be kept either: the client is hopelessly behind.
    pub fn send_data(&mut self, channel: Channel, bytes: &bytes::Bytes) -> bool {
        match channel {
            Channel::Reliable => {
                if !self.outbox.push(bytes.clone()) {
                    return false;
                }
                self.flush();
            }
            Channel::Lossy => {
                if let Some(mut open) = self.lossy.and_then(|id| self.rtc.channel(id))
                    && open.buffered_amount() < crate::limits::LOSSY_BACKLOG
                {
                    // Refused means a full buffer, which for lossy means lost.
                    let _ = open.write(true, bytes);
                }
            }
        }
        true
    }

    fn flush(&mut self) {
        let Some(id) = self.reliable.filter(|id| self.channels.contains_key(id)) else {
            return;
        };
        while let Some(bytes) = self.outbox.front() {
            let Some(mut open) = self.rtc.channel(id) else {
                return;
            };
            match open.write(true, bytes) {
                Ok(true) => self.outbox.pop(),
                Ok(false) | Err(_) => return,
            }
        }
    }
}

fn receive<'a>(source: SocketAddr, to: SocketAddr, bytes: &'a [u8]) -> Option<Receive<'a>> {
    // Parsing touches bytes nobody has vouched for yet.
    catch_unwind(|| Receive::new(Protocol::Udp, source, to, bytes).ok()).unwrap_or(None)
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
