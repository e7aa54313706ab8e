//! Calls: who may enter, when, and what the door accepts.

use bedside_tests::kit::{Kit, Stream};
use futures_util::StreamExt;
use livekit_protocol as lk;
use prost::Message as _;
use serde_json::Value;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// The first message at the signalling door, or the status of its refusal.
pub async fn door(pass: &Value, token: Option<&str>) -> Result<lk::signal_response::Message, u16> {
    let token = token.unwrap_or_else(|| pass["token"].as_str().unwrap());
    let url = format!("{}/rtc?auto_subscribe=1&protocol=16", pass["url"].as_str().unwrap());
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
    match connect_async(request).await {
        Ok((mut socket, _)) => loop {
            let message = socket.next().await.expect("a first message").expect("a frame");
            if let Message::Binary(bytes) = message {
                let response = lk::SignalResponse::decode(bytes).expect("a signal response");
                return Ok(response.message.expect("something"));
            }
        },
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_call_opens_with_the_visit_and_closes_with_it() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (patient, stranger) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let colleague = kit.provider("d-2", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    patient.act(&visit, "call").await.refused(400, "visit_not_started");
    stranger.act(&visit, "call").await.refused(404, "visit_not_found");
    colleague.act(&visit, "call").await.refused(403, "not_allowed");
    provider.act(&visit, "accept").await.ok();

    let pass = patient.act(&visit, "call").await.data();
    assert!(pass["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"));
    assert_eq!(pass["meeting_id"], visit.body["meeting"]["meeting_id"]);
    colleague.act(&visit, "call").await.refused(403, "not_allowed");
    match door(&pass, None).await.unwrap() {
        lk::signal_response::Message::Join(join) => {
            let me = join.participant.unwrap();
            assert_eq!(me.identity, format!("user-{}", patient.id));
            assert_eq!(me.metadata, r#"{"role":"patient"}"#);
        }
        other => panic!("{other:?}"),
    }

    provider.act(&visit, "complete").await.ok();
    patient.act(&visit, "call").await.refused(400, "visit_closed");
    // The token is still fresh, but the visit is over.
    assert!(matches!(door(&pass, None).await, Err(400..=404)));
}

#[tokio::test]
async fn a_forged_token_opens_nothing() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let pass = patient.act(&visit, "call").await.data();
    assert_eq!(door(&pass, Some("nonsense")).await.unwrap_err(), 401);
    let grants = livekit_token::VideoGrants {
        room_join: true,
        room: pass["meeting_id"].as_str().unwrap().to_owned(),
        ..Default::default()
    };
    let forged = livekit_token::AccessToken::with_api_key("bedside", "not the secret of this server at all")
        .with_identity(&format!("user-{}", patient.id))
        .with_grants(grants)
        .to_jwt()
        .unwrap();
    assert_eq!(door(&pass, Some(&forged)).await.unwrap_err(), 401);
}

#[tokio::test]
async fn every_answer_of_the_door_can_be_read_by_any_page() {
    let kit = Kit::start().await;
    for (path, status) in [
        ("//rtc/validate?access_token=x", 401),
        ("//rtc/v1/validate?access_token=x", 401),
        // Without a join request a newer client takes the older path.
        ("//rtc/v1?access_token=x", 404),
    ] {
        let answer = kit.anonymous().get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
}

#[tokio::test]
async fn completing_ends_the_call_for_everybody() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let mut desk = Stream::open(&provider.client).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let pass = patient.act(&visit, "call").await.data();
    let url = format!(
        "{}/rtc?access_token={}&protocol=16",
        pass["url"].as_str().unwrap(),
        pass["token"].as_str().unwrap()
    );
    let (mut socket, _) = connect_async(url).await.unwrap();
    provider.act(&visit, "complete").await.ok();
    let mut reason = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message
            && let Ok(response) = lk::SignalResponse::decode(bytes)
            && let Some(lk::signal_response::Message::Leave(leave)) = response.message
        {
            reason = Some(leave.reason());
        }
    }
    assert_eq!(reason, Some(lk::DisconnectReason::RoomDeleted));
    desk.next_of("visit.ended").await;
}
