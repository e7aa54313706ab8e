//! Logging in and out on the wire, and who is logged in (contract core.md 2.4
//! and 2.8; `GET /session` is ours).

pub mod list;
pub mod locks;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bedside_app::{
    App, log_ins,
    passwords::{self, Forgot, Set},
    sessions::{self, NewCookie},
    tokens::TokenPair,
    users::{self, Login, SignedIn},
};
use bedside_model::{session::Idle, user::SessionKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    auth::{Caller, PageKind, Shown, Visitor},
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
    users::{SignedInUser, User, signed_in, user, which},
};
use crate::http::{Client, cookies};

/// An access token and what renews it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    user_id: String,
    /// For `X-ApiToken`, and as `sso_token` of `/auth`.
    token: String,
    /// UNIX seconds.
    expiry: i64,
    refresh_token: RefreshToken,
}

/// What renews an access token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefreshToken {
    user_id: String,
    token: String,
    /// UNIX seconds.
    expiry: i64,
    /// UNIX seconds.
    created: i64,
}

impl From<&TokenPair> for Token {
    fn from(pair: &TokenPair) -> Self {
        Self {
            user_id: pair.user.to_string(),
            token: pair.access.clone(),
            expiry: pair.access_expires_at.seconds(),
            refresh_token: RefreshToken {
                user_id: pair.user.to_string(),
                token: pair.refresh.clone(),
                expiry: pair.refresh_expires_at.seconds(),
                created: pair.created_at.seconds(),
            },
        }
    }
}

/// Sets the page's cookie, when there is one.
pub(super) fn with_cookie(mut response: Response, cookie: Option<&NewCookie>, client: &Client) -> Response {
    if let Some(cookie) = cookie {
        let line = cookies::set(cookie.kind, &cookie.value, client.https);
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

/// A login by password, or by the token of a mail.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LoginRequest {
    username: Option<Text<254>>,
    password: Option<Text<1024>>,
    /// With `email_token`, for users who have no password yet.
    email: Option<Text<254>>,
    email_token: Option<Text<64>>,
    /// Only users of this type.
    user_type: Option<Int>,
}

/// The user, and the token once more beside `data` where some clients read it.
#[derive(Serialize, ToSchema)]
pub struct LoggedIn {
    data: SignedInUser,
    token: Token,
}

fn logged_in(signed: &SignedIn, client: &Client) -> Response {
    let body = LoggedIn { data: signed_in(signed, false), token: Token::from(&signed.tokens) };
    with_cookie(Json(body).into_response(), signed.cookie.as_ref(), client)
}

/// Logs a user in. From a page (`X-Session-Kind`) the cookie of its kind is set
/// too.
#[utoipa::path(post, path = "/users/login", tag = "users", operation_id = "users::login",
    request_body = LoginRequest, responses((status = 200, body = LoggedIn)))]
pub async fn login(
    State(app): State<App>,
    Visitor(actor): Visitor,
    PageKind(page): PageKind,
    client: Client,
    Request(body): Request<LoginRequest>,
) -> Result<Response, ApiError> {
    let command = Login {
        username: body.username.map(Text::into_string),
        password: body.password.map(Text::into_string),
        email: body.email.map(Text::into_string),
        email_token: body.email_token.map(Text::into_string),
        user_type: body.user_type.map(|number| number.0),
        page,
        address: client.addr.to_string(),
    };
    Ok(logged_in(&users::login(&app, &actor, command).await?, &client))
}

/// Ends the token or the page's session that came with the call.
#[utoipa::path(post, path = "/users/logout", tag = "users", operation_id = "users::logout",
    responses((status = 200, body = Data<Object>)))]
pub async fn logout(
    State(app): State<App>,
    _caller: Caller,
    Shown(shown): Shown,
    PageKind(page): PageKind,
    client: Client,
) -> Result<Response, ApiError> {
    sessions::close(&app, &shown).await?;
    let mut response = data(Map::<String, Value>::new()).into_response();
    if let Some(kind) = page {
        response.headers_mut().append(header::SET_COOKIE, cookies::clear(kind, client.https));
    }
    Ok(response)
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RefreshRequest {
    refresh_token: Text<64>,
}

/// New tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Renewed {
    token: Token,
}

/// A new pair of tokens for a refresh token, which is used up. Showing one that
/// was used before ends everything that came from its log-in.
#[utoipa::path(post, path = "/users/refresh_token", tag = "users", operation_id = "users::refresh_token",
    request_body = RefreshRequest, responses((status = 200, body = Data<Renewed>)))]
pub async fn refresh_token(
    State(app): State<App>,
    Visitor(actor): Visitor,
    Request(body): Request<RefreshRequest>,
) -> Result<Data<Renewed>, ApiError> {
    let pair = log_ins::refresh(&app, &actor, &body.refresh_token.into_string()).await?;
    Ok(data(Renewed { token: Token::from(&pair) }))
}

/// Whose password was forgotten: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ForgotRequest {
    email: Option<Text<254>>,
    username: Option<Text<254>>,
}

/// Mails a one-time link to a new password, with its `email_token`, to whoever
/// this is. The answer is the same when it is nobody.
#[utoipa::path(post, path = "/users/forgot_password", tag = "users", operation_id = "users::forgot_password",
    request_body = ForgotRequest, responses((status = 200, body = Data<Object>)))]
