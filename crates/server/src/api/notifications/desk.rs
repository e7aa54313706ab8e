//! What those who run the clinic do about notifications.

use axum::extract::State;
use bedside_app::{
    App,
    notifications::{self, ChannelView, Sent, SettingsUpdate, Tried},
};
use bedside_model::{Phi, VisitId, room};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Id, Int, List, Path, Request, Text},
};

/// What the clinic wants of notifications.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationSettings {
    /// Where a person says nothing: `en` or `es`.
    #[schema(example = "en")]
    language: &'static str,
    /// Minutes before an appointment, the earliest first.
    #[schema(example = json!([1440, 60]))]
    reminders: Vec<i64>,
}

impl From<bedside_app::notifications::Wishes> for NotificationSettings {
    fn from(wishes: bedside_app::notifications::Wishes) -> Self {
        Self { language: wishes.language.as_str(), reminders: wishes.reminders }
    }
}

/// What the clinic wants of notifications. Admins only.
#[utoipa::path(get, path = "/notifications/settings", tag = "notifications",
    operation_id = "notifications::settings", responses((status = 200, body = Data<NotificationSettings>)))]
pub async fn settings(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Data<NotificationSettings>, ApiError> {
    Ok(data(notifications::settings(&app, &actor).await?.into()))
}

/// A change of it; what is not sent stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SettingsRequest {
    /// `en` or `es`.
    #[schema(example = "es", value_type = Option<String>)]
    language: Option<Text<35>>,
    /// Minutes before an appointment, at most five; an empty list sends none.
    #[schema(example = json!([1440, 60]), value_type = Option<Vec<i64>>)]
    reminders: Option<List<Int>>,
}

/// Changes what the clinic wants of notifications. Admins only.
#[utoipa::path(post, path = "/notifications/settings", tag = "notifications",
    operation_id = "notifications::update_settings", request_body = SettingsRequest,
    responses((status = 200, body = Data<NotificationSettings>)))]
pub async fn update_settings(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<SettingsRequest>,
) -> Result<Data<NotificationSettings>, ApiError> {
    let reminders = body.reminders.map(|list| list.0.into_iter().map(|minutes| minutes.0).collect());
    let update = SettingsUpdate { language: body.language.and_then(Text::filled), reminders };
    Ok(data(notifications::update_settings(&app, &actor, update).await?.into()))
}

/// A way out of the house.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationChannel {
    /// `mail`, `sms` or `push`.
    #[schema(example = "mail")]
    channel: &'static str,
    /// How it goes: `folder`, `smtp`, `http`, `web` or `off`.
    #[schema(example = "smtp")]
    way: &'static str,
    /// It is set up and the last test worked: people may be promised a message.
    works: bool,
    /// When it was tested last, UNIX seconds; null for never.
    #[schema(example = 1_800_000_000)]
    tested: Option<i64>,
}

impl From<ChannelView> for NotificationChannel {
    fn from(view: ChannelView) -> Self {
        Self {
            channel: view.channel.as_str(),
            way: view.way,
            works: view.works(),
            tested: view.tested.map(|(at, _)| at.seconds()),
        }
    }
}

/// The ways on which people can be told, and whether they were tested. Admins only.
#[utoipa::path(get, path = "/notifications/channels", tag = "notifications",
    operation_id = "notifications::channels", responses((status = 200, body = Page<NotificationChannel>)))]
pub async fn channels(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Page<NotificationChannel>, ApiError> {
    let found = notifications::channels(&app, &actor).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(NotificationChannel::from).collect(), total))
}

/// A test message.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TestRequest {
    /// `mail`, `sms` or `push`.
    #[schema(example = "mail", value_type = String)]
    channel: Text<10>,
    /// Address or number; else the caller's own.
    #[schema(example = "maria@example.org", value_type = Option<String>)]
    to: Option<Text<254>>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestResult {
    #[schema(example = "mail")]
    channel: &'static str,
    works: bool,
    /// Stable word; empty when it worked.
    #[schema(example = "mail_login_refused")]
    reason: String,
    /// One plain sentence; empty when it worked.
    #[schema(example = "The mail server does not accept our login.")]
    message: String,
}

impl From<Tried> for TestResult {
    fn from(tried: Tried) -> Self {
        let (reason, message) = tried.why.unwrap_or_default();
        Self { channel: tried.channel.as_str(), works: tried.works, reason, message }
    }
}

/// Sends a test message now and says what came of it. Admins only.
#[utoipa::path(post, path = "/notifications/test", tag = "notifications", operation_id = "notifications::test",
    request_body = TestRequest, responses((status = 200, body = Data<TestResult>)))]
