//! Mails: what they can be about.

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// A link to the first password, sent by an admin.
    PasswordFirst,
    /// A link to a new password, asked for by whoever forgot the old one.
    PasswordForgotten,
    /// A notice: the password was changed.
    PasswordChanged,
    /// A link that confirms a changed e-mail address.
    EmailVerify,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::PasswordFirst, Self::PasswordForgotten, Self::PasswordChanged, Self::EmailVerify];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordFirst => "password_first",
            Self::PasswordForgotten => "password_forgotten",
            Self::PasswordChanged => "password_changed",
            Self::EmailVerify => "email_verify",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Life of the link inside, in seconds; none for a mail without one. A
    /// person who asks sits and waits; one who is invited may be away a day.
    #[must_use]
    pub const fn link_seconds(self) -> Option<i64> {
        match self {
            Self::PasswordFirst => Some(86_400),
            Self::PasswordForgotten => Some(3_600),
            Self::PasswordChanged => None,
            Self::EmailVerify => Some(3 * 86_400),
        }
    }

    /// A notice nobody asked for: it is not sent to those who want no mail.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        matches!(self, Self::PasswordChanged)
    }
}

/// An address that a mail can be sent to, roughly: one `@` with something on
/// both sides and no blanks or line ends. The mail library has the last word.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_words_and_only_notices_have_no_link() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
            assert_eq!(kind.link_seconds().is_none(), kind.is_notice());
        }
        assert_eq!(MailKind::parse("newsletter"), None);
    }

    #[test]
    fn addresses_have_two_sides_and_one_line() {
        assert!(is_address("maria@example.org"));
        for bad in ["", "maria", "@example.org", "maria@", "a b@c", "a@b\r\nBcc: c@d"] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
