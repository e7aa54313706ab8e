//! What a mail says: one template as text and as HTML.

use std::sync::LazyLock;

use bedside_model::mail::MailKind;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::{Error, Result};

/// What the template is filled with.
pub(super) struct Words<'w> {
    pub kind: MailKind,
    pub clinic: &'w str,
    pub first_name: &'w str,
    pub username: &'w str,
    /// Origin of the pages.
    pub pages: &'w str,
    /// The link's token; none for a notice.
    pub secret: Option<&'w str>,
}

/// A mail's words.
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

const TEXT: &str = "password.txt";
const HTML: &str = "password.html";

/// Names that end in `.html` are escaped as HTML by the engine's own rule.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let texts = [
        (TEXT, include_str!("../../templates/password.txt")),
        (HTML, include_str!("../../templates/password.html")),
    ];
    for (name, source) in texts {
        environment.add_template(name, source).expect("invariant: the embedded templates are well-formed");
    }
    environment
});

impl Words<'_> {
    /// Fills the template.
    pub(super) fn written(&self) -> Result<Written> {
        let forgot = format!("{}/forgot", self.pages);
        let link = match self.secret {
            Some(secret) => format!("{}/password?email_token={secret}", self.pages),
            None => forgot.clone(),
        };
        // A subject stands on locked screens: no names, no links.
        let subject = match self.kind {
            MailKind::PasswordFirst | MailKind::PasswordForgotten => "Choose your password",
            MailKind::PasswordChanged => "Your password was changed",
        };
        let words = context! {
            kind => self.kind.as_str(),
            clinic => self.clinic,
            first_name => self.first_name,
            username => self.username,
            subject => subject,
            link => link,
            forgot => forgot,
        };
        let render = |name| TEMPLATES.get_template(name).and_then(|template| template.render(&words));
        Ok(Written {
            subject: subject.to_owned(),
            text: render(TEXT).map_err(Error::internal)?,
            html: render(HTML).map_err(Error::internal)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_said_and_names_are_escaped() {
        for kind in MailKind::ALL {
            let secret = kind.link_seconds().map(|_| "0123456789abcdef0123456789abcdef");
            let words = Words {
                kind,
                clinic: "Smith & Sons <Clinic>",
                first_name: "<script>alert(1)</script>",
                username: "maria",
                pages: "https://clinic.example",
                secret,
            };
            let written = words.written().unwrap();
            assert!(written.text.contains("<script>") && written.text.contains("maria"));
            assert!(!written.html.contains("<script>") && written.html.contains("&lt;script&gt;"));
            assert!(written.html.contains("Smith &amp; Sons"));
            for private in ["maria", "script", "Smith", "0123"] {
                assert!(!written.subject.contains(private));
            }
            let link = match secret {
                Some(secret) => format!("https://clinic.example/password?email_token={secret}"),
                None => "https://clinic.example/forgot".to_owned(),
            };
            assert!(written.text.lines().any(|line| line == link), "{}", written.text);
            // Text mails have no empty stretches where a choice was left out.
            assert!(!written.text.contains("\n\n\n"), "{}", written.text);
        }
    }
}
