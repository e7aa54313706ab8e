//! The calls: a selective forwarding unit that speaks LiveKit's signalling, so
//! that the unmodified LiveKit client SDKs join it.
//!
//! A **call** has **peers**; a peer publishes **tracks**, each in one or more
//! **layers**, and receives the others' by **subscriptions**. LiveKit's "room"
//! and "participant" appear only in the names of wire types. The crate knows
//! nothing of clinics: no visit, no user, no account, and no HTTP.
//!
//! Two halves: [`Shard`] is the state machine without any I/O, and [`Node`]
//! runs it on a thread with a real UDP socket.

mod call;
mod codec;
mod data;
mod demand;
mod demux;
mod env;
mod event;
mod forward;
mod grants;
mod ids;
mod join;
mod layers;
pub mod limits;
mod negotiate;
mod node;
mod outbox;
mod peer;
mod publish;
mod quality;
mod rewrite;
mod sdp;
mod shard;
mod signal;
mod speakers;
mod subscribe;
mod transport;
mod wire;

pub use env::{Counters, Output, ShardSettings, WallClock};
pub use event::{CallEvent, CallEventKind, LeftReason};
pub use grants::{Grants, Source};
pub use ids::SessionId;
pub use join::{ClientParams, Join, JoinError, Resume};
pub use node::{Listen, Node, Session, SessionOver, Settings, StartError, Stats};
pub use shard::{NoCertificate, PeerInfo, Shard};
pub use wire::refresh_token;

/// An instant for unit tests to count from.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "which one it is does not matter")]
pub(crate) fn some_instant() -> std::time::Instant {
    std::time::Instant::now()
}
