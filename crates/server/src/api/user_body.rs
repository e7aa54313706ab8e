//! What clients send of a user (contract core.md 2.8).

use bedside_app::{
    credentials::Credentials,
    profile::ProfileInput,
    users::{Add, RoomName, Update},
};
use bedside_model::RoomId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    error::ApiError,
    extract::{Flag, Id, Int, List, Text},
};

/// A text that was sent, as it was sent.
pub(super) fn text<const MAX: usize>(field: Option<Text<MAX>>) -> Option<String> {
    field.map(Text::into_string)
}

/// A new user.
#[derive(Deserialize, ToSchema)]
pub struct AddUserRequest {
    /// 100 or 150 admin, 200 patient, 300 company, 400 provider, 500 kiosk,
    /// 600 guest, 700 phone bridge.
    r#type: Int,
    first_name: Text<100>,
    last_name: Text<100>,
    email: Option<Text<254>>,
    /// Made when left out.
    username: Option<Text<254>>,
    /// The portal's own key; made when left out.
    code: Option<Text<128>>,
    /// At least 15 characters. Without it the user is inactive.
    password: Option<Text<1024>>,
    /// `YYYY-MM-DD`.
    dob: Option<Text<10>>,
    /// `male`, `female`, or the number.
    gender: Option<Text<10>>,
    phone: Option<Text<50>>,
    street_addr: Option<Text<200>>,
    city: Option<Text<100>>,
    state: Option<Text<50>>,
    zip: Option<Text<20>>,
    title: Option<Text<50>>,
    suffix: Option<Text<50>>,
    short_bio: Option<Text<2000>>,
    /// IANA name.
    timezone: Option<Text<64>>,
    /// Kind of provider, such as 482.
    subtype: Option<Int>,
    /// Of a provider: `clinic_admin`, `account_manager`, `scheduler`, `analyst`.
    role: Option<Text<40>>,
    /// Where a provider works; the room a patient is registered with.
    room_code: Option<Text<128>>,
    /// More rooms of a provider.
    #[schema(value_type = Option<Vec<String>>)]
    room_codes: Option<List<Text<128>>>,
    /// Terms accepted.
    tos: Option<Flag>,
    /// 1 stops e-mail notices to this user.
    disable_emails: Option<Flag>,
    /// 1 leaves the user out of the patient list of remote monitoring.
    is_hidden: Option<Flag>,
    /// The clinic's own grouping.
    group: Option<Text<100>>,
    /// The extended profile: the documented fields and any of the portal's own.
    #[schema(value_type = Option<Object>)]
    extra: Option<Value>,
}

impl AddUserRequest {
    /// The request as the application takes it.
    pub(super) fn into_command(self) -> Result<Add, ApiError> {
        let codes = self.room_code.into_iter().chain(self.room_codes.into_iter().flat_map(|list| list.0));
        Ok(Add {
            kind: self.r#type.0,
            subtype: self.subtype.map(|number| number.0),
            role: text(self.role),
            code: text(self.code),
            username: text(self.username),
            password: self.password.and_then(secret),
            profile: ProfileInput {
                first_name: Some(self.first_name.into_string()),
                last_name: Some(self.last_name.into_string()),
                title: text(self.title),
                email: text(self.email),
                phone: text(self.phone),
                dob: text(self.dob),
                gender: text(self.gender),
                street_addr: text(self.street_addr),
                city: text(self.city),
                state: text(self.state),
                zip: text(self.zip),
                suffix: text(self.suffix),
                timezone: text(self.timezone),
                short_bio: text(self.short_bio),
            },
            rooms: codes.filter_map(|code| code.filled().map(RoomName::Code)).collect(),
            tos: self.tos.is_some_and(|flag| flag.0),
            disable_emails: self.disable_emails.is_some_and(|flag| flag.0),
            is_hidden: self.is_hidden.is_some_and(|flag| flag.0),
            group: text(self.group).unwrap_or_default(),
            extra: self.extra.map(extra).transpose()?.unwrap_or_default(),
        })
    }
}

