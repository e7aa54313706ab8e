//! Reading the audit trail, chaining it, and checking that it is whole. How
//! entries come about is in `audit`.

use bedside_model::{AccountId, At, UserId, permission::Action};
use bedside_store::{
    accounts,
    audit::{self, Filter},
    audit_chain,
};

use crate::{
    Actor, App, Error, Result,
    audit::{Detail, open_detail, write},
    authz,
};

pub use bedside_store::{
    audit::Entry,
    audit_chain::{Fault, Head, Verified},
};

/// Entries chained per transaction: few, since on SQLite every other change waits meanwhile.
const CHAIN_BATCH: i64 = 100;
/// Most entries on a page.
const LONGEST_PAGE: i64 = 100;
/// Entries per page when nobody says how many.
const PAGE: i64 = 25;
/// Entries that an export reads at a time.
const EXPORT_BATCH: i64 = 500;

/// Which entries somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Acts of this user.
    pub user: Option<UserId>,
    /// Acts on this kind of object.
    pub object_kind: Option<String>,
    /// Acts on the object of this identifier.
    pub object_id: Option<String>,
    /// This operation.
    pub action: Option<String>,
    /// Not before.
    pub from: Option<At>,
    /// Before.
    pub until: Option<At>,
    /// After this one of an earlier page.
    pub after: Option<Mark>,
    /// How many, 25 unless told, at most 100.
    pub limit: Option<i64>,
}

/// The place of an entry in the order: newest first, those of one instant by
/// their number. New entries do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    at: At,
    n: i64,
}

impl Mark {
    const START: Self = Self { at: At(i64::MAX), n: i64::MAX };

    fn of(entry: &Entry) -> Self {
        Self { at: At(entry.at), n: entry.n }
    }

    /// The mark as it is handed out.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}.{}", self.at.0, self.n)
    }

    /// A mark that was handed out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, n) = text.split_once('.')?;
        Some(Self { at: At(at.parse().ok()?), n: n.parse().ok()? })
    }
}

/// An entry as it is read, with what it says beyond its names.
pub struct Read {
    /// The row.
    pub entry: Entry,
    /// What was sealed with it.
    pub detail: Option<Detail>,
}

/// Entries, how many fit in all, and where the next page begins.
pub struct Page {
    /// Newest first.
    pub entries: Vec<Read>,
    /// How many fit.
    pub total: i64,
    /// Where the next page begins, when there is one.
    pub next: Option<Mark>,
}

impl List {
    fn filter(&self) -> Filter {
        Filter {
            user: self.user,
            object_kind: self.object_kind.clone(),
            object_id: self.object_id.clone(),
            action: self.action.clone(),
            from: self.from.unwrap_or(At(i64::MIN)),
            until: self.until.unwrap_or(At(i64::MAX)),
        }
    }
}

/// A page of the clinic's trail.
///
/// # Errors
/// 401, 403 for others than admins.
pub async fn list(app: &App, actor: &Actor, list: &List) -> Result<Page> {
    authz::account(actor, Action::AuditRead)?;
    let limit = list.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let (filter, after) = (list.filter(), list.after.unwrap_or(Mark::START));
    let mut conn = app.store.reader().await?;
    // One more than asked for tells whether a page follows.
    let mut entries = audit::list(&mut conn, &actor.account, &filter, (after.at, after.n), limit + 1).await?;
    let more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        entries.pop();
    }
    let total = audit::total(&mut conn, &actor.account, &filter).await?;
    drop(conn);
    let next = entries.last().filter(|_| more).map(Mark::of);
    Ok(Page { entries: opened(app, &actor.account, entries).await?, next, total })
}

async fn opened(app: &App, account: &AccountId, entries: Vec<Entry>) -> Result<Vec<Read>> {
    let vault = app.store.vault(account).await?;
    let read = |entry: Entry| Ok(Read { detail: open_detail(&vault, &entry)?, entry });
    entries.into_iter().map(read).collect()
}

/// Reads the trail piece by piece, for an export of any length.
pub struct Export {
    account: AccountId,
    filter: Filter,
    after: Mark,
}

/// Begins an export, which is an entry of its own.
///
/// # Errors
/// As [`list`].
pub async fn export(app: &App, actor: &Actor, list: &List) -> Result<Export> {
    authz::account(actor, Action::AuditRead)?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let object = ("account", caller.account.to_string());
                write(tx, &owner, &caller, "audit.export", object).await
            })
        })
        .await?;
    let after = list.after.unwrap_or(Mark::START);
    Ok(Export { account: actor.account.clone(), filter: list.filter(), after })
}

impl Export {
    /// The next entries; none at the end.
    ///
    /// # Errors
    /// What the store says.
    pub async fn next(&mut self, app: &App) -> Result<Vec<Read>> {
        let mut conn = app.store.reader().await?;
        let after = (self.after.at, self.after.n);
        let entries = audit::list(&mut conn, &self.account, &self.filter, after, EXPORT_BATCH).await?;
        if let Some(last) = entries.last() {
            self.after = Mark::of(last);
        }
        drop(conn);
        opened(app, &self.account, entries).await
    }
}

/// Gives every audit entry without one its place in its account's chain.
///
/// # Errors
/// What the store says; the rest is chained the next time.
pub async fn chain(app: &App) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let waiting = audit_chain::waiting(&mut conn).await?;
    drop(conn);
    let mut failed = None;
    for account in waiting {
        // One account whose key or head is broken must not hold up the others.
        if let Err(error) = chain_account(app, &account).await {
            tracing::error!(%account, ?error, "the audit trail could not be chained");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn chain_account(app: &App, account: &AccountId) -> Result<()> {
    let vault = app.store.vault(account).await?;
    loop {
        let (account, vault, now) = (account.clone(), vault.clone(), app.clock.now());
        let chained: Result<usize> = app
            .store
            .write(move |tx| {
                Box::pin(async move { Ok(audit_chain::chain(tx, &account, &vault, CHAIN_BATCH, now).await?) })
            })
            .await;
        if i64::try_from(chained?).unwrap_or(CHAIN_BATCH) < CHAIN_BATCH {
            return Ok(());
        }
    }
}

/// The codes of all clinics that have a trail.
///
/// # Errors
/// What the store says.
pub async fn codes(app: &App) -> Result<Vec<String>> {
    let mut conn = app.store.reader().await?;
    Ok(audit_chain::codes(&mut conn).await?)
}

/// Checks a clinic's chain, for the command line; `noted` is a head that an
/// earlier check printed.
///
/// # Errors
/// 404 for an unknown code; what the store says.
pub async fn verify(app: &App, code: &str, noted: Option<&Head>) -> Result<Verified> {
    let mut conn = app.store.reader().await?;
    let account = accounts::find_by_code(&mut conn, code).await?;
    let account = account.ok_or_else(|| Error::not_found("account"))?.id;
    drop(conn);
    let vault = app.store.vault(&account).await?;
    let mut conn = app.store.reader().await?;
    Ok(audit_chain::verify(&mut conn, &account, &vault, noted).await?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mark_comes_back(at in any::<i64>(), n in any::<i64>()) {
            let mark = Mark { at: At(at), n };
            prop_assert_eq!(Mark::parse(&mark.to_text()), Some(mark));
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC*") {
            let _ = Mark::parse(&text);
        }
    }
}
