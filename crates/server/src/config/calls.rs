//! Who carries the calls: the settings, and what they mean.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::{Config, ConfigError, Secret};

/// Who carries the calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    pub kind: CallsKind,
    pub url: String,
    pub key: String,
    pub secret: Secret,
    pub(super) secret_file: PathBuf,
    pub max_peers_per_call: usize,
    /// 0: no limit.
    pub max_calls_per_account: usize,
}

/// Where new calls begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallsKind {
    Embedded,
    LiveKit,
}

impl Calls {
    /// A cluster is named, for new calls or for those that began there.
    pub fn has_cluster(&self) -> bool {
        !self.url.is_empty()
    }

    /// Key and secret that open the server API of our own node.
    pub fn server_key(&self) -> Option<(String, String)> {
        let is_set = !self.key.is_empty() && !self.secret.is_empty();
        is_set.then(|| (self.key.clone(), self.secret.expose().to_owned()))
    }
}

/// Fewest characters of a secret that is ours to choose: 256 bits in hex are
/// 64, in base64 43.
const SECRET_LENGTH: usize = 32;

/// Refuses what cannot work.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let calls = &config.calls;
    let refuse = |text: String| Err(ConfigError(text));
    if !calls.has_cluster() && calls.server_key().is_some_and(|(_, secret)| secret.len() < SECRET_LENGTH) {
        return refuse(format!(
            "calls.secret is short: whoever guesses it ends every call, so write at least {SECRET_LENGTH} characters."
        ));
    }
    if !calls.has_cluster() {
        return match calls.kind {
            CallsKind::Embedded => Ok(()),
            CallsKind::LiveKit => refuse(
                "calls.kind is livekit, but calls.url is not set: write the address of your cluster, as in \
                 wss://calls.clinic.example."
                    .to_owned(),
            ),
        };
    }
    let url = Url::parse(&calls.url).ok().filter(|url| {
        url.has_host() && matches!(url.scheme(), "ws" | "wss") && url.path() == "/" && url.query().is_none()
    });
    let Some(url) = url else {
        return refuse(format!(
            "calls.url is `{}`: write scheme and host only, as in wss://calls.clinic.example.",
            calls.url
        ));
    };
    if calls.key.is_empty() || calls.secret.is_empty() {
        return refuse(
            "calls.url needs calls.key and calls.secret (or calls.secret_file) with it.".to_owned(),
        );
    }
    if url.scheme() == "ws" && !super::check::is_loopback(&url) {
        return refuse(format!(
            "calls.url is `{}`: browsers open no insecure socket from a page over HTTPS, so write wss://.",
            calls.url
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};

    fn with(settings: &[(&str, &str)]) -> Result<(), String> {
        let sources = settings
            .iter()
            .fold(Sources::default(), |sources, (name, value)| sources.flag(name, Some(value)));
        load(&sources).map(drop).map_err(|error| error.0)
    }

    #[test]
    fn a_cluster_needs_its_address_key_and_secret() {
        let kind = ("calls.kind", "livekit");
        let (key, secret) = (("calls.key", "k"), ("calls.secret", "s"));
        assert!(with(&[kind]).expect_err("no address").contains("calls.url"));
        let url = ("calls.url", "wss://calls.clinic.example");
        assert!(with(&[kind, url, key]).expect_err("no secret").contains("calls.secret"));
        with(&[kind, url, key, secret]).expect("all there");
        with(&[kind, ("calls.url", "ws://127.0.0.1:7880"), key, secret]).expect("this machine");
        // For what began there.
        with(&[url, key, secret]).expect("both");
        for bad in ["ws://calls.clinic.example", "https://calls.clinic.example", "calls", "wss://a.example/x"]
        {
            assert!(with(&[kind, ("calls.url", bad), key, secret]).expect_err(bad).contains("calls.url"));
        }
        // Without a cluster they open the server API of our own node.
        assert!(with(&[key, secret]).expect_err("short").contains("calls.secret"));
        with(&[key, ("calls.secret", &"s".repeat(32))]).expect("long");
        assert!(with(&[("calls.kind", "janus")]).expect_err("unknown").contains("calls.kind"));
    }

    #[test]
    fn the_secret_comes_from_a_file_too_and_does_not_print() {
        let file = std::env::temp_dir().join(format!("bedside-call-secret-{}", std::process::id()));
        std::fs::write(&file, "hunter2\n").expect("a temporary file");
        let sources = Sources::default()
            .flag("calls.url", Some("wss://calls.clinic.example"))
            .flag("calls.key", Some("k"))
            .flag("calls.secret_file", Some(file.display()));
        let config = load(&sources);
        std::fs::remove_file(&file).expect("it was there");
        let config = config.expect("valid");
        assert_eq!(config.calls.secret.expose(), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
