//! Field types that take what clients really send: whole numbers as JSON
//! numbers or as text, flags as 1, 0, "1", "0", true, false, lists as arrays or
//! comma lists.

use std::{borrow::Cow, fmt, ops::Deref, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::Value;
use utoipa::{
    __dev::ComposeSchema,
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

/// A whole number, sent as a number or as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Int(pub i64);

/// The number of a user, a room or a visit: a positive [`Int`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub i64);

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

/// A text of at most `MAX` characters; numbers count as their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<const MAX: usize = 10_000>(pub String);

/// An array, or one text with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value).map_err(|_| E::custom("must be a smaller number"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i64, E> {
        // 2^53: beyond it a JSON float no longer stands for one whole number.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            return Ok(value as i64);
        }
        Err(E::custom("must be a whole number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<i64, E> {
        value.trim().parse().map_err(|_| E::custom("must be a whole number"))
    }
}

/// Anything else becomes one sentence about numbers, not about Rust types.
fn int<'de, D: Deserializer<'de>>(de: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(de)?;
    let read: Result<i64, serde_json::Error> = match &value {
        Value::Number(number) => number.deserialize_any(IntVisitor),
        Value::String(text) => IntVisitor.visit_str(text),
        _ => Err(serde_json::Error::custom("must be a whole number")),
    };
    read.map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        int(de).map(Self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        match int(de)? {
            id if id > 0 => Ok(Self(id)),
            _ => Err(D::Error::custom("must be an id")),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(de)?;
        let flag = match &value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        flag.map(Self).ok_or_else(|| D::Error::custom("must be 1 or 0"))
    }
}

/// A number with a point, or the same as text in a form.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(de)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let finite = number.filter(|number: &f64| number.is_finite());
        finite.map(Self).ok_or_else(|| D::Error::custom("must be a number"))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(de)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(D::Error::custom("must be a text")),
        };
        if text.chars().count() > MAX {
            return Err(D::Error::custom(format!("must have at most {MAX} characters")));
        }
        Ok(Self(text))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let items = match Value::deserialize(de)? {
            Value::Array(items) => items,
            Value::String(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
            number @ Value::Number(_) => vec![number],
            _ => return Err(D::Error::custom("must be a list")),
        };
        if items.len() > 1000 {
            return Err(D::Error::custom("must have at most 1000 items"));
        }
        items
            .into_iter()
            .map(|item| T::deserialize(item).map_err(D::Error::custom))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<const MAX: usize> Text<MAX> {
    /// The text without blanks around it.
    pub fn trimmed(&self) -> &str {
        self.0.trim()
    }

    /// The text without blanks around it, or nothing when none is left.
    pub fn filled(self) -> Option<String> {
        let text = self.0.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// The text read as another type.
    pub fn parse<T: FromStr>(&self) -> Result<T, T::Err> {
        self.0.trim().parse()
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

fn one_of(kinds: &[Type], description: &str) -> RefOr<Schema> {
    let mut schema = OneOfBuilder::new().description(Some(description));
    for kind in kinds {
        schema = schema.item(ObjectBuilder::new().schema_type(kind.clone()));
    }
    RefOr::T(Schema::OneOf(schema.build()))
}

macro_rules! schema {
    ([$($generics:tt)*] $type:ty, $name:expr, $schema:expr) => {
        impl<$($generics)*> ComposeSchema for $type {
            fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
                $schema
            }
        }
        impl<$($generics)*> ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::from($name)
            }
        }
    };
}

schema!([] Int, "Int", one_of(&[Type::Integer, Type::String], "A whole number, or its digits as text."));
schema!([] Id, "Id", one_of(&[Type::Integer, Type::String], "An id, as a number or as text."));
schema!([] Flag, "Flag", one_of(&[Type::Boolean, Type::Integer, Type::String], "1, 0, true or false."));
schema!([const MAX: usize] Text<MAX>, format!("Text{MAX}"), ObjectBuilder::new()
    .schema_type(Type::String)
    .max_length(Some(MAX))
    .build()
    .into());

impl<T: ComposeSchema> ComposeSchema for List<T> {
    fn compose(generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let items = generics.into_iter().next().unwrap_or_else(T::schema);
        let schema = OneOfBuilder::new()
            .description(Some("A list, or one text with commas."))
            .item(ArrayBuilder::new().items(items))
            .item(ObjectBuilder::new().schema_type(Type::String));
        RefOr::T(Schema::OneOf(schema.build()))
    }
}

impl<T: ComposeSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("List")
    }
}
