//! Providers who run late: said in one act, told to everybody who waits or is
//! due today, over at the end of the day.

use std::collections::{HashMap, hash_map::Entry};

use bedside_model::{
    AccountId, At, RoomId, UserId,
    event::EventType,
    permission::{Action, Relation, Relations},
    queue::DELAYS_MINUTES,
    user::UserType,
    visit::Status,
};
use bedside_store::{
    Conn,
    queue::{self, Delay},
    rooms::{self, Room},
    visits,
};
use jiff::{Timestamp, ToSpan};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    visits::VisitView,
};

/// Who runs late in a clinic now.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    delays: Vec<Delay>,
    /// Who works in the rooms of those.
    providers: HashMap<RoomId, Vec<UserId>>,
}

impl Delays {
    /// Reads who does; mostly nobody, with one question.
    pub(crate) async fn read(conn: &mut Conn, account: &AccountId, now: At) -> Result<Self> {
        let delays = queue::list_delays(conn, account, now).await?;
        let mut providers = HashMap::new();
        for delay in &delays {
            if let Entry::Vacant(unread) = providers.entry(delay.room) {
                unread.insert(rooms::list_providers(conn, account, delay.room).await?);
            }
        }
        Ok(Self { delays, providers })
    }

    fn find(&self, room: RoomId, provider: UserId) -> Option<&Delay> {
        self.delays.iter().find(|delay| delay.room == room && delay.provider == provider)
    }

    /// By how many minutes somebody is seen later in a room: those who asked
    /// for a provider by that one's delay, others by the least of all who work
    /// there.
    pub(crate) fn of(&self, room: RoomId, asked: Option<UserId>) -> i64 {
        let minutes = |provider| self.find(room, provider).map_or(0, |delay| delay.minutes);
        match asked {
            Some(provider) => minutes(provider),
            None => {
                let here = self.providers.get(&room).into_iter().flatten();
                here.map(|provider| minutes(*provider)).min().unwrap_or(0)
            }
        }
    }

    /// Tells it of visits.
    pub(crate) fn tell(&self, shown: &mut [VisitView]) {
        if self.delays.is_empty() {
            return;
        }
        for view in shown {
            let (state, room) = (&view.row.state, view.row.room.0);
            let waits = matches!(state.status, Status::Pending | Status::Confirmed);
            let until =
                self.delays.iter().filter(|delay| delay.room == room).map(|delay| delay.until_at).max();
            if waits && until.is_some_and(|until| view.row.plan.start_at < until) {
                view.late_minutes = self.of(room, state.requested_provider);
            }
        }
    }
}

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// Who.
    pub provider: UserId,
    /// By how much; 0 is in time.
    pub minutes: i64,
    /// Until when that counts.
    pub until_at: At,
    /// How many patients were told.
    pub told: usize,
}

/// A provider runs late, or is in time again: everybody who waits for them or
/// is due today sees it. Appointments keep their own times. Providers say it of
/// themselves, those who run the clinic of anybody.
///
/// # Errors
/// 401, 403, 404, 400 naming `minutes` or `provider_id`.
pub async fn late(
    app: &App,
    actor: &Actor,
    name: &str,
    minutes: i64,
    provider: Option<UserId>,
) -> Result<Late> {
    let (user, kind) = authz::user(actor)?;
    let own = (kind == UserType::Provider).then_some(user);
    let (owner, caller, name) = (app.clone(), actor.clone(), name.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (account, now) = (&caller.account, owner.clock.now());
                let room = rooms::find_named(tx, account, &name).await?;
                let room = room.ok_or_else(|| Error::not_found("room"))?;
                let whom = provider.or(own);
                let relations = Relations::SAME_ACCOUNT.with(Relation::Myself, own.is_some() && whom == own);
                authz::judge(&caller, relations, Action::RoomLate, Action::RoomQueue, "room")?;
                let whom = whom.ok_or_else(|| Error::field("provider_id", "is required"))?;
                let here = rooms::list_providers(tx, account, room.id).await?;
                if !here.contains(&whom) {
                    return Err(match own {
                        Some(me) if me == whom => Error::not_found("room"),
                        _ => Error::field("provider_id", "this provider does not work in the room"),
                    });
                }
                if !DELAYS_MINUTES.contains(&minutes) {
                    return Err(Error::field("minutes", "use 0, 10, 20 or 30"));
                }
                let before = Delays::read(tx, account, now).await?;
                let before = before.find(room.id, whom).map_or(0, |delay| delay.minutes);
                let delay =
                    Delay { room: room.id, provider: whom, minutes, until_at: end_of_day(&room, now)? };
                queue::put_delay(tx, account, &delay, now).await?;
                let subject = Subject { room: Some(room.id), ..Subject::default() };
                events::append(tx, &owner, account, EventType::QueueUpdated, subject).await?;
                let mut told = 0;
                if minutes > before {
                    for id in queue::list_due(tx, account, &delay, here == [whom], now).await? {
                        let Some(visit) = visits::find(tx, account, id).await? else { continue };
                        let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
                        subject.data.guardian_id = visit.guardian.map(|id| id.to_string());
                        events::append(tx, &owner, account, EventType::VisitLate, subject).await?;
                        told += 1;
                    }
                }
                audit::write(tx, &owner, &caller, "rooms.late", ("room", room.id.to_string())).await?;
                Ok(Late { provider: whom, minutes, until_at: delay.until_at, told })
            })
        })
        .await
}

/// Midnight on the room's clock.
fn end_of_day(room: &Room, now: At) -> Result<At> {
    let now = Timestamp::from_millisecond(now.0).map_err(Error::internal)?;
    let day = now.to_zoned(room.settings.zone()).start_of_day();
    let end = day.and_then(|start| start.checked_add(1.day())).map_err(Error::internal)?;
    Ok(At(end.timestamp().as_millisecond()))
}
