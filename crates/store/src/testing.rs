//! A fresh database per test: SQLite always, Postgres too when
//! `BEDSIDE_TEST_POSTGRES` names a server where databases may be made.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Connection;
use tempfile::TempDir;

use crate::{MasterKey, Settings, Store};

/// A store on a fresh database, and the folder it may live in.
pub(crate) struct Fresh {
    pub store: Store,
    pub settings: Settings,
    _folder: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration file")]
pub(crate) async fn fresh(engine: &str, adjust: impl FnOnce(&mut Settings)) -> Option<Fresh> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = TempDir::new().unwrap();
    let mut settings = match engine {
        "sqlite" => Settings::new(format!("sqlite:{}", folder.path().join("t.db").display())),
        _ => {
            let server = std::env::var("BEDSIDE_TEST_POSTGRES").ok()?;
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("store_{}_{number}", std::process::id());
            let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
            let make = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::query(make).execute(&mut admin).await.unwrap();
            let (base, _) = server.rsplit_once('/').unwrap();
            Settings::new(format!("{base}/{name}"))
        }
    };
    settings.master_key = Some(MasterKey::from_bytes(&[7; 32]).unwrap());
    adjust(&mut settings);
    let store = Store::open(&settings).await.unwrap();
    Some(Fresh { store, settings, _folder: folder })
}

/// Runs a body on both engines: `on_both!(fresh, |settings| …, { … })`.
macro_rules! on_both {
    ($fresh:ident, $adjust:expr, $body:block) => {
        for engine in ["sqlite", "postgres"] {
            let Some($fresh) = $crate::testing::fresh(engine, $adjust).await else { continue };
            $body
        }
    };
}
pub(crate) use on_both;
