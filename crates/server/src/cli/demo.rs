//! `bedside demo`: a whole clinic on this machine, from nothing, every time the
//! same.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Failure, load, serve::until_told_to_stop};
use crate::{
    boot::{self, Surroundings},
    config::{Config, Sources},
    demo::{self, DemoFile, Stage},
    logs,
};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address and port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder of the demo's data; not given: a folder under your data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Open the stage in the browser.
    #[arg(long)]
    open: bool,
}

/// The demo tells of itself on the terminal; the log keeps to what is wrong.
const QUIET: &str = "warn";

impl Demo {
    pub(super) async fn run(self, sources: Sources) -> Result<(), Failure> {
        let dir = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => default_dir(&sources)?,
        };
        std::fs::create_dir_all(&dir).map_err(|e| {
            format!("Cannot make the demo's folder {}: {e}. Choose another with --data-dir.", dir.display())
        })?;
        let mut config = load(&self.settings(sources, &dir))?;
        step_aside(&mut config)?;
        logs::start(&config.log)?;
        let prepared = boot::prepare(config, Surroundings::default()).await?;
        let path = dir.join("demo.json");
        let facts = demo::make(&prepared.app, &prepared.base_url, &path).await.map_err(|e| e.to_string())?;
        let stage = Stage::new(prepared.app.clone(), facts.clone());
        let running = prepared.open(Some(stage))?;
        welcome(&facts, &path);
        println!("listening on {}", running.base_url);
        if self.open {
            open_browser(&format!("{}/demo", running.base_url));
        }
        until_told_to_stop(running).await
    }

    /// Everything in the demo's folder, plain HTTP on this machine.
    fn settings(&self, sources: Sources, dir: &Path) -> Sources {
        let is_set = sources.env.iter().any(|(name, _)| name == "BEDSIDE__LOG__FILTER");
        sources
            .flag("server.listen", Some(self.listen))
            .flag("server.public_url", Some(""))
            .flag("server.tls.cert_file", Some(""))
            .flag("server.tls.key_file", Some(""))
            .flag("store.url", Some(format!("sqlite:{}", dir.join("bedside.db").display())))
            .flag("store.url_file", Some(""))
            // Beside the data on purpose: nothing in a demo is worth hiding from it.
            .flag("keys.master_key_file", Some(dir.join("master.key").display()))
            .flag("keys.master_key", Some(""))
            .flag("log.filter", (!is_set).then_some(QUIET))
    }
}

fn default_dir(sources: &Sources) -> Result<PathBuf, Failure> {
    let var = |name: &str| {
        let found = sources.env.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| PathBuf::from(value))
    };
    var("XDG_DATA_HOME")
        .or_else(|| var("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("bedside").join("demo"))
        .ok_or_else(|| Failure("There is no HOME here: name a folder with --data-dir.".to_owned()))
}

/// Free ports, where another server has one of the usual ones.
fn step_aside(config: &mut Config) -> Result<(), Failure> {
    let (udp, tcp, turn) = (config.media.udp_port, config.media.tcp_port(), config.media.turn_port());
    let tries = [
        UdpSocket::bind(("0.0.0.0", udp)).map(drop),
        TcpListener::bind(("0.0.0.0", tcp)).map(drop),
        UdpSocket::bind(("0.0.0.0", turn)).map(drop),
        TcpListener::bind(("0.0.0.0", turn)).map(drop),
    ];
    for error in tries.into_iter().filter_map(Result::err) {
        if error.kind() != ErrorKind::AddrInUse {
            return Err(Failure(format!("Cannot use the ports {udp}, {tcp} and {turn} for calls: {error}.")));
        }
        config.media.take_free_ports();
    }
    Ok(())
}

fn welcome(facts: &DemoFile, path: &Path) {
    let base = &facts.base_url;
    let provider = facts.providers.first();
    println!("{} is open on this machine. Nothing leaves it.\n", facts.portal_name);
    println!("  The stage, patient and provider in one window:");
    println!("    {base}/demo");
    println!("  A patient arrives here:");
    for room in &facts.rooms {
        println!("    {}   ({})", room.url, room.name);
    }
    println!("  A provider signs in here:");
    println!("    {base}/providers/login");
    if let Some(provider) = provider {
        println!("    name {}   password {}", provider.username, provider.password);
    }
    println!("  The HTTP API and its reference:");
    println!("    {base}/developers");
    println!("  Keys and passwords for scripts:");
    println!("    {}\n", path.display());
}

/// Leaves it to the desktop; a machine without one has printed links.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if std::process::Command::new(opener).arg(url).spawn().is_err() {
        println!("No browser could be opened; follow the first link above.");
    }
}
