//! Surveys: what a clinic asks after a visit, and what is an answer. A simple
//! schema of three kinds of question; the survey with which visits are rated is
//! built in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Code of the built-in survey.
pub const VISIT_RATING: &str = "visit_rating";
/// Its question of one to five stars.
pub const STARS: &str = "stars";

/// Most questions of a survey.
pub const MAX_QUESTIONS: usize = 50;
/// Most choices of a question.
pub const MAX_CHOICES: usize = 50;
/// Longest title, question or choice, in characters.
pub const MAX_LABEL: usize = 500;
/// Longest free text of an answer, in characters.
pub const MAX_TEXT: usize = 5_000;
/// Longest code, in characters.
pub const MAX_CODE: usize = 64;
/// Surveys of a clinic, retired ones too.
pub const MAX_SURVEYS: i64 = 100;

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A whole number from `min` to `max`: 1 to 5 or 0 to 10.
    Rating,
    /// One of the choices, or some of them.
    Choice,
    /// Free text.
    Text,
}

impl Kind {
    /// The wire word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rating => "rating",
            Self::Choice => "choice",
            Self::Text => "text",
        }
    }

    /// The kind of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Rating, Self::Choice, Self::Text].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One of the choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What an answer says.
    pub code: String,
    /// What people read.
    pub label: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its name in the answers.
    pub code: String,
    /// How it is answered.
    pub kind: Kind,
    /// What people read.
    pub label: String,
    /// It has to be answered.
    pub required: bool,
    /// The best rating: 5 (from 1) or 10 (from 0). 0 for other kinds.
    pub max: i64,
    /// More than one choice may be taken.
    pub multiple: bool,
    /// The choices.
    pub choices: Vec<Choice>,
}

impl Question {
    /// The lowest rating.
    #[must_use]
    pub const fn min(&self) -> i64 {
        if self.max == 5 { 1 } else { 0 }
    }
}

/// What the built-in survey asks.
#[must_use]
pub fn visit_rating() -> Vec<Question> {
    let question = |code: &str, kind, label: &str, required, max| Question {
        code: code.to_owned(),
        kind,
        label: label.to_owned(),
        required,
        max,
        multiple: false,
        choices: Vec::new(),
    };
    vec![
        question(STARS, Kind::Rating, "How was your visit?", true, 5),
        question("comment", Kind::Text, "Is there anything you would like to tell us?", false, 0),
    ]
}

/// Title of the built-in survey.
pub const VISIT_RATING_TITLE: &str = "Your visit";

/// May a survey, a question or a choice have this code?
#[must_use]
pub fn is_code(code: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    !code.is_empty() && code.len() <= MAX_CODE && code.chars().all(fits)
}

fn is_label(label: &str) -> bool {
    !label.trim().is_empty()
        && label.chars().count() <= MAX_LABEL
        && !label.chars().any(|c| c.is_control() && c != '\n')
}

/// Checks the questions of a survey.
///
/// # Errors
/// Why they cannot be asked.
pub fn check(questions: &[Question]) -> Result<(), String> {
    if questions.is_empty() || questions.len() > MAX_QUESTIONS {
        return Err(format!("use 1 to {MAX_QUESTIONS} questions"));
    }
    let mut seen = BTreeSet::new();
    for question in questions {
        let of = |why: &str| Err(format!("question {}: {why}", question.code));
        if !is_code(&question.code) {
            return Err("a question needs a code of lower-case letters, digits, _ and -".to_owned());
        }
        if !seen.insert(&question.code) {
            return of("its code is used twice");
        }
        if !is_label(&question.label) {
            return of("its label needs 1 to 500 characters");
        }
        let choices: BTreeSet<&str> = question.choices.iter().map(|choice| choice.code.as_str()).collect();
        match question.kind {
            Kind::Rating if !matches!(question.max, 5 | 10) => {
                return of("a rating goes up to 5 (from 1) or to 10 (from 0)");
            }
            Kind::Choice if choices.len() < 2 || choices.len() > MAX_CHOICES => {
                return of("it needs 2 to 50 different choices");
            }
            Kind::Choice if choices.len() != question.choices.len() => {
                return of("a choice's code is used twice");
            }
            Kind::Choice
                if !question.choices.iter().all(|one| is_code(&one.code) && is_label(&one.label)) =>
            {
                return of("a choice needs a code and a label");
            }
            Kind::Rating | Kind::Text if !question.choices.is_empty() => return of("it takes no choices"),
            _ => {}
        }
    }
    Ok(())
}

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// A rating.
    Rating(i64),
    /// Free text, or the choice that was taken.
    Text(String),
    /// The choices that were taken.
    Choices(Vec<String>),
}

/// Answers by the codes of their questions.
pub type Answers = BTreeMap<String, Answer>;

