//! The servers that are compared, each as its makers ship it: how it is told
//! where to listen, and when it does.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::network::Network;
use crate::process;

const KEY: &str = "bench";
const SECRET: &str = "a secret that only this benchmark knows";
const READY_LIMIT: Duration = Duration::from_secs(20);

pub fn key_and_secret() -> [&'static str; 2] {
    [KEY, SECRET]
}

/// A server that can be started.
pub struct Subject<'a> {
    pub name: &'static str,
    program: PathBuf,
    kind: Kind<'a>,
    network: &'a Network,
}

enum Kind<'a> {
    Ours,
    LiveKit,
    /// The folder of its plugins.
    Janus(&'a Path),
}

/// A server that runs; dropping it ends it.
pub struct Running {
    child: Child,
    pub pid: u32,
    /// How `bench_media` is told to reach it.
    pub target: Vec<String>,
}

impl<'a> Subject<'a> {
    /// The bare call node, without the rest of the house.
    pub fn ours(network: &'a Network, node: &Path) -> Self {
        Self { name: "Bedside", program: node.to_owned(), kind: Kind::Ours, network }
    }

    pub fn livekit(network: &'a Network, binary: &Path) -> Self {
        Self { name: "LiveKit", program: binary.to_owned(), kind: Kind::LiveKit, network }
    }

    pub fn janus(network: &'a Network, plugins: &'a Path) -> Self {
        Self { name: "Janus", program: "janus".into(), kind: Kind::Janus(plugins), network }
    }

    pub fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours)
    }

    /// Starts it with its settings in a folder, and waits until it listens.
    pub fn start(&self, network: &Network, folder: &Path) -> Result<Running> {
        let folder = folder.join(self.name);
        fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let address = format!("{}:{port}", network.there());
        let (args, target) = match &self.kind {
            Kind::Ours => (vec![address.clone(), KEY.to_owned(), SECRET.to_owned()], signalling(&address)),
            Kind::LiveKit => {
                let config = folder.join("livekit.yaml");
                fs::write(&config, livekit_config(network, port))?;
                (vec!["--config".to_owned(), config.display().to_string()], signalling(&address))
            }
            Kind::Janus(plugins) => {
                janus_config(network, &folder, plugins, port)?;
                let args = vec!["-F".to_owned(), folder.display().to_string()];
                (args, vec!["janus".to_owned(), format!("ws://{address}")])
            }
        };
        let line = self.network.enter(&self.program);
        let mut command = process::command(&line[0]);
        command.args(&line[1..]).args(args);
        let log = fs::File::create(folder.join("log"))?;
        let child = command.stdout(log.try_clone()?).stderr(Stdio::from(log)).spawn()?;
        let mut running = Running { pid: child.id(), child, target };
        let began = Instant::now();
        while TcpStream::connect(&address).is_err() {
            if let Some(status) = running.child.try_wait()? {
                bail!("{} ended with {status}; see {}", self.name, folder.join("log").display());
            }
            if began.elapsed() > READY_LIMIT {
                bail!("{} does not listen on {address}", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where our node is to be reached when somebody else starts it.
pub fn ours_at(network: &Network) -> Result<(String, String)> {
    let address = format!("{}:{}", network.there(), free_port()?);
    Ok((format!("ws://{address}"), address))
}

/// Janus' plugins, or why it cannot be measured.
pub fn janus(network: &Network) -> Result<PathBuf, String> {
    if process::find("janus").is_none() {
        return Err("it is not installed (on Debian: apt-get install janus)".to_owned());
    }
    if matches!(network, Network::Loopback) {
        return Err("it serves no loopback address, and no network namespace can be made here".to_owned());
    }
    let libraries = fs::read_dir("/usr/lib").map_err(|error| error.to_string())?;
    let folders = libraries.filter_map(|entry| Some(entry.ok()?.path().join("janus/plugins")));
    let mut with_plugin = folders.filter(|folder| folder.join("libjanus_videoroom.so").exists());
    with_plugin.next().ok_or_else(|| "its VideoRoom is not where Debian puts it".to_owned())
}

fn signalling(address: &str) -> Vec<String> {
    vec!["livekit".to_owned(), format!("ws://{address}"), KEY.to_owned(), SECRET.to_owned()]
}

fn livekit_config(network: &Network, port: u16) -> String {
    let loopback = matches!(network, Network::Loopback);
    format!(
        "port: {port}\nbind_addresses: [\"{there}\"]\n\
         rtc:\n  port_range_start: 50000\n  port_range_end: 60000\n  use_external_ip: false\n  \
         node_ip: \"{there}\"\n  enable_loopback_candidate: {loopback}\n\
         keys:\n  {KEY}: \"{SECRET}\"\nlogging:\n  level: warn\n",
        there = network.there()
    )
}

/// Only what the comparison needs: the VideoRoom, over WebSockets.
fn janus_config(network: &Network, folder: &Path, plugins: &Path, port: u16) -> Result<()> {
    let own = folder.canonicalize()?;
    let library = plugins.parent().context("plugins in no folder")?;
    for (kind, file) in [("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_websockets.so")] {
        let (from, to) = (library.join(kind).join(file), own.join(kind).join(file));
        fs::create_dir_all(own.join(kind))?;
        if !to.exists() {
            fs::copy(from, to)?;
        }
    }
    let own = own.display();
    let there = network.there();
    fs::write(
        folder.join("janus.jcfg"),
        format!(
            "general: {{\n configs_folder = \"{own}\"\n plugins_folder = \"{own}/plugins\"\n \
             transports_folder = \"{own}/transports\"\n events_folder = \"{own}/none\"\n \
             loggers_folder = \"{own}/none\"\n debug_level = 3\n}}\n\
             nat: {{ ice_enforce_list = \"{there}\" }}\nmedia: {{ ipv6 = false }}\n"
        ),
    )?;
    fs::write(
        folder.join("janus.transport.websockets.jcfg"),
        format!("general: {{ ws = true\n ws_ip = \"{there}\"\n ws_port = {port}\n wss = false }}\n"),
    )?;
    fs::write(folder.join("janus.plugin.videoroom.jcfg"), "general: { }\n")?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
