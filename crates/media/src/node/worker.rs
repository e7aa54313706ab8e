//! The loop that feeds a [`Shard`]: commands, datagrams, timers in; responses,
//! datagrams, events out. It never waits for anybody but the network.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rand::RngExt;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::addresses::{self, AddressBook};
use super::socket::{Sender, Sockets};
use super::{Settings, StartError, Stats};
use crate::env::{Output, WallClock};
use crate::event::CallEvent;
use crate::ids::SessionId;
use crate::join::{Join, JoinError};
use crate::shard::{PeerInfo, Shard};

/// Commands taken in a row before the sockets get their turn.
const COMMAND_BATCH: usize = 64;
/// How old the list of local addresses may be when a peer joins: laptops move.
const ADDRESSES_AGE: Duration = Duration::from_secs(10);
/// A timer this near is as good as due; finer sleeping costs more than it
/// gains.
const TIMER_SLACK: Duration = Duration::from_millis(1);

pub(super) enum Command {
    Join { join: Box<Join>, sink: mpsc::Sender<Bytes>, reply: oneshot::Sender<Result<SessionId, JoinError>> },
    Request { session: SessionId, request: Bytes },
    EndCall { call: String, reply: oneshot::Sender<()> },
    RemovePeer { call: String, identity: String, reply: oneshot::Sender<bool> },
    Peers { call: String, reply: oneshot::Sender<Vec<PeerInfo>> },
    Drain { reply: oneshot::Sender<()> },
    Stop { reply: oneshot::Sender<()> },
}

/// What a worker is given by its node.
pub(super) struct Inbox {
    pub commands: mpsc::Receiver<Command>,
    pub closed_sessions: mpsc::UnboundedReceiver<SessionId>,
    pub events: broadcast::Sender<CallEvent>,
    pub stats: Arc<Mutex<Stats>>,
    pub up: Arc<AtomicBool>,
}

