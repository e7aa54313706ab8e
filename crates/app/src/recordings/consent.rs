//! What people are asked and answer. Care never depends on it: a no ends the
//! recording and nothing else.

use bedside_model::{
    RecordingId, VisitId,
    event::EventType,
    permission::Action,
    recording::{self, Answer, TEXT_VERSION},
};
use bedside_store::recordings::{self, Recording};

use super::{conduct::advance, find, visit_of};
use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    guests::must_be_admitted,
};

/// How the recording of a call stands for somebody in it.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The recording that belongs to the call now.
    pub recording: Recording,
    /// What they said.
    pub answer: Answer,
    /// How many have not answered.
    pub waiting: usize,
    /// What they are asked with, and in which language.
    pub text: (&'static str, &'static str),
}

/// How the recording of a visit's call stands for the caller; none when there
/// is none now.
///
/// # Errors
/// 401, 403, 404, as for entering the call.
pub async fn current(app: &App, actor: &Actor, id: VisitId, language: &str) -> Result<Option<Standing>> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit = visit_of(&mut conn, actor, id).await?;
    must_be_admitted(&mut conn, actor, &visit).await?;
    authz::visit(&mut conn, actor, &visit, Action::VisitCall).await?;
    let found = recordings::find_running(&mut conn, &actor.account, id).await?;
    let Some(recording) = found else { return Ok(None) };
    let consents = recordings::list_consents(&mut conn, &actor.account, recording.id).await?;
    let own = consents.iter().find(|consent| consent.user == user);
    Ok(Some(Standing {
        recording,
        answer: own.map_or(Answer::Waiting, |consent| consent.answer),
        waiting: consents.iter().filter(|consent| consent.answer == Answer::Waiting).count(),
        text: recording::text(language),
    }))
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Say {
    /// Yes; else no.
    pub agree: bool,
    /// Version of the text that was read.
    pub text_version: String,
    /// Language of the text that was read.
    pub language: String,
}

/// Somebody in the call says yes or no; a no later on ends a recording that
/// runs.
///
/// # Errors
/// 401, 403, 404, 400 `recording_over`, `text_outdated` when another text was
/// read than the one that is asked with.
pub async fn say(app: &App, actor: &Actor, id: RecordingId, said: Say) -> Result<Standing> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let (recording, visit) = find(&mut conn, actor, id).await?;
    must_be_admitted(&mut conn, actor, &visit).await?;
    let relations = authz::to_visit(&mut conn, actor, &visit).await?;
    authz::judge(actor, relations, Action::VisitCall, Action::VisitRead, "recording")?;
    drop(conn);
    if !recording.status.is_running() {
        return Err(Error::invalid("recording_over", "This recording is over."));
    }
    if said.agree && said.text_version != TEXT_VERSION {
        return Err(Error::invalid("text_outdated", "The text has changed. Read it again, then answer."));
    }
    let answer = if said.agree { Answer::Agreed } else { Answer::Refused };
    let (language, _) = recording::text(&said.language);
    let text = format!("{TEXT_VERSION}/{language}");
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (account, at) = (&caller.account, owner.clock.now());
                recordings::ask(tx, &owner.random.uuid(at), account, id, user, at).await?;
                recordings::say(tx, account, id, user, (answer, &text), at).await?;
                let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
                subject.data.recording_id = Some(id.to_string());
                subject.data.peer_id = Some(user.to_string());
                events::append(tx, &owner, account, EventType::RecordingAnswered, subject).await?;
                let action = if answer == Answer::Agreed { "recordings.agree" } else { "recordings.refuse" };
                audit::write(tx, &owner, &caller, action, ("recording", id.to_string())).await
            })
        })
        .await?;
    advance(app, &actor.account, id).await?;
    let mut conn = app.store.reader().await?;
    let (recording, _) = find(&mut conn, actor, id).await?;
    let consents = recordings::list_consents(&mut conn, &actor.account, id).await?;
    let waiting = consents.iter().filter(|consent| consent.answer == Answer::Waiting).count();
    Ok(Standing { recording, answer, waiting, text: recording::text(&said.language) })
}
