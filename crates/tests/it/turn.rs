//! Networks that let little through: calls over TCP alone, and by the relay;
//! the relay on a real server, spoken to as clients do and as nobody should.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bedside::boot::node;
use bedside_media::stun::{Class, Message, Method, Writer, attribute, long_term_key};
use bedside_tests::kit::Kit;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::Command;

use crate::python_sdk::{python, they_meet_by};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server, and what its network test tells of the relay.
struct Relay {
    kit: Kit,
    urls: Vec<String>,
    username: String,
    credential: String,
}

async fn relay(settings: &[(&str, &str)]) -> Relay {
    let kit = Kit::with(settings).await;
    let told = test_door(&kit).get("").await;
    let server = &told["ice_servers"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let urls = server["urls"].as_array().unwrap().iter().map(text).collect();
    Relay { urls, username: text(&server["username"]), credential: text(&server["credential"]), kit }
}

struct Door(reqwest::Client, String);

fn test_door(kit: &Kit) -> Door {
    let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().unwrap();
    Door(client, format!("{}/rtc/test", kit.base))
}

impl Door {
    async fn get(&self, path: &str) -> Value {
        let answer = self.0.get(format!("{}{path}", self.1)).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn post(&self, body: String) -> u16 {
        let request = self.0.post(&self.1).header("content-type", "application/json").body(body);
        request.send().await.unwrap().status().as_u16()
    }
}

impl Relay {
    fn key(&self) -> [u8; 16] {
        long_term_key(&self.username, "bedside", &self.credential)
    }

    /// The address of a way, as its URL names it.
    fn at(&self, way: &str) -> SocketAddr {
        let url = self.urls.iter().find(|url| url.starts_with("turn:") && url.ends_with(way)).unwrap();
        url["turn:".len()..].split('?').next().unwrap().parse().unwrap()
    }

    fn signed(&self, method: Method, nonce: &[u8], with: impl Fn(Writer) -> Writer) -> Vec<u8> {
        let writer = Writer::new(method, Class::Request, [method as u8; 12])
            .put(attribute::USERNAME, self.username.as_bytes())
            .put(attribute::REALM, b"bedside")
            .put(attribute::NONCE, nonce);
        with(writer).finish_signed(&self.key())
    }
}

/// One client, over whatever carries its bytes.
enum Line {
    Udp(UdpSocket, SocketAddr),
    Stream(Box<dyn Both>),
}

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

impl Line {
    async fn udp(to: SocketAddr) -> Self {
        Self::Udp(UdpSocket::bind((to.ip(), 0)).await.unwrap(), to)
    }

    async fn tcp(to: SocketAddr) -> Self {
        Self::Stream(Box::new(TcpStream::connect(to).await.unwrap()))
    }

    async fn say(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp(socket, to) => drop(socket.send_to(bytes, *to).await.unwrap()),
            Self::Stream(stream) => stream.write_all(bytes).await.unwrap(),
        }
    }

    async fn hear(&mut self) -> Vec<u8> {
        let heard = async {
            match self {
                Self::Udp(socket, _) => {
                    let mut bytes = vec![0; 2048];
                    let length = socket.recv(&mut bytes).await.unwrap();
                    bytes.truncate(length);
                    bytes
                }
                Self::Stream(stream) => {
                    let mut bytes = vec![0; 20];
                    stream.read_exact(&mut bytes).await.unwrap();
                    bytes.resize(20 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 0);
                    stream.read_exact(&mut bytes[20..]).await.unwrap();
                    bytes
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("an answer")
    }

    async fn ask(&mut self, bytes: &[u8]) -> (u16, Vec<u8>) {
        self.say(bytes).await;
        let answer = self.hear().await;
        let message = Message::read(&answer).expect("a message");
        let code = message.get(attribute::ERROR_CODE);
        (code.map_or(0, |value| u16::from(value[2]) * 100 + u16::from(value[3])), answer)
    }

    async fn nonce(&mut self) -> Vec<u8> {
        let hello = Writer::new(Method::Allocate, Class::Request, [1; 12]).finish();
        let (code, answer) = self.ask(&hello).await;
        assert_eq!(code, 401);
        Message::read(&answer).unwrap().get(attribute::NONCE).unwrap().to_vec()
    }

    /// Allocates, is refused what is not ours, and is granted what is.
    async fn is_served(&mut self, relay: &Relay) {
        let nonce = self.nonce().await;
        let udp = |w: Writer| w.put(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        assert_eq!(self.ask(&relay.signed(Method::Allocate, &nonce, udp)).await.0, 0);
        let port = node(&relay.kit.app).unwrap().local_port();
        let media = SocketAddr::new(relay.at("udp").ip(), port);
        for foreign in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8"] {
            let to = SocketAddr::new(foreign.parse::<IpAddr>().unwrap(), port);
            if to.ip() == media.ip() {
                continue;
            }
            let wish = |w: Writer| w.put_address(attribute::XOR_PEER_ADDRESS, to);
            assert_eq!(self.ask(&relay.signed(Method::CreatePermission, &nonce, wish)).await.0, 403);
        }
        let wish = |w: Writer| w.put_address(attribute::XOR_PEER_ADDRESS, media);
        assert_eq!(self.ask(&relay.signed(Method::CreatePermission, &nonce, wish)).await.0, 0);
    }
}

#[tokio::test]
async fn the_relay_serves_by_udp_and_tcp_and_outlives_hostile_bytes() {
    let relay = relay(&[]).await;
    assert_eq!(relay.urls.iter().filter(|url| url.starts_with("turns:")).count(), 0, "no TLS here");
    let (udp, tcp) = (relay.at("udp"), relay.at("tcp"));
    Line::udp(udp).await.is_served(&relay).await;
    Line::tcp(tcp).await.is_served(&relay).await;

    let junk: Vec<Vec<u8>> = vec![
        vec![],
        vec![0],
        vec![0; 20],
        vec![0xff; 1400],
        [vec![0, 3, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42], vec![0; 12]].concat(),
        [vec![0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42], vec![1; 12], vec![0, 6, 0xff, 0xff, 0, 0, 0, 0]].concat(),
        vec![0x40, 0, 0xff, 0xff],
        vec![0x40, 1, 0, 4, 1, 2, 3, 4],
    ];
    let mut bad = Line::udp(udp).await;
    for bytes in &junk {
        bad.say(bytes).await;
        let mut stream = TcpStream::connect(tcp).await.unwrap();
        // The server may have closed it before all of it was written.
        let _ = stream.write_all(bytes).await;
    }
    // A wrong password, and a right one from another address's nonce.
    let nonce = bad.nonce().await;
    let mut wrong = relay.signed(Method::Allocate, &nonce, |w| w);
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(bad.ask(&wrong).await.0, 401);
    let stolen = relay.signed(Method::Allocate, &nonce, |w| w);
    assert_eq!(Line::udp(udp).await.ask(&stolen).await.0, 438);
    Line::udp(udp).await.is_served(&relay).await;
    Line::tcp(tcp).await.is_served(&relay).await;
}

/// A certificate of its own for this machine, made by `openssl`.
fn certificate(folder: &Path) -> [String; 2] {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name).display().to_string());
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-out", &cert, "-keyout", &key])
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
    [cert, key]
}

#[tokio::test]
async fn the_relay_shares_the_port_of_https() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = certificate(folder.path());
    let relay = relay(&[("server.tls.cert_file", &cert), ("server.tls.key_file", &key)]).await;
    let url = relay.urls.iter().find(|url| url.starts_with("turns:")).expect("told to clients");
    let at = url["turns:".len()..].split('?').next().unwrap().to_owned();
    assert_eq!(format!("https://{at}"), relay.kit.base);

    let tls = || {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &at])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("openssl runs");
        let ends = tokio::io::join(child.stdout.take().unwrap(), child.stdin.take().unwrap());
        (child, Line::Stream(Box::new(ends)))
    };
    let (_one, mut line) = tls();
    line.is_served(&relay).await;
    // HTTP on the same port, also in pieces, goes on as if there were nothing else.
    let (_two, mut line) = tls();
    line.say(b"G").await;
    line.say(b"ET /rtc/test HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let Line::Stream(stream) = &mut line else { unreachable!() };
    let mut answer = [0; 15];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("in time").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn the_network_test_takes_no_nonsense() {
    let kit = Kit::start().await;
    let door = test_door(&kit);
    assert_eq!(door.post(json!({ "sdp": "v=0" }).to_string()).await, 400);
    assert_eq!(door.post(json!({ "sdp": "x".repeat(200_000) }).to_string()).await, 400);
    assert_eq!(door.post("{".to_owned()).await, 400);
    assert_eq!(node(&kit.app).unwrap().stats().peers, 0);
}

async fn two_meet(settings: &[(&str, &str)], relay: bool) {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let kit = Kit::with(settings).await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let passes = [patient.act(&visit, "call").await.data(), provider.act(&visit, "call").await.data()];
    they_meet_by(&python, &passes, relay).await;
    let stats = node(&kit.app).unwrap().stats();
    assert!(stats.counters.rtp_forwarded > 100, "{stats:?}");
}

#[tokio::test]
async fn sdk_peers_meet_over_tcp_alone() {
    two_meet(&[("media.ways", r#"["tcp"]"#)], false).await;
}

#[tokio::test]
async fn sdk_peers_meet_by_the_relay_alone() {
    two_meet(&[], true).await;
}
