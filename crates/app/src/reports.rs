//! Reports: what a clinic's visits add up to. Asked for here, put together from
//! kept figures that `roll_up` counts whenever something has changed. What each
//! figure means is in `model::report` and docs/reports.md.

mod roll_up;

use std::collections::BTreeMap;

use bedside_model::{
    At, Phi, UserId,
    permission::{Action, Relations},
    report::{
        By, FEWEST_RATINGS, Level, MAX_DAYS, MAX_PERIODS, Period, Report, Tally,
        period::{QUARTER_SECONDS, begin_of, quarter_of, runs},
    },
};
use bedside_store::{
    Conn,
    reports::{self, Bucket, Scope},
    rooms,
};
use jiff::tz::TimeZone;

use crate::{Actor, App, Error, Result, authz};

pub use roll_up::roll_up;

/// Days of a report whose begin is not said.
const DAYS: i64 = 30;
/// No instant behind this one is asked about: the end of the year 9999.
const LATEST: i64 = 253_402_300_799;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Name of the report.
    pub name: String,
    /// From, UNIX seconds; 30 days before the end if not said.
    pub start: Option<i64>,
    /// Until before, UNIX seconds; now if not said.
    pub end: Option<i64>,
    /// `day`, `week` or `month`; one row if not said.
    pub by: Option<String>,
    /// Code or slug of a room.
    pub room: Option<String>,
    /// A provider.
    pub provider: Option<UserId>,
    /// IANA name of the zone in which days begin.
    pub zone: Option<String>,
}

/// A row: a stretch of time, of one provider in the report of their load.
#[derive(Debug, Clone)]
pub struct Row {
    /// From.
    pub start: At,
    /// Until before.
    pub end: At,
    /// The local day on which it begins.
    pub date: String,
    /// Whose row it is.
    pub provider: Option<Provider>,
    /// One for each of the report's columns.
    pub figures: Vec<Option<f64>>,
}

/// A provider in a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// For those who may see names.
    Named(UserId, String),
    /// For those who see no person: stands for one provider of this clinic, the
    /// same in every report.
    Coded(String),
}

