//! How media come to this process: what the settings mean together.

use serde::Deserialize;
use url::{Host, Url};

use super::{Config, ConfigError, Media};

/// A way on which browsers may send media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Udp,
    Tcp,
    Turn,
}

impl Media {
    pub fn offers(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }

    /// The port of TCP; 0: a free one.
    pub fn tcp_port(&self) -> u16 {
        if self.udp_port == 0 { 0 } else { self.tcp_port }
    }

    /// The port of the relay; 0: a free one.
    pub fn turn_port(&self) -> u16 {
        if self.udp_port == 0 { 0 } else { self.turn_port }
    }

    /// All three ports are to be free ones.
    pub fn take_free_ports(&mut self) {
        self.udp_port = 0;
    }

    /// Name and port of the relay over TLS, where a proxy leads to it.
    pub fn turn_tls(&self) -> Option<(String, u16)> {
        let text = &self.turn_tls;
        // `host:port` alone is no URL, and https leaves its own port away.
        let url = Url::parse(&format!("https://{text}")).ok().filter(|url| {
            !text.is_empty() && url.path() == "/" && url.query().is_none() && url.username().is_empty()
        })?;
        Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
    }
}

/// Where the relay is reached over TLS when the pages are at this origin, and
/// this process speaks TLS there by itself.
pub fn beside_https(origin: &str) -> Option<(String, u16)> {
    let url = Url::parse(origin).ok().filter(|url| url.scheme() == "https")?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

/// Refuses what cannot work.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let media = &config.media;
    let refuse = |text: String| Err(ConfigError(text));
    if !media.enabled {
        return Ok(());
    }
    if media.ways.is_empty() {
        return refuse(
            "media.ways is empty: name udp, tcp or turn, or set media.enabled to false.".to_owned(),
        );
    }
    if media.offers(Way::Turn) && !media.offers(Way::Udp) {
        return refuse(
            "media.ways has turn without udp: the relay hands over what came by UDP, so name both."
                .to_owned(),
        );
    }
    if !media.turn_tls.is_empty() && media.turn_tls().is_none() {
        return refuse(format!(
            "media.turn_tls is `{}`: write a name, or a name and a port, as in turn.clinic.example:443.",
            media.turn_tls
        ));
    }
    if media.udp_port != 0 && media.offers(Way::Turn) && media.turn_port == media.udp_port {
        return refuse("media.turn_port is media.udp_port: the relay needs a port of its own.".to_owned());
    }
    if media.udp_port != 0
        && media.offers(Way::Turn)
        && media.offers(Way::Tcp)
        && media.turn_port == media.tcp_port
    {
        return refuse("media.turn_port is media.tcp_port: the relay needs a port of its own.".to_owned());
    }
    Ok(())
}

/// Whether a certificate can name this host, so that clients accept the relay
/// over TLS there.
pub fn is_name(host: &str) -> bool {
    matches!(Host::parse(host), Ok(Host::Domain(_)))
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    fn with(settings: &[(&str, &str)]) -> Result<Config, String> {
        let sources = settings
            .iter()
            .fold(Sources::default(), |sources, (name, value)| sources.flag(name, Some(value)));
        load(&sources).map_err(|error| error.0)
    }

    #[test]
    fn free_ports_are_free_for_all_ways() {
        let usual = with(&[]).expect("valid").media;
        assert_eq!((usual.udp_port, usual.tcp_port(), usual.turn_port()), (7882, 7882, 3478));
        let free = with(&[("media.udp_port", "0")]).expect("valid").media;
        assert_eq!((free.tcp_port(), free.turn_port()), (0, 0));
    }

    #[test]
    fn the_relay_behind_a_proxy_has_a_name_and_a_port() {
        let at = |text| with(&[("media.turn_tls", text)]).expect("valid").media.turn_tls();
        assert_eq!(at(""), None);
        assert_eq!(at("turn.clinic.example"), Some(("turn.clinic.example".to_owned(), 443)));
        assert_eq!(at("turn.clinic.example:5349"), Some(("turn.clinic.example".to_owned(), 5349)));
        for bad in ["turn.clinic.example/x", "a b", "user@turn.clinic.example"] {
            assert!(with(&[("media.turn_tls", bad)]).expect_err(bad).contains("media.turn_tls"));
        }
        assert_eq!(beside_https("https://clinic.example"), Some(("clinic.example".to_owned(), 443)));
        assert_eq!(beside_https("http://clinic.example"), None);
    }

    #[test]
    fn ways_that_cannot_work_are_refused() {
        let ways = |text| with(&[("media.ways", text)]);
        assert!(ways(r#"["tcp"]"#).is_ok() && ways(r#"["udp"]"#).is_ok());
        assert!(ways("[]").expect_err("none").contains("media.ways"));
        assert!(ways(r#"["turn"]"#).expect_err("alone").contains("turn"));
        assert!(ways(r#"["sctp"]"#).expect_err("unknown").contains("media.ways"));
        assert!(with(&[("media.turn_port", "7882")]).expect_err("taken").contains("media.turn_port"));
        assert!(with(&[("media.public_ips", r#"["clinic"]"#)]).expect_err("no IP").contains("clinic"));
        assert_eq!(
            with(&[("media.public_ips", r#"["192.0.2.1/10.0.0.1"]"#)]).expect("valid").media.public_ips.len(),
            1
        );
    }
}
