//! Events: written with their change, numbered right after, fed to whoever
//! listens and may know of them.

use std::{collections::HashSet, sync::Arc};

use bedside_model::{
    AccountId, At, RoomId, UserId, VisitId,
    event::{EventData, EventType},
    permission::Action,
    user::UserType,
    visit::{Plan, State},
};
use bedside_store::{
    Tx,
    events::{self, Event, NewEvent},
    guests, rooms, visits,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{Actor, App, Result, authz, consumers, webhooks::Made};

/// How many numbered events a slow listener may be behind before it has to
/// read the rows instead.
const FEED_LENGTH: usize = 1024;
/// Rows per read while catching up.
const PAGE: i64 = 200;

/// The live feed of numbered events, of all accounts.
#[derive(Clone)]
pub struct Feed {
    sender: broadcast::Sender<Arc<Event>>,
    closed: CancellationToken,
}

impl Default for Feed {
    fn default() -> Self {
        Self { sender: broadcast::channel(FEED_LENGTH).0, closed: CancellationToken::new() }
    }
}

impl Feed {
    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }

    /// Ends the streams of all listeners (shutdown).
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Waits until the feed is closed.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

/// What an event is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The visit.
    pub visit: Option<VisitId>,
    /// The room.
    pub room: Option<RoomId>,
    /// The user: of a visit, the patient.
    pub user: Option<UserId>,
    /// Codes and identifiers.
    pub data: EventData,
}

impl Subject {
    /// A visit in a state.
    #[must_use]
    pub fn visit(id: VisitId, room: RoomId, member: UserId, state: &State) -> Self {
        Self {
            visit: Some(id),
            room: Some(room),
            user: Some(member),
            data: EventData {
                status: Some(state.status.code()),
                version: Some(state.version),
                provider_id: state.provider.or(state.requested_provider).map(|id| id.to_string()),
                member_id: Some(member.to_string()),
                actual_start: state.actual_start_at.map(At::seconds),
                actual_end: state.actual_end_at.map(At::seconds),
                completed_by: state.ended_by.map(|id| id.to_string()),
                ..EventData::default()
            },
        }
    }

    /// With the times that the visit is planned for.
    #[must_use]
    pub fn planned(mut self, plan: &Plan) -> Self {
        self.data.start = Some(plan.start_at.seconds());
        self.data.end = Some(plan.end_at.seconds());
        self
    }

    /// With who made the change; nobody when the house did.
    #[must_use]
    pub fn by(mut self, actor: &Actor) -> Self {
        self.data.status_updated_by = actor.user().map(|id| id.to_string());
        self
    }
}

/// Appends an event to the change it tells of. Call it after the subject's row
/// was written.
///
/// # Errors
/// What the store says.
pub async fn append(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    kind: EventType,
    subject: Subject,
) -> Result<()> {
    let at = app.clock.now();
    let event = NewEvent {
        id: app.random.uuid(at),
        account: account.clone(),
        kind,
        visit: subject.visit,
        room: subject.room,
        user: subject.user,
        data: subject.data,
        at,
    };
    events::append(tx, &event).await?;
    Ok(())
}

/// Most events that are read in the change that numbers them; more are left to
/// the consumers, who read in stretches.
const AT_ONCE: usize = 200;

/// Numbers the committed events that have no number yet, has them read where
/// that can be done at once, and feeds them to the listeners. One sequencer task
/// calls it when the store hints at new rows.
///
/// # Errors
/// What the store says; the rows stay for the next time.
pub async fn number(app: &App) -> Result<usize> {
    let numbered = match number_rows(app, true).await {
        Ok(numbered) => numbered,
        // An event that some consumer cannot read does not hold up the log.
        Err(error) => {
            tracing::warn!(?error, "events were not read at once");
            number_rows(app, false).await?
        }
    };
    let count = numbered.events.len();
    consumers::start(app, numbered.made);
    if numbered.unread {
        app.log_unread.notify_one();
    }
    for event in numbered.events {
        // Nobody listening is fine.
        let _ = app.feed.sender.send(Arc::new(event));
    }
    Ok(count)
}

struct Numbered {
    events: Vec<Event>,
    made: Made,
    /// Some consumer has to read them by itself.
    unread: bool,
}

async fn number_rows(app: &App, at_once: bool) -> Result<Numbered> {
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let events = events::number(tx).await?;
                let (mut made, mut unread) = (Made::default(), false);
                if at_once && events.len() <= AT_ONCE {
                    for stretch in events.chunk_by(|a, b| a.account == b.account) {
                        let account = &stretch[0].account;
                        unread |= consumers::read_at_once(tx, &owner, account, stretch, &mut made).await?;
                    }
                } else {
                    unread = !events.is_empty();
                }
                Ok(Numbered { events, made, unread })
            })
        })
        .await
}

/// Which of an account's events somebody may know of. Patients hear of their
/// own visits, and that the queue moved where they wait; invited guests of
/// their own place, and that something moved at their visit; providers of the
/// visits in their rooms; admins of everything.
#[derive(Debug, Clone)]
pub struct Audience {
    account: AccountId,
    user: UserId,
    kind: UserType,
    rooms: HashSet<RoomId>,
    /// Where an invited guest has a place.
    invited: Option<VisitId>,
    /// The one visit to which the listener holds the link.
    only: Option<VisitId>,
}

impl Audience {
    /// The caller as a listener.
    ///
    /// # Errors
    /// 401 without a user.
    pub async fn of(app: &App, actor: &Actor) -> Result<Self> {
        authz::account(actor, Action::EventsRead)?;
        let (user, kind) = authz::user(actor)?;
        let mut audience = Self {
            account: actor.account.clone(),
            user,
            kind,
            rooms: HashSet::new(),
            invited: None,
            only: actor.link(),
        };
        audience.refresh(app).await?;
        Ok(audience)
    }

