//! A database of the first schema, with data written as the first version wrote
//! it, is brought up to date and serves.

use bedside::boot::{self, Surroundings};
use bedside_app::{App, audit_trail};
use bedside_store::MasterKey;
use bedside_tests::kit::{Client, Database, configuration, sql};
use sha2::{Digest, Sha256};

const SQLITE: &str = include_str!("../../store/migrations/sqlite/0001_first.sql");
const POSTGRES: &str = include_str!("../../store/migrations/postgres/0001_first.sql");

const KEY: [u8; 32] = [42; 32];
const ACCOUNT: &str = "0190a0a0-0000-7000-8000-000000000001";
const INTAKE: &str = "0190a0a0-0000-7000-8000-000000000002";
const TOKEN: &str = "an-old-token-of-the-first-version";
const ADMIN: &str = "an-old-admin-token";
const SECRET: &str = "an-old-api-secret";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A database of the first version.
struct Old {
    database: Database,
}

impl Old {
    async fn make() -> Self {
        let database = Database::empty().await;
        let old = Self { database };
        if old.database.is_sqlite() {
            let path = old.database.url().trim_start_matches("sqlite:");
            std::fs::write(path, b"").unwrap();
        }
        let script = if old.database.is_sqlite() { SQLITE } else { POSTGRES };
        let bare: String = script
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .map(|line| format!("{line}\n"))
            .collect();
        for statement in bare.split_inclusive(';').filter(|part| part.contains("CREATE")) {
            old.run(statement).await;
        }
        old.run("CREATE TABLE schema_migrations (number BIGINT NOT NULL PRIMARY KEY)").await;
        old.run("INSERT INTO schema_migrations (number) VALUES (1)").await;
        std::fs::write(old.database.folder().join("master.key"), KEY).unwrap();
        std::fs::set_permissions(
            old.database.folder().join("master.key"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        old.fill().await;
        old
    }

    async fn run(&self, statement: &str) -> u64 {
        sql(self.database.url(), statement).await
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        let digits = hex(bytes);
        if self.database.is_sqlite() { format!("X'{digits}'") } else { format!("'\\x{digits}'::bytea") }
    }

    fn sha256(&self, text: &str) -> String {
        self.bytes(&Sha256::digest(text.as_bytes()))
    }

    /// What the first version would have written.
    async fn fill(&self) {
        let master = MasterKey::from_bytes(&KEY).unwrap();
        let (vault, wrapped) = master.new_vault(ACCOUNT).unwrap();
        // The first version named no master key in front.
        let wrapped = self.bytes(&wrapped.as_bytes()[5..]);
        let answers = r#"{"reason_for_visit":"A rash on my arm","smoker":"no"}"#;
        let answers = vault.seal_text(&format!("intakes.answers:{INTAKE}"), answers).unwrap();
        let (at, far) = (1_760_000_000_000_i64, 4_000_000_000_000_i64);
        let rows = [
            format!(
                "INSERT INTO accounts (id, code, name, sso_enabled, data_key, created_at, updated_at) \
                 VALUES ('{ACCOUNT}', 'northside', 'Northside Clinic', TRUE, {wrapped}, {at}, {at})"
            ),
            format!(
                "INSERT INTO api_keys (id, account_id, key, secret_hash, created_at) \
                 VALUES ('k1', '{ACCOUNT}', 'key1', {}, {at})",
                self.sha256(SECRET)
            ),
            format!(
                "INSERT INTO users (account_id, type, code, username, first_name, last_name, email, created_at, updated_at) \
                 VALUES ('{ACCOUNT}', 160, 'system', 'system', 'System', 'User', '', {at}, {at}), \
                 ('{ACCOUNT}', 200, 'p-1', 'maria', 'María', 'Peña', 'maria@example.org', {at}, {at}), \
                 ('{ACCOUNT}', 400, 'd-1', 'lee', 'Ann', 'Lee', '', {at}, {at})"
            ),
            format!(
                "INSERT INTO rooms (account_id, code, slug, domain, name, created_at, updated_at) \
                 VALUES ('{ACCOUNT}', 'main', 'main', 'northside.example', 'Main', {at}, {at})"
            ),
            format!(
                "INSERT INTO room_providers (room_id, user_id, account_id, created_at) VALUES (1, 3, '{ACCOUNT}', {at})"
            ),
            format!(
                "INSERT INTO tokens (id, account_id, user_id, kind, hash, created_at, expires_at) \
                 VALUES ('t1', '{ACCOUNT}', 2, 'access', {}, {at}, {far})",
                self.sha256(TOKEN)
            ),
            format!(
                "INSERT INTO tokens (id, account_id, user_id, kind, hash, created_at) \
                 VALUES ('t2', '{ACCOUNT}', 1, 'admin', {}, {at})",
                self.sha256(ADMIN)
            ),
            format!(
                "INSERT INTO intakes (id, account_id, member_id, room_id, answers, created_at, updated_at) \
                 VALUES ('{INTAKE}', '{ACCOUNT}', 2, 1, {}, {at}, {at})",
                self.bytes(answers.as_bytes())
            ),
            format!(
                "INSERT INTO visits (account_id, code, room_id, member_id, intake_id, type, subtype, status, start_at, end_at, \
                 waiting_since_at, duration_minutes, description, meeting_id, version, created_at, updated_at) \
                 VALUES ('{ACCOUNT}', '{:032x}', 1, 2, '{INTAKE}', 1, 1, 10, {at}, {at} + 900000, {at}, 15, 'First visit', \
                 'meet-1', 1, {at}, {at})",
                7
            ),
            format!(
                "INSERT INTO events (id, account_id, seq, type, visit_id, room_id, user_id, created_at) \
                 VALUES ('e1', '{ACCOUNT}', 1, 'visit.created', 1, 1, 2, {at})"
            ),
            format!(
                "INSERT INTO jobs (id, kind, run_at, unique_key, created_at) VALUES ('j1', 'purge', {at}, 'purge', {at})"
            ),
        ];
        for row in rows {
            self.run(&row).await;
        }
        self.audit(at).await;
    }

    /// Three entries, two of them chained by the first version's rule.
    async fn audit(&self, at: i64) {
        let mut previous = Vec::new();
        for (number, action) in ["accounts.create", "users.sso", "visits.add_walkin"].into_iter().enumerate()
        {
            let (id, at) = (format!("a{number}"), at.to_string());
            let mut hasher = Sha256::new_with_prefix(&previous);
            for field in [&id, ACCOUNT, "2", "token", action, "user", "2", "req", &at, "1"] {
                hasher.update((field.len() as u64).to_be_bytes());
                hasher.update(field.as_bytes());
            }
            previous = hasher.finalize().to_vec();
            let link = match number {
                2 => "NULL, NULL".to_owned(),
                _ => format!("{}, {}", number + 1, self.bytes(&previous)),
            };
            self.run(&format!(
                "INSERT INTO audit_entries (id, account_id, user_id, credential, action, object_kind, object_id, request_id, at, \
                 chain, hash) VALUES ('{id}', '{ACCOUNT}', 2, 'token', '{action}', 'user', '2', 'req', {at}, {link})"
            ))
            .await;
        }
    }
}

async fn whole(app: &App) -> i64 {
    let found = audit_trail::verify(app, "northside", None).await.unwrap();
    assert_eq!(found.fault, None);
    found.head.position
}

#[tokio::test]
async fn a_database_of_the_first_version_serves() {
    let old = Old::make().await;
    let config = || configuration(&old.database, &[]);
    let running = boot::start(config(), Surroundings::default()).await.expect("it migrates");
    let base = running.base_url.clone();
    let anybody = Client::new(&base).header("X-AccountCode", "northside");
    let patient = anybody.header("X-ApiToken", TOKEN);
    let admin = anybody.header("X-ApiToken", ADMIN);

    // Old credentials, the sealed intake, the visit that waits.
    let intake = patient.get(&format!("/intakes/{INTAKE}")).await.data();
    assert_eq!(intake["reason_for_visit"], "A rash on my arm");
    let visit = patient.get("/visits/1").await.data();
    assert_eq!((&visit["status"], &visit["id"]), (&"10".into(), &"1".into()));
    assert_eq!(admin.get("/visits").await.ok().json()["total_count"], 1);
    assert_eq!(admin.get("/users?q=peña").await.data()[0]["id"], "2");
    assert_eq!(admin.get("/rooms/main").await.data()["name"], "Main");

    // Single sign-on with the old key; the provider takes the visit.
    let portal = anybody.header("X-ApiKey", "key1").header("X-ApiSecret", SECRET);
    let body = serde_json::json!({ "first_name": "Ann", "last_name": "Lee", "code": "d-1", "type": 400 });
    let signed_in = portal.post("/users/sso", body).await.data();
    assert_eq!(signed_in["id"], "3");
    let provider = anybody.header("X-ApiToken", signed_in["token"]["token"].as_str().unwrap());
    provider.post("/visits/1/accept", serde_json::json!({})).await.ok();
    assert_eq!(patient.get("/visits/1").await.data()["status"], "25");

    // The trail goes on where the first version left it.
    audit_trail::chain(&running.app).await.unwrap();
    let position = whole(&running.app).await;
    assert!(position > 3, "{position}");
    let trail = admin.get("/audit?limit=100").await.data();
    assert!(trail.as_array().unwrap().iter().any(|entry| entry["id"] == "a0"));
    running.stop().await;

    // Migrating once more changes nothing, and the key may be changed.
    let running = boot::start(config(), Surroundings::default()).await.expect("it starts again");
    let file = old.database.folder().join("master.key");
    let rotated = bedside_app::keys::rotate(&running.app, &file).await.unwrap();
    assert_eq!(rotated.accounts, 1);
    bedside_app::keys::finish(&running.app, &file).await.unwrap();
    running.stop().await;
    let running = boot::start(config(), Surroundings::default()).await.expect("it starts with the new key");
    let patient =
        Client::new(&running.base_url).header("X-AccountCode", "northside").header("X-ApiToken", TOKEN);
    assert_eq!(patient.get(&format!("/intakes/{INTAKE}")).await.data()["smoker"], "no");
    // Whole still, and longer: the reads so far were written when it stopped.
    assert!(whole(&running.app).await >= position);
    running.stop().await;
}
