//! A client as the SDKs are, made of two str0m connections and the signal
//! messages: answers offers, publishes tracks, counts what it receives.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use lk::signal_response::Message as Response;
use prost::Message as _;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

/// A UDP datagram on its way.
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// What a client's camera makes; one audio packet goes with every frame.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    pub frame_every: Duration,
    pub packets_per_frame: u64,
    /// Bytes per packet, at least 8.
    pub packet_size: usize,
}

impl Default for Camera {
    fn default() -> Self {
        Self { frame_every: Duration::from_millis(40), packets_per_frame: 3, packet_size: 600 }
    }
}

/// What came in on one media section.
#[derive(Debug, Default)]
pub struct Received {
    pub kind: Option<MediaKind>,
    pub packets: u64,
    pub seqs: BTreeSet<u64>,
    pub keyframes: u64,
    /// The layer named in the last packet's payload.
    pub last_layer: u8,
    pub frames: BTreeSet<u32>,
    pub keyframe_first: Option<bool>,
}

impl Received {
    /// Packets between the first and the last that never came.
    pub fn missing(&self) -> u64 {
        match (self.seqs.first(), self.seqs.last()) {
            (Some(first), Some(last)) => last - first + 1 - self.seqs.len() as u64,
            _ => 0,
        }
    }
}

struct Sending {
    mid: Mid,
    kind: MediaKind,
    rids: Vec<Rid>,
    next_seq: BTreeMap<u8, u64>,
    keyframe_due: BTreeSet<u8>,
}

pub struct Client {
    pub identity: String,
    pub camera: Camera,
    pub publisher: Rtc,
    pub subscriber: Rtc,
    pub publisher_at: SocketAddr,
    pub subscriber_at: SocketAddr,
    pending: Option<SdpPendingOffer>,
    offers: u32,
    sending: Vec<Sending>,
    next_frame: Option<Instant>,
    frame: u32,
    channels: HashMap<String, ChannelId>,

    pub sid: String,
    pub others: BTreeMap<String, lk::ParticipantInfo>,
    /// Every update about others, in order: (identity, sid, state).
    pub updates: Vec<(String, String, i32)>,
    pub left: Option<lk::LeaveRequest>,
    pub closed: bool,
    pub published: HashMap<String, lk::TrackInfo>,
    pub refusals: Vec<lk::RequestResponse>,
    pub received: BTreeMap<Mid, Received>,
    pub data: Vec<lk::DataPacket>,
    pub speakers: Vec<lk::SpeakerInfo>,
    pub qualities: Vec<lk::ConnectionQualityInfo>,
    pub wanted: Vec<lk::SubscribedQualityUpdate>,
    pub reconnected: bool,
    pub tracks_of_mids: HashMap<String, String>,
}

fn rtc(now: Instant, at: SocketAddr) -> Rtc {
    let mut rtc =
        Rtc::builder().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
    rtc.add_local_candidate(Candidate::host(at, Protocol::Udp).unwrap());
    rtc
}

impl Client {
    pub fn new(now: Instant, identity: &str, publisher_at: SocketAddr, subscriber_at: SocketAddr) -> Self {
        Self {
            identity: identity.to_owned(),
            camera: Camera::default(),
            publisher: rtc(now, publisher_at),
            subscriber: rtc(now, subscriber_at),
            publisher_at,
            subscriber_at,
            pending: None,
            offers: 0,
            sending: Vec::new(),
            next_frame: None,
            frame: 0,
            channels: HashMap::new(),
            sid: String::new(),
            others: BTreeMap::new(),
            updates: Vec::new(),
            left: None,
            closed: false,
            published: HashMap::new(),
            refusals: Vec::new(),
            received: BTreeMap::new(),
            data: Vec::new(),
            speakers: Vec::new(),
            qualities: Vec::new(),
            wanted: Vec::new(),
            reconnected: false,
            tracks_of_mids: HashMap::new(),
        }
    }

