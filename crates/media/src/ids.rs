//! Names of things inside a shard: cheap keys for the state machine, and the
//! readable ids (`PA_…`, `TR_…`) that clients see.

use rand::{Rng, RngExt};

/// One call on this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallKey(pub u32);

/// One peer on this shard; never used again after the peer has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PeerKey(pub u32);

/// One published track on this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TrackKey(pub u32);

/// One signal connection. A peer that resumes gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Which of a peer's two peer connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The client sends its media and its data on this one.
    Publisher,
    /// The client receives everything on this one; it is the primary one.
    Subscriber,
}

/// Where a datagram or a due timer belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TransportKey {
    pub call: CallKey,
    pub peer: PeerKey,
    pub side: Side,
}

// No 0/O, 1/I/l: ids are read aloud when people debug calls.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";

/// `length` random letters, fit for ids, ICE user names and passwords.
pub(crate) fn letters(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}

/// A fresh readable id: `prefix`, an underscore, twelve random letters.
pub(crate) fn sid(rng: &mut impl Rng, prefix: &str) -> String {
    format!("{prefix}_{}", letters(rng, 12))
}
