//! What a contact sees and says who is asked to interpret. The letter's link
//! names clinic, search and contact, and is signed: there is nothing to keep,
//! and it opens this one visit's door only, for as long as somebody is needed.

use bedside_model::{
    AccountId, GuestId, VisitId,
    event::EventType,
    guest::{self, Action, Role, Status as Place},
    interpreter::{Answer, Done, Status, Step},
    notification::Language,
    user::{Profile, SessionKind},
};
use bedside_store::{
    Conn, Tx, accounts,
    accounts::Account,
    guests,
    interpreters::{self, Interpreter, Request},
    users, visit_views,
    visits::{self, Visit},
};

use super::search::{step, tell, write};
use crate::{
    Actor, App, Error, Result, Who, audit,
    guests::{arrive, may_come, tell as tell_guest},
    notifications,
    signatures::{is_signed, sign},
    users::SignedIn,
};

/// What is signed besides the rest.
const PURPOSE: &str = "bedside please interpret v1";

fn signed(account: &AccountId, request: &str, interpreter: &str) -> String {
    format!("{PURPOSE}\0{account}\0{request}\0{interpreter}")
}

fn url(app: &App, account: &Account, request: &str, interpreter: &str) -> String {
    let signature = sign(app, &signed(&account.id, request, interpreter));
    format!("{}/interpret?who={}.{request}.{interpreter}.{signature}", app.settings.pages_url, account.code)
}

/// What there is to say in the letter to somebody who is asked.
pub(crate) struct Letter {
    /// Their name.
    pub name: String,
    /// What is spoken, as a tag.
    pub language: String,
    /// Where they answer.
    pub link: String,
}

impl Letter {
    /// Where they say no. Looking at a link changes nothing: mail programs open
    /// every one.
    pub(crate) fn other(&self) -> String {
        format!("{}&answer=no", self.link)
    }
}

/// The letter behind a notification's source; none when the answer is not waited
/// for any more.
pub(crate) async fn asked_by_notification(
    app: &App,
    conn: &mut Conn,
    account: &Account,
    source: &str,
) -> Result<Option<Letter>> {
    let mut parts = source.split(':').skip(1);
    let (Some(request), Some(who)) = (parts.next(), parts.next()) else { return Ok(None) };
    let Some(found) = interpreters::find_request(conn, &account.id, request).await? else { return Ok(None) };
    if found.search.answer_of(who) != Some(Answer::Asked) {
        return Ok(None);
    }
    let Some(one) = interpreters::find(conn, &account.id, who).await? else { return Ok(None) };
    let link = url(app, account, request, who);
    Ok(Some(Letter { name: one.contact.name, language: found.language, link }))
}

/// How it stands for somebody who opens the letter's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A yes or a no is waited for.
    Asked,
    /// They said yes and may enter.
    Comes,
    /// They said no.
    Declined,
    /// Somebody else said yes.
    Taken,
    /// Nobody is needed any more.
    Over,
}

/// Who opens the letter's link.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How it stands.
    pub standing: Standing,
    /// The clinic's language.
    pub words: Language,
    /// The clinic's name.
    pub clinic: String,
    /// What is to be interpreted, as a tag.
    pub language: String,
    account: AccountId,
    visit: VisitId,
    request: String,
    interpreter: String,
}

fn standing(visit: &Visit, request: &Request, one: &Interpreter) -> Standing {
    if may_come(visit).is_err() {
        return Standing::Over;
    }
    match (request.search.answer_of(&one.id), request.search.status) {
        (Some(Answer::Accepted), Status::Accepted) => Standing::Comes,
        (Some(Answer::Declined), _) => Standing::Declined,
        (Some(Answer::Asked | Answer::NoAnswer), Status::Asking | Status::NotFound) => Standing::Asked,
        // A letter of an earlier search: from whoever could be asked in this one.
        (None, Status::Asking | Status::NotFound)
            if one.listed && one.contact.active && one.contact.speaks(&request.language) =>
        {
            Standing::Asked
        }
        (_, Status::Accepted) => Standing::Taken,
        _ => Standing::Over,
    }
}

/// The search that a letter counts for: the one by which its reader has a place
/// at the visit, else the visit's newest. Whoever opens an old letter is as
/// welcome as with the new one, and one language never brings two people.
async fn current(conn: &mut Conn, visit: &Visit, own: Request, one: &Interpreter) -> Result<Request> {
    let all = interpreters::list_of_visit(conn, &visit.account, visit.id).await?;
    for request in &all {
        if request.search.answer_of(&one.id) == Some(Answer::Accepted)
            && let Some(guest) = &request.guest
            && let Some(guest) = guests::find(conn, &visit.account, visit.id, guest).await?
            && matches!(guest.place.status, Place::Waiting | Place::Admitted)
        {
            return Ok(request.clone());
        }
    }
    Ok(all.into_iter().next().unwrap_or(own))
}