/// Starts the worker's thread; returns once its port is bound.
pub(super) fn spawn(settings: Settings, inbox: Inbox) -> Result<u16, StartError> {
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("media".to_owned())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(StartError::Thread(error)))),
            };
            runtime.block_on(async move {
                match Worker::new(settings, inbox) {
                    Ok(worker) => {
                        let _ = ready.send(Ok(worker.sockets.port()));
                        worker.run().await;
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
        })
        .map_err(StartError::Thread)?;
    started.recv().unwrap_or_else(|_| Err(StartError::Thread(io::Error::other("it ended at once"))))
}

/// Marks the node as down however the worker ends, also by a panic.
struct Up(Arc<AtomicBool>);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Worker {
    shard: Shard,
    sockets: Sockets,
    sender: Sender,
    book: AddressBook,
    book_at: Instant,
    settings: Settings,
    sinks: HashMap<SessionId, mpsc::Sender<Bytes>>,
    inbox: Inbox,
    _up: Up,
}

impl Worker {
    fn new(settings: Settings, inbox: Inbox) -> Result<Self, StartError> {
        let port = settings.port;
        let start_error = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::PortBusy { port },
            io::ErrorKind::PermissionDenied => StartError::PortForbidden { port },
            _ => StartError::Socket { port, error },
        };
        let local = addresses::local(&settings.listen).map_err(start_error)?;
        if local.is_empty() {
            return Err(StartError::NoAddress);
        }
        let sockets = Sockets::bind(&settings.listen, &local, port).map_err(start_error)?;
        let book = AddressBook::new(local, settings.public_ips.clone(), sockets.port());
        let now = now();
        let shard = Shard::new(now, wall_clock(now), settings.shard.clone(), book.candidates(), seed())?;
        inbox.up.store(true, Ordering::Relaxed);
        Ok(Self {
            shard,
            sockets,
            sender: Sender::default(),
            book,
            book_at: now,
            settings,
            sinks: HashMap::new(),
            _up: Up(Arc::clone(&inbox.up)),
            inbox,
        })
    }

    async fn run(mut self) {
        loop {
            self.send_outputs();
            self.publish_stats();
            let deadline = self.shard.next_deadline();
            let timer = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until((at + TIMER_SLACK).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = self.inbox.commands.recv() => {
                    // All handles are gone: nobody can reach this node again.
                    let Some(command) = command else { return };
                    if !self.take_commands(command) {
                        return;
                    }
                }
                Some(session) = self.inbox.closed_sessions.recv() => self.close(session),
                () = poll_fn(|cx| self.sockets.poll_readable(cx)) => self.receive(),
                () = timer => {}
            }
            let now = now();
            if self.shard.next_deadline().is_some_and(|at| at <= now) {
                self.shard.timeout(now);
            }
        }
    }

    fn receive(&mut self) {
        let now = now();
        let shard = &mut self.shard;
        self.sockets.receive(&self.book, |from, to, datagram| {
            shard.datagram(now, from, to, datagram);
        });
        self.shard.flush();
    }

    /// False: the worker is to end.
    fn take_commands(&mut self, first: Command) -> bool {
        let mut next = Some(first);
        for _ in 0..COMMAND_BATCH {
            match next {
                Some(Command::Stop { reply }) => {
                    self.send_outputs();
                    // Whoever waits for `stop` may bind the port at once.
                    self.sockets.close();
                    let _ = reply.send(());
                    return false;
                }
                Some(command) => self.take(command),
                None => return true,
            }
            next = self.inbox.commands.try_recv().ok();
        }
        if let Some(command) = next {
            self.take(command);
        }
        true
    }

    fn take(&mut self, command: Command) {
        let now = now();
        // A caller that has gone away does not want its answer any more.
        match command {
            Command::Join { join, sink, reply } => {
                self.refresh_addresses(now);
                let joined = self.shard.join(now, *join);
                if let Ok(session) = joined {
                    self.sinks.insert(session, sink);
                    if reply.send(joined).is_err() {
                        self.close(session);
                    }
                } else {
                    let _ = reply.send(joined);
                }
            }
            Command::Request { session, request } => self.shard.request(now, session, &request),
            Command::EndCall { call, reply } => {
                self.shard.end_call(now, &call);
                let _ = reply.send(());
            }
            Command::RemovePeer { call, identity, reply } => {
                let _ = reply.send(self.shard.remove_peer(now, &call, &identity));
            }
            Command::Peers { call, reply } => {
                let _ = reply.send(self.shard.peers(&call));
            }
            Command::Drain { reply } => {
                self.shard.drain(now);
                self.send_outputs();
                let _ = reply.send(());
            }
            Command::Stop { reply } => drop(reply),
        }
    }

    fn close(&mut self, session: SessionId) {
        self.sinks.remove(&session);
        self.shard.session_closed(now(), session);
    }

    fn refresh_addresses(&mut self, now: Instant) {
        if now.saturating_duration_since(self.book_at) < ADDRESSES_AGE {
            return;
        }
        self.book_at = now;
        // On an error the old addresses are the best guess.
        if let Ok(local) = addresses::local(&self.settings.listen)
            && !local.is_empty()
            && local != self.book.local
        {
            let public = self.settings.public_ips.clone();
            self.book = AddressBook::new(local, public, self.sockets.port());
            self.shard.set_candidates(self.book.candidates());
        }
    }

    fn send_outputs(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Datagram { from, to, contents } => {
                    self.sender.push(&self.sockets, &self.book, from, to, &contents);
                }
                Output::Response { session, bytes } => {
                    let sent = self.sinks.get(&session).map(|sink| sink.try_send(bytes));
                    if let Some(Err(_)) = sent {
                        // Gone, or reads too slowly: it may come back.
                        self.close(session);
                    }
                }
                Output::Close { session } => drop(self.sinks.remove(&session)),
                // Without a reader there is nobody to tell.
                Output::Event(event) => drop(self.inbox.events.send(event)),
            }
        }
        self.sender.flush(&self.sockets, &self.book);
    }

    fn publish_stats(&self) {
        let (calls, peers) = self.shard.population();
        let stats =
            Stats { calls, peers, counters: self.shard.counters(), datagrams_dropped: self.sender.dropped };
        *self.inbox.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its seed")]
fn seed() -> [u8; 32] {
    rand::rng().random()
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its time")]
fn wall_clock(now: Instant) -> WallClock {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallClock { at: now, unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX) }
}
