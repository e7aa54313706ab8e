//! Finding people (core.md 2.5).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bedside_model::{
    permission::{Action, Relation, Relations},
    user::{UserType, folded},
};
use bedside_store::{
    Sealed, Vault, accounts, rooms,
    user_lists::{self, Begin, Filter, Order, Scope},
    users::User,
};
use serde::{Deserialize, Serialize};

use crate::{Actor, App, Error, Result, authz};

/// Fewest characters of a search term.
const SHORTEST_TERM: usize = 3;
/// Most characters of a search term.
const LONGEST_TERM: usize = 200;

/// Whose patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExFilter {
    /// Of the rooms where the caller works.
    All,
    /// Of the caller's own visits.
    MyPatient,
}

/// What to list.
#[derive(Clone, Default)]
pub struct List {
    /// Filters; the search terms as they were sent.
    pub filter: Filter,
    /// Whose patients; none for as many as the caller may see.
    pub ex_filter: Option<ExFilter>,
    /// Code or slug of a room.
    pub room: Option<String>,
    /// Code of the clinic.
    pub account_code: Option<String>,
    /// What to sort by.
    pub order: Order,
    /// From the last to the first.
    pub descending: bool,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
    /// The mark of an earlier page, after which this one begins.
    pub after: Option<String>,
}

/// A page of people.
#[derive(Default)]
pub struct Found {
    /// The rows.
    pub users: Vec<User>,
    /// How many rows there are in all.
    pub total: i64,
    /// The mark after which the next page begins, when there is one.
    pub next: Option<String>,
}

/// Finds people: the whole clinic's for those who run it, the own patients for
/// other providers.
///
/// # Errors
/// 401 without a user, 403 for those who may see nobody, 400 naming the field,
/// 404 for an unknown room.
pub async fn list(app: &App, actor: &Actor, list: List) -> Result<Found> {
    let scope = scope(actor, list.ex_filter)?;
    let mut filter = list.filter;
    for (name, term) in
        [("full_name", &mut filter.full_name), ("email", &mut filter.email), ("q", &mut filter.either)]
    {
        check_term(name, term)?;
    }
    let vault = app.store.vault(&actor.account).await?;
    let context = format!("users.list:{:?}:{}", list.order, list.descending);
    let begin = match &list.after {
        Some(mark) => read_mark(&vault, &context, mark)?,
        None => Begin::Offset(list.offset),
    };
    let mut conn = app.store.reader().await?;
    if let Some(code) = &list.account_code {
        let own = accounts::find(&mut conn, &actor.account).await?;
        if own.is_none_or(|own| own.code != *code) {
            return Ok(Found::default());
        }
    }
    if let Some(name) = &list.room {
        let room = rooms::find_named(&mut conn, &actor.account, name).await?;
        filter.room = Some(room.ok_or_else(|| Error::not_found("room"))?.id);
    }
    let order = (list.order, list.descending);
    let page =
        user_lists::list(&mut conn, &actor.account, scope, &filter, order, (&begin, list.limit)).await?;
    drop(conn);
    for user in &page.users {
        app.reads.note(app, actor, user.id, "users.list");
    }
    let next = page.next.map(|last| write_mark(&vault, &context, last)).transpose()?;
    Ok(Found { users: page.users, total: page.total, next })
}

/// As many as the caller may see, or fewer when they ask for fewer. Those who
/// run the clinic without working in rooms have no patients of their own.
fn scope(actor: &Actor, wanted: Option<ExFilter>) -> Result<Scope> {
    let (me, kind) = authz::user(actor)?;
    let everybody = authz::may(actor, Relations::SAME_ACCOUNT, Action::UserList);
    let treated = Relations::SAME_ACCOUNT.with(Relation::MyRoom, true);
    if !everybody && !authz::may(actor, treated, Action::UserList) {
        authz::account(actor, Action::UserList)?;
    }
    Ok(match wanted {
        Some(ExFilter::MyPatient) => Scope::Own(me),
        Some(ExFilter::All) if kind == UserType::Provider => Scope::Rooms(me),
        _ if everybody => Scope::Account,
        _ => Scope::Rooms(me),
    })
}

/// Folds a search term as the columns are; a blank one is none.
fn check_term(name: &str, term: &mut Option<String>) -> Result<()> {
    *term = term.take().map(|sent| folded(&sent)).filter(|folded| !folded.is_empty());
    match term.as_ref().map(|term| term.chars().count()) {
        Some(length) if length < SHORTEST_TERM => Err(Error::field(name, "use at least 3 characters")),
        Some(length) if length > LONGEST_TERM => Err(Error::field(name, "use at most 200 characters")),
        _ => Ok(()),
    }
}

/// Sort key and number of the last row that was seen. The key may be a name,
/// so marks are sealed: addresses of pages end up in many places.
#[derive(Serialize, Deserialize)]
struct Mark(String, i64);

fn write_mark(vault: &Vault, context: &str, (key, id): (String, i64)) -> Result<String> {
    let plain = serde_json::to_vec(&Mark(key, id)).map_err(Error::internal)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(vault.seal(context, &plain)?.as_bytes()))
}

/// A mark opens only in the order it was made for.
fn read_mark(vault: &Vault, context: &str, mark: &str) -> Result<Begin> {
    let foreign = || Error::field("after", "is not the mark of a page of this list, in this order");
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(mark.trim()).map_err(|_| foreign())?;
    let plain = vault.open(context, &Sealed::from_bytes(sealed)).map_err(|_| foreign())?;
    let Mark(key, id) = serde_json::from_slice(&plain).map_err(|_| foreign())?;
    Ok(Begin::After(key, id))
}
