//! From a [`Form`] to `schema` and `ui`, always in the same spelling.

use serde_json::{Map, Value, json};

use super::{Field, Form, Kind, Score, Section, Weight, When, Words};

/// The dialect of our schemas.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// An object without what says nothing.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let says = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    members.into_iter().filter(|(_, value)| says(value)).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn words(words: &Words) -> Value {
    words.iter().map(|(tag, text)| (tag.clone(), Value::from(text.as_str()))).collect::<Map<_, _>>().into()
}

fn codes(options: &[super::Choice]) -> Vec<&str> {
    options.iter().map(|one| one.value.as_str()).collect()
}

impl Kind {
    /// The property of the schema.
    pub(super) fn property(&self) -> Value {
        match self {
            Self::Text { min, max, pattern } => object([
                ("type", json!("string")),
                ("minLength", json!(min)),
                ("maxLength", json!(max)),
                ("pattern", json!(pattern)),
            ]),
            Self::Number { min, max } => {
                object([("type", json!("number")), ("minimum", json!(min)), ("maximum", json!(max))])
            }
            Self::Integer { min, max } => {
                object([("type", json!("integer")), ("minimum", json!(min)), ("maximum", json!(max))])
            }
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Date => json!({ "type": "string", "format": "date" }),
            Self::Choice { options, many: false, .. } => json!({ "type": "string", "enum": codes(options) }),
            Self::Choice { options, many: true, min, max } => object([
                ("type", json!("array")),
                ("items", json!({ "type": "string", "enum": codes(options) })),
                ("uniqueItems", json!(true)),
                ("minItems", json!(min)),
                ("maxItems", json!(max)),
            ]),
            Self::File => json!({ "type": "string", "format": "file" }),
        }
    }

    fn options(&self) -> Value {
        let Self::Choice { options, .. } = self else { return Value::Null };
        let option = |one: &super::Choice| {
            object([("value", json!(one.value)), ("label", words(&one.label)), ("system", json!(one.system))])
        };
        options.iter().map(option).collect()
    }
}

impl When {
    /// The condition as it is written.
    #[must_use]
    pub fn write(&self) -> Value {
        let rule =
            |rule: &super::Rule| json!({ "field": rule.field, "op": rule.op.as_str(), "value": rule.value });
        let rules: Vec<Value> = self.rules.iter().map(rule).collect();
        if self.any { json!({ "any": rules }) } else { json!({ "all": rules }) }
    }
}

impl Form {
    /// The fields as a JSON Schema.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields().map(|(_, field)| (field.key.clone(), field.kind.property())).collect();
        let required: Vec<&str> =
            self.fields().filter(|(_, field)| field.required).map(|(_, field)| field.key.as_str()).collect();
        json!({ "$schema": DIALECT, "type": "object", "properties": properties, "required": required,
            "additionalProperties": false })
    }

    /// How they are asked for.
    #[must_use]
    pub fn ui(&self) -> Value {
        object([
            ("language", json!(self.language)),
            ("url", json!(self.url)),
            ("sections", self.sections.iter().map(section).collect()),
            ("scores", self.scores.iter().map(score).collect()),
        ])
    }
}

fn section(section: &Section) -> Value {
    object([
        ("code", json!(section.code)),
        ("title", words(&section.title)),
        ("when", section.when.as_ref().map_or(Value::Null, When::write)),
        ("fields", section.fields.iter().map(field).collect()),
        ("link_id", json!(section.link_id)),
        ("flat", json!(section.flat)),
    ])
}

fn field(field: &Field) -> Value {
    let coding = |one: &super::Coding| {
        object([("system", json!(one.system)), ("code", json!(one.code)), ("display", json!(one.display))])
    };
    object([
        ("key", json!(field.key)),
        ("label", words(&field.label)),
        ("help", words(&field.help)),
        ("widget", json!(field.widget)),
        ("when", field.when.as_ref().map_or(Value::Null, When::write)),
        ("options", field.kind.options()),
        ("link_id", json!(field.link_id)),
        ("codes", field.codes.iter().map(coding).collect()),
    ])
}

fn score(score: &Score) -> Value {
    let weight = |weight: &Weight| match weight {
        Weight::Factor(factor) => json!(factor),
        Weight::Options(all) => json!(all),
    };
    let weights: Map<String, Value> =
        score.weights.iter().map(|(key, one)| (key.clone(), weight(one))).collect();
    let band = |band: &super::Band| {
        let mut one = object([("code", json!(band.code)), ("name", words(&band.name))]);
        (one["from"], one["to"]) = (json!(band.from), json!(band.to));
        one
    };
    object([
        ("code", json!(score.code)),
        ("name", words(&score.name)),
        ("weights", weights.into()),
        ("bands", score.bands.iter().map(band).collect()),
    ])
}
