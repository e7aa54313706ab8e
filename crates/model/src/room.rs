//! Rooms: waiting rooms that patients arrive at (contract core.md 5.1).

use serde::{Deserialize, Serialize};

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
    /// Appointments may be booked.
    pub appointment_enabled: bool,
    /// People may enter as guests, without a login.
    pub guest_enabled: bool,
    /// The clinic has closed the room.
    pub is_closed: bool,
    /// What people read while it is closed.
    pub close_msg: String,
    /// IANA name of the room's time zone.
    pub default_timezone: String,
    /// What can be asked for.
    pub consultations: Vec<Consultation>,
}

/// Something a patient can come for (core.md 5.1 `payment.consultations`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// UUID.
    pub id: String,
    /// What it is called.
    pub description: String,
    /// Length in minutes.
    pub duration_minutes: i64,
    /// Price in cents.
    pub amount_cents: i64,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            walkin_enabled: true,
            appointment_enabled: false,
            guest_enabled: true,
            is_closed: false,
            close_msg: String::new(),
            default_timezone: "UTC".to_owned(),
            consultations: Vec::new(),
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
    fn few_visits_say_nothing() {
        assert_eq!(usual_wait_minutes(&[60, 60, 60, 60]), None);
        assert_eq!(usual_wait_minutes(&[30, 600, 660, 720, 86_400]), Some(11));
    }
}
