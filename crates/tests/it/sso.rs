//! Single sign-on: who gets in, as whom, and how each refusal differs.

use std::collections::BTreeSet;

use bedside_app::{Actor, accounts};
use bedside_model::AccountId;
use bedside_store::{accounts::find_by_code, audit};
use bedside_tests::kit::{Kit, Stream};
use serde_json::{Value, json};

async fn account(kit: &Kit) -> AccountId {
    let mut conn = kit.app.store.reader().await.unwrap();
    find_by_code(&mut conn, &kit.clinic.code).await.unwrap().unwrap().id
}

fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[tokio::test]
async fn a_patient_a_provider_and_a_guest_get_the_documented_answer() {
    let kit = Kit::start().await;
    let body = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m@example.org", "type": 200, "dob": "1980-02-29" });
    let patient = kit.portal().post("/users/sso", body).await.data();
    assert_eq!((&patient["code"], &patient["dob"]), (&json!("m@example.org"), &json!("1980-02-29")));
    assert_eq!(
        (&patient["active"], &patient["tos"], &patient["subtype"]),
        (&json!(true), &json!(false), &json!(""))
    );
    assert!(patient["id"].as_str().unwrap().bytes().all(|b| b.is_ascii_digit()));
    assert!(is_hex(&patient["username"]));
    assert_eq!(patient["vseeid"], format!("northside+{}", patient["username"].as_str().unwrap()));
    let token = &patient["token"];
    assert!(is_hex(&token["token"]) && is_hex(&token["refresh_token"]["token"]));
    assert_eq!((&token["user_id"], &token["refresh_token"]["user_id"]), (&patient["id"], &patient["id"]));
    let created = token["refresh_token"]["created"].as_i64().unwrap();
    assert_eq!(token["expiry"].as_i64().unwrap() - created, 86_400);
    assert_eq!(token["refresh_token"]["expiry"].as_i64().unwrap() - created, 2_592_000);

    let body = json!({ "first_name": "Amara", "last_name": "Osei", "code": "d-1", "type": "400", "username": "osei" });
    let provider = kit.portal().post("/users/sso.json", body).await.data();
    assert_eq!((&provider["type"], &provider["username"]), (&json!(400), &json!("osei")));
    assert_eq!(provider["vseeid"], "northside+osei");
    assert!(provider.get("dob").is_none() && provider.get("vsee").is_none());

    let fields = [("first_name", "Gus"), ("last_name", "Guest"), ("type", "600"), ("disable_emails", "0")];
    let guest = kit.portal().form("/users/sso", &fields).await.data();
    assert!(is_hex(&guest["code"]));
    let again = kit.portal().multipart("/users/sso", &fields).await.data();
    assert_ne!(again["id"], guest["id"], "each call makes a guest");
}

#[tokio::test]
async fn fields_vsee_adds_the_call_identity() {
    let kit = Kit::start().await;
    let body = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" });
    let data = kit.portal().post("/users/sso?fields=vsee", body).await.data();
    assert_eq!((&data["vsee"]["id"], data["type"].as_i64()), (&data["vseeid"], Some(200)));
    assert!(is_hex(&data["vsee"]["token"]));
}

#[tokio::test]
async fn the_same_code_is_the_same_person_brought_up_to_date() {
    let kit = Kit::start().await;
    let first = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m", "phone": "555-0100", "gender": "female" });
    let first = kit.portal().post("/users/sso", first).await.data();
    let second =
        json!({ "first_name": "Maria", "last_name": "Silva", "code": "m", "email": "m@example.org" });
    let second = kit.portal().post("/users/sso", second).await.data();
    assert_eq!((&first["id"], &first["username"]), (&second["id"], &second["username"]));
    assert_ne!(first["token"]["token"], second["token"]["token"]);
    // Older tokens stay valid, unsent fields stay as they were.
    let me = kit.bearer(first["token"]["token"].as_str().unwrap()).get("/users/-").await.data();
    assert_eq!((&me["full_name"], &me["phone"]), (&json!("Maria Silva"), &json!("555-0100")));
    assert_eq!((&me["gender"], &me["email"]), (&json!(2), &json!("m@example.org")));

    let other = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m", "type": 400 });
    kit.portal().post("/users/sso", other).await.refused(400, "user_type_differs");
    // Somebody else's e-mail address never leads to their account.
    let thief = json!({ "first_name": "Eve", "last_name": "X", "code": "e", "email": "m@example.org" });
    assert_ne!(kit.portal().post("/users/sso", thief).await.data()["id"], first["id"]);
    // Codes are a clinic's own.
    let other = kit.another_clinic("southside").await;
    let there = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m", "type": 400 });
    let there = kit.portal_of(&other).post("/users/sso", there).await.data();
    assert_ne!(there["id"], first["id"]);
}

