//! Where a request comes from. Without a trusted proxy that is the socket's
//! peer; a trusted proxy's word is taken for address, scheme and host, nobody
//! else's is.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Uri, header, request::Parts},
};
use ipnet::IpNet;

/// The other end of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The caller's own address.
    pub addr: IpAddr,
    /// The browser's connection is encrypted.
    pub https: bool,
    /// The host the browser asked for, with its port, in lower case.
    pub host: String,
}

impl Client {
    /// Reads it from a request that arrived from `peer`.
    pub fn of(parts: &Parts, peer: SocketAddr, tls: bool, trusted: &[IpNet]) -> Self {
        read(&parts.headers, &parts.uri, peer, tls, trusted)
    }

    /// What the outermost layer read; an unknown caller where none ran.
    pub fn of_request(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or(Self {
            addr: Ipv4Addr::UNSPECIFIED.into(),
            https: false,
            host: String::new(),
        })
    }

    /// Scheme and host as a browser writes them in `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_request(parts))
    }
}

fn read(headers: &HeaderMap, uri: &Uri, peer: SocketAddr, tls: bool, trusted: &[IpNet]) -> Client {
    let peer = peer.ip().to_canonical();
    let is_trusted = |addr: &IpAddr| trusted.iter().any(|net| net.contains(addr));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own_host = || {
        text(header::HOST.as_str())
            .map(str::to_owned)
            .or_else(|| uri.authority().map(ToString::to_string))
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if !is_trusted(&peer) {
        return Client { addr: peer, https: tls, host: own_host() };
    }
    // Proxies append: walk from the right to the first address that is none of ours.
    let mut addr = peer;
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .collect::<Vec<_>>();
    for hop in forwarded.iter().rev() {
        let Some(hop) = hop_address(hop.trim()) else {
            break;
        };
        addr = hop;
        if !is_trusted(&hop) {
            break;
        }
    }
    let last = |name: &str| text(name).map(|list| list.rsplit(',').next().unwrap_or(list).trim());
    Client {
        addr,
        https: last("x-forwarded-proto").map_or(tls, |proto| proto.eq_ignore_ascii_case("https")),
        host: last("x-forwarded-host").map_or_else(own_host, str::to_ascii_lowercase),
    }
}

/// An address with or without a port.
fn hop_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|addr| addr.ip()))
        .ok()
        .map(|addr| addr.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, headers: &[(&'static str, &'static str)], trusted: &[&str]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        read(&map, &Uri::from_static("/"), peer.parse().unwrap(), false, &trusted)
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        let client = of(
            "203.0.113.5:9",
            &[
                ("host", "Clinic.example"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "evil.example"),
            ],
            &["10.0.0.0/8"],
        );
        assert_eq!(client.addr.to_string(), "203.0.113.5");
        assert_eq!(client.origin(), "http://clinic.example");
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger() {
        let client = of(
            "10.0.0.2:9",
            &[
                ("host", "inner:8080"),
                ("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.0.0.9"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "clinic.example"),
            ],
            &["10.0.0.0/8"],
        );
        assert_eq!(client.addr.to_string(), "198.51.100.7");
        assert_eq!(client.origin(), "https://clinic.example");
    }
}
