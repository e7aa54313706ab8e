//! Messages of a visit: the waiting room's chat and the conversation of an
//! e-consult. Open as long as the visit is; what was said stays readable.

use std::collections::{BTreeSet, HashMap};

use bedside_model::{
    At, FileId, Phi, UserId, VisitId,
    event::EventType,
    message::{self, MAX_CLIENT_ID, MAX_PAGE, PER_MINUTE, Part},
    permission::Action,
    user::UserType,
    visit::Refusal,
};
use bedside_store::{
    Conn, files as stored_files,
    messages::{self, Message},
    users, visits,
    visits::Visit,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    files::{self, FileView},
};

/// A message as somebody of the conversation sees it.
#[derive(Debug, Clone)]
pub struct MessageView {
    /// Its row.
    pub message: Message,
    /// Who wrote it.
    pub sender_name: Phi<String>,
    /// As what.
    pub part: Part,
    /// What it says.
    pub text: Option<Phi<String>>,
    /// The file that came with it.
    pub file: Option<FileView>,
    /// The others who have read it.
    pub read_by: Vec<UserId>,
}

/// A stretch of a conversation.
#[derive(Debug, Clone)]
pub struct Page {
    /// The messages, the oldest first.
    pub messages: Vec<MessageView>,
    /// How many there are in all.
    pub total: i64,
    /// The number after which more follow.
    pub next: Option<i64>,
}

/// A message to send: a text, a file, or both.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// What it says.
    pub text: Option<Phi<String>>,
    /// A file that the sender put on this visit.
    pub file: Option<String>,
    /// The sender's own name for it: sent twice, it is there once.
    pub client_id: Option<String>,
}

fn context(id: &str) -> String {
    format!("messages.text:{id}")
}

async fn load(conn: &mut Conn, actor: &Actor, id: VisitId, action: Action) -> Result<Visit> {
    let found = visits::find(conn, &actor.account, id).await?;
    let Some(visit) = found else {
        authz::user(actor)?;
        return Err(Error::not_found("visit"));
    };
    authz::visit(conn, actor, &visit, action).await?;
    Ok(visit)
}

fn heard(app: &App, actor: &Actor) {
    if let Some(user) = actor.user().filter(|_| actor.kind().is_some_and(UserType::is_patient)) {
        app.presence.touch(&actor.account, user, app.clock.now());
    }
}

/// What was written at a visit after a number, the oldest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, id: VisitId, after: i64, limit: i64) -> Result<Page> {
    let mut conn = app.store.reader().await?;
    let visit = load(&mut conn, actor, id, Action::MessagesRead).await?;
    heard(app, actor);
    app.reads.note(app, actor, visit.member, "messages.list");
    let limit = limit.clamp(1, MAX_PAGE);
    let mut rows = messages::list(&mut conn, &actor.account, id, after, limit + 1).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let next = rows.last().filter(|_| more).map(|last| last.number);
    let total = messages::count(&mut conn, &actor.account, id).await?;
    Ok(Page { messages: show(app, &mut conn, &visit, rows).await?, total, next })
}

/// Makes rows presentable for those who may read them.
async fn show(app: &App, conn: &mut Conn, visit: &Visit, rows: Vec<Message>) -> Result<Vec<MessageView>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let account = &visit.account;
    let vault = app.store.vault(account).await?;
    let reads = messages::list_reads(conn, account, visit.id).await?;
    let mut people: HashMap<UserId, (String, Part)> = HashMap::new();
    for sender in rows.iter().map(|row| row.sender).collect::<BTreeSet<_>>() {
        let user = users::find(conn, account, sender).await?;
        let kind = user.as_ref().map_or(UserType::Guest, |user| user.kind);
        let name = user.map(|user| {
            let profile = user.profile.reveal();
            format!("{} {}", profile.title, profile.full_name()).trim().to_owned()
        });
        people.insert(sender, (name.unwrap_or_default(), Part::of(sender, kind, visit.member)));
    }
    let mut attached: HashMap<FileId, FileView> = HashMap::new();
    for id in rows.iter().filter_map(|row| row.file.as_ref()) {
        if let Some(file) = stored_files::find(conn, account, id).await? {
            let shown = files::show(app, conn, &vault, vec![file]).await?;
            attached.extend(shown.into_iter().map(|view| (view.file.id.clone(), view)));
        }
    }
    rows.into_iter()
        .map(|message| {
            let (name, part) = people.get(&message.sender).cloned().unwrap_or((String::new(), Part::Guest));
            let text = message.text.as_ref().map(|sealed| vault.open_text(&context(&message.id), sealed));
            let has_read =
                |(user, up_to): &&(UserId, i64)| *up_to >= message.number && *user != message.sender;
            Ok(MessageView {
                sender_name: name.into(),
                part,
                text: text.transpose()?.map(Phi::from),
                file: message.file.as_ref().and_then(|id| attached.get(id).cloned()),
                read_by: reads.iter().filter(has_read).map(|(user, _)| *user).collect(),
                message,
            })
        })
        .collect()
}

