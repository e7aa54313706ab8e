//! What a call tells the house about itself.

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// The call's name, as the join token gave it.
    pub call: String,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    pub kind: CallEventKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEventKind {
    /// The peer's media connection is up: it can see and be seen.
    PeerJoined { identity: String },
    /// A peer that had joined is gone for good (a resume did not come).
    PeerLeft { identity: String, reason: LeftReason },
    /// The last peer has gone and the call no longer exists.
    CallEmpty,
}

/// Why a peer left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftReason {
    /// It said goodbye.
    Left,
    /// It joined again: a new peer of the same identity takes its place, so
    /// most readers want to ignore this one.
    Replaced,
    /// It was not heard of any more.
    Vanished,
    /// The house removed it or ended the call.
    Removed,
    /// It broke a limit or the protocol.
    Misbehaved,
    /// This node shuts down.
    Shutdown,
}
