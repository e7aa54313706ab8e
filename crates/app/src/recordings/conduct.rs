//! How a recording begins and ends: by the provider's word or the room's
//! setting, and only with everybody's yes.

use std::path::PathBuf;
use std::sync::Arc;

use bedside_media::Seal;
use bedside_model::{
    AccountId, RecordingId, UserId, VisitId,
    call::{identity, user_of},
    permission::Action,
    recording::{Answer, Fact, Reason, Status, TEXT_VERSION, verdict},
    visit::{Status as VisitStatus, Subtype},
};
use bedside_store::{
    Conn, Sealed, Tx, Vault, guests,
    recordings::{self, Consent, Mark, Recording},
    visits,
    visits::Visit,
};

use super::{RecordingView, audited_as, compose, find, show, told_as, visit_of};
use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    ports::calls::{Carrier, Embedded},
};

/// Asks everybody in the visit's call whether it may be recorded; the one who
/// asks has said yes with it.
///
/// # Errors
/// 401, 403, 404, 400 `recording_not_possible`, `nobody_in_call`,
/// `recording_elsewhere`, `recording_runs`.
pub async fn start(app: &App, actor: &Actor, id: VisitId) -> Result<RecordingView> {
    let (user, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit = visit_of(&mut conn, actor, id).await?;
    authz::visit(&mut conn, actor, &visit, Action::RecordingConduct).await?;
    if visit.state.status != VisitStatus::InProgress || visit.plan.subtype != Subtype::Video {
        return Err(Error::invalid(
            "recording_not_possible",
            "Only a video call that goes on can be recorded.",
        ));
    }
    let here = present(app, &mut conn, &visit).await?;
    drop(conn);
    if here.is_empty() {
        return Err(Error::invalid("nobody_in_call", "Nobody is in the call yet."));
    }
    let recording = ask(app, actor, &visit, Some(user), here).await?;
    advance(app, &visit.account, recording).await?;
    let mut conn = app.store.reader().await?;
    let (recording, _) = find(&mut conn, actor, recording).await?;
    show(app, &mut conn, recording).await
}

/// Ends a recording; what there is of it is put together.
///
/// # Errors
/// 401, 403, 404.
pub async fn stop(app: &App, actor: &Actor, id: RecordingId) -> Result<RecordingView> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let (recording, visit) = find(&mut conn, actor, id).await?;
    let relations = authz::to_visit(&mut conn, actor, &visit).await?;
    authz::judge(actor, relations, Action::RecordingConduct, Action::VisitRead, "recording")?;
    drop(conn);
    move_on(app, actor, recording, &visit, Fact::Stopped).await?;
    let mut conn = app.store.reader().await?;
    let (recording, _) = find(&mut conn, actor, id).await?;
    show(app, &mut conn, recording).await
}

/// Makes the row and asks; `here` are those in the call.
pub(super) async fn ask(
    app: &App,
    actor: &Actor,
    visit: &Visit,
    started_by: Option<UserId>,
    here: Vec<UserId>,
) -> Result<RecordingId> {
    let (owner, caller, visit) = (app.clone(), actor.clone(), visit.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (account, at) = (&visit.account, owner.clock.now());
                guests::lock_visit(tx, account, visit.id).await?;
                if recordings::find_running(tx, account, visit.id).await?.is_some() {
                    let why = "This call is being recorded already, or people are being asked.";
                    return Err(Error::invalid("recording_runs", why));
                }
                let id = recordings::add(tx, account, visit.id, started_by, at).await?;
                for user in here.into_iter().chain(started_by) {
                    recordings::ask(tx, &owner.random.uuid(at), account, id, user, at).await?;
                }
                if let Some(user) = started_by {
                    let said = (Answer::Agreed, &*format!("{TEXT_VERSION}/start"));
                    recordings::say(tx, account, id, user, said, at).await?;
                }
                tell(tx, &owner, &visit, id, Status::Asked, None).await?;
                audit::write(tx, &owner, &caller, "recordings.start", ("recording", id.to_string())).await?;
                Ok(id)
            })
        })
        .await
}

/// Writes the event of a recording's state.
pub(super) async fn tell(
    tx: &mut Tx,
    app: &App,
    visit: &Visit,
    id: RecordingId,
    status: Status,
    who: Option<UserId>,
) -> Result<()> {
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
    subject.data.recording_id = Some(id.to_string());
    subject.data.peer_id = who.map(|user| user.to_string());
    events::append(tx, app, &visit.account, told_as(status), subject).await
}

/// Looks at what people said and does what follows: begins, ends, or says anew
/// of whom is recorded.
pub(super) async fn advance(app: &App, account: &AccountId, id: RecordingId) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let Some(recording) = recordings::find(&mut conn, account, id).await? else { return Ok(()) };
    let Some(visit) = visits::find(&mut conn, account, recording.visit).await? else { return Ok(()) };
    if !recording.status.is_running() {
        return Ok(());
    }
    let here = present(app, &mut conn, &visit).await?;
    let consents = recordings::list_consents(&mut conn, account, id).await?;
    drop(conn);
    let said = |user: &UserId| {
        consents
            .iter()
            .find(|consent| consent.user == *user)
            .map_or(Answer::Waiting, |consent| consent.answer)
    };
    let all: Vec<_> = consents.iter().map(|consent| consent.answer).collect();
    let present: Vec<_> = here.iter().map(said).collect();
    let system = Actor::system(account.clone());
    match (recording.status, verdict(&present, &all)) {
        (_, Some(Fact::Refused)) => move_on(app, &system, recording, &visit, Fact::Refused).await.map(drop),
        (Status::Asked, Some(fact)) => {
            if let Some(begun) = move_on(app, &system, recording, &visit, fact).await?
                && !record(app, &visit, &begun, &consents).await?
            {
                move_on(app, &system, begun, &visit, Fact::CallOver).await?;
            }
            Ok(())
        }
        (Status::Recording, _) => record(app, &visit, &recording, &consents).await.map(drop),
        _ => Ok(()),
    }
}

