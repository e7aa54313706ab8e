//! The health record as a patient or those who treat them write it down: one
//! entry a fact, in sections with fields of their own (contract more.md 6.4).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

words! {
    /// A part of the record.
    Section {
        /// What somebody must not get.
        Allergies = "allergies";
        /// What they have or had.
        Conditions = "conditions";
        /// What they take.
        Medications = "medications";
        /// What was done to them.
        Surgeries = "surgeries";
        /// What runs in the family.
        FamilyHistory = "family_history";
        /// How they live; one entry.
        SocialHistory = "social_history";
        /// What they do and leave; one entry.
        HealthHabits = "health_habits";
    }
}

words! {
    /// What became of an entry.
    Status {
        /// It counts.
        Active = "active";
        /// It should never have been there. It is kept, and not shown unasked.
        EnteredInError = "entered_in_error";
    }
}

/// Most entries of a section that count at once.
pub const MAX_ENTRIES: i64 = 200;

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text of at most this many characters.
    Text(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number from 0 to this.
    Count(i64),
    /// A day, a month or a year: `2019-05-04`, `2019-05`, `2019`.
    Date,
    /// Up to this many of these words.
    Some(usize, &'static [&'static str]),
}

/// A field of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// An entry without it says nothing.
    pub required: bool,
}

const fn needs(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const LINE: Kind = Kind::Text(300);
const LONG: Kind = Kind::Text(2_000);
const RELATIONS: &[&str] = &[
    "mother",
    "father",
    "sister",
    "brother",
    "daughter",
    "son",
    "grandmother",
    "grandfather",
    "aunt",
    "uncle",
    "cousin",
    "other",
];
const MARITAL: &[&str] =
    &["single", "married", "partnered", "separated", "divorced", "widowed", "other", "not_said"];
const EDUCATION: &[&str] =
    &["none", "primary", "secondary", "vocational", "bachelor", "master", "doctorate", "other", "not_said"];
const USE: &[&str] = &["never", "former", "sometimes", "daily", "not_said"];

impl Section {
    /// The fields of an entry, in the order in which a page asks for them.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Allergies => {
                const {
                    &[
                        needs("substance", LINE),
                        may("reaction", LINE),
                        may("severity", Kind::OneOf(&["mild", "moderate", "severe"])),
                        may("since", Kind::Date),
                        may("comment", LONG),
                    ]
                }
            }
            Self::Conditions => {
                const {
                    &[
                        needs("details", LINE),
                        may("code", Kind::Text(64)),
                        may("since", Kind::Date),
                        may("until", Kind::Date),
                        may("comment", LONG),
                    ]
                }
            }
            Self::Medications => {
                const {
                    &[
                        needs("name", LINE),
                        may("dose", LINE),
                        may("frequency", LINE),
                        may("reason", LINE),
                        may("since", Kind::Date),
                        may("until", Kind::Date),
                        may("comment", LONG),
                    ]
                }
            }
            Self::Surgeries => {
                const {
                    &[
                        needs("procedure", LINE),
                        may("date", Kind::Date),
                        may("hospital", LINE),
                        may("comment", LONG),
                    ]
                }
            }
            Self::FamilyHistory => {
                const {
                    &[
                        needs("condition", LINE),
                        may("relations", Kind::Some(12, RELATIONS)),
                        may("comment", LONG),
                    ]
                }
            }
            Self::SocialHistory => {
                const {
                    &[
                        may("marital_status", Kind::OneOf(MARITAL)),
                        may("highest_education", Kind::OneOf(EDUCATION)),
                        may("occupation", LINE),
                        may("number_of_kids", Kind::Count(30)),
                        may("comment", LONG),
                    ]
                }
            }
            Self::HealthHabits => {
                const {
                    &[
                        may("smoking", Kind::OneOf(USE)),
                        may("alcohol", Kind::OneOf(USE)),
                        may("drugs", Kind::OneOf(USE)),
                        may("exercise", Kind::OneOf(&["never", "sometimes", "weekly", "daily", "not_said"])),
                        may("comment", LONG),
                    ]
                }
            }
        }
    }

    /// There is one entry of it: how somebody lives is one thing.
    #[must_use]
    pub const fn is_single(self) -> bool {
        matches!(self, Self::SocialHistory | Self::HealthHabits)
    }
}

