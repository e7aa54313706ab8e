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
    /// Ends a call for everybody in it. Nothing happens when there is none.
    pub fn end(&self, call: &str) {
        match self {
            Self::Off => {}
            Self::Embedded(embedded) => embedded.end(call),
        }
    }

    /// True when calls can be carried right now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Embedded(embedded) => embedded.node().is_up(),
        }
    }
}
