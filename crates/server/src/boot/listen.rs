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
        calls::{Calls, Embedded},
        files::{Files, Folder, S3, S3Settings},
        mail::Mail,
    },
};
use bedside_media::{Node, ShardSettings};
use bedside_store::{MasterKey, Store};

use super::{StartError, Surroundings};
use crate::config::{Config, FilesPlace};

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

/// Starts the calls' node.
pub(super) async fn media(config: &Config) -> Result<Calls, StartError> {
    let media = &config.media;
    if !media.enabled {
        return Ok(Calls::Off);
    }
    let settings = bedside_media::Settings {
        port: media.udp_port,
        public_ips: media.public_ip.into_iter().collect(),
        shard: ShardSettings { max_peers_per_call: media.max_peers, ..ShardSettings::default() },
        ..bedside_media::Settings::default()
    };
    let node = Node::start(settings).map_err(|error| {
        StartError(format!("{error}. Stop what uses it, or choose another with media.udp_port."))
    })?;
    Ok(Calls::Embedded(Embedded::new(node)))
}

/// Chooses where mail goes.
pub(super) fn mail(config: &Config) -> Result<Mail, StartError> {
    Mail::folder(config.mail_folder(), &config.mail.from)
        .map_err(|why| StartError(format!("Setting mail.from: {why}.")))
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
    match &app.calls {
        Calls::Embedded(embedded) => Some(embedded.node()),
        Calls::Off => None,
    }
}

/// The application of these parts.
pub(super) fn app(
    config: &Config,
    store: Store,
    ports: Ports,
    (addr, call_secret): (SocketAddr, String),
    surroundings: Surroundings,
) -> App {
    let settings = Settings {
        call_key: "bedside".to_owned(),
        call_secret,
        list_accounts: config.accounts.list_publicly,
        max_file_bytes: config.files.max_bytes,
        media_url: config.server.public_url().map(|url| url.replacen("http", "ws", 1)),
        pages_url: config.server.base_url(addr),
    };
    App::new(store, surroundings.clock, surroundings.random, ports, settings)
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
