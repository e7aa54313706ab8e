//! The relay (TURN, RFC 8656) for clients whose network lets them out only
//! through few ports. It relays to nobody but this node: what a client sends
//! through it is handed to the shard in memory, and there is no socket that
//! could reach another address. Sans-I/O like the rest of the core: time,
//! bytes and randomness come in.

mod credentials;
pub mod message;
mod server;

pub use credentials::Offer;
pub(crate) use server::{Client, Reaction, Server, Via, is_relayed};

/// Whether the first bytes of a stream are those of a TURN client, where HTTP
/// could be as well: a STUN message begins with two zero bits and names its
/// cookie (RFC 8489 section 5), no request line does.
pub fn begins_like_turn(first: &[u8; 8]) -> bool {
    first[0] <= 1 && first[4..] == [0x21, 0x12, 0xa4, 0x42]
}
