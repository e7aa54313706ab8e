//! Users on the wire (contract core.md 2): single sign-on, guests, finding,
//! adding and changing people, the rooms of providers.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bedside_app::{
    Actor, App, Error, Who,
    actor::Credential,
    profile::ProfileInput,
    users::{self, GuestLogin, RoomName, Sso, Which},
};
use bedside_model::{RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub(super) use super::user_object::{SignedInUser, User, signed_in, user};
use super::{
    auth::{Caller, KeyCaller, PageKind, Shown, Visitor},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Int, List, Params, Path, Request, Text},
    sessions::with_cookie,
    user_body::{AddUserRequest, UpdateUserRequest, text},
    user_object::{RoomOfUser, UserFields, chosen, profile, row},
    user_query::UserQuery,
};
use crate::http::Client;

/// Whom the portal signs in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SsoRequest {
    first_name: Text<100>,
    last_name: Text<100>,
    /// 200 patient (also when left out), 400 provider, 600 guest.
    r#type: Option<Int>,
    /// The portal's own key for the user; needed for 200 and 400.
    code: Option<Text<128>>,
    /// `YYYY-MM-DD`.
    dob: Option<Text<10>>,
    email: Option<Text<254>>,
    /// Made when left out.
    username: Option<Text<254>>,
    /// 1 stops e-mail notices to this user.
    disable_emails: Option<Flag>,
    /// `male` or `female`.
    gender: Option<Text<10>>,
    street_addr: Option<Text<200>>,
    city: Option<Text<100>>,
    /// Two letters.
    state: Option<Text<50>>,
    zip: Option<Text<20>>,
    phone: Option<Text<50>>,
    /// `vsee` adds `data.vsee`.
    #[schema(value_type = Option<Vec<String>>)]
    fields: Option<List<Text<40>>>,
}

/// Signs a portal's user in: the one with this code, or a new one. Needs the
/// account's API key and secret, no token.
#[utoipa::path(post, path = "/users/sso", tag = "users", operation_id = "users::sso",
    request_body = SsoRequest, security(("AccountCode" = [], "ApiKey" = [], "ApiSecret" = [])),
    responses((status = 200, body = Data<SignedInUser>)))]
pub async fn sso(
    State(app): State<App>,
    KeyCaller(actor): KeyCaller,
    Request(body): Request<SsoRequest>,
) -> Result<Data<SignedInUser>, ApiError> {
    let vsee = body.fields.as_ref().is_some_and(|fields| fields.0.iter().any(|field| &**field == "vsee"));
    let command = Sso {
        kind: body.r#type.map(|number| number.0),
        disable_emails: body.disable_emails.map(|flag| flag.0),
        code: text(body.code),
        username: text(body.username),
        profile: ProfileInput {
            first_name: Some(body.first_name.into_string()),
            last_name: Some(body.last_name.into_string()),
            dob: text(body.dob),
            email: text(body.email),
            gender: text(body.gender),
            street_addr: text(body.street_addr),
            city: text(body.city),
            state: text(body.state),
            zip: text(body.zip),
            phone: text(body.phone),
            ..ProfileInput::default()
        },
    };
    Ok(data(signed_in(&users::sso(&app, &actor, command).await?, vsee)))
}

/// Who enters a waiting room as a guest.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GuestRequest {
    first_name: Text<100>,
    last_name: Text<100>,
    /// `YYYY-MM-DD`.
    dob: Option<Text<10>>,
    email: Option<Text<254>>,
    phone: Option<Text<50>>,
    /// Code or slug of the room.
    room_code: Text<128>,
}

/// Makes a one-time user for a waiting room. From a page (`X-Session-Kind`)
/// the patient's cookie is set too.
#[utoipa::path(post, path = "/users/guest_login", tag = "users", operation_id = "users::guest_login",
    request_body = GuestRequest, responses((status = 200, body = Data<SignedInUser>)))]
pub async fn guest_login(
    State(app): State<App>,
    Visitor(actor): Visitor,
    PageKind(page): PageKind,
    client: Client,
    Request(body): Request<GuestRequest>,
) -> Result<Response, ApiError> {
    let profile = ProfileInput {
        first_name: Some(body.first_name.into_string()),
        last_name: Some(body.last_name.into_string()),
        dob: text(body.dob),
        email: text(body.email),
        phone: text(body.phone),
        ..ProfileInput::default()
    };
    let command = GuestLogin { room_code: body.room_code.into_string(), profile, page };
    let guest = users::guest_login(&app, &actor, command).await?;
    Ok(with_cookie(data(signed_in(&guest, false)).into_response(), guest.cookie.as_ref(), &client))
}

/// Whom a path means: `-` is the token's user.
pub(super) fn which(id: &str) -> Result<Which, ApiError> {
    match id {
        "-" => Ok(Which::Caller),
        digits => Ok(Which::Id(digits.parse().map_err(|_| Error::not_found("user"))?)),
    }
}

