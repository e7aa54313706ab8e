use proptest::prelude::*;

use super::*;

fn entry(zone: &str, start: &str, minutes: i64) -> Entry {
    let start = At(start.parse::<Timestamp>().unwrap().as_millisecond());
    Entry {
        uid: "visit-1@clinic.example".to_owned(),
        sequence: 3,
        changed_at: At::from_seconds(1_800_000_000),
        span: Span { start, end: start.plus_minutes(minutes) },
        zone: TimeZone::get(zone).unwrap(),
        summary: "Visit with Dr Ana Lee".to_owned(),
        url: "https://clinic.example/members/appointment/1".to_owned(),
        online: true,
        standing: Standing::Confirmed,
        parties: None,
    }
}

fn written(entry: &Entry) -> String {
    text(&Head { name: None, method: Some(Method::Request) }, std::slice::from_ref(entry))
}

/// Content lines, unfolded.
fn lines(text: &str) -> Vec<String> {
    text.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
}

/// What the text's own zone makes of its begin, in seconds: RFC 5545 by the
/// letter, without any zone database.
fn read(text: &str) -> i64 {
    let lines = lines(text);
    let begin = lines
        .iter()
        .find(|line| {
            line.starts_with("DTSTART")
                && !line.ends_with(":19700101T000000")
                && (line.contains("TZID") || line.ends_with('Z'))
        })
        .unwrap();
    let (name, value) = begin.split_once(':').unwrap();
    let civil =
        |text: &str| jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", text.trim_end_matches('Z')).unwrap();
    let seconds = |wall: jiff::civil::DateTime| jiff::tz::Offset::UTC.to_timestamp(wall).unwrap().as_second();
    if !name.contains("TZID") {
        return seconds(civil(value));
    }
    let parse = |text: &str| {
        let (sign, digits) = text.split_at(1);
        let two = |at: usize| digits.get(at..at + 2).map_or(0, |text| text.parse::<i64>().unwrap());
        (two(0) * 3600 + two(2) * 60 + two(4)) * if sign == "-" { -1 } else { 1 }
    };
    let mut observances = Vec::new();
    let mut open: Option<(i64, i64)> = None;
    for line in &lines {
        match line.split_once(':').unwrap() {
            ("BEGIN", "STANDARD" | "DAYLIGHT") => open = Some((0, 0)),
            ("END", "STANDARD" | "DAYLIGHT") => observances.push(open.take().unwrap()),
            ("DTSTART", value) if open.is_some() => open.as_mut().unwrap().0 = seconds(civil(value)),
            ("TZOFFSETTO", value) => open.as_mut().unwrap().1 = parse(value),
            _ => {}
        }
    }
    let wall = seconds(civil(value));
    // The observance whose onset is the latest that is not after the local time.
    let applies =
        observances.iter().filter(|(local, ..)| *local <= wall).max_by_key(|(local, ..)| *local).unwrap();
    wall - applies.1
}

#[test]
fn an_appointment_is_written_as_other_programs_want_it() {
    let mut entry = entry("America/New_York", "2027-11-08T14:00:00Z", 30);
    entry.parties = Some((
        Party { name: "Northside Clinic".to_owned(), address: "no-reply@clinic.example".to_owned() },
        Some(Party { name: "Maria \"M\" Álvarez; RN".to_owned(), address: "maria@example.org".to_owned() }),
    ));
    let text = written(&entry);
    let lines = lines(&text);
    for wanted in [
        "METHOD:REQUEST",
        "UID:visit-1@clinic.example",
        "SEQUENCE:3",
        "DTSTAMP:20270115T080000Z",
        "DTSTART;TZID=America/New_York:20271108T090000",
        "DTEND;TZID=America/New_York:20271108T093000",
        "SUMMARY:Visit with Dr Ana Lee",
        "URL:https://clinic.example/members/appointment/1",
        "STATUS:CONFIRMED",
        "ORGANIZER;CN=\"Northside Clinic\":mailto:no-reply@clinic.example",
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE;CN=\"Maria ^'M^' Álvarez; RN\":mailto:maria@example.org",
        // The change before it and the one behind it.
        "DTSTART:20271107T020000",
        "DTSTART:20280312T020000",
        "TZOFFSETFROM:-0400",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}\n{text}");
    }
    assert_eq!(lines.iter().filter(|line| *line == "BEGIN:VTIMEZONE").count(), 1);
}

