//! The typed settings, section by section. What each one means stands beside
//! its default in `config/default.toml`.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use bedside_media::Public;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ConfigError, billing::Billing, calls::Calls, files::Files, media::Way, webhooks::Webhooks};

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub keys: Keys,
    pub calls: Calls,
    pub media: Media,
    pub recordings: Recordings,
    pub files: Files,
    pub mail: Mail,
    pub sms: Sms,
    pub push: Push,
    pub billing: Billing,
    pub limits: Limits,
    pub accounts: Accounts,
    pub log: Log,
    pub metrics: Metrics,
    pub web: Web,
    pub webhooks: Webhooks,
}

/// The web server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    public_url: String,
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub prefixes: Vec<String>,
    pub request_timeout_s: u64,
    pub max_body_bytes: usize,
    pub shutdown_s: u64,
    pub tls: Tls,
}

/// Certificate and key of an HTTPS server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    cert_file: PathBuf,
    key_file: PathBuf,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: Secret,
    url_file: PathBuf,
    pub group_commit: bool,
    pub max_connections: u32,
    pub write_queue: usize,
}

/// The master key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub master_key: Secret,
    pub master_key_file: PathBuf,
}

/// The calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    pub enabled: bool,
    pub ways: Vec<Way>,
    pub udp_port: u16,
    pub(super) tcp_port: u16,
    pub(super) turn_port: u16,
    pub turn_tls: String,
    #[serde(deserialize_with = "public_addresses")]
    pub public_ips: Vec<Public>,
    pub workers: usize,
}

/// Recordings of calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recordings {
    pub(super) folder: PathBuf,
    pub ffmpeg: PathBuf,
}

/// Mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub kind: MailKind,
    folder: PathBuf,
    pub from: String,
    pub smtp: Smtp,
}

/// Where mails go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailKind {
    Folder,
    Smtp,
}

/// The mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub protection: SmtpProtection,
    pub user: String,
    pub password: Secret,
    password_file: PathBuf,
    pub ca_file: PathBuf,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpProtection {
    Tls,
    StartTls,
    Plain,
}

/// Short messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub kind: SmsKind,
    folder: PathBuf,
    pub url: String,
    pub form: SmsForm,
    pub from: String,
    pub user: String,
    pub password: Secret,
    password_file: PathBuf,
}

/// Messages of the browser.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub allow_private: bool,
}

/// How the provider of short messages takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsForm {
    Json,
    Form,
}

/// Where short messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsKind {
    Off,
    Folder,
    Http,
}

/// Rate limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub api_key_per_s: u32,
    pub admin_token_per_s: u32,
    pub user_per_s: u32,
    pub anonymous_per_s: u32,
    pub failed_per_min: u32,
    pub burst_s: u32,
}

/// The clinics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub list_publicly: bool,
}

/// Logging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// The metrics page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    #[serde(deserialize_with = "networks")]
    pub allow: Vec<IpNet>,
}

/// The pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    dir: PathBuf,
}

impl Web {
    /// Folder that stands in for the embedded pages.
    pub fn dir(&self) -> Option<PathBuf> {
        (!self.dir.as_os_str().is_empty()).then(|| self.dir.clone())
    }
}

/// A value that must not appear in logs; prints as `[redacted]`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "[redacted]" })
    }
}

impl Server {
    /// Origin that browsers use, without a trailing slash, when it is set.
    pub fn public_url(&self) -> Option<&str> {
        Some(self.public_url.trim_end_matches('/')).filter(|url| !url.is_empty())
    }

    /// Origin of the pages: the public one, or one made from the address that
    /// the listener really got.
    pub fn base_url(&self, bound: SocketAddr) -> String {
        if let Some(url) = self.public_url() {
            return url.to_owned();
        }
        let scheme = if self.tls.files().is_some() { "https" } else { "http" };
        if bound.ip().is_unspecified() {
            return format!("{scheme}://localhost:{}", bound.port());
        }
        format!("{scheme}://{bound}")
    }

    /// Browsers come over HTTPS, whoever speaks it for us.
    pub fn is_public_over_https(&self) -> bool {
        self.public_url().is_some_and(|url| url.starts_with("https://"))
    }

