//! A load peer that speaks LiveKit's signalling (two connections, `/rtc`):
//! Bedside and LiveKit's own server are driven alike.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use livekit_token::{AccessToken, VideoGrants};
use lk::signal_request::Message as Request;
use lk::signal_response::Message as Response;
use prost::Message as _;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use str0m::{Candidate, Event};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::camera::Camera;
use crate::link::Link;
use crate::{Part, Watch};

/// Servers cut a client that is silent on its signal connection.
const PING: Duration = Duration::from_secs(5);
const FAR: Duration = Duration::from_secs(3600);

/// Where to join, and with whose word.
#[derive(Clone, Debug)]
pub struct Door {
    /// `ws://host:port`.
    pub url: String,
    pub key: String,
    pub secret: String,
}

impl Door {
    /// A join token as a clinic's server would mint it.
    fn token(&self, call: &str, identity: &str) -> Result<String> {
        let grants = VideoGrants { room_join: true, room: call.to_owned(), ..VideoGrants::default() };
        let token = AccessToken::with_api_key(&self.key, &self.secret).with_identity(identity);
        token.with_grants(grants).to_jwt().context("a token could not be signed")
    }
}

pub struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    publisher: Option<Link>,
    subscriber: Link,
    pending: Option<SdpPendingOffer>,
    camera: Option<Camera>,
    watch: Watch,
}

impl Peer {
    /// Opens the signal connection with a token minted here.
    pub async fn join(door: &Door, ip: IpAddr, part: &Part, watch: Watch) -> Result<Self> {
        let token = door.token(&part.call, &part.identity)?;
        Self::join_with(&door.url, &token, ip, part, watch).await
    }

    /// Opens the signal connection with a token that somebody else minted.
    pub async fn join_with(url: &str, token: &str, ip: IpAddr, part: &Part, watch: Watch) -> Result<Self> {
        let hears = i32::from(part.hears > 0);
        let url =
            format!("{url}/rtc?access_token={token}&auto_subscribe={hears}&protocol=15&sdk=rust&version=1");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.context("no signal connection")?;
        let publisher = if part.films { Some(Link::bind(ip).await?) } else { None };
        let subscriber = Link::bind(ip).await?;
        Ok(Self { socket, publisher, subscriber, pending: None, camera: None, watch })
    }

    /// Runs until the watch says stop; an end from the other side is an error.
    pub async fn run(mut self) -> Result<Watch> {
        let mut ping = tokio::time::interval(PING);
        let mut events = Vec::new();
        while !self.watch.is_over() {
            let now = Instant::now();
            if let (Some(camera), Some(link)) = (&mut self.camera, &mut self.publisher) {
                camera.film(now, &mut link.rtc);
            }
            let mut wake = self.camera.as_ref().map_or(now + FAR, Camera::next);
            if let Some(link) = &mut self.publisher {
                link.drive(&mut events)?;
                wake = wake.min(link.wake);
                self.on_publisher(&mut events);
            }
            self.subscriber.drive(&mut events)?;
            wake = wake.min(self.subscriber.wake);
            events.drain(..).for_each(|event| self.watch.saw(&event));
            tokio::select! {
                message = self.socket.next() => {
                    let message = message.context("the signal connection has ended")??;
                    if let Message::Binary(bytes) = message {
                        self.on_response(&bytes).await?;
                    }
                }
                readable = self.subscriber.readable() => readable?,
                readable = readable(self.publisher.as_ref()) => readable?,
                _ = ping.tick() => self.send(Request::Ping(0)).await?,
                () = tokio::time::sleep_until(wake.into()) => {}
                () = self.watch.over() => {}
            }
        }
        let leave =
            lk::LeaveRequest { reason: lk::DisconnectReason::ClientInitiated as i32, ..Default::default() };
        // Gone already is as good.
        let _ = self.send(Request::Leave(leave)).await;
        Ok(self.watch)
    }

    fn on_publisher(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            match event {
                Event::Connected => self.watch.sends(),
                Event::KeyframeRequest(_) => {
                    if let Some(camera) = &mut self.camera {
                        camera.keyframe_due = true;
                    }
                }
                _ => {}
            }
        }
    }

    async fn on_response(&mut self, bytes: &[u8]) -> Result<()> {
        let response = lk::SignalResponse::decode(bytes)?;
        match response.message.context("an empty response")? {
            Response::Join(_) => self.publish().await?,
            Response::Offer(offer) => {
                let parsed = SdpOffer::from_sdp_string(&offer.sdp)?;
                let answer = self.subscriber.rtc.sdp_api().accept_offer(parsed)?;
                let answer = description("answer", answer.to_sdp_string(), offer.id);
                self.send(Request::Answer(answer)).await?;
            }
            Response::Answer(answer) => {
                if let (Some(pending), Some(link)) = (self.pending.take(), &mut self.publisher) {
                    link.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer.sdp)?)?;
                }
            }
            Response::Trickle(trickle) => self.on_candidate(&trickle)?,
            Response::Leave(leave) => bail!("told to leave: {:?}", leave.reason()),
            _ => {}
        }
        Ok(())
    }

    fn on_candidate(&mut self, trickle: &lk::TrickleRequest) -> Result<()> {
        let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init)?;
        let candidate = init["candidate"].as_str().unwrap_or_default();
        let link = match trickle.target() {
            lk::SignalTarget::Publisher => self.publisher.as_mut(),
            lk::SignalTarget::Subscriber => Some(&mut self.subscriber),
        };
        // Others than UDP ones are of no use here.
        if let (Some(link), Ok(candidate)) = (link, Candidate::from_sdp_string(candidate)) {
            link.rtc.add_remote_candidate(candidate);
        }
        Ok(())
    }

    async fn publish(&mut self) -> Result<()> {
        let Some(link) = &mut self.publisher else { return Ok(()) };
        let mut api = link.rtc.sdp_api();
        let mut add = |kind, cid: &str| {
            api.add_media(kind, Direction::SendOnly, Some("camera".to_owned()), Some(cid.to_owned()), None)
        };
        let (video, audio) = (add(MediaKind::Video, "cid-video"), add(MediaKind::Audio, "cid-audio"));
        let (offer, pending) = api.apply().context("nothing to offer")?;
        self.pending = Some(pending);
        self.camera = Some(Camera::new(Instant::now(), video, audio));
        for (cid, kind, source) in [
            ("cid-video", lk::TrackType::Video, lk::TrackSource::Camera),
            ("cid-audio", lk::TrackType::Audio, lk::TrackSource::Microphone),
        ] {
            self.send(Request::AddTrack(lk::AddTrackRequest {
                cid: cid.to_owned(),
                r#type: kind as i32,
                source: source as i32,
                width: 1280,
                height: 720,
                ..Default::default()
            }))
            .await?;
        }
        self.send(Request::Offer(description("offer", offer.to_sdp_string(), 1))).await
    }

    async fn send(&mut self, request: Request) -> Result<()> {
        let bytes = lk::SignalRequest { message: Some(request) }.encode_to_vec();
        Ok(self.socket.send(Message::Binary(bytes.into())).await?)
    }
}

fn description(kind: &str, sdp: String, id: u32) -> lk::SessionDescription {
    lk::SessionDescription { r#type: kind.to_owned(), sdp, id, ..Default::default() }
}

/// Waits for a datagram, for ever where there is no connection.
pub(super) async fn readable(link: Option<&Link>) -> Result<()> {
    match link {
        Some(link) => link.readable().await,
        None => std::future::pending().await,
    }
}
