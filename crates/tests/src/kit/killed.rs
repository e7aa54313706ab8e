//! Servers in processes of their own, to be killed in the middle of anything: a
//! test binary starts itself with the name of a test that serves.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use bedside::{
    boot::{self, Surroundings},
    config::{self, Sources},
};
use bedside_app::accounts::{self, Create};

/// Where the serving process finds its database and its folder.
const URL: &str = "BEDSIDE_TEST_SERVE_URL";
const FOLDER: &str = "BEDSIDE_TEST_SERVE_FOLDER";

/// Serves the clinic `north` until killed, with these settings beyond the usual
/// ones; `{folder}` in a value is the database's. Prints the clinic's
/// credentials when it made it, and then its address. Does nothing when the
/// test that calls it was not started by a [`Server`].
///
/// # Panics
/// When it cannot serve.
pub async fn serve_until_killed(settings: &[(&str, &str)]) {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else { return };
    let mut sources = Sources::default()
        .flag("server.listen", Some("127.0.0.1:0"))
        .flag("store.url", Some(url))
        .flag("keys.master_key_file", Some(format!("{folder}/master.key")))
        .flag("mail.folder", Some(format!("{folder}/mail")));
    for (name, value) in settings {
        sources = sources.flag(name, Some(value.replace("{folder}", &folder)));
    }
    let config = config::load(&sources).expect("settings");
    let running = boot::start(config, Surroundings::default()).await.expect("it starts");
    let clinic = Create { code: "north".to_owned(), name: "North".to_owned(), ..Create::default() };
    if let Ok(made) = accounts::create(&running.app, clinic).await {
        println!("\nmade {} {} {}", made.admin_token, made.api_key, made.api_secret);
    }
    println!("\nready {}", running.base_url);
    std::future::pending::<()>().await;
}

/// A process that serves, killed at the latest with the test.
pub struct Server {
    child: Child,
    pub base: String,
    /// The admin token, when this start made the clinic.
    pub admin: Option<String>,
    /// The portal's key and secret, likewise.
    pub portal: Option<(String, String)>,
    // Kept open: a test binary that cannot print any more ends.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts this binary with a test that calls [`serve_until_killed`], and
    /// waits until it is ready.
    ///
    /// # Panics
    /// When it does not become so.
    #[expect(clippy::zombie_processes, reason = "killed and waited for when dropped")]
    pub fn start(test: &str, url: &str, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("our own path"))
            .args([test, "--exact", "--nocapture"])
            .env(URL, url)
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is started");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (mut admin, mut portal) = (None, None);
        loop {
            let line = lines.next().expect("the server prints its address").expect("text");
            if let Some(made) = line.strip_prefix("made ") {
                let mut words = made.split(' ').map(str::to_owned);
                admin = words.next();
                portal = words.next().zip(words.next());
            } else if let Some(base) = line.strip_prefix("ready ") {
                return Self { child, base: base.to_owned(), admin, portal, _said: lines };
            }
        }
    }

    /// SIGKILL.
    ///
    /// # Panics
    /// When the process cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed already, most of the time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
