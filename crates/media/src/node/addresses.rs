//! The addresses that clients are told to send media to.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::env::Reachable;

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

/// An address that clients are told, where a router in front of this machine
/// translates: of one of its local addresses, or of all of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Public {
    pub told: IpAddr,
    pub local: Option<IpAddr>,
}

/// Not `203.0.113.9` or `203.0.113.9/10.0.0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an IP address, or two as in 203.0.113.9/10.0.0.5: the public one first")]
pub struct NoPublic;

impl FromStr for Public {
    type Err = NoPublic;

    fn from_str(text: &str) -> Result<Self, NoPublic> {
        let ip = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| NoPublic);
        let (told, local) = match text.split_once('/') {
            Some((told, local)) => (ip(told)?, Some(ip(local)?)),
            None => (ip(text)?, None),
        };
        let fits = local.is_none_or(|local| local.is_ipv4() == told.is_ipv4());
        if !fits || told.is_unspecified() {
            return Err(NoPublic);
        }
        Ok(Self { told, local })
    }
}

/// Translates between the addresses of this machine and those that clients
/// are told: behind a one-to-one NAT the two differ.
#[derive(Clone, Debug)]
pub(super) struct AddressBook {
    pub local: Vec<IpAddr>,
    public: Vec<Public>,
    port: u16,
}

impl AddressBook {
    pub fn new(local: Vec<IpAddr>, public: Vec<Public>, port: u16) -> Self {
        Self { local, public, port }
    }

    /// Addresses that media come to by UDP.
    pub fn udp(&self) -> Vec<Reachable> {
        self.told().into_iter().map(|ip| Reachable::udp(SocketAddr::new(ip, self.port))).collect()
    }

    /// The same at this port of TCP.
    pub fn tcp(&self, port: u16) -> Vec<Reachable> {
        self.told().into_iter().map(|ip| Reachable::tcp(SocketAddr::new(ip, port))).collect()
    }

    fn told(&self) -> Vec<IpAddr> {
        let mut told = Vec::new();
        for local in &self.local {
            let of: Vec<_> = self.public_of(*local).collect();
            let own = of.is_empty().then_some(*local);
            told.extend(own.into_iter().chain(of).filter(|ip| !told.contains(ip)).collect::<Vec<_>>());
        }
        told
    }

    /// Those of this address alone; without any, those of its family.
    fn public_of(&self, local: IpAddr) -> impl Iterator<Item = IpAddr> {
        let own = self.public.iter().any(|public| public.local == Some(local));
        let fits = move |public: &&Public| match public.local {
            Some(of) => of == local,
            None => !own && public.told.is_ipv4() == local.is_ipv4(),
        };
        self.public.iter().filter(fits).map(|public| public.told)
    }

    /// The candidate that a datagram to this local address was meant for.
    pub fn candidate_for(&self, destination: IpAddr) -> SocketAddr {
        let told = self.public_of(destination).next().unwrap_or(destination);
        SocketAddr::new(told, self.port)
    }

    /// The local address to send from for a candidate; `None` lets the
    /// system choose.
    pub fn source_for(&self, candidate: IpAddr) -> Option<IpAddr> {
        if self.local.contains(&candidate) {
            return Some(candidate);
        }
        self.public.iter().find(|public| public.told == candidate)?.local
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

    fn book(local: &[&str], public: &[&str]) -> AddressBook {
        let public = public.iter().map(|text| text.parse().unwrap()).collect();
        AddressBook::new(local.iter().map(|text| ip(text)).collect(), public, 7882)
    }

    fn told(book: &AddressBook) -> Vec<String> {
        book.udp().iter().map(|udp| udp.address.to_string()).collect()
    }

    #[test]
    fn behind_nat_clients_hear_only_the_public_address() {
        let behind = book(&["10.0.0.5"], &["203.0.113.9"]);
        let public: SocketAddr = "203.0.113.9:7882".parse().unwrap();
        assert_eq!(behind.udp(), [Reachable::udp(public)]);
        assert_eq!(behind.tcp(443), [Reachable::tcp("203.0.113.9:443".parse().unwrap())]);
        assert_eq!(behind.candidate_for(ip("10.0.0.5")), public);
        assert_eq!(behind.source_for(public.ip()), None);

        let plain = book(&["10.0.0.5"], &[]);
        assert_eq!(plain.candidate_for(ip("10.0.0.5")).ip(), ip("10.0.0.5"));
        assert_eq!(plain.source_for(ip("10.0.0.5")), Some(ip("10.0.0.5")));
    }

    #[test]
    fn each_local_address_may_have_a_public_one_of_its_own() {
        let book = book(
            &["10.0.0.5", "10.0.1.5", "192.168.7.1", "2001:db8::5"],
            &["203.0.113.9/10.0.0.5", "203.0.113.10/10.0.1.5"],
        );
        let expected = ["203.0.113.9:7882", "203.0.113.10:7882", "192.168.7.1:7882", "[2001:db8::5]:7882"];
        assert_eq!(told(&book), expected);
        assert_eq!(book.candidate_for(ip("10.0.1.5")).ip(), ip("203.0.113.10"));
        assert_eq!(book.source_for(ip("203.0.113.10")), Some(ip("10.0.1.5")));
        assert_eq!(book.source_for(ip("192.168.7.1")), Some(ip("192.168.7.1")));
    }

    #[test]
    fn a_public_address_stands_for_its_family_only() {
        let book = book(&["10.0.0.5", "10.0.1.5", "2001:db8::5"], &["203.0.113.9", "203.0.113.10"]);
        assert_eq!(told(&book), ["203.0.113.9:7882", "203.0.113.10:7882", "[2001:db8::5]:7882"]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "clinic.example", "203.0.113.9/", "203.0.113.9/2001:db8::1", "0.0.0.0", "1.2.3.4:5"] {
            assert_eq!(bad.parse::<Public>(), Err(NoPublic), "{bad}");
        }
        let pair: Public = "203.0.113.9 / 10.0.0.5".parse().unwrap();
        assert_eq!((pair.told, pair.local), (ip("203.0.113.9"), Some(ip("10.0.0.5"))));
    }
}
