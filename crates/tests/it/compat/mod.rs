//! The documented workflows, as clients of the VSee Clinic API v3 play them:
//! in all three encodings, with and without `.json`, with all four headers on
//! every call (contract core.md 7).

mod page;
mod shapes;
mod workflows;

use bedside_tests::kit::{Answer, Client, Kit};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Json,
    Form,
    Multipart,
}

async fn post(client: &Client, path: &str, fields: &[(&str, &str)], encoding: Encoding) -> Answer {
    match encoding {
        Encoding::Form => client.form(path, fields).await,
        Encoding::Multipart => client.multipart(path, fields).await,
        Encoding::Json => {
            let body: serde_json::Map<String, Value> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            client.post(path, Value::Object(body)).await
        }
    }
}

/// P2: single sign-on, intake, walk-in, redirect to the visit's page.
async fn p2(kit: &Kit, encoding: Encoding, suffix: &str) {
    let portal = kit.portal();
    let code = format!("P2-{encoding:?}-{suffix}");
    let fields = [
        ("first_name", "Maria"),
        ("last_name", "Santos"),
        ("type", "200"),
        ("code", &code),
        ("dob", "1980-02-29"),
    ];
    let user = post(&portal, &format!("/users/sso{suffix}"), &fields, encoding).await.data();
    let token = user["token"]["token"].as_str().expect("data.token.token");
    assert_eq!(token.len(), 32);
    assert_eq!((user["code"].as_str(), user["dob"].as_str()), (Some(&*code), Some("1980-02-29")));

    // Real clients send all four headers on every call.
    let all = portal.header("X-ApiToken", token);
    let fields = [("reason_for_visit", "Cough"), ("room_code", "main"), ("type", "1"), ("custom", "x")];
    let intake = post(&all, &format!("/intakes{suffix}"), &fields, encoding).await.data();
    let id = intake["id"].as_str().expect("data.id");
    assert_eq!((id.len(), &intake["custom"]), (36, &json!("x")));

    let fields = [("intake_id", id), ("room_code", "main"), ("member_id", user["id"].as_str().unwrap())];
    let visit = post(&all, &format!("/visits/add_walkin{suffix}"), &fields, encoding).await.data();
    assert_eq!((visit["status"].as_str(), visit["type"].as_str()), (Some("10"), Some("1")));
    assert!(visit["meeting"]["meeting_id"].is_string());
    let id = visit["id"].as_str().unwrap();
    assert!(id.bytes().all(|b| b.is_ascii_digit()));

    let auth = format!("//auth?sso_token={token}&next=/visits/start/{id}&disable_navigation=1");
    let arrived = kit.anonymous().get(&auth).await;
    assert_eq!(arrived.status, 303);
    assert_eq!(arrived.headers["location"], format!("/visits/start/{id}"));
    assert_eq!(all.get(&format!("/visits/{id}{suffix}")).await.data()["id"], id);
}

#[tokio::test]
async fn p2_in_every_encoding_with_and_without_the_suffix() {
    let kit = Kit::start().await;
    kit.room("main").await;
    for encoding in [Encoding::Json, Encoding::Form, Encoding::Multipart] {
        for suffix in ["", ".json"] {
            p2(&kit, encoding, suffix).await;
        }
    }
}

#[tokio::test]
async fn a1_the_clinic_token_walks_a_patient_in() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let all = kit.portal().header("X-ApiToken", &kit.clinic.admin_token);
    let intake =
        all.post("/intakes", json!({ "member_id": patient.id, "room_code": room, "type": 1 })).await.data();
    let body = json!({ "intake_id": intake["id"], "room_code": room, "provider_id": provider.id });
    let visit = all.post("/visits/add_walkin", body).await.data();
    assert!(visit["meeting"]["meeting_id"].is_string());
    assert_eq!(
        (visit["member_id"].as_str(), visit["provider_id"].as_str()),
        (Some(&*patient.id), Some(&*provider.id))
    );
}

#[tokio::test]
async fn v2_a_provider_gets_a_room_of_their_own() {
    let kit = Kit::start().await;
    let provider = kit.provider("d-1", &[]).await;
    let room = json!({ "domain": "northside.example", "slug": "dr-one", "name": "Dr One" });
    let made = kit.admin().post("/rooms", room.clone()).await.data();
    // The documented way to say that it is there already: 400.
    kit.admin().post("/rooms", room).await.refused(400, "room_exists");
    let path = format!("/users/{}/rooms", provider.id);
    for _ in 0..2 {
        let rooms = kit.admin().form(&path, &[("room_codes[]", made["code"].as_str().unwrap())]).await.data();
        assert_eq!(rooms["rooms"][0]["slug"], "dr-one");
    }
    let auth = format!("//auth?sso_token={}", provider.token);
    assert_eq!(kit.anonymous().get(&auth).await.headers["location"], "/providers/dashboard");
}

#[tokio::test]
async fn every_prefix_and_an_empty_account_code_work() {
    let kit = Kit::start().await;
    let patient = kit.patient("maria").await;
    let bare = patient.client.header("X-AccountCode", "");
    for prefix in ["api_v3", "vc/next/api_v3", "vc/stable/api_v3"] {
        assert_eq!(bare.get(&format!("//{prefix}/users/-.json")).await.data()["id"], patient.id);
    }
}
