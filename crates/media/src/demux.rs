//! Finds the peer connection a datagram belongs to: a STUN check by the user
//! fragment in its USERNAME (also after an ICE restart, whatever the address),
//! everything else by the address that such a check came from.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use str0m::net::Protocol;

use crate::ids::{PeerKey, TransportKey};

/// A client has a handful of addresses; one that proves more is playing.
const ADDRESSES_EACH: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Demux {
    fragments: HashMap<String, TransportKey>,
    addresses: HashMap<(Protocol, SocketAddr), TransportKey>,
    /// The addresses of each connection, oldest first.
    proved: HashMap<TransportKey, VecDeque<(Protocol, SocketAddr)>>,
    /// What whoever spreads datagrams over shards has not been told yet.
    pub changes: VecDeque<RouteChange>,
}

/// What a shard's connections are known by from now on, or not any more.
/// Nothing of it is readable from a fragment alone: the library makes its own
/// at an ICE restart, so the table must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteChange {
    Fragment(String),
    FragmentGone(String),
    Address(Protocol, SocketAddr),
    AddressGone(Protocol, SocketAddr),
}

/// What the address tables say about a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// From an address that this connection has proved to own.
    Known(TransportKey),
    /// A check that names this connection, from an address new to it: the
    /// address may be noted only when the check's signature holds.
    Unproved(TransportKey),
}

impl Demux {
    pub fn route(&self, proto: Protocol, source: SocketAddr, datagram: &[u8]) -> Option<Route> {
        let by_address = self.addresses.get(&(proto, source)).copied();
        let Some(fragment) = stun_local_fragment(datagram) else {
            return by_address.map(Route::Known);
        };
        let named = *self.fragments.get(fragment)?;
        Some(if by_address == Some(named) { Route::Known(named) } else { Route::Unproved(named) })
    }

    /// Notes an address that a signed check came from.
    pub fn prove(&mut self, proto: Protocol, source: SocketAddr, key: TransportKey) {
        self.addresses.insert((proto, source), key);
        self.changes.push_back(RouteChange::Address(proto, source));
        let own = self.proved.entry(key).or_default();
        own.push_back((proto, source));
        if own.len() > ADDRESSES_EACH
            && let Some(oldest) = own.pop_front()
            && oldest != (proto, source)
            && self.addresses.get(&oldest) == Some(&key)
        {
            self.addresses.remove(&oldest);
            self.changes.push_back(RouteChange::AddressGone(oldest.0, oldest.1));
        }
    }

    /// Makes `fragment` name this connection, besides older ones: an ICE
    /// restart is under way until the client answers.
    pub fn add_fragment(&mut self, fragment: &str, key: TransportKey) {
        self.fragments.insert(fragment.to_owned(), key);
        self.changes.push_back(RouteChange::Fragment(fragment.to_owned()));
    }

    /// Makes `fragment` the only one that names this connection.
    pub fn set_fragment(&mut self, fragment: &str, key: TransportKey) {
        self.drop_fragments(|name, of| of == key && name != fragment);
        self.add_fragment(fragment, key);
    }

    /// Forgets both connections of a peer.
    pub fn forget(&mut self, peer: PeerKey) {
        self.drop_fragments(|_, of| of.peer == peer);
        for ((proto, address), _) in self.addresses.extract_if(|_, of| of.peer == peer) {
            self.changes.push_back(RouteChange::AddressGone(proto, address));
        }
        self.proved.retain(|of, _| of.peer != peer);
    }

    fn drop_fragments(&mut self, which: impl Fn(&str, TransportKey) -> bool) {
        for (fragment, _) in self.fragments.extract_if(|name, of| which(name, *of)) {
            self.changes.push_back(RouteChange::FragmentGone(fragment));
        }
    }

    /// Number of addresses and fragments known; for tests of leaks.
    pub fn len(&self) -> usize {
        self.fragments.len() + self.addresses.len() + self.proved.len()
    }
}

