//! A prescription as a document: what a patient carries to the pharmacy.

use bedside_model::{permission::Action, prescription::Status};
use bedside_store::{accounts, rooms, users};
use jiff::{Timestamp, tz::TimeZone};

use super::{Document, PrescriptionView, load, show_one};
use crate::{
    Actor, App, Error, Result,
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
    let account = accounts::find(&mut conn, &visit.account).await?;
    let account = account.ok_or_else(|| Error::not_found("account"))?;
    let patient = users::find(&mut conn, &visit.account, visit.member).await?;
    let patient = patient.ok_or_else(|| Error::not_found("user"))?;
    let room = rooms::find(&mut conn, &visit.account, visit.room).await?;
    let zone =
        room.and_then(|room| TimeZone::get(&room.settings.default_timezone).ok()).unwrap_or(TimeZone::UTC);
    let on = |seconds: i64, form: &str| {
        let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(zone.clone()).strftime(form).to_string()
    };
    let view = show_one(&mut conn, &vault, actor, row).await?;
    let day = on(view.row.created_at.seconds(), "%B %-d, %Y");
    let about = About {
        title: format!("Prescription, {day}"),
        language: "en".to_owned(),
        foot: account.name.clone(),
    };
    let profile = patient.profile.reveal();
    let born = profile.dob.as_ref().map(|dob| format!("Born {dob}")).unwrap_or_default();
    let address = [&profile.street_addr, &profile.zip, &profile.city, &profile.state]
        .into_iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let top = [profile.full_name(), born, address, account.name, day.clone()];
    let top = top.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let cancelled = view.row.cancelled_at.map(|at| on(at.seconds(), "%B %-d, %Y, %H:%M %Z"));
    let blocks = blocks(&view, top, cancelled);
    let name = format!("Prescription {}.pdf", on(view.row.created_at.seconds(), "%Y-%m-%d"));
    let bytes = tokio::task::spawn_blocking(move || pdf::render(&about, &blocks));
    Ok(Document { name, bytes: bytes.await.map_err(Error::internal)?? })
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
