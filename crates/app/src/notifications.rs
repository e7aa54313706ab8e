//! Notifications: people are told. `plan` decides from events who is told what,
//! `tell` writes a row and a job per way, `send` hands them over, `own` is what
//! a person sees of them, `desk` what those who run the clinic do.

mod alarm;
mod compose;
mod desk;
mod links;
mod own;
mod plan;
mod send;
mod tell;
mod unsubscribe;
mod words;

pub use alarm::{ALERT_JOB, alert};
pub use bedside_store::notifications::Wishes;
pub use desk::{
    ChannelView, Sent, SettingsUpdate, Tried, alerts, channels, channels_of, list_sent, settings, test,
    update_alerts, update_settings,
};
pub use links::{Invite, invite, resend_link};
pub use own::{NotificationView, badge, list, read, reset_badge, set_language};
pub(crate) use plan::patient;
pub use plan::plan;
pub use send::send;
pub use tell::{Fact, tell_address, tell_user};
pub use unsubscribe::{Reader, reader, stop};
pub(crate) use {compose::language, words::Words};

/// The job that sends a notification.
pub const SEND_JOB: &str = "notify.send";
/// Rows are kept this long.
pub(crate) const KEEP_SECONDS: i64 = 90 * 86_400;