/// Has the media node record those who agreed. False: the call is over.
async fn record(app: &App, visit: &Visit, recording: &Recording, consents: &[Consent]) -> Result<bool> {
    let agreed = consents.iter().filter(|consent| consent.answer == Answer::Agreed);
    let agreed = agreed.map(|consent| identity(consent.user)).collect();
    let vault = app.store.vault(&visit.account).await?;
    let Some(node) = app.calls.embedded().map(Embedded::node) else { return Ok(false) };
    let (name, folder) = (name_of(recording), folder_of(app, recording));
    let seal = sealing(vault, recording.id);
    node.start_recording(&visit.meeting, &name, agreed, &folder, seal).await.map_err(Error::internal)
}

/// Moves a recording on by a fact, with all that goes with it. None: it was
/// moved on already, or the fact changes nothing.
pub(super) async fn move_on(
    app: &App,
    actor: &Actor,
    recording: Recording,
    visit: &Visit,
    fact: Fact,
) -> Result<Option<Recording>> {
    let Some((status, reason)) = recording.status.after(fact) else { return Ok(None) };
    if recording.status == Status::Recording
        && let Some(node) = app.calls.embedded().map(Embedded::node)
    {
        // What the job will read must be on the disk before it can run.
        node.stop_recording(&visit.meeting, &name_of(&recording)).await;
    }
    let at = app.clock.now();
    let from = recording.status;
    let mut next = Recording { status, reason, ..recording };
    match status {
        Status::Recording => next.started_at = Some(at),
        Status::Processing => next.ended_at = Some(at),
        Status::Failed => next.ended_at = next.ended_at.or(Some(at)),
        _ => {}
    }
    let here = match status {
        Status::Recording => {
            let mut conn = app.store.reader().await?;
            present(app, &mut conn, visit).await?
        }
        _ => Vec::new(),
    };
    let job = (status == Status::Processing).then(|| compose::job(app, &next));
    let (owner, caller, visit, row) = (app.clone(), actor.clone(), visit.clone(), next.clone());
    let moved = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !recordings::change(tx, &row, from, at).await? {
                    return Ok(false);
                }
                for user in here {
                    let mark = Mark { user, joined: true, at };
                    recordings::add_mark(tx, &owner.random.uuid(at), &row.account, row.id, &mark).await?;
                }
                if let Some(job) = &job {
                    bedside_store::jobs::enqueue(tx, job).await?;
                }
                tell(tx, &owner, &visit, row.id, status, None).await?;
                audit::write(tx, &owner, &caller, audited_as(fact), ("recording", row.id.to_string()))
                    .await?;
                Ok(true)
            })
        })
        .await?;
    if moved && next.reason == Some(Reason::Encrypted) {
        compose::clean_up(app, &next).await;
    }
    Ok(moved.then_some(next))
}

/// Who is in the visit's call.
///
/// # Errors
/// 400 `recording_elsewhere` when this process does not carry it.
pub(super) async fn present(app: &App, conn: &mut Conn, visit: &Visit) -> Result<Vec<UserId>> {
    let Some(node) = visits::find_node(conn, &visit.account, visit.id).await? else { return Ok(Vec::new()) };
    match app.calls.at(&node, app.settings.media_url.as_deref()) {
        Ok(Some(Carrier::Embedded(embedded))) => {
            let peers = embedded.node().peers(&visit.meeting).await;
            Ok(peers.iter().filter_map(|peer| user_of(&peer.identity)).collect())
        }
        _ => Err(Error::invalid(
            "recording_elsewhere",
            "Another machine carries this call, and this one cannot record it.",
        )),
    }
}

/// What the media node calls a recording.
pub(super) fn name_of(recording: &Recording) -> String {
    format!("{}/{}", recording.account, recording.id)
}

/// Where a recording is written while it runs.
pub(super) fn folder_of(app: &App, recording: &Recording) -> PathBuf {
    app.settings.recordings.folder.join(recording.account.as_str()).join(recording.id.to_string())
}

fn context(id: RecordingId, part: u32, index: u64) -> String {
    format!("recordings.part:{id}/{part}/{index}")
}

/// Seals what is written.
fn sealing(vault: Arc<Vault>, id: RecordingId) -> Seal {
    Arc::new(move |part, index, plain| {
        vault.seal(&context(id, part, index), &plain).ok().map(|sealed| sealed.as_bytes().to_vec())
    })
}

/// Opens what was written.
pub(super) fn opening(vault: Arc<Vault>, id: RecordingId) -> Seal {
    Arc::new(move |part, index, sealed| {
        vault.open(&context(id, part, index), &Sealed::from_bytes(sealed)).ok()
    })
}
