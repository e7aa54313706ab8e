//! Accounts: what a clinic's wizards may look like (contract core.md 5.3), and
//! how they look until the clinic writes its own.
//!
//! A wizard is a list of steps; a step has sections; a section says of each
//! field what it must hold (`schema`) and how it is asked for (`form`). The
//! documented members are checked, all others are kept as they are: a portal
//! puts more into its steps than we know.

use serde_json::{Map, Value, json};

/// Most steps of one wizard.
const MAX_STEPS: usize = 30;
/// Most sections of one step, and most fields of one section.
const MAX_PARTS: usize = 60;
/// Most bytes of one wizard as JSON.
pub const MAX_WIZARD_BYTES: usize = 64 * 1024;

/// Which of a clinic's wizards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wizard {
    /// A patient makes a login.
    Signup,
    /// Before a visit is made.
    Intake,
    /// After it was made.
    PostIntake,
}

impl Wizard {
    /// The steps until the clinic writes its own.
    #[must_use]
    pub fn default_steps(self) -> Value {
        match self {
            Self::Signup => json!([{
                "name": "Your details", "code": "basic", "next": { "title": "Continue" },
                "sections": [{
                    "code": "basic",
                    "schema": {
                        "first_name": { "type": "string", "required": true, "maxLength": 100, "allowedEmpty": false },
                        "last_name": { "type": "string", "required": true, "maxLength": 100, "allowedEmpty": false },
                        "dob": { "type": "date", "required": true, "allowedEmpty": false },
                        "email": { "type": "email", "required": true, "maxLength": 254, "allowedEmpty": false },
                    },
                    "form": [
                        { "key": "first_name", "placeholder": "First name", "type": "text" },
                        { "key": "last_name", "placeholder": "Last name", "type": "text" },
                        { "key": "dob", "placeholder": "Date of birth", "type": "date" },
                        { "key": "email", "placeholder": "E-mail address", "type": "email" },
                    ],
                }],
            }]),
            Self::Intake => json!([{
                "name": "Reason for your visit", "code": "reason", "next": { "title": "Continue" },
                "sections": [{
                    "code": "reason",
                    "schema": {
                        "reason_for_visit": { "type": "string", "required": true, "maxLength": 4000, "allowedEmpty": false },
                    },
                    "form": [
                        { "key": "reason_for_visit", "placeholder": "What brings you here today?", "type": "textarea" },
                    ],
                }],
            }]),
            // Nothing has to be asked once the visit is made.
            Self::PostIntake => json!([]),
        }
    }
}

/// A clinic's own steps, with numbers and flags that came as text made numbers
/// and flags.
///
/// # Errors
/// Where it is not of the documented shape, in words that follow the field's
/// name.
pub fn steps(mut steps: Value) -> Result<Value, String> {
    let list = steps.as_array_mut().ok_or("must be a list of steps")?;
    if list.len() > MAX_STEPS {
        return Err(format!("must have at most {MAX_STEPS} steps"));
    }
    let mut codes = Vec::new();
    for (at, step) in list.iter_mut().enumerate() {
        let code = check_step(step).map_err(|why| format!("step {}: {why}", at + 1))?;
        if codes.contains(&code) {
            return Err(format!("step {}: the code {code} is there twice", at + 1));
        }
        codes.push(code);
    }
    if steps.to_string().len() > MAX_WIZARD_BYTES {
        return Err(format!("must have at most {MAX_WIZARD_BYTES} bytes"));
    }
    Ok(steps)
}

fn check_step(step: &mut Value) -> Result<String, String> {
    let step = object(step, "a step")?;
    let code = name(step, "code")?;
    text(step, "name", 128)?;
    if let Some(next) = step.get_mut("next") {
        text(object(next, "next")?, "title", 128)?;
    }
    for section in parts(step, "sections")? {
        check_section(section)?;
    }
    Ok(code)
}

fn check_section(section: &mut Value) -> Result<(), String> {
    let section = object(section, "a section")?;
    let code = name(section, "code")?;
    let within = |why: String| format!("section {code}: {why}");
    let mut fields = Vec::new();
    if let Some(schema) = section.get_mut("schema") {
        let schema = object(schema, "schema").map_err(within)?;
        if schema.len() > MAX_PARTS {
            return Err(within(format!("schema must have at most {MAX_PARTS} fields")));
        }
        for (key, rules) in schema.iter_mut() {
            check_rules(rules).map_err(|why| within(format!("{key}: {why}")))?;
            fields.push(key.clone());
        }
    }
    for item in parts(section, "form").map_err(within)? {
        let item = object(item, "a form entry").map_err(within)?;
        let key = name(item, "key").map_err(within)?;
        if !fields.contains(&key) {
            return Err(within(format!("the form asks for {key}, which the schema does not have")));
        }
        text(item, "placeholder", 300).map_err(within)?;
        text(item, "type", 40).map_err(within)?;
    }
    Ok(())
}

/// What a field must hold.
fn check_rules(rules: &mut Value) -> Result<(), String> {
    let rules = object(rules, "its rules")?;
    text(rules, "type", 40)?;
    if !rules.contains_key("type") {
        return Err("type is missing".to_owned());
    }
    for key in ["required", "allowedEmpty"] {
        if let Some(value) = rules.get_mut(key) {
            *value = flag(value).ok_or_else(|| format!("{key} must be true or false"))?.into();
        }
    }
    if let Some(value) = rules.get_mut("maxLength") {
        let length = whole(value).filter(|length| (1..=100_000).contains(length));
        *value = length.ok_or("maxLength must be a number from 1 to 100000")?.into();
    }
    if let Some(eligibility) = rules.get_mut("eligibility") {
        text(object(eligibility, "eligibility")?, "field", 64)?;
    }
    Ok(())
}

