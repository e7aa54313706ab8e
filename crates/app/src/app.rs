//! The application: store, ports, clock, randomness and settings, handed to
//! every operation.

use std::sync::Arc;

use bedside_store::Store;

use crate::{
    Clock, Random, audit::Reads, events::Feed, passwords::Passwords, ports::calls::Calls, presence::Presence,
};

/// What operations have to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the key that signs call tokens.
    pub call_key: String,
    /// Secret that signs call tokens; at least 32 characters.
    pub call_secret: String,
    /// This node's media URL (`wss://host`), when it differs from the address
    /// that the caller used.
    pub media_url: Option<String>,
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What is kept.
    pub store: Store,
    /// Where "now" comes from.
    pub clock: Clock,
    /// Where identifiers and secrets come from.
    pub random: Random,
    /// The port to the calls.
    pub calls: Calls,
    /// The live feed of numbered events.
    pub feed: Feed,
    /// Who was heard from.
    pub presence: Arc<Presence>,
    /// Reads that wait to be written to the audit trail.
    pub reads: Arc<Reads>,
    /// The gate for password work and the memory of failures.
    pub passwords: Arc<Passwords>,
    /// What the configuration says.
    pub settings: Arc<Settings>,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: Random, calls: Calls, settings: Settings) -> Self {
        Self {
            store,
            clock,
            random,
            calls,
            feed: Feed::default(),
            presence: Arc::default(),
            reads: Arc::default(),
            passwords: Arc::default(),
            settings: Arc::new(settings),
        }
    }
}
