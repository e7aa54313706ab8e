//! The clock: passed in, so that tests own it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use bedside_model::At;

/// Where "now" comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that a test turns, in milliseconds.
    Fake(Arc<AtomicI64>),
}

impl Clock {
    /// A fake clock that shows an instant until it is turned.
    #[must_use]
    pub fn fake(at: At) -> Self {
        Self::Fake(Arc::new(AtomicI64::new(at.0)))
    }

    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> At {
        match self {
            Self::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                At(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
            }
            Self::Fake(at) => At(at.load(Ordering::SeqCst)),
        }
    }

    /// Turns a fake clock forward; the machine's clock is left alone.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Fake(at) = self {
            at.fetch_add(seconds.saturating_mul(1000), Ordering::SeqCst);
        }
    }
}
