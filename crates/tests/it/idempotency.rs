//! `Idempotency-Key`: whoever repeats a request gets the first answer again, and
//! nothing happens twice, whatever breaks in between.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bedside_app::{
    Actor, Error, Who, accounts,
    actor::Credential,
    idempotency::{self, Begun, Claim},
    intakes::{self, Fields},
    jobs,
};
use bedside_model::user::UserType;
use bedside_tests::kit::{Answer, Client, Database, Kit, Person};
use reqwest::Method;
use serde_json::{Value, json};

use crate::durability;

const REPLAYED: &str = "idempotency-replayed";

fn keyed(client: &Client, key: &str) -> Client {
    client.header("Idempotency-Key", key)
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.get(REPLAYED).is_some_and(|value| value == "true")
}

fn intake(reason: &str) -> Value {
    json!({ "room_code": "main", "reason_for_visit": reason, "smoker": 1 })
}

async fn a_patient() -> (Kit, Person) {
    let kit = Kit::start().await;
    kit.room("main").await;
    let patient = kit.patient("p-1").await;
    (kit, patient)
}

/// The person as the operations see them, without HTTP.
async fn actor(kit: &Kit, person: &Person) -> Actor {
    let account = accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let id = person.id.parse().unwrap();
    let who = Who::User { id, kind: UserType::Member, role: None, credential: Credential::Token };
    Actor::new(account, who, "test".to_owned(), String::new())
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_in_any_encoding() {
    let (_kit, patient) = a_patient().await;
    let client = keyed(&patient.client, "first-1");
    let first = client.post("/intakes", intake("A rash")).await.ok();
    assert!(!first.headers.contains_key(REPLAYED));
    let fields = [("room_code", "main"), ("reason_for_visit", "A rash"), ("smoker", "1")];
    for again in [
        client.post("/intakes", intake("A rash")).await,
        client.post("/intakes.json", intake("A rash")).await,
        client.form("/intakes", &fields).await,
        // Another boundary each time.
        client.multipart("/intakes", &fields).await,
        client.multipart("/intakes", &fields).await,
    ] {
        assert!(is_replay(&again), "{again:?}");
        assert_eq!(again.headers["content-type"], "application/json");
        assert_eq!(again.ok().json(), first.json());
    }
    let other = patient.client.post("/intakes", intake("A rash")).await.data();
    assert_ne!(other["id"], first.json()["data"]["id"], "without a key there is another one");
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let (_kit, patient) = a_patient().await;
    let client = keyed(&patient.client, "one");
    let id = client.post("/intakes", intake("A rash")).await.data()["id"].as_str().unwrap().to_owned();
    client.post("/intakes", intake("A cough")).await.refused(400, "idempotency_key_reused");
    client.post(&format!("/intakes/{id}"), intake("A rash")).await.refused(400, "idempotency_key_reused");
    client
        .post("/visits/add_walkin", json!({ "intake_id": id }))
        .await
        .refused(400, "idempotency_key_reused");
    // Reads know no keys.
    assert!(!is_replay(&client.get(&format!("/intakes/{id}")).await.ok()));
}

#[tokio::test]
async fn a_key_belongs_to_its_caller() {
    let (kit, patient) = a_patient().await;
    let other = kit.patient("p-2").await;
    let one = keyed(&patient.client, "same").post("/intakes", intake("A rash")).await.data();
    let two = keyed(&other.client, "same").post("/intakes", intake("A rash")).await;
    assert!(!is_replay(&two));
    assert_ne!(one["id"], two.data()["id"]);
    // The person, not the token: after a new sign-on the key is still theirs.
    let later = kit.patient("p-1").await;
    assert_ne!(later.token, patient.token);
    let again = keyed(&later.client, "same").post("/intakes", intake("A rash")).await;
    assert!(is_replay(&again));
    assert_eq!(again.data()["id"], one["id"]);
    // Who is not let in learns nothing.
    let stranger = keyed(&kit.bearer("00000000000000000000000000000000"), "same");
    stranger.post("/intakes", intake("A rash")).await.refused(401, "token_unknown");
    let nobody = keyed(&kit.anonymous().header("X-AccountCode", &kit.clinic.code), "same");
    nobody.post("/intakes", intake("A rash")).await.refused(401, "token_missing");
}

#[tokio::test]
async fn refusals_are_not_kept() {
    let (kit, patient) = a_patient().await;
    let client = keyed(&patient.client, "try");
    let lost = json!({ "room_code": "later", "reason_for_visit": "A rash" });
    client.post("/intakes", lost.clone()).await.refused(400, "invalid_field");
    kit.room("later").await;
    let made = client.post("/intakes", lost.clone()).await.ok();
    assert!(!is_replay(&made));
    assert!(is_replay(&client.post("/intakes", lost).await.ok()));
    // What cannot be read is refused as ever.
    let request = keyed(&patient.client, "odd").request(Method::POST, "/intakes");
    Client::send(request.header("content-type", "application/json").body("{"))
        .await
        .refused(400, "invalid_json");
}

#[tokio::test]
async fn keys_of_another_form_are_refused() {
    let (_kit, patient) = a_patient().await;
    for key in ["", " ", "two words", &"x".repeat(256)] {
        let answer = keyed(&patient.client, key).post("/intakes", intake("A rash")).await;
        answer.refused(400, "idempotency_key_invalid");
    }
    keyed(&patient.client, &"x".repeat(255)).post("/intakes", intake("A rash")).await.ok();
    let two = keyed(&patient.client, "a").request(Method::POST, "/intakes").header("Idempotency-Key", "b");
    Client::send(two.json(&intake("A rash"))).await.refused(400, "idempotency_key_invalid");
    let odd =
        patient.client.request(Method::POST, "/intakes").header("Idempotency-Key", b"\xc3\xa9".as_slice());
    Client::send(odd.json(&intake("A rash"))).await.refused(400, "idempotency_key_invalid");
}

#[tokio::test]
async fn log_ins_know_no_keys() {
    let kit = Kit::start().await;
    let body = json!({ "first_name": "Maria", "last_name": "Gomez", "code": "p-1", "type": 200 });
    let portal = keyed(&kit.portal(), "sso");
    let first = portal.post("/users/sso", body.clone()).await.ok();
    let again = portal.post("/users/sso", body).await.ok();
    assert!(!is_replay(&again));
    assert_ne!(first.json()["data"]["token"]["token"], again.json()["data"]["token"]["token"]);
}

#[tokio::test]
async fn the_same_change_of_a_visit_is_made_once() {
    let (kit, patient) = a_patient().await;
    let provider = kit.provider("d-1", &["main"]).await;
    let visit = patient.walk_in("main").await;
    let path = format!("/visits/{}/accept", visit.id);
    let client = keyed(&provider.client, "take");
    let first = client.post(&path, json!({})).await.ok();
    let again = client.post(&path, json!({})).await.ok();
    assert!(is_replay(&again));
    assert_eq!(first.json(), again.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_makes_it() {
    let (kit, patient) = a_patient().await;
    let before = intakes_kept(&kit).await;
    let tries = (0..24).map(|_| {
        let client = keyed(&patient.client, "crowd");
        tokio::spawn(async move { client.post("/intakes", intake("A rash")).await })
    });
    let (mut ids, mut waiting) = (std::collections::BTreeSet::new(), 0);
    for answer in futures_util::future::join_all(tries).await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            ids.insert(answer.data()["id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!(answer.headers["retry-after"], "1");
            answer.refused(400, "idempotency_in_progress");
            waiting += 1;
        }
    }
    assert_eq!(ids.len(), 1, "{waiting} were told to wait");
    assert_eq!(intakes_kept(&kit).await, before + 1);
}

/// Rows of intakes, whatever the engine.
async fn intakes_kept(kit: &Kit) -> i64 {
    intakes_in(kit.database()).await
}

async fn intakes_in(database: &Database) -> i64 {
    use sqlx::Connection;
    const COUNT: &str = "SELECT COUNT(*) FROM intakes";
    let url = database.url();
    if database.is_sqlite() {
        let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
        return sqlx::query_scalar(COUNT).fetch_one(&mut conn).await.unwrap();
    }
    let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(COUNT).fetch_one(&mut conn).await.unwrap()
}

async fn begin(kit: &Kit, actor: &Actor, key: &str) -> Begun {
    idempotency::begin(&kit.app, actor, key, b"the request").await.unwrap().expect("a user's key counts")
}

async fn add(kit: &Kit, actor: &Actor, claim: Arc<Claim>) -> Result<String, Error> {
    let actor = Actor { idempotency: Some(claim), ..actor.clone() };
    intakes::add(&kit.app, &actor, Fields::default()).await.map(|view| view.intake.id.to_string())
}

#[tokio::test]
async fn a_crash_before_the_answer_makes_nothing_twice() {
    let (kit, patient) = a_patient().await;
    let actor = actor(&kit, &patient).await;
    let Begun::First(claim, turn) = begin(&kit, &actor, "crash").await else { panic!("the key is new") };
    let busy = idempotency::begin(&kit.app, &actor, "crash", b"the request").await;
    assert_eq!(busy.unwrap_err().code(), Some("idempotency_in_progress"));
    let id = add(&kit, &actor, claim).await.unwrap();
    // The process dies here: committed, and no answer was kept.
    drop(turn);
    let Begun::Again(answer) = begin(&kit, &actor, "crash").await else { panic!("it was committed") };
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap(), json!({ "data": { "id": id } }));
    let other = idempotency::begin(&kit.app, &actor, "crash", b"another request").await;
    assert_eq!(other.unwrap_err().code(), Some("idempotency_key_reused"));
}

#[tokio::test]
async fn two_servers_make_it_once() {
    let (kit, patient) = a_patient().await;
    let actor = actor(&kit, &patient).await;
    let Begun::First(here, _turn) = begin(&kit, &actor, "race").await else { panic!("the key is new") };
    // Another process asked at the same moment and found nothing either.
    let there = Arc::new(Claim { id: "00000000-0000-7000-8000-000000000001".to_owned(), ..(*here).clone() });
    let (one, two) = tokio::join!(add(&kit, &actor, here), add(&kit, &actor, there));
    let refused = match (one, two) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("one wins: {both:?}"),
    };
    assert_eq!(refused.code(), Some("idempotency_in_progress"));
    assert_eq!(intakes_kept(&kit).await, 1);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let room =
        |slug: &str| json!({ "slug": slug, "code": slug, "name": "Annex", "domain": "northside.example" });
    let admin = keyed(&kit.admin(), "daily");
    admin.post("/rooms", room("annex-1")).await.ok();
    clock.advance_seconds(24 * 3600 - 1);
    jobs::purge(&kit.app).await.unwrap();
    assert!(is_replay(&admin.post("/rooms", room("annex-1")).await.ok()));
    clock.advance_seconds(2);
    // Not purged yet, and yet it counts no more.
    let other = admin.post("/rooms", room("annex-2")).await.ok();
    assert!(!is_replay(&other));
    assert!(is_replay(&admin.post("/rooms", room("annex-2")).await.ok()));
    clock.advance_seconds(24 * 3600 + 1);
    jobs::purge(&kit.app).await.unwrap();
    assert!(!is_replay(&admin.post("/rooms", room("annex-3")).await.ok()));
}

#[tokio::test]
async fn a_client_that_hangs_up_finds_its_answer() {
    let (kit, patient) = a_patient().await;
    let before = intakes_kept(&kit).await;
    let request = keyed(&patient.client, "hang").request(Method::POST, "/intakes").json(&intake("A rash"));
    // Sent, and dropped at some moment before the answer.
    let begun = tokio::spawn(request.send());
    while kit.app.running.is_empty() && !begun.is_finished() {
        tokio::task::yield_now().await;
    }
    begun.abort();
    let client = keyed(&patient.client, "hang");
    let answer = loop {
        let answer = client.post("/intakes", intake("A rash")).await;
        if answer.status == 200 {
            break answer;
        }
        answer.refused(400, "idempotency_in_progress");
    };
    // The first attempt may have ended before it began; either way there is one.
    let again = client.post("/intakes", intake("A rash")).await;
    assert!(is_replay(&again));
    assert_eq!(again.ok().json(), answer.json());
    assert_eq!(intakes_kept(&kit).await, before + 1);
}

/// Every key that was sent, and the id that was acknowledged, if one was.
type Sent = Arc<Mutex<BTreeMap<String, Option<String>>>>;

/// Sends one keyed intake after the other until the server is gone.
async fn send_on(client: Client, name: String, sent: Sent, acknowledged: tokio::sync::mpsc::Sender<()>) {
    for number in 0.. {
        let key = format!("{name}-{number}");
        sent.lock().unwrap().insert(key.clone(), None);
        let request = keyed(&client, &key).request(Method::POST, "/intakes").json(&intake(&key));
        let Ok(response) = request.send().await else { return };
        assert_eq!(response.status(), 200);
        let Ok(body) = response.json::<Value>().await else { return };
        sent.lock().unwrap().insert(key, body["data"]["id"].as_str().map(str::to_owned));
        if acknowledged.send(()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_makes_nothing_twice() {
    let database = Database::fresh().await;
    let sent = Sent::default();
    let mut token = String::new();
    for round in 0..3 {
        let mut server = durability::start(database.url(), database.folder());
        if let Some(admin) = server.admin.take() {
            let admin = Client::new(&server.base).header("X-ApiToken", &admin);
            admin.post("/rooms", json!({ "slug": "main", "code": "main", "name": "Main" })).await.ok();
            let guest = json!({ "first_name": "Gus", "last_name": "Guest", "room_code": "main" });
            let guest = admin.without("X-ApiToken").post("/users/guest_login", guest).await.data();
            token = guest["token"]["token"].as_str().unwrap().to_owned();
        }
        let client = Client::new(&server.base).header("X-ApiToken", &token);
        let (acknowledged, mut heard) = tokio::sync::mpsc::channel(1);
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let name = format!("{round}-{writer}");
                tokio::spawn(send_on(client.clone(), name, sent.clone(), acknowledged.clone()))
            })
            .collect();
        for _ in 0..60 {
            heard.recv().await.unwrap();
        }
        server.kill();
        drop(heard);
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let server = durability::start(database.url(), database.folder());
    let client = Client::new(&server.base).header("X-ApiToken", &token);
    let sent = sent.lock().unwrap().clone();
    let mut ids = std::collections::BTreeSet::new();
    for (key, acknowledged) in &sent {
        let answer = keyed(&client, key).post("/intakes", intake(key)).await.ok();
        let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
        if let Some(known) = acknowledged {
            assert!(is_replay(&answer), "{key}");
            assert_eq!(&id, known, "{key}");
        }
        ids.insert(id);
    }
    assert_eq!(ids.len(), sent.len(), "each key stands for one intake");
    assert_eq!(usize::try_from(intakes_in(&database).await).unwrap(), sent.len());
}
