//! Calendars out of the house: an appointment for somebody's own calendar, and
//! the private address under which a calendar follows all of them. Nothing in
//! them tells what a visit is about.

use bedside_model::{
    AccountId, At, Phi, UserId, VisitId,
    availability::Span,
    calendar::{self, Entry, Head, Party, Standing},
    permission::{Action, Relation, Relations},
    user::{UserStatus, UserType},
    visit::{Status, Subtype},
};
use bedside_store::{
    Conn, accounts,
    feeds::{self, Appointment, Feed, NewFeed},
    users, visits as rows,
};
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error, Result, audit, authz, links, tokens::digest};

pub use bedside_model::calendar::Method;

/// How far a feed reaches back, and ahead.
const BACK_DAYS: i64 = 30;
const AHEAD_DAYS: i64 = 400;
/// Most appointments of a feed, the latest ones.
const MOST: i64 = 2_000;
const DAY_SECONDS: i64 = 86_400;

/// Who reads an entry: patients see with whom they meet, staff that there is a
/// visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Patient,
    Staff,
}

/// An appointment for the calendar of its patient, to go with a message to
/// them. `link` is where it leads them.
///
/// # Errors
/// 404, 400 `not_an_appointment`.
pub async fn invite(
    app: &App,
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    method: Method,
    link: &str,
) -> Result<String> {
    let found = rows::find(conn, account, visit).await?.ok_or_else(|| Error::not_found("visit"))?;
    let link = Some(link).filter(|link| !link.is_empty());
    written(app, conn, account, (visit, found.member), method, (Reader::Patient, link)).await
}

/// An appointment for the caller's own calendar; to take it out again when it
/// was called off.
///
/// # Errors
/// 401, 404, 400 `not_an_appointment`.
pub async fn visit(app: &App, actor: &Actor, id: VisitId) -> Result<String> {
    let mut conn = app.store.reader().await?;
    let Some(found) = rows::find(&mut conn, &actor.account, id).await? else {
        authz::user(actor)?;
        return Err(Error::not_found("visit"));
    };
    authz::visit(&mut conn, actor, &found, Action::VisitRead).await?;
    app.reads.note(app, actor, found.member, "calendars.visit");
    let patient = actor.kind().is_some_and(UserType::is_patient);
    let (reader, whose) =
        if patient { (Reader::Patient, Some(found.member)) } else { (Reader::Staff, actor.user()) };
    // Whoever came by the link has no other way back to this page.
    let link = match actor.link() {
        Some(_) => {
            let vault = app.store.vault(&actor.account).await?;
            links::find_url(&mut conn, app, &vault, &actor.account, id).await?
        }
        None => None,
    };
    let method = match found.state.status {
        Status::Cancelled => Method::Cancel,
        _ => Method::Request,
    };
    let link = link.as_ref().map(|link| link.reveal().as_str());
    let whose = (id, whose.unwrap_or(found.member));
    written(app, &mut conn, &actor.account, whose, method, (reader, link)).await
}

