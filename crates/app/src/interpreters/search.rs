//! The search of a visit for an interpreter: its provider begins it with one
//! call; one contact is asked at a time, the next one by a job when the two
//! minutes are over, so that a restart loses nothing.

use bedside_model::{
    At, GuestId, Phi, VisitId,
    event::EventType,
    guest::Status as Place,
    interpreter::{Answer, Ask, Done, Search, Status, Step, WAIT_SECONDS, language},
    notification::{Channel, Kind},
    permission::Action,
};
use bedside_store::{
    Conn, Tx, Vault, guests, intakes as stored_intakes,
    interpreters::{self, Interpreter, Request},
    jobs::{self, Job, NewJob},
    visits::{self, Visit},
};
use serde_json::{Value, json};

use super::tag;
use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    guests::may_come,
    intakes,
    notifications::{Fact, tell_address},
};

/// The job that asks the next contact.
pub const NEXT_JOB: &str = "interpreters.next";
/// The answer of an intake that says which language somebody needs.
const ANSWER: &str = "interpreter_language";
/// A letter that is later than this is not sent any more, in seconds.
const WORTH_SECONDS: i64 = 600;

/// How a visit's search stands.
#[derive(Debug, Clone)]
pub struct SearchView {
    /// What the patient asked for at intake, as a tag; else as it was written.
    pub wanted: Option<Phi<String>>,
    /// The newest search; none when nobody was asked yet.
    pub request: Option<Request>,
    /// The names of those who were asked, in the order of the asks.
    pub names: Vec<String>,
}

/// What the patient asked for at intake.
async fn wanted(conn: &mut Conn, vault: &Vault, visit: &Visit) -> Result<Option<Phi<String>>> {
    let Some(intake) = stored_intakes::find_of_visit(conn, &visit.account, visit.id).await? else {
        return Ok(None);
    };
    let answers = intakes::open(vault, &intake.id, &intake.answers)?;
    let said = answers.get(ANSWER).and_then(Value::as_str).map(str::trim).filter(|said| !said.is_empty());
    Ok(said.map(|said| language(said).unwrap_or_else(|| said.to_owned()).into()))
}

async fn view(conn: &mut Conn, vault: &Vault, visit: &Visit) -> Result<SearchView> {
    let request = interpreters::find_of_visit(conn, &visit.account, visit.id).await?;
    let mut names = Vec::new();
    if let Some(request) = &request {
        let known = interpreters::names(conn, &visit.account).await?;
        let name = |ask: &Ask| known.get(&ask.interpreter).cloned().unwrap_or_default();
        names.extend(request.search.asks.iter().map(name));
    }
    Ok(SearchView { wanted: wanted(conn, vault, visit).await?, request, names })
}

async fn load(conn: &mut Conn, actor: &Actor, id: VisitId, action: Action) -> Result<Visit> {
    let visit = visits::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(conn, actor, &visit, action).await?;
    Ok(visit)
}

/// How the search for an interpreter stands, and which language is wanted.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: VisitId) -> Result<SearchView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let visit = load(&mut conn, actor, id, Action::InterpreterRead).await?;
    app.reads.note(app, actor, visit.member, "interpreters.get");
    view(&mut conn, &vault, &visit).await
}

/// Asks the first contact of a language. Asked again while somebody is asked or
/// comes, nothing changes.
///
/// # Errors
/// 401, 403, 404, 400 naming `language` when neither the caller nor the intake
/// says one, `visit_closed`, `no_video_for_this_visit`, `interpreter_asked` while
/// another language is asked for, `no_interpreter` when nobody speaks it.
pub async fn ask(app: &App, actor: &Actor, id: VisitId, said: Option<String>) -> Result<SearchView> {
    let (me, _) = authz::user(actor)?;
    let said = said.as_deref().map(str::trim).filter(|said| !said.is_empty()).map(tag).transpose()?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                guests::lock_visit(tx, &caller.account, id).await?;
                let visit = load(tx, &caller, id, Action::InterpreterAsk).await?;
                may_come(&visit)?;
                let language = match said {
                    Some(said) => said,
                    None => from_intake(wanted(tx, &keys, &visit).await?)?,
                };
                let last = interpreters::find_of_visit(tx, &visit.account, visit.id).await?;
                let number = last.as_ref().map_or(1, |last| last.number + 1);
                if goes_on(tx, &visit, last, &language).await? {
                    return view(tx, &keys, &visit).await;
                }
                let now = owner.clock.now();
                let contacts = contacts(tx, &visit, &language).await?;
                let Some(search) = Search::begin(&ids(&contacts), now) else {
                    let why = "The clinic has no interpreter for this language.";
                    return Err(Error::invalid("no_interpreter", why).with("language", language));
                };
                let request = Request {
                    id: owner.random.uuid(now),
                    account: caller.account.clone(),
                    visit: visit.id,
                    number,
                    language,
                    search,
                    guest: None,
                    asked_by: Some(me),
                    version: 1,
                    created_at: now,
                };
                interpreters::add_request(tx, &request).await?;
                send(tx, &owner, &keys, &visit, &request).await?;
                audit::write(tx, &owner, &caller, "interpreters.ask", ("visit", id.to_string())).await?;
                view(tx, &keys, &visit).await
            })
        })
        .await
}

