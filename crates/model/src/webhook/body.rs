//! The bodies of webhooks, as documented (contract more.md 1.2 to 1.5): codes,
//! times and identifiers; no names, no texts.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Version;
use crate::{
    At, RoomId, UserId, VisitId,
    event::{EventData, EventType, InvoiceData, NoteData},
};

/// Everything that a body says.
#[derive(Clone, Copy)]
pub struct Fact<'f> {
    /// The event's UUID.
    pub id: &'f str,
    /// What happened.
    pub kind: EventType,
    /// When.
    pub at: At,
    /// The clinic's code.
    pub account_code: &'f str,
    /// The visit.
    pub visit: Option<VisitId>,
    /// The room.
    pub room: Option<RoomId>,
    /// The user.
    pub user: Option<UserId>,
    /// The portal's own identifier of the user.
    pub user_code: Option<&'f str>,
    /// Codes and identifiers.
    pub data: &'f EventData,
}

#[derive(Serialize)]
struct Envelope<'e, D> {
    version: &'static str,
    id: &'e str,
    r#type: &'e str,
    created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_code: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clinic_code: Option<&'e str>,
    data: D,
}

#[derive(Serialize)]
struct VisitV1<'e> {
    id: String,
    member_id: Option<&'e str>,
    provider_id: Option<&'e str>,
    start: Option<String>,
    end: Option<String>,
    actual_start: Option<String>,
    actual_end: Option<String>,
    status: Option<String>,
    completed_by: Option<&'e str>,
}

#[derive(Serialize)]
struct VisitV2<'e> {
    id: String,
    member_id: Option<&'e str>,
    provider_id: Option<&'e str>,
    start: Option<i64>,
    end: Option<i64>,
    actual_start: Option<i64>,
    actual_end: Option<i64>,
    status: Option<&'static str>,
    status_updated_by: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'e NoteData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<&'e InvoiceData>,
}

#[derive(Serialize)]
struct User<'e> {
    id: String,
    code: Option<&'e str>,
    r#type: Option<i64>,
    created: i64,
}

/// The body of an event, as JSON text.
#[must_use]
pub fn body(version: Version, fact: &Fact<'_>) -> String {
    let data = match (fact.kind, fact.visit) {
        (
            EventType::VisitCreated
            | EventType::VisitUpdated
            | EventType::VisitEnded
            | EventType::VisitMissed
            | EventType::VisitNoteSignedAndSent
            | EventType::VisitInvoiceProcessed,
            Some(visit),
        ) => visit_of(version, visit, fact),
        (EventType::UserCreated, _) => text(&User {
            id: fact.user.map(|id| id.to_string()).unwrap_or_default(),
            code: fact.user_code,
            r#type: fact.data.user_type,
            created: fact.at.seconds(),
        }),
        _ => text(&plain(fact)),
    };
    envelope(version, fact.id, fact.kind.as_str(), fact.at, fact.account_code, data)
}

/// The body of a test.
#[must_use]
pub fn ping(version: Version, id: &str, at: At, account_code: &str) -> String {
    envelope(version, id, "ping", at, account_code, json!({ "id": id }))
}

fn envelope(version: Version, id: &str, kind: &str, at: At, code: &str, data: Value) -> String {
    let v1 = version == Version::V1;
    let envelope = Envelope {
        version: version.as_str(),
        id,
        r#type: kind,
        created: at.seconds(),
        account_code: v1.then_some(code),
        clinic_code: (!v1).then_some(code),
        data,
    };
    text(&envelope).to_string()
}

fn visit_of(version: Version, visit: VisitId, fact: &Fact<'_>) -> Value {
    let (id, data) = (visit.to_string(), fact.data);
    let (member_id, provider_id) = (data.member_id.as_deref(), data.provider_id.as_deref());
    match version {
        Version::V1 => text(&VisitV1 {
            id,
            member_id,
            provider_id,
            start: data.start.map(|at| at.to_string()),
            end: data.end.map(|at| at.to_string()),
            actual_start: data.actual_start.map(|at| at.to_string()),
            actual_end: data.actual_end.map(|at| at.to_string()),
            status: data.status.map(|status| status.to_string()),
            completed_by: data.completed_by.as_deref(),
        }),
        Version::V2 => text(&VisitV2 {
            id,
            member_id,
            provider_id,
            start: data.start,
            end: data.end,
            actual_start: data.actual_start,
            actual_end: data.actual_end,
            status: data.status.map(word),
            status_updated_by: data.status_updated_by.as_deref(),
            note: data.note.as_ref().filter(|_| fact.kind == EventType::VisitNoteSignedAndSent),
            invoice: data.invoice.as_ref().filter(|_| fact.kind == EventType::VisitInvoiceProcessed),
        }),
    }
}

