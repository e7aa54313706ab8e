//! A note as a document: what the patient is sent, and what is printed.

use bedside_model::{note::FIELDS, permission::Action};
use bedside_store::{Conn, accounts, rooms, users, visits::Visit};
use jiff::{Timestamp, tz::TimeZone};

use super::{NoteView, load, show_one};
use crate::{
    Actor, App, Error, Result,
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
    let account = accounts::find(conn, &visit.account).await?;
    let account = account.ok_or_else(|| Error::not_found("account"))?;
    let patient = users::find(conn, &visit.account, visit.member).await?;
    let patient = patient.ok_or_else(|| Error::not_found("user"))?;
    let room = rooms::find(conn, &visit.account, visit.room).await?;
    let zone =
        room.and_then(|room| TimeZone::get(&room.settings.default_timezone).ok()).unwrap_or(TimeZone::UTC);
    let at = |seconds: i64| {
        Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
    };
    let on = |seconds: i64| at(seconds).strftime("%B %-d, %Y, %H:%M %Z").to_string();
    let start = visit.plan.start_at.seconds();
    let about = About {
        title: format!("Visit note, {}", on(start)),
        language: "en".to_owned(),
        foot: account.name.clone(),
    };
    let name = patient.profile.reveal().full_name();
    let top = format!("{name}\n{}\n{}", account.name, on(start));
    let blocks = blocks(view, top, &on);
    // Setting a long note takes a while; other requests go on meanwhile.
    let bytes = tokio::task::spawn_blocking(move || pdf::render(&about, &blocks));
    let bytes = bytes.await.map_err(Error::internal)??;
    Ok(Document { name: format!("Visit note {}.pdf", at(start).strftime("%Y-%m-%d")), bytes })
}

fn blocks(view: &NoteView, top: String, on: &impl Fn(i64) -> String) -> Vec<Block> {
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
        let head = format!("Addendum, {}", on(addendum.row.created_at.seconds()));
        section(head, format!("{}\n\n{}", addendum.text.reveal(), addendum.author_name.reveal()));
    }
    let foot = match (&view.note.signature, &view.signer_name) {
        (Some(signature), Some(name)) => {
            let when = on(signature.at.seconds());
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