/// What is wrong with which field.
pub type Fault = (String, String);

/// What an entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entry(BTreeMap<String, Value>);

impl Entry {
    /// Its fields.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The entry with what is said now; null or an empty text takes a field
    /// away, what is left out stays.
    ///
    /// # Errors
    /// The first field that does not fit, is not known or is missing.
    pub fn with(&self, section: Section, said: &Map<String, Value>) -> Result<Self, Fault> {
        let mut entry = self.clone();
        for (name, value) in said {
            let field = section.fields().iter().find(|field| field.name == name).ok_or_else(|| {
                let known: Vec<&str> = section.fields().iter().map(|field| field.name).collect();
                (name.clone(), format!("is not known here; use {}", known.join(", ")))
            })?;
            match field.kind.read(value).map_err(|why| (name.clone(), why))? {
                Some(value) => entry.0.insert(name.clone(), value),
                None => entry.0.remove(name),
            };
        }
        let missing =
            section.fields().iter().find(|field| field.required && !entry.0.contains_key(field.name));
        if let Some(field) = missing {
            return Err((field.name.to_owned(), "is required".to_owned()));
        }
        if entry.0.is_empty() {
            return Err((section.fields()[0].name.to_owned(), "say at least one thing".to_owned()));
        }
        Ok(entry)
    }
}

impl Kind {
    /// A value in the form it is kept in; none for an empty one.
    fn read(self, value: &Value) -> Result<Option<Value>, String> {
        // Forms send everything as text.
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => Some(text.trim()),
            _ => None,
        };
        Ok(Some(match self {
            Self::Text(most) => text
                .filter(|text| text.chars().count() <= most && !text.chars().any(is_control))
                .ok_or_else(|| format!("must be a text of at most {most} characters"))?
                .into(),
            Self::OneOf(words) => word(text, words)?,
            Self::Count(most) => value
                .as_i64()
                .or_else(|| text?.parse().ok())
                .filter(|count| (0..=most).contains(count))
                .ok_or_else(|| format!("must be a whole number from 0 to {most}"))?
                .into(),
            Self::Date => text
                .filter(|text| is_partial_date(text))
                .ok_or("must be a day, a month or a year, such as 2019-05-04, 2019-05 or 2019")?
                .into(),
            Self::Some(most, words) => {
                let listed: Vec<&str> = match (value, text) {
                    (Value::Array(all), _) => {
                        all.iter().map(|one| one.as_str().unwrap_or_default()).collect()
                    }
                    (_, Some(text)) => text.split(',').map(str::trim).collect(),
                    _ => Vec::new(),
                };
                let mut kept: Vec<Value> = Vec::new();
                for one in listed {
                    let one = word(Some(one), words)?;
                    if !kept.contains(&one) {
                        kept.push(one);
                    }
                }
                if kept.len() > most {
                    return Err(format!("must be at most {most} words"));
                }
                if kept.is_empty() {
                    return if matches!(value, Value::Array(_)) {
                        Ok(None)
                    } else {
                        word(None, words).map(Some)
                    };
                }
                kept.into()
            }
        }))
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn word(text: Option<&str>, words: &[&str]) -> Result<Value, String> {
    text.filter(|text| words.contains(text))
        .map(Value::from)
        .ok_or_else(|| format!("must be one of {}", words.join(", ")))
}

/// As FHIR R4's `date`: years, months and days that exist.
fn is_partial_date(text: &str) -> bool {
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        10 => text.to_owned(),
        _ => return false,
    };
    let digits = whole.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    digits && whole.as_str() >= "1850" && whole.parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn read(section: Section, value: Value) -> Result<Entry, Fault> {
        Entry::default().with(section, &map(value))
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases = [
            (Section::Allergies, json!({}), "substance"),
            (Section::Allergies, json!({ "substance": " " }), "substance"),
            (Section::Allergies, json!({ "substance": "Penicillin", "severity": "awful" }), "severity"),
            (Section::Allergies, json!({ "substance": "x".repeat(301) }), "substance"),
            (Section::Allergies, json!({ "substance": "a\u{0}b" }), "substance"),
            (Section::Allergies, json!({ "substance": ["Penicillin"] }), "substance"),
            (Section::Surgeries, json!({ "procedure": "Appendix", "date": "2019-02-30" }), "date"),
            (Section::Surgeries, json!({ "procedure": "Appendix", "date": "19-02" }), "date"),
            (Section::Surgeries, json!({ "procedure": "Appendix", "date": "2019-5" }), "date"),
            (Section::FamilyHistory, json!({ "condition": "Gout", "relations": ["neighbour"] }), "relations"),
            (Section::FamilyHistory, json!({ "condition": "Gout", "relations": 7 }), "relations"),
            (Section::SocialHistory, json!({ "number_of_kids": -1 }), "number_of_kids"),
            (Section::SocialHistory, json!({ "number_of_kids": 1.5 }), "number_of_kids"),
            (Section::SocialHistory, json!({}), "marital_status"),
            (Section::Medications, json!({ "name": "Aspirin", "colour": "white" }), "colour"),
        ];
        for (section, value, field) in cases {
            assert_eq!(read(section, value.clone()).unwrap_err().0, field, "{value}");
        }
    }

