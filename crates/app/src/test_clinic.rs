//! The test clinic: where a portal's developers try things. It writes to nobody
//! (what would have been sent is kept to be read), its reminders and expiries
//! can be brought nearer, and the other side of a visit can be played. All of
//! it is refused in a live clinic.

use std::time::Duration;

use bedside_model::{
    AccountId, UserId, VisitId,
    permission::Action,
    user::{Role, UserStatus, UserType},
    visit::CloseReason,
};
use bedside_store::{
    Conn, rooms,
    test_clinics::{self, NewMessage},
    users::{self, User},
    visits as rows,
};
use serde_json::Value;

use crate::{
    Actor, App, Error, Result, Who,
    actor::Credential,
    audit, authz,
    consumers::{self, Consumer},
    visits::{self, Scope, VisitView},
};

/// Most messages that are shown.
const LONGEST_PAGE: i64 = 200;
/// Furthest that time can be moved at once, in seconds: 400 days.
pub const FURTHEST_SECONDS: i64 = 400 * 86_400;

/// How long moving time waits for what is not planned yet.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What would have been sent to somebody.
#[derive(Debug, Clone)]
pub struct Message {
    /// UUID.
    pub id: String,
    /// `email`, `sms` or `push`.
    pub channel: String,
    /// `to`, `subject` where there is one, `text`, `html` where there is one.
    pub content: Value,
    /// When, in milliseconds.
    pub at_ms: i64,
}

fn place(id: &str) -> String {
    format!("test_messages.content:{id}")
}

/// Keeps what is about to be sent, when the account is a test clinic. Gives
/// true when it did: then nothing must be sent. `id` names the message, so that
/// a job that is run again keeps it once.
///
/// # Errors
/// What the store says.
pub async fn keep(
    app: &App,
    account: &AccountId,
    channel: &'static str,
    id: &str,
    content: &Value,
) -> Result<bool> {
    let mut conn = app.store.reader().await?;
    if !test_clinics::is_test(&mut conn, account).await? {
        return Ok(false);
    }
    drop(conn);
    let vault = app.store.vault(account).await?;
    let message = NewMessage {
        id: id.to_owned(),
        account: account.clone(),
        channel,
        content: vault.seal_text(&place(id), &content.to_string())?,
        at: app.clock.now(),
    };
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(test_clinics::add_message(tx, &message).await?) })
        })
        .await?;
    Ok(true)
}

async fn check(conn: &mut Conn, actor: &Actor) -> Result<()> {
    authz::account(actor, Action::TestClinic)?;
    if test_clinics::is_test(conn, &actor.account).await? {
        Ok(())
    } else {
        Err(Error::forbidden(
            "not_a_test_clinic",
            "This is a live clinic. Make one to try things in with `bedside account create --test`.",
        ))
    }
}

/// What the clinic would have sent, newest first.
///
/// # Errors
/// 401, 403 for others than admins and in a live clinic.
pub async fn messages(
    app: &App,
    actor: &Actor,
    channel: Option<String>,
    limit: Option<i64>,
) -> Result<Vec<Message>> {
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor).await?;
    let vault = app.store.vault(&actor.account).await?;
    let limit = limit.unwrap_or(50).clamp(1, LONGEST_PAGE);
    let kept = test_clinics::list_messages(&mut conn, &actor.account, channel.as_deref(), limit).await?;
    let open = |kept: test_clinics::Message| {
        let content = vault.open_text(&place(&kept.id), &kept.content)?;
        let content = serde_json::from_str(&content).unwrap_or(Value::Null);
        Ok(Message { id: kept.id, channel: kept.channel, content, at_ms: kept.created_at })
    };
    kept.into_iter().map(open).collect()
}

