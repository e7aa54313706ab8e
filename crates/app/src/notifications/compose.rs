//! Puts a notification together at the moment it is sent: of whom, when and
//! where, as it is then, in the recipient's language and time.

use bedside_model::{
    AccountId, Phi, UserId, VisitId,
    calendar::Method,
    notification::{Channel, Kind, Language},
    visit::Status,
};
use bedside_store::{
    Conn, Vault, accounts,
    accounts::Account,
    notifications::{self as rows, Notification},
    rooms, users,
    users::User,
    visit_views, visits,
};
use jiff::tz::TimeZone;

use super::{
    unsubscribe,
    words::{Words, Written, when},
};
use crate::{App, Error, Result, calendars, interpreters, links, ports::mail::Invite};

/// What a recipient gets.
pub(super) struct Composed {
    pub clinic: String,
    pub written: Written,
    pub link: Phi<String>,
    pub invite: Option<Invite>,
    /// Where one request ends such letters.
    pub unsubscribe: Option<String>,
    pub person: Option<User>,
}

/// Why a notification is not sent any more.
pub(super) enum Stale {
    /// The visit is over, or was called off.
    Visit,
    /// The person is gone, or may not act.
    Person,
}

/// Puts it together.
pub(super) async fn compose(
    app: &App,
    conn: &mut Conn,
    vault: &Vault,
    row: &Notification,
) -> Result<Result<Composed, Stale>> {
    let account = accounts::find(conn, &row.account).await?.ok_or_else(|| Error::not_found("account"))?;
    let person = match row.user {
        Some(user) => match users::find(conn, &row.account, user).await? {
            Some(person) => Some(person),
            None => return Ok(Err(Stale::Person)),
        },
        None => None,
    };
    let language = language(conn, &row.account, row.user).await?;
    let mut about = About::default();
    let mut letter = None;
    if row.kind == Kind::InterpreterRequest {
        match interpreters::asked_by_notification(app, conn, &account, &row.source).await? {
            Some(asked) => letter = Some(asked),
            None => return Ok(Err(Stale::Visit)),
        }
    }
    if let Some(visit) = row.visit {
        match about_visit(app, conn, vault, (&account, row.kind, visit), person.as_ref(), language).await? {
            Some(found) => about = found,
            None => return Ok(Err(Stale::Visit)),
        }
    }
    let link = match (&letter, about.link) {
        (Some(letter), _) => letter.link.clone().into(),
        (None, Some(link)) => link,
        (None, None) => page_of(app, &account, row.kind, person.as_ref()).into(),
    };
    let first_name = match (&letter, person.as_ref()) {
        (Some(letter), _) => letter.name.clone(),
        (None, Some(one)) => one.profile.reveal().first_name.clone(),
        (None, None) => String::new(),
    };
    let other = letter.as_ref().map(interpreters::Letter::other);
    let tongue = letter.map(|letter| interpreters::language_name(&letter.language)).unwrap_or_default();
    let unsubscribe = row.user.filter(|_| row.channel == Channel::Mail && row.kind.is_notice());
    let unsubscribe = unsubscribe.map(|user| unsubscribe::url(app, &account, user));
    let words = Words {
        template: row.kind.as_str(),
        language,
        clinic: &account.name,
        logo: &account.logo_url,
        username: "",
        first_name: &first_name,
        provider: about.provider.as_deref(),
        room: &about.room,
        when: about.when,
        link: link.reveal(),
        other: other.as_deref(),
        tongue: &tongue,
        unsubscribe: unsubscribe.as_deref(),
        one_time: about.one_time,
        may_change: about.may_change,
    };
    let written = words.written()?;
    let invite = match (row.channel, row.visit) {
        (Channel::Mail, Some(visit)) => invite(app, conn, row, visit, link.reveal()).await?,
        _ => None,
    };
    Ok(Ok(Composed { clinic: account.name, written, link, invite, unsubscribe, person }))
}

/// The title that a notification has in somebody's list.
pub(super) fn title(kind: Kind, language: Language, clinic: &str) -> Result<String> {
    let words = Words { template: kind.as_str(), language, clinic, ..Words::default() };
    Ok(words.written()?.subject)
}

/// A person's language, else the clinic's.
pub(crate) async fn language(conn: &mut Conn, account: &AccountId, user: Option<UserId>) -> Result<Language> {
    let own = match user {
        Some(user) => rows::find_person(conn, account, user).await?.language,
        None => None,
    };
    match own {
        Some(language) => Ok(language),
        None => Ok(rows::find_wishes(conn, account).await?.language),
    }
}

