//! The application: store, ports, clock, randomness and settings, handed to
//! every operation.

use std::sync::Arc;

use bedside_model::At;
use bedside_store::Store;
use tokio::sync::Notify;

use crate::{
    Clock, Random,
    accounts::Origins,
    api_apps::Uses,
    audit::Reads,
    call_quality::Tally,
    events::Feed,
    idempotency::Running,
    passwords::Passwords,
    ports::{
        Ports, billing::Billing, calls::Calls, files::Files, http::Http, mail::Mail, push::Push, sms::Sms,
    },
    presence::Presence,
    recordings,
    request_log::Requests,
    visits::Totals,
    webhooks,
};

/// What operations have to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the key that signs call tokens.
    pub call_key: String,
    /// Secret that signs call tokens; at least 32 characters.
    pub call_secret: String,
    /// Name and secret of the key for LiveKit's server API, when the operator
    /// has set one. It opens no call.
    pub call_rooms: Option<(String, String)>,
    /// This node's media URL (`wss://host`), when it differs from the address
    /// that the caller used.
    pub media_url: Option<String>,
    /// Origin of the pages, without a trailing slash; links in mails begin so.
    pub pages_url: String,
    /// May everybody see which clinics there are?
    pub list_accounts: bool,
    /// How webhooks are delivered.
    pub webhooks: webhooks::Settings,
    /// How calls are recorded.
    pub recordings: recordings::Settings,
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
    /// The port to a card processor.
    pub billing: Billing,
    /// The port to the calls.
    pub calls: Calls,
    /// The port to the contents of files.
    pub files: Files,
    /// The port to mail.
    pub mail: Mail,
    /// The port to telephones.
    pub sms: Sms,
    /// The port to browsers.
    pub push: Push,
    /// The port to other servers.
    pub http: Http,
    /// The live feed of numbered events.
    pub feed: Feed,
    /// Tells this process's deliverer that there is something to deliver.
    pub webhooks_due: Arc<Notify>,
    /// Who tries how many deliveries.
    pub deliveries: Arc<webhooks::Slots>,
    /// Tells this process's consumers that the log has what was not read at once.
    pub log_unread: Arc<Notify>,
    /// Who was heard from.
    pub presence: Arc<Presence>,
    /// How connections to calls were.
    pub call_tally: Arc<Tally>,
    /// How many visits clinics have had.
    pub totals: Arc<Totals>,
    /// Reads that wait to be written to the audit trail.
    pub reads: Arc<Reads>,
    /// Requests that wait to be written to the request log.
    pub requests: Arc<Requests>,
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
    /// Since when this server listens to pages.
    pub listening_at: At,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: Random, ports: Ports, settings: Settings) -> Self {
        Self {
            store,
            listening_at: clock.now(),
            clock,
            random,
            billing: ports.billing,
            calls: ports.calls,
            files: ports.files,
            mail: ports.mail,
            sms: ports.sms,
            push: ports.push,
            http: ports.http,
            feed: Feed::default(),
            webhooks_due: Arc::default(),
            deliveries: webhooks::Slots::new(settings.webhooks.concurrency),
            log_unread: Arc::default(),
            presence: Arc::default(),
            call_tally: Arc::default(),
            totals: Arc::default(),
            reads: Arc::default(),
            requests: Arc::default(),
            uses: Arc::default(),
            origins: Arc::default(),
            running: Arc::default(),
            passwords: Arc::default(),
            settings: Arc::new(settings),
        }
    }
}
