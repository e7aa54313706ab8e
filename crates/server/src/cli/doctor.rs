//! `bedside doctor`: looks at everything a server needs and prints one fix per
//! failure.

mod channels;

use std::{
    net::{TcpListener, UdpSocket},
    path::Path,
    process::ExitCode,
};

use bedside_app::{Clock, ports::calls::Fault};
use bedside_store::{MasterKey, Schema, Store};

use super::{Failure, load};
use crate::config::{Config, SmsKind, Sources, Way, beside_https, is_name};

/// What one look found.
enum Finding {
    Fine(String),
    /// Works, but somebody should know.
    Note(String),
    Broken {
        what: String,
        fix: String,
    },
}

use Finding::{Broken, Fine, Note};

fn broken(what: impl Into<String>, fix: impl Into<String>) -> Finding {
    Broken { what: what.into(), fix: fix.into() }
}

pub(super) async fn run(sources: &Sources) -> Result<ExitCode, Failure> {
    let config = match load(sources) {
        Ok(config) => config,
        Err(Failure(why)) => {
            report("configuration", &broken(why, "Correct that setting."));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut findings = vec![
        ("configuration", Fine("read, every name is known".to_owned())),
        ("key file", key_file(&config)),
        ("data folder", data_folder(&config)),
        ("disk", disk(&config)),
        ("database", database(&config).await),
        ("clock", clock()),
        ("certificate", certificate(&config)),
        ("web port", web_port(&config)),
        ("cluster", cluster(&config).await),
        ("address", address(&config)),
        ("mail", mail(&config).await),
        ("short messages", short_messages(&config)),
        ("recordings", recordings(&config)),
        ("calling back", channels::tried(&config).await),
    ];
    findings.extend(media_ports(&config));
    let mut is_broken = false;
    for (name, finding) in &findings {
        is_broken |= matches!(finding, Broken { .. });
        report(name, finding);
    }
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn report(name: &str, finding: &Finding) {
    match finding {
        Fine(text) => println!("ok    {name}: {text}"),
        Note(text) => println!("note  {name}: {text}"),
        Broken { what, fix } => println!("FAIL  {name}: {what}\n      Fix: {fix}"),
    }
}

fn key_file(config: &Config) -> Finding {
    if !config.keys.master_key.is_empty() {
        return Note("the master key stands in the configuration; a file is safer".to_owned());
    }
    let path = &config.keys.master_key_file;
    let shown = path.display();
    if !path.exists() {
        return Note(format!("{shown} is not there yet; the first start makes it"));
    }
    let key = match MasterKey::load(path) {
        Ok(key) => key,
        Err(error @ bedside_store::Error::KeyIsOpen(_)) => {
            return broken(error.to_string(), format!("chmod 600 {shown}"));
        }
        Err(bedside_store::Error::MasterKey) => {
            return broken(
                format!("{shown} is not 32 bytes long"),
                "Restore it from a backup: without it sealed data cannot be read.",
            );
        }
        Err(error) => return broken(error.to_string(), "Give this user the right to read it."),
    };
    if key.is_rotating() {
        return Note(format!("{shown} holds two keys: end the rotation with bedside keys rotate --finish"));
    }
    let data = config.store.sqlite_path().and_then(Path::parent).and_then(|p| p.canonicalize().ok());
    if let (Some(data), Ok(key)) = (data, path.canonicalize())
        && key.starts_with(data)
    {
        return Note(format!("{shown} lies in the data folder: a backup of the data holds its key too"));
    }
    Fine(format!("{shown}; keep a copy apart from the data"))
}

fn data_folder(config: &Config) -> Finding {
    let Some(path) = config.store.sqlite_path() else {
        return Fine("not used with Postgres".to_owned());
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        return Note(format!("{} is not there yet; the first start makes it", folder.display()));
    }
    let probe = folder.join(".write-test");
    match std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Fine(format!("{} can be written to", folder.display())),
        Err(e) => broken(
            format!("{} cannot be written to ({e})", folder.display()),
            "Give this user the right to write there, or choose another folder in store.url.",
        ),
    }
}

/// Under this many MiB free a clinic soon cannot save anything.
const LOW_DISK_MIB: u64 = 512;

fn disk(config: &Config) -> Finding {
    let Some(path) = config.store.sqlite_path() else {
        return Fine("not used with Postgres".to_owned());
    };
    let Some(free) = free_mib(path) else {
        return Note("the free space cannot be read here".to_owned());
    };
    if free < LOW_DISK_MIB {
        return broken(format!("only {free} MiB are free"), "Make room on the disk of the data folder.");
    }
    Fine(format!("{free} MiB free"))
}

/// Free space where `path` is or will be, as `df` tells it: the standard
/// library has no call for it.
fn free_mib(path: &Path) -> Option<u64> {
    let here = std::path::absolute(path).ok()?;
    let there = here.ancestors().find(|p| p.exists())?;
    let output = std::process::Command::new("df").arg("-Pk").arg(there).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1024)
}

async fn database(config: &Config) -> Finding {
    if config.store.sqlite_path().is_some_and(|path| !path.exists()) {
        return Note("not there yet; the first start makes it".to_owned());
    }
    let settings = bedside_store::Settings {
        schema: Schema::Require,
        ..bedside_store::Settings::new(config.store.url.expose())
    };
    match Store::open(&settings).await {
        Ok(store) => {
            let engine = store.engine();
            store.close().await;
            Fine(format!("{engine}, schema up to date"))
        }
        Err(error @ bedside_store::Error::Older { .. }) => broken(error.to_string(), "bedside migrate"),
        Err(error) => broken(error.to_string(), "Check store.url, and that the database runs."),
    }
}

/// 2025-01-01: this program was not written before.
const NOT_BEFORE_S: i64 = 1_735_689_600;

fn clock() -> Finding {
    let now = Clock::System.now();
    if now.seconds() < NOT_BEFORE_S {
        return broken(
            "the machine's clock stands years in the past: tokens and certificates will not be valid",
            "Set the clock, for instance with: timedatectl set-ntp true",
        );
    }
    let text = jiff::Timestamp::from_second(now.seconds()).map(|at| at.to_string());
    Fine(text.unwrap_or_default())
}

fn certificate(config: &Config) -> Finding {
    let Some((cert, key)) = config.server.tls.files() else {
        return match config.server.public_url() {
            Some(url) if url.starts_with("https://") => {
                Fine("none: an HTTPS proxy in front is expected".to_owned())
            }
            _ => Note("none: other machines get no camera without HTTPS".to_owned()),
        };
    };
    if let Err(e) = std::fs::read(key) {
        return broken(
            format!("{} cannot be read ({e})", key.display()),
            "Give this user the right to read it.",
        );
    }
    let pem = match std::fs::read(cert) {
        Ok(pem) => pem,
        Err(e) => {
            return broken(
                format!("{} cannot be read ({e})", cert.display()),
                "Correct server.tls.cert_file.",
            );
        }
    };
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(&pem) else {
        return broken(format!("{} is no PEM certificate", cert.display()), "Give the chain in PEM form.");
    };
    let Ok(parsed) = pem.parse_x509() else {
        return broken(format!("{} holds no certificate", cert.display()), "Give the chain in PEM form.");
    };
    let days = (parsed.validity().not_after.timestamp() - Clock::System.now().seconds()) / 86_400;
    match days {
        ..0 => broken("the certificate has expired", "Renew it; the server notices the new file by itself."),
        0..14 => Note(format!("the certificate expires in {days} days")),
        _ => Fine(format!("valid for {days} more days")),
    }
}

fn web_port(config: &Config) -> Finding {
    let addr = config.server.listen;
    match TcpListener::bind(addr) {
        Ok(_) => Fine(format!("{addr} is free")),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
            Note(format!("{addr} is in use; fine when that is the running server (bedside health tells)"))
        }
        Err(e) => broken(format!("{addr} cannot be used ({e})"), "Choose another address in server.listen."),
    }
}

