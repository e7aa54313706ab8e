//! Holds: a time kept for a patient while the intake is filled. It counts as
//! taken for everybody else until it is booked, given back, or over.

use bedside_model::{At, UserId, availability::Span, event::EventType, permission::Action};
use bedside_store::{
    bookings::{self, Booking},
    rooms, users,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    availability::{self, Desk, Wanted},
    events::{self, Subject},
    intakes::find_person,
};

/// A hold with its room's code.
#[derive(Debug, Clone)]
pub struct HoldView {
    /// The hold.
    pub booking: Booking,
    /// The room's code.
    pub room_code: String,
}

/// A time to hold.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// Code or slug of the room.
    pub room: Option<String>,
    /// With whom; none is anybody.
    pub provider: Option<UserId>,
    /// Begin.
    pub start: Option<At>,
    /// End; else the consultation's length after the begin.
    pub end: Option<At>,
    /// What the patient comes for.
    pub consultation: Option<String>,
    /// The patient; else the caller.
    pub member: Option<String>,
}

/// Holds a time. A patient holds one time per room: a new hold ends the old.
///
/// # Errors
/// 401, 403, 404 for an unknown room, 400 naming the field, `slot_taken` with
/// the nearest free times.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<HoldView> {
    authz::account(actor, Action::SlotsRead)?;
    let (caller, kind) = authz::user(actor)?;
    let account = &actor.account;
    let mut conn = app.store.reader().await?;
    let room = command.room.as_deref().filter(|name| !name.is_empty());
    let room = room.ok_or_else(|| Error::field("room_code", "name the room"))?;
    let room = rooms::find_named(&mut conn, account, room).await?.filter(|room| room.active);
    let room = room.ok_or_else(|| Error::not_found("room"))?;
    let member = match command.member.as_deref().filter(|text| !text.is_empty() && *text != "-") {
        Some(wanted) => {
            let found = find_person(&mut conn, account, wanted).await?.filter(|user| user.kind.is_patient());
            let found = found.ok_or_else(|| Error::field("member_id", "there is no such patient"))?;
            let relations = authz::to_person(&mut conn, actor, found.id).await?;
            if !authz::may(actor, relations, Action::IntakeAdd) {
                return Err(Error::field("member_id", "there is no such patient"));
            }
            found.id
        }
        None if kind.is_patient() => caller,
        None => return Err(Error::field("member_id", "name the patient when you do not call as one")),
    };
    if let Some(provider) = command.provider
        && users::find(&mut conn, account, provider).await?.is_none()
    {
        return Err(Error::field("provider_id", "there is no such provider"));
    }
    drop(conn);
    let start = command.start.ok_or_else(|| Error::field("start", "is required, in UNIX seconds"))?;
    if !room.settings.appointment_enabled {
        return Err(availability::appointments_disabled());
    }
    let minutes = availability::length(start, command.end)?;
    let desk = Desk::new(room, command.consultation.as_deref(), minutes)?;
    let span = Span { start, end: start.plus_minutes(desk.duration_minutes) };
    let until = app.clock.now().plus_minutes(desk.rules().hold_minutes);
    let (owner, actor_in, desk_in, provider) = (app.clone(), actor.clone(), desk.clone(), command.provider);
    let held = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (actor, desk) = (&actor_in, &desk_in);
                bookings::purge_holds_of(tx, &actor.account, member, desk.room.id).await?;
                let wanted = Wanted {
                    desk,
                    provider,
                    span,
                    member,
                    overriding: false,
                    force: false,
                    replaces: None,
                    expires_at: Some(until),
                };
                let booking = availability::reserve(tx, &owner, &actor.account, wanted).await?;
                told(tx, &owner, actor, &booking, "holds.add").await?;
                Ok(booking)
            })
        })
        .await;
    match held {
        Ok(booking) => Ok(HoldView { booking, room_code: desk.room.code }),
        Err(error) => Err(availability::with_nearest(app, actor, &desk, provider, start, error).await),
    }
}

async fn told(
    tx: &mut bedside_store::Tx,
    app: &App,
    actor: &Actor,
    booking: &Booking,
    action: &'static str,
) -> Result<()> {
    let subject = Subject { room: Some(booking.room), user: Some(booking.provider), ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::SlotsUpdated, subject).await?;
    audit::write(tx, app, actor, action, ("hold", booking.id.clone())).await
}

async fn find(app: &App, actor: &Actor, id: &str) -> Result<Booking> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let found = bookings::find(&mut conn, &actor.account, id).await?;
    let now = app.clock.now();
    let found = found.filter(|hold| hold.visit.is_none() && hold.expires_at.is_some_and(|end| end > now));
    let found = found.ok_or_else(|| Error::not_found("hold"))?;
    let relations = authz::to_person(&mut conn, actor, found.member).await?;
    if authz::may(actor, relations, Action::IntakeAdd) { Ok(found) } else { Err(Error::not_found("hold")) }
}

/// Makes a hold longer, once.
///
/// # Errors
/// 401, 404 for a hold that is over or somebody else's, 400 `hold_renewed`.
pub async fn renew(app: &App, actor: &Actor, id: &str) -> Result<HoldView> {
    let found = find(app, actor, id).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                let room = rooms::find(tx, &caller.account, found.room).await?;
                let room = room.ok_or_else(|| Error::not_found("room"))?;
                let until = now.plus_minutes(room.settings.booking.hold_minutes);
                if !bookings::renew(tx, &caller.account, &found.id, until, now).await? {
                    return Err(Error::invalid(
                        "hold_renewed",
                        "A time can be held longer only once. Book it now.",
                    ));
                }
                audit::write(tx, &owner, &caller, "holds.renew", ("hold", found.id.clone())).await?;
                let booking = Booking { expires_at: Some(until), renewed: true, ..found };
                Ok(HoldView { booking, room_code: room.code })
            })
        })
        .await
}

/// Gives a held time back.
///
/// # Errors
/// 401, 404 for a hold that is over or somebody else's.
pub async fn delete(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let found = find(app, actor, id).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if bookings::delete_hold(tx, &caller.account, &found.id).await? {
                    told(tx, &owner, &caller, &found, "holds.delete").await?;
                }
                Ok(())
            })
        })
        .await
}
