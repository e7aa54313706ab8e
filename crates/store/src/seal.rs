//! Sealed columns: free text about health is AES-256-GCM under the account's
//! data key, which lies in the database wrapped by the master key. The
//! database alone tells nobody's story.
//!
//! A sealed value is bound to its place by a context such as
//! `intakes.answers:<id>`: moved to another row it does not open.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroize;

use crate::{Error, Result};

const KEY_LENGTH: usize = 32;
/// First byte of a sealed value: how it is made.
const VERSION: u8 = 1;

/// The key that wraps every account's data key. Kept in a file outside the
/// data directory.
#[derive(Clone)]
pub struct MasterKey([u8; KEY_LENGTH]);

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl MasterKey {
    /// A key from its 32 bytes.
    ///
    /// # Errors
    /// [`Error::MasterKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| Error::MasterKey)
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::MasterKey`] when it is
    /// not 32 bytes long.
    pub fn load(path: &Path) -> Result<Self> {
        let mut bytes = Vec::with_capacity(KEY_LENGTH + 1);
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        // One byte more than a key, to notice a longer file.
        file.take(KEY_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let key = Self::from_bytes(&bytes);
        bytes.zeroize();
        key
    }

    /// Reads the key file; makes it (mode 0600, folders too) when it is absent.
    ///
    /// # Errors
    /// As [`MasterKey::load`], and [`Error::File`] when it cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let key = Self(random_key()?);
                file.write_all(&key.0).map_err(failed)?;
                file.sync_all().map_err(failed)?;
                Ok(key)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(failed(error)),
        }
    }

    /// A new data key for an account: the vault, and the wrapped key for its
    /// row's `data_key` column.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn new_vault(&self, account: &str) -> Result<(Vault, Sealed)> {
        let mut key = random_key()?;
        let wrapped = Vault::from_key(&self.0)?.seal(&wrap_context(account), &key)?;
        let vault = Vault::from_key(&key);
        key.zeroize();
        Ok((vault?, wrapped))
    }

    /// The vault of an account from its row's wrapped data key.
    ///
    /// # Errors
    /// [`Error::Sealed`] when another master key wrapped it.
    pub fn open_vault(&self, account: &str, wrapped: &Sealed) -> Result<Vault> {
        let mut key = Vault::from_key(&self.0)?.open(&wrap_context(account), wrapped)?;
        let vault = Vault::from_key(&key);
        key.zeroize();
        vault
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// A value only its account's vault can open. Stored as BLOB / BYTEA.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Sealed(Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// One account's data key, ready for use.
pub struct Vault(RandomizedNonceKey);

impl Vault {
    fn from_key(key: &[u8]) -> Result<Self> {
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

fn wrap_context(account: &str) -> String {
    format!("accounts.data_key:{account}")
}

/// Keys come from the operating system, never from the injected randomness.
fn random_key() -> Result<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| Error::Sealed)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vault() -> Vault {
        MasterKey([7; 32]).new_vault("a").unwrap().0
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

    #[test]
    fn the_master_key_wraps_per_account() {
        let master = MasterKey([1; 32]);
        let (vault, wrapped) = master.new_vault("a").unwrap();
        let sealed = vault.seal_text("t.c:1", "text").unwrap();
        let again = master.open_vault("a", &wrapped).unwrap();
        assert_eq!(again.open_text("t.c:1", &sealed).unwrap(), "text");
        assert!(master.open_vault("b", &wrapped).is_err());
        assert!(MasterKey([2; 32]).open_vault("a", &wrapped).is_err());
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let first = MasterKey::load_or_create(&path).unwrap();
        let second = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(first.0, second.0);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