/// Whom a letter's link names; changes nothing. None for a link that is not ours.
///
/// # Errors
/// What the store says.
pub async fn find(app: &App, who: &str) -> Result<Option<Asked>> {
    let mut parts = who.rsplitn(4, '.');
    let (Some(signature), Some(interpreter), Some(request), Some(code)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let mut conn = app.store.reader().await?;
    let Some(account) = accounts::find_by_code(&mut conn, code).await? else { return Ok(None) };
    if !is_signed(app, &signed(&account.id, request, interpreter), signature) {
        return Ok(None);
    }
    let found = interpreters::find_request(&mut conn, &account.id, request).await?;
    let Some(found) = found else { return Ok(None) };
    let Some(visit) = visits::find(&mut conn, &account.id, found.visit).await? else { return Ok(None) };
    let Some(one) = interpreters::find(&mut conn, &account.id, interpreter).await? else { return Ok(None) };
    let asked = found.id.clone();
    let found = current(&mut conn, &visit, found, &one).await?;
    let words = notifications::language(&mut conn, &account.id, None).await?;
    Ok(Some(Asked {
        standing: standing(&visit, &found, &one),
        words,
        clinic: account.name,
        account: account.id,
        visit: visit.id,
        language: found.language,
        request: asked,
        interpreter: interpreter.to_owned(),
    }))
}

/// An interpreter who said yes, at the visit's door.
pub struct Entered {
    /// The one-time user and the tokens.
    pub signed_in: SignedIn,
    /// The visit's invite code: its page is where they go on.
    pub code: String,
}

fn actor(asked: &Asked, (request, address): (String, String)) -> Actor {
    Actor::new(asked.account.clone(), Who::Anonymous, request, address)
}

/// The contact says yes, or said so before and comes (again): a guest of the
/// visit, let in by the provider's own asking. None when nobody is needed.
///
/// # Errors
/// 400 `too_many_guests`, and what the store says.
pub async fn accept(
    app: &App,
    asked: &Asked,
    by: (String, String),
    device: String,
) -> Result<Option<Entered>> {
    let vault = app.store.vault(&asked.account).await?;
    let (owner, asked, caller) = (app.clone(), asked.clone(), actor(asked, by));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some((visit, mut request, one)) = locked(tx, &asked).await? else { return Ok(None) };
                match standing(&visit, &request, &one) {
                    Standing::Asked => {
                        let yes = Step::Accept(&one.id);
                        if step(tx, &owner, &vault, &visit, &mut request, yes).await? == Done::Nothing {
                            return Ok(None);
                        }
                        tell(tx, &owner, &visit, Some(&one.id), EventType::VisitInterpreterAccepted).await?;
                        let object = ("visit", visit.id.to_string());
                        audit::write(tx, &owner, &caller, "interpreters.accept", object).await?;
                    }
                    Standing::Comes => {}
                    _ => return Ok(None),
                }
                let guest = place(tx, &owner, &caller, &visit, &request, &one).await?;
                if request.guest.as_ref() != Some(&guest.id) {
                    request.guest = Some(guest.id.clone());
                    write(tx, &mut request, owner.clock.now()).await?;
                }
                let user = users::find(tx, &asked.account, guest.user).await?;
                let user = user.ok_or_else(|| Error::not_found("guest"))?;
                let view = visit_views::find(tx, &asked.account, visit.id).await?;
                let code = view.ok_or_else(|| Error::not_found("visit"))?.code;
                let page = Some(SessionKind::Patient);
                let signed_in =
                    crate::users::sign_in(tx, &owner, &asked.account, user, page, &device).await?;
                Ok::<_, Error>(Some(Entered { signed_in, code }))
            })
        })
        .await
}

/// The contact says no; the next one is asked at once.
///
/// # Errors
/// What the store says.
pub async fn decline(app: &App, asked: &Asked, by: (String, String)) -> Result<()> {
    let vault = app.store.vault(&asked.account).await?;
    let (owner, asked, caller) = (app.clone(), asked.clone(), actor(asked, by));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some((visit, mut request, one)) = locked(tx, &asked).await? else { return Ok(()) };
                let no = Step::Decline(&one.id);
                if standing(&visit, &request, &one) == Standing::Asked
                    && step(tx, &owner, &vault, &visit, &mut request, no).await? == Done::Changed
                {
                    let object = ("visit", visit.id.to_string());
                    audit::write(tx, &owner, &caller, "interpreters.decline", object).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn locked(tx: &mut Tx, asked: &Asked) -> Result<Option<(Visit, Request, Interpreter)>> {
    guests::lock_visit(tx, &asked.account, asked.visit).await?;
    let visit = visits::find(tx, &asked.account, asked.visit).await?;
    let request = interpreters::find_request(tx, &asked.account, &asked.request).await?;
    let one = interpreters::find(tx, &asked.account, &asked.interpreter).await?;
    let (Some(visit), Some(request), Some(one)) = (visit, request, one) else { return Ok(None) };
    let request = current(tx, &visit, request, &one).await?;
    Ok(Some((visit, request, one)))
}

/// The place that they have and did not leave, else a new one. The provider who
/// has the visit asked for them, so nobody has to let them in.
async fn place(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    visit: &Visit,
    request: &Request,
    one: &Interpreter,
) -> Result<guests::Guest> {
    if let Some(id) = &request.guest
        && let Some(guest) = find_place(tx, visit, id).await?
    {
        return Ok(guest);
    }
    let name = &one.contact.name;
    let (first, last) = name.rsplit_once(' ').unwrap_or((name.as_str(), ""));
    let profile = Profile { first_name: first.to_owned(), last_name: last.to_owned(), ..Profile::default() };
    let (guest, _) = arrive(tx, app, actor, visit, Role::Interpreter, profile).await?;
    let Some(by) = visit.state.provider else { return Ok(guest) };
    let admitted = guest::apply(guest.place, &visit.state, Action::Admit { by })
        .map_err(|refusal| Error::invalid(refusal.code(), refusal.to_string()))?;
    if let Some(next) = admitted {
        guests::change(tx, &visit.account, &guest, next, app.clock.now()).await?;
        tell_guest(tx, app, visit, &guest, EventType::GuestAdmitted).await?;
    }
    Ok(guest)
}

async fn find_place(tx: &mut Tx, visit: &Visit, id: &GuestId) -> Result<Option<guests::Guest>> {
    let guest = guests::find(tx, &visit.account, visit.id, id).await?;
    Ok(guest.filter(|guest| guest.place.status != Place::Left))
}
