//! The master key, and the secret of call tokens that first followed from it.

use std::path::PathBuf;

use bedside_model::At;
use bedside_store::{MasterKey, Store, house_keys};

use super::StartError;
use crate::config::Keys;

/// The master key, and the file it is in, if it is in one. Makes the file on
/// the first start.
pub(super) fn load(keys: &Keys) -> Result<(MasterKey, Option<PathBuf>), StartError> {
    if !keys.master_key.is_empty() {
        let bytes = from_hex(keys.master_key.expose())
            .ok_or_else(|| StartError("keys.master_key must be 64 hexadecimal digits.".to_owned()))?;
        return Ok((MasterKey::from_bytes(&bytes)?, None));
    }
    let path = &keys.master_key_file;
    let key = MasterKey::load_or_create(path)
        .map_err(|error| StartError(format!("Cannot use the master key file: {error}.")))?;
    Ok((key, Some(path.clone())))
}

/// Signs call tokens. Kept in the database, wrapped by the master key, so that
/// every node signs alike and a new master key ends no call; one-way, so that a
/// token's signature tells nothing of the key it was first made from.
pub(super) async fn call_secret(store: &Store, at: At) -> Result<String, StartError> {
    let first = |master: &MasterKey| master.derive(b"bedside call tokens v1\0").to_vec();
    Ok(data_encoding::HEXLOWER.encode(&house_keys::secret(store, "calls", at, first).await?))
}

/// Signs push messages. Kept as the one above: a browser's subscription is
/// bound to the key that it was made with.
pub(super) async fn push_secret(store: &Store, at: At) -> Result<Vec<u8>, StartError> {
    let first = |master: &MasterKey| master.derive(b"bedside web push v1\0").to_vec();
    Ok(house_keys::secret(store, "web_push", at, first).await?)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok().filter(|bytes| bytes.len() == 32)
}
