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
    signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Is this the text's signature? Takes as long for a wrong one.
pub(crate) fn is_signed(app: &App, text: &str, hex: &str) -> bool {
    bytes(hex).is_some_and(|signature| hmac::verify(&key(app), text.as_bytes(), &signature).is_ok())
}

pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.is_ascii() && hex.len() == 64;
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    digits.then(|| (0..64).step_by(2).map(byte).collect()).flatten()
}
