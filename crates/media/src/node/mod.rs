//! The call node: some workers, each a [`Shard`](crate::Shard) on a thread of
//! its own with real sockets, so that nothing the rest of the house does can
//! stutter audio. A call lives on one worker from its first peer to its last:
//! [`placement`] chooses it, [`routes`] brings its datagrams there. All workers
//! share one public port.

mod addresses;
mod moderate;
mod placement;
mod probe;
mod recorder;
mod routes;
mod session;
mod socket;
mod stream;
mod tcp;
mod turn;
mod ways;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, mpsc, oneshot};

pub use addresses::{Listen, NoPublic, Public};
pub use probe::RelayServers;
pub use session::{Session, SessionOver};
pub use ways::{Offered, RelaySettings};

use crate::env::{Counters, ShardSettings};
use crate::event::CallEvent;
use crate::join::{Join, JoinError};
use crate::record::Seal;
use crate::shard::PeerInfo;
use placement::Placements;
pub use recorder::path_of as part_path;
use recorder::{Place, Recorder};
use routes::Router;
use ways::Ways;
use worker::Command;

/// Commands that wait for the worker; a full queue makes signalling wait.
const COMMANDS: usize = 1024;
/// Responses that wait for one client; a client that reads no faster is cut.
const RESPONSES: usize = 512;
/// Events kept for a slow reader before it misses some.
const EVENTS: usize = 1024;

/// Where and how a node serves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// UDP port; 0 picks a free one.
    pub port: u16,
    /// Threads that carry calls; 0: one for each core.
    pub workers: usize,
    /// Calls that one owner may have at once; 0 is no limit.
    pub max_calls_per_owner: usize,
    pub listen: Listen,
    /// Addresses that clients are told instead of the local ones.
    pub public_ips: Vec<Public>,
    pub ways: Offered,
    pub shard: ShardSettings,
}

/// Why a node cannot start. Each is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("UDP port {port} is already in use by another program")]
    PortBusy { port: u16 },
    #[error("not allowed to listen on UDP port {port}; choose one above 1023")]
    PortForbidden { port: u16 },
    #[error("no network address to serve calls on")]
    NoAddress,
    #[error("cannot listen on UDP port {port}: {error}")]
    Socket { port: u16, error: io::Error },
    #[error("cannot listen on {way} port {port}: {error}")]
    Port { way: &'static str, port: u16, error: io::Error },
    #[error(transparent)]
    NoCertificate(#[from] crate::shard::NoCertificate),
    #[error("cannot start the media thread: {0}")]
    Thread(io::Error),
}

/// Numbers for `/metrics`. Counters run since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub calls: usize,
    pub peers: usize,
    pub counters: Counters,
    /// Datagrams that the system did not take, or a busy worker.
    pub datagrams_dropped: u64,
    /// Streams by which clients come over TCP.
    pub streams: usize,
    /// Clients that hold an address at the relay.
    pub relayed: usize,
}

impl Stats {
    fn add(&mut self, of: &Self) {
        self.calls += of.calls;
        self.peers += of.peers;
        self.datagrams_dropped += of.datagrams_dropped;
        self.counters.add(&of.counters);
    }
}

/// A running call node; clones are handles to the same one.
#[derive(Clone)]
pub struct Node {
    workers: Arc<[Handle]>,
    placements: Placements,
    router: Router,
    recorder: Recorder,
    events: broadcast::Sender<CallEvent>,
    port: u16,
    ways: Ways,
}

/// The node's end of one worker.
struct Handle {
    commands: mpsc::Sender<Command>,
    closed_sessions: mpsc::UnboundedSender<crate::ids::SessionId>,
    stats: Arc<Mutex<Stats>>,
    up: Arc<AtomicBool>,
}

