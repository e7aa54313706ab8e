//! The loop that feeds a [`Shard`]: commands, datagrams, timers in; responses,
//! datagrams, events out. It never waits for anybody but the network.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use livekit_protocol as lk;
use rand::RngExt;
use str0m::net::Protocol;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::addresses::{self, AddressBook};
use super::placement::{Coming, Placements};
use super::recorder::Recorder;
use super::routes::{Batch, Router};
use super::socket::{Sender, Sharing, Sockets};
use super::ways::Ways;
use super::{Settings, StartError, Stats};
use crate::env::{Output, Reachable, WallClock};
use crate::event::{CallEvent, CallEventKind};
use crate::ids::SessionId;
use crate::join::{Join, JoinError};
use crate::probe::ProbeError;
use crate::shard::{PeerInfo, Shard};
use crate::turn::is_relayed;

/// Commands taken in a row before the sockets get their turn.
const COMMAND_BATCH: usize = 64;
/// How often the sockets are read in a row before anything is sent on.
const RECEIVE_ROUNDS: usize = 4;
/// Datagrams that are worth being sent on without waiting for more.
const PLENTY: usize = 16;
/// How long the first datagrams wait for more: what leaves together costs each
/// receiver one call to the system and one turn of its connection. Nobody sees
/// a quarter of a millisecond.
const GATHER: Duration = Duration::from_micros(250);
/// Batches from other workers taken in a row, likewise.
const HANDED_BATCH: usize = 16;
/// How old the list of local addresses may be when a peer joins: laptops move.
const ADDRESSES_AGE: Duration = Duration::from_secs(10);
/// A timer this near is as good as due; finer sleeping costs more than it
/// gains.
const TIMER_SLACK: Duration = Duration::from_millis(1);

/// Something to do with the shard on its own thread.
pub(super) type Errand = Box<dyn FnOnce(&mut Shard, Instant) + Send>;

pub(super) enum Command {
    Join {
        join: Box<Join>,
        coming: Coming,
        sink: mpsc::Sender<Bytes>,
        reply: oneshot::Sender<Result<SessionId, JoinError>>,
    },
    Request {
        session: SessionId,
        request: Bytes,
    },
    EndCall {
        call: String,
        reply: oneshot::Sender<()>,
    },
    RemovePeer {
        call: String,
        identity: String,
        reply: oneshot::Sender<bool>,
    },
    Record {
        call: String,
        recording: String,
        agreed: Vec<String>,
        reply: oneshot::Sender<bool>,
    },
    StopRecording {
        call: String,
        reply: oneshot::Sender<()>,
    },
    /// Something that is done on the shard between two datagrams.
    Run(Errand),
    Peers {
        call: String,
        reply: oneshot::Sender<Vec<PeerInfo>>,
    },
    Probe {
        sdp: String,
        reply: oneshot::Sender<Result<String, ProbeError>>,
    },
    ProbeServers {
        reply: oneshot::Sender<Vec<lk::IceServer>>,
    },
    Drain {
        reply: oneshot::Sender<()>,
    },
    Stop {
        reply: oneshot::Sender<()>,
    },
}

/// What a worker is given by its node.
pub(super) struct Inbox {
    /// Which of the node's workers it is.
    pub number: usize,
    pub router: Router,
    pub placements: Placements,
    /// Datagrams for this worker that came in elsewhere.
    pub handed: mpsc::Receiver<Batch>,
    pub commands: mpsc::Receiver<Command>,
    pub closed_sessions: mpsc::UnboundedReceiver<SessionId>,
    pub events: broadcast::Sender<CallEvent>,
    pub recorder: Recorder,
    pub ways: Ways,
    pub stats: Arc<Mutex<Stats>>,
    pub up: Arc<AtomicBool>,
}

