//! Users: the codes of contract core.md 2.1 and what follows from them.

use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The documented number.
            #[must_use]
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The value of a documented number.
            #[must_use]
            pub const fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// What kind of login identity this is (wire: `type`, core.md 2.1).
    UserType {
        /// A clinic's admin.
        Admin = 100;
        /// A system user.
        Cronjob = 110;
        /// A system user.
        System = 140;
        /// An admin.
        CommonAdmin = 150;
        /// The system user that an admin token belongs to.
        Api = 160;
        /// A registered patient.
        Member = 200;
        /// A company.
        Company = 300;
        /// A provider.
        Provider = 400;
        /// Deprecated.
        Kiosk = 500;
        /// A one-time user.
        Guest = 600;
        /// Somebody who dialled in.
        PhoneBridge = 700;
    }
}

numbered! {
    /// What kind of provider (wire: `subtype`, core.md 2.1).
    ProviderType {
        /// Medical assistant.
        MedicalAssistant = 460;
        /// Customer service.
        CustomerService = 470;
        /// Remote medic.
        Paramedic = 480;
        /// Licensed provider.
        Doctor = 482;
        /// Remote medic.
        Nurse = 484;
        /// Deprecated.
        SnfNurse = 486;
    }
}

/// A provider's extra right (wire: `role`, core.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Rooms, users, reports.
    ClinicAdmin,
    /// Reports only.
    AccountManager,
    /// Books for patients.
    Scheduler,
    /// Figures without persons.
    Analyst,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::ClinicAdmin, Self::AccountManager, Self::Scheduler, Self::Analyst];

    /// The wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClinicAdmin => "clinic_admin",
            Self::AccountManager => "account_manager",
            Self::Scheduler => "scheduler",
            Self::Analyst => "analyst",
        }
    }

    /// The role of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What a dependant is to their guardian (wire: `relation`; ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kinship {
    /// A son or daughter.
    Child,
    /// A mother or father.
    Parent,
    /// A wife or husband.
    Spouse,
    /// Anybody else.
    Other,
}

impl Kinship {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Child, Self::Parent, Self::Spouse, Self::Other];

    /// The wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Child => "child",
            Self::Parent => "parent",
            Self::Spouse => "spouse",
            Self::Other => "other",
        }
    }

    /// The kind of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kinship| kinship.as_str() == word)
    }
}

impl UserType {
    /// Which of the three session cookies this user's pages carry.
    #[must_use]
    pub const fn session_kind(self) -> SessionKind {
        match self {
            Self::Member | Self::Guest | Self::Kiosk | Self::PhoneBridge => SessionKind::Patient,
            Self::Provider => SessionKind::Provider,
            _ => SessionKind::Admin,
        }
    }

    /// True for those who receive care: registered patients and guests.
    #[must_use]
    pub const fn is_patient(self) -> bool {
        matches!(self, Self::Member | Self::Guest)
    }
}

/// The kind of person a page's session belongs to; one cookie each, so that
/// one browser can be both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// Patients and guests.
    Patient,
    /// Providers.
    Provider,
    /// Clinic admins.
    Admin,
}

impl SessionKind {
    /// All kinds, in a fixed order.
    pub const ALL: [Self; 3] = [Self::Patient, Self::Provider, Self::Admin];

    /// The word used in the header, the cookie's name and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Provider => "provider",
            Self::Admin => "admin",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// May the user act? (core.md 2.1 and 2.2; 30 and 40 are our numbers.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// 10, has not set a password yet.
    Inactive,
    /// 20.
    Active,
    /// 30, may not log in.
    Suspended,
    /// 40, on the way out.
    PendingDelete,
}

impl UserStatus {
    /// The number.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Inactive => 10,
            Self::Active => 20,
            Self::Suspended => 30,
            Self::PendingDelete => 40,
        }
    }

    /// The status of a number.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            10 => Some(Self::Inactive),
            20 => Some(Self::Active),
            30 => Some(Self::Suspended),
            40 => Some(Self::PendingDelete),
            _ => None,
        }
    }

    /// True when credentials of this user count.
    #[must_use]
    pub const fn may_act(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// What a bearer token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A user's calls, for a day.
    Access,
    /// A new access token, for 30 days.
    Refresh,
    /// The portal's server, until revoked.
    Admin,
    /// One password, from a one-time link.
    Password,
}

