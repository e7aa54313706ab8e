//! LiveKit's server API, RoomService, for programs written against it: in
//! Twirp's two forms, over the calls of this process. Who knocks has a token
//! that is signed with the operator's call key and secret.

mod wire;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, header},
    response::Response,
    routing::post,
};
use bedside_app::{
    App,
    call_rooms::{self, Power},
};
use bedside_media::{Grants, Node, PeerChange};
use livekit_protocol as lk;

use wire::{Fault, Form};

/// Largest request, bytes: data of one message and some names.
const LARGEST: usize = 256 * 1024;

/// The service's routes, at the root of the server.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/twirp/livekit.RoomService/{method}", post(serve))
        .layer(DefaultBodyLimit::max(LARGEST))
}

async fn serve(
    State(app): State<App>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let form = Form::of(&headers)?;
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or_else(|| Fault::new("unauthenticated", "A server token is missing."))?;
    let power = call_rooms::power(&app, token)?;
    let node = app.calls.embedded().map(|embedded| embedded.node().clone());
    let node = node.ok_or_else(|| Fault::new("unavailable", "This server carries no calls itself."))?;
    let service = Service { app, node, power, form };
    match method.as_str() {
        "CreateRoom" => service.create_room(&body).await,
        "ListRooms" => service.list_rooms(&body).await,
        "DeleteRoom" => service.delete_room(&body).await,
        "ListParticipants" => service.list_participants(&body).await,
        "GetParticipant" => service.get_participant(&body).await,
        "RemoveParticipant" => service.remove_participant(&body).await,
        "MutePublishedTrack" => service.mute_published_track(&body).await,
        "UpdateParticipant" => service.update_participant(&body).await,
        "UpdateSubscriptions" => service.update_subscriptions(&body).await,
        "SendData" => service.send_data(&body).await,
        "UpdateRoomMetadata" => service.update_room_metadata(&body).await,
        "ForwardParticipant" | "MoveParticipant" | "PerformRpc" => {
            Err(Fault::new("unimplemented", "A call belongs to one visit; nobody moves between calls."))
        }
        _ => Err(Fault::new("bad_route", "RoomService has no such method.")),
    }
}

/// One request.
struct Service {
    app: App,
    node: Node,
    power: Power,
    form: Form,
}

type Answer = Result<Response, Fault>;

impl Service {
    fn needs(&self, holds: bool) -> Result<(), Fault> {
        let denied = || Fault::new("permission_denied", "This token does not allow that.");
        holds.then_some(()).ok_or_else(denied)
    }

    fn admin(&self, room: &str) -> Result<(), Fault> {
        self.needs(self.power.is_admin_of(room))
    }

    /// The clinic reads in its audit trail what was done.
    async fn did(&self, room: &str, what: &'static str) -> Result<(), Fault> {
        Ok(call_rooms::note(&self.app, room, what).await?)
    }

    /// Calls begin with their visit's first join; this only says how one is.
    async fn create_room(&self, body: &Bytes) -> Answer {
        let request: lk::CreateRoomRequest = self.form.read(body)?;
        self.needs(self.power.create)?;
        if let Some(room) = self.node.rooms(vec![request.name.clone()]).await.pop() {
            return self.form.write(&room);
        }
        if !call_rooms::is_open(&self.app, &request.name).await? {
            let why = "A call is made by its visit, and opens when a provider takes it.";
            return Err(Fault::new("failed_precondition", why));
        }
        self.form.write(&lk::Room { name: request.name, ..Default::default() })
    }

    async fn list_rooms(&self, body: &Bytes) -> Answer {
        let request: lk::ListRoomsRequest = self.form.read(body)?;
        self.needs(self.power.list)?;
        self.form.write(&lk::ListRoomsResponse { rooms: self.node.rooms(request.names).await })
    }

    async fn delete_room(&self, body: &Bytes) -> Answer {
        let request: lk::DeleteRoomRequest = self.form.read(body)?;
        self.needs(self.power.create)?;
        self.node.participants(&request.room).await?;
        self.node.end_call(&request.room).await;
        self.did(&request.room, "call_rooms.end").await?;
        self.form.write(&lk::DeleteRoomResponse {})
    }

