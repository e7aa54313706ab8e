//! Appointments that repeat: calling off or moving one of them, those from it
//! on, or all. All of what is asked for happens or none of it; what is over or
//! closed stays as it is.

use std::sync::{Arc, Mutex, PoisonError};

use bedside_model::{
    At, VisitId,
    availability::boundary,
    permission::Action as Right,
    visit::{Action, Kind},
};
use bedside_store::{
    Tx, Vault, appointments, bookings, rooms,
    visits::{self, Visit},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{Command, Update, VisitView, change_in, update::told_nearest, view};
use crate::{Actor, App, Error, Result, authz};

/// How many appointments of a series a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The one it names.
    #[default]
    This,
    /// That one and those after it.
    Following,
    /// All that are still to come.
    All,
}

/// What came of it.
#[derive(Debug)]
pub struct Changed {
    /// The visit that was named.
    pub view: VisitView,
    /// All that were changed, in the order of their times; empty for
    /// [`Scope::This`].
    pub series: Vec<VisitId>,
}

/// What happens to each of them.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Cancel(Action),
    Update(Update),
}

impl Deed {
    const fn name(&self) -> &'static str {
        match self {
            Self::Cancel(_) => "visits.cancel",
            Self::Update(_) => "visits.update",
        }
    }
}

/// What was done inside the change, and what is left to do behind it.
struct Done {
    series: Vec<VisitId>,
    calls: Vec<String>,
}

/// The visit whose time was taken, and where it was to go.
type Failed = Arc<Mutex<Option<(VisitId, Update)>>>;

/// Does a deed to a visit and to the others of its series.
///
/// # Errors
/// What the deed's own operation says, of any of them, with its `visit_id`; 403
/// `link_not_enough` for whoever holds the link of one.
pub(super) async fn run(
    app: &App,
    actor: &Actor,
    id: VisitId,
    right: Right,
    deed: Deed,
    scope: Scope,
) -> Result<Changed> {
    authz::user(actor)?;
    if scope != Scope::This && actor.link().is_some() {
        return Err(Error::forbidden(
            "link_not_enough",
            "This link opens one appointment only. Sign in for everything else.",
        ));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let failed = Failed::default();
    let noted = failed.clone();
    let done = app
        .store
        .write(move |tx| {
            Box::pin(
                async move { run_in(tx, &owner, &caller, &vault, (id, right), (&deed, scope), &noted).await },
            )
        })
        .await;
    let done = match done {
        Err(error) if error.code() == Some("slot_taken") => {
            let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some((visit, update)) = failed else { return Err(error) };
            let wanted = (update.start_at, update.provider);
            return Err(told_nearest(app, actor, visit, wanted, error).await?);
        }
        done => done?,
    };
    for meeting in &done.calls {
        // At once for the people in it; the job repeats it after a crash.
        app.calls.end(meeting).await;
    }
    Ok(Changed { view: view(app, actor, id).await?, series: done.series })
}

async fn run_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    (id, right): (VisitId, Right),
    (deed, scope): (&Deed, Scope),
    failed: &Failed,
) -> Result<Done> {
    let mut done = Done { series: Vec::new(), calls: Vec::new() };
    for (visit, command) in each(tx, app, actor, (id, right), (deed, scope)).await? {
        let wanted = match &command {
            Command::Update(update) => Some(update.clone()),
            _ => None,
        };
        let ended =
            change_in(tx, app, actor, vault, visit, right, deed.name(), &command).await.map_err(|error| {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = wanted.map(|update| (visit, update));
                if scope == Scope::This { error } else { error.with("visit_id", visit.to_string()) }
            })?;
        done.calls.extend(ended);
        done.series.push(visit);
    }
    if scope == Scope::This {
        done.series.clear();
    }
    Ok(done)
}

