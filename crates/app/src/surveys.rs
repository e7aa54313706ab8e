//! Surveys: what a clinic asks after a visit, and what people answered. Each
//! person answers once per visit and survey. The survey with which visits are
//! rated is there without any set-up.

use bedside_model::{
    At, Phi, UserId, VisitId,
    event::{EventData, EventType, SurveyData},
    permission::{Action, Relations},
    survey::{self, Answer, Answers, Question},
    visit::Status,
};
use bedside_store::{
    Conn, Vault,
    surveys::{self, Survey, SurveyResult},
    visits,
    visits::Visit,
};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
};

/// A survey as it is asked.
#[derive(Debug, Clone)]
pub struct SurveyView {
    /// What it is called.
    pub code: String,
    /// From 1.
    pub version: i64,
    /// What people read above it.
    pub title: String,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Bedside's own, the same in every clinic.
    pub is_built_in: bool,
    /// Since when nobody is asked any more.
    pub retired_at: Option<At>,
    /// When this version was made.
    pub created_at: Option<At>,
}

/// What somebody answered.
#[derive(Debug, Clone)]
pub struct ResultView {
    /// Its row.
    pub row: SurveyResult,
    /// By the codes of the questions.
    pub answers: Phi<Answers>,
}

/// A version to publish.
#[derive(Debug, Clone, Default)]
pub struct Publish {
    /// What it is called.
    pub code: String,
    /// What people read above it.
    pub title: String,
    /// What is asked.
    pub questions: Vec<Question>,
}

impl From<Survey> for SurveyView {
    fn from(row: Survey) -> Self {
        Self {
            code: row.code,
            version: row.version,
            title: row.title,
            questions: row.questions,
            is_built_in: false,
            retired_at: row.retired_at,
            created_at: Some(row.created_at),
        }
    }
}

fn built_in() -> SurveyView {
    SurveyView {
        code: survey::VISIT_RATING.to_owned(),
        version: 1,
        title: survey::VISIT_RATING_TITLE.to_owned(),
        questions: survey::visit_rating(),
        is_built_in: true,
        retired_at: None,
        created_at: None,
    }
}

fn readable(actor: &Actor) -> Result<()> {
    authz::user(actor)?;
    authz::judge(actor, Relations::SAME_ACCOUNT, Action::SurveysRead, Action::SurveysRead, "survey")
}

/// What the clinic asks, the built-in survey first.
///
/// # Errors
/// 401, 403.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<SurveyView>> {
    readable(actor)?;
    let mut conn = app.store.reader().await?;
    let own = surveys::list(&mut conn, &actor.account).await?;
    Ok(std::iter::once(built_in()).chain(own.into_iter().map(SurveyView::from)).collect())
}

/// A survey in its newest version.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, code: &str) -> Result<SurveyView> {
    readable(actor)?;
    let mut conn = app.store.reader().await?;
    asked(&mut conn, actor, code).await
}

async fn asked(conn: &mut Conn, actor: &Actor, code: &str) -> Result<SurveyView> {
    if code == survey::VISIT_RATING {
        return Ok(built_in());
    }
    let found = surveys::find(conn, &actor.account, code).await?;
    let found = found.filter(|survey| survey.retired_at.is_none());
    Ok(found.ok_or_else(|| Error::not_found("survey"))?.into())
}

/// Publishes a survey, or its next version. The same questions again are none.
///
/// # Errors
/// 401, 403, 400 naming the field, `too_many_surveys`.
pub async fn publish(app: &App, actor: &Actor, command: Publish) -> Result<SurveyView> {
    authz::account(actor, Action::SurveysManage)?;
    let command = command.checked()?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                // Two that are published at once get one number after the other.
                crate::accounts::lock(tx, &caller.account).await?;
                let before = surveys::find(tx, &caller.account, &command.code).await?;
                let same = |old: &Survey| {
                    old.retired_at.is_none()
                        && (&old.title, &old.questions) == (&command.title, &command.questions)
                };
                if let Some(same) = before.clone().filter(same) {
                    return Ok(same.into());
                }
                if before.is_none() && surveys::count(tx, &caller.account).await? >= survey::MAX_SURVEYS {
                    return Err(Error::invalid("too_many_surveys", "A clinic has at most 100 surveys."));
                }
                let now = owner.clock.now();
                let row = Survey {
                    id: owner.random.uuid(now),
                    account: caller.account.clone(),
                    code: command.code,
                    version: before.map_or(0, |old| old.version) + 1,
                    title: command.title,
                    questions: command.questions,
                    retired_at: None,
                    created_by: caller.user(),
                    created_at: now,
                };
                surveys::add(tx, &row).await?;
                audit::write(tx, &owner, &caller, "surveys.publish", ("survey", row.id.clone())).await?;
                Ok(row.into())
            })
        })
        .await
}

impl Publish {
    fn checked(self) -> Result<Self> {
        if self.code == survey::VISIT_RATING {
            return Err(Error::field("code", "visit_rating is built in and stays as it is"));
        }
        if !survey::is_code(&self.code) {
            return Err(Error::field("code", "use 1 to 64 lower-case letters, digits, _ and -"));
        }
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > survey::MAX_LABEL {
            return Err(Error::field("title", "use 1 to 500 characters"));
        }
        survey::check(&self.questions).map_err(|why| Error::field("questions", why))?;
        Ok(Self { title: title.to_owned(), ..self })
    }
}

