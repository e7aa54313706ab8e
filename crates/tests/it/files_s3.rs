//! Where contents lie: one list of promises, kept by a folder and by a bucket;
//! then the whole API on a bucket. The bucket is moto's, an independent server
//! that speaks S3.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use bedside_app::ports::files::{Error, Files, Folder, Place, S3, S3Settings};
use bedside_model::{AccountId, FileId};
use bedside_tests::kit::{Client, Kit};
use bytes::Bytes;
use reqwest::{Method, StatusCode};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    files::{id, send},
    files_content::{bytes, link},
};

/// A server that speaks S3, with one bucket.
struct Bucket {
    endpoint: String,
    _server: Child,
}

impl Bucket {
    /// None where there is no Python environment with moto; `cargo xtask test`
    /// makes one and says so, and then it must work.
    async fn start() -> Option<Self> {
        let made = std::env::var_os("BEDSIDE_TEST_PYTHON").map(PathBuf::from);
        let left_behind = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
        let python = made.clone().unwrap_or(left_behind);
        let has_moto = std::process::Command::new(&python).args(["-c", "import moto.server"]).output();
        if !has_moto.is_ok_and(|tried| tried.status.success()) {
            assert!(made.is_none(), "the Python environment lacks moto");
            eprintln!("skipped: no Python environment with moto; `cargo xtask test` makes one");
            return None;
        }
        let mut server = Command::new(python)
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("moto starts");
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let endpoint = loop {
            let line = lines.next_line().await.unwrap().expect("moto says where it listens");
            if let Some((_, endpoint)) = line.split_once("Running on ") {
                break endpoint.trim().to_owned();
            }
        };
        // It goes on to write; somebody must read.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let made = reqwest::Client::new().put(format!("{endpoint}/clinic")).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
        Some(Self { endpoint, _server: server })
    }

    /// What the bucket says of itself, as XML.
    async fn told(&self, query: &str) -> String {
        reqwest::get(format!("{}/clinic?{query}", self.endpoint)).await.unwrap().text().await.unwrap()
    }

    async fn count(&self) -> usize {
        self.told("list-type=2").await.matches("<Key>").count()
    }

    fn port(&self) -> Files {
        let settings = S3Settings {
            bucket: "clinic".to_owned(),
            prefix: "a/prefix".to_owned(),
            endpoint: self.endpoint.clone(),
            access_key: "key".to_owned(),
            secret_key: "secret".to_owned(),
            ..S3Settings::default()
        };
        Files::S3(S3::new(&settings).unwrap())
    }
}

fn place(account: &str, n: u32) -> Place {
    Place::new(&AccountId(account.to_owned()), &FileId(format!("01900000-0000-7000-8000-{n:012x}")))
}

async fn keep(files: &Files, place: &Place, pieces: &[Bytes]) {
    let mut writer = files.create(place).await.unwrap();
    for piece in pieces {
        writer.write(piece.clone()).await.unwrap();
    }
    assert!(matches!(files.length(place).await, Err(Error::Missing)), "there only once it is whole");
    writer.finish().await.unwrap();
}

