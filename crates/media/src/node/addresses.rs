//! The addresses that clients are told to send media to.

use std::net::{IpAddr, SocketAddr};

/// Which local addresses to serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listen {
    /// Every interface that is up; loopback only when there is no other.
    #[default]
    Interfaces,
    /// Exactly these.
    Only(Vec<IpAddr>),
}

/// Clients try every candidate; a machine full of container bridges must not
/// make them try dozens.
const MOST: usize = 8;

/// Local addresses to serve now.
pub(super) fn local(listen: &Listen) -> std::io::Result<Vec<IpAddr>> {
    match listen {
        Listen::Only(addresses) => Ok(addresses.clone()),
        Listen::Interfaces => {
            let up = if_addrs::get_if_addrs()?
                .into_iter()
                .filter(|interface| {
                    // Many drivers never report more than "unknown".
                    !matches!(interface.oper_status, if_addrs::IfOperStatus::Down)
                        && !interface.is_link_local()
                })
                .map(|interface| interface.ip());
            Ok(pick(up))
        }
    }
}

fn pick(up: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let (loopback, mut real): (Vec<_>, Vec<_>) = up.partition(IpAddr::is_loopback);
    if real.is_empty() {
        real = loopback;
    }
    // IPv4 first: where both work it is tried first and is the less odd.
    real.sort_by_key(IpAddr::is_ipv6);
    real.dedup();
    real.truncate(MOST);
    real
}

/// Translates between the addresses of this machine and those that clients
/// are told: behind a one-to-one NAT the two differ.
#[derive(Clone, Debug)]
pub(super) struct AddressBook {
    pub local: Vec<IpAddr>,
    public: Vec<IpAddr>,
    port: u16,
}

impl AddressBook {
    pub fn new(local: Vec<IpAddr>, public: Vec<IpAddr>, port: u16) -> Self {
        Self { local, public, port }
    }

    pub fn candidates(&self) -> Vec<SocketAddr> {
        let told = if self.public.is_empty() { &self.local } else { &self.public };
        told.iter().map(|ip| SocketAddr::new(*ip, self.port)).collect()
    }

    /// The candidate that a datagram to this local address was meant for.
    pub fn candidate_for(&self, destination: IpAddr) -> SocketAddr {
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == destination.is_ipv4();
        let told = if self.public.is_empty() {
            destination
        } else {
            *self.public.iter().find(same_family).unwrap_or(&destination)
        };
        SocketAddr::new(told, self.port)
    }

    /// The local address to send from for a candidate; `None` lets the
    /// system choose.
    pub fn source_for(&self, candidate: IpAddr) -> Option<IpAddr> {
        self.local.contains(&candidate).then_some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_is_the_last_resort() {
        let all = ["127.0.0.1", "2001:db8::1", "192.0.2.7", "192.0.2.7"].map(ip);
        assert_eq!(pick(all.into_iter()), [ip("192.0.2.7"), ip("2001:db8::1")]);
        assert_eq!(pick([ip("127.0.0.1")].into_iter()), [ip("127.0.0.1")]);
    }

    #[test]
    fn behind_nat_clients_hear_only_the_public_address() {
        let book = AddressBook::new(vec![ip("10.0.0.5")], vec![ip("203.0.113.9")], 7882);
        let public: SocketAddr = "203.0.113.9:7882".parse().unwrap();
        assert_eq!(book.candidates(), [public]);
        assert_eq!(book.candidate_for(ip("10.0.0.5")), public);
        assert_eq!(book.source_for(public.ip()), None);

        let plain = AddressBook::new(vec![ip("10.0.0.5")], vec![], 7882);
        assert_eq!(plain.candidate_for(ip("10.0.0.5")).ip(), ip("10.0.0.5"));
        assert_eq!(plain.source_for(ip("10.0.0.5")), Some(ip("10.0.0.5")));
    }
}
