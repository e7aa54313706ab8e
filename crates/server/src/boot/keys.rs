//! The master key, and the secret of call tokens that follows from it.

use bedside_store::MasterKey;
use sha2::{Digest, Sha256};

use super::StartError;
use crate::config::Keys;

/// The master key and the call secret. Makes the key file on the first start.
pub(super) fn load(keys: &Keys) -> Result<(MasterKey, String), StartError> {
    if !keys.master_key.is_empty() {
        let bytes = from_hex(keys.master_key.expose())
            .ok_or_else(|| StartError("keys.master_key must be 64 hexadecimal digits.".to_owned()))?;
        return Ok((MasterKey::from_bytes(&bytes)?, call_secret(&bytes)));
    }
    let path = &keys.master_key_file;
    let key = MasterKey::load_or_create(path)
        .map_err(|error| StartError(format!("Cannot use the master key file: {error}.")))?;
    let bytes = std::fs::read(path).map_err(|error| {
        StartError(format!("Cannot read the master key file {}: {error}.", path.display()))
    })?;
    Ok((key, call_secret(&bytes)))
}

/// Signs call tokens. Derived, so that every node with the master key signs
/// alike; one-way, so that a token's signature tells nothing of the key.
fn call_secret(master_key: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"bedside call tokens v1\0");
    hash.update(master_key);
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
