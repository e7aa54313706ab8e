//! From events to notifications: who is told what. Called in the change that
//! advances the reader's cursor, so nothing is planned twice or left out.

use bedside_model::{
    AccountId, UserId, VisitId,
    event::EventType,
    notification::{Kind, Told, is_moved, news},
};
use bedside_store::{
    Tx,
    events::Event,
    notifications, queue, rooms, users,
    visits::{self, Visit},
};

use super::{Fact, alarm, tell_address, tell_user};
use crate::{App, Result, reminders};

/// Most people of one room who are told of one patient.
const MOST_PEOPLE: usize = 200;

/// Plans what people are told of these events.
///
/// # Errors
/// What the store says; the events are read again then.
pub async fn plan(tx: &mut Tx, app: &App, account: &AccountId, events: &[Event]) -> Result<()> {
    for event in events {
        match (event.kind, event.visit) {
            (EventType::VisitCreated | EventType::VisitUpdated | EventType::VisitEnded, Some(visit)) => {
                of_visit(tx, app, account, event, visit).await?;
            }
            (kind, visit) => of_name(tx, app, account, event, kind.as_str(), visit).await?,
        }
    }
    Ok(())
}

/// Who is told of a patient's visit: whoever made it for somebody in their
/// care, else the patient.
pub(crate) fn patient(visit: &Visit) -> UserId {
    visit.guardian.unwrap_or(visit.member)
}

async fn of_visit(tx: &mut Tx, app: &App, account: &AccountId, event: &Event, id: VisitId) -> Result<()> {
    let Some(visit) = visits::find(tx, account, id).await? else { return Ok(()) };
    let before = notifications::find_told(tx, account, id).await?;
    let is = Told::of(&visit.plan, &visit.state, visit.waiting_since_at);
    if before.as_ref() == Some(&is) {
        return Ok(());
    }
    for kind in news(visit.plan.kind, before.as_ref(), &is, app.clock.now()) {
        let fact = Fact::of_visit(&event.id, kind, id);
        if kind.is_for_staff() {
            for user in staff(tx, account, &visit).await? {
                tell_user(tx, app, account, user, &fact).await?;
            }
            if kind == Kind::Waiting {
                alarm::schedule(tx, app, account, &visit).await?;
            }
        } else {
            tell_patient(tx, app, account, &visit, &fact).await?;
        }
    }
    if visit.plan.kind == bedside_model::visit::Kind::Scheduled && is_moved(before.as_ref(), &is) {
        reminders::schedule(tx, app, account, &visit).await?;
    }
    Ok(notifications::put_told(tx, account, id, &is).await?)
}

/// Whom the patient asked for, else everybody who works in the room.
async fn staff(tx: &mut Tx, account: &AccountId, visit: &Visit) -> Result<Vec<UserId>> {
    if let Some(provider) = visit.state.provider.or(visit.state.requested_provider) {
        return Ok(vec![provider]);
    }
    let mut people = rooms::list_providers(tx, account, visit.room).await?;
    people.truncate(MOST_PEOPLE);
    Ok(people)
}

/// Events that say by themselves what there is to tell.
async fn of_name(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    event: &Event,
    name: &str,
    visit: Option<VisitId>,
) -> Result<()> {
    let kind = match name {
        "visit.missed" => Kind::Missed,
        "visit.next_in_line" => Kind::NextInLine,
        "visit.late" => Kind::Late,
        "webhook.disabled" => Kind::WebhookDisabled,
        _ => return Ok(()),
    };
    if kind == Kind::WebhookDisabled {
        let fact = Fact { source: event.id.clone(), kind, visit: None, expires_at: None };
        for user in users::list_admins(tx, account).await? {
            tell_user(tx, app, account, user, &fact).await?;
        }
        return Ok(());
    }
    let Some(id) = visit else { return Ok(()) };
    let Some(visit) = visits::find(tx, account, id).await? else { return Ok(()) };
    tell_patient(tx, app, account, &visit, &Fact::of_visit(&event.id, kind, id)).await
}

/// The patient, and when they left the waiting room to be called, the number or
/// address that they left for this.
async fn tell_patient(tx: &mut Tx, app: &App, account: &AccountId, visit: &Visit, fact: &Fact) -> Result<()> {
    tell_user(tx, app, account, patient(visit), fact).await?;
    if !matches!(fact.kind, Kind::Ready | Kind::NextInLine | Kind::Late) {
        return Ok(());
    }
    let Some(callback) = queue::find_callback(tx, account, visit.id).await? else { return Ok(()) };
    // The browser of somebody who is not told anyway.
    if let Some(user) = callback.user.filter(|user| *user != patient(visit)) {
        tell_user(tx, app, account, user, fact).await?;
    }
    let vault = app.store.vault(account).await?;
    match crate::visits::address_of(&vault, visit.id, &callback)? {
        Some(address) => tell_address(tx, app, &vault, account, (callback.channel, &address), fact).await,
        None => Ok(()),
    }
}
