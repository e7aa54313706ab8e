//! Which visits somebody sees, page by page.

use bedside_model::{
    UserId, VisitId,
    permission::{Action as Right, Relation, Relations},
    user::UserType,
    visit::Status,
};
use bedside_store::{
    rooms, users,
    visit_lists::{self, Filter, Mark, Moment, Order, Scope, Window},
};

use super::{VisitView, opened};
use crate::{Actor, App, Error, Result, authz};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Which visits; its room is filled from `room`.
    pub filter: Filter,
    /// A room's code or slug.
    pub room: Option<String>,
    /// Only visits that were recorded.
    pub recorded: bool,
    /// How to sort; none sorts open visits as a queue and others newest first.
    pub order: Option<Order>,
    /// Behind this row of this order.
    pub after: Option<(Order, Mark)>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The visits, in order.
    pub visits: Vec<VisitView>,
    /// How many the whole list has.
    pub total: i64,
    /// Where the next page begins, when there is one.
    pub next: Option<(Order, Mark)>,
}

/// The caller's visits: patients see their own and those of people in their
/// care, providers those of their rooms and their own, admins all.
///
/// # Errors
/// 401, 403 for an app without the scope, 404 for an unknown room.
pub async fn list(app: &App, actor: &Actor, command: List) -> Result<Listed> {
    let (me, kind) = authz::user(actor)?;
    // Everybody may read what is their own; only a scope can be missing.
    let own = Relations::SAME_ACCOUNT.with(Relation::Myself, true).with(Relation::OwnVisit, true);
    authz::judge(actor, own, Right::VisitRead, Right::VisitRead, "visit")?;
    let scope = match kind {
        _ if authz::may(actor, Relations::SAME_ACCOUNT, Right::VisitRead) => Scope::Account,
        UserType::Provider => Scope::Provider(me),
        _ => Scope::Member(me),
    };
    page(app, actor, (scope, me), command).await
}

/// Somebody's visits: of a patient those they had or will have, of a provider
/// those they took or were asked for. Cut to what the caller may see.
///
/// # Errors
/// 401, 404 for somebody whom the caller may not see.
pub async fn of_user(
    app: &App,
    actor: &Actor,
    person: Option<UserId>,
    moment: Option<Moment>,
    mut command: List,
) -> Result<Listed> {
    let (me, _) = authz::user(actor)?;
    let person = person.unwrap_or(me);
    let mut conn = app.store.reader().await?;
    let found = users::find(&mut conn, &actor.account, person).await?;
    let found = found.ok_or_else(|| Error::not_found("user"))?;
    authz::person(&mut conn, actor, person, Right::UserRead).await?;
    drop(conn);
    if found.kind == UserType::Provider {
        command.filter.provider = Some(person);
    } else {
        command.filter.member = Some(person);
    }
    command.filter.moment = moment;
    let natural =
        if moment == Some(Moment::Upcoming) { Order::StartAscending } else { Order::StartDescending };
    command.order = command.order.or(Some(natural));
    list(app, actor, command).await
}

async fn page(app: &App, actor: &Actor, whose: (Scope, UserId), command: List) -> Result<Listed> {
    let (account, now) = (&actor.account, app.clock.now());
    let vault = app.store.vault(account).await?;
    let mut conn = app.store.reader().await?;
    let mut filter = command.filter;
    filter.recorded = command.recorded;
    if let Some(name) = command.room.as_deref().filter(|name| !name.is_empty()) {
        let room = rooms::find_named(&mut conn, account, name).await?;
        filter.room = Some(room.ok_or_else(|| Error::not_found("room"))?.id);
    }
    let order = command.order.unwrap_or_else(|| natural_order(&filter));
    if command.after.is_some_and(|(of, _)| of != order) {
        return Err(Error::field("after", "belongs to a list in another order"));
    }
    let after = command.after.map(|(_, mark)| mark);
    // One more than asked for tells whether there is a next page.
    let window = Window { after, offset: command.offset, limit: command.limit + 1 };
    let mut rows = visit_lists::page(&mut conn, account, whose, &filter, order, window, now).await?;
    let total = if whose.0 == Scope::Account && filter.is_empty() && order != Order::Queue {
        app.totals.count(&mut conn, account, now).await?
    } else {
        visit_lists::count(&mut conn, account, whose, &filter, order, now).await?
    };
    let delays = crate::rooms::Delays::read(&mut conn, account, now).await?;
    drop(conn);
    let more = rows.len() > usize::try_from(command.limit).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let last = rows.last().filter(|_| more).map(|row| (order, Mark::of(row, order, whose.1, now)));
    let mut visits = Vec::with_capacity(rows.len());
    for row in rows {
        app.reads.note(app, actor, row.member.id, "visits.list");
        visits.push(opened(app, actor, &vault, row)?);
    }
    delays.tell(&mut visits);
    Ok(Listed { visits, total, next: last })
}

// Who asks for open visits alone looks at a queue.
fn natural_order(filter: &Filter) -> Order {
    let open = |code: &i64| Status::from_code(*code).is_some_and(Status::is_open);
    let queue = !filter.statuses.is_empty() && filter.statuses.iter().all(open);
    if queue { Order::Queue } else { Order::Newest }
}

/// Nothing before the first visit.
pub(super) const FIRST: VisitId = VisitId(0);
