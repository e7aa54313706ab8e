//! Who calls: the four `X-` headers, a page's session cookie and the host become
//! an [`Actor`]. Four extractors, by what an operation goes by: [`Caller`]
//! (everything but a one-time link), [`VisitCaller`] (a one-time link too),
//! [`KeyCaller`] (`POST /users/sso`: the API key alone),
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

use super::{Api, cors::CallerAccount, error::ApiError, limits::Charged, request_log::CallerOfLog};
use crate::http::{Client, RequestId, Trail, cookies, device};

/// Header and query parameter by which a page says whose session it means.
const KIND_HEADER: &str = "x-session-kind";
const KIND_PARAMETER: &str = "session_kind";
/// Header and, for reads, query parameter of a one-time link.
const LINK_HEADER: &str = "x-linktoken";
const LINK_PARAMETER: &str = "token";

/// The caller of an operation.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

/// The caller of an operation on a visit: like [`Caller`], and whoever holds
/// the visit's one-time link, in `X-LinkToken` or, for a read, in the query's
/// `token`. Nothing else can be called with a link.
#[derive(Clone, Debug)]
pub struct VisitCaller(pub Actor);

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
        let actor = identify(parts, api, false).await?;
        if actor.link().is_some() {
            return Err(ApiError::forbidden(
                "link_not_enough",
                "This link opens one appointment only. Sign in for everything else.",
            ));
        }
        Ok(Self(actor))
    }
}

impl FromRequestParts<Api> for VisitCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        identify(parts, api, true).await.map(Self)
    }
}

/// Who calls, asked and counted once for a request. Link holders are among
/// them; whether their link is enough is for the operation to say. With `query`
/// the link may stand in the query.
pub(super) async fn identify(parts: &mut Parts, api: &Api, query: bool) -> Result<Actor, ApiError> {
    // A layer looked already, and counted the call.
    if let Some(Identified(actor)) = parts.extensions.get() {
        return Ok(actor.clone());
    }
    let client = Client::of_request(parts);
    let credentials = read(parts, &client, api, query)?;
    let actor = credentials::authenticate(&api.app, &credentials).await;
    let actor = known(actor, parts, api, &client)?;
    admit(parts, api, &client, &actor)?;
    Ok(actor)
}

/// The caller whom a layer found, for the extractors behind it.
#[derive(Clone, Debug)]
pub(super) struct Identified(pub Actor);

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
        read(parts, &client, api, true).map(Self)
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
    if let Some(caller) = parts.extensions.get::<CallerOfLog>() {
        caller.set(actor);
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
        Who::User { .. } if actor.link().is_some() => "link",
        Who::User { kind, .. } => kind.session_kind().as_str(),
        Who::System => "system",
    }
}

/// A header's text; an empty one counts as missing.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
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
        link: text(headers, LINK_HEADER),
        session: None,
        host: Some(client.host.clone()).filter(|host| !host.is_empty()),
        request_id: request_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        address: client.addr.to_string(),
        device: device::of_headers(headers),
    }
}

/// All credentials of a request. A token or link makes cookies irrelevant; without,
/// a session cookie counts only with its kind named, and for a write only from
/// our own pages (a foreign site can make a browser send the cookie, but
/// neither the header nor our Origin).
fn read(parts: &Parts, client: &Client, api: &Api, link_in_query: bool) -> Result<Credentials, ApiError> {
    let mut credentials = headers_only(parts, client);
    credentials.link =
        credentials.link.or_else(|| parameter(parts, LINK_PARAMETER).filter(|_| link_in_query));
    if credentials.token.is_some() || credentials.link.is_some() || !cookies::any(&parts.headers) {
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
    let named = text(&parts.headers, KIND_HEADER).or_else(|| parameter(parts, KIND_PARAMETER));
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

/// A parameter of a read's query.
fn parameter(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query().filter(|_| is_read(&parts.method)).unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
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
