//! The clinic as an EHR reads it (FHIR R4). Read-only, and for programs alone:
//! an admin token whose app may do it. Which rows make a page is decided here;
//! how they are written is the server's `api/fhir`.

mod care;
mod forms;
mod papers;
mod people;
mod times;

use bedside_model::{UserId, fhir::When, identifier::Identifier, permission::Action};
use bedside_store::{Conn, identifiers};

use crate::{Actor, Error, Result, Who, authz};

pub use care::{CareView, list_appointments, list_encounters};
pub use forms::{QuestionnaireView, ResponseView, list_questionnaires, list_responses};
pub use papers::{list_consents, list_documents};
pub use people::{PersonView, list_patients, list_practitioners};
pub use times::{FreeSlot, list_locations, list_schedules, list_slots};

/// Most rows of a page.
pub const MAX_COUNT: i64 = 100;
/// Most values of one parameter.
pub const MAX_VALUES: usize = 50;

/// A value of a search by identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// In which system; any when it is not said.
    pub system: Option<String>,
    /// What it is called there.
    pub value: String,
}

/// What is searched for. `None` and empty spans do not narrow.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Logical ids, one of which it has.
    pub ids: Option<Vec<String>>,
    /// Identifiers, one of which it has.
    pub identifiers: Option<Vec<Token>>,
    /// Of what time it is.
    pub when: When,
    /// FHIR's words of its status.
    pub statuses: Option<Vec<String>>,
    /// Of which patient.
    pub patient: Option<UserId>,
    /// Of which provider.
    pub provider: Option<UserId>,
    /// In which room.
    pub location: Option<bedside_model::RoomId>,
    /// Of which schedule.
    pub schedule: Option<i64>,
    /// To which questionnaire, as a reference or its canonical address.
    pub questionnaire: Option<String>,
    /// Behind which row.
    pub after: Option<String>,
    /// How many rows, 1 to [`MAX_COUNT`].
    pub count: i64,
}

impl Ask {
    fn says(&self, word: &str) -> bool {
        self.statuses.as_ref().is_none_or(|all| all.iter().any(|one| one == word))
    }

    /// One more than asked for tells whether there is a next page.
    const fn limit(&self) -> i64 {
        self.count + 1
    }

    fn after_number(&self) -> Result<i64> {
        self.after.as_deref().map_or(Ok(0), |mark| mark.parse().map_err(|_| foreign_mark()))
    }
}

fn foreign_mark() -> Error {
    Error::field("_after", "is not the mark of a page of this search")
}

/// A page of rows.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in the order of the search.
    pub rows: Vec<T>,
    /// How many there are in all, where that is known.
    pub total: Option<i64>,
    /// What the next page lies behind, when there is one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page with its rows written otherwise.
    #[must_use]
    pub fn map<U>(self, write: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(write).collect(), total: self.total, next: self.next }
    }

    /// Few rows that were asked for by name.
    fn of_few(rows: Vec<T>) -> Self {
        Self { total: i64::try_from(rows.len()).ok(), rows, next: None }
    }

    /// Rows of which one more than asked for was read.
    fn cut(mut rows: Vec<T>, ask: &Ask, mark: impl Fn(&T) -> String) -> Self {
        let count = usize::try_from(ask.count).unwrap_or(0);
        let more = rows.len() > count;
        rows.truncate(count);
        let next = rows.last().filter(|_| more).map(mark);
        Self { rows, total: None, next }
    }
}

/// Only an app's token, and only with the scope.
fn admit(actor: &Actor) -> Result<()> {
    authz::account(actor, Action::FhirRead)?;
    if matches!(actor.who, Who::AdminToken { .. }) {
        return Ok(());
    }
    Err(Error::forbidden("app_only", "This door is for programs: send the admin token of an API app."))
}

/// The numbers among some logical ids; what is none names nothing.
fn numbers(ids: &[String]) -> Vec<i64> {
    let mut all: Vec<i64> = ids.iter().filter_map(|id| id.parse::<UserId>().ok()).map(|id| id.0).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What is in both, where both are asked for.
fn both(one: Option<Vec<i64>>, other: Option<Vec<i64>>) -> Option<Vec<i64>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.into_iter().filter(|id| other.contains(id)).collect()),
        (one, other) => one.or(other),
    }
}

/// What of a map belongs to a number.
fn taken(known: &mut identifiers::Known, id: i64) -> Vec<Identifier> {
    known.remove(&id).unwrap_or_default()
}

/// The system and value as the store asks for them; none for "no system",
/// which nothing of ours is without.
fn asked(token: &Token) -> Option<(Option<&str>, &str)> {
    match token.system.as_deref() {
        Some("") => None,
        system => Some((system, token.value.as_str())),
    }
}

type Reader<'c> = &'c mut Conn;
