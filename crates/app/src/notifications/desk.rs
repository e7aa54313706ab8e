//! What those who run the clinic do: settings, what was sent and what was not,
//! and trying whether a way works.

use bedside_model::{
    AccountId, At, Phi, UserId, VisitId,
    endpoint::{EndpointType, Key},
    mail::is_address,
    notification::{self, Channel, Kind, Language, State},
    permission::Action,
    room::Alerts,
};
use bedside_store::{
    Conn, accounts, endpoints,
    notifications::{self as rows, ChannelTest, Notification, Wishes},
    rooms as stored_rooms, users,
};
use serde_json::json;

use super::{
    compose,
    send::{deliver_push, deliver_sms},
    words::Words,
};
use crate::{Actor, App, Error, Result, audit, authz, mail, ports::mail::Letter, rooms};

/// Most rows on a page.
const LONGEST_PAGE: i64 = 100;

/// Who is told, one after another, when nobody takes a waiting patient of a
/// room.
///
/// # Errors
/// 401, 403 for others than admins, 404.
pub async fn alerts(app: &App, actor: &Actor, room: &str) -> Result<Alerts> {
    authz::account(actor, Action::RoomUpdate)?;
    let mut conn = app.store.reader().await?;
    let found = stored_rooms::find_named(&mut conn, &actor.account, room).await?;
    Ok(found.ok_or_else(|| Error::not_found("room"))?.settings.alerts)
}

/// Changes who is told.
///
/// # Errors
/// 401, 403 for others than admins, 404, 400 naming the field.
pub async fn update_alerts(app: &App, actor: &Actor, room: &str, alerts: Alerts) -> Result<Alerts> {
    authz::account(actor, Action::RoomUpdate)?;
    let mut conn = app.store.reader().await?;
    for id in &alerts.user_ids {
        let user = users::find(&mut conn, &actor.account, UserId(*id)).await?;
        if user.is_none_or(|user| user.kind.is_patient()) {
            return Err(Error::field("user_ids", format!("{id} is nobody who works here")));
        }
    }
    drop(conn);
    let command = rooms::Update { alerts: Some(alerts), ..rooms::Update::default() };
    rooms::update(app, actor, room, command).await?;
    self::alerts(app, actor, room).await
}

/// What the account wants.
///
/// # Errors
/// 401, 403 for others than admins.
pub async fn settings(app: &App, actor: &Actor) -> Result<Wishes> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    Ok(rows::find_wishes(&mut conn, &actor.account).await?)
}

/// What may be changed of it; none leaves it.
#[derive(Debug, Clone, Default)]
pub struct SettingsUpdate {
    /// A tag such as `es`.
    pub language: Option<String>,
    /// Minutes before an appointment; an empty list sends none.
    pub reminders: Option<Vec<i64>>,
}

/// Changes what the account wants. Appointments made before keep the reminders
/// they were planned with, as far as they are still wanted.
///
/// # Errors
/// 401, 403 for others than admins, 400 naming the field.
pub async fn update_settings(app: &App, actor: &Actor, update: SettingsUpdate) -> Result<Wishes> {
    authz::account(actor, Action::AccountManage)?;
    let language = match &update.language {
        Some(tag) => Some(Language::parse(tag).ok_or_else(|| Error::field("language", "use en or es"))?),
        None => None,
    };
    let reminders = match update.reminders {
        Some(minutes) => Some(notification::reminders(minutes).ok_or_else(|| {
            Error::field("reminders", "use up to 5 numbers of minutes, each from 5 to 40320")
        })?),
        None => None,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let known = rows::find_wishes(tx, account).await?;
                let wishes = Wishes {
                    language: language.unwrap_or(known.language),
                    reminders: reminders.unwrap_or(known.reminders),
                };
                rows::put_wishes(tx, account, &wishes).await?;
                let object = ("account", account.to_string());
                audit::write(tx, &owner, &caller, "notifications.update_settings", object).await?;
                Ok(wishes)
            })
        })
        .await
}

/// What was sent, or not: nothing of what it said.
#[derive(Debug, Clone)]
pub struct Sent(pub Notification);

/// What was sent, or not, newest first.
///
/// # Errors
/// 401, 403 for others than admins, 400 naming `state`.
pub async fn list_sent(
    app: &App,
    actor: &Actor,
    (visit, state): (Option<VisitId>, Option<&str>),
    (skip, limit): (Option<i64>, Option<i64>),
) -> Result<Vec<Sent>> {
    authz::account(actor, Action::AccountManage)?;
    let known = |word: &str| {
        State::parse(word)
            .ok_or_else(|| Error::field("state", "use waiting, sent, failed, bounced or skipped"))
    };
    let state = state.filter(|word| !word.is_empty()).map(known).transpose()?;
    let page = (skip.unwrap_or(0).max(0), limit.unwrap_or(20).clamp(1, LONGEST_PAGE));
    let mut conn = app.store.reader().await?;
    let found = rows::list(&mut conn, &actor.account, visit, state, page).await?;
    Ok(found.into_iter().map(Sent).collect())
}

/// A way out of the house.
#[derive(Debug, Clone)]
pub struct ChannelView {
    /// Which.
    pub channel: Channel,
    /// How it goes: `folder`, `smtp`, `http`, `off`.
    pub way: &'static str,
    /// When somebody last tried it, and whether it worked.
    pub tested: Option<(At, bool)>,
}

impl ChannelView {
    /// Configured and tried: people may be promised a message on it.
    #[must_use]
    pub fn works(&self) -> bool {
        self.way != "off" && self.tested.is_some_and(|(_, works)| works)
    }
}

/// The ways out of the house, and whether they were tried.
///
/// # Errors
/// 401, 403 for others than admins.
pub async fn channels(app: &App, actor: &Actor) -> Result<Vec<ChannelView>> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    channels_of(app, &mut conn, &actor.account).await
}

