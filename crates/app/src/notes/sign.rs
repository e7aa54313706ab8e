//! Signing a note: its text is frozen with its hash, and where it is sent the
//! patient gets the document, all in one change.

use bedside_model::{event::EventType, note::NoteStatus, permission::Action};
use bedside_store::{
    files as stored_files,
    notes::{self, Signature},
};

use super::{NoteView, changed, load, open, paper, show_one, tell};
use crate::{Actor, App, Error, Result, audit, authz, files, signatures};

/// Signs a note, and with `send` files its document for the patient. Asked again
/// it gives the note as it was signed; a note that was signed alone can be sent
/// later.
///
/// # Errors
/// 401, 403, 404, 400 `note_empty`, `note_changed` when `version` is another.
pub async fn sign(app: &App, actor: &Actor, id: &str, send: bool, version: Option<i64>) -> Result<NoteView> {
    let (signer, _) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (mut note, visit) = load(&mut conn, actor, id, Action::NotesWrite).await?;
    let content = open(&vault, &note)?;
    let fresh = note.status != NoteStatus::Signed;
    if content.is_empty() {
        return Err(Error::invalid("note_empty", "Nothing is written in this note yet."));
    }
    if fresh && version.is_some_and(|version| version != note.version) {
        return Err(changed(&note, &content, &content));
    }
    if !fresh && (!send || note.file.is_some()) {
        return show_one(&mut conn, &vault, &visit, note).await;
    }
    if fresh {
        let at = app.clock.now();
        let bytes = content.signed_bytes(&note.id, &signer.to_string(), at.seconds());
        note.signature = Some(Signature { by: signer, at, hash: signatures::sha256(&bytes) });
        note.status = NoteStatus::Signed;
        note.updated_at = at;
    }
    let sent = if send {
        let view = show_one(&mut conn, &vault, &visit, note.clone()).await?;
        let document = paper::document(&mut conn, &visit, &view).await?;
        drop(conn);
        let place = (visit.member, visit.id);
        Some(files::prepare(app, actor, &document.name, &document.bytes, place).await?)
    } else {
        drop(conn);
        None
    };
    note.file = sent.as_ref().map(|file| file.id.clone());
    let (owner, caller, at_visit) = (app.clone(), actor.clone(), visit.clone());
    let (row, file) = (note.clone(), sent.clone());
    let written = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let id = row.id.clone();
                // The row of the file first: the note refers to it.
                if let Some(file) = &file {
                    stored_files::add(tx, file).await?;
                    files::tell(tx, &owner, EventType::FileCreated, file, Some(at_visit.room)).await?;
                }
                let done = match &file {
                    _ if fresh => notes::update(tx, &row).await?,
                    Some(file) => notes::set_file(tx, &caller.account, &id, &file.id).await?,
                    None => true,
                };
                if !done {
                    let why = "Somebody has changed this note meanwhile. Read it again.";
                    return Err(Error::invalid("note_changed", why));
                }
                if fresh {
                    tell(tx, &owner, EventType::VisitNoteUpdated, &at_visit, &row).await?;
                    audit::write(tx, &owner, &caller, "notes.sign", ("note", id.clone())).await?;
                }
                if file.is_some() {
                    tell(tx, &owner, EventType::VisitNoteSignedAndSent, &at_visit, &row).await?;
                    audit::write(tx, &owner, &caller, "notes.send", ("note", id)).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await;
    if let Err(error) = written {
        if let Some(file) = &sent {
            files::discard(app, file).await;
        }
        return Err(error);
    }
    note.version += i64::from(fresh);
    let mut conn = app.store.reader().await?;
    show_one(&mut conn, &vault, &visit, note).await
}
