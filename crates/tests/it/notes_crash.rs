//! kill -9 while a note is being saved and signed: what was acknowledged is
//! there, whole, and what was signed stays as it was signed.

use std::sync::{Arc, Mutex};

use bedside_tests::kit::{Client, Database, Server};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use crate::durability;

/// How often the server is killed.
const KILLS: usize = 4;
/// Acknowledged saves before each kill.
const SAVES: usize = 25;
/// Of so many saves the last one is signed.
const SIGN_AFTER: usize = 10;
/// Every field of a save is this long, so that one is not one page of a file.
const LONG: usize = 6_000;
/// The fields that a save writes.
const FIELDS: [&str; 4] = ["subjective", "objective", "assessment", "plan"];

/// What the server has said about notes, and what it was asked last.
#[derive(Default)]
struct Said {
    /// The note that is written, as last acknowledged.
    draft: Option<Value>,
    /// Number of the save that is on its way.
    asked: usize,
    /// Answers to signing.
    signed: Vec<Value>,
}

fn text(number: usize) -> String {
    format!("Save {number}. ").repeat(LONG / 10)
}

fn body(version: &Value, number: usize) -> Value {
    let mut body = json!({ "version": version });
    for field in FIELDS {
        body[field] = json!(text(number));
    }
    body
}

/// None when the server is gone.
async fn post(client: &Client, path: &str, body: Value) -> Option<Value> {
    let response = client.request(Method::POST, path).json(&body).send().await.ok()?;
    let status = response.status();
    let answer: Value = serde_json::from_str(&response.text().await.ok()?).ok()?;
    assert_eq!(status, 200, "{answer}");
    Some(answer["data"].clone())
}

/// Saves and signs one note after the other until the server is gone.
async fn write(
    client: Client,
    visit: String,
    said: Arc<Mutex<Said>>,
    first: usize,
    enough: Sender<()>,
) -> Option<()> {
    let mut number = first;
    loop {
        let draft = said.lock().unwrap().draft.clone();
        let draft = match draft {
            Some(draft) => draft,
            None => post(&client, &format!("/visits/{visit}/notes"), json!({})).await?,
        };
        said.lock().unwrap().draft = Some(draft.clone());
        let path = format!("/notes/{}", draft["id"].as_str().unwrap());
        number += 1;
        said.lock().unwrap().asked = number;
        let saved = post(&client, &path, body(&draft["version"], number)).await?;
        said.lock().unwrap().draft = Some(saved.clone());
        if number.is_multiple_of(SIGN_AFTER) {
            let signed =
                post(&client, &format!("{path}/sign"), json!({ "version": saved["version"] })).await?;
            let mut said = said.lock().unwrap();
            said.signed.push(signed);
            said.draft = None;
        }
        if number >= first + SAVES {
            let _ = enough.try_send(());
        }
    }
}

/// The one number that all fields of a note carry; 0 when nothing was saved.
fn number_of(note: &Value) -> usize {
    let numbers = FIELDS.map(|field| {
        let said = note[field].as_str().unwrap_or_default();
        let number = said.strip_prefix("Save ").and_then(|rest| rest.split_once('.'));
        let number = number.map_or(0, |(number, _)| number.parse().unwrap());
        assert!(said == text(number) || (number == 0 && said.is_empty()), "{field} is half of something");
        number
    });
    assert!(numbers.iter().all(|number| *number == numbers[0]), "a mix of saves {numbers:?}");
    numbers[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_the_old_or_the_new_text_and_nothing_signed_is_lost() {
    let database = Database::fresh().await;
    let mut server = durability::start(database.url(), database.folder());
    let token = server.admin.clone().expect("the first start makes the clinic");
    let client = |server: &Server, token: &str| {
        Client::new(&server.base).header("X-AccountCode", "north").header("X-ApiToken", token)
    };
    let admin = client(&server, &token);
    admin.post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main" })).await.ok();
    let password = "correct horse battery staple";
    let person = |name: &str, kind: i64| json!({ "first_name": name, "last_name": "Lee", "username": name, "type": kind, "password": password });
    let doctor = admin.post("/users", person("ann", 400)).await.data()["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/users/{doctor}/rooms"), json!({ "room_code": "main" })).await.ok();
    let patient = admin.post("/users", person("maria", 200)).await.data()["id"].clone();
    let login = json!({ "username": "ann", "password": password });
    let login = admin.without("X-ApiToken").post("/users/login", login).await.data();
    let doctor_token = login["token"]["token"].as_str().unwrap().to_owned();
    let intake = json!({ "room_code": "main", "member_id": patient, "reason_for_visit": "A rash" });
    let intake = admin.post("/intakes", intake).await.data()["id"].clone();
    let visit = admin.post("/visits/add_walkin", json!({ "intake_id": intake })).await.data();
    let visit = visit["id"].as_str().unwrap().to_owned();
    client(&server, &doctor_token).post(&format!("/visits/{visit}/accept"), json!({})).await.ok();

    let said = Arc::new(Mutex::new(Said::default()));
    for _ in 0..KILLS {
        let first = said.lock().unwrap().asked;
        let (enough, mut reached) = tokio::sync::mpsc::channel(1);
        let writer = write(client(&server, &doctor_token), visit.clone(), said.clone(), first, enough);
        let writer = tokio::spawn(writer);
        reached.recv().await.expect("enough is saved");
        server.kill();
        assert!(writer.await.unwrap().is_none());

        server = durability::start(database.url(), database.folder());
        let doctor = client(&server, &doctor_token);
        let draft = said.lock().unwrap().draft.clone();
        let Some(known) = draft else { continue };
        let found = doctor.get(&format!("/notes/{}", known["id"].as_str().unwrap())).await.data();
        let (kept, asked) = (number_of(&found), said.lock().unwrap().asked);
        assert!(
            kept == number_of(&known) || kept == asked,
            "{kept}: neither acknowledged nor asked ({asked})"
        );
        let mut said = said.lock().unwrap();
        // Signed, and the answer was lost: a fact all the same.
        said.draft = (found["status"] != "signed").then(|| found.clone());
        if said.draft.is_none() {
            assert_eq!(found["hash"].as_str().unwrap().len(), 64);
            said.signed.push(found);
        }
    }
    let doctor = client(&server, &doctor_token);
    let signed = std::mem::take(&mut said.lock().unwrap().signed);
    assert!(signed.len() >= KILLS * SAVES / SIGN_AFTER, "{} were signed", signed.len());
    for note in &signed {
        let found = doctor.get(&format!("/notes/{}", note["id"].as_str().unwrap())).await.data();
        assert_eq!(&found, note);
        assert!(number_of(&found) > 0);
    }
    let all = doctor.get(&format!("/visits/{visit}/notes")).await.data();
    let ended = all.as_array().unwrap().iter().filter(|note| note["status"] == "signed").count();
    assert_eq!(ended, signed.len(), "each was signed once");
}
