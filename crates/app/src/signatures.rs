//! Links that nothing has to be kept for: what they say is signed, and each
//! purpose has words of its own in front, so that no other signature fits.

use aws_lc_rs::hmac;

use crate::App;

fn key(app: &App) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, app.settings.call_secret.as_bytes())
}

/// The signature of a text, in 64 hex digits.
pub(crate) fn sign(app: &App, text: &str) -> String {
    let signature = hmac::sign(&key(app), text.as_bytes());
    data_encoding::HEXLOWER.encode(signature.as_ref())
}

/// Is this the text's signature? Takes as long for a wrong one.
pub(crate) fn is_signed(app: &App, text: &str, hex: &str) -> bool {
    bytes(hex).is_some_and(|signature| hmac::verify(&key(app), text.as_bytes(), &signature).is_ok())
}

/// What stands for a text or a file: its SHA-256 in 64 hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok().filter(|bytes| bytes.len() == 32)
}
