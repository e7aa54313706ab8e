//! Messages of a visit: written once, in order, read by the people of the
//! visit alone, closed with it.

use std::collections::BTreeSet;

use bedside_tests::kit::{Kit, Person, Stream, Visit, sql};
use futures_util::future::join_all;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

fn path(visit: &Visit) -> String {
    format!("/visits/{}/messages", visit.id)
}

async fn say(person: &Person, visit: &Visit, text: &str) -> Value {
    person.client.post(&path(visit), json!({ "text": text })).await.data()
}

async fn heard(person: &Person, visit: &Visit) -> Vec<String> {
    let page = person.client.get(&path(visit)).await.ok().json();
    page["data"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_people_talk_while_one_waits() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    let visit = maria.walk_in("main").await;
    let mut desk = Stream::open(&doctor.client).await;
    let mut page = Stream::open(&maria.client).await;
    let asked = say(&maria, &visit, "  Do you need the letter?\nI have it here. ").await;
    assert_eq!(asked["text"], "Do you need the letter?\nI have it here.");
    assert_eq!((&asked["number"], &asked["sender_role"]), (&json!(1), &json!("patient")));
    assert_eq!((&asked["sender_id"], &asked["read_by"]), (&json!(maria.id), &json!([])));
    let frame = desk.next_of("message.created").await.data;
    assert_eq!((&frame["visit_id"], &frame["data"]["message_id"]), (&json!(visit.id), &asked["id"]));
    assert!(!frame.to_string().contains("letter"), "an event names, and says nothing: {frame}");
    let told = doctor.client.post(&format!("{}/read", path(&visit)), json!({ "up_to": 1 })).await.data();
    assert_eq!(told["up_to"], 1);
    assert_eq!(page.next_of("message.read").await.data["visit_id"], visit.id);
    say(&doctor, &visit, "Yes, hold it ready.").await;
    let all = maria.client.get(&path(&visit)).await.ok().json();
    assert_eq!(all["data"][0]["read_by"], json!([doctor.id]));
    assert_eq!((&all["data"][1]["sender_role"], &all["total"]), (&json!("provider"), &json!(2)));
    // A mark never goes back, nor beyond what was said.
    for (sent, kept) in [(0, 0), (99, 2)] {
        let mark = json!({ "up_to": sent });
        let answer = maria.client.post(&format!("{}/read", path(&visit)), mark).await.data();
        assert_eq!(answer["up_to"], kept);
    }
    let last = maria.client.get(&format!("{}?after=1", path(&visit))).await.ok().json();
    assert_eq!(last["data"].as_array().unwrap().len(), 1);
    assert_eq!(last["data"][0]["read_by"], json!([maria.id]));
}

#[tokio::test]
async fn only_the_people_of_the_visit_hear_it() {
    let kit = Kit::start().await;
    kit.room("main").await;
    kit.room("annex").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let (doctor, outsider) = (kit.provider("d-1", &["main"]).await, kit.provider("d-2", &["annex"]).await);
    let visit = maria.walk_in("main").await;
    say(&maria, &visit, "It is private").await;
    for stranger in [&tom.client, &outsider.client] {
        stranger.get(&path(&visit)).await.refused(404, "visit_not_found");
        stranger.post(&path(&visit), json!({ "text": "Hello" })).await.refused(404, "visit_not_found");
        stranger
            .post(&format!("{}/read", path(&visit)), json!({ "up_to": 1 }))
            .await
            .refused(404, "visit_not_found");
    }
    // Those who run the clinic see the visit, and not what is said there.
    kit.admin().get(&path(&visit)).await.refused(403, "not_allowed");
    assert_eq!(heard(&doctor, &visit).await, ["It is private"]);
}

#[tokio::test]
async fn a_double_click_says_it_once_and_numbers_have_no_gap() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    let visit = maria.walk_in("main").await;
    let body = json!({ "text": "Hello", "client_id": "one" });
    let target = path(&visit);
    let sent = join_all((0..6).map(|_| maria.client.post(&target, body.clone()))).await;
    let ids: BTreeSet<String> =
        sent.into_iter().map(|answer| answer.data()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    // The same name of somebody else is another message.
    doctor.client.post(&path(&visit), body).await.ok();
    let texts = |who: &'static str| (0..8).map(move |number| json!({ "text": format!("{who} {number}") }));
    let of = |person: &Person, who| {
        let person = person.clone();
        let target = path(&visit);
        async move { join_all(texts(who).map(|body| person.client.post(&target, body))).await }
    };
    let (one, two) = futures_util::join!(of(&maria, "a"), of(&doctor, "b"));
    assert!(one.into_iter().chain(two).all(|answer| answer.status == 200));
    let mut numbers = Vec::new();
    let mut after = 0;
    loop {
        let page = maria.client.get(&format!("{}?after={after}&limit=5", path(&visit))).await.ok().json();
        numbers.extend(page["data"].as_array().unwrap().iter().map(|one| one["number"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = next.parse::<i64>().unwrap();
    }
    assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_said() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let maria = kit.patient("maria").await;
    let visit = maria.walk_in("main").await;
    for (body, field) in [
        (json!({}), "text"),
        (json!({ "text": "  " }), "text"),
        (json!({ "text": "x".repeat(4_001) }), "text"),
        (json!({ "text": "a", "client_id": "x".repeat(65) }), "client_id"),
        (json!({ "file_id": "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44" }), "file_id"),
    ] {
        let refusal = maria.client.post(&path(&visit), body).await.refused(400, "invalid_field");
        assert!(refusal["fields"][field].is_string(), "{refusal}");
    }
    for number in 0..30 {
        say(&maria, &visit, &format!("{number}")).await;
    }
    let body = json!({ "text": "more" });
    maria.client.post(&path(&visit), body.clone()).await.refused(429, "too_many_requests");
    clock.advance_seconds(61);
    maria.client.post(&path(&visit), body).await.ok();
}

#[tokio::test]
async fn an_econsult_is_talked_about_until_it_is_answered() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    let intake = maria.intake(&room).await;
    let asked = maria.client.post("/visits/add_econsult", json!({ "intake_id": intake })).await.data();
    let visit = Visit { id: asked["id"].as_str().unwrap().to_owned(), intake_id: intake, body: asked };
    say(&maria, &visit, "Is this normal?").await;
    doctor.act(&visit, "accept").await.ok();
    say(&doctor, &visit, "Yes, it is.").await;
    doctor.act(&visit, "complete").await.ok();
    for person in [&maria, &doctor] {
        let late = person.client.post(&path(&visit), json!({ "text": "One more thing" })).await;
        late.refused(400, "visit_closed");
        assert_eq!(heard(person, &visit).await, ["Is this normal?", "Yes, it is."]);
    }
}

#[tokio::test]
async fn a_file_is_seen_by_those_who_talk() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    let visit = maria.walk_in("main").await;
    let other = maria.walk_in_with("main", json!({})).await;
    let upload = async |visit: &Visit| {
        let form = Form::new()
            .text("meta.target.type", "visit")
            .text("meta.target.id", visit.id.clone())
            .text("meta.category", "chat_attachment")
            .part("file", Part::text("Blood pressure 120/80").file_name("note.txt"));
        let request = maria.client.request(reqwest::Method::POST, "/files").multipart(form);
        bedside_tests::kit::Client::send(request).await.data()["id"].as_str().unwrap().to_owned()
    };
    let file = upload(&visit).await;
    let sent = maria.client.post(&path(&visit), json!({ "file_id": file })).await.data();
    assert_eq!((&sent["file"]["id"], &sent["text"]), (&json!(file), &Value::Null));
    let seen = doctor.client.get(&path(&visit)).await.ok().json();
    assert_eq!(seen["data"][0]["file"]["name"], "note.txt");
    doctor.client.get(&format!("/files/{file}")).await.ok();
    let stranger = kit.patient("tom").await;
    stranger.client.get(&format!("/files/{file}")).await.refused(404, "file_not_found");
    // Neither another's file nor one of another visit.
    doctor.client.post(&path(&visit), json!({ "file_id": file })).await.refused(400, "invalid_field");
    if other.id != visit.id {
        maria.client.post(&path(&other), json!({ "file_id": file })).await.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn rows_hold_no_word_of_it() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let maria = kit.patient("maria").await;
    let visit = maria.walk_in("main").await;
    say(&maria, &visit, "unmistakable words").await;
    // Sealed bytes never compare equal to the text.
    let touched = sql(
        kit.database().url(),
        "UPDATE messages SET created_at = created_at WHERE CAST(text AS TEXT) LIKE '%unmistakable%'",
    )
    .await;
    assert_eq!(touched, 0);
    assert_eq!(heard(&maria, &visit).await, ["unmistakable words"]);
}
