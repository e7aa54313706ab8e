//! A portal's receiver of webhooks: plain HTTP/1.1 on loopback, which answers as
//! the test says and keeps what it got.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// Far longer than deliveries take; reached only when they do not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its place among all that came.
    pub place: usize,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    /// The `webhook-id`.
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// How it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With a status and no body.
    Status(u16),
    /// With a status, a header and a body.
    With(u16, &'static str, String, String),
    /// Never.
    Hang,
}

type Answer = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Default)]
struct Shared {
    got: Mutex<Vec<Received>>,
    came: Notify,
}

/// A receiver that runs until it is dropped.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Receiver {
    /// One that answers 200 to everything.
    pub async fn start() -> Self {
        Self::answering(|_| Reply::Status(200)).await
    }

    /// One that answers as it is told to.
    pub async fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let shared = Arc::<Shared>::default();
        let (kept, answer): (_, Answer) = (shared.clone(), Arc::new(answer));
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone(), answer.clone()));
            }
        });
        Self { url, shared, listening }
    }

    /// Everything so far.
    pub fn got(&self) -> Vec<Received> {
        self.shared.got.lock().expect("unpoisoned").clone()
    }

    /// Waits until what came so far is enough; gives it.
    pub async fn until(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let wanted = async {
            loop {
                let came = self.shared.came.notified();
                let got = self.got();
                if enough(&got) {
                    return got;
                }
                came.await;
            }
        };
        match tokio::time::timeout(PATIENCE, wanted).await {
            Ok(got) => got,
            Err(_) => {
                panic!("not enough came: {:#?}", self.got().iter().map(|one| &one.body).collect::<Vec<_>>())
            }
        }
    }

    /// Waits for so many.
    pub async fn first(&self, count: usize) -> Vec<Received> {
        self.until(|got| got.len() >= count).await
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, answer: Answer) {
    let mut stream = BufReader::new(stream);
    while let Some((headers, body)) = read(&mut stream).await {
        let received = {
            let mut got = shared.got.lock().expect("unpoisoned");
            let received = Received { place: got.len(), headers, body };
            got.push(received.clone());
            received
        };
        shared.came.notify_waiters();
        let (status, extra, body) = match answer(&received) {
            Reply::Status(status) => (status, String::new(), String::new()),
            Reply::With(status, name, value, body) => (status, format!("{name}: {value}\r\n"), body),
            Reply::Hang => std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{extra}\r\n{body}", body.len());
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<(BTreeMap<String, String>, String)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((headers, String::from_utf8(body).ok()?))
}
