//! Endpoints on the wire: where somebody can be reached (contract more.md 5.1).

use axum::extract::State;
use bedside_app::{
    App,
    endpoints::{self, EndpointView},
};
use bedside_model::endpoint::Key;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

/// An endpoint to add.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EndpointRequest {
    /// Device token, address, number, or the URL of a push subscription.
    key: Text<2048>,
    /// 10 e-mail, 20 SMS, 30 APNS, 40 FCM, 50 web push.
    r#type: Int,
    /// Of a push subscription: the browser's public key, base64url.
    p256dh: Option<Text<100>>,
    /// Of a push subscription: the shared secret, base64url.
    auth: Option<Text<100>>,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Endpoint {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// Device token, address, number, or the URL of a push subscription.
    #[schema(example = "maria@example.org")]
    key: String,
    user_id: String,
    /// 10 e-mail, 20 SMS, 30 APNS, 40 FCM, 50 web push.
    #[schema(example = 10)]
    r#type: i64,
    /// Push endpoints only. No message goes out by a cloud's own topics, so
    /// this is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

impl From<EndpointView> for Endpoint {
    fn from(view: EndpointView) -> Self {
        let endpoint = view.endpoint;
        Self {
            id: endpoint.id,
            key: view.key.into_inner(),
            user_id: endpoint.user.to_string(),
            r#type: endpoint.kind.code(),
            arn: endpoint.kind.is_push().then(String::new),
            created: endpoint.created_at.seconds(),
            modified: endpoint.updated_at.seconds(),
        }
    }
}

/// Adds an endpoint of the caller. The same key again is the same endpoint.
#[utoipa::path(post, path = "/endpoints", tag = "notifications", operation_id = "endpoints::add",
    request_body = EndpointRequest, responses((status = 200, body = Data<Endpoint>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<EndpointRequest>,
) -> Result<Data<Endpoint>, ApiError> {
    let text = |text: Option<Text<100>>| text.map(Text::into_string).unwrap_or_default();
    let key = Key { key: body.key.into_string(), p256dh: text(body.p256dh), auth: text(body.auth) };
    let command = endpoints::Add { kind: body.r#type.0, key: key.into() };
    Ok(data(endpoints::add(&app, &actor, command).await?.into()))
}

/// Which endpoints to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EndpointQuery {
    /// One type; else all.
    #[param(value_type = Option<i64>)]
    r#type: Option<Text<10>>,
}

/// The caller's endpoints.
#[utoipa::path(get, path = "/endpoints", tag = "notifications", operation_id = "endpoints::list",
    params(EndpointQuery), responses((status = 200, body = Page<Endpoint>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<EndpointQuery>,
) -> Result<Page<Endpoint>, ApiError> {
    let kind = query.r#type.and_then(Text::filled).map(|text| text.trim().parse().unwrap_or(0));
    let found = endpoints::list(&app, &actor, kind).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(Endpoint::from).collect(), total))
}

/// One of the caller's endpoints.
#[utoipa::path(get, path = "/endpoints/{id}", tag = "notifications", operation_id = "endpoints::get",
    params(("id" = String, Path, description = "UUID of the endpoint")),
    responses((status = 200, body = Data<Endpoint>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Endpoint>, ApiError> {
    Ok(data(endpoints::get(&app, &actor, &id).await?.into()))
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedEndpoint {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
}

/// Deletes one of the caller's endpoints.
#[utoipa::path(delete, path = "/endpoints/{id}", tag = "notifications", operation_id = "endpoints::delete",
    params(("id" = String, Path, description = "UUID of the endpoint")),
    responses((status = 200, body = Data<DeletedEndpoint>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<DeletedEndpoint>, ApiError> {
    Ok(data(DeletedEndpoint { id: endpoints::delete(&app, &actor, &id).await? }))
}

/// With what a page subscribes to web push.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    /// `applicationServerKey` of `PushManager.subscribe`, base64url.
    key: String,
    /// The clinic has tried that messages arrive: pages may offer them.
    works: bool,
}

/// The key with which pages subscribe to web push.
#[utoipa::path(get, path = "/endpoints/push_key", tag = "notifications", operation_id = "endpoints::push_key",
    responses((status = 200, body = Data<PushKey>)))]
pub async fn push_key(State(app): State<App>, Caller(actor): Caller) -> Result<Data<PushKey>, ApiError> {
    let endpoints::PushKey { key, works } = endpoints::push_key(&app, &actor).await?;
    Ok(data(PushKey { key, works }))
}
