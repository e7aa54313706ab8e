//! A load peer that speaks the protocol of Janus' VideoRoom: one handle that
//! publishes, one that receives from everybody it is to hear.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use str0m::Event;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::camera::Camera;
use crate::link::Link;
use crate::livekit::readable;
use crate::{Part, Watch};

const FAR: std::time::Duration = std::time::Duration::from_secs(3600);
static TRANSACTIONS: AtomicU64 = AtomicU64::new(0);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One handle of the plugin and the connection that goes with it.
struct Side {
    handle: u64,
    link: Link,
}

pub struct Peer {
    socket: Socket,
    session: u64,
    publisher: Option<Side>,
    subscriber: Option<Side>,
    pending: Option<SdpPendingOffer>,
    camera: Option<Camera>,
    watch: Watch,
    part: Part,
}

impl Peer {
    /// Joins the call's room, makes it when nobody has, and offers what is to
    /// be published.
    pub async fn join(url: &str, ip: IpAddr, part: &Part, watch: Watch) -> Result<Self> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "janus-protocol".parse()?);
        let (mut socket, _) =
            tokio_tungstenite::connect_async(request).await.context("no connection to Janus")?;
        let session = ask(&mut socket, json!({ "janus": "create" })).await?["data"]["id"]
            .as_u64()
            .context("no Janus session")?;
        let mut peer = Self {
            socket,
            session,
            publisher: None,
            subscriber: None,
            pending: None,
            camera: None,
            watch,
            part: part.clone(),
        };
        // Both before anything is published: what comes of that must find the
        // peer listening.
        if part.hears > 0 {
            peer.subscriber = Some(peer.attach(ip).await?);
        }
        if part.films {
            peer.publisher = Some(peer.attach(ip).await?);
            peer.publish().await?;
        }
        Ok(peer)
    }

    async fn attach(&mut self, ip: IpAddr) -> Result<Side> {
        let wish =
            json!({ "janus": "attach", "session_id": self.session, "plugin": "janus.plugin.videoroom" });
        let handle = ask(&mut self.socket, wish).await?["data"]["id"].as_u64().context("no Janus handle")?;
        Ok(Side { handle, link: Link::bind(ip).await? })
    }

    async fn tell(&mut self, handle: u64, body: Value, jsep: Option<Value>) -> Result<()> {
        let mut message = message(self.session, handle, body);
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        send(&mut self.socket, message).await
    }

    async fn publish(&mut self) -> Result<()> {
        let Some(side) = &mut self.publisher else { return Ok(()) };
        let (handle, room) = (side.handle, self.part.room);
        let mut api = side.link.rtc.sdp_api();
        let mut add = |kind| api.add_media(kind, Direction::SendOnly, None, None, None);
        let (video, audio) = (add(MediaKind::Video), add(MediaKind::Audio));
        let (offer, pending) = api.apply().context("nothing to offer")?;
        self.pending = Some(pending);
        self.camera = Some(Camera::new(Instant::now(), video, audio));
        let make = json!({ "request": "create", "room": room, "publishers": 64, "videocodec": "vp8" });
        let make = message(self.session, handle, make);
        let made = ask(&mut self.socket, make).await?;
        refused(&made)?;
        let join = json!({ "request": "join", "ptype": "publisher", "room": room, "id": self.part.feed });
        self.tell(handle, join, None).await?;
        let jsep = json!({ "type": "offer", "sdp": offer.to_sdp_string() });
        self.tell(handle, json!({ "request": "publish" }), Some(jsep)).await
    }

    async fn subscribe(&mut self) -> Result<()> {
        let Some(side) = &self.subscriber else { return Ok(()) };
        let streams: Vec<Value> = self.part.feeds.iter().map(|feed| json!({ "feed": feed })).collect();
        let body =
            json!({ "request": "join", "ptype": "subscriber", "room": self.part.room, "streams": streams });
        self.tell(side.handle, body, None).await
    }

    /// Runs until the watch says stop.
    pub async fn run(mut self) -> Result<Watch> {
        let mut events = Vec::new();
        let mut asked = false;
        while !self.watch.is_over() {
            // A feed can be asked for only once it is there.
            if !asked && self.watch.everybody_sends() {
                asked = true;
                self.subscribe().await?;
            }
            let now = Instant::now();
            if let (Some(camera), Some(side)) = (&mut self.camera, &mut self.publisher) {
                camera.film(now, &mut side.link.rtc);
            }
            let mut wake = self.camera.as_ref().map_or(now + FAR, Camera::next);
            if let Some(side) = &mut self.publisher {
                side.link.drive(&mut events)?;
                wake = wake.min(side.link.wake);
            }
            for event in events.drain(..) {
                match (event, &mut self.camera) {
                    (Event::Connected, _) => self.watch.sends(),
                    (Event::KeyframeRequest(_), Some(camera)) => camera.keyframe_due = true,
                    _ => {}
                }
            }
            if let Some(side) = &mut self.subscriber {
                side.link.drive(&mut events)?;
                wake = wake.min(side.link.wake);
            }
            events.drain(..).for_each(|event| self.watch.saw(&event));
            let (publisher, subscriber) =
                (self.publisher.as_ref().map(|s| &s.link), self.subscriber.as_ref().map(|s| &s.link));
            tokio::select! {
                message = self.socket.next() => {
                    if let Message::Text(text) = message.context("the connection to Janus has ended")?? {
                        self.on_event(&serde_json::from_str(&text)?).await?;
                    }
                }
                seen = readable(subscriber) => seen?,
                seen = readable(publisher) => seen?,
                () = tokio::time::sleep_until(wake.into()) => {}
                () = self.watch.changed(asked) => {}
            }
        }
        // Ends the session and everything in it.
        let bye = json!({ "janus": "destroy", "session_id": self.session });
        let _ = send(&mut self.socket, bye).await;
        Ok(self.watch)
    }

    async fn on_event(&mut self, event: &Value) -> Result<()> {
        refused(event)?;
        let Some(sdp) = event["jsep"]["sdp"].as_str() else { return Ok(()) };
        if event["jsep"]["type"] == "answer" {
            if let (Some(pending), Some(side)) = (self.pending.take(), &mut self.publisher) {
                side.link.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(sdp)?)?;
            }
            return Ok(());
        }
        let side = self.subscriber.as_mut().context("an offer that nobody asked for")?;
        let answer = side.link.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(sdp)?)?;
        let (handle, jsep) = (side.handle, json!({ "type": "answer", "sdp": answer.to_sdp_string() }));
        self.tell(handle, json!({ "request": "start" }), Some(jsep)).await
    }
}

