//! A clinic that lives by appointments: rooms of one, fifty and two hundred
//! providers with weekly hours, half of whose appointments are over and half to
//! come. Deterministic, so that two engines hold the same.

use anyhow::Result;
use bedside_model::{
    AccountId, At, IntakeId, RoomId, UserId, VisitId,
    availability::{self, BookingRules, Hours, Span},
    room::RoomSettings,
    user::{Profile, UserType},
    visit::{Kind, Plan, State, Status, Subtype},
};
use bedside_store::{
    Store, Vault,
    bookings::{self, Booking},
    intakes::{self, Intake},
    rooms::{self, NewRoom},
    slots::{self, SlotRule, When},
    users::{self, CallIdentity, NewUser},
    visits::{self, NewVisit},
};
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// Providers of each room; its code is `c` and this number.
pub const ROOMS: [usize; 3] = [1, 50, 200];
/// On whose clock the hours are.
const ZONE: &str = "America/New_York";
/// Nine to five, a quarter of an hour each.
const HOURS: (u16, u16) = (9 * 60, 17 * 60);
const QUARTERS: usize = 32;
/// How far appointments reach back and ahead, in days.
const DAYS: (i64, i64) = (310, 62);
const PATIENTS: usize = 1_000;
/// Rows of one change.
const BATCH: usize = 1_000;

/// Fills the database with this many appointments.
pub async fn fill(store: &Store, account: &AccountId, visits: usize, now: At) -> Result<()> {
    let patients = add_users(store, account, UserType::Member, "200", PATIENTS, now).await?;
    let providers: usize = ROOMS.iter().sum();
    let each = visits.div_ceil(providers);
    let vault = store.vault(account).await?;
    let mut rows = Vec::with_capacity(BATCH);
    for (n, count) in ROOMS.into_iter().enumerate() {
        let room = add_room(store, account, count, now).await?;
        let people = add_users(store, account, UserType::Provider, &format!("{n}"), count, now).await?;
        for provider in people {
            let rule = add_rule(store, account, room, provider, now).await?;
            for (nth, span) in times(now, each).into_iter().enumerate() {
                let member = patients[(nth * 7 + usize::try_from(provider.0)?) % patients.len()];
                rows.push(row(account, &vault, (room, provider, member, rule), span, now)?);
                if rows.len() == BATCH {
                    add_visits(store, std::mem::take(&mut rows)).await?;
                }
            }
        }
    }
    add_visits(store, rows).await
}

async fn add_room(store: &Store, account: &AccountId, providers: usize, at: At) -> Result<RoomId> {
    let room = NewRoom {
        account: account.clone(),
        code: format!("c{providers}"),
        slug: format!("calendar-{providers}"),
        domain: "bench".to_owned(),
        name: format!("Room of {providers}"),
        subtitle: String::new(),
        description: String::new(),
        settings: RoomSettings {
            appointment_enabled: true,
            default_timezone: ZONE.to_owned(),
            booking: BookingRules { horizon_days: 100, ..BookingRules::default() },
            ..RoomSettings::default()
        },
        at,
    };
    Ok(store.write(move |tx| Box::pin(async move { rooms::add(tx, &room).await })).await?)
}

async fn add_users(
    store: &Store,
    account: &AccountId,
    kind: UserType,
    prefix: &str,
    count: usize,
    at: At,
) -> Result<Vec<UserId>> {
    let users: Vec<NewUser> = (0..count)
        .map(|n| NewUser {
            account: account.clone(),
            kind,
            subtype: String::new(),
            role: String::new(),
            code: format!("calendar-{prefix}-{n}"),
            username: format!("calendar-{prefix}-{n}@bench.example"),
            vseeid: CallIdentity::Named(format!("bench+c{prefix}-{n}")),
            profile: Profile {
                first_name: "Pat".to_owned(),
                last_name: format!("Calendar {n}"),
                ..Profile::default()
            },
            disable_emails: true,
            password_hash: None,
            at,
        })
        .collect();
    let added = store.write::<Vec<UserId>, bedside_store::Error, _>(move |tx| {
        Box::pin(async move {
            let mut ids = Vec::with_capacity(users.len());
            for user in &users {
                ids.push(users::add(tx, user).await?);
            }
            Ok(ids)
        })
    });
    Ok(added.await?)
}