pub async fn test(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<TestRequest>,
) -> Result<Data<TestResult>, ApiError> {
    let to = body.to.and_then(Text::filled).map(Phi::from);
    Ok(data(notifications::test(&app, &actor, &body.channel, to).await?.into()))
}

/// What was sent, or not: nothing of what it said, or to which address.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentNotification {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `booked`, `changed`, `reminder`, `waiting` and so on.
    #[schema(example = "reminder")]
    r#type: &'static str,
    /// `mail`, `sms` or `push`.
    #[schema(example = "mail")]
    channel: &'static str,
    /// `waiting`, `sent`, `failed`, `bounced` or `skipped`.
    #[schema(example = "sent")]
    state: &'static str,
    /// Why not, as a stable word.
    #[schema(example = "")]
    reason: String,
    #[schema(example = 1)]
    tries: i64,
    user_id: Option<String>,
    visit_id: Option<String>,
    /// UNIX seconds.
    created: i64,
    /// When it was sent or given up, UNIX seconds.
    settled: Option<i64>,
}

impl From<Sent> for SentNotification {
    fn from(Sent(row): Sent) -> Self {
        Self {
            id: row.id,
            r#type: row.kind.as_str(),
            channel: row.channel.as_str(),
            state: row.state.as_str(),
            reason: row.reason,
            tries: row.tries,
            user_id: row.user.map(|id| id.to_string()),
            visit_id: row.visit.map(|id| id.to_string()),
            created: row.created_at.seconds(),
            settled: row.settled_at.map(bedside_model::At::seconds),
        }
    }
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SentQuery {
    /// About one visit.
    #[param(value_type = Option<String>)]
    visit_id: Option<Id>,
    /// `waiting`, `sent`, `failed`, `bounced` or `skipped`.
    #[param(value_type = Option<String>, example = "failed")]
    state: Option<Text<10>>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Rows to give, at most 100; 20 if not said.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// What was sent by mail, SMS and push, or not, newest first. Admins only.
#[utoipa::path(get, path = "/notifications/sent", tag = "notifications", operation_id = "notifications::list_sent",
    params(SentQuery), responses((status = 200, body = Data<Vec<SentNotification>>)))]
pub async fn list_sent(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<SentQuery>,
) -> Result<Data<Vec<SentNotification>>, ApiError> {
    let visit = query.visit_id.map(|id| VisitId(id.0));
    let state = query.state.and_then(Text::filled);
    let part = (query.start.map(|start| start.0), query.limit.map(|limit| limit.0));
    let found = notifications::list_sent(&app, &actor, (visit, state.as_deref()), part).await?;
    Ok(data(found.into_iter().map(SentNotification::from).collect()))
}

/// Who is told, one after another, when nobody takes a waiting patient.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomAlerts {
    /// Minutes before each next person is told; 0 tells nobody.
    #[schema(example = 5)]
    after_minutes: i64,
    /// Numbers of the users, in order.
    #[schema(example = json!(["181", "182"]))]
    user_ids: Vec<String>,
}

impl From<room::Alerts> for RoomAlerts {
    fn from(alerts: room::Alerts) -> Self {
        let user_ids = alerts.user_ids.into_iter().map(|id| id.to_string()).collect();
        Self { after_minutes: alerts.after_minutes, user_ids }
    }
}

/// A room's alert list. Admins only.
#[utoipa::path(get, path = "/rooms/{code}/alerts", tag = "rooms", operation_id = "notifications::alerts",
    params(("code" = String, Path, description = "Code or slug of the room")),
    responses((status = 200, body = Data<RoomAlerts>)))]
pub async fn alerts(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
) -> Result<Data<RoomAlerts>, ApiError> {
    Ok(data(notifications::alerts(&app, &actor, &code).await?.into()))
}

/// A room's alert list, whole.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AlertsRequest {
    /// Minutes before each next person is told; 0 tells nobody.
    #[schema(example = 5)]
    after_minutes: Int,
    /// Numbers of the users, in order; at most 20.
    #[schema(example = json!(["181", "182"]), value_type = Vec<String>)]
    user_ids: List<Id>,
}

/// Replaces a room's alert list. Admins only.
#[utoipa::path(post, path = "/rooms/{code}/alerts", tag = "rooms", operation_id = "notifications::update_alerts",
    params(("code" = String, Path, description = "Code or slug of the room")), request_body = AlertsRequest,
    responses((status = 200, body = Data<RoomAlerts>)))]
pub async fn update_alerts(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(code): Path<String>,
    Request(body): Request<AlertsRequest>,
) -> Result<Data<RoomAlerts>, ApiError> {
    let user_ids = body.user_ids.0.into_iter().map(|id| id.0).collect();
    let alerts = room::Alerts { after_minutes: body.after_minutes.0, user_ids };
    Ok(data(notifications::update_alerts(&app, &actor, &code, alerts).await?.into()))
}
