//! What a clinic may change of a room: checked field by field, unsent fields
//! left as they were.

use bedside_model::{
    At,
    consent::{self, Required},
    queue::LONGEST_GRACE_MINUTES,
    room::{self, Alerts, Consultation, OpenHours, Specialty},
};
use bedside_store::rooms::Room;

use super::booking::{self, BookingUpdate};
use crate::{App, Error, Result};

/// Most entries of any list in a room's settings.
const MAX_ENTRIES: usize = 100;
/// Longest visit, in minutes: a day.
const MAX_MINUTES: i64 = 1440;
/// Highest price, in cents: a million.
const MAX_CENTS: i64 = 100_000_000;
/// Most seats of a group, and most people in a queue.
const MAX_SEATS: i64 = 1000;

/// What may be changed of a room; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Host of its pages.
    pub domain: Option<String>,
    /// URL name.
    pub slug: Option<String>,
    /// What patients read.
    pub name: Option<String>,
    /// What the API calls `room_code`.
    pub code: Option<String>,
    /// Emergency notice.
    pub subtitle: Option<String>,
    /// The clinic's text.
    pub description: Option<String>,
    /// Switched on.
    pub active: Option<bool>,
    /// Anybody may find it.
    pub public_access: Option<bool>,
    /// The clinic's links without a room lead here.
    pub is_default: Option<bool>,
    /// Closes the room to new arrivals by hand, or opens it.
    pub is_closed: Option<bool>,
    /// What people read while it is closed.
    pub close_msg: Option<String>,
    /// IANA name.
    pub default_timezone: Option<String>,
    /// All opening hours; an empty list opens always.
    pub hours: Option<Vec<OpenHours>>,
    /// How many may wait; `Some(None)` takes the limit away.
    pub queue_capacity: Option<Option<i64>>,
    /// Patients may arrive without an appointment.
    pub walkin_enabled: Option<bool>,
    /// Only while a provider of the room is on call.
    pub walkin_by_on_call: Option<bool>,
    /// Appointments may be booked.
    pub appointment_enabled: Option<bool>,
    /// Questions may be asked without a meeting.
    pub econsult_enabled: Option<bool>,
    /// People may enter as guests.
    pub guest_enabled: Option<bool>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// All that can be asked for; those with an `id` change the one of it.
    pub consultations: Option<Vec<ConsultationInput>>,
    /// All fields of medicine.
    pub specialties: Option<Vec<Specialty>>,
    /// Rules of bookings.
    pub booking: BookingUpdate,
    /// Who is told when nobody takes a waiting patient.
    pub alerts: Option<Alerts>,
    /// How long the place of a silent page is kept.
    pub grace_minutes: Option<i64>,
    /// Is everybody in a call asked whether it may be recorded?
    pub ask_to_record: Option<bool>,
    /// Kinds of the documents that patients agree to before a visit here.
    pub consent_required: Option<Vec<String>>,
}

/// A consultation as a client sends it; `None` leaves what the one of this `id`
/// has, or takes the default of a new one.
#[derive(Debug, Clone, Default)]
pub struct ConsultationInput {
    /// UUID of the one to change; none makes a new one.
    pub id: Option<String>,
    /// What it is called.
    pub description: Option<String>,
    /// Length in minutes.
    pub duration_minutes: Option<i64>,
    /// Price in cents.
    pub amount_cents: Option<i64>,
    /// Several patients at once.
    pub group: Option<bool>,
    /// Is the price asked for?
    pub charge: Option<bool>,
    /// Seats of a group.
    pub slots: Option<i64>,
}

/// The one consultation of a new room: free, fifteen minutes (core.md 5.1).
pub(super) fn first_consultation(app: &App, now: At) -> Consultation {
    Consultation {
        id: app.random.uuid(now),
        description: "Consultation".to_owned(),
        duration_minutes: room::DEFAULT_DURATION_MINUTES,
        ..Consultation::default()
    }
}