fn media_ports(config: &Config) -> Vec<(&'static str, Finding)> {
    let media = &config.media;
    if !media.enabled {
        return vec![("media port", Note("calls are off (media.enabled)".to_owned()))];
    }
    let udp =
        |port, setting| port_finding("UDP", port, setting, UdpSocket::bind(("0.0.0.0", port)).map(drop));
    let tcp =
        |port, setting| port_finding("TCP", port, setting, TcpListener::bind(("0.0.0.0", port)).map(drop));
    let mut findings = Vec::new();
    if media.offers(Way::Udp) {
        findings.push(("media port", udp(media.udp_port, "media.udp_port")));
    }
    if media.offers(Way::Tcp) {
        findings.push(("media over TCP", tcp(media.tcp_port(), "media.tcp_port")));
    }
    if media.offers(Way::Turn) {
        findings.push(("relay over UDP", udp(media.turn_port(), "media.turn_port")));
        findings.push(("relay over TCP", tcp(media.turn_port(), "media.turn_port")));
        findings.push(("relay over TLS", relay_over_tls(config)));
    }
    findings
}

fn port_finding(kind: &str, port: u16, setting: &str, bound: std::io::Result<()>) -> Finding {
    match bound {
        Ok(()) => Fine(format!("{kind} {port} is free; let it through the firewall")),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
            Note(format!("{kind} {port} is in use; fine when that is the running server"))
        }
        Err(e) => broken(
            format!("{kind} {port} cannot be used ({e})"),
            format!("Choose another port in {setting}."),
        ),
    }
}

