//! The listeners of the event stream benchmark. `bench_streams idle ADDRESS
//! TOKEN N` opens that many streams, prints `open` and holds them until its
//! input ends. `bench_streams fan ADDRESS TOKEN N ROUNDS` changes something that
//! many times and prints, as JSON, after how many milliseconds each stream had
//! heard of it.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::mpsc,
};

const USAGE: &str = "usage: bench_streams idle|fan ADDRESS TOKEN STREAMS [ROUNDS]";
/// Streams that are opened at the same time.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, address, token, streams, rest @ ..] = args.as_slice() else { bail!(USAGE) };
    let opened = open_all(address, token, streams.parse()?).await?;
    match (what.as_str(), rest) {
        ("idle", []) => {
            println!("open");
            // Held until whoever started this has seen enough.
            let mut line = String::new();
            BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
            drop(opened);
            Ok(())
        }
        ("fan", [rounds]) => {
            let took = fan(opened, address, token, rounds.parse()?).await?;
            println!("{}", serde_json::to_string(&took)?);
            Ok(())
        }
        _ => bail!(USAGE),
    }
}

async fn open_all(address: &str, token: &str, streams: usize) -> Result<Vec<BufReader<TcpStream>>> {
    let mut opened = Vec::with_capacity(streams);
    while opened.len() < streams {
        let more = (streams - opened.len()).min(AT_ONCE);
        opened.extend(futures_util::future::try_join_all((0..more).map(|_| open(address, token))).await?);
    }
    Ok(opened)
}

/// Opens a stream and reads its first frame.
async fn open(address: &str, token: &str) -> Result<BufReader<TcpStream>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let ask = format!("GET /api_v3/events/stream HTTP/1.1\r\nHost: {address}\r\nX-ApiToken: {token}\r\n\r\n");
    socket.write_all(ask.as_bytes()).await?;
    let mut stream = BufReader::with_capacity(1024, socket);
    let mut status = String::new();
    stream.read_line(&mut status).await?;
    ensure!(status.starts_with("HTTP/1.1 200"), "the stream was refused: {status}");
    until(&mut stream, "event: hello").await?;
    Ok(stream)
}

async fn until(stream: &mut BufReader<TcpStream>, wanted: &str) -> Result<()> {
    let mut line = String::new();
    while !line.starts_with(wanted) {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the stream ended");
    }
    Ok(())
}

/// Milliseconds from just before the change to each stream's frame.
async fn fan(
    streams: Vec<BufReader<TcpStream>>,
    address: &str,
    token: &str,
    rounds: usize,
) -> Result<Vec<f64>> {
    let count = streams.len();
    let (heard, mut hears) = mpsc::unbounded_channel();
    for mut stream in streams {
        let heard = heard.clone();
        tokio::spawn(async move {
            while until(&mut stream, "event: room.").await.is_ok() {
                // Nobody counts any more: over.
                if heard.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
    }
    let mut took = Vec::with_capacity(count * rounds);
    let mut portal = TcpStream::connect(address).await?;
    portal.set_nodelay(true)?;
    for round in 0..rounds {
        let round = format!("{count}-{round}");
        let body = format!("slug=room-{round}&code=room-{round}&name=Room");
        let ask = format!(
            "POST /api_v3/rooms HTTP/1.1\r\nHost: {address}\r\nX-ApiToken: {token}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = Instant::now();
        portal.write_all(ask.as_bytes()).await?;
        let mut answer = vec![0; 16 * 1024];
        let read = portal.read(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer[..read]);
        ensure!(answer.starts_with("HTTP/1.1 200"), "the change was refused: {answer}");
        for _ in 0..count {
            let at = hears.recv().await.context("a stream ended")?;
            took.push(at.saturating_duration_since(began).as_secs_f64() * 1e3);
        }
    }
    Ok(took)
}
