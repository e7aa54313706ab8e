//! Planning a visit anew: time, provider, kind of meeting, a remark.

use bedside_model::{
    At, Phi, UserId, VisitId,
    permission::Action as Right,
    user::UserType,
    visit::{self, Action, Kind, Subtype},
};
use bedside_store::{
    Tx, Vault, rooms,
    visits::{self, Visit},
};

use super::{
    appointment::{Liberty, desk_of},
    remark_context,
    series::{self, Changed, Deed, Scope},
    transfer::check_provider,
};
use crate::{Actor, App, Error, Result, availability::with_nearest};

/// What changes; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Another begin; the length stays unless the end is given too.
    pub start_at: Option<At>,
    /// Another end.
    pub end_at: Option<At>,
    /// For whom it waits.
    pub provider: Option<UserId>,
    /// What kind of meeting it is.
    pub subtype: Option<Subtype>,
    /// What staff write about it; an empty text takes it away.
    pub remark: Option<Phi<String>>,
    /// The status that the caller believes in; it has calls of its own.
    pub status: Option<i64>,
    /// Staff move it outside the offered times.
    pub overriding: bool,
    /// Staff move it over something else.
    pub force: bool,
    /// Why it moves, for the audit trail.
    pub reason: Option<Phi<String>>,
}

/// Changes a visit's plan, and by the same those of its series that `scope`
/// names. A call that runs is ended when the visit becomes one without video.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `not_an_appointment` for the time of
/// anything else, `slot_taken` with the nearest free times, `visit_in_progress`,
/// `visit_closed`.
pub async fn update(app: &App, actor: &Actor, id: VisitId, command: Update, scope: Scope) -> Result<Changed> {
    let right = if actor.kind().is_some_and(UserType::is_patient) {
        let planned = command.subtype.is_some() || command.remark.is_some() || command.status.is_some();
        let moves = command.start_at.is_some() || command.provider.is_some();
        // Patients move an appointment; the rest of the plan is the clinic's.
        if moves && !planned { Right::VisitMove } else { Right::VisitUpdate }
    } else {
        Right::VisitUpdate
    };
    series::run(app, actor, id, right, Deed::Update(command), scope).await
}

/// A refused move, with the times that are free around it.
pub(super) async fn told_nearest(
    app: &App,
    actor: &Actor,
    id: VisitId,
    (start, provider): (Option<At>, Option<UserId>),
    error: Error,
) -> Result<Error> {
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find(&mut conn, &actor.account, id).await? else { return Ok(error) };
    let Some(room) = rooms::find(&mut conn, &actor.account, visit.room).await? else { return Ok(error) };
    drop(conn);
    let desk = desk_of(&visit, room)?;
    let provider = provider.or(visit.state.requested_provider);
    Ok(with_nearest(app, actor, &desk, provider, start.unwrap_or(visit.plan.start_at), error).await)
}

impl Update {
    /// Over what the visit may be put: a move in time asks for a free time, as
    /// the first booking did.
    pub(super) fn liberty(&self, actor: &Actor, new: &Visit) -> Result<Liberty> {
        let asked = Liberty::of(actor, self.overriding, self.force)?;
        let moves = self.start_at.is_some() || self.end_at.is_some();
        Ok(if moves { asked } else { Liberty::of_handover(new) })
    }

    pub(super) async fn prepare(
        &self,
        tx: &mut Tx,
        vault: &Vault,
        found: &Visit,
        now: At,
    ) -> Result<(Visit, Action)> {
        if self.status.is_some_and(|status| status != found.state.status.code()) {
            return Err(Error::field("status", "is changed by confirm, accept, complete and cancel"));
        }
        let econsult = |subtype| (found.plan.kind == Kind::EConsult) == (subtype == Subtype::EConsult);
        if self.subtype.is_some_and(|subtype| !econsult(subtype)) {
            return Err(Error::field("subtype", "an e-consult stays one, and no other visit becomes one"));
        }
        let mut next = found.clone();
        if let Some(provider) = self.provider.filter(|id| Some(*id) != found.state.requested_provider) {
            check_provider(tx, &next, provider).await?;
        }
        let end_at = match (self.start_at, self.end_at) {
            (Some(start), None) => {
                Some(At(start.0.saturating_add(found.plan.end_at.0 - found.plan.start_at.0)))
            }
            (_, end) => end,
        };
        let moved = self.start_at.is_some_and(|start| start != found.plan.start_at);
        if moved && found.plan.kind == Kind::Scheduled && end_at.is_some_and(|end| end <= now) {
            return Err(Error::field("start", "lies in the past"));
        }
        let other = self.write_remark(vault, &mut next)?;
        let update = visit::Update {
            start_at: self.start_at,
            end_at,
            provider: self.provider,
            subtype: self.subtype,
            other,
        };
        Ok((next, Action::Update(update)))
    }

    // Gives whether the remark changes.
    fn write_remark(&self, vault: &Vault, next: &mut Visit) -> Result<bool> {
        let Some(remark) = &self.remark else { return Ok(false) };
        let context = remark_context(next.id);
        let before = next.remark.as_ref().map(|sealed| vault.open_text(&context, sealed)).transpose()?;
        let wanted = Some(remark.reveal()).filter(|text| !text.is_empty());
        if before.as_ref() == wanted {
            return Ok(false);
        }
        next.remark = wanted.map(|text| vault.seal_text(&context, text)).transpose()?;
        Ok(true)
    }
}
