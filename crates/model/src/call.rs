//! What a call is to the clinic: who sits in it under which name.

use crate::UserId;

/// The identity of a user inside a call: `user-<id>`.
#[must_use]
pub fn identity(user: UserId) -> String {
    format!("user-{user}")
}

/// The user behind an identity that [`identity`] made.
#[must_use]
pub fn user_of(identity: &str) -> Option<UserId> {
    identity.strip_prefix("user-")?.parse().ok()
}

/// Part that somebody plays in a visit, as shown on the call's tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Receives care.
    Patient,
    /// Gives care.
    Provider,
    /// Looks after the patient's affairs: a parent, for example.
    Guardian,
    /// Came by the visit's code and was let in.
    Guest,
}

impl Part {
    /// The word in the participant's metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Provider => "provider",
            Self::Guardian => "guardian",
            Self::Guest => "guest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_round_trip() {
        assert_eq!(user_of(&identity(UserId(42))), Some(UserId(42)));
        assert_eq!(user_of("user-x"), None);
        assert_eq!(user_of("42"), None);
    }
}