/// Reads answers as they were sent, where numbers may be text. An empty answer
/// is none.
///
/// # Errors
/// The question (or the unknown name) and why it was refused.
pub fn read(
    questions: &[Question],
    sent: &serde_json::Map<String, serde_json::Value>,
) -> Result<Answers, (String, String)> {
    let known = |name: &String| questions.iter().any(|question| question.code == *name);
    if let Some(name) = sent.keys().find(|name| !known(name)) {
        return Err((name.clone(), "is no question of this survey".to_owned()));
    }
    let mut answers = Answers::new();
    for question in questions {
        let value = sent.get(&question.code).filter(|value| !is_empty(value));
        let Some(value) = value else {
            if question.required {
                return Err((question.code.clone(), "is required".to_owned()));
            }
            continue;
        };
        let answer = one(question, value).map_err(|why| (question.code.clone(), why))?;
        answers.insert(question.code.clone(), answer);
    }
    if answers.is_empty() {
        return Err(("answers".to_owned(), "answer at least one question".to_owned()));
    }
    Ok(answers)
}

fn is_empty(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::String(text) => text.trim().is_empty(),
        serde_json::Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn one(question: &Question, value: &serde_json::Value) -> Result<Answer, String> {
    match question.kind {
        Kind::Rating => {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            let fits = number.filter(|number| (question.min()..=question.max).contains(number));
            fits.map(Answer::Rating)
                .ok_or_else(|| format!("use a whole number from {} to {}", question.min(), question.max))
        }
        Kind::Text => {
            let text = value.as_str().ok_or("use a text")?.trim();
            if text.chars().count() > MAX_TEXT {
                return Err(format!("use at most {MAX_TEXT} characters"));
            }
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return Err("leave out control characters".to_owned());
            }
            Ok(Answer::Text(text.to_owned()))
        }
        Kind::Choice => {
            let known = |code: &str| question.choices.iter().any(|choice| choice.code == code);
            let unknown = || "use the codes of its choices".to_owned();
            match value {
                serde_json::Value::Array(all) if question.multiple => {
                    let codes: Option<BTreeSet<&str>> = all.iter().map(|code| code.as_str()).collect();
                    let codes =
                        codes.filter(|codes| codes.iter().all(|code| known(code))).ok_or_else(unknown)?;
                    Ok(Answer::Choices(codes.into_iter().map(str::to_owned).collect()))
                }
                serde_json::Value::String(code) if known(code) && question.multiple => {
                    Ok(Answer::Choices(vec![code.clone()]))
                }
                serde_json::Value::String(code) if known(code) => Ok(Answer::Text(code.clone())),
                _ => Err(unknown()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn asked() -> Vec<Question> {
        let choice = |code: &str| Choice { code: code.to_owned(), label: code.to_owned() };
        let mut all = visit_rating();
        all.push(Question {
            code: "how".to_owned(),
            kind: Kind::Choice,
            label: "How did you hear of us?".to_owned(),
            required: false,
            max: 0,
            multiple: true,
            choices: vec![choice("friend"), choice("web")],
        });
        all
    }

    fn said(value: serde_json::Value) -> Result<Answers, (String, String)> {
        read(&asked(), value.as_object().unwrap())
    }

    #[test]
    fn the_built_in_survey_can_be_asked() {
        assert_eq!(check(&visit_rating()), Ok(()));
        assert_eq!(check(&asked()), Ok(()));
    }

    #[test]
    fn answers_are_read_in_every_encoding_and_checked() {
        let read =
            said(json!({ "stars": "4", "comment": " Good. ", "how": ["web", "friend", "web"] })).unwrap();
        assert_eq!(read["stars"], Answer::Rating(4));
        assert_eq!(read["comment"], Answer::Text("Good.".to_owned()));
        assert_eq!(read["how"], Answer::Choices(vec!["friend".to_owned(), "web".to_owned()]));
        for (bad, field) in [
            (json!({ "comment": "x" }), "stars"),
            (json!({ "stars": 0 }), "stars"),
            (json!({ "stars": 6 }), "stars"),
            (json!({ "stars": 2.5 }), "stars"),
            (json!({ "stars": 3, "how": "tv" }), "how"),
            (json!({ "stars": 3, "other": 1 }), "other"),
            (json!({ "stars": 3, "comment": "a\u{0}" }), "comment"),
        ] {
            assert_eq!(said(bad.clone()).unwrap_err().0, field, "{bad}");
        }
    }

    #[test]
    fn questions_that_cannot_be_asked_are_refused() {
        assert!(check(&[]).is_err());
        let change = |with: &dyn Fn(&mut Question)| {
            let mut all = asked();
            with(&mut all[2]);
            check(&all)
        };
        assert!(change(&|q| q.code = "stars".to_owned()).is_err());
        assert!(change(&|q| q.choices.truncate(1)).is_err());
        assert!(change(&|q| q.choices[0].code = "web".to_owned()).is_err());
        assert!(change(&|q| q.label = " ".to_owned()).is_err());
        assert!(change(&|q| q.kind = Kind::Text).is_err());
        assert!(change(&|q| (q.kind, q.max, q.choices) = (Kind::Rating, 7, Vec::new())).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_in_range_and_survives_the_store(stars in -20i64..20, text in ".{0,40}") {
            if let Ok(answers) = said(json!({ "stars": stars, "comment": text })) {
                prop_assert!((1..=5).contains(&stars));
                let kept = serde_json::to_string(&answers).unwrap();
                prop_assert_eq!(serde_json::from_str::<Answers>(&kept).unwrap(), answers);
            }
        }
    }
}