/// What changes of a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
pub struct UpdateUserRequest {
    first_name: Option<Text<100>>,
    last_name: Option<Text<100>>,
    email: Option<Text<254>>,
    username: Option<Text<254>>,
    /// At least 15 characters.
    password: Option<Text<1024>>,
    /// Needed to change one's own password.
    current_password: Option<Text<1024>>,
    /// `YYYY-MM-DD`; empty clears it.
    dob: Option<Text<10>>,
    /// `male`, `female`, or the number.
    gender: Option<Text<10>>,
    phone: Option<Text<50>>,
    street_addr: Option<Text<200>>,
    city: Option<Text<100>>,
    state: Option<Text<50>>,
    zip: Option<Text<20>>,
    title: Option<Text<50>>,
    suffix: Option<Text<50>>,
    short_bio: Option<Text<2000>>,
    /// IANA name; empty clears it.
    timezone: Option<Text<64>>,
    /// Terms accepted.
    tos: Option<Flag>,
    /// 1 stops e-mail notices to this user.
    disable_emails: Option<Flag>,
    /// Put over the extended profile; a null takes a field away.
    #[schema(value_type = Option<Object>)]
    extra: Option<Value>,
    /// Kind of provider, such as 482; empty for none.
    subtype: Option<Text<10>>,
    /// Admins only, like all that follow.
    r#type: Option<Int>,
    /// The portal's own key.
    code: Option<Text<128>>,
    /// Of a provider: `clinic_admin`, `account_manager`, `scheduler`, `analyst`;
    /// empty for none.
    role: Option<Text<40>>,
    /// 10 inactive, 20 active, 30 suspended, 40 pending delete. The last two end
    /// all of the user's log-ins.
    status: Option<Int>,
    /// 1 leaves the user out of the patient list of remote monitoring.
    is_hidden: Option<Flag>,
    /// The clinic's own grouping; empty for none.
    group: Option<Text<100>>,
    /// Number of the room a patient is registered with.
    room_id: Option<Id>,
}

impl UpdateUserRequest {
    /// The request as the application takes it.
    pub(super) fn into_command(self, shown: Credentials) -> Result<Update, ApiError> {
        Ok(Update {
            profile: ProfileInput {
                first_name: text(self.first_name),
                last_name: text(self.last_name),
                title: text(self.title),
                email: text(self.email),
                phone: text(self.phone),
                dob: text(self.dob),
                gender: text(self.gender),
                street_addr: text(self.street_addr),
                city: text(self.city),
                state: text(self.state),
                zip: text(self.zip),
                suffix: text(self.suffix),
                timezone: text(self.timezone),
                short_bio: text(self.short_bio),
            },
            username: text(self.username),
            password: self.password.and_then(secret),
            current_password: self.current_password.and_then(secret),
            tos: self.tos.map(|flag| flag.0),
            disable_emails: self.disable_emails.map(|flag| flag.0),
            extra: self.extra.map(extra).transpose()?,
            subtype: text(self.subtype),
            kind: self.r#type.map(|number| number.0),
            role: text(self.role),
            status: self.status.map(|number| number.0),
            is_hidden: self.is_hidden.map(|flag| flag.0),
            group: text(self.group),
            code: text(self.code),
            room: self.room_id.map(|id| RoomName::Id(RoomId(id.0))),
            shown,
        })
    }
}

/// A password as it was typed, blanks included; forms send an empty one for none.
fn secret(text: Text<1024>) -> Option<String> {
    Some(text.into_string()).filter(|text| !text.is_empty())
}

/// An object, or its JSON in the text of a form.
fn extra(value: Value) -> Result<Map<String, Value>, ApiError> {
    let object = match value {
        Value::Object(object) => Some(object),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => serde_json::from_str(&text).ok(),
        // PHP encodes an empty object as an empty list.
        Value::Array(list) if list.is_empty() => Some(Map::new()),
        _ => None,
    };
    object.ok_or_else(|| ApiError::field("extra", "must be an object"))
}
