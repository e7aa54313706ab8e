//! Rooms: making them, finding them, who works in them, how long the wait is.

use bedside_model::{
    AccountId, RoomId, UserId,
    event::EventType,
    permission::Action,
    room::{self, Consultation, RoomSettings},
    user::UserType,
};
use bedside_store::{
    rooms::{self, NewRoom, Room},
    visits,
};

use crate::{
    Actor, App, Error, Result, Who, audit, authz, credentials,
    events::{self, Subject},
};

/// What a new room is called.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// Host of its pages; empty takes the account's code.
    pub domain: String,
    /// URL name.
    pub slug: String,
    /// What patients read.
    pub name: String,
    /// Wanted code; none makes one.
    pub code: Option<String>,
    /// Emergency notice; none takes the default.
    pub subtitle: Option<String>,
    /// The clinic's text.
    pub description: Option<String>,
}

/// A room with what a token holder may know.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// Who works in it; none for callers without a token.
    pub providers: Option<Vec<UserId>>,
}

/// Adds a room. A provider's room is assigned to them.
///
/// # Errors
/// 401/403 for others than admins, 400 for bad or taken names.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<RoomView> {
    authz::account(actor, Action::RoomAdd)?;
    check_names(&command)?;
    let now = app.clock.now();
    let mut settings = RoomSettings::default();
    settings.consultations.push(Consultation {
        id: app.random.uuid(now),
        description: "Consultation".to_owned(),
        duration_minutes: room::DEFAULT_DURATION_MINUTES,
        amount_cents: 0,
    });
    let new = NewRoom {
        account: actor.account.clone(),
        code: command.code.unwrap_or_else(|| app.random.room_code()),
        slug: command.slug,
        domain: command.domain,
        name: command.name,
        subtitle: command.subtitle.unwrap_or_else(|| room::DEFAULT_SUBTITLE.to_owned()),
        description: command.description.unwrap_or_default(),
        settings,
        at: now,
    };
    let (domain, slug, code) = (new.domain.clone(), new.slug.clone(), new.code.clone());
    let (owner, caller) = (app.clone(), actor.clone());
    let added = app
        .store
        .write::<Room, Error, _>(move |tx| {
            Box::pin(async move {
                let id = rooms::add(tx, &new).await?;
                let subject = Subject { room: Some(id), ..Subject::default() };
                events::append(tx, &owner, &new.account, EventType::RoomCreated, subject).await?;
                audit::write(tx, &owner, &caller, "rooms.add", ("room", id.to_string())).await?;
                rooms::find(tx, &new.account, id).await?.ok_or_else(|| Error::not_found("room"))
            })
        })
        .await;
    match added {
        Ok(room) => Ok(RoomView { room, providers: Some(Vec::new()) }),
        Err(error) => Err(name_taken(error, &domain, &slug, &code)),
    }
}

fn check_names(command: &Add) -> Result<()> {
    if !room::is_slug(&command.slug) {
        return Err(Error::field("slug", "use 1 to 64 lower-case letters, digits and single hyphens"));
    }
    if command.name.trim().is_empty() || command.name.chars().count() > 128 {
        return Err(Error::field("name", "use 1 to 128 characters"));
    }
    if command.code.as_deref().is_some_and(|code| !room::is_code(code)) {
        return Err(Error::field("code", "use 1 to 32 letters, digits, hyphens or underscores"));
    }
    if command.domain.len() > 253 || command.domain.contains(|c: char| c.is_whitespace() || c == '/') {
        return Err(Error::field("domain", "use a host name"));
    }
    Ok(())
}

// The documented sentence for a taken slug (core.md 5.2).
fn name_taken(error: Error, domain: &str, slug: &str, code: &str) -> Error {
    if error.is_unique("rooms", "account_id, domain, slug") {
        Error::invalid("room_exists", format!("In domain '{domain}' slug '{slug}' already exists."))
    } else if error.is_unique("rooms", "account_id, code") {
        Error::invalid("room_code_taken", format!("A room with the code '{code}' already exists."))
    } else {
        error
    }
}

/// A page of the account's rooms, and how many there are.
///
/// # Errors
/// What the store says.
pub async fn list(app: &App, actor: &Actor, offset: i64, limit: i64) -> Result<(Vec<Room>, i64)> {
    let mut conn = app.store.reader().await?;
    Ok(rooms::list(&mut conn, &actor.account, limit, offset).await?)
}

/// A room by code or slug. Open to everybody; who works there is for callers
/// with a token. `host` tells the account of a public page that nothing else
/// names.
///
/// # Errors
/// 404.
pub async fn get(app: &App, actor: &Actor, name: &str, host: &str) -> Result<RoomView> {
    let account = if actor.account == credentials::no_account() {
        find_account(app, name, host).await?.ok_or_else(|| Error::not_found("room"))?
    } else {
        actor.account.clone()
    };
    let mut conn = app.store.reader().await?;
    let room = rooms::find_named(&mut conn, &account, name).await?.ok_or_else(|| Error::not_found("room"))?;
    let providers = match actor.who {
        Who::Anonymous => None,
        _ => Some(rooms::list_providers(&mut conn, &account, room.id).await?),
    };
    Ok(RoomView { room, providers })
}

