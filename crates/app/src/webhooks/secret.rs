//! Secrets of endpoints and what is signed with them (Standard Webhooks 1.0:
//! HMAC-SHA256 over identifier, time and body).

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use bedside_model::At;
use bedside_store::{Sealed, Vault, webhooks::Webhook};

use crate::{Random, Result};

/// What a secret begins with when it is shown.
const PREFIX: &str = "whsec_";

fn context(webhook: &str) -> String {
    format!("webhooks.secret:{webhook}")
}

/// A fresh secret, as it is shown once.
pub(super) fn fresh(random: &Random) -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(random.bytes::<32>()))
}

pub(super) fn seal(vault: &Vault, webhook: &str, secret: &str) -> Result<Sealed> {
    Ok(vault.seal_text(&context(webhook), secret)?)
}

/// The header of a delivery at an instant: one signature per secret that is
/// good now, parted by spaces.
pub(super) fn signatures(vault: &Vault, webhook: &Webhook, now: At, id: &str, body: &str) -> Result<String> {
    let old = webhook.old_secret.as_ref().filter(|(_, until)| now < *until).map(|(old, _)| old);
    let mut all = Vec::new();
    for sealed in std::iter::once(&webhook.secret).chain(old) {
        all.push(signature(&vault.open_text(&context(&webhook.id), sealed)?, now, id, body));
    }
    Ok(all.join(" "))
}

fn signature(secret: &str, at: At, id: &str, body: &str) -> String {
    let bytes = BASE64_STANDARD.decode(secret.trim_start_matches(PREFIX)).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let signed = hmac::sign(&key, format!("{id}.{}.{body}", at.seconds()).as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(signed.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_specifications_own_example() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            At::from_seconds(1_614_265_330),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
