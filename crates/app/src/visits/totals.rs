//! How many visits a clinic has had, without counting all of them each time.
//! Visits are never deleted, and their numbers are drawn in order: what lies
//! some time back is counted once and remembered.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bedside_model::{AccountId, At, VisitId};
use bedside_store::{Conn, visit_lists};

use super::list::FIRST;
use crate::Result;

/// How many visits are counted anew each time before more is remembered.
const RECENT: i64 = 5_000;
/// A visit this old was committed, or never will be: far longer than a change
/// may take, and than clocks of several servers differ.
const SETTLED_SECONDS: i64 = 600;

/// Up to which number how many visits were counted, by account.
#[derive(Debug, Default)]
pub struct Totals(Mutex<HashMap<AccountId, (VisitId, i64)>>);

impl Totals {
    /// All visits of an account, exactly.
    pub(super) async fn count(&self, conn: &mut Conn, account: &AccountId, now: At) -> Result<i64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(account).copied();
        let (upto, before) = known.unwrap_or((FIRST, 0));
        let recent = visit_lists::count_after(conn, account, upto).await?;
        if recent > RECENT {
            let settled = now.plus_seconds(-SETTLED_SECONDS);
            if let Some(until) = visit_lists::newest_before(conn, account, upto, settled).await? {
                let counted = before + visit_lists::count_between(conn, account, upto, until).await?;
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(account.clone(), (until, counted));
            }
        }
        Ok(before + recent)
    }
}
