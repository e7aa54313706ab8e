//! Endpoints: where people can be reached, as portals and pages keep them.

use bedside_tests::kit::Kit;
use serde_json::{Value, json};

const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

#[tokio::test]
async fn everybody_keeps_their_own_and_the_same_key_is_one() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let tom = kit.patient("tom").await;
    let sent = maria.client.form("/endpoints", &[("key", "maria@example.org"), ("type", "10")]).await.data();
    assert_eq!(
        (&sent["key"], &sent["type"], &sent["user_id"]),
        (&json!("maria@example.org"), &json!(10), &json!(maria.id))
    );
    assert!(sent["id"].is_string() && sent["created"].is_i64() && sent["modified"].is_i64());
    assert!(sent.get("arn").is_none(), "only push endpoints have one");
    let token =
        json!({ "key": "0f744707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bbad78", "type": 30 });
    let device = maria.client.post("/endpoints", token.clone()).await.data();
    assert_eq!(device["arn"], "");
    let again = maria.client.post("/endpoints", token.clone()).await.data();
    assert_eq!(again["id"], device["id"]);
    // The same device under another login is another endpoint.
    assert_ne!(tom.client.post("/endpoints", token).await.data()["id"], device["id"]);

    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = maria.client.get("/endpoints").await.data();
    assert_eq!(ids(&all), [sent["id"].as_str().unwrap(), device["id"].as_str().unwrap()]);
    assert_eq!(maria.client.get("/endpoints?type=").await.data(), all, "empty is all kinds");
    assert_eq!(ids(&maria.client.get("/endpoints?type=30").await.data()), [device["id"].as_str().unwrap()]);
    maria.client.get("/endpoints?type=31").await.refused(400, "invalid_field");

    let path = format!("/endpoints/{}", device["id"].as_str().unwrap());
    assert_eq!(maria.client.get(&path).await.data(), device);
    tom.client.get(&path).await.refused(404, "endpoint_not_found");
    let gone = Client::delete(&tom, &path).await;
    gone.refused(404, "endpoint_not_found");
    assert_eq!(Client::delete(&maria, &path).await.data(), json!({ "id": device["id"] }));
    maria.client.get(&path).await.refused(404, "endpoint_not_found");
}

#[tokio::test]
async fn what_cannot_be_reached_is_refused_by_name_and_there_is_a_limit() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    for (body, field) in [
        (json!({ "key": "maria", "type": 10 }), "key"),
        (json!({ "key": "030 1234567", "type": 20 }), "key"),
        (json!({ "key": "", "type": 30 }), "key"),
        (json!({ "key": "a\u{0}b", "type": 40 }), "key"),
        (json!({ "key": "https://push.example/1", "type": 50, "auth": AUTH }), "p256dh"),
        (json!({ "key": "https://push.example/1", "type": 50, "p256dh": P256DH, "auth": "x" }), "auth"),
        (json!({ "key": "x", "type": 60 }), "type"),
        (json!({ "type": 10 }), "key"),
    ] {
        let refused = maria.client.post("/endpoints", body.clone()).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{body}: {refused}");
    }
    let push = json!({ "key": "https://push.example/1", "type": 50, "p256dh": P256DH, "auth": AUTH });
    maria.client.post("/endpoints", push).await.ok();
    for n in 1..20 {
        let body = json!({ "key": format!("+4930123456{n:02}"), "type": 20 });
        maria.client.post("/endpoints", body).await.ok();
    }
    let more = json!({ "key": "one@example.org", "type": 10 });
    maria.client.post("/endpoints", more).await.refused(400, "too_many_endpoints");
    // One that is there may be sent again.
    maria.client.post("/endpoints", json!({ "key": "+493012345601", "type": 20 })).await.ok();
}

#[tokio::test]
async fn the_key_of_web_push_outlives_a_restart() {
    let mut kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let key = maria.client.get("/endpoints/push_key").await.data();
    assert_eq!(key["key"].as_str().unwrap().len(), 87, "65 bytes, base64url");
    kit.restart(&[]).await;
    let again = kit.bearer(&maria.token).get("/endpoints/push_key").await.data();
    assert_eq!(again, key);
}

/// A DELETE, which the kit's client has no word for.
struct Client;

impl Client {
    async fn delete(person: &bedside_tests::kit::Person, path: &str) -> bedside_tests::kit::Answer {
        let request = person.client.request(reqwest::Method::DELETE, path);
        bedside_tests::kit::Client::send(request).await
    }
}