    async fn list_participants(&self, body: &Bytes) -> Answer {
        let request: lk::ListParticipantsRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        // As LiveKit has it: nobody is in a call that is not there.
        let participants = self.node.participants(&request.room).await.unwrap_or_default();
        self.form.write(&lk::ListParticipantsResponse { participants })
    }

    async fn get_participant(&self, body: &Bytes) -> Answer {
        let request: lk::RoomParticipantIdentity = self.form.read(body)?;
        self.admin(&request.room)?;
        let everybody = self.node.participants(&request.room).await?;
        let found = everybody.into_iter().find(|peer| peer.identity == request.identity);
        self.form.write(&found.ok_or(bedside_media::NotDone::NotThere)?)
    }

    async fn remove_participant(&self, body: &Bytes) -> Answer {
        let request: lk::RoomParticipantIdentity = self.form.read(body)?;
        self.admin(&request.room)?;
        if !self.node.remove_peer(&request.room, &request.identity).await {
            return Err(bedside_media::NotDone::NotThere.into());
        }
        self.did(&request.room, "call_rooms.remove").await?;
        self.form.write(&lk::RemoveParticipantResponse {})
    }

    async fn mute_published_track(&self, body: &Bytes) -> Answer {
        let request: lk::MuteRoomTrackRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        if !request.muted {
            // LiveKit's own default: nobody opens another's microphone.
            return Err(Fault::new("failed_precondition", "People unmute themselves."));
        }
        let muted = self.node.mute(&request.room, &request.identity, Some(request.track_sid)).await?;
        self.did(&request.room, "call_rooms.mute").await?;
        self.form.write(&lk::MuteRoomTrackResponse { track: muted.into_iter().next() })
    }

    async fn update_participant(&self, body: &Bytes) -> Answer {
        let request: lk::UpdateParticipantRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        let change = PeerChange {
            name: request.name,
            metadata: request.metadata,
            attributes: request.attributes,
            grants: request.permission.as_ref().map(Grants::of_permission),
        };
        let changed = self.node.change_peer(&request.room, &request.identity, change).await?;
        self.did(&request.room, "call_rooms.change").await?;
        self.form.write(&changed)
    }

    async fn update_subscriptions(&self, body: &Bytes) -> Answer {
        let request: lk::UpdateSubscriptionsRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        let wish = lk::UpdateSubscription {
            track_sids: request.track_sids,
            subscribe: request.subscribe,
            participant_tracks: request.participant_tracks,
        };
        self.node.subscribe_peer(&request.room, &request.identity, wish).await?;
        self.did(&request.room, "call_rooms.subscribe").await?;
        self.form.write(&lk::UpdateSubscriptionsResponse {})
    }

    #[expect(deprecated, reason = "older programs name receivers by sid")]
    async fn send_data(&self, body: &Bytes) -> Answer {
        let request: lk::SendDataRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        let everybody = self.node.participants(&request.room).await?;
        let mut receivers = request.destination_identities;
        let by_sid = everybody.into_iter().filter(|peer| request.destination_sids.contains(&peer.sid));
        receivers.extend(by_sid.map(|peer| peer.identity));
        if receivers.is_empty() && !request.destination_sids.is_empty() {
            // Those who are meant have gone; it is not for everybody.
            return self.form.write(&lk::SendDataResponse {});
        }
        let packet = lk::UserPacket {
            payload: request.data,
            topic: request.topic,
            nonce: request.nonce,
            ..Default::default()
        };
        let reliable = request.kind == lk::data_packet::Kind::Reliable as i32;
        self.node.send_data(&request.room, reliable, packet, receivers).await?;
        self.did(&request.room, "call_rooms.send_data").await?;
        self.form.write(&lk::SendDataResponse {})
    }

    async fn update_room_metadata(&self, body: &Bytes) -> Answer {
        let request: lk::UpdateRoomMetadataRequest = self.form.read(body)?;
        self.admin(&request.room)?;
        let described = self.node.describe_call(&request.room, request.metadata).await?;
        self.did(&request.room, "call_rooms.describe").await?;
        self.form.write(&described)
    }
}