    /// The prefix that links and the API reference use.
    pub fn prefix(&self) -> &str {
        self.prefixes.first().map_or("/api_v3", String::as_str)
    }

    /// Sets the public origin; the demo does so for its own address.
    pub fn set_public_url(&mut self, url: String) {
        self.public_url = url;
    }
}

impl Tls {
    /// Certificate and key file, when HTTPS is on.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        let set = |p: &Path| !p.as_os_str().is_empty();
        (set(&self.cert_file) && set(&self.key_file)).then_some((&*self.cert_file, &*self.key_file))
    }

    /// One of the two files is set without the other.
    pub(super) fn is_half_set(&self) -> bool {
        self.cert_file.as_os_str().is_empty() != self.key_file.as_os_str().is_empty()
    }
}

impl Store {
    /// Path of the SQLite file, when the store is one.
    pub fn sqlite_path(&self) -> Option<&Path> {
        let rest = self.url.expose().strip_prefix("sqlite:")?;
        Some(Path::new(rest.strip_prefix("//").unwrap_or(rest)))
    }
}

impl Config {
    /// Where letters are put: the folder that is set, else `mail` beside the
    /// database.
    pub fn mail_folder(&self) -> PathBuf {
        self.folder_or(&self.mail.folder, "mail")
    }

    /// Where short messages are put: the folder that is set, else `sms` beside
    /// the database.
    pub fn sms_folder(&self) -> PathBuf {
        self.folder_or(&self.sms.folder, "sms")
    }

    fn folder_or(&self, set: &Path, name: &str) -> PathBuf {
        if !set.as_os_str().is_empty() {
            return set.to_owned();
        }
        let beside = self.store.sqlite_path().and_then(Path::parent);
        beside.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("data")).join(name)
    }

    pub(super) fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        if !self.store.url_file.as_os_str().is_empty() {
            self.store.url = read_secret("store.url_file", &self.store.url_file)?;
        }
        let smtp = &mut self.mail.smtp;
        if !smtp.password_file.as_os_str().is_empty() {
            smtp.password = read_secret("mail.smtp.password_file", &smtp.password_file)?;
        }
        if !self.sms.password_file.as_os_str().is_empty() {
            self.sms.password = read_secret("sms.password_file", &self.sms.password_file)?;
        }
        if !self.calls.secret_file.as_os_str().is_empty() {
            self.calls.secret = read_secret("calls.secret_file", &self.calls.secret_file)?;
        }
        let s3 = &mut self.files.s3;
        if !s3.secret_key_file.as_os_str().is_empty() {
            s3.secret_key = read_secret("files.s3.secret_key_file", &s3.secret_key_file)?;
        }
        Ok(())
    }

    /// Gives the master key its place outside the data directory.
    pub(super) fn set_master_key_default(&mut self, env: &[(String, String)]) {
        if !self.keys.master_key_file.as_os_str().is_empty() || !self.keys.master_key.is_empty() {
            return;
        }
        let var =
            |name: &str| env.iter().find(|(k, v)| k == name && !v.is_empty()).map(|(_, v)| PathBuf::from(v));
        let base = var("XDG_CONFIG_HOME")
            .or_else(|| var("HOME").map(|home| home.join(".config")))
            .unwrap_or_else(|| PathBuf::from("/etc"));
        self.keys.master_key_file = base.join("bedside").join("master.key");
    }
}

fn read_secret(setting: &str, path: &Path) -> Result<Secret, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError(format!("Cannot read {} (setting `{setting}`): {e}.", path.display())))?;
    Ok(Secret(text.trim().to_owned()))
}

/// Networks, or single addresses that stand for themselves.
fn networks<'de, D: Deserializer<'de>>(de: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<String>::deserialize(de)?
        .iter()
        .map(|text| {
            text.parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| D::Error::custom(format!("`{text}` is no network such as 10.0.0.0/8")))
        })
        .collect()
}

fn public_addresses<'de, D: Deserializer<'de>>(de: D) -> Result<Vec<Public>, D::Error> {
    let texts = Vec::<String>::deserialize(de)?;
    let read = |text: &String| text.parse().map_err(|why| D::Error::custom(format!("`{text}`: {why}")));
    texts.iter().map(read).collect()
}