    /// The listening user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Reads again in which rooms the listener works or waits.
    ///
    /// # Errors
    /// What the store says.
    pub async fn refresh(&mut self, app: &App) -> Result<()> {
        let conn = &mut app.store.reader().await?;
        self.rooms = if self.kind == UserType::Provider {
            let mine = rooms::list_of_provider(conn, &self.account, self.user).await?;
            mine.into_iter().map(|room| room.id).collect()
        } else if self.kind.is_patient() {
            self.invited = match self.kind {
                UserType::Guest => guests::find_of_user(conn, &self.account, self.user).await?,
                _ => None,
            }
            .map(|guest| guest.visit);
            let open = match self.only {
                Some(visit) => Some(visit),
                None => visits::find_open_of(conn, &self.account, self.user).await?,
            };
            let visit = match open {
                Some(id) => visits::find(conn, &self.account, id).await?,
                None => None,
            };
            visit.filter(|visit| visit.state.status.is_open()).map(|visit| visit.room).into_iter().collect()
        } else {
            HashSet::new()
        };
        Ok(())
    }

    /// True when the event may change in which rooms the listener works or
    /// waits, so that [`Audience::refresh`] is due before judging it.
    #[must_use]
    pub fn is_moved_by(&self, event: &Event) -> bool {
        match event.kind {
            EventType::RoomCreated | EventType::RoomUpdated => self.kind == UserType::Provider,
            EventType::VisitCreated | EventType::VisitUpdated | EventType::VisitEnded => self.is_own(event),
            _ => false,
        }
    }

    // The listener's own visit, or that of somebody whom they brought.
    fn is_own(&self, event: &Event) -> bool {
        event.user == Some(self.user) || event.data.guardian_id.as_deref() == Some(&self.user.to_string())
    }

    // In a room of the listener now, or until this change.
    fn is_in_a_room_of(&self, event: &Event) -> bool {
        let from = event.data.from_room_id.as_deref().and_then(|id| id.parse().ok());
        event.room.into_iter().chain(from).any(|room| self.rooms.contains(&room))
    }

    /// What the listener hears of an event: its type (a stranger's visit in the
    /// patient's room becomes `queue.updated` without any detail), or nothing.
    #[must_use]
    pub fn hears(&self, event: &Event) -> Option<EventType> {
        if event.account != self.account {
            return None;
        }
        match self.kind {
            UserType::Admin | UserType::CommonAdmin | UserType::Api => Some(event.kind),
            // What patients thought is for the provider whom they saw.
            UserType::Provider if event.kind == EventType::VisitRated => {
                let own = event.data.provider_id.as_deref() == Some(&self.user.to_string());
                own.then_some(event.kind)
            }
            UserType::Provider => {
                let mine = self.is_in_a_room_of(event)
                    || event.data.provider_id.as_deref() == Some(&self.user.to_string())
                    || event.user == Some(self.user);
                mine.then_some(event.kind)
            }
            // How a connection was is for those who look after calls.
            UserType::Member | UserType::Guest if event.kind == EventType::CallQuality => None,
            UserType::Member | UserType::Guest => {
                let queue = matches!(
                    event.kind,
                    EventType::VisitCreated
                        | EventType::VisitUpdated
                        | EventType::VisitEnded
                        | EventType::QueueUpdated
                ) && (self.is_in_a_room_of(event)
                    || (event.visit.is_some() && event.visit == self.invited));
                let own_guest = event.data.guest_id.is_some()
                    && event.data.member_id.as_deref() == Some(&self.user.to_string());
                let of_link = self.only.is_none() || event.visit == self.only;
                let spoken = matches!(
                    event.kind,
                    EventType::MessageCreated
                        | EventType::MessageRead
                        | EventType::RecordingAsked
                        | EventType::RecordingAnswered
                        | EventType::RecordingStarted
                        | EventType::RecordingStopped
                        | EventType::RecordingFailed
                ) && event.visit.is_some()
                    && event.visit == self.invited;
                if (self.is_own(event) || own_guest || spoken) && of_link {
                    Some(event.kind)
                } else if queue {
                    Some(EventType::QueueUpdated)
                } else {
                    None
                }
            }
            _ => None,
        }
    }
}

/// Most events that one call gives.
const LIST_MOST: i64 = 1000;

/// The clinic's log after a number, in order and without a gap; 100 events if
/// not said, at most 1000.
///
/// # Errors
/// 401, 403.
pub async fn list(app: &App, actor: &Actor, after: Option<i64>, limit: Option<i64>) -> Result<Vec<Event>> {
    authz::account(actor, Action::EventsList)?;
    let mut conn = app.store.reader().await?;
    let limit = limit.unwrap_or(100).clamp(1, LIST_MOST);
    Ok(events::list_after(&mut conn, &actor.account, after.unwrap_or(0).max(0), limit).await?)
}

/// The account's events after a number, one page, for catching up.
///
/// # Errors
/// What the store says.
pub async fn list_after(app: &App, account: &AccountId, seq: i64) -> Result<Vec<Event>> {
    let mut conn = app.store.reader().await?;
    Ok(events::list_after(&mut conn, account, seq, PAGE).await?)
}

/// The account's highest number, with everything counted that was committed
/// before the call: a listener that starts here hears only what comes after.
///
/// # Errors
/// What the store says.
pub async fn last_seq(app: &App, account: &AccountId) -> Result<i64> {
    let mut conn = app.store.reader().await?;
    if events::any_unnumbered(&mut conn).await? {
        drop(conn);
        number(app).await?;
        conn = app.store.reader().await?;
    }
    Ok(events::last_seq(&mut conn, account).await?)
}
