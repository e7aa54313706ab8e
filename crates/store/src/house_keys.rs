//! Keys of the house: which master key is in use, the secrets wrapped by it,
//! and the accounts' wrapped data keys, when the master key changes.

use bedside_model::{AccountId, At};

use crate::{Conn, Error, KeyName, MasterKey, Result, Sealed, Store, Tx, master_key::key_name};

/// The row that names the master key in use.
const MASTER: &str = "master";

const FIND: &str = "SELECT value FROM house_keys WHERE id = $1";
const ADD: &str =
    "INSERT INTO house_keys (id, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
const PUT: &str = "INSERT INTO house_keys (id, value, updated_at) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";

fn context(id: &str) -> String {
    format!("house_keys.value:{id}")
}

/// A secret of the house, such as the one that signs call tokens: made on first
/// use, the same for every process and after every rotation since.
///
/// # Errors
/// [`Error::Sealed`] when another master key wrapped it.
pub async fn secret(
    store: &Store,
    id: &'static str,
    at: At,
    first: impl FnOnce(&MasterKey) -> Vec<u8>,
) -> Result<Vec<u8>> {
    let mut conn = store.reader().await?;
    let known = scalar_opt!(conn, Sealed, FIND, id)?;
    drop(conn);
    let wrapped = match known {
        Some(wrapped) => wrapped,
        None => {
            let master = store.master_key()?;
            let wrapped = master.wrap(&context(id), &first(&master))?;
            let add = async move |tx: &mut Tx| -> Result<Sealed> {
                execute!(tx, ADD, id, &wrapped, at.0)?;
                // Another process may have been faster.
                scalar!(tx, Sealed, FIND, id)
            };
            store.write(move |tx| Box::pin(async move { add(tx).await })).await?
        }
    };
    store.with_master_key(|master| master.unwrap_key(&context(id), &wrapped))
}

/// Refuses a data key that was wrapped by a master key which a rotation has put
/// away meanwhile; to be asked after the row was inserted.
///
/// # Errors
/// [`Error::Busy`]: the same call works with the new key.
pub async fn check_wrapped(tx: &mut Tx, data_key: &Sealed) -> Result<()> {
    let in_use = scalar_opt!(tx, Vec<u8>, FIND, MASTER)?;
    match (in_use, key_name(data_key)) {
        (Some(in_use), Some(name)) if in_use != name => Err(Error::Busy),
        _ => Ok(()),
    }
}

/// Names the master key that wraps from now on.
///
/// # Errors
/// What the database says.
pub async fn put_master(tx: &mut Tx, name: KeyName, at: At) -> Result<()> {
    execute!(tx, PUT, MASTER, name.as_bytes(), at.0).map(drop)
}

/// Name of the master key in use, as it was put; none before the first rotation.
///
/// # Errors
/// What the database says.
pub async fn find_master(conn: &mut Conn) -> Result<Option<Vec<u8>>> {
    scalar_opt!(conn, Vec<u8>, FIND, MASTER)
}

const ACCOUNTS_AFTER: &str =
    "SELECT id, data_key FROM accounts WHERE id > $1 AND erased_at IS NULL ORDER BY id LIMIT $2";

/// Accounts with their wrapped data keys, by identifier; those being deleted
/// have none any more.
///
/// # Errors
/// What the database says.
pub async fn list_after(conn: &mut Conn, after: &AccountId, limit: i64) -> Result<Vec<(AccountId, Sealed)>> {
    let rows = query_all!(conn, (String, Sealed), ACCOUNTS_AFTER, after.as_str(), limit)?;
    Ok(rows.into_iter().map(|(id, key)| (AccountId(id), key)).collect())
}

const REWRAP_ACCOUNT: &str =
    "UPDATE accounts SET data_key = $1 WHERE id = $2 AND data_key = $3 AND erased_at IS NULL";
const SECRETS: &str = "SELECT id, value FROM house_keys WHERE id <> $1 ORDER BY id";
const REWRAP_SECRET: &str = "UPDATE house_keys SET value = $1, updated_at = $2 WHERE id = $3 AND value = $4";

/// Wraps up to `limit` accounts' data keys after `after` with the current
/// master key. Gives the last account looked at, none at the end, and how many
/// were wrapped anew.
///
/// # Errors
/// [`Error::Sealed`] when neither key of `master` wrapped one of them.
pub async fn rewrap_accounts(
    tx: &mut Tx,
    master: &MasterKey,
    after: &AccountId,
    limit: i64,
) -> Result<(Option<AccountId>, u64)> {
    let rows = list_after(tx, after, limit).await?;
    let mut count = 0;
    for (id, wrapped) in &rows {
        if let Some(again) = master.rewrap_vault(id.as_str(), wrapped)? {
            count += execute!(tx, REWRAP_ACCOUNT, &again, id.as_str(), wrapped)?;
        }
    }
    Ok((rows.into_iter().next_back().map(|(id, _)| id), count))
}

/// Wraps the secrets of the house with the current master key.
///
/// # Errors
/// As [`rewrap_accounts`].
pub async fn rewrap_secrets(tx: &mut Tx, master: &MasterKey, at: At) -> Result<()> {
    for (id, wrapped) in query_all!(tx, (String, Sealed), SECRETS, MASTER)? {
        if let Some(again) = master.rewrap(&context(&id), &wrapped)? {
            execute!(tx, REWRAP_SECRET, &again, at.0, &id, &wrapped)?;
        }
    }
    Ok(())
}

const LOCK: &str = "LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE";

/// Waits until every change that adds an account has ended, and keeps new ones
/// from beginning until this one ends. On SQLite a change is alone anyway.
///
/// # Errors
/// What the database says.
pub async fn hold_accounts(tx: &mut Tx) -> Result<()> {
    if tx.is_postgres() {
        execute!(tx, LOCK)?;
    }
    Ok(())
}
