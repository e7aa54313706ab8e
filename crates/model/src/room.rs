//! Rooms: waiting rooms that patients arrive at (contract core.md 5.1).

mod hours;
mod on_call;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{At, availability::BookingRules, consent::Required};

pub use hours::OpenHours;
pub use on_call::{Walkins, walkins, without};

/// Length of a walk-in when the room says nothing, in minutes (core.md 4.3).
pub const DEFAULT_DURATION_MINUTES: i64 = 15;

/// Emergency notice shown until the clinic writes its own.
pub const DEFAULT_SUBTITLE: &str = "If this is an emergency, call your local emergency number now.";

/// What a clinic may set on a room beyond its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomSettings {
    /// Patients may arrive without an appointment.
    pub walkin_enabled: bool,
    /// They may do so only while a provider of the room is on call.
    pub walkin_by_on_call: bool,
    /// Appointments may be booked.
    pub appointment_enabled: bool,
    /// Questions may be asked without a meeting.
    pub econsult_enabled: bool,
    /// People may enter as guests, without a login.
    pub guest_enabled: bool,
    /// The clinic has closed the room by hand.
    pub is_closed: bool,
    /// What people read while it is closed.
    pub close_msg: String,
    /// IANA name of the room's time zone.
    pub default_timezone: String,
    /// When it is open; always, when there are none.
    pub hours: Vec<OpenHours>,
    /// How many may wait at once; none is no limit.
    pub queue_capacity: Option<i64>,
    /// ISO 4217 code of the prices.
    pub currency: String,
    /// What can be asked for.
    pub consultations: Vec<Consultation>,
    /// What those who work here know best.
    pub specialties: Vec<Specialty>,
    /// What it wants of bookings.
    pub booking: BookingRules,
    /// Who is told when nobody takes a waiting patient.
    pub alerts: Alerts,
    /// Everybody in a call here is asked whether it may be recorded.
    pub ask_to_record: bool,
    /// How long the place of a patient whose page fell silent is kept, in
    /// minutes.
    pub grace_minutes: i64,
    /// What patients agree to before a visit here.
    pub consent_required: Vec<Required>,
}

/// Who is told, one after another, when nobody takes a waiting patient.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// How long a patient waits before each next person is told; 0 tells nobody.
    pub after_minutes: i64,
    /// Numbers of the users, in order.
    pub user_ids: Vec<i64>,
}

/// Something a patient can come for (core.md 5.1 `payment.consultations`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consultation {
    /// UUID.
    pub id: String,
    /// What it is called.
    pub description: String,
    /// Length in minutes.
    pub duration_minutes: i64,
    /// Price in cents.
    pub amount_cents: i64,
    /// Several patients at once.
    #[serde(default)]
    pub group: bool,
    /// Is the price asked for? None: when there is one.
    #[serde(default)]
    pub charge: Option<bool>,
    /// Seats of a group; none is one.
    #[serde(default)]
    pub slots: Option<i64>,
}

impl Consultation {
    /// Is the price asked for?
    #[must_use]
    pub fn is_charged(&self) -> bool {
        self.charge.unwrap_or(self.amount_cents > 0)
    }

    /// How many patients at once.
    #[must_use]
    pub fn seats(&self) -> i64 {
        self.slots.unwrap_or(1)
    }
}

/// A field of medicine that a room serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specialty {
    /// The clinic's code for it.
    pub code: String,
    /// What patients read.
    pub name: String,
    /// Length of a visit in minutes.
    pub duration_minutes: i64,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            walkin_enabled: true,
            walkin_by_on_call: false,
            appointment_enabled: false,
            econsult_enabled: true,
            guest_enabled: true,
            is_closed: false,
            close_msg: String::new(),
            default_timezone: "UTC".to_owned(),
            hours: Vec::new(),
            queue_capacity: None,
            currency: "USD".to_owned(),
            consultations: Vec::new(),
            specialties: Vec::new(),
            booking: BookingRules::default(),
            alerts: Alerts::default(),
            ask_to_record: false,
            grace_minutes: crate::queue::DEFAULT_GRACE_MINUTES,
            consent_required: Vec::new(),
        }
    }
}

