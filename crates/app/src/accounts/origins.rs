//! Which clinic lets pages of which origins call the API. Asked by every
//! request of a browser on another site, so kept in memory for a few seconds;
//! a change on this node counts at once, on others within [`LIFE_SECONDS`].

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use bedside_model::{AccountId, At};
use bedside_store::accounts;

use crate::{App, Result};

/// How long what was read stays good, in seconds.
const LIFE_SECONDS: i64 = 15;

/// What all clinics say.
#[derive(Debug, Default)]
pub struct OriginTable {
    by_id: HashMap<AccountId, Vec<String>>,
    ids: HashMap<String, AccountId>,
}

impl OriginTable {
    /// Does any clinic let pages of this origin call?
    #[must_use]
    pub fn any(&self, origin: &str) -> bool {
        self.by_id.values().any(|origins| origins.iter().any(|known| known == origin))
    }

    /// Does this clinic?
    #[must_use]
    pub fn allows(&self, account: &AccountId, origin: &str) -> bool {
        self.by_id.get(account).is_some_and(|origins| origins.iter().any(|known| known == origin))
    }

    /// Does the clinic of this code?
    #[must_use]
    pub fn allows_code(&self, code: &str, origin: &str) -> bool {
        self.ids.get(code).is_some_and(|id| self.allows(id, origin))
    }
}

#[derive(Debug, Default)]
struct Kept {
    table: Arc<OriginTable>,
    /// None: must be read before it is used again.
    read_at: Option<At>,
    /// Counts changes, so that what was read before one is not kept after it.
    changes: u64,
}

/// What was read last.
#[derive(Debug, Default)]
pub struct Origins {
    kept: RwLock<Kept>,
    /// One reads; the others go on with what there is.
    reading: tokio::sync::Mutex<()>,
}

impl Origins {
    /// A clinic has changed its list.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.read_at = None;
        kept.changes += 1;
    }

    /// What counts now: the table, or what may be used while another reads.
    fn look(&self, now: At) -> (Arc<OriginTable>, Freshness, u64) {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let freshness = match kept.read_at {
            Some(read) if read.plus_seconds(LIFE_SECONDS) > now => Freshness::Good,
            Some(_) => Freshness::Old,
            None => Freshness::Wrong,
        };
        (kept.table.clone(), freshness, kept.changes)
    }

    /// The table.
    ///
    /// # Errors
    /// What the store says, when there is nothing older to go by.
    pub async fn table(&self, app: &App) -> Result<Arc<OriginTable>> {
        let now = app.clock.now();
        let (table, freshness, _) = self.look(now);
        let _reading = match (freshness, self.reading.try_lock()) {
            (Freshness::Good, _) | (Freshness::Old, Err(_)) => return Ok(table),
            (_, Ok(guard)) => guard,
            (Freshness::Wrong, Err(_)) => self.reading.lock().await,
        };
        let (table, freshness, changes) = self.look(now);
        if freshness == Freshness::Good {
            return Ok(table);
        }
        let table = Arc::new(read(app).await?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.table = table.clone();
        kept.read_at = (kept.changes == changes).then_some(now);
        Ok(table)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Good,
    Old,
    Wrong,
}

async fn read(app: &App) -> Result<OriginTable> {
    let mut conn = app.store.reader().await?;
    let mut table = OriginTable::default();
    for clinic in accounts::list_origins(&mut conn).await? {
        table.ids.insert(clinic.code, clinic.id.clone());
        table.by_id.insert(clinic.id, clinic.origins);
    }
    Ok(table)
}
