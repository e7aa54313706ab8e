//! Rooms: making them, finding them, changing how they are run. Who works in
//! them is in `providers`, who is on call in `on_call`, who waits in `queue`.

mod booking;
mod late;
mod on_call;
mod providers;
mod queue;
mod settings;

use bedside_model::{
    AccountId, At, UserId,
    event::EventType,
    permission::{Action, Relations},
    room::{self, RoomSettings, Walkins},
    user::UserType,
};
use bedside_store::{
    Tx,
    rooms::{self, Filter, NewRoom, Page, Room},
};

use crate::{
    Actor, App, Error, Result, Who, audit, authz, credentials,
    events::{self, Subject},
    interpreters,
};

pub use booking::BookingUpdate;
pub(crate) use late::Delays;
pub use late::{Late, late};
pub use providers::{ProviderView, assign, get_provider, list_providers, unassign};
pub use queue::{Queue, queue};
pub(crate) use queue::{check_arrival, check_on_call, check_open, guests_not_allowed, no_walkins};
pub use settings::{ConsultationInput, Update};

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
    /// Everything else, over the settings of a new room.
    pub more: Update,
}

/// A room with what the caller may know.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// Who works in it; none for callers without a token.
    pub providers: Option<Vec<UserId>>,
    /// Closed by hand or by its hours.
    pub is_closed: bool,
    /// When its hours open it next.
    pub next_open: Option<At>,
    /// May one come without an appointment?
    pub walkins: Walkins,
    /// Tags of the languages for which an interpreter can be asked now.
    pub interpreter_languages: Vec<String>,
}

impl RoomView {
    async fn of(app: &App, room: Room, providers: Option<Vec<UserId>>) -> Result<Self> {
        let now = app.clock.now();
        let mut conn = app.store.reader().await?;
        let walkins = on_call::walkins(&mut conn, &room, now).await?;
        let interpreter_languages = interpreters::languages(&mut conn, &room.account).await?;
        Ok(Self {
            is_closed: room.settings.is_closed_at(now),
            next_open: room.settings.next_open(now),
            walkins,
            interpreter_languages,
            room,
            providers,
        })
    }
}

/// Adds a room. A provider's room is assigned to them.
///
/// # Errors
/// 401/403 for others than admins, 400 for bad or taken names and settings.
pub async fn add(app: &App, actor: &Actor, command: Add) -> Result<RoomView> {
    authz::account(actor, Action::RoomAdd)?;
    let now = app.clock.now();
    let new = NewRoom {
        account: actor.account.clone(),
        code: command.code.map_or_else(|| Ok(app.random.room_code()), settings::code)?,
        slug: settings::slug(command.slug)?,
        domain: settings::domain(command.domain)?,
        name: settings::name(command.name)?,
        subtitle: command.subtitle.unwrap_or_else(|| room::DEFAULT_SUBTITLE.to_owned()),
        description: command.description.unwrap_or_default(),
        settings: RoomSettings {
            consultations: vec![settings::first_consultation(app, now)],
            ..RoomSettings::default()
        },
        at: now,
    };
    let (domain, slug, code) = (new.domain.clone(), new.slug.clone(), new.code.clone());
    let (owner, caller) = (app.clone(), actor.clone());
    let added = app
        .store
        .write::<(Room, Vec<UserId>), Error, _>(move |tx| {
            Box::pin(async move {
                let id = rooms::add(tx, &new).await?;
                let room = rooms::find(tx, &new.account, id).await?;
                let mut room = room.ok_or_else(|| Error::not_found("room"))?;
                settings::apply(&owner, &mut room, command.more, now)?;
                keep(tx, &room, now).await?;
                let subject = Subject { room: Some(id), ..Subject::default() };
                events::append(tx, &owner, &new.account, EventType::RoomCreated, subject).await?;
                audit::write(tx, &owner, &caller, "rooms.add", ("room", id.to_string())).await?;
                let maker = caller.user().filter(|_| caller.kind() == Some(UserType::Provider));
                if let Some(maker) = maker {
                    rooms::assign(tx, &new.account, id, maker, now).await?;
                }
                Ok((room, maker.into_iter().collect()))
            })
        })
        .await;
    match added {
        Ok((room, providers)) => RoomView::of(app, room, Some(providers)).await,
        Err(error) => Err(name_taken(error, &domain, &slug, &code)),
    }
}

