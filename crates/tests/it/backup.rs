//! A backup is taken while the server works, and brings everything back onto an
//! empty place; whatever is wrong with it is said before anything is written.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bedside_tests::kit::{Client, Database, Kit, Person, binary};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

type Named = Vec<(&'static str, String)>;

fn settings(database: &Database, key: &Path) -> Named {
    vec![
        ("server.listen", "127.0.0.1:0".to_owned()),
        ("media.enabled", "false".to_owned()),
        ("store.url", database.url().to_owned()),
        ("keys.master_key_file", key.display().to_string()),
        ("files.url", format!("dir:{}", database.folder().join("files").display())),
    ]
}

async fn run(arguments: &[&str], settings: &Named, home: &Path) -> binary::Ended {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    binary::run(arguments, &settings, home).await
}

async fn upload(person: &Person, content: &[u8]) -> String {
    let part = Part::bytes(content.to_vec()).file_name("letter.txt").mime_str("text/plain").unwrap();
    let request = person.client.request(Method::POST, "/files").multipart(Form::new().part("file", part));
    let data = Client::send(request).await.data();
    data["id"].as_str().expect("an id").to_owned()
}

/// Content of a file, by the link that its object shows.
async fn content(client: &Client, id: &str) -> String {
    let object = client.get(&format!("/files/{id}")).await.data();
    let link = object["fullpath"].as_str().expect("a link");
    client.get(&link.replace(client.base(), "/")).await.ok().text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_while_serving_comes_back_whole() {
    let kit = Kit::with(&[("limits.user_per_s", "100000")]).await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = patient.walk_in(&room).await;
    let file = upload(&patient, b"a letter from another clinic").await;
    let key = kit.database().folder().join("master.key");
    let ours = settings(kit.database(), &key);
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("copy");

    let over = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for number in 0..3 {
        let (person, room, over) = (kit.patient(&format!("w-{number}")).await, room.clone(), over.clone());
        writers.push(tokio::spawn(async move {
            let mut made = 0;
            while !over.load(Ordering::SeqCst) {
                person.intake(&room).await;
                made += 1;
            }
            made
        }));
    }
    let backed_up = run(&["backup", copy.to_str().unwrap()], &ours, home.path()).await;
    over.store(true, Ordering::SeqCst);
    assert!(backed_up.status.success(), "{backed_up:?}");
    assert!(
        backed_up.stdout.contains("NOT in it") && backed_up.stdout.contains("cp -p"),
        "{}",
        backed_up.stdout
    );
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    assert!(!copy.join("master.key").exists());
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&copy).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    // What came after the backup is not in it.
    let later = patient.intake(&room).await;

    let again = run(&["backup", copy.to_str().unwrap()], &ours, home.path()).await;
    assert!(again.sentence().contains("not empty"));

    // Onto an empty place, with the master key carried there by hand.
    let empty = Database::empty().await;
    let key_there = empty.folder().join("carried.key");
    let theirs = settings(&empty, &key_there);
    let without = run(&["restore", copy.to_str().unwrap()], &theirs, home.path()).await;
    assert!(without.sentence().contains("master key"), "{without:?}");
    assert!(!key_there.exists(), "no key is made in its place");
    std::fs::copy(&key, &key_there).unwrap();
    std::fs::set_permissions(&key_there, std::fs::Permissions::from_mode(0o600)).unwrap();
    let restored = run(&["restore", copy.to_str().unwrap()], &theirs, home.path()).await;
    assert!(restored.status.success(), "{restored:?}");

    let borrowed: Vec<_> = theirs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut server = binary::Process::spawn(&["serve"], &borrowed, home.path());
    let base = server.listening().await;
    let there = Client::new(&base).header("X-AccountCode", "northside").header("X-ApiToken", &patient.token);
    let intake = there.get(&format!("/intakes/{}", visit.intake_id)).await.data();
    assert_eq!(intake["reason_for_visit"], "A rash on my arm");
    assert_eq!(there.get(&format!("/visits/{}", visit.id)).await.data()["status"], "10");
    assert_eq!(content(&there, &file).await, "a letter from another clinic");
    there.get(&format!("/intakes/{later}")).await.refused(404, "intake_not_found");
    server.signal("-TERM");
    server.ended().await;

    // Its place is taken now.
    let twice = run(&["restore", copy.to_str().unwrap()], &theirs, home.path()).await;
    assert!(twice.sentence().contains("not empty"), "{twice:?}");
    // The audit trail came whole.
    let verified = run(&["audit", "verify"], &theirs, home.path()).await;
    assert!(verified.status.success() && verified.stdout.contains("ok    northside"), "{verified:?}");
}

/// A finished backup of a small clinic, and the key to it.
async fn backup_of_a_clinic() -> (Kit, tempfile::TempDir) {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    patient.walk_in(&room).await;
    upload(&patient, b"some content").await;
    let home = tempfile::tempdir().unwrap();
    let ours = settings(kit.database(), &kit.database().folder().join("master.key"));
    let done = run(&["backup", "copy"], &ours, home.path()).await;
    assert!(done.status.success(), "{done:?}");
    (kit, home)
}

/// The sentence by which a restore of it is refused; nothing is written then.
async fn refusal(kit: &Kit, home: &Path) -> String {
    let empty = Database::empty().await;
    let key = home.join("right.key");
    if !key.exists() {
        std::fs::copy(kit.database().folder().join("master.key"), &key).unwrap();
    }
    let theirs = settings(&empty, &key);
    let refused = run(&["restore", "copy"], &theirs, home).await;
    let sentence = refused.sentence().to_owned();
    assert!(!empty.folder().join("files").exists() && !empty.folder().join("bedside.db").exists());
    sentence
}

fn any_content(folder: &Path) -> std::path::PathBuf {
    let mut path = folder.join("files");
    while path.is_dir() {
        path = std::fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    }
    path
}

#[tokio::test]
async fn a_damaged_or_foreign_backup_is_refused_before_anything_is_written() {
    let (kit, home) = backup_of_a_clinic().await;
    let copy = home.path().join("copy");
    let manifest = copy.join("manifest.json");
    let whole = std::fs::read(&manifest).unwrap();
    let change = |edit: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&whole).unwrap();
        edit(&mut value);
        std::fs::write(&manifest, value.to_string()).unwrap();
    };

    let content = any_content(&copy);
    let bytes = std::fs::read(&content).unwrap();
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 1;
    std::fs::write(&content, &altered).unwrap();
    assert!(refusal(&kit, home.path()).await.contains("was changed"));
    std::fs::remove_file(&content).unwrap();
    assert!(refusal(&kit, home.path()).await.contains("damaged"));
    std::fs::write(&content, &bytes).unwrap();

    change(&|value| value["schema"] = json!(99_999));
    assert!(refusal(&kit, home.path()).await.contains("newer version"));
    change(&|value| value["files"][0]["path"] = json!("../../outside"));
    assert!(refusal(&kit, home.path()).await.contains("leads out"));
    change(&|value| value["files"][0]["path"] = json!("/etc/hostname"));
    assert!(refusal(&kit, home.path()).await.contains("leads out"));
    change(&|value| value["engine"] = json!("oracle"));
    assert!(refusal(&kit, home.path()).await.contains("oracle"));
    change(&|value| value["format"] = json!(2));
    assert!(refusal(&kit, home.path()).await.contains("no finished backup"));
    std::fs::write(&manifest, b"{").unwrap();
    assert!(refusal(&kit, home.path()).await.contains("no finished backup"));
    // Cut off before its end: the manifest comes last.
    std::fs::remove_file(&manifest).unwrap();
    assert!(refusal(&kit, home.path()).await.contains("no finished backup"));
    std::fs::write(&manifest, &whole).unwrap();

    // The key of another clinic's server.
    std::fs::write(home.path().join("right.key"), [1; 32]).unwrap();
    std::fs::set_permissions(home.path().join("right.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&kit, home.path()).await.contains("master key"));
}

#[tokio::test]
async fn there_is_nothing_to_back_up_before_the_first_start() {
    let home = tempfile::tempdir().unwrap();
    let refused = binary::run(&["backup", "copy"], &[], home.path()).await;
    assert!(refused.sentence().contains("no database"), "{refused:?}");
    assert!(!home.path().join("data").exists() && !home.path().join("copy").exists());
}

#[tokio::test]
async fn a_folder_of_ones_own_choice_gets_the_data() {
    if std::env::var_os("BEDSIDE_TEST_POSTGRES").is_some() {
        // A Postgres database is named by its URL alone.
        return;
    }
    let (kit, home) = backup_of_a_clinic().await;
    let key = home.path().join("carried.key");
    std::fs::copy(kit.database().folder().join("master.key"), &key).unwrap();
    let named = vec![("keys.master_key_file", key.display().to_string())];
    let done = run(&["restore", "copy", "--data", "new/place"], &named, home.path()).await;
    assert!(done.status.success(), "{done:?}");
    assert!(home.path().join("new/place/bedside.db").exists());
    assert!(home.path().join("new/place/files").exists());
    assert!(!home.path().join("data").exists());
}
