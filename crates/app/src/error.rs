//! The one error of the application layer. The API turns it into the ten
//! documented HTTP codes; conflicts are `Invalid` (contract README).

use std::{collections::BTreeMap, fmt, panic::Location};

use bedside_store as store;
use serde_json::Value;

/// Result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal that the caller can read.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Stable `snake_case` word.
    pub code: &'static str,
    /// One plain sentence.
    pub message: String,
}

/// Why an operation was not done.
#[derive(Debug)]
pub enum Error {
    /// No, unknown or expired credentials (401).
    Unauthorized(Refusal),
    /// Known, but not allowed (403).
    Forbidden(Refusal),
    /// There is no such thing for this caller (404).
    NotFound(Refusal),
    /// A bad value, or a state that does not allow it (400).
    Invalid {
        /// What is wrong.
        refusal: Refusal,
        /// Field by field, when fields are to blame.
        fields: BTreeMap<String, String>,
        /// Further members of the error body, such as `visit_id`.
        extra: BTreeMap<String, Value>,
    },
    /// More than may be sent (413).
    TooLarge(Refusal),
    /// Content of a kind that is not taken (415).
    Unsupported(Refusal),
    /// Too many requests (429).
    Limited {
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// Busy, or the disk is full (503).
    Unavailable {
        /// When to try again, in seconds.
        retry_after_s: u64,
        /// One plain sentence.
        message: String,
    },
    /// Our fault (500). Never shown; logged once at the boundary.
    Internal(Internal),
}

/// A fault of ours and the place where it arose.
pub struct Internal {
    /// What happened.
    pub source: anyhow::Error,
    /// Where.
    pub place: &'static Location<'static>,
}

impl fmt::Debug for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#} at {}", self.source, self.place)
    }
}

