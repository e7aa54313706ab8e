//! What an answer is, which questions are shown, what is missing, and what the
//! answers score.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Answers, Band, Field, Form, Kind, MAX_TEXT, MAX_WHOLE, Op, Rule, Score, Weight, When};

/// A score of some answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored<'f> {
    /// Which.
    pub code: &'f str,
    /// The sum.
    pub value: i64,
    /// Everything that counts and is shown was answered.
    pub complete: bool,
    /// What it means, once it is complete.
    pub band: Option<&'f Band>,
}

/// A pattern, within bounds of memory. Linear in the text, whatever it says.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().ok()
}

/// Yes or no, in every form that clients send.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite() && number.abs() <= 1e15)
}

fn whole(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.abs() <= MAX_WHOLE)
}

fn date(value: &Value) -> Option<&str> {
    let text = value.as_str()?.trim();
    (text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()).then_some(text)
}

/// A value that answers of this kind are compared with.
pub(super) fn comparable(kind: &Kind, value: &Value) -> Result<Value, String> {
    let found = match kind {
        Kind::Text { .. } => value.as_str().map(Value::from),
        Kind::Number { .. } => number(value).map(Value::from),
        Kind::Integer { .. } => whole(value).map(Value::from),
        Kind::Boolean => flag(value).map(Value::from),
        Kind::Date => date(value).map(Value::from),
        Kind::Choice { options, .. } => {
            options.iter().find(|one| *value == one.value).map(|one| one.value.as_str().into())
        }
        Kind::File => None,
    };
    found.ok_or_else(|| "cannot be compared with answers of that field".to_owned())
}

/// No answer at all.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

impl Field {
    /// An answer as it is kept; none for an empty one.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn answer(&self, value: &Value) -> Result<Option<Value>, String> {
        if is_empty(value) { Ok(None) } else { self.kind.take(value).map(Some) }
    }
}

impl Kind {
    fn take(&self, value: &Value) -> Result<Value, String> {
        match self {
            Self::Text { min, max, pattern } => text(value, *min, *max, pattern.as_deref()),
            Self::Number { min, max } => {
                let number = number(value).ok_or("must be a number")?;
                between(number, *min, *max)?;
                Ok(number.into())
            }
            Self::Integer { min, max } => {
                let number = whole(value).ok_or("must be a whole number")?;
                between(number, *min, *max)?;
                Ok(number.into())
            }
            Self::Boolean => Ok(flag(value).ok_or("must be true or false")?.into()),
            Self::Date => Ok(date(value).ok_or("must be a date such as 2027-01-31")?.into()),
            Self::Choice { options, many, min, max } => {
                let chosen: Vec<&Value> = match value {
                    Value::Array(all) if *many => all.iter().collect(),
                    one => vec![one],
                };
                let known = |one: &&Value| options.iter().any(|option| **one == option.value);
                if !chosen.iter().all(known) {
                    return Err("must be of its choices".to_owned());
                }
                // In the order of the choices, each once.
                let taken: Vec<&str> = options
                    .iter()
                    .map(|option| option.value.as_str())
                    .filter(|option| chosen.iter().any(|one| **one == *option))
                    .collect();
                if !many {
                    return Ok(taken.first().copied().unwrap_or_default().into());
                }
                let count = taken.len() as u64;
                if min.is_some_and(|min| count < min) || max.is_some_and(|max| count > max) {
                    return Err("too few or too many were chosen".to_owned());
                }
                Ok(taken.into())
            }
            Self::File => {
                value.as_str().map(Value::from).ok_or_else(|| "must be the id of a file".to_owned())
            }
        }
    }
}

fn between<T: PartialOrd + std::fmt::Display>(
    number: T,
    min: Option<T>,
    max: Option<T>,
) -> Result<(), String> {
    match (min, max) {
        (Some(min), _) if number < min => Err(format!("must be at least {min}")),
        (_, Some(max)) if number > max => Err(format!("must be at most {max}")),
        _ => Ok(()),
    }
}

fn text(value: &Value, min: Option<u64>, max: Option<u64>, pattern: Option<&str>) -> Result<Value, String> {
    let text = value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string));
    let text = text.ok_or("must be a text")?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("must not contain control characters".to_owned());
    }
    let length = text.chars().count() as u64;
    let most = max.unwrap_or(MAX_TEXT);
    if length > most {
        return Err(format!("must have at most {most} characters"));
    }
    if let Some(least) = min.filter(|least| length < *least) {
        return Err(format!("must have at least {least} characters"));
    }
    if pattern.and_then(compile).is_some_and(|pattern| !pattern.is_match(&text)) {
        return Err("is not of the form that is asked for".to_owned());
    }
    Ok(text.into())
}

