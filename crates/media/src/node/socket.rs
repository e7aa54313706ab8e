//! UDP in batches: many datagrams per system call in, runs of equal size to
//! one receiver in one call out (GSO) where the system can.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, Type};
use str0m::net::DatagramSend;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::addresses::{AddressBook, Listen};

/// A second of 1080p to fifty subscribers fits; the system may grant less.
const KERNEL_BUFFER: usize = 8 << 20;
/// Media packets are below 1500 bytes; what is larger is not ours.
const DATAGRAM: usize = 2048;
/// Most bytes in one call to the system, as IP allows.
const GSO_BYTES: usize = 60_000;

/// How a port is held together with other sockets of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// By this one alone.
    Alone,
    /// By this one first; others follow.
    Opens,
    /// Together with the one that opened it.
    Joins,
}

struct Bound {
    io: UdpSocket,
    state: UdpSocketState,
    /// The one address served, unless it serves all of its family.
    only: Option<IpAddr>,
    v4: bool,
}

/// The sockets of one media port.
pub(super) struct Sockets {
    bound: Vec<Bound>,
    port: u16,
    buffer: Vec<u8>,
    buffer_each: usize,
}

impl Sockets {
    /// Binds the port on the addresses; port 0 picks a free one. Must be
    /// called within a tokio runtime.
    pub fn bind(listen: &Listen, local: &[IpAddr], port: u16, sharing: Sharing) -> io::Result<Self> {
        let wanted: Vec<(IpAddr, Option<IpAddr>)> = match listen {
            Listen::Only(addresses) => addresses.iter().map(|ip| (*ip, Some(*ip))).collect(),
            Listen::Interfaces => {
                let v4 = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), None);
                let v6 = (IpAddr::V6(Ipv6Addr::UNSPECIFIED), None);
                let has_v6 = local.iter().any(IpAddr::is_ipv6);
                std::iter::once(v4).chain(has_v6.then_some(v6)).collect()
            }
        };
        let mut sockets = Self { bound: Vec::new(), port, buffer: Vec::new(), buffer_each: DATAGRAM };
        for (ip, only) in wanted {
            let bound = bind_one(ip, only, sockets.port, sharing)?;
            sockets.port = bound.io.local_addr()?.port();
            let coalesced = bound.state.gro_segments() * DATAGRAM;
            sockets.buffer_each = sockets.buffer_each.max(coalesced);
            sockets.bound.push(bound);
        }
        sockets.buffer = vec![0; sockets.buffer_each * BATCH_SIZE];
        Ok(sockets)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Frees the port.
    pub fn close(&mut self) {
        self.bound.clear();
    }

    /// Ready when some socket has datagrams.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = self
            .bound
            .iter()
            .map(|socket| socket.io.poll_recv_ready(cx).is_ready())
            // Every socket must be asked, so that each one wakes the task.
            .fold(false, |any, ready| any | ready);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands over what has arrived, at most one batch per socket: source,
    /// the candidate it was meant for, contents. Returns how many reads of the
    /// system's it took them from.
    pub fn receive(
        &mut self,
        book: &AddressBook,
        mut each: impl FnMut(SocketAddr, SocketAddr, &[u8]),
    ) -> usize {
        let mut all = 0;
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        for socket in &self.bound {
            let mut slices: Vec<IoSliceMut<'_>> =
                self.buffer.chunks_mut(self.buffer_each).map(IoSliceMut::new).collect();
            let received = socket.io.try_io(Interest::READABLE, || {
                socket.state.recv((&socket.io).into(), &mut slices, &mut meta)
            });
            // An error is either "nothing there" or an ICMP report of some
            // client that has gone; its timers will notice.
            let count = received.unwrap_or(0);
            all += count;
            for (meta, slice) in meta.iter().zip(&slices).take(count) {
                let to = socket.only.or(meta.dst_ip);
                let Some(to) = to.or_else(|| socket.any_local(book)) else {
                    continue;
                };
                let candidate = book.candidate_for(to);
                for datagram in slice[..meta.len].chunks(meta.stride.max(1)) {
                    each(meta.addr, candidate, datagram);
                }
            }
        }
        all
    }

    fn for_destination(&self, to: SocketAddr, source: Option<IpAddr>) -> Option<&Bound> {
        self.bound
            .iter()
            .filter(|socket| socket.v4 == to.is_ipv4())
            .find(|socket| socket.only.is_none() || source.is_none() || socket.only == source)
    }
}

impl Bound {
    fn any_local(&self, book: &AddressBook) -> Option<IpAddr> {
        book.local.iter().copied().find(|ip| ip.is_ipv4() == self.v4)
    }

    fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), transmit))
    }
}

fn bind_one(ip: IpAddr, only: Option<IpAddr>, port: u16, sharing: Sharing) -> io::Result<Bound> {
    let address = SocketAddr::new(ip, port);
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Less than wished is granted without an error; more is not needed.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    socket.set_nonblocking(true)?;
    if sharing == Sharing::Joins {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&SockAddr::from(address))?;
    if sharing == Sharing::Opens {
        // Only now: another program's port is not to be shared by mistake, as
        // the system allows to two programs of one user.
        socket.set_reuse_port(true)?;
    }
    let io = UdpSocket::from_std(socket.into())?;
    let state = UdpSocketState::new((&io).into())?;
    Ok(Bound { io, state, only, v4: address.is_ipv4() })
}

/// Datagrams on their way out, gathered into runs of one receiver and size.
#[derive(Default)]
pub(super) struct Sender {
    run: Vec<u8>,
    /// From which candidate, to whom, size of each.
    head: Option<(SocketAddr, SocketAddr, usize)>,
    count: usize,
    /// A shorter datagram ends a run.
    closed: bool,
    /// Datagrams that the system did not take, as happens on full buffers.
    pub dropped: u64,
}

impl Sender {
    pub fn push(
        &mut self,
        sockets: &Sockets,
        book: &AddressBook,
        from: SocketAddr,
        to: SocketAddr,
        contents: &DatagramSend,
    ) {
        let fits = self.head.is_some_and(|(run_from, run_to, size)| {
            run_from == from
                && run_to == to
                && !self.closed
                && contents.len() <= size
                && self.run.len() + contents.len() <= GSO_BYTES
                && self.count < segments(sockets, to)
        });
        if !fits {
            self.flush(sockets, book);
            self.head = Some((from, to, contents.len()));
        }
        self.closed = self.head.is_some_and(|(_, _, size)| contents.len() < size);
        self.run.extend_from_slice(contents);
        self.count += 1;
    }

    pub fn flush(&mut self, sockets: &Sockets, book: &AddressBook) {
        if let Some((from, to, size)) = self.head.take() {
            let source = book.source_for(from.ip());
            if let Some(socket) = sockets.for_destination(to, source) {
                let transmit = |contents, segment_size| Transmit {
                    destination: to,
                    ecn: None,
                    contents,
                    segment_size,
                    src_ip: source,
                };
                let whole = (self.count > 1).then_some(size);
                if socket.send(&transmit(&self.run, whole)).is_err() {
                    // Not every network device takes runs: one by one then.
                    for datagram in self.run.chunks(size.max(1)) {
                        let sent = socket.send(&transmit(datagram, None));
                        self.dropped += u64::from(sent.is_err());
                    }
                }
            }
        }
        self.run.clear();
        self.count = 0;
        self.closed = false;
    }
}

fn segments(sockets: &Sockets, to: SocketAddr) -> usize {
    sockets.for_destination(to, None).map_or(1, |socket| socket.state.max_gso_segments())
}