/// Nobody is asked any more. What was answered stays.
///
/// # Errors
/// 401, 403, 404, 400 naming `code` for the built-in survey.
pub async fn retire(app: &App, actor: &Actor, code: &str) -> Result<SurveyView> {
    authz::account(actor, Action::SurveysManage)?;
    if code == survey::VISIT_RATING {
        return Err(Error::field("code", "visit_rating is built in and stays as it is"));
    }
    let (owner, caller, code) = (app.clone(), actor.clone(), code.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let found = surveys::find(tx, &caller.account, &code).await?;
                let mut found = found.ok_or_else(|| Error::not_found("survey"))?;
                if found.retired_at.is_none() {
                    let now = owner.clock.now();
                    surveys::retire(tx, &caller.account, &code, now).await?;
                    audit::write(tx, &owner, &caller, "surveys.retire", ("survey", found.id.clone())).await?;
                    found.retired_at = Some(now);
                }
                Ok(found.into())
            })
        })
        .await
}

fn context(id: &str) -> String {
    format!("survey_results.answers:{id}")
}

fn open(vault: &Vault, row: SurveyResult) -> Result<ResultView> {
    let text = vault.open_text(&context(&row.id), &row.answers)?;
    let answers: Answers = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(ResultView { answers: answers.into(), row })
}

/// Who answers: the caller, or whose visit a one-time link opens.
fn answerer(actor: &Actor, visit: &Visit) -> Result<UserId> {
    if actor.link().is_some() { Ok(visit.member) } else { Ok(authz::user(actor)?.0) }
}

/// Answers a survey about a visit, once per person: a second time changes
/// nothing and gives the first answers again.
///
/// # Errors
/// 401, 403, 404, 400 naming the question, `survey_too_early`.
pub async fn answer(
    app: &App,
    actor: &Actor,
    code: &str,
    id: VisitId,
    sent: &Phi<Map<String, Value>>,
) -> Result<ResultView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let (code, sent) = (code.to_owned(), sent.clone());
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let found = visits::find(tx, &caller.account, id).await?;
                let visit = found.ok_or_else(|| Error::not_found("visit"))?;
                authz::visit(tx, &caller, &visit, Action::SurveyAnswer).await?;
                let user = answerer(&caller, &visit)?;
                if let Some(first) = surveys::find_result(tx, &caller.account, id, user, &code).await? {
                    return Ok(first);
                }
                let survey = asked(tx, &caller, &code).await?;
                if matches!(visit.state.status, Status::Pending | Status::Confirmed) {
                    return Err(Error::invalid("survey_too_early", "This visit has not taken place yet."));
                }
                let answers = survey::read(&survey.questions, sent.reveal())
                    .map_err(|(question, why)| Error::field(&format!("answers.{question}"), why))?;
                let now = owner.clock.now();
                let name = owner.random.uuid(now);
                let text = serde_json::to_string(&answers).map_err(Error::internal)?;
                let row = SurveyResult {
                    answers: keys.seal_text(&context(&name), &text)?,
                    account: caller.account.clone(),
                    visit: id,
                    user,
                    version: survey.version,
                    rating: match answers.get(survey::STARS) {
                        Some(Answer::Rating(stars)) if survey.is_built_in => Some(*stars),
                        _ => None,
                    },
                    survey: survey.code,
                    created_at: now,
                    id: name,
                };
                if !surveys::add_result(tx, &row).await? {
                    // Both clicks came at once; the other one was first.
                    let first = surveys::find_result(tx, &caller.account, id, user, &code).await?;
                    return first.ok_or_else(|| Error::not_found("survey"));
                }
                let data = SurveyData { code: row.survey.clone(), version: row.version, rating: row.rating };
                let mut subject =
                    Subject::visit(visit.id, visit.room, visit.member, &visit.state).planned(&visit.plan);
                subject.data = EventData { survey: Some(data), ..subject.data };
                events::append(tx, &owner, &caller.account, EventType::VisitRated, subject).await?;
                audit::write(tx, &owner, &caller, "surveys.answer", ("survey_result", row.id.clone()))
                    .await?;
                Ok(row)
            })
        })
        .await?;
    open(&vault, row)
}

/// What was answered about a visit: everything for those who run the clinic and
/// the provider who saw the patient, their own for patients.
///
/// # Errors
/// 401, 403, 404.
pub async fn results(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<ResultView>> {
    let (caller, kind) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let found = visits::find(&mut conn, &actor.account, id).await?;
    let visit = found.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::SurveyResultsRead).await?;
    app.reads.note(app, actor, visit.member, "surveys.results");
    let rows = surveys::list_results(&mut conn, &actor.account, id).await?;
    let own = |row: &SurveyResult| !kind.is_patient() || row.user == caller;
    rows.into_iter().filter(own).map(|row| open(&vault, row)).collect()
}