/// What every place for contents promises.
async fn conforms(files: &Files) {
    let nothing = place("a", 1);
    assert!(matches!(files.length(&nothing).await, Err(Error::Missing)));
    assert!(matches!(files.read(&nothing, 0..1).await, Err(Error::Missing)));
    files.delete(&nothing).await.unwrap();

    // Small enough for one request, and large enough for several parts.
    for (n, pieces) in [(2, 3), (3, 200)] {
        let place = place("a", n);
        let pieces: Vec<Bytes> = (0..pieces)
            .map(|n| Bytes::from((0..65_552).map(|at| ((at + n) % 251) as u8).collect::<Vec<_>>()))
            .collect();
        keep(files, &place, &pieces).await;
        let whole = pieces.concat();
        let length = whole.len() as u64;
        assert_eq!(files.length(&place).await.unwrap(), length);
        for range in [0..1, 0..length, 65_000..66_000, length - 1..length, 5..5 + length / 2] {
            let read = files.read(&place, range.clone()).await.unwrap();
            assert!(read == whole[range.start as usize..range.end as usize], "{range:?}");
        }
        for range in [0..length + 1, length..length + 1, length + 5..length + 9] {
            assert!(matches!(files.read(&place, range).await, Err(Error::Missing | Error::Unreachable(_))));
        }
    }

    // What is given up is not there.
    for pieces in [1, 200] {
        let place = place("a", 4);
        let mut writer = files.create(&place).await.unwrap();
        for _ in 0..pieces {
            writer.write(Bytes::from(vec![7; 65_552])).await.unwrap();
        }
        drop(writer);
        assert!(matches!(files.length(&place).await, Err(Error::Missing)));
        keep(files, &place, &[Bytes::from_static(b"again")]).await;
        files.delete(&place).await.unwrap();
        assert!(matches!(files.read(&place, 0..1).await, Err(Error::Missing)));
    }

    // An account's contents go without another's.
    keep(files, &place("b", 5), &[Bytes::from_static(b"b")]).await;
    keep(files, &place("ab", 5), &[Bytes::from_static(b"ab")]).await;
    files.delete_account(&AccountId("a".to_owned())).await.unwrap();
    for n in [2, 3] {
        assert!(matches!(files.length(&place("a", n)).await, Err(Error::Missing)));
    }
    assert_eq!(files.read(&place("b", 5), 0..1).await.unwrap().as_ref(), b"b");
    assert_eq!(files.read(&place("ab", 5), 0..2).await.unwrap().as_ref(), b"ab");
    files.delete_account(&AccountId("nobody".to_owned())).await.unwrap();
    files.check("01900000-0000-7000-8000-0000000000ff").await.unwrap();
}

#[tokio::test]
async fn a_folder_keeps_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&Files::Folder(Folder::new(folder.path().join("made/when/needed")))).await;
}

#[tokio::test]
async fn a_bucket_keeps_what_it_promises() {
    let Some(bucket) = Bucket::start().await else { return };
    conforms(&bucket.port()).await;
    let keys = bucket.told("list-type=2").await;
    assert_eq!(keys.matches("<Key>a/prefix/").count(), 2, "{keys}");
}

fn settings(bucket: &Bucket) -> [(&'static str, &str); 4] {
    [
        ("files.url", "s3://clinic/files"),
        ("files.s3.endpoint", &bucket.endpoint),
        ("files.s3.access_key", "key"),
        ("files.s3.secret_key", "secret"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_on_a_bucket() {
    let Some(bucket) = Bucket::start().await else { return };
    let mut all = settings(&bucket).to_vec();
    all.push(("files.max_bytes", "14000000"));
    let kit = Kit::with(&all).await;
    let maria = kit.patient("maria").await;
    let category = [("meta.category", "user_document")];
    for length in [10, 12_000_000] {
        let content = vec![b'x'; length];
        let file = send(&maria.client, "x.txt", &content, &category).await.data();
        let (status, _, got) = bytes(&kit.anonymous(), &link(&kit, &file)).await;
        assert!(status == 200 && got == content);
        let part = kit.anonymous().header("Range", format!("bytes={}-", length - 5).as_str());
        let (status, _, got) = bytes(&part, &link(&kit, &file)).await;
        assert_eq!((status, got.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"xxxxx"[..]));
        assert_eq!(bucket.count().await, 1);
        Client::send(maria.client.request(Method::DELETE, &format!("/files/{}", id(&file)))).await.ok();
        assert_eq!(bucket.count().await, 0);
    }
    // What is refused on the way leaves neither content nor parts.
    send(&maria.client, "x.txt", &vec![b'x'; 14_000_001], &category).await.refused(413, "file_too_large");
    let late = [vec![b'x'; 13_000_000], vec![0]].concat();
    send(&maria.client, "x.txt", &late, &category).await.refused(415, "file_type_not_allowed");
    let begun = std::time::Instant::now();
    while bucket.told("uploads").await.contains("<UploadId>") {
        assert!(begun.elapsed().as_secs() < 60, "parts are taken back");
    }
    assert_eq!(bucket.count().await, 0);
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    let kit = Kit::with(&[
        ("files.url", "s3://clinic"),
        ("files.s3.endpoint", &endpoint),
        ("files.s3.access_key", "key"),
        ("files.s3.secret_key", "secret"),
    ])
    .await;
    let maria = kit.patient("maria").await;
    send(&maria.client, "x.txt", b"hello", &[]).await.refused(503, "unavailable");
    assert_eq!(maria.client.get("/files").await.ok().json()["total"], 0);
}
