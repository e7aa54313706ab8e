//! Visit notes: written by those who treat the patient, saved as they type,
//! signed once. Two people never overwrite each other: whoever changes a note
//! says which version they have read. `sign` is signing and sending, `paper`
//! what a note looks like as a document.

mod paper;
mod sign;

use bedside_model::{
    Phi, VisitId,
    event::{EventData, EventType, NoteData},
    note::{Content, MAX_ADDENDA, MAX_NOTES, NoteStatus, Template, check},
    permission::Action,
};
use bedside_store::{
    Conn, Tx, Vault,
    notes::{self, Addendum, Note},
    users, visits,
    visits::Visit,
};
use serde_json::{Value, json};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
};

pub use paper::{Document, pdf};
pub use sign::sign;

/// A note as those who treat the patient see it.
#[derive(Debug, Clone)]
pub struct NoteView {
    /// Its row.
    pub note: Note,
    /// What it says.
    pub content: Phi<Content>,
    /// Who began it, and who signed.
    pub author_name: Phi<String>,
    /// Who signed.
    pub signer_name: Option<Phi<String>>,
    /// What was added after it was signed.
    pub addenda: Vec<AddendumView>,
}

/// An addendum.
#[derive(Debug, Clone)]
pub struct AddendumView {
    /// Its row.
    pub row: Addendum,
    /// Who wrote it.
    pub author_name: Phi<String>,
    /// What it says.
    pub text: Phi<String>,
}

/// What is written into a note; `None` leaves a field.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The version that the writer has read.
    pub version: Option<i64>,
    /// `soap` or `post_visit`.
    pub template: Option<String>,
    /// Fields with their texts.
    pub texts: Vec<(&'static str, Phi<String>)>,
    /// All diagnoses.
    pub diagnosis: Option<Vec<String>>,
}

fn context(id: &str) -> String {
    format!("notes.content:{id}")
}

fn addendum_context(id: &str) -> String {
    format!("note_addenda.text:{id}")
}

fn open(vault: &Vault, note: &Note) -> Result<Content> {
    let text = vault.open_text(&context(&note.id), &note.content)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn seal(vault: &Vault, id: &str, content: &Content) -> Result<bedside_store::Sealed> {
    let text = serde_json::to_string(content).map_err(Error::internal)?;
    Ok(vault.seal_text(&context(id), &text)?)
}

impl Write {
    fn into(self, content: &mut Content) -> Result<()> {
        if let Some(template) = self.template {
            content.template = Template::parse(&template)
                .ok_or_else(|| Error::field("template", "use soap or post_visit"))?;
        }
        for (field, text) in self.texts {
            content.set(field, text.into_inner()).map_err(|why| Error::field(field, why))?;
        }
        match self.diagnosis {
            Some(all) => content.set_diagnosis(all).map_err(|why| Error::field("diagnosis", why)),
            None => Ok(()),
        }
    }
}

async fn load_visit(conn: &mut Conn, actor: &Actor, id: VisitId, action: Action) -> Result<Visit> {
    let found = visits::find(conn, &actor.account, id).await?;
    let Some(visit) = found else {
        authz::user(actor)?;
        return Err(Error::not_found("visit"));
    };
    authz::visit(conn, actor, &visit, action).await?;
    Ok(visit)
}

/// A note with its visit. Whoever may not know of the visit learns of no note.
async fn load(conn: &mut Conn, actor: &Actor, id: &str, action: Action) -> Result<(Note, Visit)> {
    authz::user(actor)?;
    let missing = || Error::not_found("note");
    let note = notes::find(conn, &actor.account, id).await?.ok_or_else(missing)?;
    let visit = visits::find(conn, &actor.account, note.visit).await?.ok_or_else(missing)?;
    match authz::visit(conn, actor, &visit, action).await {
        Err(Error::NotFound { .. }) => Err(missing()),
        other => other.map(|_| (note, visit)),
    }
}

/// A visit's notes, the oldest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<NoteView>> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let visit = load_visit(&mut conn, actor, id, Action::NotesRead).await?;
    app.reads.note(app, actor, visit.member, "notes.list");
    let rows = notes::list(&mut conn, &actor.account, id).await?;
    show(&mut conn, &vault, &visit, rows).await
}

