//! The visit and its state machine. This is the only place that changes a
//! visit's state; it is pure, so every edge can be tested.
//!
//! Numbers and reasons: `codes`. Transitions: contract core.md 4.2, 4.9, 4.10.

mod appointment;
mod codes;
#[cfg(test)]
mod tests;

use crate::{At, UserId, event::EventType};

pub use appointment::{can_change, check_by_patient, opens_at};
pub use codes::{CloseReason, Kind, Status, Subtype};

/// The part of a visit that changes over its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Where it stands.
    pub status: Status,
    /// Who has taken it.
    pub provider: Option<UserId>,
    /// Whom the patient asked for, or to whom the visit was handed.
    pub requested_provider: Option<UserId>,
    /// When the patient of an appointment came to wait.
    pub arrived_at: Option<At>,
    /// When the provider took it.
    pub actual_start_at: Option<At>,
    /// When it was completed or given up.
    pub actual_end_at: Option<At>,
    /// Who ended it, also when it was cancelled (core.md C6).
    pub ended_by: Option<UserId>,
    /// The last reason given for closing.
    pub reason: Option<CloseReason>,
    /// Counts the changes; the first state is 1.
    pub version: i64,
}

impl State {
    /// A visit that was just created.
    #[must_use]
    pub const fn new(status: Status, requested_provider: Option<UserId>) -> Self {
        Self {
            status,
            provider: None,
            requested_provider,
            arrived_at: None,
            actual_start_at: None,
            actual_end_at: None,
            ended_by: None,
            reason: None,
            version: 1,
        }
    }
}

/// What a visit is planned as. It is changed only together with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How it came about.
    pub kind: Kind,
    /// What kind of meeting it is.
    pub subtype: Subtype,
    /// Planned begin.
    pub start_at: At,
    /// Planned end.
    pub end_at: At,
}

/// A past appointment that nobody came to or took (core.md 4.1: derived, it has
/// no number of its own).
#[must_use]
pub fn is_missed(state: &State, plan: &Plan, now: At) -> bool {
    plan.kind == Kind::Scheduled
        && matches!(state.status, Status::Pending | Status::Confirmed)
        && state.arrived_at.is_none()
        && plan.end_at <= now
}

/// What somebody does to a visit. Whether they may is asked elsewhere
/// ([`crate::permission`]); whether it fits the state is asked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An appointment is made sure of.
    Confirm,
    /// The patient of an appointment comes to wait.
    Arrive {
        /// When its waiting room opens; see [`opens_at`].
        opens_at: At,
    },
    /// The patient of an appointment has left its waiting room: the appointment
    /// stands, and they may come again.
    StepOut,
    /// A provider takes the visit.
    Accept {
        /// Who takes it.
        provider: UserId,
        /// They know that the patient asked for somebody else.
        confirmed: bool,
    },
    /// The provider gives it back to the queue.
    PutBack,
    /// It goes to another room or provider, and waits there.
    Transfer {
        /// For whom it waits; none means whoever works there.
        provider: Option<UserId>,
        /// The room is another one.
        moved: bool,
    },
    /// The plan changes.
    Update(Update),
    /// The provider closes it as done.
    Complete {
        /// Who completes it.
        by: UserId,
    },
    /// Somebody calls it off.
    Cancel {
        /// Who.
        by: UserId,
    },
    /// Somebody leaves it, with a reason.
    Close {
        /// Who leaves.
        by: UserId,
        /// Why.
        reason: CloseReason,
    },
}

/// A change of the plan; `None` leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Update {
    /// Another begin.
    pub start_at: Option<At>,
    /// Another end.
    pub end_at: Option<At>,
    /// For whom it waits.
    pub provider: Option<UserId>,
    /// What kind of meeting it is.
    pub subtype: Option<Subtype>,
    /// Something changes that the state does not know, such as a text.
    pub other: bool,
}

