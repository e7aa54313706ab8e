//! Whose files somebody may list, read, rename and delete. The original let
//! signed-in users reach other people's files by a free-form parameter
//! (CVE-2026-13381); here every such parameter is tried on every call.

use bedside_tests::kit::{Client, Kit, Person};
use reqwest::Method;
use serde_json::{Value, json};

use crate::files::{PDF, id, put, send};

/// A clinic with one patient's files and everybody who must not have them.
struct World {
    kit: Kit,
    maria: Person,
    /// Works in the room where the patient was.
    provider: Person,
    /// Another patient, a provider of another room, another clinic's admin.
    others: Vec<(&'static str, Client)>,
    document: Value,
    /// Hangs on the patient's visit.
    attachment: Value,
    /// Hangs on nothing.
    loose: Value,
}

impl World {
    async fn new() -> Self {
        let kit = Kit::with(&[("limits.user_per_s", "100000"), ("limits.admin_token_per_s", "100000")]).await;
        let (main, annex) = (kit.room("main").await, kit.room("annex").await);
        let maria = kit.patient("maria").await;
        let tom = kit.patient("tom").await;
        let provider = kit.provider("d-1", &[&main]).await;
        let outsider = kit.provider("d-2", &[&annex]).await;
        let southside = kit.another_clinic("southside").await;
        // Each of them has files and visits of their own.
        put(&tom.client, "user_document").await;
        tom.walk_in(&annex).await;
        let document = put(&maria.client, "user_document").await;
        let attachment = put(&maria.client, "intake_attachment").await;
        let loose = put(&maria.client, "intake_attachment").await;
        let body = json!({ "room_code": main, "attachments": [attachment["id"]] });
        let intake = maria.client.post("/intakes", body).await.data();
        let body = json!({ "intake_id": intake["id"], "room_code": main });
        maria.client.post("/visits/add_walkin", body).await.ok();
        let others = vec![
            ("another patient", tom.client),
            ("a provider of another room", outsider.client),
            ("another clinic's admin", kit.admin_of(&southside)),
        ];
        Self { kit, maria, provider, others, document, attachment, loose }
    }