/// A note.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<NoteView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (note, visit) = load(&mut conn, actor, id, Action::NotesRead).await?;
    app.reads.note(app, actor, visit.member, "notes.get");
    show_one(&mut conn, &vault, &visit, note).await
}

async fn show_one(conn: &mut Conn, vault: &Vault, visit: &Visit, note: Note) -> Result<NoteView> {
    show(conn, vault, visit, vec![note]).await?.pop().ok_or_else(|| Error::not_found("note"))
}

async fn show(conn: &mut Conn, vault: &Vault, visit: &Visit, rows: Vec<Note>) -> Result<Vec<NoteView>> {
    let addenda = notes::list_addenda(conn, &visit.account, visit.id).await?;
    let mut people = std::collections::HashMap::new();
    let signers = rows.iter().filter_map(|row| row.signature.as_ref().map(|signature| signature.by));
    let everybody =
        rows.iter().map(|row| row.author).chain(signers).chain(addenda.iter().map(|row| row.author));
    for id in everybody.collect::<std::collections::BTreeSet<_>>() {
        let found = users::find(conn, &visit.account, id).await?;
        let name = found.map(|user| {
            let profile = user.profile.reveal();
            format!("{} {}", profile.title, profile.full_name()).trim().to_owned()
        });
        people.insert(id, name.unwrap_or_default());
    }
    let name = |id| Phi::from(people.get(&id).cloned().unwrap_or_default());
    rows.into_iter()
        .map(|note| {
            let own = addenda.iter().filter(|row| row.note == note.id).map(|row| {
                let text = vault.open_text(&addendum_context(&row.id), &row.text)?;
                Ok(AddendumView { author_name: name(row.author), text: text.into(), row: row.clone() })
            });
            Ok(NoteView {
                content: open(vault, &note)?.into(),
                author_name: name(note.author),
                signer_name: note.signature.as_ref().map(|signature| name(signature.by)),
                addenda: own.collect::<Result<_>>()?,
                note,
            })
        })
        .collect()
}

/// Begins a note.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `too_many_notes`.
pub async fn add(app: &App, actor: &Actor, id: VisitId, command: Write) -> Result<NoteView> {
    let (author, _) = authz::user(actor)?;
    let mut content = Content::default();
    command.into(&mut content)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let (note, visit) = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let visit = load_visit(tx, &caller, id, Action::NotesWrite).await?;
                if notes::count(tx, &caller.account, id).await? >= MAX_NOTES {
                    return Err(Error::invalid("too_many_notes", "A visit has at most 50 notes."));
                }
                let now = owner.clock.now();
                let name = owner.random.uuid(now);
                let note = Note {
                    account: caller.account.clone(),
                    visit: id,
                    author,
                    status: content.status(),
                    content: seal(&keys, &name, &content)?,
                    version: 1,
                    signature: None,
                    file: None,
                    created_at: now,
                    updated_at: now,
                    id: name,
                };
                notes::add(tx, &note).await?;
                tell(tx, &owner, EventType::VisitNoteUpdated, &visit, &note).await?;
                audit::write(tx, &owner, &caller, "notes.add", ("note", note.id.clone())).await?;
                Ok((note, visit))
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(&mut conn, &vault, &visit, note).await
}

