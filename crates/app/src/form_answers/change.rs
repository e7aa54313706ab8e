//! Beginning, saving and completing answers.

use bedside_model::{
    FileId, IntakeId, Phi, UserId, VisitId,
    form::{Answers, Form, Kind, Step},
    permission::Action,
};
use bedside_store::{
    Conn, Tx, Vault, files as stored_files,
    form_answers::{self, FormAnswers},
    forms, intakes, visits,
};
use serde_json::{Value, json};

use super::{AnswersView, Content, load, open, relations, seal, show, version};
use crate::{Actor, App, Error, Result, audit, authz, files, forms::parsed};

/// For what answers are begun: what the form's step needs, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// Of an intake form.
    pub intake: Option<IntakeId>,
    /// Of a form after a visit was made, or after its call.
    pub visit: Option<VisitId>,
    /// Of a sign-up form: a patient by number or the portal's code; none is the
    /// calling patient.
    pub member: Option<String>,
}

/// What is written into answers.
#[derive(Debug, Clone, Default)]
pub struct Save {
    /// The version that the writer has read.
    pub version: Option<i64>,
    /// The section where the patient is now.
    pub section: Option<String>,
    /// Answers by the keys of their fields; an empty one takes one back.
    pub answers: Phi<Answers>,
}

/// Begins the answers to a form; a second time, and on another device, gives
/// those that there are.
///
/// # Errors
/// 401, 403, 404, 400 naming `intake_id`, `visit_id` or `member_id`,
/// `form_retired`.
pub async fn begin(app: &App, actor: &Actor, form: &str, command: Begin) -> Result<AnswersView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys, form) = (app.clone(), actor.clone(), vault.clone(), form.to_owned());
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let found = forms::find(tx, &caller.account, &form).await?;
                let form = found.filter(|form| form.version > 0).ok_or_else(|| Error::not_found("form"))?;
                let now = owner.clock.now();
                let id = owner.random.uuid(now);
                let (intake, visit, member) = target(tx, &caller, form.step, &command).await?;
                let row = FormAnswers {
                    content: seal(&keys, &id, &Content::default())?,
                    account: caller.account.clone(),
                    form: form.id.clone(),
                    form_version: form.version,
                    member,
                    intake,
                    visit,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    completed_at: None,
                    id,
                };
                let (reading, noun) = match (&row.intake, row.visit) {
                    (Some(_), _) => (Action::IntakeRead, "intake"),
                    (None, Some(_)) => (Action::VisitRead, "visit"),
                    (None, None) => (Action::UserRead, "user"),
                };
                authz::judge(
                    &caller,
                    relations(tx, &caller, &row).await?,
                    Action::FormAnswer,
                    reading,
                    noun,
                )?;
                if let Some(known) =
                    form_answers::find_for(tx, &caller.account, &form.id, &row.target()).await?
                {
                    return Ok(known);
                }
                if !form.live {
                    return Err(Error::invalid("form_retired", "This form is not asked for any more."));
                }
                if !form_answers::add(tx, &row).await? {
                    // Both devices began at once; the other one was first.
                    let known = form_answers::find_for(tx, &caller.account, &form.id, &row.target()).await?;
                    return known.ok_or_else(|| Error::not_found("form_answers"));
                }
                audit::write(tx, &owner, &caller, "form_answers.begin", ("form_answers", row.id.clone()))
                    .await?;
                Ok(row)
            })
        })
        .await?;
    app.reads.note(app, actor, row.member, "form_answers.get");
    let mut conn = app.store.reader().await?;
    show(&mut conn, &vault, row).await
}

type Target = (Option<IntakeId>, Option<VisitId>, UserId);

/// What the answers are for, and whose they are.
async fn target(conn: &mut Conn, actor: &Actor, step: Step, command: &Begin) -> Result<Target> {
    let needed = |name: &str| Error::field(name, "is required for a form of this step");
    let surplus = match step {
        Step::Intake => [("visit_id", command.visit.is_some()), ("member_id", command.member.is_some())],
        Step::PostIntake | Step::PostCall => {
            [("intake_id", command.intake.is_some()), ("member_id", command.member.is_some())]
        }
        Step::SignUp => [("intake_id", command.intake.is_some()), ("visit_id", command.visit.is_some())],
    };
    if let Some((name, _)) = surplus.into_iter().find(|(_, there)| *there) {
        return Err(Error::field(name, "a form of this step is not answered for it"));
    }
    match step {
        Step::Intake => {
            let id = command.intake.as_ref().ok_or_else(|| needed("intake_id"))?;
            let found = intakes::find(conn, &actor.account, id).await?;
            let intake = found.ok_or_else(|| Error::not_found("intake"))?;
            Ok((Some(intake.id), None, intake.member))
        }
        Step::PostIntake | Step::PostCall => {
            let id = command.visit.ok_or_else(|| needed("visit_id"))?;
            let found = visits::find(conn, &actor.account, id).await?;
            let visit = found.ok_or_else(|| Error::not_found("visit"))?;
            Ok((None, Some(id), visit.member))
        }
        Step::SignUp => {
            let (caller, kind) = authz::user(actor)?;
            let wanted = command.member.as_deref().filter(|text| !text.is_empty() && *text != "-");
            let member = match wanted {
                None if kind.is_patient() => return Ok((None, None, caller)),
                None => {
                    return Err(Error::field("member_id", "name the patient when you do not call as one"));
                }
                Some(wanted) => crate::intakes::find_person(conn, &actor.account, wanted).await?,
            };
            let member =
                member.filter(|user| user.kind.is_patient()).ok_or_else(|| Error::not_found("user"))?;
            Ok((None, None, member.id))
        }
    }
}

