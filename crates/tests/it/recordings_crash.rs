//! kill -9 in the middle of a recording: what was recorded until then is put
//! together at the next start, and plays.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bedside::boot::{self, Surroundings};
use bedside_app::accounts::{self, Create};
use bedside_tests::kit::{Client, Database, Stream, peer::python};
use serde_json::{Value, json};

use crate::recordings::{Clapper, claps, fetch, middle, probe, say};

/// Where the serving process finds its database.
const FOLDER: &str = "BEDSIDE_TEST_RECORDER_FOLDER";
const URL: &str = "BEDSIDE_TEST_RECORDER_URL";

/// Not a test by itself: this binary starts itself with this name, to have a
/// process to kill. Prints the clinic's credentials once and then its address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_until_killed() {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else { return };
    let folder = Path::new(&folder);
    let sources = bedside::config::Sources::default()
        .flag("server.listen", Some("127.0.0.1:0"))
        .flag("store.url", Some(url))
        .flag("keys.master_key_file", Some(folder.join("master.key").display()))
        .flag("mail.folder", Some(folder.join("mail").display()))
        .flag("files.url", Some(format!("dir:{}", folder.join("files").display())))
        .flag("recordings.folder", Some(folder.join("recordings").display()))
        .flag("media.udp_port", Some(0));
    let config = bedside::config::load(&sources).unwrap();
    let running = boot::start(config, Surroundings::default()).await.unwrap();
    let clinic = Create { code: "north".to_owned(), name: "North".to_owned(), ..Create::default() };
    if let Ok(made) = accounts::create(&running.app, clinic).await {
        println!("\nmade {} {} {}", made.api_key, made.api_secret, made.admin_token);
    }
    println!("\nready {}", running.base_url);
    std::future::pending::<()>().await;
}

/// A process that serves, killed at the latest with the test.
struct Server {
    child: Child,
    base: String,
    made: Option<Vec<String>>,
    // Kept open: a test binary that cannot print any more ends.
    _said: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Server {
    #[expect(clippy::zombie_processes, reason = "killed and waited for when dropped")]
    fn start(url: &str, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["recordings_crash::serves_until_killed", "--exact", "--nocapture"])
            .env(URL, url)
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut made = None;
        loop {
            let line = lines.next().expect("the server prints its address").unwrap();
            if let Some(words) = line.strip_prefix("made ") {
                made = Some(words.split(' ').map(str::to_owned).collect());
            } else if let Some(base) = line.strip_prefix("ready ") {
                let base = base.to_owned();
                return Self { child, base, made, _said: lines };
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL, here and in the middle of the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn caller(base: &str, token: &str) -> Client {
    Client::new(base).header("X-AccountCode", "north").header("X-ApiToken", token)
}

/// Number and token of somebody whom the portal signs in.
async fn person(base: &str, made: &[String], code: &str, kind: i64) -> (String, String) {
    let portal = Client::new(base).header("X-ApiKey", &made[0]).header("X-ApiSecret", &made[1]);
    let body = json!({ "code": code, "type": kind, "first_name": "Maria", "last_name": code });
    let data = portal.header("X-AccountCode", "north").post("/users/sso", body).await.data();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&data["id"]), text(&data["token"]["token"]))
}

#[tokio::test]
async fn what_was_recorded_until_a_kill_plays() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let database = Database::fresh().await;
    let mut server = Server::start(database.url(), database.folder());
    let made = server.made.take().expect("a new clinic");
    let admin = caller(&server.base, &made[2]);
    let room = json!({ "slug": "main", "code": "main", "name": "Walk-in care", "domain": "north.example" });
    admin.post("/rooms", room).await.ok();
    let (_, patient) = person(&server.base, &made, "p-1", 200).await;
    let (provider_id, token) = person(&server.base, &made, "d-1", 400).await;
    let (patient, provider) = (caller(&server.base, &patient), caller(&server.base, &token));
    admin.post(&format!("/users/{provider_id}/rooms"), json!({ "room_code": "main" })).await.ok();
    let intake = json!({ "reason_for_visit": "A rash on my arm", "room_code": "main", "smoker": "no" });
    let intake = patient.post("/intakes", intake).await.data()["id"].clone();
    let visit =
        patient.post("/visits/add_walkin", json!({ "intake_id": intake, "room_code": "main" })).await.data();
    let visit = visit["id"].as_str().unwrap().to_owned();
    provider.post(&format!("/visits/{visit}/accept"), json!({})).await.ok();
    let call = format!("/visits/{visit}/call");
    let passes = [patient.post(&call, json!({})).await.data(), provider.post(&call, json!({})).await.data()];
    let mut peers = [Clapper::join(&python, &passes[0], "0"), Clapper::join(&python, &passes[1], "1")];
    for peer in &mut peers {
        peer.until(|said| said["event"] == "clap").await;
    }
    let asked = provider.post(&format!("/visits/{visit}/recordings"), json!({})).await.data();
    let id = &asked["id"];
    assert_eq!(say(&patient, id, "agree").await.data()["status"], "recording");
    peers[0].claps(4).await;
    let before = std::fs::read_dir(database.folder().join("recordings")).unwrap().count();
    assert_eq!(before, 1, "it is being written");
    drop(server);
    drop(peers);

    let server = Server::start(database.url(), database.folder());
    let (provider, path) = (caller(&server.base, &token), format!("/recordings/{id}"));
    let ready: Value = tokio::time::timeout(Duration::from_secs(120), async {
        let mut desk = Stream::after(&provider, Some(0)).await;
        desk.next_of("recording.ready").await;
        provider.get(&path).await.data()
    })
    .await
    .expect("it is put together");
    assert_eq!(ready["status"], "ready", "{ready}");
    let film = fetch(ready["url"].as_str().unwrap(), database.folder(), "film.mp4").await;
    let (kinds, seconds) = probe(&film).await;
    assert!(kinds.contains(&"audio".to_owned()) && kinds.contains(&"video".to_owned()), "{kinds:?}");
    // Four claps of two seconds, of which a second or two may be lost.
    assert!((5.0..14.0).contains(&seconds), "{seconds} s");
    let found = claps(&python, &film).await;
    println!("until the kill {seconds:.2} s, {found}");
    assert!(found["left"].as_i64().unwrap() >= 2 && found["right"].as_i64().unwrap() >= 2, "{found}");
    assert!(middle(&found).abs() < 80.0, "{found}");
}
