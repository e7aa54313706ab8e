//! Whoever has a visit mutes people in its call and takes them out of it.

use bedside_tests::kit::{Kit, Person, Visit};
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use lk::signal_request::Message as Request;
use lk::signal_response::Message as Response;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// A client that only signals.
pub struct Signaller(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Signaller {
    pub async fn enter(pass: &Value) -> Self {
        let (url, token) = (pass["url"].as_str().unwrap(), pass["token"].as_str().unwrap());
        let url = format!("{url}/rtc?access_token={token}&protocol=16");
        Self(connect_async(url).await.expect("let in").0)
    }

    pub async fn send(&mut self, request: Request) {
        let request = lk::SignalRequest { message: Some(request) };
        self.0.send(Message::binary(request.encode_to_vec())).await.expect("sent");
    }

    /// The first response that is looked for; panics when the connection ends.
    pub async fn until<T>(&mut self, look: impl Fn(Response) -> Option<T>) -> T {
        let limit = std::time::Duration::from_secs(20);
        let found = tokio::time::timeout(limit, async {
            while let Some(Ok(message)) = self.0.next().await {
                if let Message::Binary(bytes) = message
                    && let Some(response) = lk::SignalResponse::decode(bytes).expect("a response").message
                    && let Some(found) = look(response)
                {
                    return found;
                }
            }
            panic!("the connection ended");
        });
        found.await.expect("in time")
    }

    /// Announces a microphone; its sid.
    pub async fn microphone(&mut self) -> String {
        let track = lk::AddTrackRequest {
            cid: "mic".to_owned(),
            r#type: lk::TrackType::Audio as i32,
            source: lk::TrackSource::Microphone as i32,
            ..Default::default()
        };
        self.send(Request::AddTrack(track)).await;
        let sid = |response| match response {
            Response::TrackPublished(published) => Some(published.track.unwrap().sid),
            _ => None,
        };
        self.until(sid).await
    }

    pub async fn reason_of_leaving(&mut self) -> lk::DisconnectReason {
        let leave = |response| match response {
            Response::Leave(leave) => Some(leave.reason()),
            _ => None,
        };
        self.until(leave).await
    }
}

async fn running(kit: &Kit) -> (Person, Person, Visit) {
    let room = kit.room("main").await;
    let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &[&room]).await);
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    (patient, provider, visit)
}

#[tokio::test]
async fn the_provider_mutes_and_removes_a_patient_who_may_come_again() {
    let kit = Kit::start().await;
    let (patient, provider, visit) = running(&kit).await;
    let path = |verb: &str| format!("/visits/{}/call/{verb}", visit.id);
    let identity = format!("user-{}", patient.id);
    let whom = json!({ "identity": identity });
    provider.client.post(&path("mute"), whom.clone()).await.refused(404, "call_peer_not_found");

    let mut inside = Signaller::enter(&patient.act(&visit, "call").await.data()).await;
    let sid = inside.microphone().await;
    let muted = provider.client.post(&path("mute"), whom.clone()).await.data();
    assert_eq!(muted, 1);
    let told = inside
        .until(|response| match response {
            Response::Mute(mute) => Some((mute.sid, mute.muted)),
            _ => None,
        })
        .await;
    assert_eq!(told, (sid.clone(), true));
    let one = json!({ "identity": identity, "track": sid });
    assert_eq!(provider.client.post(&path("mute"), one).await.data(), 1);
    let none = json!({ "identity": identity, "track": "TR_nothing" });
    provider.client.post(&path("mute"), none).await.refused(404, "call_peer_not_found");
    provider.client.post(&path("mute"), json!({ "identity": "Maria" })).await.refused(400, "invalid_field");
    patient.client.post(&path("mute"), whom.clone()).await.refused(403, "not_allowed");

    provider.client.post(&path("remove"), whom).await.ok();
    assert_eq!(inside.reason_of_leaving().await, lk::DisconnectReason::ParticipantRemoved);
    patient.act(&visit, "call").await.ok();
}

#[tokio::test]
async fn a_guest_who_is_removed_is_turned_away() {
    let kit = Kit::start().await;
    let (_, provider, visit) = running(&kit).await;
    let wish = json!({ "code": visit.body["code"], "name": "Tom", "role": "family" });
    let place = kit.anonymous().post("/visits/join", wish).await.data();
    let guest = kit.bearer(place["token"]["token"].as_str().unwrap());
    let admit = format!("/visits/{}/guests/{}/admit", visit.id, place["id"].as_str().unwrap());
    provider.client.post(&admit, json!({})).await.ok();
    let call = format!("/visits/{}/call", visit.id);
    let mut inside = Signaller::enter(&guest.post(&call, json!({})).await.data()).await;
    let identity = inside
        .until(|response| match response {
            Response::Join(join) => Some(join.participant.unwrap().identity),
            _ => None,
        })
        .await;
    provider.client.post(&format!("{call}/remove"), json!({ "identity": identity })).await.ok();
    assert_eq!(inside.reason_of_leaving().await, lk::DisconnectReason::ParticipantRemoved);
    guest.post(&call, json!({})).await.refused(403, "guest_declined");
}
