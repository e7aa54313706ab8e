//! What the room says of an appointment that is made: from when its patient may
//! enter, until when it can be changed, and the time that it takes.

use bedside_model::{
    AccountId, At, Phi, VisitId,
    availability::{BookingRules, Span},
    permission::{self, Action as Right, Relation, Relations},
    user::UserType,
    visit::{self, Action, CloseReason, Kind, Refusal, Status},
};
use bedside_store::{
    Conn, Tx, Vault, appointments,
    bookings::{self, Booking},
    rooms::{self, Room},
    visit_views::VisitView as Row,
    visits::Visit,
};

use crate::{
    Actor, App, Error, Result, Who,
    audit::{self, Detail, Overridden},
    availability::{Desk, Wanted, confirm, overridden, reserve},
};

async fn rules(conn: &mut Conn, visit: &Visit) -> Result<BookingRules> {
    let room =
        rooms::find(conn, &visit.account, visit.room).await?.ok_or_else(|| Error::not_found("room"))?;
    Ok(room.settings.booking)
}

/// Coming to wait, from when the room lets the patient in.
pub(super) async fn arrival(conn: &mut Conn, visit: &Visit) -> Result<Action> {
    let opens_at = visit::opens_at(&visit.plan, &rules(conn, visit).await?);
    Ok(Action::Arrive { opens_at: opens_at.unwrap_or(visit.plan.start_at) })
}

/// The state machine's refusal of an action, as clients read it.
pub(super) fn refused(refusal: Refusal, action: Action) -> Error {
    let error = Error::invalid(refusal.code(), refusal.to_string());
    match action {
        Action::Arrive { opens_at } if refusal == Refusal::TooEarly => {
            error.with("can_start_at", opens_at.seconds())
        }
        _ => error,
    }
}

/// May the patient say that they are there? Not before the waiting room of
/// their appointment opens.
pub(super) async fn check_start(app: &App, visit: &Visit) -> Result<()> {
    if visit.state.status == Status::InProgress || visit.state.arrived_at.is_some() {
        return Ok(());
    }
    let rules = rules(&mut app.store.reader().await?, visit).await?;
    match visit::opens_at(&visit.plan, &rules) {
        Some(opens_at) if app.clock.now() < opens_at => {
            Err(refused(Refusal::TooEarly, Action::Arrive { opens_at }))
        }
        _ => Ok(()),
    }
}

/// May somebody who sees this appointment move or cancel it now? Whoever may
/// see it stands to it in one of few ways, so that no row has to be asked.
pub(super) fn can_change(actor: &Actor, row: &Row, now: At) -> bool {
    let (me, kind) = (actor.user(), actor.kind());
    let patient = kind.is_some_and(UserType::is_patient);
    let relations = Relations::SAME_ACCOUNT
        .with(Relation::Myself, patient && me == Some(row.member.id))
        .with(Relation::Guardian, kind == Some(UserType::Member) && me != Some(row.member.id))
        .with(Relation::MyRoom, kind == Some(UserType::Provider));
    visit::can_change(&row.state, &row.plan, &row.booking, patient, now)
        // Asked without a trace: nothing is done under this right.
        && permission::may(actor.standing(), relations, Right::VisitMove)
}

/// What the room says of patients who change an appointment: whether at all,
/// and until when. Whoever waits already may always leave.
pub(super) async fn check_change(
    tx: &mut Tx,
    actor: &Actor,
    visit: &Visit,
    action: Action,
    now: At,
) -> Result<()> {
    let changes = match action {
        Action::Update(_) | Action::Cancel { .. } => true,
        Action::Close { reason, .. } => reason == CloseReason::PatientCancelAppointment,
        _ => false,
    };
    if !changes || visit.plan.kind != Kind::Scheduled || !actor.kind().is_some_and(UserType::is_patient) {
        return Ok(());
    }
    visit::check_by_patient(&visit.state, &visit.plan, &rules(tx, visit).await?, now)
        .map_err(|refusal| refused(refusal, action))
}

/// The admin token books wherever it says (core.md 1.8).
pub(super) const fn always_overrides(actor: &Actor) -> bool {
    matches!(actor.who, Who::AdminToken { .. } | Who::System)
}

