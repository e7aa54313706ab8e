//! Who sends a push message, signed (RFC 8292): push services take messages for
//! a subscription from the key alone that it was made with.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bedside_model::At;
use serde_json::json;

/// How long a signature counts; services refuse more than a day.
const SECONDS: i64 = 12 * 3_600;

/// The house's key.
pub(super) struct Vapid {
    pair: EcdsaKeyPair,
    public: String,
    /// Whom a push service can ask: a page or a mail address.
    subject: String,
}

impl Vapid {
    /// A key made of 32 secret bytes; none in one of 2^32 cases, where they are
    /// no number of the curve.
    pub(super) fn new(secret: &[u8], subject: String) -> Option<Self> {
        let public = PrivateKey::from_private_key(&ECDH_P256, secret).ok()?.compute_public_key().ok()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            secret,
            public.as_ref(),
        );
        Some(Self { pair: pair.ok()?, public: BASE64_URL_SAFE_NO_PAD.encode(public.as_ref()), subject })
    }

    /// The public half, as pages hand it to the browser.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// The `Authorization` of a message to a push service with this origin.
    pub(super) fn authorization(&self, origin: &str, now: At) -> Option<String> {
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({ "typ": "JWT", "alg": "ES256" }));
        let claims = part(json!({ "aud": origin, "exp": now.seconds() + SECONDS, "sub": self.subject }));
        let signed = format!("{head}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref());
        Some(format!("vapid t={signed}.{signature}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_signature_is_of_the_key_that_is_shown() {
        let vapid = Vapid::new(&[9; 32], "https://clinic.example".to_owned()).unwrap();
        let header = vapid.authorization("https://push.example", At::from_seconds(1_800_000_000)).unwrap();
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (key, signature) =
            (BASE64_URL_SAFE_NO_PAD.decode(key).unwrap(), BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap());
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed.as_bytes(), &signature).unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims,
            json!({ "aud": "https://push.example", "exp": 1_800_043_200, "sub": "https://clinic.example" })
        );
        assert!(Vapid::new(&[0; 32], String::new()).is_none());
    }
}
