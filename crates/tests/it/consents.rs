//! Consent: a clinic publishes, people agree once to each version, and a room
//! that asks for it lets nobody in without.

use base64::{Engine, engine::general_purpose::STANDARD};
use bedside_app::Clock;
use bedside_tests::kit::{Client, Kit, Person, Reader, Stream, sql};
use serde_json::{Value, json};

use crate::files_content::png;

async fn publish(admin: &Client, body: Value) -> Value {
    admin.post("/consent_documents", body).await.data()
}

fn english(text: &str) -> Value {
    json!({ "language": "en", "title": "Consent to video", "text": text })
}

async fn agree(person: &Person, whom: &str, document: &Value) -> Value {
    let body =
        json!({ "document_id": document["id"], "version": document["version"], "signature": "Maria Santos" });
    person.client.post(&format!("/users/{whom}/consents"), body).await.data()
}

/// A clinic whose room asks for its consent.
struct Gated {
    kit: Kit,
    clock: Clock,
    document: Value,
    patient: Person,
    doctor: Person,
}

async fn gated() -> Gated {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let admin = kit.admin();
    let document = publish(&admin, english("You are seen by video.")).await;
    let shown = admin.post("/rooms/main", json!({ "consent_required": ["consent"] })).await.data();
    assert_eq!(shown["consent_required"], json!(["consent"]));
    let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    Gated { kit, clock, document, patient, doctor }
}

#[tokio::test]
async fn a_document_has_versions_and_languages_and_is_read_by_everybody() {
    let kit = Kit::start().await;
    let (admin, nobody) = (kit.admin(), kit.anonymous().header("X-AccountCode", "northside"));
    for path in ["/accounts/northside/consent", "/accounts/-/tos"] {
        assert_eq!(nobody.get(path).await.ok().json(), json!({ "data": null }), "nothing is set up");
    }
    let mut body = json!({ "title": " Consent ", "text": "One\r\n<b>two</b> **three**" });
    let first = publish(&admin, body.clone()).await;
    assert_eq!(
        (&first["kind"], &first["version"], &first["language"], &first["title"]),
        (&json!("consent"), &json!(1), &json!("en"), &json!("Consent"))
    );
    assert_eq!(first["text"], "One\n<b>two</b> **three**", "a text, and nothing else");
    assert_eq!(first["hash"].as_str().unwrap().len(), 64);
    // The same again is no new version; a further language neither.
    assert_eq!(publish(&admin, body.clone()).await["version"], 1);
    body["translations"] = json!([{ "language": "es", "title": "Consentimiento", "text": "Uno" }]);
    let both = publish(&admin, body.clone()).await;
    assert_eq!((&both["version"], &both["languages"]), (&json!(1), &json!(["en", "es"])));
    assert_eq!(both["translations"][1]["text"], "Uno");
    for (wanted, language) in
        [("es-MX,en", "es"), ("fr", "en"), ("", "en"), ("fr,ES", "es"), ("en-GB,es", "en")]
    {
        let path = format!("/accounts/northside/consent?language={wanted}");
        assert_eq!(nobody.get(&path).await.data()["language"], language, "{wanted}");
    }
    body["text"] = json!("Changed");
    let second = publish(&admin, body).await;
    assert_eq!((&second["id"], &second["version"]), (&first["id"], &json!(2)));
    let at = format!("/consent_documents/{}", first["id"].as_str().unwrap());
    assert_eq!(nobody.get(&at).await.data()["text"], "Changed");
    let old = nobody.get(&format!("{at}?version=1&language=es")).await.data();
    assert_eq!((&old["text"], &old["version"]), (&json!("Uno"), &json!(1)));
    nobody.get(&format!("{at}?version=3")).await.refused(404, "consent_document_not_found");
    // Terms are another kind, and so is whatever the clinic calls its own.
    publish(
        &admin,
        json!({ "kind": "tos", "title": "Terms", "text": "Be kind.", "url": "https://a.example/t" }),
    )
    .await;
    publish(&admin, json!({ "kind": "dental", "title": "Dental", "text": "Teeth." })).await;
    assert_eq!(nobody.get("/accounts/-/tos").await.data()["url"], "https://a.example/t");
    let listed = admin.get("/consent_documents").await.ok().json();
    let kinds: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(
        (kinds, &listed["total_count"]),
        (vec![json!("consent"), json!("dental"), json!("tos")], &json!(3))
    );
    // Another clinic has none of it.
    let south = kit.another_clinic("southside").await;
    let south = kit.admin_of(&south);
    assert_eq!(south.get("/accounts/-/consent").await.ok().json(), json!({ "data": null }));
    south.get(&at).await.refused(404, "consent_document_not_found");
    assert_eq!(south.get("/accounts/northside/consent").await.data()["version"], 2);
    nobody.get("/accounts/nowhere/consent").await.refused(404, "account_unknown");
}

