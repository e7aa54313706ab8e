//! Who may use the relay: each join is given a name that says until when, and
//! a password that only this process can have made of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;
use livekit_protocol as lk;
use str0m::net::Protocol;

use super::message::long_term_key;
use crate::env::Reachable;

/// Seconds in which a client can begin to use the relay; what it has begun
/// goes on. A visit is shorter.
pub(crate) const GOOD_FOR_S: i64 = 4 * 3600;

pub(crate) const REALM: &str = "bedside";

/// What clients are told of the relay.
#[derive(Clone)]
pub struct Offer {
    key: hmac::Key,
    /// Port of UDP and TCP on every address that media are sent to.
    port: u16,
    /// Name and port by which it is reached over TLS.
    tls: Option<(String, u16)>,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").field("port", &self.port).field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Offer {
    /// `secret` is what passwords are made with; a new one at each start ends
    /// all older credentials.
    pub fn new(secret: &[u8; 32], port: u16, tls: Option<(String, u16)>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), port, tls }
    }

    /// Name and password for one session, good from `unix_s` on for `for_s`.
    pub(crate) fn credentials(&self, session: &str, unix_s: i64, for_s: i64) -> (String, String) {
        let username = format!("{}:{session}", unix_s + for_s);
        let password = self.password(&username);
        (username, password)
    }

    fn password(&self, username: &str) -> String {
        let tag = hmac::sign(&self.key, username.as_bytes());
        data_encoding::HEXLOWER.encode(&tag.as_ref()[..20])
    }

    /// The key that a message of this user is signed with.
    pub(crate) fn key_of(&self, username: &str) -> [u8; 16] {
        long_term_key(username, REALM, &self.password(username))
    }

    /// Whether a name counts still; the signature is another matter.
    pub(crate) fn is_current(username: &str, unix_s: i64) -> bool {
        let until = username.split_once(':').and_then(|(until, _)| until.parse::<i64>().ok());
        until.is_some_and(|until| until > unix_s)
    }

    /// Where the relay is, for clients that send media to these addresses: one
    /// address of each family, since every further one makes a join slower.
    pub(crate) fn urls(&self, candidates: &[Reachable]) -> Vec<String> {
        let udp = || candidates.iter().filter(|c| c.proto == Protocol::Udp).map(|c| c.address.ip());
        let hosts = [udp().find(IpAddr::is_ipv4), udp().find(IpAddr::is_ipv6)];
        let mut urls = Vec::new();
        for ip in hosts.into_iter().flatten() {
            let at = SocketAddr::new(ip, self.port);
            urls.extend(["udp", "tcp"].map(|way| format!("turn:{at}?transport={way}")));
        }
        urls.extend(self.tls.as_ref().map(|(host, port)| format!("turns:{host}:{port}?transport=tcp")));
        urls
    }

    /// What a session is told.
    pub(crate) fn ice_servers(&self, session: &str, unix_ms: i64, at: &[Reachable]) -> Vec<lk::IceServer> {
        let (username, credential) = self.credentials(session, unix_ms / 1000, GOOD_FOR_S);
        vec![lk::IceServer { urls: self.urls(at), username, credential }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_belongs_to_one_name_and_one_start() {
        let offer = Offer::new(&[1; 32], 3478, Some(("clinic.example".to_owned(), 443)));
        let (ann, password) = offer.credentials("PA_ann", 1000, 60);
        assert_eq!(ann, "1060:PA_ann");
        assert_ne!(password, offer.credentials("PA_ben", 1000, 60).1);
        assert_ne!(password, Offer::new(&[2; 32], 3478, None).credentials("PA_ann", 1000, 60).1);
        assert!(Offer::is_current(&ann, 1059) && !Offer::is_current(&ann, 1060));
        assert!(!Offer::is_current("PA_ann", 0) && !Offer::is_current("x:PA_ann", 0));
        assert!(!format!("{offer:?}").contains("[1, 1"));
    }

    #[test]
    fn clients_hear_of_each_way_once() {
        let offer = Offer::new(&[1; 32], 3478, Some(("clinic.example".to_owned(), 443)));
        let at = ["192.0.2.1:7882", "198.51.100.7:7882", "[2001:db8::1]:7882"]
            .map(|text| Reachable::udp(text.parse().unwrap()));
        assert_eq!(
            offer.urls(&at),
            [
                "turn:192.0.2.1:3478?transport=udp",
                "turn:192.0.2.1:3478?transport=tcp",
                "turn:[2001:db8::1]:3478?transport=udp",
                "turn:[2001:db8::1]:3478?transport=tcp",
                "turns:clinic.example:443?transport=tcp",
            ]
        );
    }
}
