//! The documented JSON type of every field (contract core.md 2.2, 3.3, 4.3,
//! 5.1 and 5.3; more.md 2.1): a text stays a text, a number a number.

use serde_json::Value;

/// The type a field must have.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    Text,
    /// Decimal digits in a text.
    Digits,
    /// 8-4-4-4-12.
    Uuid,
    /// 32 hexadecimal characters.
    Hex,
    /// `YYYY-MM-DD`.
    Date,
    Int,
    Flag,
    Object,
    List,
    /// Two decimals in a text.
    Money,
    Number,
    Null,
    /// An empty text or one of the documented numbers.
    Subtype,
    /// Left out.
    Absent,
}

use Is::*;

impl Is {
    fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match self {
            Text => text.is_some(),
            Digits => text.is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())),
            Uuid => text.is_some_and(|text| {
                let parts: Vec<usize> = text.split('-').map(str::len).collect();
                parts == [8, 4, 4, 4, 12] && text.split('-').all(hex)
            }),
            Hex => text.is_some_and(|text| text.len() == 32 && hex(text)),
            Date => text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
            Int => value.is_i64(),
            Flag => value.is_boolean(),
            Object => value.is_object(),
            List => value.is_array(),
            Money => {
                text.is_some_and(|text| matches!(text.split_once('.'), Some((_, cents)) if cents.len() == 2))
            }
            Number => value.is_number(),
            Null => value.is_null(),
            Absent => false,
            Subtype => matches!(text, Some("" | "460" | "470" | "480" | "482" | "484" | "486")),
        }
    }
}

/// Fields with the types each may have.
pub type Shape = &'static [(&'static str, &'static [Is])];

