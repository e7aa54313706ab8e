//! A client as the SDKs are, made of two str0m connections and the signal
//! messages: answers offers, publishes tracks, counts what it receives.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use lk::signal_response::Message as Response;
use prost::Message as _;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

mod sending;

use super::viewer::{Piece, Viewer};
pub use sending::Camera;
use sending::{Mark, Sending};

/// How often lifelike sound is sent.
const SOUND_EVERY: Duration = Duration::from_millis(20);

/// A UDP datagram on its way.
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
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
    /// What a person would see of it.
    pub viewer: Viewer,
    /// When which packet of sound came, by its sender's count.
    pub sound: Vec<(Instant, u32)>,
    /// Packets of sound that carried the one before too.
    pub redundant: u64,
    /// What was captured when, as its receiver computes it from sender reports:
    /// the sender's count, and seconds of the sender's clock.
    pub captured: Vec<(u32, f64)>,
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
    next_sound: Option<Instant>,
    sound: u32,
    /// When which frame was filmed, and which packet of sound recorded.
    pub filmed: Vec<Instant>,
    pub recorded: Vec<Instant>,
    before: Vec<u8>,
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
    /// Every change of a stream's state, in order: (track sid, paused).
    pub stream_states: Vec<(String, bool)>,
}

fn rtc(now: Instant, at: SocketAddr, red: bool) -> Rtc {
    let mut rtc = Rtc::builder()
        .set_rtp_mode(true)
        .clear_codecs()
        .enable_opus(true, red)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true)
        .build(now);
    rtc.add_local_candidate(Candidate::host(at, Protocol::Udp).unwrap());
    rtc
}

impl Client {
    pub fn new(now: Instant, identity: &str, publisher_at: SocketAddr, subscriber_at: SocketAddr) -> Self {
        Self::with(now, identity, publisher_at, subscriber_at, true)
    }

    /// A client that may not know redundant sound.
    pub fn with(
        now: Instant,
        identity: &str,
        publisher_at: SocketAddr,
        subscriber_at: SocketAddr,
        red: bool,
    ) -> Self {
        Self {
            identity: identity.to_owned(),
            camera: Camera::default(),
            publisher: rtc(now, publisher_at, red),
            subscriber: rtc(now, subscriber_at, red),
            publisher_at,
            subscriber_at,
            pending: None,
            offers: 0,
            sending: Vec::new(),
            next_frame: None,
            frame: 0,
            next_sound: None,
            sound: 0,
            filmed: Vec::new(),
            recorded: Vec::new(),
            before: Vec::new(),
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
            stream_states: Vec::new(),
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
            Response::SubscribedQualityUpdate(update) => self.obey(update),
            Response::StreamStateUpdate(update) => {
                let paused = lk::StreamState::Paused as i32;
                let states = update.stream_states.into_iter();
                self.stream_states.extend(states.map(|state| (state.track_sid, state.state == paused)));
            }
            Response::Reconnect(_) => self.reconnected = true,
            _ => {}
        }
        Vec::new()
    }