fn message(session: u64, handle: u64, body: Value) -> Value {
    json!({ "janus": "message", "session_id": session, "handle_id": handle, "body": body })
}

/// An error of the plugin; that a room is there already is none.
fn refused(answer: &Value) -> Result<()> {
    let data = &answer["plugindata"]["data"];
    match data["error"].as_str().filter(|_| data["error_code"] != ROOM_EXISTS) {
        Some(error) => bail!("Janus refuses: {error}"),
        None => Ok(()),
    }
}

/// VideoRoom's number for "this room is there already".
const ROOM_EXISTS: u64 = 427;

async fn send(socket: &mut Socket, mut message: Value) -> Result<()> {
    message["transaction"] = json!(TRANSACTIONS.fetch_add(1, Ordering::Relaxed).to_string());
    Ok(socket.send(Message::Text(message.to_string().into())).await?)
}

/// Sends a request that is answered at once, before any event.
async fn ask(socket: &mut Socket, message: Value) -> Result<Value> {
    send(socket, message).await?;
    loop {
        if let Message::Text(text) = socket.next().await.context("Janus has hung up")?? {
            let answer: Value = serde_json::from_str(&text)?;
            match answer["janus"].as_str() {
                Some("success") => return Ok(answer),
                Some("error") => bail!("Janus refuses: {answer}"),
                _ => {}
            }
        }
    }
}