#[tokio::test]
async fn every_refusal_has_its_own_word() {
    let kit = Kit::start().await;
    let other = kit.another_clinic("southside").await;
    let body = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" });
    let sso = async |client: bedside_tests::kit::Client| client.post("/users/sso", body.clone()).await;
    let portal = kit.portal();
    sso(portal.header("X-AccountCode", "nowhere")).await.refused(404, "account_unknown");
    sso(portal.without("X-ApiKey")).await.refused(401, "api_key_missing");
    sso(portal.header("X-ApiKey", "f00")).await.refused(401, "api_key_invalid");
    sso(portal.header("X-ApiKey", &other.api_key)).await.refused(401, "api_key_invalid");
    sso(portal.without("X-ApiSecret")).await.refused(401, "api_secret_missing");
    sso(portal.header("X-ApiSecret", " ")).await.refused(401, "api_secret_missing");
    sso(portal.header("X-ApiSecret", &other.api_secret)).await.refused(401, "api_secret_invalid");
    sso(portal.without("X-AccountCode")).await.ok();
    sso(portal.header("X-AccountCode", "")).await.ok();
    // A token beside the key is not looked at, however old.
    sso(portal.header("X-ApiToken", "0123456789abcdef0123456789abcdef")).await.ok();

    let actor = Actor::system(account(&kit).await);
    accounts::update_sso(&kit.app, &actor, true, false).await.unwrap();
    sso(portal.without("X-ApiSecret")).await.ok();
    sso(portal.header("X-ApiSecret", "wrong")).await.refused(401, "api_secret_invalid");
    accounts::update_sso(&kit.app, &actor, false, true).await.unwrap();
    sso(portal).await.refused(403, "sso_disabled");
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let kit = Kit::start().await;
    let good = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m", "type": 200 });
    let cases = [
        ("first_name", Value::Null),
        ("first_name", json!("  ")),
        ("last_name", json!("")),
        ("code", json!("")),
        ("code", json!("x".repeat(129))),
        ("type", json!(100)),
        ("type", json!(160)),
        ("type", json!("patient")),
        ("dob", json!("29.2.1980")),
        ("dob", json!("1981-02-29")),
        ("email", json!("nobody")),
        ("gender", json!("x")),
        ("username", json!("two words")),
        ("disable_emails", json!("perhaps")),
        ("first_name", json!(["Maria"])),
        ("last_name", json!("x".repeat(101))),
        ("city", json!({ "name": "Springfield" })),
    ];
    for (field, value) in cases {
        let mut body = good.clone();
        body[field] = value.clone();
        let refused = kit.portal().post("/users/sso", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field} = {value}: {refused}");
    }
    let mut taken = good.clone();
    taken["username"] = json!("maria");
    kit.portal().post("/users/sso", taken.clone()).await.ok();
    taken["code"] = json!("somebody-else");
    let refused = kit.portal().post("/users/sso", taken).await.refused(400, "invalid_field");
    assert!(refused["fields"]["username"].is_string());
}

#[tokio::test]
async fn of_many_calls_for_one_code_one_makes_the_user() {
    let kit = Kit::start().await;
    let body = json!({ "first_name": "Maria", "last_name": "Santos", "code": "m" });
    let calls = (0..24).map(|_| {
        let (portal, body) = (kit.portal(), body.clone());
        tokio::spawn(async move { portal.post("/users/sso", body).await.data()["id"].clone().to_string() })
    });
    let mut ids = BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        ids.insert(call.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_new_user_is_an_event_and_an_entry() {
    let kit = Kit::start().await;
    let mut stream = Stream::open(&kit.admin()).await;
    let patient = kit.patient("m").await;
    let frame = stream.next_of("user.created").await;
    assert_eq!(frame.data["user_id"], patient.id.as_str());
    assert!(!frame.data.to_string().contains("Maria"), "no names in events");
    let mut conn = kit.app.store.reader().await.unwrap();
    let account = account(&kit).await;
    for action in ["users.add", "users.sso"] {
        assert_eq!(audit::count(&mut conn, &account, action, &patient.id).await.unwrap(), 1, "{action}");
    }
}