async fn written(
    app: &App,
    conn: &mut Conn,
    account: &AccountId,
    (visit, whose): (VisitId, UserId),
    method: Method,
    (reader, link): (Reader, Option<&str>),
) -> Result<String> {
    let found = feeds::find_appointment(conn, account, visit)
        .await?
        .ok_or_else(|| Error::invalid("not_an_appointment", "Only an appointment has a time of its own."))?;
    let clinic = accounts::find(conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
    let person = users::find(conn, account, whose).await?;
    let invited = person.map(|person| {
        let profile = person.profile.reveal();
        Party { name: profile.full_name(), address: profile.email.clone() }
    });
    let organizer =
        Party { name: clinic.name, address: format!("no-reply@{}", host(&app.settings.pages_url)) };
    let mut entry = entry(app, account, found, reader);
    if method == Method::Cancel {
        entry.standing = Standing::Cancelled;
    }
    if let Some(link) = link {
        link.clone_into(&mut entry.url);
    }
    entry.parties = Some((organizer, invited.filter(|party| !party.address.is_empty())));
    Ok(calendar::text(&Head { name: None, method: Some(method) }, &[entry]))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    if host.is_empty() { "localhost.localdomain" } else { host }
}

fn entry(app: &App, account: &AccountId, of: Appointment, reader: Reader) -> Entry {
    let pages = &app.settings.pages_url;
    Entry {
        uid: uid(account, of.visit),
        sequence: of.version,
        changed_at: of.changed_at,
        span: of.span,
        zone: of.zone,
        summary: match reader {
            Reader::Patient if !of.provider.is_empty() => format!("Visit with {}", of.provider),
            _ => "Visit".to_owned(),
        },
        url: match reader {
            Reader::Patient => format!("{pages}/members/appointment/{}", of.visit),
            Reader::Staff => format!("{pages}/providers/dashboard"),
        },
        online: of.subtype == Subtype::Video,
        standing: match of.status {
            Status::Cancelled => Standing::Cancelled,
            Status::Pending => Standing::Tentative,
            _ => Standing::Confirmed,
        },
        parties: None,
    }
}

/// The same for good, and nobody else's: numbers alone would meet those of
/// another installation in one calendar.
fn uid(account: &AccountId, visit: VisitId) -> String {
    let hash = Sha256::new().chain_update(b"bedside calendars v1\0").chain_update(account.as_str());
    let hash = hash.chain_update(visit.to_string()).finalize();
    let hex = data_encoding::HEXLOWER.encode(&hash[..16]);
    format!("{hex}@bedside")
}

fn place(user: UserId) -> String {
    format!("calendar_feeds.secret:{user}")
}

fn owner(actor: &Actor) -> Result<UserId> {
    let (user, _) = authz::user(actor)?;
    let own = Relations::SAME_ACCOUNT.with(Relation::Myself, true);
    if authz::may(actor, own, Action::CalendarRead) {
        Ok(user)
    } else {
        Err(Error::forbidden("no_calendar", "Only patients and providers with a login have a calendar."))
    }
}

/// The secret of the caller's own feed; the first call makes it.
///
/// # Errors
/// 401, 403 `no_calendar`.
pub async fn get(app: &App, actor: &Actor) -> Result<Phi<String>> {
    let user = owner(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let known = feeds::find_secret(&mut conn, &actor.account, user).await?;
    drop(conn);
    if let Some(sealed) = known {
        return Ok(vault.open_text(&place(user), &sealed)?.into());
    }
    let (secret, feed) = fresh(app, actor, user).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let sealed = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                if feeds::add(tx, &feed).await? {
                    audit::write(tx, &owner, &caller, "calendars.add", ("user", user.to_string())).await?;
                }
                // Somebody faster may have made it meanwhile.
                Ok::<_, Error>(feeds::find_secret(tx, &caller.account, user).await?)
            })
        })
        .await?;
    match sealed {
        Some(sealed) => Ok(vault.open_text(&place(user), &sealed)?.into()),
        None => Ok(secret),
    }
}

/// Gives the caller's feed another address; the old one leads nowhere.
///
/// # Errors
/// As [`get`].
pub async fn rotate(app: &App, actor: &Actor) -> Result<Phi<String>> {
    let user = owner(actor)?;
    let (secret, feed) = fresh(app, actor, user).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                feeds::replace(tx, &feed).await?;
                audit::write(tx, &owner, &caller, "calendars.rotate", ("user", user.to_string())).await
            })
        })
        .await?;
    Ok(secret)
}

async fn fresh(app: &App, actor: &Actor, user: UserId) -> Result<(Phi<String>, NewFeed)> {
    let vault = app.store.vault(&actor.account).await?;
    let secret = app.random.hex();
    let feed = NewFeed {
        user,
        account: actor.account.clone(),
        hash: digest(&secret),
        secret: vault.seal_text(&place(user), &secret)?,
        at: app.clock.now(),
    };
    Ok((secret.into(), feed))
}

/// The calendar under a secret address: what its owner has, from a month ago on.
///
/// # Errors
/// 404 for an unknown address, and for people who may not act any more.
pub async fn feed(app: &App, secret: &str) -> Result<String> {
    let unknown = || Error::not_found("calendar");
    let mut conn = app.store.reader().await?;
    let feed = feeds::find(&mut conn, &digest(secret)).await?.ok_or_else(unknown)?;
    if !matches!(feed.status, UserStatus::Active | UserStatus::Inactive) {
        return Err(unknown());
    }
    let window = window(app.clock.now());
    let mut found = feeds::list(&mut conn, &feed, window, MOST).await?;
    drop(conn);
    found.reverse();
    Ok(of(app, &feed, found))
}

fn window(now: At) -> Span {
    Span {
        start: now.plus_seconds(-BACK_DAYS * DAY_SECONDS),
        end: now.plus_seconds(AHEAD_DAYS * DAY_SECONDS),
    }
}

fn of(app: &App, feed: &Feed, found: Vec<Appointment>) -> String {
    let reader = if feed.kind == UserType::Provider { Reader::Staff } else { Reader::Patient };
    let entries: Vec<Entry> =
        found.into_iter().map(|appointment| entry(app, &feed.account, appointment, reader)).collect();
    calendar::text(&Head { name: Some(feed.account_name.clone()), method: None }, &entries)
}
