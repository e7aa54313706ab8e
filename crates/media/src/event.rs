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
    /// The call is recorded, but what this peer sends is encrypted end to end:
    /// nothing of it can be read.
    CannotRecord { identity: String },
    /// The last peer has gone and the call no longer exists.
    CallEmpty,
    /// How a peer's connection has been since it joined: every half minute
    /// while it is in the call, and once more, `over`, when it has gone.
    Quality(Box<PeerQuality>),
}

/// What this node has measured of one peer's stay in a call. Nothing in it
/// says what was shown or said. Numbers count from the join on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerQuality {
    pub identity: String,
    /// The id of this stay: who joins twice has two.
    pub sid: String,
    /// The peer has gone; no further report of this stay follows.
    pub over: bool,
    /// When it joined, in Unix milliseconds.
    pub joined_ms: i64,
    /// How long it has been here, milliseconds.
    pub in_call_ms: u64,
    /// From the join request until its media connection was up, milliseconds.
    pub connect_ms: Option<u64>,
    /// From the join request until the first media packet was sent to it.
    pub first_packet_ms: Option<u64>,
    /// From the join request until the first picture was sent to it whole
    /// enough to be shown: a keyframe.
    pub first_picture_ms: Option<u64>,
    /// Media packets sent to it, and how many of them it missed, as it
    /// reported; clients differ in whether what was repeated counts.
    pub packets_to: u64,
    pub lost_to: u64,
    /// Media packets that came from it, and how many were missing at first.
    pub packets_from: u64,
    pub lost_from: u64,
    /// Times that a picture shown to it stood still for half a second or more
    /// without anybody's wish, and for how long in all, milliseconds.
    pub freezes: u32,
    pub frozen_ms: u64,
    /// How long pictures were held back because its line was too slow.
    pub paused_ms: u64,
    /// Round trip, milliseconds: the last one measured, and the worst.
    pub rtt_ms: Option<u32>,
    pub worst_rtt_ms: Option<u32>,
    /// Last estimate of what its line can take, bits per second.
    pub line_bps: Option<u64>,
    /// The way that its media take.
    pub path: Option<Path>,
    pub device: Device,
}

/// The way that media take between a client and this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Udp,
    Tcp,
    /// Through the relay (TURN).
    Relay,
}

/// What a client says of itself and of the device it runs on. Unchecked text,
/// cut to a bounded length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    pub sdk: String,
    pub sdk_version: String,
    pub os: String,
    pub os_version: String,
    pub browser: String,
    pub browser_version: String,
    pub model: String,
    /// `wifi`, `wired`, `cellular`, `vpn`, or empty.
    pub network: String,
}

impl Device {
    /// Longest text kept of each field, characters.
    const LONGEST: usize = 64;

    /// From the fields of a client's query, named as in LiveKit's `ClientInfo`:
    /// `field` is asked for each of its names.
    pub fn from_query(field: impl Fn(&str) -> Option<String>) -> Self {
        let text =
            |name: &str| -> String { field(name).unwrap_or_default().chars().take(Self::LONGEST).collect() };
        Self {
            sdk: text("sdk"),
            sdk_version: text("version"),
            os: text("os"),
            os_version: text("os_version"),
            browser: text("browser"),
            browser_version: text("browser_version"),
            model: text("device_model"),
            network: text("network"),
        }
    }
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
