//! E-consults: a question without a meeting, for whoever of the room takes it.

use bedside_model::visit::{Kind, Subtype};
use bedside_store::rooms::Room;

use super::{
    VisitView,
    from_intake::{FromIntake, only_once},
    view,
};
use crate::{Actor, App, Error, Result, authz, consents, rooms};

/// Creates an e-consult. Every provider of the room sees it until one takes it.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 for a foreign or used intake, a
/// closed room, a room without e-consults (`econsult_disabled`), `consent_missing`.
pub async fn add_econsult(app: &App, actor: &Actor, command: FromIntake) -> Result<VisitView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, intake) = (app.clone(), actor.clone(), command.intake.clone());
    let added = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let ground = command.ground(tx, &caller, &vault).await?;
                rooms::check_open(&owner, &ground.room, caller.kind())?;
                check_taken(&ground.room)?;
                consents::check_new(tx, &owner, &caller, &ground.room, ground.intake.member).await?;
                let form = (Kind::EConsult, Subtype::EConsult);
                ground.add(tx, &owner, &caller, form, "visits.add_econsult").await
            })
        })
        .await;
    let id = only_once(app, actor, &intake, added).await?;
    view(app, actor, id).await
}

/// Does the room take e-consults?
pub(super) fn check_taken(room: &Room) -> Result<()> {
    if room.settings.econsult_enabled {
        return Ok(());
    }
    Err(Error::invalid("econsult_disabled", "This room takes no e-consults."))
}