/// The account of a room that a public page names only by its slug: the one on
/// this host, else the only one.
///
/// # Errors
/// What the store says.
async fn find_account(app: &App, name: &str, host: &str) -> Result<Option<AccountId>> {
    let mut conn = app.store.reader().await?;
    let mut found = rooms::list_named_anywhere(&mut conn, name).await?;
    found.retain(|room| room.active && room.public_access);
    if let Some(room) = found.iter().find(|room| !host.is_empty() && room.domain == host) {
        return Ok(Some(room.account.clone()));
    }
    found.dedup_by(|a, b| a.account == b.account);
    Ok(if found.len() == 1 { found.pop().map(|room| room.account) } else { None })
}

/// How a room's queue stands, for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How many wait.
    pub length: i64,
    /// How many stand ahead of the caller, if the caller waits here.
    pub ahead: Option<i64>,
    /// The usual wait in minutes, when enough is known.
    pub usual_wait_minutes: Option<i64>,
}

/// How a room's queue stands.
///
/// # Errors
/// 401 without a user, 404.
pub async fn queue(app: &App, actor: &Actor, name: &str) -> Result<Queue> {
    const RECENT_SECONDS: i64 = 14 * 24 * 3600;
    authz::account(actor, Action::RoomQueue)?;
    let (user, kind) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let room =
        rooms::find_named(&mut conn, &actor.account, name).await?.ok_or_else(|| Error::not_found("room"))?;
    let length = visits::queue_length(&mut conn, &actor.account, room.id).await?;
    let since = app.clock.now().plus_seconds(-RECENT_SECONDS);
    let waits = visits::recent_waits(&mut conn, &actor.account, room.id, since).await?;
    let waiting = if kind.is_patient() {
        visits::find_waiting(&mut conn, &actor.account, room.id, user).await?
    } else {
        None
    };
    let ahead = match waiting {
        Some(visit) => Some(visits::count_ahead(&mut conn, &actor.account, visit).await?),
        None => None,
    };
    Ok(Queue { length, ahead, usual_wait_minutes: room::usual_wait_minutes(&waits) })
}

/// Assigns a provider to rooms; never takes any away. Gives all their rooms.
///
/// # Errors
/// 403 for others than admins, 404 for unknown rooms, 400 when the user is no
/// provider.
pub async fn assign(
    app: &App,
    actor: &Actor,
    (user, kind): (UserId, UserType),
    wanted: Vec<RoomId>,
) -> Result<Vec<Room>> {
    authz::account(actor, Action::UserRoomsAssign)?;
    if kind != UserType::Provider {
        return Err(Error::invalid("not_a_provider", "Only providers (type 400) work in rooms."));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                for id in wanted {
                    let room = rooms::find(tx, &caller.account, id)
                        .await?
                        .ok_or_else(|| Error::not_found("room"))?;
                    if rooms::assign(tx, &caller.account, room.id, user, now).await? {
                        let subject = Subject { room: Some(room.id), user: Some(user), ..Subject::default() };
                        events::append(tx, &owner, &caller.account, EventType::RoomUpdated, subject).await?;
                        audit::write(tx, &owner, &caller, "users.assign_rooms", ("user", user.to_string()))
                            .await?;
                    }
                }
                Ok(rooms::list_of_provider(tx, &caller.account, user).await?)
            })
        })
        .await
}

/// What may be changed of a room; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Closes the room to new arrivals, or opens it.
    pub is_closed: Option<bool>,
    /// What people read while it is closed.
    pub close_msg: Option<String>,
    /// Patients may arrive without an appointment.
    pub walkin_enabled: Option<bool>,
    /// People may enter as guests.
    pub guest_enabled: Option<bool>,
}

/// Changes how a room is run.
///
/// # Errors
/// 403 for others than admins, 404.
pub async fn update(app: &App, actor: &Actor, name: &str, command: Update) -> Result<RoomView> {
    authz::account(actor, Action::RoomUpdate)?;
    let (owner, caller, wanted) = (app.clone(), actor.clone(), name.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let room = rooms::find_named(tx, &caller.account, &wanted)
                    .await?
                    .ok_or_else(|| Error::not_found("room"))?;
                let mut settings = room.settings;
                settings.is_closed = command.is_closed.unwrap_or(settings.is_closed);
                settings.close_msg = command.close_msg.unwrap_or(settings.close_msg);
                settings.walkin_enabled = command.walkin_enabled.unwrap_or(settings.walkin_enabled);
                settings.guest_enabled = command.guest_enabled.unwrap_or(settings.guest_enabled);
                rooms::update_settings(tx, &caller.account, room.id, &settings, owner.clock.now()).await?;
                let subject = Subject { room: Some(room.id), ..Subject::default() };
                events::append(tx, &owner, &caller.account, EventType::RoomUpdated, subject).await?;
                audit::write(tx, &owner, &caller, "rooms.update", ("room", room.id.to_string())).await
            })
        })
        .await?;
    get(app, actor, name, "").await
}
