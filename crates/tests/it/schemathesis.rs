//! Schemathesis: cases drawn from the API's own description, as everybody who
//! calls it. No fault of ours, no status and no shape that the description does
//! not tell. `python/contract.py` runs it; which checks are off, and why, is in
//! docs/limits.md.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bedside_tests::kit::{Client, Kit, Person, sql};
use serde_json::{Value, json};
use tokio::process::Command;

/// Cases drawn at random per operation and caller; the examples and, for
/// admins, every edge of every field come on top.
const CASES: u32 = 10;

/// `cargo xtask fuzz` goes on for as long as this says, per caller.
const SECONDS: &str = "BEDSIDE_FUZZ_SECONDS";

/// `cargo xtask test` makes the environment and names its Python.
fn python() -> Option<PathBuf> {
    let left_behind = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let named = std::env::var_os("BEDSIDE_TEST_PYTHON").map(PathBuf::from);
    let python = named.or_else(|| left_behind.is_file().then_some(left_behind))?;
    python.with_file_name("schemathesis").is_file().then_some(python)
}

/// Thousands of calls from one address, all of them meant.
const GENEROUS: &[(&str, &str)] = &[
    ("limits.api_key_per_s", "1000000"),
    ("limits.admin_token_per_s", "1000000"),
    ("limits.user_per_s", "1000000"),
    ("limits.anonymous_per_s", "1000000"),
    ("limits.failed_per_min", "1000000"),
];

/// A clinic with something of everything, so that cases find what they name.
struct World {
    kit: Kit,
    patient: Person,
    provider: Person,
    ids: Value,
}

impl World {
    async fn new() -> Self {
        let kit = Kit::with(GENEROUS).await;
        far_numbers(&kit).await;
        kit.room("walk-in").await;
        let (patient, other) = (kit.patient("p-1").await, kit.patient("p-2").await);
        let provider = kit.provider("d-1", &["walk-in"]).await;
        // Those whom the cases change are not those who call.
        let victim = kit.provider("d-2", &["walk-in"]).await;
        let mut visits = Vec::new();
        for person in [&patient, &other, &other] {
            visits.push(person.walk_in("walk-in").await);
        }
        provider.act(&visits[0], "accept").await.ok();
        let intake = patient.intake("walk-in").await;
        let app = kit.admin().post("/api_apps", json!({ "name": "Other" })).await.data();
        let visit = |field: &str| visits.iter().map(|visit| visit.body[field].clone()).collect::<Vec<_>>();
        let ids = json!({
            "user": [other.id, victim.id],
            "patient": [patient.id, other.id],
            "provider": [provider.id, victim.id],
            "visit": visit("id"),
            "code": visit("code"),
            "intake": [intake, visits[1].intake_id],
            "room": ["walk-in"],
            "app": [app["id"]],
        });
        Self { kit, patient, provider, ids }
    }

    fn callers(&self) -> Value {
        let account = &self.kit.clinic.code;
        let token = |token: &str| json!({ "X-AccountCode": account, "X-ApiToken": token });
        let portal = json!({
            "X-AccountCode": account,
            "X-ApiKey": self.kit.clinic.api_key,
            "X-ApiSecret": self.kit.clinic.api_secret,
        });
        // Whoever logs out is nobody from then on.
        let stays = ["users::logout", "sessions::end_all"];
        let everything = "examples,coverage,fuzzing";
        json!([
            { "name": "nobody", "headers": { "X-AccountCode": account } },
            { "name": "portal", "headers": portal, "only": ["users::sso", "rooms::list"], "phases": everything },
            { "name": "patient", "headers": token(&self.patient.token), "without": stays },
            { "name": "provider", "headers": token(&self.provider.token), "without": stays },
            {
                "name": "admin", "headers": token(&self.kit.clinic.admin_token), "without": stays,
                "phases": everything,
            },
        ])
    }
}

/// Users have numbers that no case hits by chance: an admin's case that suspends
/// number 3 must not mean whoever calls next.
async fn far_numbers(kit: &Kit) {
    let database = kit.database();
    let statement = match database.is_sqlite() {
        true => "UPDATE sqlite_sequence SET seq = 748213650 WHERE name = 'users'",
        false => "ALTER TABLE users ALTER COLUMN id RESTART WITH 748213651",
    };
    let rows = sql(database.url(), statement).await;
    assert_eq!(rows, u64::from(database.is_sqlite()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_keeps_what_its_description_says() {
    let Some(python) = python() else {
        eprintln!("skipped: no Schemathesis; `cargo xtask test` installs it");
        return;
    };
    let world = World::new().await;
    let seconds: Option<u64> = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
    let told = json!({
        "base": format!("{}/api_v3", world.kit.base),
        "callers": world.callers(),
        "ids": world.ids,
        "max_examples": CASES,
        // A bounded run is the same each time; a longer one looks elsewhere each time.
        "seed": seconds.map_or(1, |_| world.kit.app.clock.now().0),
        "seconds": seconds,
    });
    let file = world.kit.database().folder().join("world.json");
    std::fs::write(&file, told.to_string()).unwrap();

    let mut script = Command::new(python);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/contract.py")).arg(&file);
    let limit = Duration::from_secs(1200 + 5 * seconds.unwrap_or(0));
    let run = tokio::time::timeout(limit, script.kill_on_drop(true).output());
    let output = run.await.expect("it ends by itself").expect("it starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    println!("{said}");

    let cases: Vec<u32> = said
        .lines()
        .filter_map(|line| line.split_once(": ")?.1.strip_suffix(" cases, well")?.parse().ok())
        .collect();
    assert_eq!(cases.len(), 5, "{said}");
    assert!(cases.iter().sum::<u32>() > 5000, "{said}");
    // Had they lost their tokens on the way, little was tried.
    let clients: [&Client; 3] = [&world.patient.client, &world.provider.client, &world.kit.admin()];
    for client in clients {
        client.get("/users/-").await.ok();
    }
}