/// Finds people. Admins and schedulers find everybody, other providers the
/// patients of their rooms and visits.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "users::list", params(UserQuery),
    responses((status = 200, body = Page<UserFields>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<UserQuery>,
) -> Result<Page<Value>, ApiError> {
    let (list, fields) = query.into_list()?;
    let found = users::list(&app, &actor, list).await?;
    let rows = found.users.into_iter().map(|found| row(found, fields.as_ref())).collect();
    Ok(Page::new(rows, found.total).followed_by(found.next))
}

/// Adds a user: anybody for admins, patients for schedulers. Without a password
/// the user is inactive until one is set, or until the portal signs them in.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "users::add",
    request_body = AddUserRequest, responses((status = 200, body = Data<User>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddUserRequest>,
) -> Result<Data<User>, ApiError> {
    Ok(data(profile(users::add(&app, &actor, body.into_command()?).await?)))
}

/// A profile: one's own (`-`), a patient's for the providers who see them,
/// everybody's for admins.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "users::get",
    params(("id" = String, Path, description = "Number of the user, or `-` for the token's own"),
        ("fields" = Option<String>, Query,
            description = "Comma list of the fields wanted; `vsee` alone adds the call identity")),
    responses((status = 200, body = Data<UserFields>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Shown(shown): Shown,
    Path(id): Path<String>,
    params: Params,
) -> Result<Data<Value>, ApiError> {
    let wanted: Wanted = params.typed()?;
    let view = users::get(&app, &actor, which(&id)?).await?;
    let token = shown.token.filter(|_| shows_own_token(&actor, view.user.id)).unwrap_or_default();
    Ok(data(chosen(view, wanted.fields.as_ref(), token)))
}

/// What a profile shows of it: `fields`.
#[derive(Deserialize)]
struct Wanted {
    fields: Option<List<Text<40>>>,
}

/// The token that came with the call is the user's own, not an admin token.
fn shows_own_token(actor: &Actor, user: UserId) -> bool {
    matches!(actor.who, Who::User { id, credential: Credential::Token, .. } if id == user)
}

/// Changes a profile: people their own (`-`), guardians those in their care,
/// admins everybody's. Type, role, status, code, group and `is_hidden` are the
/// admins'. A password of one's own takes the current one, when there is one.
#[utoipa::path(post, path = "/users/{id}", tag = "users", operation_id = "users::update",
    params(("id" = String, Path, description = "Number of the user, or `-` for the token's own")),
    request_body = UpdateUserRequest, responses((status = 200, body = Data<User>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Shown(shown): Shown,
    Path(id): Path<String>,
    Request(body): Request<UpdateUserRequest>,
) -> Result<Data<User>, ApiError> {
    Ok(data(profile(users::update(&app, &actor, which(&id)?, body.into_command(shown)?).await?)))
}

/// Rooms in any of the ways clients name them.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RoomsRequest {
    /// Code or slug of one room.
    room_code: Option<Text<128>>,
    /// Number of one room.
    room_id: Option<Id>,
    /// Codes or slugs.
    #[schema(value_type = Option<Vec<String>>)]
    room_codes: Option<List<Text<128>>>,
    /// Numbers.
    #[schema(value_type = Option<Vec<String>>)]
    room_ids: Option<List<Id>>,
    /// Codes, slugs or numbers.
    #[schema(value_type = Option<Vec<String>>)]
    rooms: Option<List<Text<128>>>,
}

impl RoomsRequest {
    fn names(self) -> Vec<RoomName> {
        let codes = self.room_code.into_iter().chain(self.room_codes.into_iter().flat_map(|list| list.0));
        let ids = self.room_id.into_iter().chain(self.room_ids.into_iter().flat_map(|list| list.0));
        let either = self.rooms.into_iter().flat_map(|list| list.0);
        let code = |text: Text<128>| text.filled().map(RoomName::Code);
        codes.chain(either).filter_map(code).chain(ids.map(|id| RoomName::Id(RoomId(id.0)))).collect()
    }
}

/// A provider and their rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRooms {
    id: String,
    rooms: Vec<RoomOfUser>,
}

/// Assigns a provider to waiting rooms; takes none away. Needs an admin token.
#[utoipa::path(post, path = "/users/{id}/rooms", tag = "users", operation_id = "users::assign_rooms",
    params(("id" = String, Path, description = "Number of the provider")),
    request_body = RoomsRequest, responses((status = 200, body = Data<UserRooms>)))]
pub async fn assign_rooms(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<RoomsRequest>,
) -> Result<Data<UserRooms>, ApiError> {
    let (user, rooms) = users::assign_rooms(&app, &actor, which(&id)?, body.names()).await?;
    let rooms = rooms.into_iter().map(RoomOfUser::from).collect();
    Ok(data(UserRooms { id: user.id.to_string(), rooms }))
}

/// The waiting rooms of a provider.
#[utoipa::path(get, path = "/users/{id}/rooms", tag = "users", operation_id = "users::list_rooms",
    params(("id" = String, Path, description = "Number of the provider, or `-` for the token's own")),
    responses((status = 200, body = Page<RoomOfUser>)))]
pub async fn list_rooms(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<RoomOfUser>, ApiError> {
    let (_, rooms) = users::list_rooms(&app, &actor, which(&id)?).await?;
    let total = i64::try_from(rooms.len()).unwrap_or(i64::MAX);
    Ok(Page::new(rooms.into_iter().map(RoomOfUser::from).collect(), total))
}