/// Writes at a visit. The same `client_id` again gives the message of before.
///
/// # Errors
/// 401, 403, 404, 400 `visit_closed`, or naming `text`, `file_id` or
/// `client_id`, 429 after many.
pub async fn add(app: &App, actor: &Actor, id: VisitId, command: Add) -> Result<MessageView> {
    let (sender, _) = authz::user(actor)?;
    let sent = command.text.as_ref().map_or("", |text| text.reveal().as_str());
    let text = message::text(sent).map_err(|why| Error::field("text", why))?.map(str::to_owned);
    let file: Option<FileId> = match command.file.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Some(id.parse().map_err(|_| no_file())?),
        None => None,
    };
    if text.is_none() && file.is_none() {
        return Err(Error::field("text", "is required, or file_id"));
    }
    let client_id = command.client_id.filter(|id| !id.is_empty());
    if client_id.as_ref().is_some_and(|id| id.chars().count() > MAX_CLIENT_ID) {
        return Err(Error::field("client_id", format!("use at most {MAX_CLIENT_ID} characters")));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let message = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let visit = load(tx, &caller, id, Action::MessagesWrite).await?;
                let last = messages::lock(tx, account, id).await?;
                if let Some(client_id) = &client_id
                    && let Some(before) = messages::find_sent(tx, account, id, sender, client_id).await?
                {
                    return Ok(before);
                }
                if !visit.state.status.is_open() {
                    return Err(Error::invalid(Refusal::Closed.code(), Refusal::Closed.to_string()));
                }
                check_rate(tx, account, (id, sender), now).await?;
                if let Some(file) = &file {
                    let found = stored_files::find(tx, account, file).await?;
                    let own = found.is_some_and(|file| file.owner == sender && file.visit == Some(id));
                    if !own {
                        return Err(no_file());
                    }
                }
                let name = owner.random.uuid(now);
                let sealed = text.map(|text| vault.seal_text(&context(&name), &text)).transpose()?;
                let message = Message {
                    account: account.clone(),
                    visit: id,
                    number: last + 1,
                    sender,
                    client_id: client_id.unwrap_or_else(|| name.clone()),
                    text: sealed,
                    file,
                    created_at: now,
                    id: name,
                };
                messages::add(tx, &message).await?;
                // Whoever writes has read what stands above.
                messages::read(tx, account, id, sender, message.number, now).await?;
                let subject = subject(&visit, &message.id);
                events::append(tx, &owner, account, EventType::MessageCreated, subject).await?;
                audit::write(tx, &owner, &caller, "messages.add", ("message", message.id.clone())).await?;
                Ok(message)
            })
        })
        .await?;
    heard(app, actor);
    let mut conn = app.store.reader().await?;
    let visit = visits::find(&mut conn, &actor.account, id).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    let mut shown = show(app, &mut conn, &visit, vec![message]).await?;
    shown.pop().ok_or_else(|| Error::not_found("visit"))
}

fn no_file() -> Error {
    Error::field("file_id", "is no file that you put on this visit")
}

async fn check_rate(
    conn: &mut Conn,
    account: &bedside_model::AccountId,
    (visit, sender): (VisitId, UserId),
    now: At,
) -> Result<()> {
    let since = now.plus_seconds(-60);
    if messages::count_since(conn, account, visit, sender, since).await? >= PER_MINUTE {
        return Err(Error::Limited { retry_after_s: 30 });
    }
    Ok(())
}

/// Who is told of it hangs on the visit; what it says is for them to fetch.
fn subject(visit: &Visit, message: &str) -> Subject {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
    subject.data.guardian_id = visit.guardian.map(|id| id.to_string());
    subject.data.message_id = Some(message.to_owned());
    subject
}

/// The caller has read everything up to this number. Gives the number that
/// counts from now on; it never goes back.
///
/// # Errors
/// 401, 403, 404.
pub async fn read(app: &App, actor: &Actor, id: VisitId, up_to: i64) -> Result<i64> {
    let (reader, _) = authz::user(actor)?;
    heard(app, actor);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let visit = load(tx, &caller, id, Action::MessagesRead).await?;
                let up_to = up_to.clamp(0, messages::count(tx, account, id).await?);
                let last = messages::list(tx, account, id, up_to - 1, 1).await?;
                if let Some(last) = last.first()
                    && messages::read(tx, account, id, reader, up_to, owner.clock.now()).await?
                {
                    let subject = subject(&visit, &last.id);
                    events::append(tx, &owner, account, EventType::MessageRead, subject).await?;
                }
                Ok::<_, Error>(up_to)
            })
        })
        .await
}