/// The last resort of strict networks: the relay where HTTPS is.
fn relay_over_tls(config: &Config) -> Finding {
    let by_itself = config.server.tls.files().is_some();
    let origin = config.server.base_url(config.server.listen);
    let at = config.media.turn_tls().or_else(|| by_itself.then(|| beside_https(&origin)).flatten());
    match at {
        Some((host, _)) if !is_name(&host) => Note(format!(
            "told to clients at {host}: most take no certificate of an address, so give the server a name (server.public_url)"
        )),
        Some((host, port)) if by_itself => Fine(format!("shares the port of HTTPS, at {host}:{port}")),
        Some((host, port)) => Fine(format!(
            "expected at {host}:{port}: let your proxy end TLS there and hand the bytes to TCP {}",
            config.media.turn_port()
        )),
        None => Note(
            "none, since HTTPS ends at a proxy or nowhere: people behind strict firewalls get no call. Give the \
             relay a name of its own (media.turn_tls), whose TLS ends at the proxy as plain bytes, not as HTTP"
                .to_owned(),
        ),
    }
}

/// Asks the cluster of the calls for a list, which needs the right key.
async fn cluster(config: &Config) -> Finding {
    crate::boot::install_crypto();
    let cluster = match crate::boot::cluster(config) {
        Ok(Some(cluster)) => cluster,
        Ok(None) => return Fine("not used: this process carries the calls".to_owned()),
        Err(error) => return broken(error.0, "Correct that setting."),
    };
    match cluster.check().await {
        Ok(calls) => Fine(format!(
            "{} lets us in and carries {calls} calls; let it post to {}/livekit/webhook",
            cluster.url(),
            config.server.base_url(config.server.listen)
        )),
        Err(fault @ Fault::Refused(_)) => broken(fault.to_string(), "Check calls.key and calls.secret."),
        Err(fault) => broken(
            fault.to_string(),
            "Check calls.url, that its server runs, and that this machine may reach it.",
        ),
    }
}

/// Asks the mail server whether it lets us in; sends nothing.
async fn mail(config: &Config) -> Finding {
    crate::boot::install_crypto();
    let port = match crate::boot::mail(config) {
        Ok(port) => port,
        Err(error) => return broken(error.0, "Correct that setting."),
    };
    match (port.check().await, port.word()) {
        (Ok(()), "folder") => Note(format!(
            "letters are put into {}: nobody gets them (mail.kind)",
            config.mail_folder().display()
        )),
        (Ok(()), _) => Fine(format!("{} takes our letters", config.mail.smtp.host)),
        (Err(error), "folder") => broken(
            format!("letters cannot be written to {} ({error})", config.mail_folder().display()),
            "Give this user the right to write there, or choose another folder in mail.folder.",
        ),
        (Err(error), _) => {
            broken(error.to_string(), "Check mail.smtp: host, port, protection, user and password.")
        }
    }
}

fn short_messages(config: &Config) -> Finding {
    match config.sms.kind {
        SmsKind::Off => Note("off: nobody is told by SMS (sms.kind)".to_owned()),
        SmsKind::Folder => {
            Note(format!("put into {}: nobody gets them (sms.kind)", config.sms_folder().display()))
        }
        SmsKind::Http => Fine(format!("posted to {}; try POST /notifications/test", config.sms.url)),
    }
}

fn recordings(config: &Config) -> Finding {
    let program = &config.recordings.ffmpeg;
    let parts = "recordings stay in parts, one file per person";
    if program.as_os_str().is_empty() {
        return Note(format!("no ffmpeg is set: {parts} (recordings.ffmpeg)"));
    }
    let found = std::process::Command::new(program).arg("-version").output();
    if found.is_ok_and(|output| output.status.success()) {
        Fine(format!("{} puts them together", program.display()))
    } else {
        Note(format!("{} does not run: {parts} (recordings.ffmpeg)", program.display()))
    }
}

fn address(config: &Config) -> Finding {
    let is_local = config.server.listen.ip().is_loopback();
    let server = &config.server;
    let behind_proxy = server.is_public_over_https() && server.tls.files().is_none();
    match server.public_url() {
        Some(_) if behind_proxy && server.trusted_proxies.is_empty() => broken(
            "HTTPS ends at a proxy that server.trusted_proxies does not name: everybody seems to come from its address",
            "Name the proxy's address there, as in [\"10.0.0.5\"].",
        ),
        Some(url) => Fine(format!("pages are reached at {url}")),
        None if is_local => {
            Note("only this machine reaches the server (server.listen is loopback)".to_owned())
        }
        None => broken(
            "the server listens for other machines, but server.public_url is not set",
            "Set it to the HTTPS address browsers use, as in https://clinic.example.",
        ),
    }
}
