//! API apps: keys and admin tokens, their scopes, their rotation, their end.

use bedside_app::api_apps::flush_uses;
use bedside_model::scope::Scope;
use bedside_tests::kit::{Answer, Client, Kit};
use reqwest::Method;
use serde_json::{Value, json};

async fn delete(client: &Client, path: &str) -> Answer {
    Client::send(client.request(Method::DELETE, path)).await
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// The clinic's first app.
async fn first(kit: &Kit) -> String {
    id(&kit.admin().get("/api_apps").await.ok().json()["data"][0]).to_owned()
}

/// An app, and an admin token of it.
async fn app(kit: &Kit, scopes: Value) -> (String, Client) {
    let app = kit.admin().post("/api_apps", json!({ "name": "Reports", "scopes": scopes })).await.data();
    let token = token(kit, id(&app), json!({ "name": "nightly" })).await;
    (id(&app).to_owned(), kit.bearer(token["token"].as_str().unwrap()))
}

async fn token(kit: &Kit, app: &str, body: Value) -> Value {
    kit.admin().post(&format!("/api_apps/{app}/tokens"), body).await.data()
}

async fn sso(client: &Client) -> Answer {
    client.post("/users/sso", json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" })).await
}

fn with_key(kit: &Kit, key: &Value) -> Client {
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    kit.portal().header("X-ApiKey", &text("key")).header("X-ApiSecret", &text("secret"))
}

fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[tokio::test]
async fn what_is_secret_is_shown_once() {
    let kit = Kit::start().await;
    let apps = kit.admin().get("/api_apps").await.ok().json();
    assert_eq!((&apps["total_count"], &apps["data"][0]["scopes"]), (&json!(1), &json!(["*"])));
    let fields = [("name", "Portal of the north"), ("scopes", "sso,visits:read")];
    let app = kit.admin().multipart("/api_apps.json", &fields).await.data();
    assert_eq!(app["scopes"], json!(["sso", "visits:read"]));
    assert_ne!(app["user_id"], apps["data"][0]["user_id"], "each app has a system user of its own");
    let path = format!("/api_apps/{}", id(&app));

    let key = kit.admin().post(&format!("{path}/keys"), json!({})).await.data();
    let fields = [("name", "nightly"), ("scopes[]", "visits:read")];
    let token = kit.admin().form(&format!("{path}/tokens"), &fields).await.data();
    assert!(is_hex(&key["key"]) && is_hex(&key["secret"]) && is_hex(&token["token"]));
    assert_eq!((&key["scopes"], &token["scopes"]), (&app["scopes"], &json!(["visits:read"])));
    sso(&with_key(&kit, &key)).await.ok();
    kit.bearer(token["token"].as_str().unwrap()).get("/visits").await.ok();

    let shown = kit.admin().get(&path).await.ok();
    for (secret, last_four) in [(&key["key"], &key["last_four"]), (&token["token"], &token["last_four"])] {
        let (secret, last_four) = (secret.as_str().unwrap(), last_four.as_str().unwrap());
        assert!(secret.ends_with(last_four) && last_four.len() == 4, "{last_four}");
        assert!(!shown.text.contains(secret) && shown.text.contains(last_four), "{}", shown.text);
    }
    assert!(!shown.text.contains(key["secret"].as_str().unwrap()));
    let shown = shown.data();
    assert_eq!((id(&shown["keys"][0]), id(&shown["tokens"][0])), (id(&key), id(&token)));
    assert_eq!(shown["tokens"][0]["name"], "nightly");
}

#[tokio::test]
async fn a_key_is_changed_without_an_interruption() {
    let (kit, clock) = Kit::on_a_clock().await;
    let path = format!("/api_apps/{}/keys", first(&kit).await);
    for bad in [json!(-1), json!(2_592_001), json!("soon")] {
        let refused =
            kit.admin().post(&path, json!({ "overlap_s": bad })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["overlap_s"].is_string());
    }
    // A second key beside the first one ends nothing.
    let beside = kit.admin().post(&path, json!({})).await.data();
    assert_eq!(beside["expires"], Value::Null);
    clock.advance_seconds(86_400 * 365);
    sso(&kit.portal()).await.ok();

    let next = kit.admin().post(&path, json!({ "overlap_s": "3600" })).await.data();
    for client in [kit.portal(), with_key(&kit, &beside), with_key(&kit, &next)] {
        sso(&client).await.ok();
    }
    let app = kit.admin().get(path.trim_end_matches("/keys")).await.data();
    let ends: Vec<bool> = app["keys"].as_array().unwrap().iter().map(|key| key["expires"].is_i64()).collect();
    assert_eq!(ends, [true, true, false]);

    clock.advance_seconds(3599);
    sso(&kit.portal()).await.ok();
    clock.advance_seconds(1);
    for old in [kit.portal(), with_key(&kit, &beside)] {
        sso(&old).await.refused(401, "api_key_invalid");
        old.get("/visits").await.refused(401, "api_key_invalid");
    }
    sso(&with_key(&kit, &next)).await.ok();
    let app = kit.admin().get(path.trim_end_matches("/keys")).await.data();
    assert_eq!(app["keys"].as_array().unwrap().len(), 1, "what has ended is not listed");

    // A longer overlap never lengthens a shorter one; none at all ends at once.
    let quick = kit.admin().post(&path, json!({ "overlap_s": 10 })).await.data();
    let last = kit.admin().post(&path, json!({ "overlap_s": 1000 })).await.data();
    clock.advance_seconds(10);
    sso(&with_key(&kit, &next)).await.refused(401, "api_key_invalid");
    sso(&with_key(&kit, &quick)).await.ok();
    let only = kit.admin().post(&path, json!({ "overlap_s": 0 })).await.data();
    for ended in [&quick, &last] {
        sso(&with_key(&kit, ended)).await.refused(401, "api_key_invalid");
    }
    sso(&with_key(&kit, &only)).await.ok();
}

#[tokio::test]
async fn what_is_deleted_ends_at_once() {
    let kit = Kit::start().await;
    let (app, caller) = app(&kit, json!(["*"])).await;
    let path = format!("/api_apps/{app}");
    let one = token(&kit, &app, json!({ "name": "one" })).await;
    let key = kit.admin().post(&format!("{path}/keys"), json!({})).await.data();
    let with_token = kit.bearer(one["token"].as_str().unwrap());
    with_token.get("/visits").await.ok();
    delete(&kit.admin(), &format!("{path}/tokens/{}", id(&one))).await.ok();
    with_token.get("/visits").await.refused(401, "token_unknown");
    delete(&kit.admin(), &format!("{path}/tokens/{}", id(&one))).await.refused(404, "admin_token_not_found");
    // The key's id names no token, and another app's path leads to neither.
    delete(&kit.admin(), &format!("{path}/tokens/{}", id(&key))).await.refused(404, "admin_token_not_found");
    let elsewhere = format!("/api_apps/{}/keys/{}", first(&kit).await, id(&key));
    delete(&kit.admin(), &elsewhere).await.refused(404, "api_key_not_found");
    sso(&with_key(&kit, &key)).await.ok();
    delete(&kit.admin(), &format!("{path}/keys/{}", id(&key))).await.ok();
    sso(&with_key(&kit, &key)).await.refused(401, "api_key_invalid");

    let key = kit.admin().post(&format!("{path}/keys"), json!({})).await.data();
    caller.get("/visits").await.ok();
    delete(&kit.admin(), &path).await.ok();
    caller.get("/visits").await.refused(401, "token_unknown");
    sso(&with_key(&kit, &key)).await.refused(401, "api_key_invalid");
    kit.admin().get(&path).await.refused(404, "api_app_not_found");
    kit.admin().post(&path, json!({ "name": "x" })).await.refused(404, "api_app_not_found");
    kit.admin().post(&format!("{path}/keys"), json!({})).await.refused(404, "api_app_not_found");
    kit.admin()
        .post(&format!("{path}/tokens"), json!({ "name": "x" }))
        .await
        .refused(404, "api_app_not_found");
    delete(&kit.admin(), &path).await.refused(404, "api_app_not_found");
    assert_eq!(kit.admin().get("/api_apps").await.ok().json()["total_count"], 1);
    // The clinic's first app goes on.
    sso(&kit.portal()).await.ok();
    kit.admin().get("/api_apps/nonsense").await.refused(404, "api_app_not_found");
}

/// A call of each class, by the scope it needs.
fn calls(world: &Value) -> Vec<(Scope, Method, String, Value)> {
    let path = |template: &str| {
        ["patient", "provider", "visit", "intake"].iter().fold(template.to_owned(), |path, name| {
            path.replace(&format!("{{{name}}}"), world[name].as_str().expect("made"))
        })
    };
    let get = |scope, template: &str| (scope, Method::GET, path(template), Value::Null);
    let post = |scope, template: &str, body| (scope, Method::POST, path(template), body);
    vec![
        get(Scope::UsersRead, "/users/{patient}"),
        get(Scope::UsersRead, "/users"),
        post(Scope::UsersWrite, "/users/{patient}", json!({ "phone": "555-0100" })),
        get(Scope::UsersRead, "/users/{provider}/rooms"),
        get(Scope::VisitsRead, "/visits/{visit}"),
        get(Scope::VisitsRead, "/intakes/{intake}"),
        get(Scope::VisitsRead, "/rooms/main/queue"),
        post(
            Scope::VisitsWrite,
            "/intakes",
            json!({ "reason_for_visit": "x", "member_id": world["patient"] }),
        ),
        post(Scope::VisitsWrite, "/visits/{visit}/close", json!({ "reason": "patient_exit_room" })),
        post(Scope::RoomsWrite, "/rooms", json!({ "slug": "x", "name": "x" })),
        post(Scope::RoomsWrite, "/rooms/main", json!({})),
        post(Scope::RoomsWrite, "/users/{provider}/rooms", json!({ "room_code": "main" })),
        get(Scope::VisitsRead, "/visits"),
        get(Scope::FilesRead, "/files?target_type=user&target_id={patient}"),
        get(Scope::EventsRead, "/events/stream"),
        get(Scope::AuditRead, "/audit"),
        get(Scope::AccountWrite, "/api_apps"),
        post(Scope::AccountWrite, "/api_apps", json!({ "name": "x", "scopes": "account:write" })),
        post(Scope::AccountWrite, "/accounts/-", json!({})),
    ]
}

#[tokio::test]
async fn every_class_of_calls_needs_its_scope() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &["main"]).await);
    let visit = patient.walk_in("main").await;
    let world = json!({ "patient": patient.id, "provider": provider.id, "visit": visit.id, "intake": visit.intake_id });
    let app = first(&kit).await;
    let mut with_all_but = Vec::new();
    let mut with_only = Vec::new();
    for scope in Scope::ALL {
        let others: Vec<&str> =
            Scope::ALL.iter().filter(|other| *other != scope).map(|other| other.as_str()).collect();
        let all_but = token(&kit, &app, json!({ "name": "all but", "scopes": others })).await;
        let only = token(&kit, &app, json!({ "name": "only", "scopes": [scope.as_str()] })).await;
        with_all_but.push((*scope, kit.bearer(all_but["token"].as_str().unwrap())));
        with_only.push((*scope, kit.bearer(only["token"].as_str().unwrap())));
    }
    let of = |list: &[(Scope, Client)], wanted: Scope| {
        list.iter().find(|(scope, _)| *scope == wanted).map(|(_, client)| client.clone()).unwrap()
    };
    for (scope, method, path, body) in calls(&world) {
        let ask = async |client: Client| {
            let mut request = client.request(method.clone(), &path);
            if !body.is_null() {
                request = request.json(&body);
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            // A stream has no end to wait for.
            (status, if status == 200 { String::new() } else { response.text().await.unwrap() })
        };
        let (status, text) = ask(of(&with_all_but, scope)).await;
        let said = serde_json::from_str::<Value>(&text).unwrap_or_default()["error"].clone();
        assert_eq!((status, said.as_str()), (403, Some("scope_missing")), "{method} {path}: {text}");
        assert!(text.contains(scope.as_str()), "the refusal names the scope: {text}");
        let (status, text) = ask(of(&with_only, scope)).await;
        assert_eq!(status, 200, "{method} {path} with {} alone: {text}", scope.as_str());
    }
    // A key has scopes too: here one that may do everything but sign people in.
    let path = format!("/api_apps/{app}/keys");
    let mute = kit.admin().post(&path, json!({ "scopes": "users:read" })).await.data();
    let refused = sso(&with_key(&kit, &mute)).await.refused(403, "scope_missing");
    assert!(refused["message"].as_str().unwrap().contains("sso"));
    let only = kit.admin().post(&path, json!({ "scopes": "sso" })).await.data();
    sso(&with_key(&kit, &only)).await.ok();
}

