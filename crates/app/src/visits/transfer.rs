//! Handing a visit to another room or provider. It waits there with the time
//! that the patient has waited already.

use bedside_model::{
    Phi, UserId, VisitId,
    permission::Action as Right,
    user::UserType,
    visit::{Action, Kind},
};
use bedside_store::{Conn, Tx, Vault, rooms as stored_rooms, users, visits::Visit};

use super::{Command, VisitView, change, econsult::check_taken, transfer_reason_context};
use crate::{Actor, App, Error, Result, rooms};

/// Where a visit goes.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    /// The room's code or slug; none stays in the room.
    pub room: Option<String>,
    /// For whom it waits; none is whoever works there.
    pub provider: Option<UserId>,
    /// Why, for colleagues.
    pub reason: Option<Phi<String>>,
}

/// Hands a visit over: it waits again, in the other room or for the other
/// provider. A running call is ended.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 for a closed room, for a provider who
/// does not work there, and `visit_closed`.
pub async fn transfer(app: &App, actor: &Actor, id: VisitId, command: Transfer) -> Result<VisitView> {
    change(app, actor, id, Right::VisitTransfer, "visits.transfer", Command::Transfer(command)).await
}

impl Transfer {
    pub(super) async fn prepare(
        &self,
        tx: &mut Tx,
        app: &App,
        vault: &Vault,
        found: &Visit,
    ) -> Result<(Visit, Action)> {
        let mut next = found.clone();
        match self.room.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => {
                let room =
                    stored_rooms::find_named(tx, &found.account, name).await?.filter(|room| room.active);
                let room = room.ok_or_else(|| Error::not_found("room"))?;
                if room.id != found.room {
                    rooms::check_open(app, &room, None)?;
                    match found.plan.kind {
                        Kind::EConsult => check_taken(&room)?,
                        Kind::WalkIn if !room.settings.walkin_enabled => return Err(rooms::no_walkins()),
                        // Whoever is named is known to take it.
                        Kind::WalkIn if self.provider.is_none() => {
                            rooms::check_on_call(tx, app, &room).await?;
                        }
                        _ => {}
                    }
                }
                next.room = room.id;
            }
            None if self.provider.is_none() => {
                return Err(Error::field(
                    "provider_id",
                    "name the provider or the room to hand the visit to",
                ));
            }
            None => {}
        }
        if let Some(provider) = self.provider {
            check_provider(tx, &next, provider).await?;
        }
        let reason =
            self.reason.as_ref().map(|reason| reason.reveal().as_str()).filter(|text| !text.is_empty());
        next.transfer_reason =
            reason.map(|text| vault.seal_text(&transfer_reason_context(found.id), text)).transpose()?;
        let action = Action::Transfer { provider: self.provider, moved: next.room != found.room };
        Ok((next, action))
    }
}

/// Only somebody who works in the visit's room can be waited for there.
pub(super) async fn check_provider(conn: &mut Conn, visit: &Visit, provider: UserId) -> Result<()> {
    let user = users::find(conn, &visit.account, provider).await?;
    if !user.is_some_and(|user| user.kind == UserType::Provider) {
        return Err(Error::field("provider_id", "there is no such provider"));
    }
    if !stored_rooms::is_assigned(conn, &visit.account, visit.room, provider).await? {
        return Err(Error::field("provider_id", "this provider does not work in the room"));
    }
    Ok(())
}
