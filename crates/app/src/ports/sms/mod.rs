//! The port to telephones: one short message to one number. Which way it goes
//! is chosen once, at the start.

mod folder;
mod http;

use std::path::PathBuf;

use bedside_model::Phi;
pub use folder::Folder;
pub use http::{Form, Gateway, Provider};

use crate::{Result, ports::http::Http};

/// One short message.
#[derive(Debug, Clone)]
pub struct Message {
    /// What tells it from all others, in letters, digits, `-` and `.`.
    pub id: String,
    /// The number, with `+` and country.
    pub to: Phi<String>,
    /// What it says, the link included.
    pub text: Phi<String>,
}

/// Where short messages go.
#[derive(Debug, Clone)]
pub enum Sms {
    /// Nowhere: nobody is told by short message.
    Off,
    /// Into a folder, as text files, for development.
    Folder(Folder),
    /// To a provider's HTTP API.
    Provider(Provider),
}

impl Sms {
    /// Messages into a folder.
    #[must_use]
    pub fn folder(folder: PathBuf) -> Self {
        Self::Folder(Folder::new(folder))
    }

    /// Messages to a provider.
    ///
    /// # Errors
    /// A setting that cannot be used; the text says which.
    pub fn provider(gateway: Gateway, http: Http) -> Result<Self, String> {
        Ok(Self::Provider(Provider::new(gateway, http)?))
    }

    /// The word for the way, as the settings spell it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Folder(_) => "folder",
            Self::Provider(_) => "http",
        }
    }

    /// Sends a message. Sending it again (same identifier) replaces the first
    /// in a folder.
    ///
    /// # Errors
    /// 400 `sms_bounced` for a number that no message can go to, `sms_off`;
    /// otherwise faults that may pass.
    pub async fn send(&self, message: Message) -> Result<()> {
        match self {
            Self::Off => Err(off()),
            Self::Folder(folder) => folder.send(message).await,
            Self::Provider(provider) => provider.send(message).await,
        }
    }
}

fn off() -> crate::Error {
    crate::Error::invalid("sms_off", "Short messages are not set up on this server (setting sms.kind).")
}

#[cfg(test)]
mod tests {
    use bedside_model::Phi;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;

    fn message(id: &str, text: &str) -> Message {
        Message {
            id: id.to_owned(),
            to: Phi::from("+15550100100".to_owned()),
            text: Phi::from(text.to_owned()),
        }
    }

    /// What every way must do: `read` gives what arrived last.
    async fn conformance(sms: &Sms, mut read: impl AsyncFnMut() -> String) {
        for text in ["Northside: see you", "grüße & 100 % + more"] {
            sms.send(message("one", text)).await.unwrap();
            let arrived = read().await;
            assert!(arrived.contains("15550100100") && arrived.contains(text), "{arrived}");
        }
    }

    #[tokio::test]
    async fn a_folder_takes_messages_and_nowhere_takes_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sms");
        let sms = Sms::folder(folder.clone());
        conformance(&sms, async || std::fs::read_to_string(folder.join("one.txt")).unwrap()).await;
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "twice is once");
        assert_eq!(Sms::Off.send(message("x", "y")).await.unwrap_err().code(), Some("sms_off"));
    }

    /// A provider that answers with a status and gives what it was sent.
    async fn provider(status: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut taken = Vec::new();
                let whole = |taken: &[u8]| {
                    let text = String::from_utf8_lossy(taken).into_owned();
                    let (head, body) = text.split_once("\r\n\r\n")?;
                    let length = head.to_lowercase().lines().find_map(|line| {
                        line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()
                    })?;
                    (body.len() >= length).then(|| text.clone())
                };
                let text = loop {
                    let mut some = [0; 4096];
                    let read = socket.read(&mut some).await.unwrap();
                    taken.extend_from_slice(&some[..read]);
                    if let Some(text) = whole(&taken) {
                        break text;
                    }
                };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                socket.write_all(answer.as_bytes()).await.unwrap();
                sender.send(text).unwrap();
            }
        });
        (url, receiver)
    }

    fn gateway(url: &str, form: Form, user: &str) -> Sms {
        let gateway = Gateway {
            url: url.to_owned(),
            form,
            from: "Northside".to_owned(),
            user: user.to_owned(),
            password: "secret".to_owned(),
        };
        Sms::provider(gateway, Http::new().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_provider_takes_messages_in_both_forms() {
        for (form, user, login) in
            [(Form::Json, "", "Bearer secret"), (Form::Form, "us", "Basic dXM6c2VjcmV0")]
        {
            let (url, mut receiver) = provider("201 Created").await;
            let sms = gateway(&url, form, user);
            conformance(&sms, async || {
                let text = receiver.recv().await.unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                assert!(
                    head.contains(login) && head.to_lowercase().contains("idempotency-key: one"),
                    "{head}"
                );
                match form {
                    Form::Json => body.to_owned(),
                    Form::Form => url::form_urlencoded::parse(body.as_bytes())
                        .map(|(name, value)| format!("{name}={value}\n"))
                        .collect(),
                }
            })
            .await;
        }
        for (status, code) in [
            ("400 Bad Request", "sms_bounced"),
            ("401 Unauthorized", "sms_login_refused"),
            ("503 Unavailable", "sms_deferred"),
        ] {
            let (url, _receiver) = provider(status).await;
            let refused = gateway(&url, Form::Json, "").send(message("one", "x")).await.unwrap_err();
            assert_eq!(refused.code(), Some(code));
        }
        let nobody = gateway("http://127.0.0.1:1/x", Form::Json, "").send(message("one", "x")).await;
        assert_eq!(nobody.unwrap_err().code(), Some("sms_unreachable"));
    }
}
