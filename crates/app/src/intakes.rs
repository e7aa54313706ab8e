//! Intakes: the answers before a visit. Anything a portal sends is kept,
//! sealed, and comes back as it was sent.

use bedside_model::{
    AccountId, FileId, IntakeId, Phi, RoomId, UserId, VisitId,
    intake::MAX_ANSWERS_BYTES,
    permission::{Action, Relation, Relations},
    user::UserType,
};
use bedside_store::{Conn, Sealed, Vault, files as stored_files, intakes, rooms, users, users::User};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, audit, authz,
    files::{self, FileView},
};

/// An intake with its answers opened.
#[derive(Debug, Clone)]
pub struct IntakeView {
    /// The intake.
    pub intake: intakes::Intake,
    /// What the patient said, documented fields and the portal's own.
    pub answers: Phi<Map<String, Value>>,
    /// The files that came with it.
    pub attachments: Vec<FileView>,
    /// The room's code, when it has a room.
    pub room_code: Option<String>,
}

/// The documented columns of an intake request; `None` means
/// "not sent".
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// 1 walk-in, 2 schedule.
    pub kind: Option<i64>,
    /// The patient: a user's number, else the portal's code.
    pub member: Option<String>,
    /// The room's code or slug.
    pub room: Option<String>,
    /// The provider to be visited.
    pub provider: Option<UserId>,
    /// Files of the caller or the patient, in place of those before.
    pub attachments: Option<Vec<String>>,
    /// Everything else.
    pub answers: Phi<Map<String, Value>>,
}

/// The answer that tells how many files hang on the intake.
const ATTACHED: &str = "attachments";

/// Do files hang on the intake with these answers? Saves asking for them.
pub(crate) fn has_attachments(answers: &Phi<Map<String, Value>>) -> bool {
    answers.reveal().get(ATTACHED).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

fn context(id: &IntakeId) -> String {
    format!("intakes.answers:{id}")
}

/// Opens an intake's answers.
///
/// # Errors
/// A fault of ours when the key does not fit.
pub fn open(vault: &Vault, id: &IntakeId, sealed: &Sealed) -> Result<Map<String, Value>> {
    let plain = vault.open(&context(id), sealed)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

fn seal(vault: &Vault, id: &IntakeId, answers: &Map<String, Value>) -> Result<Sealed> {
    let plain = serde_json::to_vec(answers).map_err(Error::internal)?;
    if plain.len() > MAX_ANSWERS_BYTES {
        return Err(Error::invalid("intake_too_large", "An intake's answers may weigh 64 KiB at most."));
    }
    Ok(vault.seal(&context(id), &plain)?)
}

/// The answers of one intake, sealed for another one.
pub(crate) fn reseal(vault: &Vault, (id, sealed): (&IntakeId, &Sealed), to: &IntakeId) -> Result<Sealed> {
    seal(vault, to, &open(vault, id, sealed)?)
}

/// Creates an intake for the calling patient, for somebody in their care, or
/// for `member` when an admin token or a provider calls.
///
/// # Errors
/// 401 without a user, 403 for somebody else's intake, 400 for an unknown room,
/// provider, patient or file.
pub async fn add(app: &App, actor: &Actor, fields: Fields) -> Result<IntakeView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let now = app.clock.now();
    let id = IntakeId(app.random.uuid(now));
    let mut conn = app.store.reader().await?;
    let member = member(&mut conn, actor, fields.member.as_deref()).await?;
    let room = room(&mut conn, actor, fields.room.as_deref()).await?;
    let provider = provider(&mut conn, actor, fields.provider).await?;
    let mut answers = fields.answers.into_inner();
    let attached = attached(&mut conn, actor, member, fields.attachments, &mut answers).await?;
    drop(conn);
    let intake = intakes::Intake {
        answers: seal(&vault, &id, &answers)?,
        id,
        account: actor.account.clone(),
        member,
        room: room.as_ref().map(|(id, _)| *id),
        provider,
        kind: fields.kind.unwrap_or(1),
        visit: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let (owner, caller, row) = (app.clone(), actor.clone(), intake.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                intakes::add(tx, &row).await?;
                if let Some(files) = attached {
                    stored_files::attach(tx, &row.account, &row.id, &files).await?;
                }
                audit::write(tx, &owner, &caller, "intakes.add", ("intake", row.id.to_string())).await
            })
        })
        .await?;
    let room_code = room.map(|(_, code)| code);
    Ok(IntakeView { intake, answers: answers.into(), attachments: Vec::new(), room_code })
}