/// Starts the worker's thread; returns once its port is bound.
pub(super) fn spawn(settings: Settings, inbox: Inbox) -> Result<u16, StartError> {
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(format!("media-{}", inbox.number))
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
    /// Datagrams on their way to the other workers.
    elsewhere: Vec<Batch>,
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
        let sharing = match (inbox.router.workers(), inbox.number) {
            (1, _) => Sharing::Alone,
            (_, 0) => Sharing::Opens,
            _ => Sharing::Joins,
        };
        let sockets = Sockets::bind(&settings.listen, &local, port, sharing).map_err(start_error)?;
        let book = AddressBook::new(local, settings.public_ips.clone(), sockets.port());
        let now = now();
        let candidates = candidates(&settings, &inbox.ways, &book);
        let mut shard = Shard::new(now, wall_clock(now), settings.shard.clone(), candidates, seed())?;
        shard.set_relay(inbox.ways.offer().cloned());
        inbox.up.store(true, Ordering::Relaxed);
        let elsewhere = (0..inbox.router.workers()).map(|_| Batch::default()).collect();
        Ok(Self {
            shard,
            elsewhere,
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
                Some(batch) = self.inbox.handed.recv() => self.take_handed(batch),
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
        let Self { shard, sockets, book, elsewhere, inbox, .. } = self;
        let several = inbox.router.workers() > 1;
        let mut read = || {
            sockets.receive(book, |from, to, datagram| {
                // These are names that only the relay gives.
                if is_relayed(from) {
                    return;
                }
                let worker = if several { inbox.router.find(Protocol::Udp, from, datagram) } else { None };
                match worker.filter(|worker| *worker != inbox.number) {
                    Some(other) => elsewhere[other].push(Protocol::Udp, from, to, datagram),
                    None => shard.datagram(now, Protocol::Udp, from, to, datagram),
                }
            })
        };
        if read() < PLENTY {
            gather();
        }
        for _ in 0..RECEIVE_ROUNDS {
            if read() == 0 {
                break;
            }
        }
        for (worker, batch) in elsewhere.iter_mut().enumerate().filter(|(_, batch)| !batch.is_empty()) {
            inbox.router.hand(worker, std::mem::take(batch));
        }
        self.shard.flush();
    }

    fn take_handed(&mut self, first: Batch) {
        let now = now();
        let (mut next, mut taken) = (Some(first), 0);
        while let Some(batch) = next {
            for (proto, from, to, datagram) in batch.iter() {
                self.shard.datagram(now, proto, from, to, datagram);
            }
            taken += 1;
            next = if taken < HANDED_BATCH { self.inbox.handed.try_recv().ok() } else { None };
        }
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
            Command::Join { join, coming, sink, reply } => {
                self.refresh_addresses(now);
                let call = join.call.clone();
                let joined = self.shard.join(now, *join);
                if self.shard.has_call(&call) {
                    coming.lives();
                }
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
            Command::Record { call, recording, agreed, reply } => {
                let _ = reply.send(self.shard.start_recording(now, &call, &recording, &agreed));
            }
            Command::StopRecording { call, reply } => {
                self.shard.stop_recording(now, &call);
                // What it took until now goes to the recorder before the answer.
                self.send_outputs();
                let _ = reply.send(());
            }
            Command::Run(act) => act(&mut self.shard, now),
            Command::Peers { call, reply } => {
                let _ = reply.send(self.shard.peers(&call));
            }
            Command::Probe { sdp, reply } => {
                let _ = reply.send(self.shard.probe(now, &sdp));
            }
            Command::ProbeServers { reply } => {
                self.refresh_addresses(now);
                let _ = reply.send(self.shard.probe_servers(now));
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
            self.shard.set_candidates(candidates(&self.settings, &self.inbox.ways, &self.book));
        }
    }

    fn send_outputs(&mut self) {
        while let Some(change) = self.shard.poll_route() {
            if self.inbox.router.workers() > 1 {
                self.inbox.router.note(self.inbox.number, change);
            }
        }
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Datagram { proto, from, to, contents } => {
                    if !self.inbox.ways.send(proto, from, to, &contents) {
                        self.sender.push(&self.sockets, &self.book, from, to, &contents);
                    }
                }
                Output::Response { session, bytes } => {
                    let sent = self.sinks.get(&session).map(|sink| sink.try_send(bytes));
                    if let Some(Err(_)) = sent {
                        // Gone, or reads too slowly: it may come back.
                        self.close(session);
                    }
                }
                Output::Recorded(recorded) => self.inbox.recorder.take(recorded),
                Output::Close { session } => drop(self.sinks.remove(&session)),
                // Without a reader there is nobody to tell.
                Output::Event(event) => {
                    // By now a new call of this name may have begun.
                    if event.kind == CallEventKind::CallEmpty && !self.shard.has_call(&event.call) {
                        self.inbox.placements.ended(&event.call);
                    }
                    drop(self.inbox.events.send(event));
                }
            }
        }
        self.sender.flush(&self.sockets, &self.book);
    }

    fn publish_stats(&self) {
        let (calls, peers) = self.shard.population();
        self.inbox.placements.set_peers(self.inbox.number, peers);
        let stats = Stats {
            calls,
            peers,
            counters: self.shard.counters(),
            datagrams_dropped: self.sender.dropped,
            ..Stats::default()
        };
        *self.inbox.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}

/// Where clients are told to send to; the relay is told too.
fn candidates(settings: &Settings, ways: &Ways, book: &AddressBook) -> Vec<Reachable> {
    let mut candidates = if settings.ways.udp { book.udp() } else { Vec::new() };
    ways.set_targets(&candidates);
    candidates.extend(ways.tcp_port().into_iter().flat_map(|port| book.tcp(port)));
    candidates
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this thread does nothing else, and no timer is as fine")]
fn gather() {
    std::thread::sleep(GATHER);
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its seed")]
pub(super) fn seed() -> [u8; 32] {
    rand::rng().random()
}

#[expect(clippy::disallowed_methods, reason = "the edge: the core behind it is given its time")]
fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(super) fn unix_s() -> i64 {
    i64::try_from(unix().as_secs()).unwrap_or(i64::MAX)
}

fn wall_clock(now: Instant) -> WallClock {
    let unix = unix();
    WallClock { at: now, unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX) }
}