/// Asserts that every field is there with one of its types.
#[track_caller]
pub fn check(what: &str, value: &Value, shape: Shape) {
    let wrong: Vec<String> = shape
        .iter()
        .filter_map(|(path, types)| {
            let found = path.split('.').try_fold(value, |value, name| value.get(name));
            match found {
                None if types.iter().any(|is| matches!(is, Absent)) => None,
                None => Some(format!("{path} is absent")),
                Some(found) if types.iter().any(|is| is.fits(found)) => None,
                Some(found) => Some(format!("{path} is {found}, not {types:?}")),
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{what}: {}\n{value:#}", wrong.join("; "));
}

/// `POST /users/sso` (core.md 2.3).
pub const SSO: Shape = &[
    ("id", &[Digits]),
    ("code", &[Text]),
    ("first_name", &[Text]),
    ("last_name", &[Text]),
    ("username", &[Text]),
    ("vseeid", &[Text]),
    ("active", &[Flag]),
    ("tos", &[Flag]),
    ("subtype", &[Subtype]),
    ("token.user_id", &[Digits]),
    ("token.token", &[Hex]),
    ("token.expiry", &[Int]),
    ("token.refresh_token.user_id", &[Digits]),
    ("token.refresh_token.token", &[Hex]),
    ("token.refresh_token.expiry", &[Int]),
    ("token.refresh_token.created", &[Int]),
];

/// `GET /users/:id` (core.md 2.2).
pub const PROFILE: Shape = &[
    ("id", &[Digits]),
    ("code", &[Text]),
    ("first_name", &[Text]),
    ("last_name", &[Text]),
    ("full_name", &[Text]),
    ("username", &[Text]),
    ("vseeid", &[Text]),
    ("dob", &[Date, Absent]),
    ("email", &[Text]),
    ("gender", &[Int]),
    ("active", &[Flag]),
    ("tos", &[Flag]),
    ("status", &[Int]),
    ("subtype", &[Subtype]),
    ("timezone", &[Text]),
    ("email_verified", &[Flag]),
    ("signup_step", &[Int]),
    ("extra.marital_status", &[Text]),
    ("extra.gender_identity", &[Text]),
    ("extra.social_security_no", &[Text]),
    ("extra.veteran", &[Text]),
    ("extra.race", &[Text]),
    ("extra.ethnicity", &[Text]),
    ("extra.health_insurance", &[Text]),
    ("extra.insurance", &[Text]),
    ("extra.insurance_policy_number", &[Text]),
    ("extra.attachments", &[Null, List]),
    ("type", &[Int]),
    ("phone", &[Text]),
    ("street_addr", &[Text]),
    ("city", &[Text]),
    ("state", &[Text]),
    ("zip", &[Text]),
];

/// `GET /intakes/:id` (core.md 3.3).
pub const INTAKE: Shape = &[
    ("id", &[Uuid]),
    ("type", &[Digits]),
    ("reason_for_visit", &[Text]),
    ("created", &[Int]),
    ("modified", &[Int]),
    ("attachments", &[List]),
];

/// A visit as one call shows it (core.md 4.3).
pub const VISIT: Shape = &[
    ("id", &[Digits]),
    ("_id", &[Digits]),
    ("code", &[Hex]),
    ("member_id", &[Digits]),
    ("provider_id", &[Digits, Null]),
    ("account_code", &[Text]),
    ("room_id", &[Digits]),
    ("room_code", &[Text]),
    ("specialty_id", &[Null, Text]),
    ("state", &[Null, Text]),
    ("type", &[Digits]),
    ("subtype", &[Digits]),
    ("status", &[Digits]),
    ("start", &[Digits]),
    ("end", &[Digits]),
    ("actual_start", &[Digits, Null]),
    ("actual_end", &[Digits, Null]),
    ("completed_by", &[Digits, Null]),
    ("created", &[Int]),
    ("modified", &[Int]),
    ("payment.duration", &[Int]),
    ("payment.amount", &[Money]),
    ("payment.description", &[Text]),
    ("intake.id", &[Uuid]),
    ("intake.type", &[Digits]),
    ("intake.reason_for_visit", &[Text]),
    ("intake.visit_id", &[Digits]),
    ("intake.created", &[Int]),
    ("intake.modified", &[Int]),
    ("member.id", &[Digits]),
    ("member.first_name", &[Text]),
    ("member.last_name", &[Text]),
    ("member.vseeid", &[Text]),
    ("member.dob", &[Date, Absent]),
    ("member.gender", &[Int]),
    ("member.phone", &[Text]),
    ("meeting.meeting_id", &[Text]),
    ("meeting.hosts", &[List]),
    ("meeting.expiry", &[Int]),
    ("meeting.phone_numbers", &[Object]),
    ("meeting.recording_auto_start", &[Flag]),
];

/// A row of `GET /availability` (more.md 4.2).
pub const FREE_TIME: Shape = &[
    ("id", &[Text]),
    ("start", &[Int]),
    ("end", &[Int]),
    ("provider_id", &[Digits]),
    ("room_code", &[Text]),
    ("consultation_id", &[Text]),
    ("quantity_booked", &[Int]),
    ("quantity_left", &[Int]),
    ("date", &[Date]),
];

/// A visit in a list: numbers are numbers (core.md C5).
pub const LISTED_VISIT: Shape = &[
    ("id", &[Digits]),
    ("type", &[Int]),
    ("status", &[Int]),
    ("start", &[Int]),
    ("end", &[Int]),
    ("actual_start", &[Int, Null]),
    ("actual_end", &[Int, Null]),
];

/// The provider inside a visit.
pub const VISIT_PROVIDER: Shape = &[
    ("provider.id", &[Digits]),
    ("provider.first_name", &[Text]),
    ("provider.last_name", &[Text]),
    ("provider.vseeid", &[Text]),
    ("provider.title", &[Text]),
];

/// `POST /rooms` and `GET /rooms/:code` with a token (core.md 5.1).
pub const ROOM: Shape = &[
    ("id", &[Digits]),
    ("code", &[Text]),
    ("slug", &[Text]),
    ("name", &[Text]),
    ("domain", &[Text]),
    ("subtitle", &[Text]),
    ("account_code", &[Text]),
    ("active", &[Flag]),
    ("public_access_room", &[Flag]),
    ("users", &[Text]),
    ("provider_ids", &[List]),
    ("visits.walkin.enabled", &[Flag]),
    ("visits.appointment.enabled", &[Flag]),
    ("auth.guest.type", &[Int]),
    ("auth.guest.log_in.enabled", &[Flag]),
    ("payment.currency", &[Text]),
    ("payment.paymentCurrency", &[Text]),
    ("payment.consultations", &[List]),
    ("operation_settings.is_closed", &[Flag]),
    ("operation_settings.close_msg", &[Text]),
    ("operation_settings.default_timezone", &[Text]),
    ("created", &[Int]),
    ("modified", &[Int]),
    ("specialties", &[List]),
];

/// An entry of a room's `payment.consultations`.
pub const CONSULTATION: Shape = &[
    ("id", &[Uuid]),
    ("description", &[Text]),
    ("duration", &[Int]),
    ("amount", &[Number]),
    ("group", &[Flag]),
    ("charge", &[Flag]),
    ("slots", &[Int]),
];

/// A row of `GET /rooms`.
pub const LISTED_ROOM: Shape = &[
    ("slug", &[Text]),
    ("name", &[Text]),
    ("domain", &[Text]),
    ("code", &[Text]),
    ("created", &[Int]),
    ("modified", &[Int]),
];

/// `GET /accounts/:code` (core.md 5.3).
pub const ACCOUNT: Shape = &[
    ("id", &[Uuid]),
    ("code", &[Text]),
    ("domain", &[Text]),
    ("name", &[Text]),
    ("portal_title", &[Text]),
    ("privacy_id", &[Text, Null]),
    ("states.signup.signup", &[List]),
    ("intake_steps", &[List]),
    ("post_intake_steps", &[List]),
];

/// A file as `POST /files` gives it (more.md 2.1).
pub const FILE: Shape = &[
    ("id", &[Uuid]),
    ("name", &[Text]),
    ("size", &[Int]),
    ("ext", &[Text]),
    ("fullpath", &[Text]),
    ("meta.category", &[Text, Null]),
    ("meta.target.id", &[Text]),
    ("meta.target.type", &[Text]),
    ("meta.account.code", &[Text]),
    ("creator.id", &[Digits]),
    ("creator.username", &[Text]),
    ("creator.email", &[Text]),
    ("creator.full_name", &[Text]),
    ("is_deletable", &[Flag]),
];

/// An attachment of an intake, in its older shape (core.md 3.3).
pub const ATTACHMENT: Shape = &[
    ("_id", &[Uuid]),
    ("id", &[Uuid]),
    ("name", &[Text]),
    ("path", &[Text]),
    ("size", &[Int]),
    ("ext", &[Text]),
    ("type", &[Int]),
    ("creator_id", &[Digits]),
    ("remark", &[Null]),
    ("using", &[Int]),
    ("created.sec", &[Int]),
    ("created.usec", &[Int]),
    ("modified.sec", &[Int]),
    ("modified.usec", &[Int]),
];
