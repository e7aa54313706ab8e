//! Zones of a calendar (VTIMEZONE, RFC 5545, 3.6.5). Every clock change around
//! the appointments is written out by itself, as the zone database has it. A
//! rule that repeats yearly would be wrong where changes follow another
//! calendar (Morocco), were moved by decree (Cairo) or skipped a day (Apia).

use std::collections::BTreeMap;

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use super::{Entry, line::Lines, timestamp};

/// Begin of what has no clock change before it.
const FIRST: &str = "19700101T000000";

fn written(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// The name of the zone and the wall-clock times of an entry. None where they
/// would not say when it is: on the clock of UTC, and in the second pass of a
/// repeated hour, which a local time never means.
pub(super) fn locals(entry: &Entry) -> Option<(&str, String, String)> {
    let name = named(&entry.zone)?;
    let local = |at: Timestamp| {
        let wall = entry.zone.to_datetime(at);
        let meant = entry.zone.to_ambiguous_timestamp(wall).compatible().ok()?;
        (meant == at).then(|| written(wall))
    };
    Some((name, local(timestamp(entry.span.start))?, local(timestamp(entry.span.end))?))
}

fn named(zone: &TimeZone) -> Option<&str> {
    zone.iana_name().filter(|name| !matches!(*name, "UTC" | "Etc/UTC" | "Etc/Unknown"))
}

/// Writes the zones of the entries, each once.
pub(super) fn write_all(lines: &mut Lines, entries: &[Entry]) {
    let mut zones: BTreeMap<&str, (&TimeZone, Timestamp, Timestamp)> = BTreeMap::new();
    for entry in entries {
        let Some((name, ..)) = locals(entry) else { continue };
        let (start, end) = (timestamp(entry.span.start), timestamp(entry.span.end));
        let (_, first, last) = zones.entry(name).or_insert((&entry.zone, start, end));
        (*first, *last) = ((*first).min(start), (*last).max(end));
    }
    for (name, (zone, first, last)) in zones {
        lines.raw("BEGIN", "VTIMEZONE");
        lines.raw("TZID", name);
        write_changes(lines, zone, first, last);
        lines.raw("END", "VTIMEZONE");
    }
}

// From the change before the first instant to the one behind the last.
fn write_changes(lines: &mut Lines, zone: &TimeZone, first: Timestamp, last: Timestamp) {
    let inside = first.checked_add(SignedDuration::from_nanos(1)).unwrap_or(first);
    let before = zone.preceding(inside).next().map(|change| change.timestamp());
    if before.is_none() {
        let info = zone.to_offset_info(first);
        let offset = info.offset();
        write(lines, info.dst().is_dst(), FIRST, (offset, offset), info.abbreviation());
    }
    let from = before.and_then(|at| at.checked_sub(SignedDuration::from_nanos(1)).ok()).unwrap_or(first);
    for change in zone.following(from) {
        let at = change.timestamp();
        let just_before = at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at);
        let old = zone.to_offset(just_before);
        // Some builds of the database end in 2038 with a change of nothing.
        if old != change.offset() || before == Some(at) {
            let begin = written(old.to_datetime(at));
            write(lines, change.dst().is_dst(), &begin, (old, change.offset()), change.abbreviation());
        }
        if at > last {
            break;
        }
    }
}

fn write(lines: &mut Lines, summer: bool, begin: &str, (old, new): (Offset, Offset), name: &str) {
    let kind = if summer { "DAYLIGHT" } else { "STANDARD" };
    lines.raw("BEGIN", kind);
    lines.raw("DTSTART", begin);
    lines.raw("TZOFFSETFROM", &offset(old));
    lines.raw("TZOFFSETTO", &offset(new));
    lines.text("TZNAME", name);
    lines.raw("END", kind);
}

fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let written = format!("{sign}{hours:02}{minutes:02}");
    if rest == 0 { written } else { format!("{written}{rest:02}") }
}