/// Which visits, and what is done to each, in an order in which none is in the
/// way of the one before it.
async fn each(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    (id, right): (VisitId, Right),
    (deed, scope): (&Deed, Scope),
) -> Result<Vec<(VisitId, Command)>> {
    let account = &actor.account;
    let alone = |deed: &Deed| match deed {
        Deed::Cancel(action) => Command::from(*action),
        Deed::Update(update) => Command::Update(update.clone()),
    };
    if scope == Scope::This {
        return Ok(vec![(id, alone(deed))]);
    }
    let named = visits::find(tx, account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(tx, actor, &named, right).await?;
    // Two changes of one series, in opposite orders, would wait for each other.
    if let Some(provider) = named.state.provider.or(named.state.requested_provider) {
        bookings::lock_provider(tx, account, provider).await?;
    }
    let now = app.clock.now();
    let mut all = Vec::new();
    for other in appointments::list_series(tx, account, id, scope == Scope::All).await? {
        let other = visits::find(tx, account, other).await?.ok_or_else(|| Error::not_found("visit"))?;
        if other.id == id || other.plan.start_at > now {
            all.push(other);
        }
    }
    // It repeats with nothing, or all of it is closed: the visit itself says so.
    if all.is_empty() {
        return Ok(vec![(id, alone(deed))]);
    }
    let Deed::Update(update) = deed else {
        return Ok(all.iter().map(|visit| (visit.id, alone(deed))).collect());
    };
    if named.plan.kind != Kind::Scheduled {
        return Ok(vec![(id, alone(deed))]);
    }
    let room = rooms::find(tx, account, named.room).await?.ok_or_else(|| Error::not_found("room"))?;
    let shift = Shift::of(room.settings.zone(), update, &named)?;
    if update.start_at.is_some_and(|start| start > named.plan.start_at) {
        // Later ones first: each moves to where the next one was.
        all.reverse();
    }
    all.iter().map(|visit| Ok((visit.id, Command::Update(shift.applied(update, &named, visit)?)))).collect()
}

/// From one plan to another by the clock on the room's wall, so that "an hour
/// later" stays an hour later on both sides of a clock change.
struct Shift {
    zone: TimeZone,
    by: jiff::SignedDuration,
    /// Another length, in milliseconds.
    length: Option<i64>,
}

fn too_far() -> Error {
    Error::field("start", "moves one of the series too far")
}

fn wall(zone: &TimeZone, at: At) -> Result<DateTime> {
    Ok(zone.to_datetime(Timestamp::from_millisecond(at.0).map_err(|_| too_far())?))
}

impl Shift {
    fn of(zone: TimeZone, update: &Update, named: &Visit) -> Result<Self> {
        let start = update.start_at.unwrap_or(named.plan.start_at);
        let by = wall(&zone, named.plan.start_at)?.duration_until(wall(&zone, start)?);
        Ok(Self { zone, by, length: update.end_at.map(|end| end.0.saturating_sub(start.0)) })
    }

    /// What is asked of one of the series.
    fn applied(&self, update: &Update, named: &Visit, of: &Visit) -> Result<Update> {
        if of.id == named.id {
            return Ok(update.clone());
        }
        let mut applied = update.clone();
        let start = match update.start_at {
            Some(_) => self.moved(of.plan.start_at)?,
            None => of.plan.start_at,
        };
        applied.start_at = update.start_at.map(|_| start);
        applied.end_at = self.length.map(|length| At(start.0.saturating_add(length)));
        Ok(applied)
    }

    fn moved(&self, at: At) -> Result<At> {
        let to = wall(&self.zone, at)?.checked_add(self.by).map_err(|_| too_far())?;
        let minute =
            u16::try_from(i32::from(to.hour()) * 60 + i32::from(to.minute())).map_err(|_| too_far())?;
        let start = boundary(&self.zone, to.date(), minute).ok_or_else(too_far)?;
        Ok(start.plus_seconds(i64::from(to.second())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn the_clock_on_the_wall_moves_by_the_same() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let by = |seconds: i64| Shift {
            zone: zone.clone(),
            by: jiff::SignedDuration::from_secs(seconds),
            length: None,
        };
        for (seconds, from, to) in [
            // An hour later, before, across and after the change of 7 November.
            (3_600, "2027-11-01T13:00:00Z", "2027-11-01T14:00:00Z"),
            (3_600, "2027-11-08T14:00:00Z", "2027-11-08T15:00:00Z"),
            // Two days later: nine stays nine.
            (2 * 86_400, "2027-11-05T13:00:00Z", "2027-11-07T14:00:00Z"),
            (-7 * 86_400, "2027-11-08T14:00:00Z", "2027-11-01T13:00:00Z"),
            // Into the missing hour of March: when the clock has jumped.
            (-6 * 3_600 - 1_800, "2028-03-12T13:00:00Z", "2028-03-12T07:00:00Z"),
        ] {
            assert_eq!(by(seconds).moved(at(from)).unwrap(), at(to), "{from} by {seconds}");
        }
    }
}
