//! Uploads and contents that mean harm: more than may come, less than was
//! said, nothing for a long time, pictures that blow up, contents that somebody
//! changed on the disk, a process that dies in the middle.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bedside_tests::kit::{
    Client, Kit,
    binary::{self, Process},
};
use bytes::Bytes;
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    files::{PDF, below, id, kept, put, send},
    files_content::{bytes, link, png, png_of},
};

/// What somebody does to a file's stored content.
type Damage<'d> = &'d dyn Fn(&mut Vec<u8>);

/// Quiet, since nobody reads what it logs and a full pipe would stop it.
const FREE: [(&str, &str); 3] =
    [("server.listen", "127.0.0.1:0"), ("media.udp_port", "0"), ("log.filter", "warn")];

/// A server of its own process, and an admin token on it.
struct Server {
    process: Process,
    admin: Client,
    home: tempfile::TempDir,
}

impl Server {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = Process::spawn(&["serve"], &[&FREE[..], settings].concat(), home.path());
        let base = process.listening().await;
        let create = ["account", "create", "--code", "north", "--name", "North", "--json"];
        let made: Value = serde_json::from_str(&binary::run(&create, &[], home.path()).await.stdout).unwrap();
        let token = made["admin_token"].as_str().expect("an admin token");
        let admin = Client::new(&base).header("X-AccountCode", "north").header("X-ApiToken", token);
        Self { process, admin, home }
    }

    /// What the process holds in memory, in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    fn kept(&self) -> Vec<std::path::PathBuf> {
        below(&self.home.path().join("data/files"))
    }
}

/// The beginning of a form up to the content of a text file.
const BEGIN: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n\r\n";

/// An upload of `count` pieces of 64 KiB that are made as they are sent, with
/// or without saying how many.
fn upload(client: &Client, count: u64, declared: bool) -> reqwest::RequestBuilder {
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let head = std::iter::once(Bytes::from_static(BEGIN.as_bytes()));
    let pieces = head.chain((0..count).map(move |_| piece.clone())).map(Ok::<_, std::io::Error>);
    let mut request = client
        .request(Method::POST, "/files")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::wrap_stream(futures_util::stream::iter(pieces)));
    if declared {
        request = request.header("content-length", BEGIN.len() as u64 + count * 64 * 1024);
    }
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_through_25_mebibytes_is_refused_with_flat_memory() {
    let server = Server::start(&[]).await;
    // Once around, so that what is only made on first use is made.
    send(&server.admin, "x.txt", &vec![b'x'; 3_000_000], &[]).await.ok();
    let before = server.memory();
    for declared in [true, false] {
        let sent = tokio::spawn(Client::send(upload(&server.admin, 16 * 1024, declared)));
        let mut peak = before;
        while !sent.is_finished() {
            peak = peak.max(server.memory());
            server.admin.get("//healthz").await.ok();
        }
        sent.await.unwrap().refused(413, "file_too_large");
        let grown = peak.saturating_sub(before);
        eprintln!("declared: {declared}; before: {} KiB, grown by {} KiB", before / 1024, grown / 1024);
        assert!(grown < 16 * 1024 * 1024, "grew by {} KiB over {} KiB", grown / 1024, before / 1024);
    }
    assert_eq!(server.kept().len(), 1, "nothing of them is left");
    let listed = server.admin.get("/files").await.ok().json();
    assert_eq!(listed["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_mebibytes_come_and_go_with_flat_memory() {
    let server = Server::start(&[]).await;
    send(&server.admin, "x.txt", &vec![b'x'; 3_000_000], &[]).await.ok();
    let before = server.memory();
    let content = vec![b'y'; 20 * 1024 * 1024];
    let sending = send(&server.admin, "y.txt", &content, &[]);
    let (mut peak, mut sending) = (before, std::pin::pin!(sending));
    let file = loop {
        tokio::select! {
            file = &mut sending => break file.data(),
            _ = server.admin.get("//healthz") => peak = peak.max(server.memory()),
        }
    };
    let path = file["fullpath"].as_str().unwrap().replace(server.admin.base(), "/");
    let mut response = server.admin.request(Method::GET, &path).send().await.unwrap();
    let mut got = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        got += piece.len();
        peak = peak.max(server.memory());
    }
    assert_eq!(got, content.len());
    let grown = peak.saturating_sub(before);
    eprintln!("before: {} KiB, grown by {} KiB", before / 1024, grown / 1024);
    assert!(grown < 16 * 1024 * 1024, "grew by {} KiB", grown / 1024);
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_is_dropped() {
    let kit = Kit::with(&[("files.stall_s", "1")]).await;
    let maria = kit.patient("maria").await;
    let address = kit.base.trim_start_matches("http://");
    for sent in [
        String::new(),
        BEGIN[..40].to_owned(),
        BEGIN.to_owned(),
        format!("{BEGIN}{}", "x".repeat(200_000)),
        "--b\r\nContent-Disposition: form-data; name=\"remark\"\r\n\r\nabc".to_owned(),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api_v3/files HTTP/1.1\r\nHost: {address}\r\nX-AccountCode: northside\r\nX-ApiToken: {}\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n{sent}",
            maria.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        // A reset after the answer is an end, too.
        let _ = ended.expect("the server ends the connection");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("upload_stalled"), "{answer}");
        assert!(begun.elapsed() >= Duration::from_millis(900));
        assert!(kept(&kit).is_empty());
    }
    assert_eq!(maria.client.get("/files").await.ok().json()["total"], 0);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let address = kit.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api_v3/files HTTP/1.1\r\nHost: {address}\r\nX-AccountCode: northside\r\nX-ApiToken: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n{BEGIN}{}",
        maria.token,
        "x".repeat(300_000)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until("the content is begun", || !kept(&kit).is_empty(), &kit.anonymous()).await;
    drop(stream);
    until("it is gone", || kept(&kit).is_empty(), &kit.anonymous()).await;
    assert_eq!(maria.client.get("/files").await.ok().json()["total"], 0);
}

/// Asks again and again, without sleeping, until something is so.
async fn until(what: &str, holds: impl Fn() -> bool, client: &Client) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        client.get("//healthz").await.ok();
    }
}

