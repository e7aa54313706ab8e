//! Joining a waiting room once more after the place was given up, with the
//! answers that were given before.

use bedside_model::{
    IntakeId, VisitId,
    permission::Action as Right,
    visit::{Kind, Status},
};
use bedside_store::{files, intakes as stored_intakes, visits};

use super::{FromIntake, VisitView, away, load, view, walkin};
use crate::{Actor, App, Error, Result, authz, form_answers, intakes};

/// The patient whose walk-in was closed joins the room anew: a new visit with
/// the same answers and files. Whoever waits there already comes back to that
/// place.
///
/// # Errors
/// 401, 403, 404, 400 `cannot_rejoin` for anything but a walk-in that was given
/// up, and as [`super::add_walkin`].
pub async fn rejoin(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    load(app, actor, id, Right::VisitLeave).await?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let joined = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let visit = visits::find(tx, account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
                authz::visit(tx, &caller, &visit, Right::VisitLeave).await?;
                if visit.plan.kind != Kind::WalkIn || visit.state.status != Status::Cancelled {
                    return Err(Error::invalid(
                        "cannot_rejoin",
                        "Only a waiting room that was left can be joined again.",
                    ));
                }
                if let Some(waiting) = visits::find_waiting(tx, account, visit.room, visit.member).await? {
                    return Ok::<_, Error>(waiting);
                }
                let before = stored_intakes::find_of_visit(tx, account, id).await?;
                let before = before.ok_or_else(|| Error::not_found("intake"))?;
                let now = owner.clock.now();
                let anew = IntakeId(owner.random.uuid(now));
                let answers = intakes::reseal(&vault, (&before.id, &before.answers), &anew)?;
                let attached = files::list_of_intake(tx, account, &before.id).await?;
                let left = before.clone();
                let intake = stored_intakes::Intake {
                    id: anew.clone(),
                    answers,
                    room: Some(visit.room),
                    provider: visit.state.requested_provider,
                    visit: None,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    ..before
                };
                stored_intakes::add(tx, &intake).await?;
                let attached: Vec<_> = attached.into_iter().map(|file| file.id).collect();
                files::attach(tx, account, &anew, &attached).await?;
                form_answers::copy(tx, &owner, &vault, &left, &anew).await?;
                let command =
                    FromIntake { intake: anew, room: None, provider: None, member: None, consultation: None };
                walkin::add_in(tx, &owner, &caller, &vault, &command).await
            })
        })
        .await?;
    away::heard(app, actor);
    view(app, actor, joined).await
}
