//! A running Bedside for one test: in this process, on loopback, on a database
//! of its own (SQLite, or Postgres when `BEDSIDE_TEST_POSTGRES` names a server).

mod appointment;
pub mod binary;
mod client;
mod cluster;
mod database;
mod killed;
mod mail;
mod paper;
pub mod peer;
mod receiver;
mod stream;
mod tampering;
mod told;

use bedside::{
    boot::{self, Running, Surroundings},
    config::{self, Sources},
};
use bedside_app::{
    App, Clock, Random,
    accounts::{self, Create},
};
use bedside_model::At;

pub use client::{Answer, Client, Person, Visit};
pub use cluster::Cluster;
pub use database::Database;
pub use killed::{Server, serve_until_killed};
pub use mail::Letter;
pub use paper::Reader;
pub use peer::Peer;
pub use receiver::{Received, Receiver, Reply};
pub use stream::Stream;
pub use tampering::sql;

/// A running server with one clinic.
pub struct Kit {
    running: Option<Running>,
    /// Origin of the server.
    pub base: String,
    /// The clinic.
    pub clinic: Clinic,
    /// The operations, for what no call does.
    pub app: App,
    database: Database,
}

/// A clinic's credentials.
#[derive(Clone, Debug)]
pub struct Clinic {
    pub code: String,
    pub api_key: String,
    pub api_secret: String,
    pub admin_token: String,
    pub admin_username: String,
    pub admin_link_token: String,
}

impl Kit {
    /// A server with the default settings.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with some settings of its own, as `("limits.user_per_s", "5")`.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::boot(settings, Surroundings::default()).await
    }

    /// A server with some settings, on a clock or randomness of the test's.
    pub async fn boot(settings: &[(&str, &str)], surroundings: Surroundings) -> Self {
        let database = Database::fresh().await;
        let running =
            boot::start(configuration(&database, settings), surroundings).await.expect("the server starts");
        let clinic = make_clinic(&running.app, "northside", false).await;
        Self {
            base: running.base_url.clone(),
            app: running.app.clone(),
            running: Some(running),
            clinic,
            database,
        }
    }

    /// A server whose clock the test turns; it begins in January 2027.
    pub async fn on_a_clock() -> (Self, Clock) {
        Self::on_a_clock_with(&[]).await
    }

    /// [`Kit::on_a_clock`] with some settings of its own.
    pub async fn on_a_clock_with(settings: &[(&str, &str)]) -> (Self, Clock) {
        let clock = Clock::fake(At::from_seconds(1_800_000_000));
        let surroundings = Surroundings { clock: clock.clone(), random: Random::system() };
        (Self::boot(settings, surroundings).await, clock)
    }

    /// Another clinic on the same server.
    pub async fn another_clinic(&self, code: &str) -> Clinic {
        make_clinic(&self.app, code, false).await
    }

    /// A clinic to try things in.
    pub async fn test_clinic(&self, code: &str) -> Clinic {
        make_clinic(&self.app, code, true).await
    }

    /// Somebody without any credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base)
    }

    /// The portal's server: account code, key and secret.
    pub fn portal(&self) -> Client {
        self.portal_of(&self.clinic)
    }

    /// The portal's server of a clinic.
    pub fn portal_of(&self, clinic: &Clinic) -> Client {
        self.anonymous()
            .header("X-AccountCode", &clinic.code)
            .header("X-ApiKey", &clinic.api_key)
            .header("X-ApiSecret", &clinic.api_secret)
    }

    /// The clinic's admin token.
    pub fn admin(&self) -> Client {
        self.admin_of(&self.clinic)
    }

    /// A clinic's admin token.
    pub fn admin_of(&self, clinic: &Clinic) -> Client {
        self.anonymous().header("X-AccountCode", &clinic.code).header("X-ApiToken", &clinic.admin_token)
    }

    /// Somebody with a token in this clinic.
    pub fn bearer(&self, token: &str) -> Client {
        self.anonymous().header("X-AccountCode", &self.clinic.code).header("X-ApiToken", token)
    }

    /// A patient, signed in by the portal.
    pub async fn patient(&self, code: &str) -> Person {
        self.portal().sign_in(self, code, 200).await
    }

    /// A provider, signed in by the portal and assigned to rooms.
    pub async fn provider(&self, code: &str, rooms: &[&str]) -> Person {
        let provider = self.portal().sign_in(self, code, 400).await;
        for room in rooms {
            let path = format!("/users/{}/rooms", provider.id);
            self.admin().post(&path, serde_json::json!({ "room_code": room })).await.ok();
        }
        provider
    }

    /// A waiting room with this slug as its code.
    pub async fn room(&self, slug: &str) -> String {
        let body = serde_json::json!({ "slug": slug, "code": slug, "name": "Walk-in care", "domain": "northside.example" });
        self.admin().post("/rooms", body).await.ok();
        slug.to_owned()
    }

    /// Stops the server in order, and keeps the database for [`Kit::restart`].
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Starts it again on the same database.
    pub async fn restart(&mut self, settings: &[(&str, &str)]) {
        self.restart_in(settings, Surroundings::default()).await;
    }

    /// Starts it again on the same clock.
    pub async fn restart_on(&mut self, clock: &Clock) {
        let surroundings = Surroundings { clock: clock.clone(), random: Random::system() };
        self.restart_in(&[], surroundings).await;
    }

    async fn restart_in(&mut self, settings: &[(&str, &str)], surroundings: Surroundings) {
        self.stop().await;
        let config = configuration(&self.database, settings);
        let running = boot::start(config, surroundings).await.expect("the server starts again");
        self.base.clone_from(&running.base_url);
        self.app = running.app.clone();
        self.running = Some(running);
    }

    /// Where the database lives, for a second process.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// The configuration of a test server on a database.
pub fn configuration(database: &Database, settings: &[(&str, &str)]) -> config::Config {
    let mut sources = Sources::default()
        .flag("server.listen", Some("127.0.0.1:0"))
        .flag("store.url", Some(database.url()))
        .flag("keys.master_key_file", Some(database.folder().join("master.key").display()))
        .flag("mail.folder", Some(database.folder().join("mail").display()))
        .flag("sms.folder", Some(database.folder().join("sms").display()))
        .flag("files.url", Some(format!("dir:{}", database.folder().join("files").display())))
        .flag("recordings.folder", Some(database.folder().join("recordings").display()))
        .flag("media.udp_port", Some(0));
    for (name, value) in settings {
        sources = sources.flag(name, Some(value));
    }
    config::load(&sources).expect("the test's configuration is valid")
}

async fn make_clinic(app: &App, code: &str, test: bool) -> Clinic {
    let command = Create {
        test,
        code: code.to_owned(),
        name: "Northside Clinic".to_owned(),
        portal_name: "Northside Portal".to_owned(),
        portal_return_url: "https://portal.example/home".to_owned(),
    };
    let made = accounts::create(app, command).await.expect("the clinic is made");
    Clinic {
        code: code.to_owned(),
        api_key: made.api_key,
        api_secret: made.api_secret,
        admin_token: made.admin_token,
        admin_username: made.admin_username,
        admin_link_token: made.admin_link_token,
    }
}
