//! Files: putting in, listing, renaming, deleting, hanging on intakes. Who may
//! do it: `files_access`; what comes out again: `files_content`; what is
//! hostile: `files_hostile`.

use std::path::{Path, PathBuf};

use bedside_tests::kit::{Answer, Client, Kit, Stream};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

/// A PDF, as far as its beginning goes.
pub const PDF: &[u8] = b"%PDF-1.7\nthe results of maria's test\n%%EOF\n";

/// Sends a file with the other fields of the form after it.
pub async fn send(client: &Client, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
    let mut form = Form::new().part("file", Part::bytes(content.to_vec()).file_name(name.to_owned()));
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    Client::send(client.request(Method::POST, "/files").multipart(form)).await
}

/// Puts a PDF in; gives its object.
pub async fn put(client: &Client, category: &str) -> Value {
    send(client, "results.pdf", PDF, &[("meta.category", category)]).await.data()
}

/// The id of an object.
#[track_caller]
pub fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// Everything below a folder that is no folder.
pub fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

/// The contents that a kit keeps.
pub fn kept(kit: &Kit) -> Vec<PathBuf> {
    below(&kit.database().folder().join("files"))
}

#[tokio::test]
async fn a_file_is_put_in_listed_renamed_and_deleted() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let file = put(&maria.client, "user_document").await;
    assert_eq!(
        (&file["name"], &file["ext"], &file["size"]),
        (&json!("results.pdf"), &json!("pdf"), &json!(PDF.len()))
    );
    assert_eq!(
        file["meta"],
        json!({
            "category": "user_document", "target": { "id": maria.id, "type": "user" },
            "account": { "code": "northside" }, "visible": true,
        })
    );
    assert_eq!(
        (&file["creator"]["id"], &file["creator"]["full_name"]),
        (&json!(maria.id), &json!("Maria maria"))
    );
    assert_eq!((&file["creator"]["type"], &file["is_deletable"]), (&json!(200), &json!(true)));
    assert!(file["creator"]["username"].is_string() && file["creator"]["email"].is_string());
    assert!(file["created"].as_i64().unwrap() > 1_700_000_000);
    let link = file["fullpath"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/files/view/{}?auth_code=", kit.base, id(&file))), "{link}");

    let listed = maria.client.get("/files").await.ok().json();
    assert_eq!((&listed["total_count"], &listed["data"][0]["id"]), (&json!(1), &file["id"]));
    let got = maria.client.get(&format!("/files/{}.json", id(&file))).await.data();
    assert_eq!((&got["id"], &got["size"]), (&file["id"], &file["size"]));

    for (sent, name) in
        [("Blood test", "Blood test"), ("a/b.exe", "b.pdf"), ("Blut\u{202e}test.pdf", "Bluttest.pdf")]
    {
        let renamed = maria
            .client
            .post(&format!("/files/{}", id(&file)), json!({ "name": sent, "size": 1 }))
            .await
            .data();
        assert_eq!((&renamed["name"], &renamed["size"]), (&json!(name), &json!(PDF.len())), "{sent}");
    }
    maria
        .client
        .post(&format!("/files/{}", id(&file)), json!({ "name": " " }))
        .await
        .refused(400, "invalid_field");
    maria.client.post(&format!("/files/{}", id(&file)), json!({})).await.refused(400, "invalid_field");

    assert_eq!(kept(&kit).len(), 1);
    let deleted = Client::send(maria.client.request(Method::DELETE, &format!("/files/{}", id(&file)))).await;
    assert_eq!(deleted.ok().json(), json!({ "data": true }));
    assert_eq!(kept(&kit), Vec::<PathBuf>::new());
    maria.client.get(&format!("/files/{}", id(&file))).await.refused(404, "file_not_found");
    kit.anonymous().get(&link.replace(&kit.base, "/")).await.refused(404, "file_not_found");
    let listed = maria.client.get("/files").await.ok().json();
    assert_eq!((&listed["total_count"], &listed["data"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_file_that_comes_or_goes_is_an_event() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, noor) = (kit.patient("maria").await, kit.provider("noor", &[&room]).await);
    let mut office = Stream::open(&kit.admin()).await;
    let mut desk = Stream::open(&noor.client).await;
    let document = put(&maria.client, "user_document").await;
    let visit = maria.walk_in(&room).await;
    let fields =
        [("meta.category", "chat_attachment"), ("meta.target.type", "visit"), ("meta.target.id", &visit.id)];
    let picture = send(&maria.client, "results.pdf", PDF, &fields).await.data();
    Client::send(maria.client.request(Method::DELETE, &format!("/files/{}", id(&document)))).await.ok();

    for (kind, file, at) in [
        ("file.created", &document, &Value::Null),
        ("file.created", &picture, &json!(visit.id)),
        ("file.deleted", &document, &Value::Null),
    ] {
        let told = office.next_of(kind).await.data;
        assert_eq!((&told["data"]["file_id"], &told["visit_id"]), (&file["id"], at), "{told}");
        assert_eq!(told["user_id"], maria.id);
        assert!(!told.to_string().contains("results.pdf"), "an event names, and says nothing: {told}");
    }
    // Whoever works in the room hears of the visit's file, not of the profile's.
    assert_eq!(desk.next_of("file.created").await.data["data"]["file_id"], picture["id"]);
}

#[tokio::test]
async fn the_form_in_the_ways_that_clients_write_it() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    for (name, value) in [
        ("meta.category", "intake_attachment"),
        ("meta[category]", "user_consent"),
        ("meta.category", "chat_attachment"),
        ("meta.category", "user_document"),
    ] {
        let file = send(&maria.client, "r.pdf", PDF, &[(name, value), ("remark", "x")]).await.data();
        assert_eq!(file["meta"]["category"], value);
        assert_eq!(file["is_deletable"], value == "user_document");
    }
    // The category in front of the file, and none at all.
    let form =
        Form::new().text("meta.category", "user_document").part("file", Part::bytes(PDF).file_name("x.pdf"));
    let file = Client::send(maria.client.request(Method::POST, "/files.json").multipart(form)).await.data();
    assert_eq!(file["meta"]["category"], "user_document");
    let form = Form::new().part("file", Part::bytes(PDF));
    let file = Client::send(maria.client.request(Method::POST, "/files").multipart(form)).await.data();
    assert_eq!(
        (&file["meta"]["category"], &file["name"], &file["ext"]),
        (&Value::Null, &json!("file"), &json!("pdf"))
    );

    let count = kept(&kit).len();
    let refused = async |fields: &[(&str, &str)], blamed: &str| {
        let body = send(&maria.client, "r.pdf", PDF, fields).await.refused(400, "invalid_field");
        assert!(body["fields"][blamed].is_string(), "{body}");
    };
    refused(&[("meta.category", "USER_DOCUMENT")], "meta.category").await;
    refused(&[("meta.target.type", "room"), ("meta.target.id", "1")], "meta.target.type").await;
    refused(&[("meta.target.id", "me")], "meta.target.id").await;
    refused(&[("meta.target.type", "visit")], "meta.target.id").await;
    refused(&[("meta.category", &"x".repeat(5000))], "meta.category").await;
    refused(&[("file", "again")], "file").await;
    let none = Form::new().text("meta.category", "user_document");
    Client::send(maria.client.request(Method::POST, "/files").multipart(none))
        .await
        .refused(400, "invalid_field");
    maria
        .client
        .post("/files", json!({ "meta.category": "user_document" }))
        .await
        .refused(400, "invalid_field");
    send(&maria.client, "empty.txt", b"", &[]).await.refused(400, "invalid_field");
    let cut = maria
        .client
        .request(Method::POST, "/files")
        .header("content-type", "multipart/form-data; boundary=b");
    let cut = cut.body("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n%PDF-1.7");
    assert_eq!(Client::send(cut).await.status, 400);
    let bare =
        maria.client.request(Method::POST, "/files").header("content-type", "multipart/form-data").body("x");
    Client::send(bare).await.refused(400, "invalid_multipart");
    assert_eq!(kept(&kit).len(), count, "what was refused left nothing behind");
}

#[tokio::test]
async fn the_content_tells_the_type() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    for (sent, content, name, ext) in [
        ("arm.png", &b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "arm.jpg", "jpg"),
        ("arm.JPEG", &b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "arm.JPEG", "jpeg"),
        ("page.html", &b"<script>alert(1)</script>"[..], "page.txt", "txt"),
        ("image.svg", &b"<svg onload=\"alert(1)\"/>"[..], "image.txt", "txt"),
        ("t.csv", &b"a,b\n"[..], "t.csv", "csv"),
        ("..\\..\\x.pdf", PDF, "x.pdf", "pdf"),
    ] {
        let file = send(&maria.client, sent, content, &[]).await.data();
        assert_eq!((&file["name"], &file["ext"]), (&json!(name), &json!(ext)), "{sent}");
    }
    let count = kept(&kit).len();
    let late = [vec![b'a'; 300_000], vec![0], vec![b'a'; 10]].concat();
    let cut = [vec![b'a'; 70_000], vec![0xc3]].concat();
    for (sent, content) in [
        ("x.pdf", &b"MZ\x90\0\x03\0"[..]),
        ("x.txt", &late),
        ("x.txt", &cut),
        ("x.docx", b"PK\x03\x04nothing"),
    ] {
        send(&maria.client, sent, content, &[]).await.refused(415, "file_type_not_allowed");
    }
    assert_eq!(kept(&kit).len(), count);
    send(&maria.client, "a.pdf", PDF, &[("meta.category", "user_avatar")])
        .await
        .refused(400, "invalid_field");
}

