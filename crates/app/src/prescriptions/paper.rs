//! A prescription as a document: what a patient carries to the pharmacy.

use bedside_model::{permission::Action, prescription::Status};

use super::{Document, PrescriptionView, load, show_one};
use crate::{
    Actor, App, Result,
    letterhead::{DAY, FILE_DAY, Letterhead, MOMENT},
    pdf::{self, About, Block},
};

/// A prescription as a PDF; one that was taken back says so at its top.
///
/// # Errors
/// 401, 403, 404.
pub async fn pdf(app: &App, actor: &Actor, id: &str) -> Result<Document> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (row, visit) = load(&mut conn, actor, id, Action::PrescriptionsRead).await?;
    app.reads.note(app, actor, visit.member, "prescriptions.pdf");
    let head = Letterhead::of(&mut conn, &visit).await?;
    let view = show_one(&mut conn, &vault, actor, row).await?;
    let day = head.on(view.row.created_at, DAY);
    let about = About {
        title: format!("Prescription, {day}"),
        language: "en".to_owned(),
        foot: head.account.name.clone(),
    };
    let profile = head.patient.profile.reveal();
    let born = profile.dob.as_ref().map(|dob| format!("Born {dob}")).unwrap_or_default();
    let address = [&profile.street_addr, &profile.zip, &profile.city, &profile.state]
        .into_iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let top = [profile.full_name(), born, address, head.account.name.clone(), day];
    let top = top.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let cancelled = view.row.cancelled_at.map(|at| head.on(at, MOMENT));
    let blocks = blocks(&view, top, cancelled);
    let name = format!("Prescription {}.pdf", head.on(view.row.created_at, FILE_DAY));
    Ok(Document { name, bytes: pdf::set(about, blocks).await? })
}

fn blocks(view: &PrescriptionView, top: String, cancelled: Option<String>) -> Vec<Block> {
    let content = view.content.reveal();
    let mut blocks = vec![Block::Title("Prescription".to_owned())];
    if view.row.status == Status::Cancelled {
        let reason = view.reason.as_ref().map(|reason| reason.reveal().clone()).unwrap_or_default();
        blocks.push(Block::Heading("Cancelled: not valid".to_owned()));
        blocks.push(Block::Text(format!("{}\n{reason}", cancelled.unwrap_or_default())));
    }
    blocks.push(Block::Text(top));
    let days = content.days_supply.map(|days| days.to_string()).unwrap_or_default();
    for (name, text) in [
        ("Drug", content.drug.clone()),
        ("Directions", content.directions.clone()),
        ("Quantity", content.quantity.clone()),
        ("Days it lasts", days),
        ("Refills", content.refills.to_string()),
        ("Pharmacy", content.pharmacy.clone()),
        ("To the pharmacist", content.comment.clone()),
        ("Prescribed by", view.prescriber_name.reveal().clone()),
    ] {
        if !text.is_empty() {
            blocks.push(Block::Heading(name.to_owned()));
            blocks.push(Block::Text(text));
        }
    }
    blocks.push(Block::Small(format!("Number {}. Not sent electronically.", view.row.id)));
    blocks
}