impl RoomSettings {
    /// Length of a walk-in here, in minutes.
    #[must_use]
    pub fn walkin_minutes(&self) -> i64 {
        self.consultations.first().map_or(DEFAULT_DURATION_MINUTES, |first| first.duration_minutes)
    }

    /// What somebody reads who finds the room closed.
    #[must_use]
    pub fn closed_message(&self) -> &str {
        if self.close_msg.is_empty() { "This waiting room is closed right now." } else { &self.close_msg }
    }

    /// The room's clock; UTC when its name is not known any more.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.default_timezone).unwrap_or(TimeZone::UTC)
    }

    /// Closed by hand, or outside the hours.
    #[must_use]
    pub fn is_closed_at(&self, at: At) -> bool {
        self.is_closed || !hours::is_open(&self.hours, &self.zone(), at)
    }

    /// When the hours open the room next; none while it is open, closed by
    /// hand, or without hours.
    #[must_use]
    pub fn next_open(&self, at: At) -> Option<At> {
        if self.is_closed { None } else { hours::next_open(&self.hours, &self.zone(), at) }
    }

    /// Is there no place left for one more, with so many waiting?
    #[must_use]
    pub fn is_full(&self, waiting: i64) -> bool {
        self.queue_capacity.is_some_and(|capacity| waiting >= capacity)
    }
}

/// A URL name: lower-case letters, digits and single hyphens, 1 to 64 characters.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A room code: 1 to 32 letters and digits (core.md 1.9), hyphen and underscore
/// also, since clinics use their slug as code.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The usual wait of a room in whole minutes, from the waits of its recent
/// visits in seconds; none when fewer than five say too little.
#[must_use]
pub fn usual_wait_minutes(recent_seconds: &[i64]) -> Option<i64> {
    if recent_seconds.len() < 5 {
        return None;
    }
    let mut sorted = recent_seconds.to_vec();
    sorted.sort_unstable();
    // The median: one forgotten page must not frighten everybody else.
    Some((sorted[sorted.len() / 2] / 60).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_codes() {
        assert!(is_slug("walk-in-care") && is_slug("a1"));
        assert!(!is_slug("") && !is_slug("Care") && !is_slug("-a") && !is_slug("a--b") && !is_slug("a/b"));
        assert!(is_code("QX4LM") && !is_code("a b") && !is_code(""));
    }

    #[test]
    fn rows_of_before_still_open() {
        let old = r#"{"walkin_enabled":false,"consultations":[{"id":"c","description":"x","duration_minutes":10,"amount_cents":2500}]}"#;
        let settings: RoomSettings = serde_json::from_str(old).unwrap();
        assert!(!settings.walkin_enabled && settings.guest_enabled && settings.hours.is_empty());
        let first = &settings.consultations[0];
        assert!(first.is_charged() && !first.group && first.seats() == 1);
        assert!(!settings.is_closed_at(At(0)) && settings.next_open(At(0)).is_none());
    }

    #[test]
    fn closed_by_hand_tells_no_opening() {
        let hours = vec![OpenHours::new(1, 540, 600).unwrap()];
        let mut settings = RoomSettings { hours, ..RoomSettings::default() };
        // 1970 began on a Thursday.
        assert!(settings.is_closed_at(At(0)));
        assert_eq!(settings.next_open(At(0)), Some(At((4 * 24 + 9) * 3_600_000)));
        settings.is_closed = true;
        assert_eq!(settings.next_open(At(0)), None);
    }

    #[test]
    fn few_visits_say_nothing() {
        assert_eq!(usual_wait_minutes(&[60, 60, 60, 60]), None);
        assert_eq!(usual_wait_minutes(&[30, 600, 660, 720, 86_400]), Some(11));
    }
}
