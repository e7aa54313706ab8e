//! What FHIR R4 makes of our facts: the states of visits in its words, and its
//! dates as spans of time. How resources are written is the server's.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    At,
    user::UserStatus,
    visit::{Kind, Plan, State, Status, is_missed},
};

words! {
    /// `Appointment.status` (hl7.org/fhir/R4/valueset-appointmentstatus).
    AppointmentStatus {
        /// It waits to be confirmed.
        Pending = "pending";
        /// It stands.
        Booked = "booked";
        /// The patient waits.
        Arrived = "arrived";
        /// The visit itself is or was there.
        Fulfilled = "fulfilled";
        /// It was called off.
        Cancelled = "cancelled";
        /// Nobody came to it.
        NoShow = "noshow";
    }
}

words! {
    /// `Encounter.status` (hl7.org/fhir/R4/valueset-encounter-status).
    EncounterStatus {
        /// To come.
        Planned = "planned";
        /// The patient waits.
        Arrived = "arrived";
        /// A provider has taken it.
        InProgress = "in-progress";
        /// It took place.
        Finished = "finished";
        /// It ended before it began.
        Cancelled = "cancelled";
    }
}

impl AppointmentStatus {
    /// Of an appointment at an instant. FHIR's `fulfilled` is the moment when
    /// the encounter takes over, not its end.
    #[must_use]
    pub fn of(state: &State, plan: &Plan, now: At) -> Self {
        match state.status {
            _ if is_missed(state, plan, now) => Self::NoShow,
            Status::Pending | Status::Confirmed if state.arrived_at.is_some() => Self::Arrived,
            Status::Pending => Self::Pending,
            Status::Confirmed => Self::Booked,
            Status::InProgress | Status::Completed | Status::Refunded => Self::Fulfilled,
            Status::Cancelled => Self::Cancelled,
        }
    }

    /// The documented numbers of the states from which it can come.
    #[must_use]
    pub const fn statuses(self) -> &'static [Status] {
        match self {
            Self::Pending => &[Status::Pending],
            Self::Booked => &[Status::Confirmed],
            Self::Arrived | Self::NoShow => &[Status::Pending, Status::Confirmed],
            Self::Fulfilled => &[Status::InProgress, Status::Completed, Status::Refunded],
            Self::Cancelled => &[Status::Cancelled],
        }
    }
}

impl EncounterStatus {
    /// Of a visit at an instant. Who left while it ran had an encounter; an
    /// appointment that was missed was none.
    #[must_use]
    pub fn of(state: &State, plan: &Plan, now: At) -> Self {
        let comes = plan.kind == Kind::Scheduled && state.arrived_at.is_none();
        match state.status {
            _ if is_missed(state, plan, now) => Self::Cancelled,
            Status::Pending | Status::Confirmed if comes => Self::Planned,
            Status::Pending | Status::Confirmed => Self::Arrived,
            Status::InProgress => Self::InProgress,
            Status::Cancelled if state.actual_start_at.is_none() => Self::Cancelled,
            Status::Cancelled | Status::Completed | Status::Refunded => Self::Finished,
        }
    }

    /// The documented numbers of the states from which it can come.
    #[must_use]
    pub const fn statuses(self) -> &'static [Status] {
        match self {
            Self::Planned | Self::Arrived => &[Status::Pending, Status::Confirmed],
            Self::InProgress => &[Status::InProgress],
            Self::Finished => &[Status::Completed, Status::Cancelled, Status::Refunded],
            Self::Cancelled => &[Status::Pending, Status::Confirmed, Status::Cancelled],
        }
    }
}

/// `Patient.gender` of a documented number.
#[must_use]
pub const fn gender(code: i64) -> &'static str {
    match code {
        1 => "male",
        2 => "female",
        _ => "unknown",
    }
}

/// `active` of somebody: may they act?
#[must_use]
pub fn is_active(status: UserStatus) -> bool {
    status.may_act()
}

/// An instant as FHIR writes it, in UTC; none outside of the years 1 to 9999.
#[must_use]
pub fn instant(at: At) -> Option<String> {
    let stamp = Timestamp::from_millisecond(at.0).ok()?;
    (1..=9999).contains(&stamp.to_zoned(TimeZone::UTC).year()).then(|| stamp.to_string())
}

/// Which instants a search by date lets through: from the first up to but not
/// with the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// Not before.
    pub from: Option<At>,
    /// Before.
    pub until: Option<At>,
}

impl When {
    /// Is the instant among them?
    #[must_use]
    pub fn has(self, at: At) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }

    /// Those that both let through.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let later = |a: Option<At>, b: Option<At>| a.max(b);
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { from: later(self.from, other.from), until }
    }

    /// A search's date (hl7.org/fhir/R4/search.html#date): a prefix (`eq`, `ge`,
    /// `gt`, `le`, `lt`, `sa`, `eb`) and a year, month, day or time. A date
    /// without a zone is UTC's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, date) = match text.as_bytes() {
            [a, b, ..] if a.is_ascii_lowercase() && b.is_ascii_lowercase() => (&text[..2], &text[2..]),
            _ => ("eq", text),
        };
        let (first, after) = span(date)?;
        let (from, until) = match prefix {
            "eq" => (Some(first), Some(after)),
            "ge" => (Some(first), None),
            "gt" | "sa" => (Some(after), None),
            "le" => (None, Some(after)),
            "lt" | "eb" => (None, Some(first)),
            _ => return None,
        };
        Some(Self { from, until })
    }
}

/// The time that a date of some precision covers.
fn span(text: &str) -> Option<(At, At)> {
    let midnight = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).ok()?;
        Some(At(zoned.timestamp().as_millisecond()))
    };
    let digits = |part: &str, length: usize| {
        (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())?
    };
    if let Some((_, time)) = text.split_once('T') {
        let zoned = time.ends_with('Z') || time.contains(['+', '-']);
        let stamp: Timestamp = if zoned { text.parse().ok()? } else { format!("{text}Z").parse().ok()? };
        let first = At(stamp.as_millisecond());
        let step = if time.contains('.') {
            1
        } else if time.matches(':').count().saturating_sub(usize::from(time.contains(['+', '-']))) >= 2 {
            1_000
        } else {
            60_000
        };
        return Some((first, first.plus_millis(step)));
    }
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map(|part| digits(part, 2));
    let day = parts.next().map(|part| digits(part, 2));
    if parts.next().is_some() {
        return None;
    }
    let small = |part: Option<i16>| i8::try_from(part?).ok();
    let (first, length) = match (month, day) {
        (None, _) => (Date::new(year, 1, 1).ok()?, jiff::Span::new().years(1)),
        (Some(month), None) => (Date::new(year, small(month)?, 1).ok()?, jiff::Span::new().months(1)),
        (Some(month), Some(day)) => {
            (Date::new(year, small(month)?, small(day)?).ok()?, jiff::Span::new().days(1))
        }
    };
    Some((midnight(first)?, midnight(first.checked_add(length).ok()?)?))
}

#[cfg(test)]
mod tests;
