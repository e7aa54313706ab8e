//! Changing the master key while servers run.
//!
//! The key file first gets the new key beside the old one; then every wrapped
//! key is wrapped anew; at last the old key is dropped from the file. Data keys
//! stay as they are, so nothing that is sealed is touched. Ended at any point,
//! everything opens, and the same call goes on from there.

use std::path::Path;

use bedside_model::AccountId;
use bedside_store::{KeyName, MasterKey, Tx, house_keys};

use crate::{App, Error, Result};

/// Accounts wrapped anew per transaction.
const BATCH: i64 = 100;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that wraps from now on.
    pub key: KeyName,
    /// It went on with a rotation that had been cut off.
    pub resumed: bool,
    /// Accounts whose keys were wrapped anew.
    pub accounts: u64,
}

/// Puts a new master key into the file and wraps every key with it. The old one
/// stays in the file, to be dropped by [`finish`].
///
/// # Errors
/// What the key file or the store says; nothing is lost.
pub async fn rotate(app: &App, file: &Path) -> Result<Rotated> {
    let known = MasterKey::load(file)?;
    let resumed = known.is_rotating();
    let master = if resumed { known } else { known.rotated()? };
    check_opens_everything(app, &master).await?;
    if !resumed {
        master.save(file)?;
    }
    app.store.set_master_key(master.clone());
    let name = master.name();
    let accounts = rewrap(app, &master).await?;
    Ok(Rotated { key: name, resumed, accounts })
}

/// Drops the previous master key from the file, once nothing needs it.
///
/// # Errors
/// 400 when no rotation is under way; what the key file or the store says.
pub async fn finish(app: &App, file: &Path) -> Result<Rotated> {
    let master = MasterKey::load(file)?;
    if !master.is_rotating() {
        return Err(Error::invalid("not_rotating", "The key file holds one key only: nothing to finish."));
    }
    // Accounts that a server with the old key has made since.
    let accounts = rewrap(app, &master).await?;
    let finished = master.finished();
    finished.save(file)?;
    app.store.set_master_key(finished);
    Ok(Rotated { key: master.name(), resumed: true, accounts })
}

/// Refuses to begin with a key file that belongs to another database.
async fn check_opens_everything(app: &App, master: &MasterKey) -> Result<()> {
    let mut after = AccountId(String::new());
    loop {
        let mut conn = app.store.reader().await?;
        let rows = house_keys::list_after(&mut conn, &after, BATCH).await?;
        drop(conn);
        for (account, wrapped) in &rows {
            master.open_vault(account.as_str(), wrapped).map_err(Error::internal)?;
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => after = last,
            None => return Ok(()),
        }
    }
}

/// Wraps everything with the current key. At the end no change can be under way
/// that adds an account wrapped by another.
async fn rewrap(app: &App, master: &MasterKey) -> Result<u64> {
    let (now, name) = (app.clock.now(), master.name());
    let named: Result<()> = app
        .store
        .write(move |tx| Box::pin(async move { Ok(house_keys::put_master(tx, name, now).await?) }))
        .await;
    named?;
    let mut after = AccountId(String::new());
    let mut count = 0;
    loop {
        let (key, from) = (master.clone(), after.clone());
        let batch: Result<(Option<AccountId>, u64)> = app
            .store
            .write(move |tx| {
                Box::pin(async move { Ok(house_keys::rewrap_accounts(tx, &key, &from, BATCH).await?) })
            })
            .await;
        let (last, wrapped) = batch?;
        count += wrapped;
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    let key = master.clone();
    let rest: Result<u64> =
        app.store.write(move |tx| Box::pin(async move { Ok(rewrap_rest(tx, &key, now).await?) })).await;
    Ok(count + rest?)
}

/// The secrets, and the accounts that were added behind the walk.
async fn rewrap_rest(tx: &mut Tx, master: &MasterKey, now: bedside_model::At) -> bedside_store::Result<u64> {
    house_keys::hold_accounts(tx).await?;
    house_keys::rewrap_secrets(tx, master, now).await?;
    let mut after = AccountId(String::new());
    let mut count = 0;
    while let (Some(last), wrapped) = house_keys::rewrap_accounts(tx, master, &after, BATCH).await? {
        count += wrapped;
        after = last;
    }
    Ok(count)
}
