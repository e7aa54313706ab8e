//! Answers to forms: begun once, saved at each step, continued elsewhere, never
//! over another device's, complete only when nothing is missing, and read at the
//! visit with labels and scores.

use bedside_tests::kit::{Client, Kit, Person, sql};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::{
    files_content::png,
    forms::{habits, id, published},
};

struct Desk {
    kit: Kit,
    patient: Person,
    doctor: Person,
    form: String,
    intake: String,
}

async fn desk() -> Desk {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &["main"]).await);
    let form = published(&kit.admin(), habits("intake")).await;
    let intake = patient.intake("main").await;
    Desk { kit, patient, doctor, form, intake }
}

impl Desk {
    async fn begin(&self, client: &Client) -> Value {
        client
            .post(&format!("/forms/{}/answers", self.form), json!({ "intake_id": self.intake }))
            .await
            .data()
    }

    async fn visit(&self) -> String {
        let body = json!({ "intake_id": self.intake, "room_code": "main" });
        id(&self.patient.client.post("/visits/add_walkin", body).await.data()).to_owned()
    }
}

fn path(answers: &Value) -> String {
    format!("/form_answers/{}", id(answers))
}

async fn picture(client: &Client, category: &str) -> String {
    let file = Part::bytes(png(8, 8)).file_name("arm.png").mime_str("image/png").unwrap();
    let form = Form::new().text("meta.category", category.to_owned()).part("file", file);
    id(&Client::send(client.request(Method::POST, "/files").multipart(form)).await.data()).to_owned()
}