    // ---- signalling ------------------------------------------------------

    /// Takes a response and gives the requests that follow from it.
    pub fn on_response(&mut self, bytes: &[u8]) -> Vec<Request> {
        let message = lk::SignalResponse::decode(bytes).unwrap().message.unwrap();
        let opens = matches!(message, Response::Join(_) | Response::Reconnect(_) | Response::Leave(_));
        assert!(opens || !self.sid.is_empty(), "{} is told this first: {message:?}", self.identity);
        match message {
            Response::Join(join) => {
                self.sid = join.participant.unwrap().sid;
                self.note(join.other_participants);
            }
            Response::Update(update) => self.note(update.participants),
            Response::Offer(offer) => {
                self.tracks_of_mids.extend(offer.mid_to_track_id);
                let parsed = SdpOffer::from_sdp_string(&offer.sdp).unwrap();
                let answer = self.subscriber.sdp_api().accept_offer(parsed).unwrap();
                return vec![Request::Answer(lk::SessionDescription {
                    r#type: "answer".to_owned(),
                    sdp: answer.to_sdp_string(),
                    id: offer.id,
                    ..Default::default()
                })];
            }
            Response::Answer(answer) if answer.id == self.offers => {
                if let Some(pending) = self.pending.take() {
                    let answer = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
                    self.publisher.sdp_api().accept_answer(pending, answer).unwrap();
                }
            }
            Response::TrackPublished(published) => {
                self.published.insert(published.cid, published.track.unwrap());
            }
            Response::RequestResponse(response) => self.refusals.push(response),
            Response::Leave(leave) => self.left = Some(leave),
            Response::SpeakersChanged(changed) => self.speakers = changed.speakers,
            Response::ConnectionQuality(update) => self.qualities = update.updates,
            Response::SubscribedQualityUpdate(update) => self.wanted.push(update),
            Response::Reconnect(_) => self.reconnected = true,
            _ => {}
        }
        Vec::new()
    }

    fn note(&mut self, participants: Vec<lk::ParticipantInfo>) {
        for info in participants {
            if info.identity == self.identity {
                continue;
            }
            self.updates.push((info.identity.clone(), info.sid.clone(), info.state));
            if info.state == lk::participant_info::State::Disconnected as i32 {
                self.others.remove(&info.identity);
            } else {
                self.others.insert(info.identity.clone(), info);
            }
        }
    }

