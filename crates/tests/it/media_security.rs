//! Who gets to a call at all: what the signalling door checks of a token that
//! is signed rightly (OWASP ASVS 5, chapter V17; docs/security-calls.md).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bedside_tests::kit::{Kit, Person, Visit};
use livekit_token::{AccessToken, VideoGrants};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::calls::door;

async fn running(kit: &Kit, patient: &str, provider: &str, room: &str) -> (Person, Visit, Value) {
    let room = kit.room(room).await;
    let (patient, provider) = (kit.patient(patient).await, kit.provider(provider, &[&room]).await);
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let pass = patient.act(&visit, "call").await.data();
    (patient, visit, pass)
}

/// A token that only the server itself could have made.
fn signed(kit: &Kit, identity: &str, call: &str) -> String {
    let grants = VideoGrants { room_join: true, room: call.to_owned(), ..Default::default() };
    AccessToken::with_api_key(&kit.app.settings.call_key, &kit.app.settings.call_secret)
        .with_identity(identity)
        .with_grants(grants)
        .to_jwt()
        .unwrap()
}

/// RFC 2104 over SHA-256.
fn hmac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let mut key = [0_u8; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

/// The token of a pass with some claims changed, signed anew.
fn resigned(kit: &Kit, pass: &Value, change: impl FnOnce(&mut Value)) -> String {
    let token = pass["token"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    let body = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = hmac(kit.app.settings.call_secret.as_bytes(), body.as_bytes());
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_token_is_of_one_visit_and_one_person() {
    let kit = Kit::start().await;
    let (ann, _, pass) = running(&kit, "p-1", "d-1", "main").await;
    let (ben, _, other) = running(&kit, "p-2", "d-2", "side").await;
    let colleague = kit.provider("d-3", &[]).await;
    let (mine, theirs) = (pass["meeting_id"].as_str().unwrap(), other["meeting_id"].as_str().unwrap());
    let of = |person: &Person| format!("user-{}", person.id);
    door(&pass, Some(&signed(&kit, &of(&ann), mine))).await.expect("it is hers");
    let strangers =
        [of(&ben), of(&colleague), "user-999999".to_owned(), "root".to_owned(), String::from("user-")];
    for stranger in &strangers {
        assert_eq!(door(&pass, Some(&signed(&kit, stranger, mine))).await.unwrap_err(), 401, "{stranger}");
    }
    assert_eq!(door(&pass, Some(&signed(&kit, &of(&ann), theirs))).await.unwrap_err(), 401);
    assert_eq!(door(&pass, Some(&signed(&kit, &of(&ann), "no such call"))).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_token_that_is_over_opens_nothing() {
    let kit = Kit::start().await;
    let (_, _, pass) = running(&kit, "p-1", "d-1", "main").await;
    let same = resigned(&kit, &pass, |_| {});
    door(&pass, Some(&same)).await.expect("signing anew works");
    let expired = resigned(&kit, &pass, |claims| {
        let exp = claims["exp"].as_i64().unwrap();
        // Ten minutes of life and a minute for clocks that differ.
        claims["exp"] = json!(exp - 720);
    });
    assert_eq!(door(&pass, Some(&expired)).await.unwrap_err(), 401);
    let endless = resigned(&kit, &pass, |claims| drop(claims.as_object_mut().unwrap().remove("exp")));
    assert_eq!(door(&pass, Some(&endless)).await.unwrap_err(), 401);
    // A token that signs nothing.
    let parts: Vec<&str> = pass["token"].as_str().unwrap().split('.').collect();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#), parts[1]);
    assert_eq!(door(&pass, Some(&unsigned)).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_token_without_the_right_to_join_opens_nothing() {
    let kit = Kit::start().await;
    let (_, _, pass) = running(&kit, "p-1", "d-1", "main").await;
    for without in ["roomJoin", "room"] {
        let less = resigned(&kit, &pass, |claims| {
            claims["video"].as_object_mut().unwrap().remove(without).expect("it was there");
        });
        assert_eq!(door(&pass, Some(&less)).await.unwrap_err(), 401, "{without}");
    }
}
