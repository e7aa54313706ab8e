//! The cards that people pay with, and what the card processor tells. Numbers
//! of cards never come here: pages hand them to the processor, and bring the
//! token that it gives for them.

use bedside_model::{
    At, Phi, UserId, money,
    permission::{Action, Relation, Relations},
};
use bedside_store::{Conn, Vault, billing, billing::Source, rooms, test_clinics, users};

use crate::{
    Actor, App, Error, Result, audit, authz,
    ports::billing::{Billing, Card},
};

/// Most cards of one person.
const MAX_CARDS: usize = 20;

/// A card as its owner sees it.
#[derive(Debug, Clone)]
pub struct SourceView {
    /// Its row.
    pub source: Source,
    /// What may be shown of it.
    pub card: Phi<Card>,
}

/// How a clinic takes money.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Does it at all?
    pub enabled: bool,
    /// By which processor.
    pub kind: &'static str,
    /// What pages need for it.
    pub publishable_key: Option<String>,
}

/// Where somebody is about to pay: must be there when it is named.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The room's code or slug.
    pub room: Option<String>,
    /// Who treats them.
    pub provider: Option<UserId>,
}

pub(crate) fn off() -> Error {
    Error::invalid("billing_off", "This clinic takes no payments here.")
}

fn context(id: &str) -> String {
    format!("billing_sources.content:{id}")
}

/// The processor of the caller's clinic: one that takes nobody's money serves
/// test clinics alone.
///
/// # Errors
/// 400 `billing_off`.
pub(crate) async fn driver<'a>(app: &'a App, conn: &mut Conn, actor: &Actor) -> Result<&'a Billing> {
    let serves = match app.billing {
        Billing::Off => false,
        _ => app.billing.is_live() || test_clinics::is_test(conn, &actor.account).await?,
    };
    if serves { Ok(&app.billing) } else { Err(off()) }
}

async fn check(conn: &mut Conn, actor: &Actor, place: &Place) -> Result<()> {
    let room = match place.room.as_deref().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(
            rooms::find_named(conn, &actor.account, name)
                .await?
                .filter(|room| room.active)
                .ok_or_else(|| Error::field("room_code", "there is no such room"))?,
        ),
    };
    let Some(provider) = place.provider else { return Ok(()) };
    let known = users::find(conn, &actor.account, provider).await?;
    let works = match &room {
        Some(room) => rooms::is_assigned(conn, &actor.account, room.id, provider).await?,
        None => true,
    };
    if known.is_some_and(|user| user.kind == bedside_model::user::UserType::Provider) && works {
        return Ok(());
    }
    Err(Error::field("provider_id", "there is no such provider here"))
}

/// How the clinic takes money.
///
/// # Errors
/// 401, 403, 400 naming `room_code` or `provider_id`.
pub async fn settings(app: &App, actor: &Actor, place: &Place) -> Result<Settings> {
    authz::user(actor)?;
    let own = Relations::SAME_ACCOUNT.with(Relation::Myself, actor.link().is_none());
    authz::judge(actor, own, Action::BillingRead, Action::UserRead, "user")?;
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor, place).await?;
    match driver(app, &mut conn, actor).await {
        Ok(driver) => Ok(Settings {
            enabled: true,
            kind: driver.word(),
            publishable_key: driver.publishable_key().map(str::to_owned),
        }),
        Err(error) if error.code() == Some("billing_off") => {
            Ok(Settings { enabled: false, kind: "off", publishable_key: None })
        }
        Err(error) => Err(error),
    }
}

/// The caller, who manages their own cards.
fn owner(actor: &Actor) -> Result<UserId> {
    let (user, _) = authz::user(actor)?;
    let own = Relations::SAME_ACCOUNT.with(Relation::Myself, actor.link().is_none());
    authz::judge(actor, own, Action::CardsManage, Action::BillingRead, "user")?;
    Ok(user)
}