/// A PNG of 50,000 x 50,000 black pixels: 300 MB that weigh 300 kB.
fn bomb() -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    const SIDE: usize = 50_000;
    let total = (1 + SIDE / 8) * SIDE;
    // A block that ends on a byte can be repeated; the last one ends the stream.
    let block = vec![0; total / 500];
    assert_eq!(block.len() * 500, total);
    let packed = |flush| {
        let mut deflate = Compress::new(Compression::best(), false);
        let mut out = Vec::with_capacity(64 * 1024);
        deflate.compress_vec(&block, &mut out, flush).unwrap();
        out
    };
    let (middle, last) = (packed(FlushCompress::Full), packed(FlushCompress::Finish));
    let adler = (u32::try_from(total % 65_521).unwrap() << 16 | 1).to_be_bytes();
    let data = [b"\x78\xda".as_slice(), &middle.repeat(499), &last, &adler].concat();
    png_of(SIDE as u32, SIDE as u32, &data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_blows_up_is_refused() {
    let server = Server::start(&[]).await;
    let photo = send(&server.admin, "ok.png", &png(400, 400), &[]).await.data();
    let small =
        format!("{}&size=64x64", photo["fullpath"].as_str().unwrap().replace(server.admin.base(), "/"));
    bytes(&server.admin, &small).await;
    let before = server.memory();
    let bomb = bomb();
    assert!(bomb.len() < 1_000_000, "small: {}", bomb.len());
    send(&server.admin, "x.png", &bomb, &[]).await.refused(400, "image_too_large");
    // One that hides its size behind more than a mebibyte of remarks is taken, but never decoded.
    let remark = [b"\xff\xe1\xff\xff".as_slice(), &vec![0; 65_533]].concat();
    let size = b"\xff\xc0\0\x11\x08\xc3\x50\xc3\x50\x03\x01\x11\0\x02\x11\0\x03\x11\0";
    let scan = b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0";
    let jpeg = [b"\xff\xd8".as_slice(), &remark.repeat(20), size, scan, &[0; 50], b"\xff\xd9"].concat();
    let hidden = send(&server.admin, "y.jpg", &jpeg, &[]).await.data();
    let path = hidden["fullpath"].as_str().unwrap().replace(server.admin.base(), "/");
    server.admin.get(&format!("{path}&size=64x64")).await.refused(400, "image_too_large");
    let grown = server.memory().saturating_sub(before);
    eprintln!("grown by {} KiB", grown / 1024);
    assert!(grown < 32 * 1024 * 1024, "grew by {} KiB", grown / 1024);
}

#[tokio::test]
async fn content_that_was_changed_on_the_disk_is_a_clean_error() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let content = vec![b'x'; 3_000_000];
    let file = send(&maria.client, "x.txt", &content, &[]).await.data();
    let [place] = &kept(&kit)[..] else { panic!("one content") };
    let whole = std::fs::read(place).unwrap();
    let path = link(&kit, &file);
    let with = |change: Damage<'_>| {
        let mut changed = whole.clone();
        change(&mut changed);
        std::fs::write(place, changed).unwrap();
    };
    // Told before the answer begins: what is missing, and the first window.
    let early: [Damage<'_>; 6] = [
        &|bytes| bytes.truncate(bytes.len() - 1),
        &|bytes| bytes.truncate(65_552),
        &|bytes| bytes.clear(),
        &|bytes| bytes.push(0),
        &|bytes| bytes[0] ^= 1,
        &|bytes| bytes.copy_within(65_552..131_104, 0),
    ];
    for change in early {
        with(change);
        kit.anonymous().get(&path).await.refused(500, "internal");
    }
    // Later on the answer breaks off; nothing wrong is ever handed out.
    let late: [Damage<'_>; 2] = [&|bytes| bytes[2_000_000] ^= 1, &|bytes| {
        let chunk = bytes[20 * 65_552..21 * 65_552].to_vec();
        bytes[30 * 65_552..31 * 65_552].copy_from_slice(&chunk);
    }];
    for change in late {
        with(change);
        let mut response = kit.anonymous().request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut got = 0;
        let broken = loop {
            match response.chunk().await {
                Ok(Some(piece)) => {
                    assert!(piece.iter().all(|byte| *byte == b'x'));
                    got += piece.len();
                }
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken && got < content.len(), "{got}");
    }
    std::fs::remove_file(place).unwrap();
    kit.anonymous().get(&path).await.refused(500, "internal");
    // The row is still there, and can be deleted with its document.
    maria.client.get(&format!("/files/{}", id(&file))).await.ok();
    std::fs::write(place, &whole).unwrap();
    let (status, _, got) = bytes(&kit.anonymous(), &path).await;
    assert!(status == 200 && got == content);
}