impl Rule {
    fn holds(&self, answer: Option<&Value>) -> bool {
        let parts: &[Value] = match answer {
            Some(Value::Array(all)) => all,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let any = |fits: fn(Ordering) -> bool| {
            parts.iter().any(|part| compare(part, &self.value).is_some_and(fits))
        };
        match self.op {
            Op::Exists => Value::Bool(answer.is_some()) == self.value,
            Op::Equal => any(Ordering::is_eq),
            Op::Differs => !any(Ordering::is_eq),
            Op::More => any(Ordering::is_gt),
            Op::Less => any(Ordering::is_lt),
            Op::AtLeast => any(Ordering::is_ge),
            Op::AtMost => any(Ordering::is_le),
        }
    }
}

/// How two values of one kind stand; dates as they are written.
fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

impl When {
    fn holds(&self, kept: &Answers) -> bool {
        let mut rules = self.rules.iter().map(|rule| rule.holds(kept.get(&rule.field)));
        if self.any { rules.any(|holds| holds) } else { rules.all(|holds| holds) }
    }
}

impl Form {
    /// Which fields are shown, and the answers to them. Conditions look back
    /// only, so one pass tells: what is hidden counts as not answered for all
    /// that follows.
    #[must_use]
    pub fn shown(&self, answers: &Answers) -> (Vec<&Field>, Answers) {
        let (mut shown, mut kept) = (Vec::new(), Answers::new());
        for section in &self.sections {
            if section.when.as_ref().is_some_and(|when| !when.holds(&kept)) {
                continue;
            }
            for field in &section.fields {
                if field.when.as_ref().is_some_and(|when| !when.holds(&kept)) {
                    continue;
                }
                shown.push(field);
                if let Some(answer) = answers.get(&field.key) {
                    kept.insert(field.key.clone(), answer.clone());
                }
            }
        }
        (shown, kept)
    }

    /// Writes further answers over some, and leaves out what is hidden then. An
    /// empty answer takes one back.
    ///
    /// # Errors
    /// The field (or the unknown name) and why it was refused.
    pub fn merge(&self, before: &Answers, sent: &Answers) -> Result<Answers, (String, String)> {
        let mut answers = before.clone();
        for (key, value) in sent {
            let refused = |why: String| (key.clone(), why);
            let field = self.field(key).ok_or_else(|| refused("is no field of this form".to_owned()))?;
            match field.answer(value).map_err(refused)? {
                Some(answer) => answers.insert(key.clone(), answer),
                None => answers.remove(key),
            };
        }
        Ok(self.shown(&answers).1)
    }

    /// What is shown and required, and was not answered.
    #[must_use]
    pub fn missing(&self, answers: &Answers) -> Vec<&str> {
        let (shown, kept) = self.shown(answers);
        let missing = |field: &&Field| field.required && !kept.contains_key(&field.key);
        shown.into_iter().filter(missing).map(|field| field.key.as_str()).collect()
    }

    /// What the answers score.
    #[must_use]
    pub fn scores(&self, answers: &Answers) -> Vec<Scored<'_>> {
        let (shown, kept) = self.shown(answers);
        self.scores.iter().map(|score| score.of(&shown, &kept)).collect()
    }
}

impl Score {
    fn of(&self, shown: &[&Field], kept: &Answers) -> Scored<'_> {
        let counted: Vec<_> = shown
            .iter()
            .filter_map(|field| self.weights.get(&field.key).map(|weight| (weight, kept.get(&field.key))))
            .collect();
        let value = counted
            .iter()
            .filter_map(|(weight, answer)| answer.map(|answer| weight.of(answer)))
            .fold(0i64, i64::saturating_add);
        let complete = counted.iter().all(|(_, answer)| answer.is_some());
        let band = self.bands.iter().find(|band| complete && (band.from..=band.to).contains(&value));
        Scored { code: &self.code, value, complete, band }
    }
}

impl Weight {
    fn of(&self, answer: &Value) -> i64 {
        match (self, answer) {
            (Self::Factor(factor), _) => answer.as_i64().unwrap_or(0).saturating_mul(*factor),
            (Self::Options(all), Value::Array(chosen)) => {
                chosen.iter().filter_map(|one| all.get(one.as_str()?)).sum()
            }
            (Self::Options(all), Value::Bool(flag)) => {
                all.get(if *flag { "true" } else { "false" }).copied().unwrap_or(0)
            }
            (Self::Options(all), one) => one.as_str().and_then(|one| all.get(one)).copied().unwrap_or(0),
        }
    }
}