/// Puts an update over a room.
///
/// # Errors
/// 400 naming the field.
pub(super) fn apply(app: &App, room: &mut Room, update: Update, now: At) -> Result<()> {
    put(&mut room.domain, update.domain, domain)?;
    put(&mut room.slug, update.slug, slug)?;
    put(&mut room.name, update.name, name)?;
    put(&mut room.code, update.code, code)?;
    put(&mut room.subtitle, update.subtitle, |text| text_of("subtitle", text, 500))?;
    put(&mut room.description, update.description, |text| text_of("description", text, 4000))?;
    room.active = update.active.unwrap_or(room.active);
    room.public_access = update.public_access.unwrap_or(room.public_access);
    // A room that is switched off leads nobody anywhere.
    room.is_default = update.is_default.unwrap_or(room.is_default) && room.active;
    let settings = &mut room.settings;
    settings.is_closed = update.is_closed.unwrap_or(settings.is_closed);
    put(&mut settings.close_msg, update.close_msg, |text| {
        text_of("operation_settings.close_msg", text, 500)
    })?;
    put(&mut settings.default_timezone, update.default_timezone, zone)?;
    put(&mut settings.hours, update.hours, |hours| few("operation_settings.hours", hours))?;
    put(&mut settings.queue_capacity, update.queue_capacity, capacity)?;
    settings.walkin_enabled = update.walkin_enabled.unwrap_or(settings.walkin_enabled);
    settings.walkin_by_on_call = update.walkin_by_on_call.unwrap_or(settings.walkin_by_on_call);
    settings.appointment_enabled = update.appointment_enabled.unwrap_or(settings.appointment_enabled);
    settings.econsult_enabled = update.econsult_enabled.unwrap_or(settings.econsult_enabled);
    settings.guest_enabled = update.guest_enabled.unwrap_or(settings.guest_enabled);
    put(&mut settings.currency, update.currency, currency)?;
    if let Some(wanted) = update.consultations {
        settings.consultations = consultations(app, &settings.consultations, wanted, now)?;
    }
    booking::apply(&mut settings.booking, &update.booking)?;
    put(&mut settings.alerts, update.alerts, alerts)?;
    put(&mut settings.grace_minutes, update.grace_minutes, |minutes| {
        within("grace_minutes", minutes, 1..=LONGEST_GRACE_MINUTES)
    })?;
    settings.ask_to_record = update.ask_to_record.unwrap_or(settings.ask_to_record);
    if let Some(kinds) = update.consent_required {
        settings.consent_required = consents(&settings.consent_required, kinds, now)?;
    }
    put(&mut settings.specialties, update.specialties, specialties)
}

fn consents(before: &[Required], kinds: Vec<String>, now: At) -> Result<Vec<Required>> {
    let refused = |why: &str| Err(Error::field("consent_required", why));
    if kinds.iter().any(|kind| !consent::is_kind(kind)) {
        return refused("use kinds of documents, such as consent");
    }
    let required = consent::required(before, kinds, now);
    if required.len() > consent::MAX_REQUIRED {
        return refused("use at most 5 kinds");
    }
    Ok(required)
}

/// Most people on an alert list.
const MAX_ALERTED: usize = 20;

fn alerts(mut alerts: Alerts) -> Result<Alerts> {
    within("alerts.after_minutes", alerts.after_minutes, 0..=MAX_MINUTES)?;
    let mut seen = Vec::with_capacity(alerts.user_ids.len());
    alerts.user_ids.retain(|id| {
        !seen.contains(id) && {
            seen.push(*id);
            true
        }
    });
    if alerts.user_ids.len() > MAX_ALERTED {
        return Err(Error::field("alerts.user_ids", format!("use at most {MAX_ALERTED} people")));
    }
    Ok(alerts)
}

fn put<T>(field: &mut T, sent: Option<T>, check: impl FnOnce(T) -> Result<T>) -> Result<()> {
    if let Some(sent) = sent {
        *field = check(sent)?;
    }
    Ok(())
}

/// A room's URL name.
///
/// # Errors
/// 400 naming the field.
pub(super) fn slug(text: String) -> Result<String> {
    if room::is_slug(&text) {
        return Ok(text);
    }
    Err(Error::field("slug", "use 1 to 64 lower-case letters, digits and single hyphens"))
}

/// A room's name.
///
/// # Errors
/// 400 naming the field.
pub(super) fn name(text: String) -> Result<String> {
    if text.trim().is_empty() || text.chars().count() > 128 {
        return Err(Error::field("name", "use 1 to 128 characters"));
    }
    Ok(text)
}

/// A room's code.
///
/// # Errors
/// 400 naming the field.
pub(super) fn code(text: String) -> Result<String> {
    if room::is_code(&text) {
        return Ok(text);
    }
    Err(Error::field("code", "use 1 to 32 letters, digits, hyphens or underscores"))
}

