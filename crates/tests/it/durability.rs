//! kill -9 in the middle of writes: what was acknowledged is there afterwards,
//! its event too. A process of its own serves; this test binary starts itself
//! for that.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use bedside::boot::{self, Surroundings};
use bedside_app::accounts::{self, Create};
use bedside_store::{Settings, Store, events, visits};
use bedside_tests::kit::{Client, Database, configuration};
use serde_json::json;

/// Names the database of the serving process.
const FOLDER: &str = "BEDSIDE_TEST_SERVE_FOLDER";
/// How often the server is killed.
const KILLS: usize = 5;
/// Acknowledged visits before each kill.
const PER_ROUND: usize = 60;

/// Not a test by itself: the process that gets killed. Prints its address and,
/// the first time, the credentials; then serves until the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_until_killed() {
    let Ok(url) = std::env::var(FOLDER) else { return };
    let database = Database::at(&url);
    let config = configuration(&database, &[("media.enabled", "false")]);
    let running = boot::start(config, Surroundings::default()).await.unwrap();
    let made = accounts::create(
        &running.app,
        Create { code: "kill".to_owned(), name: "Kill".to_owned(), ..Create::default() },
    )
    .await;
    if let Ok(made) = made {
        println!("\nadmin {}", made.admin_token);
    }
    println!("\nready {}", running.base_url);
    std::future::pending::<()>().await;
}