/// Saves what was answered so far. Nothing has to be complete, but whatever is
/// there has to be an answer. The same again, from a device that did not hear,
/// is no conflict.
///
/// # Errors
/// 401, 403, 404, 400 naming `answers.<key>` (`version` when it is missing),
/// `form_answers_changed` with `current` and `yours`, `form_answers_complete`.
pub async fn save(app: &App, actor: &Actor, id: &str, command: Save) -> Result<AnswersView> {
    write(app, actor, id, command, false).await
}

/// Completes answers: nothing that is shown and required may be missing. From
/// then on they stay as they are. A second time changes nothing.
///
/// # Errors
/// As [`save`], and `form_incomplete` naming every field that is missing.
pub async fn complete(app: &App, actor: &Actor, id: &str, command: Save) -> Result<AnswersView> {
    write(app, actor, id, command, true).await
}

async fn write(app: &App, actor: &Actor, id: &str, command: Save, complete: bool) -> Result<AnswersView> {
    authz::user(actor)?;
    if command.version.is_none() {
        return Err(Error::field("version", "is required: the version of the answers that you have read"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys, id) = (app.clone(), actor.clone(), vault.clone(), id.to_owned());
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let row = load(tx, &caller, &id, Action::FormAnswer).await?;
                change(tx, &owner, &caller, &keys, row, command, complete).await
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show(&mut conn, &vault, row).await
}

async fn change(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    mut row: FormAnswers,
    command: Save,
    complete: bool,
) -> Result<FormAnswers> {
    let form = parsed(&version(tx, &row).await?.content)?;
    let before = open(vault, &row)?;
    let content = merged(&form, &before, &command)?;
    if content == before && (row.completed_at.is_some() || !complete) {
        return Ok(row);
    }
    if row.completed_at.is_some() {
        return Err(Error::invalid(
            "form_answers_complete",
            "These answers are complete and stay as they are.",
        ));
    }
    if command.version != Some(row.version) {
        return Err(changed(&row, &before, &content));
    }
    let named = check_files(tx, actor, &row, &form, (&before.answers, &content.answers), complete).await?;
    if complete {
        let missing: Vec<&str> = form.missing(&content.answers);
        if !missing.is_empty() {
            let blamed = missing.iter().map(|key| (format!("answers.{key}"), "is required"));
            return Err(
                Error::invalid("form_incomplete", "Some questions have no answer yet.").blaming(blamed)
            );
        }
    }
    let now = app.clock.now();
    row.content = seal(vault, &row.id, &content)?;
    row.updated_at = now;
    row.completed_at = complete.then_some(now);
    if !form_answers::update(tx, &row).await? {
        return Err(changed(&row, &before, &content));
    }
    row.version += 1;
    form_answers::name_files(tx, &row.account, &row.id, &named).await?;
    let action = if complete { "form_answers.complete" } else { "form_answers.save" };
    audit::write(tx, app, actor, action, ("form_answers", row.id.clone())).await?;
    Ok(row)
}

fn merged(form: &Form, before: &Content, command: &Save) -> Result<Content> {
    let answers = form.merge(&before.answers, command.answers.reveal());
    let answers = answers.map_err(|(key, why)| Error::field(&format!("answers.{key}"), why))?;
    if let Some(code) = &command.section
        && !form.sections.iter().any(|section| section.code == *code)
    {
        return Err(Error::field("section", "names no section of this form"));
    }
    Ok(Content { answers, section: command.section.clone().or_else(|| before.section.clone()) })
}

/// The files that answers name, each with its field.
fn named<'a>(form: &'a Form, answers: &'a Answers) -> impl Iterator<Item = (&'a str, &'a str)> {
    form.fields()
        .filter(|(_, field)| field.kind == Kind::File)
        .filter_map(|(_, field)| Some((field.key.as_str(), answers.get(&field.key)?.as_str()?)))
}

/// The files that answers name.
pub(super) fn files(form: &Form, answers: &Answers) -> Vec<FileId> {
    let mut all: Vec<FileId> = named(form, answers).filter_map(|(_, id)| id.parse().ok()).collect();
    all.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    all.dedup();
    all
}

/// Every file that is named anew is the patient's, and the caller may read it.
/// One that stood there before may be gone meanwhile: that holds up nobody until
/// they complete.
async fn check_files(
    conn: &mut Conn,
    actor: &Actor,
    row: &FormAnswers,
    form: &Form,
    (before, answers): (&Answers, &Answers),
    complete: bool,
) -> Result<Vec<FileId>> {
    let mut found: Vec<FileId> = Vec::new();
    for (key, id) in named(form, answers) {
        if !complete && before.get(key) == answers.get(key) {
            let file = id.parse().map_err(|_| Error::not_found("file"))?;
            if stored_files::exists(conn, &row.account, &file).await? {
                found.push(file);
            }
            continue;
        }
        let theirs = files::check_attachments(conn, actor, row.member, &[id.to_owned()]).await;
        let theirs = theirs.map_err(|error| match error {
            Error::Invalid { .. } => {
                Error::field(&format!("answers.{key}"), "there is no such file of this patient")
            }
            other => other,
        })?;
        found.extend(theirs.into_iter().map(|file| file.id));
    }
    found.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    found.dedup();
    Ok(found)
}

fn changed(row: &FormAnswers, current: &Content, yours: &Content) -> Error {
    let text = |content: &Content| serde_json::to_value(content).unwrap_or(Value::Null);
    let mut now = text(current);
    if let Value::Object(fields) = &mut now {
        fields.insert("version".to_owned(), json!(row.version));
    }
    Error::invalid(
        "form_answers_changed",
        "These answers were changed on another device meanwhile. Compare the two.",
    )
    .with("current", now)
    .with("yours", text(yours))
}
