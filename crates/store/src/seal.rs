//! Sealed columns: free text about health is AES-256-GCM under the account's
//! data key, which lies in the database wrapped by the master key. The
//! database alone tells nobody's story.
//!
//! A sealed value is bound to its place by a context such as
//! `intakes.answers:<id>`: moved to another row it does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use crate::{Error, Result};

pub(crate) const KEY_LENGTH: usize = 32;
/// First byte of a sealed value: how it is made.
const VERSION: u8 = 1;

/// A value only its account's vault can open. Stored as BLOB / BYTEA.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// A sealed value as it was kept elsewhere than in a column.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes as they are kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// One account's data key, ready for use.
pub struct Vault(RandomizedNonceKey);

impl Vault {
    pub(crate) fn from_key(key: &[u8]) -> Result<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).map_err(|_| Error::Sealed)
    }

    /// Seals bytes for one place, named `table.column:id`.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed> {
        let mut body = plain.to_vec();
        let nonce =
            self.0.seal_in_place_append_tag(Aad::from(context), &mut body).map_err(|_| Error::Sealed)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it was altered, moved, or sealed by another key.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>> {
        let (version, rest) = sealed.0.split_first().ok_or(Error::Sealed)?;
        if *version != VERSION || rest.len() < NONCE_LEN {
            return Err(Error::Sealed);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed)?;
        let mut body = body.to_vec();
        let plain =
            self.0.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| Error::Sealed)?.len();
        body.truncate(plain);
        Ok(body)
    }

    /// [`Vault::seal`] for text.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn seal_text(&self, context: &str, plain: &str) -> Result<Sealed> {
        self.seal(context, plain.as_bytes())
    }

    /// [`Vault::open`] for text.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_text(&self, context: &str, sealed: &Sealed) -> Result<String> {
        String::from_utf8(self.open(context, sealed)?).map_err(|_| Error::Sealed)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

/// Keys come from the operating system, never from the injected randomness.
pub(crate) fn random_key() -> Result<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| Error::Sealed)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MasterKey;

    fn vault() -> Vault {
        MasterKey::from_bytes(&[7; 32]).unwrap().new_vault("a").unwrap().0
    }

    proptest! {
        #[test]
        fn round_trip(plain in proptest::collection::vec(any::<u8>(), 0..300), context in "\\PC*") {
            let vault = vault();
            let sealed = vault.seal(&context, &plain).unwrap();
            prop_assert_eq!(vault.open(&context, &sealed).unwrap(), plain);
        }

        #[test]
        fn an_altered_byte_is_noticed(plain in ".{1,40}", at in any::<prop::sample::Index>()) {
            let vault = vault();
            let mut sealed = vault.seal_text("t.c:1", &plain).unwrap();
            let at = at.index(sealed.0.len());
            sealed.0[at] ^= 1;
            prop_assert!(vault.open("t.c:1", &sealed).is_err());
        }
    }

    #[test]
    fn a_value_opens_only_in_its_place() {
        let vault = vault();
        let sealed = vault.seal_text("intakes.answers:1", "chest pain").unwrap();
        assert!(vault.open_text("intakes.answers:2", &sealed).is_err());
        assert!(!format!("{sealed:?}").contains("chest"));
    }
}
