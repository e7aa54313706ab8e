//! Notifications on the wire: a person's own list (contract more.md 5.1). What
//! those who run the clinic do stands in `desk`, links that people ask for in
//! `links`.

mod desk;
mod links;

use axum::extract::State;
use bedside_app::{
    App,
    notifications::{self, NotificationView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

pub use desk::{
    __path_alerts, __path_channels, __path_list_sent, __path_settings, __path_test, __path_update_alerts,
    __path_update_settings, alerts, channels, list_sent, settings, test, update_alerts, update_settings,
};
pub use links::{__path_invite, __path_resend_link, invite, resend_link};

/// A notification in its owner's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// In the person's language, without private data.
    #[schema(example = "Your visit is coming up")]
    title: String,
    /// RFC 3339, UTC.
    #[schema(example = "2027-01-15T08:00:00Z")]
    date: String,
    #[schema(example = 1_800_000_000_000_i64)]
    unix_millis: i64,
    read: bool,
    /// Empty: there are no pictures yet.
    image_url: String,
    /// `booked`, `changed`, `reminder`, `waiting` and so on.
    #[schema(example = "reminder")]
    r#type: &'static str,
    /// Number of the visit it is about.
    #[schema(example = "4711")]
    target: Option<String>,
}

fn date(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string()).unwrap_or_default()
}

impl From<NotificationView> for Notification {
    fn from(view: NotificationView) -> Self {
        Self {
            id: view.id,
            title: view.title,
            date: date(view.at.0),
            unix_millis: view.at.0,
            read: view.is_read,
            image_url: String::new(),
            r#type: view.kind.as_str(),
            target: view.visit.map(|id| id.to_string()),
        }
    }
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartQuery {
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Rows to give, at most 100; 20 if not said.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// The caller's notifications, newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications", operation_id = "notifications::list",
    params(PartQuery), responses((status = 200, body = Page<Notification>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<PartQuery>,
) -> Result<Page<Notification>, ApiError> {
    let part = (query.start.map(|start| start.0), query.limit.map(|limit| limit.0));
    let (found, total) = notifications::list(&app, &actor, part).await?;
    Ok(Page::new(found.into_iter().map(Notification::from).collect(), total))
}

/// Marks one of the caller's notifications as read.
#[utoipa::path(post, path = "/notifications/{id}/read", tag = "notifications", operation_id = "notifications::read",
    params(("id" = String, Path, description = "UUID of the notification")),
    responses((status = 200, body = Data<bool>)))]
pub async fn read(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<bool>, ApiError> {
    notifications::read(&app, &actor, &id).await?;
    Ok(data(true))
}

/// How many notifications are new.
#[derive(Debug, Serialize, ToSchema)]
pub struct Badge {
    #[schema(example = 3)]
    badge: i64,
}

/// How many of the caller's notifications are unread and newer than the last
/// reset.
#[utoipa::path(get, path = "/notifications/badge", tag = "notifications", operation_id = "notifications::badge",
    responses((status = 200, body = Data<Badge>)))]
pub async fn badge(State(app): State<App>, Caller(actor): Caller) -> Result<Data<Badge>, ApiError> {
    Ok(data(Badge { badge: notifications::badge(&app, &actor).await? }))
}

/// The caller has looked: the badge is 0.
#[utoipa::path(post, path = "/notifications/badge/reset", tag = "notifications",
    operation_id = "notifications::reset_badge", responses((status = 200, body = Data<Badge>)))]
pub async fn reset_badge(State(app): State<App>, Caller(actor): Caller) -> Result<Data<Badge>, ApiError> {
    notifications::reset_badge(&app, &actor).await?;
    Ok(data(Badge { badge: 0 }))
}

/// In which language somebody is told.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LanguageRequest {
    /// `en` or `es`; empty takes the clinic's.
    #[schema(example = "es", value_type = String)]
    language: Text<35>,
}

/// In which language somebody is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Language {
    /// Empty takes the clinic's.
    #[schema(example = "es")]
    language: &'static str,
}

/// Chooses the language in which the caller is told.
#[utoipa::path(post, path = "/notifications/language", tag = "notifications",
    operation_id = "notifications::set_language", request_body = LanguageRequest,
    responses((status = 200, body = Data<Language>)))]
pub async fn set_language(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<LanguageRequest>,
) -> Result<Data<Language>, ApiError> {
    let language = notifications::set_language(&app, &actor, &body.language).await?;
    Ok(data(Language { language: language.map_or("", bedside_model::notification::Language::as_str) }))
}
