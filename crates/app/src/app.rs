//! The application: store, ports, clock, randomness and settings, handed to
//! every operation.

use std::sync::Arc;

use bedside_store::Store;

use crate::{
    Clock, Random,
    accounts::Origins,
    api_apps::Uses,
    audit::Reads,
    events::Feed,
    idempotency::Running,
    passwords::Passwords,
    ports::{Ports, calls::Calls, files::Files, mail::Mail},
    presence::Presence,
    visits::Totals,
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
    /// Origin of the pages, without a trailing slash; links in mails begin so.
    pub pages_url: String,
    /// May everybody see which clinics there are?
    pub list_accounts: bool,
    /// The largest file in bytes, where a clinic has no limit of its own.
    pub max_file_bytes: u64,
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
    /// The port to the contents of files.
    pub files: Files,
    /// The port to mail.
    pub mail: Mail,
    /// The live feed of numbered events.
    pub feed: Feed,
    /// Who was heard from.
    pub presence: Arc<Presence>,
    /// How many visits clinics have had.
    pub totals: Arc<Totals>,
    /// Reads that wait to be written to the audit trail.
    pub reads: Arc<Reads>,
    /// When keys and admin tokens were last shown.
    pub uses: Arc<Uses>,
    /// Which clinic lets pages of which origins call the API.
    pub origins: Arc<Origins>,
    /// The requests with an `Idempotency-Key` that run now.
    pub running: Arc<Running>,
    /// The gate for password work and the memory of failures.
    pub passwords: Arc<Passwords>,
    /// What the configuration says.
    pub settings: Arc<Settings>,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: Random, ports: Ports, settings: Settings) -> Self {
        Self {
            store,
            clock,
            random,
            calls: ports.calls,
            files: ports.files,
            mail: ports.mail,
            feed: Feed::default(),
            presence: Arc::default(),
            totals: Arc::default(),
            reads: Arc::default(),
            uses: Arc::default(),
            origins: Arc::default(),
            running: Arc::default(),
            passwords: Arc::default(),
            settings: Arc::new(settings),
        }
    }
}
