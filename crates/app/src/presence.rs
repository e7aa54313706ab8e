//! Presence: when somebody's page was last heard from. Kept in memory, where
//! every open page touches it, and written to the rows in batches.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bedside_model::{AccountId, At, UserId};
use bedside_store::users;

use crate::{App, Result};

/// The pages that were heard from since the last write.
#[derive(Debug, Default)]
pub struct Presence(Mutex<HashMap<UserId, (AccountId, At)>>);

impl Presence {
    /// A page of this user was just heard from.
    pub fn touch(&self, account: &AccountId, user: UserId, now: At) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(user, (account.clone(), now));
    }

    /// The later of what the row says and what has not been written yet.
    #[must_use]
    pub fn last_seen(&self, user: UserId, stored: Option<At>) -> Option<At> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&user).map(|(_, at)| *at).max(stored)
    }
}

/// Writes what was heard since the last time.
///
/// # Errors
/// What the store says; nothing is lost, the next write takes it along.
pub async fn flush(app: &App) -> Result<()> {
    let seen = app.presence.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if seen.is_empty() {
        return Ok(());
    }
    let rows = seen.clone();
    app.store
        .write::<(), crate::Error, _>(move |tx| {
            Box::pin(async move {
                for (user, (account, at)) in rows {
                    users::seen(tx, &account, user, at).await?;
                }
                Ok(())
            })
        })
        .await?;
    let mut map = app.presence.0.lock().unwrap_or_else(PoisonError::into_inner);
    for (user, heard) in seen {
        if map.get(&user) == Some(&heard) {
            map.remove(&user);
        }
    }
    Ok(())
}