#[tokio::test]
async fn what_is_no_document_is_refused_by_field() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    for (body, field) in [
        (json!({ "text": "x" }), "title"),
        (json!({ "title": "x" }), "text"),
        (json!({ "title": "x", "text": "a\u{0}b" }), "text"),
        (json!({ "kind": "No way", "title": "x", "text": "x" }), "kind"),
        (json!({ "language": "english", "title": "x", "text": "x" }), "language"),
        (json!({ "title": "x", "text": "x", "url": "javascript:alert(1)" }), "url"),
        (
            json!({ "title": "x", "text": "x", "translations": [{ "language": "EN", "title": "x", "text": "y" }] }),
            "translations",
        ),
    ] {
        let refused = admin.post("/consent_documents", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    kit.room("main").await;
    let refused = admin.post("/rooms/main", json!({ "consent_required": ["A b"] })).await;
    assert!(refused.refused(400, "invalid_field")["fields"]["consent_required"].is_string());
}

#[tokio::test]
async fn somebody_agrees_once_and_it_stays() {
    let Gated { kit, clock, document, patient, .. } = gated().await;
    let admin = kit.admin();
    let mut stream = Stream::open(&patient.client).await;
    let given = agree(&patient, "-", &document).await;
    assert_eq!(
        (&given["user_id"], &given["given_by"], &given["version"], &given["current"]),
        (&json!(patient.id), &json!(patient.id), &json!(1), &json!(true))
    );
    assert_eq!(
        (&given["typed_name"], &given["given_by_name"], &given["address"]),
        (&json!("Maria Santos"), &json!("Maria maria"), &json!("127.0.0.1"))
    );
    let told = stream.next_of("user.consent.given").await.data;
    let named = json!({ "document_id": document["id"], "kind": "consent", "version": 1 });
    assert_eq!((&told["user_id"], &told["data"]["consent"]), (&json!(patient.id), &named));
    assert!(!told.to_string().contains("Santos"));
    // A second click, with another name even: the first stays.
    let again = json!({ "document_id": document["id"], "version": 1, "typed_name": "Somebody Else" });
    let again = patient.client.post("/users/-/consents", again).await.data();
    assert_eq!(again, given);
    let path = format!("/users/{}/consents", patient.id);
    let listed = admin.get(&path).await.ok().json();
    assert_eq!((&listed["total_count"], &listed["data"][0]), (&json!(1), &given));
    let trail = admin.get("/audit?object_kind=consent").await.ok().text;
    assert!(trail.contains("consents.add"), "{trail}");
    // A newer version: the old one is told apart, and is no more to be had.
    clock.advance_seconds(1);
    let newer = publish(&admin, english("You are seen by video, and recorded.")).await;
    assert_eq!(patient.client.get("/users/-/consents").await.data()[0]["current"], false);
    let tom = kit.patient("tom").await;
    let old = json!({ "document_id": document["id"], "version": 1, "signature": "Tom" });
    let refused = tom.client.post("/users/-/consents", old.clone()).await.refused(400, "consent_outdated");
    assert_eq!((&refused["version"], &refused["document_id"]), (&json!(2), &document["id"]));
    agree(&patient, "-", &newer).await;
    assert_eq!(patient.client.get("/users/-/consents").await.ok().json()["total_count"], 2);
    // The old click, come late, is what it was.
    assert_eq!(patient.client.post("/users/-/consents", old).await.data()["id"], given["id"]);
    for (body, field) in [
        (json!({ "document_id": document["id"], "version": 2 }), "signature"),
        (json!({ "document_id": "nonsense", "version": 2, "signature": "Tom" }), "document_id"),
        (json!({ "document_id": document["id"], "signature": "Tom" }), "version"),
    ] {
        let refused = tom.client.post("/users/-/consents", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused}");
    }
    // Nobody agrees in somebody else's place, and the copy stays too.
    let body = json!({ "document_id": document["id"], "version": 2, "signature": "Admin" });
    admin.post(&format!("/users/{}/consents", tom.id), body.clone()).await.refused(403, "not_allowed");
    tom.client.post(&path, body).await.refused(404, "user_not_found");
    let file = given["file_id"].as_str().unwrap();
    patient
        .client
        .post(&format!("/files/{file}"), json!({ "name": "x" }))
        .await
        .refused(403, "consent_stays");
    // The database itself keeps it as it is.
    for table in ["consents", "consent_texts"] {
        let (url, change) = (kit.database().url().to_owned(), format!("UPDATE {table} SET version = 9"));
        assert!(tokio::spawn(async move { sql(&url, &change).await }).await.is_err(), "{table} was changed");
    }
    assert_eq!(patient.client.get("/users/-/consents").await.data()[1], {
        let mut first = given;
        first["current"] = json!(false);
        first
    });
}

#[tokio::test]
async fn many_clicks_at_once_are_one_consent() {
    let Gated { kit, document, patient, .. } = gated().await;
    let all = (0..8).map(|_| agree(&patient, "-", &document));
    let given = futures_util::future::join_all(all).await;
    assert!(given.iter().all(|one| one["id"] == given[0]["id"]), "{given:?}");
    let filed = patient.client.get("/files?category_type=user_consent").await.ok().json();
    assert_eq!(filed["total_count"], 1, "one copy: {filed}");
    let admin = kit.admin();
    let texts = (0..6).map(|n| publish(&admin, english(&format!("Text {n}"))));
    let mut versions: Vec<_> = futures_util::future::join_all(texts)
        .await
        .iter()
        .map(|one| one["version"].as_i64().unwrap())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7], "no number twice");
}

