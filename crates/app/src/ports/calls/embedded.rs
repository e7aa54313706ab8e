//! Calls on the media node inside this process.

use bedside_media::Node;

/// The embedded media node.
#[derive(Clone)]
pub struct Embedded(Node);

impl Embedded {
    /// Uses a running node.
    #[must_use]
    pub const fn new(node: Node) -> Self {
        Self(node)
    }

    /// The node itself, for the signalling door and the metrics.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.0
    }
}
