//! The room as it is sent: in the shape of what is shown. Members nobody knows
//! are left alone, since clients send whole rooms back.

use std::borrow::Cow;

use bedside_app::rooms::{ConsultationInput, Update};
use bedside_model::room::{OpenHours, Specialty};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use super::{
    error::ApiError,
    extract::{Flag, Int, List, Text},
    room_booking::BookingInput,
    room_object::DAYS,
};

/// Everything of a room that may be sent beside its names.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RoomInput {
    pub(super) public_access_room: Option<Flag>,
    /// The clinic's links without a room lead here; only one room does that.
    pub(super) default: Option<Flag>,
    pub(super) active: Option<Flag>,
    pub(super) operation_settings: Option<OperationInput>,
    pub(super) visits: Option<WaysInput>,
    pub(super) auth: Option<AuthInput>,
    pub(super) payment: Option<PaymentInput>,
    pub(super) specialties: Option<Vec<SpecialtyInput>>,
    pub(super) booking: Option<BookingInput>,
    /// How many may wait at once; 0 is no limit.
    pub(super) queue_capacity: Option<Int>,
    /// How long the place of a patient whose page fell silent is kept, minutes.
    pub(super) grace_minutes: Option<Int>,
    /// `ask`: everybody in a call here is asked whether it may be recorded;
    /// `off`: only where the provider wants it.
    #[schema(example = "off")]
    pub(super) recording: Option<Text<10>>,
    /// Kinds of the documents that patients agree to before a visit here; an
    /// empty list asks for none.
    #[schema(example = json!(["consent"]), value_type = Option<Vec<String>>)]
    pub(super) consent_required: Option<List<Text<32>>>,
}

fn asks_to_record(word: Option<&Text<10>>) -> Result<Option<bool>, ApiError> {
    match word.map(Text::trimmed) {
        None => Ok(None),
        Some("ask") => Ok(Some(true)),
        Some("off") => Ok(Some(false)),
        Some(_) => Err(ApiError::field("recording", "use off or ask")),
    }
}

/// How a room is run.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct OperationInput {
    /// Closes the room by hand, or opens it.
    is_closed: Option<Flag>,
    /// The same, and wins: so a client may send back what it was shown while
    /// the hours had closed the room.
    closed_by_hand: Option<Flag>,
    close_msg: Option<Text<500>>,
    /// IANA name.
    default_timezone: Option<Text<64>>,
    /// All opening hours; an empty list opens always.
    hours: Option<Vec<HoursInput>>,
}

/// Opening hours of one weekday.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HoursInput {
    day: Day,
    /// `HH:MM`.
    open: ClockTime,
    /// `HH:MM`, to `24:00`; at or before `open` it is on the next day.
    close: ClockTime,
}

/// Ways to be seen.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WaysInput {
    walkin: Option<WalkinInput>,
    appointment: Option<Enabled>,
    econsult: Option<Enabled>,
}

/// Patients without an appointment.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WalkinInput {
    enabled: Option<Flag>,
    /// Only while a provider of the room is on call, by a slot of the kind
    /// `oncall`.
    by_on_call: Option<Flag>,
}

/// A switch.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Enabled {
    enabled: Option<Flag>,
}

/// Ways to come in.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct AuthInput {
    guest: Option<GuestAuthInput>,
}

/// Guests.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct GuestAuthInput {
    log_in: Option<Enabled>,
}

/// What a visit costs.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct PaymentInput {
    /// ISO 4217.
    currency: Option<Text<3>>,
    /// The older name of `currency`.
    #[serde(rename = "paymentCurrency")]
    payment_currency: Option<Text<3>>,
    /// All consultations; one with an `id` changes the one of it.
    consultations: Option<Vec<ConsultationRequest>>,
}

/// Something a patient can come for.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ConsultationRequest {
    /// UUID of the one to change; none adds one.
    id: Option<Text<36>>,
    description: Option<Text<200>>,
    /// Minutes.
    duration: Option<Int>,
    amount: Option<Money>,
    group: Option<Flag>,
    charge: Option<Flag>,
    slots: Option<Int>,
}

