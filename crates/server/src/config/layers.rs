//! Lays configuration sources over one another. The embedded defaults are the
//! schema: a name they do not have is unknown, and a value must have the type
//! of its default.

use toml::{Table, Value};

use super::{ConfigError, DEFAULTS, Sources};

/// Prefix of environment variables that are settings.
const ENV_PREFIX: &str = "BEDSIDE__";

/// The settings of all sources, later ones winning.
pub(super) fn merge(sources: &Sources) -> Result<Table, ConfigError> {
    let defaults: Table = DEFAULTS.parse().expect("config/default.toml is valid TOML");
    let mut merged = defaults.clone();
    if let Some(path) = &sources.file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ConfigError(format!("Cannot read the configuration file {name}: {e}.")))?;
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            ConfigError(format!("{name} is not valid TOML: {}", super::one_line(&e.to_string())))
        })?;
        overlay(&mut merged, table, "", &name)?;
    }
    for (name, value) in &sources.env {
        let Some(key) = name.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let path = key.to_lowercase().replace("__", ".");
        set(&mut merged, &path, value, &format!("environment variable {name}"))?;
    }
    for (path, value) in &sources.flags {
        set(&mut merged, path, value, "command line")?;
    }
    Ok(merged)
}

fn overlay(into: &mut Table, from: Table, at: &str, source: &str) -> Result<(), ConfigError> {
    for (key, value) in from {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let Some(known) = into.get_mut(&key) else {
            return Err(unknown(&path, source));
        };
        match (known, value) {
            (Value::Table(known), Value::Table(value)) => overlay(known, value, &path, source)?,
            (known, value) if known.same_type(&value) => *known = value,
            (known, value) => {
                return Err(ConfigError(format!(
                    "{source}: `{path}` must be {}, not {}.",
                    wanted(known),
                    wanted(&value)
                )));
            }
        }
    }
    Ok(())
}

/// Sets one setting from text, read as the type of its default.
fn set(table: &mut Table, path: &str, text: &str, source: &str) -> Result<(), ConfigError> {
    let (sections, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = table;
    for section in sections.split('.').filter(|section| !section.is_empty()) {
        here = match here.get_mut(section) {
            Some(Value::Table(inner)) => inner,
            _ => return Err(unknown(path, source)),
        };
    }
    match here.get_mut(name) {
        Some(Value::Table(_)) | None => Err(unknown(path, source)),
        Some(leaf) => {
            let value = read(leaf, text);
            *leaf =
                value.ok_or_else(|| ConfigError(format!("{source}: `{path}` must be {}.", wanted(leaf))))?;
            Ok(())
        }
    }
}

fn read(like: &Value, text: &str) -> Option<Value> {
    let text = text.trim();
    Some(match like {
        Value::Integer(_) => Value::Integer(text.parse().ok()?),
        Value::Boolean(_) => Value::Boolean(match text {
            "true" | "1" | "on" | "yes" => true,
            "false" | "0" | "off" | "no" => false,
            _ => return None,
        }),
        Value::Array(_) => Value::Array(
            text.trim_matches(['[', ']'])
                .split(',')
                .map(|item| item.trim().trim_matches('"'))
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        _ => Value::String(text.to_owned()),
    })
}

fn wanted(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts",
        Value::Table(_) => "a section",
        Value::String(_) => "a text",
        _ => "another kind of value",
    }
}

fn unknown(path: &str, source: &str) -> ConfigError {
    let near = nearest(path).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
    ConfigError(format!("{source}: there is no setting `{path}`.{near}"))
}

/// The known setting closest to a mistyped one, if any is close.
fn nearest(path: &str) -> Option<String> {
    let defaults: Table = DEFAULTS.parse().expect("config/default.toml is valid TOML");
    let mut names = Vec::new();
    collect(&defaults, "", &mut names);
    names
        .into_iter()
        .map(|name| (distance(path, &name), name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name)
}

fn collect(table: &Table, at: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match value {
            Value::Table(inner) => collect(inner, &path, names),
            _ => names.push(path),
        }
    }
}

/// Levenshtein distance: single-letter edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
