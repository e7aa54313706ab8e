//! Documents and consents.

use bedside_model::{FileId, file::Category};
use bedside_store::{
    consents::{self, Filter, Given},
    files,
};

use super::{Ask, Page, admit, foreign_mark};
use crate::{Actor, App, Result, files as shown, files::FileView};

/// Documents of patients, the oldest first: what came with a visit, what is on
/// a profile, consents. No photos, and nothing of a conversation.
///
/// # Errors
/// 401, 403, 400 for a foreign mark.
pub async fn list_documents(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<FileView>> {
    admit(actor)?;
    let account = &actor.account;
    if !ask.says("current") || ask.identifiers.is_some() {
        return Ok(Page::of_few(Vec::new()));
    }
    let vault = app.store.vault(account).await?;
    let mut conn = app.store.reader().await?;
    let page = match &ask.ids {
        Some(ids) => {
            let mut rows = Vec::new();
            for id in ids.iter().filter_map(|id| id.parse::<FileId>().ok()) {
                let kinds = [Category::IntakeAttachment, Category::UserDocument, Category::UserConsent];
                let found = files::find(&mut conn, account, &id).await?;
                rows.extend(found.filter(|file| {
                    file.category.is_some_and(|kind| kinds.contains(&kind))
                        && ask.when.has(file.created_at)
                        && ask.patient.is_none_or(|patient| patient == file.person)
                }));
            }
            Page::of_few(rows)
        }
        None => {
            let times = (ask.when.from, ask.when.until);
            let after = after(ask)?;
            let rows =
                files::list_documents(&mut conn, account, ask.patient, times, (&after, ask.limit())).await?;
            Page::cut(rows, ask, |file| file.id.to_string())
        }
    };
    for file in &page.rows {
        app.reads.note(app, actor, file.person, "fhir.document_reference");
    }
    let rows = shown::show(app, &mut conn, &vault, page.rows).await?;
    Ok(Page { rows, total: page.total, next: page.next })
}

/// What people agreed to, the oldest first.
///
/// # Errors
/// As [`list_documents`].
pub async fn list_consents(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<Given>> {
    admit(actor)?;
    let account = &actor.account;
    let (active, inactive) = (ask.says("active"), ask.says("inactive"));
    if (!active && !inactive) || ask.identifiers.is_some() {
        return Ok(Page::of_few(Vec::new()));
    }
    let mut conn = app.store.reader().await?;
    let page = match &ask.ids {
        Some(ids) => {
            let mut rows = Vec::new();
            for id in ids {
                let found = consents::find_given(&mut conn, account, id).await?;
                rows.extend(found.filter(|given| {
                    ask.when.has(given.consent.created_at)
                        && ask.patient.is_none_or(|patient| patient == given.consent.user)
                        && (if given.is_current { active } else { inactive })
                }));
            }
            Page::of_few(rows)
        }
        None => {
            let current = (active != inactive).then_some(active);
            let filter = Filter { user: ask.patient, from: ask.when.from, until: ask.when.until, current };
            let after = after(ask)?;
            let rows = consents::list_given(&mut conn, account, filter, (&after, ask.limit())).await?;
            Page::cut(rows, ask, |given| given.consent.id.clone())
        }
    };
    for given in &page.rows {
        app.reads.note(app, actor, given.consent.user, "fhir.consent");
    }
    Ok(page)
}

pub(super) fn after(ask: &Ask) -> Result<String> {
    let mark = ask.after.as_deref().map(|mark| mark.parse::<FileId>().map_err(|_| foreign_mark()));
    Ok(mark.transpose()?.map(|id| id.to_string()).unwrap_or_default())
}