impl TokenKind {
    const ALL: [Self; 4] = [Self::Access, Self::Refresh, Self::Admin, Self::Password];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Admin => "admin",
            Self::Password => "password",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the portal asked of the pages when it sent somebody to `/auth`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionOptions {
    /// Show no way to other pages.
    #[serde(default)]
    pub disable_navigation: bool,
    /// Where the way back leads, already checked against the account's list.
    #[serde(default)]
    pub return_url: Option<String>,
}

/// Who a user is, as people know them. Empty texts are unknown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// `Dr`, for providers.
    pub title: String,
    /// What follows the name.
    pub suffix: String,
    /// E-mail address; not unique, never used to find a user.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// `YYYY-MM-DD`.
    pub dob: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    pub gender: i64,
    /// Street and number.
    pub street_addr: String,
    /// Town.
    pub city: String,
    /// Two letters.
    pub state: String,
    /// Postal code.
    pub zip: String,
    /// IANA name.
    pub timezone: String,
    /// A few sentences about a provider.
    pub short_bio: String,
}

impl Profile {
    /// First, blank, last.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// A text as searching and sorting see it: without case, controls as blanks.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.to_lowercase()
}

/// True for a time zone of the IANA list, such as `Europe/Lisbon`.
#[must_use]
pub fn is_timezone(name: &str) -> bool {
    // The library also reads other spellings (`EST5EDT,M3…`), clients do not.
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
        && jiff::tz::TimeZone::get(name).is_ok()
}

/// True for a date of the calendar in the one documented form, `YYYY-MM-DD`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// True for a day that has begun somewhere on Earth at an instant: a birth
/// date may be today's, wherever the clinic is.
#[must_use]
pub fn has_begun(date: &str, now: crate::At) -> bool {
    /// The first places to see a day are 14 hours ahead of UTC.
    const AHEAD_SECONDS: i64 = 14 * 3600;
    let Ok(date) = date.parse::<jiff::civil::Date>() else { return false };
    let latest = jiff::Timestamp::from_second(now.seconds().saturating_add(AHEAD_SECONDS));
    latest.is_ok_and(|latest| date <= latest.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// The number of a gender as clients write it: `male`, `female` in any case,
/// or the number itself (core.md 2.1).
#[must_use]
pub fn gender_code(text: &str) -> Option<i64> {
    match text.trim().to_ascii_lowercase().as_str() {
        "male" | "m" | "1" => Some(1),
        "female" | "f" | "2" => Some(2),
        "" | "0" => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_real_days_in_one_form() {
        assert!(is_date("1980-02-29"));
        for bad in ["1981-02-29", "1980-2-9", "19800229", "1980-02-29T00:00", "", "tomorrow  "] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_first_in_the_east() {
        let noon = crate::At::from_seconds(1_763_812_800); // 2025-11-22 12:00 UTC
        assert!(
            has_begun("2025-11-22", noon) && has_begun("2025-11-23", noon) && has_begun("1900-01-01", noon)
        );
        assert!(!has_begun("2025-11-24", noon) && !has_begun("9999-12-31", noon) && !has_begun("", noon));
        let morning = noon.plus_seconds(-3 * 3600); // 09:00 UTC: nowhere the 23rd yet
        assert!(!has_begun("2025-11-23", morning));
    }

    #[test]
    fn folding_knows_more_than_ascii() {
        assert_eq!(folded("  ÅSA Öberg\n"), "åsa öberg");
        assert_eq!(folded("a\u{0}b"), "a b");
        assert_eq!(folded(&folded("ΣΊΣΥΦΟΣ İ")), folded("ΣΊΣΥΦΟΣ İ"), "folding twice changes nothing");
    }

    #[test]
    fn numbers_and_words_round_trip() {
        for kind in UserType::ALL {
            assert_eq!(UserType::from_code(kind.code()), Some(*kind));
        }
        for kind in ProviderType::ALL {
            assert_eq!(ProviderType::from_code(kind.code()), Some(*kind));
        }
        for kinship in Kinship::ALL {
            assert_eq!(Kinship::parse(kinship.as_str()), Some(kinship));
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for code in [10, 20, 30, 40] {
            assert_eq!(UserStatus::from_code(code).map(UserStatus::code), Some(code));
        }
        for kind in TokenKind::ALL {
            assert_eq!(TokenKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(gender_code("Female"), Some(2));
        assert_eq!(gender_code("robot"), None);
    }
}
