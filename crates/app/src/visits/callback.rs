//! "You may leave, we call you": the patient closes the page, keeps the place,
//! and hears from us when it is their turn.

use bedside_model::{
    At, Phi, UserId, VisitId,
    endpoint::{EndpointType, Key},
    notification::Channel,
    permission::Action as Right,
    queue::LONGEST_CALLBACK_MINUTES,
    visit::Refusal,
};
use bedside_store::{
    Conn, Vault, endpoints,
    queue::{self, Callback},
    users, visits,
    visits::Visit,
};

use super::{VisitView, load, subject, view};
use crate::{
    Actor, App, Error, Result, audit, authz, events,
    notifications::{self, patient},
};

/// How the patient is called, and how they could be.
#[derive(Debug, Clone)]
pub struct CallbackView {
    /// The ways that are set up, were tried and work, the best first.
    pub channels: Vec<Channel>,
    /// The way that was chosen, and until when the place is kept.
    pub chosen: Option<(Channel, At)>,
}

/// How somebody wants to be called.
#[derive(Debug, Clone)]
pub struct Leave {
    /// On which way.
    pub channel: Channel,
    /// Number or address; that of the profile when it is not said.
    pub to: Option<Phi<String>>,
}

fn context(visit: VisitId) -> String {
    format!("callbacks.address:{visit}")
}

/// Where somebody wants to be called; none for push.
pub(crate) fn address_of(vault: &Vault, visit: VisitId, callback: &Callback) -> Result<Option<Phi<String>>> {
    let open = |sealed| vault.open_text(&context(visit), sealed).map(Phi::from);
    Ok(callback.address.as_ref().map(open).transpose()?)
}

/// The ways out of the house that are set up, were tried and work.
async fn channels(app: &App, conn: &mut Conn, actor: &Actor) -> Result<Vec<Channel>> {
    let known = notifications::channels_of(app, conn, &actor.account).await?;
    let works =
        known.into_iter().filter(|one| one.way != "off" && one.tested.is_some_and(|(_, works)| works));
    Ok(works.map(|one| one.channel).collect())
}

/// How the patient is called, and how they could be.
///
/// # Errors
/// 401, 404.
pub async fn get_callback(app: &App, actor: &Actor, id: VisitId) -> Result<CallbackView> {
    load(app, actor, id, Right::VisitLeave).await?;
    let mut conn = app.store.reader().await?;
    let channels = channels(app, &mut conn, actor).await?;
    let chosen = queue::find_callback(&mut conn, &actor.account, id).await?;
    Ok(CallbackView { channels, chosen: chosen.map(|one| (one.channel, one.until_at)) })
}

fn refused(refusal: Refusal) -> Error {
    Error::invalid(refusal.code(), refusal.to_string())
}

/// The patient leaves the waiting room and is called when it is their turn. The
/// place is kept for half a day.
///
/// # Errors
/// 401, 403, 404, 400 naming `channel`, `number` or `address`, `visit_closed`,
/// `visit_in_progress`, `not_waiting`.
pub async fn leave_and_call(app: &App, actor: &Actor, id: VisitId, command: Leave) -> Result<VisitView> {
    let found = load(app, actor, id, Right::VisitLeave).await?;
    let mut conn = app.store.reader().await?;
    if !channels(app, &mut conn, actor).await?.contains(&command.channel) {
        return Err(Error::field("channel", "this clinic cannot call you in this way"));
    }
    let to = address(&mut conn, actor, &found, command).await?;
    drop(conn);
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let visit = visits::find(tx, account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
                authz::visit(tx, &caller, &visit, Right::VisitLeave).await?;
                if queue::find_waiting(tx, account, id).await?.is_none() {
                    return Err(match visit.state.status {
                        status if !status.is_open() => refused(Refusal::Closed),
                        bedside_model::visit::Status::InProgress => refused(Refusal::InProgress),
                        _ => Error::invalid("not_waiting", "Nobody waits for this visit yet."),
                    });
                }
                let (channel, user, address) = match to {
                    To::Browser(user) => (Channel::Push, Some(user), None),
                    To::Address(channel, to) => {
                        (channel, None, Some(vault.seal_text(&context(id), to.reveal())?))
                    }
                };
                let until_at = now.plus_minutes(LONGEST_CALLBACK_MINUTES);
                let callback = Callback { channel, address, user, until_at };
                queue::put_callback(tx, account, id, &callback, now).await?;
                let kind = bedside_model::event::EventType::QueueUpdated;
                events::append(tx, &owner, account, kind, subject(&visit, None)).await?;
                audit::write(tx, &owner, &caller, "visits.leave_and_call", ("visit", id.to_string())).await
            })
        })
        .await?;
    view(app, actor, id).await
}

/// Where somebody wants to be called.
enum To {
    /// In the browsers of this user.
    Browser(UserId),
    Address(Channel, Phi<String>),
}

/// Where they want to be called, checked. A browser is that of whoever asks: a
/// guardian's, also where the clinic made the visit of the one in their care.
async fn address(conn: &mut Conn, actor: &Actor, visit: &Visit, command: Leave) -> Result<To> {
    let who = patient(visit);
    let (field, kind) = match command.channel {
        Channel::Sms => ("number", EndpointType::Sms),
        Channel::Mail => ("address", EndpointType::Email),
        _ => {
            let asks = actor.user().unwrap_or(who);
            let known = endpoints::list_of_user(conn, &visit.account, asks).await?;
            if known.iter().any(|one| one.kind == EndpointType::WebPush) {
                return Ok(To::Browser(asks));
            }
            return Err(Error::field("channel", "switch notifications on in this browser first"));
        }
    };
    let to = match command.to {
        Some(to) => to,
        None => {
            let person = users::find(conn, &visit.account, who).await?;
            let profile = person.map(|person| person.profile);
            let known = profile.map(|profile| match command.channel {
                Channel::Sms => profile.reveal().phone.clone(),
                _ => profile.reveal().email.clone(),
            });
            known.filter(|text| !text.is_empty()).ok_or_else(|| Error::field(field, "is required"))?.into()
        }
    };
    let key = Key { key: to.into_inner(), p256dh: String::new(), auth: String::new() };
    let key = key.checked(kind).map_err(|(_, why)| Error::field(field, why))?;
    Ok(To::Address(command.channel, key.key.into()))
}

/// The patient waits at the page after all.
///
/// # Errors
/// 401, 403, 404.
pub async fn stay(app: &App, actor: &Actor, id: VisitId) -> Result<VisitView> {
    load(app, actor, id, Right::VisitLeave).await?;
    super::away::heard(app, actor);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let visit = visits::find(tx, account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
                authz::visit(tx, &caller, &visit, Right::VisitLeave).await?;
                if !queue::delete_callback(tx, account, id).await? {
                    return Ok::<_, Error>(());
                }
                let kind = bedside_model::event::EventType::QueueUpdated;
                events::append(tx, &owner, account, kind, subject(&visit, None)).await?;
                audit::write(tx, &owner, &caller, "visits.stay", ("visit", id.to_string())).await
            })
        })
        .await?;
    view(app, actor, id).await
}
