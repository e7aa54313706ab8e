//! Notifications: what people are told, on which ways, and what a reminder is.

mod told;

use serde::{Deserialize, Serialize};

use crate::At;

pub use told::{Told, is_moved, news};

words! {
    /// A way on which somebody is told.
    Channel {
        /// The list on our pages.
        App = "app";
        /// E-mail.
        Mail = "mail";
        /// A short message to a telephone.
        Sms = "sms";
        /// A message of the browser.
        Push = "push";
    }
}

words! {
    /// What became of a notification.
    State {
        /// Not sent yet.
        Waiting = "waiting";
        /// Handed over.
        Sent = "sent";
        /// Given up after several tries, or too late.
        Failed = "failed";
        /// The other side says that there is no such address.
        Bounced = "bounced";
        /// Not wanted, or there was no address left.
        Skipped = "skipped";
    }
}

words! {
    /// What somebody is told.
    Kind {
        /// An appointment was made.
        Booked = "booked";
        /// An appointment waits until the clinic confirms it.
        Requested = "requested";
        /// An appointment has another time or provider.
        Changed = "changed";
        /// An appointment was called off.
        Cancelled = "cancelled";
        /// An appointment comes near.
        Reminder = "reminder";
        /// The provider has taken the visit.
        Ready = "ready";
        /// Nobody came to, or took, an appointment.
        Missed = "missed";
        /// The next in line; to somebody who left the waiting room.
        NextInLine = "next_in_line";
        /// The provider runs late.
        Late = "late";
        /// A question was answered.
        Answered = "answered";
        /// A patient waits; to those who work in the room.
        Waiting = "waiting";
        /// A patient waits and nobody has come; to the next of the alert list.
        StillWaiting = "still_waiting";
        /// A question came in; to those who work in the room.
        Asked = "asked";
        /// Somebody is asked to join a visit as a guest.
        Invitation = "invitation";
        /// Somebody is asked to interpret at a visit.
        InterpreterRequest = "interpreter_request";
        /// The link to a visit once more.
        LinkAgain = "link_again";
        /// A webhook endpoint was switched off; to admins.
        WebhookDisabled = "webhook_disabled";
        /// Somebody tries whether a way works.
        Test = "test";
    }
}

impl Kind {
    /// The ways on which it is told, those included that a person lacks.
    #[must_use]
    pub const fn channels(self) -> &'static [Channel] {
        use Channel::{App, Mail, Push, Sms};
        match self {
            Self::Booked | Self::Requested | Self::Missed | Self::Answered => &[App, Mail, Push],
            Self::Changed | Self::Cancelled | Self::Reminder | Self::StillWaiting => &[App, Mail, Sms, Push],
            // Somebody in front of the page sees it there.
            Self::Ready | Self::Late | Self::NextInLine => &[App, Sms, Push],
            Self::Waiting => &[App, Push],
            Self::Asked => &[App, Mail, Push],
            Self::WebhookDisabled => &[App, Mail],
            Self::LinkAgain => &[Mail],
            Self::Invitation | Self::InterpreterRequest | Self::Test => &[],
        }
    }

    /// Is it told to those who work here?
    #[must_use]
    pub const fn is_for_staff(self) -> bool {
        matches!(self, Self::Waiting | Self::StillWaiting | Self::Asked | Self::WebhookDisabled)
    }

    /// May a person who wants no mail be spared it? Not what they asked for.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        !matches!(self, Self::Invitation | Self::InterpreterRequest | Self::LinkAgain | Self::Test)
    }

    /// How long it is worth sending, in seconds.
    #[must_use]
    pub const fn worth_seconds(self) -> i64 {
        match self {
            Self::Ready | Self::NextInLine | Self::Waiting | Self::StillWaiting | Self::Late => 1_800,
            Self::LinkAgain | Self::Test => 3_600,
            _ => 86_400,
        }
    }
}

/// How often a notification is tried, the first try included.
pub const MAX_TRIES: i64 = 12;

/// Which language a notification has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The code of ISO 639.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// The language of a tag such as `es-MX`; none for one that we do not have.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let code = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.as_str() == code)
    }
}

/// Reminders until an account says something else: a day and an hour before.
pub const DEFAULT_REMINDERS: [i64; 2] = [1_440, 60];
/// Most reminders of one appointment.
const MAX_REMINDERS: usize = 5;
/// The earliest reminder: four weeks before, in minutes.
const MAX_REMINDER_MINUTES: i64 = 4 * 7 * 1_440;

/// Reminders as an account may have them: each once, the earliest first.
#[must_use]
pub fn reminders(mut minutes: Vec<i64>) -> Option<Vec<i64>> {
    minutes.sort_unstable_by(|a, b| b.cmp(a));
    minutes.dedup();
    let fits = minutes.len() <= MAX_REMINDERS
        && minutes.iter().all(|minutes| (5..=MAX_REMINDER_MINUTES).contains(minutes));
    fits.then_some(minutes)
}

/// When a reminder goes out; none when that has passed.
#[must_use]
pub fn remind_at(start: At, minutes: i64, now: At) -> Option<At> {
    Some(start.plus_minutes(-minutes)).filter(|at| *at > now)
}

/// Is this reminder still the one to send? Not once the visit has begun, nor
/// when a later one is due as well: after an outage people get one, not all.
#[must_use]
pub fn is_to_be_sent(start: At, minutes: i64, all: &[i64], now: At) -> bool {
    let overtaken = all.iter().any(|other| *other < minutes && start.plus_minutes(-other) <= now);
    now < start && !overtaken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_and_values_go_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        for channel in Channel::ALL {
            assert_eq!(Channel::parse(channel.as_str()), Some(*channel));
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
        assert_eq!(Language::parse("es-MX"), Some(Language::Spanish));
        assert_eq!(Language::parse("EN_us"), Some(Language::English));
        assert_eq!(Language::parse("tlh"), None);
    }

    #[test]
    fn reminders_are_few_and_in_order() {
        assert_eq!(reminders(vec![60, 1440, 60]), Some(vec![1440, 60]));
        assert_eq!(reminders(vec![]), Some(vec![]));
        assert_eq!(reminders(vec![4]), None);
        assert_eq!(reminders(vec![40_321]), None);
        assert_eq!(reminders(vec![10, 20, 30, 40, 50, 60]), None);
    }

    proptest! {
        #[test]
        fn a_reminder_lies_between_now_and_the_begin(start in 0i64..1_000_000, now in 0i64..1_000_000, minutes in 5i64..2_000) {
            let (start, now) = (At::from_seconds(start), At::from_seconds(now));
            if let Some(at) = remind_at(start, minutes, now) {
                prop_assert!(at > now && at < start);
                prop_assert!(is_to_be_sent(start, minutes, &[minutes], at), "due and nothing else: sent");
            }
        }

        #[test]
        fn of_all_that_are_due_one_goes_out(start in 100_000i64..1_000_000, late in 1i64..90_000, all in prop::collection::vec(5i64..2_000, 1..5)) {
            let all = reminders(all).unwrap();
            let start = At::from_seconds(start);
            let now = start.plus_seconds(-late);
            let due: Vec<i64> = all.iter().copied().filter(|minutes| start.plus_minutes(-minutes) <= now).collect();
            let sent = due.iter().filter(|minutes| is_to_be_sent(start, **minutes, &all, now)).count();
            prop_assert_eq!(sent, usize::from(!due.is_empty()));
        }
    }
}
