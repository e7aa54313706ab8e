//! Reading a search (hl7.org/fhir/R4/search.html): the parameters that a
//! resource knows, and none that it does not. Leaving out what cannot be
//! understood would show an EHR more than it asked for.

use bedside_app::{
    Error,
    fhir::{Ask, MAX_COUNT, MAX_VALUES, Token},
};
use bedside_model::{RoomId, UserId, fhir::When};

use super::{super::error::ApiError, Resource};

/// Rows of a page when the search does not say.
const DEFAULT_COUNT: i64 = 20;
/// The mark of a page, made by us for `next` links.
pub(super) const AFTER: &str = "_after";

/// What a parameter narrows by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// `system|value`.
    Identifier,
    /// A date with its prefix.
    Date,
    /// FHIR's words of a status.
    Status,
    /// A reference to a Patient.
    Patient,
    /// A reference to a Practitioner or a Location.
    Actor,
    /// A reference to a Schedule.
    Schedule,
    /// A Questionnaire, by reference or canonical address.
    Questionnaire,
}

/// A parameter of a resource's search.
pub(super) struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it narrows by.
    pub by: By,
    /// What it says, for the CapabilityStatement.
    pub about: &'static str,
}

impl By {
    /// FHIR's type of the parameter.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Identifier | Self::Status => "token",
            Self::Date => "date",
            Self::Patient | Self::Actor | Self::Schedule | Self::Questionnaire => "reference",
        }
    }
}

/// A search as it was understood.
pub(super) struct Query {
    /// What is searched for.
    pub ask: Ask,
    /// The parameters again, the mark left out, for the bundle's links.
    pub pairs: Vec<(String, String)>,
}

fn bad(name: &str, why: &str) -> ApiError {
    Error::field(name, why).into()
}

impl Query {
    /// Reads a query string.
    pub fn read(resource: &Resource, text: &str) -> Result<Self, ApiError> {
        let mut ask = Ask { count: DEFAULT_COUNT, ..Ask::default() };
        let mut pairs = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if name == AFTER {
                ask.after = Some(value.into_owned());
                continue;
            }
            // An empty value is no parameter (3.1.1.3).
            if value.is_empty() || format(&name, &value)? {
                continue;
            }
            match name.as_ref() {
                "_id" => ask.ids = Some(together("_id", ask.ids, values(&value).collect())?),
                "_count" => {
                    let count: i64 = value.parse().map_err(|_| bad("_count", "use a number"))?;
                    if count < 1 {
                        return Err(bad("_count", "use a number above 0"));
                    }
                    ask.count = count.min(MAX_COUNT);
                }
                known => {
                    let found = resource.parameters.iter().find(|one| one.name == known);
                    let found = found
                        .ok_or_else(|| bad(known, "is no parameter of this search; see /fhir/R4/metadata"))?;
                    narrow(&mut ask, found, &value)?;
                }
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { ask, pairs })
    }
}

/// `_format` may say what is sent anyhow.
fn format(name: &str, value: &str) -> Result<bool, ApiError> {
    match (name, value) {
        ("_format", "json" | "application/json" | "application/fhir+json" | "application/fhir json") => {
            Ok(true)
        }
        ("_format", _) => Err(bad("_format", "this server writes JSON only")),
        _ => Ok(false),
    }
}

/// The values that a comma separates; any of them will do.
fn values(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// A parameter that is repeated narrows twice: what is in both lists.
fn together<T: PartialEq>(name: &str, known: Option<Vec<T>>, sent: Vec<T>) -> Result<Vec<T>, ApiError> {
    if sent.len() > MAX_VALUES {
        return Err(bad(name, "use at most 50 values"));
    }
    Ok(match known {
        Some(known) => known.into_iter().filter(|one| sent.contains(one)).collect(),
        None => sent,
    })
}

fn narrow(ask: &mut Ask, parameter: &Parameter, value: &str) -> Result<(), ApiError> {
    let name = parameter.name;
    match parameter.by {
        By::Identifier => {
            let tokens = values(value).map(|one| match one.split_once('|') {
                Some((system, value)) => Token { system: Some(system.to_owned()), value: value.to_owned() },
                None => Token { system: None, value: one },
            });
            ask.identifiers = Some(together(name, ask.identifiers.take(), tokens.collect())?);
        }
        By::Date => {
            let when = When::parse(value).ok_or_else(|| {
                bad(name, "use a date such as 2027-01-31, with eq, ge, gt, le, lt, sa or eb")
            })?;
            ask.when = ask.when.and(when);
        }
        By::Status => {
            // A token may name its system; there is one of these words only.
            let words = values(value).map(|one| one.rsplit('|').next().unwrap_or_default().to_owned());
            ask.statuses = Some(together(name, ask.statuses.take(), words.collect())?);
        }
        By::Patient => {
            let id = reference::<UserId>(value, "Patient");
            let id = id.ok_or_else(|| bad(name, "use a reference such as Patient/1001"))?;
            if ask.patient.is_some_and(|known| known != id) {
                return Err(bad(name, "name one patient"));
            }
            ask.patient = Some(id);
        }
        By::Actor => {
            let typed = value.contains('/');
            ask.provider = reference::<UserId>(value, "Practitioner").filter(|_| typed).or(ask.provider);
            ask.location = reference::<RoomId>(value, "Location").filter(|_| typed).or(ask.location);
            if ask.provider.is_none() && ask.location.is_none() {
                return Err(bad(name, "use a reference such as Practitioner/1002 or Location/1"));
            }
        }
        By::Questionnaire => {
            if ask.questionnaire.as_ref().is_some_and(|known| known != value) {
                return Err(bad(name, "name one questionnaire"));
            }
            ask.questionnaire = Some(value.to_owned());
        }
        By::Schedule => {
            let id = reference::<i64>(value, "Schedule");
            ask.schedule = Some(id.ok_or_else(|| bad(name, "use a reference such as Schedule/1"))?);
        }
    }
    Ok(())
}

/// The id of `Type/id`, of an address that ends so, or of the id alone.
fn reference<T: std::str::FromStr>(text: &str, kind: &str) -> Option<T> {
    let mut parts = text.rsplit('/');
    let id = parts.next()?;
    match parts.next() {
        Some(named) if named != kind => None,
        _ => id.parse().ok(),
    }
}
