//! Recordings: asked, agreed, refused; written, put together, played, deleted.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bedside_app::recordings;
use bedside_store::{accounts, audit};
use bedside_tests::kit::{Answer, Client, Kit, Person, Stream, Visit, peer::python};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_tungstenite::connect_async;

/// A clinic with a call that goes on.
pub struct Call {
    pub kit: Kit,
    pub patient: Person,
    pub provider: Person,
    pub visit: Visit,
}

impl Call {
    pub async fn new() -> Self {
        Self::of(Kit::start().await).await
    }

    pub async fn of(kit: Kit) -> Self {
        let room = kit.room("main").await;
        let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &[&room]).await);
        let visit = patient.walk_in(&room).await;
        provider.act(&visit, "accept").await.ok();
        Self { kit, patient, provider, visit }
    }

    /// Somebody's client is in the call as far as its signalling goes.
    pub async fn enter(&self, who: &Person) -> Socket {
        let pass = who.act(&self.visit, "call").await.data();
        enter(&pass).await
    }

    fn path(&self) -> String {
        format!("/visits/{}/recordings", self.visit.id)
    }

    pub async fn start(&self) -> Value {
        self.provider.client.post(&self.path(), json!({})).await.data()
    }

    async fn current(&self, who: &Person) -> Value {
        who.client.get(&format!("{}/current", self.path())).await.data()
    }

    async fn get(&self, id: &Value) -> Value {
        self.provider.client.get(&format!("/recordings/{id}")).await.data()
    }

    /// What the media node tells when somebody's media are there, or gone.
    async fn told(&self, who: &Person, joined: bool) {
        let (call, who) = (self.meeting(), format!("user-{}", who.id));
        let told = if joined {
            recordings::joined(&self.kit.app, &call, &who).await
        } else {
            recordings::left(&self.kit.app, &call, &who).await
        };
        told.unwrap();
    }

    fn meeting(&self) -> String {
        self.visit.body["meeting"]["meeting_id"].as_str().unwrap().to_owned()
    }
}

pub type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

