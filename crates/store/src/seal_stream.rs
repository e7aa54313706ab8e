//! Sealed contents: a file's bytes in chunks of 64 KiB, each AES-256-GCM under
//! a key that only this file has. The key lies in the file's row, sealed with
//! the account's data key, so that whoever deletes the row, or the account,
//! has made the contents unreadable wherever copies of them lie.
//!
//! A chunk's nonce is its index (a key never serves two contents), and its
//! associated data says which file it is of, its index, and whether it is the
//! last one: chunks that were moved, swapped, left out or cut off do not open.
//! Pure: who reads and writes the bytes is not said here.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use bedside_model::FileId;
use bytes::{Bytes, BytesMut};
use zeroize::Zeroize;

use crate::{Error, Result, Sealed, Vault};

/// Plain bytes of every chunk but the last, which may be shorter or empty.
pub const CHUNK: usize = 64 * 1024;
/// What sealing adds to a chunk.
const TAG: usize = 16;
/// A sealed chunk.
pub const SEALED_CHUNK: usize = CHUNK + TAG;
const KEY_LENGTH: usize = 32;

/// Length of sealed contents, from the plain length.
#[must_use]
pub const fn sealed_length(plain: u64) -> u64 {
    plain + chunks(plain) * TAG as u64
}

/// How many chunks contents of this plain length have; empty ones have one.
#[must_use]
pub const fn chunks(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK as u64);
    if chunks == 0 { 1 } else { chunks }
}

/// The key of one file's contents.
pub struct FileKey {
    id: FileId,
    key: LessSafeKey,
    links: hmac::Key,
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({})", self.id)
    }
}

impl FileKey {
    /// A new key for a new file, and its sealed form for the row.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the system has no randomness.
    pub fn new(vault: &Vault, id: &FileId) -> Result<(Self, Sealed)> {
        let mut bytes = [0; KEY_LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Sealed)?;
        let sealed = vault.seal(&context(id), &bytes);
        let key = Self::from_bytes(id, &bytes);
        bytes.zeroize();
        Ok((key?, sealed?))
    }

    /// The key of a file from its row.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it was altered or belongs to another file.
    pub fn open(vault: &Vault, id: &FileId, sealed: &Sealed) -> Result<Self> {
        let mut bytes = vault.open(&context(id), sealed)?;
        let key = Self::from_bytes(id, &bytes);
        bytes.zeroize();
        key
    }

    fn from_bytes(id: &FileId, bytes: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::Sealed)?;
        // Links are signed with a key of their own that follows from this one.
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"bedside file links v1");
        let links = hmac::Key::new(hmac::HMAC_SHA256, own.as_ref());
        Ok(Self { id: id.clone(), key: LessSafeKey::new(key), links })
    }

    /// Signs a link's text: 40 hex digits, the first 20 bytes of an
    /// HMAC-SHA256 (contract more.md 2.1).
    #[must_use]
    pub fn sign_link(&self, text: &str) -> String {
        let tag = hmac::sign(&self.links, text.as_bytes());
        data_encoding::HEXLOWER.encode(&tag.as_ref()[..20])
    }

    /// Is this the signature of that text? Takes the same time for every wrong
    /// one of the right length.
    #[must_use]
    pub fn is_link(&self, text: &str, signature: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(
            self.sign_link(text).as_bytes(),
            signature.as_bytes(),
        )
        .is_ok()
    }

    fn seal(&self, index: u64, last: bool, mut chunk: BytesMut) -> Result<Bytes> {
        let aad = Aad::from(self.aad(index, last));
        let tag = self.key.seal_in_place_separate_tag(nonce(index), aad, &mut chunk);
        chunk.extend_from_slice(tag.map_err(|_| Error::Sealed)?.as_ref());
        Ok(chunk.freeze())
    }

    /// Opens one chunk of contents that have `plain` bytes in all.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it was altered, moved or cut, or is not the one
    /// that these contents have at this place.
    pub fn open_chunk(&self, index: u64, plain: u64, chunk: &[u8]) -> Result<Bytes> {
        let last = index + 1 == chunks(plain);
        let mut chunk = BytesMut::from(chunk);
        let aad = Aad::from(self.aad(index, last));
        let length = self.key.open_in_place(nonce(index), aad, &mut chunk).map_err(|_| Error::Sealed)?.len();
        let wanted = if last { plain - index * CHUNK as u64 } else { CHUNK as u64 };
        if length as u64 != wanted {
            return Err(Error::Sealed);
        }
        chunk.truncate(length);
        Ok(chunk.freeze())
    }

    fn aad(&self, index: u64, last: bool) -> Vec<u8> {
        format!("files.content:{}:{index}:{}", self.id, u8::from(last)).into_bytes()
    }
}

