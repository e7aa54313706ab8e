//! The signalling door: fresh tokens for those inside, resumes, message sizes.

use bedside_tests::kit::Kit;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use prost::Message as _;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn pass(kit: &Kit) -> Value {
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    patient.act(&visit, "call").await.data()
}

async fn open(url: &str, token: &str, more: &str) -> Socket {
    connect_async(format!("{url}/rtc?access_token={token}&protocol=16{more}")).await.expect("let in").0
}

/// The next response; none when the connection is closed.
async fn next(socket: &mut Socket) -> Option<Response> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message {
            return lk::SignalResponse::decode(bytes).expect("a signal response").message;
        }
    }
    None
}

/// Answers the first offer, so that there is something to resume.
async fn settle(socket: &mut Socket) -> String {
    let Some(Response::Join(join)) = next(socket).await else { panic!("no join response") };
    let Some(Response::Offer(offer)) = next(socket).await else { panic!("no offer") };
    let mut rtc = str0m::Rtc::new(std::time::Instant::now());
    let parsed = str0m::change::SdpOffer::from_sdp_string(&offer.sdp).unwrap();
    let answer = rtc.sdp_api().accept_offer(parsed).unwrap();
    let answer = lk::SessionDescription {
        r#type: "answer".to_owned(),
        sdp: answer.to_sdp_string(),
        id: offer.id,
        ..Default::default()
    };
    let request = lk::SignalRequest { message: Some(lk::signal_request::Message::Answer(answer)) };
    socket.send(Message::binary(request.encode_to_vec())).await.unwrap();
    join.participant.unwrap().sid
}

#[tokio::test]
async fn who_is_inside_gets_a_fresh_token_and_resumes_with_it() {
    let kit = Kit::start().await;
    let pass = pass(&kit).await;
    let url = pass["url"].as_str().unwrap();
    let mut socket = open(url, pass["token"].as_str().unwrap(), "").await;
    let sid = settle(&mut socket).await;
    let fresh = loop {
        match next(&mut socket).await.expect("the connection stays") {
            Response::RefreshToken(token) => break token,
            _ => continue,
        }
    };
    drop(socket);
    let mut socket = open(url, &fresh, &format!("&reconnect=1&sid={sid}")).await;
    assert!(matches!(next(&mut socket).await, Some(Response::Reconnect(_))));
}

#[tokio::test]
async fn an_unknown_session_is_sent_to_join_anew() {
    let kit = Kit::start().await;
    let pass = pass(&kit).await;
    let token = pass["token"].as_str().unwrap();
    let mut socket = open(pass["url"].as_str().unwrap(), token, "&reconnect=1&sid=PA_nobody").await;
    let Some(Response::Leave(leave)) = next(&mut socket).await else { panic!("no leave") };
    assert_eq!(leave.action(), lk::leave_request::Action::Reconnect);
    assert!(next(&mut socket).await.is_none());
}

#[tokio::test]
async fn an_oversized_message_closes_the_connection() {
    let kit = Kit::start().await;
    let pass = pass(&kit).await;
    let mut socket = open(pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap(), "").await;
    settle(&mut socket).await;
    // The door may hang up while this is still being written.
    let _ = socket.send(Message::binary(vec![0; 300 * 1024])).await;
    while next(&mut socket).await.is_some() {}
}