pub async fn enter(pass: &Value) -> Socket {
    let (url, token) = (pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
    connect_async(format!("{url}/rtc?access_token={token}&protocol=16")).await.expect("let in").0
}

pub async fn say(client: &Client, id: &Value, answer: &str) -> Answer {
    let body = json!({ "answer": answer, "text_version": "1", "language": "en" });
    client.post(&format!("/recordings/{id}/consent"), body).await
}

#[tokio::test]
async fn it_begins_when_everybody_has_agreed_and_not_before() {
    let call = Call::new().await;
    call.provider.client.post(&call.path(), json!({})).await.refused(400, "nobody_in_call");
    let _inside = (call.enter(&call.patient).await, call.enter(&call.provider).await);
    assert_eq!(call.current(&call.patient).await, Value::Null);

    let mut page = Stream::open(&call.patient.client).await;
    let asked = call.start().await;
    assert_eq!((&asked["status"], &asked["start"]), (&json!("asked"), &Value::Null));
    assert_eq!(asked["started_by"], call.provider.id);
    assert_eq!(asked["consented_by"], json!([call.provider.id]), "who asks has agreed");
    let id = &asked["id"];
    let heard = page.next_of("recording.asked").await;
    assert_eq!(heard.data["data"]["recording_id"], id.to_string());
    call.provider.client.post(&call.path(), json!({})).await.refused(400, "recording_runs");

    let question = call.current(&call.patient).await;
    assert_eq!((&question["answer"], &question["waiting"]), (&json!("waiting"), &json!(1)));
    assert!(question["text"].as_str().unwrap().contains("your care does not depend on it"));
    let spanish = format!("{}/current?language=es", call.path());
    let spanish = call.patient.client.get(&spanish).await.data();
    assert!(spanish["text"].as_str().unwrap().contains("su atención no depende"), "{spanish}");

    let old = json!({ "answer": "agree", "text_version": "0" });
    call.patient.client.post(&format!("/recordings/{id}/consent"), old).await.refused(400, "text_outdated");
    assert_eq!(call.get(id).await["status"], "asked");
    let said = say(&call.patient.client, id, "agree").await.data();
    assert_eq!((&said["status"], &said["answer"]), (&json!("recording"), &json!("agreed")));
    page.next_of("recording.started").await;

    let kept = call.get(id).await;
    assert!(kept["start"].is_i64());
    let consents = kept["consents"].as_array().unwrap();
    let of = |person: &Person| consents.iter().find(|one| one["user_id"] == person.id).unwrap();
    assert_eq!(
        (&of(&call.patient)["answer"], &of(&call.patient)["text_version"]),
        (&json!("agreed"), &json!("1/en"))
    );
    assert_eq!(of(&call.provider)["text_version"], "1/start");
    assert!(consents.iter().all(|one| one["answered"].is_i64()), "{kept}");
    assert_eq!(kept["marks"].as_array().unwrap().len(), 2);

    // Nobody sent anything: it ends, and says that nothing is in it.
    call.provider.client.post(&format!("/recordings/{id}/stop"), json!({})).await.ok();
    page.next_of("recording.stopped").await;
    page.next_of("recording.failed").await;
    let kept = call.get(id).await;
    assert_eq!(
        (&kept["status"], &kept["reason"], &kept["url"]),
        (&json!("failed"), &json!("empty"), &Value::Null)
    );
    say(&call.patient.client, id, "agree").await.refused(400, "recording_over");
}

#[tokio::test]
async fn one_no_ends_it_for_all_and_nothing_else() {
    let call = Call::new().await;
    let _inside = (call.enter(&call.patient).await, call.enter(&call.provider).await);
    let id = call.start().await["id"].clone();
    // A no needs no version: nobody is kept from saying it.
    let refused = json!({ "answer": "refuse" });
    call.patient.client.post(&format!("/recordings/{id}/consent"), refused).await.ok();
    let kept = call.get(&id).await;
    assert_eq!(
        (&kept["status"], &kept["reason"], &kept["start"]),
        (&json!("failed"), &json!("refused"), &Value::Null)
    );
    assert_eq!(call.provider.visit(&call.visit).await.data()["status"], "25", "the visit goes on");

    // Asked again, agreed, and then thought better of.
    let id = call.start().await["id"].clone();
    say(&call.patient.client, &id, "agree").await.ok();
    assert_eq!(call.get(&id).await["status"], "recording");
    let after = say(&call.patient.client, &id, "refuse").await.data();
    assert_eq!((&after["status"], &after["answer"]), (&json!("processing"), &json!("refused")));
    assert!(!call.get(&id).await["consented_by"].as_array().unwrap().contains(&json!(call.patient.id)));
}

#[tokio::test]
async fn who_comes_late_is_asked_and_holds_nobody_up_by_leaving() {
    let call = Call::new().await;
    let inside = (call.enter(&call.patient).await, call.enter(&call.provider).await);
    let id = call.start().await["id"].clone();
    // The one who has not answered leaves: the others agree.
    drop(inside.0);
    let embedded = call.kit.app.calls.embedded().unwrap().clone();
    embedded.node().remove_peer(&call.meeting(), &format!("user-{}", call.patient.id)).await;
    call.told(&call.patient, false).await;
    assert_eq!(call.get(&id).await["status"], "recording");
    // They come back while it runs: asked anew, no word of theirs is kept till then.
    let mut page = Stream::open(&call.patient.client).await;
    let _back = call.enter(&call.patient).await;
    call.told(&call.patient, true).await;
    assert_eq!(call.current(&call.patient).await["answer"], "waiting");
    let kept = call.get(&id).await;
    assert_eq!(kept["status"], "recording", "the others go on");
    assert!(kept["marks"].as_array().unwrap().iter().any(|mark| mark["user_id"] == call.patient.id));
    say(&call.patient.client, &id, "agree").await.ok();
    assert_eq!(page.next_of("recording.answered").await.data["data"]["peer_id"], call.patient.id);
    assert_eq!(call.get(&id).await["consented_by"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_room_may_ask_by_itself_once_in_a_visit() {
    let call = Call::new().await;
    call.kit.admin().post("/rooms/main", json!({ "recording": "maybe" })).await.refused(400, "invalid_field");
    let room = call.kit.admin().post("/rooms/main", json!({ "recording": "ask" })).await.data();
    assert_eq!(room["recording"], "ask");
    assert_eq!(call.provider.visit(&call.visit).await.data()["meeting"]["recording_auto_start"], true);
    let _patient = call.enter(&call.patient).await;
    call.told(&call.patient, true).await;
    assert_eq!(
        call.current(&call.patient).await,
        Value::Null,
        "nobody is asked before the provider is there"
    );
    let _provider = call.enter(&call.provider).await;
    call.told(&call.provider, true).await;
    let asked = call.current(&call.provider).await;
    assert_eq!(
        (&asked["started_by"], &asked["answer"], &asked["waiting"]),
        (&Value::Null, &json!("waiting"), &json!(2))
    );
    say(&call.provider.client, &asked["id"], "refuse").await.ok();
    call.told(&call.patient, true).await;
    assert_eq!(call.current(&call.patient).await, Value::Null, "a no is not asked away");
}

#[tokio::test]
async fn only_whom_it_concerns_sees_it() {
    let call = Call::new().await;
    let _inside = (call.enter(&call.patient).await, call.enter(&call.provider).await);
    let id = call.start().await["id"].clone();
    let (path, own) = (format!("/recordings/{id}"), &call.patient.client);
    call.patient.client.post(&call.path(), json!({})).await.refused(403, "not_allowed");
    own.get(&path).await.refused(403, "recordings_not_shared");
    own.get(&call.path()).await.refused(403, "recordings_not_shared");
    let shared = json!({ "recordings_for_patients": 1, "recording_retention_days": 7 });
    call.kit.admin().post("/recordings/settings", shared).await.ok();
    assert_eq!(own.get(&path).await.data()["status"], "asked");
    let stranger = call.kit.patient("p-2").await;
    stranger.client.get(&path).await.refused(404, "recording_not_found");
    say(&stranger.client, &id, "refuse").await.refused(404, "recording_not_found");
    call.provider
        .client
        .request(reqwest::Method::DELETE, &path)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap_err();
    let wrong = json!({ "recording_retention_days": -1 });
    call.kit.admin().post("/recordings/settings", wrong).await.refused(400, "invalid_field");
    let kept = call.kit.admin().get("/recordings/settings").await.data();
    assert_eq!(kept, json!({ "recording_retention_days": 7, "recordings_for_patients": true }));
}

#[tokio::test]
async fn what_is_over_is_kept_for_as_long_as_the_clinic_says() {
    let (kit, clock) = Kit::on_a_clock().await;
    let call = Call::of(kit).await;
    let _inside = (call.enter(&call.patient).await, call.enter(&call.provider).await);
    let id = call.start().await["id"].clone();
    say(&call.patient.client, &id, "refuse").await.ok();
    let keep = json!({ "recording_retention_days": 7 });
    call.kit.admin().post("/recordings/settings", keep).await.ok();
    let day = 24 * 3600;
    clock.advance_seconds(6 * day);
    assert_eq!(recordings::purge(&call.kit.app).await.unwrap(), 0);
    clock.advance_seconds(2 * day);
    assert_eq!(recordings::purge(&call.kit.app).await.unwrap(), 1);
    assert_eq!(recordings::purge(&call.kit.app).await.unwrap(), 0);
    let kept = call.kit.admin().get(&format!("/recordings/{id}")).await.data();
    assert_eq!(kept["status"], "deleted", "{kept}");
    assert_eq!(kept["consents"].as_array().unwrap().len(), 2);
    let mut conn = call.kit.app.store.reader().await.unwrap();
    let account = accounts::find_by_code(&mut conn, "northside").await.unwrap().unwrap().id;
    let object = id.to_string();
    let written = audit::count(&mut conn, &account, "recordings.purge", &object).await;
    assert_eq!(written.unwrap(), 1, "who deleted it, and when, is in the trail");
}

/// A peer that claps.
pub struct Clapper {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Clapper {
    pub fn join(python: &Path, pass: &Value, phase: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/clapper.py");
        let (url, token) = (pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        let mut command = Command::new(python);
        command.arg(script).args([url, token, phase]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the script starts");
        let lines = BufReader::new(child.stdout.take().expect("a piped output")).lines();
        Self { child, lines }
    }

    pub async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let line = self.lines.next_line().await.expect("lines").expect("it still speaks");
                if let Ok(said) = serde_json::from_str::<Value>(&line)
                    && is_it(&said)
                {
                    return said;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(120), wait).await.expect("it happens in time")
    }

    /// Waits for so many claps from now on: two seconds each.
    pub async fn claps(&mut self, count: i64) {
        let first = self.until(|said| said["event"] == "clap").await["number"].as_i64().unwrap();
        self.until(|said| said["number"].as_i64().is_some_and(|number| number >= first + count)).await;
    }

    pub async fn leave(mut self) {
        drop(self.child.stdin.take());
        let _ = tokio::time::timeout(std::time::Duration::from_secs(20), self.child.wait()).await;
    }
}

/// ffprobe's words on a file: kinds of streams, and its length in seconds.
pub async fn probe(file: &Path) -> (Vec<String>, f64) {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_entries", "stream=codec_type:format=duration"])
        .arg(file)
        .output()
        .await
        .expect("ffprobe is here: `cargo xtask ci` installs ffmpeg");
    let said: Value = serde_json::from_slice(&output.stdout).expect("ffprobe's words");
    let kinds = said["streams"].as_array().unwrap().iter();
    let kinds = kinds.map(|stream| stream["codec_type"].as_str().unwrap().to_owned()).collect();
    (kinds, said["format"]["duration"].as_str().unwrap().parse().unwrap())
}

pub async fn fetch(url: &str, folder: &Path, name: &str) -> PathBuf {
    let response = reqwest::get(url).await.unwrap().error_for_status().unwrap();
    let path = folder.join(name);
    tokio::fs::write(&path, response.bytes().await.unwrap()).await.unwrap();
    path
}

/// The claps that a film shows, and how far sound and picture are apart.
pub async fn claps(python: &Path, film: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/claps.py");
    let output = Command::new(python).arg(script).arg(film).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The middle one of the offsets, ms.
pub fn middle(claps: &Value) -> f64 {
    let mut offsets: Vec<f64> =
        claps["offsets_ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    assert!(!offsets.is_empty(), "{claps}");
    offsets.sort_by(f64::total_cmp);
    offsets[offsets.len() / 2]
}

/// How many claps of two seconds are recorded: a minute. Sound and picture that
/// drift apart need some seconds to show it.
const LENGTH: i64 = 30;

#[tokio::test]
async fn two_people_are_recorded_together_in_time_and_it_can_be_played_and_deleted() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let call = Call::new().await;
    let passes = [
        call.patient.act(&call.visit, "call").await.data(),
        call.provider.act(&call.visit, "call").await.data(),
    ];
    let mut peers = [Clapper::join(&python, &passes[0], "0"), Clapper::join(&python, &passes[1], "1")];
    for peer in &mut peers {
        peer.until(|said| said["event"] == "joined").await;
        peer.until(|said| said["event"] == "clap").await;
    }
    let mut desk = Stream::open(&call.provider.client).await;
    let id = call.start().await["id"].clone();
    say(&call.patient.client, &id, "agree").await.ok();
    desk.next_of("recording.started").await;
    peers[0].until(|said| said["event"] == "room" && said["recording"] == true).await;
    peers[0].claps(LENGTH).await;
    let running = call.get(&id).await;
    call.provider.client.post(&format!("/recordings/{id}/stop"), json!({})).await.ok();
    desk.next_of("recording.ready").await;
    for peer in peers {
        peer.leave().await;
    }

    let ready = call.get(&id).await;
    assert_eq!((&ready["status"], &ready["format"]), (&json!("ready"), &json!("mp4")), "{ready}");
    assert_eq!(running["status"], "recording");
    for person in [&call.patient, &call.provider] {
        for media in ["audio", "video"] {
            let of = |track: &&Value| track["user_id"] == person.id && track["media"] == media;
            assert!(ready["tracks"].as_array().unwrap().iter().any(|track| of(&track)), "{media}: {ready}");
        }
    }
    let folder = call.kit.database().folder();
    let url = ready["url"].as_str().unwrap();
    let film = fetch(url, folder, "film.mp4").await;
    let (kinds, seconds) = probe(&film).await;
    assert!(kinds.contains(&"audio".to_owned()) && kinds.contains(&"video".to_owned()), "{kinds:?}");
    let wall = (ready["end"].as_i64().unwrap() - ready["start"].as_i64().unwrap()) as f64;
    assert!((seconds - ready["duration"].as_f64().unwrap()).abs() <= 1.0, "{seconds} s, {ready}");
    assert!((seconds - wall).abs() <= 1.6, "{seconds} s of {wall} s by the clock's whole seconds");
    let found = claps(&python, &film).await;
    println!("recorded {seconds:.2} s, {found}, middle {:.0} ms, {}", middle(&found), ready["tracks"]);
    for side in ["left", "right"] {
        assert!(found[side].as_i64().unwrap() >= LENGTH - 2, "both are seen: {found}");
    }
    assert!(found["heard"].as_i64().unwrap() >= 2 * LENGTH - 4, "both are heard: {found}");
    assert!(middle(&found).abs() < 80.0, "{found}");

    // A player asks for parts.
    let part = reqwest::Client::new().get(url).header("Range", "bytes=4-7").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-type"].to_str().unwrap()),
        (206, "video/mp4")
    );
    assert_eq!(part.bytes().await.unwrap(), "ftyp");
    let tampered = url.replace("auth_code=", "auth_code=0");
    assert_eq!(reqwest::get(&tampered).await.unwrap().status(), 403);

    // Nothing of it lies about in the clear.
    let parts = folder.join("recordings");
    let left: Vec<_> = walk(&parts).into_iter().filter(|path| path.is_file()).collect();
    assert!(left.is_empty(), "{left:?}");
    for path in walk(&folder.join("files")).iter().filter(|path| path.is_file()) {
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"ftyp"), "{path:?}");
    }

    // Listed with its visit, as documented.
    let list = "/visits?room_code=main&fields=recordings&has_recordings=1&start_time=1&end_time=9999999999";
    let rows = call.kit.admin().get(list).await.data();
    assert_eq!(rows[0]["recordings"]["count"], 1, "{rows}");
    let item = &rows[0]["recordings"]["data"][0];
    assert_eq!((&item["id"], &item["visit_id"]), (&id, &json!(call.visit.id)));
    assert!(item["start"].is_i64() && item["end"].is_i64());

    call.kit
        .admin()
        .request(reqwest::Method::DELETE, &format!("/recordings/{id}"))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
    let gone = call.get(&id).await;
    assert_eq!(
        (&gone["status"], &gone["url"], &gone["files"]),
        (&json!("deleted"), &Value::Null, &json!([]))
    );
    assert_eq!(gone["consents"].as_array().unwrap().len(), 2, "what was agreed to stays written");
    assert!(call.kit.admin().get(list).await.data().as_array().unwrap().is_empty());
    assert!(walk(&folder.join("files")).iter().all(|path| !path.is_file()));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        found.extend(walk(&entry.path()));
    }
    found
}