    /// Announces and offers a camera (with layers q, h, f if `simulcast`) and
    /// a microphone, and the data channels.
    pub fn publish(&mut self, now: Instant, simulcast: bool) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut api = self.publisher.sdp_api();
        for (kind, name, source) in [
            (MediaKind::Video, "camera", lk::TrackSource::Camera),
            (MediaKind::Audio, "microphone", lk::TrackSource::Microphone),
        ] {
            let cid = format!("{}-{name}", self.identity);
            let rids: Vec<Rid> = match kind {
                MediaKind::Video if simulcast => ["q", "h", "f"].map(Rid::from).to_vec(),
                _ => Vec::new(),
            };
            let layers = (0..rids.len() as i32).map(|quality| lk::VideoLayer {
                quality,
                width: 320 << quality,
                height: 180 << quality,
                ..Default::default()
            });
            requests.push(Request::AddTrack(lk::AddTrackRequest {
                cid: cid.clone(),
                name: name.to_owned(),
                r#type: if kind.is_audio() { 0 } else { 1 },
                source: source as i32,
                layers: layers.collect(),
                ..Default::default()
            }));
            let wish = (!rids.is_empty()).then(|| {
                let mut wish = Simulcast::new();
                rids.iter().for_each(|rid| wish.add_send_layer(SimulcastLayer::new(rid)));
                wish
            });
            let mid = api.add_media(kind, Direction::SendOnly, Some("s".to_owned()), Some(cid), wish);
            self.sending.push(Sending {
                mid,
                kind,
                rids,
                next_seq: BTreeMap::new(),
                keyframe_due: [0, 1, 2].into(),
            });
        }
        for (label, ordered) in [("_reliable", true), ("_lossy", false)] {
            let reliability =
                if ordered { Reliability::Reliable } else { Reliability::MaxRetransmits { retransmits: 0 } };
            let config =
                ChannelConfig { label: label.to_owned(), ordered, reliability, ..Default::default() };
            self.channels.insert(label.to_owned(), api.add_channel_with_config(config));
        }
        let (offer, pending) = api.apply().unwrap();
        self.pending = Some(pending);
        self.offers += 1;
        self.next_frame = Some(now);
        requests.push(Request::Offer(lk::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offer.to_sdp_string(),
            id: self.offers,
            ..Default::default()
        }));
        requests
    }

    /// A new offer with fresh ICE credentials, as after a resume.
    pub fn restart_publisher(&mut self) -> Option<Request> {
        let mut api = self.publisher.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply()?;
        self.pending = Some(pending);
        self.offers += 1;
        Some(Request::Offer(lk::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offer.to_sdp_string(),
            id: self.offers,
            ..Default::default()
        }))
    }

    pub fn send_data(&mut self, channel: &str, packet: &lk::DataPacket) -> bool {
        let id = self.channels[channel];
        match self.publisher.channel(id) {
            Some(mut open) => open.write(true, &packet.encode_to_vec()).unwrap(),
            None => false,
        }
    }

    // ---- time and datagrams ----------------------------------------------

    pub fn on_datagram(&mut self, now: Instant, datagram: &Datagram) {
        let rtc = if datagram.to == self.publisher_at { &mut self.publisher } else { &mut self.subscriber };
        let Ok(receive) = Receive::new(Protocol::Udp, datagram.from, datagram.to, &datagram.bytes) else {
            return;
        };
        rtc.handle_input(Input::Receive(now, receive)).unwrap();
    }

    /// Films and records what is due, lets time pass, and returns what is to
    /// be sent and when to be woken.
    pub fn drive(&mut self, now: Instant) -> (Vec<Datagram>, Instant) {
        if let Some(at) = self.next_frame.filter(|at| *at <= now) {
            // Late frames do not make the camera slower.
            self.next_frame = Some((at + self.camera.frame_every).max(now));
            if self.publisher.is_connected() {
                self.film(now);
            }
        }
        let mut out = Vec::new();
        let mut events = Vec::new();
        let mut wake = self.next_frame.unwrap_or(now + Duration::from_secs(1));
        for (is_publisher, rtc) in [(true, &mut self.publisher), (false, &mut self.subscriber)] {
            rtc.handle_input(Input::Timeout(now)).unwrap();
            loop {
                match rtc.poll_output().unwrap() {
                    Output::Timeout(at) => {
                        wake = wake.min(at);
                        break;
                    }
                    Output::Transmit(t) => {
                        out.push(Datagram { from: t.source, to: t.destination, bytes: t.contents.to_vec() });
                    }
                    Output::Event(event) => events.push((is_publisher, event)),
                }
            }
        }
        for (is_publisher, event) in events {
            self.on_event(is_publisher, event);
        }
        (out, wake)
    }

    fn film(&mut self, now: Instant) {
        self.frame += 1;
        let (frame, camera) = (self.frame, self.camera);
        for sending in &mut self.sending {
            let codec = if sending.kind.is_audio() { Codec::Opus } else { Codec::Vp8 };
            let pt = self.publisher.codec_config().find(|p| p.spec().codec == codec).unwrap().pt();
            let rids: Vec<Option<Rid>> = if sending.rids.is_empty() {
                vec![None]
            } else {
                sending.rids.iter().copied().map(Some).collect()
            };
            let mut api = self.publisher.direct_api();
            for (layer, rid) in rids.into_iter().enumerate() {
                let layer = layer as u8;
                let Some(stream) = api.stream_tx_by_mid(sending.mid, rid) else { continue };
                if !sending.next_seq.contains_key(&layer) && codec.is_video() {
                    stream.set_rtx_cache(2000, Duration::from_secs(3), Some(0.5));
                }
                let seq = sending.next_seq.entry(layer).or_insert(60_000 + u64::from(layer) * 1000);
                let mut write = |payload: Vec<u8>, time: u32, marker: bool| {
                    let mut write = RtpWrite::new(pt, (*seq).into(), time, now, payload)
                        .marker(marker)
                        .nackable(codec.is_video());
                    if codec.is_audio() {
                        let levels = str0m::rtp::ExtensionValues {
                            audio_level: Some(-10),
                            voice_activity: Some(true),
                            ..Default::default()
                        };
                        write = write.ext_vals(levels);
                    }
                    stream.write_rtp(write);
                    *seq += 1;
                };
                if codec.is_audio() {
                    write(vec![0; 40], frame * 1920, false);
                    continue;
                }
                let keyframe = sending.keyframe_due.remove(&layer);
                for part in 0..camera.packets_per_frame {
                    let last = part + 1 == camera.packets_per_frame;
                    write(vp8(camera.packet_size, frame, part == 0, keyframe, layer), frame * 3600, last);
                }
            }
        }
    }

    fn on_event(&mut self, is_publisher: bool, event: Event) {
        match event {
            Event::KeyframeRequest(request) if is_publisher => {
                if let Some(sending) = self.sending.iter_mut().find(|s| s.mid == request.mid) {
                    let layer = sending.rids.iter().position(|rid| Some(*rid) == request.rid);
                    sending.keyframe_due.insert(layer.unwrap_or(0) as u8);
                }
            }
            Event::RtpPacket(packet) if !is_publisher => {
                let mut api = self.subscriber.direct_api();
                let Some(stream) = api.stream_rx(&packet.header.ssrc) else { return };
                let mid = stream.mid();
                let received = self.received.entry(mid).or_default();
                received.packets += 1;
                received.seqs.insert(*packet.seq_no);
                received.kind = self.subscriber.media(mid).map(|media| media.kind());
                if received.kind == Some(MediaKind::Video) {
                    let starts = packet.payload[0] & 0x10 != 0;
                    let keyframe = starts && packet.payload[6] & 1 == 0;
                    received.keyframe_first.get_or_insert(keyframe);
                    received.keyframes += u64::from(keyframe);
                    received.last_layer = packet.payload[7];
                    received.frames.insert(packet.header.timestamp);
                }
            }
            Event::ChannelData(data) if !is_publisher => {
                self.data.push(lk::DataPacket::decode(&*data.data).unwrap());
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {}
            _ => {}
        }
    }

    /// What came in of one kind, all sections together.
    pub fn heard(&self, kind: MediaKind) -> u64 {
        self.received.values().filter(|r| r.kind == Some(kind)).map(|r| r.packets).sum()
    }

    pub fn video(&self) -> &Received {
        self.received.values().find(|r| r.kind == Some(MediaKind::Video)).expect("no video came")
    }
}

/// A packet with the VP8 descriptor that browsers write: 15 bit picture id,
/// TL0PICIDX, TID; then the frame header's first byte and the layer.
fn vp8(size: usize, frame: u32, first: bool, keyframe: bool, layer: u8) -> Vec<u8> {
    let mut payload = vec![0; size];
    payload[0] = if first { 0x90 } else { 0x80 };
    payload[1] = 0xe0;
    payload[2] = 0x80 | (frame >> 8) as u8 & 0x7f;
    payload[3] = frame as u8;
    payload[4] = frame as u8;
    payload[6] = u8::from(!keyframe);
    payload[7] = layer;
    payload
}
