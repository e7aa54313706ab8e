//! Forms that a clinic makes itself: which fields there are and what they may
//! hold (a subset of JSON Schema 2020-12), how they are asked for (sections,
//! words per language, branching), and what answers score. A form comes in two
//! parts, `schema` and `ui`; both are read once into a [`Form`], and whatever is
//! not understood is refused where it stands.

mod answer;
mod node;
pub mod questionnaire;
mod read;
mod steps;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use answer::Scored;
pub use node::Refusal;
pub use read::read;

words! {
    /// When a form is asked for.
    Step {
        /// When somebody makes a login.
        SignUp = "sign_up";
        /// Before a visit is made.
        Intake = "intake";
        /// After it was made.
        PostIntake = "post_intake";
        /// After its call.
        PostCall = "post_call";
    }
}

words! {
    /// How an earlier answer is compared.
    Op {
        /// There is an answer, or (with `false`) there is none.
        Exists = "exists";
        /// An answer is this.
        Equal = "=";
        /// No answer is this; also while there is none.
        Differs = "!=";
        /// An answer is more.
        More = ">";
        /// An answer is less.
        Less = "<";
        /// An answer is this or more.
        AtLeast = ">=";
        /// An answer is this or less.
        AtMost = "<=";
    }
}

/// Most sections of a form.
pub const MAX_SECTIONS: usize = 30;
/// Most fields of a section.
pub const MAX_FIELDS: usize = 60;
/// Most choices of a field.
pub const MAX_OPTIONS: usize = 200;
/// Most rules of a condition.
pub const MAX_RULES: usize = 20;
/// Most scores of a form, and bands of a score.
pub const MAX_SCORES: usize = 20;
/// Most languages of one text.
pub const MAX_LANGUAGES: usize = 30;
/// Longest title, label or help, in characters.
pub const MAX_LABEL: usize = 2_000;
/// Longest text of an answer, in characters.
pub const MAX_TEXT: u64 = 10_000;
/// Longest pattern, in bytes.
pub const MAX_PATTERN: usize = 500;
/// Largest weight or factor of a score.
pub const MAX_WEIGHT: i64 = 1_000_000;
/// Most bytes of a form's two parts as JSON.
pub const MAX_FORM_BYTES: usize = 256 * 1024;
/// Most bytes of one set of answers as JSON.
pub const MAX_ANSWERS_BYTES: usize = 64 * 1024;
/// Forms of a clinic, retired ones too.
pub const MAX_FORMS: i64 = 200;
/// Largest whole number of an answer: what every JSON reader keeps exactly.
pub const MAX_WHOLE: i64 = 9_007_199_254_740_991;

/// A text by BCP 47 language.
pub type Words = BTreeMap<String, String>;
/// Answers by the keys of their fields.
pub type Answers = Map<String, Value>;

/// A form.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The language of texts that name none, and of whoever's is not there.
    pub language: String,
    /// The canonical address of a questionnaire that it was made of.
    pub url: Option<String>,
    /// One screen each, in their order.
    pub sections: Vec<Section>,
    /// What is computed of the answers.
    pub scores: Vec<Score>,
}

/// A screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What it is called; unique in the form.
    pub code: String,
    /// What people read above it.
    pub title: Words,
    /// Shown only then.
    pub when: Option<When>,
    /// What it asks, in this order.
    pub fields: Vec<Field>,
    /// Its `linkId` in a questionnaire, where that is another one than `code`.
    pub link_id: Option<String>,
    /// A questionnaire has its questions without a group around them.
    pub flat: bool,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in the answers; unique in the form.
    pub key: String,
    /// What an answer may be.
    pub kind: Kind,
    /// It has to be answered, when it is shown.
    pub required: bool,
    /// What people read.
    pub label: Words,
    /// What helps them to answer.
    pub help: Words,
    /// How a page shows it, such as `textarea`.
    pub widget: Option<String>,
    /// Shown only then.
    pub when: Option<When>,
    /// Its `linkId` in a questionnaire, where that is another one than `key`.
    pub link_id: Option<String>,
    /// What it is in terminologies.
    pub codes: Vec<Coding>,
}

/// A concept of a terminology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// Which terminology.
    pub system: String,
    /// The concept there.
    pub code: String,
    /// What it is called; may be empty.
    pub display: String,
}

/// What an answer may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text of a length in characters, of a pattern.
    Text {
        /// `minLength`.
        min: Option<u64>,
        /// `maxLength`.
        max: Option<u64>,
        /// `pattern`: a regular expression that it has to contain.
        pattern: Option<String>,
    },
    /// A number.
    Number {
        /// `minimum`.
        min: Option<f64>,
        /// `maximum`.
        max: Option<f64>,
    },
    /// A whole number.
    Integer {
        /// `minimum`.
        min: Option<i64>,
        /// `maximum`.
        max: Option<i64>,
    },
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// One of some choices, or several.
    Choice {
        /// Which there are.
        options: Vec<Choice>,
        /// Several may be taken.
        many: bool,
        /// `minItems` and `maxItems` of several.
        min: Option<u64>,
        /// As `min`.
        max: Option<u64>,
    },
    /// A file of the patient, by its id.
    File,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What an answer says.
    pub value: String,
    /// What people read; the value itself when empty.
    pub label: Words,
    /// The terminology that the value is a code of.
    pub system: Option<String>,
}

/// A condition on earlier answers. An answer that is not shown is none.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// One rule is enough; else all have to hold.
    pub any: bool,
    /// At least one.
    pub rules: Vec<Rule>,
}

/// A comparison with an earlier answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Of which field.
    pub field: String,
    /// How.
    pub op: Op,
    /// With what; true or false for [`Op::Exists`].
    pub value: Value,
}

/// A sum over answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// What it is called; unique in the form.
    pub code: String,
    /// What people read.
    pub name: Words,
    /// What the answers of fields count.
    pub weights: BTreeMap<String, Weight>,
    /// What sums mean.
    pub bands: Vec<Band>,
}

/// What an answer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weight {
    /// So many times the whole number that was answered.
    Factor(i64),
    /// By what was chosen (`true` and `false` of a yes or no); else nothing.
    Options(BTreeMap<String, i64>),
}

/// What a sum means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// What it is called.
    pub code: String,
    /// What people read.
    pub name: Words,
    /// The lowest sum.
    pub from: i64,
    /// The highest sum.
    pub to: i64,
}

impl Form {
    /// All fields in their order, each with its section.
    pub fn fields(&self) -> impl Iterator<Item = (&Section, &Field)> {
        self.sections.iter().flat_map(|section| section.fields.iter().map(move |field| (section, field)))
    }

    /// The field of a key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields().map(|(_, field)| field).find(|field| field.key == key)
    }

    /// A text for somebody who reads these languages, the dearest first; empty
    /// when there is none at all.
    #[must_use]
    pub fn say<'w>(&self, words: &'w Words, wanted: &[&str]) -> &'w str {
        let known: Vec<&str> = words.keys().map(String::as_str).collect();
        let mut wanted = wanted.to_vec();
        wanted.push(&self.language);
        let at = crate::consent::pick(&wanted, &known);
        at.and_then(|at| words.get(known[at])).map_or("", String::as_str)
    }
}

impl Choice {
    /// What people read.
    #[must_use]
    pub fn shown(&self, form: &Form, wanted: &[&str]) -> String {
        match form.say(&self.label, wanted) {
            "" => self.value.clone(),
            text => text.to_owned(),
        }
    }
}

/// A name of a field, a section or a score: 1 to 64 letters, digits, dots,
/// hyphens or underscores.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