async fn keep(tx: &mut Tx, room: &Room, now: At) -> Result<()> {
    if room.is_default {
        rooms::only_default(tx, &room.account, room.id).await?;
    }
    Ok(rooms::update(tx, room, now).await?)
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

/// A page of the account's rooms, and how many there are. Admins may ask for
/// those that are switched off; nobody else sees them. Callers without
/// credentials see those that anybody may find.
///
/// # Errors
/// What the store says.
pub async fn list(app: &App, actor: &Actor, active: Option<bool>, page: Page) -> Result<(Vec<Room>, i64)> {
    let filter = if authz::may(actor, Relations::SAME_ACCOUNT, Action::RoomUpdate) {
        Filter { active, public: false }
    } else {
        Filter { active: Some(true), public: matches!(actor.who, Who::Anonymous) }
    };
    let mut conn = app.store.reader().await?;
    Ok(rooms::list(&mut conn, &actor.account, filter, page).await?)
}

/// A room by code or slug. Open to everybody; who works there is for callers
/// with a token. `host` tells the account of a public page that nothing else
/// names.
///
/// # Errors
/// 404, for callers without credentials also when it is switched off.
pub async fn get(app: &App, actor: &Actor, name: &str, host: &str) -> Result<RoomView> {
    let room = find_room(app, actor, name, host).await?;
    let providers = match actor.who {
        Who::Anonymous => None,
        _ => {
            let mut conn = app.store.reader().await?;
            Some(rooms::list_providers(&mut conn, &room.account, room.id).await?)
        }
    };
    RoomView::of(app, room, providers).await
}

async fn find_room(app: &App, actor: &Actor, name: &str, host: &str) -> Result<Room> {
    let missing = || Error::not_found("room");
    let account = if actor.account == credentials::no_account() {
        find_account(app, name, host).await?.ok_or_else(missing)?
    } else {
        actor.account.clone()
    };
    let mut conn = app.store.reader().await?;
    let room = rooms::find_named(&mut conn, &account, name).await?;
    room.filter(|room| room.active || !matches!(actor.who, Who::Anonymous)).ok_or_else(missing)
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

/// Changes a room: what is sent is put over what there is.
///
/// # Errors
/// 403 for others than admins, 404, 400 naming the field.
pub async fn update(app: &App, actor: &Actor, name: &str, command: Update) -> Result<RoomView> {
    authz::account(actor, Action::RoomUpdate)?;
    change(app, actor, name, "rooms.update", command).await
}

/// Switches a room off: nobody arrives there any more, its visits stay.
///
/// # Errors
/// 403 for others than admins, 404.
pub async fn delete(app: &App, actor: &Actor, name: &str) -> Result<RoomView> {
    authz::account(actor, Action::RoomUpdate)?;
    let off = Update { active: Some(false), ..Update::default() };
    change(app, actor, name, "rooms.delete", off).await
}

async fn change(
    app: &App,
    actor: &Actor,
    name: &str,
    action: &'static str,
    command: Update,
) -> Result<RoomView> {
    let (domain, slug, code) = (command.domain.clone(), command.slug.clone(), command.code.clone());
    let (owner, caller, wanted) = (app.clone(), actor.clone(), name.to_owned());
    let changed = app
        .store
        .write::<(Room, Vec<UserId>), Error, _>(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                let room = rooms::lock_named(tx, &caller.account, &wanted).await?;
                let mut room = room.ok_or_else(|| Error::not_found("room"))?;
                settings::apply(&owner, &mut room, command, now)?;
                keep(tx, &room, now).await?;
                room.updated_at = now;
                let subject = Subject { room: Some(room.id), ..Subject::default() };
                events::append(tx, &owner, &caller.account, EventType::RoomUpdated, subject).await?;
                audit::write(tx, &owner, &caller, action, ("room", room.id.to_string())).await?;
                let providers = rooms::list_providers(tx, &caller.account, room.id).await?;
                Ok((room, providers))
            })
        })
        .await;
    match changed {
        Ok((room, providers)) => RoomView::of(app, room, Some(providers)).await,
        Err(error) => {
            let mut conn = app.store.reader().await?;
            let room = rooms::find_named(&mut conn, &actor.account, name).await?;
            let Some(room) = room else { return Err(error) };
            let (domain, slug, code) =
                (domain.unwrap_or(room.domain), slug.unwrap_or(room.slug), code.unwrap_or(room.code));
            Err(name_taken(error, &domain, &slug, &code))
        }
    }
}
