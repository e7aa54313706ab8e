//! Prescriptions as printable records: written in a visit by whoever treats the
//! patient, never changed, taken back with a reason. `paper` is the document.
//! Nothing is sent to a pharmacy ([`Driver::None`]).

mod paper;

use bedside_model::{
    Phi, VisitId,
    permission::Action,
    prescription::{Content, Driver, MAX_OF_VISIT, Status, reason},
};
use bedside_store::{
    Conn, Vault,
    prescriptions::{self, Prescription},
    users, visits,
    visits::Visit,
};

use crate::{Actor, App, Error, Result, audit, authz, health_records::person, pharmacies, users::Which};

pub use crate::notes::Document;
pub use paper::pdf;

/// Most prescriptions of one answer.
const MAX_LISTED: i64 = 200;

/// A prescription as its readers see it.
#[derive(Debug, Clone)]
pub struct PrescriptionView {
    /// Its row.
    pub row: Prescription,
    /// What it says.
    pub content: Phi<Content>,
    /// Why it was taken back.
    pub reason: Option<Phi<String>>,
    /// Who wrote it.
    pub prescriber_name: Phi<String>,
    /// Who carries it to a pharmacy.
    pub transmission: Driver,
}

/// A prescription to write.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// What it says; the pharmacy is found by `pharmacy`.
    pub content: Phi<Content>,
    /// Which of the patient's pharmacies; none takes the default.
    pub pharmacy: Option<String>,
}

fn context(id: &str) -> String {
    format!("prescriptions.content:{id}")
}

fn reason_context(id: &str) -> String {
    format!("prescriptions.reason:{id}")
}

async fn show(
    conn: &mut Conn,
    vault: &Vault,
    actor: &Actor,
    rows: Vec<Prescription>,
) -> Result<Vec<PrescriptionView>> {
    let mut names = std::collections::HashMap::new();
    for prescriber in rows.iter().map(|row| row.prescriber).collect::<std::collections::BTreeSet<_>>() {
        let user = users::find(conn, &actor.account, prescriber).await?;
        let name = user.map(|user| {
            let profile = user.profile.reveal();
            format!("{} {}", profile.title, profile.full_name()).trim().to_owned()
        });
        names.insert(prescriber, name.unwrap_or_default());
    }
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let text = vault.open_text(&context(&row.id), &row.content)?;
        let content: Content = serde_json::from_str(&text).map_err(Error::internal)?;
        let reason = match &row.reason {
            Some(sealed) => Some(vault.open_text(&reason_context(&row.id), sealed)?.into()),
            None => None,
        };
        let prescriber_name = names.get(&row.prescriber).cloned().unwrap_or_default().into();
        let transmission = Driver::None;
        views.push(PrescriptionView { content: content.into(), reason, prescriber_name, transmission, row });
    }
    Ok(views)
}

async fn show_one(
    conn: &mut Conn,
    vault: &Vault,
    actor: &Actor,
    row: Prescription,
) -> Result<PrescriptionView> {
    show(conn, vault, actor, vec![row]).await?.pop().ok_or_else(|| Error::not_found("prescription"))
}

async fn load_visit(conn: &mut Conn, actor: &Actor, id: VisitId, action: Action) -> Result<Visit> {
    authz::user(actor)?;
    let visit = visits::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(conn, actor, &visit, action).await?;
    Ok(visit)
}

/// A prescription with its visit. Whoever may not know of the visit learns of no
/// prescription.
async fn load(conn: &mut Conn, actor: &Actor, id: &str, action: Action) -> Result<(Prescription, Visit)> {
    authz::user(actor)?;
    let missing = || Error::not_found("prescription");
    let row = prescriptions::find(conn, &actor.account, id).await?.ok_or_else(missing)?;
    match load_visit(conn, actor, row.visit, action).await {
        Err(Error::NotFound { .. }) => Err(missing()),
        other => other.map(|visit| (row, visit)),
    }
}

