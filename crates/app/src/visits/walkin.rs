//! Coming to the waiting room: as a walk-in, or at the time of an appointment.

use bedside_model::{
    VisitId,
    permission::Action as Right,
    visit::{Kind, Subtype},
};
use bedside_store::{Tx, Vault, visits};

use super::{
    Command, VisitView, change,
    from_intake::{FromIntake, only_once},
    view,
};
use crate::{Actor, App, Result, authz, consents, rooms};

/// Creates a walk-in: the patient waits in the room's queue. From one of our
/// pages, a patient who already waits there comes back to that place.
///
/// # Errors
/// 401, 403, 404 for a foreign intake, 400 for a used one
/// (`intake_already_used`, with `visit_id`), a closed or full room
/// (`room_closed`, `queue_full`, `walkin_disabled`), `consent_missing` naming the
/// document, or an unknown provider or consultation.
pub async fn add_walkin(app: &App, actor: &Actor, command: FromIntake) -> Result<VisitView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, intake) = (app.clone(), actor.clone(), command.intake.clone());
    let added = app
        .store
        .write(move |tx| Box::pin(async move { add_in(tx, &owner, &caller, &vault, &command).await }))
        .await;
    let id = only_once(app, actor, &intake, added).await?;
    if actor.is_page() {
        super::away::heard(app, actor);
    }
    view(app, actor, id).await
}

pub(super) async fn add_in(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    command: &FromIntake,
) -> Result<VisitId> {
    let ground = command.ground(tx, actor, vault).await?;
    let (account, room) = (&actor.account, &ground.room);
    if actor.is_page()
        && let Some(waiting) = visits::find_waiting(tx, account, room.id, ground.intake.member).await?
    {
        return Ok(waiting);
    }
    rooms::check_arrival(tx, app, actor, room).await?;
    consents::check_new(tx, app, actor, room, ground.intake.member).await?;
    ground.add(tx, app, actor, (Kind::WalkIn, Subtype::Video), "visits.add_walkin").await
}

/// The patient of an appointment comes to wait: from the room's start window
/// before its time until it is over. The visit stays the same one.
///
/// # Errors
/// 401, 403, 404, 400 `not_an_appointment`, `appointment_too_early`
/// (with `can_start_at`),
/// `appointment_missed`, `visit_closed`.
pub async fn arrive(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    let (user, kind) = authz::user(actor)?;
    if kind.is_patient() {
        app.presence.touch(&actor.account, user, app.clock.now());
    }
    change(app, actor, id, Right::VisitAdd, "visits.arrive", Command::Arrive).await
}