/// The refusal of a patient who says that the rules do not count.
pub(super) fn override_not_allowed() -> Error {
    Error::forbidden("override_not_allowed", "Only staff may book outside the offered times.")
}

/// The audit entry of an appointment that was made or moved, with the reason
/// that came with it and what it was put over.
pub(super) async fn note(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    (name, id): (&'static str, VisitId),
    (vault, reason): (&Vault, &Option<Phi<String>>),
    over: Option<(&Desk, &Booking)>,
) -> Result<()> {
    let object = ("visit", id.to_string());
    let overridden = match over {
        Some((desk, booking)) => overridden(tx, &actor.account, desk, booking, app.clock.now()).await?,
        None if reason.is_none() => return audit::write(tx, app, actor, name, object).await,
        None => Overridden::default(),
    };
    let detail = Detail { reason: reason.clone(), overridden };
    audit::write_with(tx, app, actor, name, object, (vault, &detail)).await
}

/// Over what an appointment may be put.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Liberty {
    /// Outside the offered times.
    pub overriding: bool,
    /// Over something else.
    pub force: bool,
}

impl Liberty {
    /// What somebody may who moves an appointment with these words.
    ///
    /// # Errors
    /// 403 `override_not_allowed` for patients.
    pub fn of(actor: &Actor, overriding: bool, force: bool) -> Result<Self> {
        let asked = overriding || force;
        if asked && actor.kind().is_some_and(UserType::is_patient) {
            return Err(override_not_allowed());
        }
        let overriding = asked || always_overrides(actor);
        Ok(Self { overriding, force })
    }

    /// For what is no move by itself: a visit that is handed on keeps its time,
    /// offered or not, and whoever is with a patient already is not held up.
    pub fn of_handover(new: &Visit) -> Self {
        Self { overriding: true, force: new.state.status == Status::InProgress }
    }
}

/// What an appointment was booked for, where it is now: also in a room that
/// does not know the consultation, or not any more.
pub(super) fn desk_of(visit: &Visit, room: Room) -> Result<Desk> {
    let known = |id: &&str| room.settings.consultations.iter().any(|one| one.id == *id);
    let consultation = visit.consultation.as_deref().filter(known).map(str::to_owned);
    let span = Span { start: visit.plan.start_at, end: visit.plan.end_at };
    Desk::new(room, consultation.as_deref(), Some(span.minutes()))
}

/// Keeps the time that an appointment takes in step with the visit: moved with
/// it, free once it is cancelled or handed to the queue of a room. Gives the
/// new time with its desk when it is one that is not offered.
pub(super) async fn follow(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    (old, new): (&Visit, &Visit),
    liberty: Liberty,
) -> Result<Option<(Desk, Booking)>> {
    if old.plan.kind != Kind::Scheduled {
        return Ok(None);
    }
    if !new.state.status.is_open() {
        // A completed visit keeps what is behind it only.
        if new.state.status == Status::Cancelled || new.plan.end_at > app.clock.now() {
            bookings::free(tx, account, new.id).await?;
        }
        return Ok(None);
    }
    let whose = |visit: &Visit| visit.state.provider.or(visit.state.requested_provider);
    let same = (new.plan.start_at, new.plan.end_at, new.room, whose(new))
        == (old.plan.start_at, old.plan.end_at, old.room, whose(old));
    if same {
        return Ok(None);
    }
    if new.plan.end_at > app.clock.now() {
        appointments::forget_missed(tx, account, new.id).await?;
    }
    let Some(provider) = whose(new) else {
        bookings::free(tx, account, new.id).await?;
        return Ok(None);
    };
    let room = rooms::find(tx, account, new.room).await?.ok_or_else(|| Error::not_found("room"))?;
    let span = Span { start: new.plan.start_at, end: new.plan.end_at };
    let desk = desk_of(new, room)?;
    let wanted = Wanted {
        desk: &desk,
        provider: Some(provider),
        span,
        member: new.member,
        overriding: liberty.overriding,
        force: liberty.force,
        replaces: Some(new.id),
        expires_at: None,
    };
    let booking = reserve(tx, app, account, wanted).await?;
    confirm(tx, account, &booking, new.id).await?;
    Ok((liberty.overriding && booking.rule.is_none()).then_some((desk, booking)))
}