/// A visit's prescriptions, the oldest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<PrescriptionView>> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let visit = load_visit(&mut conn, actor, id, Action::PrescriptionsRead).await?;
    app.reads.note(app, actor, visit.member, "prescriptions.list");
    let rows = prescriptions::of_visit(&mut conn, &actor.account, id).await?;
    show(&mut conn, &vault, actor, rows).await
}

/// Somebody's prescriptions, the newest first, 200 at most.
///
/// # Errors
/// 401, 403, 404, 400 `not_a_patient`.
pub async fn of_user(app: &App, actor: &Actor, which: Which) -> Result<Vec<PrescriptionView>> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let user = person(&mut conn, actor, which, Action::HealthRead).await?;
    app.reads.note(app, actor, user, "prescriptions.of_user");
    let rows = prescriptions::of_user(&mut conn, &actor.account, user, MAX_LISTED).await?;
    show(&mut conn, &vault, actor, rows).await
}

/// A prescription.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<PrescriptionView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (row, visit) = load(&mut conn, actor, id, Action::PrescriptionsRead).await?;
    app.reads.note(app, actor, visit.member, "prescriptions.get");
    show_one(&mut conn, &vault, actor, row).await
}

/// Writes a prescription. It names the pharmacy as it is known now.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `too_many_prescriptions`.
pub async fn add(app: &App, actor: &Actor, id: VisitId, command: Write) -> Result<PrescriptionView> {
    let (prescriber, _) = authz::user(actor)?;
    let content = command.content.into_inner().checked().map_err(|(field, why)| Error::field(field, why))?;
    let wanted = command.pharmacy;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let visit = load_visit(tx, &caller, id, Action::PrescriptionsWrite).await?;
                if prescriptions::count(tx, &caller.account, id).await? >= MAX_OF_VISIT {
                    let words = "A visit has at most 50 prescriptions.";
                    return Err(Error::invalid("too_many_prescriptions", words));
                }
                let kept = pharmacies::of_user(tx, &keys, &caller, visit.member).await?;
                let chosen = match &wanted {
                    Some(wanted) => Some(kept.iter().find(|one| one.id == *wanted).ok_or_else(|| {
                        Error::field("pharmacy_id", "is none of the pharmacies that the patient keeps")
                    })?),
                    None => kept.iter().find(|one| one.is_default),
                };
                let pharmacy = chosen.map(|one| one.pharmacy.reveal().line()).unwrap_or_default();
                let content = Content { pharmacy, ..content };
                let now = owner.clock.now();
                let name = owner.random.uuid(now);
                let text = serde_json::to_string(&content).map_err(Error::internal)?;
                let row = Prescription {
                    account: caller.account.clone(),
                    visit: id,
                    user: visit.member,
                    prescriber,
                    status: Status::Active,
                    content: keys.seal_text(&context(&name), &text)?,
                    reason: None,
                    cancelled_at: None,
                    created_at: now,
                    id: name,
                };
                prescriptions::add(tx, &row).await?;
                let object = ("prescription", row.id.clone());
                audit::write(tx, &owner, &caller, "prescriptions.add", object).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(&mut conn, &vault, actor, row).await
}

/// Takes a prescription back. A second time changes nothing.
///
/// # Errors
/// 401, 403, 404, 400 naming `reason`.
pub async fn cancel(app: &App, actor: &Actor, id: &str, why: &Phi<String>) -> Result<PrescriptionView> {
    let (author, _) = authz::user(actor)?;
    let why = reason(why.reveal()).map_err(|why| Error::field("reason", why))?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys, name) = (app.clone(), actor.clone(), vault.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (row, _) = load(tx, &caller, &name, Action::PrescriptionsWrite).await?;
                let sealed = keys.seal_text(&reason_context(&row.id), &why)?;
                let by = (author, owner.clock.now());
                if prescriptions::cancel(tx, &caller.account, &row.id, &sealed, by).await? {
                    let object = ("prescription", row.id);
                    audit::write(tx, &owner, &caller, "prescriptions.cancel", object).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    let (row, _) = load(&mut conn, actor, id, Action::PrescriptionsRead).await?;
    show_one(&mut conn, &vault, actor, row).await
}
