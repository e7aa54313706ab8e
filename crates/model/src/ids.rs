//! Identifiers. Users, rooms and visits are counted (BIGINT, decimal digits on
//! the wire); everything else is a UUIDv7 text (contract core.md 1.9).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The text is no identifier of the wanted form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct BadId;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                match text.parse::<i64>() {
                    Ok(number) if digits && number > 0 => Ok(Self(number)),
                    _ => Err(BadId),
                }
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text, as it is stored and sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                match uuid::Uuid::parse_str(text) {
                    Ok(id) => Ok(Self(id.hyphenated().to_string())),
                    Err(_) => Err(BadId),
                }
            }
        }
    };
}

number_id!(/// A login identity: patient, provider, guest, admin or api.
    UserId);
number_id!(/// A waiting room.
    RoomId);
number_id!(/// One encounter.
    VisitId);
number_id!(/// A recording of a visit's call.
    RecordingId);
text_id!(/// The clinic, a tenant.
    AccountId);
text_id!(/// The answers before a visit.
    IntakeId);
text_id!(/// The place of a guest at a visit.
    GuestId);
text_id!(/// Something that was uploaded.
    FileId);
text_id!(/// A page's login.
    SessionId);
text_id!(/// A bearer token's row (never the secret itself).
    TokenId);
text_id!(/// A program that a clinic lets in.
    AppId);
text_id!(/// An API key's row (never the key itself).
    KeyId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_positive_digits() {
        assert_eq!("67258".parse(), Ok(VisitId(67258)));
        for bad in ["", "0", "-1", "+1", " 1", "1.0", "99999999999999999999"] {
            assert_eq!(bad.parse::<VisitId>(), Err(BadId), "{bad:?}");
        }
    }

    #[test]
    fn texts_are_uuids_in_one_spelling() {
        let id: IntakeId = "61165A8E-D8CC-47DA-BD8E-597D64457B1F".parse().unwrap();
        assert_eq!(id.as_str(), "61165a8e-d8cc-47da-bd8e-597d64457b1f");
        assert!("nonsense".parse::<IntakeId>().is_err());
    }
}