#[tokio::test]
async fn a_guardian_agrees_for_a_child_and_a_signature_may_be_drawn() {
    let Gated { kit, document, patient, doctor, .. } = gated().await;
    let child =
        json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child" });
    let child = patient.client.post("/users/-/dependants", child).await.data();
    let child = child["id"].as_str().unwrap();
    let drawn = STANDARD.encode(png(300, 100));
    let body = json!({ "document_id": document["id"], "version": 1,
        "signature": format!("data:image/png;base64,{drawn}") });
    let given = patient.client.post(&format!("/users/{child}/consents"), body).await.data();
    assert_eq!(
        (&given["user_id"], &given["given_by"], &given["typed_name"]),
        (&json!(child), &json!(patient.id), &json!(""))
    );
    // Both files are the child's; the drawing is a picture again.
    let filed = patient.client.get(&format!("/files?target_type=user&target_id={child}")).await.ok().json();
    assert_eq!(filed["total_count"], 2, "{filed}");
    let signature = given["signature_file_id"].as_str().unwrap();
    let link = patient.client.get(&format!("/files/{signature}")).await.data()["fullpath"].clone();
    let got = reqwest::get(link.as_str().unwrap()).await.unwrap();
    assert_eq!(got.headers()["content-type"], "image/png");
    assert!(patient.client.get("/users/-/consents").await.data().as_array().unwrap().is_empty());
    // It is the child who may be seen now, not the mother.
    let intake =
        |member: &str| json!({ "member_id": member, "room_code": "main", "reason_for_visit": "Fever" });
    let of_child = patient.client.post("/intakes", intake(child)).await.data();
    patient.client.post("/visits/add_walkin", json!({ "intake_id": of_child["id"] })).await.ok();
    let own = patient.client.post("/intakes", intake(&patient.id)).await.data();
    let refused = patient.client.post("/visits/add_walkin", json!({ "intake_id": own["id"] })).await;
    assert_eq!(refused.refused(400, "consent_missing")["user_id"], patient.id);
    // Those who treat the child see it.
    let seen = doctor.client.get(&format!("/users/{child}/consents")).await.data();
    assert_eq!(seen[0]["id"], given["id"]);
    doctor.client.get(&format!("/users/{}/consents", patient.id)).await.refused(404, "user_not_found");
    // The longest text that is said to be taken is taken, in any alphabet.
    let long = "я".repeat(50_000);
    let document = publish(&kit.admin(), english(&long)).await;
    assert_eq!(document["text"], long);
    let bare = json!({ "document_id": document["id"], "version": 2 });
    for bad in ["aGVsbG8=", "not base64!", &STANDARD.encode(vec![0; 70_001])] {
        let mut body = bare.clone();
        body["signature_image"] = json!(bad);
        let refused = patient.client.post("/users/-/consents", body).await.refused(400, "invalid_field");
        assert!(refused["fields"]["signature_image"].is_string(), "{refused}");
    }
}

