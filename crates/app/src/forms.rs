//! Forms that a clinic makes itself: drafts, and the versions that were
//! published, which never change. At each step one form is asked for, the one
//! that was published last. What people answer is in `form_answers`.

use bedside_model::{
    form::{self, MAX_FORMS, Refusal, Step, questionnaire},
    permission::{Action, Relations},
};
use bedside_store::{
    Conn,
    forms::{self, Form, Parts, Version},
};
use serde_json::Value;

use crate::{Actor, App, Error, Result, audit, authz};

/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Most forms of a page.
pub const MAX_PAGE: i64 = 100;

/// A form as somebody may see it.
#[derive(Debug, Clone)]
pub struct FormView {
    /// Its row, with the draft.
    pub form: Form,
    /// Its newest version.
    pub published: Option<Version>,
    /// May the caller see the draft?
    pub manages: bool,
}

/// What is written into a draft; `None` leaves a part.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The revision that the writer has read; none overwrites whatever is there.
    pub revision: Option<i64>,
    /// What it is called.
    pub title: Option<String>,
    /// The fields.
    pub schema: Option<Value>,
    /// How they are asked for.
    pub ui: Option<Value>,
}

fn refused(refusal: Refusal) -> Error {
    Error::field(&refusal.path, refusal.why)
}

/// The form of kept parts; they were checked when they were written.
pub(crate) fn parsed(parts: &Parts) -> Result<form::Form> {
    let unreadable =
        |why: Refusal| Error::internal(anyhow::anyhow!("a kept form: {}: {}", why.path, why.why));
    form::read(&parts.schema, &parts.ui).map_err(unreadable)
}

/// Parts as they are kept.
fn checked(schema: &Value, ui: &Value) -> Result<Parts> {
    let form = form::read(schema, ui).map_err(refused)?;
    Ok(Parts { schema: form.schema(), ui: form.ui() })
}

fn title(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TITLE || text.chars().any(char::is_control) {
        return Err(Error::field("title", "use 1 to 200 characters"));
    }
    Ok(text.to_owned())
}

fn step(word: &str) -> Result<Step> {
    Step::parse(word.trim())
        .ok_or_else(|| Error::field("step", "use sign_up, intake, post_intake or post_call"))
}

fn readable(actor: &Actor) -> Result<bool> {
    authz::user(actor)?;
    authz::judge(actor, Relations::SAME_ACCOUNT, Action::FormsRead, Action::FormsRead, "form")?;
    Ok(authz::may(actor, Relations::SAME_ACCOUNT, Action::FormsManage))
}

/// The clinic's forms, the oldest first, and the mark of the next page; those
/// who may not make forms see what was published.
///
/// # Errors
/// 401, 403.
pub async fn list(
    app: &App,
    actor: &Actor,
    after: Option<&str>,
    limit: i64,
) -> Result<(Vec<Form>, Option<String>)> {
    let manages = readable(actor)?;
    let mut conn = app.store.reader().await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let mut rows =
        forms::list(&mut conn, &actor.account, !manages, (after.unwrap_or_default(), limit + 1)).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|found| found > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    Ok((rows, next))
}

/// How many there are in all, as the caller sees it.
///
/// # Errors
/// As [`list`].
pub async fn count(app: &App, actor: &Actor) -> Result<i64> {
    let manages = readable(actor)?;
    let mut conn = app.store.reader().await?;
    Ok(forms::count(&mut conn, &actor.account, !manages).await?)
}

/// A form with its newest version.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<FormView> {
    let manages = readable(actor)?;
    let mut conn = app.store.reader().await?;
    let form = find(&mut conn, actor, id).await?;
    if !manages && form.version == 0 {
        return Err(Error::not_found("form"));
    }
    show(&mut conn, form, manages).await
}

async fn find(conn: &mut Conn, actor: &Actor, id: &str) -> Result<Form> {
    forms::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("form"))
}

async fn show(conn: &mut Conn, form: Form, manages: bool) -> Result<FormView> {
    let published = forms::find_version(conn, &form.account, &form.id, form.version).await?;
    Ok(FormView { form, published, manages })
}

/// A version of a form.
///
/// # Errors
/// 401, 403, 404.
pub async fn get_version(app: &App, actor: &Actor, id: &str, number: i64) -> Result<Version> {
    readable(actor)?;
    let mut conn = app.store.reader().await?;
    find(&mut conn, actor, id).await?;
    let found = forms::find_version(&mut conn, &actor.account, id, number).await?;
    found.ok_or_else(|| Error::not_found("form_version"))
}

/// Makes a form as a draft.
///
/// # Errors
/// 401, 403, 400 naming the path of what is refused, `too_many_forms`.
pub async fn add(app: &App, actor: &Actor, at: &str, command: Write) -> Result<FormView> {
    authz::account(actor, Action::FormsManage)?;
    let (step, title) = (step(at)?, title(command.title.as_deref().unwrap_or_default())?);
    let empty = Value::Null;
    let draft = checked(command.schema.as_ref().unwrap_or(&empty), command.ui.as_ref().unwrap_or(&empty))?;
    put(app, actor, step, title, draft).await
}

