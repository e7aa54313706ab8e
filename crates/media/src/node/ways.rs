//! The ways to this node besides plain UDP: TCP, and the relay over UDP, TCP
//! and TLS. They share one thread of their own; the workers hand them what is
//! for their clients.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand::rngs::StdRng;
use socket2::{Domain, SockAddr, Socket, Type};
use str0m::net::Protocol;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::addresses::{self, AddressBook, Listen};
use super::routes::Router;
use super::stream::Streams;
use super::turn::Relay;
use super::worker::{now, seed};
use super::{Settings, StartError, tcp};
use crate::env::Reachable;
use crate::turn::{Offer, Server, Via, is_relayed};

/// Connections that wait to be taken.
const BACKLOG: i32 = 256;
/// How often a port is looked for that is free at every address, or for UDP and
/// TCP alike.
const TRIES: usize = 16;

/// Which ways lead to a node.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Plain UDP, the best one.
    pub udp: bool,
    /// Port of TCP; 0 picks a free one.
    pub tcp: Option<u16>,
    pub relay: Option<RelaySettings>,
}

impl Default for Offered {
    fn default() -> Self {
        Self { udp: true, tcp: None, relay: None }
    }
}

/// How the relay serves.
#[derive(Clone, Debug)]
pub struct RelaySettings {
    /// Port of UDP and TCP; 0 picks a free one.
    pub port: u16,
    /// Name and port by which clients reach it over TLS, whoever ends that.
    pub tls: Option<(String, u16)>,
}

/// A node's ways; clones are the same ones.
#[derive(Clone)]
pub(super) struct Ways(Arc<Inner>);