fn context(id: &FileId) -> String {
    format!("files.data_key:{id}")
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Seals contents that arrive in pieces of any length. Holds one chunk at most.
#[derive(Debug)]
pub struct Sealer {
    key: FileKey,
    index: u64,
    waiting: BytesMut,
}

impl Sealer {
    /// A sealer for new contents under a new key.
    #[must_use]
    pub fn new(key: FileKey) -> Self {
        Self { key, index: 0, waiting: BytesMut::new() }
    }

    /// Takes a piece; gives the chunks that are full now. One full chunk is
    /// kept back, since it may be the last.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the cipher refuses, which it never should.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<Vec<Bytes>> {
        let mut full = Vec::new();
        while !piece.is_empty() {
            if self.waiting.len() == CHUNK {
                full.push(self.seal(false)?);
            }
            let (now, later) = piece.split_at(piece.len().min(CHUNK - self.waiting.len()));
            self.waiting.reserve(SEALED_CHUNK - self.waiting.len());
            self.waiting.extend_from_slice(now);
            piece = later;
        }
        Ok(full)
    }

    /// The last chunk.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn finish(mut self) -> Result<Bytes> {
        self.seal(true)
    }

    fn seal(&mut self, last: bool) -> Result<Bytes> {
        let chunk = std::mem::take(&mut self.waiting);
        let sealed = self.key.seal(self.index, last, chunk)?;
        self.index += 1;
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MasterKey;

    fn id(n: u8) -> FileId {
        FileId(format!("00000000-0000-7000-8000-0000000000{n:02x}"))
    }

    fn key(n: u8) -> (Vault, FileKey, Sealed) {
        let (vault, _) = MasterKey::from_bytes(&[7; 32]).unwrap().new_vault("a").unwrap();
        let (key, sealed) = FileKey::new(&vault, &id(n)).unwrap();
        (vault, key, sealed)
    }

    fn seal(key: FileKey, plain: &[u8], piece: usize) -> Vec<Bytes> {
        let mut sealer = Sealer::new(key);
        let mut sealed = Vec::new();
        for piece in plain.chunks(piece) {
            sealed.extend(sealer.push(piece).unwrap());
        }
        sealed.push(sealer.finish().unwrap());
        sealed
    }

    fn open(key: &FileKey, length: u64, sealed: &[Bytes]) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        for (index, chunk) in sealed.iter().enumerate() {
            plain.extend_from_slice(&key.open_chunk(index as u64, length, chunk)?);
        }
        Ok(plain)
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n * 31 % 251) as u8).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn round_trip(
            length in prop_oneof![0usize..200, CHUNK - 2..CHUNK + 3, 2 * CHUNK - 2..2 * CHUNK + 3, Just(5 * CHUNK + 77)],
            piece in prop_oneof![1000usize..70_000, Just(CHUNK), Just(1 << 20)],
        ) {
            let (vault, key, row) = key(1);
            let plain = bytes(length);
            let sealed = seal(key, &plain, piece);
            let total: usize = sealed.iter().map(Bytes::len).sum();
            prop_assert_eq!(total as u64, sealed_length(length as u64));
            prop_assert_eq!(sealed.len() as u64, chunks(length as u64));
            let again = FileKey::open(&vault, &id(1), &row).unwrap();
            prop_assert_eq!(open(&again, length as u64, &sealed).unwrap(), plain);
        }

        #[test]
        fn an_altered_byte_is_noticed(chunk in 0usize..3, at in any::<prop::sample::Index>()) {
            let (vault, key, row) = key(1);
            let length = 2 * CHUNK + 10;
            let mut sealed = seal(key, &bytes(length), CHUNK);
            let mut altered = sealed[chunk].to_vec();
            let at = at.index(altered.len());
            altered[at] ^= 1;
            sealed[chunk] = altered.into();
            let key = FileKey::open(&vault, &id(1), &row).unwrap();
            prop_assert!(open(&key, length as u64, &sealed).is_err());
        }
    }

    #[test]
    fn chunks_that_were_swapped_left_out_or_cut_off_are_noticed() {
        let (vault, key, row) = key(1);
        let length = 3 * CHUNK + 10;
        let whole = seal(key, &bytes(length), CHUNK);
        let key = FileKey::open(&vault, &id(1), &row).unwrap();
        let of = |order: &[usize], length: usize| {
            let sealed: Vec<Bytes> = order.iter().map(|n| whole[*n].clone()).collect();
            open(&key, length as u64, &sealed).is_err()
        };
        assert!(!of(&[0, 1, 2, 3], length));
        assert!(of(&[1, 0, 2, 3], length), "swapped");
        assert!(of(&[0, 2, 3], length), "left out");
        assert!(of(&[0, 1, 2], 3 * CHUNK), "cut off, and the row says so too");
        assert!(of(&[0, 0], 2 * CHUNK), "repeated");
        assert!(key.open_chunk(3, length as u64, &whole[3][..20]).is_err(), "half a chunk");
        assert!(key.open_chunk(3, length as u64, &[]).is_err(), "nothing");
    }

    #[test]
    fn a_chunk_opens_only_in_its_own_file() {
        let (vault, one, row) = key(1);
        let sealed = seal(one, b"hello", 5);
        let (_, two, _) = key(2);
        assert!(two.open_chunk(0, 5, &sealed[0]).is_err());
        assert!(FileKey::open(&vault, &id(2), &row).is_err(), "the key is bound to its row");
    }

    #[test]
    fn a_link_is_of_one_file_time_and_size() {
        let (_, one, _) = key(1);
        let (_, two, _) = key(2);
        let text = "id:1800000000:5";
        let signature = one.sign_link(text);
        assert_eq!(signature.len(), 40);
        assert!(one.is_link(text, &signature));
        assert!(!two.is_link(text, &signature));
        for (text, signature) in [
            ("id:1800000001:5", signature.as_str()),
            (text, &signature[..39]),
            (text, &signature.to_uppercase()),
            (text, ""),
        ] {
            assert!(!one.is_link(text, signature), "{text} {signature}");
        }
    }
}
