//! A database of a test's own.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::Connection;
use tempfile::TempDir;

/// A fresh database, and the folder beside it. Both go with the value.
pub struct Database {
    url: String,
    folder: TempDir,
}

impl Database {
    /// On SQLite, or on the Postgres server of `BEDSIDE_TEST_POSTGRES`.
    pub async fn fresh() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = match std::env::var("BEDSIDE_TEST_POSTGRES") {
            Ok(server) => on_postgres(&server).await,
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

async fn on_postgres(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("it_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = sqlx::PgConnection::connect(server).await.expect("the Postgres server answers");
    let make = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(make).execute(&mut admin).await.expect("a database is made");
    let (base, _) = server.rsplit_once('/').expect("postgres://server/database");
    format!("{base}/{name}")
}