/// A field of medicine.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SpecialtyInput {
    code: Text<64>,
    name: Text<128>,
    /// Minutes.
    duration: Option<Int>,
}

/// A weekday, 1 Monday to 7 Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(i8);

/// Minutes after midnight, 0 to 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockTime(u16);

/// An amount of money in cents, sent as a number or text with at most two
/// decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money(i64);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(de)? {
            Value::String(text) => text.trim().to_ascii_lowercase(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let named = DAYS.iter().position(|day| *day == text || (text.len() == 3 && day.starts_with(&text)));
        let day = match (named, text.parse::<i8>()) {
            (Some(at), _) => i8::try_from(at + 1).ok(),
            (None, Ok(0)) => Some(7),
            (None, Ok(day @ 1..=7)) => Some(day),
            _ => None,
        };
        day.map(Self).ok_or_else(|| D::Error::custom("must be a weekday, such as monday"))
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(de)? {
            Value::String(text) => text,
            _ => String::new(),
        };
        minutes(text.trim()).map(Self).ok_or_else(|| D::Error::custom("must be a time, such as 09:30"))
    }
}

fn minutes(text: &str) -> Option<u16> {
    let digits = |part: &str| {
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes).filter(|minutes| *minutes < 60)?);
    Some(hours * 60 + minutes).filter(|minutes| *minutes <= 1440)
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(de)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        cents(text.trim()).map(Self).ok_or_else(|| D::Error::custom("must be an amount with two decimals"))
    }
}

/// Without a detour over floats: 0.29 is 29 cents.
fn cents(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let part = part.trim_end_matches('0');
    if whole.is_empty() || whole.len() > 12 || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 100 + part)
}

