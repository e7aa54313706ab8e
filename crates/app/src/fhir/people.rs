//! Patients and practitioners.

use bedside_model::{
    identifier::{CODE_SYSTEM, Identifier},
    user::UserType,
};
use bedside_store::{
    identifiers,
    user_lists::{self, Begin, Filter, Order, Scope},
    users::{self, User},
};

use super::{Ask, Page, Reader, admit, asked, both, numbers, taken};
use crate::{Actor, App, Result};

/// A person and what they are called elsewhere.
#[derive(Debug, Clone)]
pub struct PersonView {
    /// The row.
    pub user: User,
    /// Identifiers of other systems.
    pub identifiers: Vec<Identifier>,
}

/// Patients. A search finds those who are registered; a patient without a
/// log-in is found by their id.
///
/// # Errors
/// 401, 403, 400 for a foreign mark.
pub async fn list_patients(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<PersonView>> {
    let kinds = match ask.ids {
        Some(_) => vec![UserType::Member, UserType::Guest],
        None => vec![UserType::Member],
    };
    list(app, actor, ask, &kinds, "fhir.patient").await
}

/// Providers.
///
/// # Errors
/// As [`list_patients`].
pub async fn list_practitioners(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<PersonView>> {
    list(app, actor, ask, &[UserType::Provider], "fhir.practitioner").await
}

async fn list(
    app: &App,
    actor: &Actor,
    ask: &Ask,
    kinds: &[UserType],
    action: &'static str,
) -> Result<Page<PersonView>> {
    admit(actor)?;
    let account = &actor.account;
    let mut conn = app.store.reader().await?;
    let called = called(&mut conn, actor, ask).await?;
    let only = both(ask.ids.as_deref().map(numbers), called);
    if only.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Page::of_few(Vec::new()));
    }
    let filter = Filter {
        ids: only.unwrap_or_default(),
        kinds: kinds.iter().map(|kind| kind.code()).collect(),
        ..Filter::default()
    };
    let after = ask.after_number()?;
    let begin = Begin::After(after.to_string(), after);
    let page = user_lists::list(
        &mut conn,
        account,
        Scope::Account,
        &filter,
        (Order::Id, false),
        (&begin, ask.count),
    )
    .await?;
    let ids: Vec<i64> = page.users.iter().map(|user| user.id.0).collect();
    let mut known = identifiers::list_of_users(&mut conn, account, &ids).await?;
    drop(conn);
    let mut rows = Vec::with_capacity(ids.len());
    for user in page.users {
        app.reads.note(app, actor, user.id, action);
        rows.push(PersonView { identifiers: taken(&mut known, user.id.0), user });
    }
    Ok(Page { rows, total: Some(page.total), next: page.next.map(|(_, id)| id.to_string()) })
}

/// The people of the identifiers that are asked for: the integrator's own code,
/// or another system's number.
async fn called(conn: Reader<'_>, actor: &Actor, ask: &Ask) -> Result<Option<Vec<i64>>> {
    let Some(tokens) = &ask.identifiers else { return Ok(None) };
    let mut found = Vec::new();
    for (system, value) in tokens.iter().filter_map(asked) {
        if system.is_none_or(|system| system == CODE_SYSTEM) {
            found.extend(users::find_by_code(conn, &actor.account, value).await?.map(|user| user.id.0));
        }
        if system != Some(CODE_SYSTEM) {
            let limit = super::MAX_COUNT;
            found.extend(identifiers::find_users(conn, &actor.account, (system, value), limit).await?);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}
