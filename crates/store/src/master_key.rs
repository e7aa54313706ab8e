//! The master key: it wraps every account's data key and lies in a file of its
//! own, apart from the data.
//!
//! The file holds 32 bytes, or 64 while a rotation is under way: the current
//! key and the one before. A wrapped key names the master key it belongs to,
//! so that a rotation may end half-way and everything still opens.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::{
    Error, Result, Sealed, Vault,
    seal::{KEY_LENGTH, random_key},
};

/// First byte of a key wrapped by a master key that it names.
const NAMED: u8 = 2;
/// Bytes of a master key's name.
const NAME_LENGTH: usize = 4;

#[derive(Clone, PartialEq, Eq)]
struct Key([u8; KEY_LENGTH]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Key {
    /// Tells one key from another and nothing else about it.
    fn name(&self) -> KeyName {
        let hash = Sha256::new().chain_update(b"bedside master key name\0").chain_update(self.0).finalize();
        let mut name = [0; NAME_LENGTH];
        name.copy_from_slice(&hash[..NAME_LENGTH]);
        KeyName(name)
    }
}

/// Which master key, without telling anything about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyName([u8; NAME_LENGTH]);

impl KeyName {
    /// The bytes as they stand in wrapped keys.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The key that wraps every account's data key, and during a rotation the one
/// before it, which still opens.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    current: Key,
    previous: Option<Key>,
}

impl MasterKey {
    /// A key from its 32 bytes, or current and previous key from 64.
    ///
    /// # Errors
    /// [`Error::MasterKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let key = |part: &[u8]| part.try_into().map(Key).map_err(|_| Error::MasterKey);
        match bytes.len() {
            KEY_LENGTH => Ok(Self { current: key(bytes)?, previous: None }),
            length if length == 2 * KEY_LENGTH => {
                let (current, previous) = bytes.split_at(KEY_LENGTH);
                Ok(Self { current: key(current)?, previous: Some(key(previous)?) })
            }
            _ => Err(Error::MasterKey),
        }
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::KeyIsOpen`] when others
    /// than its owner may, [`Error::MasterKey`] when it has no key's length.
    pub fn load(path: &Path) -> Result<Self> {
        let mut bytes = Vec::with_capacity(2 * KEY_LENGTH + 1);
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        // Asked of the open file, so that nobody can put another in between.
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(Error::KeyIsOpen(path.to_owned()));
        }
        // One byte more than two keys, to notice a longer file.
        file.take(2 * KEY_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let key = Self::from_bytes(&bytes);
        bytes.zeroize();
        key
    }

    /// Reads the key file; makes it (mode 0600, folders too) when it is absent.
    ///
    /// # Errors
    /// As [`MasterKey::load`], and [`Error::File`] when it cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        if path.try_exists().map_err(|source| Error::File { path: path.to_owned(), source })? {
            return Self::load(path);
        }
        let key = Self { current: Key(random_key()?), previous: None };
        match key.write(path, false) {
            // Another start was faster.
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::load(path)
            }
            written => written.map(|()| key),
        }
    }

    /// Writes the key file in place of the one that is there. Whenever the
    /// machine stops, either the old or the new file is there as a whole.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.write(path, true)
    }

    fn write(&self, path: &Path, replace: bool) -> Result<()> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        // A name of this process's own: two first starts at once do not meet.
        let mut next = path.as_os_str().to_owned();
        next.push(format!(".new-{}", std::process::id()));
        let next = PathBuf::from(next);
        let mut bytes = self.current.0.to_vec();
        bytes.extend(self.previous.iter().flat_map(|key| key.0));
        let done = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            if replace {
                std::fs::rename(&next, path)?;
            } else {
                // Unlike a rename, a link does not replace what is there.
                std::fs::hard_link(&next, path)?;
                std::fs::remove_file(&next)?;
            }
            File::open(folder)?.sync_all()
        })();
        bytes.zeroize();
        if done.is_err() {
            // Nothing to do about a failure to clean up after a failure.
            let _ = std::fs::remove_file(&next);
        }
        done.map_err(failed)
    }

    /// Name of the key that wraps now.
    #[must_use]
    pub fn name(&self) -> KeyName {
        self.current.name()
    }

    /// Is there a previous key that still opens?
    #[must_use]
    pub const fn is_rotating(&self) -> bool {
        self.previous.is_some()
    }

    /// A new current key; the one until now becomes the previous one.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn rotated(&self) -> Result<Self> {
        Ok(Self { current: Key(random_key()?), previous: Some(self.current.clone()) })
    }

    /// Without the previous key.
    #[must_use]
    pub fn finished(&self) -> Self {
        Self { current: self.current.clone(), previous: None }
    }

    /// A secret that follows from the current key and tells nothing about it.
    #[must_use]
    pub fn derive(&self, label: &[u8]) -> [u8; KEY_LENGTH] {
        Sha256::new().chain_update(label).chain_update(self.current.0).finalize().into()
    }

    /// A new data key for an account: the vault, and the wrapped key for its
    /// row's `data_key` column.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn new_vault(&self, account: &str) -> Result<(Vault, Sealed)> {
        let mut key = random_key()?;
        let wrapped = self.wrap(&account_context(account), &key)?;
        let vault = Vault::from_key(&key);
        key.zeroize();
        Ok((vault?, wrapped))
    }

    /// The vault of an account from its row's wrapped data key.
    ///
    /// # Errors
    /// [`Error::Sealed`] when another master key wrapped it.
    pub fn open_vault(&self, account: &str, wrapped: &Sealed) -> Result<Vault> {
        let mut key = self.unwrap_key(&account_context(account), wrapped)?;
        let vault = Vault::from_key(&key);
        key.zeroize();
        vault
    }

    /// An account's data key wrapped by the current key; none when it is.
    ///
    /// # Errors
    /// [`Error::Sealed`] when neither key wrapped it.
    pub fn rewrap_vault(&self, account: &str, wrapped: &Sealed) -> Result<Option<Sealed>> {
        self.rewrap(&account_context(account), wrapped)
    }

    /// Seals a key of the house for one place.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn wrap(&self, context: &str, key: &[u8]) -> Result<Sealed> {
        let mut wrapped = vec![NAMED];
        wrapped.extend_from_slice(self.name().as_bytes());
        wrapped.extend_from_slice(Vault::from_key(&self.current.0)?.seal(context, key)?.as_bytes());
        Ok(Sealed::from_bytes(wrapped))
    }

    /// Opens what [`MasterKey::wrap`] sealed, also what an older version did,
    /// which named no key.
    ///
    /// # Errors
    /// [`Error::Sealed`] when neither key wrapped it, or for another place.
    pub fn unwrap_key(&self, context: &str, wrapped: &Sealed) -> Result<Vec<u8>> {
        let (key, body) = match wrapped.as_bytes() {
            [NAMED, rest @ ..] if rest.len() > NAME_LENGTH => {
                let (name, body) = rest.split_at(NAME_LENGTH);
                let mut keys = self.keys();
                (Some(keys.find(|key| key.name().as_bytes() == name).ok_or(Error::Sealed)?), body)
            }
            body => (None, body),
        };
        let sealed = Sealed::from_bytes(body.to_vec());
        let open = |key: &Key| Vault::from_key(&key.0)?.open(context, &sealed);
        match key {
            Some(key) => open(key),
            None => self.keys().find_map(|key| open(key).ok()).ok_or(Error::Sealed),
        }
    }

    /// The same key wrapped by the current master key; none when it is.
    ///
    /// # Errors
    /// [`Error::Sealed`] when neither key wrapped it.
    pub fn rewrap(&self, context: &str, wrapped: &Sealed) -> Result<Option<Sealed>> {
        if self.has_wrapped(wrapped) {
            return Ok(None);
        }
        let mut key = self.unwrap_key(context, wrapped)?;
        let again = self.wrap(context, &key);
        key.zeroize();
        again.map(Some)
    }

    /// Does a wrapped key name the current master key?
    #[must_use]
    pub fn has_wrapped(&self, wrapped: &Sealed) -> bool {
        key_name(wrapped) == Some(self.name().as_bytes())
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// The master key that a wrapped key names, if it names one.
pub(crate) fn key_name(wrapped: &Sealed) -> Option<&[u8]> {
    match wrapped.as_bytes() {
        [NAMED, rest @ ..] => rest.get(..NAME_LENGTH),
        _ => None,
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.name())
    }
}

fn account_context(account: &str) -> String {
    format!("accounts.data_key:{account}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: u8) -> MasterKey {
        MasterKey::from_bytes(&[fill; 32]).unwrap()
    }

    #[test]
    fn it_wraps_per_account() {
        let master = key(1);
        let (vault, wrapped) = master.new_vault("a").unwrap();
        let sealed = vault.seal_text("t.c:1", "text").unwrap();
        let again = master.open_vault("a", &wrapped).unwrap();
        assert_eq!(again.open_text("t.c:1", &sealed).unwrap(), "text");
        assert!(master.open_vault("b", &wrapped).is_err());
        assert!(key(2).open_vault("a", &wrapped).is_err());
    }

    #[test]
    fn both_keys_open_while_rotating_and_the_old_one_no_longer_after() {
        let old = key(1);
        let (vault, wrapped) = old.new_vault("a").unwrap();
        let sealed = vault.seal_text("t.c:1", "text").unwrap();
        let rotating = old.rotated().unwrap();
        assert!(rotating.is_rotating() && rotating.name() != old.name());
        rotating.open_vault("a", &wrapped).unwrap();
        let again = rotating.rewrap_vault("a", &wrapped).unwrap().unwrap();
        assert!(rotating.rewrap_vault("a", &again).unwrap().is_none());
        assert!(old.open_vault("a", &again).is_err());
        let finished = rotating.finished();
        assert!(finished.open_vault("a", &wrapped).is_err());
        let vault = finished.open_vault("a", &again).unwrap();
        assert_eq!(vault.open_text("t.c:1", &sealed).unwrap(), "text");
    }

    #[test]
    fn a_key_wrapped_before_keys_had_names_opens() {
        let master = key(3);
        let data_key = [9; 32];
        let old = Vault::from_key(&[3; 32]).unwrap().seal("accounts.data_key:a", &data_key).unwrap();
        assert_eq!(key_name(&old), None);
        master.open_vault("a", &old).unwrap();
        let rotating = master.rotated().unwrap();
        rotating.open_vault("a", &old).unwrap();
        assert!(rotating.rewrap_vault("a", &old).unwrap().is_some());
        assert!(key(4).open_vault("a", &old).is_err());
    }

    #[test]
    fn the_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let first = MasterKey::load_or_create(&path).unwrap();
        assert!(first == MasterKey::load_or_create(&path).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let rotated = first.rotated().unwrap();
        rotated.save(&path).unwrap();
        assert!(MasterKey::load(&path).unwrap() == rotated);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_that_others_may_read_or_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        key(1).save(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = MasterKey::load_or_create(&path);
            assert!(matches!(refused, Err(Error::KeyIsOpen(_))), "{mode:o}: {refused:?}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        MasterKey::load(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for length in [0, 31, 33, 63, 65, 4000] {
            std::fs::write(&path, vec![1; length]).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(MasterKey::load(&path), Err(Error::MasterKey)), "{length}");
        }
    }

    #[test]
    fn it_cannot_be_printed() {
        assert_eq!(format!("{:?}", key(7)), format!("MasterKey({})", key(7).name()));
        assert!(!format!("{:?}", key(7)).contains("0707"));
    }
}