/// The receiver's user fragment of a STUN message: the part of the USERNAME
/// attribute (0x0006) before the colon (RFC 8445 section 7.2.2).
pub(crate) fn stun_local_fragment(datagram: &[u8]) -> Option<&str> {
    const HEADER: usize = 20;
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const USERNAME: u16 = 0x0006;
    if datagram.len() < HEADER || datagram[0] > 3 || datagram[4..8] != COOKIE {
        return None;
    }
    let mut rest = &datagram[HEADER..];
    while let [t0, t1, l0, l1, value @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        if u16::from_be_bytes([*t0, *t1]) == USERNAME {
            let name = std::str::from_utf8(value.get(..length)?).ok()?;
            return name.split_once(':').map(|(local, _)| local);
        }
        rest = value.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CallKey, Side};

    const UDP: Protocol = Protocol::Udp;

    fn key(peer: u32) -> TransportKey {
        TransportKey { call: CallKey(1), peer: PeerKey(peer), side: Side::Subscriber }
    }

    fn check(username: &str) -> Vec<u8> {
        let mut datagram = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        datagram.extend([7; 12]);
        datagram.extend([0x80, 0x22, 0, 3, b'a', b'b', b'c', 0]);
        datagram.extend([0, 6, 0, username.len() as u8]);
        datagram.extend(username.bytes());
        datagram.resize(datagram.len().next_multiple_of(4), 0);
        datagram
    }

    #[test]
    fn checks_go_by_name_and_media_by_proved_address() {
        let a: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let mut demux = Demux::default();
        demux.set_fragment("left", key(1));
        demux.set_fragment("right", key(2));
        assert_eq!(demux.route(UDP, a, &[0x80, 0]), None);
        assert_eq!(demux.route(UDP, a, &check("nobody:x")), None);
        assert_eq!(demux.route(UDP, a, &check("left:x")), Some(Route::Unproved(key(1))));
        assert_eq!(demux.route(UDP, a, &[0x80, 0]), None);
        demux.prove(UDP, a, key(1));
        assert_eq!(demux.route(UDP, a, &[0x80, 0]), Some(Route::Known(key(1))));
        assert_eq!(demux.route(UDP, a, &check("left:x")), Some(Route::Known(key(1))));
        // The same address now speaks for another connection.
        assert_eq!(demux.route(UDP, a, &check("right:x")), Some(Route::Unproved(key(2))));
        demux.forget(PeerKey(1));
        assert_eq!(demux.route(UDP, a, &[0x80, 0]), None);
        assert_eq!(demux.len(), 1);
    }

    #[test]
    fn a_peer_cannot_fill_the_table() {
        let mut demux = Demux::default();
        for port in 1..=1000 {
            demux.prove(UDP, SocketAddr::from(([192, 0, 2, 1], port)), key(1));
        }
        assert_eq!(demux.addresses.len(), ADDRESSES_EACH);
        assert!(demux.addresses.contains_key(&(UDP, SocketAddr::from(([192, 0, 2, 1], 1000)))));
        demux.forget(PeerKey(1));
        assert_eq!(demux.len(), 0);
    }

    #[test]
    fn a_restart_knows_both_names_until_it_is_done() {
        let a: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let mut demux = Demux::default();
        demux.set_fragment("old", key(1));
        demux.add_fragment("new", key(1));
        assert!(demux.route(UDP, a, &check("old:x")).is_some());
        assert!(demux.route(UDP, a, &check("new:x")).is_some());
        demux.set_fragment("new", key(1));
        assert!(demux.route(UDP, a, &check("old:x")).is_none());
        assert!(demux.route(UDP, a, &check("new:x")).is_some());
    }

    #[test]
    fn broken_stun_names_nobody() {
        let good = check("left:x");
        for end in 0..good.len() {
            let _ = stun_local_fragment(&good[..end]);
        }
        assert_eq!(stun_local_fragment(&check("no colon")), None);
        assert_eq!(stun_local_fragment(&good), Some("left"));
    }
}
