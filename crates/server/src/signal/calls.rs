//! The door to calls: LiveKit's signal WebSocket. Checks the join token with
//! `bedside_app`, then only carries bytes between the client and the call node.
//!
//! Two paths: `/rtc` with two peer connections per client, `/rtc/v1` with one.
//! A client that finds a 404 at the second takes the first. Browsers see that
//! only with CORS headers, so every answer has them.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State, WebSocketUpgrade, ws},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bedside_app::{
    App, Error,
    calls::{self, Admission},
};
use bedside_media::{ClientParams, Join, JoinError, Node, Session, limits, refresh_token};
use tower_http::cors::{Any, CorsLayer};

use super::entry::Params;

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
        .route("/rtc/v1", get(connect_once))
        .route("/rtc/v1/validate", get(validate))
        .layer(cors)
}

/// Why somebody is not let in; the text goes to the client's log.
pub(super) struct Refused(pub StatusCode, pub String);

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
            JoinError::TooManyCalls => Self(
                StatusCode::FORBIDDEN,
                "This clinic has as many calls at once as it may. Try again when one is over.".to_owned(),
            ),
            JoinError::CallFull => Self(StatusCode::FORBIDDEN, "This call is full.".to_owned()),
            JoinError::ShuttingDown => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "Calls are restarting. Try again in a moment.".to_owned(),
            ),
        }
    }
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
    let client = params.client();
    enter(app, &params, &headers, client, upgrade).await
}

async fn connect_once(
    State(app): State<App>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    // Without one it may still come in by the other path.
    let unread = || Refused(StatusCode::NOT_FOUND, "There is no join request that can be read.".to_owned());
    let client = params.client_of_one_connection().ok_or_else(unread)?;
    enter(app, &params, &headers, client, upgrade).await
}

async fn enter(
    app: App,
    params: &Params,
    headers: &HeaderMap,
    client: ClientParams,
    upgrade: Result<WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let admission = admit(&app, params, headers).await?;
    let Ok(upgrade) = upgrade else {
        return Err(Refused(StatusCode::BAD_REQUEST, "Connect with a WebSocket.".to_owned()));
    };
    let node = node(&app)?;
    let session = node.join(join(&admission, client)).await?;
    let upgrade = upgrade.max_message_size(limits::SIGNAL_MESSAGE).max_frame_size(limits::SIGNAL_MESSAGE);
    let carrier = Carrier { app, node, admission };
    Ok(upgrade.on_upgrade(move |socket| carrier.carry(socket, session)))
}

pub(super) fn node(app: &App) -> Result<Node, Refused> {
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

fn join(admission: &Admission, client: ClientParams) -> Join {
    Join {
        call: admission.call.clone(),
        owner: admission.account.clone(),
        identity: admission.identity.clone(),
        name: admission.name.clone(),
        metadata: admission.metadata.clone(),
        attributes: admission.attributes.clone(),
        grants: admission.grants.clone(),
        client,
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
