//! A database of a test's own.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use bedside_store::{Settings, Store};
use sqlx::Connection;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A fresh database, and the folder beside it. Both go with the value.
pub struct Database {
    url: String,
    folder: TempDir,
}

impl Database {
    /// On SQLite, or on the Postgres server of `BEDSIDE_TEST_POSTGRES`. It may
    /// have its tables already, and nothing in them.
    pub async fn fresh() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let Ok(server) = std::env::var("BEDSIDE_TEST_POSTGRES") else { return Self::empty().await };
        let template = TEMPLATE.get_or_init(|| make_template(&server)).await;
        Self::made(Some(template)).await
    }

    /// The same without any table.
    pub async fn empty() -> Self {
        Self::made(None).await
    }

    async fn made(template: Option<&str>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = match std::env::var("BEDSIDE_TEST_POSTGRES") {
            Ok(server) => on_postgres(&server, template).await,
            Err(_) => format!("sqlite:{}", folder.path().join("bedside.db").display()),
        };
        Self { url, folder }
    }

    /// As in `store.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where a test may keep files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// True when the suite runs on SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

impl Drop for Database {
    /// A Postgres database weighs some 10 MB, so a suite that kept them all
    /// would fill a small disk.
    fn drop(&mut self) {
        let Some((server, name)) =
            self.url.starts_with("postgres").then(|| self.url.rsplit_once('/')).flatten()
        else {
            return;
        };
        let (server, name) = (format!("{server}/postgres"), name.to_owned());
        // A thread of its own: this may run inside a test's runtime, which must not be blocked on.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = sqlx::PgConnection::connect(&server).await?;
                let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                sqlx::query(drop).execute(&mut admin).await?;
                anyhow::Ok(())
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test's database stays behind: {error}");
        }
    }
}

async fn on_postgres(server: &str, template: Option<&str>) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("it_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = sqlx::PgConnection::connect(server).await.expect("the Postgres server answers");
    let like = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
    run(&mut admin, format!("CREATE DATABASE {name}{like}")).await;
    beside(server, &name)
}

/// A database with every migration, to be copied: making the tables anew for
/// each test takes several times as long. It is this process's own; those of
/// processes that have ended go.
async fn make_template(server: &str) -> String {
    let mut admin = sqlx::PgConnection::connect(server).await.expect("the Postgres server answers");
    let left = "SELECT datname::text FROM pg_database WHERE datname LIKE 'itt\\_%'";
    let left: Vec<String> = sqlx::query_scalar(left).fetch_all(&mut admin).await.expect("their names");
    for name in left {
        let lives = name.strip_prefix("itt_").is_some_and(|pid| Path::new("/proc").join(pid).exists());
        if !lives {
            run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
    let name = format!("itt_{}", std::process::id());
    run(&mut admin, format!("CREATE DATABASE {name}")).await;
    let url = beside(server, &name);
    let store = Store::open(&Settings::new(&url)).await.expect("every migration runs");
    // Copied only when nobody is connected to it.
    store.close().await;
    name
}

async fn run(admin: &mut sqlx::PgConnection, sql: String) {
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(admin).await.expect("Postgres does it");
}

/// The address of another database on the same server.
fn beside(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("postgres://server/database");
    format!("{base}/{name}")
}