/// A report.
#[derive(Debug, Clone)]
pub struct View {
    /// Which.
    pub report: Report,
    /// Where its days begin.
    pub zone: TimeZone,
    /// How it is split.
    pub by: Option<By>,
    /// Everything that happened before this is counted.
    pub computed_at: At,
    /// Nothing waits to be counted.
    pub is_current: bool,
    /// All rows as one; its provider is none.
    pub total: Row,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Puts a report together.
///
/// # Errors
/// 401, 403 (`names_hidden` where somebody who sees no person asks for one),
/// 404 for an unknown report or room, 400 naming the field.
pub async fn get(app: &App, actor: &Actor, ask: &Ask) -> Result<View> {
    authz::account(actor, Action::ReportsRead)?;
    let report = Report::parse(&ask.name).ok_or_else(|| Error::not_found("report"))?;
    let sees_names = authz::may(actor, Relations::SAME_ACCOUNT, Action::ReportsNames);
    if ask.provider.is_some() && !sees_names {
        return Err(Error::forbidden("names_hidden", "Your role sees figures without persons."));
    }
    let by = match ask.by.as_deref() {
        Some(word) => Some(By::parse(word).ok_or_else(|| Error::field("by", "use day, week or month"))?),
        None => None,
    };
    let whole = stretch(ask, app.clock.now())?;
    let conn = &mut app.store.reader().await?;
    let room = match &ask.room {
        Some(name) => {
            let found = rooms::find_named(conn, &actor.account, name).await?;
            Some(found.ok_or_else(|| Error::not_found("room"))?.id)
        }
        None => None,
    };
    let zone = match ask.zone.as_deref() {
        Some(name) => TimeZone::get(name)
            .map_err(|_| Error::field("timezone", "use the name of a time zone, such as Europe/Lisbon"))?,
        None => reports::zone(conn, &actor.account, room).await?,
    };
    let periods = whole.split(by, &zone, MAX_PERIODS).ok_or_else(|| {
        Error::field("by", "makes more than 800 rows: ask for a shorter time, or longer rows")
    })?;
    let now = app.clock.now();
    let computed = reports::computed_at(conn, &actor.account).await?;
    let scope = Scope {
        room: room.map_or(reports::ALL, |id| id.0),
        provider: ask.provider.map_or(reports::ALL, |id| id.0),
    };
    let each = report == Report::ProviderLoad && scope.provider == reports::ALL;
    let found = read(conn, actor, &periods, scope, each).await?;
    let people = if report == Report::ProviderLoad {
        people(app, conn, actor, sees_names).await?
    } else {
        BTreeMap::new()
    };
    let hidden = !sees_names && report == Report::Ratings;
    Ok(View {
        report,
        by,
        computed_at: computed.unwrap_or(now),
        is_current: computed.is_none(),
        total: {
            let mut all = Tally::default();
            found.values().for_each(|tally| all.merge(tally));
            row(report, whole, &zone, (None, &all), hidden)
        },
        rows: rows(report, &periods, &zone, (&found, &people, scope), hidden),
        zone,
    })
}

fn stretch(ask: &Ask, now: At) -> Result<Period> {
    let end = ask.end.unwrap_or(now.seconds());
    let start = ask.start.unwrap_or(end.saturating_sub(DAYS * 86_400));
    if !(0..=LATEST).contains(&start) {
        return Err(Error::field("start", "use UNIX seconds"));
    }
    if end <= start || end > LATEST {
        return Err(Error::field("end", "must lie after start"));
    }
    if end - start > MAX_DAYS * 86_400 {
        return Err(Error::field("start", "a report spans at most 3660 days"));
    }
    // Every quarter that the stretch touches.
    let last = quarter_of(At::from_seconds(end + QUARTER_SECONDS - 1));
    Ok(Period { start: quarter_of(At::from_seconds(start)), end: last })
}

/// Figures by row of time and provider ([`reports::ALL`] where nobody's alone are
/// asked for).
type Found = BTreeMap<(usize, i64), Tally>;

async fn read(conn: &mut Conn, actor: &Actor, periods: &[Period], scope: Scope, each: bool) -> Result<Found> {
    let mut found = Found::new();
    for run in runs(periods, &Level::ALL) {
        let level = run.0;
        for bucket in list(conn, actor, run, scope, each).await? {
            let quarter = bucket.slot * level.quarters();
            let place = periods.partition_point(|period| period.end <= quarter);
            let provider = if each { bucket.scope.provider } else { scope.provider };
            found.entry((place, provider)).or_default().merge(&bucket.tally);
        }
    }
    Ok(found)
}

/// The buckets of a run that belong to the scope. Quarters are kept for each room
/// and provider alone, longer stretches for all of them together too.
async fn list(
    conn: &mut Conn,
    actor: &Actor,
    run @ (level, first, end): (Level, i64, i64),
    scope: Scope,
    each: bool,
) -> Result<Vec<Bucket>> {
    let account = &actor.account;
    let fits = |wanted: i64, is: i64| wanted == reports::ALL || wanted == is;
    let all = match level {
        Level::Quarter => {
            let mut all = reports::list(conn, account, level, first, end).await?;
            all.retain(|bucket| {
                fits(scope.room, bucket.scope.room) && fits(scope.provider, bucket.scope.provider)
            });
            all
        }
        _ if each => reports::list_of_room(conn, account, run, scope.room).await?,
        _ => return Ok(reports::list_of(conn, account, run, scope).await?),
    };
    let one = |bucket: &Bucket| !each || bucket.scope.provider > reports::NONE;
    Ok(all.into_iter().filter(one).collect())
}

async fn people(
    app: &App,
    conn: &mut Conn,
    actor: &Actor,
    sees_names: bool,
) -> Result<BTreeMap<i64, Provider>> {
    let names = reports::list_names(conn, &actor.account).await?;
    let key = app.store.master_key()?;
    let shown = |(id, name): (UserId, Phi<String>)| {
        let provider = if sees_names {
            Provider::Named(id, name.into_inner())
        } else {
            // From the house's key, so that nobody finds the number by trying all.
            let label = format!("reports.provider:{}:{id}", actor.account.as_str());
            let code = key.derive(label.as_bytes());
            Provider::Coded(data_encoding::HEXLOWER.encode(&code[..5]))
        };
        (id.0, provider)
    };
    Ok(names.into_iter().map(shown).collect())
}

fn rows(
    report: Report,
    periods: &[Period],
    zone: &TimeZone,
    (found, people, scope): (&Found, &BTreeMap<i64, Provider>, Scope),
    hidden: bool,
) -> Vec<Row> {
    if report != Report::ProviderLoad {
        let none = Tally::default();
        let tally = |place| found.get(&(place, scope.provider)).unwrap_or(&none);
        let one =
            |(place, period): (usize, &Period)| row(report, *period, zone, (None, tally(place)), hidden);
        return periods.iter().enumerate().map(one).collect();
    }
    let mut rows: Vec<Row> = found
        .iter()
        .filter(|(_, tally)| !tally.durations.is_empty())
        .map(|((place, provider), tally)| {
            let whose = people.get(provider).cloned();
            row(report, periods[*place], zone, (whose, tally), hidden)
        })
        .collect();
    // By name or code: the order of numbers would tell who is who.
    rows.sort_by(|a, b| (a.start, &a.provider).cmp(&(b.start, &b.provider)));
    rows
}

fn row(
    report: Report,
    period: Period,
    zone: &TimeZone,
    (provider, tally): (Option<Provider>, &Tally),
    hidden: bool,
) -> Row {
    let mut figures = report.figures(tally);
    let few = tally.ratings.iter().sum::<u64>() < FEWEST_RATINGS;
    if hidden && few {
        // The count stays; what the few said does not.
        figures.iter_mut().skip(1).for_each(|figure| *figure = None);
    }
    Row {
        start: begin_of(period.start),
        end: begin_of(period.end),
        date: period.label(zone),
        provider,
        figures,
    }
}
