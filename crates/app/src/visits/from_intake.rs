//! Making a visit of an intake: what walk-ins and e-consults have in common.

use bedside_model::{
    IntakeId, UserId, VisitId,
    event::EventType,
    permission::{Action as Right, Relation},
    room::Consultation,
    user::UserType,
    visit::{Kind, Plan, State, Status, Subtype},
};
use bedside_store::{
    Tx, Vault, files, intakes as stored_intakes,
    intakes::Intake,
    rooms::{self, Room},
    users,
    visits::{self, NewVisit},
};
use serde_json::Value;

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    intakes,
};

/// A visit to make of an intake.
#[derive(Debug, Clone)]
pub struct FromIntake {
    /// The intake it comes with.
    pub intake: IntakeId,
    /// The room's code or slug; else the intake's room.
    pub room: Option<String>,
    /// Whom the patient wants; else whom the intake names.
    pub provider: Option<UserId>,
    /// The patient: a user's number, else the portal's code; else the intake's.
    pub member: Option<String>,
    /// What the patient comes for; else what the intake names, else the room's
    /// first.
    pub consultation: Option<String>,
}

/// Everything that a new visit hangs on, found and allowed.
pub(super) struct Ground {
    pub intake: Intake,
    pub room: Room,
    pub provider: Option<UserId>,
    /// Who brings the patient.
    pub guardian: Option<UserId>,
    pub consultation: Option<Consultation>,
}

impl FromIntake {
    /// Finds what the visit hangs on.
    pub(super) async fn ground(&self, tx: &mut Tx, actor: &Actor, vault: &Vault) -> Result<Ground> {
        let account = &actor.account;
        let none = || Error::field("intake_id", "there is no such intake");
        let intake = stored_intakes::find(tx, account, &self.intake).await?.ok_or_else(none)?;
        let relations = authz::to_care(tx, actor, intake.member, intake.provider, intake.room).await?;
        if !authz::may(actor, relations, Right::VisitAdd) {
            return Err(none());
        }
        if let Some(used) = intake.visit {
            return Err(intakes::already_used(used));
        }
        self.check_member(tx, actor, intake.member).await?;
        let room = match self.room.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => rooms::find_named(tx, account, name).await?,
            None => match intake.room {
                Some(id) => rooms::find(tx, account, id).await?,
                None => return Err(Error::field("room_code", "name the room to wait in")),
            },
        };
        let room = room.filter(|room| room.active).ok_or_else(|| Error::not_found("room"))?;
        let provider = self.provider.or(intake.provider);
        if let Some(wanted) = provider {
            let known =
                users::find(tx, account, wanted).await?.is_some_and(|user| user.kind == UserType::Provider);
            if !known {
                return Err(Error::field("provider_id", "there is no such provider"));
            }
        }
        let guardian = actor.user().filter(|_| relations.has(Relation::Guardian));
        let consultation = self.consultation(&room, vault, &intake)?;
        Ok(Ground { intake, room, provider, guardian, consultation })
    }

    // An explicit patient must be the intake's: a visit never mixes two people.
    async fn check_member(&self, tx: &mut Tx, actor: &Actor, member: UserId) -> Result<()> {
        let wanted = self.member.as_deref().filter(|text| !text.is_empty() && *text != "-");
        let Some(wanted) = wanted else { return Ok(()) };
        match intakes::find_person(tx, &actor.account, wanted).await? {
            Some(user) if user.id == member => Ok(()),
            _ => Err(Error::field("member_id", "the intake belongs to somebody else")),
        }
    }

    // What the caller names must be there. The intake's choice is the portal's
    // own free answer: when it names nothing we know, the room's first stands.
    fn consultation(&self, room: &Room, vault: &Vault, intake: &Intake) -> Result<Option<Consultation>> {
        let offered = &room.settings.consultations;
        let by_id = |id: &str| offered.iter().find(|one| one.id == id).cloned();
        if let Some(id) = self.consultation.as_deref().filter(|id| !id.is_empty()) {
            let named = by_id(id);
            return match named {
                Some(_) => Ok(named),
                None => Err(Error::field("consultation_id", "the room offers no such consultation")),
            };
        }
        let answers = intakes::open(vault, &intake.id, &intake.answers)?;
        let named = match answers.get("consultation") {
            Some(Value::Object(one)) => one.get("id").and_then(Value::as_str),
            Some(Value::String(id)) => Some(id.as_str()),
            _ => answers.get("consultation_id").and_then(Value::as_str),
        };
        Ok(named.and_then(by_id).or_else(|| offered.first().cloned()))
    }
}

impl Ground {
    /// Adds the visit that begins now.
    pub(super) async fn add(
        self,
        tx: &mut Tx,
        app: &App,
        actor: &Actor,
        (kind, subtype): (Kind, Subtype),
        name: &'static str,
    ) -> Result<VisitId> {
        let now = app.clock.now();
        let Self { intake, room, provider, guardian, consultation } = self;
        let minutes =
            consultation.as_ref().map_or(room.settings.walkin_minutes(), |one| one.duration_minutes);
        let amount = consultation.as_ref().filter(|one| one.is_charged()).map_or(0, |one| one.amount_cents);
        let new = NewVisit {
            account: actor.account.clone(),
            code: app.random.hex(),
            room: room.id,
            member: intake.member,
            guardian,
            intake: intake.id,
            plan: Plan { kind, subtype, start_at: now, end_at: now.plus_minutes(minutes) },
            state: State::new(Status::Pending, provider),
            duration_minutes: minutes,
            amount_cents: amount,
            consultation: consultation.as_ref().map(|one| one.id.clone()),
            description: consultation.map(|one| one.description).unwrap_or_default(),
            meeting: app.random.hex(),
            conference_pin: pin(app),
            at: now,
        };
        let id = insert(tx, &new).await?;
        let mut subject = Subject::visit(id, new.room, new.member, &new.state).planned(&new.plan).by(actor);
        subject.data.guardian_id = guardian.map(|id| id.to_string());
        events::append(tx, app, &actor.account, EventType::VisitCreated, subject).await?;
        audit::write(tx, app, actor, name, ("visit", id.to_string())).await?;
        Ok(id)
    }
}

/// Adds a visit's row; the files of its intake are from now on the visit's.
pub(super) async fn insert(tx: &mut Tx, new: &NewVisit) -> Result<VisitId> {
    let id = visits::add(tx, new).await?;
    files::link_to_visit(tx, &new.account, &new.intake, id).await?;
    Ok(id)
}

/// Six digits for a telephone bridge.
pub(super) fn pin(app: &App) -> i64 {
    100_000 + i64::from(u32::from_le_bytes(app.random.bytes()) % 900_000)
}

/// On Postgres two requests may look at the same fresh intake; the constraint
/// lets one of them have it, and the other reads which visit has it.
pub(super) async fn only_once(
    app: &App,
    actor: &Actor,
    intake: &IntakeId,
    added: Result<VisitId>,
) -> Result<VisitId> {
    match added {
        Err(error) if error.is_unique("visits", "intake_id") => {
            let mut conn = app.store.reader().await?;
            let used = visits::find_by_intake(&mut conn, &actor.account, intake).await?;
            Err(used.map_or(error, intakes::already_used))
        }
        other => other,
    }
}
