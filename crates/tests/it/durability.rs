//! kill -9 in the middle of writes: what was acknowledged is there afterwards,
//! its event too, and nothing is there by half. A full disk: changes are refused
//! with a sentence, reads go on, and all is well when there is room again.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bedside_model::event::EventType;
use bedside_store::{Schema, Settings, Store, accounts::find_only, events};
use bedside_tests::kit::{Client, Database, Server, serve_until_killed};
use serde_json::json;

/// How often the server is killed.
const KILLS: usize = 5;
/// Acknowledged visits before each kill.
const PER_ROUND: usize = 60;
/// Patients that write at once.
const WRITERS: usize = 8;

/// Not a test by itself: this binary starts itself with this name, to have a
/// process to kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_until_killed() {
    serve_until_killed(&[
        ("media.enabled", "false"),
        ("limits.user_per_s", "10000"),
        ("billing.kind", "test"),
        ("billing.webhook_secret", "a secret of the processor's"),
    ])
    .await;
}

/// A server to be killed, for every test that needs no more than that.
pub fn start(url: &str, folder: &Path) -> Server {
    Server::start("durability::serves_until_killed", url, folder)
}

/// Creates visits until the server is gone; notes what was acknowledged.
async fn write(client: Client, acknowledged: Arc<Mutex<Vec<String>>>, enough: tokio::sync::mpsc::Sender<()>) {
    let post = async |path: &str, body| {
        let response = client.request(reqwest::Method::POST, path).json(&body).send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        assert_eq!(status, 200, "{text}");
        let body: serde_json::Value = serde_json::from_str(&text).unwrap();
        Some(body["data"]["id"].as_str().unwrap().to_owned())
    };
    loop {
        let intake = json!({ "room_code": "main", "reason_for_visit": "A rash" });
        let Some(intake) = post("/intakes", intake).await else { return };
        let Some(visit) = post("/visits/add_walkin", json!({ "intake_id": intake })).await else { return };
        let mut acknowledged = acknowledged.lock().unwrap();
        acknowledged.push(visit);
        if acknowledged.len().is_multiple_of(PER_ROUND) {
            let _ = enough.try_send(());
        }
    }
}

/// Every visit that has a `visit.created` event, once the server numbered them.
async fn created(store: &Store) -> Vec<String> {
    let mut conn = store.reader().await.unwrap();
    let account = find_only(&mut conn).await.unwrap().unwrap().id;
    let (mut found, mut seq) = (Vec::new(), 0);
    loop {
        let page = events::list_after(&mut conn, &account, seq, 500).await.unwrap();
        let Some(last) = page.last() else { return found };
        seq = last.seq;
        let visits = page.iter().filter(|event| event.kind == EventType::VisitCreated);
        found.extend(visits.filter_map(|event| event.visit).map(|visit| visit.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_visits_survive_kill_9() {
    let database = Database::fresh().await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut admin_token = String::new();
    for _ in 0..KILLS {
        let mut server = start(database.url(), database.folder());
        if let Some(token) = server.admin.take() {
            admin_token = token;
            let admin = Client::new(&server.base).header("X-ApiToken", &admin_token);
            admin.post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main" })).await.ok();
        }
        let admin = Client::new(&server.base).header("X-ApiToken", &admin_token);
        let (enough, mut reached) = tokio::sync::mpsc::channel(1);
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let guest = json!({ "first_name": "Gus", "last_name": "Guest", "room_code": "main" });
            let token = admin.without("X-ApiToken").post("/users/guest_login", guest).await.data();
            let client =
                Client::new(&server.base).header("X-ApiToken", token["token"]["token"].as_str().unwrap());
            writers.push(tokio::spawn(write(client, acknowledged.clone(), enough.clone())));
        }
        reached.recv().await.unwrap();
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let acknowledged: BTreeSet<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    assert!(acknowledged.len() >= KILLS * PER_ROUND);

    let server = start(database.url(), database.folder());
    let admin = Client::new(&server.base).header("X-ApiToken", &admin_token);
    for visit in &acknowledged {
        let found = admin.get(&format!("/visits/{visit}")).await.data();
        assert_eq!(found["status"], "10", "visit {visit}");
    }
    let total = admin.get("/visits?limit=1").await.ok().json()["total_count"].as_u64().unwrap();
    let store =
        Store::open(&Settings { schema: Schema::Require, ..Settings::new(database.url()) }).await.unwrap();
    let begun = Instant::now();
    let mut with_event = created(&store).await;
    while u64::try_from(with_event.len()).unwrap() < total {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {total} events", with_event.len());
        tokio::task::yield_now().await;
        with_event = created(&store).await;
    }
    // As many events as visits, one each: no half of a change was kept.
    let unique: BTreeSet<String> = with_event.iter().cloned().collect();
    assert_eq!((unique.len(), u64::try_from(with_event.len()).unwrap()), (with_event.len(), total));
    assert!(acknowledged.is_subset(&unique));
}

/// A small file system of its own, taken down with the test.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where this process may not mount anything.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the killed server may still be letting go of its files.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_changes_and_lets_reads_go_on() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: mounting a small disk needs root");
        return;
    };
    let folder = disk.0.path();
    let server = start(&format!("sqlite:{}", folder.join("small.db").display()), folder);
    let admin = Client::new(&server.base).header("X-ApiToken", server.admin.as_ref().unwrap());
    admin.post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main" })).await.ok();
    let filler = folder.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    // Down to the last byte.
    for size in [65_536, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    let room = |slug: &str| json!({ "slug": slug, "code": slug, "name": "Another", "description": "x".repeat(3000) });
    // What still fits into the log may be kept; then it is over.
    let mut full = None;
    for number in 0..400 {
        let answer = admin.post("/rooms", room(&format!("r-{number}"))).await;
        if answer.status != 200 {
            full = Some(answer);
            break;
        }
    }
    let full = full.expect("the disk gets full");
    assert!(full.headers.contains_key("retry-after"));
    let body = full.refused(503, "unavailable");
    assert!(body["message"].as_str().unwrap().contains("disk is full"), "{body}");
    for _ in 0..3 {
        admin.get("/rooms").await.ok();
        admin.post("/rooms", room("again")).await.refused(503, "unavailable");
    }
    std::fs::remove_file(&filler).unwrap();
    drop(file);
    admin.post("/rooms", room("again")).await.ok();
    admin.get("/rooms/again").await.ok();
    assert_eq!(admin.get("//readyz").await.status, 200);
}