async fn add_rule(
    store: &Store,
    account: &AccountId,
    room: RoomId,
    provider: UserId,
    now: At,
) -> Result<i64> {
    let zone = TimeZone::get(ZONE)?;
    let from = availability::day_of(&zone, now.plus_seconds(-(DAYS.0 + 7) * 86_400));
    let rule = SlotRule {
        id: 0,
        account: account.clone(),
        room,
        provider,
        kind: "appointment".to_owned(),
        when: When::Weekly {
            days: vec![
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
                Weekday::Friday,
            ],
            hours: Hours::new(HOURS.0, HOURS.1).expect("hours that make sense"),
            from: from.expect("a day of our time"),
            until: None,
            except: Vec::new(),
        },
        timezone: ZONE.to_owned(),
        capacity: 1,
        consultations: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(store
        .write(move |tx| {
            Box::pin(async move {
                rooms::assign(tx, &rule.account, room, provider, now).await?;
                slots::add(tx, &rule).await
            })
        })
        .await?)
}

/// Quarters of an hour of a provider, spread over the days behind and ahead.
fn times(now: At, count: usize) -> Vec<Span> {
    let zone = TimeZone::get(ZONE).expect("the zone is known");
    let today = availability::day_of(&zone, now).expect("a day of our time");
    let weekdays = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let spread = |first: i64, last: i64, count: usize| -> Vec<Span> {
        let days: Vec<Date> =
            (first..last).map(|n| today.saturating_add(n.days())).filter(weekdays).collect();
        let all = days.len() * QUARTERS;
        // A stride without a common factor meets every quarter once.
        let count = count.min(all);
        (0..count)
            .filter_map(|n| {
                let place = n * 1_009 % all;
                let minute = HOURS.0 + u16::try_from(place % QUARTERS).ok()? * 15;
                let start = availability::boundary(&zone, days[place / QUARTERS], minute)?;
                Some(Span { start, end: start.plus_minutes(15) })
            })
            .collect()
    };
    let ahead = spread(1, DAYS.1, count / 2);
    let mut all = spread(-DAYS.0, 0, count - ahead.len());
    all.extend(ahead);
    all
}

type Appointment = (Intake, NewVisit, Booking);

fn row(
    account: &AccountId,
    vault: &Vault,
    (room, provider, member, rule): (RoomId, UserId, UserId, i64),
    span: Span,
    now: At,
) -> Result<Appointment> {
    let name = format!("{rule}-{}", span.start.seconds());
    let id: IntakeId = uuid(provider.0, span.start).parse()?;
    let answers = vault.seal(&format!("intakes.answers:{id}"), br#"{"reason_for_visit":"A sore throat"}"#)?;
    let intake = Intake {
        id: id.clone(),
        account: account.clone(),
        member,
        room: Some(room),
        provider: Some(provider),
        kind: 1,
        answers,
        visit: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let over = span.end < now;
    let status = if over { Status::Completed } else { Status::Confirmed };
    let hex = uuid(provider.0, span.start).replace('-', "");
    let visit = NewVisit {
        account: account.clone(),
        code: hex.clone(),
        room,
        member,
        guardian: None,
        intake: id,
        plan: Plan { kind: Kind::Scheduled, subtype: Subtype::Video, start_at: span.start, end_at: span.end },
        state: State::new(status, Some(provider)),
        duration_minutes: 15,
        amount_cents: 0,
        description: String::new(),
        consultation: None,
        meeting: hex,
        conference_pin: 123_456,
        at: now,
    };
    let booking = Booking {
        id: uuid(provider.0, span.start),
        account: account.clone(),
        provider,
        room,
        member,
        slot: name,
        rule: Some(rule),
        seat: 0,
        span,
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        visit: None,
        expires_at: None,
        renewed: false,
        forced: false,
        created_at: now,
    };
    Ok((intake, visit, booking))
}

/// A number of its own for a provider's time.
fn uuid(provider: i64, start: At) -> String {
    let text = format!("{provider:016x}{:016x}", start.0);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

async fn add_visits(store: &Store, rows: Vec<Appointment>) -> Result<()> {
    store
        .write::<_, bedside_store::Error, _>(move |tx| {
            Box::pin(async move {
                for (intake, visit, booking) in rows {
                    intakes::add(tx, &intake).await?;
                    let id: VisitId = visits::add(tx, &visit).await?;
                    bookings::add(tx, &Booking { visit: Some(id), ..booking }).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(())
}
