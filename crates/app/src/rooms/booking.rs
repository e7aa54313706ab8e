//! What a room wants of bookings: each rule with the values it may have.

use bedside_model::availability::{BookingRules, MAX_WINDOW_DAYS};

use crate::{Error, Result};

/// A change of a room's booking rules; `None` leaves a rule.
#[derive(Debug, Clone, Default)]
pub struct BookingUpdate {
    /// Minutes kept free before a booking.
    pub buffer_before_minutes: Option<i64>,
    /// Minutes kept free after a booking.
    pub buffer_after_minutes: Option<i64>,
    /// How long before its begin a time can still be booked, in minutes.
    pub notice_minutes: Option<i64>,
    /// How far ahead one can book, in days.
    pub horizon_days: Option<i64>,
    /// Most bookings of a provider on one day; 0 is no limit.
    pub per_day: Option<i64>,
    /// Minutes from one begin to the next; 0 takes the slot's own length.
    pub grid_minutes: Option<i64>,
    /// How long before its begin a patient may enter, in minutes.
    pub start_window_minutes: Option<i64>,
    /// Patients may cancel and move their appointments.
    pub patient_may_cancel: Option<bool>,
    /// Until how long before the begin they may, in minutes.
    pub cancel_notice_minutes: Option<i64>,
    /// How long a time is held, in minutes.
    pub hold_minutes: Option<i64>,
    /// A new appointment waits until staff confirm it.
    pub confirm_by_hand: Option<bool>,
}

const DAY: i64 = 24 * 60;

/// Puts a change over a room's rules.
///
/// # Errors
/// 400 naming the field.
pub(super) fn apply(rules: &mut BookingRules, update: &BookingUpdate) -> Result<()> {
    let put = |field: &mut i64, sent: Option<i64>, name: &str, least: i64, most: i64| match sent {
        None => Ok(()),
        Some(value) if (least..=most).contains(&value) => {
            *field = value;
            Ok(())
        }
        Some(_) => Err(Error::field(format!("booking.{name}").as_str(), format!("use {least} to {most}"))),
    };
    put(&mut rules.buffer_before_minutes, update.buffer_before_minutes, "buffer_before_minutes", 0, DAY)?;
    put(&mut rules.buffer_after_minutes, update.buffer_after_minutes, "buffer_after_minutes", 0, DAY)?;
    put(&mut rules.notice_minutes, update.notice_minutes, "notice_minutes", 0, 60 * DAY)?;
    put(&mut rules.horizon_days, update.horizon_days, "horizon_days", 1, 6 * MAX_WINDOW_DAYS)?;
    put(&mut rules.start_window_minutes, update.start_window_minutes, "start_window_minutes", 0, DAY)?;
    put(
        &mut rules.cancel_notice_minutes,
        update.cancel_notice_minutes,
        "cancel_notice_minutes",
        0,
        60 * DAY,
    )?;
    put(&mut rules.hold_minutes, update.hold_minutes, "hold_minutes", 1, 60)?;
    let mut per_day = rules.per_day.map_or(0, i64::from);
    put(&mut per_day, update.per_day, "per_day", 0, 1_000)?;
    rules.per_day = u32::try_from(per_day).ok().filter(|limit| *limit > 0);
    let mut grid = rules.grid_minutes.unwrap_or(0);
    put(&mut grid, update.grid_minutes, "grid_minutes", 0, DAY)?;
    rules.grid_minutes = Some(grid).filter(|grid| *grid > 0);
    rules.patient_may_cancel = update.patient_may_cancel.unwrap_or(rules.patient_may_cancel);
    rules.confirm_by_hand = update.confirm_by_hand.unwrap_or(rules.confirm_by_hand);
    Ok(())
}
