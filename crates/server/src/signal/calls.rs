//! The door to calls: LiveKit's signal WebSocket. Checks the join token with
//! `bedside_app`, then only carries bytes between the client and the call node.
//!
//! `/rtc/v1` (one peer connection) is a plain 404, which clients take as "use
//! `/rtc`". Browsers see that only with CORS headers, so every answer has them.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State, WebSocketUpgrade, ws},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bedside_app::{
    App, Error,
    calls::{self, Admission},
};
use bedside_media::{ClientParams, Join, JoinError, Node, Resume, Session, limits, refresh_token};
use serde::Deserialize;
use tower_http::cors::{Any, CorsLayer};

/// Join tokens live ten minutes; who is in the call gets a new one well before.
const REFRESH_EVERY: Duration = Duration::from_secs(240);
/// The first new one: the token somebody came with may be nearly over.
const REFRESH_FIRST: Duration = Duration::from_secs(5);
/// A client that takes no bytes for this long is cut; it may resume.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// The signalling routes, at the root of the server.
pub fn routes() -> Router<App> {
    // The token is in the request itself, never in a cookie: any page may call.
    let cors = CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).allow_headers(Any);
    Router::new()
        .route("/rtc", get(connect))
        .route("/rtc/validate", get(validate))
        .route("/rtc/v1", any(not_served))
        .route("/rtc/v1/validate", any(not_served))
        .layer(cors)
}

/// What clients say in the query. Flags are `1` or `true`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Params {
    access_token: Option<String>,
    auto_subscribe: Option<String>,
    adaptive_stream: Option<String>,
    reconnect: Option<String>,
    reconnect_reason: Option<String>,
    sid: Option<String>,
    sdk: Option<String>,
    version: Option<String>,
    protocol: Option<String>,
    client_protocol: Option<String>,
}

/// Why somebody is not let in; the text goes to the client's log.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        // Clients give up on 401 and 403 and try other 4xx again elsewhere, so
        // every "no" is one of these two.
        if let Error::Internal(fault) = &error {
            tracing::error!(?fault, "signalling door");
        }
        let status = match &error {
            Error::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_)
            | Error::NotFound(_)
            | Error::Invalid { .. }
            | Error::TooLarge(_)
            | Error::Unsupported(_) => StatusCode::FORBIDDEN,
            Error::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, error.to_string())
    }
}

impl From<JoinError> for Refused {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::CallFull => Self(StatusCode::FORBIDDEN, "This call is full.".to_owned()),
            JoinError::ShuttingDown => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "Calls are restarting. Try again in a moment.".to_owned(),
            ),
        }
    }
}

async fn not_served() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn validate(
    State(app): State<App>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Result<&'static str, Refused> {
    admit(&app, &params, &headers).await?;
    Ok("success")
}

async fn connect(
    State(app): State<App>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let admission = admit(&app, &params, &headers).await?;
    let Ok(upgrade) = upgrade else {
        return Err(Refused(StatusCode::BAD_REQUEST, "Connect with a WebSocket.".to_owned()));
    };
    let node = node(&app)?;
    let session = node.join(join(&admission, &params)).await?;
    let upgrade = upgrade.max_message_size(limits::SIGNAL_MESSAGE).max_frame_size(limits::SIGNAL_MESSAGE);
    let carrier = Carrier { app, node, admission };
    Ok(upgrade.on_upgrade(move |socket| carrier.carry(socket, session)))
}

fn node(app: &App) -> Result<Node, Refused> {
    let embedded = app.calls.embedded();
    embedded
        .map(|embedded| embedded.node().clone())
        .ok_or_else(|| Refused(StatusCode::NOT_FOUND, "This server carries no calls.".to_owned()))
}

/// Browsers send the token in the query, other clients as a bearer.
async fn admit(app: &App, params: &Params, headers: &HeaderMap) -> Result<Admission, Refused> {
    let bearer =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = bearer
        .or(params.access_token.as_deref())
        .ok_or_else(|| Refused(StatusCode::UNAUTHORIZED, "A call token is missing.".to_owned()))?;
    Ok(calls::admit(app, token).await?)
}

fn join(admission: &Admission, params: &Params) -> Join {
    let flag = |value: &Option<String>| matches!(value.as_deref(), Some("1" | "true"));
    let number = |value: &Option<String>| value.as_deref().and_then(|text| text.parse().ok());
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Join {
        call: admission.call.clone(),
        identity: admission.identity.clone(),
        name: admission.name.clone(),
        metadata: admission.metadata.clone(),
        attributes: admission.attributes.clone(),
        grants: admission.grants.clone(),
        client: ClientParams {
            auto_subscribe: params.auto_subscribe.is_none() || flag(&params.auto_subscribe),
            adaptive_stream: flag(&params.adaptive_stream),
            protocol: number(&params.protocol).unwrap_or_default(),
            sdk: text(&params.sdk),
            version: text(&params.version),
            client_protocol: number(&params.client_protocol).unwrap_or_default(),
            reconnect: flag(&params.reconnect)
                .then(|| Resume { sid: text(&params.sid), reason: text(&params.reconnect_reason) }),
        },
    }
}

/// Carries one client's messages until either side ends it.
struct Carrier {
    app: App,
    node: Node,
    admission: Admission,
}

impl Carrier {
    async fn carry(self, mut socket: ws::WebSocket, mut session: Session) {
        let first = tokio::time::Instant::now() + REFRESH_FIRST;
        let mut refresh = tokio::time::interval_at(first, REFRESH_EVERY);
        loop {
            let goes_on = tokio::select! {
                response = session.next() => match response {
                    Some(bytes) => write(&mut socket, bytes).await,
                    None => break,
                },
                message = socket.recv() => match message {
                    Some(Ok(ws::Message::Binary(bytes))) => session.send(bytes).await.is_ok(),
                    Some(Ok(ws::Message::Close(_)) | Err(_)) | None => false,
                    Some(Ok(_)) => true,
                },
                _ = refresh.tick() => self.refresh(&mut socket).await,
            };
            if !goes_on {
                return;
            }
        }
        let _ = tokio::time::timeout(WRITE_LIMIT, socket.send(ws::Message::Close(None))).await;
    }

    /// Gives the client a token for its next resume, or ends its part in the
    /// call when it may not be there any more.
    async fn refresh(&self, socket: &mut ws::WebSocket) -> bool {
        match calls::refresh(&self.app, &self.admission).await {
            Ok(Some(token)) => write(socket, refresh_token(token)).await,
            Ok(None) => {
                self.node.remove_peer(&self.admission.call, &self.admission.identity).await;
                true
            }
            Err(error) => {
                tracing::warn!(?error, "a call token could not be refreshed");
                true
            }
        }
    }
}

/// False: the client is gone or does not read.
async fn write(socket: &mut ws::WebSocket, bytes: Bytes) -> bool {
    matches!(tokio::time::timeout(WRITE_LIMIT, socket.send(ws::Message::Binary(bytes))).await, Ok(Ok(())))
}
