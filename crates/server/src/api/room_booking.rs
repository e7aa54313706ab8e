//! A room's booking rules on the wire.

use bedside_app::rooms::BookingUpdate;
use bedside_model::availability::BookingRules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Flag, Int};

/// What the room wants of bookings.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookingObject {
    /// Minutes kept free before a booking.
    buffer_before_minutes: i64,
    /// Minutes kept free after a booking.
    buffer_after_minutes: i64,
    /// How long before its begin a time can still be booked, in minutes.
    notice_minutes: i64,
    /// How far ahead one can book, in days.
    horizon_days: i64,
    /// Most bookings of a provider on one day; 0 is no limit.
    per_day: u32,
    /// Minutes from one begin to the next; 0 takes the length of what is booked.
    grid_minutes: i64,
    /// How long before its begin a patient may enter, in minutes.
    start_window_minutes: i64,
    /// Patients may cancel and move their appointments.
    patient_may_cancel: bool,
    /// Until how long before the begin they may, in minutes.
    cancel_notice_minutes: i64,
    /// How long a time is held while the intake is filled, in minutes.
    hold_minutes: i64,
    /// A new appointment waits until staff confirm it.
    confirm_by_hand: bool,
}

impl From<BookingRules> for BookingObject {
    fn from(rules: BookingRules) -> Self {
        Self {
            buffer_before_minutes: rules.buffer_before_minutes,
            buffer_after_minutes: rules.buffer_after_minutes,
            notice_minutes: rules.notice_minutes,
            horizon_days: rules.horizon_days,
            per_day: rules.per_day.unwrap_or(0),
            grid_minutes: rules.grid_minutes.unwrap_or(0),
            start_window_minutes: rules.start_window_minutes,
            patient_may_cancel: rules.patient_may_cancel,
            cancel_notice_minutes: rules.cancel_notice_minutes,
            hold_minutes: rules.hold_minutes,
            confirm_by_hand: rules.confirm_by_hand,
        }
    }
}

/// A change of the booking rules; what is not sent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct BookingInput {
    buffer_before_minutes: Option<Int>,
    buffer_after_minutes: Option<Int>,
    notice_minutes: Option<Int>,
    horizon_days: Option<Int>,
    per_day: Option<Int>,
    grid_minutes: Option<Int>,
    start_window_minutes: Option<Int>,
    patient_may_cancel: Option<Flag>,
    cancel_notice_minutes: Option<Int>,
    hold_minutes: Option<Int>,
    confirm_by_hand: Option<Flag>,
}

impl From<BookingInput> for BookingUpdate {
    fn from(input: BookingInput) -> Self {
        let number = |number: Option<Int>| number.map(|number| number.0);
        let flag = |flag: Option<Flag>| flag.map(|flag| flag.0);
        Self {
            buffer_before_minutes: number(input.buffer_before_minutes),
            buffer_after_minutes: number(input.buffer_after_minutes),
            notice_minutes: number(input.notice_minutes),
            horizon_days: number(input.horizon_days),
            per_day: number(input.per_day),
            grid_minutes: number(input.grid_minutes),
            start_window_minutes: number(input.start_window_minutes),
            patient_may_cancel: flag(input.patient_may_cancel),
            cancel_notice_minutes: number(input.cancel_notice_minutes),
            hold_minutes: number(input.hold_minutes),
            confirm_by_hand: flag(input.confirm_by_hand),
        }
    }
}