/// Makes a form of a FHIR R4 questionnaire, as a draft.
///
/// # Errors
/// 401, 403, 400 naming the `linkId` of what is refused, `too_many_forms`.
pub async fn import(app: &App, actor: &Actor, at: &str, resource: &Value) -> Result<FormView> {
    authz::account(actor, Action::FormsManage)?;
    let step = step(at)?;
    let (name, form) = questionnaire::read(resource).map_err(refused)?;
    let title = title(if name.trim().is_empty() { "Questionnaire" } else { &name })?;
    put(app, actor, step, title, Parts { schema: form.schema(), ui: form.ui() }).await
}

async fn put(app: &App, actor: &Actor, step: Step, title: String, draft: Parts) -> Result<FormView> {
    let (owner, caller) = (app.clone(), actor.clone());
    let form = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                crate::accounts::lock(tx, &caller.account).await?;
                if forms::count(tx, &caller.account, false).await? >= MAX_FORMS {
                    return Err(Error::invalid("too_many_forms", "A clinic has at most 200 forms."));
                }
                let now = owner.clock.now();
                let form = Form {
                    id: owner.random.uuid(now),
                    account: caller.account.clone(),
                    step,
                    title,
                    draft,
                    revision: 1,
                    version: 0,
                    live: false,
                    created_at: now,
                    updated_at: now,
                };
                forms::add(tx, &form).await?;
                audit::write(tx, &owner, &caller, "forms.add", ("form", form.id.clone())).await?;
                Ok(form)
            })
        })
        .await?;
    Ok(FormView { form, published: None, manages: true })
}

/// Changes a draft. What was published stays as it is.
///
/// # Errors
/// 401, 403, 404, 400 naming the path of what is refused, `form_changed`.
pub async fn update(app: &App, actor: &Actor, id: &str, command: Write) -> Result<FormView> {
    authz::account(actor, Action::FormsManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let mut form = find(tx, &caller, &id).await?;
                if command.revision.is_some_and(|revision| revision != form.revision) {
                    return Err(changed(&form));
                }
                if let Some(text) = &command.title {
                    form.title = title(text)?;
                }
                let (schema, ui) = (command.schema.as_ref(), command.ui.as_ref());
                form.draft = checked(schema.unwrap_or(&form.draft.schema), ui.unwrap_or(&form.draft.ui))?;
                form.updated_at = owner.clock.now();
                if !forms::update(tx, &form).await? {
                    return Err(changed(&form));
                }
                form.revision += 1;
                audit::write(tx, &owner, &caller, "forms.update", ("form", form.id.clone())).await?;
                show(tx, form, true).await
            })
        })
        .await
}

fn changed(form: &Form) -> Error {
    Error::invalid("form_changed", "Somebody has changed this draft meanwhile. Read it again.")
        .with("revision", form.revision)
}

/// Publishes a draft: from now on this form is asked for at its step. The same
/// draft again makes no new version.
///
/// # Errors
/// 401, 403, 404.
pub async fn publish(app: &App, actor: &Actor, id: &str) -> Result<FormView> {
    authz::account(actor, Action::FormsManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                // Two that are published at once come one after the other.
                crate::accounts::lock(tx, &caller.account).await?;
                let mut form = find(tx, &caller, &id).await?;
                let newest = forms::find_version(tx, &caller.account, &id, form.version).await?;
                let same = newest.is_some_and(|old| (&old.title, &old.content) == (&form.title, &form.draft));
                if same && form.live {
                    return show(tx, form, true).await;
                }
                if !same {
                    form.version += 1;
                    let version = Version {
                        form: form.id.clone(),
                        number: form.version,
                        step: form.step,
                        account: caller.account.clone(),
                        title: form.title.clone(),
                        content: form.draft.clone(),
                        published_by: caller.user(),
                        published_at: owner.clock.now(),
                    };
                    forms::add_version(tx, &version).await?;
                }
                forms::show(tx, &form, form.version).await?;
                form.live = true;
                audit::write(tx, &owner, &caller, "forms.publish", ("form", form.id.clone())).await?;
                show(tx, form, true).await
            })
        })
        .await
}

/// The form is not asked for any more; its step has the account's own steps
/// again. What was answered stays.
///
/// # Errors
/// 401, 403, 404.
pub async fn retire(app: &App, actor: &Actor, id: &str) -> Result<FormView> {
    authz::account(actor, Action::FormsManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let mut form = find(tx, &caller, &id).await?;
                if form.live {
                    forms::retire(tx, &caller.account, &id).await?;
                    form.live = false;
                    audit::write(tx, &owner, &caller, "forms.retire", ("form", form.id.clone())).await?;
                }
                show(tx, form, true).await
            })
        })
        .await
}
