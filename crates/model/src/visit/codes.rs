//! The documented numbers and words of a visit (contract core.md 4.1). Mind that
//! the states are numbered 10, 20, 25, 30, 40, 50.

use serde::{Deserialize, Serialize};

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The documented number.
            #[must_use]
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The word of a number.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a documented number.
            #[must_use]
            pub const fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

coded! {
    /// Where a visit stands.
    Status {
        /// Just created; the patient waits.
        Pending = 10, "pending";
        /// An appointment that stands.
        Confirmed = 20, "confirmed";
        /// A provider has taken it.
        InProgress = 25, "in_progress";
        /// A provider has completed it.
        Completed = 30, "completed";
        /// Given up by either side before it ran.
        Cancelled = 40, "cancelled";
        /// Money was returned after completion.
        Refunded = 50, "refunded";
    }
}

impl Status {
    /// True while the visit can still become something: its call may be
    /// entered (once taken) and it counts for the queue.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed | Self::InProgress)
    }
}

coded! {
    /// How the visit came about.
    Kind {
        /// The patient came to the waiting room.
        WalkIn = 1, "walk_in";
        /// An appointment.
        Scheduled = 2, "scheduled";
        /// Asynchronous, without a meeting.
        EConsult = 3, "e_consult";
        /// An invited guest.
        Guest = 10, "guest";
    }
}

coded! {
    /// What kind of meeting it is.
    Subtype {
        /// On site, no call.
        InPerson = 1, "in_person";
        /// By telephone, no video.
        Phone = 2, "phone";
        /// The default: a video call.
        Video = 3, "video";
        /// Asynchronous, no call.
        EConsult = 4, "e_consult";
    }
}

/// Why somebody closed the visit's page (core.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The patient pressed "end call".
    PatientEndCall,
    /// The patient left the waiting room.
    PatientExitRoom,
    /// The call ended, not by the patient.
    CallEnded,
    /// The patient cancelled the appointment.
    PatientCancelAppointment,
}

impl CloseReason {
    /// Every reason, as documented.
    pub const ALL: [Self; 4] =
        [Self::PatientEndCall, Self::PatientExitRoom, Self::CallEnded, Self::PatientCancelAppointment];

    /// The documented word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PatientEndCall => "patient_end_call",
            Self::PatientExitRoom => "patient_exit_room",
            Self::CallEnded => "call_ended",
            Self::PatientCancelAppointment => "patient_cancel_appointment",
        }
    }

    /// The reason of a documented word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// True when leaving so gives the visit up, unless it runs.
    pub(super) const fn gives_up(self) -> bool {
        matches!(self, Self::PatientExitRoom | Self::PatientCancelAppointment)
    }
}