/// Why an action does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else has it.
    #[error("Another provider has already taken this visit.")]
    Taken,
    /// The patient asked for somebody else and the taker has not confirmed.
    #[error("The patient asked for another provider. Send confirm=1 to take the visit all the same.")]
    ForOtherProvider,
    /// It is completed, cancelled or refunded.
    #[error("This visit is closed.")]
    Closed,
    /// Nobody has taken it yet.
    #[error("This visit is not in progress.")]
    NotInProgress,
    /// A provider has taken it.
    #[error("This visit is in progress. It can be completed, put back or handed over.")]
    InProgress,
    /// It has no time of its own.
    #[error("This visit is not an appointment.")]
    NotAnAppointment,
    /// Its waiting room is not open yet.
    #[error("The waiting room of this appointment is not open yet. Come back when its time is near.")]
    TooEarly,
    /// Its time is over.
    #[error("The time of this appointment is over. It has to be booked anew.")]
    Missed,
    /// The room does not let patients change their appointments.
    #[error("Please ask the clinic to change this appointment.")]
    NotByPatients,
    /// Its begin is too near for patients to change it.
    #[error("It is too late to change this appointment here. Please ask the clinic.")]
    TooLate,
    /// The end is not after the begin.
    #[error("A visit must end after it begins.")]
    EndsBeforeItBegins,
}

impl Refusal {
    /// The stable word for clients.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Taken => "visit_taken",
            Self::ForOtherProvider => "visit_for_other_provider",
            Self::Closed => "visit_closed",
            Self::NotInProgress => "visit_not_in_progress",
            Self::InProgress => "visit_in_progress",
            Self::NotAnAppointment => "not_an_appointment",
            Self::TooEarly => "appointment_too_early",
            Self::Missed => "appointment_missed",
            Self::NotByPatients => "cancel_not_allowed",
            Self::TooLate => "too_late_to_change",
            Self::EndsBeforeItBegins => "visit_ends_before_it_begins",
        }
    }
}

/// A change: the new state and plan, and the event that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The state after the action, its version one higher.
    pub state: State,
    /// The plan after the action.
    pub plan: Plan,
    /// What happened.
    pub event: EventType,
}

impl Change {
    /// True when a call of the visit is over with this change.
    #[must_use]
    pub fn ends_call(&self, before: &State) -> bool {
        before.status == Status::InProgress
            && (self.state.status != Status::InProgress || self.plan.subtype != Subtype::Video)
    }
}

/// Computes what an action makes of a visit. `Ok(None)` means that the action
/// has already been done (a second click) and nothing changes.
///
/// # Errors
/// The reason why the action does not fit.
pub fn apply(state: &State, plan: &Plan, action: Action, now: At) -> Result<Option<Change>, Refusal> {
    if !state.status.is_open() {
        return if was_ended_so(state, action) { Ok(None) } else { Err(Refusal::Closed) };
    }
    let mut next = State { version: state.version + 1, ..state.clone() };
    let mut plan_next = *plan;
    let changed = match action {
        Action::Accept { provider, confirmed } => accept(&mut next, provider, confirmed, now)?,
        Action::Confirm => confirm(&mut next, plan)?,
        Action::Arrive { opens_at } => arrive(&mut next, plan, opens_at, now)?,
        Action::StepOut => step_out(&mut next, plan)?,
        Action::PutBack => {
            let running = state.status == Status::InProgress;
            if !running {
                return Err(Refusal::NotInProgress);
            }
            wait_again(&mut next);
            true
        }
        Action::Transfer { provider, moved } => {
            let here = !moved && state.status == Status::Pending && state.requested_provider == provider;
            wait_again(&mut next);
            next.requested_provider = provider;
            !here
        }
        Action::Update(update) => replan(&mut next, &mut plan_next, update)?,
        Action::Complete { .. } if state.status != Status::InProgress => return Err(Refusal::NotInProgress),
        Action::Complete { by } => end(&mut next, Status::Completed, by, now),
        Action::Cancel { .. } if state.status == Status::InProgress => return Err(Refusal::InProgress),
        Action::Cancel { by } => end(&mut next, Status::Cancelled, by, now),
        Action::Close { by, reason } => leave(&mut next, by, reason, now)?,
    };
    let event = if next.status.is_open() { EventType::VisitUpdated } else { EventType::VisitEnded };
    Ok(changed.then_some(Change { state: next, plan: plan_next, event }))
}

/// Is this the click that ended the visit, once more?
fn was_ended_so(state: &State, action: Action) -> bool {
    let (by, status, reason) = match action {
        Action::Complete { by } => (by, Status::Completed, state.reason),
        Action::Cancel { by } => (by, Status::Cancelled, state.reason),
        Action::Close { by, reason } => (by, Status::Cancelled, Some(reason)),
        _ => return false,
    };
    state.ended_by == Some(by) && state.status == status && state.reason == reason
}

