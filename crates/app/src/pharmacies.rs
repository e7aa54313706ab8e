//! Pharmacies: the list that a clinic makes for its patients, and those that a
//! patient keeps, one of them the default (contract more.md 6.5).

use bedside_model::{
    Phi, UserId,
    permission::Action,
    pharmacy::{MAX_KEPT, Pharmacy},
};
use bedside_store::{
    Conn, Tx, Vault,
    pharmacies::{self, Kept, Listed},
};

use crate::{Actor, App, Error, Result, audit, authz, health_records::person, users::Which};

/// Most pharmacies of one answer.
const MAX_FOUND: i64 = 50;

/// A pharmacy that a patient keeps.
#[derive(Debug, Clone)]
pub struct KeptView {
    /// UUIDv7.
    pub id: String,
    /// What is said of it.
    pub pharmacy: Phi<Pharmacy>,
    /// Prescriptions go there unless somebody says otherwise.
    pub is_default: bool,
}

/// Which pharmacy a patient wants to keep.
#[derive(Debug, Clone)]
pub enum Choice {
    /// One of the clinic's list.
    Listed(String),
    /// Another one.
    Own(Box<Pharmacy>),
}

fn named((field, why): (&'static str, String)) -> Error {
    Error::field(field, why)
}

fn context(id: &str) -> String {
    format!("patient_pharmacies.content:{id}")
}

/// The clinic's pharmacies with these words, near this postal code; by name, 50
/// at most.
///
/// # Errors
/// 401.
pub async fn search(app: &App, actor: &Actor, words: &str, zip: &str) -> Result<Vec<Listed>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    Ok(pharmacies::search(&mut conn, &actor.account, words.trim(), zip.trim(), MAX_FOUND).await?)
}

/// Adds a pharmacy to the clinic's list.
///
/// # Errors
/// 401, 403, 400 naming a field.
pub async fn add(app: &App, actor: &Actor, pharmacy: Pharmacy) -> Result<Listed> {
    authz::account(actor, Action::PharmaciesManage)?;
    let now = app.clock.now();
    let listed = Listed { id: app.random.uuid(now), pharmacy: pharmacy.checked().map_err(named)? };
    let (owner, caller, row) = (app.clone(), actor.clone(), listed.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                pharmacies::add(tx, &caller.account, &row, now).await?;
                audit::write(tx, &owner, &caller, "pharmacies.add", ("pharmacy", row.id)).await
            })
        })
        .await?;
    Ok(listed)
}

/// Says anew what is known of a listed pharmacy. What patients keep stays.
///
/// # Errors
/// 401, 403, 404, 400 naming a field.
pub async fn update(app: &App, actor: &Actor, id: &str, pharmacy: Pharmacy) -> Result<Listed> {
    authz::account(actor, Action::PharmaciesManage)?;
    let now = app.clock.now();
    let listed = Listed { id: id.to_owned(), pharmacy: pharmacy.checked().map_err(named)? };
    let (owner, caller, row) = (app.clone(), actor.clone(), listed.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !pharmacies::update(tx, &caller.account, &row, now).await? {
                    return Err(Error::not_found("pharmacy"));
                }
                audit::write(tx, &owner, &caller, "pharmacies.update", ("pharmacy", row.id)).await
            })
        })
        .await?;
    Ok(listed)
}

/// Takes a pharmacy off the clinic's list. Patients who keep it keep it.
///
/// # Errors
/// 401, 403, 404.
pub async fn retire(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authz::account(actor, Action::PharmaciesManage)?;
    let (owner, caller, id, now) = (app.clone(), actor.clone(), id.to_owned(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !pharmacies::retire(tx, &caller.account, &id, now).await? {
                    return Err(Error::not_found("pharmacy"));
                }
                audit::write(tx, &owner, &caller, "pharmacies.retire", ("pharmacy", id)).await
            })
        })
        .await
}

pub(crate) async fn of_user(
    conn: &mut Conn,
    vault: &Vault,
    actor: &Actor,
    user: UserId,
) -> Result<Vec<KeptView>> {
    let rows = pharmacies::of_user(conn, &actor.account, user).await?;
    let open = |row: Kept| {
        let text = vault.open_text(&context(&row.id), &row.content)?;
        let pharmacy: Pharmacy = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(KeptView { id: row.id, pharmacy: pharmacy.into(), is_default: row.is_default })
    };
    rows.into_iter().map(open).collect()
}

