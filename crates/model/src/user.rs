//! Users: the codes of contract core.md 2.1 and what follows from them.

use serde::{Deserialize, Serialize};

/// What kind of login identity this is (wire: `type`, core.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UserType {
    /// 100, a clinic's admin.
    Admin,
    /// 160, the system user that an admin token belongs to.
    Api,
    /// 200, a registered patient.
    Member,
    /// 400, a provider.
    Provider,
    /// 600, a one-time user.
    Guest,
}

impl UserType {
    /// The documented number.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Admin => 100,
            Self::Api => 160,
            Self::Member => 200,
            Self::Provider => 400,
            Self::Guest => 600,
        }
    }

    /// The type of a documented number, if Bedside keeps users of that type.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            100 => Some(Self::Admin),
            160 => Some(Self::Api),
            200 => Some(Self::Member),
            400 => Some(Self::Provider),
            600 => Some(Self::Guest),
            _ => None,
        }
    }

    /// Which of the three session cookies this user's pages carry.
    #[must_use]
    pub const fn session_kind(self) -> SessionKind {
        match self {
            Self::Admin | Self::Api => SessionKind::Admin,
            Self::Member | Self::Guest => SessionKind::Patient,
            Self::Provider => SessionKind::Provider,
        }
    }

    /// True for those who receive care: registered patients and guests.
    #[must_use]
    pub const fn is_patient(self) -> bool {
        matches!(self, Self::Member | Self::Guest)
    }
}

/// The kind of person a page's session belongs to; one cookie each, so that
/// one browser can be both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// Patients and guests.
    Patient,
    /// Providers.
    Provider,
    /// Clinic admins.
    Admin,
}

impl SessionKind {
    /// All kinds, in a fixed order.
    pub const ALL: [Self; 3] = [Self::Patient, Self::Provider, Self::Admin];

    /// The word used in the header, the cookie's name and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Provider => "provider",
            Self::Admin => "admin",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
