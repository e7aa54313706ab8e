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
    /// An appointment is over that nobody came to or took.
    #[serde(rename = "visit.missed")]
    VisitMissed,
    /// The patient of a visit, who is away and will be called, is next in line.
    #[serde(rename = "visit.next_in_line")]
    VisitNextInLine,
    /// The provider of a visit runs late.
    #[serde(rename = "visit.late")]
    VisitLate,
    /// Something was written at a visit.
    #[serde(rename = "message.created")]
    MessageCreated,
    /// Somebody has read what was written at a visit.
    #[serde(rename = "message.read")]
    MessageRead,
    /// Somebody's place in a room's queue changed.
    #[serde(rename = "queue.updated")]
    QueueUpdated,
    /// Somebody entered a visit's call.
    #[serde(rename = "call.peer_joined")]
    CallPeerJoined,
    /// Somebody left a visit's call.
    #[serde(rename = "call.peer_left")]
    CallPeerLeft,
    /// Somebody's connection to a visit's call is over, and how it was is known.
    #[serde(rename = "call.quality")]
    CallQuality,
    /// Somebody in a visit's call is asked whether it may be recorded.
    #[serde(rename = "recording.asked")]
    RecordingAsked,
    /// Somebody said whether a call may be recorded.
    #[serde(rename = "recording.answered")]
    RecordingAnswered,
    /// A visit's call is recorded from now on.
    #[serde(rename = "recording.started")]
    RecordingStarted,
    /// A visit's call is recorded no more, and its recording is being put together.
    #[serde(rename = "recording.stopped")]
    RecordingStopped,
    /// A recording can be played.
    #[serde(rename = "recording.ready")]
    RecordingReady,
    /// Nothing came of a recording.
    #[serde(rename = "recording.failed")]
    RecordingFailed,
    /// A recording was deleted.
    #[serde(rename = "recording.deleted")]
    RecordingDeleted,
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
    /// Somebody is asked to interpret at a visit.
    #[serde(rename = "visit.interpreter.asked")]
    VisitInterpreterAsked,
    /// Somebody comes to interpret.
    #[serde(rename = "visit.interpreter.accepted")]
    VisitInterpreterAccepted,
    /// Somebody who was asked to interpret said no.
    #[serde(rename = "visit.interpreter.declined")]
    VisitInterpreterDeclined,
    /// Everybody was asked to interpret, and nobody comes.
    #[serde(rename = "visit.interpreter.not_found")]
    VisitInterpreterNotFound,
    /// No interpreter is needed any more.
    #[serde(rename = "visit.interpreter.cancelled")]
    VisitInterpreterCancelled,
    /// A user was made.
    #[serde(rename = "user.created")]
    UserCreated,
    /// A user, or what the clinic decided about them, changed.
    #[serde(rename = "user.updated")]
    UserUpdated,
    /// Somebody agreed to a document of the clinic.
    #[serde(rename = "user.consent.given")]
    UserConsentGiven,
    /// A room was made.
    #[serde(rename = "room.created")]
    RoomCreated,
    /// A room, or who works in it, changed.
    #[serde(rename = "room.updated")]
    RoomUpdated,
    /// When somebody can be booked changed: hours, closures, holds.
    #[serde(rename = "slots.updated")]
    SlotsUpdated,
    /// A visit's note was begun, changed, signed or added to.
    #[serde(rename = "visit.note.updated")]
    VisitNoteUpdated,
    /// A visit's note was signed and sent.
    #[serde(rename = "visit.note.signed_and_sent")]
    VisitNoteSignedAndSent,
    /// A survey about a visit was answered.
    #[serde(rename = "visit.rated")]
    VisitRated,
    /// A visit's invoice changed.
    #[serde(rename = "visit.invoice.processed")]
    VisitInvoiceProcessed,
    /// A file was added.
    #[serde(rename = "file.created")]
    FileCreated,
    /// A file was deleted.
    #[serde(rename = "file.deleted")]
    FileDeleted,
    /// A webhook endpoint was switched off because it failed for too long, or asked for it.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 41] = [
        Self::VisitCreated,
        Self::VisitUpdated,
        Self::VisitEnded,
        Self::VisitMissed,
        Self::VisitNextInLine,
        Self::VisitLate,
        Self::MessageCreated,
        Self::MessageRead,
        Self::QueueUpdated,
        Self::CallPeerJoined,
        Self::CallPeerLeft,
        Self::CallQuality,
        Self::RecordingAsked,
        Self::RecordingAnswered,
        Self::RecordingStarted,
        Self::RecordingStopped,
        Self::RecordingReady,
        Self::RecordingFailed,
        Self::RecordingDeleted,
        Self::GuestWaiting,
        Self::GuestAdmitted,
        Self::GuestDeclined,
        Self::GuestLeft,
        Self::VisitInterpreterAsked,
        Self::VisitInterpreterAccepted,
        Self::VisitInterpreterDeclined,
        Self::VisitInterpreterNotFound,
        Self::VisitInterpreterCancelled,
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserConsentGiven,
        Self::RoomCreated,
        Self::RoomUpdated,
        Self::SlotsUpdated,
        Self::VisitNoteUpdated,
        Self::VisitNoteSignedAndSent,
        Self::VisitInvoiceProcessed,
        Self::VisitRated,
        Self::FileCreated,
        Self::FileDeleted,
        Self::WebhookDisabled,
    ];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VisitCreated => "visit.created",
            Self::VisitUpdated => "visit.updated",
            Self::VisitEnded => "visit.ended",
            Self::VisitMissed => "visit.missed",
            Self::VisitNextInLine => "visit.next_in_line",
            Self::VisitLate => "visit.late",
            Self::MessageCreated => "message.created",
            Self::MessageRead => "message.read",
            Self::QueueUpdated => "queue.updated",
            Self::CallPeerJoined => "call.peer_joined",
            Self::CallPeerLeft => "call.peer_left",
            Self::CallQuality => "call.quality",
            Self::RecordingAsked => "recording.asked",
            Self::RecordingAnswered => "recording.answered",
            Self::RecordingStarted => "recording.started",
            Self::RecordingStopped => "recording.stopped",
            Self::RecordingReady => "recording.ready",
            Self::RecordingFailed => "recording.failed",
            Self::RecordingDeleted => "recording.deleted",
            Self::GuestWaiting => "guest.waiting",
            Self::GuestAdmitted => "guest.admitted",
            Self::GuestDeclined => "guest.declined",
            Self::GuestLeft => "guest.left",
            Self::VisitInterpreterAsked => "visit.interpreter.asked",
            Self::VisitInterpreterAccepted => "visit.interpreter.accepted",
            Self::VisitInterpreterDeclined => "visit.interpreter.declined",
            Self::VisitInterpreterNotFound => "visit.interpreter.not_found",
            Self::VisitInterpreterCancelled => "visit.interpreter.cancelled",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserConsentGiven => "user.consent.given",
            Self::RoomCreated => "room.created",
            Self::RoomUpdated => "room.updated",
            Self::SlotsUpdated => "slots.updated",
            Self::VisitNoteUpdated => "visit.note.updated",
            Self::VisitNoteSignedAndSent => "visit.note.signed_and_sent",
            Self::VisitInvoiceProcessed => "visit.invoice.processed",
            Self::VisitRated => "visit.rated",
            Self::FileCreated => "file.created",
            Self::FileDeleted => "file.deleted",
            Self::WebhookDisabled => "webhook.disabled",
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
    /// Who is asked to interpret, comes, or does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter_id: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The user's documented type number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<i64>,
    /// The visit's planned begin after the change, UNIX seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// The visit's planned end after the change, UNIX seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// When the provider took the visit, UNIX seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_start: Option<i64>,
    /// When the visit was over, UNIX seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_end: Option<i64>,
    /// Who ended the visit, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<String>,
    /// Who made this change of the visit, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_updated_by: Option<String>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The recording of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_id: Option<String>,
    /// The webhook endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    /// The visit's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteData>,
    /// The visit's invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<InvoiceData>,
    /// What was answered about the visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survey: Option<SurveyData>,
    /// What somebody agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentData>,
}

/// What an event says of a note (contract more.md 1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteData {
    /// The note, as on the wire.
    pub id: String,
    /// `new`, `signed` or `draft`.
    pub status: String,
}

/// What an event says of a survey that was answered: never a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyData {
    /// The survey's code; `visit_rating` is the built-in one.
    pub code: String,
    /// The version that was answered.
    pub version: i64,
    /// One to five stars, of the built-in survey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<i64>,
}

/// What an event says of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentData {
    /// The document, as on the wire.
    pub document_id: String,
    /// Its kind: `tos`, `consent`, or a word of the clinic's own.
    pub kind: String,
    /// The version that was agreed to.
    pub version: i64,
}

/// What an event says of an invoice (contract more.md 1.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceData {
    /// The invoice, as on the wire.
    pub id: String,
    /// `pending`, `processing`, `paid`, `closed`, `forgiven`, `cancelled`,
    /// `failed` or `refunded`.
    pub status: String,
    /// Cents.
    pub amount_due: i64,
    /// Cents.
    pub amount_paid: i64,
    /// ISO 4217.
    pub currency: String,
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