pub(crate) fn open(vault: &Vault, source: Source) -> Result<SourceView> {
    let text = vault.open_text(&context(&source.id), &source.content)?;
    let card: Card = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(SourceView { source, card: card.into() })
}

/// Keeps a card of the caller's. The first one is the one that is charged.
///
/// # Errors
/// 401, 403, 400 `billing_off`, `card_refused`, `too_many_cards`, naming
/// `token`, `room_code` or `provider_id`.
pub async fn add_source(app: &App, actor: &Actor, place: &Place, token: &str) -> Result<SourceView> {
    let user = owner(actor)?;
    let token = token.trim();
    if money::is_card_number(token) {
        return Err(Error::field("token", "send the processor's token, never the number of a card"));
    }
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor, place).await?;
    let driver = driver(app, &mut conn, actor).await?;
    drop(conn);
    let card = driver.attach(token).await?;
    let vault = app.store.vault(&actor.account).await?;
    let now = app.clock.now();
    let id = app.random.uuid(now);
    let text = serde_json::to_string(&card).map_err(Error::internal)?;
    let content = vault.seal_text(&context(&id), &text)?;
    let (owner, caller) = (app.clone(), actor.clone());
    let source = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let before = billing::list(tx, &caller.account, user).await?;
                if before.len() >= MAX_CARDS {
                    return Err(Error::invalid(
                        "too_many_cards",
                        "Remove a card before you add another one.",
                    ));
                }
                let account = caller.account.clone();
                // Also within a millisecond the newest is the last.
                let created_at = At(now.0.max(before.last().map_or(0, |last| last.created_at.0 + 1)));
                let source = Source { id, account, user, content, is_default: before.is_empty(), created_at };
                billing::add(tx, &source).await?;
                let object = ("billing_source", source.id.clone());
                audit::write(tx, &owner, &caller, "billing.add_source", object).await?;
                Ok(source)
            })
        })
        .await?;
    Ok(SourceView { source, card: card.into() })
}

/// The caller's cards, the oldest first.
///
/// # Errors
/// 401, 403, 400 `billing_off`, naming `room_code` or `provider_id`.
pub async fn list_sources(app: &App, actor: &Actor, place: &Place) -> Result<Vec<SourceView>> {
    let user = owner(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor, place).await?;
    driver(app, &mut conn, actor).await?;
    let all = billing::list(&mut conn, &actor.account, user).await?;
    all.into_iter().map(|source| open(&vault, source)).collect()
}

/// One of the caller's cards.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`.
pub async fn get_source(app: &App, actor: &Actor, id: &str) -> Result<SourceView> {
    let all = list_sources(app, actor, &Place::default()).await?;
    all.into_iter().find(|view| view.source.id == id).ok_or_else(|| Error::not_found("card"))
}

/// Makes one of the caller's cards the one that is charged.
///
/// # Errors
/// As [`get_source`].
pub async fn default_source(app: &App, actor: &Actor, id: &str) -> Result<SourceView> {
    let mut view = get_source(app, actor, id).await?;
    let (owner, caller, user, name) = (app.clone(), actor.clone(), view.source.user, id.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                billing::make_default(tx, &caller.account, user, &name).await?;
                audit::write(tx, &owner, &caller, "billing.default_source", ("billing_source", name)).await
            })
        })
        .await?;
    view.source.is_default = true;
    Ok(view)
}

/// Forgets one of the caller's cards; the oldest of the others is charged then.
///
/// # Errors
/// As [`get_source`].
pub async fn delete_source(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let view = get_source(app, actor, id).await?;
    let (owner, caller, user, name) = (app.clone(), actor.clone(), view.source.user, id.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                billing::delete(tx, &caller.account, user, &name).await?;
                let left = billing::list(tx, &caller.account, user).await?;
                if let Some(first) = left.first().filter(|_| !left.iter().any(|source| source.is_default)) {
                    billing::make_default(tx, &caller.account, user, &first.id).await?;
                }
                audit::write(tx, &owner, &caller, "billing.delete_source", ("billing_source", name)).await
            })
        })
        .await
}
