//! Profiles, guests, providers' rooms, and whose account a call means.

use bedside_tests::kit::Kit;
use serde_json::{Value, json};

#[tokio::test]
async fn a_profile_has_the_documented_fields() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let me = patient.client.get("/users/-").await.data();
    assert_eq!(me, patient.client.get(&format!("/users/{}.json", patient.id)).await.data());
    for field in ["id", "code", "username", "vseeid", "email", "subtype", "timezone", "phone", "city", "zip"]
    {
        assert!(me[field].is_string(), "{field}: {me}");
    }
    assert_eq!((&me["status"], &me["active"], &me["signup_step"]), (&json!(20), &json!(true), &json!(99)));
    assert_eq!((&me["extra"]["race"], &me["extra"]["attachments"]), (&json!(""), &Value::Null));
    let some = patient.client.get("/users/-?fields=full_name,type,nonsense").await.data();
    assert_eq!(some, json!({ "id": patient.id, "full_name": "Maria m", "type": 200 }));
}

#[tokio::test]
async fn who_sees_whom() {
    let kit = Kit::start().await;
    kit.room("main").await;
    kit.room("annex").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let (inside, outside) = (kit.provider("d-1", &["main"]).await, kit.provider("d-2", &["annex"]).await);
    let path = format!("/users/{}", maria.id);
    inside.client.get(&path).await.refused(404, "user_not_found");
    maria.walk_in("main").await;
    inside.client.get(&path).await.ok();
    kit.admin().get(&path).await.ok();
    for stranger in [&tom.client, &outside.client] {
        stranger.get(&path).await.refused(404, "user_not_found");
    }
    kit.anonymous().get(&path).await.refused(401, "token_missing");
    kit.portal().get(&path).await.refused(401, "token_missing");
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get(&path).await.refused(404, "user_not_found");
    for nobody in ["/users/999999", "/users/0", "/users/x", "/users/-1", "/users/99999999999999999999"] {
        kit.admin().get(nobody).await.refused(404, "user_not_found");
    }
}

#[tokio::test]
async fn a_provider_gets_rooms_in_every_spelling() {
    let kit = Kit::start().await;
    for slug in ["a", "b", "c", "d", "e"] {
        kit.room(slug).await;
    }
    let provider = kit.provider("d-1", &[]).await;
    let path = format!("/users/{}/rooms", provider.id);
    let list = kit.admin().get("/rooms").await.ok().json();
    let id_of = |slug: &str| {
        list["data"].as_array().unwrap().iter().find(|room| room["slug"] == slug).unwrap()["id"].clone()
    };
    let admin = kit.admin();
    admin.post(&path, json!({ "room_code": "a" })).await.ok();
    admin.post(&path, json!({ "room_ids": [id_of("b")] })).await.ok();
    admin.form(&path, &[("rooms", "c, d")]).await.ok();
    let fields = [("room_codes[]", "e"), ("room_codes[]", "a")];
    let rooms = admin.form(&path, &fields).await.data();
    assert_eq!(rooms["id"], provider.id.as_str());
    let codes: Vec<_> = rooms["rooms"].as_array().unwrap().iter().map(|room| room["code"].clone()).collect();
    assert_eq!(json!(codes), json!(["a", "b", "c", "d", "e"]));
    let own = provider.client.get("/users/-/rooms").await.ok().json();
    assert_eq!((own["total_count"].as_i64(), &own["data"]), (Some(5), &rooms["rooms"]));

    admin.post(&path, json!({ "room_code": "nowhere" })).await.refused(404, "room_not_found");
    admin.post("/users/999999/rooms", json!({ "room_code": "a" })).await.refused(404, "user_not_found");
    admin.post(&path, json!({})).await.refused(400, "invalid_field");
    let patient = kit.patient("m").await;
    let of_patient = format!("/users/{}/rooms", patient.id);
    admin.post(&of_patient, json!({ "room_code": "a" })).await.refused(400, "not_a_provider");
    provider.client.post(&path, json!({ "room_code": "a" })).await.refused(403, "admin_only");
    patient.client.get(&path).await.refused(404, "user_not_found");
}

#[tokio::test]
async fn a_guest_enters_a_room() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let body = json!({ "first_name": "Gus", "last_name": "Guest", "dob": "1990-01-31", "room_code": "main" });
    let page = kit.anonymous().header("X-Session-Kind", "patient");
    let answer = page.post("/users/guest_login", body.clone()).await.ok();
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let guest = answer.data();
    assert_eq!((&guest["type"], &guest["dob"]), (&json!(600), &json!("1990-01-31")));
    let me = kit.anonymous().page(&cookie, "patient").get("/session").await.data();
    assert_eq!(me["user"]["id"], guest["id"]);
    kit.bearer(guest["token"]["token"].as_str().unwrap()).get("/users/-").await.ok();

    for field in ["first_name", "last_name", "room_code"] {
        let mut bad = body.clone();
        bad[field] = json!(" ");
        let refused = page.post("/users/guest_login", bad).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    let mut nowhere = body.clone();
    nowhere["room_code"] = json!("nowhere");
    page.post("/users/guest_login", nowhere).await.refused(404, "room_not_found");
    kit.admin()
        .post("/rooms/main", json!({ "auth": { "guest": { "log_in": { "enabled": 0 } } } }))
        .await
        .ok();
    page.post("/users/guest_login", body.clone()).await.refused(403, "guests_not_allowed");
    let closed = json!({ "auth": { "guest": { "log_in": { "enabled": 1 } } }, "operation_settings": { "is_closed": 1 } });
    kit.admin().post("/rooms/main", closed).await.ok();
    page.post("/users/guest_login", body.clone()).await.refused(400, "room_closed");
    let provider_page = kit.anonymous().header("X-Session-Kind", "provider");
    kit.admin().post("/rooms/main", json!({ "operation_settings": { "is_closed": 0 } })).await.ok();
    provider_page.post("/users/guest_login", body).await.refused(403, "session_kind_wrong");
}

#[tokio::test]
async fn credentials_of_real_clients_are_understood() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let me = |answer: Value| assert_eq!(answer["id"], patient.id.as_str());
    // All four headers on any call; the key beside a token is not looked at.
    let all = kit.portal().header("X-ApiToken", &patient.token).header("X-ApiSecret", "whatever");
    me(all.get("/users/-").await.data());
    // An empty account code is none.
    me(patient.client.header("X-AccountCode", "").get("/users/-").await.data());
    me(patient.client.without("X-AccountCode").get("/users/-").await.data());
    kit.portal().header("X-ApiToken", " ").get("/rooms").await.ok();

    let other = kit.another_clinic("southside").await;
    let wrong = patient.client.header("X-AccountCode", &other.code);
    wrong.get("/users/-").await.refused(401, "token_of_other_account");
    me(patient.client.without("X-AccountCode").get("/users/-").await.data());
    // With two clinics the host may say which.
    let host = kit.anonymous().header("Host", "api-southside.example.org");
    let body = json!({ "slug": "main", "code": "main", "name": "Main" });
    kit.admin_of(&other).post("/rooms", body).await.ok();
    assert_eq!(host.get("/rooms").await.ok().json()["total_count"], 1);
    assert_eq!(kit.anonymous().get("/rooms").await.ok().json()["total_count"], 0);
    kit.anonymous().header("X-AccountCode", "nowhere").get("/rooms").await.refused(404, "account_unknown");
    kit.anonymous().header("X-ApiKey", "f00").get("/rooms").await.refused(401, "api_key_invalid");
}