fn accept(next: &mut State, provider: UserId, confirmed: bool, now: At) -> Result<bool, Refusal> {
    if next.status == Status::InProgress {
        return if next.provider == Some(provider) { Ok(false) } else { Err(Refusal::Taken) };
    }
    if !confirmed && next.requested_provider.is_some_and(|wanted| wanted != provider) {
        return Err(Refusal::ForOtherProvider);
    }
    next.status = Status::InProgress;
    next.provider = Some(provider);
    next.actual_start_at = Some(now);
    next.reason = None;
    Ok(true)
}

fn confirm(next: &mut State, plan: &Plan) -> Result<bool, Refusal> {
    if plan.kind != Kind::Scheduled {
        return Err(Refusal::NotAnAppointment);
    }
    match next.status {
        Status::Pending if next.arrived_at.is_none() => {
            next.status = Status::Confirmed;
            Ok(true)
        }
        Status::InProgress => Err(Refusal::InProgress),
        // Also when the patient is there already.
        _ => Ok(false),
    }
}

// Whoever waits already, or is being seen, is where they wanted to be.
fn arrive(next: &mut State, plan: &Plan, opens_at: At, now: At) -> Result<bool, Refusal> {
    if plan.kind != Kind::Scheduled {
        return Err(Refusal::NotAnAppointment);
    }
    if next.status == Status::InProgress || next.arrived_at.is_some() {
        return Ok(false);
    }
    if now < opens_at {
        return Err(Refusal::TooEarly);
    }
    if plan.end_at <= now {
        return Err(Refusal::Missed);
    }
    next.status = Status::Pending;
    next.arrived_at = Some(now);
    Ok(true)
}

fn step_out(next: &mut State, plan: &Plan) -> Result<bool, Refusal> {
    if plan.kind != Kind::Scheduled {
        return Err(Refusal::NotAnAppointment);
    }
    if next.status == Status::InProgress {
        return Err(Refusal::InProgress);
    }
    if next.arrived_at.is_none() {
        return Ok(false);
    }
    // They came, so that it was confirmed before.
    next.status = Status::Confirmed;
    next.arrived_at = None;
    Ok(true)
}

fn wait_again(next: &mut State) {
    next.status = Status::Pending;
    next.provider = None;
    next.actual_start_at = None;
}

fn replan(next: &mut State, plan: &mut Plan, update: Update) -> Result<bool, Refusal> {
    let before = (next.requested_provider, *plan);
    plan.start_at = update.start_at.unwrap_or(plan.start_at);
    plan.end_at = update.end_at.unwrap_or(plan.end_at);
    plan.subtype = update.subtype.unwrap_or(plan.subtype);
    next.requested_provider = update.provider.or(next.requested_provider);
    let moved = (plan.start_at, plan.end_at) != (before.1.start_at, before.1.end_at);
    let handed = next.requested_provider != before.0;
    if moved && plan.kind != Kind::Scheduled {
        return Err(Refusal::NotAnAppointment);
    }
    if plan.end_at <= plan.start_at && moved {
        return Err(Refusal::EndsBeforeItBegins);
    }
    if next.status == Status::InProgress && (moved || handed) {
        return Err(Refusal::InProgress);
    }
    if plan.start_at != before.1.start_at {
        // Whoever waits for another time waits no more.
        next.arrived_at = None;
    }
    Ok(moved || handed || plan.subtype != before.1.subtype || update.other)
}

fn end(next: &mut State, status: Status, by: UserId, now: At) -> bool {
    next.status = status;
    next.actual_end_at = Some(now);
    next.ended_by = Some(by);
    true
}

fn leave(next: &mut State, by: UserId, reason: CloseReason, now: At) -> Result<bool, Refusal> {
    let running = next.status == Status::InProgress;
    let known = next.reason == Some(reason);
    next.reason = Some(reason);
    if running {
        // The call is over for somebody; only the provider completes a visit.
        return Ok(!known);
    }
    if !reason.gives_up() {
        return Err(Refusal::NotInProgress);
    }
    Ok(end(next, Status::Cancelled, by, now))
}
