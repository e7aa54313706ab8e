//! What forwarding costs: a call node in this process with real sockets, one
//! publisher, some subscribers, and the processor time of the node's thread.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bedside_media::{ClientParams, Grants, Join, Listen, Node, Session, Settings};
use livekit_protocol as lk;
use prost::Message as _;
use str0m::media::MediaKind;
use tokio::net::UdpSocket;

use super::client::{Camera, Client, Datagram};

/// 180 video packets of 1100 bytes a second, 1.6 Mbit/s, and 30 of audio.
const CAMERA: Camera =
    Camera { frame_every: Duration::from_micros(33_333), packets_per_frame: 6, packet_size: 1_100 };
/// Packets each subscriber must have before measuring begins.
const WARM: u64 = 200;
const MEASURE: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(30);

/// The node's work during the measurement.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Figures {
    pub subscribers: usize,
    /// Media packets sent to all subscribers together, per second.
    pub packets_per_s: f64,
    /// Part of one core that the node's thread used.
    pub core_share: f64,
    /// Processor time per packet sent, microseconds.
    pub cpu_us_per_packet: f64,
}

/// Runs one call with one publisher and `subscribers` subscribers.
///
/// # Errors
/// When the call does not come up, or the system does not tell what threads
/// cost (only Linux does).
pub async fn media_cpu(subscribers: usize) -> Result<Figures> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let node = Node::start(Settings { listen: Listen::Only(vec![loopback]), ..Settings::default() })?;
    let mut peers = tokio::task::JoinSet::new();
    let mut heard = Vec::new();
    for number in 0..=subscribers {
        let counter = Arc::new(AtomicU64::new(0));
        let peer = Peer::join(&node, number, Arc::clone(&counter)).await?;
        if number > 0 {
            heard.push(counter);
        }
        peers.spawn(peer.run(number == 0));
    }
    let warm = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while heard.iter().any(|counter| counter.load(Ordering::Relaxed) < WARM) {
            look.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, warm).await.context("the call did not come up")?;

    let clock = ThreadClock::of("media")?;
    let (start, cpu, sent) = (Instant::now(), clock.used()?, node.stats().counters.rtp_forwarded);
    // The length of the measurement is what is measured, not waited for.
    tokio::time::interval_at((start + MEASURE).into(), MEASURE).tick().await;
    let (cpu, sent) = (clock.used()? - cpu, node.stats().counters.rtp_forwarded - sent);
    let passed = start.elapsed();
    peers.abort_all();
    node.stop().await;
    Ok(Figures {
        subscribers,
        packets_per_s: sent as f64 / passed.as_secs_f64(),
        core_share: cpu.as_secs_f64() / passed.as_secs_f64(),
        cpu_us_per_packet: cpu.as_secs_f64() * 1e6 / sent.max(1) as f64,
    })
}

struct Peer {
    client: Client,
    session: Session,
    sockets: [UdpSocket; 2],
    heard: Arc<AtomicU64>,
}

impl Peer {
    async fn join(node: &Node, number: usize, heard: Arc<AtomicU64>) -> Result<Self> {
        let identity = format!("peer-{number}");
        let session = node
            .join(Join {
                call: "load".to_owned(),
                identity: identity.clone(),
                name: String::new(),
                metadata: String::new(),
                attributes: HashMap::new(),
                grants: Grants::default(),
                client: ClientParams::default(),
            })
            .await?;
        let any = (Ipv4Addr::LOCALHOST, 0);
        let sockets = [UdpSocket::bind(any).await?, UdpSocket::bind(any).await?];
        let at = |socket: &UdpSocket| socket.local_addr();
        let mut client = Client::new(Instant::now(), &identity, at(&sockets[0])?, at(&sockets[1])?);
        client.camera = CAMERA;
        Ok(Self { client, session, sockets, heard })
    }

    async fn run(mut self, publishes: bool) -> Result<()> {
        if publishes {
            let requests = self.client.publish(Instant::now(), false);
            self.request(requests).await?;
        }
        let mut buffers = [[0; 2048]; 2];
        loop {
            let (out, wake) = self.client.drive(Instant::now());
            for datagram in out {
                // A full buffer loses packets, as networks do.
                let _ = self.socket(datagram.from).try_send_to(&datagram.bytes, datagram.to);
            }
            self.heard.store(self.client.heard(MediaKind::Video), Ordering::Relaxed);
            let [first, second] = &mut buffers;
            let (received, at) = tokio::select! {
                response = self.session.next() => {
                    let requests = self.client.on_response(&response.context("the session ended")?);
                    self.request(requests).await?;
                    continue;
                }
                received = self.sockets[0].recv_from(first) => (received.map(|(n, from)| (&first[..n], from)), 0),
                received = self.sockets[1].recv_from(second) => (received.map(|(n, from)| (&second[..n], from)), 1),
                () = tokio::time::sleep_until(wake.into()) => continue,
            };
            let (bytes, from) = received?;
            let to = self.sockets[at].local_addr()?;
            self.client.on_datagram(Instant::now(), &Datagram { from, to, bytes: bytes.to_vec() });
        }
    }

    async fn request(&self, requests: Vec<lk::signal_request::Message>) -> Result<()> {
        for request in requests {
            let bytes = lk::SignalRequest { message: Some(request) }.encode_to_vec();
            self.session.send(bytes.into()).await?;
        }
        Ok(())
    }

    fn socket(&self, from: SocketAddr) -> &UdpSocket {
        if from == self.client.publisher_at { &self.sockets[0] } else { &self.sockets[1] }
    }
}

/// Reads the processor time of a thread of this process, to the nanosecond.
struct ThreadClock(PathBuf);

impl ThreadClock {
    fn of(name: &str) -> Result<Self> {
        for thread in std::fs::read_dir("/proc/self/task").context("threads are counted on Linux only")? {
            let thread = thread?.path();
            let comm = std::fs::read_to_string(thread.join("comm")).unwrap_or_default();
            if comm.trim_end() == name {
                return Ok(Self(thread.join("schedstat")));
            }
        }
        anyhow::bail!("no thread is named {name}")
    }

    fn used(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(&self.0)?;
        let nanoseconds = text.split_whitespace().next().context("an empty schedstat")?;
        Ok(Duration::from_nanos(nanoseconds.parse()?))
    }
}
