//! Cards and the card processor: nothing of money where there is none, tokens
//! and never numbers, messages that are signed, fresh and heard once.

use aws_lc_rs::hmac;
use bedside_tests::kit::{Answer, Kit};
use serde_json::{Value, json};

/// The secret of the processor's messages in these tests.
pub const SECRET: &str = "a secret of the processor's";
/// Settings with the processor of tests.
pub const TEST: &[(&str, &str)] = &[("billing.kind", "test"), ("billing.webhook_secret", SECRET)];

/// A test clinic that takes money, with a clock of its own.
pub async fn clinic() -> (Kit, bedside_app::Clock) {
    let (mut kit, clock) = Kit::on_a_clock_with(TEST).await;
    kit.clinic = kit.test_clinic("lab").await;
    (kit, clock)
}

/// A message of the processor, signed at a time.
pub async fn tell(kit: &Kit, at: i64, message: &Value) -> Answer {
    let body = message.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let client = kit.anonymous().header("X-Billing-Signature", &format!("t={at},v1={hex}"));
    client.post("/billing/webhook", message.clone()).await
}

#[tokio::test]
async fn a_clinic_without_a_processor_never_sees_money() {
    for settings in [&[][..], TEST] {
        // The processor of tests serves no live clinic, either.
        let kit = Kit::with(settings).await;
        kit.room("main").await;
        let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &["main"]).await);
        let found = patient.client.get("/billing/settings?room_code=main").await.data();
        assert_eq!(found, json!({ "enabled": false, "kind": "off", "stripe": null }));
        let visit = patient.walk_in("main").await;
        doctor.act(&visit, "accept").await.ok();
        patient
            .client
            .post("/billing/sources", json!({ "token": "tok_visa" }))
            .await
            .refused(400, "billing_off");
        patient.client.get("/billing/sources").await.refused(400, "billing_off");
        let item = json!({ "name": "Blood test", "unit_price": "12.50" });
        let path = format!("/visits/{}/invoice", visit.id);
        doctor.client.post(&format!("{path}/items"), item).await.refused(400, "billing_off");
        doctor.client.post(&format!("{path}/charge"), json!({})).await.refused(400, "billing_off");
        doctor.client.get(&path).await.refused(404, "invoice_not_found");
        kit.admin().get("/promo_codes").await.refused(400, "billing_off");
        assert_eq!(doctor.visit(&visit).await.data()["status"], "25", "nothing was completed");
    }
}

#[tokio::test]
async fn cards_are_tokens_and_never_numbers() {
    let (kit, _) = clinic().await;
    kit.room("main").await;
    let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &["main"]).await);
    let found = patient.client.get("/billing/settings").await.data();
    assert_eq!((&found["enabled"], &found["stripe"]["publishable_key"]), (&json!(true), &json!("pk_test")));
    for number in ["4242424242424242", "4242 4242 4242 4242", "3782-822463-10005"] {
        let refused = patient.client.post("/billing/sources", json!({ "token": number })).await;
        assert!(!refused.text.contains(number));
        assert!(refused.refused(400, "invalid_field")["fields"]["token"].is_string());
    }
    patient
        .client
        .post("/billing/sources", json!({ "token": "tok_nobody" }))
        .await
        .refused(400, "card_refused");
    let add = async |token: &str, query: &str| {
        let body = json!({ "type": "card", "token": token });
        patient.client.post(&format!("/billing/sources{query}"), body).await
    };
    let here = format!("?room_code=main&provider_id={}", doctor.id);
    let first = add("tok_visa", &here).await.data();
    assert_eq!(
        first,
        json!({ "id": first["id"], "type": "card", "brand": "visa", "country": "US", "exp_month": 12,
            "exp_year": 2040, "funding": "credit", "last4": "4242", "name": "Test Card", "is_default": true })
    );
    let second = add("tok_mastercard", "").await.data();
    assert_eq!(second["is_default"], false);
    add("tok_visa", "?room_code=nowhere").await.refused(400, "invalid_field");
    add("tok_visa", &format!("?provider_id={}", patient.id)).await.refused(400, "invalid_field");
    let elsewhere = kit.provider("d-2", &[]).await;
    let wrong = format!("?room_code=main&provider_id={}", elsewhere.id);
    add("tok_visa", &wrong).await.refused(400, "invalid_field");
    let path = |card: &Value| format!("/billing/sources/{}", card["id"].as_str().unwrap());
    let put = patient.client.request(reqwest::Method::PUT, &path(&second));
    assert_eq!(bedside_tests::kit::Client::send(put).await.data()["is_default"], true);
    let listed = patient.client.get("/billing/sources").await.data();
    let defaults: Vec<_> = listed.as_array().unwrap().iter().map(|card| card["is_default"].clone()).collect();
    assert_eq!(defaults, [json!(false), json!(true)]);
    let delete = patient.client.request(reqwest::Method::DELETE, &path(&second));
    assert_eq!(bedside_tests::kit::Client::send(delete).await.data(), json!([]));
    assert_eq!(patient.client.get(&path(&first)).await.data()["is_default"], true);
    patient.client.get(&path(&second)).await.refused(404, "card_not_found");
    kit.patient("tom").await.client.get(&path(&first)).await.refused(404, "card_not_found");
}

#[tokio::test]
async fn messages_are_signed_fresh_and_heard_once() {
    let (kit, clock) = clinic().await;
    let now = clock.now().seconds();
    let data = json!({ "account_code": "lab", "payment_id": "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44" });
    let message = json!({ "id": "evt_1", "type": "charge.succeeded", "data": data });
    tell(&kit, now, &message).await.ok();
    tell(&kit, now - 301, &message).await.refused(400, "webhook_too_old");
    tell(&kit, now + 301, &message).await.refused(400, "webhook_too_old");
    let bare = kit.anonymous();
    bare.post("/billing/webhook", message.clone()).await.refused(400, "webhook_signature_wrong");
    for signature in [format!("t={now},v1={}", "0".repeat(64)), "t=x,v1=".to_owned(), format!("t={now}")] {
        let client = bare.header("X-Billing-Signature", &signature);
        client.post("/billing/webhook", message.clone()).await.refused(400, "webhook_signature_wrong");
    }
    tell(&kit, now, &json!({ "id": "evt_2" })).await.refused(400, "webhook_unreadable");
    let live = json!({ "account_code": "northside", "payment_id": "x" });
    let other = json!({ "id": "evt_3", "type": "charge.succeeded", "data": live });
    tell(&kit, now, &other).await.refused(400, "billing_off");
}