// The files to hang on the intake; none leaves those that hang there.
async fn attached(
    conn: &mut Conn,
    actor: &Actor,
    member: UserId,
    wanted: Option<Vec<String>>,
    answers: &mut Map<String, Value>,
) -> Result<Option<Vec<FileId>>> {
    let Some(wanted) = wanted else { return Ok(None) };
    let files = files::check_attachments(conn, actor, member, &wanted).await?;
    let ids: Vec<FileId> = files.into_iter().map(|file| file.id).collect();
    answers.insert(ATTACHED.to_owned(), ids.iter().map(|id| Value::from(id.as_str())).collect());
    Ok(Some(ids))
}

/// Changes an intake; unsent fields stay as they are.
///
/// # Errors
/// As [`add`], and 404 for an unknown intake.
pub async fn update(app: &App, actor: &Actor, id: IntakeId, fields: Fields) -> Result<IntakeView> {
    let current = load(app, actor, &id, Action::IntakeUpdate).await?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let mut intake = current.intake;
    same_member(&mut conn, actor, intake.member, fields.member.as_deref()).await?;
    let room = room(&mut conn, actor, fields.room.as_deref()).await?;
    let provider = provider(&mut conn, actor, fields.provider).await?;
    let mut answers = current.answers.into_inner();
    answers.extend(fields.answers.into_inner());
    let attached = attached(&mut conn, actor, intake.member, fields.attachments, &mut answers).await?;
    drop(conn);
    intake.room = room.as_ref().map(|(id, _)| *id).or(intake.room);
    intake.provider = provider.or(intake.provider);
    intake.kind = fields.kind.unwrap_or(intake.kind);
    intake.answers = seal(&vault, &id, &answers)?;
    intake.updated_at = app.clock.now();
    let (owner, caller, row) = (app.clone(), actor.clone(), intake.clone());
    let fresh = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let fresh = intakes::update(tx, &row).await?;
                if fresh {
                    if let Some(files) = attached {
                        stored_files::attach(tx, &row.account, &row.id, &files).await?;
                    }
                    if let Some(visit) = row.visit {
                        stored_files::link_to_visit(tx, &row.account, &row.id, visit).await?;
                    }
                    audit::write(tx, &owner, &caller, "intakes.update", ("intake", row.id.to_string()))
                        .await?;
                }
                Ok(fresh)
            })
        })
        .await?;
    if !fresh {
        return Err(Error::invalid(
            "intake_changed",
            "This intake was changed a moment ago. Read it and try again.",
        ));
    }
    let room_code = room.map(|(_, code)| code).or(current.room_code);
    Ok(IntakeView { intake, answers: answers.into(), attachments: Vec::new(), room_code })
}

// An intake stays its patient's.
async fn same_member(conn: &mut Conn, actor: &Actor, member: UserId, wanted: Option<&str>) -> Result<()> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty() && *text != "-") else { return Ok(()) };
    match find_person(conn, &actor.account, wanted).await? {
        Some(user) if user.id == member => Ok(()),
        _ => Err(Error::field("member_id", "the intake belongs to somebody else")),
    }
}

/// An intake with its answers.
///
/// # Errors
/// 401, 404.
pub async fn get(app: &App, actor: &Actor, id: &IntakeId) -> Result<IntakeView> {
    let view = load(app, actor, id, Action::IntakeRead).await?;
    app.reads.note(app, actor, view.intake.member, "intakes.get");
    Ok(view)
}

