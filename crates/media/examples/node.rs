//! A bare call node with the thinnest possible door, to try client SDKs
//! against without the rest of the house, and to measure it without either:
//!
//! `cargo run -p bedside-media --example node -- 127.0.0.1:7880 devkey devsecret… [WORKERS]`
//!
//! Media are served on the same address; on all of them for `0.0.0.0`.
//! Tokens are LiveKit join tokens signed with that key and secret.

use std::collections::HashMap;

use bedside_media::{ClientParams, Grants, Join, Listen, Node, Resume, Settings, Source};
use futures_util::{SinkExt, StreamExt};
use livekit_token::{Claims, TokenVerifier};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: node ADDRESS KEY SECRET [WORKERS]";
    let (address, key, secret) =
        (args.next().ok_or(usage)?, args.next().ok_or(usage)?, args.next().ok_or(usage)?);
    let workers = args.next().map_or(Ok(0), |text| text.parse())?;
    let listener = TcpListener::bind(&address).await?;
    let ip = listener.local_addr()?.ip();
    let listen = if ip.is_unspecified() { Listen::Interfaces } else { Listen::Only(vec![ip]) };
    let mut settings = Settings { workers, listen, ..Settings::default() };
    settings.shard.max_peers_per_call = 1_000;
    let node = Node::start(settings)?;
    println!("signalling on ws://{address}, media on UDP {}", node.local_port());
    let mut events = node.events();
    tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            println!("{} {:?}", event.call, event.kind);
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (node, key, secret) = (node.clone(), key.clone(), secret.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(node, stream, &key, &secret).await {
                println!("{error}");
            }
        });
    }
}

async fn serve(node: Node, mut stream: TcpStream, key: &str, secret: &str) -> Result<(), Failure> {
    let mut head = [0; 4096];
    let read = stream.peek(&mut head).await?;
    if !head[..read].starts_with(b"GET /rtc?") {
        let gone = "HTTP/1.1 404 Not Found\r\naccess-control-allow-origin: *\r\n\
            content-length: 0\r\nconnection: close\r\n\r\n";
        return Ok(stream.write_all(gone.as_bytes()).await?);
    }
    let mut join = Err("no request".into());
    #[expect(clippy::result_large_err, reason = "the library's callback type")]
    let accept = |request: &Request, response: Response| {
        join = join_of(request, key, secret);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, accept).await?;
    let mut session = node.join(join?).await?;
    loop {
        tokio::select! {
            response = session.next() => match response {
                Some(bytes) => socket.send(Message::Binary(bytes)).await?,
                None => return Ok(socket.close(None).await?),
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => session.send(bytes).await?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

fn join_of(request: &Request, key: &str, secret: &str) -> Result<Join, Failure> {
    let query: HashMap<String, String> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let bearer =
        request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = bearer.or(query.get("access_token").map(String::as_str)).ok_or("no token")?;
    let claims: Claims = TokenVerifier::with_api_key(key, secret).verify(token)?;
    let flag = |name: &str| query.get(name).is_some_and(|v| v == "1" || v == "true");
    Ok(Join {
        call: claims.video.room.clone(),
        owner: key.to_owned(),
        identity: claims.sub,
        name: claims.name,
        metadata: claims.metadata,
        attributes: claims.attributes,
        grants: Grants {
            can_publish: claims.video.can_publish(),
            can_publish_sources: claims
                .video
                .can_publish_sources
                .iter()
                .filter_map(|name| Source::from_grant_name(name))
                .collect(),
            can_subscribe: claims.video.can_subscribe(),
            can_publish_data: claims.video.can_publish_data(),
            can_update_own_metadata: claims.video.can_update_own_metadata(),
            hidden: claims.video.hidden,
        },
        client: ClientParams {
            auto_subscribe: !query.contains_key("auto_subscribe") || flag("auto_subscribe"),
            adaptive_stream: flag("adaptive_stream"),
            sdk: query.get("sdk").cloned().unwrap_or_default(),
            version: query.get("version").cloned().unwrap_or_default(),
            client_protocol: query
                .get("client_protocol")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            reconnect: flag("reconnect")
                .then(|| Resume { sid: query.get("sid").cloned().unwrap_or_default(), ..Resume::default() }),
            ..ClientParams::default()
        },
    })
}
