//! The call node: a [`Shard`] on a thread of its own with real sockets, so
//! that nothing the rest of the house does can stutter audio. One worker and
//! one port today; a call never leaves its worker, so more workers will need
//! only a choice by call here and by ICE user fragment at the socket.

mod addresses;
mod session;
mod socket;
mod worker;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, oneshot};

pub use addresses::Listen;
pub use session::{Session, SessionOver};

use crate::env::{Counters, ShardSettings};
use crate::event::CallEvent;
use crate::join::{Join, JoinError};
use crate::shard::PeerInfo;
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
    pub listen: Listen,
    /// Addresses that clients are told instead of the local ones.
    pub public_ips: Vec<IpAddr>,
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
    /// Datagrams that the system did not take.
    pub datagrams_dropped: u64,
}

/// A running call node; clones are handles to the same one.
#[derive(Clone)]
pub struct Node {
    commands: mpsc::Sender<Command>,
    closed_sessions: mpsc::UnboundedSender<crate::ids::SessionId>,
    events: broadcast::Sender<CallEvent>,
    stats: Arc<Mutex<Stats>>,
    up: Arc<AtomicBool>,
    port: u16,
}

impl Node {
    /// Binds the port and starts the worker.
    ///
    /// # Errors
    /// [`StartError`], above all when the port is taken.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (closed_sessions, closed_queue) = mpsc::unbounded_channel();
        let (events, _) = broadcast::channel(EVENTS);
        let stats = Arc::new(Mutex::new(Stats::default()));
        let up = Arc::new(AtomicBool::new(false));
        let inbox = worker::Inbox {
            commands: command_queue,
            closed_sessions: closed_queue,
            events: events.clone(),
            stats: Arc::clone(&stats),
            up: Arc::clone(&up),
        };
        let port = worker::spawn(settings, inbox)?;
        Ok(Self { commands, closed_sessions, events, stats, up, port })
    }

    /// Opens a signal connection: the caller carries messages between the
    /// returned [`Session`] and the client.
    ///
    /// # Errors
    /// When the call is full or the node stops.
    pub async fn join(&self, join: Join) -> Result<Session, JoinError> {
        let (sink, responses) = mpsc::channel(RESPONSES);
        let id = self
            .ask(|reply| Command::Join { join: Box::new(join), sink, reply })
            .await
            .unwrap_or(Err(JoinError::ShuttingDown))?;
        Ok(Session::new(id, self.commands.clone(), self.closed_sessions.clone(), responses))
    }

    /// Ends a call; everybody in it is told so.
    pub async fn end_call(&self, call: &str) {
        let call = call.to_owned();
        self.ask(|reply| Command::EndCall { call, reply }).await;
    }

    /// Removes a peer from a call. False: it was not there.
    pub async fn remove_peer(&self, call: &str, identity: &str) -> bool {
        let (call, identity) = (call.to_owned(), identity.to_owned());
        self.ask(|reply| Command::RemovePeer { call, identity, reply }).await.unwrap_or(false)
    }

    /// Who is in a call; empty when it does not exist.
    pub async fn peers(&self, call: &str) -> Vec<PeerInfo> {
        let call = call.to_owned();
        self.ask(|reply| Command::Peers { call, reply }).await.unwrap_or_default()
    }

    /// Everything that happens in calls from now on. A reader that is slower
    /// than 1024 events misses some and is told how many.
    pub fn events(&self) -> broadcast::Receiver<CallEvent> {
        self.events.subscribe()
    }

    /// Shutdown, first part: every peer is told to connect anew, and nobody
    /// is let in any more. Returns when that is queued to all of them.
    pub async fn drain(&self) {
        self.ask(|reply| Command::Drain { reply }).await;
    }

    /// Shutdown, second part: the worker ends and the port is free again.
    pub async fn stop(&self) {
        self.ask(|reply| Command::Stop { reply }).await;
    }

    pub fn stats(&self) -> Stats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the worker runs.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The UDP port that media comes to.
    pub fn local_port(&self) -> u16 {
        self.port
    }

    /// Asks the worker; `None` when it has ended.
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