#[tokio::test]
async fn a_room_that_asks_for_consent_lets_nobody_in_without() {
    let Gated { kit, clock, document, patient, doctor } = gated().await;
    let admin = kit.admin();
    let intake = patient.intake("main").await;
    let body = json!({ "intake_id": intake, "room_code": "main" });
    for path in ["/visits/add_walkin", "/visits/add_econsult"] {
        let refused = patient.client.post(path, body.clone()).await.refused(400, "consent_missing");
        assert_eq!(
            (&refused["document_id"], &refused["version"], &refused["kind"], &refused["user_id"]),
            (&document["id"], &json!(1), &json!("consent"), &json!(patient.id)),
            "{path}"
        );
    }
    let mut booking = body.clone();
    booking["start"] = json!(4_000_000_000_i64);
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": 1 } } })).await.ok();
    patient.client.post("/visits", booking).await.refused(400, "consent_missing");
    // Nothing of it was used up: with the consent the same call goes through.
    agree(&patient, "-", &document).await;
    let visit = patient.client.post("/visits/add_walkin", body).await.data();
    let id = visit["id"].as_str().unwrap();
    // A new version does not break what is under way.
    clock.advance_seconds(1);
    publish(&admin, english("Another text.")).await;
    doctor.client.post(&format!("/visits/{id}/accept"), json!({})).await.ok();
    patient.client.post(&format!("/visits/{id}/start"), json!({})).await.ok();
    patient.client.post(&format!("/visits/{id}/call"), json!({})).await.ok();
    doctor.client.post(&format!("/visits/{id}/call"), json!({})).await.ok();
    doctor.client.post(&format!("/visits/{id}/complete"), json!({})).await.ok();
    let next = json!({ "intake_id": patient.intake("main").await, "room_code": "main" });
    let refused =
        patient.client.post("/visits/add_walkin", next.clone()).await.refused(400, "consent_missing");
    assert_eq!(refused["version"], 2);
    // Taken back, nobody is asked for it; published again, everybody is.
    let at = format!("/consent_documents/{}", document["id"].as_str().unwrap());
    let request = admin.request(reqwest::Method::DELETE, &at);
    assert!(Client::send(request).await.data()["retired"].is_i64());
    assert_eq!(patient.client.get("/accounts/-/consent").await.ok().json(), json!({ "data": null }));
    let body = json!({ "document_id": document["id"], "version": 2, "signature": "x" });
    patient.client.post("/users/-/consents", body).await.refused(400, "invalid_field");
    patient.client.post("/visits/add_walkin", next).await.ok();
    assert_eq!(publish(&admin, english("Another text.")).await["version"], 3);
    // Nor where the room does not ask.
    admin.post("/rooms/main", json!({ "consent_required": [] })).await.ok();
    kit.patient("tom").await.walk_in("main").await;
}

#[tokio::test]
async fn whoever_waits_before_the_room_asks_is_not_asked() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &[&room]).await);
    let visit = patient.walk_in(&room).await;
    clock.advance_seconds(1);
    let admin = kit.admin();
    admin.post("/rooms/main", json!({ "consent_required": "consent" })).await.ok();
    publish(&admin, english("Text")).await;
    doctor.act(&visit, "accept").await.ok();
    patient.act(&visit, "start").await.ok();
    patient.act(&visit, "call").await.ok();
}

#[tokio::test]
async fn staff_book_for_somebody_who_agrees_when_they_come() {
    let Gated { kit, document, patient, doctor, .. } = gated().await;
    let admin = kit.admin();
    let body = json!({ "intake_id": patient.intake("main").await, "room_code": "main" });
    let visit = admin.post("/visits/add_walkin", body).await.data();
    let id = visit["id"].as_str().unwrap().to_owned();
    let at = |verb: &str| format!("/visits/{id}/{verb}");
    patient.client.post(&at("start"), json!({})).await.refused(400, "consent_missing");
    doctor.client.post(&at("accept"), json!({})).await.ok();
    let refused = patient.client.post(&at("call"), json!({})).await.refused(400, "consent_missing");
    assert_eq!(refused["document_id"], document["id"]);
    // An appointment: its patient agrees before they wait.
    let (tom, now) = (kit.patient("tom").await, kit.app.clock.now());
    let booked = kit.appointment(&tom, "main", now, 30).await;
    tom.act(&booked, "start").await.refused(400, "consent_missing");
    tom.act(&booked, "add_walkin").await.refused(400, "consent_missing");
    agree(&tom, "-", &document).await;
    tom.act(&booked, "add_walkin").await.ok();
    agree(&patient, "-", &document).await;
    patient.client.post(&at("call"), json!({})).await.ok();
}

