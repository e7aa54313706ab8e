//! The single parts of the start, each with its own sentence for what can be
//! wrong.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use bedside_app::{
    App, Settings,
    ports::{
        Ports,
        calls::{Calls, Carrier, Embedded, Fault, LiveKit, LiveKitSettings},
        files::{Files, Folder, S3, S3Settings},
        http::Http,
        mail::{Mail, Protection, SmtpSettings},
        push::Push,
        sms::{Form, Gateway, Sms},
    },
};
use bedside_media::{Node, Offered, RelaySettings, ShardSettings};
use bedside_store::{MasterKey, Store};

use super::{StartError, Surroundings};
use crate::config::{
    CallsKind, Config, FilesPlace, MailKind, SmsForm, SmsKind, SmtpProtection, Way, beside_https,
};

/// Takes the TCP port.
pub(super) fn bind(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).map_err(|error| {
        StartError(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "Port {} is busy: another program listens on {addr}. Stop it, or choose another address with --listen.",
                addr.port()
            ),
            ErrorKind::PermissionDenied => format!(
                "This user may not listen on {addr}: choose a port from 1024 up with --listen."
            ),
            ErrorKind::AddrNotAvailable => format!(
                "This machine has no address {}: choose another with --listen.",
                addr.ip()
            ),
            _ => format!("Cannot listen on {addr}: {error}."),
        })
    })
}

