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

mod allocate;
mod bandwidth;
mod call;
mod clock;
mod codec;
mod data;
mod demand;
mod demux;
mod env;
mod event;
mod forward;
mod framing;
mod grants;
mod ids;
mod join;
mod layers;
pub mod limits;
mod meter;
mod moderate;
mod negotiate;
mod node;
mod outbox;
mod peer;
mod probe;
mod publish;
mod quality;
mod record;
mod red;
mod report;
mod rewrite;
mod sdp;
mod shard;
mod signal;
mod single;
mod speakers;
mod subscribe;
mod transport;
mod turn;
mod wire;

pub use demux::RouteChange;
pub use env::{Counters, Output, Reachable, ShardSettings, WallClock};
pub use event::{CallEvent, CallEventKind, Device, LeftReason, Path, PeerQuality};
pub use grants::{Grants, Source};
pub use ids::SessionId;
pub use join::{ClientParams, Join, JoinError, Resume};
pub use moderate::{NotDone, PeerChange};
pub use node::{
    Listen, NoPublic, Node, Offered, Public, RelayServers, RelaySettings, Session, SessionOver, Settings,
    StartError, Stats, part_path,
};
pub use probe::ProbeError;
pub use record::{
    Broken as BrokenPart, Description, Gap, Journal, Media, Opened as OpenedPart, Recorded, Seal,
};
pub use shard::{NoCertificate, PeerInfo, Shard};
pub use str0m::net::Protocol;
pub use turn::message as stun;
pub use turn::{Offer, begins_like_turn};
pub use wire::refresh_token;

/// An instant for unit tests to count from.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "which one it is does not matter")]
pub(crate) fn some_instant() -> std::time::Instant {
    std::time::Instant::now()
}
