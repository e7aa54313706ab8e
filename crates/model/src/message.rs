//! Messages of a visit: what a message may be, and who wrote it.

use crate::{UserId, user::UserType};

/// The longest text, in characters.
pub const MAX_TEXT: usize = 4_000;
/// The longest name that a sender may give a message, in characters.
pub const MAX_CLIENT_ID: usize = 64;
/// Messages that one person may send at one visit in a minute.
pub const PER_MINUTE: i64 = 30;
/// Most messages of one page.
pub const MAX_PAGE: i64 = 200;

/// As what somebody takes part in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The patient.
    Patient,
    /// Whoever brought the patient.
    Guardian,
    /// A provider.
    Provider,
    /// An invited guest.
    Guest,
}

impl Part {
    /// The part of a user at a visit of this patient.
    #[must_use]
    pub fn of(user: UserId, kind: UserType, member: UserId) -> Self {
        match kind {
            _ if user == member => Self::Patient,
            UserType::Member => Self::Guardian,
            UserType::Guest => Self::Guest,
            _ => Self::Provider,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Guardian => "guardian",
            Self::Provider => "provider",
            Self::Guest => "guest",
        }
    }
}

/// A text as it is kept: without the space around it; none for an empty one.
///
/// # Errors
/// The reason why it cannot be kept.
pub fn text(sent: &str) -> Result<Option<&str>, &'static str> {
    let text = sent.trim();
    if text.chars().count() > MAX_TEXT {
        return Err("use at most 4000 characters");
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not contain control characters");
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        assert_eq!(text("  hello\nyou  "), Ok(Some("hello\nyou")));
        assert_eq!(text(" \n "), Ok(None));
        assert!(text(&"ä".repeat(MAX_TEXT)).is_ok());
        assert!(text(&"ä".repeat(MAX_TEXT + 1)).is_err());
        assert!(text("a\0b").is_err());
    }

    #[test]
    fn everybody_has_a_part() {
        let (patient, other) = (UserId(1), UserId(2));
        assert_eq!(Part::of(patient, UserType::Guest, patient), Part::Patient);
        assert_eq!(Part::of(other, UserType::Guest, patient), Part::Guest);
        assert_eq!(Part::of(other, UserType::Member, patient), Part::Guardian);
        assert_eq!(Part::of(other, UserType::Provider, patient), Part::Provider);
    }
}