fn from_intake(wanted: Option<Phi<String>>) -> Result<String> {
    match wanted {
        Some(wanted) => language(wanted.reveal())
            .ok_or_else(|| Error::field("language", "is required: what the intake says is no tag of BCP 47")),
        None => Err(Error::field("language", "is required: the intake asks for no interpreter")),
    }
}

/// Is somebody being asked for this language, or coming?
async fn goes_on(conn: &mut Conn, visit: &Visit, last: Option<Request>, language: &str) -> Result<bool> {
    let Some(request) = last else { return Ok(false) };
    match request.search.status {
        Status::Asking if request.language == language => Ok(true),
        Status::Asking => Err(Error::invalid(
            "interpreter_asked",
            "An interpreter for another language is being asked. Call that off first.",
        )),
        Status::Accepted if request.language == language => {
            let Some(guest) = &request.guest else { return Ok(false) };
            let guest = guests::find(conn, &visit.account, visit.id, guest).await?;
            Ok(guest.is_some_and(|guest| matches!(guest.place.status, Place::Waiting | Place::Admitted)))
        }
        _ => Ok(false),
    }
}

/// Who may be asked now, in order: not whom the provider has shown out of this
/// visit.
async fn contacts(conn: &mut Conn, visit: &Visit, language: &str) -> Result<Vec<Interpreter>> {
    let places = guests::list(conn, &visit.account, visit.id).await?;
    let shown_out =
        |id: &GuestId| places.iter().any(|guest| guest.id == *id && guest.place.status == Place::Declined);
    let mut out: Vec<String> = Vec::new();
    for request in interpreters::list_of_visit(conn, &visit.account, visit.id).await? {
        if request.guest.as_ref().is_some_and(shown_out) {
            let came = request.search.asks.into_iter().filter(|ask| ask.answer == Answer::Accepted);
            out.extend(came.map(|ask| ask.interpreter));
        }
    }
    let mut found = interpreters::list(conn, &visit.account).await?;
    found.retain(|one| one.contact.active && one.contact.speaks(language) && !out.contains(&one.id));
    Ok(found)
}

fn ids(contacts: &[Interpreter]) -> Vec<&str> {
    contacts.iter().map(|one| &*one.id).collect()
}

/// The search is called off: whoever is asked need not come any more.
///
/// # Errors
/// 401, 403, 404.
pub async fn cancel(app: &App, actor: &Actor, id: VisitId) -> Result<SearchView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                guests::lock_visit(tx, &caller.account, id).await?;
                let visit = load(tx, &caller, id, Action::InterpreterAsk).await?;
                let request = interpreters::find_of_visit(tx, &caller.account, id).await?;
                if let Some(mut request) = request
                    && step(tx, &owner, &vault, &visit, &mut request, Step::Cancel).await? == Done::Changed
                {
                    audit::write(tx, &owner, &caller, "interpreters.cancel", ("visit", id.to_string()))
                        .await?;
                }
                view(tx, &vault, &visit).await
            })
        })
        .await
}

