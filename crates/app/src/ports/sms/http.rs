//! Short messages by a provider's HTTP API, in one of two forms that most of
//! them take.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::Message;
use crate::{
    Error, Result,
    ports::http::{Http, Policy},
};

/// How the provider wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"to", "from", "text"}` as JSON.
    Json,
    /// `To`, `From` and `Body` as a form, as Twilio takes them.
    Form,
}

/// A provider.
#[derive(Clone)]
pub struct Gateway {
    /// Where to post messages.
    pub url: String,
    /// How.
    pub form: Form,
    /// Who messages are from: a number or a name.
    pub from: String,
    /// Login name; with an empty one the password is sent as a bearer token.
    pub user: String,
    /// Password or token.
    pub password: String,
}

/// The way to a provider.
#[derive(Clone)]
pub struct Provider(Arc<(Gateway, Http)>);

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Provider").field(&self.0.0.url).finish()
    }
}

impl Provider {
    pub(super) fn new(gateway: Gateway, http: Http) -> Result<Self, String> {
        // The operator's own setting may name a host in the house.
        Http::check(&gateway.url, true)
            .map_err(|fault| format!("sms.url cannot be used ({})", fault.as_str()))?;
        Ok(Self(Arc::new((gateway, http))))
    }

    pub(super) async fn send(&self, message: Message) -> Result<()> {
        let (gateway, http) = &*self.0;
        let (to, text) = (message.to.reveal(), message.text.reveal());
        let (kind, body) = match gateway.form {
            Form::Json => {
                ("application/json", json!({ "to": to, "from": gateway.from, "text": text }).to_string())
            }
            Form::Form => {
                let mut form = Serializer::new(String::new());
                form.append_pair("To", to).append_pair("From", &gateway.from).append_pair("Body", text);
                ("application/x-www-form-urlencoded", form.finish())
            }
        };
        let mut headers = vec![("Content-Type", kind.to_owned()), ("Idempotency-Key", message.id)];
        match (gateway.user.as_str(), gateway.password.as_str()) {
            ("", "") => {}
            ("", token) => headers.push(("Authorization", format!("Bearer {token}"))),
            (user, password) => {
                let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
                headers.push(("Authorization", format!("Basic {pair}")));
            }
        }
        let policy = Policy { timeout: Duration::from_secs(10), allow_private: true, max_body: 4_096 };
        let unreachable = |_| Error::invalid("sms_unreachable", "The SMS provider does not answer.");
        let reply =
            http.post(&gateway.url, &headers, body.into_bytes(), policy).await.map_err(unreachable)?;
        match reply.status {
            200..=299 => Ok(()),
            401 | 403 => {
                Err(Error::invalid("sms_login_refused", "The SMS provider does not accept our login."))
            }
            400 | 404 | 422 => {
                Err(Error::invalid("sms_bounced", "The SMS provider does not take messages for this number."))
            }
            _ => Err(Error::invalid("sms_deferred", "The SMS provider asks us to try again later.")),
        }
    }
}