#[test]
fn the_text_says_by_itself_when_it_is() {
    for (zone, start) in [
        ("America/New_York", "2027-11-05T13:00:00Z"),
        ("America/New_York", "2027-11-08T14:00:00Z"),
        // Both passes of the repeated hour.
        ("America/New_York", "2027-11-07T05:30:00Z"),
        ("America/New_York", "2027-11-07T06:30:00Z"),
        ("Europe/London", "2027-10-31T00:30:00Z"),
        ("Europe/London", "2027-10-31T01:30:00Z"),
        ("Europe/Dublin", "2027-07-01T08:00:00Z"),
        ("Australia/Lord_Howe", "2027-04-03T14:45:00Z"),
        ("Australia/Lord_Howe", "2027-10-03T01:00:00Z"),
        ("Africa/Cairo", "2027-10-29T08:00:00Z"),
        ("Africa/Casablanca", "2027-02-20T09:00:00Z"),
        ("Asia/Kathmandu", "2027-11-08T04:15:00Z"),
        ("Asia/Tokyo", "2027-11-08T00:00:00Z"),
        ("Pacific/Apia", "2011-12-29T20:00:00Z"),
        ("Pacific/Apia", "2011-12-30T20:00:00Z"),
        ("Pacific/Apia", "2027-11-08T20:00:00Z"),
        ("UTC", "2027-11-08T20:00:00Z"),
    ] {
        let entry = entry(zone, start, 30);
        let text = written(&entry);
        assert_eq!(read(&text), entry.span.start.seconds(), "{zone} {start}\n{text}");
    }
}

#[test]
fn a_time_that_no_wall_clock_can_say_is_written_in_utc() {
    let second = entry("America/New_York", "2027-11-07T06:30:00Z", 30);
    let text = written(&second);
    assert!(text.contains("DTSTART:20271107T063000Z\r\n") && !text.contains("VTIMEZONE"), "{text}");
    // Where only the end lies there, both are: RFC 5545 wants one form.
    let across = entry("America/New_York", "2027-11-07T05:45:00Z", 30);
    let text = written(&across);
    assert!(
        text.contains("DTEND:20271107T061500Z\r\n") && text.contains("DTSTART:20271107T054500Z"),
        "{text}"
    );
}

#[test]
fn a_calendar_has_every_zone_once_and_a_cancelled_entry_says_so() {
    let cancelled =
        Entry { standing: Standing::Cancelled, ..entry("America/New_York", "2027-07-05T13:00:00Z", 15) };
    let entries = [
        entry("America/New_York", "2027-01-04T14:00:00Z", 15),
        cancelled,
        entry("Asia/Tokyo", "2027-01-04T14:00:00Z", 15),
    ];
    let text = text(&Head { name: Some("Visits, private".to_owned()), method: None }, &entries);
    let lines = lines(&text);
    let count = |line: &str| lines.iter().filter(|known| *known == line).count();
    assert_eq!(
        (count("BEGIN:VTIMEZONE"), count("TZID:America/New_York"), count("TZID:Asia/Tokyo")),
        (2, 1, 1)
    );
    assert_eq!((count("STATUS:CANCELLED"), count("STATUS:CONFIRMED"), count("BEGIN:VEVENT")), (1, 2, 3));
    assert_eq!(count("X-WR-CALNAME:Visits\\, private"), 1);
    assert!(!text.contains("METHOD"));
    assert_eq!(lines.last().unwrap(), "END:VCALENDAR");
}

/// A text back from its escaped form.
fn plain(escaped: &str) -> String {
    let mut plain = String::new();
    let mut rest = escaped.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next().unwrap() {
                'n' => plain.push('\n'),
                other => plain.push(other),
            },
            c => plain.push(c),
        }
    }
    plain
}

proptest! {
    #[test]
    fn any_text_comes_back_and_no_line_is_too_long(summary in any::<String>(), name in any::<String>()) {
        let mut entry = entry("Asia/Kathmandu", "2027-11-08T04:15:00Z", 15);
        entry.summary = summary.clone();
        entry.parties = Some((Party { name: name.clone(), address: format!("a{name}@b.example") }, None));
        let text = written(&entry);
        prop_assert!(text.ends_with("\r\n"));
        for line in text.split_terminator("\r\n") {
            prop_assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{:?}", line);
        }
        let lines = lines(&text);
        let count = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
        // Nothing that was put in begins a line of its own.
        prop_assert_eq!((count("BEGIN:"), count("END:"), count("ORGANIZER"), count("SUMMARY:")), (4, 4, 1, 1));
        let told = lines.iter().find_map(|line| line.strip_prefix("SUMMARY:")).unwrap();
        let wanted: String = summary
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\t', " ")
            .chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        prop_assert_eq!(plain(told), wanted);
    }

    #[test]
    fn every_zone_says_when_it_is(zone in 0usize..600, days in 0i64..4_000, minutes in 0i64..1_440) {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let name = &names[zone % names.len()];
        let mut entry = entry("UTC", "2024-01-01T00:00:00Z", 45);
        entry.zone = TimeZone::get(name).unwrap();
        let start = entry.span.start.plus_minutes(days * 1_440 + minutes);
        entry.span = Span { start, end: start.plus_minutes(45) };
        let text = written(&entry);
        prop_assert_eq!(read(&text), start.seconds(), "{} {}", name, text);
    }
}
