//! Events: facts that happened, written with the change that made them.
//! Payloads carry identifiers and states, never names or free text: a reader
//! fetches what it may see.

use serde::{Deserialize, Serialize};

/// What happened. The wire name is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A visit was created.
    #[serde(rename = "visit.created")]
    VisitCreated,
    /// A visit changed and goes on.
    #[serde(rename = "visit.updated")]
    VisitUpdated,
    /// A visit was completed or cancelled.
    #[serde(rename = "visit.ended")]
    VisitEnded,
    /// Somebody's place in a room's queue changed.
    #[serde(rename = "queue.updated")]
    QueueUpdated,
    /// Somebody entered a visit's call.
    #[serde(rename = "call.peer_joined")]
    CallPeerJoined,
    /// Somebody left a visit's call.
    #[serde(rename = "call.peer_left")]
    CallPeerLeft,
    /// A guest came to a visit's door.
    #[serde(rename = "guest.waiting")]
    GuestWaiting,
    /// A guest was let in.
    #[serde(rename = "guest.admitted")]
    GuestAdmitted,
    /// A guest was turned away.
    #[serde(rename = "guest.declined")]
    GuestDeclined,
    /// A guest has gone.
    #[serde(rename = "guest.left")]
    GuestLeft,
    /// A user was made.
    #[serde(rename = "user.created")]
    UserCreated,
    /// A user, or what the clinic decided about them, changed.
    #[serde(rename = "user.updated")]
    UserUpdated,
    /// A room was made.
    #[serde(rename = "room.created")]
    RoomCreated,
    /// A room, or who works in it, changed.
    #[serde(rename = "room.updated")]
    RoomUpdated,
    /// When somebody can be booked changed: hours, closures, holds.
    #[serde(rename = "slots.updated")]
    SlotsUpdated,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 15] = [
        Self::VisitCreated,
        Self::VisitUpdated,
        Self::VisitEnded,
        Self::QueueUpdated,
        Self::CallPeerJoined,
        Self::CallPeerLeft,
        Self::GuestWaiting,
        Self::GuestAdmitted,
        Self::GuestDeclined,
        Self::GuestLeft,
        Self::UserCreated,
        Self::UserUpdated,
        Self::RoomCreated,
        Self::RoomUpdated,
        Self::SlotsUpdated,
    ];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VisitCreated => "visit.created",
            Self::VisitUpdated => "visit.updated",
            Self::VisitEnded => "visit.ended",
            Self::QueueUpdated => "queue.updated",
            Self::CallPeerJoined => "call.peer_joined",
            Self::CallPeerLeft => "call.peer_left",
            Self::GuestWaiting => "guest.waiting",
            Self::GuestAdmitted => "guest.admitted",
            Self::GuestDeclined => "guest.declined",
            Self::GuestLeft => "guest.left",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::RoomCreated => "room.created",
            Self::RoomUpdated => "room.updated",
            Self::SlotsUpdated => "slots.updated",
        }
    }

    /// The type of a wire name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

/// What an event says beyond the identifiers of its subject. Every field is a
/// code or an identifier; absent ones are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventData {
    /// The visit's status number after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// The visit's version after the change; one visit's events are in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The provider who has the visit, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The patient, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// Who brought the patient, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian_id: Option<String>,
    /// The room that the visit was handed over from, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_room_id: Option<String>,
    /// The user who joined or left the call, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<String>,
    /// The guest's place at the visit, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<String>,
    /// The user's documented type number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_everywhere() {
        for event in EventType::ALL {
            assert_eq!(EventType::parse(event.as_str()), Some(event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }
}
