//! Reading JSON with the path of everything that is refused.

use serde_json::{Map, Value};

/// Where something stands that cannot be taken (`ui.sections[0].when`), and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The path.
    pub path: String,
    /// Words that follow it.
    pub why: String,
}

/// A value with its path.
#[derive(Clone)]
pub(super) struct Node<'v> {
    pub path: String,
    pub value: &'v Value,
}

impl<'v> Node<'v> {
    pub fn new(path: &str, value: &'v Value) -> Self {
        Self { path: path.to_owned(), value }
    }

    pub fn refusal(&self, why: impl Into<String>) -> Refusal {
        Refusal { path: self.path.clone(), why: why.into() }
    }

    pub fn refuse<T>(&self, why: impl Into<String>) -> Result<T, Refusal> {
        Err(self.refusal(why))
    }

    /// An object that has none but these members.
    pub fn object(&self, known: &[&str]) -> Result<&'v Map<String, Value>, Refusal> {
        let map = self.map()?;
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal {
                path: format!("{}.{key}", self.path),
                why: "is not understood here".to_owned(),
            }),
            None => Ok(map),
        }
    }

    /// An object of any members.
    pub fn map(&self) -> Result<&'v Map<String, Value>, Refusal> {
        self.value.as_object().ok_or_else(|| self.refusal("must be an object"))
    }

    /// A member; null is none.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { path: format!("{}.{key}", self.path), value })
    }

    /// A member that has to be there.
    pub fn must(&self, key: &str) -> Result<Self, Refusal> {
        let missing = || Refusal { path: format!("{}.{key}", self.path), why: "is required".to_owned() };
        self.get(key).ok_or_else(missing)
    }

    pub fn list(&self, longest: usize) -> Result<Vec<Self>, Refusal> {
        let Some(all) = self.value.as_array() else { return self.refuse("must be a list") };
        if all.len() > longest {
            return self.refuse(format!("must have at most {longest} entries"));
        }
        let item = |(at, value)| Self { path: format!("{}[{at}]", self.path), value };
        Ok(all.iter().enumerate().map(item).collect())
    }

    pub fn text(&self, longest: usize) -> Result<String, Refusal> {
        let Some(text) = self.value.as_str() else { return self.refuse("must be a text") };
        if text.chars().count() > longest {
            return self.refuse(format!("must have at most {longest} characters"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return self.refuse("must not contain control characters");
        }
        Ok(text.to_owned())
    }

    pub fn name(&self) -> Result<String, Refusal> {
        let fits = self.value.as_str().filter(|text| super::is_name(text));
        fits.map(str::to_owned)
            .ok_or_else(|| self.refusal("must be 1 to 64 letters, digits, dots, hyphens or underscores"))
    }

    /// A whole number, also one that a form sent as text.
    pub fn whole(&self) -> Result<i64, Refusal> {
        let number = self.value.as_i64().or_else(|| self.value.as_str()?.trim().parse().ok());
        number
            .filter(|number| number.abs() <= super::MAX_WHOLE)
            .ok_or_else(|| self.refusal("must be a whole number"))
    }

    /// A length or a count.
    pub fn length(&self, longest: u64) -> Result<u64, Refusal> {
        let number = u64::try_from(self.whole()?).ok().filter(|number| *number <= longest);
        number.ok_or_else(|| self.refusal(format!("must be from 0 to {longest}")))
    }

    pub fn number(&self) -> Result<f64, Refusal> {
        let number = self.value.as_f64().or_else(|| self.value.as_str()?.trim().parse().ok());
        number
            .filter(|number| number.is_finite() && number.abs() <= 1e15)
            .ok_or_else(|| self.refusal("must be a number"))
    }

    pub fn flag(&self) -> Result<bool, Refusal> {
        super::answer::flag(self.value).ok_or_else(|| self.refusal("must be true or false"))
    }
}
