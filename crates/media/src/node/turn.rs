//! The relay's ends: its sockets and streams, and the way into the shards.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use str0m::net::Protocol;
use tokio::io::{AsyncRead, AsyncWrite};

use super::routes::Router;
use super::stream::{self, Streams};
use super::worker::{now, unix_s};
use crate::framing::Framing;
use crate::turn::{Client, Reaction, Server, Via};

/// How often what has run out is swept away.
const SWEEP: Duration = Duration::from_secs(30);
/// Packets of the relay are media with a small head.
const DATAGRAM: usize = 2048;

/// The relay of a node; clones are the same one.
#[derive(Clone)]
pub(super) struct Relay(Arc<Inner>);

struct Inner {
    server: Mutex<Server>,
    /// One for each address, so that an answer leaves from where it was asked.
    sockets: Vec<UdpSocket>,
    streams: Streams<Client>,
    router: Router,
}

impl Relay {
    pub fn new(server: Server, sockets: Vec<UdpSocket>, router: Router) -> Self {
        let (server, streams) = (Mutex::new(server), Streams::default());
        Self(Arc::new(Inner { server, sockets, streams, router }))
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.0.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says anew where media come to.
    pub fn set_targets(&self, targets: impl IntoIterator<Item = SocketAddr>) {
        self.server().set_targets(targets);
    }

    /// Clients at the relay now.
    pub fn allocations(&self) -> usize {
        self.server().len()
    }

    /// Sends what a shard has for a client of the relay.
    pub fn send(&self, from: SocketAddr, relayed: SocketAddr, contents: &[u8]) {
        let packed = self.server().send_to(now(), relayed, from, contents);
        if let Some((client, packet)) = packed {
            self.tell(client, &packet);
        }
    }

    fn tell(&self, client: Client, packet: &[u8]) {
        match client.0 {
            Via::Udp(socket) => {
                // A full buffer loses packets, as the network may.
                let _ = self.0.sockets.get(socket).map(|socket| socket.send_to(packet, client.1));
            }
            Via::Tcp | Via::Tls => self.0.streams.send(client, packet),
        }
    }

    fn take(&self, client: Client, packet: &[u8]) {
        let reaction = self.server().receive(now(), unix_s(), client, packet);
        match reaction {
            Reaction::Nothing => {}
            Reaction::Reply(answer) => self.tell(client, &answer),
            Reaction::Deliver { relayed, to, data } => {
                self.0.router.deliver(Protocol::Udp, relayed, to, &packet[data]);
            }
        }
    }

    /// Takes the datagrams of one of the sockets, for ever.
    pub async fn listen(self, number: usize, socket: tokio::net::UdpSocket) {
        let mut buffer = [0; DATAGRAM];
        loop {
            // Errors are reports of clients that are gone.
            if let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                self.take((Via::Udp(number), client), &buffer[..length]);
            }
        }
    }

    /// Carries one client's stream until it ends.
    pub async fn carry<S: AsyncRead + AsyncWrite>(&self, via: Via, client: SocketAddr, stream: S) {
        let client = (via, client);
        let Some((_entry, outgoing)) = self.0.streams.add(client, client.1.ip()) else {
            return;
        };
        let _gone = Gone { relay: self, client };
        stream::carry(stream, Framing::Turn, outgoing, |packet| {
            self.take(client, packet);
            true
        })
        .await;
    }

    /// Sweeps, for ever.
    pub async fn sweep(self) {
        let mut every = tokio::time::interval(SWEEP);
        loop {
            every.tick().await;
            self.server().expire(now());
        }
    }
}

/// Ends an allocation with its stream, however that ends.
struct Gone<'a> {
    relay: &'a Relay,
    client: Client,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.relay.server().gone(self.client);
    }
}
