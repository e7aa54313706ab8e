//! Deleting an account with everything in it. Its data key goes first: from
//! then on nothing sealed opens again, whatever is left of it anywhere. The
//! rest follows in bounded pieces; ended at any point, the same call goes on.

use bedside_model::AccountId;
use bedside_store::{accounts, erasure};

use crate::{App, Error, Result};

/// How often rows that come in during the last step are waited out.
const ATTEMPTS: usize = 10;

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The account's identifier, for the log.
    pub account: AccountId,
    /// It went on with a deletion that had been cut off.
    pub resumed: bool,
    /// Rows that were deleted, in all tables.
    pub rows: u64,
}

/// Deletes the account of this code. For the command line alone.
///
/// # Errors
/// 404 for an unknown code; what the store or the file store says.
pub async fn erase(app: &App, code: &str) -> Result<Erased> {
    let mut conn = app.store.reader().await?;
    let begun = erasure::find_begun(&mut conn, code).await?;
    let resumed = begun.is_some();
    let account = match begun {
        Some(account) => account,
        None => accounts::find_by_code(&mut conn, code).await?.ok_or_else(|| Error::not_found("account"))?.id,
    };
    let tables = erasure::tables(&mut conn).await?;
    drop(conn);
    if !resumed {
        let (id, now) = (account.clone(), app.clock.now());
        let begun: Result<()> =
            app.store.write(move |tx| Box::pin(async move { Ok(erasure::begin(tx, &id, now).await?) })).await;
        begun?;
    }
    app.store.forget_erased().await?;
    let prepared: Result<()> =
        app.store.write(|tx| Box::pin(async move { Ok(erasure::overwrite(tx).await?) })).await;
    prepared?;
    app.files.delete_account(&account).await.map_err(Error::internal)?;
    let mut rows = 0;
    for table in &tables {
        rows += delete_all(app, table, &account).await?;
    }
    end(app, tables, &account).await?;
    // What was put in while the rows went.
    app.files.delete_account(&account).await.map_err(Error::internal)?;
    app.store.empty_log().await?;
    tracing::warn!(%account, code, rows, "an account was deleted");
    Ok(Erased { account, resumed, rows })
}

async fn delete_all(app: &App, table: &str, account: &AccountId) -> Result<u64> {
    let mut rows = 0;
    loop {
        let (table, account) = (table.to_owned(), account.clone());
        let deleted: Result<u64> = app
            .store
            .write(move |tx| Box::pin(async move { Ok(erasure::delete_some(tx, &table, &account).await?) }))
            .await;
        let deleted = deleted?;
        rows += deleted;
        if !erasure::is_full(deleted) {
            return Ok(rows);
        }
    }
}

async fn end(app: &App, tables: Vec<String>, account: &AccountId) -> Result<()> {
    for _ in 1..ATTEMPTS {
        match try_end(app, tables.clone(), account).await {
            Err(bedside_store::Error::Foreign | bedside_store::Error::Busy) => {}
            ended => return Ok(ended?),
        }
    }
    Ok(try_end(app, tables, account).await?)
}

async fn try_end(app: &App, tables: Vec<String>, account: &AccountId) -> bedside_store::Result<()> {
    let account = account.clone();
    app.store.write(move |tx| Box::pin(async move { erasure::end(tx, &tables, &account).await })).await
}