#[tokio::test]
async fn another_device_goes_on_where_the_first_one_was() {
    let desk = desk().await;
    let client = &desk.patient.client;
    let begun = desk.begin(client).await;
    assert_eq!(
        (&begun["status"], &begun["version"], &begun["answers"]),
        (&json!("in_progress"), &json!(1), &json!({}))
    );
    assert_eq!(begun["shown"], json!(["smoker", "interest", "symptoms", "note", "photo"]));
    assert_eq!(begun["missing"], json!(["smoker", "interest"]));
    let saved = json!({ "version": 1, "section": "habits", "answers": { "smoker": "1" } });
    let first = client.post(&path(&begun), saved.clone()).await.data();
    assert_eq!((&first["version"], &first["missing"]), (&json!(2), &json!(["packs", "interest"])));
    assert_eq!(
        client.post(&path(&begun), saved).await.data(),
        first,
        "sent again by a device that did not hear"
    );
    // The phone, after a reload: the same place, the same answers.
    let phone = desk.kit.patient("maria").await;
    let there = desk.begin(&phone.client).await;
    assert_eq!(there, first);
    let later = json!({ "version": 2, "section": "mood", "answers": { "packs": 7 } });
    let second = phone.client.post(&path(&begun), later).await.data();
    assert_eq!((&second["section"], &second["version"]), (&json!("mood"), &json!(3)));
    // The first device has not seen that, and overwrites nothing.
    let stale = json!({ "version": 2, "answers": { "packs": 2 } });
    let refused = client.post(&path(&begun), stale).await.refused(400, "form_answers_changed");
    assert_eq!(
        (&refused["current"]["answers"]["packs"], &refused["yours"]["answers"]["packs"]),
        (&json!(7), &json!(2))
    );
    assert_eq!(refused["current"]["version"], 3);
    client.post(&path(&begun), json!({ "answers": {} })).await.refused(400, "invalid_field");
    assert_eq!(client.get(&path(&begun)).await.data(), second);
    // Both at once begin one.
    let other = desk.patient.intake("main").await;
    let (begin, body) = (format!("/forms/{}/answers", desk.form), json!({ "intake_id": other }));
    let at_once = (0..4).map(|_| client.post(&begin, body.clone()));
    let ids: std::collections::BTreeSet<String> = futures_util::future::join_all(at_once)
        .await
        .into_iter()
        .map(|one| id(&one.data()).to_owned())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn hidden_answers_are_dropped_and_missing_ones_are_named() {
    let desk = desk().await;
    let client = &desk.patient.client;
    let begun = desk.begin(client).await;
    let path = path(&begun);
    let save = async |version: i64, answers: Value| {
        client.post(&path, json!({ "version": version, "answers": answers })).await
    };
    for (bad, field) in [
        (json!({ "packs": 61 }), "answers.packs"),
        (json!({ "interest": "always" }), "answers.interest"),
        (json!({ "symptoms": ["cough", "song"] }), "answers.symptoms"),
        (json!({ "since": "yesterday" }), "answers.since"),
        (json!({ "note": "x".repeat(41) }), "answers.note"),
        (json!({ "photo": "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44" }), "answers.photo"),
        (json!({ "other": 1 }), "answers.other"),
    ] {
        let refused = save(1, bad).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    let saved =
        save(1, json!({ "smoker": true, "packs": 7, "symptoms": ["fever", "cough"], "since": "2027-01-02" }))
            .await
            .data();
    assert_eq!(saved["answers"]["symptoms"], json!(["cough", "fever"]));
    assert_eq!(
        saved["scores"][0],
        json!({ "code": "risk", "name": "Risk", "value": 8, "complete": false, "band": null, "band_name": null })
    );
    let hidden = save(2, json!({ "smoker": false, "symptoms": null })).await.data();
    assert_eq!(hidden["answers"], json!({ "smoker": false }), "what depends on it is gone");
    let complete = format!("{path}/complete");
    let refused = client.post(&complete, json!({ "version": 3 })).await.refused(400, "form_incomplete");
    assert_eq!(refused["fields"], json!({ "answers.interest": "is required" }));
    let done =
        client.post(&complete, json!({ "version": 3, "answers": { "interest": "daily" } })).await.data();
    assert_eq!((&done["status"], &done["missing"]), (&json!("completed"), &json!([])));
    assert_eq!(done["scores"][0]["band"], "low");
    assert_eq!(
        client.post(&complete, json!({ "version": 3, "answers": { "interest": "daily" } })).await.data(),
        done
    );
    save(4, json!({ "interest": "never" })).await.refused(400, "form_answers_complete");
    assert_eq!(desk.begin(client).await, done);
}

#[tokio::test]
async fn answers_keep_their_version_and_travel_to_the_visit() {
    let desk = desk().await;
    let (client, admin) = (&desk.patient.client, desk.kit.admin());
    let begun = desk.begin(client).await;
    let photo = picture(client, "intake_attachment").await;
    let answers =
        json!({ "smoker": true, "packs": 2, "interest": "never", "symptoms": ["fever"], "photo": photo });
    client.post(&path(&begun), json!({ "version": 1, "answers": answers })).await.ok();
    // Others see nothing of it before there is a visit.
    desk.doctor.client.get(&path(&begun)).await.refused(404, "form_answers_not_found");
    desk.doctor.client.get(&format!("/files/{photo}")).await.refused(404, "file_not_found");
    let mut next = habits("intake");
    next["schema"]["properties"]["smoker"] = json!({ "type": "string", "enum": ["yes", "no"] });
    let change = json!({ "schema": next["schema"], "ui": { "sections": [{ "code": "all", "fields": [
        { "key": "smoker" }, { "key": "packs" }, { "key": "interest" }, { "key": "symptoms" }, { "key": "since" },
        { "key": "note" }, { "key": "photo" }] }] } });
    admin.post(&format!("/forms/{}", desk.form), change).await.ok();
    admin.post(&format!("/forms/{}/publish", desk.form), json!({})).await.ok();
    let done = client.post(&format!("{}/complete", path(&begun)), json!({ "version": 2 })).await.data();
    assert_eq!((&done["form_version"], &done["answers"]["smoker"]), (&json!(1), &json!(true)));
    let visit = desk.visit().await;
    let listed =
        desk.doctor.client.get(&format!("/visits/{visit}/form_answers?language=es-MX")).await.ok().json();
    assert_eq!(listed["total"], 1);
    let shown = &listed["data"][0];
    assert_eq!((&shown["title"], &shown["status"]), (&json!("Before your visit"), &json!("completed")));
    let section = &shown["sections"][0];
    assert_eq!(section["title"], "Hábitos");
    assert_eq!(
        section["answers"][0],
        json!({ "key": "smoker", "label": "¿Fuma?", "kind": "boolean", "value": true, "text": null })
    );
    let of = |key: &str| {
        let all = shown["sections"][1]["answers"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap().clone()
    };
    assert_eq!((&of("interest")["text"], &of("interest")["value"]), (&json!("Nunca"), &json!("never")));
    assert_eq!((&of("note")["label"], &of("note")["value"]), (&json!("note"), &Value::Null));
    assert_eq!((&shown["scores"][0]["value"], &shown["scores"][0]["band_name"]), (&json!(3), &json!("High")));
    // Whoever sees the visit opens its files; a stranger sees neither.
    desk.doctor.client.get(&format!("/files/{photo}")).await.ok();
    let stranger = desk.kit.patient("tom").await;
    stranger.client.get(&format!("/visits/{visit}/form_answers")).await.refused(404, "visit_not_found");
    stranger.client.get(&path(&begun)).await.refused(404, "form_answers_not_found");
    // Who leaves the room and joins again keeps them.
    client.post(&format!("/visits/{visit}/cancel"), json!({})).await.ok();
    let again = client.post(&format!("/visits/{visit}/rejoin"), json!({})).await.data();
    let copied = desk.doctor.client.get(&format!("/visits/{}/form_answers", id(&again))).await.ok().json();
    assert_eq!((&copied["total"], &copied["data"][0]["scores"]), (&json!(1), &shown["scores"]));
    // Copied, not shared: the first one's stay as they were.
    assert_ne!(copied["data"][0]["id"], shown["id"]);
}

#[tokio::test]
async fn each_step_is_answered_for_what_it_is_about() {
    let desk = desk().await;
    let (admin, client) = (desk.kit.admin(), &desk.patient.client);
    let (sign_up, after) =
        (published(&admin, habits("sign_up")).await, published(&admin, habits("post_call")).await);
    let visit = desk.visit().await;
    let begin =
        async |who: &Client, form: &str, body: Value| who.post(&format!("/forms/{form}/answers"), body).await;
    for (form, body, field) in [
        (&desk.form, json!({}), "intake_id"),
        (&desk.form, json!({ "intake_id": desk.intake, "visit_id": visit }), "visit_id"),
        (&after, json!({}), "visit_id"),
        (&sign_up, json!({ "visit_id": visit }), "visit_id"),
    ] {
        let refused = begin(client, form, body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    let own = begin(client, &sign_up, json!({})).await.data();
    assert_eq!((&own["member_id"], &own["visit_id"]), (&json!(desk.patient.id), &Value::Null));
    assert_eq!(begin(&admin, &sign_up, json!({ "member_id": "maria" })).await.data()["id"], own["id"]);
    let at_visit = begin(client, &after, json!({ "visit_id": visit })).await.data();
    assert_eq!((&at_visit["visit_id"], &at_visit["intake_id"]), (&json!(visit), &Value::Null));
    let tom = desk.kit.patient("tom").await;
    begin(&tom.client, &after, json!({ "visit_id": visit })).await.refused(404, "visit_not_found");
    begin(&tom.client, &desk.form, json!({ "intake_id": desk.intake }))
        .await
        .refused(404, "intake_not_found");
    begin(&tom.client, &sign_up, json!({ "member_id": "maria" })).await.refused(404, "user_not_found");
    // Another patient's file is none.
    let foreign = picture(&tom.client, "user_document").await;
    let body = json!({ "version": 1, "answers": { "photo": foreign } });
    client.post(&path(&at_visit), body).await.refused(400, "invalid_field");
    // A form that was taken back is not begun anew; what was begun goes on.
    Client::send(admin.request(Method::DELETE, &format!("/forms/{after}"))).await.ok();
    let second = desk.patient.walk_in("main").await;
    begin(client, &after, json!({ "visit_id": second.id })).await.refused(400, "form_retired");
    client.post(&path(&at_visit), json!({ "version": 1, "answers": { "smoker": 0 } })).await.ok();
}

#[tokio::test]
async fn what_was_answered_lies_sealed() {
    let desk = desk().await;
    let begun = desk.begin(&desk.patient.client).await;
    let body = json!({ "version": 1, "answers": { "note": "Zwetschgenkuchen" } });
    desk.patient.client.post(&path(&begun), body).await.ok();
    let url = desk.kit.database().url();
    let found = "UPDATE form_answers SET version = version WHERE CAST(content AS TEXT) LIKE '%Zwetschgen%'";
    assert_eq!(sql(url, found).await, 0);
    assert_eq!(sql(url, "UPDATE form_answers SET version = version WHERE version = 2").await, 1);
}

#[tokio::test]
async fn whoever_holds_the_link_answers_for_their_own_visit() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let admin = kit.admin();
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": true } } })).await.ok();
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let form = published(&admin, habits("post_intake")).await;
    let doctor = kit.provider("d-1", &["main"]).await;
    let begin = clock.now().seconds() + 7_200;
    let hours = json!({ "room_code": "main", "start": begin, "end": begin + 7_200 });
    doctor.client.post("/slots", hours).await.ok();
    let patient = kit.patient("maria").await;
    let book = async |start: i64| {
        let intake = patient.intake("main").await;
        patient.client.post("/visits", json!({ "intake_id": intake, "start": start })).await.data()
    };
    let (own, other) = (book(begin).await, book(begin + 3_600).await);
    let holder = kit.anonymous().header("X-AccountCode", "northside");
    let holder = holder.header("X-LinkToken", own["one_time_link_token"].as_str().unwrap());
    holder.get(&format!("/forms/{form}")).await.ok();
    let start = format!("/forms/{form}/answers");
    let begun = holder.post(&start, json!({ "visit_id": own["id"] })).await.data();
    let saved = json!({ "version": 1, "answers": { "smoker": false } });
    let saved = holder.post(&path(&begun), saved).await.data();
    assert_eq!(patient.client.get(&path(&begun)).await.data(), saved, "the same person");
    holder.post(&start, json!({ "visit_id": other["id"] })).await.refused(404, "visit_not_found");
    let foreign = patient.client.post(&start, json!({ "visit_id": other["id"] })).await.data();
    holder.get(&path(&foreign)).await.refused(404, "form_answers_not_found");
}
