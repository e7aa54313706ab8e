//! Calendars as other programs read them (iCalendar, RFC 5545 and RFC 5546):
//! appointments as text. Pure; nothing about health belongs in here. How lines
//! are written is in `calendar/line.rs`, how zones are in `calendar/zone.rs`.

mod line;
mod zone;

use jiff::{Timestamp, tz::TimeZone};

use crate::{At, availability::Span};
use line::Lines;

/// What a text asks of the calendar that it is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To take the appointment in, or to change it.
    Request,
    /// To call it off.
    Cancel,
}

impl Method {
    /// As it stands in the text and in the media type of a mail's part.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }
}

/// How sure an appointment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Somebody has to confirm it yet.
    Tentative,
    /// It takes place, or took place.
    Confirmed,
    /// It was called off.
    Cancelled,
}

impl Standing {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tentative => "TENTATIVE",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// As people read it.
    pub name: String,
    /// An e-mail address.
    pub address: String,
}

impl Party {
    fn value(&self) -> String {
        // An address is no text: what could end the line is left out.
        let address = self.address.chars().filter(|c| !c.is_control() && !c.is_whitespace());
        format!("mailto:{}", address.collect::<String>())
    }
}

/// An appointment.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The same for good, whatever changes.
    pub uid: String,
    /// Grows with every change; calendars keep the highest.
    pub sequence: i64,
    /// When it was changed last.
    pub changed_at: At,
    /// When it is.
    pub span: Span,
    /// On whose clock it is written.
    pub zone: TimeZone,
    /// In one line.
    pub summary: String,
    /// Its page.
    pub url: String,
    /// Is the page also where it takes place?
    pub online: bool,
    /// How sure it is.
    pub standing: Standing,
    /// Who invites, and who is invited.
    pub parties: Option<(Party, Option<Party>)>,
}

/// A calendar's name and what it asks.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// As people read it; for calendars that are subscribed to.
    pub name: Option<String>,
    /// For a text about one appointment.
    pub method: Option<Method>,
}

/// The text of a calendar with these appointments.
#[must_use]
pub fn text(head: &Head, entries: &[Entry]) -> String {
    let mut lines = Lines::default();
    lines.raw("BEGIN", "VCALENDAR");
    lines.raw("VERSION", "2.0");
    lines.raw("PRODID", "-//Bedside//Bedside//EN");
    lines.raw("CALSCALE", "GREGORIAN");
    if let Some(method) = head.method {
        lines.raw("METHOD", method.as_str());
    }
    if let Some(name) = &head.name {
        lines.text("NAME", name);
        lines.text("X-WR-CALNAME", name);
        lines.raw("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
        lines.raw("X-PUBLISHED-TTL", "PT1H");
    }
    zone::write_all(&mut lines, entries);
    for entry in entries {
        write(&mut lines, entry);
    }
    lines.raw("END", "VCALENDAR");
    lines.into_text()
}

fn write(lines: &mut Lines, entry: &Entry) {
    lines.raw("BEGIN", "VEVENT");
    lines.text("UID", &entry.uid);
    lines.raw("SEQUENCE", &entry.sequence.max(0).to_string());
    lines.raw("DTSTAMP", &utc(entry.changed_at));
    lines.raw("LAST-MODIFIED", &utc(entry.changed_at));
    match zone::locals(entry) {
        Some((name, start, end)) => {
            lines.raw(&format!("DTSTART;TZID={name}"), &start);
            lines.raw(&format!("DTEND;TZID={name}"), &end);
        }
        None => {
            lines.raw("DTSTART", &utc(entry.span.start));
            lines.raw("DTEND", &utc(entry.span.end));
        }
    }
    lines.text("SUMMARY", &entry.summary);
    lines.uri("URL", &entry.url);
    if entry.online {
        lines.text("LOCATION", &entry.url);
    }
    lines.raw("STATUS", entry.standing.as_str());
    lines.raw("TRANSP", if entry.standing == Standing::Cancelled { "TRANSPARENT" } else { "OPAQUE" });
    // Others who see the calendar see that the time is taken, not for what.
    lines.raw("CLASS", "PRIVATE");
    if let Some((organizer, attendee)) = &entry.parties {
        lines.raw(&line::with_name("ORGANIZER", &organizer.name), &organizer.value());
        if let Some(attendee) = attendee {
            let name =
                line::with_name("ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE", &attendee.name);
            lines.raw(&name, &attendee.value());
        }
    }
    lines.raw("END", "VEVENT");
}

fn timestamp(at: At) -> Timestamp {
    Timestamp::from_second(at.seconds()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn utc(at: At) -> String {
    timestamp(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
