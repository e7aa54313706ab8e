//! The room as it is shown (contract core.md 5.1). What may be sent of it is in
//! `room_body`.

use bedside_app::rooms::RoomView;
use bedside_model::room::{OpenHours, RoomSettings, Specialty};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{BaseUrl, interpreters::InterpreterLanguage, room_booking::BookingObject};

/// A waiting room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    id: String,
    /// What the API calls `room_code` elsewhere.
    code: String,
    /// Its URL name.
    slug: String,
    name: String,
    domain: String,
    /// Emergency notice.
    subtitle: String,
    description: String,
    account_code: String,
    account_name: String,
    /// Where patients arrive.
    url: String,
    active: bool,
    /// Anybody may find it.
    public_access_room: bool,
    /// The clinic's links without a room lead here.
    default: bool,
    /// Only for callers with a token: comma list of provider ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<String>,
    /// Only for callers with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_ids: Option<Vec<String>>,
    visits: Ways,
    #[schema(value_type = Object)]
    auth: Value,
    payment: Payment,
    operation_settings: OperationSettings,
    specialties: Vec<SpecialtyObject>,
    booking: BookingObject,
    /// How many may wait at once; null is no limit.
    queue_capacity: Option<i64>,
    /// How long the place of a patient whose page fell silent is kept, minutes.
    grace_minutes: i64,
    /// `ask`: everybody in a call here is asked whether it may be recorded;
    /// `off`: only where the provider wants it.
    #[schema(example = "off")]
    recording: &'static str,
    /// Kinds of the documents that patients agree to before a visit here.
    #[schema(example = json!(["consent"]))]
    consent_required: Vec<String>,
    /// The languages for which an interpreter can be asked right now: what to offer
    /// at intake, as `interpreter_language`.
    interpreter_languages: Vec<InterpreterLanguage>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

/// Ways to be seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ways {
    walkin: WalkinSwitch,
    appointment: Switch,
    econsult: Switch,
}

/// Patients without an appointment.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalkinSwitch {
    enabled: bool,
    /// They are seen only while a provider of the room is on call.
    by_on_call: bool,
    /// One may come now.
    open: bool,
    /// When one may come next, UNIX seconds; null while one may, and when
    /// nobody knows.
    opens_at: Option<i64>,
}

/// A switch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Switch {
    enabled: bool,
}

/// What a visit costs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    /// ISO 4217.
    currency: String,
    /// The older name of `currency`.
    #[serde(rename = "paymentCurrency")]
    payment_currency: String,
    consultations: Vec<ConsultationObject>,
    __note__: &'static str,
}

/// Something a patient can come for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsultationObject {
    /// UUID.
    id: String,
    description: String,
    /// Minutes.
    duration: i64,
    #[schema(value_type = f64)]
    amount: Value,
    /// Several patients at once.
    group: bool,
    /// Is the price asked for?
    charge: bool,
    /// Seats of a group.
    slots: i64,
}

/// A field of medicine.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpecialtyObject {
    code: String,
    name: String,
    /// Minutes.
    duration: i64,
}

/// How a room is run.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationSettings {
    /// Closed right now: by hand, or by its hours.
    is_closed: bool,
    /// Closed by hand.
    closed_by_hand: bool,
    /// What people read while it is closed.
    close_msg: String,
    /// IANA name.
    default_timezone: String,
    /// When it is open, on the clock of `default_timezone`; none is always.
    hours: Vec<HoursObject>,
    /// When the hours open it next, UNIX seconds; null while it is open or
    /// closed by hand.
    next_open: Option<i64>,
}

/// Opening hours of one weekday.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoursObject {
    /// `monday` to `sunday`.
    day: &'static str,
    /// `HH:MM`.
    open: String,
    /// `HH:MM`; at or before `open` it is on the next day.
    close: String,
}

/// Weekdays, Monday first.
pub(super) const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn clock(minute: u16) -> String {
    let minute = minute % 1440;
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl From<OpenHours> for HoursObject {
    fn from(hours: OpenHours) -> Self {
        let day = usize::try_from(hours.day - 1).ok().and_then(|day| DAYS.get(day));
        Self { day: day.unwrap_or(&DAYS[0]), open: clock(hours.from), close: clock(hours.until) }
    }
}

/// Whole units as a whole number, as in the documented samples.
pub(super) fn amount(cents: i64) -> Value {
    if cents % 100 == 0 { json!(cents / 100) } else { json!(cents as f64 / 100.0) }
}

impl From<&RoomSettings> for Payment {
    fn from(settings: &RoomSettings) -> Self {
        let consultations = settings.consultations.iter().map(|item| ConsultationObject {
            id: item.id.clone(),
            description: item.description.clone(),
            duration: item.duration_minutes,
            amount: amount(item.amount_cents),
            group: item.group,
            charge: item.is_charged(),
            slots: item.seats(),
        });
        Self {
            currency: settings.currency.clone(),
            payment_currency: settings.currency.clone(),
            consultations: consultations.collect(),
            __note__: "paymentCurrency is deprecated, use currency",
        }
    }
}

impl Room {
    /// A room for somebody who reached us at this origin.
    pub fn of(view: RoomView, base: &BaseUrl) -> Self {
        let RoomView { room, providers, is_closed, next_open, walkins, interpreter_languages } = view;
        let ids: Option<Vec<String>> = providers.map(|ids| ids.iter().map(ToString::to_string).collect());
        let payment = Payment::from(&room.settings);
        let settings = room.settings;
        let switch = |enabled| Switch { enabled };
        Self {
            id: room.id.to_string(),
            url: format!("{}/u/{}", base.0, room.slug),
            users: ids.as_ref().map(|ids| ids.join(",")),
            provider_ids: ids,
            visits: Ways {
                walkin: WalkinSwitch {
                    enabled: settings.walkin_enabled,
                    by_on_call: settings.walkin_by_on_call,
                    open: walkins.open,
                    opens_at: walkins.opens_at.map(bedside_model::At::seconds),
                },
                appointment: switch(settings.appointment_enabled),
                econsult: switch(settings.econsult_enabled),
            },
            auth: json!({"guest": {"type": 600, "log_in": {"enabled": settings.guest_enabled}}}),
            payment,
            operation_settings: OperationSettings {
                is_closed,
                closed_by_hand: settings.is_closed,
                close_msg: settings.close_msg,
                default_timezone: settings.default_timezone,
                hours: settings.hours.into_iter().map(HoursObject::from).collect(),
                next_open: next_open.map(bedside_model::At::seconds),
            },
            specialties: settings.specialties.into_iter().map(SpecialtyObject::from).collect(),
            booking: settings.booking.into(),
            queue_capacity: settings.queue_capacity,
            grace_minutes: settings.grace_minutes,
            recording: if settings.ask_to_record { "ask" } else { "off" },
            consent_required: settings.consent_required.into_iter().map(|one| one.kind).collect(),
            interpreter_languages: interpreter_languages.into_iter().map(Into::into).collect(),
            created: room.created_at.seconds(),
            modified: room.updated_at.seconds(),
            code: room.code,
            slug: room.slug,
            name: room.name,
            domain: room.domain,
            subtitle: room.subtitle,
            description: room.description,
            account_code: room.account_code,
            account_name: room.account_name,
            active: room.active,
            public_access_room: room.public_access,
            default: room.is_default,
        }
    }
}

impl From<Specialty> for SpecialtyObject {
    fn from(specialty: Specialty) -> Self {
        Self { code: specialty.code, name: specialty.name, duration: specialty.duration_minutes }
    }
}
