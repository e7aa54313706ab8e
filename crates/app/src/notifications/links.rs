//! Links that people ask for: an invitation of a guest, and the link to one's
//! own visit once more.

use bedside_model::{
    Phi, VisitId,
    endpoint::{EndpointType, Key},
    notification::{Channel, Kind},
    permission::Action,
};
use bedside_store::{notifications as rows, rooms, visits};

use super::{Fact, patient, tell_address, tell_user};
use crate::{Actor, App, Error, Result, audit, authz};

/// Invitations of one visit in a day.
const PER_VISIT_AND_DAY: i64 = 20;
/// Links that are sent again for one visit in an hour.
const PER_VISIT_AND_HOUR: i64 = 3;

/// Whom to invite: one of the two.
#[derive(Debug, Clone, Default)]
pub struct Invite {
    /// An e-mail address.
    pub email: Option<Phi<String>>,
    /// A telephone number.
    pub phone: Option<Phi<String>>,
}

impl Invite {
    fn way(self) -> Result<(Channel, Phi<String>)> {
        let (field, channel, kind, to) = match (self.email, self.phone) {
            (Some(email), None) => ("email", Channel::Mail, EndpointType::Email, email),
            (None, Some(phone)) => ("phone", Channel::Sms, EndpointType::Sms, phone),
            _ => return Err(Error::field("email", "is required, or phone")),
        };
        let key = Key { key: to.into_inner(), p256dh: String::new(), auth: String::new() };
        let key = key.checked(kind).map_err(|(_, why)| Error::field(field, why))?;
        Ok((channel, key.key.into()))
    }
}

/// Sends somebody the link under which guests come to a visit.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `guests_disabled`, `visit_closed`, 429
/// after many.
pub async fn invite(app: &App, actor: &Actor, id: VisitId, command: Invite) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let found = visits::find(&mut conn, &actor.account, id).await?;
    let visit = found.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::VisitParticipants).await?;
    let room = rooms::find(&mut conn, &actor.account, visit.room).await?;
    if !room.is_some_and(|room| room.settings.guest_enabled) {
        return Err(Error::invalid("guests_disabled", "This room takes no guests."));
    }
    if !visit.state.status.is_open() {
        return Err(Error::invalid("visit_closed", "This visit is over."));
    }
    drop(conn);
    let (channel, to) = command.way()?;
    if channel == Channel::Sms && app.sms.word() == "off" {
        return Err(Error::field("phone", "this server sends no short messages; use email"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let kind = Kind::Invitation;
                let since = now.plus_seconds(-86_400);
                if rows::count_of_visit(tx, account, id, kind, since).await? >= PER_VISIT_AND_DAY {
                    return Err(Error::Limited { retry_after_s: 3_600 });
                }
                let fact = Fact::of_visit(owner.random.uuid(now), kind, id);
                tell_address(tx, &owner, &vault, account, (channel, &to), &fact).await?;
                audit::write(tx, &owner, &caller, "visits.invite", ("visit", id.to_string())).await
            })
        })
        .await
}

/// Mails the link to a visit to its patient's address on file once more, for
/// whoever lost it. Says the same to everybody, whatever there is.
///
/// # Errors
/// What the store says.
pub async fn resend_link(app: &App, actor: &Actor, id: VisitId) -> Result<()> {
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let Some(visit) = visits::find(tx, account, id).await? else { return Ok(()) };
                let since = now.plus_seconds(-3_600);
                let sent = rows::count_of_visit(tx, account, id, Kind::LinkAgain, since).await?;
                if !visit.state.status.is_open() || sent >= PER_VISIT_AND_HOUR {
                    return Ok(());
                }
                let fact = Fact::of_visit(owner.random.uuid(now), Kind::LinkAgain, id);
                tell_user(tx, &owner, account, patient(&visit), &fact).await?;
                audit::write(tx, &owner, &caller, "visits.resend_link", ("visit", id.to_string())).await
            })
        })
        .await
}
