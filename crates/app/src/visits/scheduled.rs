//! Appointments: a visit at a time that was free. The time is taken in the one
//! change that makes the visit; a series is made whole or not at all.

use bedside_model::{
    AccountId, At, IntakeId, Phi, UserId, VisitId,
    availability::{self, Span},
    event::EventType,
    permission::{Action as Right, Relations},
    visit::{Kind, Plan, State, Status, Subtype},
};
use bedside_store::{Tx, Vault, appointments, intakes as stored_intakes, intakes::Intake, visits::NewVisit};
use jiff::ToSpan;

use super::{
    VisitView, appointment,
    from_intake::{FromIntake, Ground, insert, only_once, pin},
    view,
};
use crate::{
    Actor, App, Error, Result, authz,
    availability::{Desk, Wanted, appointments_disabled, confirm, length, reserve, with_nearest},
    consents,
    events::{self, Subject},
    intakes, links,
};

/// Most appointments of one series.
const MAX_REPEATS: i64 = 52;

/// An appointment to make.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What it comes with.
    pub from: FromIntake,
    /// Begin.
    pub start_at: At,
    /// End; else the consultation's length after the begin.
    pub end_at: Option<At>,
    /// Video unless said.
    pub subtype: Option<Subtype>,
    /// Staff book outside the offered times.
    pub overriding: bool,
    /// Staff book over something else.
    pub force: bool,
    /// Why, for the audit trail.
    pub reason: Option<Phi<String>>,
    /// How many, one a week; none is one.
    pub repeat: Option<i64>,
}

/// What was made.
#[derive(Debug)]
pub struct Scheduled {
    /// The first one.
    pub view: VisitView,
    /// What opens it without a login, where the clinic uses such links.
    pub link: Option<Phi<String>>,
    /// All of them; empty unless it repeats.
    pub series: Vec<VisitId>,
}

struct Made {
    first: VisitId,
    link: Option<String>,
    series: Vec<VisitId>,
}