/// What there is to say of a visit.
#[derive(Default)]
struct About {
    provider: Option<String>,
    room: String,
    when: Option<String>,
    link: Option<Phi<String>>,
    one_time: bool,
    may_change: bool,
}

async fn about_visit(
    app: &App,
    conn: &mut Conn,
    vault: &Vault,
    (account, kind, id): (&Account, Kind, VisitId),
    person: Option<&User>,
    language: Language,
) -> Result<Option<About>> {
    let Some(visit) = visits::find(conn, &account.id, id).await? else { return Ok(None) };
    let stands = matches!(visit.state.status, Status::Pending | Status::Confirmed);
    let fits = match kind {
        Kind::Booked
        | Kind::Requested
        | Kind::Changed
        | Kind::Reminder
        | Kind::Waiting
        | Kind::StillWaiting
        | Kind::Asked
        | Kind::NextInLine
        | Kind::Late => stands,
        Kind::Ready => visit.state.status == Status::InProgress,
        Kind::Invitation | Kind::InterpreterRequest | Kind::LinkAgain => visit.state.status.is_open(),
        _ => true,
    };
    if !fits {
        return Ok(None);
    }
    let Some(room) = rooms::find(conn, &account.id, visit.room).await? else { return Ok(None) };
    let provider = match visit.state.provider.or(visit.state.requested_provider) {
        Some(provider) => users::find(conn, &account.id, provider).await?,
        None => None,
    };
    let own_zone = person.map(|one| one.profile.reveal().timezone.clone()).unwrap_or_default();
    let zone = Some(own_zone).filter(|name| !name.is_empty()).and_then(|name| TimeZone::get(&name).ok());
    let zone = zone.unwrap_or_else(|| room.settings.zone());
    let one_time = match kind.is_for_staff() || matches!(kind, Kind::Invitation | Kind::InterpreterRequest) {
        true => None,
        false => links::find_url(conn, app, vault, &account.id, id).await?,
    };
    let is_one_time = one_time.is_some();
    let link = match (one_time, kind) {
        (_, Kind::Invitation) => invitation(app, conn, &account.id, id).await?,
        (Some(link), _) => Some(link),
        (None, _) => None,
    };
    let is_appointment = visit.plan.kind == bedside_model::visit::Kind::Scheduled;
    let link = link.or_else(|| {
        let portal =
            person.is_some_and(|one| one.password_hash.is_none()) && !account.portal_return_url.is_empty();
        let page = match is_appointment {
            _ if kind.is_for_staff() => return None,
            _ if portal => account.portal_return_url.clone(),
            true => format!("{}/members/appointment/{id}", app.settings.pages_url),
            false => format!("{}/visits/start/{id}", app.settings.pages_url),
        };
        Some(page.into())
    });
    Ok(Some(About {
        provider: provider.map(|one| {
            let profile = one.profile.reveal();
            format!("{} {}", profile.title, profile.full_name()).trim().to_owned()
        }),
        room: room.name,
        when: is_appointment.then(|| when(visit.plan.start_at, &zone, language)),
        link,
        one_time: is_one_time,
        may_change: room.settings.booking.patient_may_cancel,
    }))
}

/// Where guests come in.
pub(super) async fn invitation(
    app: &App,
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
) -> Result<Option<Phi<String>>> {
    let view = visit_views::find(conn, account, visit).await?;
    Ok(view.map(|view| format!("{}/visits/join/{}", app.settings.pages_url, view.code).into()))
}

/// Where somebody goes who is told of no single visit, or works here.
fn page_of(app: &App, account: &Account, kind: Kind, person: Option<&User>) -> String {
    let pages = &app.settings.pages_url;
    match kind {
        Kind::WebhookDisabled => format!("{pages}/admin/developers"),
        _ if kind.is_for_staff() => format!("{pages}/providers/dashboard"),
        _ if person.is_some() && !account.portal_return_url.is_empty() => account.portal_return_url.clone(),
        _ => pages.clone(),
    }
}

/// What goes into the person's calendar.
async fn invite(
    app: &App,
    conn: &mut Conn,
    row: &Notification,
    visit: VisitId,
    link: &str,
) -> Result<Option<Invite>> {
    let method = match row.kind {
        Kind::Booked | Kind::Changed => Method::Request,
        Kind::Cancelled => Method::Cancel,
        _ => return Ok(None),
    };
    let text = calendars::invite(app, conn, &row.account, visit, method, link).await?;
    Ok(Some(Invite { method: method.as_str(), text }))
}
