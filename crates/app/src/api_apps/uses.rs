//! When keys, admin tokens and pages' sessions were last shown: noted in memory by every
//! request, written to the rows in batches, at most once a minute each. So no
//! request waits for it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bedside_model::{AccountId, At, KeyId, SessionId, TokenId};
use bedside_store::{api_keys, sessions, tokens};

use crate::{App, Result};

/// How long one written instant stands for what follows, in seconds.
const EVERY_SECONDS: i64 = 60;

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    /// An API key.
    Key(KeyId),
    /// An admin token.
    Token(TokenId),
    /// The cookie of a page.
    Session(SessionId),
}

#[derive(Debug, Clone)]
struct Use {
    account: AccountId,
    at: At,
    written_at: Option<At>,
}

impl Use {
    /// Something to write: nothing was written yet, or that is a minute ago.
    fn is_due(&self, all: bool) -> bool {
        match self.written_at {
            None => true,
            Some(written) => self.at > written && (all || self.at >= written.plus_seconds(EVERY_SECONDS)),
        }
    }
}

/// The last use of what was shown lately.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<Shown, Use>>);

impl Uses {
    /// Somebody has just shown it.
    pub(crate) fn note(&self, account: &AccountId, shown: Shown, at: At) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Use { account: account.clone(), at, written_at: None };
        let known = uses.entry(shown).or_insert_with(new);
        known.at = known.at.max(at);
    }

    fn due(&self, all: bool) -> Vec<(Shown, Use)> {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.iter()
            .filter(|(_, one)| one.is_due(all))
            .map(|(shown, one)| (shown.clone(), one.clone()))
            .collect()
    }

    /// Remembers what was written, and forgets what has been quiet since.
    fn written(&self, rows: Vec<(Shown, Use)>, now: At) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (shown, row) in rows {
            if let Some(known) = uses.get_mut(&shown) {
                known.written_at = Some(row.at);
            }
        }
        uses.retain(|_, one| one.is_due(true) || one.at.plus_seconds(EVERY_SECONDS) > now);
    }
}

/// Writes the uses that are due, or all of them at shutdown. Gives how many.
///
/// # Errors
/// What the store says; nothing is lost, the next write takes it along.
pub async fn flush(app: &App, all: bool) -> Result<usize> {
    let due = app.uses.due(all);
    let count = due.len();
    if count > 0 {
        let rows = due.clone();
        app.store
            .write::<(), crate::Error, _>(move |tx| {
                Box::pin(async move {
                    for (shown, one) in rows {
                        match shown {
                            Shown::Key(id) => api_keys::used(tx, &one.account, &id, one.at).await?,
                            Shown::Token(id) => tokens::used(tx, &one.account, &id, one.at).await?,
                            Shown::Session(id) => sessions::used(tx, &one.account, &id, one.at).await?,
                        }
                    }
                    Ok(())
                })
            })
            .await?;
    }
    app.uses.written(due, app.clock.now());
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_key_is_written_once_a_minute() {
        let uses = Uses::default();
        let account = AccountId("a".to_owned());
        let start = At::from_seconds(1_000);
        let mut written = 0;
        for second in 0..600 {
            let now = start.plus_seconds(second);
            uses.note(&account, Shown::Key(KeyId("k".to_owned())), now);
            let due = uses.due(false);
            written += due.len();
            uses.written(due, now);
        }
        assert_eq!(written, 10);
        // What came since the last write goes at shutdown.
        assert_eq!(uses.due(true).len(), 1);
    }

    #[test]
    fn what_is_quiet_is_forgotten() {
        let uses = Uses::default();
        let now = At::from_seconds(1_000);
        uses.note(&AccountId("a".to_owned()), Shown::Token(TokenId("t".to_owned())), now);
        uses.written(uses.due(false), now);
        assert_eq!(uses.0.lock().unwrap().len(), 1);
        uses.written(Vec::new(), now.plus_seconds(61));
        assert!(uses.0.lock().unwrap().is_empty());
    }
}
