//! One peer connection. The only module that drives str0m: the rest of the
//! crate sees datagrams go in and [`TransportEvent`]s come out.
//!
//! str0m keeps one pending packet, so it is polled dry after every single
//! input; several inputs without polling lose media silently.

mod channels;
mod congestion;
mod descriptor;
mod media;
mod negotiation;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::SdpPendingOffer;
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Mid, Pt, Rid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output as RtcOutput, Rtc};

use crate::env::{Env, Output, Reachable};
use crate::ids::{self, Side, TransportKey};
use crate::outbox::Outbox;
use crate::red;

use congestion::Line;
use media::REPEATABLE;
pub(crate) use media::{Accepted, vp8_ids};
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
        mid: Mid,
        loss: Option<f32>,
        rtt: Option<Duration>,
        /// Packets sent to it, and missed by it at first, since the beginning.
        totals: Option<(u64, u64)>,
    },
    /// Packets of one of the client's streams that have come since it began,
    /// and the part that was missing lately.
    Came {
        stream: (Mid, Option<Rid>),
        packets: u64,
        missing: Option<f32>,
    },
    /// What the client's line takes, bits per second, smoothed; none: its
    /// client does not report what arrives.
    Estimate {
        bps: Option<u64>,
    },
    /// Once a second: the estimate of now, the round trip, the way.
    Line {
        bps: Option<u64>,
        rtt: Option<Duration>,
        /// Whether it is TCP, and the client's address.
        path: Option<(bool, SocketAddr)>,
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
    /// Its payload is what a client without redundancy gets.
    pub packet: RtpPacket,
    /// The payload with redundancy, when it came so.
    pub red: Option<Arc<[u8]>>,
}

/// Packets let out in a row before other connections get their turn.
const MOST_ROUNDS: u32 = 256;

struct Stream {
    mid: Mid,
    rid: Option<Rid>,
    /// Payload type, codec, and whether it is with redundancy.
    codec: Option<(Pt, Codec, bool)>,
}

pub(crate) struct Transport {
    rtc: Rtc,
    key: TransportKey,
    streams: HashMap<Ssrc, Stream>,
    channels: HashMap<ChannelId, Channel>,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
    outbox: Outbox,
    line: Line,
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
            .enable_opus(true, true)
            .enable_vp8(true)
            .enable_h264(true)
            .enable_vp9(true)
            .enable_av1(true)
            .set_extension(descriptor::ID, descriptor::extension())
            .set_send_buffer_video(REPEATABLE.0)
            .set_stats_interval(Some(congestion::LOOK_EVERY))
            .enable_bwe((key.side == Side::Subscriber).then_some(congestion::AT_FIRST))
            .build(env.now);
        for reachable in &env.candidates {
            if let Some(candidate) = offered(*reachable) {
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
            line: Line::default(),
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

    pub fn key(&self) -> TransportKey {
        self.key
    }

    /// Whether a check from an unproved address is signed for this connection.
    pub fn accepts(
        &self,
        now: Instant,
        proto: Protocol,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        receive(proto, source, to, bytes).is_some_and(|r| self.rtc.accepts(&Input::Receive(now, r)))
    }

    /// Takes a datagram and polls dry.
    pub fn receive(
        &mut self,
        env: &mut Env,
        proto: Protocol,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        events: &mut Vec<TransportEvent>,
    ) {
        let Some(receive) = receive(proto, source, to, bytes) else {
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
        let mut rounds = 0;
        while !self.broken {
            match catch_unwind(AssertUnwindSafe(|| self.rtc.poll_output())) {
                // The pacer lets one packet out and wants to be woken at once
                // for the next: waiting for a timer instead would let out one
                // packet per timer.
                Ok(Ok(RtcOutput::Timeout(at))) if at <= env.now && rounds < MOST_ROUNDS => {
                    rounds += 1;
                    let now = env.now;
                    self.guarded(events, |rtc| rtc.handle_input(Input::Timeout(now)));
                }
                Ok(Ok(RtcOutput::Timeout(at))) => {
                    self.deadline = at;
                    self.schedule(env);
                    break;
                }
                Ok(Ok(RtcOutput::Transmit(t))) => {
                    env.counters.datagrams_out += 1;
                    self.line.sent(env.now, &t.contents);
                    env.out.push_back(Output::Datagram {
                        proto: t.proto,
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
                let totals = stats.remote.map(|remote| (stats.packets, remote.packets_lost));
                let (mid, loss, rtt) = (stats.mid, stats.loss, stats.rtt);
                events.push(TransportEvent::Received { mid, loss, rtt, totals });
            }
            Event::MediaIngressStats(stats) => {
                let (stream, packets, missing) = ((stats.mid, stats.rid), stats.packets, stats.loss);
                events.push(TransportEvent::Came { stream, packets, missing });
            }
            Event::EgressBitrateEstimate(kind) => events.extend(congestion::estimate(&kind)),
            Event::PeerStats(stats) => events.push(congestion::line(&stats)),
            Event::Closed => events.push(TransportEvent::Closed),
            _ => {}
        }
    }

    fn incoming(&mut self, mut packet: RtpPacket) -> Option<Incoming> {
        let ssrc = packet.header.ssrc;
        if !self.streams.contains_key(&ssrc) {
            let mut api = self.rtc.direct_api();
            let found = api.stream_rx(&ssrc)?;
            let stream = Stream { mid: found.mid(), rid: found.rid(), codec: None };
            self.streams.insert(ssrc, stream);
        }
        let stream = self.streams.get_mut(&ssrc)?;
        let pt = packet.header.payload_type;
        let (codec, redundant) = match stream.codec {
            Some((known, codec, redundant)) if known == pt => (codec, redundant),
            _ => {
                let named =
                    self.rtc.codec_config().find(|params| params.pt() == pt || params.red() == Some(pt))?;
                let (codec, redundant) = (named.spec().codec, named.red() == Some(pt));
                stream.codec = Some((pt, codec, redundant));
                (codec, redundant)
            }
        };
        let red = (redundant && !packet.payload.is_empty()).then(|| packet.payload.clone());
        if let Some(whole) = &red {
            packet.payload = red::primary(whole)?;
        }
        Some(Incoming { mid: stream.mid, rid: stream.rid, codec, packet, red })
    }
}

fn offered(reachable: Reachable) -> Option<Candidate> {
    let address = reachable.address;
    match reachable.proto {
        // Clients open the stream, this side never does (RFC 6544).
        Protocol::Tcp => Candidate::builder().tcp().host(address).tcptype(TcpType::Passive).build().ok(),
        proto => Candidate::host(address, proto).ok(),
    }
}

fn receive<'a>(proto: Protocol, source: SocketAddr, to: SocketAddr, bytes: &'a [u8]) -> Option<Receive<'a>> {
    // Parsing touches bytes nobody has vouched for yet.
    catch_unwind(|| Receive::new(proto, source, to, bytes).ok()).unwrap_or(None)
}
