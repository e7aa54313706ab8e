//! The extended profile: whatever a client keeps about a person beyond the
//! fields that we know, sealed, and given back as it was sent.

use bedside_model::UserId;
use bedside_store::{Sealed, Vault};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Most that an extended profile may weigh as JSON.
const MAX_BYTES: usize = 64 * 1024;
/// Longest name of a field, in characters.
const LONGEST_NAME: usize = 100;

fn context(id: UserId) -> String {
    format!("users.extra:{id}")
}

/// Opens an extended profile.
///
/// # Errors
/// A fault of ours when the key does not fit.
pub(crate) fn open(vault: &Vault, id: UserId, sealed: &Sealed) -> Result<Map<String, Value>> {
    let plain = vault.open(&context(id), sealed)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

/// Seals an extended profile.
///
/// # Errors
/// 400 when it is too large.
pub(crate) fn seal(vault: &Vault, id: UserId, extra: &Map<String, Value>) -> Result<Sealed> {
    let plain = serde_json::to_vec(extra).map_err(Error::internal)?;
    if plain.len() > MAX_BYTES {
        return Err(Error::field("extra", "may weigh 64 KiB at most"));
    }
    Ok(vault.seal(&context(id), &plain)?)
}

/// Puts what was sent over what was known. A null takes a field away.
///
/// # Errors
/// 400 for a field without a usable name.
pub(crate) fn merged(mut known: Map<String, Value>, sent: &Map<String, Value>) -> Result<Map<String, Value>> {
    for (name, value) in sent {
        let length = name.trim().chars().count();
        if length == 0 || length > LONGEST_NAME {
            return Err(Error::field("extra", "names of fields have 1 to 100 characters"));
        }
        if value.is_null() {
            known.remove(name);
        } else {
            known.insert(name.clone(), value.clone());
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_sent_goes_over_what_is_known() {
        let known = map(json!({ "race": "x", "insurance": "y" }));
        let sent = map(json!({ "race": null, "insurance": { "id": 1 }, "own": [1] }));
        let wanted = map(json!({ "insurance": { "id": 1 }, "own": [1] }));
        assert_eq!(merged(known, &sent).unwrap(), wanted);
        assert!(merged(Map::new(), &map(json!({ " ": 1 }))).is_err());
        assert!(merged(Map::new(), &map(json!({ "x".repeat(101): 1 }))).is_err());
    }
}
