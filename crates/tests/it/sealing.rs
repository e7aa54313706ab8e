//! What people write in confidence is nowhere readable but through the API; the
//! master key can be changed while the server runs, and killing that half-way
//! loses nothing; a deleted account is gone.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use bedside::boot::{self, Surroundings};
use bedside_app::keys;
use bedside_store::{MasterKey, Settings, Store, house_keys};
use bedside_tests::kit::{
    Kit,
    binary::{self, Process},
    configuration, sql,
};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::json;

/// In no text of ours, and found even inside another word.
const MARK: &str = "Zwetschgenkuchen";

/// Everything in a folder that holds `needle`; the master key and mails, which
/// are on their way to people, are looked at by others.
fn holding(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "mail") {
                    folders.push(path);
                }
            } else if contains(&std::fs::read(&path).unwrap(), needle) {
                found.push(path);
            }
        }
    }
    found
}

/// As UTF-8 or as UTF-16.
fn contains(bytes: &[u8], needle: &str) -> bool {
    let wide: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [needle.as_bytes(), &wide].iter().any(|needle| bytes.windows(needle.len()).any(|part| part == *needle))
}

/// A plain dump of a Postgres database, for the same look.
fn dump(url: &str) -> Vec<u8> {
    let program = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|version| version.unwrap().path().join("bin/pg_dump"))
        .find(|path| path.exists())
        .expect("pg_dump");
    let output = Command::new(program).arg("--dbname").arg(url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Where a text is at rest.
fn at_rest(kit: &Kit, needle: &str) -> Vec<PathBuf> {
    let mut found = holding(kit.database().folder(), needle);
    if !kit.database().is_sqlite() && contains(&dump(kit.database().url()), needle) {
        found.push("the dump".into());
    }
    found
}

fn key_file(kit: &Kit) -> PathBuf {
    kit.database().folder().join("master.key")
}

#[tokio::test]
async fn what_people_write_in_confidence_is_nowhere_readable() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room, "annex"]).await;
    let admin = kit.admin();

    // Intakes: every field, any JSON, and names of fields too.
    let answers = json!({
        "room_code": room, "reason_for_visit": format!("{MARK} since Monday"), "smoker": MARK,
        "symptoms": [MARK, {"where": MARK}], MARK: "yes", "weight": 70,
    });
    let intake = patient.client.post("/intakes", answers).await.data()["id"].as_str().unwrap().to_owned();
    let changed = json!({ "allergies": MARK });
    patient.client.post(&format!("/intakes/{intake}"), changed).await.ok();

    // A file, by name and by content.
    let file = Part::bytes(format!("{MARK} is what I ate").into_bytes()).file_name(format!("{MARK}.txt"));
    let form = Form::new().part("file", file.mime_str("text/plain").unwrap());
    let sent = patient.client.request(Method::POST, "/files").multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());

    // The visit: what staff write, why it is handed over and called off.
    let body = json!({ "intake_id": intake, "room_code": room });
    let visit = patient.client.post("/visits/add_walkin", body).await.data();
    let of_visit = |verb: &str| format!("/visits/{}{verb}", visit["id"].as_str().unwrap());
    provider.client.post(&of_visit(""), json!({ "description": MARK })).await.ok();
    provider.client.post(&of_visit("/transfer"), json!({ "room_code": "annex", "reason": MARK })).await.ok();
    let seen = provider.client.get(&of_visit("")).await.ok().text;
    assert!(seen.contains(MARK), "staff read what staff wrote: {seen}");

    // The extended profile.
    let profile = json!({ "extra": { "diabetes": MARK, MARK: 1 } });
    admin.post(&format!("/users/{}", patient.id), profile).await.ok();

    // Repeated with a key: the answer that is kept holds it too.
    let keyed = patient.client.header("Idempotency-Key", "once");
    keyed.post("/intakes", json!({ "room_code": room, "reason_for_visit": MARK })).await.ok();

    // It is there for those who may read it.
    let read = provider.client.get(&format!("/intakes/{intake}")).await.ok().text;
    assert!(read.contains(MARK), "{read}");

    assert_eq!(at_rest(&kit, MARK), Vec::<PathBuf>::new());
    // The look finds what is meant to be found.
    admin.post("/rooms/main", json!({ "name": MARK })).await.ok();
    assert_ne!(at_rest(&kit, MARK), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join(".config/bedside");
    let settings = [("server.listen", "127.0.0.1:0"), ("media.udp_port", "0")];
    binary::run(&["migrate"], &settings, home.path()).await;
    let file = keys.join("master.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "made private");
    assert!(!file.starts_with(home.path().join("data")), "made apart from the data");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["serve", "migrate"] {
        let refused = binary::run(&[command], &settings, home.path()).await;
        let sentence = refused.sentence();
        assert!(sentence.contains("chmod 600") && sentence.contains("master.key"), "{sentence}");
    }
    let doctor = binary::run(&["doctor"], &settings, home.path()).await;
    assert!(
        doctor.stdout.contains("FAIL  key file") && doctor.stdout.contains("chmod 600"),
        "{}",
        doctor.stdout
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let doctor = binary::run(&["doctor"], &settings, home.path()).await;
    assert!(doctor.stdout.contains("ok    key file"), "{}", doctor.stdout);
}

/// A store of its own on the kit's database, with what the key file holds.
async fn another(kit: &Kit, master: MasterKey) -> Store {
    let settings = Settings { master_key: Some(master), ..Settings::new(kit.database().url()) };
    Store::open(&settings).await.unwrap()
}

/// How many accounts a key opens, and how many there are.
async fn opened_by(kit: &Kit, master: MasterKey) -> (usize, usize) {
    let store = another(kit, master.clone()).await;
    let mut conn = store.reader().await.unwrap();
    let rows =
        house_keys::list_after(&mut conn, &bedside_model::AccountId(String::new()), 10_000).await.unwrap();
    let opened = rows.iter().filter(|(id, key)| master.open_vault(id.as_str(), key).is_ok()).count();
    drop(conn);
    store.close().await;
    (opened, rows.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_changes_while_requests_run() {
    let mut kit = Kit::with(&[("limits.user_per_s", "100000")]).await;
    let room = kit.room("main").await;
    let before = MasterKey::load(&key_file(&kit)).unwrap();
    let first = kit.patient("p-0").await.intake(&room).await;
    // One that the server has not looked at before the key changes.
    let cold = kit.another_clinic("cold").await;

    let stop = flag();
    let mut writers = Vec::new();
    for number in 1..=4 {
        let (person, room, stop) = (kit.patient(&format!("p-{number}")).await, room.clone(), stop.clone());
        writers.push(tokio::spawn(async move {
            let mut made = BTreeMap::new();
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let id = person.intake(&room).await;
                let read = person.client.get(&format!("/intakes/{id}")).await.data();
                assert_eq!(read["reason_for_visit"], "A rash on my arm");
                made.insert(id, person.token.clone());
            }
            made
        }));
    }
    // By another process, as the command line does.
    let operator =
        boot::open_app(&configuration(kit.database(), &[]), Surroundings::default()).await.unwrap();
    for round in 0..3 {
        let rotated = keys::rotate(&operator, &key_file(&kit)).await.unwrap();
        assert!(!rotated.resumed && rotated.accounts >= 2, "{rotated:?}");
        let both = MasterKey::load(&key_file(&kit)).unwrap();
        assert!(both.is_rotating());
        // The server makes an account with the key that counts now.
        kit.another_clinic(&format!("new-{round}")).await;
        keys::finish(&operator, &key_file(&kit)).await.unwrap();
        kit.another_clinic(&format!("newer-{round}")).await;
    }
    keys::finish(&operator, &key_file(&kit)).await.unwrap_err();
    operator.store.close().await;
    // Opened for the first time since, by a server that began with another key.
    let colds = kit.portal_of(&cold).sign_in(&kit, "c-1", 200).await;
    let room_of_cold = json!({ "slug": "c", "code": "c", "name": "Cold" });
    kit.admin_of(&cold).post("/rooms", room_of_cold).await.ok();
    colds.intake("c").await;

    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut made = BTreeMap::new();
    for writer in writers {
        made.extend(writer.await.unwrap());
    }
    assert!(!made.is_empty());
    let now = MasterKey::load(&key_file(&kit)).unwrap();
    assert!(!now.is_rotating() && now.name() != before.name());
    assert_eq!(opened_by(&kit, before).await.0, 0, "the old key opens nothing any more");
    assert_eq!(opened_by(&kit, now).await, (8, 8));
    kit.restart(&[]).await;
    made.insert(first, kit.patient("p-0").await.token);
    for (id, token) in made {
        let read = kit.bearer(&token).get(&format!("/intakes/{id}")).await.data();
        assert_eq!(read["reason_for_visit"], "A rash on my arm");
    }
}

fn flag() -> std::sync::Arc<std::sync::atomic::AtomicBool> {
    std::sync::Arc::default()
}

/// The settings by which the binary finds the kit's database and key.
fn settings(kit: &Kit) -> Vec<(&'static str, String)> {
    vec![
        ("server.listen", "127.0.0.1:0".to_owned()),
        ("media.enabled", "false".to_owned()),
        ("store.url", kit.database().url().to_owned()),
        ("keys.master_key_file", key_file(kit).display().to_string()),
        ("files.url", format!("dir:{}", kit.database().folder().join("files").display())),
    ]
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_killed_half_way_loses_nothing_and_goes_on() {
    /// More than one transaction wraps at once.
    const CLINICS: usize = 130;
    let kit = Kit::start().await;
    for number in 1..CLINICS {
        kit.another_clinic(&format!("c-{number}")).await;
    }
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let intake = patient.intake(&room).await;
    let settings = settings(&kit);
    let (settings, file) = (borrowed(&settings), key_file(&kit));
    let home = kit.database().folder();
    for round in 0..3 {
        let before = MasterKey::load(&file).unwrap();
        let rotation = Process::spawn(&["keys", "rotate"], &settings, home);
        while file.metadata().unwrap().len() == 32 {
            tokio::task::yield_now().await;
        }
        rotation.signal("-KILL");
        rotation.ended().await;
        let between = MasterKey::load(&file).unwrap();
        assert!(between.is_rotating() && between.name() != before.name());
        assert_eq!(opened_by(&kit, between.clone()).await, (CLINICS, CLINICS), "round {round}");
        // A new server opens everything, too.
        let app = boot::open_app(&configuration(kit.database(), &[]), Surroundings::default()).await.unwrap();
        app.store.close().await;

        let again = binary::run(&["keys", "rotate"], &settings, home).await;
        assert!(again.status.success() && again.stdout.contains("went on"), "{again:?}");
        let finished = binary::run(&["keys", "rotate", "--finish"], &settings, home).await;
        assert!(finished.status.success(), "{finished:?}");
        let after = MasterKey::load(&file).unwrap();
        assert_eq!((after.name(), after.is_rotating()), (between.name(), false));
        assert_eq!(opened_by(&kit, after).await, (CLINICS, CLINICS), "round {round}");
        assert_eq!(opened_by(&kit, before).await.0, 0);
    }
    let twice = binary::run(&["keys", "rotate", "--finish"], &settings, home).await;
    twice.sentence();
    let read = patient.client.get(&format!("/intakes/{intake}")).await.data();
    assert_eq!(read["reason_for_visit"], "A rash on my arm");
}

#[tokio::test]
async fn a_rotation_with_another_databases_key_is_refused_before_anything_changes() {
    let kit = Kit::start().await;
    let file = kit.database().folder().join("other.key");
    let other = MasterKey::from_bytes(&[9; 32]).unwrap();
    other.save(&file).unwrap();
    keys::rotate(&kit.app, &file).await.unwrap_err();
    assert!(MasterKey::load(&file).unwrap() == other);
    let ours = MasterKey::load(&key_file(&kit)).unwrap();
    assert_eq!(opened_by(&kit, ours).await, (1, 1));
}

/// A clinic with people, visits and a file, all of whose names hold a word.
async fn with_people(kit: &Kit, word: &str) -> bedside_tests::kit::Clinic {
    let clinic = kit.another_clinic(word).await;
    let admin = kit.admin_of(&clinic);
    admin.post("/rooms", json!({ "slug": "r", "code": format!("{word}-r"), "name": word })).await.ok();
    for number in 0..6 {
        let code = format!("{word}-{number}");
        let person = kit.portal_of(&clinic).sign_in(kit, &code, 200).await;
        person.walk_in(&format!("{word}-r")).await;
        let file = Part::bytes(word.as_bytes().to_vec()).file_name(format!("{word}.txt"));
        let form = Form::new().part("file", file.mime_str("text/plain").unwrap());
        let sent = person.client.request(Method::POST, "/files").multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    }
    clinic
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_account_is_gone_and_the_others_are_untouched() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = patient.walk_in(&room).await;
    let doomed = with_people(&kit, "mirabelle").await;
    let kept = with_people(&kit, "quitte").await;
    let settings = settings(&kit);
    let (settings, home) = (borrowed(&settings), kit.database().folder());
    let asked = binary::run(&["account", "delete", "mirabelle"], &settings, home).await;
    assert!(asked.sentence().contains("--yes"));
    kit.admin_of(&doomed).get("/visits").await.ok();

    let deleted = binary::run(&["account", "delete", "mirabelle", "--yes"], &settings, home).await;
    assert!(deleted.status.success(), "{deleted:?}");
    assert!(
        format!("{}{}", deleted.stdout, deleted.stderr).contains("an account was deleted"),
        "{deleted:?}"
    );
    // Nobody of it comes in, and its code names nothing.
    kit.admin_of(&doomed).get("/visits").await.refused(401, "token_unknown");
    kit.anonymous().header("X-AccountCode", "mirabelle").get("/rooms").await.refused(404, "account_unknown");
    if kit.database().is_sqlite() {
        assert_eq!(at_rest(&kit, "mirabelle"), Vec::<PathBuf>::new());
    } else {
        assert!(!contains(&dump(kit.database().url()), "mirabelle"));
    }
    // The others go on, sealed texts and files too.
    assert_eq!(patient.visit(&visit).await.data()["status"], "10");
    assert_eq!(kit.admin_of(&kept).get("/visits").await.ok().json()["total_count"], 6);
    let read = patient.client.get(&format!("/intakes/{}", visit.intake_id)).await.data();
    assert_eq!(read["reason_for_visit"], "A rash on my arm");
    let again = binary::run(&["account", "delete", "mirabelle", "--yes"], &settings, home).await;
    again.sentence();
    // The code is free again.
    kit.another_clinic("mirabelle").await;
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_goes_on() {
    let kit = Kit::start().await;
    let doomed = with_people(&kit, "mirabelle").await;
    let account = bedside_app::accounts::get_by_code(&kit.app, "mirabelle").await.unwrap().id;
    let now = kit.app.clock.now();
    let begun: Result<(), bedside_store::Error> = kit
        .app
        .store
        .write({
            let account = account.clone();
            move |tx| {
                Box::pin(async move {
                    bedside_store::erasure::begin(tx, &account, now).await?;
                    bedside_store::erasure::delete_some(tx, "tokens", &account).await.map(drop)
                })
            }
        })
        .await;
    begun.unwrap();
    // From the first step on nothing sealed opens, and nobody comes in.
    kit.admin_of(&doomed).get("/visits").await.refused(401, "token_unknown");
    kit.app.store.forget_erased().await.unwrap();
    kit.app.store.vault(&account).await.unwrap_err();
    // Nobody can name what is left of it.
    kit.anonymous()
        .header("X-AccountCode", "erased:mirabelle")
        .get("/rooms")
        .await
        .refused(404, "account_unknown");

    let erased = bedside_app::erasure::erase(&kit.app, "mirabelle").await.unwrap();
    assert!(erased.resumed && erased.rows > 20, "{erased:?}");
    let counted = sql(
        kit.database().url(),
        &format!("UPDATE users SET version = version WHERE account_id = '{account}'"),
    )
    .await;
    assert_eq!(counted, 0);
    bedside_app::erasure::erase(&kit.app, "mirabelle").await.unwrap_err();
    assert_eq!(kit.admin().get("/visits").await.status, 200);
}