    #[test]
    fn a_form_says_the_same_as_json() {
        let json = json!({ "condition": "Gout", "relations": ["mother", "aunt", "mother"] });
        let form = json!({ "condition": " Gout ", "relations": "mother, aunt", "comment": "" });
        assert_eq!(read(Section::FamilyHistory, json), read(Section::FamilyHistory, form));
        let kids = |value: Value| read(Section::SocialHistory, json!({ "number_of_kids": value })).unwrap();
        assert_eq!(kids(json!(2)), kids(json!("2")));
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_emptied_goes() {
        let entry = read(Section::Medications, json!({ "name": "Aspirin", "dose": "100 mg" })).unwrap();
        let later =
            entry.with(Section::Medications, &map(json!({ "dose": null, "frequency": "daily" }))).unwrap();
        assert_eq!(Value::Object(later.fields()), json!({ "name": "Aspirin", "frequency": "daily" }));
        assert_eq!(entry.with(Section::Medications, &map(json!({ "name": "" }))).unwrap_err().0, "name");
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "(18|19|20)[0-9]{2}(-[0-9]{2}){0,2}".prop_map(Value::from),
            prop::sample::select([RELATIONS, MARITAL, USE, EDUCATION].concat()).prop_map(Value::from),
            prop::collection::vec(prop::sample::select(RELATIONS.to_vec()), 0..4).prop_map(Value::from),
        ]
    }

    proptest! {
        /// Whatever is accepted reads back as the same entry, and never holds
        /// what its section does not know.
        #[test]
        fn what_is_kept_reads_back_the_same(
            which in 0..Section::ALL.len(),
            values in prop::collection::vec(value(), 7),
        ) {
            let section = Section::ALL[which];
            let said: Map<String, Value> =
                section.fields().iter().zip(values).map(|(field, value)| (field.name.to_owned(), value)).collect();
            if let Ok(entry) = Entry::default().with(section, &said) {
                prop_assert_eq!(&Entry::default().with(section, &entry.fields()).unwrap(), &entry);
                prop_assert_eq!(&entry.with(section, &Map::new()).unwrap(), &entry);
                let kept: Entry = serde_json::from_value(serde_json::to_value(&entry).unwrap()).unwrap();
                prop_assert_eq!(&kept, &entry);
                prop_assert!(entry.fields().keys().all(|name| section.fields().iter().any(|field| field.name == name)));
            }
        }
    }
}