pub(crate) async fn load(app: &App, actor: &Actor, id: &IntakeId, action: Action) -> Result<IntakeView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let found = intakes::find(&mut conn, &actor.account, id).await?;
    let intake = found.ok_or_else(|| Error::not_found("intake"))?;
    let taken_by = match intake.visit {
        Some(visit) => bedside_store::visits::find(&mut conn, &actor.account, visit).await?,
        None => None,
    };
    let provider = taken_by.as_ref().and_then(|visit| visit.state.provider).or(intake.provider);
    // Before it belongs to a visit only its patient (and admins) may see it.
    let room = taken_by.map(|visit| visit.room);
    let relations = authz::to_care(&mut conn, actor, intake.member, provider, room).await?;
    authz::judge(actor, relations, action, Action::IntakeRead, "intake")?;
    let room_code = match intake.room {
        Some(room) => rooms::find(&mut conn, &actor.account, room).await?.map(|room| room.code),
        None => None,
    };
    let answers: Phi<Map<String, Value>> = open(&vault, &intake.id, &intake.answers)?.into();
    let attachments = if has_attachments(&answers) {
        files::list_of_intake(app, &mut conn, &vault, &actor.account, &intake.id).await?
    } else {
        Vec::new()
    };
    Ok(IntakeView { intake, answers, attachments, room_code })
}

/// Somebody by their number, else by the portal's own code (core.md C12).
///
/// # Errors
/// What the store says.
pub async fn find_person(conn: &mut Conn, account: &AccountId, wanted: &str) -> Result<Option<User>> {
    if let Ok(id) = wanted.parse()
        && let Some(user) = users::find(conn, account, id).await?
    {
        return Ok(Some(user));
    }
    Ok(users::find_by_code(conn, account, wanted).await?)
}

async fn member(conn: &mut Conn, actor: &Actor, wanted: Option<&str>) -> Result<UserId> {
    let (caller, kind) = authz::user(actor)?;
    let Some(wanted) = wanted.filter(|text| !text.is_empty() && *text != "-") else {
        return if kind.is_patient() {
            let own = authz::to_person(conn, actor, caller).await?;
            authz::judge(actor, own, Action::IntakeAdd, Action::IntakeRead, "intake")?;
            Ok(caller)
        } else {
            Err(Error::field("member_id", "name the patient when you do not call as one"))
        };
    };
    let found = find_person(conn, &actor.account, wanted).await?.filter(|user| user.kind.is_patient());
    if let Some(member) = &found
        && authz::may(actor, authz::to_person(conn, actor, member.id).await?, Action::IntakeAdd)
    {
        return Ok(member.id);
    }
    if kind.is_patient() {
        let why = "You can make an intake only for yourself and for people in your care.";
        return Err(Error::forbidden("not_your_intake", why));
    }
    // Whoever works here may for some patient; only an app's scope can be missing.
    let works = Relations::SAME_ACCOUNT.with(Relation::OwnVisit, true);
    authz::judge(actor, works, Action::IntakeAdd, Action::IntakeRead, "intake")?;
    Err(Error::field("member_id", "there is no such patient"))
}

async fn room(conn: &mut Conn, actor: &Actor, wanted: Option<&str>) -> Result<Option<(RoomId, String)>> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { return Ok(None) };
    match rooms::find_named(conn, &actor.account, wanted).await? {
        Some(room) => Ok(Some((room.id, room.code))),
        None => Err(Error::field("room_code", "there is no such room")),
    }
}

async fn provider(conn: &mut Conn, actor: &Actor, wanted: Option<UserId>) -> Result<Option<UserId>> {
    let Some(wanted) = wanted else { return Ok(None) };
    match users::find(conn, &actor.account, wanted).await? {
        Some(user) if user.kind == UserType::Provider => Ok(Some(user.id)),
        _ => Err(Error::field("provider_id", "there is no such provider")),
    }
}

/// The visit that used an intake, for the refusal of a second use.
#[must_use]
pub fn already_used(visit: VisitId) -> Error {
    Error::invalid("intake_already_used", "This intake already belongs to a visit.")
        .with("visit_id", visit.to_string())
}
