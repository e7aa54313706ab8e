//! A user as the API shows them (contract core.md 2.2).

use bedside_app::users::{SignedIn, UserView};
use bedside_model::user::UserStatus;
use bedside_store::{dependants::Dependant, rooms::Room, users::User as Stored};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{sessions::Token, user_query::Fields};

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
    short_bio: String,
    /// No picture yet.
    photo: Option<String>,
    /// 10 inactive, 20 active, 30 suspended, 40 pending delete.
    status: i64,
    active: bool,
    tos: bool,
    r#type: i64,
    subtype: String,
    role: String,
    timezone: String,
    /// The clinic's own grouping.
    group: String,
    /// Left out of the patient list of remote monitoring.
    is_hidden: bool,
    /// No e-mail notices to this user.
    disable_emails: bool,
    email_verified: bool,
    /// 99 when signing up is done.
    signup_step: i64,
    /// UNIX seconds of the last login by password.
    last_login: Option<i64>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    /// Where a provider works; the room a patient is registered with.
    rooms: Vec<RoomOfUser>,
    #[schema(value_type = Object)]
    extra: Value,
}

/// A user with as many of the fields as were asked for; `id` is always there.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserFields {
    id: String,
    code: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    username: Option<String>,
    vseeid: Option<String>,
    /// `YYYY-MM-DD`.
    dob: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    gender: Option<i64>,
    street_addr: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
    title: Option<String>,
    suffix: Option<String>,
    short_bio: Option<String>,
    /// No picture yet.
    photo: Option<String>,
    /// 10 inactive, 20 active, 30 suspended, 40 pending delete.
    status: Option<i64>,
    active: Option<bool>,
    tos: Option<bool>,
    r#type: Option<i64>,
    subtype: Option<String>,
    role: Option<String>,
    timezone: Option<String>,
    /// The clinic's own grouping.
    group: Option<String>,
    /// Left out of the patient list of remote monitoring.
    is_hidden: Option<bool>,
    /// No e-mail notices to this user.
    disable_emails: Option<bool>,
    email_verified: Option<bool>,
    /// 99 when signing up is done.
    signup_step: Option<i64>,
    /// UNIX seconds of the last login by password.
    last_login: Option<i64>,
    /// UNIX seconds.
    created: Option<i64>,
    /// UNIX seconds.
    modified: Option<i64>,
    /// Where a provider works; the room a patient is registered with.
    rooms: Option<Vec<RoomOfUser>>,
    #[schema(value_type = Option<Object>)]
    extra: Option<Value>,
    /// Only with `fields=vsee`.
    vsee: Option<Vsee>,
}

/// The documented extended profile (core.md 2.2), empty where nothing was sent,
/// and whatever else a client keeps there.
fn extra(mut sent: Map<String, Value>) -> Value {
    const TEXTS: [&str; 12] = [
        "marital_status",
        "gender_identity",
        "social_security_no",
        "veteran",
        "race",
        "ethnicity",
        "health_insurance",
        "insurance",
        "insurance_policy_number",
        "emerg_contact_name",
        "emerg_contact_phone",
        "emerg_contact_relation",
    ];
    for name in TEXTS {
        sent.entry(name).or_insert_with(|| json!(""));
    }
    sent.entry("attachments").or_insert(Value::Null);
    Value::Object(sent)
}

/// A user without what takes more than their row.
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
        short_bio: profile.short_bio,
        photo: None,
        status: user.status.code(),
        active: user.status == UserStatus::Active,
        tos: user.tos,
        r#type: user.kind.code(),
        subtype: user.subtype,
        role: user.role,
        timezone: profile.timezone,
        group: user.group,
        is_hidden: user.is_hidden,
        disable_emails: user.disable_emails,
        email_verified: user.email_verified,
        signup_step: 99,
        last_login: user.last_login_at.map(|at| at.seconds()),
        created: user.created_at.seconds(),
        modified: user.updated_at.seconds(),
        rooms: Vec::new(),
        extra: extra(Map::new()),
    }
}

/// A user with everything.
pub(super) fn profile(view: UserView) -> User {
    User {
        extra: extra(view.extra.into_inner()),
        rooms: view.rooms.into_iter().map(RoomOfUser::from).collect(),
        ..user(view.user)
    }
}

/// What a list shows of a user when no fields were named (core.md 8.1, C13).
const ROW: [&str; 10] =
    ["id", "full_name", "email", "username", "first_name", "last_name", "type", "subtype", "status", "code"];

/// A row of a list.
pub(super) fn row(found: Stored, fields: Option<&Fields>) -> Value {
    let mut row = json!(user(found));
    if let Some(members) = row.as_object_mut() {
        // Neither is read for a list.
        members.retain(|name, _| !matches!(name.as_str(), "extra" | "rooms"));
        members.retain(|name, _| match fields {
            Some(fields) => name == "id" || has(fields, name),
            None => ROW.contains(&name.as_str()),
        });
    }
    row
}

/// A profile as `fields` asks for it. `vsee` adds to it; any other name leaves
/// out what is not named.
pub(super) fn chosen(view: UserView, fields: Option<&Fields>, token: String) -> Value {
    let vsee = Vsee { id: view.user.vseeid.reveal().clone(), token };
    let mut whole = json!(profile(view));
    if let (Some(fields), Some(members)) = (fields, whole.as_object_mut()) {
        if fields.0.iter().any(|name| &**name != "vsee") {
            members.retain(|name, _| name == "id" || has(fields, name));
        }
        if has(fields, "vsee") {
            members.insert("vsee".to_owned(), json!(vsee));
        }
    }
    whole
}

fn has(fields: &Fields, name: &str) -> bool {
    fields.0.iter().any(|field| field.trimmed() == name)
}

/// A dependant: a user, and what they are to the guardian.
#[derive(Debug, Serialize, ToSchema)]
pub struct DependantObject {
    #[serde(flatten)]
    user: User,
    /// `child`, `parent`, `spouse` or `other`.
    relation: &'static str,
}

impl From<Dependant> for DependantObject {
    fn from(dependant: Dependant) -> Self {
        Self { user: user(dependant.user), relation: dependant.kinship.as_str() }
    }
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
