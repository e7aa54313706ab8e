//! One peer connection. The only module that drives str0m: the rest of the
//! crate sees datagrams go in and [`TransportEvent`]s come out.
//!
//! str0m keeps one pending packet, so it is polled dry after every single
//! input; several inputs without polling lose media silently.

mod channels;
mod media;
mod negotiation;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::change::SdpPendingOffer;
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output as RtcOutput, Rtc};

use crate::env::{Env, Output};
use crate::ids::{self, TransportKey};
use crate::outbox::Outbox;

use media::REPEATABLE;
pub(crate) use media::vp8_ids;
pub(crate) use negotiation::NewMedia;

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
}

fn receive<'a>(source: SocketAddr, to: SocketAddr, bytes: &'a [u8]) -> Option<Receive<'a>> {
    // Parsing touches bytes nobody has vouched for yet.
    catch_unwind(|| Receive::new(Protocol::Udp, source, to, bytes).ok()).unwrap_or(None)
}
