//! Webhooks: endpoints of a clinic's programs that are told of events, what they
//! are told in which version, and when a delivery is tried again.

mod body;
mod retry;

pub use body::{Fact, body, ping, plain};
pub use retry::{RETRY_AFTER_MOST_MS, Schedule};
use serde::{Deserialize, Serialize};

use crate::event::{EventData, EventType};

/// Endpoints that an account may have.
pub const MAX_WEBHOOKS: usize = 20;

/// Which form the bodies have (contract more.md 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// `1.0`: numbers of a visit as text.
    #[serde(rename = "1.0")]
    V1,
    /// `2.0`: numbers as numbers, statuses as words.
    #[serde(rename = "2.0")]
    V2,
}

impl Version {
    /// The wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }

    /// The version of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::V1, Self::V2].into_iter().find(|version| version.as_str() == word)
    }
}

/// The documented events: what an endpoint hears that names none.
pub const DOCUMENTED: [EventType; 6] = [
    EventType::UserCreated,
    EventType::VisitCreated,
    EventType::VisitUpdated,
    EventType::VisitEnded,
    EventType::VisitNoteSignedAndSent,
    EventType::VisitInvoiceProcessed,
];

/// Which events an endpoint is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// These types; none named is the documented ones.
    pub types: Vec<EventType>,
    /// `visit.updated` only when a visit becomes one in progress, which is the
    /// one documented trigger.
    pub strict: bool,
}

impl Filter {
    /// Is the endpoint told of this event?
    #[must_use]
    pub fn wants(&self, kind: EventType, data: &EventData) -> bool {
        let named = if self.types.is_empty() { &DOCUMENTED[..] } else { &self.types[..] };
        let strictly = !self.strict || kind != EventType::VisitUpdated || data.status == Some(IN_PROGRESS);
        named.contains(&kind) && strictly
    }
}

const IN_PROGRESS: i64 = 25;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It will be tried, or tried again.
    Waiting,
    /// The endpoint has answered 2xx.
    Delivered,
    /// It was tried as often as the schedule says, or the endpoint was disabled.
    Failed,
}

impl DeliveryState {
    /// The stored and wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_events_are_heard_by_default_and_others_by_name() {
        let open = Filter { types: Vec::new(), strict: false };
        let data = EventData::default();
        assert!(DOCUMENTED.into_iter().all(|kind| open.wants(kind, &data)));
        assert!(!open.wants(EventType::RoomUpdated, &data));
        let rooms = Filter { types: vec![EventType::RoomUpdated], strict: false };
        assert!(rooms.wants(EventType::RoomUpdated, &data) && !rooms.wants(EventType::VisitCreated, &data));
    }

    #[test]
    fn strict_endpoints_hear_of_updates_only_when_visits_begin() {
        let strict = Filter { types: Vec::new(), strict: true };
        let of = |status| EventData { status: Some(status), ..EventData::default() };
        assert!(strict.wants(EventType::VisitUpdated, &of(25)));
        assert!(!strict.wants(EventType::VisitUpdated, &of(20)));
        assert!(strict.wants(EventType::VisitCreated, &of(20)));
    }
}
