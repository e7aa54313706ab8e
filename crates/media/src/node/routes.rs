//! Which worker a datagram is for. All workers share the node's port, and the
//! system spreads what comes there by address, not by call: a worker that gets
//! a datagram of another one's call hands it over. Relays and TCP streams,
//! which end outside of the workers, come in by the same door.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use str0m::net::Protocol;
use tokio::sync::mpsc;

use crate::demux::{RouteChange, stun_local_fragment};

/// Batches that wait for a worker; what comes beyond is dropped, as a full
/// socket buffer would do.
const WAITING: usize = 256;

/// Finds the worker of a datagram and hands it over. Clones share everything.
#[derive(Clone)]
pub(super) struct Router {
    table: Arc<RwLock<Table>>,
    queues: Arc<[mpsc::Sender<Batch>]>,
    dropped: Arc<AtomicU64>,
}

/// What the workers have told of their connections.
#[derive(Default)]
struct Table {
    fragments: HashMap<String, usize>,
    addresses: HashMap<(Protocol, SocketAddr), usize>,
}

/// Some datagrams in one piece of memory.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// How it came, from where, to which candidate, where it ends in `bytes`.
    items: Vec<(Protocol, SocketAddr, SocketAddr, usize)>,
}

impl Batch {
    pub fn push(&mut self, proto: Protocol, source: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.items.push((proto, source, to, self.bytes.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Protocol, SocketAddr, SocketAddr, &[u8])> {
        let mut start = 0;
        self.items.iter().map(move |(proto, source, to, end)| {
            let from = std::mem::replace(&mut start, *end);
            (*proto, *source, *to, &self.bytes[from..*end])
        })
    }
}

impl Router {
    /// A router for so many workers, and the ends of their queues.
    pub fn new(workers: usize) -> (Self, Vec<mpsc::Receiver<Batch>>) {
        let (queues, ends): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel(WAITING)).unzip();
        (Self { table: Arc::default(), queues: queues.into(), dropped: Arc::default() }, ends)
    }

    pub fn workers(&self) -> usize {
        self.queues.len()
    }

    /// The worker whose connection this is; `None` when it is nobody's, which
    /// a single worker finds out by itself.
    pub fn find(&self, proto: Protocol, source: SocketAddr, datagram: &[u8]) -> Option<usize> {
        if self.queues.len() == 1 {
            return Some(0);
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        match stun_local_fragment(datagram) {
            Some(fragment) => table.fragments.get(fragment),
            None => table.addresses.get(&(proto, source)),
        }
        .copied()
    }

    /// Takes a datagram that ended outside of the workers, in a TCP stream or
    /// a relay, and came to the candidate `to`. False: it was nobody's, or its
    /// worker is too busy.
    pub fn deliver(&self, proto: Protocol, source: SocketAddr, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(worker) = self.find(proto, source, datagram) else {
            return false;
        };
        let mut batch = Batch::default();
        batch.push(proto, source, to, datagram);
        self.hand(worker, batch)
    }

    /// Hands datagrams to their worker.
    pub fn hand(&self, worker: usize, batch: Batch) -> bool {
        let count = batch.items.len() as u64;
        let taken = self.queues[worker].try_send(batch).is_ok();
        if !taken {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
        taken
    }

    /// Datagrams that a busy worker did not get.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Notes what a worker tells of its connections.
    pub fn note(&self, worker: usize, change: RouteChange) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            RouteChange::Fragment(fragment) => drop(table.fragments.insert(fragment, worker)),
            RouteChange::FragmentGone(fragment) => drop(table.fragments.remove(&fragment)),
            RouteChange::Address(proto, address) => {
                table.addresses.insert((proto, address), worker);
            }
            // By now the address may speak for a connection of another worker.
            RouteChange::AddressGone(proto, address) => {
                if table.addresses.get(&(proto, address)) == Some(&worker) {
                    table.addresses.remove(&(proto, address));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDP: Protocol = Protocol::Udp;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn an_address_goes_with_the_last_connection_that_proved_it() {
        let (router, _ends) = Router::new(2);
        let (client, media) = (address(1), [0x80, 0]);
        assert_eq!(router.find(UDP, client, &media), None);
        router.note(0, RouteChange::Address(UDP, client));
        assert_eq!(router.find(UDP, client, &media), Some(0));
        assert_eq!(router.find(Protocol::Tcp, client, &media), None);
        router.note(1, RouteChange::Address(UDP, client));
        router.note(0, RouteChange::AddressGone(UDP, client));
        assert_eq!(router.find(UDP, client, &media), Some(1));
        router.note(1, RouteChange::AddressGone(UDP, client));
        assert_eq!(router.find(UDP, client, &media), None);
    }

    #[test]
    fn a_busy_worker_loses_datagrams_and_they_are_counted() {
        let (router, mut ends) = Router::new(2);
        router.note(0, RouteChange::Address(UDP, address(1)));
        let to = address(7882);
        let taken = (0..WAITING + 5).filter(|_| router.deliver(UDP, address(1), to, &[0x80])).count();
        assert_eq!((taken, router.dropped()), (WAITING, 5));
        assert!(!router.deliver(UDP, address(2), to, &[0x80]), "nobody's");
        assert_eq!(router.dropped(), 5);
        let batch = ends[0].try_recv().unwrap();
        assert_eq!(batch.iter().collect::<Vec<_>>(), [(UDP, address(1), to, &[0x80][..])]);
    }

    #[test]
    fn a_batch_keeps_its_datagrams_apart() {
        let mut batch = Batch::default();
        assert!(batch.is_empty());
        for length in [3, 0, 5] {
            batch.push(UDP, address(1), address(2), &vec![7; length]);
        }
        assert_eq!(batch.iter().map(|(.., bytes)| bytes.len()).collect::<Vec<_>>(), [3, 0, 5]);
    }
}
