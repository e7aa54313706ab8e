//! The port to mail: one letter to one person. Which way letters go is chosen
//! once, at the start; what they say is made in `crate::mail`.

mod folder;
mod letter;
mod smtp;

use std::path::PathBuf;

pub use folder::Folder;
pub(crate) use folder::write_private;
pub use letter::{Invite, Letter};
use lettre::message::Mailbox;
pub use smtp::{Protection, Smtp, SmtpSettings};

use crate::Result;

/// Where letters go.
#[derive(Debug, Clone)]
pub enum Mail {
    /// Into a folder, as `.eml` files that any mail program opens.
    Folder(Folder),
    /// To a mail server.
    Smtp(Smtp),
}

fn sender(from: &str) -> Result<Mailbox, String> {
    from.parse().map_err(|_| {
        format!("mail.from: `{from}` is no sender such as Northside Clinic <no-reply@example.org>")
    })
}

impl Mail {
    /// Letters into a folder, from a sender such as
    /// `Northside Clinic <no-reply@example.org>`.
    ///
    /// # Errors
    /// The sender is no address; the text says so.
    pub fn folder(folder: PathBuf, from: &str) -> Result<Self, String> {
        Ok(Self::Folder(Folder::new(folder, sender(from)?)))
    }

    /// Letters to a mail server.
    ///
    /// # Errors
    /// A setting that cannot be used; the text says which.
    pub fn smtp(settings: &SmtpSettings, from: &str) -> Result<Self, String> {
        Ok(Self::Smtp(Smtp::new(settings, sender(from)?)?))
    }

    /// The word for the way, as the settings spell it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Smtp(_) => "smtp",
        }
    }

    /// Can letters be delivered right now? Sends none.
    ///
    /// # Errors
    /// As [`Mail::deliver`].
    pub async fn check(&self) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.check().await,
            Self::Smtp(smtp) => smtp.check().await,
        }
    }

    /// Delivers a letter. Delivering it again (same identifier) replaces the
    /// first in a folder, and has the same `Message-ID` on a server, so that a
    /// job that is run twice is known as one.
    ///
    /// # Errors
    /// 400 `bad_address` and `mail_bounced` for an address no mail can go to;
    /// otherwise faults that may pass, such as a full disk.
    pub async fn deliver(&self, letter: Letter) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.deliver(letter).await,
            Self::Smtp(smtp) => smtp.deliver(letter).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use bedside_model::At;

    use super::*;

    fn letter(id: &str, text: &str) -> Letter {
        Letter {
            id: id.to_owned(),
            host: "clinic.example".to_owned(),
            to_name: "Maria \"M\" Álvarez\r\nBcc: evil@example.org".to_owned(),
            to_address: "maria@example.org".to_owned(),
            subject: "Choose your password".to_owned(),
            text: text.to_owned(),
            html: format!("<p>{text}</p>"),
            invite: None,
            unsubscribe: None,
            at: At::from_seconds(1_800_000_000),
        }
    }

    /// What every way must do; `read` gives what arrived, letter by letter.
    async fn conformance(mail: &Mail, read: impl Fn() -> Vec<String>) {
        mail.deliver(letter("one", "first")).await.unwrap();
        mail.deliver(letter("two", "grüße")).await.unwrap();
        let arrived = read();
        assert_eq!(arrived.len(), 2);
        let headers = arrived[0].split("\r\n\r\n").next().unwrap();
        assert!(headers.contains("Message-ID: <one@clinic.example>"), "{headers}");
        assert!(
            headers.contains("From: Northside Clinic <no-reply@clinic.example>")
                || headers.contains("From: \"Northside Clinic\" <no-reply@clinic.example>"),
            "{headers}"
        );
        assert!(
            headers.contains("<maria@example.org>") && headers.contains("Date: Fri, 15 Jan 2027"),
            "{headers}"
        );
        // A name cannot smuggle a header in.
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        assert!(headers.contains("Auto-Submitted: auto-generated"), "{headers}");
        assert!(arrived[0].contains("text/plain") && arrived[0].contains("text/html"));
        // Twice is once, and the later one counts.
        mail.deliver(letter("one", "second")).await.unwrap();
        let arrived = read();
        assert_eq!(arrived.len(), 2);
        assert!(arrived[0].contains("second") && !arrived[0].contains("first"));
        // No letter goes to what is no address.
        for bad in ["", "maria", "maria@", "a@b\r\nBcc: c@d", "maria@exa mple.org"] {
            let letter = Letter { to_address: bad.to_owned(), ..letter("bad", "text") };
            assert_eq!(mail.deliver(letter).await.unwrap_err().code(), Some("bad_address"), "{bad:?}");
        }
        assert_eq!(read().len(), 2);
    }

    #[tokio::test]
    async fn a_folder_takes_letters() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("mail");
        let mail = Mail::folder(folder.clone(), "Northside Clinic <no-reply@clinic.example>").unwrap();
        conformance(&mail, || {
            let mut names: Vec<_> =
                std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            names.sort();
            names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect()
        })
        .await;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder), mode(&folder.join("one.eml"))), (0o700, 0o600));
        }
        assert!(Mail::folder(folder, "nobody").is_err());
    }
}