#[tokio::test]
async fn a_file_may_be_as_large_as_its_clinic_says() {
    let kit = Kit::with(&[("files.max_bytes", "100000")]).await;
    let maria = kit.patient("maria").await;
    let text = |length: usize| "x".repeat(length).into_bytes();
    send(&maria.client, "a.txt", &text(100_000), &[]).await.ok();
    send(&maria.client, "a.txt", &text(100_001), &[]).await.refused(413, "file_too_large");
    // Beyond what else a form may weigh it is told by the length alone.
    send(&maria.client, "a.txt", &text(500_000), &[]).await.refused(413, "file_too_large");
    kit.admin().post("/accounts/-", json!({ "max_file_bytes": 50 })).await.ok();
    send(&maria.client, "a.txt", &text(50), &[]).await.ok();
    send(&maria.client, "a.txt", &text(51), &[]).await.refused(413, "file_too_large");
    // Other requests keep the smaller limit.
    maria.client.post("/intakes", json!({ "x": "x".repeat(1_100_000) })).await.refused(413, "body_too_large");
    assert_eq!(kept(&kit).len(), 2);
}

#[tokio::test]
async fn a_page_of_files_follows_another() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let category = if n % 2 == 0 { "user_document" } else { "intake_attachment" };
        ids.push(put(&maria.client, category).await["id"].clone());
    }
    let names = |page: &Value| {
        page["data"].as_array().unwrap().iter().map(|file| file["id"].clone()).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = maria.client.get(&format!("/files?limit=2&after={after}")).await.ok().json();
        assert_eq!(page["total"], 5);
        seen.extend(names(&page));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
        // What comes in between moves nothing.
        assert!(ids.len() < 9, "it ends");
    }
    seen.sort_by_key(|id| id.to_string());
    let mut all = ids.clone();
    all.sort_by_key(|id| id.to_string());
    assert_eq!(seen, all);
    let second = maria.client.get("/files?limit=2&page=2").await.ok().json();
    let skipped = maria.client.get("/files?limit=2&start=2").await.ok().json();
    assert_eq!((names(&second), names(&second).len()), (names(&skipped), 2));
    let of =
        async |query: &str| maria.client.get(&format!("/files?{query}")).await.ok().json()["total"].clone();
    assert_eq!(of("category_type=user_document").await, 3);
    assert_eq!(of("category_type=intake_attachment").await, 2);
    assert_eq!(of("category_type=intake_attachment&include_shared=1").await, 5);
    assert_eq!(of(&format!("target_type=user&target_id={}&category_type=user_consent", maria.id)).await, 0);
    assert_eq!(of("target_id=-").await, 5);
    for bad in [
        "category_type=x",
        "target_type=room&target_id=1",
        "target_id=x",
        "target_type=visit",
        "after=x",
        "limit=x",
    ] {
        maria.client.get(&format!("/files?{bad}")).await.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn attachments_come_with_the_intake_and_go_to_the_visit() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let maria = kit.patient("maria").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let file = put(&maria.client, "intake_attachment").await;
    let document = put(&maria.client, "user_document").await;
    let both = format!("{},{}", id(&file), id(&document));
    for attachments in [
        json!([{ "id": file["id"] }, { "id": document["id"] }]),
        json!([file["id"], document["id"]]),
        json!(both),
    ] {
        let body = json!({ "reason_for_visit": "rash", "room_code": room, "attachments": attachments });
        let intake = maria.client.post("/intakes", body).await.data();
        let read = maria.client.get(&format!("/intakes/{}", id(&intake))).await.data();
        let shown = read["attachments"].as_array().unwrap();
        assert_eq!(shown.len(), 2, "{read}");
        let first = &shown[0];
        assert_eq!(
            (&first["_id"], &first["id"], &first["name"]),
            (&file["id"], &file["id"], &json!("results.pdf"))
        );
        assert_eq!((&first["type"], &first["using"], &first["remark"]), (&json!(0), &json!(1), &Value::Null));
        assert_eq!(
            (&first["creator_id"], &first["size"], &first["ext"]),
            (&json!(maria.id), &json!(PDF.len()), &json!("pdf"))
        );
        assert!(first["created"]["sec"].is_i64() && first["modified"]["usec"].is_i64());
        let path = first["path"].as_str().unwrap().replace(&kit.base, "/");
        assert_eq!(kit.anonymous().get(&path).await.ok().text.as_bytes(), PDF);
    }
    let body = json!({ "room_code": room, "attachments": both });
    let intake = maria.client.post("/intakes", body).await.data();
    // Before the visit nobody but the patient sees an attachment.
    let path = format!("/files/{}", id(&file));
    provider.client.get(&path).await.refused(404, "file_not_found");
    let visit = maria
        .client
        .post("/visits/add_walkin", json!({ "intake_id": intake["id"], "room_code": room }))
        .await
        .data();
    let seen = provider.client.get(&path).await.data();
    assert_eq!(seen["meta"]["target"], json!({ "id": visit["id"], "type": "visit" }));
    assert_eq!(seen["creator"].get("email"), None, "a provider is not shown the address with each file");
    let seen = provider.client.get(&format!("/files/{}", id(&document))).await.data();
    assert_eq!(
        seen["meta"]["target"],
        json!({ "id": maria.id, "type": "user" }),
        "a document stays on the profile"
    );
    let query = format!("/files?target_type=visit&target_id={}", id(&visit));
    for person in [&maria, &provider] {
        let listed = person.client.get(&query).await.ok().json();
        assert_eq!(listed["total_count"], 2, "{listed}");
    }
    put(&maria.client, "user_document").await;
    let shared = provider.client.get(&format!("{query}&include_shared=1")).await.ok().json();
    assert_eq!(shared["total_count"], 3, "{shared}");
    let only = provider.client.get(&format!("{query}&category_type=intake_attachment")).await.ok().json();
    assert_eq!((&only["total_count"], &only["data"][0]["id"]), (&json!(1), &file["id"]));
}

