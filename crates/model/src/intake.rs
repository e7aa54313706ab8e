//! Intakes: the answers before a visit. Beside the documented fields a portal
//! may store anything (contract core.md 3.1); it comes back as it was sent.

use serde_json::{Map, Value};

/// Aliases that clients use, and the one name each is stored under (core.md C10).
const ALIASES: [(&str, &str); 4] = [
    ("provider", "provider_id"),
    ("reasonforvisit", "reason_for_visit"),
    ("room", "room_code"),
    ("reset", ""),
];

/// Fields that are columns of the intake and not answers.
const COLUMNS: [&str; 8] =
    ["id", "type", "member_id", "provider_id", "room_code", "visit_id", "created", "modified"];

/// The most an intake's answers may weigh as JSON, in bytes.
pub const MAX_ANSWERS_BYTES: usize = 64 * 1024;

/// Renames the aliases of a request in place and drops what is not stored.
/// A long name that is present wins over its alias.
pub fn normalize(body: &mut Map<String, Value>) {
    for (alias, name) in ALIASES {
        if let Some(value) = body.remove(alias)
            && !name.is_empty()
            && !body.contains_key(name)
        {
            body.insert(name.to_owned(), value);
        }
    }
}

/// The answers among a normalized request's fields: everything that is not a
/// column of the intake.
#[must_use]
pub fn answers(body: &Map<String, Value>) -> Map<String, Value> {
    body.iter()
        .filter(|(name, _)| !COLUMNS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The files that a request names, in any of the documented forms:
/// `[{"id": "…"}]`, `["…"]` or `"…,…"` (core.md 3.1). Null is none.
///
/// # Errors
/// Why the value is none of them.
pub fn attachment_ids(value: &Value) -> Result<Vec<String>, &'static str> {
    const FORMS: &str = "must be a list of files, of their ids, or the ids with commas";
    let id = |one: &Value| match one {
        Value::String(id) => Ok(id.trim().to_owned()),
        Value::Object(file) => {
            let id = file.get("id").or_else(|| file.get("_id"));
            id.and_then(Value::as_str).map(str::to_owned).ok_or(FORMS)
        }
        _ => Err(FORMS),
    };
    match value {
        Value::Null => Ok(Vec::new()),
        // Portals that post forms send the list as JSON in one field, too.
        Value::String(text) if text.trim_start().starts_with('[') => {
            let list: Vec<Value> = serde_json::from_str(text).map_err(|_| FORMS)?;
            list.iter().map(id).collect()
        }
        Value::String(text) => {
            Ok(text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect())
        }
        Value::Array(list) => list.iter().map(id).collect(),
        _ => Err(FORMS),
    }
}

/// True for answers that are the portal's own rather than documented ones;
/// those are echoed when an intake is created.
#[must_use]
pub fn is_custom(name: &str) -> bool {
    !COLUMNS.contains(&name)
        && !["reason_for_visit", "attachments", "location", "phone", "consultation"].contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn aliases_become_the_long_names() {
        let mut body = map(
            json!({"provider": "5", "reasonforvisit": "cough", "reset": "true", "room": "r", "room_code": "main"}),
        );
        normalize(&mut body);
        assert_eq!(
            Value::Object(body),
            json!({"provider_id": "5", "reason_for_visit": "cough", "room_code": "main"})
        );
    }

    #[test]
    fn attachments_in_all_three_forms() {
        let two = vec!["a".to_owned(), "b".to_owned()];
        for form in [
            json!([{"id": "a"}, {"id": "b"}]),
            json!(["a", "b"]),
            json!("a,b"),
            json!(" a , b ,"),
            json!("[{\"id\":\"a\"},\"b\"]"),
            json!([{"_id": "a"}, "b"]),
        ] {
            assert_eq!(attachment_ids(&form), Ok(two.clone()), "{form}");
        }
        for none in [json!(""), json!([]), json!(null)] {
            assert_eq!(attachment_ids(&none), Ok(Vec::new()), "{none}");
        }
        for bad in [json!(7), json!([7]), json!({"id": "a"}), json!([{"name": "a"}]), json!("[1")] {
            assert!(attachment_ids(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn custom_answers_keep_their_form() {
        let body = map(json!({"reason_for_visit": "x", "smoker": {"packs": [1, 2]}, "member_id": 7}));
        assert_eq!(
            Value::Object(answers(&body)),
            json!({"reason_for_visit": "x", "smoker": {"packs": [1, 2]}})
        );
        assert!(is_custom("smoker") && !is_custom("reason_for_visit") && !is_custom("member_id"));
    }
}
