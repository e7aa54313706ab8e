//! Who is on call in a room, for those that see walk-ins only then.

use bedside_model::{
    At,
    availability::{self, MAX_WINDOW_DAYS, Span},
    room::{self, Walkins},
};
use bedside_store::{
    Conn, closures,
    rooms::{self, Room},
    slots::{self, Filter},
};

use crate::Result;

/// How walk-ins stand in a room now. A room that does not go by who is on call
/// costs no question.
///
/// # Errors
/// What the store says.
pub(crate) async fn walkins(conn: &mut Conn, room: &Room, now: At) -> Result<Walkins> {
    let on_call = match room.settings.walkin_by_on_call {
        true => on_call(conn, room, now).await?,
        false => Vec::new(),
    };
    Ok(room::walkins(&room.settings, &on_call, now))
}

async fn on_call(conn: &mut Conn, room: &Room, now: At) -> Result<Vec<Span>> {
    let account = &room.account;
    let window = Span { start: now, end: now.plus_seconds(MAX_WINDOW_DAYS * 86_400) };
    let here = rooms::list_providers(conn, account, room.id).await?;
    let closures = closures::list(conn, account, window, Some(room.id), None).await?;
    let filter = Filter { room: Some(room.id), provider: None, kind: "oncall", window };
    let mut times = Vec::new();
    for row in slots::list(conn, account, filter).await? {
        let Some(rule) = row.rule().filter(|rule| here.contains(&rule.provider)) else { continue };
        let concerns = closures.iter().filter(|one| one.provider.is_none_or(|who| who == rule.provider));
        let closed: Vec<Span> = concerns.map(|closure| closure.span).collect();
        let open = availability::spans(&rule.opening, window);
        times.extend(open.into_iter().flat_map(|span| room::without(span, &closed)));
    }
    Ok(times)
}
