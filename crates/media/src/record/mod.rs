//! Recording a call, without I/O: what a call hands out of itself (`tap`), and
//! how packets become files: put in order (`reorder`), joined to frames
//! (`frames`, with one file per way that codecs are cut), written as Matroska
//! (`matroska`), kept in a journal that a crash cannot spoil (`journal`). One
//! part is one track without a long pause. The thread that does it is
//! `node/recorder.rs`.

mod av1;
mod ebml;
mod frames;
mod h264;
pub(crate) mod journal;
mod matroska;
mod part;
mod reorder;
pub(crate) mod tap;
mod vp8;
mod vp9;

use std::sync::Arc;
use std::time::Instant;

use str0m::format::Codec;

pub use journal::{Broken, Gap, Journal, Opened, Seal};
pub use part::{Description, Media};
pub(crate) use part::{Part, Piece};

/// What a call hands to its recorder.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// The recording runs; times in it count from here.
    Began { recording: Arc<str>, at: Instant },
    /// A packet of somebody who agreed.
    Packet(Packet),
    /// Nothing more comes of it.
    Ended { recording: Arc<str>, at: Instant },
}

/// One packet of a track that is recorded.
#[derive(Clone, Debug)]
pub struct Packet {
    pub(crate) recording: Arc<str>,
    pub(crate) identity: Arc<str>,
    /// The track's sid.
    pub(crate) track: Arc<str>,
    pub(crate) codec: Codec,
    /// A shared screen, not a face.
    pub(crate) screen: bool,
    /// Counts the changes of layer: numbers of different ones do not compare.
    pub(crate) run: u32,
    pub(crate) seq: u64,
    pub(crate) rtp_time: u32,
    pub(crate) marker: bool,
    /// When its sender made it, in this node's time.
    pub(crate) captured: Instant,
    pub(crate) payload: Arc<[u8]>,
}

impl Packet {
    /// Whose media it is.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}
