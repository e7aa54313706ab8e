//! Free times as they are written first: a question to the database for each
//! provider's hours, closures and bookings, then every begin compared with
//! every booking. What the server's own way is measured against.

use anyhow::{Context, Result};
use bedside_app::tokens::digest;
use bedside_model::{
    AccountId, At,
    availability::{self, Span},
};
use bedside_store::{
    Store, bookings, closures, rooms,
    slots::{self, Filter},
    tokens,
};
use serde_json::json;

const QUARTER_MS: i64 = 15 * 60_000;

/// The free quarters of an hour of a room, as the server answers them.
pub async fn availability(
    store: &Store,
    account: &AccountId,
    token: &str,
    path: &str,
    now: At,
) -> Result<String> {
    let wanted = |name: &str| {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value).context("a parameter is missing")
    };
    let window = Span {
        start: At::from_seconds(wanted("start")?.parse()?),
        end: At::from_seconds(wanted("end")?.parse()?),
    };
    let mut conn = store.reader().await?;
    tokens::find(&mut conn, &digest(token)).await?.context("an unknown token")?;
    let room = rooms::find_named(&mut conn, account, wanted("room_code")?).await?.context("no room")?;
    let mut times = Vec::new();
    for provider in rooms::list_providers(&mut conn, account, room.id).await? {
        let filter = Filter { room: Some(room.id), provider: Some(provider), kind: "appointment", window };
        let rules = slots::list(&mut conn, account, filter).await?;
        let closed = closures::list(&mut conn, account, window, Some(room.id), Some(provider)).await?;
        let busy = bookings::list(&mut conn, account, window, now, Some(provider)).await?;
        for rule in &rules {
            let Some(opening) = rule.rule() else { continue };
            for open in availability::spans(&opening.opening, window) {
                let mut start = open.start.0;
                while start + QUARTER_MS <= open.end.0 {
                    let span = Span { start: At(start), end: At(start + QUARTER_MS) };
                    start += QUARTER_MS;
                    let outside = span.start < window.start || span.start >= window.end || span.start < now;
                    let taken = busy.iter().any(|booking| booking.span.overlaps(span))
                        || closed.iter().any(|closure| closure.span.overlaps(span));
                    if !outside && !taken {
                        times.push(json!({
                            "id": format!("{}-{}", rule.id, span.start.seconds()),
                            "start": span.start.seconds(),
                            "end": span.end.seconds(),
                            "provider_id": provider.to_string(),
                            "room_code": room.code,
                            "quantity_booked": 0,
                            "quantity_left": 1,
                        }));
                    }
                }
            }
        }
    }
    Ok(json!({ "data": times, "total_count": times.len() }).to_string())
}