/// Takes a step, and asks or says what follows from it. The visit is locked.
pub(super) async fn step(
    tx: &mut Tx,
    app: &App,
    vault: &Vault,
    visit: &Visit,
    request: &mut Request,
    step: Step<'_>,
) -> Result<Done> {
    let now = app.clock.now();
    let before = request.search.asked().map(|ask| ask.interpreter.clone());
    let contacts = contacts(tx, visit, &request.language).await?;
    if request.search.step(step, &ids(&contacts), now) == Done::Nothing {
        return Ok(Done::Nothing);
    }
    write(tx, request, now).await?;
    if let Step::Decline(who) = step {
        tell(tx, app, visit, Some(who), EventType::VisitInterpreterDeclined).await?;
    }
    let asked = request.search.asked().map(|ask| ask.interpreter.clone());
    match request.search.status {
        Status::Asking if asked != before => send(tx, app, vault, visit, request).await?,
        Status::NotFound if before.is_some() => {
            tell(tx, app, visit, None, EventType::VisitInterpreterNotFound).await?;
        }
        Status::Cancelled => tell(tx, app, visit, None, EventType::VisitInterpreterCancelled).await?,
        _ => {}
    }
    Ok(Done::Changed)
}

/// Writes how the search stands. The lock on the visit leaves no race.
pub(super) async fn write(tx: &mut Tx, request: &mut Request, now: At) -> Result<()> {
    if !interpreters::change_request(tx, request, now).await? {
        return Err(Error::Unavailable {
            retry_after_s: 1,
            message: "This search is changing right now. Try again.".to_owned(),
        });
    }
    request.version += 1;
    Ok(())
}

pub(super) async fn tell(
    tx: &mut Tx,
    app: &App,
    visit: &Visit,
    interpreter: Option<&str>,
    kind: EventType,
) -> Result<()> {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
    subject.data.interpreter_id = interpreter.map(str::to_owned);
    events::append(tx, app, &visit.account, kind, subject).await
}

/// Tells the one who is asked now, and sets the clock for the next one.
async fn send(tx: &mut Tx, app: &App, vault: &Vault, visit: &Visit, request: &Request) -> Result<()> {
    let Some(ask) = request.search.asked() else { return Ok(()) };
    let (account, who) = (&visit.account, &ask.interpreter);
    if let Some(found) = interpreters::find(tx, account, who).await? {
        let fact = Fact {
            source: format!("interpreter:{}:{who}", request.id),
            kind: Kind::InterpreterRequest,
            visit: Some(visit.id),
            expires_at: Some(ask.asked_at.plus_seconds(WORTH_SECONDS)),
        };
        let mail = (Channel::Mail, &Phi::from(found.contact.email));
        tell_address(tx, app, vault, account, mail, &fact).await?;
        if !found.contact.phone.is_empty() && app.sms.word() != "off" {
            let sms = (Channel::Sms, &Phi::from(found.contact.phone));
            tell_address(tx, app, vault, account, sms, &fact).await?;
        }
    }
    let now = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(now),
        account: Some(account.clone()),
        kind: NEXT_JOB.to_owned(),
        payload: json!({ "request_id": request.id, "interpreter_id": who }),
        run_at: ask.asked_at.plus_seconds(WAIT_SECONDS),
        unique_key: Some(format!("interpreter:{}:{who}", request.id)),
        at: now,
    };
    jobs::enqueue(tx, &job).await?;
    tell(tx, app, visit, Some(who), EventType::VisitInterpreterAsked).await
}

/// Asks the next contact when the one who was asked has not answered: the job's
/// work. A visit that is over needs nobody.
///
/// # Errors
/// What the store says; the job is tried again.
pub async fn next(app: &App, job: &Job) -> Result<()> {
    let text = |name: &str| job.payload.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(id), Some(who), Some(account)) =
        (text("request_id"), text("interpreter_id"), job.account.clone())
    else {
        return Err(Error::invalid("bad_job", "The job names no search."));
    };
    let vault = app.store.vault(&account).await?;
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(found) = interpreters::find_request(tx, &account, &id).await? else { return Ok(()) };
                guests::lock_visit(tx, &account, found.visit).await?;
                let Some(visit) = visits::find(tx, &account, found.visit).await? else { return Ok(()) };
                let request = interpreters::find_request(tx, &account, &id).await?;
                let Some(mut request) = request else { return Ok(()) };
                let taken = if may_come(&visit).is_ok() { Step::TimeOut(&who) } else { Step::Cancel };
                step(tx, &owner, &vault, &visit, &mut request, taken).await.map(drop)
            })
        })
        .await
}