/// The pharmacies that a patient keeps, the default first.
///
/// # Errors
/// 401, 403, 404, 400 `not_a_patient`.
pub async fn list(app: &App, actor: &Actor, which: Which) -> Result<Vec<KeptView>> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let user = person(&mut conn, actor, which, Action::HealthRead).await?;
    app.reads.note(app, actor, user, "pharmacies.list");
    of_user(&mut conn, &vault, actor, user).await
}

/// Changes of one patient's pharmacies wait for each other.
async fn locked(tx: &mut Tx, actor: &Actor, which: Which) -> Result<UserId> {
    let user = person(tx, actor, which, Action::HealthWrite).await?;
    bedside_store::users::lock(tx, &actor.account, user).await?;
    Ok(user)
}

/// Keeps a pharmacy for a patient; the first one is the default. The same one
/// again changes nothing but the default.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `not_a_patient`, `too_many_pharmacies`.
pub async fn keep(
    app: &App,
    actor: &Actor,
    which: Which,
    choice: Choice,
    default: bool,
) -> Result<Vec<KeptView>> {
    authz::user(actor)?;
    let choice = match choice {
        Choice::Own(pharmacy) => Choice::Own(Box::new(pharmacy.checked().map_err(named)?)),
        listed @ Choice::Listed(_) => listed,
    };
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let user = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let user = locked(tx, &caller, which).await?;
                let account = &caller.account;
                let pharmacy = match choice {
                    Choice::Own(pharmacy) => *pharmacy,
                    Choice::Listed(id) => {
                        let found = pharmacies::find(tx, account, &id).await?;
                        found
                            .ok_or_else(|| Error::field("pharmacy_id", "is not on the clinic's list"))?
                            .pharmacy
                    }
                };
                let kept = of_user(tx, &keys, &caller, user).await?;
                let same =
                    kept.iter().find(|one| *one.pharmacy.reveal() == pharmacy).map(|one| one.id.clone());
                if same.is_none() && kept.len() as i64 >= MAX_KEPT {
                    return Err(Error::invalid(
                        "too_many_pharmacies",
                        "A patient keeps at most 20 pharmacies.",
                    ));
                }
                let now = owner.clock.now();
                let default = default || kept.is_empty();
                if default {
                    pharmacies::clear_default(tx, account, user).await?;
                }
                match same {
                    Some(id) if default => drop(pharmacies::set_default(tx, account, user, &id).await?),
                    Some(_) => return Ok(user),
                    None => {
                        let id = owner.random.uuid(now);
                        let text = serde_json::to_string(&pharmacy).map_err(Error::internal)?;
                        let content = keys.seal_text(&context(&id), &text)?;
                        let row = Kept { id, content, is_default: default };
                        pharmacies::keep(tx, account, user, &row, now).await?;
                    }
                }
                audit::write(tx, &owner, &caller, "pharmacies.keep", ("user", user.to_string())).await?;
                Ok::<_, Error>(user)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    of_user(&mut conn, &vault, actor, user).await
}

/// Makes a kept pharmacy the default.
///
/// # Errors
/// 401, 403, 404.
pub async fn set_default(app: &App, actor: &Actor, which: Which, id: &str) -> Result<Vec<KeptView>> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    let user = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let user = locked(tx, &caller, which).await?;
                pharmacies::clear_default(tx, &caller.account, user).await?;
                if !pharmacies::set_default(tx, &caller.account, user, &id).await? {
                    return Err(Error::not_found("pharmacy"));
                }
                audit::write(tx, &owner, &caller, "pharmacies.default", ("user", user.to_string())).await?;
                Ok::<_, Error>(user)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    of_user(&mut conn, &vault, actor, user).await
}

/// Keeps a pharmacy no longer. Without the default none is, until somebody says
/// which: a prescription must not go where nobody chose.
///
/// # Errors
/// 401, 403, 404.
pub async fn forget(app: &App, actor: &Actor, which: Which, id: &str) -> Result<Vec<KeptView>> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    let user = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let user = locked(tx, &caller, which).await?;
                if !pharmacies::forget(tx, &caller.account, user, &id).await? {
                    return Err(Error::not_found("pharmacy"));
                }
                audit::write(tx, &owner, &caller, "pharmacies.forget", ("user", user.to_string())).await?;
                Ok::<_, Error>(user)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    of_user(&mut conn, &vault, actor, user).await
}
