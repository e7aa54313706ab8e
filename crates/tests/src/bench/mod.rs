//! What `xtask bench` needs beside the server itself: big databases, a
//! handler that does the same SQL with nothing around it, and a naive one.

pub mod bare;
pub mod calendar;
pub mod naive;
pub mod reports;
pub mod seed;

use std::path::Path;

use anyhow::{Context, Result};
use bedside_model::AccountId;
use bedside_store::{MasterKey, Settings, Store, accounts};

/// Code of the clinic that the benchmark makes.
pub const CLINIC: &str = "bench";

/// Opens the benchmark's database.
pub async fn open(url: &str, key_file: &Path) -> Result<(Store, AccountId)> {
    let mut settings = Settings::new(url);
    settings.master_key = Some(MasterKey::load(key_file)?);
    settings.time_limit = std::time::Duration::from_secs(120);
    let store = Store::open(&settings).await?;
    let account = accounts::find_by_code(&mut store.reader().await?, CLINIC).await?;
    Ok((store, account.context("no account bench")?.id))
}
