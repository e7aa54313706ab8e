//! Closures: holidays and leave. What is booked stands; nothing new is offered.

use bedside_model::{
    At, Phi, UserId,
    availability::Span,
    event::EventType,
    permission::{Action, Relations},
};
use bedside_store::{
    closures::{self, Closure},
    rooms,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
};

/// A closure as it is shown.
#[derive(Debug, Clone)]
pub struct ClosureView {
    /// The closure.
    pub closure: Closure,
    /// Why.
    pub reason: Phi<String>,
    /// The room's code, when it is of one room.
    pub room_code: Option<String>,
}

/// A closure to add.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// Code or slug of the room; none is every room.
    pub room: Option<String>,
    /// The provider; none is everybody.
    pub provider: Option<UserId>,
    /// When.
    pub window: Option<Span>,
    /// Why.
    pub reason: Phi<String>,
}

fn context(id: &str) -> String {
    format!("closures.reason:{id}")
}

/// Adds a closure: an admin's of anything, a provider's of themselves.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 naming the field.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<ClosureView> {
    const LONGEST_MINUTES: i64 = 366 * 24 * 60;
    const LONGEST_REASON: usize = 500;
    authz::user(actor)?;
    let span = command.window.ok_or_else(|| Error::field("start", "is required, and end with it"))?;
    if span.is_empty() {
        return Err(Error::field("end", "must lie after start"));
    }
    if span.minutes() > LONGEST_MINUTES {
        return Err(Error::field("end", "a closure lasts at most a year"));
    }
    if command.reason.reveal().chars().count() > LONGEST_REASON {
        return Err(Error::field("reason", "use at most 500 characters"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let relations = match command.provider {
        Some(provider) => authz::to_person(&mut conn, actor, provider).await?,
        None => Relations::SAME_ACCOUNT,
    };
    authz::judge(actor, relations, Action::SlotsManage, Action::SlotsRead, "closure")?;
    let room = match command.room.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => {
            let found = rooms::find_named(&mut conn, &actor.account, name).await?;
            Some(found.ok_or_else(|| Error::not_found("room"))?)
        }
        None => None,
    };
    if let Some(provider) = command.provider
        && bedside_store::users::find(&mut conn, &actor.account, provider).await?.is_none()
    {
        return Err(Error::field("provider_id", "there is no such provider"));
    }
    drop(conn);
    let now = app.clock.now();
    let id = app.random.uuid(now);
    let closure = Closure {
        reason: vault.seal_text(&context(&id), command.reason.reveal())?,
        id,
        account: actor.account.clone(),
        room: room.as_ref().map(|room| room.id),
        provider: command.provider,
        span,
        created_at: now,
    };
    let (owner, caller, row) = (app.clone(), actor.clone(), closure.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                closures::add(tx, &row).await?;
                told(tx, &owner, &caller, &row, "closures.add").await
            })
        })
        .await?;
    Ok(ClosureView { closure, reason: command.reason, room_code: room.map(|room| room.code) })
}

async fn told(
    tx: &mut bedside_store::Tx,
    app: &App,
    actor: &Actor,
    closure: &Closure,
    action: &'static str,
) -> Result<()> {
    let subject = Subject { room: closure.room, user: closure.provider, ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::SlotsUpdated, subject).await?;
    audit::write(tx, app, actor, action, ("closure", closure.id.clone())).await
}

/// The closures that touch a window: for staff.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 for a window that ends before it
/// begins.
pub async fn list(
    app: &App,
    actor: &Actor,
    window: Span,
    room: Option<&str>,
    provider: Option<UserId>,
) -> Result<Vec<ClosureView>> {
    let (caller, _) = authz::user(actor)?;
    if window.is_empty() {
        return Err(Error::field("end", "must lie after start"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let everything = authz::account(actor, Action::SlotsManage);
    let provider = match (&everything, provider) {
        (Ok(()), wanted) => wanted,
        (Err(_), wanted) => {
            let wanted = wanted.unwrap_or(caller);
            let relations = authz::to_person(&mut conn, actor, wanted).await?;
            authz::judge(actor, relations, Action::SlotsManage, Action::SlotsRead, "closure")?;
            Some(wanted)
        }
    };
    let room = match room.filter(|name| !name.is_empty()) {
        Some(name) => {
            let found = rooms::find_named(&mut conn, &actor.account, name).await?;
            Some(found.ok_or_else(|| Error::not_found("room"))?.id)
        }
        None => None,
    };
    let rows = closures::list(&mut conn, &actor.account, window, room, provider).await?;
    let codes = rooms::list_codes(&mut conn, &actor.account).await?;
    rows.into_iter()
        .map(|closure| {
            let reason = vault.open_text(&context(&closure.id), &closure.reason)?.into();
            let room_code = closure.room.and_then(|room| codes.get(&room).cloned());
            Ok(ClosureView { closure, reason, room_code })
        })
        .collect()
}

/// Takes a closure back.
///
/// # Errors
/// 401, 403, 404.
pub async fn delete(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let found = closures::find(&mut conn, &actor.account, id).await?;
    let found = found.ok_or_else(|| Error::not_found("closure"))?;
    let relations = match found.provider {
        Some(provider) => authz::to_person(&mut conn, actor, provider).await?,
        None => Relations::SAME_ACCOUNT,
    };
    authz::judge(actor, relations, Action::SlotsManage, Action::SlotsRead, "closure")?;
    drop(conn);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if closures::delete(tx, &caller.account, &found.id).await? {
                    told(tx, &owner, &caller, &found, "closures.delete").await?;
                }
                Ok(())
            })
        })
        .await
}

/// The default window of a list: from now on, for the longest one may ask.
#[must_use]
pub fn from_now(now: At) -> Span {
    Span { start: now, end: now.plus_seconds(bedside_model::availability::MAX_WINDOW_DAYS * 86_400) }
}