/// Host of a room's pages.
///
/// # Errors
/// 400 naming the field.
pub(super) fn domain(text: String) -> Result<String> {
    if text.len() > 253 || text.contains(|c: char| c.is_whitespace() || c == '/') {
        return Err(Error::field("domain", "use a host name"));
    }
    Ok(text)
}

fn text_of(field: &str, text: String, longest: usize) -> Result<String> {
    if text.chars().count() > longest {
        return Err(Error::field(field, format!("use at most {longest} characters")));
    }
    Ok(text)
}

fn zone(name: String) -> Result<String> {
    match jiff::tz::TimeZone::get(&name) {
        // The spelling of the database: names are matched in any case.
        Ok(zone) => Ok(zone.iana_name().unwrap_or("UTC").to_owned()),
        Err(_) => Err(Error::field(
            "operation_settings.default_timezone",
            "use the name of a time zone, such as Europe/Lisbon",
        )),
    }
}

fn few<T>(field: &str, list: Vec<T>) -> Result<Vec<T>> {
    if list.len() > MAX_ENTRIES {
        return Err(Error::field(field, format!("use at most {MAX_ENTRIES} entries")));
    }
    Ok(list)
}

fn within(field: &str, number: i64, range: std::ops::RangeInclusive<i64>) -> Result<i64> {
    if range.contains(&number) {
        return Ok(number);
    }
    Err(Error::field(field, format!("use {} to {}", range.start(), range.end())))
}

fn capacity(wanted: Option<i64>) -> Result<Option<i64>> {
    wanted.map(|number| within("queue_capacity", number, 1..=MAX_SEATS)).transpose()
}

fn currency(code: String) -> Result<String> {
    let code = code.to_ascii_uppercase();
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(Error::field("payment.currency", "use three letters, such as EUR"))
}

fn consultations(
    app: &App,
    known: &[Consultation],
    wanted: Vec<ConsultationInput>,
    now: At,
) -> Result<Vec<Consultation>> {
    const FIELD: &str = "payment.consultations";
    let wanted = few(FIELD, wanted)?;
    let mut made: Vec<Consultation> = Vec::with_capacity(wanted.len());
    for (at, input) in wanted.into_iter().enumerate() {
        let at = |field: &str| format!("{FIELD}[{at}].{field}");
        let mut entry = match input.id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) if made.iter().any(|other| other.id == id) => {
                return Err(Error::field(&at("id"), "stands here twice"));
            }
            Some(id) => {
                let found = known.iter().find(|known| known.id.eq_ignore_ascii_case(id));
                found.cloned().ok_or_else(|| Error::field(&at("id"), "is no consultation of this room"))?
            }
            None => first_consultation(app, now),
        };
        if let Some(text) = input.description {
            let text = text.trim().to_owned();
            if text.is_empty() || text.chars().count() > 200 {
                return Err(Error::field(&at("description"), "use 1 to 200 characters"));
            }
            entry.description = text;
        }
        if let Some(minutes) = input.duration_minutes {
            entry.duration_minutes = within(&at("duration"), minutes, 1..=MAX_MINUTES)?;
        }
        if let Some(cents) = input.amount_cents {
            if !(0..=MAX_CENTS).contains(&cents) {
                return Err(Error::field(&at("amount"), "use 0 to 1000000"));
            }
            entry.amount_cents = cents;
        }
        entry.group = input.group.unwrap_or(entry.group);
        entry.charge = input.charge.or(entry.charge);
        if let Some(slots) = input.slots {
            entry.slots = Some(within(&at("slots"), slots, 1..=MAX_SEATS)?);
        }
        made.push(entry);
    }
    Ok(made)
}

fn specialties(wanted: Vec<Specialty>) -> Result<Vec<Specialty>> {
    let wanted = few("specialties", wanted)?;
    for (at, entry) in wanted.iter().enumerate() {
        let at = |field: &str| format!("specialties[{at}].{field}");
        if entry.code.is_empty() || entry.code.chars().count() > 64 {
            return Err(Error::field(&at("code"), "use 1 to 64 characters"));
        }
        if entry.name.is_empty() || entry.name.chars().count() > 128 {
            return Err(Error::field(&at("name"), "use 1 to 128 characters"));
        }
        within(&at("duration"), entry.duration_minutes, 1..=MAX_MINUTES)?;
    }
    Ok(wanted)
}
