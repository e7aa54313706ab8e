//! The request log: what a portal's developers search when a call did not do
//! what they meant. Requests are noted in memory and written in batches, off
//! their path. Under a flood of calls the good ones are left out first; how
//! many were is told.

use std::sync::{Mutex, PoisonError};

use bedside_model::{UserId, VisitId, permission::Action};
use bedside_store::{
    accounts, erasure,
    request_log::{self, Filter},
    users,
};

use crate::{Actor, App, Error, Result, authz};

pub use bedside_store::request_log::{NewRequest, Request};

/// Good requests kept between two writes.
const GOOD: usize = 2_000;
/// Refused and failed ones: these are looked for.
const ALL: usize = 4_000;
/// Rows per change.
const BATCH: usize = 500;
/// Kept this long.
const KEEP_SECONDS: i64 = 7 * 86_400;
/// Kept of one account.
const KEEP_ROWS: i64 = 100_000;
/// Deleted per change.
const PURGE_ROWS: i64 = 5_000;
/// Requests per page when nobody says how many.
const PAGE: i64 = 50;
/// Most requests on a page.
const LONGEST_PAGE: i64 = 200;

/// A request that waits to be written.
#[derive(Debug, Clone)]
pub struct Noted {
    /// What there is to say; an account that nobody knows yet is empty.
    pub request: NewRequest,
    /// The clinic's code that the request named, while the account is unknown.
    pub account_code: Option<String>,
}

/// Requests that wait to be written.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<Noted>,
    left_out: u64,
}

impl Requests {
    /// Notes an answered request. Those of no clinic are nobody's to read.
    pub fn note(&self, noted: Noted) {
        if noted.request.account.as_str().is_empty() && noted.account_code.is_none() {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = if noted.request.error.is_empty() { GOOD } else { ALL };
        if waiting.rows.len() < room {
            waiting.rows.push(noted);
        } else {
            waiting.left_out += 1;
        }
    }

    fn take(&self) -> (Vec<Noted>, u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut waiting.rows), std::mem::take(&mut waiting.left_out))
    }
}

/// Writes what waits.
///
/// # Errors
/// What the store says; a log is not worth a retry that could pile up, so what
/// could not be written is gone.
pub async fn flush(app: &App) -> Result<()> {
    let (rows, left_out) = app.requests.take();
    if left_out > 0 {
        tracing::warn!(left_out, "too many requests for the request log");
    }
    for batch in rows.chunks(BATCH) {
        let batch = batch.to_vec();
        app.store
            .write::<(), Error, _>(move |tx| {
                Box::pin(async move {
                    for mut noted in batch {
                        if noted.request.account.as_str().is_empty() {
                            let code = noted.account_code.unwrap_or_default();
                            let Some(account) = accounts::find_by_code(tx, &code).await? else { continue };
                            noted.request.account = account.id;
                        }
                        request_log::append(tx, &noted.request).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(())
}

/// Which requests somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// This request.
    pub request_id: Option<String>,
    /// Calls of this user.
    pub user: Option<UserId>,
    /// Calls of the user whom the portal knows by this identifier.
    pub user_code: Option<String>,
    /// Calls that name or changed this visit.
    pub visit: Option<VisitId>,
    /// Answered with this HTTP status.
    pub status: Option<i64>,
    /// Answered with this error.
    pub error: Option<String>,
    /// Older than this one of an earlier page.
    pub after: Option<i64>,
    /// How many, 50 unless told, at most 200.
    pub limit: Option<i64>,
}

/// A page of requests.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub requests: Vec<Request>,
    /// Where the next page begins, when there is one.
    pub next: Option<i64>,
}

/// The account's requests, the last ones included.
///
/// # Errors
/// 401, 403 for others than admins.
pub async fn list(app: &App, actor: &Actor, list: List) -> Result<Page> {
    authz::account(actor, Action::RequestLogRead)?;
    // Whoever looks has just tried something.
    flush(app).await?;
    let limit = list.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let mut conn = app.store.reader().await?;
    let of_code = match &list.user_code {
        None => None,
        Some(code) => match users::find_by_code(&mut conn, &actor.account, code).await? {
            Some(user) if list.user.is_none_or(|id| id == user.id) => Some(user.id),
            _ => return Ok(Page { requests: Vec::new(), next: None }),
        },
    };
    let filter = Filter {
        request_id: list.request_id,
        user: of_code.or(list.user),
        visit: list.visit,
        status: list.status,
        error: list.error,
    };
    let before = list.after.unwrap_or(i64::MAX);
    // One more than asked for tells whether a page follows.
    let mut requests = request_log::list(&mut conn, &actor.account, &filter, before, limit + 1).await?;
    let more = requests.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        requests.pop();
    }
    Ok(Page { next: requests.last().filter(|_| more).map(|last| last.n), requests })
}

/// Deletes what is too old, and what an account has too much of.
///
/// # Errors
/// What the store says.
pub async fn purge(app: &App) -> Result<()> {
    let before = app.clock.now().plus_seconds(-KEEP_SECONDS);
    let accounts = erasure::living(&mut app.store.reader().await?).await?;
    loop {
        let gone = app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(request_log::purge(tx, before, PURGE_ROWS).await?) })
            })
            .await?;
        if i64::try_from(gone).is_ok_and(|gone| gone < PURGE_ROWS) {
            break;
        }
    }
    for account in accounts {
        app.store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(request_log::keep_newest(tx, &account, KEEP_ROWS).await?) })
            })
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bedside_model::{AccountId, At};

    use super::*;

    fn noted(error: &str) -> Noted {
        let request = NewRequest {
            account: AccountId("a".to_owned()),
            request_id: String::new(),
            at: At(0),
            method: "GET".to_owned(),
            route: "/".to_owned(),
            status: 200,
            error: error.to_owned(),
            fields: Vec::new(),
            credential: String::new(),
            hint: String::new(),
            user: None,
            visit: None,
            took_us: 1,
        };
        Noted { request, account_code: None }
    }

    #[test]
    fn a_flood_of_good_calls_leaves_place_for_refused_ones() {
        let requests = Requests::default();
        for _ in 0..10_000 {
            requests.note(noted(""));
        }
        for _ in 0..10_000 {
            requests.note(noted("slot_taken"));
        }
        let (rows, left_out) = requests.take();
        assert_eq!((rows.len(), left_out), (ALL, 20_000 - ALL as u64));
        assert_eq!(rows.iter().filter(|row| row.request.error.is_empty()).count(), GOOD);
        assert!(requests.take().0.is_empty());
    }
}