#[tokio::test]
async fn a_provider_puts_files_on_patients_and_visits() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let maria = kit.patient("maria").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let on_maria = [("meta.target.id", maria.id.as_str()), ("meta.category", "user_document")];
    send(&provider.client, "x.pdf", PDF, &on_maria).await.refused(404, "user_not_found");
    let visit = maria.walk_in(&room).await;
    let document = send(&provider.client, "x.pdf", PDF, &on_maria).await.data();
    assert_eq!(document["meta"]["target"], json!({ "id": maria.id, "type": "user" }));
    let on_visit = [("meta[target][id]", visit.id.as_str()), ("meta[target][type]", "visit")];
    let note = send(&provider.client, "x.pdf", PDF, &on_visit).await.data();
    assert_eq!(note["meta"]["target"], json!({ "id": visit.id, "type": "visit" }));
    for file in [&document, &note] {
        maria.client.get(&format!("/files/{}", id(file))).await.ok();
        // Theirs to read, not to change.
        maria
            .client
            .post(&format!("/files/{}", id(file)), json!({ "name": "x" }))
            .await
            .refused(403, "not_allowed");
        let delete = maria.client.request(Method::DELETE, &format!("/files/{}", id(file)));
        Client::send(delete).await.refused(403, "not_allowed");
    }
    assert_eq!(maria.client.get("/files").await.ok().json()["total"], 2);
    // The provider's own list has what they put in; a patient's has none of theirs.
    assert_eq!(provider.client.get("/files").await.ok().json()["total"], 2);
    let avatar = [("meta.target.id", maria.id.as_str()), ("meta.category", "user_avatar")];
    send(&provider.client, "x.pdf", PDF, &avatar).await.refused(403, "not_allowed");
    // The admin deletes what a provider put there.
    Client::send(kit.admin().request(Method::DELETE, &format!("/files/{}", id(&document)))).await.ok();
}

