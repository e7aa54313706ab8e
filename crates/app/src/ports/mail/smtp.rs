//! Letters to a mail server, over TLS by rustls unless the server is a trusted
//! one nearby.

use std::{sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::Letter;
use crate::{Error, Result};

/// How long one letter may take, connection included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte (usually port 465).
    Tls,
    /// TLS after a greeting in the clear, and never without (usually port 587).
    StartTls,
    /// None: for a server on this machine.
    Plain,
}

/// How to reach a mail server.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Its port; 0 takes the usual one.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Login name; empty for a server that asks for none.
    pub user: String,
    /// Its password.
    pub password: String,
    /// What this machine calls itself.
    pub hello: String,
    /// A certificate in PEM form to trust besides this machine's own.
    pub root: Option<Vec<u8>>,
}

/// A mail server.
#[derive(Clone)]
pub struct Smtp(Arc<(AsyncSmtpTransport<Tokio1Executor>, Mailbox, String)>);

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Smtp").field(&self.0.2).finish()
    }
}

impl Smtp {
    pub(super) fn new(settings: &SmtpSettings, from: Mailbox) -> Result<Self, String> {
        if settings.host.is_empty() {
            return Err("mail.smtp.host is not set: name your mail server".to_owned());
        }
        let parameters = || {
            let mut builder =
                TlsParameters::builder(settings.host.clone()).certificate_store(CertificateStore::Default);
            if let Some(pem) = &settings.root {
                let root = Certificate::from_pem(pem)
                    .map_err(|why| format!("mail.smtp.ca_file holds no certificate in PEM form: {why}"))?;
                builder = builder.add_root_certificate(root);
            }
            builder
                .build_rustls()
                .map_err(|why| format!("the certificates of this machine cannot be read: {why}"))
        };
        let (tls, usual) = match settings.protection {
            Protection::Tls => (Tls::Wrapper(parameters()?), 465),
            Protection::StartTls => (Tls::Required(parameters()?), 587),
            Protection::Plain => (Tls::None, 25),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(if settings.port == 0 { usual } else { settings.port })
            .tls(tls)
            .hello_name(ClientId::Domain(settings.hello.clone()))
            .timeout(Some(TIMEOUT));
        if !settings.user.is_empty() {
            builder = builder.credentials(Credentials::new(settings.user.clone(), settings.password.clone()));
        }
        Ok(Self(Arc::new((builder.build(), from, settings.host.clone()))))
    }

    /// The server's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.2
    }

    pub(super) async fn deliver(&self, letter: Letter) -> Result<()> {
        let message = letter.message(self.0.1.clone())?;
        // The library limits single steps; a server that drips would outlast them,
        // and whoever tries it from a page is answered within half a minute.
        match tokio::time::timeout(2 * TIMEOUT, self.0.0.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(unreachable()),
        }
    }

    pub(super) async fn check(&self) -> Result<()> {
        match tokio::time::timeout(2 * TIMEOUT, self.0.0.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(unreachable()),
            Ok(Err(error)) => Err(refusal(&error)),
        }
    }
}

fn unreachable() -> Error {
    Error::invalid("mail_unreachable", "The mail server does not answer.")
}

/// What the server's answer means: a letter that will never be taken, a server
/// that does not let us in, or something that may pass.
fn refusal(error: &smtp::Error) -> Error {
    let code = error.status().map(|code| code.to_string().parse::<u16>().unwrap_or(0));
    // The text may name the address: the log gets the number alone.
    tracing::debug!(code, "the mail server refused");
    match code {
        Some(530 | 534 | 535 | 538) => {
            Error::invalid("mail_login_refused", "The mail server does not accept our login.")
        }
        Some(500..=599) => {
            Error::invalid("mail_bounced", "The mail server does not take mail for this address.")
        }
        Some(_) => Error::invalid("mail_deferred", "The mail server asks us to try again later."),
        None if error.is_tls() => {
            Error::invalid("mail_tls", "The mail server's certificate is not valid, or it offers no TLS.")
        }
        None => unreachable(),
    }
}