/// Writes into a note that is not signed. The same text again, from a client
/// that did not hear the answer, is no conflict.
///
/// # Errors
/// 401, 403, 404, 400 naming a field (`version` when it is missing),
/// `note_changed` with `current` and `yours`, `note_signed`.
pub async fn update(app: &App, actor: &Actor, id: &str, command: Write) -> Result<NoteView> {
    authz::user(actor)?;
    let version = command
        .version
        .ok_or_else(|| Error::field("version", "is required: the version of the note that you have read"))?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys, id) = (app.clone(), actor.clone(), vault.clone(), id.to_owned());
    let (note, visit) = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (mut note, visit) = load(tx, &caller, &id, Action::NotesWrite).await?;
                let before = open(&keys, &note)?;
                let mut content = before.clone();
                command.into(&mut content)?;
                if content == before {
                    return Ok((note, visit));
                }
                if note.status == NoteStatus::Signed {
                    return Err(signed());
                }
                if note.version != version {
                    return Err(changed(&note, &before, &content));
                }
                note.status = content.status();
                note.content = seal(&keys, &note.id, &content)?;
                note.updated_at = owner.clock.now();
                if !notes::update(tx, &note).await? {
                    return Err(changed(&note, &before, &content));
                }
                note.version += 1;
                tell(tx, &owner, EventType::VisitNoteUpdated, &visit, &note).await?;
                audit::write(tx, &owner, &caller, "notes.update", ("note", note.id.clone())).await?;
                Ok((note, visit))
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(&mut conn, &vault, &visit, note).await
}

fn signed() -> Error {
    Error::invalid("note_signed", "This note is signed and stays as it is. Write an addendum.")
}

fn changed(note: &Note, current: &Content, yours: &Content) -> Error {
    let text = |content: &Content| serde_json::to_value(content).unwrap_or(Value::Null);
    let mut now = text(current);
    if let Value::Object(fields) = &mut now {
        fields.insert("version".to_owned(), json!(note.version));
        fields.insert("status".to_owned(), json!(note.status.as_str()));
    }
    Error::invalid("note_changed", "Somebody has changed this note meanwhile. Compare the two texts.")
        .with("current", now)
        .with("yours", text(yours))
}

/// Adds to a signed note.
///
/// # Errors
/// 401, 403, 404, 400 naming `text`, `note_not_signed`, `too_many_addenda`.
pub async fn addendum(app: &App, actor: &Actor, id: &str, text: &Phi<String>) -> Result<NoteView> {
    let (author, _) = authz::user(actor)?;
    let text = text.reveal().trim().to_owned();
    if text.is_empty() {
        return Err(Error::field("text", "is required"));
    }
    check(&text).map_err(|why| Error::field("text", why))?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys, id) = (app.clone(), actor.clone(), vault.clone(), id.to_owned());
    let (note, visit) = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (note, visit) = load(tx, &caller, &id, Action::NotesWrite).await?;
                if note.status != NoteStatus::Signed {
                    return Err(Error::invalid(
                        "note_not_signed",
                        "This note is not signed yet: change the note itself.",
                    ));
                }
                let before = notes::list_addenda(tx, &caller.account, visit.id).await?;
                let count = before.iter().filter(|row| row.note == note.id).count();
                if i64::try_from(count).is_ok_and(|count| count >= MAX_ADDENDA) {
                    return Err(Error::invalid("too_many_addenda", "A note has at most 50 addenda."));
                }
                let now = owner.clock.now();
                let name = owner.random.uuid(now);
                let row = Addendum {
                    text: keys.seal_text(&addendum_context(&name), &text)?,
                    id: name,
                    account: caller.account.clone(),
                    note: note.id.clone(),
                    author,
                    created_at: now,
                };
                notes::add_addendum(tx, &row).await?;
                tell(tx, &owner, EventType::VisitNoteUpdated, &visit, &note).await?;
                audit::write(tx, &owner, &caller, "notes.addendum", ("note", note.id.clone())).await?;
                Ok((note, visit))
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(&mut conn, &vault, &visit, note).await
}

/// Writes what happened to a note, with the change itself.
async fn tell(tx: &mut Tx, app: &App, kind: EventType, visit: &Visit, note: &Note) -> Result<()> {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state).planned(&visit.plan);
    let told = NoteData { id: note.id.clone(), status: note.status.as_str().to_owned() };
    subject.data = EventData { note: Some(told), ..subject.data };
    events::append(tx, app, &visit.account, kind, subject).await
}
