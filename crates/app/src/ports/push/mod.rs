//! The port to browsers: one web push message to one subscription (RFC 8030),
//! encrypted for it and signed by the house.

mod encrypt;
mod vapid;

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bedside_model::{At, endpoint::Key};

use self::{
    encrypt::{Fresh, MAX_PLAIN, encrypt},
    vapid::Vapid,
};
use crate::{
    Error, Random, Result,
    ports::http::{Fault, Http, Policy},
};

/// How long a push service may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The way to browsers.
#[derive(Clone)]
pub struct Push(Arc<(Vapid, Http, bool)>);

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Push").field(&self.0.0.public()).finish()
    }
}

/// A message as the push service takes it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// With which headers.
    pub headers: Vec<(&'static str, String)>,
    /// The encrypted message.
    pub body: Vec<u8>,
}

impl Push {
    /// The way to browsers with the house's key, made of 32 secret bytes.
    /// Subscriptions name their push service, so only public addresses are
    /// reached unless `allow_private` says so (development).
    ///
    /// # Errors
    /// Bytes that are no key.
    pub fn new(secret: &[u8], subject: &str, http: Http, allow_private: bool) -> Result<Self, String> {
        let vapid = Vapid::new(secret, subject.to_owned());
        let vapid = vapid.ok_or_else(|| "the key of web push is none".to_owned())?;
        Ok(Self(Arc::new((vapid, http, allow_private))))
    }

    /// Brings a message to its subscription.
    ///
    /// # Errors
    /// 400 `push_gone` for a subscription that has ended, or whose address may
    /// not be reached; otherwise faults that may pass.
    pub async fn deliver(&self, request: Request) -> Result<()> {
        let (_, http, allow_private) = &*self.0;
        let policy = Policy { timeout: TIMEOUT, allow_private: *allow_private, max_body: 4_096 };
        match http.post(&request.url, &request.headers, request.body, policy).await {
            Ok(reply) => match reply.status {
                200..=299 => Ok(()),
                404 | 410 => Err(gone()),
                400 | 401 | 403 | 413 => {
                    Err(Error::invalid("push_refused", "The browser's push service refuses our messages."))
                }
                _ => Err(Error::invalid("push_deferred", "The push service asks us to try again later.")),
            },
            Err(Fault::BadUrl | Fault::Private) => Err(gone()),
            Err(_) => Err(Error::invalid("push_unreachable", "The push service does not answer.")),
        }
    }

    /// With this key pages subscribe, base64url.
    #[must_use]
    pub fn public_key(&self) -> &str {
        self.0.0.public()
    }

    /// Makes the request that brings a message to a subscription.
    ///
    /// # Errors
    /// 400 `push_gone` for a subscription whose keys are none.
    pub fn request(&self, to: &Key, plain: &str, seconds: i64, random: &Random, now: At) -> Result<Request> {
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| gone());
        let origin = url::Url::parse(&to.key).map_err(|_| gone())?.origin().ascii_serialization();
        let fresh = Fresh { private: random.bytes(), salt: random.bytes() };
        let plain = plain.as_bytes();
        let plain = plain.get(..MAX_PLAIN).unwrap_or(plain);
        let body = encrypt(plain, &bytes(&to.p256dh)?, &bytes(&to.auth)?, &fresh).map_err(|_| gone())?;
        let signed = self.0.0.authorization(&origin, now);
        let signed =
            signed.ok_or_else(|| Error::internal(anyhow::anyhow!("a push message was not signed")))?;
        let headers = vec![
            ("Authorization", signed),
            ("Content-Type", "application/octet-stream".to_owned()),
            ("Content-Encoding", "aes128gcm".to_owned()),
            ("TTL", seconds.max(0).to_string()),
            ("Urgency", "high".to_owned()),
        ];
        Ok(Request { url: to.key.clone(), headers, body })
    }
}

/// The subscription has ended; no later try will reach it.
fn gone() -> Error {
    Error::invalid("push_gone", "The browser's subscription has ended.")
}