struct Inner {
    tcp_port: Option<u16>,
    streams: Streams<SocketAddr>,
    relay: Option<(Relay, Offer, u16)>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Ways {
    /// Takes the ports and starts the thread.
    pub fn start(settings: &Settings, router: &Router) -> Result<Self, StartError> {
        let (udp_port, offered) = (settings.port, &settings.ways);
        let local = addresses::local(&settings.listen)
            .map_err(|error| StartError::Socket { port: udp_port, error })?;
        let wide = wide(&settings.listen, &local);
        let listeners = match offered.tcp {
            Some(port) => {
                listen(&wide, port).map_err(|error| StartError::Port { way: "TCP", port, error })?
            }
            None => Vec::new(),
        };
        let ends = match &offered.relay {
            Some(relay) => Some(relay_ends(&wide, &local, relay.port).map_err(|error| StartError::Port {
                way: "relay",
                port: relay.port,
                error,
            })?),
            None => None,
        };
        let tcp_port = port_of(&listeners);
        let mut tasks = Tasks { listeners, relay: None };
        let relay = match (&offered.relay, ends) {
            (Some(relay), Some((listeners, sockets))) => {
                let port = port_of(&listeners).unwrap_or_default();
                let offer = Offer::new(&seed(), port, relay.tls.clone());
                let server = Server::new(now(), offer.clone(), StdRng::from_seed(seed()));
                let clones = sockets.iter().map(UdpSocket::try_clone).collect::<Result<_, _>>();
                let clones = clones.map_err(StartError::Thread)?;
                let relay = Relay::new(server, sockets, router.clone());
                tasks.relay = Some((relay.clone(), listeners, clones));
                Some((relay, offer, port))
            }
            _ => None,
        };
        let (stop, stopped) = watch::channel(false);
        let inner = Inner { tcp_port, streams: Streams::default(), relay, stop, thread: Mutex::default() };
        let ways = Self(Arc::new(inner));
        if ways.0.tcp_port.is_some() || ways.0.relay.is_some() {
            // The outermost address of a way depends on the settings only.
            let book = AddressBook::new(Vec::new(), settings.public_ips.clone(), 0);
            let (streams, router) = (ways.0.streams.clone(), router.clone());
            let run = move |runtime: tokio::runtime::Runtime| {
                runtime.block_on(tasks.run(streams, router, book, stopped));
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(StartError::Thread)?;
            let thread = std::thread::Builder::new().name("media-ways".to_owned());
            let thread = thread.spawn(move || run(runtime)).map_err(StartError::Thread)?;
            *ways.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        Ok(ways)
    }

    pub fn tcp_port(&self) -> Option<u16> {
        self.0.tcp_port
    }

    /// What clients are told of the relay.
    pub fn offer(&self) -> Option<&Offer> {
        self.0.relay.as_ref().map(|(_, offer, _)| offer)
    }

    pub fn relay_port(&self) -> Option<u16> {
        self.0.relay.as_ref().map(|(.., port)| *port)
    }

    /// Says anew where media come to.
    pub fn set_targets(&self, candidates: &[Reachable]) {
        if let Some((relay, ..)) = &self.0.relay {
            let udp = candidates.iter().filter(|candidate| candidate.proto == Protocol::Udp);
            relay.set_targets(udp.map(|candidate| candidate.address));
        }
    }

    /// Sends what does not leave by the node's UDP port. False: this does.
    pub fn send(&self, proto: Protocol, from: SocketAddr, to: SocketAddr, contents: &[u8]) -> bool {
        if proto != Protocol::Udp {
            self.0.streams.send(to, contents);
            return true;
        }
        if !is_relayed(to) {
            return false;
        }
        if let Some((relay, ..)) = &self.0.relay {
            relay.send(from, to, contents);
        }
        true
    }

    /// Carries a client that has reached the relay over TLS, until it ends.
    pub async fn relay<S: AsyncRead + AsyncWrite>(&self, client: SocketAddr, stream: S) {
        let Some((relay, ..)) = &self.0.relay else {
            return;
        };
        let mut stopped = self.0.stop.subscribe();
        tokio::select! {
            () = relay.carry(Via::Tls, client, stream) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    /// Streams of TCP, clients at the relay, packets lost for want of a reader.
    pub fn counts(&self) -> (usize, usize, u64) {
        let (streams, dropped) = self.0.streams.counts();
        let relay = self.0.relay.as_ref().map_or(0, |(relay, ..)| relay.allocations());
        (streams, relay, dropped)
    }

    /// Ends everything; the ports are free again.
    pub async fn stop(&self) {
        self.0.stop.send_replace(true);
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// What the thread does.
struct Tasks {
    listeners: Vec<TcpListener>,
    relay: Option<(Relay, Vec<TcpListener>, Vec<UdpSocket>)>,
}

impl Tasks {
    async fn run(
        self,
        streams: Streams<SocketAddr>,
        router: Router,
        book: AddressBook,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut set = tokio::task::JoinSet::new();
        for listener in self.listeners.into_iter().filter_map(taken) {
            let (streams, router, book) = (streams.clone(), router.clone(), book.clone());
            set.spawn(tcp::accept(listener, move |stream, client| {
                tokio::spawn(tcp::carry(stream, client, streams.clone(), router.clone(), book.clone()));
            }));
        }
        if let Some((relay, listeners, sockets)) = self.relay {
            for listener in listeners.into_iter().filter_map(taken) {
                let relay = relay.clone();
                set.spawn(tcp::accept(listener, move |stream, client| {
                    let relay = relay.clone();
                    tokio::spawn(async move { relay.carry(Via::Tcp, client, stream).await });
                }));
            }
            for (number, socket) in sockets.into_iter().enumerate() {
                if let Ok(socket) = tokio::net::UdpSocket::from_std(socket) {
                    set.spawn(relay.clone().listen(number, socket));
                }
            }
            set.spawn(relay.sweep());
        }
        // Also when every handle of the node is gone.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

fn taken(listener: TcpListener) -> Option<tokio::net::TcpListener> {
    tokio::net::TcpListener::from_std(listener).ok()
}

fn port_of(listeners: &[TcpListener]) -> Option<u16> {
    listeners.first()?.local_addr().ok().map(|at| at.port())
}

/// The addresses that listeners are bound to.
fn wide(listen: &Listen, local: &[IpAddr]) -> Vec<IpAddr> {
    match listen {
        Listen::Only(addresses) => addresses.clone(),
        Listen::Interfaces => {
            let v6 = local.iter().any(IpAddr::is_ipv6).then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
            std::iter::once(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).chain(v6).collect()
        }
    }
}

fn bound(ip: IpAddr, port: u16, kind: Type) -> io::Result<Socket> {
    let address = SocketAddr::new(ip, port);
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM && port != 0 {
        // A restart must not wait for connections of before. A port of the
        // system's choice could be one that somebody else is about to take.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(socket)
}

/// Listens on a port at each address; 0 picks one that is free at all of them.
fn listen(addresses: &[IpAddr], port: u16) -> io::Result<Vec<TcpListener>> {
    let mut left = if port == 0 { TRIES } else { 1 };
    loop {
        left -= 1;
        match listen_once(addresses, port) {
            Err(error) if left > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
}

/// As [`listen`]; what is free at the first address may be taken at another.
fn listen_once(addresses: &[IpAddr], mut port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for ip in addresses {
        let socket = bound(*ip, port, Type::STREAM)?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

type Ends = (Vec<TcpListener>, Vec<UdpSocket>);

/// The same port for TCP and UDP.
fn relay_ends(wide: &[IpAddr], local: &[IpAddr], port: u16) -> io::Result<Ends> {
    let once = || {
        let listeners = listen(wide, port)?;
        let port = port_of(&listeners).unwrap_or(port);
        let sockets = local.iter().map(|ip| Ok(UdpSocket::from(bound(*ip, port, Type::DGRAM)?)));
        Ok((listeners, sockets.collect::<io::Result<Vec<_>>>()?))
    };
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match once() {
            Err(_) if tries > 0 => {}
            result => return result,
        }
    }
}
