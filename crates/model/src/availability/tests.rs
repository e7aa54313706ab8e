//! The slot engine against a model that looks at every single minute.

use std::sync::LazyLock;

use jiff::{Timestamp, ToSpan, civil::date, tz::TimeZone};
use proptest::prelude::*;

use super::*;

const ALL_DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> At {
    At(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn minutes(span: Span) -> impl Iterator<Item = At> {
    (span.start.0 / MINUTE_MS..span.end.0 / MINUTE_MS).map(|minute| At(minute * MINUTE_MS))
}

/// What the clock of a place shows, as a number that can be compared.
fn wall(zone: &TimeZone, at: At) -> (Date, u16) {
    let shown = Timestamp::from_millisecond(at.0).unwrap().to_zoned(zone.clone());
    (shown.date(), u16::try_from(shown.hour()).unwrap() * 60 + u16::try_from(shown.minute()).unwrap())
}

/// A boundary found by walking from minute to minute.
fn walked(zone: &TimeZone, day: Date, minute: u16, around: Span) -> Option<At> {
    let target = (day.checked_add(i64::from(minute / 1440).days()).unwrap(), minute % 1440);
    // The clock must have shown less before: else the boundary lies earlier.
    (wall(zone, around.start) < target).then_some(())?;
    minutes(around).find(|now| wall(zone, *now) >= target)
}

fn around(transition: At, hours: i64) -> Span {
    Span { start: At(transition.0 - hours * 3_600_000), end: At(transition.0 + hours * 3_600_000) }
}

/// Every transition of the next ten years.
fn transitions(zone: &TimeZone) -> Vec<At> {
    let (now, end): (Timestamp, Timestamp) =
        ("2026-11-01T00:00:00Z".parse().unwrap(), "2036-11-01T00:00:00Z".parse().unwrap());
    zone.following(now)
        .map(|transition| transition.timestamp())
        .take_while(|transition| *transition < end)
        .map(|transition| At(transition.as_millisecond()))
        .collect()
}

#[test]
fn boundaries_are_right_in_every_zone_at_every_transition_of_ten_years() {
    let mut tried = 0;
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    assert!(names.len() > 300, "the zone database is there");
    for name in names {
        let zone = zone(&name);
        for transition in transitions(&zone) {
            let near = around(transition, 4);
            let (day, minute) = wall(&zone, transition);
            // Around the jump, on both sides of it, minute by minute is too
            // much for so many zones: every five minutes for two hours.
            for offset in (-120i32..=120).step_by(5) {
                let total = i32::from(minute) + offset;
                let (day, minute) = match total {
                    ..0 => (day.yesterday().unwrap(), total + 1440),
                    1440.. => (day.tomorrow().unwrap(), total - 1440),
                    _ => (day, total),
                };
                let minute = u16::try_from(minute).unwrap();
                if let Some(walked) = walked(&zone, day, minute, near) {
                    assert_eq!(boundary(&zone, day, minute), Some(walked), "{name} {day} {minute}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 50_000, "only {tried} boundaries");
}

fn rule(id: i64, hours: (u16, u16), zone: &TimeZone) -> Rule {
    let opening = Opening::Weekly {
        days: ALL_DAYS.to_vec(),
        hours: Hours::new(hours.0, hours.1).unwrap(),
        zone: zone.clone(),
        from: date(2000, 1, 1),
        until: None,
        except: Vec::new(),
    };
    Rule { id, provider: UserId(7), opening, capacity: 1 }
}

fn one(rule: Rule) -> Calendar {
    Calendar { rules: vec![rule], ..Calendar::default() }
}

fn ask(window: Span, duration_minutes: i64) -> Question {
    Question { window, duration_minutes, now: window.start }
}

fn begins(calendar: &Calendar, zone: &TimeZone, question: Question) -> Vec<String> {
    slots(calendar, &BookingRules::default(), zone, question)
        .iter()
        .map(|slot| {
            let shown = Timestamp::from_millisecond(slot.span.start.0).unwrap().to_zoned(zone.clone());
            shown.strftime("%d %H:%M%:z").to_string()
        })
        .collect()
}

fn day_window(zone: &TimeZone, day: Date) -> Span {
    let next = day.tomorrow().unwrap();
    Span { start: boundary(zone, day, 0).unwrap(), end: boundary(zone, next, 0).unwrap() }
}

#[test]
fn new_york_in_spring_and_autumn() {
    let zone = zone("America/New_York");
    let spring = ask(day_window(&zone, date(2027, 3, 14)), 30);
    assert_eq!(
        begins(&one(rule(1, (90, 240), &zone)), &zone, spring),
        ["14 01:30-05:00", "14 03:00-04:00", "14 03:30-04:00"]
    );
    // Hours inside the missing hour are empty; those that begin in it begin
    // when the clock has jumped.
    assert!(begins(&one(rule(1, (135, 165), &zone)), &zone, spring).is_empty());
    assert_eq!(begins(&one(rule(1, (150, 210), &zone)), &zone, spring), ["14 03:00-04:00"]);
    let autumn = ask(day_window(&zone, date(2027, 11, 7)), 30);
    assert_eq!(
        begins(&one(rule(1, (60, 150), &zone)), &zone, autumn),
        ["07 01:00-04:00", "07 01:30-04:00", "07 01:00-05:00", "07 01:30-05:00", "07 02:00-05:00"]
    );
    // A time inside the repeated hour counts at its first pass.
    assert_eq!(begins(&one(rule(1, (60, 90), &zone)), &zone, autumn), ["07 01:00-04:00"]);
}

#[test]
fn nine_is_nine_on_both_sides_of_the_change() {
    let zone = zone("America/New_York");
    let window = Span { start: at("2027-11-06T00:00:00-04:00"), end: at("2027-11-09T00:00:00-05:00") };
    assert_eq!(
        begins(&one(rule(1, (540, 570), &zone)), &zone, ask(window, 30)),
        ["06 09:00-04:00", "07 09:00-05:00", "08 09:00-05:00"]
    );
}

#[test]
fn london_and_lord_howe_and_cairo() {
    let london = zone("Europe/London");
    let spring = ask(day_window(&london, date(2027, 3, 28)), 60);
    assert_eq!(
        begins(&one(rule(1, (0, 180), &london)), &london, spring),
        ["28 00:00+00:00", "28 02:00+01:00"]
    );
    // Half an hour is missing, or comes twice.
    let lord_howe = zone("Australia/Lord_Howe");
    let autumn = ask(day_window(&lord_howe, date(2027, 4, 4)), 30);
    assert_eq!(
        begins(&one(rule(1, (90, 150), &lord_howe)), &lord_howe, autumn),
        ["04 01:30+11:00", "04 01:30+10:30", "04 02:00+10:30"]
    );
    let spring = ask(day_window(&lord_howe, date(2027, 10, 3)), 30);
    assert_eq!(begins(&one(rule(1, (120, 180), &lord_howe)), &lord_howe, spring), ["03 02:30+11:00"]);
    // Cairo jumps at midnight: its day begins at one.
    let cairo = zone("Africa/Cairo");
    let spring = ask(day_window(&cairo, date(2027, 4, 30)), 30);
    assert_eq!(begins(&one(rule(1, (0, 90), &cairo)), &cairo, spring), ["30 01:00+03:00"]);
}

#[test]
fn apia_had_no_thirtieth_of_december() {
    let apia = zone("Pacific/Apia");
    let window = Span { start: at("2011-12-29T00:00:00-10:00"), end: at("2012-01-01T00:00:00+14:00") };
    assert_eq!(
        begins(&one(rule(1, (540, 600), &apia)), &apia, ask(window, 60)),
        ["29 09:00-10:00", "31 09:00+14:00"]
    );
}

#[test]
fn hours_reach_over_midnight_and_a_closure_cuts() {
    let zone = zone("Asia/Kolkata");
    let window = Span { start: at("2027-01-05T00:00:00+05:30"), end: at("2027-01-05T03:00:00+05:30") };
    let mut calendar = one(rule(1, (1380, 1500), &zone));
    assert_eq!(begins(&calendar, &zone, ask(window, 30)), ["05 00:00+05:30", "05 00:30+05:30"]);
    calendar
        .closed
        .push(Span { start: at("2027-01-05T00:15:00+05:30"), end: at("2027-01-05T00:30:00+05:30") });
    assert_eq!(begins(&calendar, &zone, ask(window, 30)), ["05 00:30+05:30"]);
}

#[test]
fn a_group_has_seats_and_names_are_stable() {
    let zone = TimeZone::UTC;
    let window = Span { start: at("2027-01-05T00:00:00Z"), end: at("2027-01-06T00:00:00Z") };
    let mut calendar = one(Rule { capacity: 3, ..rule(4, (540, 600), &zone) });
    let first = slots(&calendar, &BookingRules::default(), &zone, ask(window, 60));
    assert_eq!(
        (first.len(), first[0].left, first[0].id()),
        (1, 3, format!("4-{}", first[0].span.start.seconds()))
    );
    let seat = Busy { span: first[0].span, buffer_before_minutes: 0, buffer_after_minutes: 0, rule: Some(4) };
    calendar.busy = vec![seat, seat];
    let then = slots(&calendar, &BookingRules::default(), &zone, ask(window, 60));
    assert_eq!((then[0].booked, then[0].left, then[0].id()), (2, 1, first[0].id()));
    calendar.busy.push(seat);
    assert!(slots(&calendar, &BookingRules::default(), &zone, ask(window, 60)).is_empty());
}

/// Everything the engine decides, minute by minute.
fn naive(
    calendar: &Calendar,
    booking: &BookingRules,
    zone: &TimeZone,
    question: Question,
    around: Span,
) -> Vec<Span> {
    let step = booking.grid_minutes.unwrap_or(question.duration_minutes);
    let mut found = Vec::new();
    for rule in &calendar.rules {
        let Opening::Weekly { hours, zone: rule_zone, .. } = &rule.opening else { unreachable!() };
        let (first, last) = (wall(rule_zone, around.start).0, wall(rule_zone, around.end).0);
        for day in first.series(1.day()).take_while(|day| *day <= last) {
            let walk = |minute| walked(rule_zone, day, minute, around);
            let (Some(open), Some(close)) = (walk(hours.from), walk(hours.until)) else { continue };
            let mut start = open.0;
            while start + question.duration_minutes * MINUTE_MS <= close.0 {
                let span = Span { start: At(start), end: At(start + question.duration_minutes * MINUTE_MS) };
                start += step * MINUTE_MS;
                let early = span.start < question.window.start
                    || span.start.0 < question.now.0 + booking.notice_minutes * MINUTE_MS;
                let late = span.start >= question.window.end
                    || span.start.0 > question.now.0 + booking.horizon_days * 1440 * MINUTE_MS;
                let shut = minutes(span)
                    .any(|now| calendar.closed.iter().any(|closed| closed.start <= now && now < closed.end));
                let clash = calendar.busy.iter().any(|busy| {
                    let inside = |now: &At, span: Span| span.start <= *now && *now < span.end;
                    let theirs = busy.span.grown(busy.buffer_before_minutes, busy.buffer_after_minutes);
                    let wide = span.grown(booking.buffer_before_minutes, booking.buffer_after_minutes);
                    minutes(span).any(|now| inside(&now, theirs))
                        || minutes(wide).any(|now| inside(&now, busy.span))
                });
                let that_day = calendar
                    .busy
                    .iter()
                    .filter(|busy| wall(zone, busy.span.start).0 == wall(zone, span.start).0);
                let full = booking.per_day.is_some_and(|limit| that_day.count() >= limit as usize);
                if !(early || late || shut || clash || full) {
                    found.push(span);
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// A zone that changes its clock in the next ten years, any of them, and an
/// instant near one of these changes.
fn somewhere() -> impl Strategy<Value = (TimeZone, At)> {
    static CHANGING: LazyLock<Vec<(TimeZone, Vec<At>)>> = LazyLock::new(|| {
        let zones = jiff::tz::db().available().map(|name| zone(name.as_str()));
        let changing = zones.map(|zone| (zone.clone(), transitions(&zone)));
        changing.filter(|(_, transitions)| !transitions.is_empty()).collect()
    });
    (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(zone, near)| {
        let (zone, transitions) = zone.get(&CHANGING);
        (zone.clone(), *near.get(transitions))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn the_engine_and_the_minute_model_agree(
        (zone, near) in somewhere(),
        (room_zone, _) in somewhere(),
        rules in prop::collection::vec((0u16..1440, 1u16..=1440), 1..3),
        busy in prop::collection::vec((-30 * 60i64..30 * 60, 1i64..180, 0i64..30, 0i64..30), 0..8),
        closed in prop::collection::vec((-30 * 60i64..30 * 60, 1i64..300), 0..3),
        buffers in (0i64..30, 0i64..30),
        notice in 0i64..600,
        per_day in prop::option::of(1u32..4),
        grid in prop::option::of(5i64..90),
        duration in 5i64..120,
    ) {
        let span = |start: i64, length: i64| {
            let start = near.0 + start * MINUTE_MS;
            Span { start: At(start), end: At(start + length * MINUTE_MS) }
        };
        let calendar = Calendar {
            rules: rules.iter().zip(1..).map(|((from, length), id)| rule(id, (*from, from + length), &zone)).collect(),
            busy: busy.iter().map(|(start, length, before, after)| Busy {
                span: span(*start, *length),
                buffer_before_minutes: *before,
                buffer_after_minutes: *after,
                rule: None,
            }).collect(),
            closed: closed.iter().map(|(start, length)| span(*start, *length)).collect(),
        };
        let booking = BookingRules {
            buffer_before_minutes: buffers.0,
            buffer_after_minutes: buffers.1,
            notice_minutes: notice,
            horizon_days: 1,
            per_day,
            grid_minutes: grid,
            ..BookingRules::default()
        };
        let question = Question {
            window: around(near, 26),
            duration_minutes: duration,
            now: At(near.0 - 20 * 60 * MINUTE_MS),
        };
        let found: Vec<Span> = slots(&calendar, &booking, &room_zone, question).iter().map(|slot| slot.span).collect();
        prop_assert_eq!(found, naive(&calendar, &booking, &room_zone, question, around(near, 80)));
    }
}
