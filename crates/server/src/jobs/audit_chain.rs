//! Gives audit entries their place in the account's hash chain.

use bedside_app::{App, Error, Result};
use bedside_store::audit;

/// Entries per transaction.
const BATCH: i64 = 500;

pub async fn run(app: &App) -> Result<()> {
    loop {
        let chained = app
            .store
            .write::<_, Error, _>(|tx| Box::pin(async move { Ok(audit::chain(tx, BATCH).await?) }))
            .await?;
        if i64::try_from(chained).unwrap_or(BATCH) < BATCH {
            return Ok(());
        }
    }
}
