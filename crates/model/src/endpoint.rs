//! Endpoints: where somebody can be reached (contract more.md 5.1).

use serde::{Deserialize, Serialize};

use crate::mail::is_address;

/// Most endpoints of one user.
pub const MAX_ENDPOINTS: i64 = 20;
/// Longest key in bytes; addresses of push services are long.
const MAX_KEY: usize = 2_048;

/// What kind of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointType {
    /// An e-mail address.
    Email,
    /// A telephone that takes short messages.
    Sms,
    /// An Apple device's token; kept for the portal, not used by us.
    Apns,
    /// An Android device's token; kept for the portal, not used by us.
    Fcm,
    /// A browser's push subscription.
    WebPush,
}

impl EndpointType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Sms, Self::Apns, Self::Fcm, Self::WebPush];

    /// The documented number (30 and 10 are documented, the others ours).
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Email => 10,
            Self::Sms => 20,
            Self::Apns => 30,
            Self::Fcm => 40,
            Self::WebPush => 50,
        }
    }

    /// The type of a number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Is it the token of a device's push service?
    #[must_use]
    pub const fn is_push(self) -> bool {
        matches!(self, Self::Apns | Self::Fcm | Self::WebPush)
    }
}

/// The address or device token of an endpoint, and the keys of a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Address, number, token, or the push service's URL.
    pub key: String,
    /// The browser's public key, base64url.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub p256dh: String,
    /// The secret it shares with us, base64url.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub auth: String,
}

impl Key {
    /// The key of a type as it is kept, or what is wrong with which field.
    ///
    /// # Errors
    /// The field's name and what to send.
    pub fn checked(self, kind: EndpointType) -> Result<Self, (&'static str, &'static str)> {
        let key = self.key.trim().to_owned();
        if key.is_empty() || key.len() > MAX_KEY || key.chars().any(char::is_control) {
            return Err(("key", "use 1 to 2048 characters"));
        }
        match kind {
            EndpointType::Email if !is_address(&key) => Err(("key", "use an e-mail address")),
            EndpointType::Sms => {
                let number = phone(&key).ok_or(("key", "use a number such as +49 30 1234567"))?;
                Ok(Self { key: number, p256dh: String::new(), auth: String::new() })
            }
            EndpointType::WebPush => {
                if !key.starts_with("https://") && !key.starts_with("http://") {
                    return Err(("key", "use the subscription's endpoint, an https address"));
                }
                if !is_base64url(&self.p256dh, 87) {
                    return Err(("p256dh", "use the subscription's key p256dh, 87 base64url characters"));
                }
                if !is_base64url(&self.auth, 22) {
                    return Err(("auth", "use the subscription's key auth, 22 base64url characters"));
                }
                Ok(Self { key, p256dh: bare(&self.p256dh), auth: bare(&self.auth) })
            }
            _ => Ok(Self { key, p256dh: String::new(), auth: String::new() }),
        }
    }
}

fn bare(text: &str) -> String {
    text.trim_end_matches('=').to_owned()
}

fn is_base64url(text: &str, length: usize) -> bool {
    let text = text.trim_end_matches('=');
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A telephone number with its country, as services want it (E.164): `+` and
/// 7 to 15 digits. What people write between the digits is left out.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('+').or_else(|| text.trim().strip_prefix("00"))?;
    let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')');
    let digits: String = digits.chars().filter(|c| !is_between(*c)).collect();
    let fits = (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    fits.then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Key {
        Key { key: text.to_owned(), p256dh: String::new(), auth: String::new() }
    }

    #[test]
    fn numbers_are_the_documented_ones() {
        assert_eq!(EndpointType::ALL.map(EndpointType::code), [10, 20, 30, 40, 50]);
        assert_eq!(EndpointType::from_code(60), None);
        for kind in EndpointType::ALL {
            assert_eq!(EndpointType::from_code(kind.code()), Some(kind));
        }
    }

    #[test]
    fn telephones_have_a_country() {
        assert_eq!(phone("+49 (30) 123-4567").as_deref(), Some("+49301234567"));
        assert_eq!(phone("0049 30 1234567").as_deref(), Some("+49301234567"));
        for bad in ["", "030 1234567", "+0301234567", "+49 call me", "+123456", "+1234567890123456"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_type_names_what_it_lacks() {
        assert_eq!(key("maria").checked(EndpointType::Email).unwrap_err().0, "key");
        assert_eq!(key(" m@example.org ").checked(EndpointType::Email).unwrap().key, "m@example.org");
        assert_eq!(key("12").checked(EndpointType::Sms).unwrap_err().0, "key");
        assert_eq!(key("a1b2").checked(EndpointType::Apns).unwrap().key, "a1b2");
        assert_eq!(key("").checked(EndpointType::Fcm).unwrap_err().0, "key");
        let mut push = key("https://push.example/1");
        assert_eq!(push.clone().checked(EndpointType::WebPush).unwrap_err().0, "p256dh");
        push.p256dh = "B".repeat(87);
        assert_eq!(push.clone().checked(EndpointType::WebPush).unwrap_err().0, "auth");
        push.auth = "x".repeat(22) + "==";
        assert_eq!(push.clone().checked(EndpointType::WebPush).unwrap().auth, "x".repeat(22));
        push.key = "ftp://push.example".to_owned();
        assert_eq!(push.checked(EndpointType::WebPush).unwrap_err().0, "key");
    }

    proptest! {
        #[test]
        fn a_number_that_was_taken_is_taken_again_unchanged(text in "[+0-9 ()./a-z-]{0,24}") {
            if let Some(number) = phone(&text) {
                prop_assert_eq!(phone(&number), Some(number.clone()));
                prop_assert!(number.len() <= 16);
            }
        }
    }
}