fn refusal(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

impl Error {
    /// 401 with a code.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::Unauthorized(refusal(code, message))
    }

    /// 403 with a code.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::Forbidden(refusal(code, message))
    }

    /// 413 with a code.
    pub fn too_large(code: &'static str, message: impl Into<String>) -> Self {
        Self::TooLarge(refusal(code, message))
    }

    /// 415 with a code.
    pub fn unsupported(code: &'static str, message: impl Into<String>) -> Self {
        Self::Unsupported(refusal(code, message))
    }

    /// 404 of a noun: code `<noun>_not_found`.
    #[must_use]
    pub fn not_found(noun: &'static str) -> Self {
        let (code, message) = match noun {
            "recording" => ("recording_not_found", "There is no such recording."),
            "visit" => ("visit_not_found", "There is no such visit."),
            "invoice" => ("invoice_not_found", "There is no such invoice."),
            "invoice_item" => ("invoice_item_not_found", "There is no such item on this invoice."),
            "card" => ("card_not_found", "There is no such card."),
            "promo_code" => ("promo_code_not_found", "There is no such promo code."),
            "intake" => ("intake_not_found", "There is no such intake."),
            "room" => ("room_not_found", "There is no such room."),
            "call_peer" => ("call_peer_not_found", "There is no such peer or track in this visit's call."),
            "guest" => ("guest_not_found", "There is no such guest at this visit."),
            "invitation" => ("invitation_not_found", "This invitation is not valid. Ask for a new link."),
            "consent_document" => ("consent_document_not_found", "There is no such document."),
            "survey" => ("survey_not_found", "There is no such survey."),
            "form" => ("form_not_found", "There is no such form."),
            "form_version" => ("form_version_not_found", "This form has no such version."),
            "form_answers" => ("form_answers_not_found", "There are no such answers."),
            "report" => ("report_not_found", "There is no such report."),
            "file" => ("file_not_found", "There is no such file."),
            "health_section" => ("health_section_not_found", "There is no such section of a health record."),
            "health_entry" => ("health_entry_not_found", "There is no such entry in this section."),
            "health_reading" => ("health_reading_not_found", "There is no such reading."),
            "interpreter" => ("interpreter_not_found", "There is no such interpreter."),
            "pharmacy" => ("pharmacy_not_found", "There is no such pharmacy."),
            "prescription" => ("prescription_not_found", "There is no such prescription."),
            "session" => ("session_not_found", "There is no such session; it may have ended by itself."),
            "user" => ("user_not_found", "There is no such user."),
            "dependant" => ("dependant_not_found", "There is no such person in this user's care."),
            "webhook" => ("webhook_not_found", "There is no such webhook."),
            "delivery" => ("delivery_not_found", "There is no such delivery."),
            "slot" => ("slot_not_found", "There is no such slot."),
            "hold" => ("hold_not_found", "This time is not held any more."),
            "endpoint" => ("endpoint_not_found", "There is no such endpoint."),
            "notification" => ("notification_not_found", "There is no such notification."),
            "calendar" => ("calendar_not_found", "There is no such calendar. Take its address anew."),
            "closure" => ("closure_not_found", "There is no such closure."),
            "api_app" => ("api_app_not_found", "There is no such API app."),
            "api_key" => ("api_key_not_found", "This app has no such key."),
            "admin_token" => ("admin_token_not_found", "This app has no such token."),
            "account" => ("account_unknown", "There is no such account."),
            _ => ("not_found", "There is no such thing here."),
        };
        Self::NotFound(refusal(code, message))
    }

    /// 400 with a code.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { refusal: refusal(code, message), fields: BTreeMap::new(), extra: BTreeMap::new() }
    }

    /// 400 `invalid_field` that names one field.
    pub fn field(name: &str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Invalid {
            refusal: refusal("invalid_field", format!("{name}: {why}")),
            fields: BTreeMap::from([(name.to_owned(), why)]),
            extra: BTreeMap::new(),
        }
    }

    /// Blames further fields in a 400, each with its reason.
    #[must_use]
    pub fn blaming<N: Into<String>, W: Into<String>>(
        mut self,
        blamed: impl IntoIterator<Item = (N, W)>,
    ) -> Self {
        if let Self::Invalid { fields, .. } = &mut self {
            fields.extend(blamed.into_iter().map(|(name, why)| (name.into(), why.into())));
        }
        self
    }

    /// Adds a member to the body of a 400.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Self::Invalid { extra, .. } = &mut self {
            extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// A fault of ours, with the caller's place.
    #[track_caller]
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(Internal { source: source.into(), place: Location::caller() })
    }

    /// True when exactly this unique constraint refused a row (see
    /// [`store::Error::is_unique`]).
    #[must_use]
    pub fn is_unique(&self, table: &str, columns: &str) -> bool {
        let Self::Internal(internal) = self else { return false };
        let store = internal.source.downcast_ref::<store::Error>();
        store.is_some_and(|error| error.is_unique(table, columns))
    }

    /// The stable word of a refusal; none for our own faults.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::TooLarge(refusal)
            | Self::Unsupported(refusal) => Some(refusal.code),
            Self::Invalid { refusal, .. } => Some(refusal.code),
            Self::Limited { .. } => Some("too_many_requests"),
            Self::Unavailable { .. } => Some("unavailable"),
            Self::Internal(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::TooLarge(refusal)
            | Self::Unsupported(refusal)
            | Self::Invalid { refusal, .. } => f.write_str(&refusal.message),
            Self::Limited { .. } => f.write_str("Too many requests. Try again in a moment."),
            Self::Unavailable { message, .. } => f.write_str(message),
            Self::Internal(_) => f.write_str("Something went wrong on our side."),
        }
    }
}

impl std::error::Error for Error {}

impl From<store::Error> for Error {
    #[track_caller]
    fn from(error: store::Error) -> Self {
        let unavailable = |message: &str| Self::Unavailable { retry_after_s: 1, message: message.to_owned() };
        match error {
            store::Error::Full => Self::Unavailable {
                retry_after_s: 30,
                message: "The server's disk is full: nothing can be saved right now.".to_owned(),
            },
            store::Error::ReadOnly => unavailable("The server's database is read-only right now."),
            store::Error::Busy
            | store::Error::Timeout
            | store::Error::Closed
            | store::Error::Unreachable(_) => unavailable("The server is busy. Try again in a moment."),
            other => Self::internal(other),
        }
    }
}