/// Makes the folder of a SQLite file.
pub(super) fn data_folder(config: &Config) -> Result<(), StartError> {
    let Some(folder) = config.store.sqlite_path().and_then(Path::parent) else {
        return Ok(());
    };
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let unwritable = |why: String| {
        StartError(format!(
            "Cannot write to the data folder {}: {why}. Give this user the right to, or choose another folder.",
            folder.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(|e| unwritable(e.to_string()))?;
    let probe = folder.join(".write-test");
    std::fs::write(&probe, b"").map_err(|e| unwritable(e.to_string()))?;
    std::fs::remove_file(&probe).map_err(|e| unwritable(e.to_string()))
}

/// The store's settings out of the configuration.
pub(super) fn store_settings(config: &Config, master_key: Option<MasterKey>) -> bedside_store::Settings {
    bedside_store::Settings {
        group_commit: config.store.group_commit,
        max_connections: config.store.max_connections,
        queue_length: config.store.write_queue,
        master_key,
        ..bedside_store::Settings::new(config.store.url.expose())
    }
}

/// What a person can do about a store that does not open.
pub(super) fn store_sentence(error: &bedside_store::Error) -> String {
    use bedside_store::Error as E;
    match error {
        E::Unreachable(cause) => format!(
            "The database cannot be reached ({cause}): check store.url and that its server runs."
        ),
        E::Corrupt => {
            "The database file is damaged or is no database: restore it from a backup, or choose another with store.url.".to_owned()
        }
        E::ReadOnly => {
            "The database file cannot be written to: give this user the right to, or choose another with store.url.".to_owned()
        }
        E::Full => "The disk is full: make room and start again.".to_owned(),
        E::Sealed | E::MasterKey => format!(
            "{}. Check keys.master_key_file: the database needs the key it was made with.",
            capital(&error.to_string())
        ),
        other => format!("{}.", capital(&other.to_string())),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Whoever carries calls: first the one where they begin now.
pub(super) async fn calls(config: &Config, addr: SocketAddr) -> Result<Calls, StartError> {
    let mut carriers = Vec::new();
    if let Some(node) = media(config, addr)? {
        carriers.push(Carrier::Embedded(node));
    }
    if let Some(cluster) = cluster(config)? {
        match cluster.check().await {
            Err(Fault::Refused(at)) => {
                return Err(StartError(format!(
                    "The cluster at {at} does not know this key, or its secret is another: check calls.key and calls.secret."
                )));
            }
            // Visits, queues and messages go on without it.
            Err(error) => tracing::warn!(%error, "the cluster of the calls does not answer yet"),
            Ok(_) => {}
        }
        carriers.push(Carrier::LiveKit(cluster));
    }
    if config.calls.kind == CallsKind::LiveKit {
        carriers.reverse();
    }
    Ok(Calls::new(carriers))
}

/// The cluster of the calls, when one is named; asks it nothing.
///
/// # Errors
/// An address that is none.
pub fn cluster(config: &Config) -> Result<Option<LiveKit>, StartError> {
    let calls = &config.calls;
    if !calls.has_cluster() {
        return Ok(None);
    }
    let settings = LiveKitSettings {
        url: calls.url.clone(),
        key: calls.key.clone(),
        secret: calls.secret.expose().to_owned(),
    };
    let made = LiveKit::new(&settings, config.calls.max_peers_per_call);
    made.map(Some).map_err(|why| StartError(format!("Setting calls.url: {why}.")))
}

/// Starts the calls' node of this process.
fn media(config: &Config, addr: SocketAddr) -> Result<Option<Embedded>, StartError> {
    let media = &config.media;
    if !media.enabled {
        return Ok(None);
    }
    let settings = bedside_media::Settings {
        port: media.udp_port,
        workers: media.workers,
        max_calls_per_owner: config.calls.max_calls_per_account,
        public_ips: media.public_ips.clone(),
        ways: ways(config, addr),
        shard: ShardSettings {
            max_peers_per_call: config.calls.max_peers_per_call,
            ..ShardSettings::default()
        },
        ..bedside_media::Settings::default()
    };
    let node = Node::start(settings).map_err(|error| {
        let setting = match &error {
            bedside_media::StartError::Port { way: "TCP", .. } => "media.tcp_port",
            bedside_media::StartError::Port { .. } => "media.turn_port",
            _ => "media.udp_port",
        };
        StartError(format!(
            "{}. Stop what uses it, or choose another with {setting}.",
            capital(&error.to_string())
        ))
    })?;
    Ok(Some(Embedded::new(node)))
}

/// The ways to the node, as the settings say.
fn ways(config: &Config, addr: SocketAddr) -> Offered {
    let media = &config.media;
    let by_itself = config.server.tls.files().and_then(|_| beside_https(&config.server.base_url(addr)));
    let relay = || RelaySettings { port: media.turn_port(), tls: media.turn_tls().or(by_itself) };
    Offered {
        udp: media.offers(Way::Udp),
        tcp: media.offers(Way::Tcp).then(|| media.tcp_port()),
        relay: media.offers(Way::Turn).then(relay),
    }
}

/// The mail server's own root certificate, when a file names one.
fn root_certificate(file: &Path) -> Result<Option<Vec<u8>>, StartError> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let why =
        |error| StartError(format!("Cannot read {} (setting `mail.smtp.ca_file`): {error}.", file.display()));
    std::fs::read(file).map(Some).map_err(why)
}

/// Chooses where mail goes.
///
/// # Errors
/// A setting that cannot be used.
pub fn mail(config: &Config) -> Result<Mail, StartError> {
    let mail = &config.mail;
    let made = match mail.kind {
        MailKind::Folder => Mail::folder(config.mail_folder(), &mail.from),
        MailKind::Smtp => {
            let smtp = &mail.smtp;
            let pages = config.server.public_url().and_then(|url| url::Url::parse(url).ok());
            let host = pages.and_then(|url| url.host_str().map(str::to_owned));
            let settings = SmtpSettings {
                host: smtp.host.clone(),
                port: smtp.port,
                protection: match smtp.protection {
                    SmtpProtection::Tls => Protection::Tls,
                    SmtpProtection::StartTls => Protection::StartTls,
                    SmtpProtection::Plain => Protection::Plain,
                },
                user: smtp.user.clone(),
                password: smtp.password.expose().to_owned(),
                hello: host.unwrap_or_else(|| "localhost".to_owned()),
                root: root_certificate(&smtp.ca_file)?,
            };
            Mail::smtp(&settings, &mail.from)
        }
    };
    made.map_err(|why| StartError(format!("Mail cannot be sent: {why}.")))
}

/// Chooses where short messages go.
pub(super) fn sms(config: &Config, http: &Http) -> Result<Sms, StartError> {
    let sms = &config.sms;
    let gateway = || Gateway {
        url: sms.url.clone(),
        form: match sms.form {
            SmsForm::Json => Form::Json,
            SmsForm::Form => Form::Form,
        },
        from: sms.from.clone(),
        user: sms.user.clone(),
        password: sms.password.expose().to_owned(),
    };
    let made = match sms.kind {
        SmsKind::Off => Ok(Sms::Off),
        SmsKind::Folder => Ok(Sms::folder(config.sms_folder())),
        SmsKind::Http => Sms::provider(gateway(), http.clone()),
    };
    made.map_err(|why| StartError(format!("Short messages cannot be sent: {why}.")))
}

/// The way to browsers, with a key of this house that no restart changes.
pub(super) fn push(
    config: &Config,
    secret: &[u8],
    addr: SocketAddr,
    http: &Http,
) -> Result<Push, StartError> {
    let made = Push::new(secret, &config.server.base_url(addr), http.clone(), config.push.allow_private);
    made.map_err(|why| StartError(format!("{why}.")))
}

/// The way to other servers.
pub(super) fn http() -> Result<Http, StartError> {
    Http::new().map_err(|why| StartError(format!("{}.", capital(&why))))
}

/// Chooses where the contents of files lie.
pub(super) fn files(config: &Config) -> Result<Files, StartError> {
    let place = config.files_place().map_err(|error| StartError(error.0))?;
    let (bucket, prefix) = match place {
        FilesPlace::Folder(path) => return Ok(Files::Folder(Folder::new(path))),
        FilesPlace::Bucket { bucket, prefix } => (bucket, prefix),
    };
    let s3 = &config.files.s3;
    let settings = S3Settings {
        bucket,
        prefix,
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.expose().to_owned(),
    };
    let bucket = S3::new(&settings);
    bucket.map(Files::S3).map_err(|why| StartError(format!("Setting files.url: {why}.")))
}

/// The media node of this process, if it has one.
pub fn node(app: &App) -> Option<&Node> {
    app.calls.embedded().map(Embedded::node)
}

/// The application of these parts.
pub(super) fn app(
    config: &Config,
    store: Store,
    ports: Ports,
    (addr, call_secret): (SocketAddr, String),
    surroundings: Surroundings,
) -> Result<App, StartError> {
    let settings = Settings {
        call_key: "bedside".to_owned(),
        call_secret,
        call_rooms: config.calls.server_key(),
        list_accounts: config.accounts.list_publicly,
        max_file_bytes: config.files.max_bytes,
        recordings: bedside_app::recordings::Settings {
            folder: config.recordings_folder(),
            ffmpeg: Some(config.recordings.ffmpeg.clone()).filter(|program| !program.as_os_str().is_empty()),
        },
        webhooks: config.webhook_settings().map_err(|error| StartError(error.0))?,
        media_url: config.server.public_url().map(|url| url.replacen("http", "ws", 1)),
        pages_url: config.server.base_url(addr),
    };
    Ok(App::new(store, surroundings.clock, surroundings.random, ports, settings))
}

/// Writes what was kept in memory for batches.
pub(super) async fn flush(app: &App) {
    if let Err(error) = bedside_app::presence::flush(app).await {
        tracing::warn!(%error, "presence was not written");
    }
    if let Err(error) = bedside_app::audit::flush_reads(app, true).await {
        tracing::warn!(%error, "audited reads were not written");
    }
    if let Err(error) = bedside_app::api_apps::flush_uses(app, true).await {
        tracing::warn!(%error, "the last uses of keys and tokens were not written");
    }
}
