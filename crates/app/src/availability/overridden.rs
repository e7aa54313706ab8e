//! What staff set aside when they book a time that is not offered, for the
//! audit trail.

use bedside_model::{
    AccountId, At,
    availability::{self, Rule},
};
use bedside_store::{Conn, bookings, bookings::Booking, closures};

use super::{Desk, load};
use crate::{Result, audit::Overridden};

/// What a booking outside the offered times lies over.
///
/// # Errors
/// What the store says.
pub(crate) async fn overridden(
    conn: &mut Conn,
    account: &AccountId,
    desk: &Desk,
    booking: &Booking,
    now: At,
) -> Result<Overridden> {
    let (span, provider) = (booking.span, booking.provider);
    let calendars = load(conn, account, desk, span, now, &[provider], None).await?;
    let opens = |rule: &Rule| {
        let mut open = availability::spans(&rule.opening, span).into_iter();
        open.any(|open| open.start <= span.start && span.end <= open.end)
    };
    let (mut visits, mut holds) = (Vec::new(), Vec::new());
    for other in bookings::list(conn, account, span, now, Some(provider)).await? {
        match other.visit {
            _ if other.id == booking.id => {}
            Some(visit) => visits.push(visit),
            None => holds.push(other.id),
        }
    }
    let closed = closures::list(conn, account, span, Some(booking.room), Some(provider)).await?;
    Ok(Overridden {
        outside_hours: !calendars.get(&provider).is_some_and(|calendar| calendar.rules.iter().any(opens)),
        visits,
        holds,
        closures: closed.into_iter().map(|closure| closure.id).collect(),
    })
}
