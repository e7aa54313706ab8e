//! Refuses configurations that cannot work, each with one sentence that says
//! what to do.

use url::{Host, Url};

use super::{Config, ConfigError};

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    public_url(config)?;
    tls(config)?;
    prefixes(config)?;
    store(config)?;
    super::calls::check(config)?;
    super::media::check(config)?;
    super::files::check(config)?;
    config.webhook_settings()?;
    config.billing_port()?;
    limits(config)
}

fn public_url(config: &Config) -> Result<(), ConfigError> {
    let Some(text) = config.server.public_url() else {
        return Ok(());
    };
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/")
        .ok_or_else(|| {
            refuse(format!(
                "server.public_url is `{text}`: write scheme and host only, as in https://clinic.example."
            ))
        })?;
    if url.scheme() == "https" || is_loopback(&url) {
        return Ok(());
    }
    Err(refuse(format!(
        "server.public_url is `{text}`: browsers give no camera or microphone to a page without \
         HTTPS, so set server.tls or put an HTTPS proxy in front and write https:// here."
    )))
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn tls(config: &Config) -> Result<(), ConfigError> {
    if config.server.tls.is_half_set() {
        return Err(refuse("server.tls needs both cert_file and key_file; one of them is not set."));
    }
    Ok(())
}

fn prefixes(config: &Config) -> Result<(), ConfigError> {
    let prefixes = &config.server.prefixes;
    if prefixes.is_empty() {
        return Err(refuse("server.prefixes needs at least one path, as in [\"/api_v3\"]."));
    }
    let fine = |p: &String| {
        p.len() > 1
            && p.starts_with('/')
            && !p.ends_with('/')
            && p.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c))
    };
    match prefixes.iter().find(|p| !fine(p)) {
        Some(bad) => Err(refuse(format!(
            "server.prefixes has `{bad}`: a prefix starts with one slash and has none at its end, as in /api_v3."
        ))),
        None => Ok(()),
    }
}

fn store(config: &Config) -> Result<(), ConfigError> {
    let url = config.store.url.expose();
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err(refuse("store.url starts with neither sqlite: nor postgres://, as in sqlite:data/bedside.db."))
}

fn limits(config: &Config) -> Result<(), ConfigError> {
    let l = &config.limits;
    let all = [
        ("api_key_per_s", l.api_key_per_s),
        ("admin_token_per_s", l.admin_token_per_s),
        ("user_per_s", l.user_per_s),
        ("anonymous_per_s", l.anonymous_per_s),
        ("failed_per_min", l.failed_per_min),
        ("burst_s", l.burst_s),
    ];
    match all.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(refuse(format!("limits.{name} must be at least 1."))),
        None => Ok(()),
    }
}

fn refuse(text: impl Into<String>) -> ConfigError {
    ConfigError(text.into())
}