impl Node {
    /// Binds the port and starts the workers.
    ///
    /// # Errors
    /// [`StartError`], above all when the port is taken.
    pub fn start(mut settings: Settings) -> Result<Self, StartError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = if settings.workers == 0 { cores } else { settings.workers };
        let placements = Placements::new(count, settings.max_calls_per_owner);
        let (router, queues) = Router::new(count);
        let (events, _) = broadcast::channel(EVENTS);
        let recorder = Recorder::spawn()?;
        let ways = Ways::start(&settings, &router)?;
        let mut workers = Vec::with_capacity(count);
        for (number, handed) in queues.into_iter().enumerate() {
            let (commands, command_queue) = mpsc::channel(COMMANDS);
            let (closed_sessions, closed_queue) = mpsc::unbounded_channel();
            let stats = Arc::new(Mutex::new(Stats::default()));
            let up = Arc::new(AtomicBool::new(false));
            let inbox = worker::Inbox {
                number,
                router: router.clone(),
                placements: placements.clone(),
                handed,
                commands: command_queue,
                closed_sessions: closed_queue,
                events: events.clone(),
                recorder: recorder.clone(),
                ways: ways.clone(),
                stats: Arc::clone(&stats),
                up: Arc::clone(&up),
            };
            // The first one may have chosen the port for all.
            settings.port = worker::spawn(settings.clone(), inbox)?;
            workers.push(Handle { commands, closed_sessions, stats, up });
        }
        Ok(Self { workers: workers.into(), placements, router, recorder, events, port: settings.port, ways })
    }

    /// Opens a signal connection: the caller carries messages between the
    /// returned [`Session`] and the client.
    ///
    /// # Errors
    /// When the call is full, its owner has too many, or the node stops.
    pub async fn join(&self, join: Join) -> Result<Session, JoinError> {
        let coming = self.placements.place(&join.call, &join.owner)?;
        let worker = &self.workers[coming.worker];
        let (sink, responses) = mpsc::channel(RESPONSES);
        let id = worker
            .ask(|reply| Command::Join { join: Box::new(join), coming, sink, reply })
            .await
            .unwrap_or(Err(JoinError::ShuttingDown))?;
        Ok(Session::new(id, worker.commands.clone(), worker.closed_sessions.clone(), responses))
    }

    /// Ends a call; everybody in it is told so.
    pub async fn end_call(&self, call: &str) {
        let name = call.to_owned();
        self.ask(call, |reply| Command::EndCall { call: name, reply }).await;
    }

    /// Removes a peer from a call. False: it was not there.
    pub async fn remove_peer(&self, call: &str, identity: &str) -> bool {
        let (name, identity) = (call.to_owned(), identity.to_owned());
        self.ask(call, |reply| Command::RemovePeer { call: name, identity, reply }).await.unwrap_or(false)
    }

    /// Begins to record the peers of a call with these identities into a
    /// folder, or says anew whom. False: there is no such call here.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn start_recording(
        &self,
        call: &str,
        recording: &str,
        agreed: Vec<String>,
        folder: &Path,
        seal: Seal,
    ) -> io::Result<bool> {
        if self.placements.find(call).is_none() {
            return Ok(false);
        }
        self.recorder.begin(recording, Place { folder: folder.to_owned(), seal }).await?;
        let (name, recording) = (call.to_owned(), recording.to_owned());
        let command = |reply| Command::Record { call: name, recording, agreed, reply };
        Ok(self.ask(call, command).await.unwrap_or(false))
    }

    /// Ends a recording; everything of it is on the disk then.
    pub async fn stop_recording(&self, call: &str, recording: &str) {
        let name = call.to_owned();
        self.ask(call, |reply| Command::StopRecording { call: name, reply }).await;
        self.recorder.settle(recording).await;
    }

    /// Media packets that were not recorded because the disk was too slow.
    pub fn recording_dropped(&self) -> u64 {
        self.recorder.dropped()
    }

    /// Who is in a call; empty when it does not exist.
    pub async fn peers(&self, call: &str) -> Vec<PeerInfo> {
        let name = call.to_owned();
        self.ask(call, |reply| Command::Peers { call: name, reply }).await.unwrap_or_default()
    }

    /// Everything that happens in calls from now on. A reader that is slower
    /// than 1024 events misses some and is told how many.
    pub fn events(&self) -> broadcast::Receiver<CallEvent> {
        self.events.subscribe()
    }

    /// Shutdown, first part: every peer is told to connect anew, and nobody
    /// is let in any more. Returns when that is queued to all of them.
    pub async fn drain(&self) {
        for worker in self.workers.iter() {
            worker.ask(|reply| Command::Drain { reply }).await;
        }
    }

    /// Shutdown, second part: the workers end and the port is free again.
    pub async fn stop(&self) {
        for worker in self.workers.iter() {
            worker.ask(|reply| Command::Stop { reply }).await;
        }
        self.ways.stop().await;
    }

    /// All workers together.
    pub fn stats(&self) -> Stats {
        let (streams, relayed, lost) = self.ways.counts();
        let datagrams_dropped = self.router.dropped() + lost;
        let mut all = Stats { datagrams_dropped, streams, relayed, ..Stats::default() };
        for worker in self.workers.iter() {
            all.add(&worker.stats.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// Whether every worker runs.
    pub fn is_up(&self) -> bool {
        self.workers.iter().all(|worker| worker.up.load(Ordering::Relaxed))
    }

    /// The port that media comes to by TCP.
    pub fn tcp_port(&self) -> Option<u16> {
        self.ways.tcp_port()
    }

    /// The relay's port, for UDP and TCP.
    pub fn relay_port(&self) -> Option<u16> {
        self.ways.relay_port()
    }

    /// Carries a client that has reached the relay over TLS, until it ends.
    pub async fn relay<S: AsyncRead + AsyncWrite>(&self, client: SocketAddr, stream: S) {
        self.ways.relay(client, stream).await;
    }

    /// The UDP port that media comes to.
    pub fn local_port(&self) -> u16 {
        self.port
    }

    /// Asks the worker of a call; `None` when there is no such call.
    async fn ask<T>(&self, call: &str, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        self.workers[self.placements.find(call)?].ask(command).await
    }
}

impl Handle {
    /// `None` when the worker has ended.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::CallEventKind;
    use crate::grants::Grants;
    use crate::join::ClientParams;
    use livekit_protocol as lk;
    use lk::signal_response::Message as Response;
    use prost::Message as _;
    use std::net::Ipv4Addr;

    fn on_loopback(port: u16) -> Settings {
        let listen = Listen::Only(vec![Ipv4Addr::LOCALHOST.into()]);
        Settings { port, listen, ..Settings::default() }
    }

    fn wish(identity: &str) -> Join {
        Join {
            call: "call".to_owned(),
            owner: String::new(),
            identity: identity.to_owned(),
            name: String::new(),
            metadata: String::new(),
            attributes: std::collections::HashMap::new(),
            grants: Grants::default(),
            client: ClientParams::default(),
        }
    }

    async fn response(session: &mut Session) -> Option<Response> {
        let bytes = session.next().await?;
        lk::SignalResponse::decode(bytes).unwrap().message
    }

    #[tokio::test]
    async fn a_busy_port_is_named_and_a_stopped_node_frees_it() {
        let first = Node::start(on_loopback(0)).unwrap();
        let port = first.local_port();
        let second = Node::start(on_loopback(port)).err().unwrap();
        assert!(matches!(second, StartError::PortBusy { port: named } if named == port));
        assert!(second.to_string().contains(&port.to_string()));
        assert!(first.is_up());
        first.stop().await;
        let again = Node::start(on_loopback(port)).unwrap();
        assert_eq!(again.local_port(), port);
        again.stop().await;
    }

    #[tokio::test]
    async fn a_session_is_greeted_and_ends_with_its_call() {
        let node = Node::start(on_loopback(0)).unwrap();
        let mut events = node.events();
        let mut session = node.join(wish("ann")).await.unwrap();
        assert!(matches!(response(&mut session).await, Some(Response::Join(_))));
        assert!(matches!(response(&mut session).await, Some(Response::Offer(_))));
        assert_eq!(node.peers("call").await.len(), 1);
        node.end_call("call").await;
        assert!(matches!(response(&mut session).await, Some(Response::Leave(_))));
        assert!(response(&mut session).await.is_none());
        assert_eq!(events.recv().await.unwrap().kind, CallEventKind::CallEmpty);
        node.stop().await;
        assert_eq!(node.join(wish("ben")).await.err(), Some(JoinError::ShuttingDown));
    }

    #[tokio::test]
    async fn calls_spread_over_workers_that_share_the_port() {
        let settings = Settings { workers: 3, max_calls_per_owner: 6, ..on_loopback(0) };
        let node = Node::start(settings).unwrap();
        let port = node.local_port();
        let mut sessions = Vec::new();
        for number in 0..6 {
            let call = format!("call-{number}");
            sessions.push(node.join(Join { call, ..wish("ann") }).await.unwrap());
        }
        let mut per_worker = [0; 3];
        (0..6).for_each(|n| per_worker[node.placements.find(&format!("call-{n}")).unwrap()] += 1);
        assert_eq!(per_worker, [2; 3]);
        let seventh = node.join(Join { call: "one more".to_owned(), ..wish("ann") }).await;
        assert_eq!(seventh.err(), Some(JoinError::TooManyCalls));
        assert_eq!(node.peers("call-4").await.len(), 1);
        node.end_call("call-4").await;
        assert!(node.peers("call-4").await.is_empty());
        assert_eq!(node.peers("call-5").await.len(), 1);
        // Another program of the same user cannot slip in beside them.
        let second = Node::start(Settings { workers: 2, ..on_loopback(port) }).err().unwrap();
        assert!(matches!(second, StartError::PortBusy { .. }));
        node.stop().await;
        assert!(!node.is_up());
        Node::start(Settings { workers: 2, ..on_loopback(port) }).unwrap().stop().await;
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut() {
        let node = Node::start(on_loopback(0)).unwrap();
        let mut session = node.join(wish("ann")).await.unwrap();
        let ping = lk::SignalRequest { message: Some(lk::signal_request::Message::Ping(1)) };
        let ping: bytes::Bytes = ping.encode_to_vec().into();
        for _ in 0..RESPONSES + 10 {
            session.send(ping.clone()).await.unwrap();
        }
        let mut read = 0;
        while session.next().await.is_some() {
            read += 1;
        }
        assert!(read <= RESPONSES);
        node.stop().await;
    }
}
