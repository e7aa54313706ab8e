//! What people answer in forms, for an intake, a visit or themselves. Saved at
//! each step and sealed; whoever changes answers says which version they have
//! read, so that two devices never overwrite one another. What is hidden by
//! branching is dropped, scores are computed here and nowhere else. `change` is
//! beginning, saving and completing.

mod change;

use bedside_model::{
    IntakeId, Phi, VisitId,
    form::{self, Answers, Step},
    permission::{Action, Relations},
};
use bedside_store::{
    Conn, Tx, Vault,
    form_answers::{self, FormAnswers},
    forms::{self, Version},
    intakes, visits,
};
use serde::{Deserialize, Serialize};

use crate::{Actor, App, Error, Result, authz, forms::parsed};

pub use change::{Begin, Save, begin, complete, save};

/// What lies sealed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// By the keys of the fields, what is shown alone.
    pub answers: Answers,
    /// The section where the patient is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
}

/// Answers with the version of the form that they were given to.
#[derive(Debug, Clone)]
pub struct AnswersView {
    /// Their row.
    pub row: FormAnswers,
    /// When the form is asked for.
    pub step: Step,
    /// What it was called.
    pub title: String,
    /// What it was.
    pub form: form::Form,
    /// What was answered.
    pub content: Phi<Content>,
}

fn context(id: &str) -> String {
    format!("form_answers.content:{id}")
}

fn open(vault: &Vault, row: &FormAnswers) -> Result<Content> {
    let text = vault.open_text(&context(&row.id), &row.content)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn seal(vault: &Vault, id: &str, content: &Content) -> Result<bedside_store::Sealed> {
    let text = serde_json::to_string(content).map_err(Error::internal)?;
    if text.len() > form::MAX_ANSWERS_BYTES {
        return Err(Error::invalid(
            "form_answers_too_large",
            "The answers to a form may weigh 64 KiB at most.",
        ));
    }
    Ok(vault.seal_text(&context(id), &text)?)
}

/// How the caller stands to answers: as to the visit that they are for, or that
/// was made of their intake; before there is one, as to the intake; else as to
/// the person.
async fn relations(conn: &mut Conn, actor: &Actor, row: &FormAnswers) -> Result<Relations> {
    let intake = match &row.intake {
        Some(id) => intakes::find(conn, &actor.account, id).await?,
        None => None,
    };
    let visit = row.visit.or(intake.as_ref().and_then(|intake| intake.visit));
    if let Some(visit) = visit
        && let Some(visit) = visits::find(conn, &actor.account, visit).await?
    {
        return authz::to_visit(conn, actor, &visit).await;
    }
    match intake {
        Some(intake) => authz::to_care(conn, actor, intake.member, intake.provider, None).await,
        None => authz::to_person(conn, actor, row.member).await,
    }
}

async fn load(conn: &mut Conn, actor: &Actor, id: &str, action: Action) -> Result<FormAnswers> {
    authz::user(actor)?;
    let found = form_answers::find(conn, &actor.account, id).await?;
    let row = found.ok_or_else(|| Error::not_found("form_answers"))?;
    let relations = relations(conn, actor, &row).await?;
    authz::judge(actor, relations, action, Action::FormAnswersRead, "form_answers")?;
    Ok(row)
}

async fn version(conn: &mut Conn, row: &FormAnswers) -> Result<Version> {
    let found = forms::find_version(conn, &row.account, &row.form, row.form_version).await?;
    found.ok_or_else(|| Error::not_found("form_version"))
}

pub(crate) async fn show(conn: &mut Conn, vault: &Vault, row: FormAnswers) -> Result<AnswersView> {
    let version = version(conn, &row).await?;
    Ok(AnswersView {
        content: open(vault, &row)?.into(),
        form: parsed(&version.content)?,
        step: version.step,
        title: version.title,
        row,
    })
}

/// Answers, wherever they were begun.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<AnswersView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let row = load(&mut conn, actor, id, Action::FormAnswersRead).await?;
    app.reads.note(app, actor, row.member, "form_answers.get");
    show(&mut conn, &vault, row).await
}

/// Everything that was answered for a visit, and for the intake that it was made
/// of, the oldest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list_of_visit(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<AnswersView>> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let found = visits::find(&mut conn, &actor.account, id).await?;
    let visit = found.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::FormAnswersRead).await?;
    app.reads.note(app, actor, visit.member, "form_answers.list");
    let mut all = Vec::new();
    for row in form_answers::list_of_visit(&mut conn, &actor.account, id).await? {
        all.push(show(&mut conn, &vault, row).await?);
    }
    Ok(all)
}

/// What was answered with an intake, for a copy of that intake.
///
/// # Errors
/// What the store says.
pub(crate) async fn copy(
    tx: &mut Tx,
    app: &App,
    vault: &Vault,
    from: &intakes::Intake,
    to: &IntakeId,
) -> Result<()> {
    for row in form_answers::list_of_intake(tx, &from.account, &from.id).await? {
        let content = open(vault, &row)?;
        let id = app.random.uuid(app.clock.now());
        let copy = FormAnswers {
            content: seal(vault, &id, &content)?,
            intake: Some(to.clone()),
            version: 1,
            id,
            ..row
        };
        form_answers::add(tx, &copy).await?;
        let version = version(tx, &copy).await?;
        let mut known = Vec::new();
        for file in change::files(&parsed(&version.content)?, &content.answers) {
            known.extend(bedside_store::files::find(tx, &copy.account, &file).await?.map(|file| file.id));
        }
        form_answers::name_files(tx, &copy.account, &copy.id, &known).await?;
    }
    Ok(())
}
