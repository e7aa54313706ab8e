//! Recordings of calls: who may see them and what they are shown. How one runs
//! is in `recordings/conduct.rs`, what people answer in `recordings/consent.rs`,
//! how it becomes a film in `recordings/compose.rs`.

mod compose;
mod conduct;
mod consent;
mod contents;
mod ffmpeg;
mod follow;
mod purge;

use std::{collections::HashMap, path::PathBuf};

use bedside_model::{
    Phi, RecordingId, UserId, VisitId,
    event::EventType,
    permission::Action,
    recording::{Fact, Status},
};
use bedside_store::{
    Conn,
    recordings::{self, Consent, Mark, Policy, Recording, RecordingFile},
    users, visits,
    visits::Visit,
};

use crate::{Actor, App, Error, Result, audit, authz, files::Link, guests::shown_name};

pub use compose::{COMPOSE_JOB, compose};
pub use conduct::{start, stop};
pub use consent::{Say, Standing, current, say};
pub use contents::open;
pub use follow::{call_over, cannot_record, joined, left, salvage};
pub use purge::purge;

/// How this machine makes recordings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where calls are written while they are recorded, sealed.
    pub folder: PathBuf,
    /// The program that puts people's parts together; without one the parts
    /// stay as they are.
    pub ffmpeg: Option<PathBuf>,
}

/// A recording as it is shown to somebody who may see it.
#[derive(Debug, Clone)]
pub struct RecordingView {
    /// The recording.
    pub recording: Recording,
    /// Its contents with fresh links.
    pub files: Vec<(RecordingFile, Link)>,
    /// What everybody said.
    pub consents: Vec<Consent>,
    /// Who came and left.
    pub marks: Vec<Mark>,
    /// Names of all who appear.
    pub names: HashMap<UserId, Phi<String>>,
}

async fn show(app: &App, conn: &mut Conn, recording: Recording) -> Result<RecordingView> {
    let (account, id) = (&recording.account, recording.id);
    let vault = app.store.vault(account).await?;
    let mut files = Vec::new();
    for file in recordings::list_files(conn, account, id).await? {
        let link = contents::link(&vault, &file, app.clock.now())?;
        files.push((file, link));
    }
    let consents = recordings::list_consents(conn, account, id).await?;
    let marks = recordings::list_marks(conn, account, id).await?;
    let mut names = HashMap::new();
    let people = consents.iter().map(|consent| consent.user).chain(recording.started_by);
    for user in people.collect::<Vec<_>>() {
        if let std::collections::hash_map::Entry::Vacant(place) = names.entry(user)
            && let Some(person) = users::find(conn, account, user).await?
        {
            place.insert(shown_name(&person).into());
        }
    }
    Ok(RecordingView { recording, files, consents, marks, names })
}

async fn visit_of(conn: &mut Conn, actor: &Actor, id: VisitId) -> Result<Visit> {
    visits::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))
}

async fn find(conn: &mut Conn, actor: &Actor, id: RecordingId) -> Result<(Recording, Visit)> {
    let found = recordings::find(conn, &actor.account, id).await?;
    let recording = found.ok_or_else(|| Error::not_found("recording"))?;
    let visit = visits::find(conn, &actor.account, recording.visit).await?;
    Ok((recording, visit.ok_or_else(|| Error::not_found("recording"))?))
}

/// May the caller play recordings of this visit?
async fn may_read(conn: &mut Conn, actor: &Actor, visit: &Visit) -> Result<()> {
    let (_, kind) = authz::user(actor)?;
    authz::visit(conn, actor, visit, Action::RecordingRead).await?;
    if kind.is_patient() && !recordings::policy(conn, &actor.account).await?.for_patients {
        return Err(Error::forbidden(
            "recordings_not_shared",
            "This clinic keeps recordings to itself. Ask it for a copy.",
        ));
    }
    Ok(())
}

/// A recording with its contents and what people said to it.
///
/// # Errors
/// 401, 403 `recordings_not_shared`, 404.
pub async fn get(app: &App, actor: &Actor, id: RecordingId) -> Result<RecordingView> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let (recording, visit) = find(&mut conn, actor, id).await?;
    hide(may_read(&mut conn, actor, &visit).await)?;
    app.reads.note(app, actor, visit.member, "recordings.get");
    show(app, &mut conn, recording).await
}

/// Whoever may not know of the visit is not told of it by its recording.
fn hide(judged: Result<()>) -> Result<()> {
    judged.map_err(|error| match error {
        Error::NotFound(_) => Error::not_found("recording"),
        other => other,
    })
}