#[tokio::test]
async fn consents_stay_and_only_documents_go() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let consent = put(&maria.client, "user_consent").await;
    let path = format!("/files/{}", id(&consent));
    maria.client.post(&path, json!({ "name": "other" })).await.refused(403, "consent_stays");
    Client::send(maria.client.request(Method::DELETE, &path)).await.refused(403, "consent_stays");
    Client::send(kit.admin().request(Method::DELETE, &path)).await.refused(403, "file_not_deletable");
    kit.admin().post(&path, json!({ "name": "Consent 2027" })).await.ok();
    let attachment = put(&maria.client, "intake_attachment").await;
    let delete = maria.client.request(Method::DELETE, &format!("/files/{}", id(&attachment)));
    Client::send(delete).await.refused(403, "file_not_deletable");
}

#[tokio::test]
async fn a_repeated_upload_with_its_key_is_one_file() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await.client.header("Idempotency-Key", "upload-1");
    let first = put(&maria, "user_document").await;
    let again = put(&maria, "user_document").await;
    assert_eq!(first, again);
    assert_eq!(kept(&kit).len(), 1);
    send(&maria, "longer.pdf", &[PDF, PDF].concat(), &[]).await.refused(400, "idempotency_key_reused");
}

#[tokio::test]
async fn content_without_a_row_is_swept() {
    let (kit, clock) = Kit::on_a_clock().await;
    let maria = kit.patient("maria").await;
    put(&maria.client, "user_document").await;
    let [kept_one] = &kept(&kit)[..] else { panic!("one content") };
    // As a process leaves it that dies in the middle of an upload.
    let actor = {
        let mut conn = kit.app.store.reader().await.unwrap();
        let account =
            bedside_store::accounts::find_by_code(&mut conn, "northside").await.unwrap().unwrap().id;
        let user = maria.id.parse().unwrap();
        bedside_app::Actor {
            who: bedside_app::Who::AdminToken { user, scopes: bedside_model::scope::Scopes::ALL },
            ..bedside_app::Actor::system(account)
        }
    };
    let mut upload = bedside_app::files::begin(&kit.app, &actor, "x.pdf", 1_000_000).await.unwrap();
    upload.write(&vec![b'x'; 200_000]).await.unwrap();
    std::mem::forget(upload);
    assert_eq!(kept(&kit).len(), 2);
    clock.advance_seconds(3 * 3600);
    let begun = std::time::Instant::now();
    while kept(&kit).len() > 1 {
        assert!(begun.elapsed().as_secs() < 60, "swept in time");
        kit.anonymous().get("//healthz").await.ok();
    }
    assert!(kept(&kit).iter().eq([kept_one]), "what has a row stays");
}
