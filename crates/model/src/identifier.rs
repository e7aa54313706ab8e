//! Identifiers: what other systems call a user or a visit, as FHIR writes it: a
//! value, and the system (a URI) in which it is unique.

use serde::{Deserialize, Serialize};

/// Most identifiers of one user or visit.
pub const MAX_IDENTIFIERS: usize = 20;
/// Most characters of a system, and of a value.
pub const MAX_LENGTH: usize = 255;

/// System of a user's `code`, the integrator's own key. It is given to
/// everybody, and no identifier of another system.
pub const CODE_SYSTEM: &str = "urn:bedside:user-code";
/// System of a room's code.
pub const ROOM_SYSTEM: &str = "urn:bedside:room-code";
/// What the systems of our own begin with.
const OWN: &str = "urn:bedside:";

/// What another system calls something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// An absolute URI, such as `urn:oid:2.16.840.1.113883.4.1`.
    pub system: String,
    /// Unique in the system.
    pub value: String,
}

impl Identifier {
    /// An identifier as somebody sends it, blanks around it taken off.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn checked(system: &str, value: &str) -> Result<Self, (&'static str, &'static str)> {
        let (system, value) = (system.trim(), value.trim());
        if !is_uri(system) || system.chars().count() > MAX_LENGTH {
            return Err(("system", "use an absolute URI of at most 255 characters"));
        }
        if system.to_ascii_lowercase().starts_with(OWN) {
            return Err(("system", "is one of ours; use that of the other system"));
        }
        if value.is_empty() || value.chars().count() > MAX_LENGTH || value.chars().any(char::is_control) {
            return Err(("value", "use 1 to 255 characters"));
        }
        Ok(Self { system: system.to_owned(), value: value.to_owned() })
    }
}

/// A scheme (RFC 3986, 3.1), a colon, and something without blanks; no `|`,
/// which separates system and value in a search.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.is_empty()
        && !rest.chars().any(|c| c.is_whitespace() || c.is_control() || c == '|')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn systems_are_uris_of_others() {
        for good in ["urn:oid:1.2.3", "https://ehr.example/mrn", "http://a", "x+y-z.1:a"] {
            assert!(Identifier::checked(good, " 7 ").is_ok_and(|one| one.value == "7"), "{good}");
        }
        for bad in ["", "mrn", ":x", "urn:", "1a:b", "a b:c", "urn:a b", "urn:a|b", "URN:bedside:user-code"] {
            assert_eq!(Identifier::checked(bad, "7").map_err(|(field, _)| field), Err("system"), "{bad}");
        }
        for bad in ["", "  ", "a\nb"] {
            assert_eq!(Identifier::checked("urn:a:b", bad).map_err(|(field, _)| field), Err("value"));
        }
    }

    proptest! {
        #[test]
        fn what_was_checked_is_checked_again_to_the_same(system in "\\PC{0,40}|[a-z]{1,5}:\\PC{1,20}", value in "\\PC{0,300}") {
            if let Ok(one) = Identifier::checked(&system, &value) {
                prop_assert!(!one.system.contains('|') && one.value.chars().count() <= MAX_LENGTH);
                prop_assert_eq!(Identifier::checked(&one.system, &one.value), Ok(one));
            }
        }
    }
}
