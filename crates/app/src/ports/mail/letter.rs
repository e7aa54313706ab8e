//! A letter: to whom, about what, as text and as HTML; and its form on the way.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use bedside_model::At;
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart,
        header::{ContentType, HeaderName, HeaderValue},
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
    /// An invitation for the person's calendar.
    pub invite: Option<Invite>,
    /// Where one request ends such letters (RFC 8058).
    pub unsubscribe: Option<String>,
    /// Now.
    pub at: At,
}

/// An iCalendar text that goes with a letter.
#[derive(Clone)]
pub struct Invite {
    /// `REQUEST` or `CANCEL`, as in the text.
    pub method: &'static str,
    /// The text (RFC 5545).
    pub text: String,
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
        Ok(self.message(from)?.formatted())
    }

    /// The letter with its headers and parts.
    ///
    /// # Errors
    /// 400 `bad_address`.
    pub(super) fn message(self, from: Mailbox) -> Result<Message> {
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
            .multipart(parts(self.text, self.html, self.invite)?)
            .map_err(Error::internal)?;
        let mut put = |name: &'static str, value: String| {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, value));
        };
        // So that no holiday message comes back (RFC 3834).
        put("Auto-Submitted", "auto-generated".to_owned());
        if let Some(url) = self.unsubscribe {
            put("List-Unsubscribe", format!("<{url}>"));
            put("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        }
        Ok(message)
    }
}

/// Text and HTML, with the invitation beside them: calendars find it there,
/// whatever the mail program makes of it.
fn parts(text: String, html: String, invite: Option<Invite>) -> Result<MultiPart> {
    let words = MultiPart::alternative_plain_html(text, html);
    let Some(invite) = invite else { return Ok(words) };
    let kind = format!("text/calendar; charset=utf-8; method={}", invite.method);
    let kind = ContentType::parse(&kind).map_err(Error::internal)?;
    let attached = Attachment::new("invite.ics".to_owned()).body(invite.text, kind);
    Ok(MultiPart::mixed().multipart(words).singlepart(attached))
}
