//! Appointments and encounters: two looks at visits.

use bedside_model::{
    At, Phi, VisitId,
    fhir::{AppointmentStatus, EncounterStatus},
    identifier::Identifier,
    visit::{Kind, Status, Subtype},
};
use bedside_store::{
    identifiers,
    visit_lists::{self, Filter, Mark, Order, Scope, Window},
    visit_views::{self, VisitView as Row},
};

use super::{Ask, Page, Reader, admit, asked, both, foreign_mark, numbers, taken};
use crate::{Actor, App, Result, authz, links};

/// How often a page is filled up with what a status lets through, until it is
/// given as short as it is.
const ROUNDS: usize = 10;

/// A visit with what FHIR says beyond its row.
#[derive(Debug, Clone)]
pub struct CareView {
    /// The joined rows.
    pub row: Row,
    /// Identifiers of other systems.
    pub identifiers: Vec<Identifier>,
    /// As an appointment.
    pub appointment: AppointmentStatus,
    /// As an encounter.
    pub encounter: EncounterStatus,
    /// Where its video call is entered, while it may be.
    pub video_url: Option<Phi<String>>,
}

/// Appointments, by planned begin.
///
/// # Errors
/// 401, 403, 400 for a foreign mark.
pub async fn list_appointments(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<CareView>> {
    let wanted = ask.statuses.as_ref().map(|all| {
        let words = all.iter().filter_map(|word| AppointmentStatus::parse(word));
        words.flat_map(|one| one.statuses().iter().copied()).collect()
    });
    list(app, actor, ask, (&[Kind::Scheduled], wanted), "fhir.appointment", |row, now| {
        row.plan.kind == Kind::Scheduled
            && ask.says(AppointmentStatus::of(&row.state, &row.plan, now).as_str())
    })
    .await
}

/// Visits of all kinds, by planned begin.
///
/// # Errors
/// As [`list_appointments`].
pub async fn list_encounters(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<CareView>> {
    let wanted = ask.statuses.as_ref().map(|all| {
        let words = all.iter().filter_map(|word| EncounterStatus::parse(word));
        words.flat_map(|one| one.statuses().iter().copied()).collect()
    });
    list(app, actor, ask, (&[], wanted), "fhir.encounter", |row, now| {
        ask.says(EncounterStatus::of(&row.state, &row.plan, now).as_str())
    })
    .await
}

async fn list(
    app: &App,
    actor: &Actor,
    ask: &Ask,
    (kinds, wanted): (&[Kind], Option<Vec<Status>>),
    action: &'static str,
    fits: impl Fn(&Row, At) -> bool,
) -> Result<Page<CareView>> {
    admit(actor)?;
    let account = &actor.account;
    let vault = app.store.vault(account).await?;
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let called = called(&mut conn, actor, ask).await?;
    let page = if wanted.as_ref().is_some_and(Vec::is_empty) {
        Page::of_few(Vec::new())
    } else if let Some(ids) = both(ask.ids.as_deref().map(numbers), called) {
        let mut rows = Vec::new();
        for id in ids {
            let found = visit_views::find(&mut conn, account, VisitId(id)).await?;
            let asked_for = |row: &Row| {
                ask.when.has(row.plan.start_at)
                    && ask.patient.is_none_or(|id| id == row.member.id)
                    && fits(row, now)
            };
            rows.extend(found.filter(asked_for));
        }
        rows.sort_by_key(|row| (row.plan.start_at, row.id));
        Page::of_few(rows)
    } else {
        let filter = Filter {
            statuses: wanted.unwrap_or_default().iter().map(|status| status.code()).collect(),
            kinds: kinds.iter().map(|kind| kind.code()).collect(),
            member: ask.patient,
            from: ask.when.from,
            until: ask.when.until,
            ..Filter::default()
        };
        walk(&mut conn, actor, ask, &filter, now, fits).await?
    };
    let ids: Vec<i64> = page.rows.iter().map(|row| row.id.0).collect();
    let mut known = identifiers::list_of_visits(&mut conn, account, &ids).await?;
    drop(conn);
    let mut rows = Vec::with_capacity(ids.len());
    for row in page.rows {
        app.reads.note(app, actor, row.member.id, action);
        let video = row.plan.subtype == Subtype::Video && row.state.status.is_open();
        let link = if video { links::shown(app, actor, &vault, &row)? } else { None };
        let plain = || format!("{}/members/appointment/{}", app.settings.pages_url, row.id).into();
        rows.push(CareView {
            identifiers: taken(&mut known, row.id.0),
            appointment: AppointmentStatus::of(&row.state, &row.plan, now),
            encounter: EncounterStatus::of(&row.state, &row.plan, now),
            video_url: video.then(|| link.unwrap_or_else(plain)),
            row,
        });
    }
    Ok(Page { rows, total: page.total, next: page.next })
}

/// Reads on until the page is full: some of FHIR's states depend on the time,
/// and are told only by looking at a row.
async fn walk(
    conn: Reader<'_>,
    actor: &Actor,
    ask: &Ask,
    filter: &Filter,
    now: At,
    fits: impl Fn(&Row, At) -> bool,
) -> Result<Page<Row>> {
    let (me, _) = authz::user(actor)?;
    let order = Order::StartAscending;
    let mut after = ask.after.as_deref().map(read_mark).transpose()?;
    let mut rows: Vec<Row> = Vec::new();
    for _ in 0..ROUNDS {
        let left = ask.count - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        let window = Window { after, offset: 0, limit: left + 1 };
        let whose = (Scope::Account, me);
        let mut read = visit_lists::page(conn, &actor.account, whose, filter, order, window, now).await?;
        let more = read.len() > usize::try_from(left).unwrap_or(usize::MAX);
        if more {
            read.pop();
        }
        after = read.last().filter(|_| more).map(|row| Mark::of(row, order, me, now));
        rows.extend(read.into_iter().filter(|row| fits(row, now)));
        if !more {
            break;
        }
    }
    Ok(Page { rows, total: None, next: after.map(|mark| format!("{}.{}", mark.key, mark.id)) })
}

fn read_mark(text: &str) -> Result<Mark> {
    let (key, id) = text.split_once('.').ok_or_else(foreign_mark)?;
    let key = key.parse().map_err(|_| foreign_mark())?;
    Ok(Mark { rank: 0, key, id: id.parse().map_err(|_| foreign_mark())? })
}

/// The visits of the identifiers that are asked for.
async fn called(conn: Reader<'_>, actor: &Actor, ask: &Ask) -> Result<Option<Vec<i64>>> {
    let Some(tokens) = &ask.identifiers else { return Ok(None) };
    let mut found = Vec::new();
    for token in tokens.iter().filter_map(asked) {
        found.extend(identifiers::find_visits(conn, &actor.account, token, super::MAX_COUNT).await?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}
