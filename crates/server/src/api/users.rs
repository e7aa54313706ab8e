//! Users on the wire (contract core.md 2): single sign-on, guests, profiles,
//! the rooms of providers.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bedside_app::{
    App, Error,
    profile::ProfileInput,
    users::{self, GuestLogin, RoomName, SignedIn, Sso, Which},
};
use bedside_model::{RoomId, user::UserStatus};
use bedside_store::{rooms::Room, users::User as Stored};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    auth::{Caller, KeyCaller, PageKind, Visitor},
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Id, Int, List, Params, Path, Request, Text},
    sessions::{Token, with_cookie},
};
use crate::http::Client;

/// A user as single sign-on and logins show them.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedInUser {
    id: String,
    /// The portal's own key for the user, or 32 hex characters.
    code: String,
    first_name: String,
    last_name: String,
    full_name: String,
    username: String,
    vseeid: String,
    /// Only when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    dob: Option<String>,
    email: String,
    active: bool,
    /// Terms accepted.
    tos: bool,
    /// Kind of provider, such as `"482"`; empty for none.
    subtype: String,
    /// 200 patient, 400 provider, 600 guest, 100 admin.
    r#type: i64,
    token: Token,
    /// For the browser call SDK; only with `fields=vsee`.
    #[serde(skip_serializing_if = "Option::is_none")]
    vsee: Option<Vsee>,
}

/// Identity and token of older call SDKs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vsee {
    id: String,
    token: String,
}

/// The user and their new tokens.
pub(super) fn signed_in(signed_in: &SignedIn, vsee: bool) -> SignedInUser {
    let user = &signed_in.user;
    let profile = user.profile.reveal();
    SignedInUser {
        id: user.id.to_string(),
        code: user.code.reveal().clone(),
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        full_name: profile.full_name(),
        username: user.username.reveal().clone(),
        vseeid: user.vseeid.reveal().clone(),
        dob: profile.dob.clone(),
        email: profile.email.clone(),
        active: user.status == UserStatus::Active,
        tos: user.tos,
        subtype: user.subtype.clone(),
        r#type: user.kind.code(),
        token: Token::from(&signed_in.tokens),
        vsee: vsee.then(|| Vsee { id: user.vseeid.reveal().clone(), token: signed_in.tokens.access.clone() }),
    }
}

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    id: String,
    code: String,
    first_name: String,
    last_name: String,
    full_name: String,
    username: String,
    vseeid: String,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dob: Option<String>,
    email: String,
    phone: String,
    /// 1 male, 2 female, 0 unknown.
    gender: i64,
    street_addr: String,
    city: String,
    state: String,
    zip: String,
    title: String,
    suffix: String,
    /// 10 inactive, 20 active, 30 suspended, 40 pending delete.
    status: i64,
    active: bool,
    tos: bool,
    r#type: i64,
    subtype: String,
    role: String,
    timezone: String,
    email_verified: bool,
    /// 99 when signing up is done.
    signup_step: i64,
    /// UNIX seconds of the last login by password.
    last_login: Option<i64>,
    #[schema(value_type = Object)]
    extra: Value,
}

/// The documented extended profile; nothing of it is kept yet (core.md 2.2).
fn extra() -> Value {
    const TEXTS: [&str; 9] = [
        "marital_status",
        "gender_identity",
        "social_security_no",
        "veteran",
        "race",
        "ethnicity",
        "health_insurance",
        "insurance",
        "insurance_policy_number",
    ];
    let mut extra: Map<String, Value> = TEXTS.iter().map(|name| ((*name).to_owned(), json!(""))).collect();
    extra.insert("attachments".to_owned(), Value::Null);
    Value::Object(extra)
}

pub(super) fn user(user: Stored) -> User {
    let profile = user.profile.into_inner();
    User {
        id: user.id.to_string(),
        code: user.code.into_inner(),
        full_name: profile.full_name(),
        first_name: profile.first_name,
        last_name: profile.last_name,
        username: user.username.into_inner(),
        vseeid: user.vseeid.into_inner(),
        dob: profile.dob,
        email: profile.email,
        phone: profile.phone,
        gender: profile.gender,
        street_addr: profile.street_addr,
        city: profile.city,
        state: profile.state,
        zip: profile.zip,
        title: profile.title,
        suffix: profile.suffix,
        status: user.status.code(),
        active: user.status == UserStatus::Active,
        tos: user.tos,
        r#type: user.kind.code(),
        subtype: user.subtype,
        role: user.role,
        timezone: profile.timezone,
        email_verified: false,
        signup_step: 99,
        last_login: user.last_login_at.map(|at| at.seconds()),
        extra: extra(),
    }
}

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

fn text<const MAX: usize>(field: Option<Text<MAX>>) -> Option<String> {
    field.map(Text::into_string)
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
            title: None,
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
fn which(id: &str) -> Result<Which, ApiError> {
    match id {
        "-" => Ok(Which::Caller),
        digits => Ok(Which::Id(digits.parse().map_err(|_| Error::not_found("user"))?)),
    }
}

/// A profile: one's own (`-`), a patient's for the providers who see them,
/// everybody's for admins.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "users::get",
    params(("id" = String, Path, description = "Number of the user, or `-` for the token's own"),
        ("fields" = Option<String>, Query, description = "Comma list of the fields wanted")),
    responses((status = 200, body = Data<User>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Data<Value>, ApiError> {
    let Fields { fields } = params.typed()?;
    let found = users::get(&app, &actor, which(&id)?).await?;
    let mut profile = json!(user(found));
    if let (Some(wanted), Some(members)) = (fields, profile.as_object_mut()) {
        members.retain(|name, _| name == "id" || wanted.0.iter().any(|field| &**field == name));
    }
    Ok(data(profile))
}

#[derive(Deserialize)]
struct Fields {
    fields: Option<List<Text<40>>>,
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

/// A room, by its names.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomOfUser {
    id: String,
    code: String,
    slug: String,
    name: String,
}

impl From<Room> for RoomOfUser {
    fn from(room: Room) -> Self {
        Self { id: room.id.to_string(), code: room.code, slug: room.slug, name: room.name }
    }
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
    responses((status = 200, body = Data<Vec<RoomOfUser>>)))]
pub async fn list_rooms(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<super::envelope::Page<RoomOfUser>, ApiError> {
    let (_, rooms) = users::list_rooms(&app, &actor, which(&id)?).await?;
    let total = i64::try_from(rooms.len()).unwrap_or(i64::MAX);
    Ok(super::envelope::Page::new(rooms.into_iter().map(RoomOfUser::from).collect(), total))
}
