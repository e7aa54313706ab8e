//! Visit notes: saved as they are typed, never over somebody else's text, signed
//! once, sent as a document that another program reads.

use bedside_tests::kit::{Client, Kit, Person, Reader, Stream, Visit};
use serde_json::{Value, json};

struct Desk {
    kit: Kit,
    patient: Person,
    doctor: Person,
    colleague: Person,
    visit: Visit,
}

/// A visit that a provider has taken, with a colleague in the same room.
async fn desk() -> Desk {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria").await;
    let (doctor, colleague) = (kit.provider("d-1", &[&room]).await, kit.provider("d-2", &[&room]).await);
    let visit = patient.walk_in(&room).await;
    doctor.act(&visit, "accept").await.ok();
    Desk { kit, patient, doctor, colleague, visit }
}

impl Desk {
    async fn begin(&self, body: Value) -> Value {
        self.doctor.client.post(&format!("/visits/{}/notes", self.visit.id), body).await.data()
    }
}

fn path(note: &Value) -> String {
    format!("/notes/{}", note["id"].as_str().unwrap())
}

async fn save(client: &Client, note: &Value, body: Value) -> Value {
    client.post(&path(note), body).await.data()
}

#[tokio::test]
async fn a_note_is_begun_saved_and_read() {
    let desk = desk().await;
    let empty = desk.begin(json!({})).await;
    assert_eq!((&empty["status"], &empty["version"]), (&json!("new"), &json!(1)));
    assert_eq!((&empty["template"], &empty["author_id"]), (&json!("soap"), &json!(desk.doctor.id)));
    let saved = save(
        &desk.doctor.client,
        &empty,
        json!({ "version": 1, "template": "post_visit", "subjective": "Itching ",
            "diagnosis": ["L23.9 Dermatitis, allergic", " "] }),
    )
    .await;
    assert_eq!((&saved["status"], &saved["version"]), (&json!("draft"), &json!(2)));
    assert_eq!(saved["subjective"], "Itching ", "an editor saves while somebody types");
    assert_eq!(saved["diagnosis"], json!(["L23.9 Dermatitis, allergic"]));
    // A field that is not said stays; an emptied note is new again.
    let more = save(&desk.doctor.client, &empty, json!({ "version": 2, "plan": "Cream" })).await;
    assert_eq!((&more["subjective"], &more["plan"]), (&json!("Itching "), &json!("Cream")));
    let cleared = json!({ "version": 3, "plan": "", "subjective": "", "diagnosis": [] });
    assert_eq!(save(&desk.doctor.client, &empty, cleared).await["status"], "new");
    let listed = desk.colleague.client.get(&format!("/visits/{}/notes", desk.visit.id)).await.data();
    assert_eq!((&listed[0]["id"], listed.as_array().unwrap().len()), (&empty["id"], 1));
    for (body, field) in [
        (json!({ "plan": "x" }), "version"),
        (json!({ "version": 4, "template": "song" }), "template"),
        (json!({ "version": 4, "plan": "a\u{0}b" }), "plan"),
        (json!({ "version": 4, "diagnosis": vec!["x"; 51] }), "diagnosis"),
    ] {
        let refused = desk.doctor.client.post(&path(&empty), body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
}

#[tokio::test]
async fn two_editors_never_overwrite_each_other() {
    let desk = desk().await;
    let note = desk.begin(json!({ "plan": "Cream" })).await;
    save(&desk.colleague.client, &note, json!({ "version": 1, "plan": "Cream, twice a day" })).await;
    let mine = json!({ "version": 1, "plan": "Tablets", "assessment": "Allergy" });
    let refused = desk.doctor.client.post(&path(&note), mine).await.refused(400, "note_changed");
    assert_eq!(
        (&refused["current"]["plan"], &refused["current"]["version"]),
        (&json!("Cream, twice a day"), &json!(2))
    );
    assert_eq!(
        (&refused["yours"]["plan"], &refused["yours"]["assessment"]),
        (&json!("Tablets"), &json!("Allergy"))
    );
    // The answer was lost, and the same is sent again.
    let again =
        save(&desk.colleague.client, &note, json!({ "version": 1, "plan": "Cream, twice a day" })).await;
    assert_eq!(again["version"], 2);
    // Many at once: each version is written once, and none is lost.
    let all = (0..8).map(|n| {
        let (client, note) = (desk.doctor.client.clone(), path(&note));
        async move { client.post(&note, json!({ "version": 2, "plan": format!("Plan {n}") })).await.status }
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| status.as_u16() == 200).count(), 1, "{statuses:?}");
    assert_eq!(desk.doctor.client.get(&path(&note)).await.data()["version"], 3);
}

#[tokio::test]
async fn a_signed_note_stays_and_takes_addenda() {
    let desk = desk().await;
    let note = desk.begin(json!({})).await;
    let sign = format!("{}/sign", path(&note));
    desk.doctor.client.post(&sign, json!({})).await.refused(400, "note_empty");
    desk.doctor
        .client
        .post(&format!("{}/addendum", path(&note)), json!({ "text": "x" }))
        .await
        .refused(400, "note_not_signed");
    save(&desk.doctor.client, &note, json!({ "version": 1, "plan": "Cream" })).await;
    desk.doctor.client.post(&sign, json!({ "version": 1 })).await.refused(400, "note_changed");
    let mut stream = Stream::open(&desk.kit.admin()).await;
    let signed = desk.doctor.client.post(&sign, json!({ "version": 2 })).await.data();
    assert_eq!((&signed["status"], &signed["signed_by"]), (&json!("signed"), &json!(desk.doctor.id)));
    assert_eq!(signed["hash"].as_str().unwrap().len(), 64);
    assert_eq!(signed["file_id"], Value::Null);
    let told = stream.next_of("visit.note.updated").await.data;
    assert_eq!(told["data"]["note"], json!({ "id": signed["id"], "status": "signed" }));
    assert!(!told.to_string().contains("Cream"));
    let changed = json!({ "version": signed["version"], "plan": "Tablets" });
    desk.doctor.client.post(&path(&note), changed).await.refused(400, "note_signed");
    // A second click, by a colleague even, signs nothing anew.
    let again = desk.colleague.client.post(&sign, json!({})).await.data();
    assert_eq!((&again["hash"], &again["signed_by"]), (&signed["hash"], &json!(desk.doctor.id)));
    let added = desk
        .colleague
        .client
        .post(&format!("{}/addendum", path(&note)), json!({ "text": " No growth. " }))
        .await
        .data();
    assert_eq!((&added["addenda"][0]["text"], &added["hash"]), (&json!("No growth."), &signed["hash"]));
    assert_eq!(added["addenda"][0]["author_id"], desk.colleague.id);
    assert_eq!(added["plan"], "Cream");
}

#[tokio::test]
async fn what_is_signed_and_sent_reaches_the_patient_once() {
    let desk = desk().await;
    let note = desk.begin(json!({ "patient_instructions": "Keep the arm dry.\nКрем дважды в день." })).await;
    let mut stream = Stream::open(&desk.patient.client).await;
    let sign = format!("{}/sign", path(&note));
    let signed = desk.doctor.client.post(&sign, json!({ "send": true, "version": 1 })).await.data();
    let file = signed["file_id"].as_str().unwrap();
    let told = stream.next_of("visit.note.signed_and_sent").await.data;
    assert_eq!(
        (&told["visit_id"], &told["data"]["note"]["status"]),
        (&json!(desk.visit.id), &json!("signed"))
    );
    let again = desk.doctor.client.post(&sign, json!({ "send": true })).await.data();
    assert_eq!(again["file_id"], file);
    // The patient has it at the visit, and among shared documents.
    for query in [
        format!("/files?target_type=visit&target_id={}", desk.visit.id),
        "/files?category_type=user_consent&include_shared=1".to_owned(),
    ] {
        let listed = desk.patient.client.get(&query).await.ok().json();
        assert_eq!((&listed["total_count"], &listed["data"][0]["id"]), (&json!(1), &json!(file)), "{query}");
        assert_eq!(listed["data"][0]["is_deletable"], false);
    }
    let link = desk.patient.client.get(&format!("/files/{file}")).await.data()["fullpath"].clone();
    let got = reqwest::get(link.as_str().unwrap()).await.unwrap();
    assert_eq!(got.headers()["content-type"], "application/pdf");
    let bytes = got.bytes().await.unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    // Signed alone first, and sent later.
    let other = desk.begin(json!({ "plan": "Rest" })).await;
    let sign = format!("{}/sign", path(&other));
    assert_eq!(desk.doctor.client.post(&sign, json!({})).await.data()["file_id"], Value::Null);
    assert!(desk.doctor.client.post(&sign, json!({ "send": 1 })).await.data()["file_id"].is_string());
    desk.patient.client.get(&path(&note)).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn another_program_reads_the_document() {
    let Some(reader) = Reader::find() else { return };
    let desk = desk().await;
    let note = desk
        .begin(json!({ "subjective": "Itching for three days, worse at night.", "diagnosis": ["L23.9 Dermatitis"],
            "patient_instructions": "Keep the arm dry.\nКрем дважды в день, Ελλάδα, Łódź." }))
        .await;
    let draft = reader.read(&desk.doctor.client, &format!("{}/pdf", path(&note))).await;
    assert!(draft["text"].as_str().unwrap().contains("A draft: not signed."), "{draft}");
    desk.doctor.client.post(&format!("{}/sign", path(&note)), json!({})).await.ok();
    desk.doctor.client.post(&format!("{}/addendum", path(&note)), json!({ "text": "Later." })).await.ok();
    let read = reader.read(&desk.doctor.client, &format!("{}.pdf", path(&note))).await;
    let text = read["text"].as_str().unwrap();
    for said in [
        "Maria maria",
        "Itching for three days, worse at night.",
        "L23.9 Dermatitis",
        "Keep the arm dry.",
        "Крем дважды в день, Ελλάδα, Łódź.",
        "Later.",
        "Signed by",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(read["title"].as_str().unwrap().starts_with("Visit note, "), "{read}");
    assert_eq!((&read["language"], &read["tagged"]), (&json!("en"), &json!(true)));
    let headings: Vec<_> = read["headings"].as_array().unwrap().iter().take(4).collect();
    assert_eq!(headings, ["Visit note", "Subjective", "Diagnosis", "Instructions"]);
}
