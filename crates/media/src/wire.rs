//! LiveKit's messages that need more than a struct literal.

use livekit_protocol as lk;
use lk::signal_response::Message as Response;

/// Signal protocol that this node speaks, as told to clients.
const PROTOCOL: i32 = 16;
/// Server version that clients check for features; 1.9 has neither data
/// tracks nor the one-connection mode as a must.
const VERSION: &str = "1.9.0";

/// Seconds between a client's pings, and how long it waits for the answer.
pub(crate) const PING_INTERVAL_S: i32 = 5;
pub(crate) const PING_TIMEOUT_S: i32 = 15;

pub(crate) fn update(participants: Vec<lk::ParticipantInfo>) -> Response {
    Response::Update(lk::ParticipantUpdate { participants })
}

pub(crate) fn leave(reason: lk::DisconnectReason, action: lk::leave_request::Action) -> Response {
    Response::Leave(lk::LeaveRequest {
        // Clients before protocol 13 read only this field.
        can_reconnect: action != lk::leave_request::Action::Disconnect,
        reason: reason as i32,
        action: action as i32,
        regions: None,
    })
}

pub(crate) fn refused(
    request_id: u32,
    reason: lk::request_response::Reason,
    message: &str,
    request: Option<lk::request_response::Request>,
) -> Response {
    Response::RequestResponse(lk::RequestResponse {
        request_id,
        reason: reason as i32,
        message: message.to_owned(),
        request,
    })
}

pub(crate) fn offer(
    id: u32,
    sdp: String,
    mid_to_track_id: std::collections::HashMap<String, String>,
) -> Response {
    Response::Offer(lk::SessionDescription { r#type: "offer".to_owned(), sdp, id, mid_to_track_id })
}

pub(crate) fn server_info(node_id: &str) -> lk::ServerInfo {
    lk::ServerInfo {
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        node_id: node_id.to_owned(),
        ..Default::default()
    }
}

/// Codecs that peers may publish, in order of preference.
pub(crate) fn codecs() -> Vec<lk::Codec> {
    ["audio/opus", "audio/red", "video/VP8", "video/H264", "video/VP9", "video/AV1"]
        .map(|mime| lk::Codec { mime: mime.to_owned(), ..Default::default() })
        .to_vec()
}

/// The first message of a session: who is there, and how to connect.
pub(crate) fn join(
    room: lk::Room,
    participant: lk::ParticipantInfo,
    others: Vec<lk::ParticipantInfo>,
    node_id: &str,
    single: bool,
) -> Response {
    Response::Join(lk::JoinResponse {
        room: Some(room),
        participant: Some(participant),
        other_participants: others,
        server_version: VERSION.to_owned(),
        // With one connection, that one is the publisher's.
        subscriber_primary: !single,
        ping_timeout: PING_TIMEOUT_S,
        ping_interval: PING_INTERVAL_S,
        server_info: Some(server_info(node_id)),
        enabled_publish_codecs: codecs(),
        fast_publish: !single,
        ..Default::default()
    })
}

/// The encoded `SignalResponse` that gives a client a fresh join token, for
/// the door to send before the old one expires.
pub fn refresh_token(token: String) -> bytes::Bytes {
    crate::env::encode(Response::RefreshToken(token))
}