    /// What somebody might send along in the hope that it counts.
    fn tags(&self) -> Vec<(String, String)> {
        let me = &self.maria.id;
        let mut tags = Vec::new();
        for name in [
            "remark",
            "creator_id",
            "creator",
            "user_id",
            "owner",
            "owner_id",
            "member_id",
            "person_id",
            "account_code",
            "account",
            "visible",
            "is_admin",
            "type",
            "code",
            "creator[id]",
            "meta.target.id",
            "meta[account][code]",
        ] {
            tags.extend(
                [me.as_str(), "northside", "1", "*"].map(|value| (name.to_owned(), value.to_owned())),
            );
        }
        tags
    }
}

#[tokio::test]
async fn no_parameter_opens_other_people_s_files() {
    let world = World::new().await;
    for (who, client) in &world.others {
        for file in [&world.document, &world.attachment, &world.loose] {
            let path = format!("/files/{}", id(file));
            for (name, value) in world.tags() {
                let query = format!(
                    "{}={}",
                    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>(),
                    value
                );
                let read = client.get(&format!("{path}?{query}")).await;
                assert_eq!(read.status, 404, "{who} reads with {query}: {}", read.text);
            }
            let tags: serde_json::Map<String, Value> =
                world.tags().into_iter().map(|(name, value)| (name, value.into())).collect();
            for value in [world.maria.id.as_str(), "northside"] {
                let mut body = tags.clone();
                body.values_mut().for_each(|tag| *tag = value.into());
                body.insert("name".to_owned(), "mine".into());
                client.post(&path, body.into()).await.refused(404, "file_not_found");
                let query = format!("{path}?remark={value}&creator_id={value}&user_id={value}");
                let delete = client.request(Method::DELETE, &query).json(&tags);
                Client::send(delete).await.refused(404, "file_not_found");
            }
        }
    }
    // Nothing happened to them.
    let listed = world.maria.client.get("/files").await.ok().json();
    assert_eq!(listed["total"], 3);
    assert!(listed["data"].as_array().unwrap().iter().all(|file| file["name"] == "results.pdf"), "{listed}");
}

#[tokio::test]
async fn a_list_has_no_files_of_others() {
    let world = World::new().await;
    let theirs = [&world.document, &world.attachment, &world.loose].map(|file| id(file).to_owned());
    for (who, client) in &world.others {
        for (name, value) in world.tags() {
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let query = format!("/files?{name}={value}&include_shared=1&limit=100");
            let listed = client.get(&query).await.ok();
            assert!(!theirs.iter().any(|file| listed.text.contains(file)), "{who}: {query}: {}", listed.text);
        }
        let of_maria = client.get(&format!("/files?target_type=user&target_id={}", world.maria.id)).await;
        of_maria.refused(404, "user_not_found");
        let after = client.get(&format!("/files?after={}", theirs[0])).await.ok();
        assert!(!theirs.iter().any(|file| after.text.contains(file)));
    }
    let visits = world.maria.client.get("/visits").await.ok().json();
    let visit = visits["data"][0]["id"].to_string().replace('"', "");
    for (who, client) in &world.others {
        let listed =
            client.get(&format!("/files?target_type=visit&target_id={visit}&include_shared=1")).await;
        assert_eq!(listed.status, 404, "{who}: {}", listed.text);
    }
}

#[tokio::test]
async fn those_who_treat_a_patient_see_the_profile_and_their_own_visits() {
    let world = World::new().await;
    let provider = &world.provider.client;
    let of_maria = format!("/files?target_type=user&target_id={}", world.maria.id);
    let listed = provider.get(&of_maria).await.ok().json();
    assert_eq!((&listed["total"], &listed["data"][0]["id"]), (&json!(1), &world.document["id"]), "{listed}");
    for category in ["intake_attachment", "chat_attachment"] {
        let listed = provider.get(&format!("{of_maria}&category_type={category}")).await.ok().json();
        assert_eq!(listed["total"], 0, "{listed}");
    }
    provider.get(&format!("/files/{}", id(&world.attachment))).await.ok();
    provider.get(&format!("/files/{}", id(&world.loose))).await.refused(404, "file_not_found");
    for file in [&world.document, &world.attachment] {
        let path = format!("/files/{}", id(file));
        provider.post(&path, json!({ "name": "mine" })).await.refused(403, "not_allowed");
        Client::send(provider.request(Method::DELETE, &path)).await.refused(403, "not_allowed");
    }
    // The admin sees everything of their clinic.
    let listed = world.kit.admin().get(&of_maria).await.ok().json();
    assert_eq!(listed["total"], 3);
    // A visit elsewhere shows that room's people the profile, but no other visit's files.
    world.maria.walk_in("annex").await;
    let (_, outsider) = &world.others[1];
    outsider.get(&format!("/files/{}", id(&world.document))).await.ok();
    outsider.get(&format!("/files/{}", id(&world.attachment))).await.refused(404, "file_not_found");
    let listed = outsider.get(&of_maria).await.ok().json();
    assert_eq!(listed["total"], 1);
}

#[tokio::test]
async fn nobody_attaches_a_file_of_somebody_else() {
    let world = World::new().await;
    for (who, client) in &world.others[..1] {
        for file in [&world.document, &world.attachment, &world.loose] {
            for attachments in
                [json!([file["id"]]), json!(file["id"]), json!([{ "id": file["id"], "creator_id": "1" }])]
            {
                let body = json!({ "room_code": "annex", "attachments": attachments });
                let answer = client.post("/intakes", body).await;
                let body = answer.refused(400, "invalid_field");
                assert!(body["fields"]["attachments"].is_string(), "{who}: {body}");
            }
        }
    }
    // A provider attaches a patient's document to that patient's intake only.
    let tom = world.kit.patient("tom").await;
    tom.walk_in("main").await;
    let body = json!({ "member_id": tom.id, "room_code": "main", "attachments": [world.document["id"]] });
    world.provider.client.post("/intakes", body).await.refused(400, "invalid_field");
    let body =
        json!({ "member_id": world.maria.id, "room_code": "main", "attachments": [world.document["id"]] });
    world.provider.client.post("/intakes", body).await.ok();
}

#[tokio::test]
async fn nobody_puts_a_file_on_somebody_else() {
    let world = World::new().await;
    let visits = world.maria.client.get("/visits").await.ok().json();
    let visit = visits["data"][0]["id"].to_string().replace('"', "");
    for (who, client) in &world.others {
        let on_user = [("meta.target.id", world.maria.id.as_str()), ("meta.target.type", "user")];
        let answer = send(client, "x.pdf", PDF, &on_user).await;
        assert_eq!(answer.status, 404, "{who}: {}", answer.text);
        let on_visit = [("meta.target.id", visit.as_str()), ("meta.target.type", "visit")];
        let answer = send(client, "x.pdf", PDF, &on_visit).await;
        assert_eq!(answer.status, 404, "{who}: {}", answer.text);
        // Free-form fields make nobody else its owner.
        let claimed =
            [("creator_id", world.maria.id.as_str()), ("user_id", world.maria.id.as_str()), ("remark", "x")];
        let own = send(client, "x.pdf", PDF, &claimed).await.data();
        assert_ne!(own["creator"]["id"], json!(world.maria.id), "{who}");
        assert_ne!(own["meta"]["target"]["id"], json!(world.maria.id), "{who}");
    }
    assert_eq!(world.maria.client.get("/files").await.ok().json()["total"], 3);
}

#[tokio::test]
async fn nobody_puts_a_file_in_without_a_token() {
    let (kit, clock) = Kit::on_a_clock().await;
    let maria = kit.patient("maria").await;
    let southside = kit.another_clinic("southside").await;
    let anonymous = kit.anonymous().header("X-AccountCode", "northside");
    send(&anonymous, "x.pdf", PDF, &[]).await.refused(401, "token_missing");
    send(&kit.portal(), "x.pdf", PDF, &[]).await.refused(401, "token_missing");
    let mixed = kit.admin_of(&southside).header("X-AccountCode", "northside");
    assert_eq!(send(&mixed, "x.pdf", PDF, &[]).await.status, 401);
    clock.advance_seconds(2 * 86_400);
    assert_eq!(send(&maria.client, "x.pdf", PDF, &[]).await.status, 401);
    assert!(crate::files::kept(&kit).is_empty());
}

#[tokio::test]
async fn a_guardian_cares_for_a_child_s_files() {
    let world = World::new().await;
    let maria = &world.maria;
    let child = json!({ "first_name": "Leo", "last_name": "M", "dob": "2020-01-01", "relation": "child" });
    let child = maria.client.post(&format!("/users/{}/dependants", maria.id), child).await.data();
    let on_child = [("meta.target.id", id(&child)), ("meta.category", "user_document")];
    let file = send(&maria.client, "leo.pdf", PDF, &on_child).await.data();
    assert_eq!(file["meta"]["target"], json!({ "id": child["id"], "type": "user" }));
    let listed = maria.client.get(&format!("/files?target_id={}", id(&child))).await.ok().json();
    assert_eq!(listed["total"], 1);
    for (who, client) in &world.others {
        let answer = client.get(&format!("/files/{}", id(&file))).await;
        assert_eq!(answer.status, 404, "{who}");
        let answer = send(client, "x.pdf", PDF, &on_child).await;
        assert_eq!(answer.status, 404, "{who}");
    }
    let body = json!({ "member_id": child["id"], "room_code": "main", "attachments": [file["id"]] });
    maria.client.post("/intakes", body).await.ok();
}

#[tokio::test]
async fn an_app_stays_within_its_scopes() {
    let world = World::new().await;
    let admin = world.kit.admin();
    let app = admin.post("/api_apps", json!({ "name": "Reports", "scopes": ["files:read"] })).await.data();
    let token = admin.post(&format!("/api_apps/{}/tokens", id(&app)), json!({ "name": "t" })).await.data();
    let reader = world.kit.bearer(token["token"].as_str().expect("a token"));
    let path = format!("/files/{}", id(&world.document));
    reader.get(&path).await.ok();
    reader.post(&path, json!({ "name": "x" })).await.refused(403, "scope_missing");
    Client::send(reader.request(Method::DELETE, &path)).await.refused(403, "scope_missing");
    send(&reader, "x.pdf", PDF, &[]).await.refused(403, "scope_missing");
}
