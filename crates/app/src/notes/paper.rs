//! A note as a document: what the patient is sent, and what is printed.

use bedside_model::{note::FIELDS, permission::Action};
use bedside_store::{Conn, visits::Visit};

use super::{NoteView, load, show_one};
use crate::{
    Actor, App, Result,
    letterhead::{FILE_DAY, Letterhead, MOMENT},
    pdf::{self, About, Block},
};

/// A document and what it is called.
#[derive(Debug, Clone)]
pub struct Document {
    /// As it is saved.
    pub name: String,
    /// The PDF.
    pub bytes: Vec<u8>,
}

/// A note as a PDF, with its addenda; a draft says that it is one.
///
/// # Errors
/// 401, 403, 404.
pub async fn pdf(app: &App, actor: &Actor, id: &str) -> Result<Document> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (note, visit) = load(&mut conn, actor, id, Action::NotesRead).await?;
    app.reads.note(app, actor, visit.member, "notes.pdf");
    let view = show_one(&mut conn, &vault, &visit, note).await?;
    document(&mut conn, &visit, &view).await
}

/// Sets a note.
pub(super) async fn document(conn: &mut Conn, visit: &Visit, view: &NoteView) -> Result<Document> {
    let head = Letterhead::of(conn, visit).await?;
    let start = head.on(visit.plan.start_at, MOMENT);
    let about = About {
        title: format!("Visit note, {start}"),
        language: "en".to_owned(),
        foot: head.account.name.clone(),
    };
    let name = head.patient.profile.reveal().full_name();
    let top = format!("{name}\n{}\n{start}", head.account.name);
    let blocks = blocks(view, top, &head);
    let name = format!("Visit note {}.pdf", head.on(visit.plan.start_at, FILE_DAY));
    Ok(Document { name, bytes: pdf::set(about, blocks).await? })
}

fn blocks(view: &NoteView, top: String, head: &Letterhead) -> Vec<Block> {
    let content = view.content.reveal();
    let mut blocks = vec![Block::Title("Visit note".to_owned()), Block::Text(top)];
    let mut section = |name: String, text: String| {
        if !text.trim().is_empty() {
            blocks.push(Block::Heading(name));
            blocks.push(Block::Text(text));
        }
    };
    for field in FIELDS {
        if field == "patient_instructions" {
            section("Diagnosis".to_owned(), content.diagnosis.join("\n"));
        }
        section(heading(field).to_owned(), content.text(field).unwrap_or_default().to_owned());
    }
    for addendum in &view.addenda {
        let name = format!("Addendum, {}", head.on(addendum.row.created_at, MOMENT));
        section(name, format!("{}\n\n{}", addendum.text.reveal(), addendum.author_name.reveal()));
    }
    let foot = match (&view.note.signature, &view.signer_name) {
        (Some(signature), Some(name)) => {
            let when = head.on(signature.at, MOMENT);
            format!("Signed by {} on {when}.\nSHA-256 {}", name.reveal(), signature.hash)
        }
        _ => "A draft: not signed.".to_owned(),
    };
    blocks.push(Block::Small(foot));
    blocks
}

fn heading(field: &str) -> &'static str {
    match field {
        "subjective" => "Subjective",
        "objective" => "Objective",
        "assessment" => "Assessment",
        "plan" => "Plan",
        "physical_exam" => "Physical exam",
        "assessment_plan" => "Assessment and plan",
        "patient_instructions" => "Instructions",
        _ => "Disposition",
    }
}
