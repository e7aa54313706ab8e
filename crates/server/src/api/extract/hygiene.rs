//! What no field may hold: NUL characters (Postgres refuses them), texts and
//! nestings without end.

use serde_json::{Map, Value};

use super::super::error::ApiError;

/// Longest text of any one field, in bytes; fields have shorter limits of
/// their own.
const MAX_TEXT: usize = 100_000;

/// Longest name of a field, in bytes.
const MAX_NAME: usize = 200;

/// Deepest nesting of a field's value.
const MAX_DEPTH: usize = 16;

/// Refuses such values, naming the field.
pub(super) fn check(params: &Map<String, Value>) -> Result<(), ApiError> {
    for (name, value) in params {
        name_ok(name)?;
        walk(value, 1).map_err(|why| ApiError::field(name, why))?;
    }
    Ok(())
}

fn name_ok(name: &str) -> Result<(), ApiError> {
    if name.len() > MAX_NAME || name.contains('\0') {
        return Err(ApiError::malformed(
            "invalid_field_name",
            "A field's name is too long or has a NUL character.",
        ));
    }
    Ok(())
}

fn walk(value: &Value, depth: usize) -> Result<(), &'static str> {
    if depth > MAX_DEPTH {
        return Err("is nested too deeply");
    }
    match value {
        Value::String(text) => text_ok(text),
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, depth + 1)),
        Value::Object(object) => object.iter().try_for_each(|(name, item)| {
            text_ok(name)?;
            walk(item, depth + 1)
        }),
        _ => Ok(()),
    }
}

fn text_ok(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_TEXT {
        return Err("is too long");
    }
    if text.contains('\0') {
        return Err("must not hold NUL characters");
    }
    Ok(())
}
