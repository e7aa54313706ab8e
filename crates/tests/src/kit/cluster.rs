//! A LiveKit cluster of a test's own: two nodes of LiveKit's server that share
//! a Redis, all on this machine. `cargo xtask test --cluster` gets the server
//! and names it by `BEDSIDE_TEST_LIVEKIT`.

use std::{
    net::{IpAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Far more than a start takes.
const PATIENCE: Duration = Duration::from_secs(30);

const KEY: &str = "bedside-test";
const SECRET: &str = "a secret of a cluster that lives as long as a test";

/// A cluster. It ends with the value.
pub struct Cluster {
    server: PathBuf,
    /// Where clients reach each of its nodes.
    pub nodes: [String; 2],
    ports: [[u16; 3]; 2],
    redis_port: u16,
    folder: TempDir,
    running: Vec<Child>,
}

impl Cluster {
    /// Places for a cluster, when there is a server to run on them. Nothing
    /// runs yet: the nodes must know where to post, and Bedside where they are.
    pub fn plan() -> Option<Self> {
        let server = PathBuf::from(std::env::var_os("BEDSIDE_TEST_LIVEKIT")?);
        let tcp = [(); 5].map(|()| free_port());
        let udp = [(); 2].map(|()| free_port());
        Some(Self {
            server,
            nodes: [tcp[0], tcp[1]].map(|port| format!("ws://127.0.0.1:{port}")),
            ports: [[tcp[0], tcp[2], udp[0]], [tcp[1], tcp[3], udp[1]]],
            redis_port: tcp[4],
            folder: TempDir::new().expect("a temporary folder"),
            running: Vec::new(),
        })
    }

    /// The settings of a Bedside whose calls begin here.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("calls.kind", "livekit"),
            ("calls.url", &self.nodes[0]),
            ("calls.key", KEY),
            ("calls.secret", SECRET),
        ]
    }

    /// Starts it; it posts what happens to this Bedside, or to nobody.
    pub async fn start(&mut self, told: Option<&str>) {
        let redis = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
        let mut command = command(Path::new("redis-server"));
        command.args(redis).arg(self.redis_port.to_string());
        self.running.push(command.spawn().expect("Redis starts"));
        ready(self.redis_port).await;
        for (number, ports) in self.ports.into_iter().enumerate() {
            let file = self.folder.path().join(format!("node-{number}.yaml"));
            std::fs::write(&file, self.configuration(ports, told)).expect("a file");
            let log = std::fs::File::create(self.folder.path().join(format!("node-{number}.log")));
            let log = log.expect("a file");
            let mut node = command_of(&self.server, &file);
            node.stdout(log.try_clone().expect("the file")).stderr(log);
            self.running.push(node.spawn().expect("LiveKit's server starts"));
        }
        for [port, ..] in self.ports {
            ready(port).await;
        }
    }

    /// Ends it as a failing machine would.
    pub async fn kill(&mut self) {
        for mut process in self.running.drain(..) {
            process.kill().await.expect("a process of ours");
        }
    }

    fn configuration(&self, [port, tcp, udp]: [u16; 3], told: Option<&str>) -> String {
        let (redis, address) = (self.redis_port, own_address());
        let webhook = told.map_or_else(String::new, |base| {
            format!("webhook:\n  api_key: {KEY}\n  urls: [\"{base}/livekit/webhook\"]\n")
        });
        format!(
            "port: {port}\nbind_addresses: [127.0.0.1]\nkeys:\n  {KEY}: {SECRET}\n\
             redis:\n  address: 127.0.0.1:{redis}\n\
             rtc:\n  tcp_port: {tcp}\n  udp_port: {udp}\n  use_external_ip: false\n  node_ip: {address}\n  \
             ips:\n    includes: [{address}/32]\n\
             room:\n  auto_create: false\n{webhook}"
        )
    }
}

/// A port that nobody has, outside of those that the system gives to others
/// between now and the start of what will listen there.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(number % 12_000).expect("below 12 000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// The address that media go to: browsers and SDKs gather none on loopback.
fn own_address() -> IpAddr {
    let route = UdpSocket::bind(("0.0.0.0", 0)).expect("a socket");
    // Sends nothing; only the kernel's choice of a way out is asked.
    let known = route.connect(("192.0.2.1", 9)).and_then(|()| route.local_addr());
    known.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip())
}

fn command_of(server: &Path, configuration: &Path) -> Command {
    let mut command = command(server);
    command.arg("--config").arg(configuration);
    command
}

/// Goes with the test's thread, however that ends.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

async fn ready(port: u16) {
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let open = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            again.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, open).await.expect("it listens in time");
}
