//! The port to the calls: the embedded media node, or none (command-line
//! tools). A LiveKit cluster becomes the third variant.

pub mod embedded;

pub use embedded::Embedded;

/// Where calls live.
#[derive(Clone)]
pub enum Calls {
    /// This process carries no calls.
    Off,
    /// The media node inside this process.
    Embedded(Embedded),
}

impl Calls {
    /// No calls at all.
    #[must_use]
    pub const fn off() -> Self {
        Self::Off
    }

    /// The embedded node, when calls live there.
    #[must_use]
    pub const fn embedded(&self) -> Option<&Embedded> {
        match self {
            Self::Off => None,
            Self::Embedded(embedded) => Some(embedded),
        }
    }

    /// Ends a call for everybody in it. Nothing happens when there is none.
    pub async fn end(&self, call: &str) {
        if let Self::Embedded(embedded) = self {
            embedded.node().end_call(call).await;
        }
    }

    /// Takes one person out of a call; their client is told that they were
    /// removed and does not come back. Nothing happens when they are not there.
    pub async fn remove(&self, call: &str, identity: &str) {
        if let Self::Embedded(embedded) = self {
            embedded.node().remove_peer(call, identity).await;
        }
    }

    /// The identities of those who are in a call.
    pub async fn present(&self, call: &str) -> Vec<String> {
        let Self::Embedded(embedded) = self else { return Vec::new() };
        embedded.node().peers(call).await.into_iter().map(|peer| peer.identity).collect()
    }

    /// True when calls can be carried right now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.embedded().is_some_and(|embedded| embedded.node().is_up())
    }

    /// Tells everybody in a call to come back in a moment (shutdown).
    pub async fn drain(&self) {
        if let Self::Embedded(embedded) = self {
            embedded.node().drain().await;
        }
    }

    /// Stops carrying calls.
    pub async fn stop(&self) {
        if let Self::Embedded(embedded) = self {
            embedded.node().stop().await;
        }
    }
}