macro_rules! schema {
    ($type:ty, $name:literal, $about:literal, [$($kind:expr),+]) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let mut one_of = OneOfBuilder::new().description(Some($about));
                for kind in [$($kind),+] {
                    one_of = one_of.item(ObjectBuilder::new().schema_type(kind));
                }
                RefOr::T(Schema::OneOf(one_of.build()))
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

schema!(Day, "Weekday", "`monday` to `sunday`, or 1 (Monday) to 7.", [Type::String, Type::Integer]);
schema!(ClockTime, "ClockTime", "A time of day, `HH:MM`.", [Type::String]);
schema!(Money, "Money", "An amount with at most two decimals.", [Type::Number, Type::String]);

impl RoomInput {
    /// The change that is asked for.
    ///
    /// # Errors
    /// 400 for hours that make no sense.
    pub fn into_update(self) -> Result<Update, ApiError> {
        let flag = |flag: Option<Flag>| flag.map(|flag| flag.0);
        let switch = |wanted: Option<Enabled>| wanted.and_then(|wanted| wanted.enabled).map(|flag| flag.0);
        let operation = self.operation_settings.unwrap_or_default();
        let ways = self.visits.unwrap_or_default();
        let payment = self.payment.unwrap_or_default();
        let hours = operation.hours.map(|hours| hours.iter().enumerate().map(hours_of).collect());
        Ok(Update {
            active: flag(self.active),
            public_access: flag(self.public_access_room),
            is_default: flag(self.default),
            is_closed: flag(operation.closed_by_hand.or(operation.is_closed)),
            close_msg: operation.close_msg.map(Text::into_string),
            default_timezone: operation.default_timezone.and_then(Text::filled),
            hours: hours.transpose()?,
            grace_minutes: self.grace_minutes.map(|minutes| minutes.0),
            ask_to_record: asks_to_record(self.recording.as_ref())?,
            consent_required: self
                .consent_required
                .map(|kinds| kinds.0.into_iter().filter_map(Text::filled).collect()),
            queue_capacity: self.queue_capacity.map(|number| (number.0 != 0).then_some(number.0)),
            walkin_by_on_call: flag(ways.walkin.as_ref().and_then(|walkin| walkin.by_on_call)),
            walkin_enabled: flag(ways.walkin.and_then(|walkin| walkin.enabled)),
            appointment_enabled: switch(ways.appointment),
            econsult_enabled: switch(ways.econsult),
            guest_enabled: switch(self.auth.and_then(|auth| auth.guest?.log_in)),
            currency: payment.currency.or(payment.payment_currency).and_then(Text::filled),
            consultations: payment
                .consultations
                .map(|list| list.into_iter().map(ConsultationInput::from).collect()),
            specialties: self.specialties.map(|list| list.into_iter().map(Specialty::from).collect()),
            booking: self.booking.unwrap_or_default().into(),
            ..Update::default()
        })
    }
}

fn hours_of((at, hours): (usize, &HoursInput)) -> Result<OpenHours, ApiError> {
    OpenHours::new(hours.day.0, hours.open.0, hours.close.0).ok_or_else(|| {
        ApiError::field(&format!("operation_settings.hours[{at}]"), "must open before midnight")
    })
}

impl From<ConsultationRequest> for ConsultationInput {
    fn from(request: ConsultationRequest) -> Self {
        Self {
            id: request.id.and_then(Text::filled),
            description: request.description.map(Text::into_string),
            duration_minutes: request.duration.map(|number| number.0),
            amount_cents: request.amount.map(|amount| amount.0),
            group: request.group.map(|flag| flag.0),
            charge: request.charge.map(|flag| flag.0),
            slots: request.slots.map(|number| number.0),
        }
    }
}

impl From<SpecialtyInput> for Specialty {
    fn from(input: SpecialtyInput) -> Self {
        Self {
            code: input.code.trimmed().to_owned(),
            name: input.name.trimmed().to_owned(),
            duration_minutes: input
                .duration
                .map_or(bedside_model::room::DEFAULT_DURATION_MINUTES, |number| number.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::room_object::{HoursObject, amount};
    use serde_json::json;

    proptest! {
        #[test]
        fn money_is_exact(value in 0i64..10_000_000_000) {
            let text = format!("{}.{:02}", value / 100, value % 100);
            prop_assert_eq!(cents(&text), Some(value));
            // What is shown is taken back unchanged, as a JSON number too.
            let shown: Money = serde_json::from_value(amount(value)).unwrap();
            prop_assert_eq!(shown, Money(value));
        }

        #[test]
        fn hours_are_taken_back_as_they_are_shown(day in 1i8..=7, open in 0u16..1440, close in 0u16..=1440) {
            let hours = OpenHours::new(day, open, close).unwrap();
            let shown = serde_json::to_value(HoursObject::from(hours)).unwrap();
            let sent: HoursInput = serde_json::from_value(shown).unwrap();
            prop_assert_eq!(hours_of((0, &sent)).unwrap(), hours);
        }
    }

    #[test]
    fn what_is_no_money_and_no_time() {
        for bad in ["", "-1", "1.234", "1e3", ".5", "1,5", "1.2.3", "9999999999999"] {
            assert_eq!(cents(bad), None, "{bad:?}");
        }
        assert_eq!(cents("25.500"), Some(2550));
        for bad in ["", "9", "24:01", "09:60", "9:5:1", "+9:00", "09:-1"] {
            assert_eq!(minutes(bad), None, "{bad:?}");
        }
        assert_eq!((minutes("9:05"), minutes("24:00")), (Some(545), Some(1440)));
    }

    #[test]
    fn days_by_name_or_number() {
        for (sent, day) in
            [(json!("Monday"), 1), (json!("SUN"), 7), (json!(0), 7), (json!("7"), 7), (json!(3), 3)]
        {
            assert_eq!(serde_json::from_value::<Day>(sent).unwrap(), Day(day));
        }
        for bad in [json!("mo"), json!(8), json!(-1), json!(null), json!("someday")] {
            assert!(serde_json::from_value::<Day>(bad).is_err());
        }
    }
}