/// Makes an appointment, or a weekly series of them. An admin token books also
/// outside the offered times; over something else only with `force`.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `slot_taken` with the nearest free
/// times, `appointments_disabled`, `intake_already_used`, `consent_missing`.
pub async fn add(app: &App, actor: &Actor, command: Schedule) -> Result<Scheduled> {
    authz::user(actor)?;
    if command.repeat.is_some_and(|count| !(2..=MAX_REPEATS).contains(&count)) {
        return Err(Error::field("repeat.count", "use 2 to 52"));
    }
    if command.subtype == Some(Subtype::EConsult) {
        return Err(Error::field("subtype", "an e-consult has no time; make one with /visits/add_econsult"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (intake, provider, start) = (command.from.intake.clone(), command.from.provider, command.start_at);
    let (owner, caller) = (app.clone(), actor.clone());
    // Kept outside the change, for the times nearest to one that was taken.
    let desk = std::sync::Arc::new(std::sync::OnceLock::new());
    let seen = desk.clone();
    let added = app
        .store
        .write(move |tx| Box::pin(async move { add_in(tx, &owner, &caller, &vault, &command, &seen).await }))
        .await;
    let (first, link, series) = match added {
        Ok(Made { first, link, series }) => (Ok(first), link, series),
        Err(error) => {
            let error = match desk.get() {
                Some(desk) => with_nearest(app, actor, desk, provider, start, error).await,
                None => error,
            };
            (Err(error), None, Vec::new())
        }
    };
    let id = only_once(app, actor, &intake, first).await?;
    Ok(Scheduled { view: view(app, actor, id).await?, link: link.map(Phi::from), series })
}

async fn add_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    command: &Schedule,
    seen: &std::sync::OnceLock<Desk>,
) -> Result<Made> {
    let ground = command.from.ground(tx, actor, vault).await?;
    let overriding = may_override(tx, actor, &ground, command).await?;
    if !overriding && !ground.room.settings.appointment_enabled {
        return Err(appointments_disabled());
    }
    consents::check_new(tx, app, actor, &ground.room, ground.intake.member).await?;
    let minutes = length(command.start_at, command.end_at)?;
    let consultation = ground.consultation.as_ref().map(|one| one.id.clone());
    let desk = Desk::new(ground.room.clone(), consultation.as_deref(), minutes)?;
    let desk = seen.get_or_init(|| desk);
    let first = Span { start: command.start_at, end: command.start_at.plus_minutes(desk.duration_minutes) };
    let count = command.repeat.unwrap_or(1);
    let series = (count > 1).then(|| app.random.uuid(app.clock.now()));
    let links = links::are_used(tx, &actor.account).await?;
    let (mut made, mut first_link) = (Vec::new(), None);
    let mut provider = ground.provider;
    for week in 0..count {
        let span = later(desk, first, week)?;
        let wanted = Wanted {
            desk,
            provider,
            span,
            member: ground.intake.member,
            overriding,
            force: overriding && command.force,
            replaces: None,
            expires_at: None,
        };
        let booking = reserve(tx, app, &actor.account, wanted).await?;
        // One series, one provider.
        provider = Some(booking.provider);
        let intake = match week {
            0 => ground.intake.id.clone(),
            _ => copied(tx, app, vault, &actor.account, &ground.intake).await?,
        };
        let subtype = command.subtype.unwrap_or(Subtype::Video);
        let id = put(tx, app, actor, &ground, (intake, booking.provider, span, subtype)).await?;
        confirm(tx, &actor.account, &booking, id).await?;
        if let Some(series) = &series {
            appointments::set_series(tx, &actor.account, id, series).await?;
        }
        if links {
            let link = links::mint(tx, app, vault, &actor.account, id).await?;
            first_link.get_or_insert(link);
        }
        let over = overriding && booking.rule.is_none();
        let name = if over { "visits.override" } else { "visits.add" };
        appointment::note(
            tx,
            app,
            actor,
            (name, id),
            (vault, &command.reason),
            over.then_some((desk, &booking)),
        )
        .await?;
        made.push(id);
    }
    let first = *made.first().ok_or_else(|| Error::field("repeat.count", "use 2 to 52"))?;
    let series = if series.is_some() { made } else { Vec::new() };
    Ok(Made { first, link: first_link, series })
}

/// May the caller book outside the offered times, and do they want to?
async fn may_override(tx: &mut Tx, actor: &Actor, ground: &Ground, command: &Schedule) -> Result<bool> {
    if appointment::always_overrides(actor) {
        return Ok(true);
    }
    if !command.overriding && !command.force {
        return Ok(false);
    }
    let relations: Relations =
        authz::to_care(tx, actor, ground.intake.member, ground.provider, Some(ground.room.id)).await?;
    if authz::may(actor, relations, Right::VisitUpdate) {
        Ok(true)
    } else {
        Err(appointment::override_not_allowed())
    }
}

/// The same time some weeks later, by the room's clock.
fn later(desk: &Desk, first: Span, weeks: i64) -> Result<Span> {
    let far = || Error::field("repeat.count", "reaches too far ahead");
    if weeks == 0 {
        return Ok(first);
    }
    let shown =
        jiff::Timestamp::from_millisecond(first.start.0).map_err(|_| far())?.to_zoned(desk.zone.clone());
    let day = shown.date().checked_add((7 * weeks).days()).map_err(|_| far())?;
    let minute =
        u16::try_from(i32::from(shown.hour()) * 60 + i32::from(shown.minute())).map_err(|_| far())?;
    let start = availability::boundary(&desk.zone, day, minute).ok_or_else(far)?;
    Ok(Span { start, end: At(start.0 + (first.end.0 - first.start.0)) })
}

/// Each visit of a series has an intake of its own, with the same answers.
async fn copied(tx: &mut Tx, app: &App, vault: &Vault, account: &AccountId, of: &Intake) -> Result<IntakeId> {
    let now = app.clock.now();
    let id = IntakeId(app.random.uuid(now));
    let answers = intakes::reseal(vault, (&of.id, &of.answers), &id)?;
    let copy = Intake {
        id: id.clone(),
        account: account.clone(),
        answers,
        visit: None,
        version: 1,
        created_at: now,
        updated_at: now,
        ..of.clone()
    };
    stored_intakes::add(tx, &copy).await?;
    crate::form_answers::copy(tx, app, vault, of, &id).await?;
    Ok(id)
}

async fn put(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    ground: &Ground,
    (intake, provider, span, subtype): (IntakeId, UserId, Span, Subtype),
) -> Result<VisitId> {
    let now = app.clock.now();
    let by_hand =
        ground.room.settings.booking.confirm_by_hand && actor.kind().is_some_and(|kind| kind.is_patient());
    let status = if by_hand { Status::Pending } else { Status::Confirmed };
    let chosen = ground.consultation.as_ref();
    let new = NewVisit {
        account: actor.account.clone(),
        code: app.random.hex(),
        room: ground.room.id,
        member: ground.intake.member,
        guardian: ground.guardian,
        intake,
        plan: Plan { kind: Kind::Scheduled, subtype, start_at: span.start, end_at: span.end },
        state: State::new(status, Some(provider)),
        duration_minutes: span.minutes(),
        amount_cents: chosen.filter(|one| one.is_charged()).map_or(0, |one| one.amount_cents),
        consultation: chosen.map(|one| one.id.clone()),
        description: chosen.map(|one| one.description.clone()).unwrap_or_default(),
        meeting: app.random.hex(),
        conference_pin: pin(app),
        at: now,
    };
    let id = insert(tx, &new).await?;
    let mut subject = Subject::visit(id, new.room, new.member, &new.state).planned(&new.plan).by(actor);
    subject.data.guardian_id = ground.guardian.map(|id| id.to_string());
    events::append(tx, app, &actor.account, EventType::VisitCreated, subject).await?;
    Ok(id)
}