fn object<'v>(value: &'v mut Value, what: &str) -> Result<&'v mut Map<String, Value>, String> {
    value.as_object_mut().ok_or_else(|| format!("{what} must be an object"))
}

fn parts<'v>(of: &'v mut Map<String, Value>, key: &str) -> Result<&'v mut [Value], String> {
    match of.get_mut(key) {
        None => Ok(&mut []),
        Some(Value::Array(list)) if list.len() <= MAX_PARTS => Ok(list),
        Some(Value::Array(_)) => Err(format!("{key} must have at most {MAX_PARTS} entries")),
        Some(_) => Err(format!("{key} must be a list")),
    }
}

/// A text by which something is called: not empty, no blanks.
fn name(of: &Map<String, Value>, key: &str) -> Result<String, String> {
    let fits = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let name = of.get(key).and_then(Value::as_str).filter(fits);
    name.map(str::to_owned)
        .ok_or_else(|| format!("{key} must be 1 to 64 letters, digits, dots, hyphens or underscores"))
}

fn text(of: &Map<String, Value>, key: &str, max: usize) -> Result<(), String> {
    match of.get(key) {
        None => Ok(()),
        Some(Value::String(text)) if text.chars().count() <= max => Ok(()),
        Some(_) => Err(format!("{key} must be a text of at most {max} characters")),
    }
}

fn flag(value: &Value) -> Option<bool> {
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

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A host name without scheme, port or path: `portal.northside.example`.
#[must_use]
pub fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
        // An address is no name of a clinic.
        && !text.split('.').next_back().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_own_steps_are_of_the_documented_shape() {
        for wizard in [Wizard::Signup, Wizard::Intake, Wizard::PostIntake] {
            assert_eq!(steps(wizard.default_steps()), Ok(wizard.default_steps()));
        }
    }

    #[test]
    fn texts_of_forms_become_numbers_and_unknown_members_stay() {
        let sent = json!([{ "code": "a", "icon": "heart", "sections": [{ "code": "s",
            "schema": { "x": { "type": "string", "required": "1", "maxLength": "20", "allowedEmpty": "false", "hint": "h" } },
            "form": [{ "key": "x" }] }] }]);
        let kept = steps(sent).unwrap();
        let rules = &kept[0]["sections"][0]["schema"]["x"];
        assert_eq!(
            *rules,
            json!({ "type": "string", "required": true, "maxLength": 20, "allowedEmpty": false, "hint": "h" })
        );
        assert_eq!(kept[0]["icon"], "heart");
    }

    #[test]
    fn every_slip_is_named() {
        let section = |section: Value| json!([{ "code": "a", "sections": [section] }]);
        for (sent, said) in [
            (json!({}), "list of steps"),
            (json!([1]), "step 1: a step must be an object"),
            (json!([{ "name": "No code" }]), "step 1: code must be"),
            (json!([{ "code": "a b" }]), "code must be"),
            (json!([{ "code": "a" }, { "code": "a" }]), "step 2: the code a is there twice"),
            (json!([{ "code": "a", "name": 4 }]), "name must be a text"),
            (json!([{ "code": "a", "next": "x" }]), "next must be an object"),
            (json!([{ "code": "a", "sections": {} }]), "sections must be a list"),
            (section(json!({ "code": "s", "schema": [] })), "section s: schema must be an object"),
            (section(json!({ "code": "s", "schema": { "x": {} } })), "x: type is missing"),
            (section(json!({ "code": "s", "schema": { "x": { "type": "t", "required": 7 } } })), "required"),
            (
                section(json!({ "code": "s", "schema": { "x": { "type": "t", "maxLength": 0 } } })),
                "maxLength",
            ),
            (section(json!({ "code": "s", "form": [{ "key": "y" }] })), "which the schema does not have"),
            (Value::from(vec![json!({ "code": "a" }); 31]), "at most 30 steps"),
            (json!([{ "code": "a", "more": "x".repeat(MAX_WIZARD_BYTES) }]), "bytes"),
        ] {
            let why = steps(sent.clone()).unwrap_err();
            assert!(why.contains(said), "{sent}: {why}");
        }
    }

    #[test]
    fn hosts_are_names() {
        for good in ["portal.northside.example", "a.b", "api-1.example.org"] {
            assert!(is_host(good), "{good}");
        }
        for bad in
            ["", "localhost", "127.0.0.1", "A.example", "a..b", "-a.b", "https://a.b", "a.b:80", "a.b/c"]
        {
            assert!(!is_host(bad), "{bad}");
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let words =
            ["code", "name", "next", "title", "sections", "schema", "form", "key", "type", "required", "x"];
        let word = (0..words.len()).prop_map(move |n| words[n].to_owned());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(word.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_taken_is_taken_again_unchanged(sent in anything()) {
            if let Ok(kept) = steps(sent) {
                prop_assert_eq!(steps(kept.clone()), Ok(kept));
            }
        }
    }
}