pub async fn forgot_password(
    State(app): State<App>,
    Visitor(actor): Visitor,
    Request(body): Request<ForgotRequest>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    let command =
        Forgot { email: body.email.map(Text::into_string), username: body.username.map(Text::into_string) };
    passwords::forgot(&app, &actor, command).await?;
    Ok(data(Map::new()))
}

/// Mails a user a one-time link to their password: the first one, or a new one.
#[utoipa::path(post, path = "/users/{id}/send_password_mail", tag = "users",
    operation_id = "users::send_password_mail", params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, body = Data<Object>)))]
pub async fn send_password_mail(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    passwords::send_mail(&app, &actor, which(&id)?).await?;
    Ok(data(Map::new()))
}

/// How long until the next one.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HeartbeatRequest {
    /// Seconds.
    heart_beat: Option<Int>,
}

/// Marks the caller as present, such as a patient who waits.
#[utoipa::path(post, path = "/users/-/heartbeat", tag = "users", operation_id = "users::heartbeat",
    request_body = HeartbeatRequest, responses((status = 200, body = Data<Object>)))]
pub async fn heartbeat(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<HeartbeatRequest>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    if body.heart_beat.is_some_and(|seconds| !(0..=86_400).contains(&seconds.0)) {
        return Err(bedside_app::Error::field("heart_beat", "is a number of seconds, a day at most").into());
    }
    log_ins::heartbeat(&app, &actor, users::Which::Caller)?;
    Ok(data(Map::new()))
}

/// A one-time link, to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordLinkRequest {
    /// The link's token.
    #[serde(alias = "email_token")]
    token: Text<64>,
}

/// Whose link it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasswordLink {
    /// The login name that goes with the password.
    username: String,
    account_name: String,
    account_code: String,
    /// Which pages the user is for.
    #[schema(value_type = String)]
    kind: SessionKind,
}

/// Whose password a one-time link sets, without using it up; 401 when it does
/// not count any more.
#[utoipa::path(post, path = "/users/password_link", tag = "users", operation_id = "users::password_link",
    request_body = PasswordLinkRequest, responses((status = 200, body = Data<PasswordLink>)))]
pub async fn password_link(
    State(app): State<App>,
    _caller: Caller,
    Request(body): Request<PasswordLinkRequest>,
) -> Result<Data<PasswordLink>, ApiError> {
    let link = passwords::link(&app, &body.token.into_string()).await?;
    Ok(data(PasswordLink {
        kind: link.user.kind.session_kind(),
        username: link.user.username.into_inner(),
        account_name: link.account.name,
        account_code: link.account.code,
    }))
}

/// What the holder of a one-time link sends.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordRequest {
    /// The link's token; `email_token` is read too.
    #[serde(alias = "email_token")]
    token: Text<64>,
    /// At least 15 characters.
    password: Text<1024>,
}

/// Sets the password of a one-time link's user and logs them in, from a page
/// (`X-Session-Kind`) with the cookie of their kind too. The link is used up.
#[utoipa::path(post, path = "/users/password", tag = "users", operation_id = "users::set_password",
    request_body = PasswordRequest, responses((status = 200, body = LoggedIn)))]
pub async fn set_password(
    State(app): State<App>,
    Caller(actor): Caller,
    PageKind(page): PageKind,
    client: Client,
    Request(body): Request<PasswordRequest>,
) -> Result<Response, ApiError> {
    let command = Set {
        token: body.token.into_string(),
        password: body.password.into_string(),
        page: page.is_some(),
        request_id: actor.request_id,
        address: actor.address,
        device: actor.device,
    };
    Ok(logged_in(&passwords::set(&app, command).await?, &client))
}

/// Who is logged in on a page.
#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(value_type = String)]
    kind: SessionKind,
    user: User,
    account: SessionAccount,
    /// The portal asked to show no way to other pages.
    disable_navigation: bool,
    /// Where the way back leads; the portal's own when it named none.
    return_url: Option<String>,
    /// Seconds without a person after which the page locks itself; null for never.
    #[schema(example = 900)]
    idle_seconds: Option<i64>,
}

/// The clinic of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionAccount {
    code: String,
    name: String,
    /// "Back to {portal_name}".
    portal_name: String,
    portal_return_url: Option<String>,
}

/// Who is logged in on this page; 401 when nobody is.
#[utoipa::path(get, path = "/session", tag = "users", operation_id = "sessions::get",
    responses((status = 200, body = Data<Session>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Shown(shown): Shown,
) -> Result<Data<Session>, ApiError> {
    let current = sessions::get(&app, &actor, &shown).await?;
    let account = current.account;
    let portal = Some(account.portal_return_url).filter(|url| !url.is_empty());
    Ok(data(Session {
        kind: current.kind,
        user: user(current.user),
        disable_navigation: current.options.disable_navigation,
        return_url: current.options.return_url.or_else(|| portal.clone()),
        idle_seconds: Idle::seconds(current.kind, account.idle_minutes),
        account: SessionAccount {
            code: account.code,
            name: account.name,
            portal_name: account.portal_name,
            portal_return_url: portal,
        },
    }))
}