/// Brings the clinic's reminders, waiting work and expiries nearer, as if so
/// many seconds had passed. Gives how many rows moved.
///
/// # Errors
/// 401, 403 for others than admins and in a live clinic, 400 naming `advance`,
/// 503 while the last changes are not planned yet.
pub async fn clock(app: &App, actor: &Actor, seconds: i64) -> Result<u64> {
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor).await?;
    drop(conn);
    if !(1..=FURTHEST_SECONDS).contains(&seconds) {
        return Err(Error::field("advance", "use 1 second to 400 days, in seconds"));
    }
    planned(app, &actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let moved = test_clinics::bring_nearer(tx, &caller.account, seconds * 1_000).await?;
                let object = ("account", caller.account.to_string());
                audit::write(tx, &owner, &caller, "test_clinic.clock", object).await?;
                Ok::<_, Error>(moved)
            })
        })
        .await
}

/// Waits until what was done before is planned: a reminder of a visit that was
/// just booked has to move too. It looks again and again, because whoever plans
/// may be another process.
async fn planned(app: &App, account: &AccountId) -> Result<()> {
    let planned = async {
        while consumers::is_behind(app, Consumer::Notifications, account).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(LONGEST_WAIT, planned).await.unwrap_or_else(|_| {
        Err(Error::Unavailable {
            retry_after_s: 1,
            message: "The clinic's last changes are still being read. Try again.".to_owned(),
        })
    })
}

/// Whose part is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The visit's patient.
    Patient,
    /// Who has the visit, else whom the patient asked for, else whoever works in
    /// its room.
    Provider,
}

/// What the played person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The patient of an appointment comes to wait.
    Arrive,
    /// The provider takes the visit.
    Take,
    /// The provider gives it back to the queue.
    PutBack,
    /// The provider completes it.
    Complete,
    /// Either calls it off.
    Cancel,
    /// The patient leaves.
    Leave,
}

/// Plays the other side of a visit, by the same operations that people use.
///
/// # Errors
/// As the operation played; 403 in a live clinic; 400 naming `do` for what this
/// part cannot do, `no_provider` for a room without anybody.
pub async fn act(app: &App, actor: &Actor, id: VisitId, part: Part, deed: Deed) -> Result<VisitView> {
    let mut conn = app.store.reader().await?;
    check(&mut conn, actor).await?;
    let visit = rows::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("visit"))?;
    let played = match part {
        Part::Patient => visit.member,
        Part::Provider => match visit.state.provider.or(visit.state.requested_provider) {
            Some(provider) => provider,
            None => first_of_room(&mut conn, actor, &visit).await?,
        },
    };
    let user = users::find(&mut conn, &actor.account, played).await?;
    drop(conn);
    let user = user.ok_or_else(|| Error::not_found("user"))?;
    let played = as_user(actor, &user);
    match (part, deed) {
        (Part::Patient, Deed::Arrive) => visits::arrive(app, &played, id).await,
        (Part::Patient, Deed::Leave) => visits::close(app, &played, id, CloseReason::PatientExitRoom).await,
        (_, Deed::Cancel) => visits::cancel(app, &played, id, Scope::This).await.map(|changed| changed.view),
        (Part::Provider, Deed::Take) => visits::accept(app, &played, id, true).await,
        (Part::Provider, Deed::PutBack) => visits::put_back(app, &played, id).await,
        (Part::Provider, Deed::Complete) => visits::complete(app, &played, id).await,
        (Part::Patient, _) => Err(Error::field("do", "a patient can arrive, leave or cancel")),
        (Part::Provider, _) => Err(Error::field("do", "a provider can take, put_back, complete or cancel")),
    }
}

async fn first_of_room(conn: &mut Conn, actor: &Actor, visit: &rows::Visit) -> Result<UserId> {
    rooms::find(conn, &actor.account, visit.room).await?.ok_or_else(|| Error::not_found("room"))?;
    let providers = users::list_of_room(conn, &actor.account, visit.room).await?;
    let able = providers.into_iter().find(|user| user.status == UserStatus::Active);
    able.map(|user| user.id).ok_or_else(|| {
        Error::invalid("no_provider", "Nobody works in this visit's room. Assign a provider first.")
    })
}

/// The played person; the request stays the developer's.
fn as_user(actor: &Actor, user: &User) -> Actor {
    let kind: UserType = user.kind;
    let who = Who::User { id: user.id, kind, role: Role::parse(&user.role), credential: Credential::Token };
    Actor::new(actor.account.clone(), who, actor.request_id.clone(), actor.address.clone())
}
