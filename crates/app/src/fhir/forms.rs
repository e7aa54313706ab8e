//! Forms as questionnaires, and what people answered in them.

use bedside_model::{AccountId, VisitId, form};
use bedside_store::{
    form_answers::{self, Filter},
    forms::{self, Form, Version},
    intakes,
};

use super::{Ask, Page, Reader, admit, papers::after};
use crate::{Actor, App, Result, form_answers as shown, form_answers::AnswersView, forms::parsed};

/// Forms that are read at a time.
const BATCH: i64 = 50;

/// A form with what a questionnaire says of it.
#[derive(Debug, Clone)]
pub struct QuestionnaireView {
    /// Its row.
    pub row: Form,
    /// Its newest version; while there is none, its draft is shown.
    pub version: Option<Version>,
    /// What it asks.
    pub form: form::Form,
}

impl QuestionnaireView {
    /// FHIR's word of where it stands.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        status(&self.row)
    }
}

const fn status(row: &Form) -> &'static str {
    match row {
        Form { live: true, .. } => "active",
        Form { version: 0, .. } => "draft",
        _ => "retired",
    }
}

/// Answers with the visit that they belong to, when there is one.
#[derive(Debug, Clone)]
pub struct ResponseView {
    /// What was answered.
    pub answers: AnswersView,
    /// At which visit.
    pub visit: Option<VisitId>,
}

/// The clinic's forms, the oldest first.
///
/// # Errors
/// 401, 403, 400 for a foreign mark.
pub async fn list_questionnaires(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<QuestionnaireView>> {
    admit(actor)?;
    let account = &actor.account;
    let mut conn = app.store.reader().await?;
    let mut rows: Vec<Form> = Vec::new();
    if let Some(ids) = &ask.ids {
        for id in ids {
            let found = forms::find(&mut conn, account, id).await?;
            rows.extend(found.filter(|row| ask.says(status(row))));
        }
    } else {
        let mut behind = after(ask)?;
        loop {
            let some = forms::list(&mut conn, account, false, (&behind, BATCH)).await?;
            let last = some.last().map(|row| row.id.clone());
            let ended = i64::try_from(some.len()).is_ok_and(|read| read < BATCH);
            rows.extend(some.into_iter().filter(|row| ask.says(status(row))));
            match last {
                Some(last) if !ended && i64::try_from(rows.len()).is_ok_and(|found| found < ask.limit()) => {
                    behind = last;
                }
                _ => break,
            }
        }
    }
    let mut all = Vec::new();
    for row in rows {
        let version = forms::find_version(&mut conn, account, &row.id, row.version).await?;
        let form = parsed(version.as_ref().map_or(&row.draft, |version| &version.content))?;
        all.push(QuestionnaireView { row, version, form });
    }
    Ok(match ask.ids {
        Some(_) => Page::of_few(all),
        None => Page::cut(all, ask, |view| view.row.id.clone()),
    })
}

/// The form of a reference to a questionnaire: `Questionnaire/<id>`, an address
/// that ends so, or the canonical address that it was imported with.
async fn named(conn: Reader<'_>, account: &AccountId, text: &str) -> Result<Option<String>> {
    let text = text.split('|').next().unwrap_or_default();
    let id = match text.rsplit_once('/') {
        None => text,
        Some((before, id)) if before.rsplit('/').next() == Some("Questionnaire") => id,
        Some(_) => "",
    };
    if let Some(form) = forms::find(conn, account, id).await? {
        return Ok(Some(form.id));
    }
    let mut behind = String::new();
    loop {
        let some = forms::list(conn, account, true, (&behind, BATCH)).await?;
        for row in &some {
            let version = forms::find_version(conn, account, &row.id, row.version).await?;
            if version.is_some_and(|version| version.content.ui["url"] == text) {
                return Ok(Some(row.id.clone()));
            }
        }
        match some.last() {
            Some(last) => behind.clone_from(&last.id),
            None => return Ok(None),
        }
    }
}

/// What people answered, the oldest first.
///
/// # Errors
/// As [`list_questionnaires`].
pub async fn list_responses(app: &App, actor: &Actor, ask: &Ask) -> Result<Page<ResponseView>> {
    admit(actor)?;
    let account = &actor.account;
    let (complete, begun) = (ask.says("completed"), ask.says("in-progress"));
    let vault = app.store.vault(account).await?;
    let mut conn = app.store.reader().await?;
    let form = match &ask.questionnaire {
        Some(text) => match named(&mut conn, account, text).await? {
            Some(form) => Some(form),
            None => return Ok(Page::of_few(Vec::new())),
        },
        None => None,
    };
    if !complete && !begun {
        return Ok(Page::of_few(Vec::new()));
    }
    let page = match &ask.ids {
        Some(ids) => {
            let mut rows = Vec::new();
            for id in ids {
                let found = form_answers::find(&mut conn, account, id).await?;
                rows.extend(found.filter(|row| {
                    ask.patient.is_none_or(|patient| patient == row.member)
                        && form.as_ref().is_none_or(|form| *form == row.form)
                        && (if row.completed_at.is_some() { complete } else { begun })
                }));
            }
            Page::of_few(rows)
        }
        None => {
            let filter = Filter {
                member: ask.patient,
                form: form.as_deref(),
                complete: (complete != begun).then_some(complete),
            };
            let rows = form_answers::list(&mut conn, account, filter, (&after(ask)?, ask.limit())).await?;
            Page::cut(rows, ask, |row| row.id.clone())
        }
    };
    let mut rows = Vec::new();
    for row in page.rows {
        app.reads.note(app, actor, row.member, "fhir.questionnaire_response");
        let visit = match (&row.intake, row.visit) {
            (Some(intake), None) => {
                intakes::find(&mut conn, account, intake).await?.and_then(|one| one.visit)
            }
            (_, visit) => visit,
        };
        rows.push(ResponseView { answers: shown::show(&mut conn, &vault, row).await?, visit });
    }
    Ok(Page { rows, total: page.total, next: page.next })
}