    /// Stops the layers that nobody wants, and begins others with a keyframe.
    fn obey(&mut self, update: lk::SubscribedQualityUpdate) {
        let cid = self.published.iter().find(|(_, info)| info.sid == update.track_sid).map(|(cid, _)| cid);
        let sending = cid.and_then(|cid| self.sending.iter_mut().find(|sending| sending.cid == *cid));
        if let Some(sending) = sending.filter(|_| self.camera.dynacast) {
            let qualities = update.subscribed_codecs.iter().flat_map(|codec| &codec.qualities);
            let wanted: BTreeSet<u8> =
                qualities.filter(|quality| quality.enabled).map(|quality| quality.quality as u8).collect();
            // A plain stream has one layer, which serves any wish.
            let off: BTreeSet<u8> = match sending.rids.len() {
                0 | 1 if wanted.is_empty() => [0].into(),
                0 | 1 => BTreeSet::new(),
                _ => (0..3).filter(|layer| !wanted.contains(layer)).collect(),
            };
            sending.keyframe_due.extend(sending.off.difference(&off));
            sending.off = off;
        }
        self.wanted.push(update);
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
            let codec = kind.is_video().then(|| lk::SimulcastCodec {
                codec: self.camera.codec.to_string().to_lowercase(),
                cid: cid.clone(),
                ..Default::default()
            });
            requests.push(Request::AddTrack(lk::AddTrackRequest {
                cid: cid.clone(),
                name: name.to_owned(),
                r#type: if kind.is_audio() { 0 } else { 1 },
                source: source as i32,
                layers: layers.collect(),
                simulcast_codecs: codec.into_iter().collect(),
                ..Default::default()
            }));
            let wish = (!rids.is_empty()).then(|| {
                let mut wish = Simulcast::new();
                rids.iter().for_each(|rid| wish.add_send_layer(SimulcastLayer::new(rid)));
                wish
            });
            let named = cid.clone();
            let mid = api.add_media(kind, Direction::SendOnly, Some("s".to_owned()), Some(cid), wish);
            self.sending.push(Sending {
                mid,
                kind,
                rids,
                next_seq: BTreeMap::new(),
                keyframe_due: [0, 1, 2].into(),
                off: BTreeSet::new(),
                cid: named,
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
        self.next_sound = Some(now).filter(|_| self.camera.lifelike);
        requests.push(Request::Offer(lk::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offer.to_sdp_string(),
            id: self.offers,
            ..Default::default()
        }));
        requests
    }

    /// The client's device is in another network from now on.
    pub fn move_to(&mut self, publisher_at: SocketAddr, subscriber_at: SocketAddr) {
        for (rtc, old, new) in [
            (&mut self.publisher, self.publisher_at, publisher_at),
            (&mut self.subscriber, self.subscriber_at, subscriber_at),
        ] {
            let old = Candidate::host(old, Protocol::Udp).unwrap();
            rtc.direct_api().invalidate_candidate(&old);
            rtc.add_local_candidate(Candidate::host(new, Protocol::Udp).unwrap());
        }
        (self.publisher_at, self.subscriber_at) = (publisher_at, subscriber_at);
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
        if let Some(at) = self.next_sound.filter(|at| *at <= now) {
            self.next_sound = Some((at + SOUND_EVERY).max(now));
            if self.publisher.is_connected() {
                self.record(now);
            }
        }
        let mut out = Vec::new();
        let mut events = Vec::new();
        let mut wake = self.next_frame.unwrap_or(now + Duration::from_secs(1));
        wake = self.next_sound.map_or(wake, |at| wake.min(at));
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
            self.on_event(now, is_publisher, event);
        }
        (out, wake)
    }

    fn on_event(&mut self, now: Instant, is_publisher: bool, event: Event) {
        match event {
            Event::KeyframeRequest(request) if is_publisher => {
                if let Some(sending) = self.sending.iter_mut().find(|s| s.mid == request.mid) {
                    let layer = sending.rids.iter().position(|rid| Some(*rid) == request.rid);
                    sending.keyframe_due.insert(layer.unwrap_or(0) as u8);
                }
            }
            Event::RtpPacket(packet) if !is_publisher && !packet.payload.is_empty() => {
                let mut api = self.subscriber.direct_api();
                let Some(stream) = api.stream_rx(&packet.header.ssrc) else { return };
                let mid = stream.mid();
                let received = self.received.entry(mid).or_default();
                received.packets += 1;
                received.seqs.insert(*packet.seq_no);
                received.kind = self.subscriber.media(mid).map(|media| media.kind());
                if received.kind == Some(MediaKind::Video) {
                    let Some(mark) = Mark::of(&packet.payload) else { return };
                    let keyframe = mark.first && mark.keyframe;
                    received.keyframe_first.get_or_insert(keyframe);
                    received.keyframes += u64::from(keyframe);
                    received.last_layer = mark.layer;
                    received.frames.insert(packet.header.timestamp);
                    received.captured.extend(captured(&packet, 90_000.0).map(|at| (mark.frame, at)));
                    let piece = Piece {
                        time: packet.header.timestamp,
                        first: mark.first,
                        last: packet.header.marker,
                        keyframe: mark.keyframe,
                        layer: mark.layer,
                        frame: mark.frame,
                    };
                    if received.viewer.packet(now, *packet.seq_no, piece) {
                        let mut api = self.subscriber.direct_api();
                        if let Some(stream) = api.stream_rx_by_mid(mid, None) {
                            stream.request_keyframe(KeyframeRequestKind::Pli);
                        }
                    }
                } else {
                    // The newest block of a redundant packet comes last.
                    let pt = packet.header.payload_type;
                    let red = self.subscriber.codec_config().find(|p| p.red() == Some(pt)).is_some();
                    received.redundant += u64::from(red);
                    let newest = if red { 5 + 90 } else { 0 };
                    let Some(newest) = packet.payload.get(newest..).or(packet.payload.get(5..)) else {
                        return;
                    };
                    received.sound.push((now, number(newest)));
                    received.captured.extend(captured(&packet, 48_000.0).map(|at| (number(newest), at)));
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

/// When a packet was captured, by the last sender report of its stream.
fn captured(packet: &RtpPacket, rate: f64) -> Option<f64> {
    let report = packet.last_sender_info?;
    let since = packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32) as i32;
    let sent = report.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(sent.as_secs_f64() + f64::from(since) / rate)
}

/// The sender's count in a payload, 0 in one too short for it.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |chunk| u32::from_be_bytes(*chunk))
}