/// The ways out of an account's house, in the order in which people are offered
/// them; only those that work may be.
///
/// # Errors
/// What the store says.
pub async fn channels_of(app: &App, conn: &mut Conn, account: &AccountId) -> Result<Vec<ChannelView>> {
    let tests = rows::list_tests(conn, account).await?;
    let ways = [(Channel::Sms, app.sms.word()), (Channel::Mail, app.mail.word()), (Channel::Push, "web")];
    let view = |(channel, way)| {
        let test = tests.iter().find(|test| test.channel == channel);
        ChannelView { channel, way, tested: test.map(|test| (test.at, test.works)) }
    };
    Ok(ways.map(view).into())
}

/// A try, and what came of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// On which way.
    pub channel: Channel,
    /// Did it work?
    pub works: bool,
    /// Why not, as a stable word and a sentence.
    pub why: Option<(String, String)>,
}

/// Sends the caller, or an address of their choice, a message now, and keeps
/// whether that worked.
///
/// # Errors
/// 401, 403 for others than admins, 400 naming `channel` or `to`.
pub async fn test(app: &App, actor: &Actor, channel: &str, to: Option<Phi<String>>) -> Result<Tried> {
    authz::account(actor, Action::AccountManage)?;
    let channel = Channel::parse(channel)
        .filter(|channel| *channel != Channel::App)
        .ok_or_else(|| Error::field("channel", "use mail, sms or push"))?;
    let (keys, language, (clinic, logo), name) = whom(app, actor, channel, to).await?;
    let link = app.settings.pages_url.clone();
    let words = Words {
        template: Kind::Test.as_str(),
        language,
        clinic: &clinic,
        logo: &logo,
        first_name: &name,
        link: &link,
        ..Words::default()
    };
    let written = words.written()?;
    let now = app.clock.now();
    let row = Notification {
        id: app.random.uuid(now),
        account: actor.account.clone(),
        source: "test".to_owned(),
        kind: Kind::Test,
        channel,
        recipient: String::new(),
        user: actor.user(),
        endpoint: String::new(),
        address: None,
        visit: None,
        state: State::Sent,
        reason: String::new(),
        tries: 1,
        created_at: now,
        expires_at: now.plus_seconds(Kind::Test.worth_seconds()),
        settled_at: Some(now),
        read_at: None,
    };
    let mut done = Ok(());
    for key in keys {
        done = match channel {
            Channel::Mail => {
                let letter = Letter {
                    id: row.id.clone(),
                    host: mail::host(&app.settings.pages_url),
                    to_name: name.clone(),
                    to_address: key.key,
                    subject: written.subject.clone(),
                    text: written.text.clone(),
                    html: written.html.clone(),
                    invite: None,
                    unsubscribe: None,
                    at: now,
                };
                mail::deliver(app, &actor.account, letter).await
            }
            Channel::Sms => {
                deliver_sms(app, &row, key.key, format!("{clinic}: {} {link}", written.short)).await
            }
            _ => {
                let text = json!({ "title": clinic, "body": written.short, "url": link, "tag": "test" });
                deliver_push(app, &row, &key, &text).await
            }
        };
    }
    let works = done.is_ok();
    let why = done.err().map(|error| (error.code().unwrap_or("internal").to_owned(), error.to_string()));
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                rows::put_test(tx, &caller.account, ChannelTest { channel, works, at: now }).await?;
                let object = ("channel", channel.as_str().to_owned());
                audit::write(tx, &owner, &caller, "notifications.test", object).await?;
                Ok(Tried { channel, works, why })
            })
        })
        .await
}

/// Where a test goes, in which language, from whom (name and logo) and to whom.
async fn whom(
    app: &App,
    actor: &Actor,
    channel: Channel,
    to: Option<Phi<String>>,
) -> Result<(Vec<Key>, Language, (String, String), String)> {
    let account = &actor.account;
    let mut conn = app.store.reader().await?;
    let clinic = accounts::find(&mut conn, account).await?.map(|account| (account.name, account.logo_url));
    let clinic = clinic.unwrap_or_default();
    let language = compose::language(&mut conn, account, actor.user()).await?;
    let kind = match channel {
        Channel::Mail => EndpointType::Email,
        Channel::Sms => EndpointType::Sms,
        _ => EndpointType::WebPush,
    };
    let plain = |key: String| Key { key, p256dh: String::new(), auth: String::new() };
    if let Some(to) = to.filter(|_| channel != Channel::Push) {
        let key = plain(to.into_inner()).checked(kind).map_err(|(_, why)| Error::field("to", why))?;
        return Ok((vec![key], language, clinic, String::new()));
    }
    let user = match actor.user() {
        Some(user) => users::find(&mut conn, account, user).await?,
        None => None,
    };
    let Some(user) = user else { return Err(Error::field("to", "is required")) };
    let known = endpoints::list_of_user(&mut conn, account, user.id).await?;
    let vault = app.store.vault(account).await?;
    let own = known.iter().filter(|endpoint| endpoint.kind == kind);
    let mut keys =
        own.map(|endpoint| crate::endpoints::open(&vault, endpoint)).collect::<Result<Vec<_>>>()?;
    let profile = user.profile.reveal();
    if channel == Channel::Mail && is_address(profile.email.trim()) {
        keys = vec![plain(profile.email.trim().to_owned())];
    }
    if keys.is_empty() {
        let why = match channel {
            Channel::Push => "switch notifications on in this browser first",
            _ => "is required: you have no address of this kind yourself",
        };
        return Err(Error::field("to", why));
    }
    Ok((keys, language, clinic, profile.first_name.clone()))
}