/// All recordings of a visit, oldest first, deleted ones too.
///
/// # Errors
/// 401, 403 `recordings_not_shared`, 404.
pub async fn list(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<RecordingView>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit = visit_of(&mut conn, actor, id).await?;
    may_read(&mut conn, actor, &visit).await?;
    app.reads.note(app, actor, visit.member, "recordings.list");
    let mut views = Vec::new();
    for recording in recordings::list_of_visit(&mut conn, &actor.account, id).await? {
        views.push(show(app, &mut conn, recording).await?);
    }
    Ok(views)
}

/// Of each of these visits the recordings that began and are not deleted; only
/// where the caller may play them.
///
/// # Errors
/// 401, what the store says.
pub async fn of_visits(
    app: &App,
    actor: &Actor,
    ids: &[VisitId],
) -> Result<HashMap<VisitId, Vec<RecordingView>>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let mut found = HashMap::new();
    for id in ids {
        let kept = recordings::list_of_visit(&mut conn, &actor.account, *id).await?;
        let kept = kept.into_iter().filter(|one| one.started_at.is_some() && one.status != Status::Deleted);
        let kept: Vec<_> = kept.collect();
        if kept.is_empty() {
            continue;
        }
        let visit = visit_of(&mut conn, actor, *id).await?;
        if may_read(&mut conn, actor, &visit).await.is_err() {
            continue;
        }
        let mut views = Vec::with_capacity(kept.len());
        for recording in kept {
            views.push(show(app, &mut conn, recording).await?);
        }
        found.insert(*id, views);
    }
    Ok(found)
}

/// Deletes a recording's contents; that there was one stays written.
///
/// # Errors
/// 401, 403, 404, 400 `recording_runs` while it is not over.
pub async fn delete(app: &App, actor: &Actor, id: RecordingId) -> Result<RecordingView> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let (recording, visit) = find(&mut conn, actor, id).await?;
    let relations = authz::to_visit(&mut conn, actor, &visit).await?;
    authz::judge(actor, relations, Action::RecordingDelete, Action::VisitRead, "recording")?;
    drop(conn);
    if recording.status != Status::Deleted {
        purge::remove(app, actor, recording, &visit, "recordings.delete").await?;
    }
    let mut conn = app.store.reader().await?;
    let (recording, _) = find(&mut conn, actor, id).await?;
    show(app, &mut conn, recording).await
}

/// What the caller's clinic wants of its recordings.
///
/// # Errors
/// 401, 403.
pub async fn policy(app: &App, actor: &Actor) -> Result<Policy> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    Ok(recordings::policy(&mut conn, &actor.account).await?)
}

/// What may change of it; none leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpdatePolicy {
    /// Days that recordings are kept; 0 until somebody deletes them.
    pub retention_days: Option<i64>,
    /// May patients see those of their own visits?
    pub for_patients: Option<bool>,
}

/// Says what the clinic wants of its recordings.
///
/// # Errors
/// 401, 403, 400 naming the field.
pub async fn update_policy(app: &App, actor: &Actor, update: UpdatePolicy) -> Result<Policy> {
    authz::account(actor, Action::AccountManage)?;
    let most = bedside_model::recording::MAX_RETENTION_DAYS;
    if update.retention_days.is_some_and(|days| !(0..=most).contains(&days)) {
        return Err(Error::field("recording_retention_days", format!("use 0 to {most} days")));
    }
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                let kept = recordings::policy(tx, account).await?;
                let next = Policy {
                    retention_days: update.retention_days.unwrap_or(kept.retention_days),
                    for_patients: update.for_patients.unwrap_or(kept.for_patients),
                };
                if next != kept {
                    recordings::set_policy(tx, account, next).await?;
                    let object = ("account", account.to_string());
                    audit::write(tx, &owner, &caller, "recordings.update_policy", object).await?;
                }
                Ok(next)
            })
        })
        .await
}

/// The event that a fact is told with.
const fn told_as(status: Status) -> EventType {
    match status {
        Status::Asked => EventType::RecordingAsked,
        Status::Recording => EventType::RecordingStarted,
        Status::Processing => EventType::RecordingStopped,
        Status::Ready => EventType::RecordingReady,
        Status::Failed => EventType::RecordingFailed,
        Status::Deleted => EventType::RecordingDeleted,
    }
}

/// The action that a fact is audited as.
const fn audited_as(fact: Fact) -> &'static str {
    match fact {
        Fact::AllAgreed => "recordings.begin",
        Fact::Refused => "recordings.refused",
        Fact::Stopped => "recordings.stop",
        Fact::CallOver => "recordings.call_over",
        Fact::Encrypted => "recordings.encrypted",
        Fact::Composed => "recordings.composed",
        Fact::NothingThere => "recordings.empty",
        Fact::Broken => "recordings.broken",
        Fact::Deleted => "recordings.delete",
    }
}