/// What the pull feed says of any event.
#[must_use]
pub fn plain(fact: &Fact<'_>) -> Map<String, Value> {
    let mut said = Map::new();
    let ids = [
        ("visit_id", fact.visit.map(|id| id.to_string())),
        ("room_id", fact.room.map(|id| id.to_string())),
        ("user_id", fact.user.map(|id| id.to_string())),
    ];
    said.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), Value::String(id?)))));
    if let Value::Object(data) = text(fact.data) {
        said.extend(data);
    }
    said
}

/// Own structs of texts and numbers always become JSON.
fn text(of: &impl Serialize) -> Value {
    serde_json::to_value(of).expect("texts and numbers are JSON")
}

const fn word(status: i64) -> &'static str {
    match status {
        10 => "pending",
        20 => "confirmed",
        25 => "in_progress",
        30 => "completed",
        40 => "cancelled",
        50 => "refunded",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> EventData {
        EventData {
            status: Some(40),
            version: Some(3),
            member_id: Some("900".to_owned()),
            start: Some(1_700_000_000),
            end: Some(1_700_000_900),
            actual_start: Some(1_700_000_005),
            actual_end: Some(1_700_000_880),
            completed_by: Some("900".to_owned()),
            status_updated_by: Some("900".to_owned()),
            ..EventData::default()
        }
    }

    fn said(version: Version, kind: EventType, data: &EventData) -> Value {
        let fact = Fact {
            id: "0b6c2d0e-aaaa-4bbb-8ccc-000000000001",
            kind,
            at: At::from_seconds(1_700_000_900),
            account_code: "sunnyclinic",
            visit: Some(VisitId(4711)),
            room: Some(RoomId(3)),
            user: Some(UserId(900)),
            user_code: Some("p-1"),
            data,
        };
        serde_json::from_str(&body(version, &fact)).unwrap()
    }

    #[test]
    fn version_one_has_texts() {
        assert_eq!(
            said(Version::V1, EventType::VisitEnded, &ended()),
            json!({ "version": "1.0", "id": "0b6c2d0e-aaaa-4bbb-8ccc-000000000001", "type": "visit.ended",
                "created": 1_700_000_900, "account_code": "sunnyclinic",
                "data": { "id": "4711", "member_id": "900", "provider_id": null, "start": "1700000000",
                    "end": "1700000900", "actual_start": "1700000005", "actual_end": "1700000880",
                    "status": "40", "completed_by": "900" } })
        );
    }

    #[test]
    fn version_two_has_numbers_and_words() {
        assert_eq!(
            said(Version::V2, EventType::VisitEnded, &ended()),
            json!({ "version": "2.0", "id": "0b6c2d0e-aaaa-4bbb-8ccc-000000000001", "type": "visit.ended",
                "created": 1_700_000_900, "clinic_code": "sunnyclinic",
                "data": { "id": "4711", "member_id": "900", "provider_id": null, "start": 1_700_000_000,
                    "end": 1_700_000_900, "actual_start": 1_700_000_005, "actual_end": 1_700_000_880,
                    "status": "cancelled", "status_updated_by": "900" } })
        );
    }

    #[test]
    fn notes_and_invoices_stand_in_version_two_of_their_events_alone() {
        let invoice = InvoiceData {
            id: "7".to_owned(),
            status: "paid".to_owned(),
            amount_due: 0,
            amount_paid: 4500,
            currency: "USD".to_owned(),
        };
        let note = NoteData { id: "9".to_owned(), status: "signed".to_owned() };
        let data = EventData { note: Some(note), invoice: Some(invoice), ..ended() };
        let (signed, paid) = (EventType::VisitNoteSignedAndSent, EventType::VisitInvoiceProcessed);
        assert_eq!(
            said(Version::V2, signed, &data)["data"]["note"],
            json!({ "id": "9", "status": "signed" })
        );
        assert!(said(Version::V2, signed, &data)["data"].get("invoice").is_none());
        assert_eq!(
            said(Version::V2, paid, &data)["data"]["invoice"],
            json!({ "id": "7", "status": "paid", "amount_due": 0, "amount_paid": 4500, "currency": "USD" })
        );
        let v1 = said(Version::V1, paid, &data);
        assert!(v1["data"].get("invoice").is_none() && v1["data"].get("note").is_none());
    }

    #[test]
    fn users_and_other_events_name_things() {
        let data = EventData { user_type: Some(200), ..EventData::default() };
        assert_eq!(
            said(Version::V1, EventType::UserCreated, &data)["data"],
            json!({ "id": "900", "code": "p-1", "type": 200, "created": 1_700_000_900 })
        );
        let data = EventData { guest_id: Some("g".to_owned()), ..EventData::default() };
        assert_eq!(
            said(Version::V2, EventType::GuestLeft, &data)["data"],
            json!({ "visit_id": "4711", "room_id": "3", "user_id": "900", "guest_id": "g" })
        );
    }
}
