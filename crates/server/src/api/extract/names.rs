//! Form and query names as PHP reads them: `type[]=200&type[]=600` is a list,
//! `sort[full_name]=asc` an object.

use serde_json::{Map, Value};

use super::super::error::ApiError;

/// Deepest nesting of one name, and most names in one form.
const MAX_DEPTH: usize = 8;
const MAX_PAIRS: usize = 1000;

/// Reads URL-encoded pairs.
pub(super) fn parse(encoded: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut params = Map::new();
    for (count, pair) in encoded.split(|byte| *byte == b'&').enumerate() {
        if pair.is_empty() {
            continue;
        }
        if count >= MAX_PAIRS {
            return Err(ApiError::malformed("too_many_fields", "The form has too many fields."));
        }
        let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let name = decode(&pair[..cut])
            .ok_or_else(|| ApiError::malformed("invalid_utf8", "A field's name is not valid UTF-8."))?;
        let value = decode(pair.get(cut + 1..).unwrap_or_default())
            .ok_or_else(|| ApiError::field(&root(&name), "is not valid UTF-8"))?;
        insert(&mut params, &name, Value::String(value))?;
    }
    Ok(finish(params))
}

/// `+` and `%XX` undone; `None` when the result is not UTF-8.
fn decode(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// The name before the first bracket: what refusals call the field.
fn root(name: &str) -> String {
    name.split('[').next().unwrap_or(name).to_owned()
}

/// Puts one value at the place its name says.
pub(super) fn insert(params: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), ApiError> {
    let (first, rest) = match name.find('[') {
        Some(at) if at > 0 && name.ends_with(']') => (&name[..at], &name[at + 1..name.len() - 1]),
        _ => {
            params.insert(name.to_owned(), value);
            return Ok(());
        }
    };
    let keys: Vec<&str> = rest.split("][").collect();
    if keys.len() > MAX_DEPTH {
        return Err(ApiError::field(first, "is nested too deeply"));
    }
    let mut here = params.entry(first).or_insert(Value::Null);
    for key in keys {
        if !here.is_object() {
            // A plain value under the same name gives way, as in PHP.
            *here = Value::Object(Map::new());
        }
        let object = here.as_object_mut().expect("made an object just above");
        let key = if key.is_empty() { object.len().to_string() } else { key.to_owned() };
        here = object.entry(key).or_insert(Value::Null);
    }
    *here = value;
    Ok(())
}

/// Objects that `insert` made with the keys 0, 1, 2 … become lists.
pub(super) fn finish(params: Map<String, Value>) -> Map<String, Value> {
    params.into_iter().map(|(name, value)| (name, lists(value))).collect()
}

fn lists(value: Value) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let object = finish(object);
    let mut items: Vec<(usize, &String)> =
        object.keys().filter_map(|key| Some((key.parse().ok()?, key))).collect();
    items.sort_unstable();
    let is_list = !object.is_empty()
        && items.len() == object.len()
        && items.iter().enumerate().all(|(index, (key, _))| index == *key);
    if !is_list {
        return Value::Object(object);
    }
    Value::Array(items.iter().map(|(_, key)| object[*key].clone()).collect())
}
