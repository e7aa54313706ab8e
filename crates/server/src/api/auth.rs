//! Who calls: the four `X-` headers, a page's session cookie and the host become
//! an [`Actor`]. Three extractors, by what an operation goes by: [`Caller`]
//! (everything), [`KeyCaller`] (`POST /users/sso`: the API key alone),
//! [`Visitor`] (log-ins: nobody yet, only the account). [`Shown`] is what the
//! request shows, for operations that end or describe it.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use bedside_app::{
    Actor, Who,
    credentials::{self, Credentials},
};
use bedside_model::user::SessionKind;

use super::{Api, cors::CallerAccount, error::ApiError, limits::Charged};
use crate::http::{Client, RequestId, Trail, cookies};

/// Header and query parameter by which a page says whose session it means.
const KIND_HEADER: &str = "x-session-kind";
const KIND_PARAMETER: &str = "session_kind";

/// The caller of an operation.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

/// The caller of an operation that goes by the API key; a token or cookie
/// beside the key is ignored, since clients repeat a log-in with an expired
/// token.
#[derive(Clone, Debug)]
pub struct KeyCaller(pub Actor);

/// Somebody who is about to log in: anonymous, in the account that the headers
/// or the host name.
#[derive(Clone, Debug)]
pub struct Visitor(pub Actor);

/// What the request shows, not looked at yet and not counted by the limits:
/// beside another extractor only.
#[derive(Clone)]
pub struct Shown(pub Credentials);

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        // A layer looked already, and counted the call.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let client = Client::of_request(parts);
        let credentials = read(parts, &client, api)?;
        let actor = credentials::authenticate(&api.app, &credentials).await;
        let actor = known(actor, parts, api, &client)?;
        admit(parts, api, &client, &actor)?;
        Ok(Self(actor))
    }
}

impl FromRequestParts<Api> for KeyCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let client = Client::of_request(parts);
        let found = credentials::for_sso(&api.app, &headers_only(parts, &client)).await;
        let (actor, _) = known(found, parts, api, &client)?;
        admit(parts, api, &client, &actor)?;
        Ok(Self(actor))
    }
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let client = Client::of_request(parts);
        let found = credentials::account_only(&api.app, &headers_only(parts, &client)).await;
        let actor = known(found, parts, api, &client)?;
        admit(parts, api, &client, &actor)?;
        Ok(Self(actor))
    }
}

impl FromRequestParts<Api> for Shown {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let client = Client::of_request(parts);
        read(parts, &client, api).map(Self)
    }
}

/// The kind of page that asks, as its header (or, for streams, its query) says.
#[derive(Clone, Copy, Debug)]
pub struct PageKind(pub Option<SessionKind>);

impl<S: Send + Sync> FromRequestParts<S> for PageKind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        page_kind(parts).map(Self)
    }
}

/// Counts a call whose credentials were refused; our own faults do not count.
fn known<T>(
    found: Result<T, bedside_app::Error>,
    parts: &Parts,
    api: &Api,
    client: &Client,
) -> Result<T, ApiError> {
    found.map_err(|error| {
        if error.code().is_some_and(|code| code != "unavailable")
            && let Err(limited) = api.limits.refused(client.addr, &Charged::of(&parts.extensions))
        {
            return limited;
        }
        error.into()
    })
}

fn admit(parts: &Parts, api: &Api, client: &Client, actor: &Actor) -> Result<(), ApiError> {
    if let Some(trail) = parts.extensions.get::<Trail>() {
        trail.set_who(who(actor));
    }
    if let Some(caller) = parts.extensions.get::<CallerAccount>() {
        caller.set(&actor.account);
    }
    api.limits.admit(actor, client.addr, &Charged::of(&parts.extensions))
}

fn who(actor: &Actor) -> &'static str {
    match &actor.who {
        Who::Anonymous => "anonymous",
        Who::ApiKey { .. } => "api key",
        Who::AdminToken { .. } => "admin token",
        Who::User { kind, .. } => kind.session_kind().as_str(),
        Who::System => "system",
    }
}

/// A header's text; an empty one counts as missing.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn headers_only(parts: &Parts, client: &Client) -> Credentials {
    let headers = &parts.headers;
    let request_id = parts.extensions.get::<RequestId>();
    Credentials {
        account_code: text(headers, "x-accountcode"),
        api_key: text(headers, "x-apikey"),
        api_secret: text(headers, "x-apisecret"),
        token: text(headers, "x-apitoken"),
        session: None,
        host: Some(client.host.clone()).filter(|host| !host.is_empty()),
        request_id: request_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        address: client.addr.to_string(),
    }
}

/// All credentials of a request. A token makes cookies irrelevant; without one,
/// a session cookie counts only with its kind named, and for a write only from
/// our own pages (a foreign site can make a browser send the cookie, but
/// neither the header nor our Origin).
fn read(parts: &Parts, client: &Client, api: &Api) -> Result<Credentials, ApiError> {
    let mut credentials = headers_only(parts, client);
    if credentials.token.is_some() || !cookies::any(&parts.headers) {
        return Ok(credentials);
    }
    let Some(kind) = page_kind(parts)? else {
        if credentials.api_key.is_some() {
            return Ok(credentials);
        }
        return Err(ApiError::forbidden(
            "session_kind_missing",
            "A page's session counts only together with the header X-Session-Kind.",
        ));
    };
    let Some(cookie) = cookies::find(&parts.headers, kind) else {
        return Ok(credentials);
    };
    if !is_read(&parts.method) && !own_origin(&parts.headers, client, api) {
        return Err(ApiError::forbidden(
            "foreign_origin",
            "A page of another site must not act with this session.",
        ));
    }
    credentials.session = Some((kind, cookie));
    Ok(credentials)
}

/// Only a read may name its kind in the query: a foreign site's form can post
/// to any query, but cannot send the header.
fn page_kind(parts: &Parts) -> Result<Option<SessionKind>, ApiError> {
    let query = parts.uri.query().filter(|_| is_read(&parts.method)).unwrap_or_default();
    let named = text(&parts.headers, KIND_HEADER).or_else(|| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == KIND_PARAMETER)
            .map(|(_, value)| value.into_owned())
    });
    named
        .map(|word| {
            SessionKind::parse(&word).ok_or_else(|| {
                ApiError::malformed(
                    "session_kind_unknown",
                    "X-Session-Kind must be patient, provider or admin.",
                )
            })
        })
        .transpose()
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn own_origin(headers: &HeaderMap, client: &Client, api: &Api) -> bool {
    let Some(origin) = text(headers, header::ORIGIN.as_str()) else {
        return false;
    };
    let origin = origin.to_ascii_lowercase();
    origin == client.origin() || api.public_origin().is_some_and(|own| origin == own)
}
