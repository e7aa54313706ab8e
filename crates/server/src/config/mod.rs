//! Configuration: the embedded defaults, then a file, then the environment,
//! then flags. `config/default.toml` is the list of all settings; `layers`
//! lays the sources over one another, `sections` gives them types, `check`
//! refuses what cannot work. Nothing else in the program reads the environment.

mod billing;
mod calls;
mod check;
mod files;
mod layers;
mod media;
mod sections;
mod webhooks;

use std::{fmt, path::PathBuf};

pub use calls::{Calls, CallsKind};
pub use files::{Files, FilesPlace};
pub use media::{Way, beside_https, is_name};
pub use sections::{
    Config, Keys, Limits, Log, LogFormat, Mail, MailKind, Media, Metrics, Secret, Server, SmsForm, SmsKind,
    SmtpProtection, Store, Tls, Web,
};

/// The text of every setting with its default, as embedded in the binary.
pub const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// Where settings come from besides the embedded defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config FILE` or `BEDSIDE_CONFIG`.
    pub file: Option<PathBuf>,
    /// The process environment; tests pass their own.
    pub env: Vec<(String, String)>,
    /// Flags, as dotted setting names with their values; they win.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// The sources of a real process: its environment, and the file named by
    /// the flag or by `BEDSIDE_CONFIG`.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let env: Vec<_> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let file = file.or_else(|| {
            env.iter().find(|(k, v)| k == "BEDSIDE_CONFIG" && !v.is_empty()).map(|(_, v)| PathBuf::from(v))
        });
        Self { file, env, flags: Vec::new() }
    }

    /// Adds a flag's value; `None` leaves the setting to the other sources.
    pub fn flag(mut self, setting: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.flags.push((setting.to_owned(), value.to_string()));
        }
        self
    }
}

/// Why a configuration was refused, as one sentence for the person who wrote it.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Reads, lays over and checks the configuration.
///
/// # Errors
/// An unreadable file, an unknown or wrongly typed setting, or values that
/// cannot work together; the message names the setting and its source.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let table = layers::merge(sources)?;
    let mut config: Config = toml::Value::Table(table)
        .try_into()
        .map_err(|e: toml::de::Error| ConfigError(one_line(&e.to_string())))?;
    config.read_secret_files()?;
    config.set_master_key_default(&sources.env);
    check::check(&config)?;
    Ok(config)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Sources {
        Sources {
            env: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Sources::default()
        }
    }

    #[test]
    fn defaults_load_and_are_local() {
        let config = load(&Sources::default()).expect("the defaults are valid");
        assert!(config.server.listen.ip().is_loopback());
        assert_eq!(config.media.udp_port, 7882);
    }

    #[test]
    fn environment_wins_over_defaults_and_flags_over_both() {
        let mut sources = env(&[
            ("BEDSIDE__SERVER__LISTEN", "127.0.0.1:9"),
            ("BEDSIDE__STORE__GROUP_COMMIT", "0"),
            ("BEDSIDE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ]);
        let config = load(&sources).expect("valid");
        assert_eq!(config.server.listen.port(), 9);
        assert!(!config.store.group_commit);
        assert_eq!(config.server.trusted_proxies.len(), 2);
        sources = sources.flag("server.listen", Some("127.0.0.1:10"));
        assert_eq!(load(&sources).expect("valid").server.listen.port(), 10);
    }

    #[test]
    fn an_unknown_name_is_named_with_its_neighbour() {
        let error = load(&env(&[("BEDSIDE__SERVER__LISTENN", "x")])).expect_err("unknown");
        assert!(error.0.contains("server.listenn"), "{error}");
        assert!(error.0.contains("server.listen"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = load(&env(&[("BEDSIDE__MEDIA__UDP_PORT", "many")])).expect_err("type");
        assert!(error.0.contains("media.udp_port"), "{error}");
    }

    #[test]
    fn a_public_name_without_https_is_refused() {
        let error =
            load(&env(&[("BEDSIDE__SERVER__PUBLIC_URL", "http://clinic.example")])).expect_err("insecure");
        assert!(error.0.contains("camera"), "{error}");
        load(&env(&[("BEDSIDE__SERVER__PUBLIC_URL", "https://clinic.example")])).expect("https is fine");
        load(&env(&[("BEDSIDE__SERVER__PUBLIC_URL", "http://localhost:8080")])).expect("loopback is fine");
    }

    #[test]
    fn secrets_do_not_print() {
        let config =
            load(&env(&[("BEDSIDE__STORE__URL", "postgres://clinic:hunter2@db/clinic")])).expect("valid");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
