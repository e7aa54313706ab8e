//! What a person sees of their notifications: the list on our pages, what is
//! unread, and the badge.

use bedside_model::{
    At, VisitId,
    notification::{Kind, Language},
};
use bedside_store::{accounts, notifications as rows};

use super::compose;
use crate::{Actor, App, Error, Result, authz};

/// Most notifications on a page.
const LONGEST_PAGE: i64 = 100;

/// A notification in its owner's list.
#[derive(Debug, Clone)]
pub struct NotificationView {
    /// UUIDv7.
    pub id: String,
    /// In the person's language, without private data.
    pub title: String,
    /// What is told.
    pub kind: Kind,
    /// When.
    pub at: At,
    /// Was it read?
    pub is_read: bool,
    /// The visit it is about.
    pub visit: Option<VisitId>,
}

/// The caller's list, newest first, and how many there are.
///
/// # Errors
/// 401.
pub async fn list(
    app: &App,
    actor: &Actor,
    (skip, limit): (Option<i64>, Option<i64>),
) -> Result<(Vec<NotificationView>, i64)> {
    let (user, _) = authz::user(actor)?;
    let page = (skip.unwrap_or(0).max(0), limit.unwrap_or(20).clamp(1, LONGEST_PAGE));
    let mut conn = app.store.reader().await?;
    let account = accounts::find(&mut conn, &actor.account).await?;
    let clinic = account.map(|account| account.name).unwrap_or_default();
    let language = compose::language(&mut conn, &actor.account, Some(user)).await?;
    let found = rows::list_of_user(&mut conn, &actor.account, user, page).await?;
    let total = rows::count_of_user(&mut conn, &actor.account, user, -1).await?;
    let view = |row: rows::Notification| {
        Ok(NotificationView {
            title: compose::title(row.kind, language, &clinic)?,
            id: row.id,
            kind: row.kind,
            at: row.created_at,
            is_read: row.read_at.is_some(),
            visit: row.visit,
        })
    };
    Ok((found.into_iter().map(view).collect::<Result<_>>()?, total))
}

/// Marks one of the caller's notifications as read.
///
/// # Errors
/// 401, 404.
pub async fn read(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let (user, _) = authz::user(actor)?;
    let (account, id, now) = (actor.account.clone(), id.to_owned(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if rows::mark_read(tx, &account, user, &id, now).await? {
                    return Ok(());
                }
                Err(Error::not_found("notification"))
            })
        })
        .await
}

/// How many the caller has not read since they last looked.
///
/// # Errors
/// 401.
pub async fn badge(app: &App, actor: &Actor) -> Result<i64> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let since = rows::find_person(&mut conn, &actor.account, user).await?.badge_at;
    Ok(rows::count_of_user(&mut conn, &actor.account, user, since.0).await?)
}

/// The caller has looked: nothing is new any more.
///
/// # Errors
/// 401.
pub async fn reset_badge(app: &App, actor: &Actor) -> Result<()> {
    let (user, _) = authz::user(actor)?;
    let (account, now) = (actor.account.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move { Ok::<_, Error>(rows::put_badge(tx, &account, user, now).await?) })
        })
        .await
}

/// Chooses the language in which the caller is told; none takes the clinic's.
///
/// # Errors
/// 401, 400 naming `language`.
pub async fn set_language(app: &App, actor: &Actor, language: &str) -> Result<Option<Language>> {
    let (user, _) = authz::user(actor)?;
    let language = match language.trim() {
        "" => None,
        tag => Some(Language::parse(tag).ok_or_else(|| Error::field("language", "use en or es"))?),
    };
    let account = actor.account.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                rows::put_language(tx, &account, user, language).await?;
                Ok(language)
            })
        })
        .await
}
