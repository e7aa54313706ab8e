//! How people's connections to calls were: told by the media node and by the
//! person's own page, kept with the visit, shown to those who run the clinic
//! and to whoever has the visit.

mod tally;

use std::collections::HashMap;

use bedside_media::{Device, PeerQuality};
use bedside_model::{
    At, Phi, UserId, VisitId,
    call::{Part, user_of},
    call_quality::{Figures, Path, is_sid},
    event::EventType,
    permission::Action,
    user::UserType,
};
use bedside_store::{
    call_quality::{self, CallQuality},
    users, visits,
    visits::Visit,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    guests::shown_name,
};

pub use tally::{Spread, Tally};

/// Most connections of one person to one call that their page may tell of: a
/// person who reloads all the time stays far below.
const MAX_CONNECTIONS: i64 = 50;

/// What a page tells of its connection.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The call's own name of the connection.
    pub sid: String,
    /// What it measured.
    pub figures: Figures,
    /// It has left the call.
    pub over: bool,
}

/// A connection as it is shown.
#[derive(Debug, Clone)]
pub struct CallQualityView {
    /// The connection.
    pub quality: CallQuality,
    /// Whose.
    pub name: Phi<String>,
    /// The part they play.
    pub part: Part,
}

/// A person's page tells how its connection is, or was.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `too_many_connections`.
pub async fn report(app: &App, actor: &Actor, id: VisitId, report: Report) -> Result<()> {
    let (user, _) = authz::user(actor)?;
    if !is_sid(&report.sid) {
        return Err(Error::field("sid", "is not the name of a connection"));
    }
    let mut conn = app.store.reader().await?;
    let visit = visits::find(&mut conn, &actor.account, id).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::VisitCall).await?;
    let known = call_quality::find(&mut conn, &actor.account, id, user, &report.sid).await?;
    if known.is_none() && call_quality::count(&mut conn, &actor.account, id, user).await? >= MAX_CONNECTIONS {
        return Err(Error::invalid(
            "too_many_connections",
            "This person has entered the call too often to keep figures of once more.",
        ));
    }
    drop(conn);
    let now = app.clock.now();
    let told = CallQuality {
        id: app.random.uuid(now),
        account: actor.account.clone(),
        visit: id,
        user,
        sid: report.sid,
        started_at: now,
        ended_at: report.over.then_some(now),
        updated_at: now,
        figures: report.figures.bounded(),
        page_told: true,
    };
    let (owner, caller, is_new) = (app.clone(), actor.clone(), known.is_none());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                call_quality::tell(tx, &told).await?;
                // One entry a connection; the figures that follow say nothing new of a person.
                if is_new {
                    let object = ("visit", id.to_string());
                    audit::write(tx, &owner, &caller, "call_quality.report", object).await?;
                }
                Ok(())
            })
        })
        .await
}

/// The media node tells how a connection is, or was. At its end the event of
/// the visit goes out, and the clinic's figures count it.
///
/// # Errors
/// What the store says.
pub async fn measured(app: &App, call: &str, at: At, told: PeerQuality) -> Result<()> {
    let Some(user) = user_of(&told.identity) else { return Ok(()) };
    let mut conn = app.store.reader().await?;
    let Some(visit) = visits::find_by_meeting(&mut conn, call).await? else { return Ok(()) };
    if users::find(&mut conn, &visit.account, user).await?.is_none() {
        return Ok(());
    }
    drop(conn);
    let (over, owner) = (told.over, app.clone());
    let row = row(app, &visit, user, at, told);
    let whole = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                call_quality::tell(tx, &row).await?;
                if over {
                    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state);
                    subject.data.peer_id = Some(user.to_string());
                    events::append(tx, &owner, &visit.account, EventType::CallQuality, subject).await?;
                }
                Ok(call_quality::find(tx, &row.account, row.visit, user, &row.sid).await?)
            })
        })
        .await?;
    if over && let Some(whole) = whole {
        app.call_tally.count(&whole.figures);
    }
    Ok(())
}

fn row(app: &App, visit: &Visit, user: UserId, at: At, told: PeerQuality) -> CallQuality {
    CallQuality {
        id: app.random.uuid(at),
        account: visit.account.clone(),
        visit: visit.id,
        user,
        started_at: At(told.joined_ms),
        ended_at: told.over.then_some(at),
        updated_at: at,
        figures: figures(&told).bounded(),
        sid: told.sid,
        page_told: false,
    }
}

fn figures(told: &PeerQuality) -> Figures {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let share = |lost: u64, there: u64| {
        let all = u128::from(lost) + u128::from(there);
        (all > 0).then(|| i64::try_from(u128::from(lost) * 1_000_000 / all).unwrap_or(i64::MAX))
    };
    Figures {
        join_ms: told.connect_ms.map(ms),
        first_packet_ms: told.first_packet_ms.map(ms),
        first_frame_ms: told.first_picture_ms.map(ms),
        loss_up_ppm: share(told.lost_from, told.packets_from),
        // Sent packets hold the lost ones.
        loss_down_ppm: share(told.lost_to, told.packets_to.saturating_sub(told.lost_to)),
        rtt_ms: told.rtt_ms.map(i64::from),
        freezes: Some(i64::from(told.freezes)),
        frozen_ms: Some(ms(told.frozen_ms)),
        paused_ms: Some(ms(told.paused_ms)),
        path: told.path.map(|path| match path {
            bedside_media::Path::Udp => Path::Udp,
            bedside_media::Path::Tcp => Path::Tcp,
            bedside_media::Path::Relay => Path::Relay,
        }),
        device: Some(device(&told.device)),
        ..Figures::default()
    }
}

/// `Chrome 126 on Windows`, or the name of the program.
fn device(told: &Device) -> String {
    let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
    let program = match told.browser.as_str() {
        "" => format!("{} {}", told.sdk, told.sdk_version),
        browser => format!("{browser} {}", major(&told.browser_version)),
    };
    let on = if told.os.is_empty() { String::new() } else { format!(" on {}", told.os) };
    format!("{}{on}", program.trim())
}

/// How the connections to a visit's call were, oldest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, id: VisitId) -> Result<Vec<CallQualityView>> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let visit = visits::find(&mut conn, &actor.account, id).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(&mut conn, actor, &visit, Action::CallQualityRead).await?;
    let rows = call_quality::list(&mut conn, &actor.account, id).await?;
    let mut people = HashMap::new();
    for user in rows.iter().map(|row| row.user) {
        if let std::collections::hash_map::Entry::Vacant(place) = people.entry(user)
            && let Some(found) = users::find(&mut conn, &actor.account, user).await?
        {
            place.insert(found);
        }
    }
    drop(conn);
    app.reads.note(app, actor, visit.member, "call_quality.list");
    let shown = rows.into_iter().filter_map(|quality| {
        let person = people.get(&quality.user)?;
        let part = match person.kind {
            _ if quality.user == visit.member => Part::Patient,
            UserType::Provider => Part::Provider,
            UserType::Guest => Part::Guest,
            _ => Part::Guardian,
        };
        Some(CallQualityView { name: shown_name(person).into(), part, quality })
    });
    Ok(shown.collect())
}
