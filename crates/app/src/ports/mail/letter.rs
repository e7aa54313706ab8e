//! A letter: to whom, about what, as text and as HTML; and its form on the way.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use bedside_model::At;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{Error, Result};

/// One letter to one person.
#[derive(Clone)]
pub struct Letter {
    /// What tells it from all others, in letters, digits, `-` and `.`.
    pub id: String,
    /// The host that the letter comes from.
    pub host: String,
    /// The person's name.
    pub to_name: String,
    /// The person's address.
    pub to_address: String,
    /// Without private data: it is shown on locked screens.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// Now.
    pub at: At,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Letter {
    /// The letter as it travels (RFC 5322).
    ///
    /// # Errors
    /// 400 `bad_address`.
    pub(super) fn formatted(self, from: Mailbox) -> Result<Vec<u8>> {
        let address: Address = self
            .to_address
            .parse()
            .map_err(|_| Error::invalid("bad_address", "No mail can go to this address."))?;
        // A line end in a name would be the library's to escape; none gets there.
        let name: String = self.to_name.chars().filter(|c| !c.is_control()).collect();
        let millis = u64::try_from(self.at.0).unwrap_or(0);
        let mut message = Message::builder()
            .from(from)
            .to(Mailbox::new(Some(name).filter(|name| !name.trim().is_empty()), address))
            .subject(self.subject)
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@{}>", self.id, self.host)))
            .multipart(MultiPart::alternative_plain_html(self.text, self.html))
            .map_err(Error::internal)?;
        // So that no holiday message comes back (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message.formatted())
    }
}