#[tokio::test]
async fn contents_do_not_open_in_each_other_s_place() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let one = put(&maria.client, "user_document").await;
    let first = kept(&kit);
    let two = send(&maria.client, "x.pdf", &PDF.to_ascii_uppercase(), &[]).await.data();
    let second = kept(&kit).into_iter().find(|path| !first.contains(path)).unwrap();
    std::fs::copy(&first[0], &second).unwrap();
    kit.anonymous().get(&link(&kit, &two)).await.refused(500, "internal");
    kit.anonymous().get(&link(&kit, &one)).await.ok();
}

#[tokio::test]
async fn a_process_that_dies_in_the_middle_shows_no_half_file() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::spawn(&["serve"], &FREE, home.path());
    let base = process.listening().await;
    let create = ["account", "create", "--code", "north", "--name", "North", "--json"];
    let made: Value = serde_json::from_str(&binary::run(&create, &[], home.path()).await.stdout).unwrap();
    let token = made["admin_token"].as_str().unwrap().to_owned();
    let client = |base: &str| Client::new(base).header("X-AccountCode", "north").header("X-ApiToken", &token);
    put(&client(&base), "user_document").await;
    let folder = home.path().join("data/files");
    let address = base.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /api_v3/files HTTP/1.1\r\nHost: {address}\r\nX-AccountCode: north\r\nX-ApiToken: {token}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n{BEGIN}{}",
        "x".repeat(400_000)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until("the content is begun", || parts(&folder) == 1, &client(&base)).await;
    process.signal("-KILL");
    process.ended().await;
    assert_eq!(parts(&folder), 1, "the process could not tidy up");
    let mut again = Process::spawn(&["serve"], &FREE, home.path());
    let base = again.listening().await;
    let listed = client(&base).get("/files").await.ok().json();
    assert_eq!((&listed["total"], listed["data"].as_array().unwrap().len()), (&json!(1), 1));
    let path = listed["data"][0]["fullpath"].as_str().unwrap().replace(&base, "/");
    assert_eq!(bytes(&client(&base), &path).await.2, PDF);
}

fn parts(folder: &Path) -> usize {
    below(folder).iter().filter(|path| path.extension().is_some_and(|extension| extension == "part")).count()
}