#[tokio::test]
async fn whoever_holds_a_link_agrees_as_the_patient_of_that_visit() {
    let Gated { kit, document, patient, doctor, .. } = gated().await;
    let admin = kit.admin();
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": 1 } } })).await.ok();
    let body = json!({ "intake_id": patient.intake("main").await, "room_code": "main", "provider_id": doctor.id,
        "start": kit.app.clock.now().seconds() + 600, "override": 1 });
    let booked = admin.post("/visits", body).await.data();
    let (id, token) = (booked["id"].as_str().unwrap(), booked["one_time_link_token"].as_str().unwrap());
    let holder = kit.anonymous().header("X-LinkToken", token);
    let arrive = format!("/visits/{id}/add_walkin");
    let refused = holder.post(&arrive, json!({})).await.refused(400, "consent_missing");
    let shown = holder.get(&format!("/consent_documents/{}", document["id"].as_str().unwrap())).await.data();
    assert_eq!(shown["version"], refused["version"]);
    let body = json!({ "document_id": shown["id"], "version": shown["version"], "signature": "Maria" });
    let tom = kit.patient("tom").await;
    holder.post(&format!("/users/{}/consents", tom.id), body.clone()).await.refused(404, "user_not_found");
    let own = format!("/users/{}/consents", refused["user_id"].as_str().unwrap());
    assert_eq!(holder.post(&own, body).await.data()["user_id"], patient.id);
    holder.post(&arrive, json!({})).await.ok();
}

#[tokio::test]
async fn who_agrees_to_the_terms_has_accepted_them() {
    let kit = Kit::start().await;
    let patient = kit.patient("maria").await;
    assert_eq!(patient.client.get("/users/-").await.data()["tos"], false);
    let terms = publish(&kit.admin(), json!({ "kind": "tos", "title": "Terms", "text": "Be kind." })).await;
    agree(&patient, "-", &terms).await;
    assert_eq!(patient.client.get("/users/-").await.data()["tos"], true);
}

#[tokio::test]
async fn a_signature_is_nowhere_readable_at_rest() {
    let Gated { kit, document, patient, .. } = gated().await;
    let mark = "Zwetschgenkuchen";
    let body = json!({ "document_id": document["id"], "version": 1, "signature": mark });
    patient.client.post("/users/-/consents", body).await.ok();
    let touched = match kit.database().is_sqlite() {
        true => format!("DELETE FROM consents WHERE instr(content, CAST('{mark}' AS BLOB)) > 0"),
        false => format!("DELETE FROM consents WHERE position('{mark}'::bytea in content) > 0"),
    };
    assert_eq!(sql(kit.database().url(), &touched).await, 0);
    assert_eq!(patient.client.get("/users/-/consents").await.data()[0]["typed_name"], mark);
}

#[tokio::test]
async fn another_program_reads_the_copy() {
    let Some(reader) = Reader::find() else { return };
    let kit = Kit::start().await;
    let patient = kit.patient("maria").await;
    let spanish = json!({ "language": "es", "title": "Consentimiento", "text": "Acepto la consulta por vídeo.\nDos líneas." });
    let document = publish(&kit.admin(), spanish).await;
    let given = agree(&patient, "-", &document).await;
    let file = patient.client.get(&format!("/files/{}", given["file_id"].as_str().unwrap())).await.data();
    assert_eq!(
        (&file["meta"]["category"], &file["is_deletable"]),
        (&json!("user_consent"), &json!(false)),
        "{file}"
    );
    let got = reqwest::get(file["fullpath"].as_str().unwrap()).await.unwrap();
    let read = reader.read_bytes(&got.bytes().await.unwrap());
    let text = read["text"].as_str().unwrap();
    for part in [
        "Acepto la consulta por vídeo.",
        "Dos líneas.",
        "Maria maria",
        "Maria Santos",
        "127.0.0.1",
        "Versión 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        (&read["title"], &read["language"], &read["tagged"]),
        (&json!("Consentimiento"), &json!("es"), &json!(true))
    );
}
