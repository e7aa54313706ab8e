//! Identifiers: what other systems call a person or a visit. Those who run the
//! clinic set them; FHIR searches go by them.

use bedside_model::{
    event::{EventData, EventType},
    identifier::{Identifier, MAX_IDENTIFIERS},
    permission::Action,
};
use bedside_store::{
    Conn, Tx,
    identifiers::{self, Owner},
    users, visits,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
};

async fn read(conn: &mut Conn, actor: &Actor, owner: Owner) -> Result<Vec<Identifier>> {
    let account = &actor.account;
    let (mut known, id) = match owner {
        Owner::User(id) => (identifiers::list_of_users(conn, account, &[id.0]).await?, id.0),
        Owner::Visit(id) => (identifiers::list_of_visits(conn, account, &[id.0]).await?, id.0),
    };
    Ok(known.remove(&id).unwrap_or_default())
}

/// What something is called elsewhere, in the order in which it was sent.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, owner: Owner) -> Result<Vec<Identifier>> {
    authz::account(actor, Action::IdentifiersManage)?;
    let mut conn = app.store.reader().await?;
    let person = match owner {
        Owner::User(id) => users::find(&mut conn, &actor.account, id).await?.map(|user| user.id),
        Owner::Visit(id) => visits::find(&mut conn, &actor.account, id).await?.map(|visit| visit.member),
    };
    let person = person.ok_or_else(|| missing(owner))?;
    app.reads.note(app, actor, person, "identifiers.list");
    read(&mut conn, actor, owner).await
}

fn missing(owner: Owner) -> Error {
    Error::not_found(match owner {
        Owner::User(_) => "user",
        Owner::Visit(_) => "visit",
    })
}

/// Puts these identifiers in the place of all that there are.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `identifier_taken` for what another
/// person, or visit, is called.
pub async fn update(
    app: &App,
    actor: &Actor,
    owner: Owner,
    sent: Vec<(String, String)>,
) -> Result<Vec<Identifier>> {
    authz::account(actor, Action::IdentifiersManage)?;
    if sent.len() > MAX_IDENTIFIERS {
        return Err(Error::field("identifiers", "use at most 20"));
    }
    let mut wanted: Vec<Identifier> = Vec::with_capacity(sent.len());
    for (system, value) in sent {
        let one = Identifier::checked(&system, &value).map_err(|(field, why)| Error::field(field, why))?;
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    let (owning, caller) = (app.clone(), actor.clone());
    let written = app
        .store
        .write(move |tx| Box::pin(async move { write(tx, &owning, &caller, owner, &wanted).await }))
        .await;
    written.map_err(|error: Error| {
        if error.is_unique("identifiers", "account_id, system, value") {
            Error::invalid("identifier_taken", "Another one is called so in this system already.")
        } else {
            error
        }
    })
}

async fn write(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    owner: Owner,
    wanted: &[Identifier],
) -> Result<Vec<Identifier>> {
    let (account, now) = (&actor.account, app.clock.now());
    let (kind, subject, object) = match owner {
        Owner::User(id) => {
            users::lock(tx, account, id).await?;
            let user = users::find(tx, account, id).await?.ok_or_else(|| missing(owner))?;
            let data = EventData { user_type: Some(user.kind.code()), ..EventData::default() };
            (
                EventType::UserUpdated,
                Subject { user: Some(id), data, ..Subject::default() },
                ("user", id.to_string()),
            )
        }
        Owner::Visit(id) => {
            let visit = visits::find(tx, account, id).await?.ok_or_else(|| missing(owner))?;
            let subject = Subject::visit(id, visit.room, visit.member, &visit.state).by(actor);
            (EventType::VisitUpdated, subject, ("visit", id.to_string()))
        }
    };
    if read(tx, actor, owner).await? != wanted {
        identifiers::clear(tx, account, owner).await?;
        for (position, one) in (0..).zip(wanted) {
            let id = app.random.uuid(now);
            identifiers::add(tx, (account, owner), &id, one, position, now).await?;
        }
        events::append(tx, app, account, kind, subject).await?;
        audit::write(tx, app, actor, "identifiers.update", object).await?;
    }
    Ok(wanted.to_vec())
}
