//! What a visit needs: where the room asks for a consent, its patient has agreed
//! to the version that counted when they came. Only patients, and those who
//! bring them, are stopped: staff may book for somebody who agrees later, and
//! before that somebody waits or talks they are asked.

use bedside_model::{At, UserId, consent, user::UserType};
use bedside_store::{Conn, consents, consents::Missing, rooms, rooms::Room, visits::Visit};

use crate::{Actor, App, Error, Result};

/// Has this patient agreed to what the room asks for now?
///
/// # Errors
/// 400 `consent_missing` naming the document.
pub(crate) async fn check_new(
    conn: &mut Conn,
    app: &App,
    actor: &Actor,
    room: &Room,
    member: UserId,
) -> Result<()> {
    check(conn, actor, room, member, app.clock.now()).await
}

/// Had the patient of a visit agreed to what its room asked for when they came?
/// What is asked for since then concerns the next visit.
///
/// # Errors
/// As [`check_new`].
pub(crate) async fn check_visit(conn: &mut Conn, app: &App, actor: &Actor, visit: &Visit) -> Result<()> {
    if !actor.kind().is_some_and(UserType::is_patient) {
        return Ok(());
    }
    let Some(room) = rooms::find(conn, &visit.account, visit.room).await? else { return Ok(()) };
    let entered = consent::entered_at(&visit.plan, &visit.state, visit.waiting_since_at);
    check(conn, actor, &room, visit.member, entered.unwrap_or_else(|| app.clock.now())).await
}

async fn check(conn: &mut Conn, actor: &Actor, room: &Room, member: UserId, at: At) -> Result<()> {
    let required = &room.settings.consent_required;
    if required.is_empty() || !actor.kind().is_some_and(UserType::is_patient) {
        return Ok(());
    }
    match consents::find_missing(conn, &room.account, member, required, at).await? {
        Some(missing) => Err(refusal(missing, member)),
        None => Ok(()),
    }
}

fn refusal(missing: Missing, member: UserId) -> Error {
    let said = "Before this visit, agree to what the clinic asks you to agree to.";
    Error::invalid("consent_missing", said)
        .with("document_id", missing.document)
        .with("version", missing.version)
        .with("kind", missing.kind)
        .with("user_id", member.to_string())
}