#[tokio::test]
async fn nobody_gives_what_they_lack() {
    let kit = Kit::start().await;
    let (own, narrow) = app(&kit, json!(["account:write", "visits:read"])).await;
    let all = first(&kit).await;
    let keys = |app: &str| format!("/api_apps/{app}/keys");
    let tokens = |app: &str| format!("/api_apps/{app}/tokens");
    for scopes in [json!(["*"]), json!(["users:read"]), json!("visits:read,users:write")] {
        let body = json!({ "name": "wide", "scopes": scopes });
        narrow.post("/api_apps", body.clone()).await.refused(403, "scope_exceeded");
        narrow.post(&format!("/api_apps/{own}"), body.clone()).await.refused(403, "scope_exceeded");
        narrow.post(&tokens(&all), body.clone()).await.refused(403, "scope_exceeded");
        narrow.post(&keys(&all), body.clone()).await.refused(403, "scope_exceeded");
        // Nor does the app itself give them away.
        for path in [tokens(&own), keys(&own)] {
            let refused = kit.admin().post(&path, body.clone()).await.refused(400, "invalid_field");
            assert!(refused["fields"]["scopes"].is_string(), "{refused}");
        }
    }
    // Left out, they would be the app's: too many for a key of the first app.
    narrow.post(&tokens(&all), json!({ "name": "wide" })).await.refused(403, "scope_exceeded");
    narrow.post(&keys(&all), json!({})).await.refused(403, "scope_exceeded");
    let made = narrow.post("/api_apps", json!({ "name": "mine" })).await.data();
    assert_eq!(made["scopes"], json!(["visits:read", "account:write"]), "a new app has its maker's scopes");
    let less = narrow.post(&tokens(&own), json!({ "name": "less", "scopes": ["visits:read"] })).await.data();
    let less = kit.bearer(less["token"].as_str().unwrap());
    less.get("/visits").await.ok();
    less.get("/api_apps").await.refused(403, "scope_missing");

    for bad in [json!(["users"]), json!("visits:read, nothing"), json!([]), json!(7), json!({ "a": "b" })] {
        let refused = kit.admin().post("/api_apps", json!({ "name": "x", "scopes": bad })).await;
        assert!(refused.refused(400, "invalid_field")["fields"]["scopes"].is_string(), "{bad}");
    }
    for bad in [json!(""), json!("  "), json!("x".repeat(129)), Value::Null] {
        kit.admin().post("/api_apps", json!({ "name": bad })).await.refused(400, "invalid_field");
        kit.admin().post(&tokens(&all), json!({ "name": bad })).await.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn an_app_that_is_limited_anew_limits_its_tokens_at_once() {
    let kit = Kit::start().await;
    let (app, caller) = app(&kit, json!(["*"])).await;
    let path = format!("/api_apps/{app}");
    let key = kit.admin().post(&format!("{path}/keys"), json!({})).await.data();
    kit.room("main").await;
    caller.post("/rooms/main", json!({})).await.ok();
    let named = kit.admin().form(&path, &[("name", "Renamed")]).await.data();
    assert_eq!((&named["name"], &named["scopes"]), (&json!("Renamed"), &json!(["*"])));
    kit.admin().post(&path, json!({ "scopes": ["visits:read"] })).await.ok();
    caller.post("/rooms/main", json!({})).await.refused(403, "scope_missing");
    sso(&with_key(&kit, &key)).await.refused(403, "scope_missing");
    kit.admin().post(&path, json!({ "scopes": ["*"] })).await.ok();
    caller.post("/rooms/main", json!({})).await.ok();
    sso(&with_key(&kit, &key)).await.ok();
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute() {
    let (kit, clock) = Kit::on_a_clock().await;
    let (app, caller) = app(&kit, json!(["*"])).await;
    let path = format!("/api_apps/{app}");
    let key = kit.admin().post(&format!("{path}/keys"), json!({})).await.data();
    let last = async || {
        let app = kit.admin().get(&path).await.data();
        (app["keys"][0]["last_used"].as_i64(), app["tokens"][0]["last_used"].as_i64())
    };
    assert_eq!(last().await, (None, None));
    caller.get("/visits").await.ok();
    sso(&with_key(&kit, &key)).await.ok();
    flush_uses(&kit.app, false).await.unwrap();
    let first = clock.now().seconds();
    assert_eq!(last().await, (Some(first), Some(first)));

    clock.advance_seconds(59);
    caller.get("/visits").await.ok();
    flush_uses(&kit.app, false).await.unwrap();
    assert_eq!(last().await.1, Some(first), "within the minute nothing is written");
    clock.advance_seconds(1);
    caller.get("/visits").await.ok();
    flush_uses(&kit.app, false).await.unwrap();
    assert_eq!(last().await, (Some(first), Some(first + 60)));
    // A refused secret is no use of the key.
    clock.advance_seconds(600);
    sso(&with_key(&kit, &key).header("X-ApiSecret", "wrong")).await.refused(401, "api_secret_invalid");
    flush_uses(&kit.app, true).await.unwrap();
    assert_eq!(last().await.0, Some(first));
}

#[tokio::test]
async fn a_server_that_stops_writes_the_last_uses() {
    let mut kit = Kit::start().await;
    let app = first(&kit).await;
    sso(&kit.portal()).await.ok();
    kit.restart(&[]).await;
    let app = kit.admin().get(&format!("/api_apps/{app}")).await.data();
    assert!(app["keys"][0]["last_used"].is_i64() && app["tokens"][0]["last_used"].is_i64(), "{app}");
}

#[tokio::test]
async fn there_is_an_end_to_keys_and_apps() {
    let kit = Kit::start().await;
    let (app, _) = app(&kit, json!(["*"])).await;
    let path = format!("/api_apps/{app}/keys");
    let tries = (0..16).map(|_| {
        let (admin, path) = (kit.admin(), path.clone());
        tokio::spawn(async move { admin.post(&path, json!({})).await })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        let answer = one.await.unwrap();
        if answer.status == 200 {
            made += 1;
        } else {
            answer.refused(400, "too_many_keys");
        }
    }
    assert_eq!(made, 10, "also of many that ask at once");
}

#[tokio::test]
async fn another_clinic_sees_nothing_of_it() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    let (app, _) = app(&kit, json!(["*"])).await;
    let one = token(&kit, &app, json!({ "name": "one" })).await;
    let key = kit.admin().post(&format!("/api_apps/{app}/keys"), json!({})).await.data();
    let stranger = kit.admin_of(&other);
    let path = format!("/api_apps/{app}");
    assert!(!stranger.get("/api_apps").await.ok().text.contains(&app));
    stranger.get(&path).await.refused(404, "api_app_not_found");
    stranger.post(&path, json!({ "name": "x" })).await.refused(404, "api_app_not_found");
    stranger.post(&format!("{path}/keys"), json!({})).await.refused(404, "api_app_not_found");
    stranger.post(&format!("{path}/tokens"), json!({ "name": "x" })).await.refused(404, "api_app_not_found");
    delete(&stranger, &format!("{path}/keys/{}", id(&key))).await.refused(404, "api_key_not_found");
    delete(&stranger, &format!("{path}/tokens/{}", id(&one))).await.refused(404, "admin_token_not_found");
    delete(&stranger, &path).await.refused(404, "api_app_not_found");
    kit.bearer(one["token"].as_str().unwrap()).get("/visits").await.ok();
    sso(&with_key(&kit, &key)).await.ok();
}
