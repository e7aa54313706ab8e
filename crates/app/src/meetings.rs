//! Meetings: a visit's call by the name that portals know it by
//! (`meeting.meeting_id`), for pages that show a call inside another site.

use bedside_model::{
    At, Phi, UserId, VisitId,
    call::Part,
    permission::Action,
    user::UserType,
    visit::{Status, Subtype},
};
use bedside_store::{accounts, rooms, users, visits, visits::Visit};

use crate::{
    Actor, App, Error, Result, authz, calls,
    guests::{must_be_admitted, shown_name},
};

/// Whether a call can be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It can.
    Open,
    /// Nobody has taken the visit yet.
    NotStarted,
    /// The visit has no video.
    NoVideo,
    /// The visit is over.
    Closed,
}

impl Door {
    fn of(visit: &Visit) -> Self {
        match (visit.state.status, visit.plan.subtype) {
            (Status::Completed | Status::Cancelled | Status::Refunded, _) => Self::Closed,
            (_, subtype) if subtype != Subtype::Video => Self::NoVideo,
            (Status::InProgress, _) => Self::Open,
            (Status::Pending | Status::Confirmed, _) => Self::NotStarted,
        }
    }
}

/// A visit's call as somebody sees it who wants to enter.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// The visit.
    pub visit: VisitId,
    /// The call's name.
    pub meeting: String,
    /// Whether it can be entered.
    pub door: Door,
    /// As what the caller sits in it; none for those who only may see it.
    pub part: Option<Part>,
    /// May the caller take the visit, which opens the call?
    pub may_start: bool,
    /// The caller.
    pub user: UserId,
    /// Who the caller is inside calls.
    pub vseeid: Phi<String>,
    /// What the caller is called there.
    pub name: Phi<String>,
    /// What the other side is called; empty while nobody has the visit.
    pub other: Phi<String>,
    /// The clinic's name.
    pub clinic: String,
    /// The room's name.
    pub room: String,
    /// Since when the visit runs.
    pub since: Option<At>,
}

/// The call of a name.
///
/// # Errors
/// 401, 404, for invited guests `not_admitted_yet`, `visit_closed` and 403
/// `guest_declined`.
pub async fn get(app: &App, actor: &Actor, meeting: &str) -> Result<Meeting> {
    let (user, _) = authz::user(actor)?;
    let unknown = || Error::not_found("visit");
    let mut conn = app.store.reader().await?;
    let visit = visits::find_by_meeting(&mut conn, meeting).await?.ok_or_else(unknown)?;
    authz::same_account(actor, &visit.account, "visit")?;
    must_be_admitted(&mut conn, actor, &visit).await?;
    let relations = authz::to_visit(&mut conn, actor, &visit).await?;
    if !authz::may(actor, relations, Action::VisitCall) {
        authz::judge(actor, relations, Action::VisitRead, Action::VisitRead, "visit")?;
    }
    let me = users::find(&mut conn, &actor.account, user).await?.ok_or_else(unknown)?;
    let seat = calls::find_seat(&mut conn, &visit, &me).await?;
    let treats = me.kind == UserType::Provider;
    let other = if treats { Some(visit.member) } else { visit.state.provider };
    let other = match other {
        Some(other) => users::find(&mut conn, &actor.account, other).await?,
        None => None,
    };
    let clinic = accounts::find(&mut conn, &actor.account).await?.ok_or_else(unknown)?;
    let room = rooms::find(&mut conn, &actor.account, visit.room).await?;
    drop(conn);
    if me.kind.is_patient() {
        app.presence.touch(&actor.account, user, app.clock.now());
    }
    app.reads.note(app, actor, visit.member, "meetings.get");
    Ok(Meeting {
        door: Door::of(&visit),
        part: seat.map(|seat| seat.part),
        may_start: visit.state.status != Status::InProgress
            && authz::may(actor, relations, Action::VisitAccept),
        user,
        name: shown_name(&me).into(),
        vseeid: me.vseeid,
        other: other.as_ref().map(shown_name).unwrap_or_default().into(),
        clinic: clinic.name,
        room: room.map(|room| room.name).unwrap_or_default(),
        since: visit.state.actual_start_at,
        visit: visit.id,
        meeting: visit.meeting,
    })
}

/// Origins whose pages may show this call in a frame: what the clinic listed.
/// Nobody is asked who they are: a frame's page is fetched without credentials.
///
/// # Errors
/// What the store says.
pub async fn list_embedders(app: &App, meeting: &str) -> Result<Vec<String>> {
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find_by_meeting(&mut conn, meeting).await? else { return Ok(Vec::new()) };
    let account = accounts::find(&mut conn, &visit.account).await?;
    Ok(account.map(|account| account.embed_origins).unwrap_or_default())
}
